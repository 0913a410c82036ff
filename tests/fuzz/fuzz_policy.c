/* The policy: any text as a file of reasons. What is taken can be told to every client; what is refused says where. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../daemon/policy/policy.h"
#include "../../proto/mp.h"
#include "../../proto/utf8.h"

#define NAME "rules.conf"

static bool is_text(const char *text, size_t most)
{
    struct slice all = slice_of(text);

    if (all.len == 0 || all.len > most)
        return false;
    for (size_t at = 0; at < all.len;) {
        int32_t c = utf8_next(all, &at);
        if (c < 0 || utf8_is_control(c))
            return false;
    }
    return true;
}

static void check_reason(const struct policy *policy, const struct policy_reason *reason)
{
    const char *dot = strchr(reason->code, '.');

    DEMAND(reason->code[0] && strlen(reason->code) <= POLICY_CODE_BYTES);
    DEMAND(policy_reason(policy, slice_of(reason->code)) == reason);
    DEMAND((dot != NULL) == (reason->parent != NULL));
    if (dot)
        DEMAND(slice_is((struct slice){reason->code, (size_t)(dot - reason->code)}, reason->parent->code));
    for (size_t i = 0; i < policy->language_count; i++) {
        DEMAND(is_text(reason->title[i], POLICY_TITLE_BYTES));
        DEMAND(is_text(reason->sentence[i], POLICY_SENTENCE_BYTES));
    }
}

static bool has_language(const struct policy *policy, const char *tag)
{
    for (size_t i = 0; i < policy->language_count; i++)
        if (strcasecmp(policy->languages[i], tag) == 0)
            return true;
    return false;
}

/* As the answer of the operation `policy` it stays under what a client reads. */
static void check_encoded(const struct policy *policy)
{
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;

    policy_encode(policy, &out);
    DEMAND(!out.failed && out.depth == 0);
    DEMAND(msgpack_zone_init(&zone, 8192));
    DEMAND(mp_unpack_map(out_slice(&out), &zone, &map));
    DEMAND(slice_is(mp_get_str(&map, "version"), policy->version));
    DEMAND(mp_count(mp_get(&map, "reasons")) == policy->reason_count);
    msgpack_zone_destroy(&zone);
    out_free(&out);
}

static void check_policy(const struct policy *policy)
{
    DEMAND(is_text(policy->version, POLICY_VERSION_BYTES));
    DEMAND(policy->reports_reopen >= 0 && policy->reports_reopen <= POLICY_REPORTS_REOPEN_MAX);
    DEMAND(policy->second_look >= 0 && policy->second_look <= 1);
    DEMAND(policy->language_count >= 1 && policy->language_count <= POLICY_LANGUAGES_MAX);
    DEMAND(policy->reason_count >= 1 && policy->reason_count <= POLICY_REASONS_MAX);
    DEMAND(policy->unreviewed_count <= policy->language_count);
    for (size_t i = 0; i < policy->unreviewed_count; i++)
        DEMAND(has_language(policy, policy->unreviewed[i]));
    for (size_t i = 0; i < policy->reason_count; i++)
        check_reason(policy, &policy->reasons[i]);
    check_encoded(policy);
}

/* "rules.conf:LINE: ..." or "rules.conf: ...", the line one that there is. */
static void check_complaint(const char *said, const char *text)
{
    long lines = 1;
    char *end;

    for (; *text; text++)
        lines += *text == '\n';
    DEMAND(strncmp(said, NAME ":", strlen(NAME ":")) == 0);
    long line = strtol(said + strlen(NAME ":"), &end, 10);
    if (*end == ':')
        DEMAND(line >= 1 && line <= lines);
    DEMAND(strlen(end) > 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_begin(data, size);
    char *text = fuzz_text(fuzz_rest(&input));
    char said[2048] = "";
    struct policy *policy = policy_load_text(NAME, text, said, sizeof(said));

    fuzz_count(policy != NULL);
    if (policy)
        check_policy(policy);
    else
        check_complaint(said, text);
    policy_free(policy);
    free(text);
    return 0;
}
