#include "rig.h"

#include <jansson.h>
#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>
#include <msgpack/unpack.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../daemon/search/search.h"
#include "../../daemon/work/claim.h"
#include "../../proto/utf8.h"

static void give_up(const char *what)
{
    fprintf(stderr, "rig: %s\n", what);
    abort();
}

/* ---- JSON to MessagePack ---- */

static size_t from_hex(const char *hex, char *bytes, size_t max)
{
    size_t n = 0;
    unsigned byte;

    for (; n < max && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        bytes[n++] = (char)byte;
    return n;
}

/* True when the object stands for something that JSON has no word for. */
static bool pack_special(struct out *out, const json_t *object)
{
    static char bytes[65536];
    static const char *const words[] = {"$bin", "$str", "$raw"};
    void (*const write[])(struct out *, struct slice) = {out_bin, out_str, out_raw};

    for (size_t i = 0; i < 3; i++) {
        const char *hex = json_string_value(json_object_get(object, words[i]));
        if (!hex)
            continue;
        write[i](out, (struct slice){bytes, from_hex(hex, bytes, sizeof(bytes))});
        return true;
    }
    return false;
}

static void pack_json(struct out *out, json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    msgpack_object real = {.type = MSGPACK_OBJECT_FLOAT64};

    if (json_is_object(value) && !pack_special(out, value)) {
        out_map(out);
        json_object_foreach(value, key, item)
        {
            out_key(out, key);
            pack_json(out, item);
        }
        out_end(out);
    } else if (json_is_array(value)) {
        out_array(out);
        json_array_foreach(value, i, item) pack_json(out, item);
        out_end(out);
    } else if (json_is_string(value)) {
        out_str(out, (struct slice){json_string_value(value), json_string_length(value)});
    } else if (json_is_integer(value)) {
        out_int(out, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        out_bool(out, json_is_true(value));
    } else if (json_is_real(value)) {
        real.via.f64 = json_real_value(value);
        out_object(out, &real);
    } else if (json_is_null(value)) {
        out_nil(out);
    }
}

static json_t *load(const char *text)
{
    json_error_t error;
    char *copy = strdup(text);

    for (char *c = copy; c && *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *value = json_loads(copy, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (!value) {
        fprintf(stderr, "%s\n%s at %d\n", text, error.text, error.position);
        give_up("this is no JSON");
    }
    free(copy);
    return value;
}

void rig_pack(struct out *out, const char *json)
{
    json_t *value = load(json);

    pack_json(out, value);
    json_decref(value);
    if (out->failed)
        give_up("out of memory");
}

/* ---- opening and closing ---- */

static struct policy *default_policy(void)
{
    static struct policy *policy;
    char reason[256];

    if (!policy)
        policy = policy_load_text("built-in policy", policy_default_text, reason, sizeof(reason));
    if (!policy)
        give_up(reason);
    return policy;
}

void rig_open(struct rig *rig, struct store *store)
{
    *rig = (struct rig){.store = store, .now_ms = 1000000};
    rig->settings.heartbeat_ms = 5000;
    rig->settings.credit_timeout_ms = 30000;
    rig->settings.search = true;
    rig->settings.policy = default_policy();
    limits_default(&rig->settings.limits);
    rig->work.store = store;
    rig->work.settings = &rig->settings;
    rig->work.counters = &rig->counters;
    rig->work.boot_ms = 5000;
    rig->work.search = search_new(""); /* without an index: everything is read */
    if (!rig->work.search)
        give_up("out of memory");
    memset(rig->work.epoch, 0xee, EPOCH_BYTES);
    rig->access = access_new();
    if (!rig->access || !msgpack_zone_init(&rig->zone, 65536) || !rig_restart(rig))
        give_up("cannot begin");
}

bool rig_restart(struct rig *rig)
{
    enum store_result r;

    ledger_free(rig->work.ledger);
    rig->work.ledger = ledger_new(rig->store, &r);
    rig->work.trouble = STORE_OK;
    return rig->work.ledger != NULL;
}

void rig_close(struct rig *rig)
{
    access_free(rig->access);
    ledger_free(rig->work.ledger);
    out_free(&rig->work.scratch);
    search_free(rig->work.search);
    store_close(rig->store);
    msgpack_zone_destroy(&rig->zone);
    request_pool_drop();
}

/* ---- asking ---- */

static void on_growth(void *arg, const struct store_site *site)
{
    (void)arg;
    (void)site;
}

/* The writer's rule: claims that have ended first, and on trouble everything is taken back and nothing is answered. */
static bool change(struct rig *rig, struct request *request)
{
    struct work *work = &rig->work;

    work->trouble = STORE_OK;
    work->keys_changed = false;
    enum store_result r = ledger_begin(work->ledger, rig->now_ms);
    if (r == STORE_OK) {
        claims_expire(work, 256);
        if (!work->trouble)
            verb_run_once(work, request);
        r = work->trouble ? work->trouble : ledger_commit(work->ledger, on_growth, NULL);
    }
    rig->trouble = r;
    if (r == STORE_OK && work->keys_changed)
        rig->trouble = access_load(rig->access, rig->store);
    if (r == STORE_OK)
        return rig->trouble == STORE_OK;
    if (ledger_rollback(work->ledger) != STORE_OK)
        rig->trouble = STORE_FAILED;
    return false;
}

static bool look(struct rig *rig, struct request *request)
{
    struct work work = rig->work;

    work.ledger = NULL;
    work.trouble = STORE_OK;
    work.clock_ms = rig->now_ms;
    work.scratch = (struct out){0};
    if (work_ok(&work, rig->store->ops->begin(rig->store)))
        verb_run(&work, request);
    rig->store->ops->rollback(rig->store);
    out_free(&work.scratch);
    rig->trouble = work.trouble;
    return work.trouble == STORE_OK;
}

static const char *wrong_with(const msgpack_object *value)
{
    const char *wrong = NULL;

    if (value->type == MSGPACK_OBJECT_STR)
        return utf8_valid(mp_str(value), NULL) ? NULL : "a str that is not UTF-8";
    if (value->type == MSGPACK_OBJECT_ARRAY)
        for (uint32_t i = 0; i < value->via.array.size && !wrong; i++)
            wrong = wrong_with(&value->via.array.ptr[i]);
    if (value->type == MSGPACK_OBJECT_MAP)
        for (uint32_t i = 0; i < value->via.map.size && !wrong; i++) {
            wrong = wrong_with(&value->via.map.ptr[i].key);
            if (!wrong)
                wrong = wrong_with(&value->via.map.ptr[i].val);
        }
    return wrong;
}

/* Takes the reply out of the request, and looks whether a client could read it. */
static const msgpack_object *take_reply(struct rig *rig, const struct request *request)
{
    struct slice bytes = out_slice(&request->reply);
    char *copy = msgpack_zone_malloc(&rig->zone, bytes.len + 1);
    msgpack_object *reply = msgpack_zone_malloc(&rig->zone, sizeof(*reply));

    if (!copy || !reply)
        give_up("out of memory");
    memcpy(copy, bytes.data, bytes.len);
    *reply = (msgpack_object){.type = MSGPACK_OBJECT_NIL};
    const char *wrong = mp_unpack_answer((struct slice){copy, bytes.len}, &rig->zone, reply)
                            ? wrong_with(reply)
                            : "not one MessagePack map of at most 1,000,000 values and 16 levels";
    snprintf(rig->wrong, sizeof(rig->wrong), "%s", wrong ? wrong : "");
    return reply;
}

static bool answer(struct rig *rig, struct request *request)
{
    struct admission admission = {
        .settings = &rig->settings, .access = rig->access, .now_ms = rig->now_ms, .boot_ms = rig->work.boot_ms};

    if (!admit(request, &admission)) {
        request_refuse(request, &request->fault);
        return true;
    }
    return request->verb->kind == VERB_CHANGE ? change(rig, request) : look(rig, request);
}

const msgpack_object *rig_ask_packed(struct rig *rig, enum door door, struct slice bytes)
{
    struct request *request = request_new();
    const msgpack_object *reply = NULL;

    if (!request)
        give_up("out of memory");
    rig->trouble = STORE_OK;
    rig->wrong[0] = '\0';
    request->door = door;
    request->peer = rig->from;
    request->body = bytes;
    if (answer(rig, request))
        reply = take_reply(rig, request);
    if (reply)
        tally_settle(request, &rig->counters);
    admit_end(request, rig->access);
    request_free(request);
    return reply;
}

static void complete(struct rig *rig, enum door door, json_t *map)
{
    const char *op = json_string_value(json_object_get(map, "op"));
    const struct verb *verb = op ? verb_find(slice_of(op), door) : NULL;
    char hex[40];

    if (!json_object_get(map, "v"))
        json_object_set_new(map, "v", json_integer(1));
    if (!verb || verb->operation != OPERATION_NEEDED || json_object_get(map, "operation"))
        return;
    snprintf(hex, sizeof(hex), "%032llx", (unsigned long long)++rig->operations);
    json_object_set_new(map, "operation", json_pack("{s:s}", "$bin", hex));
}

const msgpack_object *rig_ask(struct rig *rig, enum door door, const char *json)
{
    struct out out = {0};
    json_t *map = load(json);

    complete(rig, door, map);
    pack_json(&out, map);
    json_decref(map);
    const msgpack_object *reply = rig_ask_packed(rig, door, out_slice(&out));
    out_free(&out);
    return reply;
}

/* ---- looking into replies ---- */

const msgpack_object *rig_at(const msgpack_object *value, const char *path)
{
    char key[64];

    while (value && *path) {
        size_t len = strcspn(path, ".");
        snprintf(key, sizeof(key), "%.*s", (int)len, path);
        value = value->type == MSGPACK_OBJECT_ARRAY ? mp_item(value, strtoul(key, NULL, 10)) : mp_get(value, key);
        path += len + (path[len] == '.');
    }
    return value;
}

char *rig_text(const msgpack_object *value)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);

    if (!file)
        give_up("out of memory");
    if (value)
        msgpack_object_print(file, *value);
    else
        fputs("(nothing)", file);
    fclose(file);
    return text;
}

/* ---- the log ---- */

static void pack_text(msgpack_packer *pk, struct slice text)
{
    msgpack_pack_str(pk, text.len);
    msgpack_pack_str_body(pk, text.data, text.len);
}

void rig_chain(unsigned char hash[SHA256_BYTES], const unsigned char before[SHA256_BYTES],
               const struct store_event *event, const char *site)
{
    static const char *const kinds[] = {"none",          "submitted",    "approved",      "rejected",     "reopened",
                                        "withdrawn",     "erased",       "claimed",       "renewed",      "released",
                                        "lease_expired", "escalated",    "reported",      "key_added",    "key_revoked",
                                        "key_rotated",   "reloaded",     "looked",        "skipped",      "noted",
                                        "second_look",   "author_noted", "author_marked", "author_erased"};
    msgpack_sbuffer buffer;
    msgpack_packer pk;
    struct sha256_ctx context;

    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&pk, &buffer, msgpack_sbuffer_write);
    msgpack_pack_array(&pk, event->via.data ? 11 : 10);
    msgpack_pack_int64(&pk, event->no);
    msgpack_pack_int64(&pk, event->at);
    pack_text(&pk, slice_of(kinds[event->kind]));
    pack_text(&pk, slice_of(site));
    pack_text(&pk, event->comment);
    msgpack_pack_int64(&pk, event->revision);
    msgpack_pack_int64(&pk, event->text);
    pack_text(&pk, event->actor);
    msgpack_pack_int64(&pk, event->seq);
    msgpack_pack_bin(&pk, event->data.len);
    msgpack_pack_bin_body(&pk, event->data.data, event->data.len);
    if (event->via.data)
        pack_text(&pk, event->via);
    sha256_init(&context);
    sha256_update(&context, SHA256_BYTES, before);
    sha256_update(&context, buffer.size, (const uint8_t *)buffer.data);
    sha256_digest(&context, SHA256_BYTES, hash);
    msgpack_sbuffer_destroy(&buffer);
}

enum { SITES_MAX = 1100 };

struct sites {
    struct store_site rows[SITES_MAX];
    int64_t seq[SITES_MAX];
    size_t n;
};

static bool on_site(void *arg, const struct store_site *site)
{
    struct sites *sites = arg;

    if (sites->n < SITES_MAX)
        sites->rows[sites->n++] = *site;
    return true;
}

static bool complain(struct rig *rig, const char *what, int64_t no)
{
    snprintf(rig->wrong, sizeof(rig->wrong), "event %lld: %s", (long long)no, what);
    return false;
}

static bool check_event(struct rig *rig, struct sites *sites, const struct store_event *event,
                        unsigned char chain[SHA256_BYTES])
{
    size_t site = (size_t)event->site - 1;
    bool bare = event->site == 0; /* about no comment, so of no site's log */

    if (bare ? event->comment.len > 0 || event->seq || event->previous
             : site >= sites->n || sites->rows[site].no != event->site)
        return complain(rig, "of a site that is not there", event->no);
    if (!bare && kind_is_record(event->kind) ? event->seq != ++sites->seq[site] : event->seq != 0)
        return complain(rig, "its number in the log is not the next one", event->no);
    rig_chain(chain, chain, event, bare ? "" : sites->rows[site].name);
    if (event->hash.len != SHA256_BYTES || memcmp(event->hash.data, chain, SHA256_BYTES) != 0)
        return complain(rig, "its hash is not that of its definition", event->no);
    return true;
}

bool rig_log_is_whole(struct rig *rig)
{
    static struct sites sites;
    const struct store_ops *ops = rig->store->ops;
    unsigned char chain[SHA256_BYTES] = {0};
    struct store_event event;
    int64_t at = 0;
    int64_t no = 1;

    sites = (struct sites){0};
    ops->site_scan(rig->store, on_site, &sites);
    for (; ops->event_get(rig->store, no, &event) == STORE_OK; no++) {
        if (event.at < at)
            return complain(rig, "time goes back", no);
        at = event.at;
        if (!check_event(rig, &sites, &event, chain))
            return false;
    }
    for (size_t i = 0; i < sites.n; i++)
        if (sites.seq[i] != sites.rows[i].newest)
            return complain(rig, "the newest number of a site is not that of its log", no - 1);
    return true;
}

/* The next answer of `verify` after `reply`, a few events at a time. */
static const msgpack_object *verify_on(struct rig *rig, const msgpack_object *reply)
{
    static const struct peer root = {.proof = PROOF_USER};
    struct peer from = rig->from;
    struct out request = {0};

    out_map(&request);
    out_key_int(&request, "v", 1);
    out_key_cstr(&request, "op", "verify");
    out_key_int(&request, "limit", 50);
    out_key_int(&request, "after", mp_get_int(reply, "last", 0));
    out_key_bin(&request, "hash", mp_get_bin(reply, "hash"));
    out_key_bin(&request, "counts", mp_get_bin(reply, "counts"));
    out_end(&request);
    rig->from = root;
    reply = rig_ask_packed(rig, DOOR_DESK, out_slice(&request));
    rig->from = from;
    out_free(&request);
    return reply;
}

static bool is_counted(struct rig *rig)
{
    const msgpack_object *reply = NULL;
    struct slice state = SLICE_NONE;

    do {
        struct out request = {0};
        out_map(&request);
        out_key_int(&request, "v", 1);
        out_key_cstr(&request, "op", "fsck");
        if (state.data)
            out_key_bin(&request, "state", state);
        out_end(&request);
        struct peer from = rig->from;
        rig->from = (struct peer){.proof = PROOF_USER};
        reply = rig_ask_packed(rig, DOOR_DESK, out_slice(&request));
        rig->from = from;
        out_free(&request);
        if (!reply || rig->wrong[0] || !mp_get_bool(reply, "ok", false) || mp_count(mp_get(reply, "faults")) > 0) {
            char *text = rig_text(reply);
            snprintf(rig->wrong, sizeof(rig->wrong), "fsck: %s", text);
            free(text);
            return false;
        }
        state = mp_get_bin(reply, "state");
    } while (state.data);
    return true;
}

bool rig_is_verified(struct rig *rig)
{
    const msgpack_object *reply = NULL;

    do {
        reply = verify_on(rig, reply);
        if (!reply || rig->wrong[0] || !mp_get_bool(reply, "ok", false) || mp_count(mp_get(reply, "faults")) > 0) {
            char *text = rig_text(reply);
            snprintf(rig->wrong, sizeof(rig->wrong), "verify: %s", text);
            free(text);
            return false;
        }
    } while (!mp_get_bool(reply, "done", false));
    return is_counted(rig);
}
