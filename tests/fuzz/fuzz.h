/* What the targets of libFuzzer share. Each tests/fuzz/fuzz_NAME.c is one target: LLVMFuzzerTestOneInput gets any bytes
 * at all and demands what must be true of whatever they are. tests/fuzz/run says how they are built, run and replayed.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../proto/fault.h"
#include "../../proto/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program unless it is true. */
#define DEMAND(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
void fuzz_fail(const char *file, int line, const char *condition) __attribute__((noreturn));

/* Says what became of the input: a kept corpus must hold inputs that are good and inputs that are refused. */
void fuzz_count(bool good);
extern int64_t fuzz_good, fuzz_refused;

/* Input that is taken apart: what is not there is 0 or empty. */
struct fuzz_input {
    const char *data;
    size_t len;
};

struct fuzz_input fuzz_begin(const uint8_t *data, size_t size);
unsigned fuzz_byte(struct fuzz_input *input);
struct slice fuzz_take(struct fuzz_input *input, size_t most);
struct slice fuzz_rest(struct fuzz_input *input);

/* The byte before a frame is its length; 255 is a length that the next byte adds to. */
struct slice fuzz_frame(struct fuzz_input *input);

/* NUL-terminated; the caller frees it. What lies behind a NUL of its own is lost to those who read strings. */
char *fuzz_text(struct slice bytes);

/* The text that every file named in a configuration has; NULL: no such file. No target reads one of this machine. */
extern const char *fuzz_file;

/* What libmodq takes for the time, in milliseconds. 0: the clock's. */
extern int64_t fuzz_now_ms;

/* A fault that may be told: a known code, a field that is a path, a message in UTF-8, and a map that can be read. */
void fuzz_check_fault(const struct fault *fault);

#endif
