/* What a monitor should hear of an answer: lines of the log with ids (log_ids.h). */
#ifndef MODQD_TELL_H
#define MODQD_TELL_H

#include "../work/counters.h"
#include "../work/request.h"

/* To be called when the answer of `request` is known: keys that changed, what was denied, which limit was reached, and
 * what was refused on the push socket, whose sender learns it nowhere else. */
void tell_answered(const struct request *request);

/* `refused` connections were closed at once since the start, because there are too many. */
void tell_connections(struct counters *counters, int64_t refused);

#endif
