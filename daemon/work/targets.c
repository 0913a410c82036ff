#include "targets.h"

#include "../../proto/fields.h"

#define SEQ_MAX ((INT64_C(1) << 53) - 1)

static const struct field comment_target[] = {
    FIELD(struct target, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct target, comment, "comment", KEY, FIELD_REQUIRED, 1, 128),
    FIELD(struct target, revision, "revision", INT, 0, 1, INT32_MAX),
    FIELD(struct target, seq, "seq", INT, 0, 0, SEQ_MAX),
};

static const struct field record_target[] = {
    FIELD(struct target, site, "site", NAME, FIELD_REQUIRED, 1, 64),
    FIELD(struct target, seq, "seq", INT, FIELD_REQUIRED, 1, SEQ_MAX),
};

static bool decode(struct request *request, const struct settings *settings, const msgpack_object *list,
                   const char *key, const struct field *fields, size_t rows, struct targets *targets)
{
    struct path at_list = {.key = key};

    targets->n = mp_count(list);
    targets->items = request_alloc(request, (targets->n ? targets->n : 1) * sizeof(*targets->items));
    if (!targets->items)
        return false;
    for (size_t i = 0; i < targets->n; i++) {
        struct path at = {.up = &at_list, .index = i};
        struct target *target = &targets->items[i];
        struct fault fault;
        target->seq = -1;
        if (fields_decode(mp_item(list, i), fields, rows, &settings->limits, &at, target, &fault) &&
            !request_is_foreign(request, i, &at, &fault))
            continue;
        struct fault *kept = request_alloc(request, sizeof(*kept));
        if (!kept)
            return false;
        *kept = fault;
        target->fault = kept;
    }
    return true;
}

bool targets_decode(struct request *request, const struct settings *settings, const msgpack_object *list,
                    const char *key, struct targets *targets)
{
    return decode(request, settings, list, key, comment_target, 4, targets);
}

bool targets_decode_records(struct request *request, const struct settings *settings, const msgpack_object *list,
                            const char *key, struct targets *targets)
{
    return decode(request, settings, list, key, record_target, 2, targets);
}

bool target_find(struct work *work, const struct target *target, struct store_site **site,
                 struct store_comment *comment, struct fault *fault)
{
    if (target->fault) {
        *fault = *target->fault;
        return false;
    }
    *site = ledger_site(work->ledger, target->site);
    if (*site && work_ok(work, work->store->ops->comment_get(work->store, (*site)->no, target->comment, comment)))
        return true;
    return fault_set(fault, E_NOT_FOUND);
}
