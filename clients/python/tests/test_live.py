"""The client against the real daemon, and against peers that lie. Needs a build of it: see tests/lib/daemon.py."""
import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unittest
from unittest import mock

import helpers
from helpers import Liar, WithDirectory, comment, msgpack
import keys
from cases import eventually
from daemon import Daemon, DaemonTest
from modqd import (Decisions, DeniedError, FileOutbox, FilePlace, FinalError, FixError, Front, Key, LocalError, Push,
                   RetryError, SqlPlace, aio)

NOBODY = "ipc:///tmp/mq-nobody-listens-here"
TAKEN = {"accepted", "duplicate"}          # the second where an answer was late, or lost with the daemon


def run(coroutine, seconds=60):
    async def bounded():
        return await asyncio.wait_for(coroutine, seconds)
    return asyncio.run(bounded())


def in_child(act):
    """What act() returns, called in a fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = act()
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        os.write(writing, msgpack.packb(told))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return msgpack.unpackb(told)


class Sites(DaemonTest):
    """Each test has a site of its own."""

    tcp = ("front", "push")

    def setUp(self):
        self.site = self._testMethodName.removeprefix("test_")[:60]
        self.endpoint = self.daemon.endpoint("front")
        self.dir = self.daemon.dir

    def comment(self, number=1, **more):
        return comment(number, **{"site": self.site, **more})

    def client(self, **options):
        return self.daemon.keep(Front(self.endpoint, **options))

    def withdraw(self, *numbers):
        for number in numbers:
            self.front.withdraw(self.site, str(number))


class Fronts(Sites):
    def test_every_operation_is_answered(self):
        front = self.client()
        self.assertEqual(front.hello()["versions"], [1])
        self.assertEqual(front.limits["max_batch"], 256)
        first = front.submit(self.comment(1, extra={"a": [None, 1.5, b"\xff"]}))
        self.assertEqual((first["status"], first["state"]), ("accepted", "pending"))
        self.assertEqual(front.submit(self.comment(1))["status"], "duplicate")
        self.assertEqual(front.report(self.site, "1", "reader", note="bad")["status"], "counted")
        self.assertEqual(front.article(self.site, {"id": "a"}, closed=True)["status"], "stored")
        self.assertIn("reasons", front.policy(self.site)["policy"])
        self.assertEqual(front.withdraw(self.site, "1")["seq"], 1)
        self.assertEqual(front.confirm(self.site, "web", 1)["lag"], 0)
        found = front.status(self.site, ["1", "2"])
        self.assertEqual([one["status"] for one in found], ["found", "not_found"])
        self.assertIsInstance(found[1]["error"], FinalError)

    def test_errors_have_their_class_and_field(self):
        front = self.client()
        front.submit(self.comment(1))
        for kind, field, wrong in ((FixError, "comments[0].body", self.comment(2, body="")),
                                   (FinalError, None, self.comment(1, body="another")),
                                   (FixError, "comments[0].author.name", self.comment(2, author={"name": 7})),
                                   (FixError, "comments[0].body", self.comment(2, body="x" * 70_000)),
                                   (FixError, "comments[0].body", self.comment(2, body="\ud800"))):
            with self.subTest(field), self.assertRaises(kind) as caught:
                front.submit(wrong)
            if field:
                self.assertEqual(caught.exception.field, field)
            self.assertFalse(caught.exception.keep)

    def test_the_deepest_that_is_sent_is_the_deepest_that_is_taken(self):
        deep = {}
        for _ in range(11):
            deep = {"d": deep}
        self.assertEqual(self.client().submit(self.comment(extra={"x": deep}))["status"], "accepted")

    def test_fields_name_the_callers_places_in_any_batch(self):
        comments = [self.comment(i, body="" if i in (3, 400) else "x") for i in range(600)]
        found = self.client().submit_many(comments)
        self.assertEqual({one["error"].field for one in found if "error" in one}, {"comments[3].body", "comments[400].body"})
        self.assertEqual(sum(one["status"] == "accepted" for one in found), 598)

    def test_large_comments_are_cut_into_messages(self):
        found = self.client().submit_many([self.comment(i, body="ü" * 30_000) for i in range(60)])
        self.assertEqual({one["status"] for one in found}, {"accepted"})

    def test_a_traceparent_stands_on_the_card(self):
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        self.client().submit(self.comment(1), traceparent=trace)
        self.assertEqual(find(self.ann.show(self.site, "1"), "extra"), {"traceparent": trace})

    def test_a_fork_uses_a_socket_of_its_own(self):
        front = self.client()
        front.submit(self.comment(1))
        self.assertEqual(in_child(lambda: [front.submit(self.comment(2))["status"], front.submit(self.comment(1))["status"]]),
                         ["accepted", "duplicate"])
        self.assertEqual(front.submit(self.comment(3))["status"], "accepted")

    def test_decisions_do_not_go_on_in_a_fork(self):
        with Decisions(self.endpoint, self.site) as decisions:
            self.assertEqual(decisions.next(20).type, "level")
            self.assertIn("FixError", in_child(lambda: decisions.next(0.1)))
            self.assertIsNone(decisions.next(0.1))

    def test_pushes_arrive_and_go_on_in_a_fork(self):
        push = Push(self.daemon.endpoint("push"))
        push.submit(self.comment(1))
        self.assertEqual(in_child(lambda: [push.submit(self.comment(2)), push.close(5.0)]), [None, 0])
        push.withdraw(self.site, "3")
        self.assertEqual(push.close(5.0), 0)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            states = [one.get("state") for one in self.front.status(self.site, ["1", "2", "3"])]
            if states == ["pending", "pending", "withdrawn"]:
                return
            time.sleep(0.05)
        self.fail(states)

    def test_what_was_not_pushed_is_counted(self):
        push = Push(NOBODY, timeout=0.05)
        for i in range(1000):
            push.submit(self.comment(i))
        for i in range(2):
            with self.assertRaises(RetryError):
                push.submit(self.comment(i))
        self.assertEqual(push.close(0.05), 1002)

    def test_waiting_is_bounded_when_nobody_is_there(self):
        begin = time.monotonic()
        with self.assertRaises(RetryError) as caught:
            Front(NOBODY, timeout=0.7, attempt=0.2).withdraw(self.site, "1")
        self.assertEqual((caught.exception.name, caught.exception.keep), ("client_cannot_connect", True))
        self.assertLess(time.monotonic() - begin, 4)

    def test_bad_arguments_are_told(self):
        for make in (lambda: Front(None), lambda: Front(self.endpoint, timeout=0), lambda: Front("nonsense").hello(),
                     lambda: Decisions(self.endpoint, "s", credit=0), lambda: Decisions(self.endpoint, "s", hash=b"short"),
                     lambda: Decisions(self.endpoint, "s", after=1, place=FilePlace("/tmp/x"))):
            with self.assertRaises(FixError) as caught:
                make()
            self.assertEqual(caught.exception.name, "client_bad_argument")


def find(value, key):
    """The first value under that key, however deep."""
    if isinstance(value, dict) and key in value:
        return value[key]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for one in inner if (found := find(one, key)) is not None), None)


class Curve(Sites):
    def key_file(self, name, **options):
        key = self.daemon.add_key(name, "front", **options)
        path = os.path.join(self.dir, name + ".key")
        keys.write(path, key)
        return Key.load(path)

    def test_a_key_opens_the_door_that_its_file_names(self):
        key = self.key_file("web")
        with Front(key=key) as front:
            self.assertEqual(front.submit(self.comment(1))["status"], "accepted")
        with Push(key=key) as push:
            push.submit(self.comment(2))
            self.assertEqual(push.close(5.0), 0)
        with Decisions(None, self.site, key=key, live=False) as decisions:
            self.assertEqual([event.type for event in decisions], ["level", "end"])

    def test_a_key_is_denied_what_is_not_its_own(self):
        with Front(key=self.key_file("other", sites=["elsewhere"])) as front:
            with self.assertRaises(DeniedError):
                front.submit(self.comment(1))
            with self.assertRaises(DeniedError):
                front.withdraw(self.site, "1")

    def test_a_key_that_nobody_knows_cannot_connect(self):
        stranger = keys.make(server=self.daemon.server_key(), front=self.daemon.tcp["front"])
        path = os.path.join(self.dir, "stranger.key")
        keys.write(path, stranger)
        begin = time.monotonic()
        with self.assertRaises(RetryError) as caught:
            Front(key=Key.load(path), timeout=3.0, attempt=1.0).hello()
        self.assertEqual(caught.exception.name, "client_cannot_connect")
        self.assertIn("does not let this key in", caught.exception.message)
        self.assertLess(time.monotonic() - begin, 7)
        async def ask():
            await aio.Front(key=Key.load(path), timeout=1.0, attempt=0.3).hello()
        with self.assertRaises(RetryError) as caught:
            run(ask())
        self.assertEqual(caught.exception.name, "client_cannot_connect")


class Streams(Sites):
    def test_a_place_is_where_the_next_listener_begins(self):
        self.withdraw(1, 2, 3)
        path = os.path.join(self.dir, self.site)
        with Decisions(self.endpoint, self.site, place=FilePlace(path)) as decisions:
            for seq in (1, 2):
                self.assertEqual(decisions.next(5).record["seq"], seq)
                decisions.recorded()
            self.assertEqual(decisions.next(5).record["seq"], 3)          # handed out, but not recorded
        with Decisions(self.endpoint, self.site, place=FilePlace(path), live=False) as decisions:
            self.assertEqual([event.record and event.record["seq"] for event in decisions], [3, None, None])

    def test_run_applies_each_record_and_stops(self):
        self.withdraw(1, 2)
        applied = []
        with Decisions(self.endpoint, self.site) as decisions:
            threading.Timer(0.3, lambda: self.withdraw(3)).start()

            def apply(record):
                applied.append(record["seq"])
                if record["seq"] == 3:
                    decisions.stop()

            decisions.run(apply)
        self.assertEqual(applied, [1, 2, 3])

    def test_run_rolls_back_what_could_not_be_applied(self):
        self.withdraw(1, 2)
        connection = sqlite3.connect(os.path.join(self.dir, "shown"))
        connection.execute("CREATE TABLE shown (seq)")
        place = SqlPlace(connection)
        place.create()

        def apply(record):
            connection.execute("INSERT INTO shown VALUES (?)", (record["seq"],))
            if record["seq"] == 2:
                raise ZeroDivisionError

        for _ in range(2):
            with Decisions(self.endpoint, self.site, place=place) as decisions, self.assertRaises(ZeroDivisionError):
                decisions.run(apply)
        self.assertEqual(connection.execute("SELECT seq FROM shown").fetchall(), [(1,)])
        self.assertEqual(place.load(self.site).seq, 1)
        connection.close()

    def test_run_begins_anew_with_the_record_that_could_not_be_applied(self):
        self.withdraw(1, 2, 3)

        applied, broken = [], []

        def apply(record):
            if record["seq"] == 2 and not broken:
                broken.append(record)
                raise ZeroDivisionError
            applied.append(record["seq"])

        with Decisions(self.endpoint, self.site, live=False) as decisions:
            with self.assertRaises(ZeroDivisionError):
                decisions.run(apply)
            decisions.run(apply)
        self.assertEqual(applied, [1, 2, 3])

    def test_another_past_is_diverged(self):
        self.withdraw(1)
        with Decisions(self.endpoint, self.site, after=1, hash=bytes(32)) as decisions:
            event = decisions.next(5)
            self.assertEqual((event.type, event.error.name, event.error.detail["newest"]), ("failed", "diverged", 1))
            with self.assertRaises(FinalError):
                decisions.run(print)

    def test_a_small_credit_is_enough_for_many_records(self):
        self.withdraw(*range(50))
        with Decisions(self.endpoint, self.site, credit=3, live=False) as decisions:
            seen = []
            decisions.run(lambda record: seen.append(record["seq"]))
        self.assertEqual(seen, list(range(1, 51)))

    def test_a_listener_is_known_by_its_name(self):
        self.withdraw(1, 2)
        with Decisions(self.endpoint, self.site, listener="web-1") as decisions:
            def is_known():
                if (event := decisions.next(0.1)) and event.type == "record":
                    decisions.recorded()
                return '"web-1"' in self.daemon.run_modq("stats", "--json").stdout
            eventually(is_known, 20)


class Restarts(WithDirectory):
    """What happens while the daemon is away."""

    def test_a_submit_waits_for_a_daemon_that_comes_back(self):
        with Daemon() as daemon:
            front = Front(daemon.endpoint("front"), timeout=20, attempt=0.3)
            self.assertIn(front.submit(comment(1))["status"], TAKEN)
            daemon.kill()
            timer = threading.Timer(0.5, daemon.start)
            timer.start()
            self.assertIn(front.submit(comment(2))["status"], TAKEN)
            timer.join()
            self.assertEqual(front.status("news", ["2"])[0]["state"], "pending")
            front.close()

    def test_many_tasks_get_their_answers_though_the_daemon_is_killed(self):
        async def submit_all(daemon):
            async with aio.Front(daemon.endpoint("front"), timeout=30, attempt=0.5) as front:
                tasks = [asyncio.create_task(front.submit(comment(i))) for i in range(1200)]
                await asyncio.sleep(0.05)
                await asyncio.to_thread(daemon.kill)
                await asyncio.to_thread(daemon.start)
                return await asyncio.gather(*tasks)
        with Daemon() as daemon:
            found = run(submit_all(daemon))
            self.assertLessEqual({one["status"] for one in found}, TAKEN)
            with Front(daemon.endpoint("front")) as front:
                self.assertEqual({one["status"] for one in front.status("news", [str(i) for i in range(1200)])}, {"found"})

    def test_decisions_go_on_after_the_daemon_was_killed(self):
        with Daemon() as daemon, Decisions(daemon.endpoint("front"), "news") as decisions:
            daemon.front().withdraw("news", "1")
            seen = []
            for round in range(3):
                while len(seen) < round + 1:
                    event = decisions.next(20)
                    self.assertIsNotNone(event)
                    if event.type == "record":
                        seen.append(event.record["seq"])
                        decisions.recorded()
                daemon.kill()
                daemon.start()
                daemon.front().withdraw("news", str(round + 2))
            self.assertEqual(seen, [1, 2, 3])

    def test_a_worker_that_is_killed_applies_each_record_once(self):
        program = (
            "import sys, sqlite3; sys.path.insert(0, sys.argv[1]); import modqd\n"
            "db = sqlite3.connect(sys.argv[3]); place = modqd.SqlPlace(db); place.create()\n"
            "db.execute('CREATE TABLE IF NOT EXISTS applied (seq INTEGER)')\n"
            "def apply(record):\n"
            "    db.execute('INSERT INTO applied VALUES (?)', (record['seq'],)); print(record['seq'], flush=True)\n"
            "modqd.Decisions(sys.argv[2], 'news', place=place, live=False).run(apply)\n")
        with Daemon() as daemon:
            front = daemon.front()
            for i in range(300):
                front.withdraw("news", str(i))
            command = [sys.executable, "-B", "-c", program, os.path.dirname(helpers.HERE), daemon.endpoint("front"),
                       self.path("db")]
            for round in range(5):
                worker = subprocess.Popen(command, stdout=subprocess.PIPE)
                for _ in range(20 + 7 * round):
                    worker.stdout.readline()
                os.kill(worker.pid, signal.SIGKILL)
                worker.communicate(timeout=20)
            subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
        with sqlite3.connect(self.path("db")) as database:
            applied = [seq for seq, in database.execute("SELECT seq FROM applied")]
        database.close()
        self.assertEqual(applied, list(range(1, 301)))

    def test_an_outbox_is_flushed_when_the_daemon_is_back(self):
        with Daemon() as daemon:
            daemon.kill()
            box, front = FileOutbox(self.path("box")), Front(daemon.endpoint("front"), timeout=0.5, attempt=0.2)
            box.keep("submit", {"comment": comment(1)})
            box.keep("submit", {"comment": comment(2, body="")})
            box.keep("withdraw", {"site": "news", "comment": "1"})
            self.assertEqual(box.flush(front)[:2], (0, 3))
            front.close()
            daemon.start()
            front = Front(daemon.endpoint("front"), timeout=20)
            flushed = box.flush(front)
            self.assertEqual((flushed.sent, flushed.left, [one.error.name for one in flushed.refused]), (2, 0, ["too_short"]))
            self.assertEqual(front.status("news", ["1"])[0]["state"], "withdrawn")
            front.close()


class Asyncio(Sites):
    def test_every_operation_is_answered(self):
        async def ask():
            async with aio.Front(self.endpoint) as front:
                await front.hello()
                return [(await front.submit(self.comment(1)))["status"], (await front.submit_many([self.comment(1)]))[0]["status"],
                        (await front.report(self.site, "1", "r"))["status"],
                        (await front.article(self.site, {"id": "a"}))["status"],
                        (await front.withdraw(self.site, "1"))["seq"], (await front.confirm(self.site, "web", 1))["lag"],
                        (await front.status(self.site, ["1"]))[0]["state"], "policy" in await front.policy(self.site)]
        self.assertEqual(run(ask()), ["accepted", "duplicate", "counted", "stored", 1, 0, "withdrawn", True])

    def test_a_front_follows_its_user_into_another_loop_and_a_fork(self):
        front = aio.Front(self.endpoint)
        self.assertEqual(run(front.submit(self.comment(1)))["status"], "accepted")
        self.assertEqual(run(front.submit(self.comment(2)))["status"], "accepted")
        self.assertEqual(in_child(lambda: run(front.submit(self.comment(3)))["status"]), "accepted")
        self.assertEqual(run(front.submit(self.comment(4)))["status"], "accepted")

    def test_no_connection_is_missed(self):
        async def ask():
            for _ in range(150):
                begin = time.monotonic()
                async with aio.Front(self.endpoint, timeout=10, attempt=10) as front:
                    await front.hello()
                self.assertLess(time.monotonic() - begin, 9)          # one that is missed takes ten seconds
        run(ask())

    def test_a_cancelled_request_harms_no_other(self):
        async def ask():
            async with aio.Front(self.endpoint) as front:
                tasks = [asyncio.create_task(front.submit(self.comment(i))) for i in range(40)]
                await asyncio.sleep(0)
                for task in tasks[::2]:
                    task.cancel()
                done = await asyncio.gather(*tasks, return_exceptions=True)
                return [type(one).__name__ for one in done[::2]], [one["status"] for one in done[1::2]]
        self.assertEqual(run(ask()), (["CancelledError"] * 20, ["accepted"] * 20))

    def test_decisions_are_applied_and_their_place_may_be_a_coroutine(self):
        self.withdraw(1, 2)
        class Place:
            kept = {}

            async def load(self, site):
                await asyncio.sleep(0)
                return self.kept.get(site)

            async def save(self, site, position):
                await asyncio.sleep(0)
                self.kept[site] = position

        async def listen(place, live):
            seen = []
            async with aio.Decisions(self.endpoint, self.site, place=place, live=live) as decisions:
                async def apply(record):
                    seen.append(record["seq"])
                    if record["seq"] == 3:
                        decisions.stop()
                await decisions.run(apply)
            return seen

        for place in (Place(), FilePlace(os.path.join(self.dir, self.site))):
            self.assertEqual(run(listen(place, False)), [1, 2])
        threading.Timer(0.3, lambda: self.withdraw(3)).start()
        self.assertEqual(run(listen(Place(), True)), [3])

    def test_run_begins_anew_with_the_record_that_could_not_be_applied(self):
        self.withdraw(1, 2, 3)
        applied, broken = [], asyncio.Event()

        async def apply(record):
            if record["seq"] == 2 and not broken.is_set():
                broken.set()
                await asyncio.sleep(60)              # until it is cancelled
            applied.append(record["seq"])

        async def listen():
            async with aio.Decisions(self.endpoint, self.site, live=False) as decisions:
                running = asyncio.create_task(decisions.run(apply))
                await broken.wait()
                running.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await running
                await decisions.run(apply)
        run(listen())
        self.assertEqual(applied, [1, 2, 3])

    def test_an_outbox_is_flushed(self):
        async def flush():
            box = aio.FileOutbox(os.path.join(self.dir, self.site))
            await box.keep("submit", {"comment": self.comment(1)})
            await box.keep("submit", {"comment": self.comment(2, body="")})
            async with aio.Front(self.endpoint) as front:
                flushed = await box.flush(front)
            return flushed.sent, flushed.left, len(flushed.refused), await box.count(), len(await box.refused())
        self.assertEqual(run(flush()), (1, 0, 1, 0, 1))

    def test_what_an_outbox_set_aside_is_tried_again(self):
        async def flush():
            box = aio.FileOutbox(os.path.join(self.dir, self.site))
            await box.keep("submit", {"comment": self.comment(1, body="")})
            async with aio.Front(self.endpoint) as front:
                await box.flush(front)
                back, count = await box.retry_refused(), await box.count()
                flushed = await box.flush(front)
            return back, count, flushed.sent, len(flushed.refused), len(await box.refused())
        self.assertEqual(run(flush()), (1, 1, 0, 1, 1))

    def test_one_flushes_an_outbox_at_a_time_and_leaves_a_small_file(self):
        path = os.path.join(self.dir, self.site)
        other = FileOutbox(path)

        async def flush():
            box = aio.FileOutbox(path)
            await box.keep("submit", {"comment": self.comment(1)})
            await box.keep("submit", {"comment": self.comment(2, body="")})
            async with aio.Front(self.endpoint) as front:
                self.assertTrue(other.begin())
                meanwhile = await box.flush(front)
                other.end()
                afterwards = await box.flush(front)
            await box.forget_refused()
            return (meanwhile.sent, meanwhile.left), (afterwards.sent, afterwards.left), len(await box.refused())
        self.assertEqual(run(flush()), ((0, 2), (1, 0), 0))
        self.assertTrue(other.begin())
        other.end()
        self.assertLess(os.path.getsize(path), 100)

    def test_pushes_are_counted(self):
        async def push():
            async with aio.Push(self.daemon.endpoint("push")) as good:
                await good.submit(self.comment(1))
                await good.report(self.site, "1", "r")
                unsent = [await good.close(5)]
            bad = aio.Push(NOBODY, timeout=0.05)
            for i in range(1000):
                await bad.submit(self.comment(i))
            with self.assertRaises(RetryError):
                await bad.withdraw(self.site, "1")
            return unsent + [await bad.close(0.05)]
        self.assertEqual(run(push()), [0, 1001])


class Liars(WithDirectory):
    """Peers that are no daemon."""

    def ask(self, reply):
        """What both fronts say to such an answer."""
        liar = Liar(self.dir, reply)
        self.addCleanup(liar.end)
        told = []
        for ask in (lambda: Front(liar.endpoint, timeout=2.0, attempt=0.9).withdraw("news", "1"),
                    lambda: run(aio.Front(liar.endpoint, timeout=2.0, attempt=0.9).withdraw("news", "1"))):
            begin = time.monotonic()
            try:
                told.append(ask()["status"])
            except (LocalError, FixError, RetryError) as error:
                told.append(error.name)
            self.assertLess(time.monotonic() - begin, 8)
        return told

    def answer(self, request, **more):
        return msgpack.packb({"v": 1, "id": request["id"], "op": "withdraw", "ok": True, "status": "withdrawn", **more})

    def test_an_honest_one_is_believed(self):
        self.assertEqual(self.ask(lambda request: [self.answer(request)]), ["withdrawn"] * 2)

    def test_garbage_is_a_bad_reply(self):
        for name, frames in (("one", [b"\xc1"]), ("two", [b"\x80", b"\x80"]), ("list", [b"\x90"]), ("deep", [b"\x91" * 3000])):
            with self.subTest(name):
                self.dir = self.path(name)
                os.mkdir(self.dir)
                self.assertEqual(self.ask(lambda request: frames), ["client_bad_reply"] * 2)
                self.dir = os.path.dirname(self.dir)

    def test_silence_and_answers_to_something_else_end_in_time(self):
        for name, reply in (("silent", lambda request: None), ("true", lambda request: [self.answer(request, id=True)]),
                            ("other", lambda request: [self.answer(request, id=4711)]),
                            ("list", lambda request: [self.answer(request, id=[1])])):
            with self.subTest(name):
                self.dir = self.path(name)
                os.mkdir(self.dir)
                self.assertEqual(self.ask(reply), ["client_timeout"] * 2)
                self.dir = os.path.dirname(self.dir)

    def test_a_pause_of_ages_is_waited_for(self):
        liar = Liar(self.dir, lambda request: [msgpack.packb({"v": 1, "id": request["id"], "op": "stream", "ok": False, "error": {
            "number": 1, "name": "busy", "class": "retry", "message": "", "retry_after_ms": 2**53 - 1}})])
        self.addCleanup(liar.end)
        with Decisions(liar.endpoint, "news") as decisions:
            with mock.patch("modqd.decisions.time.sleep", side_effect=KeyboardInterrupt) as sleep, self.assertRaises(KeyboardInterrupt):
                decisions.next()
        self.assertLessEqual(sleep.call_args.args[0], 3600)

    def test_a_refusal_without_an_id_is_for_the_only_request(self):
        wrong = helpers.refusal("malformed", 20, "fix")
        self.assertEqual(self.ask(lambda request: [msgpack.packb({**wrong, "id": None})]), ["malformed"] * 2)


if __name__ == "__main__":
    unittest.main()
