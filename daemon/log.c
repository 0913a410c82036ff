#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "clock.h"
#include "escape.h"

enum { TEXT_BYTES = 1024, FIELDS_MAX = 24, FIELD_BYTES = 256, WINDOW_MS = 10000 };

/* clang-format off */
const struct log_id_info log_id_table[LOG_ID_COUNT] = {
#define X(id, name, message_id, priority, most, meaning) [LOG_ID_##id] = {name, message_id, LOG_##priority, most, meaning},
    MODQD_LOG_IDS(X)
#undef X
};
/* clang-format on */

/* where to */

static atomic_bool to_journal;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The variable, "DEVICE:INODE", may be left over from somebody whose standard error was the journal's: only the file
 * itself tells. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char expected[48];

    if (!stream || fstat(fd, &status) != 0)
        return false;
    snprintf(expected, sizeof(expected), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    return strcmp(stream, expected) == 0;
}

static void look(void)
{
    to_journal = is_journal(STDERR_FILENO);
}

void log_open(void)
{
    pthread_once(&once, look);
    look();
}

/* text */

static void write_text(int priority, const char *text)
{
    if (to_journal)
        fprintf(stderr, "<%d>%s\n", priority, text);
    else
        fprintf(stderr, "modqd: %s%s\n",
                priority <= LOG_ERR       ? "error: "
                : priority == LOG_WARNING ? "warning: "
                                          : "",
                text);
}

/* fields */

/* One line for the journal: NAME=value in one buffer, and where each begins. */
struct entry {
    struct iovec parts[FIELDS_MAX];
    int n;
    char bytes[4 * TEXT_BYTES + FIELDS_MAX * FIELD_BYTES];
    size_t used;
};

/* Values may hold any byte: the journal takes each with its length. */
static void add(struct entry *entry, const char *name, struct slice value)
{
    size_t name_len = strlen(name);
    size_t len = name_len + 1 + value.len;
    char *at = entry->bytes + entry->used;

    if (value.len == 0 || entry->n == FIELDS_MAX || len > sizeof(entry->bytes) - entry->used)
        return;
    memcpy(at, name, name_len);
    at[name_len] = '=';
    memcpy(at + name_len + 1, value.data, value.len);
    entry->parts[entry->n++] = (struct iovec){at, len};
    entry->used += len;
}

static void add_text(struct entry *entry, const char *name, const char *value)
{
    struct slice all = slice_of(value ? value : "");
    add(entry, name, (struct slice){all.data, all.len < FIELD_BYTES ? all.len : FIELD_BYTES});
}

static void add_number(struct entry *entry, const char *name, int64_t value)
{
    char text[24];

    if (value == 0)
        return;
    snprintf(text, sizeof(text), "%lld", (long long)value);
    add_text(entry, name, text);
}

static void add_fields(struct entry *entry, const struct log_fields *fields)
{
    static const struct {
        const char *name;
        size_t at;
    } texts[] = {
        {"KEY_NAME", offsetof(struct log_fields, key_name)},   {"ROLE", offsetof(struct log_fields, role)},
        {"ACTOR", offsetof(struct log_fields, actor)},         {"VIA", offsetof(struct log_fields, via)},
        {"DOOR", offsetof(struct log_fields, door)},           {"PEER", offsetof(struct log_fields, peer)},
        {"OPERATION", offsetof(struct log_fields, operation)}, {"ERROR", offsetof(struct log_fields, error)},
        {"CAUSE", offsetof(struct log_fields, cause)},         {"LIMIT", offsetof(struct log_fields, limit)},
        {"HASH", offsetof(struct log_fields, hash)},
    };

    add(entry, "SITE", fields->site);
    add(entry, "COMMENT", fields->comment);
    add_number(entry, "KEY", fields->key);
    add_number(entry, "EVENT", fields->event);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        add_text(entry, texts[i].name, *(const char *const *)((const char *)fields + texts[i].at));
}

/* how often */

static struct {
    int64_t since_ms;
    int written;
    int64_t left_out;
} limits[LOG_ID_COUNT];
static pthread_mutex_t limits_mutex = PTHREAD_MUTEX_INITIALIZER;

/* False when lines with this id came too fast; else how many of them were left out since the last that was written. */
static bool may_write(enum log_id id, int64_t *left_out)
{
    int64_t now = clock_boot_ms();

    *left_out = 0;
    if (!log_id_table[id].most)
        return true;
    pthread_mutex_lock(&limits_mutex);
    if (now - limits[id].since_ms >= WINDOW_MS) {
        limits[id].since_ms = now;
        limits[id].written = 0;
    }
    bool may = limits[id].written < log_id_table[id].most;
    if (may) {
        limits[id].written++;
        *left_out = limits[id].left_out;
        limits[id].left_out = 0;
    } else
        limits[id].left_out++;
    pthread_mutex_unlock(&limits_mutex);
    return may;
}

/* lines */

static void line(int priority, const char *message_id, const struct log_fields *fields, int64_t left_out,
                 const char *text)
{
    char escaped[4 * TEXT_BYTES]; /* what a peer sent may stand in the text */
    struct entry entry = {.n = 0, .used = 0};

    pthread_once(&once, look);
    escape_text(text, escaped, sizeof(escaped));
    if (to_journal) {
        add(&entry, "MESSAGE", slice_of(escaped));
        add_text(&entry, "PRIORITY", (char[]){(char)('0' + priority), '\0'});
        add_text(&entry, "SYSLOG_IDENTIFIER", "modqd");
        add_text(&entry, "MODQD_VERSION", MODQ_VERSION);
        add_text(&entry, "MESSAGE_ID", message_id);
        add_number(&entry, "LEFT_OUT", left_out);
        if (fields)
            add_fields(&entry, fields);
        if (sd_journal_sendv(entry.parts, entry.n) == 0)
            return;
    }
    write_text(priority, escaped);
}

void log_event(enum log_id id, const struct log_fields *fields, const char *format, ...)
{
    char text[TEXT_BYTES];
    int64_t left_out;
    va_list args;

    if (!may_write(id, &left_out))
        return;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (left_out && n >= 0 && (size_t)n < sizeof(text))
        snprintf(text + n, sizeof(text) - (size_t)n, " (%lld more of this kind were left out)", (long long)left_out);
    line(log_id_table[id].priority, log_id_table[id].message_id, fields, left_out, text);
}

void log_peer_refused(struct slice door, struct slice address, int64_t key, const char *why)
{
    char door_text[32];
    char peer[128];

    snprintf(door_text, sizeof(door_text), "%.*s", (int)door.len, door.data ? door.data : "");
    snprintf(peer, sizeof(peer), "%.*s", (int)address.len, address.data ? address.data : "");
    struct log_fields fields = {.key = key, .door = door_text, .peer = peer, .cause = why};
    if (key)
        log_event(LOG_ID_PEER_REFUSED, &fields, "%s: %s was refused: %s (key %lld)", door_text, peer, why,
                  (long long)key);
    else
        log_event(LOG_ID_PEER_REFUSED, &fields, "%s: %s was refused: %s", door_text, peer, why);
}

static void plain(int priority, const char *format, va_list args)
{
    char text[TEXT_BYTES];

    vsnprintf(text, sizeof(text), format, args);
    line(priority, NULL, NULL, 0, text);
}

void log_info(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    plain(LOG_INFO, format, args);
    va_end(args);
}

void log_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    plain(LOG_WARNING, format, args);
    va_end(args);
}

void log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    plain(LOG_ERR, format, args);
    va_end(args);
}
