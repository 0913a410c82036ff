#!/usr/bin/python3
"""Writes proto/vectors/*.json: messages that every codec must agree on, and requests with what must be answered.

usage: tests/lib/make_vectors.py [DIR]      (default: proto/vectors)
"""
import json
import os
import struct
import sys

import msgpack

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAX_INT = 2 ** 53 - 1
OPERATION = bytes(range(16))
requests = []


class Pairs(list):
    """A map as a list of (key, value), so that keys may repeat or be no strings."""


class Packed(bytes):
    """Bytes that stand in a message as they are."""


class Raw(bytes):
    """Bytes of a str, valid UTF-8 or not."""


def head(size, small, small_max, *codes):
    """A length in its shortest encoding; codes are those of 8, 16 and 32 bits (None: there is none)."""
    if size <= small_max:
        return bytes([small | size])
    for code, limit, form in zip(codes, (0xff, 0xffff, 0xffffffff), (">BB", ">BH", ">BI")):
        if code is not None and size <= limit:
            return struct.pack(form, code, size)
    raise ValueError(size)


def pack(value):
    """The shortest encoding, but for what Packed, Pairs and Raw say."""
    if isinstance(value, Packed):
        return bytes(value)
    if isinstance(value, Raw):
        return head(len(value), 0xa0, 31, 0xd9, 0xda, 0xdb) + value
    if isinstance(value, dict):
        value = Pairs(value.items())
    if isinstance(value, Pairs):
        return head(len(value), 0x80, 15, None, 0xde, 0xdf) + b"".join(pack(k) + pack(v) for k, v in value)
    if isinstance(value, list):
        return head(len(value), 0x90, 15, None, 0xdc, 0xdd) + b"".join(map(pack, value))
    return msgpack.packb(value, use_bin_type=True)


def plain(value):
    """As JSON: bin becomes {"$bin": hex}."""
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def messages():
    def vector(name, value):
        return {"name": name, "hex": pack(value).hex(), "value": plain(value)}

    numbers = sorted({sign * (2 ** bits + step) for bits in (0, 5, 7, 8, 15, 16, 31, 32, 53, 63)
                      for step in (-2, -1, 0, 1)
                      for sign in (1, -1)} | {2 ** 64 - 1})
    numbers = [number for number in numbers if -2 ** 63 <= number < 2 ** 64]
    found = [vector(f"int {number}", {"n": number}) for number in numbers if abs(number) <= MAX_INT]
    found += [vector(f"str of {size} bytes", {"s": "x" * size}) for size in (0, 1, 31, 32, 255, 256, 65536)]
    found += [vector(f"bin of {size} bytes", {"b": bytes(range(256)) * (size // 256) + bytes(range(size % 256))})
              for size in (0, 1, 16, 32, 255, 256)]
    found += [vector(f"list of {size}", {"l": [1] * size}) for size in (0, 1, 15, 16, 256, 5000)]
    found += [vector(f"map of {size}", {"m": {f"k{i}": i for i in range(size)}}) for size in (0, 1, 15, 16, 256, 1000)]
    deep = 1
    for _ in range(15):
        deep = {"d": deep}
    for name, value in (("empty map", {}), ("nil", {"n": None}), ("booleans", {"t": True, "f": False}),
                        ("float", {"f": 0.1, "g": -0.1, "h": 1e300}), ("nested 16 deep", deep),
                        ("NUL and line ends", {"s": "a\0b\r\nc\n"}),
                        ("keys of every length", {"": 1, "k" * 31: 2, "k" * 32: 3}),
                        ("text of many scripts", {"s": "Ελληνικά كوردی 中文 ትግርኛ 🙂", "ключ": "значение"}),
                        ("edges of UTF-8", {"s": "\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"}),
                        ("combining and bidi characters", {"s": "e\u0301\u202e\u2066\ufeff"}),
                        ("list of mixed", {"l": [None, True, 1, -1, "s", b"\x00", [], {}, [[]], {"a": [1]}]})):
        found.append(vector(name, value))
    found.append(vector("submit", {"v": 1, "op": "submit", "id": 1, "comments": [
        {"site": "news", "comment": "c1", "revision": 1, "body": "Hello, world",
         "author": {"id": "u1", "address_hash": bytes(32)},
         "article": {"id": "a1", "title": "Title", "url": "https://example.org/a1", "language": "en"},
         "created_at": 1700000000000, "language": "en", "extra": {"score": 0.1, "labels": ["a", None]}}]}))
    found.append(vector("approve", {"v": 1, "op": "approve", "id": "a", "operation": OPERATION, "as": "ann",
                                    "comments": [{"site": "news", "comment": "c1", "revision": 1}]}))
    found.append(vector("stream", {"v": 1, "op": "stream", "id": 2, "site": "news", "after": 7,
                                   "hash": bytes(range(32)), "credit": 500}))
    found.append(vector("record", {"v": 1, "op": "record", "record": {
        "site": "news", "seq": 1, "comment": "c1", "revision": 1, "decision": "rejected", "reasons": ["abuse.racism"],
        "policy": "1", "body_sha256": bytes(32), "decided_at": 1700000000123, "cause": "moderator", "undoes": None,
        "supersedes": None, "chain": bytes(range(32))}}))
    found.append(vector("error", {"v": 1, "id": 8, "op": "stauts", "ok": False, "error": {
        "number": 22, "name": "unknown_operation", "class": "fix", "message": "unknown operation \"stauts\"",
        "field": "op"}}))
    return found


def add(name, body, reply, socket="front"):
    packed = body if isinstance(body, bytes) else pack(body)
    requests.append({"name": name, "socket": socket, "hex": packed.hex(), "reply": plain(reply)})


def refused(name, body, error, field=None, socket="front", id=None, op=None, **keys):
    """A request that is answered with an error as a whole."""
    wanted = {"name": error, **({"field": field} if field else {}), **keys}
    add(name, body, {"v": 1, "id": id, "op": op, "ok": False, "error": wanted}, socket)


def ask(op, **fields):
    return {"v": 1, "op": op, "id": 1, **fields}


def comment(**fields):
    return {"site": "s", "comment": "c", "body": "b", **fields}


def item_refused(name, item, error, field, **keys):
    """A submit of one comment that fails alone. The field is named below the comment."""
    path = "comments[0]" + (f".{field}" if field else "")
    add("submit: " + name, ask("submit", comments=[item]),
        {"v": 1, "id": 1, "op": "submit", "ok": True,
         "results": [{"status": error, "error": {"name": error, "field": path, **keys}}]})


def op_refused(name, error, field, op, socket="front", **fields):
    extra = fields.pop("reply", {})
    refused(f"{op}: {name}", ask(op, **fields), error, field, socket, 1, op, **extra)


def add_broken_messages():
    hello = pack({"v": 1, "op": "hello", "id": 1})
    deep = 1
    for _ in range(16):
        deep = {"d": deep}
    claims = {"map of 2^32-1 pairs": b"\xdf\xff\xff\xff\xff", "list of 2^32-1": b"\xdd\xff\xff\xff\xff",
              "str of 2^32-1 bytes": b"\xdb\xff\xff\xff\xff", "bin of 2^32-1 bytes": b"\xc6\xff\xff\xff\xff",
              "ext of 2^32-1 bytes": b"\xc9\xff\xff\xff\xff\x01"}
    whole = {"empty message": b"", "byte that is never used": b"\xc1", "nil": b"\xc0", "int": b"\x01", "str": b"\xa1x",
             "list": b"\x90", "list of a map": b"\x91" + hello, "two maps": hello + hello,
             "one byte after the map": hello + b"\x00",
             "never used byte after the map": hello + b"\xc1", "map that lacks a value": b"\x81\xa1v",
             "map that lacks all": b"\x8f",
             "text": b"hello\n", "JSON": b'{"v": 1, "op": "hello"}',
             "map of 2^16 pairs that are not there": b"\xde\xff\xff",
             "key that is an int": b"\x81\x01\x01", "key that is nil": b"\x81\xc0\x01",
             "key that is bin": b"\x81\xc4\x01v\x01",
             "key that is a map": b"\x81\x80\x01", "nested list of 2^32-1": b"\x81\xa1x\xdd\xff\xff\xff\xff",
             "nested map of 2^32-1": b"\x81\xa1x\xdf\xff\xff\xff\xff",
             "key of 2^32-1 bytes": b"\x81\xdb\xff\xff\xff\xff",
             "never used byte as a value": b"\x82\xa1v\x01\xa1x\xc1", "float cut short": b"\x81\xa1x\xcb\x00\x00",
             "int cut short": b"\x81\xa1x\xcf\x00\x00\x00", "5000 open lists": b"\x81\xa1x" + b"\x91" * 5000}
    for name, body in {**claims, **whole}.items():
        for socket in ("front", "desk"):
            refused(f"{name} ({socket})", body, "malformed", socket=socket)
    for size in range(1, len(hello)):
        refused(f"hello cut to {size} bytes", hello[:size], "malformed")
    refused("17 deep", pack({"v": 1, "op": "hello", "x": deep}), "malformed")
    refused("20001 values", pack({"v": 1, "op": "hello", "x": [1] * 19_994}), "malformed")
    deep_enough = 1
    for _ in range(15):
        deep_enough = {"d": deep_enough}
    fine = {"v": 1, "ok": True, "op": "hello"}
    add("16 deep", {"v": 1, "op": "hello", "x": deep_enough}, fine)
    add("20000 values", {"v": 1, "op": "hello", "x": [1] * 19_993}, fine)


def add_envelopes():
    fine = {"v": 1, "op": "hello", "ok": True, "versions": [1]}
    for id in (0, 1, 127, 128, 2 ** 32, MAX_INT, "", "x", "x" * 64, "é" * 32, None):
        add(f"hello with id {str(id)[:8]!r} of {type(id).__name__}", {"v": 1, "op": "hello", "id": id},
            {**fine, "id": id})
    add("hello without an id", {"v": 1, "op": "hello"}, {**fine, "id": None})
    add("hello of another version", {"v": 99, "op": "hello", "id": 1}, {**fine, "id": 1})
    add("hello on the desk", {"v": 1, "op": "hello", "id": 1, "as": "ann"}, {**fine, "id": 1, "you": "ann"}, "desk")
    add("hello with integers in their longest encodings",
        {"v": Packed(b"\xd3" + bytes(7) + b"\x01"), "op": "hello", "id": Packed(b"\xcf" + bytes(7) + b"\x05")},
        {**fine, "id": 5})
    add("hello with strings and map in their longest encodings",
        b"\xdf\x00\x00\x00\x02\xdb\x00\x00\x00\x01v\x01\xd9\x02op\xda\x00\x05hello", {**fine, "id": None})
    add("unknown keys are ignored", ask("hello", zzz={"a": [None, 1.5, b"\x00"]}, body=7), {**fine, "id": 1})
    for name, id, error, keys in (("above the range", MAX_INT + 1, "out_of_range", {}),
                                  ("below the range", -1, "out_of_range", {}),
                                  ("2^64-1", 2 ** 64 - 1, "out_of_range", {}),
                                  ("of 65 bytes", "x" * 65, "too_long", {"max": 64, "bytes": 65}),
                                  ("that is a float", 1.0, "bad_type", {}), ("that is bin", b"x", "bad_type", {}),
                                  ("that is true", True, "bad_type", {}), ("that is a list", [1], "bad_type", {}),
                                  ("that is not UTF-8", Raw(b"a\xff"), "invalid_utf8", {"at": 1})):
        refused(f"id {name}", {"v": 1, "op": "hello", "id": id}, error, "id", op="hello", **keys)
    refused("unknown operation", ask("stauts"), "unknown_operation", "op", id=1, op="stauts", number=22,
            **{"class": "fix"})
    refused("operation of the desk on front", ask("list"), "unknown_operation", "op", id=1, op="list")
    refused("operation of front on the desk", ask("submit", comments=[comment()]), "unknown_operation", "op", "desk", 1,
            "submit")
    refused("no operation", {"v": 1, "id": 1}, "missing_field", "op", id=1)
    refused("nil as the operation", {"v": 1, "id": 1, "op": None}, "missing_field", "op", id=1)
    refused("operation that is an int", {"v": 1, "id": 1, "op": 1}, "bad_type", "op", id=1)
    refused("no version", {"op": "status", "id": 1}, "missing_field", "v", id=1, op="status")
    refused("version 2", {"v": 2, "op": "status", "id": 1}, "unsupported_version", id=1, op="status", versions=[1])
    refused("version 0", {"v": 0, "op": "status", "id": 1}, "unsupported_version", id=1, op="status", versions=[1])
    refused("version as str", {"v": "1", "op": "status", "id": 1}, "bad_type", "v", id=1, op="status")
    refused("version as float", {"v": 1.0, "op": "status", "id": 1}, "bad_type", "v", id=1, op="status")
    for key, value in (("v", 1), ("op", "hello"), ("id", 1)):
        body = Pairs([("v", 1), ("op", "hello"), ("id", 1), (key, value)])
        requests.append({"name": f"{key} twice", "socket": "front", "hex": pack(body).hex(),
                         "reply": {"v": 1, "ok": False, "error": {"name": "duplicate_field", "field": key}}})
    add("unknown key twice", Pairs([("v", 1), ("op", "hello"), ("x", 1), ("x", 2)]), fine)


def add_text_fields():
    """Every kind of fault in the fields of a comment event."""
    texts = {"site": 64, "comment": 128, "body": 65536, "parent": 128, "language": 35}
    for field, most in texts.items():
        item_refused(f"{field} of {most + 1} bytes", comment(**{field: "x" * (most + 1)}), "too_long", field, max=most,
                     bytes=most + 1)
        for kind, value in (("int", 1), ("bin", b"x"), ("map", {}), ("list", []), ("true", True), ("float", 1.5)):
            item_refused(f"{field} as {kind}", comment(**{field: value}), "bad_type", field)
    for field in ("site", "comment", "body"):
        item_refused(f"no {field}", {k: v for k, v in comment().items() if k != field}, "missing_field", field)
        item_refused(f"nil as {field}", comment(**{field: None}), "missing_field", field)
        item_refused(f"empty {field}", comment(**{field: ""}), "too_short", field, min=1, bytes=0)
        body = Pairs([*comment().items(), (field, "again")])
        item_refused(f"{field} twice", body, "duplicate_field", field)
    item_refused("empty parent", comment(parent=""), "too_short", "parent", min=1, bytes=0)
    for name, bad, at in (("a lone 0xff", b"ab\xff", 2), ("an overlong slash", b"\xc0\xaf", 0),
                          ("an overlong NUL", b"\xe0\x80\x80", 0),
                          ("a surrogate", b"a\xed\xa0\x80", 1), ("above U+10FFFF", b"\xf4\x90\x80\x80", 0),
                          ("a five-byte form", b"\xf8\x88\x80\x80\x80", 0), ("a lone continuation byte", b"abc\x80", 3),
                          ("a cut sequence", b"abc\xe2\x82", 3), ("a cut sequence in the middle", b"\xe2\x82x", 0)):
        for field in ("body", "comment", "site"):
            item_refused(f"{field} with {name}", comment(**{field: Raw(bad)}), "invalid_utf8", field, at=at)
    for name, bad, at in (("NUL", "a\0", 1), ("a line end", "\n", 0), ("DEL", "ab\x7f", 2),
                          ("a C1 control", "é\x9b", 2), ("ESC", "\x1b[m", 0)):
        for field in ("site", "comment", "parent"):
            item_refused(f"{field} with {name}", comment(**{field: bad}), "bad_character", field, at=at)
    item_refused("site with a slash", comment(site="a/b"), "bad_character", "site", at=1)
    for field, most in (("article.title", 1024), ("article.url", 2048), ("article.language", 35), ("article.id", 128),
                        ("author.name", 256), ("author.id", 128), ("author.address_hash", 64)):
        outer, inner = field.split(".")
        base = {"id": "a"} if outer == "article" else {}
        item_refused(f"{field} of {most + 1} bytes", comment(**{outer: {**base, inner: "x" * (most + 1)}}), "too_long",
                     field,
                     max=most, bytes=most + 1)
        item_refused(f"{field} as int", comment(**{outer: {**base, inner: 7}}), "bad_type", field)
        item_refused(f"{field} that is not UTF-8", comment(**{outer: {**base, inner: Raw(b"a\xff")}}), "invalid_utf8",
                     field, at=1)
        item_refused(f"{field} twice", comment(**{outer: Pairs([*{**base, inner: "x"}.items(), (inner, "y")])}),
                     "duplicate_field", field)


def add_other_fields():
    for name, value in (("0", 0), ("negative", -1), ("2^31", 2 ** 31), ("2^63", 2 ** 63), ("-2^63", -2 ** 63),
                        ("2^64-1", 2 ** 64 - 1)):
        item_refused(f"revision {name}", comment(revision=value), "out_of_range", "revision", min=1, max=2 ** 31 - 1)
    most_time = 253402300799999
    item_refused("revision as float", comment(revision=1.0), "bad_type", "revision")
    for field in ("created_at", "author.registered_at"):
        for name, value in (("negative", -1), ("one too high", most_time + 1)):
            outer, _, inner = field.partition(".")
            item_refused(f"{field} {name}", comment(**{outer: {inner: value} if inner else value}), "out_of_range",
                         field,
                         min=0, max=most_time)
        item_refused(f"{field} as float", comment(**{outer: {inner: 1.0} if inner else 1.0}), "bad_type", field)
    for field in ("revision", "created_at"):
        for kind, value in (("str", "1"), ("true", True)):
            item_refused(f"{field} as {kind}", comment(**{field: value}), "bad_type", field)
    for field in ("article", "author", "extra"):
        for kind, value in (("list", []), ("str", "x"), ("int", 1)):
            item_refused(f"{field} as {kind}", comment(**{field: value}), "bad_type", field)
    item_refused("article without an id", comment(article={"title": "t"}), "missing_field", "article.id")
    item_refused("empty article id", comment(article={"id": ""}), "too_short", "article.id", min=1, bytes=0)
    item_refused("address_hash as bin of 65 bytes", comment(author={"address_hash": bytes(65)}), "too_long",
                 "author.address_hash",
                 max=64, bytes=65)
    fits = 4096 - len(pack({"k": ""})) - 2
    size = len(pack({"k": "v" * (fits + 1)}))
    item_refused("extra one byte too long", comment(extra={"k": "v" * (fits + 1)}), "too_long", "extra", max=4096,
                 bytes=size)
    for kind, value in (("int", 1), ("str", "c"), ("list", []), ("nil", None)):
        item_refused(f"comment that is {kind}", value, "bad_type", "")
    unreadable = {"site": None, "comment": None, "revision": None, "status": "bad_type"}
    add("submit: names of what cannot be read are nil",
        ask("submit", comments=[7, {"site": 7, "comment": "c", "body": "b"}, comment(revision="x")]),
        {"ok": True, "results": [unreadable, {**unreadable, "comment": "c", "revision": 1},
                                 {"site": "s", "comment": "c", "revision": None, "status": "bad_type"}]})


def add_whole_submits():
    for kind, value in (("map", {}), ("str", "x"), ("int", 1)):
        op_refused(f"comments as {kind}", "bad_type", "comments", "submit", comments=value)
    op_refused("no comments", "missing_field", "comments", "submit")
    op_refused("nil as comments", "missing_field", "comments", "submit", comments=None)
    op_refused("no item", "out_of_range", "comments", "submit", comments=[], reply={"min": 1, "max": 256})
    op_refused("257 items", "out_of_range", "comments", "submit", comments=[comment()] * 257,
               reply={"min": 1, "max": 256})
    refused("submit: comments twice", Pairs([*ask("submit", comments=[comment()]).items(), ("comments", [])]),
            "duplicate_field",
            "comments", id=1, op="submit")
    accepted = {"status": "accepted", "state": "pending"}
    whole = comment(site="x" * 64, comment="y" * 128, body="z" * 65536, parent="p" * 128, language="l" * 35,
                    created_at=253402300799999,
                    revision=2 ** 31 - 1, article={"id": "a" * 128, "title": "t" * 1024, "url": "u" * 2048,
                                                   "language": "l" * 35},
                    author={"id": "i" * 128, "name": "n" * 256, "registered_at": 0, "address_hash": b"h" * 64},
                    extra={"k": "v" * (4096 - len(pack({"k": ""})) - 2)})
    add("submit: the longest of everything", ask("submit", comments=[whole]),
        {"ok": True, "id": 1, "results": [{**accepted, "site": "x" * 64, "comment": "y" * 128,
                                           "revision": 2 ** 31 - 1}]})
    add("submit: the shortest of everything", ask("submit", comments=[comment()]),
        {"ok": True, "results": [{**accepted, "site": "s", "comment": "c", "revision": 1}]})
    add("submit: nil is the same as leaving out",
        ask("submit", comments=[comment(revision=None, article=None, author=None, parent=None, extra=None,
                                        created_at=None, language=None)]),
        {"ok": True, "results": [{**accepted, "revision": 1}]})
    add("submit: unknown keys in a comment", ask("submit", comments=[comment(zzz=[1], article={"id": "a", "zzz": {}})]),
        {"ok": True, "results": [accepted]})
    add("submit: anything in extra", ask("submit", comments=[comment(extra={
        "f": 1.5, "n": None, "b": b"\x00\xff", "m": {"l": [1, [2, [3]]]},
        "i": Packed(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff")})]), {"ok": True, "results": [accepted]})
    for name, extra, error in (("an ext type", b"\x81\xa1e\xd4\x05\x00", "bad_type"),
                               ("a key that is no str", b"\x81\x01\x02", "bad_type"),
                               ("a str that is not UTF-8", b"\x81\xa1e\xa1\xff", "invalid_utf8")):
        add(f"submit: {name} in extra", ask("submit", comments=[comment(extra=Packed(extra))]),
            {"ok": True, "results": [{"status": error, "error": {"name": error, "field": "comments[0].extra"}}]})
    add("submit: bad among good", ask("submit", comments=[comment(comment="1"), comment(comment="2", body=7),
                                                          comment(comment="3")]),
        {"ok": True, "results": [accepted, {"site": "s", "comment": "2", "status": "bad_type",
                                            "error": {"name": "bad_type", "number": 24, "class": "fix",
                                                      "field": "comments[1].body"}},
                                 accepted]})
    add("submit: the same twice and another body",
        ask("submit", comments=[comment(), comment(), comment(body="other")]),
        {"ok": True, "results": [accepted, {"status": "duplicate", "state": "pending"},
                                 {"status": "conflict", "error": {"name": "conflict", "state": "pending"}}]})
    add("submit: revisions out of order", ask("submit", comments=[comment(revision=3), comment(revision=2),
                                                                  comment(revision=4)]),
        {"ok": True, "results": [accepted, {"status": "accepted", "state": "superseded"}, accepted]})


def add_front_operations():
    for op, fields in (("withdraw", {"site": "s", "comment": "c"}),
                       ("report", {"site": "s", "comment": "c", "reader": "r"}),
                       ("article", {"site": "s", "article": {"id": "a"}}), ("status", {"site": "s", "comments": ["c"]}),
                       ("policy", {"site": "s"}), ("confirm", {"site": "s", "listener": "l", "seq": 0}),
                       ("stream", {"site": "s", "credit": 1})):
        for field in fields:
            op_refused(f"no {field}", "missing_field", field, op, **{k: v for k, v in fields.items() if k != field})
            op_refused(f"{field} of a wrong type", "bad_type", field, op, **{**fields, field: 1.5})
        op_refused("site with a slash", "bad_character", "site", op, **{**fields, "site": "a/b"}, reply={"at": 1})
        op_refused("site of 65 bytes", "too_long", "site", op, **{**fields, "site": "s" * 65},
                   reply={"max": 64, "bytes": 65})
        op_refused("site that is not UTF-8", "invalid_utf8", "site", op, **{**fields, "site": Raw(b"\xff")},
                   reply={"at": 0})
        refused(f"{op}: site twice", Pairs([*ask(op, **fields).items(), ("site", "s")]), "duplicate_field", "site",
                id=1, op=op)
    add("withdraw: not seen yet", ask("withdraw", site="s", comment="c"),
        {"ok": True, "op": "withdraw", "status": "withdrawn", "seq": 1})
    op_refused("unknown", "not_found", None, "report", site="s", comment="c", reader="r")
    op_refused("note of 1025 bytes", "too_long", "note", "report", site="s", comment="c", reader="r", note="n" * 1025,
               reply={"max": 1024})
    op_refused("reason of 65 bytes", "too_long", "reason", "report", site="s", comment="c", reader="r", reason="n" * 65,
               reply={"max": 64})
    op_refused("at negative", "out_of_range", "at", "report", site="s", comment="c", reader="r", at=-1)
    add("article: stored", ask("article", site="s", article={"id": "a"}, closed=True, front_page=False),
        {"ok": True, "status": "stored"})
    op_refused("closed as int", "bad_type", "closed", "article", site="s", article={"id": "a"}, closed=1)
    op_refused("article without id", "missing_field", "article.id", "article", site="s", article={})
    add("status: unknown site", ask("status", site="s", comments=["a", "b"]),
        {"ok": True, "results": [{"comment": "a", "status": "not_found"}, {"comment": "b", "status": "not_found"}]})
    op_refused("no comment", "out_of_range", "comments", "status", site="s", comments=[], reply={"min": 1, "max": 256})
    op_refused("257 comments", "out_of_range", "comments", "status", site="s", comments=["c"] * 257,
               reply={"min": 1, "max": 256})
    op_refused("unknown site", "not_found", None, "confirm", site="s", listener="l", seq=0)
    op_refused("seq negative", "out_of_range", "seq", "confirm", site="s", listener="l", seq=-1)


def add_streams():
    add("stream: site that is not there yet", ask("stream", site="s", credit=1, live=False),
        {"ok": True, "op": "stream", "id": 1, "site": "s", "newest": 0})
    for credit in (0, 1001, -1):
        op_refused(f"credit {credit}", "out_of_range", "credit", "stream", site="s", credit=credit,
                   reply={"min": 1, "max": 1000})
    op_refused("after beyond the newest", "diverged", None, "stream", site="s", credit=1, after=1, reply={"newest": 0})
    op_refused("after negative", "out_of_range", "after", "stream", site="s", credit=1, after=-1)
    op_refused("hash of 31 bytes", "too_short", "hash", "stream", site="s", credit=1, after=1, hash=bytes(31),
               reply={"min": 32, "bytes": 31})
    op_refused("hash of 33 bytes", "too_long", "hash", "stream", site="s", credit=1, after=1, hash=bytes(33),
               reply={"max": 32, "bytes": 33})
    op_refused("hash as str", "bad_type", "hash", "stream", site="s", credit=1, after=1, hash="x" * 32)
    op_refused("epoch of 15 bytes", "too_short", "epoch", "stream", site="s", credit=1, after=1, epoch=bytes(15))
    op_refused("live as int", "bad_type", "live", "stream", site="s", credit=1, live=1)
    refused("stream: no id", {"v": 1, "op": "stream", "site": "s", "credit": 1}, "missing_field", "id", op="stream")
    op_refused("no stream", "missing_field", "stream", "credit", credit=1)
    op_refused("no credit", "missing_field", "credit", "credit", stream=1)
    op_refused("credit 1001", "out_of_range", "credit", "credit", stream=1, credit=1001, reply={"min": 0, "max": 1000})
    op_refused("no stream", "missing_field", "stream", "cancel")
    add("credit: stream that is not open", ask("credit", stream="gone", credit=0),
        {"v": 1, "op": "ended", "id": "gone", "error": {"name": "not_found", "number": 81}})


def add_desk_operations():
    changing = {"claim": {}, "approve": {"comments": [{"site": "s", "comment": "c"}]},
                "undo": {"records": [{"site": "s", "seq": 1}]}, "skip": {"comments": [{"site": "s", "comment": "c"}]},
                "reject": {"comments": [{"site": "s", "comment": "c"}], "reasons": ["abuse"]},
                "escalate": {"comments": [{"site": "s", "comment": "c"}]},
                "erase": {"comments": [{"site": "s", "comment": "c"}]}}
    number = 0
    for op, fields in changing.items():
        fields = {"as": "ann", **fields}
        op_refused("no operation id", "missing_field", "operation", op, "desk", **fields)
        op_refused("operation id of 15 bytes", "too_short", "operation", op, "desk", operation=bytes(15), **fields,
                   reply={"min": 16})
        op_refused("operation id of 17 bytes", "too_long", "operation", op, "desk", operation=bytes(17), **fields,
                   reply={"max": 16})
        op_refused("operation id as str", "bad_type", "operation", op, "desk", operation="x" * 16, **fields)
        if op in ("approve", "reject", "undo", "escalate"):
            op_refused("batch as str", "bad_type", "batch", op, "desk", operation=OPERATION, **fields, batch="x" * 16)
        op_refused("as with a control character", "bad_character", "as", op, "desk", operation=OPERATION,
                   **{**fields, "as": "a\x1b"}, reply={"at": 1})
        if op == "claim":
            continue
        items = "records" if op == "undo" else "comments"
        for name, error, value in (("no", "missing_field", None), ("empty", "out_of_range", []),
                                   ("257", "out_of_range", [fields[items][0]] * 257),
                                   ("wrong", "bad_type", {})):
            op_refused(f"{name} {items}", error, items, op, "desk", **{**fields, "operation": OPERATION, items: value})
        number += 1
        unknown = {"status": "not_found", "error": {"name": "not_found", "number": 81, "class": "final"}}
        add(f"{op}: unknown", ask(op, operation=bytes([number]) * 16, **fields),
            {"ok": True, "op": op, "results": [unknown]}, "desk")
        number += 1
        add(f"{op}: item that is no map", ask(op, operation=bytes([number]) * 16, **{**fields, items: [1]}),
            {"ok": True, "results": [{"status": "bad_type", "error": {"name": "bad_type", "field": f"{items}[0]"}}]},
            "desk")
    one = {"comments": [{"site": "s", "comment": "c"}], "operation": OPERATION, "as": "ann"}
    op_refused("no reasons", "missing_field", "reasons", "reject", "desk", **one)
    op_refused("empty reasons", "out_of_range", "reasons", "reject", "desk", **one, reasons=[],
               reply={"min": 1, "max": 8})
    op_refused("9 reasons", "out_of_range", "reasons", "reject", "desk", **one, reasons=[f"r{i}" for i in range(9)],
               reply={"min": 1, "max": 8})
    op_refused("note of 4097 bytes", "too_long", "note", "approve", "desk", **one, note="n" * 4097,
               reply={"max": 4096, "bytes": 4097})
    op_refused("supersede as int", "bad_type", "supersede", "approve", "desk", **one, supersede=1)
    for op, fields in (("claim", {"lease_ms": 999}), ("claim", {"lease_ms": 3600001}), ("renew", {"lease_ms": 999})):
        op_refused(f"lease of {fields['lease_ms']} ms", "out_of_range", "lease_ms", op, "desk", operation=OPERATION,
                   **{"as": "ann"}, **fields,
                   reply={"min": 1000, "max": 3600000})
    for for_ms in (59999, 604800001):
        op_refused(f"for {for_ms} ms", "out_of_range", "for_ms", "skip", "desk", **one, for_ms=for_ms,
                   reply={"min": 60000, "max": 604800000})
    for limit in (0, 101):
        op_refused(f"limit {limit}", "out_of_range", "limit", "claim", "desk", operation=OPERATION, **{"as": "ann"},
                   limit=limit,
                   reply={"min": 1, "max": 100})
    op_refused("101 named", "out_of_range", "comments", "claim", "desk", operation=OPERATION, **{"as": "ann"},
               comments=[{"site": "s", "comment": "c"}] * 101, reply={"min": 1, "max": 100})
    op_refused("unknown lane", "bad_value", "lane", "claim", "desk", operation=OPERATION, **{"as": "ann"}, lane="fast")
    add("claim: empty queue", ask("claim", operation=b"c" * 16, **{"as": "ann"}), {"ok": True, "comments": []}, "desk")


def add_people():
    """Notes, and what moderators say of authors."""
    who = {"site": "s", "author": "u"}
    fields = {"note": {"site": "s", "comment": "c", "note": "n"}, "author": who, "author_note": {**who, "note": "n"},
              "author_mark": {**who, "mark": "watched", "note": "n"}, "author_erase": who}
    for op, needed in fields.items():
        extra = {} if op == "author" else {"operation": OPERATION, "as": "ann"}
        for field in needed:
            op_refused(f"no {field}", "missing_field", field, op, "desk",
                       **{**extra, **{k: v for k, v in needed.items() if k != field}})
            op_refused(f"{field} of a wrong type", "bad_type", field, op, "desk", **{**extra, **needed, field: 1.5})
        if op != "author":
            op_refused("no operation id", "missing_field", "operation", op, "desk", **{"as": "ann"}, **needed)
        op_refused("unknown", "not_found", None, op, "desk", **extra, **needed)
    named = {"operation": OPERATION, "as": "ann"}
    for op in ("note", "author_note", "author_mark"):
        op_refused("empty note", "too_short", "note", op, "desk", **named, **{**fields[op], "note": ""},
                   reply={"min": 1, "bytes": 0})
        op_refused("note of 4097 bytes", "too_long", "note", op, "desk", **named, **{**fields[op], "note": "n" * 4097},
                   reply={"max": 4096, "bytes": 4097})
    op_refused("author with a control character", "bad_character", "author", "author", "desk", site="s", author="a\0",
               reply={"at": 1})
    op_refused("author of 129 bytes", "too_long", "author", "author", "desk", site="s", author="a" * 129,
               reply={"max": 128, "bytes": 129})
    op_refused("unknown mark", "bad_value", "mark", "author_mark", "desk", **named, **{**who, "mark": "bad", "note": "n"})
    op_refused("until in the past", "out_of_range", "until", "author_mark", "desk", **named,
               **fields["author_mark"], until=1)
    for limit in (0, 501):
        op_refused(f"limit {limit}", "out_of_range", "limit", "author", "desk", **who, limit=limit,
                   reply={"min": 1, "max": 500})


def add_desk_reads():
    add("list: empty queue", ask("list"), {"ok": True, "comments": [], "next": None}, "desk")
    for limit in (0, 501):
        op_refused(f"limit {limit}", "out_of_range", "limit", "list", "desk", limit=limit, reply={"min": 1, "max": 500})
        op_refused(f"limit {limit}", "out_of_range", "limit", "history", "desk", site="s", comment="c", limit=limit,
                   reply={"min": 1, "max": 500})
    op_refused("unknown lane", "bad_value", "lane", "list", "desk", lane="fast")
    op_refused("after as int", "bad_type", "after", "list", "desk", after=1)
    add("search: nothing there", ask("search", text="word"),
        {"ok": True, "comments": [], "matches": [], "next": None, "off": []}, "desk")
    op_refused("no text", "missing_field", "text", "search", "desk")
    op_refused("nothing to look for", "bad_value", "text", "search", "desk", text="\u0640 ")
    op_refused("text of 257 bytes", "too_long", "text", "search", "desk", text="x" * 257, reply={"max": 256})
    op_refused("unknown state", "bad_value", "state", "search", "desk", text="x", state="lost")
    op_refused("author of no site", "missing_field", "site", "search", "desk", text="x", author="a")
    for limit in (0, 101):
        op_refused(f"limit {limit}", "out_of_range", "limit", "search", "desk", text="x", limit=limit,
                   reply={"min": 1, "max": 100})
    for op in ("show", "history"):
        op_refused("unknown", "not_found", None, op, "desk", site="s", comment="c")
        op_refused("no site", "missing_field", "site", op, "desk", comment="c")
        op_refused("no comment", "missing_field", "comment", op, "desk", site="s")
    op_refused("no batch", "missing_field", "batch", "batch", "desk")
    op_refused("batch of 15 bytes", "too_short", "batch", "batch", "desk", batch=bytes(15), reply={"min": 16})
    for limit in (0, 1001):
        op_refused(f"limit {limit}", "out_of_range", "limit", "batch", "desk", batch=OPERATION, limit=limit,
                   reply={"min": 1, "max": 1000})
    add("batch: nobody used it", ask("batch", batch=OPERATION), {"ok": True, "records": [], "next": None}, "desk")
    add("release: nothing held", ask("release", **{"as": "ann"}), {"ok": True, "results": []}, "desk")
    add("renew: not held", ask("renew", **{"as": "ann"}, comments=[{"site": "s", "comment": "c"}]),
        {"ok": True, "results": [{"site": "s", "comment": "c", "status": "not_held"}]}, "desk")
    add("stats: nothing yet", ask("stats"), {"ok": True, "sites": [], "listeners": []}, "desk")
    add("facts: nothing yet", ask("facts"), {"ok": True, "facts": [], "sites": [], "pending": [], "next": None}, "desk")
    add("facts: nothing of an unknown site", ask("facts", site="s", since=1, until=2),
        {"ok": True, "facts": [], "sites": [], "pending": [], "next": None}, "desk")
    for limit in (0, 20001):
        op_refused(f"limit {limit}", "out_of_range", "limit", "facts", "desk", limit=limit, reply={"min": 1, "max": 20000})
    op_refused("after -1", "out_of_range", "after", "facts", "desk", after=-1)
    op_refused("since as str", "bad_type", "since", "facts", "desk", since="yesterday")
    add("policy on the desk", ask("policy", site="s"), {"ok": True, "op": "policy"}, "desk")


def write(path, vectors):
    names = [vector["name"] for vector in vectors]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SystemExit(f"two vectors have the same name: {sorted(twice)}")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(vector) for vector in vectors) + "\n]\n")
    print(f"{path}: {len(vectors)} vectors")


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "proto/vectors")
    for part in (add_broken_messages, add_envelopes, add_text_fields, add_other_fields, add_whole_submits,
                 add_front_operations,
                 add_streams, add_desk_operations, add_people, add_desk_reads):
        part()
    write(os.path.join(directory, "messages.json"), messages())
    write(os.path.join(directory, "requests.json"), requests)


if __name__ == "__main__":
    main()
