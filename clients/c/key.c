/* Keys: pairs of CURVE, and the files that hold them (CZMQ's certificate format). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key.h"

enum { FILE_MOST = 16384, TEXTS = MODQ_KEY_DESK + 1 };

struct modq_key {
    char *texts[TEXTS]; /* by enum modq_key_text */
    char secret[Z85_BYTES];
    unsigned char public_bytes[KEY_BYTES_RAW];
};

/* Where each text stands in a file, and what it is called there. */
static const struct row {
    enum modq_key_text text;
    const char *name;
    bool curve; /* in the section curve, else in metadata */
} rows[] = {
    {MODQ_KEY_NAME, "name", false},   {MODQ_KEY_ROLE, "role", false},        {MODQ_KEY_SERVER, "server-key", false},
    {MODQ_KEY_FRONT, "front", false}, {MODQ_KEY_PUSH, "push", false},        {MODQ_KEY_DECISIONS, "decisions", false},
    {MODQ_KEY_DESK, "desk", false},   {MODQ_KEY_PUBLIC, "public-key", true},
};

void modq_key_free(struct modq_key *key)
{
    if (!key)
        return;
    for (size_t i = 0; i < TEXTS; i++)
        free(key->texts[i]);
    explicit_bzero(key, sizeof(*key));
    free(key);
}

static bool is_z85(const char *text, unsigned char bytes[KEY_BYTES_RAW])
{
    return strlen(text) == Z85_BYTES - 1 && zmq_z85_decode(bytes, text);
}

static bool is_writable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == '"' || *text == 0x7f)
            return false;
    return true;
}

/* A value without a place in the file's format is refused when it is set, not when it is read again. */
static bool check(enum modq_key_text which, const char *text, struct modq_error *error)
{
    unsigned char bytes[KEY_BYTES_RAW];

    if ((unsigned)which >= TEXTS)
        return error_local(error, MODQ_E_ARGUMENT, "no such text of a key");
    if (!text)
        return true;
    if ((which == MODQ_KEY_PUBLIC || which == MODQ_KEY_SERVER) && !is_z85(text, bytes))
        return error_local(error, MODQ_E_ARGUMENT, "a public key has 40 characters of Z85");
    return is_writable(text) ||
           error_local(error, MODQ_E_ARGUMENT, "a key file holds no control characters and no double quotes");
}

bool modq_key_set(struct modq_key *key, enum modq_key_text which, const char *string, struct modq_error *error)
{
    if (!check(which, string, error))
        return false;
    char *copy = string ? strdup(string) : NULL;
    if (string && !copy)
        return error_local(error, MODQ_E_MEMORY, "out of memory");
    free(key->texts[which]);
    key->texts[which] = copy;
    return true;
}

const char *modq_key_text(const struct modq_key *key, enum modq_key_text which)
{
    return (unsigned)which < TEXTS ? key->texts[which] : NULL;
}

const uint8_t *modq_key_public(const struct modq_key *key)
{
    return key->public_bytes;
}

void modq_key_encode(const uint8_t bytes[KEY_BYTES_RAW], char text[Z85_BYTES])
{
    zmq_z85_encode(text, bytes, KEY_BYTES_RAW);
}

bool modq_key_decode(const char *text, uint8_t bytes[KEY_BYTES_RAW])
{
    return text && is_z85(text, bytes);
}

const char *key_secret(const struct modq_key *key)
{
    return key->secret;
}

/* The public half is what belongs to the secret one, whatever a file says. */
static bool complete(struct modq_key *key, struct modq_error *error)
{
    char public_text[Z85_BYTES];

    if (zmq_curve_public(public_text, key->secret) != 0 || !is_z85(public_text, key->public_bytes))
        return error_local(error, MODQ_E_SYSTEM, "this ZeroMQ cannot use CURVE keys");
    return modq_key_set(key, MODQ_KEY_PUBLIC, public_text, error);
}

struct modq_key *modq_key_new(struct modq_error *error)
{
    struct modq_key *key = calloc(1, sizeof(*key));
    char public_text[Z85_BYTES];

    error_clear(error);
    if (!key)
        error_local(error, MODQ_E_MEMORY, "out of memory");
    else if (zmq_curve_keypair(public_text, key->secret) != 0)
        error_local(error, MODQ_E_SYSTEM, "this ZeroMQ cannot make CURVE keys: %s", zmq_strerror(errno));
    else if (complete(key, error))
        return key;
    modq_key_free(key);
    return NULL;
}

struct modq_key *key_copy(const struct modq_key *key)
{
    struct modq_key *copy = calloc(1, sizeof(*copy));

    if (!copy)
        return NULL;
    memcpy(copy->secret, key->secret, sizeof(copy->secret));
    memcpy(copy->public_bytes, key->public_bytes, sizeof(copy->public_bytes));
    for (size_t i = 0; i < TEXTS; i++)
        if (key->texts[i] && !(copy->texts[i] = strdup(key->texts[i]))) {
            modq_key_free(copy);
            return NULL;
        }
    return copy;
}

/* ---- reading */

/* "name = "value"" in a line of its own: both are cut out of it. */
static bool split(char *line, char **name, char **value)
{
    *name = line + strspn(line, " \t");
    char *equals = strchr(*name, '=');
    if (**name == '#' || !equals)
        return false;
    *value = equals + 1 + strspn(equals + 1, " \t");
    while (equals > *name && strchr(" \t", equals[-1]))
        equals--;
    *equals = '\0';
    char quote = **value;
    char *end = quote == '"' || quote == '\'' ? strchr(*value + 1, quote) : NULL;
    if (!end)
        return false;
    *end = '\0';
    (*value)++;
    return true;
}

static bool take_line(struct modq_key *key, char *line, struct modq_error *error)
{
    char *name;
    char *value;

    if (!split(line, &name, &value))
        return true;
    if (strcmp(name, "secret-key") == 0) {
        unsigned char bytes[KEY_BYTES_RAW];
        bool good = is_z85(value, bytes);
        explicit_bzero(bytes, sizeof(bytes));
        if (good)
            memcpy(key->secret, value, Z85_BYTES);
        return good || error_local(error, MODQ_E_ARGUMENT, "secret-key: must be 40 characters of Z85");
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(name, rows[i].name) == 0)
            return modq_key_set(key, rows[i].text, value, error);
    return true;
}

bool key_parse(struct modq_key *key, char *text, struct modq_error *error)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
        if (!take_line(key, line, error))
            return false;
    if (!key->secret[0])
        return error_local(error, MODQ_E_ARGUMENT, "there is no secret-key = \"...\" in it");
    return complete(key, error);
}

struct modq_key *key_empty(void)
{
    return calloc(1, sizeof(struct modq_key));
}

/* As ssh does: what others can read is no secret. */
static bool check_file(int fd, const char *path, struct modq_error *error)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return error_local(error, MODQ_E_SYSTEM, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_local(error, MODQ_E_ARGUMENT, "%s: is no file", path);
    if (status.st_mode & 077)
        return error_local(error, MODQ_E_ARGUMENT, "%s: others can read this secret key; chmod 600 %s", path, path);
    return true;
}

static bool read_file(int fd, const char *path, char *text, struct modq_error *error)
{
    ssize_t n = 0;

    for (size_t have = 0; have <= FILE_MOST; have += (size_t)n) {
        n = read(fd, text + have, FILE_MOST + 1 - have);
        if (n < 0)
            return error_local(error, MODQ_E_SYSTEM, "%s: %s", path, strerror(errno));
        text[have + (size_t)n] = '\0';
        if (n == 0 && strlen(text) == have)
            return true;
        if (n == 0)
            break;
    }
    return error_local(error, MODQ_E_ARGUMENT, "%s: is no key file", path);
}

/* Puts the file's name before what is wrong with it. */
static void blame(struct modq_error *error, const char *path)
{
    char cause[sizeof(error->message)];
    size_t len = strlen(path);

    if (!error || strncmp(error->message, path, len) == 0)
        return;
    memcpy(cause, error->message, sizeof(cause));
    int room = len + 3 < sizeof(cause) ? (int)(sizeof(cause) - len - 3) : 0;
    snprintf(error->message, sizeof(error->message), "%s: %.*s", path, room, cause);
}

struct modq_key *modq_key_load(const char *path, struct modq_error *error)
{
    char text[FILE_MOST + 2];
    struct modq_key *key = key_empty();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = false;

    error_clear(error);
    if (fd < 0)
        error_local(error, MODQ_E_SYSTEM, "%s: %s", path, strerror(errno));
    else if (!key)
        error_local(error, MODQ_E_MEMORY, "out of memory");
    else
        good = check_file(fd, path, error) && read_file(fd, path, text, error) && key_parse(key, text, error);
    if (fd >= 0)
        close(fd);
    explicit_bzero(text, sizeof(text));
    if (good)
        return key;
    blame(error, path);
    modq_key_free(key);
    return NULL;
}

/* ---- writing */

static void put_section(FILE *file, const struct modq_key *key, bool curve)
{
    fprintf(file, "%s\n", curve ? "curve" : "metadata");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].curve == curve && key->texts[rows[i].text])
            fprintf(file, "    %s = \"%s\"\n", rows[i].name, key->texts[rows[i].text]);
}

static bool write_file(FILE *file, const struct modq_key *key)
{
    fprintf(file, "#   A key for modqd. Keep this file secret (mode 0600).\n");
    put_section(file, key, false);
    put_section(file, key, true);
    fprintf(file, "    secret-key = \"%s\"\n", key->secret);
    return fflush(file) == 0 && fsync(fileno(file)) == 0;
}

/* The name of a file is on disk when its directory is. */
static void sync_directory(const char *path)
{
    char *copy = strdup(path);
    char *slash = copy ? strrchr(copy, '/') : NULL;

    if (slash)
        slash[slash == copy] = '\0';
    int fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

bool modq_key_save(const struct modq_key *key, const char *path, struct modq_error *error)
{
    error_clear(error);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_local(error, MODQ_E_SYSTEM, "%s: %s", path,
                           errno == EEXIST ? "is there already, and is not overwritten" : strerror(errno));
    FILE *file = fdopen(fd, "w");
    bool good = file && write_file(file, key);
    int cause = errno;
    if (file)
        good &= fclose(file) == 0;
    else
        close(fd);
    if (!good) {
        unlink(path);
        return error_local(error, MODQ_E_SYSTEM, "%s: cannot be written: %s", path, strerror(cause));
    }
    sync_directory(path);
    return true;
}
