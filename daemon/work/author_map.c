#include "author_map.h"

#include "../../proto/mp.h"

bool author_is_about(enum kind kind)
{
    return kind == KIND_AUTHOR_NOTED || kind == KIND_AUTHOR_MARKED || kind == KIND_AUTHOR_ERASED;
}

void author_pack(struct slice id, struct slice note, struct out *out)
{
    out_map(out);
    out_key_str(out, "author", id);
    if (note.len > 0)
        out_key_str(out, "note", note);
    out_end(out);
}

void author_pack_erased(int64_t erased_by, struct out *out)
{
    out_int(out, erased_by);
}

/* Strings of what is unpacked lie in `packed`. */
struct author_words author_unpack(struct slice packed)
{
    struct author_words words = {0};
    msgpack_zone zone;
    msgpack_object value;

    if (!packed.data || !msgpack_zone_init(&zone, 1024))
        return words;
    if (mp_unpack(packed, &zone, &value) && !mp_int(&value, &words.erased_by)) {
        struct slice id = mp_get_str(&value, "author");
        if (id.len > 0 && id.len <= KEY_BYTES)
            memcpy(words.id, id.data, id.len);
        words.note = mp_get_str(&value, "note");
    }
    msgpack_zone_destroy(&zone);
    return words;
}
