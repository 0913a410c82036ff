/* SHA-256 (FIPS 180-4, from nettle) of several pieces as if they were one. */
#ifndef MODQD_HASH_H
#define MODQD_HASH_H

#include "../../proto/slice.h"

enum { SHA256_BYTES = 32 };

void sha256(unsigned char hash[SHA256_BYTES], const struct slice *pieces, size_t n);

/* Of one piece. */
void sha256_of(unsigned char hash[SHA256_BYTES], struct slice bytes);

#endif
