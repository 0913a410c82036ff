"""Figures and health over HTTP, and that dashboard, rules and documentation speak of what the daemon exposes."""
# waits: for what has its time
# time-limit: 300
import http.client
import json
import os
import re
import select
import socket
import sqlite3
import time
import unittest

import zmq
import zmq.utils.z85
from prometheus_client.parser import text_string_to_metric_families

import tap
from cases import event, eventually, fresh
from daemon import BUILD, ROOT, Daemon, free_port
from hostile import greeting
from modq import ModqError, Push

SABOTAGED = os.path.join(BUILD, "modqd-sabotaged")
STORE_LATE_S = 5            # as in daemon/work/health.h
STARTS = 8
SITE = 'a "quoted" \\ site'
PARTS = re.compile(r"_(bucket|sum|count)$")


class Figures:
    """One scrape: families by name, and samples to ask for."""

    def __init__(self, text):
        self.text = text
        self.families = {}
        for family in text_string_to_metric_families(text):
            assert family.name not in self.families, f"{family.name} stands twice"
            self.families[family.name] = family
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def get(self, name, **labels):
        """The value of the one sample of that name whose labels hold these; None when there is none."""
        found = [sample.value for sample in self.samples
                 if sample.name == name and labels.items() <= sample.labels.items()]
        assert len(found) < 2, f"{name}{labels} is {len(found)} samples"
        return found[0] if found else None

    def names(self):
        return {sample.name for sample in self.samples}

    def labels(self, name):
        return {label for sample in self.samples if PARTS.sub("", sample.name) == PARTS.sub("", name)
                for label in sample.labels}


class Served(unittest.TestCase):
    """A daemon with metrics; `limits` and `listen` go into its configuration."""

    limits = listen = ""
    tcp = ()
    program = None

    def setUp(self):
        self.port = free_port()
        self.daemon = Daemon(tcp=self.tcp, config=f'metrics = "127.0.0.1:{self.port}"\n{self.listen}limits {{ {self.limits} }}\n')
        if self.program:
            command = self.daemon.command
            self.daemon.command = lambda: [self.program, *command()[1:]]
        self.daemon.start()
        self.addCleanup(lambda: self.daemon.__exit__(None))

    def ask(self, path, method="GET", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def figures(self):
        status, text = self.ask("/metrics")
        self.assertEqual(status, 200)
        return Figures(text)

    def becomes(self, value, name, timeout=5.0, **labels):
        eventually(lambda: self.figures().get(name, **labels) == value, timeout)

    def healthy(self):
        return self.ask("/healthz")


class Counting(Served):
    def test_what_happens_to_comments_is_counted(self):
        front, ann = self.daemon.front(), self.daemon.desk("ann")
        codes = [reason["code"] for reason in front.policy(SITE)["reasons"] if not reason["needs_note"]][:2]
        front.submit([event(SITE, name) for name in "abcd"])
        front.submit([event(SITE, "a"), event(SITE, "b", "other"), {"site": SITE, "comment": "x"}])
        ann.claim(comments=[{"site": SITE, "comment": "d"}])
        ann.escalate([{"site": SITE, "comment": "c"}])
        ann.approve([{"site": SITE, "comment": "a"}])
        ann.reject([{"site": SITE, "comment": "b"}], reasons=codes)
        ann.approve([{"site": SITE, "comment": "nowhere"}, {"site": SITE, "comment": "a"}])
        with self.assertRaises(ModqError):
            front.call("nothing")
        f = self.figures()
        for result, count in (("accepted", 4), ("duplicate", 1), ("refused", 2)):
            self.assertEqual(f.get("modqd_submitted_comments_total", result=result), count, result)
        for error, count in (("conflict", 1), ("missing_field", 1), ("not_found", 1), ("already_decided", 1),
                             ("unknown_operation", 1), ("busy", 0), ("internal", 0)):
            self.assertEqual(f.get("modqd_errors_total", error=error), count, error)
        self.assertEqual(f.get("modqd_decisions_total", decision="approved"), 1)
        self.assertEqual(f.get("modqd_decisions_total", decision="rejected"), 1)
        self.assertEqual([f.get("modqd_decision_reasons_total", reason=code) for code in codes], [1, 1])
        self.assertEqual(f.get("modqd_pending_comments", site=SITE), 2)
        self.assertEqual(f.get("modqd_escalated_comments", site=SITE), 1)
        self.assertEqual(f.get("modqd_claimed_comments", site=SITE), 1)
        self.assertEqual(f.get("modqd_site_events_total", site=SITE, kind="submitted"), 4)
        self.assertGreater(f.get("modqd_oldest_pending_age_seconds", site=SITE), 0)
        self.assertLess(f.get("modqd_oldest_pending_age_seconds", site=SITE), 30)
        self.assertGreaterEqual(f.get("modqd_answers_total"), 9)
        self.assertEqual(f.get("modqd_reserve_bytes"), 67108864)
        self.assertGreater(f.get("modqd_room_bytes"), 67108864)

    def test_a_repeated_operation_is_one_decision(self):
        front, ann = self.daemon.front(), self.daemon.desk("ann")
        front.submit([event(SITE, "a")])
        operation = os.urandom(16)
        for _ in range(3):
            ann.approve([{"site": SITE, "comment": "a"}], operation=operation)
        self.assertEqual(self.figures().get("modqd_decisions_total", decision="approved"), 1)

    def test_counts_begin_anew_with_the_daemon_and_those_of_sites_go_on(self):
        self.daemon.front().submit([event(SITE, "a")])
        began = self.figures().get("process_start_time_seconds")
        self.daemon.restart()
        f = self.figures()
        self.assertGreater(f.get("process_start_time_seconds"), began)
        self.assertEqual(f.get("modqd_submitted_comments_total", result="accepted"), 0)
        self.assertEqual(f.get("modqd_site_events_total", site=SITE, kind="submitted"), 1)

    def test_the_push_socket_is_counted(self):
        push = self.daemon.keep(Push(self.daemon.endpoint("push")))
        push.send("submit", comments=[event(SITE, "a"), event(SITE, "b", 7)])
        push.socket.send(b"\xc1")
        self.becomes(2, "modqd_push_messages_total")
        self.becomes(2, "modqd_push_errors_total")
        f = self.figures()
        self.assertEqual(f.get("modqd_errors_total", error="malformed"), 1)
        self.assertEqual(f.get("modqd_submitted_comments_total", result="accepted"), 1)

    def test_listeners_and_streams_are_seen_behind(self):
        front, ann = self.daemon.front(), self.daemon.desk("ann")
        front.submit([event(SITE, name) for name in "abcde"])
        ann.approve([{"site": SITE, "comment": name} for name in "abcde"])
        front.confirm(SITE, "web1", 2)
        f = self.figures()
        self.assertEqual(f.get("modqd_listener_lag_records", site=SITE, listener="web1"), 3)
        self.assertLess(abs(f.get("modqd_listener_confirmed_timestamp_seconds", listener="web1") - time.time()), 30)
        stream = self.daemon.keep(front.stream(SITE, credit=1))
        self.becomes(1, "modqd_streams_open")
        self.becomes(4, "modqd_stream_lag_records")
        stream.close()                     # whose last word may be lost: the next heartbeat finds nobody
        self.becomes(0, "modqd_streams_open", timeout=30)
        self.assertEqual(self.figures().get("modqd_streams_opened_total"), 1)

    def test_the_disk_is_measured(self):
        before = self.figures()
        for number in range(5):
            self.daemon.front().submit([event(SITE, f"c{number}")])
        f = self.figures()
        for name, labels in (("modqd_commit_seconds", {}), ("modqd_commit_requests", {}),
                             ("modqd_fsync_seconds", {"file": "wal"})):
            self.assertEqual(f.get(name + "_count", **labels) - before.get(name + "_count", **labels), 5, name)
        self.assertEqual(f.get("modqd_commit_requests_sum"), 5)
        self.assertLess(f.get("modqd_fsync_seconds_sum", file="wal"), f.get("modqd_commit_seconds_sum") + 1)
        self.assertEqual(f.get("modqd_database_wal_bytes"), os.path.getsize(os.path.join(self.daemon.dir, "modqd.db-wal")))

    def test_asking_writes_nothing_and_leaves_nothing_open(self):
        before = self.figures()
        for _ in range(20):
            after = self.figures()
        for name in ("modqd_commit_seconds_count", "modqd_commit_requests_count"):
            self.assertEqual(after.get(name), before.get(name), name)
        # A connection may still be on its way to its end.
        eventually(lambda: self.figures().get("process_open_fds") <= before.get("process_open_fds"))


class Text(Served):
    limits = "sites = 20"

    def fill(self):
        front, ann = self.daemon.front(), self.daemon.desk("ann")
        for site in range(20):
            front.submit([event(f"site-{site}", f"secret-comment-{number}", "secret body") for number in range(20)])
            front.confirm(f"site-{site}", "web", 0)
        ann.approve([{"site": "site-1", "comment": "secret-comment-1"}], note="secret note")
        self.daemon.desk("root").change("key_add", name="secret-key", role="moderator", uid=4711)

    def test_every_family_is_what_prometheus_expects(self):
        self.fill()
        for name, family in self.figures().families.items():
            self.assertTrue(family.documentation, name)
            self.assertIn(family.type, ("counter", "gauge", "histogram"), name)
            self.assertTrue(family.samples or family.name == "modqd_decision_reasons", name)
            self.assertRegex(name, "^(modqd|process)_[a-z_]+$")
            for sample in family.samples:
                self.assertGreaterEqual(sample.value, 0, sample)
                self.assertEqual(sample.name.endswith("_total"), family.type == "counter", sample)

    def test_histograms_add_up(self):
        self.fill()
        histograms = [family for family in self.figures().families.values() if family.type == "histogram"]
        self.assertEqual(len(histograms), 3)
        for family in histograms:
            series = {}
            for sample in family.samples:
                rest = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
                series.setdefault(rest, []).append(sample)
            for samples in series.values():
                self.check_histogram(family.name, samples)

    def check_histogram(self, name, samples):
        bounds = [float(sample.labels["le"]) for sample in samples if sample.name == name + "_bucket"]
        counts = [sample.value for sample in samples if sample.name == name + "_bucket"]
        self.assertEqual(bounds, sorted(set(bounds)), name)
        self.assertEqual(bounds[-1], float("inf"), name)
        self.assertEqual(counts, sorted(counts), name)
        self.assertEqual([sample.value for sample in samples if sample.name == name + "_count"], [counts[-1]], name)
        self.assertEqual(len([sample for sample in samples if sample.name == name + "_sum"]), 1, name)

    def test_no_comment_and_no_key_is_a_label(self):
        self.fill()
        f = self.figures()
        self.assertNotIn("secret", f.text)
        series = [sample for sample in f.samples if "site" in sample.labels]
        self.assertEqual(len(series), 20 * (10 + 2), "series for each site and listener, as docs/operations.md has it")
        self.assertLess(len(f.samples) - len(series), 220)

    def test_a_new_site_beyond_the_limit_makes_no_series(self):
        self.fill()
        before = len(self.figures().samples)
        self.daemon.front().submit([event("site-beyond", "c")])
        f = self.figures()
        self.assertEqual(len(f.samples), before)
        self.assertEqual(f.get("modqd_errors_total", error="too_many_sites"), 1)


class Http(Served):
    limits = "connections = 16"

    def setUp(self):
        self.desk_port = free_port()
        self.listen = f'insecure_loopback = true\nlisten {{ desk = {{"tcp://127.0.0.1:{self.desk_port}"}} }}\n'
        super().setUp()

    def test_nothing_else_is_served(self):
        self.assertEqual(self.ask("/")[0], 404)
        self.assertEqual(self.ask("/metrics", method="POST")[0], 405)
        self.assertEqual(self.ask("/metrics", headers={"Host": "evil.example"})[0], 403)
        self.assertEqual(self.ask("/healthz", method="HEAD"), (200, ""))

    def closed_at_once(self, connections):
        """How many were closed before they were greeted."""
        ready, _, _ = select.select(connections, [], [], 0)
        return sum(not connection.recv(1, socket.MSG_PEEK) for connection in ready)

    def test_it_answers_when_no_other_connection_is_taken(self):
        held = [socket.create_connection(("127.0.0.1", self.desk_port)) for _ in range(100)]
        try:
            refused = lambda: self.figures().get("modqd_peers_refused_total", cause="connections")
            eventually(lambda: refused() >= 100 - 16, timeout=30)
            eventually(lambda: refused() == self.closed_at_once(held), timeout=30)
            # Whoever asked whether the daemon has started may not have left yet.
            self.assertLess(refused(), 100 - 16 + 8)
            eventually(lambda: "connections were closed at once" in self.daemon.log())
        finally:
            for connection in held:
                connection.close()


class Peers(Served):
    """Over TCP everybody needs a key."""

    def setUp(self):
        self.push_port = free_port()
        self.listen = f'listen {{ push = {{"tcp://127.0.0.1:{self.push_port}"}} }}\n'
        super().setUp()

    def knock(self, public, secret):
        with open(os.path.join(self.daemon.dir, "server.key")) as file:
            server = re.search(r'public-key = "(.{40})"', file.read())[1]
        knocking = self.daemon.keep(zmq.Context.instance().socket(zmq.PUSH))
        knocking.linger = 0
        knocking.curve_serverkey, knocking.curve_publickey, knocking.curve_secretkey = server.encode(), public, secret
        knocking.connect(f"tcp://127.0.0.1:{self.push_port}")

    def test_who_is_refused_is_counted_by_cause(self):
        root = self.daemon.desk("root")
        causes = {"wrong_role": {"role": "moderator"}, "expired": {"role": "front"}, "revoked": {"role": "front"},
                  "unknown": None}
        for cause, key in causes.items():
            public, secret = zmq.curve_keypair()
            if key:
                end = int(time.time() * 1000) + 2000
                expires = {"expires_at": end} if cause == "expired" else {}
                root.change("key_add", name=cause, public_key=zmq.utils.z85.decode(public), **key, **expires)
            if cause == "revoked":
                root.change("key_revoke", name=cause)
            if cause == "expired":
                eventually(lambda end=end: time.time() * 1000 > end)
            self.knock(public, secret)
            eventually(lambda cause=cause: self.figures().get("modqd_peers_refused_total", cause=cause), timeout=10)
        public, secret = zmq.curve_keypair()
        root.change("key_add", name="good", role="front", public_key=zmq.utils.z85.decode(public))
        self.knock(public, secret)
        eventually(lambda: self.figures().get("modqd_peers_admitted_total"), timeout=10)
        self.assertNotIn(secret.decode(), self.daemon.log())

    def test_handshakes_that_come_to_nothing_are_counted_by_cause(self):
        with socket.create_connection(("127.0.0.1", self.push_port)):
            pass                                               # gone before it said anything
        silent = socket.create_connection(("127.0.0.1", self.push_port))
        try:                                                   # ended by the daemon after three seconds
            eventually(lambda: self.figures().get("modqd_peers_refused_total", cause="unfinished") == 2, timeout=30)
        finally:
            silent.close()
        with socket.create_connection(("127.0.0.1", self.push_port)) as loud:
            loud.sendall(greeting(b"CURVE") + b"\x06")          # and a frame that says it is long
            loud.sendall((60_000).to_bytes(8, "big") + bytes(8192))
            eventually(lambda: self.figures().get("modqd_peers_refused_total", cause="oversize") == 1, timeout=20)
        with socket.create_connection(("127.0.0.1", self.push_port)) as plain:
            plain.sendall(greeting(b"NULL"))
            eventually(lambda: self.figures().get("modqd_peers_refused_total", cause="broken") == 1, timeout=20)
        self.assertEqual(self.figures().get("modqd_peers_admitted_total"), 0)


class Limits(Served):
    """What is answered busy is counted by the limit that was reached."""

    limits = "pending_per_site = 2  rate_per_key = 10"
    tcp = ("front",)

    def reached(self, limit):
        return self.figures().get("modqd_limits_reached_total", limit=limit)

    def test_a_full_site_is_counted(self):
        self.assertEqual(self.reached("pending_per_site"), 0)
        results = self.daemon.front().submit([event("news", f"c{i}") for i in range(4)])
        self.assertEqual([result["status"] for result in results], ["accepted", "accepted", "busy", "busy"])
        self.assertEqual([result["error"]["limit"] for result in results[2:]], ["pending_per_site"] * 2)
        self.assertEqual(self.reached("pending_per_site"), 1)
        eventually(lambda: "the limit pending_per_site is reached" in self.daemon.log())     # said after the answer

    def test_a_full_site_takes_new_texts_of_what_waits_there_already(self):
        front = self.daemon.front()
        front.submit([event("news", "a"), event("news", "b")])
        self.daemon.desk("ann").approve([{"site": "news", "comment": "a"}])
        front.submit([event("news", "c")])
        tries = [event("news", "b", revision=2), event("news", "a", revision=2), event("news", "d")]
        self.assertEqual([result["status"] for result in front.submit(tries)], ["accepted", "busy", "busy"])

    def test_a_key_that_is_too_fast_is_counted_and_named(self):
        front = self.daemon.front(key=self.daemon.add_key("greedy", "front"))
        front.hello()
        refused = 0
        for number in [front.send("status", site="news", comments=["c"]) for _ in range(30)]:     # all at once
            try:
                front.collect(number)
            except ModqError as error:
                self.assertEqual((error.name, error.detail["limit"]), ("busy", "rate_per_key"))
                refused += 1
        self.assertGreaterEqual(refused, 5)
        self.assertEqual(self.reached("rate_per_key"), refused)
        said = re.compile(r"front: \S+ \(key:\d+\) is told to wait: the limit rate_per_key is reached")
        eventually(lambda: said.search(self.daemon.log()))


class Health(Served):
    def test_a_daemon_that_works_is_well_from_its_first_answer_on(self):
        for _ in range(STARTS):
            self.assertEqual(self.healthy(), (200, "ok\n"))
            self.assertEqual(self.figures().get("modqd_healthy"), 1)
            self.daemon.stop()
            self.daemon.start()

    def test_another_program_that_holds_the_database_makes_it_ill_for_as_long(self):
        eventually(lambda: self.healthy()[0] == 200)
        other = sqlite3.connect(os.path.join(self.daemon.dir, "modqd.db"), isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            status, line = eventually(lambda: (h := self.healthy())[0] == 503 and h, timeout=4 * STORE_LATE_S)
            self.assertRegex(line, r"^nothing could be written for \d+\.\d s\n$")
            other.execute("ROLLBACK")
        finally:
            other.close()
        eventually(lambda: self.healthy() == (200, "ok\n"), timeout=4 * STORE_LATE_S)

    def test_a_stopped_daemon_does_not_answer(self):
        self.daemon.stop()
        with self.assertRaises(OSError):
            self.healthy()


class Room(Served):
    limits = "database_bytes = 4194304\n reserve_bytes = 2097152"

    def setUp(self):
        super().setUp()
        self.front = self.daemon.front()
        self.accepted = []
        eventually(self.is_full, timeout=60)

    def submit(self, size):
        comment = event(SITE, fresh(), "x" * size)
        result = self.front.submit([comment])[0]
        if result["status"] == "accepted":
            self.accepted.append(comment)
        return result

    def is_full(self):
        return self.submit(60_000).get("error", {}).get("name") == "storage_full"

    def test_a_closed_intake_is_no_health(self):
        self.assertEqual(self.healthy(), (503, "no room for new comments\n"))
        f = self.figures()
        self.assertEqual((f.get("modqd_intake_open"), f.get("modqd_healthy")), (0, 0))
        self.assertLess(f.get("modqd_room_bytes"), 2097152 + 300_000)
        self.assertGreater(f.get("modqd_errors_total", error="storage_full"), 0)
        self.assertIn("no room for new comments", self.daemon.log())

    def test_it_stays_closed_whatever_is_small_enough(self):
        """The daemon looks at itself once a second; neither that nor a comment of a few words opens it."""
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            self.assertEqual(self.submit(10)["error"]["name"], "storage_full")
            self.assertEqual(self.healthy()[0], 503)
        self.assertEqual(self.daemon.log().count("no room for new comments:"), 1)
        self.assertNotIn("there is room for new comments again", self.daemon.log())

    def test_it_opens_by_itself_once_there_is_room(self):
        desk = self.daemon.administrator()
        for comment in self.accepted[:len(self.accepted) // 2]:
            desk.erase([{"site": SITE, "comment": comment["comment"]}])
        eventually(lambda: self.healthy()[0] == 200, timeout=60)
        self.assertEqual(self.submit(60_000)["status"], "accepted")
        self.assertEqual(self.daemon.log().count("there is room for new comments again"), 1)


@unittest.skipUnless(os.path.exists(SABOTAGED), f"{SABOTAGED} is not built")
class OnAnotherVfs(Served):
    """The clock around each sync stands on top of whatever VFS is the default."""

    program = SABOTAGED

    def setUp(self):
        os.environ["MODQD_SABOTAGE"] = "vfs-only"
        self.addCleanup(os.environ.pop, "MODQD_SABOTAGE", None)
        super().setUp()

    def test_its_syncs_are_timed_and_reach_the_disk(self):
        front = self.daemon.front()
        before = self.figures().get("modqd_fsync_seconds_count", file="wal")
        front.submit([event(SITE, "a")])
        self.assertEqual(self.figures().get("modqd_fsync_seconds_count", file="wal"), before + 1)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.figures().get("modqd_pending_comments", site=SITE), 1)


def monitoring(name):
    with open(os.path.join(ROOT, "docs/monitoring", name)) as file:
        return file.read()


def dashboard():
    return json.loads(monitoring("grafana-dashboard.json"))


def dashboard_expressions():
    board = dashboard()
    panels = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    variables = [entry["definition"] for entry in board["templating"]["list"] if entry["type"] == "query"]
    return panels + variables


def rule_expressions():
    """Each `expr:` of the rules, folded blocks too."""
    lines, found = monitoring("alerts.yml").splitlines(), []
    for at, line in enumerate(lines):
        if not (head := re.match(r"( +)expr: (.*)", line)):
            continue
        text = head[2].replace(">-", "")
        for more in lines[at + 1:]:
            if not more.startswith(head[1] + " "):
                break
            text += " " + more.strip()
        found.append(text)
    return found


def metrics_in(expression):
    return set(re.findall(r"\b(?:modqd|process)_[a-z_]+", expression))


class Agreement(Served):
    def setUp(self):
        super().setUp()
        front, ann = self.daemon.front(), self.daemon.desk("ann")
        codes = [reason["code"] for reason in front.policy(SITE)["reasons"] if not reason["needs_note"]]
        front.submit([event(SITE, "a"), event(SITE, "b")])
        ann.reject([{"site": SITE, "comment": "a"}], reasons=codes[:1])
        front.confirm(SITE, "web", 1)
        self.seen = self.figures()

    def check(self, expressions, least):
        self.assertGreaterEqual(len(expressions), least)
        for expression in expressions:
            for name in metrics_in(expression):
                self.assertIn(name, self.seen.names(), expression)
            self.check_labels(expression)

    def check_labels(self, expression):
        """Labels in selectors exist, and so do the values that are written out."""
        for name, selector in re.findall(r"\b((?:modqd|process)_[a-z_]+)\{([^}]*)\}", expression):
            for label, relation, value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', selector):
                if label in ("instance", "job") or "$" in value:
                    continue
                self.assertIn(label, self.seen.labels(name), expression)
                values = {sample.labels.get(label) for sample in self.seen.samples if sample.name == name}
                self.assertLessEqual(set(value.split("|")), values, expression)

    def test_the_dashboard_shows_what_is_there(self):
        self.check(dashboard_expressions(), 40)

    def test_rules_look_at_what_is_there(self):
        self.check(rule_expressions(), 15)

    def test_everything_that_is_there_is_documented_and_on_the_dashboard(self):
        exposed = {PARTS.sub("", name) for name in self.seen.names()}
        with open(os.path.join(ROOT, "docs/operations.md")) as file:
            documented = set(re.findall(r"`(modqd_[a-z_]+)`", file.read()))
        self.assertEqual(documented, {name for name in exposed if name.startswith("modqd_")})
        shown = {PARTS.sub("", name) for text in dashboard_expressions() for name in metrics_in(text)}
        self.assertEqual(exposed - shown, set())

    def test_the_dashboard_can_be_imported(self):
        board = dashboard()
        self.assertEqual([entry["name"] for entry in board["templating"]["list"]], ["datasource", "instance", "site"])
        self.assertIsNone(board["id"])
        numbers = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(numbers), len(set(numbers)))
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken or place["x"] + place["w"] > 24, panel["title"])
            taken |= cells
            if panel["type"] != "row":
                self.assertTrue(panel["targets"] and panel["title"], panel)

    def test_every_rule_says_what_to_do(self):
        rules = monitoring("alerts.yml").split("      - alert: ")[1:]
        self.assertEqual(len(rules), len(rule_expressions()))
        for rule in rules:
            for part in ("expr:", "severity: ", "summary:", "description:"):
                self.assertIn(part, rule)


if __name__ == "__main__":
    tap.main()
