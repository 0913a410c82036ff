/* SIGINT and SIGTERM as a wish to end in good order; the second one ends at once. */
#ifndef MODQ_STOP_H
#define MODQ_STOP_H

#include <stdbool.h>

void stop_catch(void);
bool stop_asked(void);

#endif
