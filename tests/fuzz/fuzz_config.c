/* The configuration: any text as the daemon's file, and what stands behind a NUL as the text of every policy that it
 * names. Settings that are taken keep the rules of docs/configuration.md; what is refused says where. */
#include "fuzz.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/config.h"
#include "../../proto/fields.h"

#define NAME "modqd.conf"

static void check_limits(const struct settings *s)
{
    for (int i = 0; i < LIMIT_COUNT; i++)
        DEMAND(s->limits.value[i] >= limit_table[i].least && s->limits.value[i] <= limit_table[i].most);
    DEMAND(s->limits.value[LIMIT_RESERVE_BYTES] <= s->limits.value[LIMIT_DATABASE_BYTES] / 2);
    DEMAND(s->heartbeat_ms >= 100 && s->heartbeat_ms <= 60000);
    DEMAND(s->credit_timeout_ms >= 1000 && s->credit_timeout_ms <= 600000);
}

/* "tcp://ADDRESS:PORT" on this machine alone. */
static bool is_loopback(const char *address)
{
    return strncmp(address, "tcp://127.", 10) == 0 || strncmp(address, "tcp://[::1]:", 12) == 0 ||
           strncmp(address, "tcp://[0", 8) == 0;
}

static void check_endpoint(const struct settings *s, enum settings_socket which, const struct settings_endpoint *at)
{
    bool ipc = strncmp(at->address, "ipc://", 6) == 0;

    DEMAND(ipc || strncmp(at->address, "tcp://", 6) == 0);
    DEMAND((at->kind == ENDPOINT_IPC) == ipc);
    DEMAND(at->kind != ENDPOINT_OPEN || (s->insecure_loopback && is_loopback(at->address)));
    DEMAND(which != SOCKET_DECISIONS || ipc || s->single_owner);
}

static void check_listen(const struct settings *s)
{
    const char *seen[SOCKET_COUNT * ENDPOINTS_MAX];
    size_t n = 0;

    DEMAND(s->listen[SOCKET_DESK].count > 0);
    for (int which = 0; which < SOCKET_COUNT; which++) {
        const struct settings_listen *listen = &s->listen[which];
        DEMAND(listen->count <= ENDPOINTS_MAX && (listen->mode == 0600 || listen->mode == 0660));
        for (size_t i = 0; i < listen->count; i++) {
            check_endpoint(s, (enum settings_socket)which, &listen->endpoints[i]);
            for (size_t j = 0; j < n; j++)
                DEMAND(strcmp(seen[j], listen->endpoints[i].address) != 0);
            seen[n++] = listen->endpoints[i].address;
        }
    }
}

static void check_sites(const struct settings *s)
{
    struct fault fault;

    DEMAND(s->policy);
    for (size_t i = 0; i < s->site_count; i++) {
        struct slice name = slice_of(s->sites[i].name);
        DEMAND(field_check_text(name, FIELD_NAME, 1, 64, NULL, NULL, &fault));
        DEMAND(s->sites[i].policy && settings_policy(s, name));
        for (size_t j = 0; j < i; j++)
            DEMAND(strcmp(s->sites[j].name, s->sites[i].name) != 0);
    }
}

static void check_settings(const struct settings *s)
{
    const char *names[32];

    DEMAND(s->dir);
    check_limits(s);
    check_listen(s);
    check_sites(s);
    DEMAND(!s->metrics || strncmp(s->metrics, "127.", 4) == 0 || s->metrics[0] == '[');
    DEMAND(settings_restart_needed(s, s, names, 32) == 0);
}

/* A complaint names the file; where a line is said, it is one that there is. Those of a policy begin with its name. */
static void check_complaint(const char *said, const char *text)
{
    long lines = 1;
    char *end;

    for (; *text; text++)
        lines += *text == '\n';
    DEMAND(said[0]);
    if (strncmp(said, NAME ":", strlen(NAME ":")) != 0) {
        DEMAND(strchr(said, ':') || strncmp(said, "no directory", 12) == 0 || strncmp(said, "cannot open", 11) == 0);
        return;
    }
    long line = strtol(said + strlen(NAME ":"), &end, 10);
    if (*end == ':')
        DEMAND(line >= 1 && line <= lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_begin(data, size);
    const char *dir = fuzz_byte(&input) & 1 ? "/var/lib/modqd" : NULL;
    char *text = fuzz_text(fuzz_rest(&input));
    char said[2048] = "";
    size_t len = strlen(text);

    fuzz_file = len + 1 < size ? text + len + 1 : NULL;
    struct settings *settings = config_load_text(dir, NAME, text, said, sizeof(said));
    fuzz_count(settings != NULL);
    if (settings)
        check_settings(settings);
    else
        check_complaint(said, text);
    settings_free(settings);
    fuzz_file = NULL;
    free(text);
    return 0;
}
