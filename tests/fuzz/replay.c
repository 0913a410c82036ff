/* The main of a target without libFuzzer: runs it over the kept corpus, as one test of `make check`. A child does the
 * work, so that an input that ends it is named, and those after it are still run. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 512, INPUT_MAX = 1 << 20 };

/* What the child has come to; shared with it. */
struct progress {
    int next;
    int64_t good, refused;
};

static char folder[PATH_BYTES];

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_file(const char *name)
{
    char path[2 * PATH_BYTES];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    uint8_t *read = malloc(INPUT_MAX);
    if (!file || !read)
        abort();
    size_t len = fread(read, 1, INPUT_MAX, file);
    fclose(file);
    uint8_t *data = malloc(len ? len : 1); /* as long as it is, so that a sanitizer sees who reads further */
    if (!data)
        abort();
    memcpy(data, read, len);
    free(read);
    LLVMFuzzerTestOneInput(data, len);
    free(data);
}

static void run_from(struct dirent **names, int n, struct progress *progress)
{
    for (int i = progress->next; i < n; i++) {
        progress->next = i + 1;
        run_file(names[i]->d_name);
        progress->good += fuzz_good;
        progress->refused += fuzz_refused;
        fuzz_good = fuzz_refused = 0;
    }
}

/* Runs what is left; true when a child came to the end of it. */
static bool run_rest(struct dirent **names, int n, struct progress *progress)
{
    int status = 0;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        run_from(names, n, progress);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        abort();
    if (status == 0)
        return true;
    printf("# %s/%s: ended with status 0x%x\n", folder, names[progress->next - 1]->d_name, (unsigned)status);
    return false;
}

static bool holds_both(const char *name, const struct progress *progress)
{
    if (progress->good && progress->refused)
        return true;
    printf("# the corpus of %s has %lld good inputs and %lld that are refused; it needs both\n", name,
           (long long)progress->good, (long long)progress->refused);
    return false;
}

int main(int argc, char **argv)
{
    const char *root = getenv("MODQ_SOURCE_DIR");
    const char *slash = strrchr(argv[0], '/');
    const char *name = (slash ? slash + 1 : argv[0]) + strlen("fuzz_");
    const char *filter = getenv("UNIT_FILTER");
    struct dirent **names = NULL;
    bool good = true;

    (void)argc;
    if (filter && !strstr("kept_inputs_break_nothing", filter))
        return 0;
    struct progress *progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", root ? root : ".", name);
    int n = scandir(folder, &names, is_input, alphasort);
    if (progress == MAP_FAILED || n <= 0) {
        printf("# %s: no kept inputs there\n", folder);
        good = false;
    }
    while (n > 0 && progress->next < n)
        good &= run_rest(names, n, progress);
    good = good && holds_both(name, progress);
    printf("%s 1 - %s: kept_inputs_break_nothing\n1..1\n", good ? "ok" : "not ok", name);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return good ? 0 : 1;
}
