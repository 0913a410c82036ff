#include "policy.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "../../proto/utf8.h"
#include "../confuse_text.h"

struct loader {
    const char *name;
    char *reason;
    size_t reason_bytes;
    cfg_t *cfg;
    struct policy *policy;
};

/* libConfuse hands nothing of ours to its error function. The last message is the one that ended the parse: those
 * before it are complaints about language tags as unknown options, which it then takes all the same. */
static char parse_error[768];

static bool refuse(struct loader *load, const cfg_t *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Always false, for `return refuse(...)`. */
static bool refuse(struct loader *load, const cfg_t *where, const char *format, ...)
{
    char what[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (where && where->title)
        snprintf(load->reason, load->reason_bytes, "%s:%d: reason \"%s\" (it ends here): %s", load->name, where->line,
                 where->title, what);
    else
        snprintf(load->reason, load->reason_bytes, "%s: %s", load->name, what);
    return false;
}

static bool no_memory(struct loader *load)
{
    return refuse(load, NULL, "%s", strerror(ENOMEM));
}

static bool copy(struct loader *load, char **to, const char *from)
{
    *to = strdup(from);
    return *to != NULL || no_memory(load);
}

/* ---- parsing ---- */

static void keep_error(cfg_t *cfg, const char *format, va_list args)
{
    char what[300];
    const char *advice = "";

    vsnprintf(what, sizeof(what), format, args);
    if (strstr(what, "no such option"))
        advice =
            "; there are version, reports_reopen, second_look, queue, unreviewed and reason; in a reason needs_note, "
            "title and "
            "sentence; in the queue order, target_minutes, report_minutes, front_page_minutes, watched_minutes "
            "and trusted_minutes";
    else if (strstr(what, "duplicate title"))
        advice = "; every reason stands there once: remove one or give it another code";
    snprintf(parse_error, sizeof(parse_error), "%d: %s%s%s%s%s", cfg->line, cfg->title ? "reason \"" : "",
             cfg->title ? cfg->title : "", cfg->title ? "\": " : "", what, advice);
}

static cfg_t *new_parser(void)
{
    cfg_opt_t texts[] = {CFG_END()};
    cfg_opt_t reason[] = {
        CFG_BOOL("needs_note", cfg_false, CFGF_NONE),
        CFG_SEC("title", texts, CFGF_KEYSTRVAL),
        CFG_SEC("sentence", texts, CFGF_KEYSTRVAL),
        CFG_END(),
    };
    cfg_opt_t queue[] = {
        CFG_STR("order", "oldest", CFGF_NONE),
        CFG_INT("target_minutes", 60, CFGF_NONE),
        CFG_INT("report_minutes", 30, CFGF_NONE),
        CFG_INT("front_page_minutes", 30, CFGF_NONE),
        CFG_INT("watched_minutes", 30, CFGF_NONE),
        CFG_INT("trusted_minutes", 30, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t options[] = {
        CFG_STR("version", NULL, CFGF_NONE),
        CFG_INT("reports_reopen", 0, CFGF_NONE),
        CFG_SEC("queue", queue, CFGF_NONE),
        CFG_FLOAT("second_look", 0, CFGF_NONE),
        CFG_STR_LIST("unreviewed", NULL, CFGF_NONE),
        CFG_SEC("reason", reason, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_END(),
    };
    cfg_t *cfg = cfg_init(options, CFGF_NONE);

    if (cfg)
        cfg_set_error_function(cfg, keep_error);
    return cfg;
}

static bool check_utf8(struct loader *load, const char *text)
{
    size_t bad;
    int line = 1;

    if (utf8_valid(slice_of(text), &bad))
        return true;
    for (size_t i = 0; i < bad; i++)
        line += text[i] == '\n';
    snprintf(load->reason, load->reason_bytes, "%s:%d: not valid UTF-8: save the file as UTF-8", load->name, line);
    return false;
}

static bool parse_prepared(struct loader *load, char *text)
{
    int unclosed = confuse_text_prepare(text);

    if (unclosed) {
        snprintf(load->reason, load->reason_bytes,
                 "%s:%d: the quote, brace or comment that begins here is never closed", load->name, unclosed);
        return false;
    }
    load->cfg = new_parser();
    if (!load->cfg)
        return no_memory(load);
    snprintf(parse_error, sizeof(parse_error), " cannot be parsed");
    errno = 0; /* libConfuse takes an old ERANGE for its own */
    if (cfg_parse_buf(load->cfg, text) == CFG_SUCCESS)
        return true;
    snprintf(load->reason, load->reason_bytes, "%s:%s", load->name, parse_error);
    return false;
}

static bool parse(struct loader *load, const char *text)
{
    char *prepared;
    bool good;

    if (!check_utf8(load, text))
        return false;
    prepared = strdup(text);
    if (!prepared)
        return no_memory(load);
    good = parse_prepared(load, prepared);
    free(prepared);
    return good;
}

/* ---- checks ---- */

static bool holds_control(const char *text)
{
    struct slice all = slice_of(text);

    for (size_t at = 0; at < all.len;) {
        int32_t c = utf8_next(all, &at);
        if (c < 0 || utf8_is_control(c))
            return true;
    }
    return false;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " ")] == '\0';
}

/* One to 35 letters, digits and hyphens, a letter first: loose, as BCP 47 has tags that nobody foresees. */
static bool is_language(const char *tag)
{
    size_t len = strlen(tag);

    if (len == 0 || len > POLICY_LANGUAGE_BYTES || tag[0] == '-' || isdigit((unsigned char)tag[0]))
        return false;
    for (const char *c = tag; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-')
            return false;
    return tag[len - 1] != '-';
}

static bool is_code(const char *code)
{
    static const char *allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t first = strspn(code, allowed);

    if (first == 0 || strlen(code) > POLICY_CODE_BYTES)
        return false;
    if (code[first] == '\0')
        return true;
    size_t second = code[first] == '.' ? strspn(code + first + 1, allowed) : 0;
    return second > 0 && code[first + 1 + second] == '\0';
}

static bool load_version(struct loader *load)
{
    const char *version = cfg_getstr(load->cfg, "version");

    if (!version || is_blank(version))
        return refuse(load, NULL, "no version: add one, such as version = \"our-rules-1\"");
    if (strlen(version) > POLICY_VERSION_BYTES)
        return refuse(load, NULL, "the version is longer than %d bytes: shorten it", POLICY_VERSION_BYTES);
    if (holds_control(version))
        return refuse(load, NULL, "the version holds a control character: remove it");
    return copy(load, &load->policy->version, version);
}

static bool load_reports_reopen(struct loader *load)
{
    long value = cfg_getint(load->cfg, "reports_reopen");

    if (value < 0 || value > POLICY_REPORTS_REOPEN_MAX)
        return refuse(load, NULL, "reports_reopen is %ld: give a number from 0 (never) to %d", value,
                      POLICY_REPORTS_REOPEN_MAX);
    load->policy->reports_reopen = value;
    return true;
}

static const char *const orders[] = {"oldest", "newest", "urgency"};

const char *queue_order_name(enum queue_order order)
{
    return orders[order];
}

static bool load_order(struct loader *load, const char *word)
{
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
        if (strcmp(word, orders[i]) == 0) {
            load->policy->queue.order = (enum queue_order)i;
            return true;
        }
    return refuse(load, NULL, "queue: order is \"%s\": give \"oldest\", \"newest\" or \"urgency\"", word);
}

static bool load_minutes(struct loader *load, cfg_t *section, const char *name, int64_t *ms)
{
    long minutes = cfg_getint(section, name);

    if (minutes < 0 || minutes > POLICY_MINUTES_MAX)
        return refuse(load, NULL, "queue: %s is %ld: give a number from 0 to %d", name, minutes, POLICY_MINUTES_MAX);
    *ms = minutes * INT64_C(60000);
    return true;
}

static bool load_queue(struct loader *load)
{
    struct policy_queue *queue = &load->policy->queue;
    cfg_t *section = cfg_getsec(load->cfg, "queue");

    return load_order(load, cfg_getstr(section, "order")) &&
           load_minutes(load, section, "target_minutes", &queue->target_ms) &&
           load_minutes(load, section, "report_minutes", &queue->report_ms) &&
           load_minutes(load, section, "front_page_minutes", &queue->front_page_ms) &&
           load_minutes(load, section, "watched_minutes", &queue->watched_ms) &&
           load_minutes(load, section, "trusted_minutes", &queue->trusted_ms);
}

static bool load_second_look(struct loader *load)
{
    double percent = cfg_getfloat(load->cfg, "second_look");

    if (!(percent >= 0 && percent <= 100)) /* "nan" is a number to libConfuse, and neither */
        return refuse(load, NULL, "second_look is %g: give a percentage from 0 (never) to 100", percent);
    load->policy->second_look = percent / 100;
    return true;
}

static bool knows_language(const struct policy *policy, const char *tag)
{
    for (size_t i = 0; i < policy->language_count; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a policy that lacks memory is never looked at */
        if (strcasecmp(policy->languages[i], tag) == 0)
            return true;
    return false;
}

/* The first title of the file says which languages there are. */
static bool load_languages(struct loader *load)
{
    struct policy *policy = load->policy;
    cfg_t *reason = cfg_getnsec(load->cfg, "reason", 0);
    cfg_t *title = cfg_getsec(reason, "title");
    unsigned count = cfg_num(title);

    if (count == 0)
        return refuse(load, reason, "no title: add title { en = \"...\" }");
    if (count > POLICY_LANGUAGES_MAX)
        return refuse(load, reason, "the title has %u languages: at most %d are possible", count, POLICY_LANGUAGES_MAX);
    policy->languages = calloc(count, sizeof(*policy->languages));
    if (!policy->languages)
        return no_memory(load);
    for (unsigned i = 0; i < count; i++) {
        const char *tag = cfg_opt_name(cfg_getnopt(title, i));
        if (!is_language(tag))
            return refuse(load, reason, "title: \"%s\" is no language tag: use BCP 47, such as en or zh-Hant", tag);
        if (knows_language(policy, tag))
            return refuse(load, reason, "title: the language \"%s\" stands there twice: remove one", tag);
        if (!copy(load, &policy->languages[i], tag))
            return false;
        policy->language_count++;
    }
    return true;
}

/* Value of one language, or NULL. Not cfg_getstr: it would complain about a tag that is not there. */
static const char *text_in(cfg_t *texts, const char *language)
{
    for (unsigned i = 0; i < cfg_num(texts); i++) {
        cfg_opt_t *option = cfg_getnopt(texts, i);
        if (strcmp(cfg_opt_name(option), language) == 0)
            return cfg_opt_getstr(option);
    }
    return NULL;
}

static bool check_text(struct loader *load, cfg_t *reason, const char *what, const char *language, const char *text,
                       size_t most)
{
    if (!text)
        return refuse(load, reason, "no %s in \"%s\": add it, since the first title of the file has that language",
                      what, language);
    if (is_blank(text))
        return refuse(load, reason, "the %s in \"%s\" is empty: write one", what, language);
    if (strlen(text) > most)
        return refuse(load, reason, "the %s in \"%s\" is longer than %zu bytes: shorten it", what, language, most);
    if (holds_control(text))
        return refuse(load, reason, "the %s in \"%s\" holds a line end or another control character: remove it", what,
                      language);
    return true;
}

static bool check_no_other_language(struct loader *load, cfg_t *reason, const char *what, cfg_t *texts)
{
    for (unsigned i = 0; i < cfg_num(texts); i++) {
        const char *tag = cfg_opt_name(cfg_getnopt(texts, i));
        if (!knows_language(load->policy, tag))
            return refuse(load, reason,
                          "%s: the first title of the file has no \"%s\": add that language to every title and "
                          "sentence, or remove it here",
                          what, tag);
    }
    return true;
}

static bool load_texts(struct loader *load, cfg_t *reason, const char *what, size_t most, char ***texts)
{
    const struct policy *policy = load->policy;
    cfg_t *section = cfg_getsec(reason, what);

    *texts = calloc(policy->language_count, sizeof(**texts));
    if (!*texts)
        return no_memory(load);
    for (size_t i = 0; i < policy->language_count; i++) {
        const char *text = text_in(section, policy->languages[i]);
        if (!check_text(load, reason, what, policy->languages[i], text, most) || !copy(load, &(*texts)[i], text))
            return false;
    }
    return check_no_other_language(load, reason, what, section);
}

static bool load_reason(struct loader *load, cfg_t *section, struct policy_reason *reason)
{
    const char *code = cfg_title(section);

    if (!is_code(code))
        return refuse(load, section,
                      "a code is made of a-z, 0-9 and _, at most one dot inside, and 1 to %d bytes: rename it",
                      POLICY_CODE_BYTES);
    reason->needs_note = cfg_getbool(section, "needs_note");
    return copy(load, &reason->code, code) && load_texts(load, section, "title", POLICY_TITLE_BYTES, &reason->title) &&
           load_texts(load, section, "sentence", POLICY_SENTENCE_BYTES, &reason->sentence);
}

static bool load_parent(struct loader *load, cfg_t *section, struct policy_reason *reason)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): load_reason has set it, or this is not reached */
    const char *dot = strchr(reason->code, '.');

    if (!dot)
        return true;
    struct slice parent = {reason->code, (size_t)(dot - reason->code)};
    reason->parent = policy_reason(load->policy, parent);
    if (!reason->parent)
        return refuse(load, section, "there is no reason \"%.*s\" for it to belong to: add that one or rename this one",
                      (int)parent.len, parent.data);
    return true;
}

static bool load_reasons(struct loader *load)
{
    struct policy *policy = load->policy;
    unsigned count = cfg_size(load->cfg, "reason");

    if (count == 0)
        return refuse(load, NULL, "no reasons: add at least one, or nothing can be rejected");
    if (count > POLICY_REASONS_MAX)
        return refuse(load, NULL, "%u reasons: at most %d are possible", count, POLICY_REASONS_MAX);
    if (!load_languages(load))
        return false;
    policy->reasons = calloc(count, sizeof(*policy->reasons));
    if (!policy->reasons)
        return no_memory(load);
    policy->reason_count = count;
    for (unsigned i = 0; i < count; i++)
        if (!load_reason(load, cfg_getnsec(load->cfg, "reason", i), &policy->reasons[i]))
            return false;
    for (unsigned i = 0; i < count; i++)
        if (!load_parent(load, cfg_getnsec(load->cfg, "reason", i), &policy->reasons[i]))
            return false;
    return true;
}

static bool load_unreviewed(struct loader *load)
{
    struct policy *policy = load->policy;
    unsigned count = cfg_size(load->cfg, "unreviewed");

    policy->unreviewed = calloc(count ? count : 1, sizeof(*policy->unreviewed));
    if (!policy->unreviewed)
        return no_memory(load);
    if (count > policy->language_count)
        return refuse(load, NULL, "unreviewed has more languages than the policy: remove some");
    for (unsigned i = 0; i < count; i++) {
        const char *tag = cfg_getnstr(load->cfg, "unreviewed", i);
        if (!knows_language(policy, tag))
            return refuse(load, NULL, "unreviewed: the policy has no texts in \"%s\": remove it there", tag);
        if (!copy(load, &policy->unreviewed[i], tag))
            return false;
        policy->unreviewed_count++;
    }
    return true;
}

/* ---- interface ---- */

/* NOLINTNEXTLINE(readability-non-const-parameter): the loader writes to it */
struct policy *policy_load_text(const char *name, const char *text, char *reason, size_t reason_bytes)
{
    struct loader load = {.name = name, .reason = reason, .reason_bytes = reason_bytes};
    bool good;

    load.policy = calloc(1, sizeof(*load.policy));
    good = load.policy ? parse(&load, text) && load_version(&load) && load_reports_reopen(&load) && load_queue(&load) &&
                             load_second_look(&load) && load_reasons(&load) && load_unreviewed(&load)
                       : no_memory(&load);
    if (load.cfg)
        cfg_free(load.cfg);
    if (good)
        return load.policy;
    policy_free(load.policy);
    return NULL;
}

struct policy *policy_load(const char *path, char *reason, size_t reason_bytes)
{
    char *text = confuse_text_read(path, reason, reason_bytes);
    struct policy *policy;

    if (!text)
        return NULL;
    policy = policy_load_text(path, text, reason, reason_bytes);
    free(text);
    return policy;
}

static void free_strings(char **strings, size_t count)
{
    for (size_t i = 0; strings && i < count; i++)
        free(strings[i]);
    free(strings);
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    for (size_t i = 0; i < policy->reason_count; i++) {
        free(policy->reasons[i].code);
        free_strings(policy->reasons[i].title, policy->language_count);
        free_strings(policy->reasons[i].sentence, policy->language_count);
    }
    free(policy->reasons);
    free_strings(policy->unreviewed, policy->unreviewed_count);
    free_strings(policy->languages, policy->language_count);
    free(policy->version);
    free(policy);
}

const struct policy_reason *policy_reason(const struct policy *policy, struct slice code)
{
    for (size_t i = 0; i < policy->reason_count; i++)
        if (slice_is(code, policy->reasons[i].code))
            return &policy->reasons[i];
    return NULL;
}

static void encode_list(struct out *out, const char *key, char *const *strings, size_t count)
{
    out_key(out, key);
    out_array(out);
    for (size_t i = 0; i < count; i++)
        out_str(out, slice_of(strings[i]));
    out_end(out);
}

static void encode_texts(struct out *out, const char *key, const struct policy *policy, char *const *texts)
{
    out_key(out, key);
    out_map(out);
    for (size_t i = 0; i < policy->language_count; i++)
        out_key_cstr(out, policy->languages[i], texts[i]);
    out_end(out);
}

static void encode_reason(struct out *out, const struct policy *policy, const struct policy_reason *reason)
{
    out_map(out);
    out_key_cstr(out, "code", reason->code);
    out_key_cstr(out, "parent", reason->parent ? reason->parent->code : NULL);
    out_key_bool(out, "needs_note", reason->needs_note);
    encode_texts(out, "title", policy, reason->title);
    encode_texts(out, "sentence", policy, reason->sentence);
    out_end(out);
}

void policy_encode(const struct policy *policy, struct out *out)
{
    out_map(out);
    out_key_cstr(out, "version", policy->version);
    out_key_int(out, "reports_reopen", policy->reports_reopen);
    out_key_cstr(out, "order", queue_order_name(policy->queue.order));
    encode_list(out, "languages", policy->languages, policy->language_count);
    encode_list(out, "unreviewed", policy->unreviewed, policy->unreviewed_count);
    out_key(out, "reasons");
    out_array(out);
    for (size_t i = 0; i < policy->reason_count; i++)
        encode_reason(out, policy, &policy->reasons[i]);
    out_end(out);
    out_end(out);
}
