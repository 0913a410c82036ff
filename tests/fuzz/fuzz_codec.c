/* The codec: any bytes as MessagePack, as UTF-8, and as a comment event. What is read and written again stays the same;
 * what may be read at all is decided here once more, by a decoder written from the specifications alone. */
#include "fuzz.h"

#include <stdlib.h>

#include "../../proto/comment.h"
#include "../../proto/fields.h"
#include "../../proto/mp.h"
#include "../../proto/utf8.h"

/* ---- MessagePack as its specification has it ---- */

enum { NEVER = 256 };

struct walk {
    const unsigned char *at, *end;
    size_t values;
};

static const unsigned char *step(struct walk *w, uint64_t n)
{
    const unsigned char *from = w->at;

    if (n > (uint64_t)(w->end - w->at))
        return NULL;
    w->at += n;
    return from;
}

static bool number(struct walk *w, unsigned bytes, uint64_t *n)
{
    const unsigned char *from = step(w, bytes);

    *n = 0;
    for (unsigned i = 0; from && i < bytes; i++)
        *n = *n * 256 + from[i];
    return from != NULL;
}

static bool value(struct walk *w, int depth);

static bool values(struct walk *w, uint64_t n, int depth)
{
    if (depth == MP_DEPTH_MAX)
        return false;
    for (; n > 0; n--)
        if (!value(w, depth + 1))
            return false;
    return true;
}

/* Bytes that follow a tag and are no values; NEVER: the tag has a length of its own, or is none. */
static unsigned fixed(unsigned char tag)
{
    static const unsigned short after[32] = {/* nil, unused, false, true */ 0,
                                             NEVER,
                                             0,
                                             0,
                                             /* bin, ext */ NEVER,
                                             NEVER,
                                             NEVER,
                                             NEVER,
                                             NEVER,
                                             NEVER,
                                             /* floats, uints, ints */ 4,
                                             8,
                                             1,
                                             2,
                                             4,
                                             8,
                                             1,
                                             2,
                                             4,
                                             8,
                                             /* fixext */ 2,
                                             3,
                                             5,
                                             9,
                                             17,
                                             /* str, array, map */ NEVER,
                                             NEVER,
                                             NEVER,
                                             NEVER,
                                             NEVER,
                                             NEVER,
                                             NEVER};

    if (tag <= 0x7f || tag >= 0xe0)
        return 0;
    return tag >= 0xa0 && tag <= 0xbf ? tag - 0xa0U : tag >= 0xc0 ? after[tag - 0xc0] : NEVER;
}

static bool value(struct walk *w, int depth)
{
    const unsigned char *tag = step(w, 1);
    uint64_t n;

    if (!tag || ++w->values > MP_VALUES_MAX)
        return false;
    if (fixed(*tag) != NEVER)
        return step(w, fixed(*tag));
    if (*tag >= 0x80 && *tag <= 0x9f)
        return values(w, (*tag & 15U) * (*tag < 0x90 ? 2U : 1U), depth);
    if (*tag >= 0xc4 && *tag <= 0xc6)
        return number(w, 1U << (*tag - 0xc4), &n) && step(w, n);
    if (*tag >= 0xc7 && *tag <= 0xc9)
        return number(w, 1U << (*tag - 0xc7), &n) && step(w, n + 1);
    if (*tag >= 0xd9 && *tag <= 0xdb)
        return number(w, 1U << (*tag - 0xd9), &n) && step(w, n);
    if (*tag == 0xdc || *tag == 0xdd)
        return number(w, *tag == 0xdc ? 2 : 4, &n) && values(w, n, depth);
    if (*tag == 0xde || *tag == 0xdf)
        return number(w, *tag == 0xde ? 2 : 4, &n) && values(w, n * 2, depth);
    return false;
}

static bool is_one_value(struct slice bytes)
{
    struct walk w = {.at = (const unsigned char *)bytes.data, .end = (const unsigned char *)bytes.data + bytes.len};

    return value(&w, 0) && w.at == w.end;
}

/* ---- UTF-8 by its definition: what a code point is encoded as, and nothing else ---- */

static size_t encode(uint32_t c, unsigned char to[4])
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = len; i-- > 0; c >>= 6)
        to[i] = (unsigned char)(len == 1 ? c : i == 0 ? leads[len] | c : 0x80 | (c & 0x3f));
    return len;
}

static uint32_t guess(const unsigned char *at, size_t len)
{
    uint32_t c = len == 1 ? *at : *at & (0x7fU >> len);

    for (size_t i = 1; i < len; i++)
        c = c << 6 | (at[i] & 0x3fU);
    return c;
}

/* Length of the character at `at`; 0: there is none. */
static size_t character(const unsigned char *at, size_t left, uint32_t *c)
{
    unsigned char again[4];

    for (size_t len = 1; len <= 4 && len <= left; len++) {
        *c = guess(at, len);
        if (*c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff) && encode(*c, again) == len && memcmp(again, at, len) == 0)
            return len;
    }
    return 0;
}

static void check_utf8(struct slice text)
{
    size_t at = 0;
    size_t mine = 0;
    size_t bad = text.len;
    uint32_t c = 0;
    size_t len = 1;

    while (mine < text.len && (len = character((const unsigned char *)text.data + mine, text.len - mine, &c))) {
        DEMAND(utf8_next(text, &at) == (int32_t)c);
        mine += len;
        DEMAND(at == mine);
    }
    DEMAND(utf8_valid(text, &bad) == (mine == text.len));
    DEMAND(bad == mine);
    while (at < text.len) { /* whatever follows: it goes on, and stays inside */
        size_t before = at;
        utf8_next(text, &at);
        DEMAND(at > before && at <= text.len);
    }
}

/* ---- reading and writing ---- */

static void unpack(struct slice bytes, msgpack_zone *zone, msgpack_object *object)
{
    DEMAND(mp_check(bytes));
    DEMAND(mp_unpack(bytes, zone, object));
}

static void check_written_again(const msgpack_object *object, msgpack_zone *zone)
{
    struct out first = {0};
    struct out second = {0};
    msgpack_object copy;

    out_object(&first, object);
    DEMAND(!first.failed);
    unpack(out_slice(&first), zone, &copy);
    out_object(&second, &copy);
    DEMAND(!second.failed && slice_equal(out_slice(&first), out_slice(&second)));
    out_free(&first);
    out_free(&second);
}

/* What is kept beside a comment's text is what came, and can be read by whoever gets it. */
static void check_meta(const struct comment_event *event, const struct limits *limits, msgpack_zone *zone)
{
    struct out meta = {0};
    struct out again = {0};
    struct article article;
    struct fault fault;
    msgpack_object map;

    comment_encode_meta(event, &meta);
    DEMAND(!meta.failed && meta.depth == 0);
    unpack(out_slice(&meta), zone, &map);
    DEMAND((mp_get(&map, "article") != NULL) == (event->article != NULL));
    DEMAND(slice_equal(mp_get_str(&map, "parent"), event->parent));
    DEMAND(mp_get_int(&map, "created_at", -1) == event->created_at);
    if (event->article) {
        DEMAND(article_decode(mp_get(&map, "article"), limits, NULL, &article, &fault));
        DEMAND(slice_equal(article.id, event->article_id));
        article_encode(mp_get(&map, "article"), &again);
        DEMAND(!again.failed && mp_check(out_slice(&again)));
    }
    out_free(&again);
    out_free(&meta);
}

static void check_comment(const msgpack_object *object, msgpack_zone *zone)
{
    struct path at = {.key = "comments", .index = 0};
    struct path item = {.up = &at, .index = 7};
    struct comment_event event;
    struct fault fault = {.code = E_OK};
    struct limits limits;

    limits_default(&limits);
    bool good = comment_decode(object, &limits, &item, &event, &fault);
    fuzz_count(good);
    if (good) {
        DEMAND(event.site.len >= 1 && event.site.len <= 64 && utf8_valid(event.site, NULL));
        DEMAND(event.comment.len >= 1 && event.comment.len <= 128 && utf8_valid(event.comment, NULL));
        DEMAND(event.revision >= 1 && event.revision <= INT32_MAX);
        DEMAND(event.body.len >= 1 && event.body.len <= (size_t)limits.value[LIMIT_BODY_BYTES]);
        DEMAND(utf8_valid(event.body, NULL));
        check_meta(&event, &limits, zone);
        return;
    }
    fuzz_check_fault(&fault);
    DEMAND(strncmp(fault.field, "comments[7]", 11) == 0);
    DEMAND(!event.site.data || utf8_valid(event.site, NULL));
    DEMAND(!event.comment.data || utf8_valid(event.comment, NULL));
    DEMAND(event.revision >= 0 && event.revision <= INT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_begin(data, size);
    struct slice bytes = fuzz_rest(&input);
    msgpack_zone zone;
    msgpack_object object;

    check_utf8(bytes);
    DEMAND(msgpack_zone_init(&zone, 8192));
    bool good = is_one_value(bytes);
    DEMAND(mp_check(bytes) == good);
    DEMAND(mp_unpack(bytes, &zone, &object) == good);
    if (good) {
        check_written_again(&object, &zone);
        check_comment(&object, &zone);
    }
    msgpack_zone_destroy(&zone);
    return 0;
}
