/* Unit tests on cmocka that register themselves: TEST(name_is_a_sentence) { ... }.
 * Each tests/unit/test_*.c becomes one program; its output is TAP. UNIT_FILTER=word runs the tests whose name holds it.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void unit_register(const char *name, CMUnitTestFunction run);

#define TEST(name)                                                                                                     \
    static void name(void **state);                                                                                    \
    __attribute__((constructor)) static void register_##name(void)                                                     \
    {                                                                                                                  \
        unit_register(#name, name);                                                                                    \
    }                                                                                                                  \
    static void name(void **state __attribute__((unused)))

/* Directory of a resource of the tests' own (tests/...), from the place of the sources. */
const char *unit_source_dir(void);

/* Where databases are made for a while: $MODQ_DATABASES, or /tmp. */
const char *unit_database_dir(void);

#endif
