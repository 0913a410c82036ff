/* The command line. */
#ifndef MODQD_ARGUMENTS_H
#define MODQD_ARGUMENTS_H

#include <stdbool.h>

/* Exit codes: stable, in modqd(8). EXIT_BROKEN is the code of --fsck when it found something, too. */
enum { EXIT_DONE = 0, EXIT_BROKEN = 1, EXIT_USAGE = 2, EXIT_START = 3 };

struct arguments {
    const char *dir, *config, *new_server_key; /* NULL: not given */
    bool check, restored, fsck;
};

/* EXIT_DONE, or EXIT_USAGE when it has been said what is wrong. --help and --version end the process. */
int arguments_parse(int argc, char **argv, struct arguments *arguments);

#endif
