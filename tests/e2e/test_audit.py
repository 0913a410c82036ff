"""Who did what: every operation of the document is done once by somebody of its own, over CURVE and over ipc, and
`modq audit` tells by whom, from which key or user, when, and about what. What each leaves stands in LEAVES."""
# time-limit: 240
import datetime
import json
import os
import time
import unittest

import zmq

import document
import keys
import tap
from cases import Case, event, eventually, fresh, now_ms
from daemon import Daemon
from good_requests import OWN, Requests
from modq import Raw, encode

# The kind of the event; None: nothing, because it changes nothing and shows no comment at the desk.
LEAVES = {
    ("front", "hello"): None, ("front", "policy"): None, ("front", "status"): None, ("front", "stream"): None,
    ("front", "credit"): None, ("front", "cancel"): None,
    ("front", "confirm"): None, ("front", "article"): None,        # kept, and about no comment
    ("front", "submit"): "submitted", ("front", "withdraw"): "withdrawn", ("front", "report"): "reported",
    ("push", "submit"): "submitted", ("push", "withdraw"): "withdrawn", ("push", "report"): "reported",
    ("push", "article"): None,
    ("desk", "hello"): None, ("desk", "policy"): None,
    ("desk", "status"): "looked", ("desk", "list"): "looked", ("desk", "search"): "looked", ("desk", "show"): "looked", ("desk", "history"): "looked",
    ("desk", "batch"): "looked",
    ("desk", "stats"): "looked", ("desk", "facts"): "looked", ("desk", "key_list"): "looked", ("desk", "audit"): "looked",
    ("desk", "verify"): "looked",
    ("desk", "fsck"): "looked",
    ("desk", "claim"): "claimed", ("desk", "renew"): "renewed", ("desk", "release"): "released",
    ("desk", "skip"): "skipped", ("desk", "approve"): "approved", ("desk", "reject"): "rejected", ("desk", "undo"): "reopened",
    ("desk", "escalate"): "escalated", ("desk", "erase"): "erased",
    ("desk", "note"): "noted", ("desk", "author"): "looked", ("desk", "author_mark"): "author_marked",
    ("desk", "author_note"): "author_noted", ("desk", "author_erase"): "author_erased",
    ("desk", "key_add"): "key_added", ("desk", "key_revoke"): "key_revoked", ("desk", "key_rotate"): "key_rotated",
    ("desk", "reload"): "reloaded",
}
ADMINISTRATORS = ("key_add", "key_list", "key_revoke", "key_rotate", "reload", "audit", "verify", "fsck")
SITELESS = (*ADMINISTRATORS, "hello", "stats", "batch", "credit", "cancel")
KINDS = {"front": zmq.DEALER, "push": zmq.PUSH, "desk": zmq.DEALER}
RIGHTS = ["undo", "escalated", "erase", "bulk"]
DONE, DENIED = 0, 5
LINGER_MS = 30_000        # for what is pushed: a handshake of CURVE comes before it leaves
UID = 61000               # users of the system that nobody else is
LOCAL = """
    front_group = "nogroup"   front_mode = "0660"
    push_group = "nogroup"    push_mode = "0660"
    desk_group = "nogroup"    desk_mode = "0660"
"""


def lines(done):
    assert done.returncode == DONE, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def stamp(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds")


class Trail(Case):
    """Each operation, each by somebody of its own."""

    tcp = ("front", "push", "desk")
    listen = LOCAL

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.chmod(cls.daemon.dir, 0o711)
        cls.requests = Requests(cls.daemon, cls.reasons[0])
        cls.requests.pending(OWN)

    def test_every_operation_of_the_document_says_here_what_it_leaves(self):
        self.assertEqual(set(LEAVES), document.operations())

    def audit(self, *arguments):
        return lines(self.daemon.run_modq("audit", "--json", "--limit", "0", *arguments))

    def grant(self, door, operation):
        """Name, role and rights of somebody new who may do that."""
        role = "front" if door != "desk" else "administrator" if operation in ADMINISTRATORS else "moderator"
        return fresh(f"{operation.replace('_', '-')}-"), role, RIGHTS if role == "moderator" else None

    def body(self, door, operation, name):
        asked = "undo_mine" if operation == "undo" else operation
        who = "front" if door != "desk" else name
        fields = self.requests.make(asked, who, "-" if operation in SITELESS else "own")
        return {"v": 1, "op": operation, "id": 1, **fields, "operation": os.urandom(16)}

    def ask(self, door, body, endpoint, key=None):
        """Sends it, and waits for the answer where there is one."""
        raw = Raw(endpoint, KINDS[door], key=key)
        try:
            if door == "push":
                raw.socket.setsockopt(zmq.LINGER, LINGER_MS)
                raw.send(encode(body))
            elif body["op"] != "cancel":
                answer = raw.ask(encode(body))
                assert answer and (answer.get("ok") or answer.get("op") == "ended"), (body, answer)
        finally:
            raw.close()

    def by_key(self, door, operation):
        """Asked by the owner of a new key: how they came."""
        name, role, rights = self.grant(door, operation)
        key = self.daemon.add_key(name, role, rights=rights)
        self.ask(door, self.body(door, operation, name), self.daemon.endpoint(door, key), key)
        return name, f"key:{key.number}"

    def by_user(self, door, operation):
        """Asked by a user of the system with a key of their own."""
        name, role, rights = self.grant(door, operation)
        type(self).users = getattr(self, "users", 0) + 1
        uid = UID + self.users
        self.daemon.administrator().key_add(name, role, uid=uid, rights=rights)
        body = self.body(door, operation, name)

        def talk():
            self.ask(door, body, self.daemon.endpoint(door))
            zmq.Context.instance().term()                # what was pushed leaves before the process ends
        keys.as_user(uid, keys.NOBODY, [], talk)
        return name, f"uid:{uid}"

    def check(self, way, door, operation):
        kind = LEAVES[door, operation]
        start = now_ms()
        name, via = way(door, operation)
        actor = door if door != "desk" else name
        if kind:
            eventually(lambda: [told for told in self.audit("--by", actor) if told["via"] == via])
        else:
            time.sleep(0.02)
        told = [told for told in self.audit() if told["via"] == via]
        self.assertEqual([(one["kind"], one["actor"]) for one in told], [(kind, actor)] if kind else [])
        for one in told:
            self.assertTrue(start <= one["at"] <= now_ms(), one)
            self.check_object(operation, one)

    def check_object(self, operation, told):
        """What it is about."""
        if told["kind"] == "looked":
            self.assertEqual(told["operation"], operation)
        if operation not in SITELESS:
            self.assertEqual(told["site"], OWN)
        if operation.startswith("author"):
            self.assertIsNone(told["comment"], told)
            self.assertEqual(bool(told.get("author")), operation in ("author_mark", "author_note"), told)
        elif operation in ("show", "history") or (operation not in SITELESS and told["kind"] != "looked"):
            self.assertTrue(told["comment"], told)
        if operation in ("key_add", "key_revoke", "key_rotate"):
            self.assertTrue(told["key"] and told["name"] and told["role"] == "front", told)

    def test_everything_that_the_owner_of_a_key_does_is_told(self):
        for door, operation in sorted(LEAVES):
            with self.subTest(socket=door, operation=operation):
                self.check(self.by_key, door, operation)

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_everything_that_a_user_of_the_system_does_is_told(self):
        for door, operation in sorted(LEAVES):
            with self.subTest(socket=door, operation=operation):
                self.check(self.by_user, door, operation)

    def test_history_that_all_this_left_is_whole(self):
        done = self.daemon.run_modq("audit", "verify")
        self.assertEqual(done.returncode, DONE, done.stdout)

    # In somebody else's name

    def key_file(self, name, role, **options):
        key = self.daemon.add_key(name, role, **options)
        path = os.path.join(self.daemon.dir, name)
        keys.write(path, key)
        return key, path

    def test_administrator_who_acts_for_another_is_told_by_the_key(self):
        key, path = self.key_file(fresh("boss-"), "administrator")
        item = self.pending()
        name = f"{item['site']}/{item['comment']}"
        self.assertEqual(self.daemon.run_modq("--key", path, "--as", "ann", "approve", name).returncode, DONE)
        self.assertEqual(self.daemon.run_modq("--key", path, "--as", "ann", "show", name).returncode, DONE)
        eventually(lambda: len(self.audit("--of-key", str(key.number))) == 2)
        told = self.audit("--of-key", str(key.number))
        self.assertEqual([(one["kind"], one["actor"], one["via"]) for one in told],
                         [("looked", "ann", f"key:{key.number}"), ("approved", "ann", f"key:{key.number}")])
        shown = self.daemon.run_modq("audit", "--of-key", str(key.number)).stdout
        for word in ("approved", "ann", f"key:{key.number}", name):
            self.assertIn(word, shown)

    def test_local_administrator_who_acts_for_another_is_told_by_the_user(self):
        item = self.pending()
        self.daemon.run_modq("--as", "ann", "approve", f"{item['site']}/{item['comment']}")
        told, = self.audit("--site", self.site, "--kind", "approved")
        self.assertEqual((told["actor"], told["via"]), ("ann", f"uid:{os.geteuid()}"))

    # Who may ask

    def test_moderators_with_every_right_are_told_nothing(self):
        key, path = self.key_file(fresh("senior-"), "moderator", rights=RIGHTS)
        for arguments in (["audit"], ["audit", "--site", OWN], ["audit", "--by", key.metadata["name"]],
                          ["audit", "verify"], ["key", "list"]):
            done = self.daemon.run_modq("--key", path, *arguments)
            self.assertEqual((done.returncode, done.stdout), (DENIED, ""), arguments)
            self.assertIn("administrator", done.stderr)

    def test_moderators_see_in_a_history_who_but_not_from_which_key(self):
        item = self.pending()
        self.approve(item)
        _, path = self.key_file(fresh("mod-"), "moderator", sites=[self.site])
        told = lines(self.daemon.run_modq("--key", path, "history", "--json", f"{self.site}/{item['comment']}"))
        self.assertEqual([(one["kind"], one["actor"]) for one in told], [("approved", "ann"), ("submitted", "front")])
        self.assertNotIn("via", {name for one in told for name, value in one.items() if value is not None})
        done = self.daemon.run_modq("--key", path, "history", f"{OWN}/none")
        self.assertEqual((done.returncode, done.stdout), (DENIED, ""))

    def test_what_was_refused_leaves_nothing(self):
        key, path = self.key_file(fresh("mod-"), "moderator", sites=[self.site])
        item = self.pending(site=OWN)
        name = f"{OWN}/{item['comment']}"
        for arguments in (["approve", name], ["show", name], ["history", name], ["queue", "--site", OWN],
                          ["erase", name], ["key", "list"], ["audit"]):
            self.assertNotEqual(self.daemon.run_modq("--key", path, *arguments).returncode, DONE, arguments)
        time.sleep(0.05)
        self.assertEqual(self.audit("--of-key", str(key.number)), [])


class Filters(Case):
    """What is asked for is what is told, in pages of any length."""

    config = "audit_reads = false\n"
    tcp = ("desk",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = cls.daemon.add_key("clara", "moderator")
        clara = cls.daemon.desk(key=cls.key)
        cls.daemon.administrator().reload()
        for site in ("news", "blog"):
            for n in range(0, 12_000, 500):
                cls.front.submit([event(site, str(m)) for m in range(n, n + 500)])
                time.sleep(0.002)
            named = [{"site": site, "comment": str(n)} for n in range(300)]
            for desk, part in ((cls.ann, named[:100]), (cls.bob, named[100:200]), (clara, named[200:210])):
                desk.approve(part) if site == "news" else desk.reject(part, cls.reasons[:1])
        cls.all = lines(cls.daemon.run_modq("audit", "--json", "--limit", "0", timeout=60))

    def told(self, *arguments):
        return lines(self.daemon.run_modq("audit", "--json", *arguments, timeout=60))

    def test_everything_is_told_once_the_newest_first(self):
        numbers = [one["no"] for one in self.all]
        self.assertGreater(len(numbers), 24_000)
        self.assertEqual(numbers, list(range(numbers[0], 0, -1)))
        self.assertEqual(self.all[0]["kind"], "rejected")

    def check(self, arguments, wanted):
        expected = [one["no"] for one in self.all if wanted(one)]
        self.assertTrue(0 < len(expected) < len(self.all), f"{arguments} would tell {len(expected)}")
        self.assertEqual([one["no"] for one in self.told("--limit", "0", *arguments)], expected, arguments)
        self.assertEqual([one["no"] for one in self.told("--limit", "7", *arguments)], expected[:7], arguments)
        self.assertEqual([one["no"] for one in self.told(*arguments)], expected[:100], arguments)

    def test_each_filter_leaves_what_it_says(self):
        key = str(self.key.number)
        self.check(["--site", "news"], lambda one: one["site"] == "news")
        self.check(["--by", "ann"], lambda one: one["actor"] == "ann")
        self.check(["--by", "front"], lambda one: one["actor"] == "front")
        self.check(["--of-key", key], lambda one: one["via"] == f"key:{key}")
        self.check(["--kind", "approved"], lambda one: one["kind"] == "approved")
        self.check(["--before", "5000"], lambda one: one["no"] < 5000)
        self.check(["--site", "blog", "--by", "bob", "--kind", "rejected"],
                   lambda one: (one["site"], one["actor"], one["kind"]) == ("blog", "bob", "rejected"))
        self.check(["--of-key", key, "--site", "news", "--before", str(self.all[0]["no"])],
                   lambda one: one["via"] == f"key:{key}" and one["site"] == "news")

    def test_times_bound_it_to_the_millisecond(self):
        times = sorted({one["at"] for one in self.all})
        since, until = times[len(times) // 4], times[len(times) // 2]
        self.check(["--since", stamp(since)], lambda one: one["at"] >= since)
        self.check(["--until", stamp(until)], lambda one: one["at"] < until)
        self.check(["--since", stamp(since), "--until", stamp(until), "--site", "news"],
                   lambda one: since <= one["at"] < until and one["site"] == "news")
        self.assertEqual(self.told("--until", stamp(times[0])), [])
        self.assertEqual(self.told("--since", stamp(times[-1] + 1)), [])
        self.assertEqual(len(self.told("--since", "1h", "--limit", "0")), len(self.all))

    def test_what_is_rare_is_found_behind_more_events_than_an_answer_looks_at(self):
        told, = self.told("--kind", "reloaded")
        self.assertLess(told["no"], self.all[0]["no"] - 20_000)
        self.assertEqual(self.told("--kind", "erased"), [])
        self.assertEqual(self.told("--site", "nowhere"), [])

    def test_filters_that_make_no_sense_are_refused(self):
        for arguments in (["--kind", "nonsense"], ["--since", "yesterday-ish"], ["--of-key", "0"], ["--of-key", "x"]):
            done = self.daemon.run_modq("audit", *arguments)
            self.assertNotEqual((done.returncode, done.stderr), (DONE, ""), arguments)
            self.assertEqual(done.stdout, "")


class AtTheEnd(unittest.TestCase):
    """A stop waits 5 s for what was asked; reads that take longer are answered at the very end."""

    def test_whatever_was_looked_at_is_told_also_at_the_end(self):
        with Daemon() as daemon:
            with daemon.front() as front:
                for _ in range(4):
                    front.submit([event("long", fresh(), "x" * 4000) for _ in range(125)])
            raw = daemon.keep(Raw(daemon.endpoint("desk")))
            one = min(self.time_of_one(raw) for _ in range(5))
            asked = max(50, min(1900, int(12 / one)))         # as many as keep it for longer than that
            for number in range(asked):
                raw.send(encode({"v": 1, "op": "list", "id": number, "limit": 500}))
            eventually(lambda: raw.receive(1))
            begun = time.monotonic()
            daemon.process.terminate()
            seen = 5 + 1 + self.answers(raw, daemon.process)
            self.assertEqual(daemon.process.wait(), 0, daemon.log())
            print(f"# {seen} of {asked + 5} lists answered; stopped in {time.monotonic() - begun:.1f} s")
            daemon.start()
            looks = lines(daemon.run_modq("audit", "--json", "--kind", "looked", "--limit", "0"))
            self.assertGreaterEqual(len([look for look in looks if look["operation"] == "list"]), seen)

    @staticmethod
    def time_of_one(raw):
        begun = time.monotonic()
        raw.ask(encode({"v": 1, "op": "list", "id": 0, "limit": 500}))
        return time.monotonic() - begun

    @staticmethod
    def answers(raw, process):
        """How many lists with their cards come until the daemon has ended."""
        seen = 0
        while (answer := raw.receive(0.5)) or process.poll() is None:
            seen += bool(answer) and len(answer[-1]) > 100_000
        return seen


class Unwatched(Case):
    config = "audit_reads = false\n"

    def test_looks_are_not_written_down_where_the_configuration_says_so(self):
        item = self.pending()
        self.ann.list()
        self.ann.show(self.site, item["comment"])
        self.daemon.administrator().key_list()
        self.approve(item)
        told = lines(self.daemon.run_modq("audit", "--json"))
        self.assertEqual([one["kind"] for one in told], ["approved", "submitted"])


if __name__ == "__main__":
    tap.main()
