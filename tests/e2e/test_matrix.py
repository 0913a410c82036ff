"""Who may do what: every operation of every socket, asked for over CURVE by every role, for its own site and another
one, with keys that are good, expired, revoked and unknown. What is expected stands in TABLE, and nowhere else.

What is denied changes nothing: the database is compared before and after each request.
"""
# plain: each operation is asked for by the other tests
# time-limit: 300
import os
import sqlite3
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

import document
import keys
import tap
from cases import Case, event, eventually, fresh, now_ms
from good_requests import BULK, FOREIGN, LEASE_MS, OWN, Requests, name_of
from modq import ModqError, decode, encode, error_of

# ok            done, and answered; what changes something has changed it
# denied        the whole request, and nothing has changed; denied:erase names the right that is missing
# item          the request is answered, its item is `denied`, and nothing has changed; item:undo names the right
# done, dropped the same of the push socket, which answers nothing
# heard         of the decisions socket: records arrive
# no            nobody answers: the key is not let in at this socket
#
# Everybody but the administrator has a key for the site `own` alone. A moderator `undo` has that right and no other;
# `senior` has all of them.
TABLE = """
socket     request              site     front    bare              undo              escalated         erase             bulk              senior   administrator
front      hello                -        ok       no                no                no                no                no                no       ok
front      policy               own      ok       no                no                no                no                no                no       ok
front      policy               foreign  denied   no                no                no                no                no                no       ok
front      status               own      ok       no                no                no                no                no                no       ok
front      status               foreign  denied   no                no                no                no                no                no       ok
front      submit               own      ok       no                no                no                no                no                no       ok
front      submit               foreign  item     no                no                no                no                no                no       ok
front      withdraw             own      ok       no                no                no                no                no                no       ok
front      withdraw             foreign  denied   no                no                no                no                no                no       ok
front      report               own      ok       no                no                no                no                no                no       ok
front      report               foreign  denied   no                no                no                no                no                no       ok
front      article              own      ok       no                no                no                no                no                no       ok
front      article              foreign  denied   no                no                no                no                no                no       ok
front      confirm              own      ok       no                no                no                no                no                no       ok
front      confirm              foreign  denied   no                no                no                no                no                no       ok
front      stream               own      ok       no                no                no                no                no                no       ok
front      stream               foreign  denied   no                no                no                no                no                no       ok
front      credit               -        ok       no                no                no                no                no                no       ok
front      cancel               -        ok       no                no                no                no                no                no       ok
push       submit               own      done     no                no                no                no                no                no       done
push       submit               foreign  dropped  no                no                no                no                no                no       done
push       withdraw             own      done     no                no                no                no                no                no       done
push       withdraw             foreign  dropped  no                no                no                no                no                no       done
push       report               own      done     no                no                no                no                no                no       done
push       report               foreign  dropped  no                no                no                no                no                no       done
push       article              own      done     no                no                no                no                no                no       done
push       article              foreign  dropped  no                no                no                no                no                no       done
decisions  subscribe            own      heard    no                no                no                no                no                no       heard
decisions  subscribe            foreign  heard    no                no                no                no                no                no       heard
desk       hello                -        no       ok                ok                ok                ok                ok                ok       ok
desk       policy               own      no       ok                ok                ok                ok                ok                ok       ok
desk       policy               foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       status               own      no       ok                ok                ok                ok                ok                ok       ok
desk       status               foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       list                 -        no       ok                ok                ok                ok                ok                ok       ok
desk       list                 own      no       ok                ok                ok                ok                ok                ok       ok
desk       list                 foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       list_escalated       -        no       denied:escalated  denied:escalated  ok                denied:escalated  denied:escalated  ok       ok
desk       list_escalated       own      no       denied:escalated  denied:escalated  ok                denied:escalated  denied:escalated  ok       ok
desk       list_escalated       foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       search               -        no       ok                ok                ok                ok                ok                ok       ok
desk       search               own      no       ok                ok                ok                ok                ok                ok       ok
desk       search               foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       show                 own      no       ok                ok                ok                ok                ok                ok       ok
desk       show                 foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       history              own      no       ok                ok                ok                ok                ok                ok       ok
desk       history              foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       batch                -        no       ok                ok                ok                ok                ok                ok       ok
desk       stats                -        no       ok                ok                ok                ok                ok                ok       ok
desk       facts                -        no       ok                ok                ok                ok                ok                ok       ok
desk       facts                own      no       ok                ok                ok                ok                ok                ok       ok
desk       facts                foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       claim                -        no       ok                ok                ok                ok                ok                ok       ok
desk       claim                own      no       ok                ok                ok                ok                ok                ok       ok
desk       claim                foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       claim_escalated      own      no       denied:escalated  denied:escalated  ok                denied:escalated  denied:escalated  ok       ok
desk       claim_escalated      foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       claim_named          own      no       ok                ok                ok                ok                ok                ok       ok
desk       claim_named          foreign  no       item              item              item              item              item              item     ok
desk       claim_named_escal    own      no       item:escalated    item:escalated    ok                item:escalated    item:escalated    ok       ok
desk       claim_named_escal    foreign  no       item              item              item              item              item              item     ok
desk       renew                own      no       ok                ok                ok                ok                ok                ok       ok
desk       renew                foreign  no       item              item              item              item              item              item     ok
desk       release              own      no       ok                ok                ok                ok                ok                ok       ok
desk       release              foreign  no       item              item              item              item              item              item     ok
desk       skip                 own      no       ok                ok                ok                ok                ok                ok       ok
desk       skip                 foreign  no       item              item              item              item              item              item     ok
desk       skip_escalated       own      no       item:escalated    item:escalated    ok                item:escalated    item:escalated    ok       ok
desk       approve              own      no       ok                ok                ok                ok                ok                ok       ok
desk       approve              foreign  no       item              item              item              item              item              item     ok
desk       approve_escalated    own      no       item:escalated    item:escalated    ok                item:escalated    item:escalated    ok       ok
desk       approve_mine         own      no       ok                ok                ok                ok                ok                ok       ok
desk       approve_anothers     own      no       item:undo         ok                item:undo         item:undo         item:undo         ok       ok
desk       approve_anothers     foreign  no       item              item              item              item              item              item     ok
desk       approve_many         own      no       denied:bulk       denied:bulk       denied:bulk       denied:bulk       ok                ok       ok
desk       approve_many         foreign  no       denied:bulk       denied:bulk       denied:bulk       denied:bulk       item              item     ok
desk       reject               own      no       ok                ok                ok                ok                ok                ok       ok
desk       reject               foreign  no       item              item              item              item              item              item     ok
desk       reject_escalated     own      no       item:escalated    item:escalated    ok                item:escalated    item:escalated    ok       ok
desk       reject_mine          own      no       ok                ok                ok                ok                ok                ok       ok
desk       reject_anothers      own      no       item:undo         ok                item:undo         item:undo         item:undo         ok       ok
desk       reject_anothers      foreign  no       item              item              item              item              item              item     ok
desk       reject_many          own      no       denied:bulk       denied:bulk       denied:bulk       denied:bulk       ok                ok       ok
desk       undo_mine            own      no       ok                ok                ok                ok                ok                ok       ok
desk       undo_mine            foreign  no       item              item              item              item              item              item     ok
desk       undo_anothers        own      no       item:undo         ok                item:undo         item:undo         item:undo         ok       ok
desk       undo_anothers        foreign  no       item              item              item              item              item              item     ok
desk       undo_many            own      no       denied:bulk       denied:bulk       denied:bulk       denied:bulk       ok                ok       ok
desk       escalate             own      no       ok                ok                ok                ok                ok                ok       ok
desk       escalate             foreign  no       item              item              item              item              item              item     ok
desk       escalate_escalated   own      no       item:escalated    item:escalated    same              item:escalated    item:escalated    same     same
desk       escalate_many        own      no       denied:bulk       denied:bulk       denied:bulk       denied:bulk       ok                ok       ok
desk       erase                own      no       denied:erase      denied:erase      denied:erase      ok                denied:erase      ok       ok
desk       erase                foreign  no       denied:erase      denied:erase      denied:erase      item              denied:erase      item     ok
desk       erase_many           own      no       denied:erase      denied:erase      denied:erase      denied:bulk       denied:erase      ok       ok
desk       note                 own      no       ok                ok                ok                ok                ok                ok       ok
desk       note                 foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       author               own      no       ok                ok                ok                ok                ok                ok       ok
desk       author               foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       author_mark          own      no       ok                ok                ok                ok                ok                ok       ok
desk       author_mark          foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       author_note          own      no       ok                ok                ok                ok                ok                ok       ok
desk       author_note          foreign  no       denied            denied            denied            denied            denied            denied   ok
desk       author_erase         own      no       denied:erase      denied:erase      denied:erase      ok                denied:erase      ok       ok
desk       author_erase         foreign  no       denied:erase      denied:erase      denied:erase      denied            denied:erase      denied   ok
desk       key_add              -        no       denied:admin      denied:admin      denied:admin      denied:admin      denied:admin      denied:admin ok
desk       key_list             -        no       denied:admin      denied:admin      denied:admin      denied:admin      denied:admin      denied:admin ok
desk       key_revoke           -        no       denied:admin      denied:admin      denied:admin      denied:admin      denied:admin      denied:admin ok
desk       key_rotate           -        no       denied:admin      denied:admin      denied:admin      denied:admin      denied:admin      denied:admin ok
desk       reload               -        no       denied:admin      denied:admin      denied:admin      denied:admin      denied:admin      denied:admin ok
desk       audit                -        no       denied:admin      denied:admin      denied:admin      denied:admin      denied:admin      denied:admin ok
desk       verify               -        no       denied:admin      denied:admin      denied:admin      denied:admin      denied:admin      denied:admin ok
desk       fsck                 -        no       denied:admin      denied:admin      denied:admin      denied:admin      denied:admin      denied:admin ok
"""
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
PEOPLE = HEAD[3:]
ROLES = {"front": ("front", None), "administrator": ("administrator", None), "bare": ("moderator", []),
         "senior": ("moderator", ["undo", "escalated", "erase", "bulk"]),
         **{right: ("moderator", [right]) for right in ("undo", "escalated", "erase", "bulk")}}
READS = ("hello", "policy", "status", "stream", "credit", "cancel", "list", "search", "show", "history", "batch", "stats", "facts", "key_list", "audit",
         "verify", "fsck", "author")
KINDS = {"front": zmq.DEALER, "push": zmq.PUSH, "decisions": zmq.SUB, "desk": zmq.DEALER}
LET_IN, REFUSED = zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_HANDSHAKE_FAILED_AUTH
SILENCE_MS = 100          # for what must not come


def operation_of(request):
    """list_escalated is `list`, key_add is `key_add`."""
    return request if request.startswith(("key_", "author_")) else request.split("_")[0]


class Knock:
    """A socket of our own that knows whether the daemon let it in."""

    def __init__(self, daemon, name, key):
        self.name, self.key = name, key
        self.socket = zmq.Context.instance().socket(KINDS[name])
        self.socket.setsockopt(zmq.LINGER, 0)
        if name == "decisions":
            self.socket.setsockopt(zmq.SUBSCRIBE, b"")
        monitor = self.socket.get_monitor_socket(LET_IN | REFUSED)
        key.use(self.socket)
        self.socket.connect(daemon.endpoint(name, key))
        assert monitor.poll(5000), f"{name}: neither let in nor refused within 5 s"
        self.let_in = recv_monitor_message(monitor)["event"] == LET_IN
        self.socket.disable_monitor()

    def send(self, body):
        """What cannot be sent is not: there may be nobody to send it to."""
        try:
            self.socket.send(encode(body), zmq.DONTWAIT)
        except zmq.Again:
            pass

    def receive(self, timeout_ms):
        """The next message, or None."""
        return decode(self.socket.recv_multipart()[-1]) if self.socket.poll(timeout_ms) else None

    def close(self):
        self.socket.close()


class Matrix(Case):
    tcp = ("front", "push", "decisions", "desk")
    config = f"""
        single_owner = true
        audit_reads = false
        heartbeat_ms = 60000
        limits {{
            bulk_items = {BULK}
            rate_per_key = 100000
        }}
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.requests = Requests(cls.daemon, cls.reasons[0])
        for site in (OWN, FOREIGN):
            cls.requests.pending(site)
        cls.keys = {name: cls.add_key(name) for name in PEOPLE}
        cls.knocks = {(name, door): Knock(cls.daemon, door, key)
                      for name, key in cls.keys.items() for door in KINDS}
        cls.checked = 0

    @classmethod
    def add_key(cls, person, name=None, **options):
        role, rights = ROLES[person]
        sites = None if person == "administrator" else [OWN]
        return cls.daemon.add_key(name or name_of(person), role, rights=rights, sites=sites, **options)

    @classmethod
    def _end(cls):
        for knock in getattr(cls, "knocks", {}).values():
            knock.close()
        super()._end()

    # Looking into the store

    def stored(self):
        """Everything that the store holds, near enough: all rows of small tables, numbers of the large ones; and how many
        operations it keeps."""
        database = sqlite3.connect(f"file:{self.daemon.dir}/modqd.db?mode=ro", uri=True)
        try:
            small = {name: database.execute(f"SELECT * FROM {name}").fetchall()
                     for name in ("site", "article", "listener", "key", "author")}
            comments = hash(tuple(database.execute("SELECT * FROM comment")))
            large = {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()
                     for name in ("event", "text", "note", "report")}
            operations = database.execute("SELECT count(*) FROM operation").fetchone()
            return (small, comments, large), operations
        finally:
            database.close()

    def counters(self):
        return self.requests.chief.stats()["counters"]

    def pushed(self):
        return self.counters()["push_messages"]

    # One cell of the table

    def verdict(self, request, knock, fields):
        """Asks over a socket that was let in, and says in the table's words what came of it."""
        operation = operation_of(request)
        number = fresh("r-")
        extra = {"operation": os.urandom(16)} if knock.name == "desk" and operation not in READS else {}
        knock.send({"v": 1, "op": operation, "id": number, **fields, **extra})
        reply = self.answer(knock, operation, number)
        if not reply["ok"]:
            return self.refusal("", ModqError(reply["error"]))
        results = (reply.get("results") or []) + (reply.get("refused") or [])
        words = {self.refusal("item", trouble) for result in results if (trouble := error_of(result))}
        if words:
            self.assertEqual(len(words), 1, reply)
            return words.pop()
        if operation == "claim":
            self.assertTrue(reply["comments"], "nothing was claimed")
        return "ok"

    def answer(self, knock, operation, number):
        """The reply. Credit for a stream that is not open is answered by its end, and cancel not at all."""
        if operation == "cancel":
            knock.send({"v": 1, "op": "hello", "id": number})
        while True:
            message = knock.receive(5000)
            self.assertIsNotNone(message, f"{operation} was not answered")
            if message.get("op") == "ended" and operation == "credit":
                self.assertEqual(message["error"]["name"], "not_found", message)
                return {"ok": True}
            if message.get("id") == number and "ok" in message:
                if operation == "stream" and message["ok"]:
                    knock.send({"v": 1, "op": "cancel", "stream": number})
                return message

    def refusal(self, word, error):
        """"denied", "denied:erase", "item", "item:undo"; another error's name is none of the table's words."""
        if error.name != "denied":
            return f"{word or 'whole'} {error.name}"
        right = error.detail.get("right", "").replace("administrator", "admin")
        return (word or "denied") + (":" + right if right else "")

    def expect_answer(self, row, person, expected):
        _, request, site, *_ = row
        knock = self.knocks[person, row[0]]
        fields = self.requests.make(request, person, site)
        before = self.stored()
        self.assertEqual(self.verdict(request, knock, fields), "ok" if expected == "same" else expected, fields)
        after = self.stored()
        if expected.startswith("denied") or operation_of(request) in READS:
            self.assertEqual(before, after, "something has changed")
        elif expected.startswith(("item", "same")):
            self.assertEqual(before[0], after[0], "something has changed")
        else:
            self.assertNotEqual(before[0], after[0], "nothing has changed: is it a good request?")

    def expect_push(self, row, person, expected):
        _, request, site, *_ = row
        fields = self.requests.make(request, person, site)
        before, counted = self.stored(), self.counters()
        self.knocks[person, "push"].send({"v": 1, "op": request, **fields})
        eventually(lambda: self.pushed() > counted["push_messages"])
        if expected == "done":
            eventually(lambda: self.stored() != before)
        else:
            eventually(lambda: self.counters()["push_errors"] > counted["push_errors"])
            self.assertEqual(self.stored(), before, "something has changed")
        self.assertEqual(self.counters()["push_errors"] - counted["push_errors"], expected != "done")

    def hears(self, knock, site, patience_s=20.0):
        """Whether a record of the site comes to a subscriber."""
        deadline, decided = time.monotonic() + patience_s, set()
        while time.monotonic() < deadline:
            item, = self.requests.decided("somebody", site)[0]
            decided.add(item["comment"])
            while message := knock.receive(50):
                if message["op"] == "record" and message["record"]["comment"] in decided:
                    return True
        return False

    def is_cut_off(self, knock):
        """Whether a subscriber does not hear what another one has heard."""
        local = self.daemon.decisions(OWN)
        decided = []

        def heard():
            decided.extend(item["comment"] for item in self.requests.decided("somebody", OWN)[0])
            message = local.receive(0.1)
            return message and message[1]["op"] == "record" and message[1]["record"]["comment"]
        comment = eventually(heard, timeout=20)
        local.close()
        while message := knock.receive(SILENCE_MS):
            if message["op"] == "record" and message["record"]["comment"] in decided[decided.index(comment):]:
                return False
        return True

    def expect_silence(self, row, person):
        """The key was refused at this socket; what is sent there nevertheless changes nothing."""
        knock = self.knocks[person, row[0]]
        self.assertFalse(knock.let_in, f"{person} was let in at {row[0]}")
        if row[0] == "decisions":
            self.requests.decided("somebody", OWN)
        else:
            fields = self.requests.make(row[1], person, row[2])
            before = self.stored()
            knock.send({"v": 1, "op": operation_of(row[1]), "id": 1, **fields, "operation": os.urandom(16)})
            self.assertEqual(self.stored(), before)
        if row[0] != "push":
            self.assertIsNone(knock.receive(10))

    def expect(self, row, person, expected):
        if expected == "no":
            self.expect_silence(row, person)
            return
        self.assertTrue(self.knocks[person, row[0]].let_in, f"{person} was refused at {row[0]}")
        if row[0] == "decisions":
            self.assertTrue(self.hears(self.knocks[person, "decisions"], {"own": OWN, "foreign": FOREIGN}[row[2]]))
        elif row[0] == "push":
            self.expect_push(row, person, expected)
        else:
            self.expect_answer(row, person, expected)

    def check_row(self, row):
        for person, expected in zip(PEOPLE, row[3:]):
            with self.subTest(who=person, expected=expected):
                self.expect(row, person, expected)
                type(self).checked += 1

    # The table as a whole

    def test_a_table_has_every_operation_of_the_document_and_no_other(self):
        asked = {(row[0], operation_of(row[1])) for row in ROWS}
        self.assertEqual(asked, document.operations() | {("decisions", "subscribe")})

    def test_a_table_has_a_cell_for_everybody_in_every_row(self):
        words = {"ok", "same", "denied", "item", "done", "dropped", "heard", "no"}
        seen = set()
        for row in ROWS:
            self.assertEqual(len(row), len(HEAD), row)
            self.assertLessEqual({cell.split(":")[0] for cell in row[3:]}, words, row)
            self.assertNotIn(tuple(row[:3]), seen)
            seen.add(tuple(row[:3]))

    def test_a_table_asks_for_another_site_wherever_a_site_can_be_named(self):
        named = {(row[0], operation_of(row[1])) for row in ROWS if row[2] == "own"}
        self.assertEqual(named, {(row[0], operation_of(row[1])) for row in ROWS if row[2] == "foreign"})

    def test_z_every_cell_was_checked(self):
        cells = len(ROWS) * len(PEOPLE)
        print(f"# {len(ROWS)} rows, {len(PEOPLE)} columns: {self.checked} of {cells} cells checked")
        if not os.environ.get("E2E_FILTER"):
            self.assertEqual(self.checked, cells)

    # Keys that are not good

    def all_requests(self, door, person):
        """Every request of a socket, for both sites, as a good key of that person would send it."""
        for row in ROWS:
            if row[0] == door:
                fields = self.requests.make(row[1], person, row[2])
                yield {"v": 1, "op": operation_of(row[1]), "id": fresh("r-"), **fields, "operation": os.urandom(16)}

    def places(self):
        """Every person at every socket that a good key of theirs opens."""
        return [(person, door) for (person, door), knock in self.knocks.items() if knock.let_in]

    def check_refused(self, makes_key, counter):
        """New connections of such a key get nothing, whatever they ask for, and leave nothing but a count."""
        total = 0
        for person, door in self.places():
            with self.subTest(who=person, socket=door):
                key = makes_key(person)
                counted = self.counters()[counter]
                requests = [] if door == "decisions" else list(self.all_requests(door, person))
                before, pushed = self.stored(), self.pushed()
                knock = Knock(self.daemon, door, key)
                self.addCleanup(knock.close)
                self.assertFalse(knock.let_in)
                for request in requests:
                    knock.send(request)
                if door == "decisions":
                    self.assertFalse(self.hears(knock, OWN, 0.3))
                    continue
                self.assertIsNone(None if door == "push" else knock.receive(SILENCE_MS))
                self.assertEqual(self.stored(), before)
                self.assertEqual(self.pushed(), pushed)
                self.assertEqual(self.counters()[counter], counted + 1)
                total += len(requests)
        print(f"# {counter}: {total} requests, none of them answered")

    def check_open(self, ends_keys, cut_off_at_once=True):
        """Connections that were open when their keys came to an end: every request is denied, every push dropped."""
        opened = []
        for person, door in self.places():
            key = self.add_key(person, fresh("ending-"), expires_at=now_ms() + 120_000)
            opened.append((person, door, key, Knock(self.daemon, door, key)))
            self.addCleanup(opened[-1][3].close)
            self.assertTrue(opened[-1][3].let_in)
        ends_keys([key for *_, key, _ in opened])
        for person, door, _, knock in opened:
            with self.subTest(who=person, socket=door):
                if door == "decisions":
                    if not cut_off_at_once:
                        eventually(lambda knock=knock: self.is_cut_off(knock), timeout=20)
                    self.assertFalse(self.hears(knock, OWN, 0.3))
                elif door == "push":
                    self.check_dropped(knock, list(self.all_requests(door, person)))
                else:
                    self.check_denied(knock, list(self.all_requests(door, person)))

    def check_denied(self, knock, requests):
        before = self.stored()
        for request in requests:
            knock.send(request)
            reply = knock.receive(5000)
            self.assertIsNotNone(reply, request["op"])
            self.assertEqual((reply["ok"], reply["error"]["name"], reply["id"]), (False, "denied", request["id"]))
            self.assertNotIn("right", reply["error"])
        self.assertEqual(self.stored(), before)

    def check_dropped(self, knock, requests):
        before, counted = self.stored(), self.counters()
        for request in requests:
            knock.send(request)
        eventually(lambda: self.counters()["push_errors"] == counted["push_errors"] + len(requests))
        self.assertEqual(self.stored(), before)

    def test_unknown_keys_get_no_answer(self):
        server = self.daemon.server_key()
        self.check_refused(lambda person: keys.make(server), "peers_unknown")

    def test_revoked_keys_get_no_answer(self):
        def revoked(person):
            key = self.add_key(person, fresh("gone-"))
            self.requests.chief.key_revoke(key=key.number)
            return key
        self.check_refused(revoked, "peers_revoked")

    def test_expired_keys_get_no_answer(self):
        made = {place: self.add_key(place[0], fresh("over-"), expires_at=now_ms() + 1500) for place in self.places()}
        end = now_ms() + 1500
        eventually(lambda: now_ms() > end)
        left = {person: [key for (owner, _), key in made.items() if owner == person] for person in PEOPLE}
        self.check_refused(lambda person: left[person].pop(), "peers_expired")

    def test_keys_for_another_socket_get_no_answer_and_are_counted(self):
        counted = self.counters()["peers_wrong_role"]
        refused = [place for place, knock in self.knocks.items() if not knock.let_in]
        self.assertEqual(counted, len(refused))
        self.assertEqual(len(refused), 1 + 3 * 6)       # a front end at the desk, moderators everywhere else

    def test_connections_whose_key_is_revoked_are_denied(self):
        def revoke(ended):
            for key in ended:
                self.requests.chief.key_revoke(key=key.number)
        self.check_open(revoke)

    def test_connections_whose_key_expires_are_denied(self):
        def rotate(ended):
            for key in ended:
                self.requests.chief.key_rotate(key.metadata["name"], os.urandom(32), overlap_ms=0)
        self.check_open(rotate, cut_off_at_once=False)      # subscribers are looked after once a second

    # Lists

    def mixed(self, makes):
        """Items of the own site and others in turn; those of a site that is not there look like those of one that is."""
        own, other, third = makes(OWN), makes(FOREIGN), makes(OWN)
        return [own, other, third, {**other, "site": "nowhere"}]

    def check_mixed(self, person, door, operation, items, field, **more):
        results = self.ask_mixed(person, door, operation, items, field, **more)
        self.assertEqual([bool(error_of(result)) for result in results], [False, True, False, True], results)
        for number in (1, 3):
            error = error_of(results[number])
            self.assertEqual((error.name, error.field), ("denied", f"{field}[{number}].site"), results)
            self.assertEqual(error.message.replace(f"[{number}]", "[1]"), error_of(results[1]).message)
        return results

    def ask_mixed(self, person, door, operation, items, field, **more):
        knock = self.knocks[person, door]
        fields = {field: items, **more, "operation": os.urandom(16)}
        knock.send({"v": 1, "op": operation, "id": 1, **fields})
        reply = knock.receive(5000)
        self.assertTrue(reply["ok"], reply)
        return reply["results"]

    def test_items_of_other_sites_fail_one_by_one(self):
        who = "senior"
        one = lambda site: self.requests.pending(site)[0]
        held = lambda site: self.requests._renew(who, site)["comments"][0]
        decided = lambda site: self.requests.decided(who, site)[1][0]
        rows = [("front", "front", "submit", lambda site: event(site, fresh("c-")), "comments", {}),
                (who, "desk", "renew", held, "comments", {}), (who, "desk", "release", held, "comments", {}),
                (who, "desk", "skip", held, "comments", {}),
                (who, "desk", "approve", one, "comments", {}),
                (who, "desk", "reject", one, "comments", {"reasons": self.reasons[:1]}),
                (who, "desk", "escalate", one, "comments", {}), (who, "desk", "erase", one, "comments", {}),
                (who, "desk", "undo", decided, "records", {})]
        for person, door, operation, makes, field, more in rows:
            with self.subTest(operation=operation):
                items = self.mixed(makes)
                before = self.requests.chief.audit(site=FOREIGN, limit=1)["events"][0]["no"]
                self.check_mixed(person, door, operation, items, field, **more)
                self.assertEqual(self.requests.chief.audit(site=FOREIGN, limit=1)["events"][0]["no"], before)
        self.assertEqual(self.requests.chief.audit(site="nowhere")["events"], [])

    def test_claims_of_other_sites_fail_one_by_one(self):
        items = self.mixed(lambda site: self.requests.pending(site)[0])
        knock = self.knocks["bare", "desk"]
        knock.send({"v": 1, "op": "claim", "id": 1, "comments": items, "lease_ms": LEASE_MS, "operation": os.urandom(16)})
        reply = knock.receive(5000)
        self.assertEqual([card["comment"] for card in reply["comments"]], [items[0]["comment"], items[2]["comment"]])
        self.assertEqual([result["status"] for result in reply["refused"]], ["denied"] * 2)
        self.assertEqual(self.requests.chief.show(FOREIGN, items[1]["comment"])["card"]["claimed_by"], None)

    def test_pushed_items_of_other_sites_are_dropped_and_the_others_stay(self):
        items = self.mixed(lambda site: event(site, fresh("c-")))
        self.knocks["front", "push"].send({"v": 1, "op": "submit", "comments": items})
        eventually(lambda: self.front.status(OWN, [items[2]["comment"]])[0]["status"] == "found")
        self.assertEqual(self.front.status(OWN, [items[0]["comment"]])[0]["status"], "found")
        self.assertEqual(self.front.status(FOREIGN, [items[1]["comment"]])[0]["status"], "not_found")
        self.assertNotIn("nowhere", [site["site"] for site in self.requests.chief.stats()["sites"]])


def add_rows():
    """A test for each row: test_front_submit_foreign."""
    for row in ROWS:
        def check(self, row=row):
            self.check_row(row)
        name = "_".join(word for word in row[:3] if word != "-")
        setattr(Matrix, f"test_row_{name}", check)


add_rows()

if __name__ == "__main__":
    tap.main()
