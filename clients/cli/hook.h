/* Commands that are run beside the program and may hang: each in a process group of its own, ended after a minute. */
#ifndef MODQ_HOOK_H
#define MODQ_HOOK_H

#include <stdbool.h>

/* Runs `sh -c command` with the variables ("NAME=value", NULL at the end) besides the program's own, and standard input
 * from /dev/null. Does not wait. False: said why. */
bool hook_run(const char *command, const char *const *variables);

/* To be called now and then: takes back what has ended, says so when it failed, ends what runs for too long. */
void hook_look_after(void);

/* Ends all that still runs: within two seconds, or by force. */
void hook_end_all(void);

#endif
