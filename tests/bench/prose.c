/* Comments for the benchmark of search: words as often as in a real language, in two scripts, no two comments alike. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

enum { VOCABULARY = 60000, RARE_EVERY = 50000, ARABIC_EVERY = 4 };

static const char *const latin[] = {"a",   "e",  "i",   "o",   "u",   "an", "en", "in", "on",  "er",
                                    "re",  "st", "th",  "ti",  "la",  "de", "ma", "no", "si",  "ta",
                                    "co",  "ha", "pro", "com", "ing", "ed", "al", "ar", "ent", "ion",
                                    "ous", "ly", "ra",  "ne",  "wo",  "fi", "gu", "be", "mi",  "ch"};
static const char *const arabic[] = {"ال", "ا", "و", "ي",  "م",  "ن",  "ر",  "ت",  "ل", "ب", "ع", "س", "د", "ق", "ح",
                                     "ه",  "ف", "ك", "ين", "ون", "ات", "ست", "مت", "ج", "ش", "ص", "ط", "خ", "ة", "ها"};
enum { LATIN = sizeof(latin) / sizeof(latin[0]), ARABIC = sizeof(arabic) / sizeof(arabic[0]) };

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The word of that rank in the vocabulary: the more often, the shorter. */
static size_t word(uint64_t rank, int in_arabic, char *to)
{
    uint64_t h = mix(rank + 1);
    int syllables = rank < 40 ? 1 + (int)(rank > 10) : 2 + (int)(h % 3);
    size_t len = 0;

    for (int i = 0; i < syllables; i++) {
        h = mix(h);
        const char *syllable = in_arabic ? arabic[h % ARABIC] : latin[h % LATIN];
        size_t n = strlen(syllable);
        memcpy(to + len, syllable, n);
        len += n;
    }
    return len;
}

/* "rareNword", in one comment of RARE_EVERY; and "محفوظات", in as many. */
static size_t rare(int64_t n, char *to)
{
    if (n % RARE_EVERY != RARE_EVERY / 2)
        return 0;
    return (size_t)sprintf(to, "quizzical محفوظات ");
}

size_t bench_prose(int64_t n, char body[BENCH_PROSE_BYTES])
{
    int in_arabic = n % ARABIC_EVERY == 0;
    uint64_t h = mix((uint64_t)n + 77);
    size_t len = rare(n, body);

    while (len < BENCH_BODY_BYTES) {
        h = mix(h);
        double u = (double)(h >> 11) / 9007199254740992.0;
        len += word((uint64_t)pow(VOCABULARY, u) - 1, in_arabic, body + len); /* the law of Zipf, near enough */
        body[len++] = ' ';
    }
    return len;
}
