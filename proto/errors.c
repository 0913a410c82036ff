#include "errors.h"

static const struct error_info table[] = {
#define X(number, id, name, class, message) {E_##id, name, CLASS_##class, message},
    MODQ_ERRORS(X)
#undef X
};

static const char *const class_names[] = {[CLASS_NONE] = "",
                                          [CLASS_RETRY] = "retry",
                                          [CLASS_FIX] = "fix",
                                          [CLASS_DENIED] = "denied",
                                          [CLASS_FINAL] = "final"};

const struct error_info *error_at(size_t i)
{
    return i < sizeof(table) / sizeof(table[0]) ? &table[i] : NULL;
}

const struct error_info *error_info(int number)
{
    for (size_t i = 0; error_at(i); i++)
        if ((int)table[i].number == number)
            return &table[i];
    return NULL;
}

const char *error_class_name(enum error_class class)
{
    return class_names[class];
}

enum error_class error_class_of(struct slice name)
{
    for (enum error_class c = CLASS_RETRY; c <= CLASS_FINAL; c++)
        if (slice_is(name, class_names[c]))
            return c;
    return CLASS_NONE;
}
