#include "confuse_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_all(FILE *file, const char *path, char *text, char *reason, size_t reason_bytes)
{
    size_t len = fread(text, 1, CONFUSE_TEXT_BYTES_MAX + 1, file);

    if (ferror(file)) {
        snprintf(reason, reason_bytes, "cannot read %s: %s", path, strerror(errno));
        return false;
    }
    if (len > CONFUSE_TEXT_BYTES_MAX) {
        snprintf(reason, reason_bytes, "%s is larger than %d bytes: is it the right file?", path,
                 CONFUSE_TEXT_BYTES_MAX);
        return false;
    }
    text[len] = '\0';
    if (strlen(text) < len) {
        snprintf(reason, reason_bytes, "%s holds a NUL byte: it must be a UTF-8 text file", path);
        return false;
    }
    return true;
}

char *confuse_text_read(const char *path, char *reason, size_t reason_bytes)
{
    FILE *file = fopen(path, "re");
    char *text;

    if (!file) {
        snprintf(reason, reason_bytes, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    text = malloc(CONFUSE_TEXT_BYTES_MAX + 1);
    if (!text)
        snprintf(reason, reason_bytes, "cannot read %s: %s", path, strerror(ENOMEM));
    else if (!read_all(file, path, text, reason, reason_bytes)) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

/* Spaces from `from` up to `to`, but for line ends. */
static char *blank(char *from, const char *to)
{
    for (; from < to; from++)
        if (*from != '\n')
            *from = ' ';
    return from;
}

/* An environment variable, ${...}, may hold anything up to its brace; without one it is no variable. */
static char *behind_variable(char *at)
{
    char *end = at[0] == '$' && at[1] == '{' ? strchr(at, '}') : NULL;
    return end ? end + 1 : NULL;
}

/* NULL when it is never closed. */
static char *behind_quoted(char *at)
{
    char quote = *at++;

    while (*at && *at != quote) {
        char *end = quote == '"' ? behind_variable(at) : NULL;
        if (end)
            at = end;
        else
            at += at[0] == '\\' && at[1] ? 2 : 1;
    }
    return *at ? at + 1 : NULL;
}

static char *blank_line_comment(char *at)
{
    return blank(at, at + strcspn(at, "\n"));
}

/* NULL when it is never closed. */
static char *blank_block_comment(char *at)
{
    const char *end = strstr(at + 2, "*/");
    return end ? blank(at, end + 2) : NULL;
}

/* Up to where an unquoted word ends; at least one byte. */
static char *behind_word(char *at)
{
    size_t len = strcspn(at, " #\"'\t\n\r={}()+,*;");
    return at + (len ? len : 1);
}

/* Behind the token at `at`, blanked where need be; NULL when it is never closed. */
static char *prepare_token(char *at)
{
    char *end;

    if (*at == ';')
        return blank(at, at + 1);
    if (*at == '"' || *at == '\'')
        return behind_quoted(at);
    if (*at == '#' || strncmp(at, "//", 2) == 0)
        return blank_line_comment(at);
    if (strncmp(at, "/*", 2) == 0)
        return blank_block_comment(at);
    end = behind_variable(at);
    return end ? end : behind_word(at);
}

static int line_of(const char *text, const char *at)
{
    int line = 1;

    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

int confuse_text_prepare(char *text)
{
    const char *open[8];
    size_t depth = 0;

    for (char *at = text; *at;) {
        if (*at == '{' && depth++ < sizeof(open) / sizeof(open[0]))
            open[depth - 1] = at;
        else if (*at == '}' && depth > 0)
            depth--;
        char *end = prepare_token(at);
        if (!end)
            return line_of(text, at);
        at = end;
    }
    if (depth > sizeof(open) / sizeof(open[0]))
        depth = sizeof(open) / sizeof(open[0]);
    return depth > 0 ? line_of(text, open[depth - 1]) : 0;
}
