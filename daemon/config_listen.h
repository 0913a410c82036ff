/* The section `listen` of the configuration: endpoints, and who may open the ipc sockets. */
#ifndef MODQD_CONFIG_LISTEN_H
#define MODQD_CONFIG_LISTEN_H

#include <confuse.h>

#include "work/settings.h"

enum { CONFIG_LISTEN_OPTIONS = 4 * SOCKET_COUNT + 1 };

/* Fills the options of the section for libConfuse. */
void config_listen_options(cfg_opt_t options[CONFIG_LISTEN_OPTIONS]);

/* Reads the section into settings->listen (NULL: the defaults). dir, insecure_loopback and single_owner are read
 * already. False with the field and the reason. */
bool config_listen_take(struct settings *settings, cfg_t *section, char *reason, size_t reason_bytes);

/* True when `text` is ADDRESS:PORT with an address of loopback, as for metrics. */
bool config_is_loopback_port(const char *text);

/* What kind of endpoint this is. False with the reason when it is none that can be bound. */
bool config_endpoint_kind(const char *address, bool insecure_loopback, enum endpoint_kind *kind, char *reason,
                          size_t reason_bytes);

#endif
