#include "filter.h"

#include <strings.h>

#include "../../proto/fields.h"
#include "due.h"
#include "grant.h"
#include "moment.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define REPORTED_MAX 1000000000

static const struct field filter_fields[] = {
    FIELD(struct filter, site, "site", NAME, 0, 1, 64),
    FIELD(struct filter, article, "article", KEY, 0, 1, 128),
    FIELD(struct filter, author, "author", KEY, 0, 1, 128),
    FIELD(struct filter, state_word, "state", TEXT, 0, 0, 64),
    FIELD(struct filter, lane_word, "lane", TEXT, 0, 0, 64),
    FIELD(struct filter, language, "language", TEXT, 0, 1, LANGUAGE_BYTES),
    FIELD(struct filter, since, "since", TIME, 0, 0, 0),
    FIELD(struct filter, until, "until", TIME, 0, 0, 0),
    FIELD(struct filter, reported, "reported", INT, 0, 1, REPORTED_MAX),
    FIELD(struct filter, mark_word, "mark", TEXT, 0, 0, 64),
    FIELD(struct filter, reason, "reason", TEXT, 0, 1, 64),
    FIELD(struct filter, by, "by", NAME, 0, 1, 64),
    FIELD(struct filter, free, "free", BOOL, 0, 0, 0),
};

static bool refuse_word(struct request *request, const char *key, const char *words)
{
    fault_at(&request->fault, E_BAD_VALUE, NULL, key);
    fault_say(&request->fault, "%s: must be %s", key, words);
    return false;
}

static bool take_state(struct request *request, struct filter *filter)
{
    if (!filter->state_word.data)
        return true;
    if (slice_is(filter->state_word, "any")) {
        filter->state = STATE_NONE;
        return true;
    }
    for (enum state s = STATE_PENDING; s < STATE_COUNT; s++)
        if (slice_is(filter->state_word, state_name(s))) {
            filter->state = s;
            return true;
        }
    return refuse_word(request, "state", "pending, approved, rejected, withdrawn, erased or any");
}

/* The lane only says something about what is pending; of other states nothing is left out because of it. */
static bool take_lanes(struct request *request, struct filter *filter)
{
    enum lane lane;

    if (slice_is(filter->lane_word, "any")) {
        filter->lanes = 1U << LANE_NORMAL | 1U << LANE_ESCALATED;
        return request_may(request, RIGHT_ESCALATED, &request->fault);
    }
    if (!request_take_lane(request, filter->lane_word, &lane))
        return false;
    filter->lanes = 1U << lane;
    if (!filter->lane_word.data && filter->state != STATE_PENDING && (request->grant->rights & RIGHT_ESCALATED))
        filter->lanes |= 1U << LANE_ESCALATED;
    return true;
}

static bool take_mark(struct request *request, struct filter *filter)
{
    filter->mark = filter->mark_word.data ? mark_of(filter->mark_word) : MARK_COUNT;
    return !filter->mark_word.data || filter->mark < MARK_COUNT ||
           refuse_word(request, "mark", "none, trusted, watched or blocked");
}

static bool needs_site(struct request *request, const struct filter *filter)
{
    if (filter->site.data || (!filter->article.data && !filter->author.data))
        return true;
    fault_at(&request->fault, E_MISSING_FIELD, NULL, "site");
    fault_say(&request->fault, "site: an article or an author belongs to a site");
    return false;
}

bool filter_decode(struct request *request, const struct settings *settings, enum state state, struct filter *filter)
{
    *filter = (struct filter){.state = state, .since = -1, .until = -1};
    return fields_decode(&request->map, filter_fields, ROWS(filter_fields), &settings->limits, NULL, filter,
                         &request->fault) &&
           take_state(request, filter) && take_lanes(request, filter) && take_mark(request, filter) &&
           needs_site(request, filter);
}

bool filter_is_plain(const struct filter *filter)
{
    return filter->state == STATE_PENDING && !filter->article.data && !filter->author.data && !filter->language.data &&
           filter->since < 0 && filter->until < 0 && !filter->reported && filter->mark == MARK_COUNT &&
           !filter->reason.data && !filter->by.data && !filter->free;
}

struct filter_bounds filter_bounds(struct work *work, const struct filter *filter)
{
    struct filter_bounds bounds = {0, INT64_MAX};

    if (filter->since >= 0)
        bounds.first = moment_first(work, filter->since);
    if (filter->until >= 0)
        bounds.end = moment_first(work, filter->until);
    return bounds;
}

/* "ku" is a range that holds "ku" and "ku-Latn", not "kur" (RFC 4647, basic filtering). */
static bool in_range(struct slice range, const char *language)
{
    size_t len = strlen(language);

    return len >= range.len && strncasecmp(range.data, language, range.len) == 0 &&
           (len == range.len || language[range.len] == '-');
}

static bool row_wants(const struct filter *filter, const struct filter_bounds *bounds,
                      const struct store_comment *comment)
{
    if (filter->state && comment->state != filter->state)
        return false;
    if (comment->state == STATE_PENDING && !(filter->lanes & 1U << comment->lane))
        return false;
    if (filter->article.data && !slice_is(filter->article, comment->article))
        return false;
    if (filter->author.data && !slice_is(filter->author, comment->author))
        return false;
    if (filter->language.data && !in_range(filter->language, comment->language))
        return false;
    return comment->text >= bounds->first && comment->text < bounds->end && comment->reports >= filter->reported;
}

static bool has_reason(const struct filter *filter, struct slice data)
{
    msgpack_zone zone;
    msgpack_object map;
    bool found = false;

    if (!msgpack_zone_init(&zone, 1024))
        return false;
    const msgpack_object *reasons = mp_unpack_map(data, &zone, &map) ? mp_get(&map, "reasons") : NULL;
    for (size_t i = 0; i < mp_count(reasons); i++)
        found |= slice_equal(mp_str(mp_item(reasons, i)), filter->reason);
    msgpack_zone_destroy(&zone);
    return found;
}

static bool decision_wants(struct work *work, const struct filter *filter, const struct store_comment *comment)
{
    struct store_event event;

    if (!filter->reason.data && !filter->by.data)
        return true;
    if (!comment->decision || !work_ok(work, work->store->ops->event_get(work->store, comment->decision, &event)))
        return false;
    if (filter->by.data && !slice_equal(event.actor, filter->by))
        return false;
    return !filter->reason.data || has_reason(filter, event.data);
}

bool filter_wants(struct work *work, const struct filter *filter, const struct filter_bounds *bounds, const char *actor,
                  const struct store_comment *comment)
{
    return row_wants(filter, bounds, comment) && (!filter->free || !work_held_by_other(work, comment, actor)) &&
           decision_wants(work, filter, comment) &&
           (filter->mark == MARK_COUNT || due_mark(work, comment->site, comment->author) == filter->mark);
}
