/* What is asked without changing anything: hello, policy, status, list, show, history, stats. */
#ifndef MODQD_READ_H
#define MODQD_READ_H

#include "request.h"
#include "work.h"

bool hello_decode(struct request *request, const struct settings *settings);
void hello_run(struct work *work, struct request *request, struct out *out);

bool policy_request_decode(struct request *request, const struct settings *settings);
void policy_run(struct work *work, struct request *request, struct out *out);

bool status_decode(struct request *request, const struct settings *settings);
void status_run(struct work *work, struct request *request, struct out *out);

bool list_decode(struct request *request, const struct settings *settings);
void list_run(struct work *work, struct request *request, struct out *out);

bool show_decode(struct request *request, const struct settings *settings);
void show_run(struct work *work, struct request *request, struct out *out);

bool history_decode(struct request *request, const struct settings *settings);
void history_run(struct work *work, struct request *request, struct out *out);

bool stats_decode(struct request *request, const struct settings *settings);
void stats_run(struct work *work, struct request *request, struct out *out);

#endif
