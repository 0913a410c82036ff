#include "posting.h"

/* bits */

struct bit_writer {
    unsigned char *to;
    size_t bit;
};

static void put_bit(struct bit_writer *w, unsigned bit)
{
    if (w->bit % 8 == 0)
        w->to[w->bit / 8] = 0xff; /* what is not written stays ones */
    if (!bit)
        w->to[w->bit / 8] &= (unsigned char)~(0x80U >> (w->bit % 8));
    w->bit++;
}

static void put_bits(struct bit_writer *w, unsigned value, unsigned n)
{
    while (n-- > 0)
        put_bit(w, value >> n & 1);
}

struct bit_reader {
    const unsigned char *from;
    size_t bit, end;
};

static unsigned get_bit(struct bit_reader *r)
{
    unsigned bit = r->bit < r->end ? r->from[r->bit / 8] >> (7 - r->bit % 8) & 1 : 1;

    r->bit++;
    return bit;
}

static unsigned get_bits(struct bit_reader *r, unsigned n)
{
    unsigned value = 0;

    while (n-- > 0)
        value = value << 1 | get_bit(r);
    return value;
}

/* lists */

enum { K_BITS = 4, K_MOST = POSTING_BITS };

/* 2^k is near 0.69 times the mean distance, which makes such a code shortest. */
static unsigned best_k(size_t n)
{
    size_t distance = POSTING_SPAN * 69 / 100 / n;
    unsigned k = 0;

    while (k < K_MOST && (size_t)2 << k <= distance)
        k++;
    return k;
}

size_t posting_pack(unsigned char to[POSTING_BYTES], const uint16_t *offsets, size_t n)
{
    struct bit_writer w = {.to = to};
    unsigned k = best_k(n);
    unsigned next = 0;

    to[0] = 0;
    put_bits(&w, k, K_BITS);
    for (size_t i = 0; i < n; i++) {
        unsigned distance = offsets[i] - next;
        for (unsigned q = distance >> k; q > 0; q--)
            put_bit(&w, 1);
        put_bit(&w, 0);
        put_bits(&w, distance & ((1U << k) - 1), k);
        next = offsets[i] + 1U;
    }
    return (w.bit + 7) / 8;
}

bool posting_unpack(struct slice packed, uint64_t bits[POSTING_WORDS])
{
    struct bit_reader r = {.from = (const unsigned char *)packed.data, .end = packed.len * 8};
    unsigned k = get_bits(&r, K_BITS);
    unsigned next = 0;

    while (k <= K_MOST && r.bit < r.end) {
        unsigned q = 0;
        bool ended = false;
        while (r.bit < r.end && !ended) {
            ended = !get_bit(&r);
            q += !ended;
        }
        if (!ended)
            return true; /* the ones that fill up */
        unsigned offset = next + (q << k) + get_bits(&r, k);
        if (r.bit > r.end || offset >= POSTING_SPAN)
            return false;
        bits[offset / 64] |= UINT64_C(1) << (offset % 64);
        next = offset + 1;
    }
    return k <= K_MOST;
}

/* chunks */

static size_t put_number(unsigned char *to, uint32_t value)
{
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        to[n++] = (unsigned char)(value | 0x80);
    to[n++] = (unsigned char)value;
    return n;
}

static bool get_number(struct slice bytes, size_t *at, uint32_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *at < bytes.len && shift < 32; shift += 7) {
        unsigned char byte = (unsigned char)bytes.data[(*at)++];
        *value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

bool chunk_add(struct chunk *chunk, uint32_t gram, const unsigned char *packed, size_t len)
{
    unsigned char head[10];

    if (chunk->len == 0)
        chunk->first = chunk->last = gram;
    size_t n = put_number(head, gram - chunk->last);
    n += put_number(head + n, (uint32_t)len);
    if (chunk->len + n + len > CHUNK_BYTES)
        return false;
    memcpy(chunk->bytes + chunk->len, head, n);
    memcpy(chunk->bytes + chunk->len + n, packed, len);
    chunk->len += n + len;
    chunk->last = gram;
    return true;
}

struct slice chunk_find(struct slice chunk, uint32_t first, uint32_t gram)
{
    uint32_t distance;
    uint32_t len;

    for (size_t at = 0; at < chunk.len && first <= gram; at += len) {
        if (!get_number(chunk, &at, &distance) || !get_number(chunk, &at, &len) || len > chunk.len - at)
            break;
        first += distance;
        if (first == gram)
            return (struct slice){chunk.data + at, len};
    }
    return SLICE_NONE;
}
