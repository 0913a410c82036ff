/* The configuration file, in the syntax of libConfuse (docs/configuration.md). */
#ifndef MODQD_CONFIG_H
#define MODQD_CONFIG_H

#include "work/settings.h"

/* Makes the settings of `dir` (may be NULL when the file names one) and the file `path` (NULL: none). Reads the
 * policies. NULL with the file, the line where it is known, and the reason. */
struct settings *config_load(const char *dir, const char *path, char *reason, size_t reason_bytes);

/* The same from text; `name` stands for the file's name in what is said. */
struct settings *config_load_text(const char *dir, const char *name, const char *text, char *reason,
                                  size_t reason_bytes);

#endif
