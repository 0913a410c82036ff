#include "out.h"

#include <msgpack/pack.h>
#include <stdlib.h>

static bool reserve(struct out *out, size_t more)
{
    if (out->failed)
        return false;
    if (out->len + more <= out->cap)
        return true;
    size_t cap = out->cap ? out->cap : 256;
    while (cap < out->len + more)
        cap *= 2;
    char *data = realloc(out->data, cap);
    if (!data) {
        out->failed = true;
        return false;
    }
    out->data = data;
    out->cap = cap;
    return true;
}

static int append(void *data, const char *bytes, size_t len)
{
    struct out *out = data;
    if (!reserve(out, len))
        return -1;
    if (len)
        memcpy(out->data + out->len, bytes, len);
    out->len += len;
    return 0;
}

static msgpack_packer packer(struct out *out)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, out, append);
    return pk;
}

/* Every value but a key of a map is counted in its container; keys are written by out_key, which does not count. */
static void add_one(struct out *out)
{
    if (out->depth > 0)
        out->open[out->depth - 1].count++;
}

static void begin(struct out *out, bool map)
{
    add_one(out);
    if (out->depth == OUT_DEPTH)
        out->failed = true;
    if (!reserve(out, 1))
        return;
    out->open[out->depth].at = out->len;
    out->open[out->depth].count = 0;
    out->open[out->depth].map = map;
    out->depth++;
    out->len++; /* the header of a short container; out_end makes room for a longer one */
}

void out_map(struct out *out)
{
    begin(out, true);
}

void out_array(struct out *out)
{
    begin(out, false);
}

void out_end(struct out *out)
{
    if (out->failed)
        return;
    if (out->depth == 0) {
        out->failed = true;
        return;
    }
    out->depth--;
    size_t at = out->open[out->depth].at;
    uint32_t n = out->open[out->depth].count;
    if (n < 16) {
        out->data[at] = (char)((out->open[out->depth].map ? 0x80 : 0x90) | n);
        return;
    }
    struct out header = {0};
    msgpack_packer pk = packer(&header);
    if (out->open[out->depth].map)
        msgpack_pack_map(&pk, n);
    else
        msgpack_pack_array(&pk, n);
    if (header.failed || !reserve(out, header.len)) {
        out->failed = true;
    } else {
        memmove(out->data + at + header.len, out->data + at + 1, out->len - at - 1);
        memcpy(out->data + at, header.data, header.len);
        out->len += header.len - 1;
    }
    out_free(&header);
}

void out_nil(struct out *out)
{
    msgpack_packer pk = packer(out);
    add_one(out);
    msgpack_pack_nil(&pk);
}

void out_bool(struct out *out, bool value)
{
    msgpack_packer pk = packer(out);
    add_one(out);
    if (value)
        msgpack_pack_true(&pk);
    else
        msgpack_pack_false(&pk);
}

void out_int(struct out *out, int64_t value)
{
    msgpack_packer pk = packer(out);
    add_one(out);
    msgpack_pack_int64(&pk, value);
}

void out_str(struct out *out, struct slice value)
{
    if (!value.data) {
        out_nil(out);
        return;
    }
    msgpack_packer pk = packer(out);
    add_one(out);
    msgpack_pack_str(&pk, value.len);
    msgpack_pack_str_body(&pk, value.data, value.len);
}

void out_bin(struct out *out, struct slice value)
{
    if (!value.data) {
        out_nil(out);
        return;
    }
    msgpack_packer pk = packer(out);
    add_one(out);
    msgpack_pack_bin(&pk, value.len);
    msgpack_pack_bin_body(&pk, value.data, value.len);
}

void out_raw(struct out *out, struct slice packed)
{
    if (!packed.data) {
        out_nil(out);
        return;
    }
    add_one(out);
    append(out, packed.data, packed.len);
}

void out_object(struct out *out, const msgpack_object *value)
{
    if (!value) {
        out_nil(out);
        return;
    }
    msgpack_packer pk = packer(out);
    add_one(out);
    msgpack_pack_object(&pk, *value);
}

void out_key(struct out *out, const char *key)
{
    msgpack_packer pk = packer(out);
    size_t len = strlen(key);
    msgpack_pack_str(&pk, len);
    msgpack_pack_str_body(&pk, key, len);
}

void out_key_nil(struct out *out, const char *key)
{
    out_key(out, key);
    out_nil(out);
}

void out_key_bool(struct out *out, const char *key, bool value)
{
    out_key(out, key);
    out_bool(out, value);
}

void out_key_int(struct out *out, const char *key, int64_t value)
{
    out_key(out, key);
    out_int(out, value);
}

void out_key_str(struct out *out, const char *key, struct slice value)
{
    out_key(out, key);
    out_str(out, value);
}

void out_key_cstr(struct out *out, const char *key, const char *value)
{
    out_key_str(out, key, slice_of(value));
}

void out_key_bin(struct out *out, const char *key, struct slice value)
{
    out_key(out, key);
    out_bin(out, value);
}

void out_key_raw(struct out *out, const char *key, struct slice packed)
{
    out_key(out, key);
    out_raw(out, packed);
}

uint32_t out_count(const struct out *out)
{
    return out->depth > 0 ? out->open[out->depth - 1].count : 0;
}

void out_pairs(struct out *out, struct slice packed, uint32_t count)
{
    append(out, packed.data, packed.len);
    if (out->depth > 0)
        out->open[out->depth - 1].count += count;
}

struct slice out_slice(const struct out *out)
{
    return (struct slice){out->data ? out->data : "", out->len};
}

void out_reset(struct out *out)
{
    out->len = 0;
    out->depth = 0;
    out->failed = false;
}

void out_free(struct out *out)
{
    free(out->data);
    *out = (struct out){0};
}
