#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TESTS_MAX = 256 };

static struct CMUnitTest tests[TESTS_MAX];
static size_t count;

void unit_register(const char *name, CMUnitTestFunction run)
{
    const char *filter = getenv("UNIT_FILTER");

    if (filter && !strstr(name, filter))
        return;
    if (count == TESTS_MAX) {
        fprintf(stderr, "unit: more than %d tests in one program\n", TESTS_MAX);
        abort();
    }
    tests[count++] = (struct CMUnitTest){.name = name, .test_func = run};
}

const char *unit_source_dir(void)
{
    const char *dir = getenv("MODQ_SOURCE_DIR");
    return dir ? dir : ".";
}

const char *unit_database_dir(void)
{
    const char *dir = getenv("MODQ_DATABASES");
    return dir ? dir : "/tmp";
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return count ? _cmocka_run_group_tests("unit", tests, count, NULL, NULL) : 0;
}
