"""What a restart, a second daemon, another schema and another address do; asked by the Python client."""
# waits: for daemons that come and go
# time-limit: 240
import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
import unittest

import msgpack

import tap
from cases import Case, event
from daemon import Daemon, free_port
from modq import Desk, ModqError, Raw, RequestTimeout

PIPELINED = 500


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Outside(unittest.TestCase):
    def test_program_that_reads_the_database_meanwhile_loses_nothing(self):
        """An administrator's SELECT: its end must not take the write-ahead log along."""
        with Daemon() as daemon:
            for name in ("before", "after"):
                with daemon.front() as front:
                    self.assertEqual(front.submit([event("s", name)])[0]["status"], "accepted")
                database = sqlite3.connect(os.path.join(daemon.dir, "modqd.db"))
                self.assertEqual(database.execute("SELECT count(*) FROM text").fetchone()[0], 1 + (name == "after"))
                database.close()
            self.assertIn("modqd.db-wal", os.listdir(daemon.dir))
            daemon.kill()
            daemon.start()
            with daemon.front() as front:
                self.assertEqual([found["status"] for found in front.status("s", ["before", "after"])], ["found"] * 2)


    def test_database_that_is_removed_ends_the_daemon(self):
        with Daemon() as daemon:
            with daemon.front(timeout_s=1) as front:
                front.submit([event("s", "before")])
                for name in os.listdir(daemon.dir):
                    if name.startswith("modqd.db"):
                        os.unlink(os.path.join(daemon.dir, name))
                try:
                    for number in range(20):
                        front.submit([event("s", f"after{number}")])
                        time.sleep(0.1)
                except RequestTimeout:
                    pass
            self.assertEqual(daemon.ended(), 1)
            self.assertIn("was removed or replaced", daemon.log())

    def test_database_that_another_program_holds_answers_busy(self):
        with Daemon() as daemon, daemon.front(timeout_s=15) as front:
            front.submit([event("s", "before")])
            database = sqlite3.connect(os.path.join(daemon.dir, "modqd.db"), isolation_level=None)
            database.execute("BEGIN IMMEDIATE")
            with self.assertRaises(ModqError) as refused:
                front.call("submit", comments=[event("s", "meanwhile")])
            self.assertEqual(refused.exception.name, "busy")
            database.execute("ROLLBACK")
            database.close()
            self.assertEqual(front.submit([event("s", "meanwhile")])[0]["status"], "accepted")

    def test_reserve_is_kept_for_decisions(self):
        limits = "limits { database_bytes = 33554432; reserve_bytes = 8388608 }"
        with Daemon(config=limits) as daemon, daemon.front() as front, daemon.desk(as_="ann") as desk:
            accepted = []
            for number in range(1000):
                result = front.submit([event("s", f"c{number}", "x" * 60000)])[0]
                if result["status"] != "accepted":
                    break
                accepted.append(f"c{number}")
            self.assertEqual(result["status"], "storage_full")
            self.assertGreater(len(accepted), 200)
            results = desk.approve([{"site": "s", "comment": name} for name in accepted[:200]])
            self.assertEqual({decided["status"] for decided in results}, {"approved"})
            database = sqlite3.connect(os.path.join(daemon.dir, "modqd.db"))
            pages = database.execute("PRAGMA page_count").fetchone()[0]
            database.close()
            self.assertLess(pages * 4096, 33554432 - 8388608 + 1048576)


class Restart(Case):
    def observe(self, items):
        stats = self.ann.stats()
        return {"cards": [self.card_of(i) for i in items], "status": [self.status_of(i) for i in items],
                "history": [self.ann.history(i["site"], i["comment"])["events"] for i in items],
                "records": self.records(),
                "list": [c["comment"] for c in self.ann.list(site=self.site)["comments"]],
                "epoch": self.front.hello()["epoch"],
                "sites": stats["sites"], "listeners": [{**l, "lag": 0} for l in stats["listeners"]]}

    def everything(self):
        items = [self.pending(extra={"k": [1, None]}), self.approved()[0], self.rejected()[0], self.pending(),
                 self.pending()]
        withdrawn, erased, escalated = self.pending(), self.pending(), self.pending()
        self.front.withdraw(self.site, withdrawn["comment"])
        self.front.withdraw(self.site, "tombstone")
        self.ann.erase([erased])
        self.ann.escalate([escalated], note="n")
        self.ann.claim(comments=[items[3]], lease_ms=3_600_000)
        self.front.report(self.site, items[1]["comment"], "r")
        self.front.article(self.site, {"id": "a"}, closed=True)
        self.front.confirm(self.site, "web", 2)
        return items + [withdrawn, erased, escalated, self.named("tombstone")]

    def test_restart_keeps_everything(self):
        items = self.everything()
        before = self.observe(items)
        self.daemon.restart()
        after = self.observe(items)
        for part in before:
            if part != "cards":
                self.assertEqual(before[part], after[part], part)
        self.assertEqual(after["cards"][3]["claimed_by"], "ann")
        for one, two in zip(before["cards"], after["cards"]):
            until = [card.pop("claimed_until") or 0 for card in (one, two)]
            self.assertAlmostEqual(*until, delta=1000)           # leases count boot time
            self.assertEqual(one, two)

    def test_kill_keeps_everything_that_was_answered(self):
        items = self.everything()
        before = self.observe(items)
        self.daemon.kill()
        self.daemon.start()
        after = self.observe(items)
        for part in ("status", "history", "records", "epoch", "sites"):
            self.assertEqual(before[part], after[part], part)

    def test_operation_id_is_kept_over_a_restart(self):
        item, operation = self.pending(), os.urandom(16)
        first = self.ann.approve([item], operation=operation)
        self.daemon.restart()
        self.assertEqual(self.ann.approve([item], operation=operation), first)

    def test_decided_at_never_goes_back_over_a_restart(self):
        self.approved()
        self.daemon.restart()
        self.approved()
        first, second = self.records()
        self.assertLessEqual(first["decided_at"], second["decided_at"])


class Stop(unittest.TestCase):
    def pipelined(self, daemon):
        """Sends submits without waiting, ends the daemon at once; returns the ids sent and answered."""
        raw = daemon.keep(Raw(daemon.endpoint("front")))
        raw.ask({"v": 1, "op": "hello", "id": "connected"})
        for number in range(PIPELINED):
            raw.send(msgpack.packb({"v": 1, "op": "submit", "id": number, "comments": [event("s", f"c{number}")]}))
        daemon.stop()
        answered = {}
        while frames := raw.receive(2):
            reply = msgpack.unpackb(frames[0])
            answered[reply["id"]] = reply
        raw.close()                # or it would send the next daemon what it could not send to this one
        return answered

    def test_graceful_stop_answers_what_it_received(self):
        for _ in range(5):
            with Daemon() as daemon:
                answered = self.pipelined(daemon)
                daemon.start()
                names = [f"c{number}" for number in range(PIPELINED)]
                front = daemon.front()
                found = [r for start in range(0, PIPELINED, 250) for r in front.status("s", names[start:start + 250])]
                for number, result in enumerate(found):
                    reply = answered.get(number)
                    accepted = bool(reply and reply["ok"] and reply["results"][0]["status"] == "accepted")
                    self.assertEqual(result["status"], "found" if accepted else "not_found", (number, reply))
                for reply in answered.values():
                    if not reply["ok"]:
                        self.assertEqual(reply["error"]["name"], "stopping", reply)

    def test_sigint_stops_as_well(self):
        import signal
        with Daemon() as daemon:
            os.kill(daemon.pid, signal.SIGINT)
            self.assertEqual(daemon.ended(), 0)


class Refusals(unittest.TestCase):
    def refused(self, daemon, *words):
        """The daemon must end by itself with an error and a message that has these words."""
        code = daemon.spawn().ended(20)
        self.assertGreater(code, 0, daemon.log())
        log = daemon.log()
        for word in words:
            self.assertIn(word, log)
        return log

    def test_second_daemon_on_a_directory_is_refused(self):
        with Daemon() as first:
            first.front().submit([event("s", "a")])
            second = Daemon(directory=first.dir)
            second._log_path = first.dir + "/second.txt"
            log = self.refused(second, first.dir)
            self.assertRegex(log, "(?i)already|another|in use|lock")
            self.assertEqual(first.front().status("s", ["a"])[0]["status"], "found")

    def test_newer_schema_is_refused_and_the_file_untouched(self):
        with Daemon() as daemon:
            daemon.front().submit([event("s", "a")])
            daemon.stop()
            daemon.uncounted = "its database is made one that nobody reads"
            path = os.path.join(daemon.dir, "modqd.db")
            with sqlite3.connect(path) as database:
                version, = database.execute("PRAGMA user_version").fetchone()
                database.execute(f"PRAGMA user_version = {version + 1}")
            database.close()
            before = digest(path)
            self.refused(daemon, os.path.basename(path))
            self.assertEqual(digest(path), before)

    def test_file_that_is_no_database_is_refused_and_untouched(self):
        with Daemon() as daemon:
            daemon.stop()
            daemon.uncounted = "its database is made none"
            path = os.path.join(daemon.dir, "modqd.db")
            with open(path, "wb") as file:
                file.write(b"this is not a database, but somebody's diary\n" * 100)
            before = digest(path)
            self.refused(daemon, os.path.basename(path))
            self.assertEqual(digest(path), before)

    def test_directory_that_is_not_there_is_refused(self):
        directory = tempfile.mkdtemp(prefix="mq-", dir="/tmp")
        daemon = Daemon(directory=directory)
        daemon.arguments = ["--dir", directory + "/none/none"]
        try:
            self.refused(daemon, directory + "/none")
        finally:
            shutil.rmtree(directory)


class Addresses(unittest.TestCase):
    def config(self, host, port):
        return f'listen {{\n    desk = "tcp://{host}:{port}"\n}}\n'

    def test_names_of_hosts_and_interfaces_are_refused(self):
        for host in ("localhost", "eth0", "example.org", "127.1", "[fe80::1%lo]"):
            with self.subTest(host=host):
                daemon = Daemon(config=self.config(host, free_port()))
                code = daemon.spawn().ended(20)
                self.assertGreater(code, 0)
                self.assertIn(f"tcp://{host}:", daemon.log())
                shutil.rmtree(daemon.dir)

    def test_loopback_without_keys_works_and_wants_a_name(self):
        port = free_port()
        with Daemon(config="insecure_loopback = true\n" + self.config("127.0.0.1", port)) as daemon:
            daemon.front().submit([event("s", "a")])
            nobody, ann = (daemon.keep(Desk(f"tcp://127.0.0.1:{port}", as_=name)) for name in (None, "ann"))
            self.assertIsNone(nobody.hello()["you"])
            self.assertEqual(len(nobody.list()["comments"]), 1)
            with self.assertRaisesRegex(Exception, "as_required"):
                nobody.approve([{"site": "s", "comment": "a"}])
            self.assertEqual(ann.approve([{"site": "s", "comment": "a"}])[0]["status"], "approved")


if __name__ == "__main__":
    tap.main()
