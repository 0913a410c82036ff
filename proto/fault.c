#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "out.h"
#include "utf8.h"

void fault_begin(struct fault *fault, enum error code)
{
    fault->code = code;
    fault->field[0] = '\0';
    fault->message[0] = '\0';
    for (int i = 0; i < FAULT_KEYS; i++)
        fault->keys[i].type = FAULT_NONE;
    fault->text_len = 0;
}

/* Where a field's path ends after snprintf said how much it wanted to write: what does not fit is cut. */
static size_t advance(size_t at, int written)
{
    at += written > 0 ? (size_t)written : 0;
    return at < FAULT_FIELD_BYTES ? at : FAULT_FIELD_BYTES - 1;
}

static size_t put_key(char *text, size_t at, const char *key)
{
    return advance(at, snprintf(text + at, FAULT_FIELD_BYTES - at, "%s%s", at ? "." : "", key));
}

static size_t put_path(char *text, size_t at, const struct path *path)
{
    if (!path)
        return at;
    at = put_path(text, at, path->up);
    if (path->key)
        return put_key(text, at, path->key);
    return advance(at, snprintf(text + at, FAULT_FIELD_BYTES - at, "[%zu]", path->index));
}

void fault_begin_at(struct fault *fault, enum error code, const struct path *at, const char *key)
{
    fault_begin(fault, code);
    size_t end = put_path(fault->field, 0, at);
    if (key)
        put_key(fault->field, end, key);
}

static struct fault_key *add(struct fault *fault, const char *key, enum fault_value type)
{
    for (int i = 0; i < FAULT_KEYS; i++) {
        struct fault_key *k = &fault->keys[i];
        if (k->type == FAULT_NONE) {
            *k = (struct fault_key){.key = key, .type = type};
            return k;
        }
    }
    return NULL;
}

/* Strings are cut to what is left of the fault's text, at a character's start. */
static void copy(struct fault *fault, struct fault_key *k, struct slice value)
{
    if (!k)
        return;
    size_t left = sizeof(fault->text) - fault->text_len;
    size_t len = value.len < left ? value.len : left;
    while (k->type != FAULT_BIN && len < value.len && len > 0 && ((unsigned char)value.data[len] & 0xc0) == 0x80)
        len--;
    if (len)
        memcpy(fault->text + fault->text_len, value.data, len);
    k->at = fault->text_len;
    k->len = (uint16_t)len;
    fault->text_len = (uint16_t)(fault->text_len + len);
}

void fault_int(struct fault *fault, const char *key, int64_t value)
{
    struct fault_key *k = add(fault, key, FAULT_INT);
    if (k)
        k->number = value;
}

void fault_str(struct fault *fault, const char *key, struct slice value)
{
    copy(fault, add(fault, key, FAULT_STR), value);
}

void fault_bin(struct fault *fault, const char *key, struct slice value)
{
    copy(fault, add(fault, key, FAULT_BIN), value);
}

void fault_list(struct fault *fault, const char *key, struct slice comma_separated)
{
    copy(fault, add(fault, key, FAULT_LIST), comma_separated);
}

void fault_numbers(struct fault *fault, const char *key, struct slice comma_separated)
{
    copy(fault, add(fault, key, FAULT_NUMBERS), comma_separated);
}

void fault_say(struct fault *fault, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault->message, sizeof(fault->message), format, args);
    va_end(args);
    size_t cut;
    if (!utf8_valid(slice_of(fault->message), &cut)) /* in the middle of a character */
        fault->message[cut] = '\0';
}

static void encode_list(struct slice list, bool numbers, struct out *out)
{
    out_array(out);
    for (size_t at = 0; at < list.len;) {
        const char *comma = memchr(list.data + at, ',', list.len - at);
        size_t len = comma ? (size_t)(comma - list.data) - at : list.len - at;
        if (numbers)
            out_int(out, strtoll(list.data + at, NULL, 10));
        else
            out_str(out, (struct slice){list.data + at, len});
        at += len + 1;
    }
    out_end(out);
}

static void encode_key(const struct fault *fault, const struct fault_key *k, struct out *out)
{
    struct slice value = {fault->text + k->at, k->len};

    out_key(out, k->key);
    switch (k->type) {
    case FAULT_INT:
        out_int(out, k->number);
        break;
    case FAULT_STR:
        out_str(out, value);
        break;
    case FAULT_BIN:
        out_bin(out, value);
        break;
    case FAULT_LIST:
    case FAULT_NUMBERS:
        encode_list(value, k->type == FAULT_NUMBERS, out);
        break;
    case FAULT_NONE:
        out_nil(out);
        break;
    }
}

void fault_encode(const struct fault *fault, struct out *out)
{
    const struct error_info *info = error_info(fault->code);

    out_map(out);
    out_key_int(out, "number", info->number);
    out_key_cstr(out, "name", info->name);
    out_key_cstr(out, "class", error_class_name(info->class));
    out_key_cstr(out, "message", fault->message[0] ? fault->message : info->message);
    if (fault->field[0])
        out_key_cstr(out, "field", fault->field);
    for (int i = 0; i < FAULT_KEYS; i++)
        if (fault->keys[i].type != FAULT_NONE)
            encode_key(fault, &fault->keys[i], out);
    out_end(out);
}
