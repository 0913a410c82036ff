/* Lists of offsets, and chunks of them, come out as they went in. */
#include "../../daemon/search/posting.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static size_t check(const uint16_t *offsets, size_t n)
{
    unsigned char packed[POSTING_BYTES];
    uint64_t bits[POSTING_WORDS] = {0};
    uint64_t expected[POSTING_WORDS] = {0};
    size_t len = posting_pack(packed, offsets, n);

    assert_true(len > 0 && len <= POSTING_BYTES);
    for (size_t i = 0; i < n; i++)
        expected[offsets[i] / 64] |= UINT64_C(1) << (offsets[i] % 64);
    assert_true(posting_unpack((struct slice){(const char *)packed, len}, bits));
    assert_memory_equal(bits, expected, sizeof(bits));
    return len;
}

TEST(every_single_offset_comes_back_and_takes_two_bytes)
{
    for (unsigned i = 0; i < POSTING_SPAN; i++)
        assert_int_equal(check(&(uint16_t){(uint16_t)i}, 1), 2);
}

TEST(lists_of_every_density_come_back)
{
    uint16_t offsets[POSTING_SPAN];

    srand(7);
    for (int round = 0; round < 2000; round++) {
        int density = 1 + rand() % 1000;
        size_t n = 0;
        for (unsigned i = 0; i < POSTING_SPAN; i++)
            if (rand() % 1000 < density)
                offsets[n++] = (uint16_t)i;
        if (n)
            check(offsets, n);
    }
}

TEST(a_list_of_all_and_lists_of_two_far_apart_come_back)
{
    uint16_t all[POSTING_SPAN];

    for (unsigned i = 0; i < POSTING_SPAN; i++)
        all[i] = (uint16_t)i;
    assert_true(check(all, POSTING_SPAN) <= POSTING_SPAN / 8 + 1);
    check((const uint16_t[]){0, POSTING_SPAN - 1}, 2);
    check((const uint16_t[]){POSTING_SPAN - 2, POSTING_SPAN - 1}, 2);
}

TEST(any_bytes_are_a_list_or_none)
{
    unsigned char bytes[40];

    srand(11);
    for (int round = 0; round < 100000; round++) {
        uint64_t bits[POSTING_WORDS] = {0};
        size_t len = (size_t)rand() % sizeof(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)rand();
        posting_unpack((struct slice){(const char *)bytes, len}, bits);
    }
}

TEST(a_chunk_gives_back_each_list_and_nothing_else)
{
    struct chunk chunk = {.len = 0};
    uint32_t grams[CHUNK_BYTES];
    size_t n = 0;

    srand(3);
    for (uint32_t gram = 5;; gram += 2 + (uint32_t)(rand() % 40000)) {
        unsigned char packed[2] = {(unsigned char)n, (unsigned char)(n >> 8)};
        if (!chunk_add(&chunk, gram, packed, sizeof(packed)))
            break;
        grams[n++] = gram;
    }
    assert_true(n > 500 && chunk.len <= CHUNK_BYTES && chunk.first == 5);
    struct slice bytes = {(const char *)chunk.bytes, chunk.len};
    for (size_t i = 0; i < n; i++) {
        struct slice found = chunk_find(bytes, chunk.first, grams[i]);
        assert_int_equal(found.len, 2);
        assert_int_equal((unsigned char)found.data[0] | (unsigned char)found.data[1] << 8, i);
        assert_null(chunk_find(bytes, chunk.first, grams[i] + 1).data);
    }
    assert_null(chunk_find(bytes, chunk.first, 4).data);
    bytes.len = 3; /* cut */
    chunk_find(bytes, chunk.first, grams[n - 1]);
}
