/* Who is who: all keys in memory, and how much each has asked for lately. Belongs to the thread that owns the sockets.
 */
#ifndef MODQD_ACCESS_H
#define MODQD_ACCESS_H

#include "grant.h"
#include "tally.h"

struct access;

struct access *access_new(void); /* NULL: out of memory */
void access_free(struct access *access);

/* Reads all keys anew; what each asked for lately stays. On failure the table is as before. */
enum store_result access_load(struct access *access, struct store *store);

/* The newest grant of a key, good or not; NULL when there is none. No reference is taken. */
struct grant *access_by_public(const struct access *access, const unsigned char public_key[PUBLIC_KEY_BYTES]);
struct grant *access_by_number(const struct access *access, int64_t key);
struct grant *access_by_uid(const struct access *access, int64_t uid, int64_t now_ms); /* a good one before others */

/* True when there is or was a key of a user of the system: then it matters which user somebody is. */
bool access_knows_users(const struct access *access);

/* How many keys there are or were, and how many of them are revoked or have expired. */
size_t access_count(const struct access *access);
size_t access_ended(const struct access *access, int64_t now_ms);

/* Counts a request of a key that was let in, and the end of one. Grants without a key are not counted. */
void access_begin(struct access *access, const struct grant *grant);
void access_end(struct access *access, const struct grant *grant);

/* True when the key may ask for `items` more at this moment of the boot clock: it has fewer than requests_per_key under
 * way, and asked for no more than rate_per_key a second lately, bursts of two seconds allowed. False with *fault
 * `busy`, how long to wait and, in the tally as well, which of the two it was. What is asked for is paid in any case
 * once it is let in; `items` beyond the burst are let in when the purse is full, and leave a debt. */
bool access_pace(struct access *access, const struct grant *grant, int64_t items, int64_t boot_ms,
                 const struct limits *limits, struct tally *tally, struct fault *fault);

#endif
