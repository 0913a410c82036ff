"""Inputs to begin with, made from what the project has anyway: test vectors, the default policy, examples in documents.

    seeds.write("request", folder)
"""
import hashlib
import json
import os
import re

import msgpack

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPERATION = bytes(range(16))
SECRET_KEY = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"          # the example pair of ZeroMQ's CURVE
PUBLIC_KEY = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
ITEM = {"site": "news", "comment": "1", "revision": 1}
SITE = {"site": "news"}
ONE = {"site": "news", "comment": "1"}


def fsck_state(phase):
    """As daemon/work/fsck_state.c packs it."""
    return msgpack.packb({"at": [phase, 5, 1, 2, b"1", b"r", bytes(16)], "checked": [1] * 10,
                          "sites": [[1, *range(13)], [2, *range(13)]]})


DESK = [
    ("list", {}), ("list", dict(SITE, lane="normal", limit=2, after=[1, 2])), ("list", {"lane": "escalated"}),
    ("show", ONE), ("show", {"site": "blog", "comment": "2"}), ("history", dict(ONE, limit=2, before=9)), ("stats", {}),
    ("status", dict(SITE, comments=["1", "2"])), ("status", dict(SITE, comments=[{"comment": "1"}])),
    ("policy", SITE), ("hello", {}), ("claim", dict(SITE, limit=2, lease_ms=60000)), ("claim", {"comments": [ITEM]}),
    ("renew", {"comments": [ITEM], "lease_ms": 60000}), ("release", {}), ("release", {"comments": [ITEM]}),
    ("skip", {"comments": [ITEM], "for_ms": 60000}), ("claim", {"limit": 9}),
    ("batch", {"batch": OPERATION, "limit": 2}), ("approve", {"comments": [ITEM], "batch": OPERATION}),
    ("approve", {"comments": [ITEM, {"site": "blog", "comment": "1"}], "supersede": True, "note": "n"}),
    ("reject", {"comments": [ITEM, dict(ITEM, comment="2", seq=1)], "reasons": ["spam"], "note": "n"}),
    ("undo", {"records": [{"site": "news", "seq": 1}]}), ("undo", {"records": [{"site": "blog", "seq": 1}]}),
    ("escalate", {"comments": [ITEM], "note": "why"}), ("erase", {"comments": [ITEM, dict(ITEM, comment="2")]}),
    ("key_add", {"name": "new", "role": "moderator", "sites": ["news"], "rights": ["undo", "bulk"], "uid": 7}),
    ("key_add", {"name": "web2", "role": "front", "public_key": b"k" * 32, "expires_at": 253402300799999}),
    ("key_list", {"all": True, "after": 1}), ("key_revoke", {"key": 1}), ("key_revoke", {"name": "ann"}),
    ("key_rotate", {"name": "web", "public_key": b"r" * 32, "overlap_ms": 1000}), ("reload", {}),
    ("audit", dict(SITE, limit=5, before=20, actor="ann", kind="approved", since=1, until=10 ** 12)),
    ("audit", {"key": 1}), ("facts", dict(SITE, after=1, limit=2, since=1, until=10 ** 13)),
    ("verify", {"limit": 5}), ("verify", {"after": 3, "hash": bytes(32), "counts": bytes(8 * 12)}),
    ("verify", {"after": 6, "counts": msgpack.packb({"sites": [[1, 1, 2, 3, 4, 5, 6], [2, 2 ** 63 - 1]]})}),
    ("fsck", {}), ("fsck", {"limit": 3}), ("fsck", {"state": fsck_state(0), "limit": 9}), ("fsck", {"state": fsck_state(6)}),
    ("reject", {"comments": [ITEM], "reasons": ["profanity", "threat"], "note": "n"}), ("hello", {"as": "modqd"}),
    ("key_add", {"name": "web", "role": "front", "public_key": b"\x11" * 32}), ("key_revoke", {"name": "nobody"}),
]
FRONT = [
    ("submit", {"comments": [{"site": "news", "comment": "9", "body": "text", "extra": {"a": [1, 2.5, None]}}]}),
    ("submit", {"comments": [dict(ITEM, revision=2, body="b", author={"id": "a", "name": "n"}, article={"id": "b"})]}),
    ("withdraw", ONE), ("withdraw", dict(ONE, comment="2")), ("status", dict(SITE, comments=["1"])), ("hello", {}),
    ("report", dict(ONE, comment="2", reader="r", reason="spam", note="n", at=5)), ("policy", SITE),
    ("article", dict(SITE, article={"id": "b", "title": "t", "url": "u"}, closed=True, front_page=False)),
    ("confirm", dict(SITE, listener="l", seq=1)), ("stream", dict(SITE, after=1, hash=bytes(32), credit=5, live=False)),
    ("stream", dict(SITE, after=1, epoch=bytes(16), credit=5)), ("credit", {"stream": 1, "credit": 5}),
    ("cancel", {"stream": 1}),
]
DOORS = {"front": 0, "push": 1, "desk": 2}
ASKERS = {"front": (0, 1, 3, 4, 7, 9), "push": (0, 4), "desk": (0, 1, 2, 3, 5, 6, 8)}


def read(*path):
    with open(os.path.join(ROOT, *path), "rb") as file:
        return file.read()


def vectors(name):
    return json.loads(read("proto/vectors", name))


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def frame(data):
    """With the byte or two before it that fuzz_frame reads."""
    size = min(len(data), 510)
    head = bytes([size]) if size < 255 else bytes([255, size - 255])
    return head + data[:size]


def codec():
    for vector in vectors("messages.json") + vectors("requests.json"):
        if "hex" in vector:
            yield bytes.fromhex(vector["hex"])
    for _, fields in FRONT[:2]:
        yield pack(dict(fields["comments"][0], article={"id": "a", "title": "t"}, author={"id": "i"}, parent="p",
                        created_at=1, language="ku"))
    for text in ("کوردی", "العربية", "Türkçe", "\U0001f600\u200f", "a\ud800b", "\x00\x7f\x80"):
        yield text.encode("utf-8", "surrogatepass")


def request():
    for vector in vectors("requests.json"):
        if vector.get("hex") is not None and vector.get("socket") in DOORS:
            yield bytes([DOORS[vector["socket"]]]) + bytes.fromhex(vector["hex"])[:4096]
    for door, operations in (("desk", DESK), ("front", FRONT), ("push", FRONT[:3])):
        for op, fields in operations:
            for asker in ASKERS[door]:
                body = {"v": 1, "op": op, "id": 1, "operation": OPERATION, **fields}
                yield bytes([DOORS[door] + 4 * asker]) + pack(body)


def blocks(*path):
    """The fenced blocks of a document."""
    return re.findall(rb"^```[a-z]*\n(.*?)^```", read(*path), re.M | re.S)


def manual_examples():
    for block in re.findall(rb"^\.nf\n(.*?)^\.fi", read("daemon/modqd.conf.5"), re.M | re.S):
        yield block.replace(b"\\-", b"-").replace(b"\\(dq", b'"')


def policy():
    rules = read("daemon/policy/house-rules.conf")
    yield rules
    yield rules.partition(b"reason")[0] + b'reason "a" { title { en = "A" } sentence { en = "B." } }\n'
    yield from small_policies()
    yield from manual_examples()


def small_policies():
    yield b'version = "1"\nreason "spam" {\n title { en = "Spam" }\n sentence { en = "It is." }\n}\n'
    for title, sentence, code in ((256, 1024, 64), (257, 1, 1), (1, 1025, 1), (1, 1, 65)):
        yield (b'version = "1"\nreason "%s" { title { en = "%s" } sentence { en = "%s" } }\n'
               % (b"c" * code, b"t" * title, b"s" * sentence))
    texts = b"title { en = A; ckb = B }\n sentence { en = C; ckb = D } }\n"
    yield (b'version = v; reports_reopen = 3; second_look = 2.5; unreviewed = {"ckb"}\nreason a { needs_note = true\n ' + texts +
           b"reason a.b { " + texts)


def config():
    rules = next(small_policies())
    texts = blocks("docs/configuration.md") + list(manual_examples())
    texts += [read("systemd/modqd.conf"), read("systemd/examples/tcp.conf")]
    texts.append(b'dir = "/d"; insecure_loopback = true; single_owner = yes; metrics = "[::1]:9469"\n'
                 b'listen { front = "none"; desk = {"ipc:///a", "tcp://127.0.0.1:1"}\n'
                 b' decisions = "tcp://*:2"; desk_mode = "0660"\n'
                 b' desk_group = g; front_local = "listed" }\nlimits { streams = 1; reserve_bytes = 0 }\n')
    texts.append(b'site "a" { policy = "p" }\nsite "b" { }\nheartbeat_ms = 100 # c\ncredit_timeout_ms = 1000 /* d */\n')
    texts.append(b'listen { desk_mode = "0620" }\n')
    for more in (b"", b"insecure_loopback = true\n", b"single_owner = true\n"):
        texts.append(more + b'listen { desk = "tcp://127.0.0.1:1"; front = "tcp://10.0.0.1:2" }\n')
        texts.append(more + b'listen { decisions = "tcp://127.0.0.1:1" }\n')
        texts.append(more + b'listen { desk = "ipc:///a"; push = "ipc:///a" }\n')
    texts.append(b'dir = ${MODQ_UNKNOWN:-/d}\npolicy = \'p\'\n"\n')
    for text in texts:
        yield b"1" + text
        yield b"0" + text + b"\0" + rules


def zap_request(key, domain=b"desk", mechanism=b"CURVE", now=b"\x05"):
    return now + b"".join(map(frame, (b"1.0", b"1", domain, b"127.0.0.1", b"", mechanism, key)))


def zap():
    people = (b"the front end", b"a moderator", b"the administrator", b"one that expires", b"one that expired",
              b"one revoked", b"one revoked early", b"a user, no key", b"nobody")
    for who in people:
        key = (b"public key of " + who + b"." * 18)[:32]
        for domain in (b"front", b"push", b"decisions", b"desk"):
            yield zap_request(key, domain)
    for now in (b"\x7f", b"\x80", b"\x81"):           # before, at and after its end
        yield zap_request(b"public key of one that expires.."[:32], b"front", now=now)
    moderator = b"public key of a moderator......."
    yield zap_request(moderator, mechanism=b"NULL")
    yield zap_request(moderator, now=b"\xf0") + frame(b"more") + frame(b"than") + frame(b"that")
    yield zap_request(bytes(32))
    yield zap_request(moderator, domain=b"d" * 300)


def key_files():
    text = (f'#   A key for modqd.\nmetadata\n    name = "ann"\n    role = "moderator"\n    server-key = "{PUBLIC_KEY}"\n'
            f'    desk = "tcp://127.0.0.1:5593"\ncurve\n    public-key = "{PUBLIC_KEY}"\n    secret-key = "{SECRET_KEY}"\n')
    yield text.encode()
    yield text.replace('"', "'").replace("\n", "\r\n").encode()
    yield b'secret-key = "short"\n'


def comments():
    full = [(0, b"news"), (1, b"1"), (2, b"body"), (3, b"parent"), (4, b"en"), (5, b"article"), (6, b"title"), (7, b"url"),
            (8, b"ku"), (9, b"author"), (10, b"name"), (11, b"hash"), (16, b"123456789"), (17, b"0"), (18, b"1")]
    for count in (2, 3, 5, len(full)):
        yield b"".join(bytes([which]) + frame(text) for which, text in full[:count])
    yield b"\x00" + frame(b"a/b") + b"\x01" + frame(b"\xff") + b"\x0f" + frame(b"")


def answers():
    error = {"number": 1, "name": "busy", "class": "retry", "message": "m", "field": "f", "retry_after_ms": 50}
    yield frame(pack({"v": 1, "id": 1, "ok": False, "error": dict(error, **{"class": "final"})}).replace(b"bus", b"b\xc3s"))
    for last in ({"ok": True, "items": [{"a": b"b"}, None, 1.5]}, {"ok": False, "error": error},
                 {"ok": False, "error": dict(error, number=82, **{"class": "final"})}, {"ok": False, "error": {}}, {}):
        yield b"".join(frame(pack({"v": 1, "id": number, **last})) for number in (1, 2, 3, 2, 9))
        yield frame(b"\xc1") + frame(pack({"v": 1, "id": 1, **last}))


def record(seq):
    return {"seq": seq, "site": "news", "comment": "1", "kind": "approved", "chain": bytes([seq]) * 32}


def streams():
    opened = pack({"v": 1, "id": 1, "op": "stream", "ok": True, "epoch": bytes(16), "newest": 3, "heartbeat_ms": 1000,
                   "credit_timeout_ms": 3000})
    later = [{"op": "records", "records": [record(1), record(2)]}, {"op": "records", "records": []},
             {"op": "records", "records": [record(3)]}, {"op": "heartbeat", "sent": 2, "newest": 3}, {"op": "level"},
             {"op": "ended", "error": {"number": 5, "name": "credit_timeout", "class": "retry"}},
             {"op": "ended", "error": {"number": 1, "name": "busy", "class": "retry", "retry_after_ms": 2 ** 63 - 1}},
             {"op": "ended", "error": {"number": 60, "name": "denied", "class": "denied", "message": "no"}}]
    refused = pack({"v": 1, "id": 1, "op": "stream", "ok": False, "error": {
        "number": 25, "name": "out_of_range", "class": "fix", "field": "credit", "max": 2}})
    told = [pack({"v": 1, "id": 1, **message}) for message in later]
    for how in (b"\x00", b"\x06", b"\x0a"):
        for end in range(1, len(told) + 1):
            yield how + frame(opened) + b"".join(map(frame, told[:1] + told[end - 1:end] + told[2:end:2]))
        yield how + frame(refused) + frame(opened)


def client():
    for mode, seeds in enumerate((key_files, comments, answers, streams)):
        for seed in seeds():
            yield bytes([mode]) + seed


TARGETS = {"codec": codec, "request": request, "policy": policy, "config": config, "zap": zap, "client": client}


def words(target):
    """Lines of a dictionary for libFuzzer: the words that stand in the seeds, as text and as a str of MessagePack."""
    found = set()
    for seed in TARGETS.get(target, tuple)():
        found |= set(re.findall(rb"[A-Za-z_]{2,24}", seed))
    packed = [bytes([0xa0 + len(word)]) + word for word in found if target in ("codec", "request", "client")]
    for word in sorted(found | set(packed)):
        yield '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n'


def write(target, folder):
    """Fills a folder; an unknown target begins with nothing."""
    os.makedirs(folder, exist_ok=True)
    for seed in TARGETS.get(target, tuple)():
        with open(os.path.join(folder, hashlib.sha1(seed).hexdigest()), "wb") as file:
            file.write(seed)
