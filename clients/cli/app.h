/* Setting up and taking down what the verbs share. */
#ifndef MODQ_APP_H
#define MODQ_APP_H

#include "cli.h"

/* From the options and the environment. False: memory is out. */
bool app_find_endpoints(struct app *app);
void app_look_around(struct app *app);
void app_close(struct app *app);

#endif
