#include "collect.h"

#include "../store/sqlite_vfs.h"

/* One sample of a family whose samples differ in one label. */
struct row {
    const char *value;
    int64_t count;
};

static void expose_rows(struct exposition *out, const char *name, const char *help, const char *label,
                        const struct row *rows, size_t n)
{
    expose_family(out, name, "counter", help);
    for (size_t i = 0; i < n; i++)
        expose_int(out, name, LABELS({label, slice_of(rows[i].value)}), rows[i].count);
}

#define ROWS(...) (const struct row[]){__VA_ARGS__}, sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row)

static void expose_requests(struct exposition *out, const struct counters *c)
{
    expose_rows(out, "modqd_submitted_comments_total", "Comments submitted, by what became of them, once answered.",
                "result", ROWS({"accepted", c->accepted}, {"duplicate", c->duplicates}, {"refused", c->refused}));
    expose_counter(out, "modqd_answers_total", "Answers sent.", c->answers);
    expose_counter(out, "modqd_answers_dropped_total", "Answers whose peer was gone or did not read.",
                   c->dropped_replies);
    expose_counter(out, "modqd_push_messages_total", "Messages received on the push socket.", c->push_messages);
    expose_counter(out, "modqd_push_errors_total",
                   "Messages and items refused on the push socket, which has no answer.", c->push_errors);
}

static void expose_errors(struct exposition *out, const struct counters *c)
{
    const struct error_info *info;

    expose_family(out, "modqd_errors_total", "counter",
                  "Answers, items of answers and ends of streams that carry an error, by its name.");
    for (size_t i = 0; (info = error_at(i)); i++)
        expose_int(out, "modqd_errors_total", LABELS({"error", slice_of(info->name)}), c->errors[info->number]);
}

/* Only those that are answered `busy`; beyond the others an error of their own is counted. */
static void expose_limits(struct exposition *out, const struct counters *c)
{
    static const enum limit limits[] = {LIMIT_PENDING_PER_SITE, LIMIT_QUEUE_REQUESTS, LIMIT_QUEUE_BYTES,
                                        LIMIT_REQUESTS_PER_KEY, LIMIT_RATE_PER_KEY};

    expose_family(out, "modqd_limits_reached_total", "counter",
                  "Requests answered busy, whole or in part, by the limit that was reached.");
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        expose_int(out, "modqd_limits_reached_total", LABELS({"limit", slice_of(limit_table[limits[i]].name)}),
                   c->limits_reached[limits[i]]);
}

static void expose_decisions(struct exposition *out, const struct counters *c)
{
    const struct reason_counts *reasons = &c->reasons;
    size_t n = reasons->n;

    expose_rows(out, "modqd_decisions_total", "Decisions made with approve and reject since the start, once answered.",
                "decision", ROWS({"approved", c->approved}, {"rejected", c->rejected}));
    expose_family(out, "modqd_decision_reasons_total", "counter",
                  "Reasons given in rejects since the start; a reject may have several.");
    for (size_t i = 0; i < n; i++)
        expose_int(out, "modqd_decision_reasons_total", LABELS({"reason", slice_of(reasons->rows[i].code)}),
                   reasons->rows[i].count);
    if (reasons->others)
        expose_int(out, "modqd_decision_reasons_total", LABELS({"reason", SLICE_LIT("(others)")}), reasons->others);
}

static void expose_commits(struct exposition *out, const struct counters *c)
{
    expose_family(out, "modqd_commit_seconds", "histogram", "How long the COMMIT of a transaction took.");
    expose_histogram(out, "modqd_commit_seconds", NO_LABELS, &c->commit_times, &histogram_nanoseconds);
    expose_family(out, "modqd_commit_requests", "histogram", "How many requests one transaction held.");
    expose_histogram(out, "modqd_commit_requests", NO_LABELS, &c->commit_batches, &histogram_requests);
    expose_family(out, "modqd_fsync_seconds", "histogram",
                  "How long the disk took to sync a file: the wal at a commit, the database at a checkpoint.");
    expose_histogram(out, "modqd_fsync_seconds", LABELS({"file", SLICE_LIT("wal")}), &sqlite_vfs_wal_syncs,
                     &histogram_nanoseconds);
    expose_histogram(out, "modqd_fsync_seconds", LABELS({"file", SLICE_LIT("database")}), &sqlite_vfs_database_syncs,
                     &histogram_nanoseconds);
}

static void expose_peers(struct exposition *out, const struct counters *c)
{
    expose_counter(out, "modqd_connections_total", "Connections taken in, over TCP and on this machine.",
                   c->connections_taken);
    expose_counter(out, "modqd_peers_admitted_total", "Connections over TCP whose key is good.", c->peers_welcome);
    expose_rows(out, "modqd_peers_refused_total", "Connections that were refused, by cause.", "cause",
                ROWS({"unknown", c->peers_unknown}, {"expired", c->peers_expired}, {"revoked", c->peers_revoked},
                     {"wrong_role", c->peers_wrong_role}, {"connections", c->connections_refused},
                     {"unfinished", c->handshakes_unfinished}, {"broken", c->handshakes_broken},
                     {"oversize", c->handshakes_oversize}));
}

static void expose_streams(struct exposition *out, const struct counters *c)
{
    expose_gauge(out, "modqd_streams_open", "Streams of decisions that are open.", (double)c->streams_open);
    expose_gauge(out, "modqd_stream_lag_records",
                 "Records that the open stream which is furthest behind has not been sent.", (double)c->streams_lag);
    expose_counter(out, "modqd_streams_opened_total", "Streams of decisions that were opened.", c->streams);
    expose_counter(out, "modqd_stream_records_total", "Records sent on streams.", c->records_sent);
}

static void expose_health(struct exposition *out, const struct health *health, int64_t now_ms)
{
    char why[HEALTH_WHY_BYTES];

    expose_gauge(out, "modqd_healthy", "1 while /healthz says ok.", health_is_good(health, now_ms, why));
    expose_gauge(out, "modqd_intake_open", "0 while new comments are refused for want of room.",
                 !health->intake_closed);
}

void collect_counters(struct exposition *out, const struct metrics_sources *sources, int64_t now_ms)
{
    const struct counters *c = sources->counters;

    expose_family(out, "modqd_build_info", "gauge", "Always 1; the version is a label.");
    expose_int(out, "modqd_build_info", LABELS({"version", SLICE_LIT(MODQ_VERSION)}), 1);
    expose_health(out, sources->health, now_ms);
    expose_requests(out, c);
    expose_errors(out, c);
    expose_limits(out, c);
    expose_decisions(out, c);
    expose_commits(out, c);
    expose_peers(out, c);
    expose_streams(out, c);
    expose_gauge(out, "modqd_reserve_bytes", "Room that is kept for decisions (limit reserve_bytes).",
                 (double)c->reserve_bytes);
}
