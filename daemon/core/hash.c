#include "hash.h"

#include <nettle/sha2.h>

void sha256(unsigned char hash[SHA256_BYTES], const struct slice *pieces, size_t n)
{
    struct sha256_ctx context;

    sha256_init(&context);
    for (size_t i = 0; i < n; i++)
        sha256_update(&context, pieces[i].len, (const uint8_t *)pieces[i].data);
    sha256_digest(&context, SHA256_BYTES, hash);
}

void sha256_of(unsigned char hash[SHA256_BYTES], struct slice bytes)
{
    sha256(hash, &bytes, 1);
}
