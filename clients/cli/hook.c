#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

enum { HOOKS_MOST = 16, PATIENCE_MS = 60000, MERCY_MS = 5000, END_MS = 2000, STEP_MS = 20 };

/* A command that runs; pid 0: a free place. */
static struct hook {
    pid_t pid;
    int64_t started, told; /* boot clock, ms; told: when it was asked to end, 0: it was not */
    bool killed;
} hooks[HOOKS_MOST];

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- running */

static bool is_replaced(const char *variable, const char *const *variables)
{
    for (size_t i = 0; variables[i]; i++)
        if (strncmp(variable, variables[i], strcspn(variables[i], "=") + 1) == 0)
            return true;
    return false;
}

/* These variables, and the program's own but for those of the same names. The list is the caller's, its strings are
 * not. */
static char **environment(const char *const *variables)
{
    size_t most = 0;
    size_t n = 0;

    while (environ[most])
        most++;
    for (size_t i = 0; variables[i]; i++)
        most++;
    char **list = calloc(most + 1, sizeof(*list));
    for (size_t i = 0; list && variables[i]; i++)
        list[n++] = (char *)variables[i];
    for (size_t i = 0; list && environ[i]; i++)
        if (!is_replaced(environ[i], variables))
            list[n++] = environ[i];
    return list;
}

static int spawn(pid_t *pid, const char *command, char **variables)
{
    char *const arguments[] = {"sh", "-c", (char *)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t signals;

    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&how, &signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&how, &signals);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(pid, "/bin/sh", &files, &how, arguments, variables);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

bool hook_run(const char *command, const char *const *variables)
{
    struct hook *hook = hooks;

    while (hook < hooks + HOOKS_MOST && hook->pid)
        hook++;
    if (hook == hooks + HOOKS_MOST) {
        complain("%d commands still run; this one is left out", HOOKS_MOST);
        return false;
    }
    char **list = environment(variables);
    pid_t pid = 0;
    int error = list ? spawn(&pid, command, list) : ENOMEM;
    free(list);
    if (error)
        complain("the command cannot be run: %s", strerror(error));
    else
        *hook = (struct hook){.pid = pid, .started = now_ms()};
    return error == 0;
}

/* ---- looking after */

static void say_end(int status)
{
    if (WIFSIGNALED(status))
        complain("the command was ended by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        complain("the command ended with exit code %d", WEXITSTATUS(status));
}

static bool reap(struct hook *hook)
{
    int status;

    pid_t ended = waitpid(hook->pid, &status, WNOHANG);
    if (ended == 0)
        return false;
    if (ended == hook->pid)
        say_end(status);
    hook->pid = 0;
    return true;
}

static void ask_to_end(struct hook *hook)
{
    kill(-hook->pid, SIGTERM);
    hook->told = now_ms();
}

static void force_to_end(struct hook *hook)
{
    kill(-hook->pid, SIGKILL);
    hook->killed = true;
}

void hook_look_after(void)
{
    int64_t now = now_ms();

    for (struct hook *hook = hooks; hook < hooks + HOOKS_MOST; hook++) {
        if (!hook->pid || reap(hook))
            continue;
        if (!hook->told && now - hook->started > PATIENCE_MS) {
            complain("the command still runs after %d s; ending it", PATIENCE_MS / 1000);
            ask_to_end(hook);
        } else if (hook->told && !hook->killed && now - hook->told > MERCY_MS) {
            force_to_end(hook);
        }
    }
}

static bool any_runs(void)
{
    bool any = false;

    for (struct hook *hook = hooks; hook < hooks + HOOKS_MOST; hook++)
        any |= hook->pid && !reap(hook);
    return any;
}

void hook_end_all(void)
{
    static const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    int64_t end = now_ms() + END_MS;

    for (struct hook *hook = hooks; hook < hooks + HOOKS_MOST; hook++)
        if (hook->pid)
            ask_to_end(hook);
    while (any_runs()) {
        for (struct hook *hook = hooks; now_ms() > end && hook < hooks + HOOKS_MOST; hook++)
            if (hook->pid && !hook->killed)
                force_to_end(hook);
        nanosleep(&step, NULL);
    }
}
