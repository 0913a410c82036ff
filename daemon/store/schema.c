#include "schema.h"

/* Version 1.
 *
 * Only one index has keys as random as the ids that a site makes: comment. Everything else grows at its end, because
 * texts and events are numbered as they come, so that the pages touched by a transaction stay few
 * (docs/performance.md). The text stands apart from the state, which is small and changes; a comment's texts and events
 * are chained by number instead of indexed.
 *
 * The triggers are the last guard of promise 3: no program that opens the file, this one included, edits a text or an
 * event. INSERT needs one, too: INSERT OR REPLACE deletes without firing the trigger on DELETE. Numbers that only rise
 * are the cheapest guard against it: max() of a rowid is one step. */
static const char version_1[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('epoch', randomblob(16));"
    "INSERT INTO meta VALUES('boot', '');"
    "INSERT INTO meta VALUES('erased', 0);" /* 1: old pages in the WAL may still hold what was erased */

    "CREATE TABLE site(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " newest INTEGER NOT NULL, pending INTEGER NOT NULL, submitted INTEGER NOT NULL, approved INTEGER NOT NULL,"
    " rejected INTEGER NOT NULL, reopened INTEGER NOT NULL, withdrawn INTEGER NOT NULL, erased INTEGER NOT NULL);"

    "CREATE TABLE comment(site INTEGER NOT NULL, id TEXT NOT NULL, state INTEGER NOT NULL, lane INTEGER NOT NULL,"
    " held INTEGER NOT NULL, revision INTEGER NOT NULL, text INTEGER NOT NULL, newest_text INTEGER NOT NULL,"
    " last_event INTEGER NOT NULL, record INTEGER NOT NULL, decision INTEGER NOT NULL,"
    " approval INTEGER NOT NULL, due_at INTEGER NOT NULL, reports INTEGER NOT NULL, revisions INTEGER NOT NULL, "
    "claimed_by TEXT, claimed_until INTEGER,"
    " PRIMARY KEY(site, id)) WITHOUT ROWID;"
    "CREATE INDEX queue ON comment(site, lane, held, due_at, text) WHERE state = 1;"
    "CREATE INDEX claim_end ON comment(claimed_until) WHERE held = 1;"
    "CREATE INDEX claim_holder ON comment(claimed_by) WHERE held = 1;"

    "CREATE TABLE text(no INTEGER PRIMARY KEY, previous INTEGER NOT NULL, revision INTEGER NOT NULL,"
    " received_at INTEGER NOT NULL, article TEXT, author TEXT, language TEXT, sha256 BLOB, salt BLOB, meta BLOB,"
    " body BLOB);"
    "CREATE TRIGGER text_is_never_edited BEFORE UPDATE ON text WHEN NEW.body IS NOT NULL OR NEW.sha256 IS NOT NULL"
    " OR NEW.salt IS NOT NULL OR NEW.meta IS NOT NULL OR NEW.no IS NOT OLD.no OR NEW.previous IS NOT OLD.previous"
    " OR NEW.revision IS NOT OLD.revision OR NEW.received_at IS NOT OLD.received_at"
    " BEGIN SELECT RAISE(ABORT, 'a text is never edited'); END;"
    "CREATE TRIGGER text_is_never_deleted BEFORE DELETE ON text"
    " BEGIN SELECT RAISE(ABORT, 'a text is never deleted'); END;"
    "CREATE TRIGGER text_takes_a_higher_number BEFORE INSERT ON text WHEN NEW.no <= (SELECT max(no) FROM text)"
    " BEGIN SELECT RAISE(ABORT, 'a text takes a higher number than any before'); END;"

    "CREATE TABLE event(no INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, site INTEGER NOT NULL,"
    " comment TEXT NOT NULL, revision INTEGER NOT NULL, text INTEGER NOT NULL, actor TEXT NOT NULL, seq INTEGER,"
    " previous INTEGER NOT NULL, data BLOB NOT NULL, hash BLOB NOT NULL);"
    "CREATE UNIQUE INDEX log ON event(site, seq) WHERE seq IS NOT NULL;"
    "CREATE TRIGGER event_is_never_edited BEFORE UPDATE ON event"
    " BEGIN SELECT RAISE(ABORT, 'an event is never edited'); END;"
    "CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event"
    " BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;"
    "CREATE TRIGGER event_takes_the_next_number BEFORE INSERT ON event"
    " WHEN NEW.no IS NOT (SELECT coalesce(max(no), 0) + 1 FROM event)"
    " OR (NEW.seq IS NOT NULL AND EXISTS(SELECT 1 FROM event WHERE site = NEW.site AND seq = NEW.seq))"
    " BEGIN SELECT RAISE(ABORT, 'an event takes the next number, and replaces no record'); END;"

    "CREATE TABLE note(event INTEGER PRIMARY KEY, salt BLOB NOT NULL, text BLOB NOT NULL);"

    "CREATE TABLE report(site INTEGER NOT NULL, comment TEXT NOT NULL, reader TEXT NOT NULL, round INTEGER NOT NULL,"
    " at INTEGER NOT NULL, reason TEXT, note TEXT, PRIMARY KEY(site, comment, reader)) WITHOUT ROWID;"

    "CREATE TABLE article(site INTEGER NOT NULL, id TEXT NOT NULL, meta BLOB NOT NULL, closed INTEGER NOT NULL,"
    " front_page INTEGER NOT NULL, PRIMARY KEY(site, id)) WITHOUT ROWID;"

    "CREATE TABLE listener(site INTEGER NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY(site, name)) WITHOUT ROWID;"

    "CREATE TABLE operation(id BLOB PRIMARY KEY, actor TEXT NOT NULL, request BLOB NOT NULL, at INTEGER NOT NULL,"
    " answer BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX operation_age ON operation(at);";

/* Version 2: who may (key), how an event came (via), and an index of the few events that tell of keys.
 *
 * A key's row is guarded like an event: it ends or is revoked, and nothing else of it changes, so that a number in
 * `via` means the same for ever. What a row says stands in the events key_added and key_rotated, too
 * (daemon/work/key_map.h).
 */
static const char version_2[] =
    "ALTER TABLE event ADD COLUMN via TEXT;"
    "CREATE INDEX of_keys ON event(no) WHERE kind BETWEEN 13 AND 15;"

    "CREATE TABLE key(no INTEGER PRIMARY KEY, name TEXT NOT NULL, role INTEGER NOT NULL, rights INTEGER NOT NULL,"
    " public_key BLOB, uid INTEGER, sites BLOB, created_at INTEGER NOT NULL, created_by TEXT NOT NULL,"
    " expires_at INTEGER, revoked_at INTEGER,"
    " CHECK((public_key IS NULL) <> (uid IS NULL)), CHECK(public_key IS NULL OR length(public_key) = 32));"
    "CREATE UNIQUE INDEX key_of ON key(public_key) WHERE public_key IS NOT NULL;"
    "CREATE TRIGGER key_is_never_edited BEFORE UPDATE ON key WHEN NEW.no IS NOT OLD.no OR NEW.name IS NOT OLD.name"
    " OR NEW.role IS NOT OLD.role OR NEW.rights IS NOT OLD.rights OR NEW.public_key IS NOT OLD.public_key"
    " OR NEW.uid IS NOT OLD.uid OR NEW.sites IS NOT OLD.sites OR NEW.created_at IS NOT OLD.created_at"
    " OR NEW.created_by IS NOT OLD.created_by"
    " OR (OLD.expires_at IS NOT NULL AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at))"
    " OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at)"
    " BEGIN SELECT RAISE(ABORT, 'a key ends or is revoked, and never changes otherwise'); END;"
    "CREATE TRIGGER key_is_never_deleted BEFORE DELETE ON key"
    " BEGIN SELECT RAISE(ABORT, 'a key is never deleted'); END;"
    "CREATE TRIGGER key_takes_the_next_number BEFORE INSERT ON key"
    " WHEN NEW.no IS NOT (SELECT coalesce(max(no), 0) + 1 FROM key)"
    " OR EXISTS(SELECT 1 FROM key WHERE public_key = NEW.public_key)"
    " BEGIN SELECT RAISE(ABORT, 'a key takes the next number, and a public key is used once'); END;";

/* Version 3: what a moderator works with. A comment's row says whose it is, and where it stands, so that the queue can
 * be filtered without its texts; what is found by author or article has an index of its own. pending_age finds the
 * oldest where the queue is in another order.
 *
 * due_rule is the rule that a site's due times were made by, due_after the comment up to which they are being made by
 * it (daemon/work/due.h). Lane 2 is for what waits for a second look: it is decided, so the index `queue` leaves it
 * out. */
static const char version_3[] =
    "ALTER TABLE comment ADD COLUMN article TEXT;"
    "ALTER TABLE comment ADD COLUMN author TEXT;"
    "ALTER TABLE comment ADD COLUMN language TEXT;"
    "UPDATE comment SET (article, author, language) ="
    " (SELECT t.article, t.author, CASE WHEN length(t.language) = length(CAST(t.language AS BLOB)) THEN t.language END"
    " FROM text t WHERE t.no = comment.text) WHERE text > 0;" /* a language that is no tag is left out (place.h) */
    "CREATE INDEX of_author ON comment(site, author, text, state, lane) WHERE author IS NOT NULL;"
    "CREATE INDEX pending_article ON comment(site, article, lane, due_at, text)"
    " WHERE state = 1 AND article IS NOT NULL;"
    "CREATE INDEX pending_age ON comment(site, text) WHERE state = 1;"
    "CREATE INDEX second ON comment(site, held, due_at, text) WHERE lane = 2;"

    "ALTER TABLE site ADD COLUMN due_rule TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE site ADD COLUMN due_after TEXT NOT NULL DEFAULT '';"

    "CREATE TABLE skip(moderator TEXT NOT NULL, text INTEGER NOT NULL, until INTEGER NOT NULL,"
    " PRIMARY KEY(moderator, text)) WITHOUT ROWID;"
    "CREATE INDEX skip_end ON skip(until);"

    "CREATE TABLE author(site INTEGER NOT NULL, id TEXT NOT NULL, mark INTEGER NOT NULL, until INTEGER NOT NULL,"
    " marked INTEGER NOT NULL, last_event INTEGER NOT NULL, PRIMARY KEY(site, id)) WITHOUT ROWID;"

    "CREATE TABLE batch(id BLOB NOT NULL, event INTEGER NOT NULL, PRIMARY KEY(id, event)) WITHOUT ROWID;";

const char *const schema_migrations[] = {version_1, version_2, version_3};

const int schema_version = sizeof(schema_migrations) / sizeof(schema_migrations[0]);
