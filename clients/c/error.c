#include <stdarg.h>
#include <stdio.h>

#include "internal.h"
#include "proto/mp.h"
#include "proto/utf8.h"

#ifndef MODQ_VERSION
#define MODQ_VERSION "0.2.0"
#endif

struct local {
    enum modq_number number;
    const char *name;
    enum modq_class class;
};

static const struct local locals[] = {
    {MODQ_E_TIMEOUT, "client_timeout", MODQ_CLASS_RETRY},
    {MODQ_E_CONNECT, "client_cannot_connect", MODQ_CLASS_RETRY},
    {MODQ_E_ARGUMENT, "client_bad_argument", MODQ_CLASS_FIX},
    {MODQ_E_MEMORY, "client_out_of_memory", MODQ_CLASS_LOCAL},
    {MODQ_E_REPLY, "client_bad_reply", MODQ_CLASS_LOCAL},
    {MODQ_E_WINDOW, "client_window_full", MODQ_CLASS_RETRY},
    {MODQ_E_SYSTEM, "client_system", MODQ_CLASS_LOCAL},
};

/* The public numbers are those of the protocol. */
#define X(value, id, name, class, message) _Static_assert(MODQ_E_##id == (value), name);
MODQ_ERRORS(X)
#undef X

const char *modq_version(void)
{
    return MODQ_VERSION;
}

const char *modq_class_name(enum modq_class class_)
{
    static const char *const names[] = {"", "retry", "fix", "denied", "final", "local"};
    return (unsigned)class_ < sizeof(names) / sizeof(names[0]) ? names[class_] : "";
}

/* Copies what fits, cut where it is no UTF-8 any more: in the middle of a character, too. */
static void copy(char *to, size_t size, struct slice from)
{
    size_t len = from.len < size ? from.len : size - 1;

    utf8_valid((struct slice){from.data, len}, &len);
    if (len)
        memcpy(to, from.data, len);
    to[len] = '\0';
}

#define COPY(field, from) copy((field), sizeof(field), (from))

void error_clear(struct modq_error *error)
{
    if (error)
        *error = (struct modq_error){.retry_after_ms = -1};
}

bool error_local(struct modq_error *error, enum modq_number number, const char *format, ...)
{
    char message[1024];
    va_list args;

    if (!error)
        return false;
    error_clear(error);
    error->number = number;
    for (size_t i = 0; i < sizeof(locals) / sizeof(locals[0]); i++)
        if (locals[i].number == number) {
            error->class_ = locals[i].class;
            COPY(error->name, slice_of(locals[i].name));
        }
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    COPY(error->message, slice_of(message));
    return false;
}

bool error_fault(struct modq_error *error, const struct fault *fault)
{
    const struct error_info *info = error_info(fault->code);

    if (!error)
        return false;
    error_clear(error);
    error->number = info->number;
    error->class_ = (enum modq_class)info->class;
    COPY(error->name, slice_of(info->name));
    COPY(error->field, slice_of(fault->field));
    COPY(error->message, slice_of(fault->message[0] ? fault->message : info->message));
    return false;
}

bool error_too_long(struct modq_error *error, const char *what, size_t bytes, int64_t most)
{
    struct fault fault;

    fault_set(&fault, E_TOO_LONG);
    fault_say(&fault, "%s has %zu bytes packed, at most %lld fit into a message", what, bytes, (long long)most);
    return error_fault(error, &fault);
}

bool error_too_much(struct modq_error *error, const char *what)
{
    struct fault fault;

    fault_set(&fault, E_MALFORMED);
    fault_say(&fault, "%s holds too many values, or is nested too deep", what);
    return error_fault(error, &fault);
}

_Static_assert((int)CLASS_RETRY == MODQ_CLASS_RETRY && (int)CLASS_FINAL == MODQ_CLASS_FINAL, "same order");

bool modq_error_of(const struct modq_value *map, struct modq_error *error)
{
    const msgpack_object *object = as_object(map);
    int64_t number = mp_get_int(object, "number", 0);
    enum error_class class = error_class_of(mp_get_str(object, "class"));

    if (number <= 0 || number > INT32_MAX || !mp_get_str(object, "name").data)
        return error_local(error, MODQ_E_REPLY, "the daemon's answer holds an error without number and name");
    if (!error)
        return true;
    error_clear(error);
    error->number = (int)number;
    /* a class that is not known asks for nothing to be repeated */
    error->class_ = class == CLASS_NONE ? MODQ_CLASS_FINAL : (enum modq_class) class;
    COPY(error->name, mp_get_str(object, "name"));
    COPY(error->field, mp_get_str(object, "field"));
    COPY(error->message, mp_get_str(object, "message"));
    error->retry_after_ms = mp_get_int(object, "retry_after_ms", -1);
    return true;
}
