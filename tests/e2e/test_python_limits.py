"""Every limit of PROTOCOL.md, set low, against the daemon; and configurations that must be refused."""
# time-limit: 240
import os
import tempfile
import unittest

import document
import tap
from cases import Case, event, fresh
from daemon import Daemon
from modq import ModqError

LIMITS = document.limits()


def limits(**values):
    return "limits {\n" + "".join(f"    {name} = {value}\n" for name, value in values.items()) + "}\n"


class Low(Case):
    values = {"max_batch": 4, "body_bytes": 100, "extra_bytes": 20, "note_bytes": 10, "max_credit": 3, "streams": 3,
              "streams_per_peer": 2, "claims_per_moderator": 2, "revisions": 3, "pending_per_site": 6}
    config = limits(**values)

    def test_hello_tells_the_limits_in_force(self):
        told = self.front.hello()["limits"]
        self.assertEqual(told, {name: self.values.get(name, limit["default"]) for name, limit in LIMITS.items()})

    def test_batch_is_limited_everywhere(self):
        items = [self.named(str(n)) for n in range(5)]
        for ask in (lambda: self.front.call("submit", comments=[event(**i) for i in items]),
                    lambda: self.front.status(self.site, [i["comment"] for i in items]),
                    lambda: self.ann.approve(items),
                    lambda: self.ann.release(items), lambda: self.ann.erase(items),
                    lambda: self.ann.undo([{"site": self.site, "seq": 1}] * 5)):
            self.assertEqual(self.assert_fails("out_of_range", ask)["max"], 4)

    def test_body_extra_and_note_are_limited(self):
        self.assertEqual(self.submit_one("a", "x" * 100)["status"], "accepted")
        self.assertEqual(self.assert_item(self.submit_one("b", "x" * 101), "too_long", "comments[0].body")["max"], 100)
        self.assertEqual(self.submit_one("c", extra={"k": "x" * 16})["status"], "accepted")
        self.assertEqual(self.assert_item(self.submit_one("d", extra={"k": "x" * 17}), "too_long",
                                          "comments[0].extra")["max"], 20)
        self.assertEqual(self.assert_fails("too_long", self.ann.approve, [self.named("a")], note="x" * 11)["max"], 10)
        self.assertEqual(self.ann.approve([self.named("a")], note="x" * 10)[0]["status"], "approved")

    def test_credit_and_streams_are_limited(self):
        self.assert_fails("out_of_range", self.front.call, "stream", site=self.site, credit=4)
        opened = [self.front.stream(self.site) for _ in range(3)]
        error = self.assert_fails("too_many_streams", self.front.stream, self.site)
        self.assertEqual((error["max"], error["class"]), (3, "retry"))
        opened.pop().close()
        for stream in opened:
            stream.close()

    def test_claims_of_one_moderator_are_limited(self):
        for _ in range(4):
            self.pending()
        eve = self.daemon.desk("eve")
        self.assertEqual(len(eve.claim(site=self.site, limit=4)["comments"]), 2)
        self.assertEqual(eve.claim(site=self.site)["comments"], [])
        refused, = eve.claim(comments=[self.named(c["comment"])
                                       for c in eve.list(site=self.site)["comments"]][2:3])["refused"]
        self.assertEqual(self.assert_item(refused, "too_many_claims")["max"], 2)
        self.assertEqual(len(self.daemon.desk("frank").claim(site=self.site)["comments"]), 1)

    def test_revisions_of_one_comment_are_limited(self):
        for revision in (1, 5, 3):
            self.assertEqual(self.submit_one("a", f"r{revision}", revision=revision)["status"], "accepted")
        self.assertEqual(self.assert_item(self.submit_one("a", "r9", revision=9), "too_many_revisions")["max"], 3)
        self.assertEqual(self.submit_one("a", "r3", revision=3)["status"], "duplicate")

    def test_pending_comments_of_a_site_are_limited_and_none_is_lost(self):
        results = [self.submit_one(str(n)) for n in range(8)]
        self.assertEqual([r["status"] for r in results], ["accepted"] * 6 + ["busy"] * 2)
        self.assertGreater(results[7]["error"]["retry_after_ms"], 0)
        self.assertEqual(self.submit_one("0")["status"], "duplicate")
        self.assertEqual(self.submit_one("x", site=fresh("site-"))["status"], "accepted")
        self.approve(self.named("0"))
        self.assertEqual(self.submit_one("7")["status"], "accepted")
        self.assertEqual(len(self.ann.list(site=self.site)["comments"]), 6)


class Sites(Case):
    config = limits(sites=2)

    def test_sites_are_limited_and_reading_makes_none(self):
        self.front.status("read-only", ["x"])
        self.front.policy("read-only")
        self.front.stream("read-only", live=False)
        self.assertEqual(self.submit_one("a", site="one")["status"], "accepted")
        self.assertEqual(self.front.withdraw("two", "b")["status"], "withdrawn")
        self.assertEqual(self.assert_item(self.submit_one("a", site="three"), "too_many_sites")["max"], 2)
        self.assert_fails("too_many_sites", self.front.withdraw, "three", "b")
        self.assert_fails("too_many_sites", self.front.article, "three", {"id": "a"})
        self.assertEqual(self.submit_one("c", site="one")["status"], "accepted")


class Storage(Case):
    config = limits(database_bytes=4 << 20, reserve_bytes=2 << 20)

    def test_full_storage_refuses_comments_and_lets_moderators_work(self):
        accepted = []
        for number in range(400):
            result = self.submit_one(f"c{number}", f"{number} " + "x" * 30_000)
            if result["status"] != "accepted":
                break
            accepted.append(self.named(f"c{number}"))
        error = self.assert_item(result, "storage_full")
        self.assertGreater(error["retry_after_ms"], 0)
        self.assertGreater(len(accepted), 5)
        for item in accepted:
            self.assertEqual(self.state_of(item), "pending")
        self.approve(accepted[0]), self.reject(accepted[1])
        self.front.report(self.site, accepted[0]["comment"], "r")
        self.front.withdraw(self.site, accepted[2]["comment"])
        self.ann.escalate([accepted[3]])
        self.assertEqual(self.ann.erase([accepted[4]])[0]["status"], "erased")
        self.assertEqual([r["decision"] for r in self.records()], ["approved", "rejected", "withdrawn", "erased"])
        self.daemon.restart()
        self.assertEqual(self.state_of(accepted[5]), "pending")


class Queues(Case):
    config = limits(queue_requests=16)

    def test_busy_answers_lose_nothing_that_was_accepted(self):
        ids = {self.front.send("submit", comments=[event(self.site, f"c{n}")]): f"c{n}" for n in range(400)}
        accepted, busy = [], 0
        for number, comment in ids.items():
            try:
                self.assertEqual(self.front.collect(number)["results"][0]["status"], "accepted")
                accepted.append(comment)
            except ModqError as error:
                self.assertEqual(error.name, "busy")
                self.assertGreater(error.detail["retry_after_ms"], 0)
                busy += 1
        print(f"# {len(accepted)} accepted, {busy} busy")
        for start in range(0, len(accepted), 200):
            results = self.front.status(self.site, accepted[start:start + 200])
            self.assertEqual({r["status"] for r in results}, {"found"})
        site = [s for s in self.ann.stats()["sites"] if s["site"] == self.site][0]
        self.assertEqual(site["pending"], len(accepted))


class Configurations(unittest.TestCase):
    def refused(self, config, *words):
        daemon = Daemon(config=config)
        try:
            code = daemon.spawn().ended(20)
            self.assertGreater(code, 0, daemon.log())
            for word in words:
                self.assertIn(word, daemon.log())
        finally:
            daemon.__exit__(None)

    def test_limits_outside_their_ranges_are_refused_by_name(self):
        for name, limit in LIMITS.items():
            for value in (limit["least"] - 1, limit["most"] + 1):
                with self.subTest(name=name, value=value):
                    self.refused(limits(**{name: value}), name)

    def test_event_that_would_not_fit_into_a_message_is_refused(self):
        self.refused(limits(max_message_bytes=65536), "max_message_bytes")

    def test_unknown_words_and_broken_files_are_refused(self):
        self.refused("nonsense = 1\n", "nonsense")
        self.refused("limits {\n    no_such_limit = 1\n}\n", "no_such_limit")
        self.refused("limits {\n")

    def test_file_that_is_not_there_is_refused(self):
        daemon = Daemon("--config", "/no/such/file")
        try:
            self.assertGreater(daemon.spawn().ended(20), 0)
            self.assertIn("/no/such/file", daemon.log())
        finally:
            daemon.__exit__(None)


POLICY = """
version = "test-7"
reports_reopen = 2
reason "rude" {
    title { en = "Rude" }
    sentence { en = "It is rude." }
}
reason "special" {
    needs_note = true
    title { en = "Special" }
    sentence { en = "It is special." }
}
"""


class SitePolicy(unittest.TestCase):
    def test_site_has_its_own_policy_and_others_the_default(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(POLICY)
            file.flush()
            with Daemon(config=f'site "mine" {{\n    policy = "{file.name}"\n}}\n') as daemon:
                self.check(daemon.front(), daemon.desk("ann"))

    def check(self, front, ann):
        mine, other = front.policy("mine"), front.policy("other")
        self.assertEqual((mine["version"], mine["reports_reopen"], mine["languages"]), ("test-7", 2, ["en"]))
        self.assertNotEqual(other["version"], "test-7")
        items = [{"site": site, "comment": "c"} for site in ("mine", "other")]
        front.submit([event(**item) for item in items])
        self.assertEqual([r["status"] for r in ann.reject(items, ["special"])], ["note_needed", "unknown_reason"])
        self.assertEqual([r["status"] for r in ann.reject(items, ["special"], note="n")],
                         ["rejected", "unknown_reason"])
        self.assertEqual(front.replay("mine")[0]["policy"], "test-7")
        ann.approve(items[:1], supersede=True)
        front.report("mine", "c", "r1")
        self.assertEqual(front.report("mine", "c", "r2")["state"], "pending")


class Restored(unittest.TestCase):
    def test_restored_database_has_another_epoch_and_goes_on(self):
        with Daemon() as daemon:
            front, ann = daemon.front(), daemon.desk("ann")
            front.submit([event("s", "a")])
            ann.approve([{"site": "s", "comment": "a"}])
            before, record = front.hello()["epoch"], front.replay("s")[0]
            daemon.stop()
            daemon.arguments.append("--restored")
            self.assertEqual(daemon.spawn().ended(), 0)
            daemon.arguments.clear()
            daemon.start()
            self.assertNotEqual(front.hello()["epoch"], before)
            with self.assertRaisesRegex(ModqError, "diverged"):
                front.stream("s", 1, epoch=before)
            self.assertEqual(list(front.stream("s", 1, record["chain"], live=False)), [])

    def test_backup_that_lacks_records_diverges(self):
        import shutil
        with Daemon() as daemon:
            front, ann = daemon.front(), daemon.desk("ann")
            front.submit([event("s", str(n)) for n in range(3)])
            ann.approve([{"site": "s", "comment": "0"}])
            daemon.stop()
            backup = tempfile.mkdtemp(prefix="mq-", dir="/tmp")
            self.addCleanup(shutil.rmtree, backup, True)
            for name in os.listdir(daemon.dir):
                path = os.path.join(daemon.dir, name)
                if os.path.isfile(path) and not name.endswith(".txt"):
                    shutil.copy(path, backup)
            daemon.start()
            lost = ann.approve([{"site": "s", "comment": "1"}])[0]
            chain = front.replay("s")[1]["chain"]
            daemon.stop()
            for name in os.listdir(backup):
                shutil.copy(os.path.join(backup, name), daemon.dir)
            daemon.start()
            with self.assertRaisesRegex(ModqError, "diverged"):
                front.stream("s", lost["seq"], chain)
            ann.approve([{"site": "s", "comment": "2"}])
            with self.assertRaisesRegex(ModqError, "diverged"):
                front.stream("s", lost["seq"], chain)


if __name__ == "__main__":
    tap.main()
