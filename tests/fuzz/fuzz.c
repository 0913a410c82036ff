#include "fuzz.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/confuse_text.h"
#include "../../proto/mp.h"
#include "../../proto/out.h"
#include "../../proto/utf8.h"

int64_t fuzz_good, fuzz_refused;
const char *fuzz_file;
int64_t fuzz_now_ms;

void fuzz_fail(const char *file, int line, const char *condition)
{
    printf("# %s:%d: not true: %s\n", file, line, condition);
    fflush(stdout);
    abort();
}

void fuzz_count(bool good)
{
    if (good)
        fuzz_good++;
    else
        fuzz_refused++;
}

/* ---- input ---- */

struct fuzz_input fuzz_begin(const uint8_t *data, size_t size)
{
    return (struct fuzz_input){size ? (const char *)data : "", size};
}

struct slice fuzz_take(struct fuzz_input *input, size_t most)
{
    struct slice taken = {input->data, most < input->len ? most : input->len};

    input->data += taken.len;
    input->len -= taken.len;
    return taken;
}

unsigned fuzz_byte(struct fuzz_input *input)
{
    struct slice taken = fuzz_take(input, 1);
    return taken.len ? (unsigned char)taken.data[0] : 0;
}

struct slice fuzz_rest(struct fuzz_input *input)
{
    return fuzz_take(input, input->len);
}

struct slice fuzz_frame(struct fuzz_input *input)
{
    size_t len = fuzz_byte(input);

    return fuzz_take(input, len == 255 ? len + fuzz_byte(input) : len);
}

char *fuzz_text(struct slice bytes)
{
    char *text = malloc(bytes.len + 1);

    if (!text)
        abort();
    memcpy(text, bytes.data, bytes.len);
    text[bytes.len] = '\0';
    return text;
}

/* ---- what the linker's --wrap puts in place of what looks at the machine ---- */

int64_t __real_now_ms(void);
int64_t __wrap_now_ms(void);

int64_t __wrap_now_ms(void)
{
    return fuzz_now_ms ? fuzz_now_ms : __real_now_ms();
}

char *__wrap_confuse_text_read(const char *path, char *reason, size_t reason_bytes);

char *__wrap_confuse_text_read(const char *path, char *reason, size_t reason_bytes)
{
    if (fuzz_file)
        return strdup(fuzz_file);
    snprintf(reason, reason_bytes, "cannot open %s: no such file", path);
    return NULL;
}

/* ---- faults ---- */

/* "comments[3].author.name", cut to what fits. */
static bool is_path(const char *text)
{
    bool key = true; /* one may begin here */
    const char *at = text;

    for (; *at; key = false) {
        size_t digits = *at == '[' ? strspn(at + 1, "0123456789") : 0;
        if (digits && at[1 + digits] == ']') {
            at += digits + 2;
            continue;
        }
        at += !key && *at == '.';
        size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
        if (len == 0 || (!key && at[-1] != '.'))
            return strlen(text) == FAULT_FIELD_BYTES - 1;
        at += len;
    }
    return true;
}

static void check_map(const msgpack_object *map, const struct fault *fault)
{
    DEMAND(mp_get_int(map, "number", 0) == (int64_t)fault->code);
    DEMAND(slice_is(mp_get_str(map, "name"), error_info(fault->code)->name));
    DEMAND(slice_is(mp_get_str(map, "field"), fault->field) == (fault->field[0] != '\0'));
    for (uint32_t i = 0; i < map->via.map.size; i++)
        if (map->via.map.ptr[i].val.type == MSGPACK_OBJECT_STR)
            DEMAND(utf8_valid(mp_str(&map->via.map.ptr[i].val), NULL));
}

void fuzz_check_fault(const struct fault *fault)
{
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;

    DEMAND(fault->code != E_OK && error_info(fault->code));
    DEMAND(fault->code != E_INTERNAL);
    DEMAND(is_path(fault->field));
    fault_encode(fault, &out);
    DEMAND(!out.failed && out.depth == 0);
    DEMAND(msgpack_zone_init(&zone, 1024));
    DEMAND(mp_unpack_map(out_slice(&out), &zone, &map));
    check_map(&map, fault);
    msgpack_zone_destroy(&zone);
    out_free(&out);
}
