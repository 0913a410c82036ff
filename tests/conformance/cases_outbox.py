"""What is kept while the daemon is away, and sent when it is back."""
import os
import random
import time

from cases import event, fresh
from suite import CONFIG, STORED, Conformance, needs

KILLS = 6


class Outboxes(Conformance):
    config = CONFIG
    tcp = ("front",)

    def open_outbox(self, path=None, driver=None):
        """A new one's name and where it is."""
        name, path = fresh("o"), path or os.path.join(self.directory(), "outbox")
        (driver or self.driver).do("outbox", name=name, path=path)
        return name, path

    def keep(self, outbox, comment, driver=None):
        return (driver or self.driver).do("keep", outbox=outbox, op="submit", fields={"comment": comment})

    def keep_op(self, outbox, op, **fields):
        return self.driver.do("keep", outbox=outbox, op=op, fields=fields)

    def flush(self, outbox, front=None, timeout_ms=10_000, driver=None):
        return (driver or self.driver).do("flush", 30, outbox=outbox, front=front or self.f, timeout_ms=timeout_ms)

    def count(self, outbox, driver=None):
        return (driver or self.driver).do("count", outbox=outbox)["left"]

    def denied_front(self, driver=None):
        """A connection with a key of another site: all that is handed in over it is denied."""
        key = self.daemon.add_key(fresh("k"), "front", sites=["elsewhere"])
        return self.open_front(self.daemon.tcp["front"], key=self.key_file(key), driver=driver)

    def set_aside(self, outbox, count):
        """All that is kept is denied; so much that is."""
        flushed = self.flush(outbox, self.denied_front())
        self.assertEqual((flushed["sent"], flushed["left"]), (0, 0), flushed)
        self.assertEqual([error["name"] for error in flushed["refused"]], ["denied"] * count)

    def retry_refused(self, outbox):
        return self.driver.do("retry_refused", outbox=outbox)["count"]

    def queue(self):
        """Ids of the pending comments in the order in which they came."""
        ids, after = [], None
        while True:
            page = self.ann.list(site=self.site, limit=500, after=after)
            ids += [card["comment"] for card in page["comments"]]
            after = page["next"]
            if not after:
                return ids

    @needs("outbox")
    def test_what_is_kept_while_the_daemon_is_away_goes_in_in_order(self):
        outbox, _ = self.open_outbox()
        comments = [event(self.site, f"c{number}", f"{number} \0 é" + "x" * (number % 7 * 1000)) for number in range(60)]
        away = self.open_front(f"ipc://{self.directory()}/none", timeout_ms=400, attempt_ms=200)
        for comment in comments:
            self.keep(outbox, comment)
        with self.within(0.5):
            flushed = self.flush(outbox, away, timeout_ms=500)
        self.assertEqual((flushed["sent"], flushed["left"], flushed["refused"]), (0, 60, []))
        self.assertEqual(self.count(outbox), 60)
        flushed = self.flush(outbox)
        self.assertEqual((flushed["sent"], flushed["left"], flushed["refused"]), (60, 0, []))
        self.assertEqual(self.count(outbox), 0)
        self.assert_stored(comments)
        self.assertEqual(self.queue(), [comment["comment"] for comment in comments])
        self.assertEqual(self.flush(outbox)["sent"], 0)

    @needs("outbox")
    def test_submit_withdraw_and_report_of_one_comment_keep_their_order(self):
        outbox, _ = self.open_outbox()
        shown, _ = self.approved()
        self.keep(outbox, event(self.site, "a", "one"))
        self.keep(outbox, event(self.site, "a", "two", revision=2))
        self.keep_op(outbox, "report", site=self.site, comment=shown["comment"], reader="r", reason=self.reasons[0], note="n")
        self.keep_op(outbox, "withdraw", site=self.site, comment="a")
        flushed = self.flush(outbox)
        self.assertEqual((flushed["sent"], flushed["left"], flushed["refused"]), (4, 0, []))
        found = self.front.status(self.site, ["a"])[0]
        self.assertEqual((found["state"], found["revision"]), ("withdrawn", 2))
        self.assertEqual(self.card_of(shown)["reports"], 1)

    @needs("outbox")
    def test_what_can_never_be_taken_is_set_aside_and_holds_up_nothing(self):
        self.submit([event(self.site, "taken", "one body")])
        gone = self.pending()
        self.front.withdraw(self.site, gone["comment"])
        outbox, path = self.open_outbox()
        self.keep(outbox, event(self.site, "first"))
        self.keep(outbox, event(self.site, "taken", "another body"))
        self.keep_op(outbox, "report", site=self.site, comment="nobody-knows-it", reader="r")
        self.keep(outbox, event(self.site, gone["comment"], "new", revision=2))
        self.keep(outbox, event(self.site, "last"))
        flushed = self.flush(outbox)
        self.assertEqual((flushed["sent"], flushed["left"]), (2, 0), flushed)
        self.assertEqual(sorted(error["name"] for error in flushed["refused"]), ["conflict", "not_found", "withdrawn"])
        for error in flushed["refused"]:
            self.assert_error(error, "conflict", "not_found", "withdrawn")
        self.assertEqual(self.queue(), ["taken", "first", "last"])
        self.assertEqual(self.count(outbox), 0)

    @needs("outbox", "retry_refused")
    def test_the_wrong_socket_sets_nothing_aside(self):
        """The desk does not know `submit`. That says nothing of the comments."""
        outbox, _ = self.open_outbox()
        for name in ("a", "b"):
            self.keep(outbox, event(self.site, name))
        self.keep_op(outbox, "withdraw", site=self.site, comment="b")
        flushed = self.flush(outbox, self.open_front(self.daemon.endpoint("desk")))
        self.assertEqual((flushed["sent"], flushed["left"], flushed["refused"]), (0, 3, []))
        self.assertEqual(self.flush(outbox)["sent"], 3)
        self.assertEqual(self.queue(), ["a"])

    @needs("outbox")
    def test_wrong_events_are_refused_at_once_or_set_aside(self):
        outbox, _ = self.open_outbox()
        answer = self.driver.ask("keep", outbox=outbox, op="submit", fields={"comment": {"site": self.site, "comment": "x", "body": ""}})
        self.keep(outbox, event(self.site, "good"))
        flushed = self.flush(outbox)
        self.assertEqual((flushed["sent"], flushed["left"]), (1, 0), flushed)
        if answer["ok"]:
            error, = flushed["refused"]
            self.assert_error(error, "too_short", field="body")
        else:
            self.assert_error(answer["error"], "too_short", "client_bad_argument")

    @needs("outbox")
    def test_what_was_taken_before_is_success(self):
        comment = event(self.site, "a")
        self.submit([comment])
        outbox, _ = self.open_outbox()
        self.keep(outbox, comment)
        flushed = self.flush(outbox)
        self.assertEqual((flushed["sent"], flushed["left"], flushed["refused"]), (1, 0, []))
        self.assertEqual(self.pending_count(), 1)

    @needs("outbox")
    def test_outbox_is_there_after_it_was_closed(self):
        outbox, path = self.open_outbox()
        for number in range(5):
            self.keep(outbox, event(self.site, f"c{number}"))
        self.driver.do("close", outbox=outbox)
        again, _ = self.open_outbox(path)
        self.assertEqual(self.count(again), 5)
        self.assertEqual(self.flush(again)["sent"], 5)
        self.driver.do("close", outbox=again)
        self.assertEqual(self.count(self.open_outbox(path)[0]), 0)

    @needs("outbox")
    def test_kill_9_while_keeping_loses_nothing_that_was_acknowledged(self):
        chance = random.Random(11)
        path = os.path.join(self.directory(), "outbox")
        acknowledged, begun = [], []
        for turn in range(KILLS):
            driver = self.new_driver()
            outbox, _ = self.open_outbox(path, driver)
            self.assertGreaterEqual(self.count(outbox, driver), len(acknowledged))
            comments = [event(self.site, f"t{turn}-{number}", "é" * chance.randint(1, 9000)) for number in range(20)]
            for comment in comments:
                driver.send("keep", outbox=outbox, op="submit", fields={"comment": comment})
            begun += comments
            for comment in comments[:chance.randint(0, 15)]:
                self.assertTrue(driver.answer()["ok"])
                acknowledged.append(comment)
            time.sleep(chance.random() * 0.003)
            driver.kill()
        outbox, _ = self.open_outbox(path)
        left = self.count(outbox)
        self.assertTrue(len(acknowledged) <= left <= len(begun), f"{len(acknowledged)} <= {left} <= {len(begun)}")
        flushed = self.flush(outbox)
        self.assertEqual((flushed["sent"], flushed["left"], flushed["refused"]), (left, 0, []))
        self.assert_stored(acknowledged)
        queue = self.queue()
        self.assertEqual(len(queue), left)
        order = [comment["comment"] for comment in begun]
        self.assertEqual(queue, [name for name in order if name in set(queue)], "the order is another one")

    @needs("outbox")
    def test_kill_9_while_flushing_loses_nothing_and_doubles_nothing(self):
        chance = random.Random(12)
        outbox, path = self.open_outbox()
        comments = [event(self.site, f"c{number}", "x" * 3000) for number in range(200)]
        for comment in comments:
            self.driver.send("keep", outbox=outbox, op="submit", fields={"comment": comment})
            self.driver.answer()
        self.driver.do("close", outbox=outbox)
        for _ in range(KILLS):
            driver = self.new_driver()
            name, _ = self.open_outbox(path, driver)
            front = self.open_front(driver=driver)
            driver.send("flush", outbox=name, front=front, timeout_ms=10_000)
            time.sleep(chance.random() * 0.03)
            driver.kill()
        outbox, _ = self.open_outbox(path)
        flushed = self.flush(outbox)
        self.assertEqual((flushed["left"], flushed["refused"]), (0, []))
        self.assert_stored(comments)
        self.assertEqual(self.pending_count(), len(comments))

    @needs("outbox")
    def test_two_processes_that_flush_lose_nothing_and_double_nothing(self):
        outbox, path = self.open_outbox()
        for number in range(150):
            self.keep(outbox, event(self.site, f"c{number}", "x" * 500))
        other = self.new_driver()
        name, _ = self.open_outbox(path, other)
        front = self.open_front(driver=other)
        self.driver.send("flush", outbox=outbox, front=self.f, timeout_ms=8000)
        other.send("flush", outbox=name, front=front, timeout_ms=8000)
        self.keep_with_third(path)
        answers = [self.driver.answer(30), other.answer(30)]
        for answer in answers:
            if not answer["ok"]:         # the other one had the lock
                self.assertIn(answer["error"]["class"], ("local", "retry"), answer)
        self.assertTrue(any(answer["ok"] for answer in answers), answers)
        for _ in range(3):
            if self.flush(outbox)["left"] == 0:
                break
        self.assertEqual(self.count(outbox), 0)
        self.assertEqual(sorted(self.queue()), sorted([*(f"c{n}" for n in range(150)), "meanwhile"]))

    def keep_with_third(self, path):
        """Somebody keeps while others flush."""
        third = self.new_driver()
        name, _ = self.open_outbox(path, third)
        self.keep(name, event(self.site, "meanwhile"), driver=third)

    @needs("outbox")
    def test_flush_stops_where_the_daemon_goes_away_and_goes_on_later(self):
        outbox, _ = self.open_outbox()
        comments = [event(self.site, f"c{number}", "x" * 20_000) for number in range(60)]
        for comment in comments:
            self.keep(outbox, comment)
        self.driver.send("flush", outbox=outbox, front=self.f, timeout_ms=1000)
        time.sleep(0.03)
        self.daemon.kill(counted=False)
        flushed = self.driver.answer()
        self.assertTrue(flushed["ok"], flushed)
        self.assertEqual(flushed["sent"] + flushed["left"], 60)
        self.assertEqual(flushed["refused"], [])
        self.daemon.start()
        self.assertEqual(self.flush(outbox)["left"], 0)
        self.assert_stored(comments)
        self.assertEqual(self.pending_count(), 60)

    @needs("outbox")
    def test_torn_end_of_the_file_is_no_harm(self):
        """Cut at every byte of the last entry, as a crash may leave it, the outbox opens with those before it."""
        outbox, path = self.open_outbox()
        for number in range(3):
            self.keep(outbox, event(self.site, f"c{number}"))
        if not os.path.isfile(path):
            self.skipTest(f"the outbox of the client for {self.language} is no single file")
        before = self.content(path)
        self.keep(outbox, event(self.site, "last", "é\0"))
        after = self.content(path)
        if not after.startswith(before) or after == before:
            self.skipTest(f"the outbox of the client for {self.language} is no file that only grows")
        folder = self.directory()
        for size in range(len(before), len(after) + 1):
            torn = os.path.join(folder, str(size))
            with open(torn, "wb") as file:
                file.write(after[:size])
            name, _ = self.open_outbox(torn)
            count = self.count(name)
            self.assertIn(count, (4,) if size == len(after) else (3, 4), f"{size} of {len(after)} bytes")
            self.keep(name, event(self.site, "more"))
            self.assertEqual(self.count(name), count + 1)
            self.driver.do("close", outbox=name)
            again, _ = self.open_outbox(torn)
            self.assertEqual(self.count(again), count + 1, f"{size} of {len(after)} bytes, opened again")
            self.driver.do("close", outbox=again)

    def content(self, path):
        with open(path, "rb") as file:
            return file.read()

    @needs("outbox")
    def test_statuses_of_what_was_flushed_are_the_daemons(self):
        """What is flushed while the same comments are handed in directly is there once."""
        outbox, _ = self.open_outbox()
        comments = [event(self.site, f"c{number}") for number in range(20)]
        for comment in comments:
            self.keep(outbox, comment)
        self.assertTrue(set(self.statuses(self.submit(comments[5:15]))) <= set(STORED))
        self.assertEqual(self.flush(outbox)["sent"], 20)
        self.assertEqual(self.pending_count(), 20)

    @needs("outbox", "retry_refused", "key")
    def test_what_a_wrong_key_set_aside_is_sent_with_the_right_one_in_its_order(self):
        outbox, path = self.open_outbox()
        extra = {"half": 0.5, "text": "é\n", "bytes": bytes(range(256))}
        comments = [event(self.site, f"c{number}", f"{number} \0 é" + "x" * (number % 7 * 1000), extra=extra) for number in range(60)]
        for comment in comments:
            self.keep(outbox, comment)
        self.keep_op(outbox, "withdraw", site=self.site, comment="c30")
        self.assertEqual(self.retry_refused(outbox), 0)
        self.set_aside(outbox, 61)
        self.assertEqual(self.count(outbox), 0)
        self.driver.do("close", outbox=outbox)
        outbox, _ = self.open_outbox(path)
        self.assertEqual(self.retry_refused(outbox), 61)
        self.assertEqual(self.count(outbox), 61)
        self.assertEqual(self.retry_refused(outbox), 0)
        flushed = self.flush(outbox)
        self.assertEqual((flushed["sent"], flushed["left"], flushed["refused"]), (61, 0, []))
        self.assertEqual(self.count(outbox), 0)
        self.assert_stored(comments)
        self.assertEqual(self.queue(), [f"c{number}" for number in range(60) if number != 30])
        self.assertEqual(self.card_of(comments[0])["extra"], extra)
        self.assertEqual(self.front.status(self.site, ["c30"])[0]["state"], "withdrawn")

    @needs("outbox", "retry_refused", "key")
    def test_what_is_put_back_comes_before_what_was_kept_since(self):
        outbox, _ = self.open_outbox()
        for number in range(5):
            self.keep(outbox, event(self.site, f"old{number}"))
        self.set_aside(outbox, 5)
        for number in range(5):
            self.keep(outbox, event(self.site, f"new{number}"))
        away = self.open_front(f"ipc://{self.directory()}/none", timeout_ms=300, attempt_ms=200)
        self.assertEqual(self.flush(outbox, away, timeout_ms=400)["left"], 5)
        self.assertEqual(self.retry_refused(outbox), 5)
        self.keep(outbox, event(self.site, "last"))
        self.assertEqual(self.count(outbox), 11)
        self.assertEqual(self.flush(outbox)["sent"], 11)
        self.assertEqual(self.queue(), [*(f"old{n}" for n in range(5)), *(f"new{n}" for n in range(5)), "last"])

    @needs("outbox", "retry_refused", "key")
    def test_kill_9_while_putting_back_loses_nothing(self):
        chance = random.Random(13)
        outbox, path = self.open_outbox()
        comments = [event(self.site, f"c{number}", "x" * 3000) for number in range(200)]
        for comment in comments:
            self.keep(outbox, comment)
        denied = self.denied_front()
        self.flush(outbox, denied)
        begin = time.monotonic()
        self.retry_refused(outbox)
        took = time.monotonic() - begin
        for _ in range(2 * KILLS):
            self.flush(outbox, denied)
            driver = self.new_driver()
            name, _ = self.open_outbox(path, driver)
            driver.send("retry_refused", outbox=name)
            time.sleep(chance.random() * took)
            driver.kill()
        self.retry_refused(outbox)
        self.assertGreaterEqual(self.count(outbox), len(comments))
        flushed = self.flush(outbox)
        self.assertEqual((flushed["left"], flushed["refused"]), (0, []))
        self.assert_stored(comments)
        self.assertEqual(self.queue(), [comment["comment"] for comment in comments])

    @needs("outbox", "retry_refused", "key")
    def test_what_is_refused_for_good_is_set_aside_again(self):
        self.submit([event(self.site, "taken", "one body")])
        outbox, _ = self.open_outbox()
        self.keep(outbox, event(self.site, "taken", "another body"))
        self.keep(outbox, event(self.site, "good"))
        self.set_aside(outbox, 2)
        self.assertEqual(self.retry_refused(outbox), 2)
        flushed = self.flush(outbox)
        self.assertEqual((flushed["sent"], flushed["left"], [error["name"] for error in flushed["refused"]]), (1, 0, ["conflict"]))
        self.assertEqual(self.count(outbox), 0)
        self.assertEqual(self.retry_refused(outbox), 1)
        flushed = self.flush(outbox)
        self.assertEqual((flushed["sent"], flushed["left"], [error["name"] for error in flushed["refused"]]), (0, 0, ["conflict"]))
