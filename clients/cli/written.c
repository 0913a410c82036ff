#include "written.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

enum { PART = 4096, MOST = 1 << 20 };

static bool read_all(int fd, struct text *text)
{
    char part[PART];
    ssize_t n;

    do {
        n = read(fd, part, sizeof(part));
        if (n > 0)
            text_append(text, (struct slice){part, (size_t)n});
    } while ((n > 0 && text->len < MOST) || (n < 0 && errno == EINTR));
    return n == 0 && !text->failed;
}

/* ---- an editor */

static const char *editor(void)
{
    const char *program = getenv("VISUAL");

    if (!program || !*program)
        program = getenv("EDITOR");
    return program && *program ? program : "vi";
}

/* The variable may hold options, too, so a shell takes it apart. Returns whether it ended well. */
static bool edit(const char *path)
{
    char command[PART];
    int status = 0;

    if (snprintf(command, sizeof(command), "%s \"$1\"", editor()) >= (int)sizeof(command))
        return false;
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The file is its owner's alone, and goes when it was read. */
static bool read_edited(struct text *text)
{
    const char *directory = getenv("TMPDIR");
    char path[PART];
    bool ok = false;

    snprintf(path, sizeof(path), "%s/modq-note.XXXXXX", directory && *directory ? directory : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0) {
        complain("%s: %s", path, strerror(errno));
        return false;
    }
    close(fd);
    if (edit(path)) {
        /* opened anew: editors put another file in its place */
        FILE *file = fopen(path, "re");
        ok = file && read_all(fileno(file), text);
        if (file)
            fclose(file);
    }
    if (!ok)
        complain("the editor, %s, gave no text", editor());
    unlink(path);
    return ok;
}

/* ---- */

static void trim(struct text *text)
{
    size_t from = 0;

    while (text->len > 0 && strchr(" \t\r\n", text->data[text->len - 1]))
        text->len--;
    while (from < text->len && strchr(" \t\r\n", text->data[from]))
        from++;
    if (from > 0)
        memmove(text->data, text->data + from, text->len - from);
    text->len -= from;
}

bool written_read(struct app *app, const char *given, struct text *text)
{
    bool ok = true;

    if (given && strcmp(given, "-") != 0) {
        text_append(text, slice_of(given));
    } else if (isatty(STDIN_FILENO)) {
        ok = read_edited(text);
    } else {
        ok = read_all(STDIN_FILENO, text);
        if (!ok)
            complain("standard input cannot be read");
    }
    if (!ok) {
        app_exit(app, EXIT_LOCAL);
        return false;
    }
    trim(text);
    if (text->len > 0)
        return true;
    complain("there is no text, so nothing was done");
    app_exit(app, EXIT_USAGE);
    return false;
}
