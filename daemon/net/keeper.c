#include "keeper.h"

#include <string.h>
#include <systemd/sd-daemon.h>

#include "../work/reload.h"

enum { HEALTH_EVERY_MS = 1000, LOOKS_A_WATCHDOG = 4, WAITING_MAX = 64 };

void keeper_init(struct keeper *keeper, struct worker *const threads[THREAD_COUNT], bool also_health)
{
    uint64_t watchdog_us = 0;

    *keeper = (struct keeper){.every_ms = also_health ? HEALTH_EVERY_MS : 0};
    memcpy(keeper->threads, threads, sizeof(keeper->threads));
    keeper->end = &keeper->first;
    if (sd_watchdog_enabled(0, &watchdog_us) <= 0)
        return;
    int64_t wanted = (int64_t)(watchdog_us / 1000 / LOOKS_A_WATCHDOG);
    if (!keeper->every_ms || wanted < keeper->every_ms)
        keeper->every_ms = wanted > 0 ? wanted : 1;
}

static bool post(struct worker *worker, const struct settings *take_over)
{
    struct request *request = request_new();

    if (!request)
        return false;
    request->door = DOOR_INSIDE;
    request->verb = &verb_probe;
    request->take_over = take_over;
    if (worker_post_inside(worker, request))
        return true;
    request_free(request);
    return false;
}

void keeper_tick(struct keeper *keeper, int64_t now_ms)
{
    if (!keeper->every_ms || now_ms < keeper->due_at || keeper->probes > 0)
        return;
    keeper->due_at = now_ms + keeper->every_ms;
    keeper->failed = false;
    for (int i = 0; i < THREAD_COUNT; i++)
        keeper->probes += post(keeper->threads[i], NULL);
}

bool keeper_queue(struct keeper *keeper, struct request *request)
{
    if (keeper->waiting == WAITING_MAX)
        return false;
    request->next = NULL;
    *keeper->end = request;
    keeper->end = &request->next;
    keeper->waiting++;
    return true;
}

struct request *keeper_next(struct keeper *keeper)
{
    struct request *next = keeper->first;

    if (!next || keeper->holders > 0 || keeper->reload)
        return NULL;
    keeper->first = next->next;
    if (!keeper->first)
        keeper->end = &keeper->first;
    keeper->waiting--;
    return next;
}

bool keeper_reload(struct keeper *keeper, struct request *request, struct settings *old)
{
    const struct settings *fresh = request->take_over;

    if (!worker_post_inside(keeper->threads[THREAD_WRITER], request))
        return false;
    keeper->retired = old;
    keeper->holders = 1;
    for (int i = THREAD_WRITER + 1; i < THREAD_COUNT; i++)
        if (post(keeper->threads[i], fresh))
            keeper->holders++;
        else /* it goes on by the old ones: they must stay for ever */
            keeper->retired = NULL;
    return true;
}

static void let_go(struct keeper *keeper)
{
    if (--keeper->holders > 0)
        return;
    settings_free(keeper->retired);
    keeper->retired = NULL;
}

static void take_probe(struct keeper *keeper, const struct request *probe)
{
    keeper->failed |= probe->fault.code == E_INTERNAL;
    if (--keeper->probes == 0 && !keeper->failed)
        sd_notify(0, "WATCHDOG=1");
}

bool keeper_done(struct keeper *keeper, struct request *request)
{
    bool probe = request->verb == &verb_probe;

    if (request->take_over)
        let_go(keeper);
    else if (probe)
        take_probe(keeper, request);
    if (!request->take_over || probe || keeper->holders == 0)
        return true;
    keeper->reload = request;
    return false;
}

struct request *keeper_reloaded(struct keeper *keeper)
{
    struct request *request = keeper->holders == 0 ? keeper->reload : NULL;

    if (request)
        keeper->reload = NULL;
    return request;
}

void keeper_end(struct keeper *keeper)
{
    settings_free(keeper->retired);
    keeper->retired = NULL;
    keeper->holders = 0;
}
