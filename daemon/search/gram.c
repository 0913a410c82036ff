#include "gram.h"

#include "../../proto/utf8.h"

/* The three characters, 21 bits each, mixed so that each bit of them counts (the constant of Fibonacci hashing). */
static uint32_t number_of(uint64_t characters)
{
    return (uint32_t)((characters * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - GRAM_BITS));
}

void gram_each(struct slice folded, gram_on *on, void *arg)
{
    const uint64_t three = (UINT64_C(1) << 63) - 1;
    uint64_t characters = 0;
    size_t seen = 0;

    for (size_t at = 0; at < folded.len;) {
        characters = (characters << 21 | (uint64_t)(utf8_next(folded, &at) & 0x1fffff)) & three;
        if (++seen >= GRAM_CHARACTERS && !on(arg, number_of(characters)))
            return;
    }
}
