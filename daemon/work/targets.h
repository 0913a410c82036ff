/* Lists of comments that a request names, each good or bad by itself. */
#ifndef MODQD_TARGETS_H
#define MODQD_TARGETS_H

#include "request.h"
#include "work.h"

struct target {
    struct slice site, comment;
    int64_t revision;          /* 0: not compared */
    int64_t seq;               /* of its decision, or of a record; 0: it was pending; -1: not given */
    const struct fault *fault; /* NULL: the item is good */
};

struct targets {
    size_t n;
    struct target *items;
};

/* Reads a list of maps with site and comment (and revision, seq where given). `key` is the list's key, for complaints.
 */
bool targets_decode(struct request *request, const struct settings *settings, const msgpack_object *list,
                    const char *key, struct targets *targets);

/* The same for records: maps with site and seq. */
bool targets_decode_records(struct request *request, const struct settings *settings, const msgpack_object *list,
                            const char *key, struct targets *targets);

/* Finds what a target names. False with *fault set (its own, or not_found), or with work->trouble. */
bool target_find(struct work *work, const struct target *target, struct store_site **site,
                 struct store_comment *comment, struct fault *fault);

#endif
