#include <stdlib.h>
#include <sys/random.h>

#include "internal.h"

enum { OPERATION_BYTES = 16 };

struct modq_fields *modq_fields_new(void)
{
    return calloc(1, sizeof(struct modq_fields));
}

void modq_fields_free(struct modq_fields *fields)
{
    if (!fields)
        return;
    out_free(&fields->out);
    free(fields);
}

static bool in_list(const struct modq_fields *fields)
{
    return fields->out.depth > 0 && !fields->out.open[fields->out.depth - 1].map;
}

/* Writes the key unless modq_put_key did, or a list needs none, and counts the pair. */
static void begin_value(struct modq_fields *fields, const char *key)
{
    if (fields->keyed) {
        fields->keyed = false;
    } else if (!in_list(fields)) {
        if (key)
            out_key(&fields->out, key);
        else
            fields->failed = true;
    }
    if (fields->out.depth == 0)
        fields->pairs++;
}

void modq_put_key(struct modq_fields *fields, const char *key, size_t len)
{
    if (fields->keyed || in_list(fields) || !key) {
        fields->failed = true;
        return;
    }
    /* a key is written like a value, but is none that the container counts */
    out_str(&fields->out, (struct slice){key, len});
    if (fields->out.depth > 0)
        fields->out.open[fields->out.depth - 1].count--;
    fields->keyed = true;
}

void modq_put_text(struct modq_fields *fields, const char *key, const char *text, size_t len)
{
    begin_value(fields, key);
    out_str(&fields->out, (struct slice){text, len});
}

void modq_put_string(struct modq_fields *fields, const char *key, const char *string)
{
    begin_value(fields, key);
    out_str(&fields->out, slice_of(string));
}

void modq_put_bytes(struct modq_fields *fields, const char *key, const void *bytes, size_t len)
{
    begin_value(fields, key);
    out_bin(&fields->out, (struct slice){bytes, len});
}

void modq_put_int(struct modq_fields *fields, const char *key, int64_t number)
{
    begin_value(fields, key);
    out_int(&fields->out, number);
}

void modq_put_bool(struct modq_fields *fields, const char *key, bool yes)
{
    begin_value(fields, key);
    out_bool(&fields->out, yes);
}

void modq_put_float(struct modq_fields *fields, const char *key, double number)
{
    msgpack_object object = {.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = number};

    begin_value(fields, key);
    out_object(&fields->out, &object);
}

void modq_put_value(struct modq_fields *fields, const char *key, const struct modq_value *value)
{
    begin_value(fields, key);
    out_object(&fields->out, as_object(value));
}

void modq_put_map(struct modq_fields *fields, const char *key)
{
    begin_value(fields, key);
    out_map(&fields->out);
}

void modq_put_list(struct modq_fields *fields, const char *key)
{
    begin_value(fields, key);
    out_array(&fields->out);
}

void modq_put_end(struct modq_fields *fields)
{
    if (fields->keyed)
        fields->failed = true;
    out_end(&fields->out);
}

void modq_put_operation(struct modq_fields *fields)
{
    uint8_t operation[OPERATION_BYTES];

    if (getrandom(operation, sizeof(operation), 0) != (ssize_t)sizeof(operation))
        fields->no_entropy = true;
    modq_put_bytes(fields, "operation", operation, sizeof(operation));
}

bool fields_finished(const struct modq_fields *fields, struct modq_error *error)
{
    if (fields->no_entropy)
        return error_local(error, MODQ_E_SYSTEM, "the system gives no random bytes");
    if (fields->failed || fields->keyed || fields->out.failed || fields->out.depth > 0)
        return error_local(error, MODQ_E_ARGUMENT, "the fields are unfinished or nested too deep");
    return true;
}

void fields_append(const struct modq_fields *fields, struct out *out)
{
    out_pairs(out, out_slice(&fields->out), fields->pairs);
}
