/* withdraw, report, article, confirm: what a web server says besides handing in comments. */
#ifndef MODQD_FRONT_H
#define MODQD_FRONT_H

#include "request.h"
#include "work.h"

bool withdraw_decode(struct request *request, const struct settings *settings);
void withdraw_run(struct work *work, struct request *request, struct out *out);

bool report_decode(struct request *request, const struct settings *settings);
void report_run(struct work *work, struct request *request, struct out *out);

bool article_request_decode(struct request *request, const struct settings *settings);
void article_run(struct work *work, struct request *request, struct out *out);

bool confirm_decode(struct request *request, const struct settings *settings);
void confirm_run(struct work *work, struct request *request, struct out *out);

#endif
