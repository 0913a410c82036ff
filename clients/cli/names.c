#include "names.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "say.h"

bool name_split(struct slice text, struct slice *site, struct slice *comment)
{
    const char *slash = text.len ? memchr(text.data, '/', text.len) : NULL;

    if (!slash)
        return false;
    *site = (struct slice){text.data, (size_t)(slash - text.data)};
    *comment = (struct slice){slash + 1, text.len - site->len - 1};
    return site->len > 0 && comment->len > 0;
}

static bool wrong(struct modq_error *error, const char *message)
{
    *error = (struct modq_error){.number = MODQ_E_ARGUMENT, .class_ = MODQ_CLASS_FIX, .name = "client_bad_argument"};
    snprintf(error->message, sizeof(error->message), "%s", message);
    return false;
}

/* As the daemon would. */
static bool check(struct slice site, struct slice comment, struct modq_error *error)
{
    struct modq_comment *probe = modq_comment_new();

    if (!probe)
        return wrong(error, "out of memory");
    modq_comment_text(probe, MODQ_SITE, site.data, site.len);
    modq_comment_text(probe, MODQ_COMMENT, comment.data, comment.len);
    modq_comment_text(probe, MODQ_BODY, "-", 1);
    bool ok = modq_comment_check(probe, NULL, error);
    modq_comment_free(probe);
    return ok;
}

static bool grow(struct names *names)
{
    if (names->count < names->cap)
        return true;
    size_t cap = names->cap ? names->cap * 2 : 16;
    struct name *item = realloc(names->item, cap * sizeof(*item));
    if (!item)
        return false;
    names->item = item;
    names->cap = cap;
    return true;
}

bool names_add(struct names *names, struct slice site, struct slice comment, struct modq_error *error)
{
    if (!check(site, comment, error))
        return false;
    struct name name = {
        .site = strndup(site.data, site.len), .comment = strndup(comment.data, comment.len), .revision = -1, .seq = -1};
    if (name.site && name.comment && grow(names)) {
        names->item[names->count++] = name;
        return true;
    }
    free(name.site);
    free(name.comment);
    return wrong(error, "out of memory");
}

void names_drop(struct names *names)
{
    struct name *last = &names->item[--names->count];

    free(last->site);
    free(last->comment);
}

static bool add_name(struct names *names, struct slice text, struct modq_error *error)
{
    struct slice site, comment;

    if (!name_split(text, &site, &comment))
        return wrong(error, "a comment is named SITE/ID");
    return names_add(names, site, comment, error);
}

static struct slice json_slice(const json_t *string)
{
    return (struct slice){json_string_value(string), json_string_length(string)};
}

static bool add_json(struct names *names, struct slice line, struct modq_error *error)
{
    json_error_t where;
    json_t *map = json_loadb(line.data, line.len, JSON_ALLOW_NUL, &where);
    json_t *revision = json_object_get(map, "revision");
    struct slice site = json_slice(json_object_get(map, "site"));
    struct slice comment = json_slice(json_object_get(map, "comment"));
    bool ok = false;

    if (!map)
        wrong(error, where.text);
    else if (!site.data || !comment.data)
        wrong(error, "the object has no \"site\" and \"comment\"");
    else if (revision && !json_is_null(revision) && !json_is_integer(revision))
        wrong(error, "\"revision\" is no integer");
    else
        ok = names_add(names, site, comment, error);
    if (ok && json_is_integer(revision))
        names->item[names->count - 1].revision = json_integer_value(revision);
    json_decref(map);
    return ok;
}

static struct slice trim(struct slice line)
{
    while (line.len > 0 && strchr(" \t\r", line.data[0])) {
        line.data++;
        line.len--;
    }
    while (line.len > 0 && strchr(" \t\r", line.data[line.len - 1]))
        line.len--;
    return line;
}

bool names_add_line(struct names *names, struct slice line, struct modq_error *error)
{
    line = trim(line);
    if (line.len == 0)
        return true;
    return line.data[0] == '{' ? add_json(names, line, error) : add_name(names, line, error);
}

/* With the beginning of the line, so that it is seen what was read. */
static void complain_line(const struct lines *lines, struct slice line, const struct modq_error *error)
{
    enum { SEEN = 40 };
    struct text safe = {0};
    struct text seen = {0};

    if (line.data)
        render_line(&safe, trim(line));
    render_cut(&seen, text_slice(&safe), SEEN);
    complain("line %llu: \"%.*s\": %s", (unsigned long long)lines->number, (int)seen.len, seen.data ? seen.data : "",
             error->message);
    text_free(&safe);
    text_free(&seen);
}

static void read_lines(struct app *app, struct names *names)
{
    struct lines lines;
    struct slice line;
    struct modq_error error;
    enum line_status status;

    lines_open(&lines, 0);
    while ((status = lines_next(&lines, &line, true)) != LINE_END) {
        if (status == LINE_FAILED) {
            complain("standard input cannot be read");
            app_exit(app, EXIT_LOCAL);
            break;
        }
        if (status != LINE_TOO_LONG && names_add_line(names, line, &error))
            continue;
        if (status == LINE_TOO_LONG)
            complain("line %llu: it is too long", (unsigned long long)lines.number);
        else
            complain_line(&lines, line, &error);
        app_exit(app, EXIT_WRONG);
    }
    lines_close(&lines);
}

bool names_read(struct app *app, struct names *names)
{
    struct modq_error error;

    for (int i = 0; i < app->argc; i++)
        if (!add_name(names, slice_of(app->argv[i]), &error)) {
            complain("\"%s\": %s", app->argv[i], error.message);
            app_exit(app, EXIT_USAGE);
            return false;
        }
    if (app->options.given[OPT_STDIN])
        read_lines(app, names);
    return true;
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->item[i].site);
        free(names->item[i].comment);
    }
    free(names->item);
    *names = (struct names){0};
}
