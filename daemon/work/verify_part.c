#include "verify_part.h"

#include "../../proto/mp.h"
#include "author_map.h"
#include "verify_chain.h"

static bool is_hash(struct slice bytes)
{
    return bytes.len == SHA256_BYTES;
}

static bool same(const unsigned char hash[SHA256_BYTES], struct slice bytes)
{
    return is_hash(bytes) && memcmp(hash, bytes.data, SHA256_BYTES) == 0;
}

/* ---- events ---- */

static void take_hash(const msgpack_object *data, const char *key, bool *has, unsigned char hash[SHA256_BYTES])
{
    struct slice bytes = mp_get_bin(data, key);

    *has = is_hash(bytes);
    if (*has)
        memcpy(hash, bytes.data, SHA256_BYTES);
}

static void take_data(struct verify_row *row, struct slice packed)
{
    msgpack_zone zone;
    msgpack_object data;

    if (!msgpack_zone_init(&zone, 1024))
        return;
    if (mp_unpack_map(packed, &zone, &data)) {
        take_hash(&data, "text", &row->has_text, row->of_text);
        take_hash(&data, "meta", &row->has_meta, row->of_meta);
        take_hash(&data, "note", &row->has_note, row->of_note);
    }
    msgpack_zone_destroy(&zone);
}

static void check_number(struct verify_part *part, int64_t no)
{
    struct verify_chain *chain = &part->chain;
    int64_t first = chain->last + 1;

    if (no == first)
        return;
    if (no == first + 1)
        verify_fault(part->v, IN_EVENT, first, MISSING, "it is not there; what follows it cannot be compared with it");
    else
        verify_fault(part->v, IN_EVENT, first, MISSING, "%lld to %lld are not there", (long long)first,
                     (long long)no - 1);
    chain->broken = true;
    chain->differs = false;
}

static bool on_event(void *arg, const struct store_event *event)
{
    struct verify_part *part = arg;

    check_number(part, event->no);
    struct verify_row *row = &part->rows[part->n++];
    *row = (struct verify_row){.no = event->no,
                               .at = event->at,
                               .site = event->site,
                               .revision = event->revision,
                               .text = event->text,
                               .previous = event->previous,
                               .kind = event->kind};
    row->fits = verify_follow(part->v, &part->chain, event) && event->comment.len <= KEY_BYTES;
    if (event->comment.len <= KEY_BYTES)
        memcpy(row->comment, event->comment.data, event->comment.len);
    take_data(row, event->data);
    part->chain.last = event->no;
    return true;
}

/* ---- texts and notes ---- */

/* The row of that number. Numbers come in ascending order, so one pass over the rows is enough. */
static struct verify_row *row_of(struct verify_part *part, int64_t no)
{
    while (part->next < part->n && part->rows[part->next].no < no)
        part->next++;
    return part->next < part->n && part->rows[part->next].no == no ? &part->rows[part->next] : NULL;
}

/* SHA-256(salt, hash) or SHA-256(salt, text): see submit.c and decision.c. */
static bool keeps_commitment(struct slice salt, struct slice bytes, const unsigned char commitment[SHA256_BYTES])
{
    struct slice pieces[] = {salt, bytes};
    unsigned char hash[SHA256_BYTES];

    sha256(hash, pieces, 2);
    return memcmp(hash, commitment, SHA256_BYTES) == 0;
}

/* Both absent, or the same. */
static bool equal(struct slice a, struct slice b)
{
    return a.data && b.data ? slice_equal(a, b) : !a.data && !b.data;
}

/* What stands in columns of its own, to be found by, stands in the meta as well. */
static bool columns_are_those_of_meta(const struct store_text *text, const struct slice packed)
{
    msgpack_zone zone;
    msgpack_object meta;
    bool good = false;

    if (!msgpack_zone_init(&zone, 1024))
        return false;
    if (mp_unpack_map(packed, &zone, &meta)) {
        struct slice article = mp_get_str(mp_get(&meta, "article"), "id");
        struct slice author = mp_get_str(mp_get(&meta, "author"), "id");
        struct slice language = mp_get_str(&meta, "language");
        good = equal(article, text->article) && equal(author, text->author) && equal(language, text->language);
    }
    msgpack_zone_destroy(&zone);
    return good;
}

/* Why a text is not what came in; NULL: it is. */
static const char *wrong_with_text(const struct store_text *text, const struct verify_row *row)
{
    unsigned char hash[SHA256_BYTES];

    if (text->revision != row->revision || text->received_at != row->at)
        return "its revision or time is not that of its event";
    if (row->text_is_erased)
        return text->body.data || text->salt.data || text->meta.data || text->article.data || text->author.data ||
                       text->language.data
                   ? "it is erased in part"
                   : NULL;
    sha256_of(hash, text->body);
    if (!text->body.data || !same(hash, text->sha256))
        return "its body is not that of its hash";
    if (!row->has_text || !keeps_commitment(text->salt, text->sha256, row->of_text))
        return "its hash and salt are not those that its event was written with";
    sha256_of(hash, text->meta);
    if (row->has_meta && !keeps_commitment(text->salt, (struct slice){(const char *)hash, SHA256_BYTES}, row->of_meta))
        return "what came with the body is not what its event was written with";
    return columns_are_those_of_meta(text, text->meta) ? NULL
                                                       : "its article, author or language is not that of what came in";
}

enum { BYTES_AN_EVENT = 16384 }; /* hashing so many takes as long as looking at an event */

static bool on_text(void *arg, const struct store_text *text)
{
    struct verify_part *part = arg;
    struct verify_row *row = row_of(part, text->no);

    part->v->weight += (int64_t)(text->body.len / BYTES_AN_EVENT);
    if (!row || !row->fits)
        return true; /* its event is missing or changed, and that was said */
    if (row->kind != KIND_SUBMITTED || row->text != text->no) {
        verify_fault(part->v, IN_TEXT, text->no, INSERTED, "no event brought it");
        return true;
    }
    row->text_is_there = true;
    row->text_is_erased = !text->sha256.data;
    row->text_previous = text->previous;
    const char *wrong = wrong_with_text(text, row);
    if (wrong)
        verify_fault(part->v, IN_TEXT, text->no, CHANGED, "%s", wrong);
    return true;
}

/* Where what was said about an author was erased, the note says by which event; that is looked at later. */
static int64_t erased_by(const struct verify_row *row, const struct store_note *note)
{
    int64_t no = author_is_about(row->kind) && note->salt.len == 0 ? author_unpack(note->text).erased_by : 0;

    return no > row->no ? no : 0;
}

static bool on_note(void *arg, const struct store_note *note)
{
    struct verify_part *part = arg;
    struct verify_row *row = row_of(part, note->event);

    if (!row)
        return true;
    row->note_is_there = true;
    if (!row->fits)
        return true;
    row->erased_by = erased_by(row, note);
    if (!row->has_note)
        verify_fault(part->v, IN_NOTE, note->event, INSERTED, "its event was written without one");
    else if (row->erased_by)
        return true;
    else if (!keeps_commitment(note->salt, note->text, row->of_note))
        verify_fault(part->v, IN_NOTE, note->event, CHANGED, "it is not what its event was written with");
    else if (author_is_about(row->kind))
        memcpy(row->author, author_unpack(note->text).id, sizeof(row->author));
    return true;
}

/* ---- a part ---- */

/* True when what was said in the event before says that this one took it away. */
static bool has_erased(struct verify *v, const struct verify_row *row)
{
    struct slice note = SLICE_NONE;

    work_ok(v->work, v->work->store->ops->note_get(v->work->store, row->previous, &note));
    return author_unpack(note).erased_by == row->no;
}

/* An event came from elsewhere when the one after it does not follow from it, and its comment does not know of it. */
static bool is_known(struct verify *v, const struct verify_row *row)
{
    const struct store_ops *ops = v->work->store->ops;
    struct store_comment comment;

    if (row->no < v->newest && verify_event_fits(v, row->no + 1, NULL))
        return true;
    if (author_is_about(row->kind))
        return row->note_is_there || has_erased(v, row);
    return !row->site ||
           !work_ok(v->work, ops->comment_get(v->work->store, row->site, slice_of(row->comment), &comment)) ||
           comment.last_event >= row->no;
}

static void say_what_does_not_fit(struct verify *v, const struct verify_part *part)
{
    for (size_t i = 0; i < part->n; i++) {
        const struct verify_row *row = &part->rows[i];
        if (row->fits)
            continue;
        if (!is_known(v, row))
            verify_fault(v, IN_EVENT, row->no, INSERTED, "its hash does not fit, and nothing else knows of it");
        else if (row->site && !verify_site(v, row->site))
            verify_fault(v, IN_EVENT, row->no, CHANGED, "its hash does not fit; there is no site %lld",
                         (long long)row->site);
        else
            verify_fault(v, IN_EVENT, row->no, CHANGED, "its hash does not fit what it says and the hash before it");
    }
}

static void say_which_texts_are_missing(struct verify *v, const struct verify_part *part)
{
    for (size_t i = 0; i < part->n; i++) {
        const struct verify_row *row = &part->rows[i];
        if (row->fits && row->kind == KIND_SUBMITTED && !row->text_is_there)
            verify_fault(v, IN_TEXT, row->no, MISSING, "its event brought it");
    }
}

void verify_read_part(struct verify_part *part, struct verify *v, size_t limit)
{
    const struct store_ops *ops = v->work->store->ops;
    struct store *store = v->work->store;
    int64_t after = v->chain.last;

    *part = (struct verify_part){.v = v, .chain = v->chain};
    work_ok(v->work, ops->event_scan(store, after, (int64_t)limit, on_event, part));
    work_ok(v->work, ops->text_scan(store, after, part->chain.last, on_text, part));
    part->next = 0;
    work_ok(v->work, ops->note_scan(store, after, part->chain.last, on_note, part));
    say_what_does_not_fit(v, part);
    say_which_texts_are_missing(v, part);
}

bool verify_is_out_of_order(const struct verify_part *part, int64_t no)
{
    for (size_t i = 0; i < part->n; i++)
        if (part->rows[i].no == no)
            return !part->rows[i].fits;
    return no > part->v->chain.last && no <= part->chain.last;
}
