#include "metrics.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../clock.h"
#include "../store/store.h"
#include "address.h"
#include "collect.h"

enum { CONNECTIONS_MAX = 32, CONNECTIONS_OF_ONE = 16, TIMEOUT_S = 10 };

/* Everything but start and stop happens on libmicrohttpd's one thread, so the store has one user. */
struct metrics {
    struct metrics_sources sources;
    char *database;
    struct store *store;
    struct MHD_Daemon *http;
    uint16_t port;
};

/* answers */

static enum MHD_Result send_response(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response,
                                     const char *type)
{
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_line(struct MHD_Connection *connection, unsigned status, const char *line)
{
    char text[HEALTH_WHY_BYTES + 2];
    int n = snprintf(text, sizeof(text), "%s\n", line);

    return send_response(connection, status, MHD_create_response_from_buffer((size_t)n, text, MHD_RESPMEM_MUST_COPY),
                         "text/plain; charset=utf-8");
}

static enum MHD_Result answer_health(const struct metrics *metrics, struct MHD_Connection *connection)
{
    char why[HEALTH_WHY_BYTES];

    if (health_is_good(metrics->sources.health, clock_boot_ms(), why))
        return send_line(connection, MHD_HTTP_OK, "ok");
    return send_line(connection, MHD_HTTP_SERVICE_UNAVAILABLE, why);
}

static enum MHD_Result answer_metrics(const struct metrics *metrics, struct MHD_Connection *connection)
{
    struct exposition out = {0};

    collect_counters(&out, &metrics->sources, clock_boot_ms());
    collect_store(&out, &metrics->sources, metrics->store, clock_wall_ms());
    collect_process(&out, &metrics->sources);
    if (out.failed) {
        free(out.text);
        return send_line(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(out.len, out.text, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(out.text);
    return send_response(connection, MHD_HTTP_OK, response, "text/plain; version=0.0.4; charset=utf-8");
}

/* requests */

static enum MHD_Result check_host(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    bool *ours = arg;

    (void)kind;
    if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0)
        *ours &= value && address_is_ours(value);
    return MHD_YES;
}

/* A page in a browser on this machine must not read us under a name of its own. */
static bool host_is_ours(struct MHD_Connection *connection)
{
    bool ours = true;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, check_host, &ours);
    return ours;
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_bytes, void **context)
{
    const struct metrics *metrics = self;
    bool health = strcmp(url, "/healthz") == 0;

    (void)version;
    (void)upload;
    if (*upload_bytes) { /* a question without a body is all that is understood */
        *upload_bytes = 0;
        return MHD_NO;
    }
    if (*context == self)
        return health ? answer_health(metrics, connection) : answer_metrics(metrics, connection);
    *context = self; /* an answer before the second call would close the connection */
    if (!host_is_ours(connection))
        return send_line(connection, MHD_HTTP_FORBIDDEN, "ask by address, or as localhost");
    if (!health && strcmp(url, "/metrics") != 0)
        return send_line(connection, MHD_HTTP_NOT_FOUND, "there are /metrics and /healthz");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return send_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD alone");
    return MHD_YES;
}

/* life */

/* The listener is libmicrohttpd's from now on, which may have closed it when it does not start. */
static struct MHD_Daemon *start_http(struct metrics *metrics, int listener)
{
    return MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, metrics,
                            MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                            MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_OF_ONE,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_END);
}

static bool open_all(struct metrics *metrics, const char *address, char *reason, size_t reason_bytes)
{
    const struct metrics_sources *sources = &metrics->sources;

    metrics->store = store_sqlite_open(sources->database, true, sources->database_bytes, reason, reason_bytes);
    if (!metrics->store)
        return false;
    int listener = sources->inherited > 0 ? sources->inherited : address_listen(address, reason, reason_bytes);
    if (listener < 0)
        return false;
    metrics->port = address_port(listener);
    if (sources->on_listener)
        sources->on_listener(listener);
    metrics->http = start_http(metrics, listener);
    if (metrics->http)
        return true;
    snprintf(reason, reason_bytes, "metrics: %s: the HTTP server cannot be started", address);
    return false;
}

struct metrics *metrics_start(const char *address, const struct metrics_sources *sources, char *reason,
                              size_t reason_bytes)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));

    if (!metrics || !(metrics->database = strdup(sources->database))) {
        snprintf(reason, reason_bytes, "out of memory");
        free(metrics);
        return NULL;
    }
    metrics->sources = *sources;
    metrics->sources.database = metrics->database;
    if (open_all(metrics, address, reason, reason_bytes))
        return metrics;
    metrics_stop(metrics);
    return NULL;
}

uint16_t metrics_port(const struct metrics *metrics)
{
    return metrics->port;
}

void metrics_stop(struct metrics *metrics)
{
    if (!metrics)
        return;
    if (metrics->http)
        MHD_stop_daemon(metrics->http);
    store_close(metrics->store);
    free(metrics->database);
    free(metrics);
}
