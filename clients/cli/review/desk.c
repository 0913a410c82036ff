#include "desk.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "../say.h"
#include "../when.h"
#include "wire.h"

enum {
    TICK_MS = 1000,
    LEAVE_MS = 3000,    /* so long the daemon has to answer what was decided last */
    ATTEMPTS_MS = 4000, /* given to the library at a time, unless --timeout says otherwise */
};

/* Signals come while it waits, and at no other time. */
static volatile sig_atomic_t end_asked, resize_asked, stop_asked_for;

static void on_signal(int number)
{
    if (number == SIGWINCH)
        resize_asked = 1;
    else if (number == SIGTSTP)
        stop_asked_for = 1;
    else
        end_asked++;
}

static const int heard[] = {SIGTERM, SIGHUP, SIGINT, SIGWINCH, SIGTSTP};
enum { HEARD = sizeof(heard) / sizeof(heard[0]) };

struct signals {
    sigset_t before;
    struct sigaction action[HEARD], pipe;
};

/* An output that nobody reads any more is told by its writing, so that what is held is given back. */
static void hear_signals(struct signals *signals)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigset_t all;

    end_asked = resize_asked = stop_asked_for = 0;
    sigemptyset(&all);
    sigemptyset(&action.sa_mask);
    sigemptyset(&ignored.sa_mask);
    for (int i = 0; i < HEARD; i++)
        sigaddset(&all, heard[i]);
    sigprocmask(SIG_BLOCK, &all, &signals->before);
    for (int i = 0; i < HEARD; i++)
        sigaction(heard[i], &action, &signals->action[i]);
    sigaction(SIGPIPE, &ignored, &signals->pipe);
}

static void stop_hearing(const struct signals *signals)
{
    for (int i = 0; i < HEARD; i++)
        sigaction(heard[i], &signals->action[i], NULL);
    sigaction(SIGPIPE, &signals->pipe, NULL);
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

/* Stops as every program does, whatever was made of the signal here. */
static void suspend(struct desk *desk)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction ours;
    sigset_t stop;

    sigemptyset(&usual.sa_mask);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigaction(SIGTSTP, &usual, &ours);
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    desk->face->suspend(desk);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    sigaction(SIGTSTP, &ours, NULL);
}

static void heed_signals(struct desk *desk, int64_t now)
{
    if (end_asked > 1)
        desk->hurry = true;
    if (end_asked)
        review_leave(&desk->review, now);
    if (resize_asked)
        desk->face->resized(desk);
    if (stop_asked_for)
        suspend(desk);
    resize_asked = stop_asked_for = 0;
}

void desk_key(struct desk *desk, int32_t key, int64_t now)
{
    if (key == CONTROL('z')) {
        suspend(desk);
        return;
    }
    if (desk->review.leaving && (key == 'q' || key == CONTROL('c')))
        desk->hurry = true;
    review_key(&desk->review, key, now);
}

static int shorter(int a, int b)
{
    return a >= 0 && a < b ? a : b;
}

static bool wait_for_something(struct desk *desk, const struct wire *wire, const struct signals *signals, bool readable)
{
    enum appetite appetite = readable ? desk->face->ready(desk) : READS_NOT;
    struct pollfd fds[] = {{.fd = appetite == READS ? STDIN_FILENO : -1, .events = POLLIN},
                           {.fd = wire_fd(wire), .events = POLLIN}};
    int wait = appetite == READS_ONCE ? 0 : shorter(wire_wait_ms(wire, when_now()), TICK_MS);
    struct timespec time = {wait / 1000, (long)(wait % 1000) * 1000000};

    bool some = ppoll(fds, 2, &time, &signals->before) > 0 && fds[0].revents != 0;
    return some || appetite == READS_ONCE;
}

/* True until all is done, or there is no use in waiting any longer. */
static bool goes_on(const struct desk *desk, int64_t *left_at, int64_t now)
{
    if (!desk->review.leaving)
        return true;
    if (*left_at == 0)
        *left_at = now;
    return !review_is_over(&desk->review) && !desk->hurry && now - *left_at < LEAVE_MS;
}

static int loop(struct desk *desk, struct wire *wire, const struct signals *signals)
{
    struct review *review = &desk->review;
    int64_t left_at = 0;
    bool readable = true;
    int64_t now = when_now();

    review_start(review, now);
    for (;;) {
        if (!wire_run(wire, review, now))
            return EXIT_LOCAL;
        if (!goes_on(desk, &left_at, now))
            return EXIT_DONE;
        desk->face->draw(desk, now);
        if (ferror(stdout)) /* nobody sees what they would decide */
            review_leave(review, now);
        bool input = wait_for_something(desk, wire, signals, readable);
        now = when_now();
        heed_signals(desk, now);
        if (input && !desk->face->read(desk, now)) {
            readable = false;
            review_leave(review, now);
        }
        review_time(review, now);
    }
}

int desk_run(struct desk *desk, const struct face *face, void *own)
{
    struct app *app = desk->app;
    struct wire *wire = wire_open(app->desk, app_timeout_ms(app, ATTEMPTS_MS));
    struct signals signals;

    if (!wire)
        return EXIT_LOCAL;
    desk->face = face;
    desk->own = own;
    hear_signals(&signals);
    int code = loop(desk, wire, &signals);
    stop_hearing(&signals);
    wire_close(wire);
    return code;
}
