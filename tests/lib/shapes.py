"""What every message of the daemon must look like, whichever test asked for it."""
import document

ERRORS = document.errors()
STR, INT, BOOL, BYTES, LIST, MAP, NIL = str, int, bool, bytes, list, dict, type(None)
STATES = {"pending", "approved", "rejected", "withdrawn", "erased"}
DECISIONS = {"approved", "rejected", "reopened", "withdrawn", "erased"}
CAUSES = {"moderator", "undo", "new_revision", "reports", "author", "erasure", "rule", "second_look"}
RECORD = {"site": (STR,), "seq": (INT,), "comment": (STR,), "revision": (INT,), "decision": (STR,), "reasons": (LIST,),
          "policy": (STR, NIL), "body_sha256": (BYTES, NIL), "decided_at": (INT,), "cause": (STR,),
          "undoes": (INT, NIL),
          "supersedes": (INT, NIL), "chain": (BYTES,)}
CARD = {"site": (STR,), "comment": (STR,), "revision": (INT,), "state": (STR,), "lane": (STR,), "body": (STR, NIL),
        "body_sha256": (BYTES, NIL), "received_at": (INT, NIL), "due_at": (INT, NIL), "article": (MAP, NIL),
        "parent": (STR, NIL), "author": (MAP, NIL), "created_at": (INT, NIL), "language": (STR, NIL),
        "extra": (MAP, NIL),
        "article_closed": (BOOL, NIL), "article_front_page": (BOOL, NIL), "reports": (INT,), "claimed_by": (STR, NIL),
        "claimed_until": (INT, NIL), "seq": (INT, NIL), "decided_by": (STR, NIL), "decided_at": (INT, NIL),
        "reasons": (LIST, NIL), "note": (STR, NIL), "urgency": (LIST, NIL),
        "mark": (STR, NIL)}
EVENT = {"no": (INT,), "at": (INT,), "kind": (STR,), "actor": (STR,), "revision": (INT, NIL), "seq": (INT, NIL),
         "cause": (STR, NIL), "reasons": (LIST, NIL), "policy": (STR, NIL), "note": (STR, NIL), "undoes": (INT, NIL),
         "supersedes": (INT, NIL), "until": (INT, NIL), "decision": (STR, NIL), "agreed": (BOOL, NIL),
         "same_reasons": (BOOL, NIL)}
KINDS = {"submitted", "claimed", "renewed", "released", "lease_expired", "approved", "rejected", "reopened",
         "withdrawn",
         "erased", "escalated", "reported", "key_added", "key_revoked", "key_rotated", "reloaded", "looked", "noted",
         "author_noted", "author_marked", "author_erased",
         "skipped", "second_look"}
AUTHOR = {"site": (STR,), "author": (STR,), "name": (STR, NIL), "first_at": (INT, NIL), "comments": (INT,),
          "pending": (INT,), "approved": (INT,), "rejected": (INT,), "withdrawn": (INT,), "counted_all": (BOOL,),
          "reasons": (LIST,), "last": (LIST,), "mark": (STR, NIL), "mark_note": (STR, NIL), "marked_by": (STR, NIL),
          "marked_at": (INT, NIL), "mark_until": (INT, NIL)}
MARKS = {"trusted", "watched", "blocked"}
SOMETIMES = {"right", "limit"}     # keys of errors: where a right is missing, where a limit was reached
PUSHED = {"records", "level", "heartbeat", "ended"}


def check_keys(what, value, shape):
    for key, types in shape.items():
        assert key in value, f"{what} without {key}: {value}"
        assert type(value[key]) in types, f"{what} with {key} = {value[key]!r}"


def check_error(error):
    check_keys("error", error, {"number": (INT,), "name": (STR,), "class": (STR,), "message": (STR,)})
    known = ERRORS.get(error["name"])
    assert known, f"error that PROTOCOL.md does not have: {error}"
    assert (error["number"], error["class"]) == (known["number"], known["class"]), error
    for key in known["keys"]:
        assert key in error or key in SOMETIMES, f"error without {key}: {error}"
    assert isinstance(error.get("field", ""), str), error


def check_record(record):
    check_keys("record", record, RECORD)
    assert record["decision"] in DECISIONS and record["cause"] in CAUSES, record
    assert record["seq"] >= 1 and len(record["chain"]) == 32, record
    assert len(record["body_sha256"] or bytes(32)) == 32, record
    assert bool(record["reasons"]) == (record["decision"] == "rejected"), record
    assert (record["policy"] is not None) == (record["decision"] in ("approved", "rejected")), record
    assert (record["undoes"] is not None) == (record["cause"] == "undo"), record
    assert record["undoes"] in (None, record["supersedes"]), record


def check_card(card):
    check_keys("card", card, CARD)
    assert card["state"] in STATES and card["lane"] in ("normal", "escalated"), card
    assert card["mark"] is None or card["mark"] in MARKS, card
    assert (card["claimed_by"] is None) == (card["claimed_until"] is None), card
    decided = card["state"] in ("approved", "rejected")
    for key in ("decided_by", "decided_at"):
        assert (card[key] is not None) == decided, card


def check_author(record):
    check_keys("author", record, AUTHOR)
    assert record["mark"] is None or record["mark"] in MARKS, record
    for key in ("marked_by", "marked_at"):
        assert (record[key] is None) == (record["mark"] is None), record
    assert record["comments"] == sum(record[state] for state in ("pending", "approved", "rejected", "withdrawn")), record
    for last in record["last"]:
        assert len((last["start"] or "").encode()) <= 160, last


def check_event(event):
    check_keys("event", event, EVENT)
    assert event["kind"] in KINDS, event


def check_results(results):
    for result in results:
        error = result.get("error")
        assert "status" in result, result
        if error:
            check_error(error)
            assert result["status"] == error["name"], result
        else:
            assert result["status"] not in ERRORS or result["status"] in ("withdrawn", "erased"), result


def check_reply(body):
    assert "id" in body and "op" in body, body
    assert isinstance(body["ok"], bool), body
    if not body["ok"]:
        check_error(body["error"])
    check_results(body.get("results") or [])
    for card in [body.get("card"), body.get("parent_card")] + (body.get("comments") or []):
        if card is not None:
            check_card(card)
    for record in (body.get("author_record"), body.get("record") if body["op"] == "author" else None):
        if record is not None:
            check_author(record)
    for event in body.get("events") or []:
        check_event(event)


def check_message(body):
    """Any message of any socket of the daemon."""
    assert body.get("v") == 1, body
    if "ok" in body:
        check_reply(body)
        return
    assert body["op"] in PUSHED | {"record"}, body
    for record in body.get("records") or ([body["record"]] if "record" in body else []):
        check_record(record)
    if body["op"] == "ended":
        check_error(body["error"])
