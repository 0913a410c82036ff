#include "../../proto/comment.h"
#include "../../proto/fields.h"
#include "../../proto/mp.h"
#include "../../proto/out.h"
#include "../../proto/utf8.h"
#include "../lib/rig.h"
#include "unit.h"

#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- out ---- */

static void assert_bytes(const struct out *out, const char *bytes, size_t len)
{
    assert_false(out->failed);
    assert_int_equal(out->len, len);
    assert_memory_equal(out->data, bytes, len);
}

#define ASSERT_BYTES(out, literal) assert_bytes(out, literal, sizeof(literal) - 1)

static void fill(struct out *out, bool map, uint32_t n)
{
    if (map)
        out_map(out);
    else
        out_array(out);
    for (uint32_t i = 0; i < n; i++) {
        if (map)
            out_key(out, "k");
        out_int(out, (int64_t)i % 100);
    }
    out_end(out);
}

static void fill_reference(msgpack_sbuffer *buffer, bool map, uint32_t n)
{
    msgpack_packer pk;

    msgpack_packer_init(&pk, buffer, msgpack_sbuffer_write);
    if (map)
        msgpack_pack_map(&pk, n);
    else
        msgpack_pack_array(&pk, n);
    for (uint32_t i = 0; i < n; i++) {
        if (map) {
            msgpack_pack_str(&pk, 1);
            msgpack_pack_str_body(&pk, "k", 1);
        }
        msgpack_pack_int(&pk, (int)(i % 100));
    }
}

TEST(containers_of_every_size_have_the_shortest_header)
{
    static const uint32_t sizes[] = {0, 1, 14, 15, 16, 17, 255, 256, 65534, 65535, 65536, 65537};

    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct out out = {0};
        msgpack_sbuffer buffer;
        msgpack_sbuffer_init(&buffer);
        fill(&out, i % 2, sizes[i / 2]);
        fill_reference(&buffer, i % 2, sizes[i / 2]);
        assert_bytes(&out, buffer.data, buffer.size);
        msgpack_sbuffer_destroy(&buffer);
        out_free(&out);
    }
}

TEST(long_containers_inside_long_containers_move_what_follows)
{
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object value;

    out_array(&out);
    for (int i = 0; i < 20; i++) {
        fill(&out, false, 300);
        fill(&out, true, 20);
    }
    out_end(&out);
    out_array(&out); /* a second value behind the first is untouched by it */
    out_end(&out);
    assert_true(msgpack_zone_init(&zone, 4096));
    assert_true(mp_unpack((struct slice){out.data, out.len - 1}, &zone, &value));
    assert_int_equal(mp_count(&value), 40);
    assert_int_equal(mp_count(mp_item(&value, 38)), 300);
    assert_int_equal(mp_get_int(mp_item(&value, 39), "k", -1), 0);
    msgpack_zone_destroy(&zone);
    out_free(&out);
}

TEST(containers_nest_as_deep_as_the_writer_allows)
{
    struct out out = {0};

    for (int i = 0; i < OUT_DEPTH; i++)
        out_array(&out);
    for (int i = 0; i < OUT_DEPTH; i++)
        out_end(&out);
    ASSERT_BYTES(&out, "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x90");
    out_reset(&out);
    for (int i = 0; i < OUT_DEPTH + 1; i++)
        out_array(&out);
    assert_true(out.failed);
    out_free(&out);
}

TEST(a_failure_sticks_until_the_writer_is_reset)
{
    struct out out = {0};

    out_end(&out);
    assert_true(out.failed);
    size_t len = out.len;
    out_map(&out);
    out_key_int(&out, "a", 1);
    out_key_cstr(&out, "b", "text");
    fill(&out, false, 100);
    out_end(&out);
    out_pairs(&out, SLICE_LIT("\xa1x\x01"), 1);
    out_raw(&out, SLICE_LIT("\x01"));
    assert_true(out.failed);
    assert_int_equal(out.len, len);
    out_reset(&out);
    out_bool(&out, true);
    ASSERT_BYTES(&out, "\xc3");
    out_free(&out);
}

TEST(pairs_packed_elsewhere_count_in_the_open_map)
{
    struct out out = {0};
    struct out pairs = {0};

    out_map(&pairs);
    for (int i = 0; i < 20; i++)
        out_key_nil(&pairs, "k");
    out_map(&out);
    assert_int_equal(out_count(&out), 0);
    out_key_int(&out, "a", 1);
    assert_int_equal(out_count(&out), 1);
    out_pairs(&out, (struct slice){pairs.data + 1, pairs.len - 1}, out_count(&pairs));
    assert_int_equal(out_count(&out), 21);
    out_end(&out);
    assert_memory_equal(out.data, "\xde\x00\x15", 3);
    assert_true(mp_check(out_slice(&out)));
    out_free(&pairs);
    out_free(&out);
}

TEST(every_kind_of_value_is_written)
{
    struct out out = {0};
    msgpack_object real = {.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = 1.5};

    out_map(&out);
    out_key_nil(&out, "n");
    out_key_bool(&out, "b", false);
    out_key_int(&out, "i", INT64_MIN);
    out_key_str(&out, "s", SLICE_LIT("x"));
    out_key_str(&out, "S", SLICE_NONE);
    out_key_cstr(&out, "c", NULL);
    out_key_bin(&out, "y", SLICE_LIT(""));
    out_key_bin(&out, "Y", SLICE_NONE);
    out_key_raw(&out, "r", SLICE_LIT("\x92\x01\x02"));
    out_key_raw(&out, "R", SLICE_NONE);
    out_key(&out, "o");
    out_object(&out, &real);
    out_key(&out, "O");
    out_object(&out, NULL);
    out_end(&out);
    ASSERT_BYTES(&out, "\x8c\xa1n\xc0\xa1"
                       "b\xc2\xa1i\xd3\x80\0\0\0\0\0\0\0\xa1s\xa1x\xa1S\xc0\xa1"
                       "c\xc0\xa1y\xc4\0\xa1Y\xc0\xa1r\x92\x01\x02\xa1R\xc0\xa1o\xcb\x3f\xf8\0\0\0\0\0\0\xa1O\xc0");
    out_free(&out);
}

TEST(integers_round_trip_in_their_shortest_form)
{
    static const struct {
        int64_t value;
        size_t bytes;
    } cases[] = {{0, 1},      {127, 1},    {128, 2},        {255, 2},          {256, 3},
                 {65535, 3},  {65536, 5},  {UINT32_MAX, 5}, {1LL << 32, 9},    {INT64_MAX, 9},
                 {-1, 1},     {-32, 1},    {-33, 2},        {-128, 2},         {-129, 3},
                 {-32768, 3}, {-32769, 5}, {INT32_MIN, 5},  {-(1LL << 33), 9}, {INT64_MIN, 9}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct out out = {0};
        msgpack_zone zone;
        msgpack_object value;
        int64_t number;
        out_int(&out, cases[i].value);
        assert_int_equal(out.len, cases[i].bytes);
        assert_true(msgpack_zone_init(&zone, 256));
        assert_true(mp_unpack(out_slice(&out), &zone, &value));
        assert_true(mp_int(&value, &number));
        assert_int_equal(number, cases[i].value);
        msgpack_zone_destroy(&zone);
        out_free(&out);
    }
}

/* ---- mp_check ---- */

/* How many bytes follow a tag alone before anything variable, and what that says. */
static bool tag_can_be_whole(unsigned tag, size_t followed_by)
{
    static const int fixed[32] = {0, -1, 0, 0, 1, 2, 4, 2, 3,  5, 4, 8, 1, 2, 4, 8,
                                  1, 2,  4, 8, 2, 3, 5, 9, 17, 1, 2, 4, 2, 4, 2, 4};

    if (tag <= 0x7f || tag >= 0xe0)
        return followed_by == 0;
    if (tag <= 0x8f)
        return followed_by == 2 * (tag & 15);
    if (tag <= 0x9f)
        return followed_by == (tag & 15);
    if (tag <= 0xbf)
        return followed_by == (tag & 31);
    return fixed[tag - 0xc0] == (int)followed_by;
}

TEST(every_tag_is_one_value_with_the_right_number_of_bytes_behind_it)
{
    char bytes[64] = {0}; /* zeros: lengths of zero, and small integers for elements */

    for (unsigned tag = 0; tag < 256; tag++)
        for (size_t n = 0; n < 40; n++) {
            bytes[0] = (char)tag;
            if (mp_check((struct slice){bytes, 1 + n}) != tag_can_be_whole(tag, n))
                fail_msg("0x%02x and %zu bytes", tag, n);
        }
}

TEST(what_the_check_takes_msgpack_c_takes_as_well)
{
    msgpack_zone zone;
    msgpack_object value;
    char bytes[64] = {0};

    assert_true(msgpack_zone_init(&zone, 256));
    for (unsigned tag = 0; tag < 256; tag++)
        for (size_t n = 0; n < 40; n++) {
            bytes[0] = (char)tag;
            assert_int_equal(mp_unpack((struct slice){bytes, 1 + n}, &zone, &value), tag_can_be_whole(tag, n));
        }
    msgpack_zone_destroy(&zone);
}

static const char *const samples[] = {
    "{'v':1,'op':'hello','id':'x'}",
    "{'v':1,'op':'submit','comments':[{'site':'news','comment':'1','body':'text','extra':{'a':[1,[2,{'b':null}]],'f':1."
    "5}}]}",
    "{'b':{'$bin':'00112233'},'e':{'$raw':'c70301aabbcc'},'n':-70000,'l':'a text that is longer than thirty-one "
    "bytes'}",
    "[[],{},'',true,4294967296,-1,{'$raw':'d80100112233445566778899aabbccddeeff'},{'$raw':'ca3fc00000'}]",
};

TEST(a_message_cut_anywhere_is_refused)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct out out = {0};
        rig_pack(&out, samples[i]);
        assert_true(mp_check(out_slice(&out)));
        for (size_t len = 0; len < out.len; len++) {
            char *exact = malloc(len + 1); /* so that the address sanitizer sees a byte too many */
            memcpy(exact, out.data, len);
            char *tight = realloc(exact, len ? len : 1);
            assert_false(mp_check((struct slice){tight, len}));
            free(tight);
        }
        out_free(&out);
    }
}

TEST(bytes_behind_the_value_are_refused)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct out out = {0};
        rig_pack(&out, samples[i]);
        out_nil(&out);
        assert_false(mp_check(out_slice(&out)));
        out_free(&out);
    }
    assert_false(mp_check(SLICE_NONE));
    assert_false(mp_check(SLICE_LIT("")));
}

TEST(a_tag_that_does_not_exist_is_refused_wherever_it_stands)
{
    assert_false(mp_check(SLICE_LIT("\xc1")));
    assert_false(mp_check(SLICE_LIT("\x91\xc1")));
    assert_false(mp_check(SLICE_LIT("\x81\xc1\x01")));
    assert_false(mp_check(SLICE_LIT("\x81\xa1x\xc1")));
}

/* With almost no memory left for the process, in a child of its own. */
static bool refused_with_no_memory(struct slice bytes)
{
    int status;

    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        msgpack_zone zone;
        msgpack_object value;
        struct rlimit limit = {256 << 20, 256 << 20};
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        setrlimit(RLIMIT_AS, &limit);
#endif
        (void)limit;
        if (!msgpack_zone_init(&zone, 256))
            _exit(2);
        bool taken = mp_unpack(bytes, &zone, &value);
        msgpack_zone_destroy(&zone);
        _exit(taken ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

TEST(claims_of_more_elements_than_bytes_are_refused_without_memory_for_them)
{
    static const struct slice claims[] = {
        SLICE_LIT("\xdd\xff\xff\xff\xff"),
        SLICE_LIT("\xdf\xff\xff\xff\xff"),
        SLICE_LIT("\xdd\x80\x00\x00\x00\x01\x01"),
        SLICE_LIT("\xdf\x80\x00\x00\x00\x01\x01"),
        SLICE_LIT("\xdb\xff\xff\xff\xff"),
        SLICE_LIT("\xc6\xff\xff\xff\xff"),
        SLICE_LIT("\xc9\xff\xff\xff\xff\x01"),
        SLICE_LIT("\x91\xdd\xff\xff\xff\xff"),
        SLICE_LIT("\xdc\xff\xff\x01"),
        SLICE_LIT("\xde\x00\x02\x01\x01\x01"),
        SLICE_LIT("\x81\xa1x\xdd\x10\x00\x00\x00"),
    };

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        assert_false(mp_check(claims[i]));
        assert_true(refused_with_no_memory(claims[i]));
    }
}

/* `depth` containers, the innermost holding one integer, or nothing. */
static struct slice nested(char *bytes, int depth, bool map, bool empty)
{
    size_t len = 0;

    for (int i = 1; i < depth; i++) {
        bytes[len++] = map ? (char)0x81 : (char)0x91;
        if (map)
            bytes[len++] = 0;
    }
    if (empty) {
        bytes[len++] = map ? (char)0x80 : (char)0x90;
    } else {
        bytes[len++] = (char)0x91;
        bytes[len++] = 1;
    }
    return (struct slice){bytes, len};
}

TEST(sixteen_levels_are_taken_and_seventeen_are_not)
{
    char bytes[64];

    for (int map = 0; map < 2; map++) {
        assert_true(mp_check(nested(bytes, 16, map, false)));
        assert_false(mp_check(nested(bytes, 17, map, false)));
    }
}

TEST(an_empty_container_is_a_level_like_any_other)
{
    char bytes[64];

    for (int map = 0; map < 2; map++) {
        assert_true(mp_check(nested(bytes, 16, map, true)));
        assert_false(mp_check(nested(bytes, 17, map, true)));
    }
}

TEST(twenty_thousand_values_are_taken_and_one_more_is_not)
{
    for (uint32_t n = MP_VALUES_MAX - 1; n <= MP_VALUES_MAX; n++) {
        struct out out = {0};
        fill(&out, false, n);
        assert_int_equal(mp_check(out_slice(&out)), n < MP_VALUES_MAX);
        out_free(&out);
    }
    struct out out = {0};
    fill(&out, true, MP_VALUES_MAX / 2); /* keys count, and the map */
    assert_false(mp_check(out_slice(&out)));
    out_reset(&out);
    fill(&out, true, MP_VALUES_MAX / 2 - 1);
    assert_true(mp_check(out_slice(&out)));
    out_free(&out);
}

TEST(a_map_has_str_keys_only)
{
    msgpack_zone zone;
    msgpack_object value;

    assert_true(msgpack_zone_init(&zone, 256));
    assert_true(mp_unpack_map(SLICE_LIT("\x81\xa1x\x01"), &zone, &value));
    assert_false(mp_unpack_map(SLICE_LIT("\x81\x01\x01"), &zone, &value));
    assert_false(mp_unpack_map(SLICE_LIT("\x81\xc4\x01x\x01"), &zone, &value));
    assert_false(mp_unpack_map(SLICE_LIT("\x91\x01"), &zone, &value));
    assert_false(mp_unpack_map(SLICE_LIT("\x81\xa1x"), &zone, &value));
    msgpack_zone_destroy(&zone);
}

TEST(a_value_of_another_type_reads_as_absent)
{
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;
    int64_t number;

    rig_pack(&out, "{'s':'x','i':5,'n':null,'b':true,'y':{'$bin':'00'},'u':{'$raw':'cfffffffffffffffff'},'l':[1]}");
    assert_true(msgpack_zone_init(&zone, 256));
    assert_true(mp_unpack_map(out_slice(&out), &zone, &map));
    assert_null(mp_get(&map, "n"));
    assert_null(mp_get(&map, "x"));
    assert_null(mp_get(NULL, "x"));
    assert_null(mp_get(mp_get(&map, "s"), "x"));
    assert_null(mp_get_str(&map, "i").data);
    assert_null(mp_get_bin(&map, "s").data);
    assert_int_equal(mp_get_int(&map, "s", -3), -3);
    assert_int_equal(mp_get_int(&map, "i", -3), 5);
    assert_int_equal(mp_get_int(&map, "u", -3), -3);
    assert_true(mp_get_bool(&map, "b", false));
    assert_true(mp_get_bool(&map, "i", true));
    assert_false(mp_int(NULL, &number));
    assert_int_equal(mp_count(mp_get(&map, "s")), 0);
    assert_null(mp_item(mp_get(&map, "l"), 1));
    assert_null(mp_item(NULL, 0));
    msgpack_zone_destroy(&zone);
    out_free(&out);
}

/* ---- fields ---- */

struct holder {
    int64_t number, time;
    bool flag;
    struct slice name, key, text, bytes;
    const msgpack_object *either, *list, *map, *any;
    struct slice limited;
};

static const struct field holder_fields[] = {
    FIELD(struct holder, number, "number", INT, 0, -5, 5),
    FIELD(struct holder, time, "time", TIME, 0, 0, 0),
    FIELD(struct holder, flag, "flag", BOOL, 0, 0, 0),
    FIELD(struct holder, name, "name", NAME, 0, 1, 64),
    FIELD(struct holder, key, "key", KEY, 0, 1, 128),
    FIELD(struct holder, text, "text", TEXT, 0, 2, 8),
    FIELD(struct holder, bytes, "bytes", BIN, 0, 2, 4),
    FIELD(struct holder, either, "either", STR_OR_BIN, 0, 1, 4),
    FIELD(struct holder, list, "list", LIST, 0, 1, 2),
    FIELD(struct holder, map, "map", MAP, 0, 0, 0),
    FIELD(struct holder, any, "any", ANY, 0, 0, 0),
    FIELD_LIMITED(struct holder, limited, "limited", TEXT, 0, 0, NOTE_BYTES),
};

static const struct field needed_fields[] = {
    FIELD(struct holder, number, "number", INT, FIELD_REQUIRED, 0, 9),
    FIELD(struct holder, name, "name", NAME, FIELD_REQUIRED, 1, 64),
};

static struct holder holder;
static struct fault fault;
static struct limits limits;

static bool decode_with(const struct field *table, size_t rows, const char *json, const struct path *at)
{
    static msgpack_zone zone; /* what was decoded stays until the next call */
    static struct out out;
    static bool open;
    msgpack_object map;

    if (open)
        msgpack_zone_destroy(&zone);
    open = msgpack_zone_init(&zone, 256);
    out_reset(&out);
    rig_pack(&out, json);
    assert_true(open && mp_unpack(out_slice(&out), &zone, &map));
    limits_default(&limits);
    limits.value[LIMIT_NOTE_BYTES] = 3;
    fault_set(&fault, E_OK);
    return fields_decode(&map, table, rows, &limits, at, &holder, &fault);
}

static bool decode(const char *json)
{
    return decode_with(holder_fields, sizeof(holder_fields) / sizeof(holder_fields[0]), json, NULL);
}

static void good(const char *json)
{
    if (!decode(json))
        fail_msg("%s: %s", json, fault.message);
}

static void bad(const char *json, enum error code, const char *field)
{
    if (decode(json))
        fail_msg("%s was taken", json);
    if (fault.code != code || strcmp(fault.field, field) != 0)
        fail_msg("%s: error %d at %s: %s", json, fault.code, fault.field, fault.message);
    if (!strstr(fault.message, field) && code != E_DUPLICATE_FIELD)
        fail_msg("\"%s\" does not name %s", fault.message, field);
}

static int64_t key_of(const char *key)
{
    for (int i = 0; i < FAULT_KEYS; i++)
        if (fault.keys[i].type == FAULT_INT && strcmp(fault.keys[i].key, key) == 0)
            return fault.keys[i].number;
    fail_msg("no %s", key);
    return 0;
}

TEST(a_field_of_another_type_is_named)
{
    static const char *const wrong[] = {
        "{'number':'1'}", "{'number':1.0}", "{'number':true}", "{'time':'x'}",         "{'flag':1}",
        "{'name':1}",     "{'key':[]}",     "{'text':false}",  "{'text':{'$bin':''}}", "{'bytes':'ab'}",
        "{'either':1}",   "{'list':{}}",    "{'map':[]}",      "{'limited':0}",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char field[16];
        snprintf(field, sizeof(field), "%.*s", (int)strcspn(wrong[i] + 2, "'"), wrong[i] + 2);
        bad(wrong[i], E_BAD_TYPE, field);
    }
    good("{'any':1}");
    good("{'any':[1]}");
}

TEST(numbers_have_their_range)
{
    good("{'number':-5}");
    assert_int_equal(holder.number, -5);
    good("{'number':5}");
    good("{'number':{'$raw':'d3fffffffffffffffb'}}");
    bad("{'number':6}", E_OUT_OF_RANGE, "number");
    assert_int_equal(key_of("min"), -5);
    assert_int_equal(key_of("max"), 5);
    bad("{'number':-6}", E_OUT_OF_RANGE, "number");
    bad("{'number':{'$raw':'cfffffffffffffffff'}}", E_OUT_OF_RANGE, "number");
    good("{'time':0}");
    good("{'time':253402300799999}");
    bad("{'time':253402300800000}", E_OUT_OF_RANGE, "time");
    bad("{'time':-1}", E_OUT_OF_RANGE, "time");
    good("{'list':[1]}");
    good("{'list':[1,2]}");
    bad("{'list':[]}", E_OUT_OF_RANGE, "list");
    bad("{'list':[1,2,3]}", E_OUT_OF_RANGE, "list");
    assert_int_equal(key_of("max"), 2);
}

TEST(lengths_are_counted_in_bytes)
{
    good("{'text':'ab'}");
    good("{'text':'éééé'}");
    bad("{'text':'a'}", E_TOO_SHORT, "text");
    assert_int_equal(key_of("min"), 2);
    assert_int_equal(key_of("bytes"), 1);
    bad("{'text':'ééééa'}", E_TOO_LONG, "text");
    assert_int_equal(key_of("max"), 8);
    assert_int_equal(key_of("bytes"), 9);
    good("{'bytes':{'$bin':'00000000'}}");
    bad("{'bytes':{'$bin':'0000000000'}}", E_TOO_LONG, "bytes");
    bad("{'bytes':{'$bin':'00'}}", E_TOO_SHORT, "bytes");
    good("{'either':{'$bin':'ff'}}");
    good("{'either':'x'}");
    bad("{'either':''}", E_TOO_SHORT, "either");
    bad("{'either':{'$bin':'0000000000'}}", E_TOO_LONG, "either");
    bad("{'either':{'$str':'ff'}}", E_INVALID_UTF8, "either");
    good("{'limited':'abc'}");
    good("{'limited':''}");
    assert_non_null(holder.limited.data);
    bad("{'limited':'abcd'}", E_TOO_LONG, "limited");
    assert_int_equal(key_of("max"), 3);
}

TEST(names_and_keys_have_their_characters_and_lengths)
{
    char json[512];

    for (int key = 0; key < 2; key++) {
        const char *field = key ? "key" : "name";
        int most = key ? 128 : 64;
        snprintf(json, sizeof(json), "{'%s':'%0*d'}", field, most, 0);
        good(json);
        snprintf(json, sizeof(json), "{'%s':'%0*d'}", field, most + 1, 0);
        bad(json, E_TOO_LONG, field);
        snprintf(json, sizeof(json), "{'%s':''}", field);
        bad(json, E_TOO_SHORT, field);
        for (int c = 0; c < 0xa0; c++) {
            snprintf(json, sizeof(json), "{'%s':'é\\u%04x'}", field, c);
            if (c == '\'' || c == '"' || c == '\\')
                continue;
            if (c >= 0x20 && c < 0x7f && (key || c != '/')) {
                good(json);
                continue;
            }
            bad(json, E_BAD_CHARACTER, field);
            assert_int_equal(key_of("at"), 2);
        }
        snprintf(json, sizeof(json), "{'%s':{'$str':'6162ff'}}", field);
        bad(json, E_INVALID_UTF8, field);
        assert_int_equal(key_of("at"), 2);
    }
}

TEST(text_may_hold_any_character)
{
    good("{'text':'\\u0000\\n\\u0085/'}");
    assert_int_equal(holder.text.len, 5);
    bad("{'text':{'$str':'61eda080'}}", E_INVALID_UTF8, "text");
    assert_int_equal(key_of("at"), 1);
}

TEST(nil_is_the_same_as_absent_and_leaves_defaults_alone)
{
    holder = (struct holder){.number = 4, .name = SLICE_LIT("d")};
    good("{'number':null,'name':null,'flag':null,'list':null,'any':null,'bytes':null,'either':null}");
    assert_int_equal(holder.number, 4);
    assert_true(slice_is(holder.name, "d"));
    assert_null(holder.any);
}

TEST(a_required_field_that_is_absent_or_nil_is_missing)
{
    assert_false(decode_with(needed_fields, 2, "{'name':'x'}", NULL));
    assert_int_equal(fault.code, E_MISSING_FIELD);
    assert_string_equal(fault.field, "number");
    assert_false(decode_with(needed_fields, 2, "{'number':1,'name':null}", NULL));
    assert_int_equal(fault.code, E_MISSING_FIELD);
    assert_string_equal(fault.field, "name");
    assert_true(decode_with(needed_fields, 2, "{'number':1,'name':'x','more':[]}", NULL));
}

TEST(a_known_key_twice_is_refused_and_an_unknown_one_ignored)
{
    static const char *const twice[] = {"82a66e756d62657201a66e756d62657201", "82a66e756d626572c0a66e756d62657201",
                                        "82a66e756d62657201a66e756d626572c0"};
    char json[128];

    for (size_t i = 0; i < 3; i++) {
        snprintf(json, sizeof(json), "{'$raw':'%s'}", twice[i]);
        bad(json, E_DUPLICATE_FIELD, "number");
    }
    good("{'$raw':'82a178c0a17801'}");
    bad("{'$raw':'8101a178'}", E_BAD_TYPE, "");
    bad("[1]", E_BAD_TYPE, "");
}

TEST(the_path_of_a_field_leads_to_it)
{
    struct path comments = {.key = "comments"};
    struct path item = {.up = &comments, .index = 3};
    struct path author = {.up = &item, .key = "author"};

    assert_false(decode_with(needed_fields, 2, "{'number':'x'}", &author));
    assert_string_equal(fault.field, "comments[3].author.number");
    assert_false(decode_with(needed_fields, 2, "7", &item));
    assert_string_equal(fault.field, "comments[3]");
}

TEST(a_path_that_is_too_long_is_cut)
{
    struct path path[100];

    for (size_t i = 0; i < 100; i++)
        path[i] = (struct path){.up = i ? &path[i - 1] : NULL, .key = "key"};
    fault_at(&fault, E_BAD_TYPE, &path[99], "end");
    assert_int_equal(strlen(fault.field), FAULT_FIELD_BYTES - 1);
}

/* ---- UTF-8 ---- */

static size_t encode(int32_t c, char *bytes)
{
    if (c < 0x80) {
        bytes[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)((0xf00 >> n & 0xff) | c);
    return n;
}

TEST(every_code_point_round_trips_and_surrogates_do_not)
{
    char bytes[4];

    for (int32_t c = 0; c < 0x110400; c++) {
        size_t at = 0;
        struct slice text = {bytes, encode(c, bytes)};
        bool valid = c < 0x110000 && (c < 0xd800 || c > 0xdfff);
        assert_int_equal(utf8_valid(text, NULL), valid);
        assert_int_equal(utf8_next(text, &at), valid ? c : -1);
        if (valid)
            assert_int_equal(at, text.len);
    }
}

/* Well-formed byte sequences as table 3-7 of the Unicode standard lists them. */
static bool table_3_7(const unsigned char *b, size_t len)
{
    static const unsigned char rows[][8] = {
        {0x00, 0x7f},
        {0xc2, 0xdf, 0x80, 0xbf},
        {0xe0, 0xe0, 0xa0, 0xbf, 0x80, 0xbf},
        {0xe1, 0xec, 0x80, 0xbf, 0x80, 0xbf},
        {0xed, 0xed, 0x80, 0x9f, 0x80, 0xbf},
        {0xee, 0xef, 0x80, 0xbf, 0x80, 0xbf},
        {0xf0, 0xf0, 0x90, 0xbf, 0x80, 0xbf, 0x80, 0xbf},
        {0xf1, 0xf3, 0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf},
        {0xf4, 0xf4, 0x80, 0x8f, 0x80, 0xbf, 0x80, 0xbf},
    };
    static const size_t lengths[] = {1, 2, 3, 3, 3, 3, 4, 4, 4};

    for (size_t r = 0; r < 9; r++) {
        bool fits = lengths[r] == len;
        for (size_t i = 0; fits && i < len; i++)
            fits = b[i] >= rows[r][2 * i] && b[i] <= rows[r][2 * i + 1];
        if (fits)
            return true;
    }
    return false;
}

TEST(every_lead_byte_with_every_kind_of_followers_is_judged_as_the_standard_does)
{
    static const unsigned char followers[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xe0, 0xff};
    enum { N = sizeof(followers) };
    unsigned char b[4];

    for (unsigned lead = 0; lead < 256; lead++)
        for (unsigned i = 0; i < N * N * N; i++) {
            b[0] = (unsigned char)lead;
            b[1] = followers[i % N];
            b[2] = followers[i / N % N];
            b[3] = followers[i / N / N];
            for (size_t len = 1; len <= 4; len++) {
                size_t at = 0;
                struct slice text = {(char *)b, len};
                bool whole = utf8_next(text, &at) >= 0 && at == len;
                assert_int_equal(whole, table_3_7(b, len));
            }
        }
}

TEST(an_ill_formed_sequence_is_left_behind_at_its_longest_prefix)
{
    static const struct {
        const char *bytes;
        size_t ends[6];
    } cases[] = {
        {"\x80\x80", {1, 2}},
        {"\xc0\xaf", {1, 2}},
        {"\xe0\x80\xaf", {1, 2, 3}},
        {"\xed\xa0\x80", {1, 2, 3}},
        {"\xe1\x80\x41", {2, 3}},
        {"\xf0\x9f\x98\x41", {3, 4}},
        {"\xf4\x90\x80\x80", {1, 2, 3, 4}},
        {"\xf1\x80\xe1\x80\xc2\x41", {2, 4, 5, 6}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice text = slice_of(cases[i].bytes);
        size_t at = 0;
        for (size_t n = 0; at < text.len; n++) {
            utf8_next(text, &at);
            assert_int_equal(at, cases[i].ends[n]);
        }
    }
}

TEST(the_first_bad_byte_is_found_whatever_stands_before_it)
{
    char bytes[64];

    for (size_t before = 0; before < 40; before++)
        for (size_t after = 0; after < 20; after++) {
            size_t bad_at = 99;
            memset(bytes, 'a', sizeof(bytes));
            bytes[before] = (char)0xff;
            assert_false(utf8_valid((struct slice){bytes, before + 1 + after}, &bad_at));
            assert_int_equal(bad_at, before);
            memcpy(bytes + before, "\xc3\xa9", 2);
            assert_true(utf8_valid((struct slice){bytes, before + 2 + after}, NULL));
            assert_false(utf8_valid((struct slice){bytes, before + 1}, &bad_at));
            assert_int_equal(bad_at, before);
        }
}

static FILE *open_shared(const char *name)
{
    const char *shared = getenv("MODQ_SHARED");
    char path[1024];

    if (shared)
        snprintf(path, sizeof(path), "%s/%s", shared, name);
    else
        snprintf(path, sizeof(path), "%s/../shared/%s", unit_source_dir(), name);
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("# skipped: %s is not there; set MODQ_SHARED to the directory of hostile-text/\n", path);
        skip();
    }
    return file;
}

static size_t from_hex(const char *hex, char *bytes)
{
    size_t n = 0;
    unsigned byte;
    int used;

    for (; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used)
        bytes[n++] = (char)byte;
    return n;
}

/* With U+FFFD in the place of what is ill-formed. */
static size_t repair(struct slice text, char *to)
{
    size_t n = 0;

    for (size_t at = 0; at < text.len;) {
        size_t start = at;
        if (utf8_next(text, &at) < 0) {
            memcpy(to + n, "\xef\xbf\xbd", 3);
            n += 3;
        } else {
            memcpy(to + n, text.data + start, at - start);
            n += at - start;
        }
    }
    return n;
}

/* A line such as "6.1:invalid hex:<bytes>:<without them>:<with U+FFFD>". */
static bool judge_line(char *line)
{
    char *save;
    const char *name = strtok_r(line, ":", &save);
    const char *kind = strtok_r(NULL, ":", &save);
    char *what = strtok_r(NULL, ":", &save);
    const char *rest = strtok_r(NULL, ":", &save);
    const char *repaired = strtok_r(NULL, ":", &save);
    char bytes[4096];
    char expected[4096];
    char got[4096 * 3];

    if (!what || name[0] == '#' || !strstr(kind, "valid"))
        return false;
    bool hex = strstr(kind, "hex") != NULL;
    struct slice text = hex ? (struct slice){bytes, from_hex(what, bytes)} : slice_of(what);
    bool valid = !strstr(kind, "invalid");
    if (utf8_valid(text, NULL) != valid)
        fail_msg("%s is %s", name, kind);
    if (valid || !rest || !repaired)
        return true;
    size_t len = from_hex(repaired, expected);
    if (repair(text, got) != len || memcmp(got, expected, len) != 0)
        fail_msg("%s is repaired in another way", name);
    return true;
}

TEST(the_public_utf8_tests_are_judged_as_they_say)
{
    FILE *file = open_shared("hostile-text/utf8tests.txt");
    char line[8192];
    int judged = 0;

    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        judged += judge_line(line);
    }
    fclose(file);
    assert_true(judged > 100);
}

TEST(the_public_utf8_tests_in_bytes_are_judged_as_they_say)
{
    FILE *file = open_shared("hostile-text/utf8tests.bin");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int judged = 0;

    while ((len = getline(&line, &cap, file)) > 0) {
        char *kind = memchr(line, ':', (size_t)len);
        char *bytes = kind ? memchr(kind + 1, ':', (size_t)(line + len - kind - 1)) : NULL;
        if (!bytes || line[0] == '#')
            continue;
        bool valid = strncmp(kind + 1, "valid", 5) == 0;
        struct slice text = {bytes + 1, (size_t)(line + len - bytes - 1) - (line[len - 1] == '\n')};
        if (utf8_valid(text, NULL) != valid)
            fail_msg("%.*s", (int)(bytes - line), line);
        judged++;
    }
    free(line);
    fclose(file);
    assert_true(judged > 50);
}

/* ---- comment events ---- */

static struct comment_event event;

static bool take_comment(const char *json)
{
    static msgpack_zone zone;
    static struct out out;
    static bool open;
    msgpack_object map;

    if (open)
        msgpack_zone_destroy(&zone);
    open = msgpack_zone_init(&zone, 256);
    out_reset(&out);
    rig_pack(&out, json);
    assert_true(open && mp_unpack(out_slice(&out), &zone, &map));
    limits_default(&limits);
    return comment_decode(&map, &limits, NULL, &event, &fault);
}

/* A good event with one more pair. */
static bool take_with(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool take_with(const char *format, ...)
{
    char *pair = NULL;
    char *json = NULL;
    va_list args;

    va_start(args, format);
    assert_true(vasprintf(&pair, format, args) >= 0);
    va_end(args);
    assert_true(asprintf(&json, "{'site':'s','comment':'c','body':'b',%s}", pair) >= 0);
    bool taken = take_comment(json);
    free(pair);
    free(json);
    return taken;
}

static void is_fault(enum error code, const char *field)
{
    if (fault.code != code || strcmp(fault.field, field) != 0)
        fail_msg("error %d at %s: %s", fault.code, fault.field, fault.message);
}

TEST(a_comment_has_its_defaults)
{
    assert_true(take_comment("{'site':'s','comment':'c','body':'b'}"));
    assert_int_equal(event.revision, 1);
    assert_int_equal(event.created_at, -1);
    assert_null(event.article);
    assert_null(event.author);
    assert_null(event.extra);
    assert_null(event.parent.data);
    assert_null(event.article_id.data);
}

TEST(every_field_of_a_comment_has_its_limits)
{
    static const struct {
        const char *format;
        int most;
        enum error code;
        const char *field;
    } rows[] = {
        {"'parent':'%0*d'", 128, E_TOO_LONG, "parent"},
        {"'language':'%0*d'", 35, E_TOO_LONG, "language"},
        {"'article':{'id':'%0*d'}", 128, E_TOO_LONG, "article.id"},
        {"'article':{'id':'a','title':'%0*d'}", 1024, E_TOO_LONG, "article.title"},
        {"'article':{'id':'a','url':'%0*d'}", 2048, E_TOO_LONG, "article.url"},
        {"'article':{'id':'a','language':'%0*d'}", 35, E_TOO_LONG, "article.language"},
        {"'author':{'id':'%0*d'}", 128, E_TOO_LONG, "author.id"},
        {"'author':{'name':'%0*d'}", 256, E_TOO_LONG, "author.name"},
        {"'author':{'address_hash':'%0*d'}", 64, E_TOO_LONG, "author.address_hash"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        assert_true(take_with(rows[i].format, rows[i].most, 0));
        assert_false(take_with(rows[i].format, rows[i].most + 1, 0));
#pragma GCC diagnostic pop
        is_fault(rows[i].code, rows[i].field);
    }
    assert_true(take_with("'revision':%d", INT32_MAX));
    assert_false(take_with("'revision':%lld", INT32_MAX + 1LL));
    is_fault(E_OUT_OF_RANGE, "revision");
    assert_false(take_with("'revision':0"));
    assert_false(take_with("'article':{}"));
    is_fault(E_MISSING_FIELD, "article.id");
    assert_true(take_with("'author':{}"));
    assert_false(take_with("'author':{'registered_at':-1}"));
    assert_false(take_with("'extra':[]"));
    is_fault(E_BAD_TYPE, "extra");
}

TEST(a_body_has_the_length_that_is_configured)
{
    char *json = NULL;

    for (int len = 65536; len <= 65537; len++) {
        assert_true(asprintf(&json, "{'site':'s','comment':'c','body':'%0*d'}", len, 0) > 0);
        assert_int_equal(take_comment(json), len == 65536);
        free(json);
    }
    is_fault(E_TOO_LONG, "body");
    assert_int_equal(key_of("bytes"), 65537);
    assert_false(take_comment("{'site':'s','comment':'c','body':''}"));
    is_fault(E_TOO_SHORT, "body");
}

TEST(extra_is_measured_in_its_shortest_packing)
{
    /* {"x": str of n bytes} takes 3 + 3 + n bytes. */
    assert_true(take_with("'extra':{'x':'%0*d'}", 4096 - 6, 0));
    assert_false(take_with("'extra':{'x':'%0*d'}", 4096 - 5, 0));
    is_fault(E_TOO_LONG, "extra");
    assert_int_equal(key_of("bytes"), 4097);
    assert_true(take_with("'extra':{'$raw':'df00000001a178d30000000000000001'}"));
}

TEST(what_can_be_read_of_a_bad_comment_is_salvaged)
{
    assert_false(take_comment("{'site':'s','comment':'c','revision':7}"));
    assert_true(slice_is(event.site, "s") && slice_is(event.comment, "c"));
    assert_int_equal(event.revision, 7);
    assert_false(take_comment("{'site':'a/b','comment':'c','body':'b'}"));
    assert_null(event.site.data);
    assert_true(slice_is(event.comment, "c"));
    assert_false(take_comment("{'site':'s','comment':{'$str':'ff'},'body':'b'}"));
    assert_null(event.comment.data);
    assert_true(slice_is(event.site, "s"));
    assert_false(take_comment("7"));
    assert_null(event.site.data);
    assert_null(event.comment.data);
}

TEST(what_comes_with_a_comment_is_packed_without_its_key_and_body)
{
    struct out out = {0};

    assert_true(take_with("'parent':'p','created_at':0,'extra':{'a':1},'unknown':2"));
    comment_encode_meta(&event, &out);
    ASSERT_BYTES(&out, "\x83\xa6parent\xa1p\xaa"
                       "created_at\0\xa5"
                       "extra\x81\xa1"
                       "a\x01");
    out_free(&out);
}

/* ---- faults ---- */

static const msgpack_object *encoded(struct out *out, msgpack_zone *zone, msgpack_object *map)
{
    out_reset(out);
    fault_encode(&fault, out);
    assert_true(mp_unpack_map(out_slice(out), zone, map));
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        struct slice text = mp_str(&map->via.map.ptr[i].val);
        if (text.data && !utf8_valid(text, NULL))
            fail_msg("%.*s is not UTF-8", (int)map->via.map.ptr[i].key.via.str.size,
                     map->via.map.ptr[i].key.via.str.ptr);
    }
    return map;
}

TEST(strings_of_a_fault_are_cut_at_the_start_of_a_character)
{
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;
    char text[400];

    assert_true(msgpack_zone_init(&zone, 4096));
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', sizeof(text));
        for (size_t i = shift; i + 4 <= sizeof(text); i += 4)
            memcpy(text + i, "\xf0\x9f\x98\x80", 4);
        for (size_t len = shift; len + 4 <= sizeof(text); len += 4) {
            fault_set(&fault, E_CLAIMED);
            fault_str(&fault, "by", (struct slice){text, len});
            size_t kept = mp_get_str(encoded(&out, &zone, &map), "by").len;
            assert_true(kept <= len && kept + 5 > (len < 256 ? len : 256));
        }
    }
    msgpack_zone_destroy(&zone);
    out_free(&out);
}

TEST(a_message_of_a_fault_is_cut_at_the_start_of_a_character)
{
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;
    char text[300] = "";

    assert_true(msgpack_zone_init(&zone, 4096));
    for (size_t i = 0; i < 70; i++)
        strcat(text, "\xf0\x9f\x98\x80");
    for (size_t shift = 0; shift < 4; shift++) {
        fault_set(&fault, E_CLAIMED);
        fault_say(&fault, "%.*s%s", (int)shift, "abc", text);
        encoded(&out, &zone, &map);
    }
    msgpack_zone_destroy(&zone);
    out_free(&out);
}

TEST(a_fault_says_number_name_class_message_field_and_keys)
{
    struct out out = {0};
    msgpack_zone zone;
    msgpack_object map;
    struct path list = {.key = "records"};

    assert_true(msgpack_zone_init(&zone, 4096));
    fault_at(&fault, E_ALREADY_DECIDED, &list, "seq");
    fault_int(&fault, "at", 5);
    fault_str(&fault, "by", SLICE_LIT("ann"));
    fault_bin(&fault, "body_sha256", SLICE_LIT("\xff\x00"));
    fault_list(&fault, "reasons", SLICE_LIT("a,b.c,d"));
    encoded(&out, &zone, &map);
    assert_int_equal(mp_get_int(&map, "number", 0), 82);
    assert_true(slice_is(mp_get_str(&map, "name"), "already_decided"));
    assert_true(slice_is(mp_get_str(&map, "class"), "final"));
    assert_true(slice_is(mp_get_str(&map, "message"), "somebody decided first"));
    assert_true(slice_is(mp_get_str(&map, "field"), "records.seq"));
    assert_int_equal(mp_get_int(&map, "at", 0), 5);
    assert_int_equal(mp_get_bin(&map, "body_sha256").len, 2);
    assert_int_equal(mp_count(mp_get(&map, "reasons")), 3);
    assert_true(slice_is(mp_str(mp_item(mp_get(&map, "reasons"), 1)), "b.c"));
    fault_list(&fault, "reasons", SLICE_LIT(""));
    fault_int(&fault, "six", 6);
    fault_int(&fault, "seven", 7);
    encoded(&out, &zone, &map);
    assert_int_equal(mp_get_int(&map, "six", 0), 6);
    assert_null(mp_get(&map, "seven"));
    msgpack_zone_destroy(&zone);
    out_free(&out);
}
