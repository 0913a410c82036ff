/* Setting up and taking down what the verbs share. */
#ifndef MODQ_APP_H
#define MODQ_APP_H

#include "cli.h"

/* From the options and the environment. False: memory is out. */
/* Reads the key file, if one is to be used, and takes from it the endpoints that were not given. False: said why. */
bool app_load_key(struct app *app);

bool app_find_endpoints(struct app *app);
void app_look_around(struct app *app);
void app_close(struct app *app);

#endif
