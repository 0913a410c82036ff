#include "collect.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Both are the first numbers of one line, in pages. */
static bool read_memory(int64_t *virtual_bytes, int64_t *resident_bytes)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128] = "";
    char *rest;

    if (!file)
        return false;
    bool good = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    *virtual_bytes = strtoll(line, &rest, 10) * sysconf(_SC_PAGESIZE);
    *resident_bytes = strtoll(rest, NULL, 10) * sysconf(_SC_PAGESIZE);
    return good;
}

/* Without the one that the count itself needs. */
static int64_t open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t n = 0;

    if (!dir)
        return -1;
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n - 1;
}

static void expose_times(struct exposition *out, const struct metrics_sources *sources)
{
    struct rusage usage;

    expose_gauge(out, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
                 (double)sources->started_at / 1000);
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    expose_family(out, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.");
    expose_number(out, "process_cpu_seconds_total", NO_LABELS,
                  (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

void collect_process(struct exposition *out, const struct metrics_sources *sources)
{
    struct rlimit limit;
    int64_t virtual_bytes;
    int64_t resident_bytes;
    int64_t descriptors = open_descriptors();

    expose_times(out, sources);
    if (read_memory(&virtual_bytes, &resident_bytes)) {
        expose_gauge(out, "process_virtual_memory_bytes", "Virtual memory size in bytes.", (double)virtual_bytes);
        expose_gauge(out, "process_resident_memory_bytes", "Resident memory size in bytes.", (double)resident_bytes);
    }
    if (descriptors >= 0)
        expose_gauge(out, "process_open_fds", "Number of open file descriptors.", (double)descriptors);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        expose_gauge(out, "process_max_fds", "Maximum number of open file descriptors.", (double)limit.rlim_cur);
}
