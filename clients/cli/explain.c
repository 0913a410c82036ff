#include "explain.h"

#include <string.h>

#include "say.h"
#include "when.h"

typedef void explain_fn(struct text *out, const struct modq_value *error, bool superseding);

static void say_reasons(struct text *out, const struct modq_value *reasons)
{
    if (modq_count(reasons) == 0)
        return;
    say(out, " (");
    say_list(out, reasons, ", ");
    say(out, ")");
}

static void already_decided(struct text *out, const struct modq_value *error, bool superseding)
{
    int64_t at = modq_get_int(error, "at", -1);

    say(out, "already ");
    say_value(out, modq_get(error, "decision"));
    if (modq_get(error, "by")) {
        say(out, " by ");
        say_value(out, modq_get(error, "by"));
    }
    if (at >= 0) {
        say(out, " on ");
        when_say(out, at);
    }
    say_reasons(out, modq_get(error, "reasons"));
    if (!superseding)
        say(out, "; use --supersede to replace it");
}

static void claimed(struct text *out, const struct modq_value *error, bool superseding)
{
    int64_t until = modq_get_int(error, "until", -1);

    (void)superseding;
    say(out, "claimed by ");
    say_value(out, modq_get(error, "by"));
    if (until >= 0) {
        say(out, " until ");
        when_say_short(out, until, when_now());
    }
}

static void stale_revision(struct text *out, const struct modq_value *error, bool superseding)
{
    (void)superseding;
    say(out, "another revision is current now: %lld; read it first", (long long)modq_get_int(error, "revision", 0));
}

static void not_current(struct text *out, const struct modq_value *error, bool superseding)
{
    (void)superseding;
    say(out, "something came after that decision");
    if (modq_get(error, "state")) {
        say(out, ": it is ");
        say_value(out, modq_get(error, "state"));
        say(out, " now");
    }
    if (modq_get(error, "seq"))
        say(out, " (record %lld)", (long long)modq_get_int(error, "seq", 0));
}

static void not_a_decision(struct text *out, const struct modq_value *error, bool superseding)
{
    (void)superseding;
    say(out, "only approvals and rejections can be undone; that record is ");
    say_value(out, modq_get(error, "decision"));
}

static void conflict(struct text *out, const struct modq_value *error, bool superseding)
{
    (void)superseding;
    say(out, "another text is stored under this id and revision");
    if (modq_get(error, "state")) {
        say(out, " (");
        say_value(out, modq_get(error, "state"));
        say(out, ")");
    }
}

static void not_found(struct text *out, const struct modq_value *error, bool superseding)
{
    (void)error;
    (void)superseding;
    say(out, "not found");
}

static void other(struct text *out, const struct modq_value *error, bool superseding)
{
    (void)superseding;
    say_value(out, modq_get(error, "message"));
}

void explain(struct text *out, const struct modq_value *error, bool superseding)
{
    static const struct {
        const char *name, *key; /* the key that must be there to say it that way */
        explain_fn *say;
    } ways[] = {
        {"already_decided", "decision", already_decided},
        {"claimed", "by", claimed},
        {"stale_revision", "revision", stale_revision},
        {"not_current", NULL, not_current},
        {"not_a_decision", "decision", not_a_decision},
        {"conflict", NULL, conflict},
        {"not_found", NULL, not_found},
    };
    explain_fn *way = other;

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (modq_is(modq_get(error, "name"), ways[i].name) && (!ways[i].key || modq_get(error, ways[i].key)))
            way = ways[i].say;
    way(out, error, superseding);
}

/* The daemon's messages often begin with the field; it is not said twice. */
void explain_error(struct text *out, const struct modq_error *error)
{
    size_t len = strlen(error->field);

    if (len > 0 && strncmp(error->message, error->field, len) != 0) {
        say_quoted(out, slice_of(error->field));
        say(out, ": ");
    }
    say_quoted(out, slice_of(error->message));
}

static const char *advice(const struct modq_error *error, const char *operation)
{
    bool about_keys = operation && strncmp(operation, "key_", 4) == 0;

    switch (error->number) {
    case MODQ_E_CONNECT:
        return "is modqd running? --dir names its directory";
    case MODQ_E_TIMEOUT:
        return "whether it was done is not known; --timeout gives it more time";
    case MODQ_E_NOT_FOUND:
        return about_keys ? "modq key list tells which are good, with --all those that ended, too"
                          : "modq stats lists the sites";
    case MODQ_E_DENIED:
        return "modq hello tells what you may; an administrator can give you a key with more rights (modq key add)";
    case MODQ_E_KEY_EXISTS:
        return "modq key list --all shows it; modq key rotate makes a new one in its place";
    case MODQ_E_AS_REQUIRED:
        return "give your name with --as NAME or in $MODQ_AS";
    default:
        return NULL;
    }
}

void complain_error(const struct modq_error *error, const char *operation)
{
    struct text line = {0};

    if (!error) {
        complain("out of memory");
        return;
    }
    explain_error(&line, error);
    complain("%.*s (%s)", (int)line.len, line.data ? line.data : "", error->name);
    if (advice(error, operation))
        complain("%s", advice(error, operation));
    text_free(&line);
}
