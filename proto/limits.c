#include "limits.h"

const struct limit_info limit_table[LIMIT_COUNT] = {
#define X(id, name, value, least, most) [LIMIT_##id] = {name, value, least, most},
    MODQ_LIMITS(X)
#undef X
};

void limits_default(struct limits *limits)
{
    for (int i = 0; i < LIMIT_COUNT; i++)
        limits->value[i] = limit_table[i].value;
}
