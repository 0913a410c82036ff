#include "server_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { PATH_BYTES = 4200, LINE_BYTES = 256 };

/* The 40 characters between quotes behind `name` and `=`. */
static bool take_value(const char *line, const char *name, unsigned char bytes[CURVE_BYTES])
{
    char text[CURVE_TEXT_BYTES] = "";
    size_t len = strlen(name);

    line += strspn(line, " \t");
    if (strncmp(line, name, len) != 0)
        return false;
    line += len;
    line += strspn(line, " \t");
    if (*line++ != '=')
        return false;
    line += strspn(line, " \t");
    if (*line != '"' && *line != '\'')
        return false;
    const char *end = strchr(line + 1, *line);
    if (!end || end - line - 1 != CURVE_TEXT_BYTES - 1)
        return false;
    memcpy(text, line + 1, CURVE_TEXT_BYTES - 1);
    bool good = zmq_z85_decode(bytes, text) != NULL;
    explicit_bzero(text, sizeof(text));
    return good;
}

/* The public half is what belongs to the secret one, whatever the file says. */
static bool complete(struct server_key *key)
{
    char secret[CURVE_TEXT_BYTES];

    bool good = zmq_z85_encode(secret, key->secret_key, CURVE_BYTES) &&
                zmq_curve_public(key->public_text, secret) == 0 && zmq_z85_decode(key->public_key, key->public_text);
    explicit_bzero(secret, sizeof(secret));
    key->known = good;
    return good;
}

/* The modes of a credential are systemd's business. */
static bool is_private(int fd, const char *path)
{
    struct stat status;
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    size_t len = credentials ? strlen(credentials) : 0;

    return (len > 0 && strncmp(path, credentials, len) == 0 && path[len] == '/') ||
           (fstat(fd, &status) == 0 && (status.st_mode & 077) == 0);
}

static bool parse(struct server_key *key, FILE *file)
{
    char line[LINE_BYTES];
    bool found = false;

    while (!found && fgets(line, sizeof(line), file))
        found = take_value(line, "secret-key", key->secret_key);
    explicit_bzero(line, sizeof(line));
    return found && complete(key);
}

bool server_key_read(struct server_key *key, const char *path, char *reason, size_t reason_bytes)
{
    FILE *file = fopen(path, "re");
    bool good = false;

    if (!file)
        snprintf(reason, reason_bytes, "%s: the server's key cannot be read: %s", path, strerror(errno));
    else if (!is_private(fileno(file), path))
        snprintf(reason, reason_bytes, "%s: others can read the server's secret key; chmod 600 %s", path, path);
    else if (!parse(key, file))
        snprintf(reason, reason_bytes, "%s: there is no secret-key = \"...\" of 40 characters in it", path);
    else
        good = true;
    if (file)
        fclose(file);
    return good;
}

static bool write_pair(int fd, const char *public_text, const char *secret_text)
{
    return dprintf(fd,
                   "#   The key of a modqd server. Keep it secret (mode 0600), and keep a copy: clients know the "
                   "public half.\n"
                   "metadata\n    name = \"modqd server\"\ncurve\n    public-key = \"%s\"\n    secret-key = \"%s\"\n",
                   public_text, secret_text) > 0 &&
           fsync(fd) == 0;
}

/* A pair in a file of its own, which nobody else has. */
static bool write_new(const char *path)
{
    char public_text[CURVE_TEXT_BYTES];
    char secret_text[CURVE_TEXT_BYTES];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    bool good = fd >= 0 && zmq_curve_keypair(public_text, secret_text) == 0 && write_pair(fd, public_text, secret_text);
    explicit_bzero(secret_text, sizeof(secret_text));
    return fd >= 0 && close(fd) == 0 && good;
}

/* The file has its name when it is whole: who is ended meanwhile leaves none that is not. A name that is taken already,
 * by a link, too, stays what it is. */
bool server_key_make(struct server_key *key, const char *path, char *reason, size_t reason_bytes)
{
    char new_path[PATH_BYTES + 8];

    snprintf(new_path, sizeof(new_path), "%s.new", path);
    unlink(new_path); /* of one who was ended */
    bool good = write_new(new_path) && link(new_path, path) == 0;
    if (!good)
        snprintf(reason, reason_bytes, "%s: the server's key cannot be made: %s", path, strerror(errno));
    unlink(new_path);
    return good && server_key_read(key, path, reason, reason_bytes);
}

bool server_key_find(struct server_key *key, const char *path, const char *dir, char *reason, size_t reason_bytes)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    char found[PATH_BYTES];

    if (path)
        return server_key_read(key, path, reason, reason_bytes);
    snprintf(found, sizeof(found), "%s/server.key", credentials ? credentials : "");
    if (credentials && *credentials && access(found, F_OK) == 0)
        return server_key_read(key, found, reason, reason_bytes);
    snprintf(found, sizeof(found), "%s/server.key", dir);
    return access(found, F_OK) == 0 ? server_key_read(key, found, reason, reason_bytes)
                                    : server_key_make(key, found, reason, reason_bytes);
}
