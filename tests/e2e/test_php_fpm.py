"""The PHP client in the pages of a real PHP-FPM pool: whatever the daemon does, no worker gets stuck, and none grows."""
# time-limit: 240
# waits: for time-outs and heartbeats
# plain: the client is not C, and the daemon does the same for conformance_c
import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import zmq

import tap
from cases import eventually
from daemon import ROOT, Daemon
from fpm import NoAnswer, Pool, program

PAGE = os.path.join(ROOT, "tests/data/php_fpm/page.php")
CLIENT = os.path.join(ROOT, "clients/php")
WORKERS = 4
SLACK_S = 3.0             # for a machine that does other things besides; a worker that is stuck never answers
TIMES_OUT_S = 1.0
UNHURRIED = {"timeout": 18.0, "attempt": 15.0}     # a repeat of what is only slow would be a duplicate


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def at_rest(pid):
    """Descriptors and threads of a worker that has just answered: it hangs up a little later."""
    seen = []

    def stays():
        seen.append((descriptors(pid), threads(pid)))
        return seen[-25:].count(seen[-1]) == 25
    eventually(stays, timeout=20)
    return seen[-1]


def comes_to_rest(pid, before):
    """Waits until a worker has no more descriptors and threads than before."""
    eventually(lambda: descriptors(pid) <= before[0] and threads(pid) <= before[1], timeout=20)


class SlowDoor:
    """Stands before the daemon's front socket, and holds every message back for a while."""

    def __init__(self, directory, endpoint, delay_s):
        self.endpoint = f"ipc://{directory}/slow.sock"
        self._behind, self._delay_s = endpoint, delay_s
        self._over = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        context = zmq.Context()
        outside, waiting, behind = context.socket(zmq.ROUTER), [], {}
        outside.bind(self.endpoint)
        self._ready.set()
        while not self._over.is_set():
            if outside.poll(10):
                peer, body = outside.recv_multipart()
                waiting.append((time.monotonic() + self._delay_s, peer, body))
            while waiting and waiting[0][0] <= time.monotonic():
                _, peer, body = waiting.pop(0)
                if peer not in behind:
                    behind[peer] = context.socket(zmq.DEALER)
                    behind[peer].connect(self._behind)
                behind[peer].send(body)
            for peer, dealer in behind.items():
                with contextlib.suppress(zmq.Again):
                    outside.send_multipart([peer, dealer.recv(zmq.DONTWAIT)])
        context.destroy(linger=0)


@unittest.skipUnless(program(), "php-fpm is not installed")
class PhpFpmTest(unittest.TestCase):
    number = 0

    def setUp(self):
        self.open = contextlib.ExitStack()
        self.addCleanup(self.open.close)
        self.daemon = self.open.enter_context(Daemon())

    def pool(self, workers=WORKERS, *settings):
        self.fpm = self.open.enter_context(Pool(workers, settings))
        return self.fpm

    def get(self, front=None, timeout=5.0, patience=20, **query):
        PhpFpmTest.number += 1
        query = {"client": CLIENT, "front": front or self.daemon.endpoint("front"), "timeout": timeout,
                 "comment": f"c{PhpFpmTest.number}", **query}
        return json.loads(self.fpm.get(PAGE, query, patience).partition("}")[0] + "}")

    def many(self, count, **query):
        """Pages asked for at the same time."""
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.get(**query), range(count)))

    def all_workers_answer(self):
        """Pages that keep their workers for a while, so that each worker gets one, sooner or later."""
        workers, answered = set(self.fpm.pids()), set()
        self.assertEqual(len(workers), WORKERS)
        with SlowDoor(self.daemon.dir, self.daemon.endpoint("front"), 0.3) as door:
            for _ in range(10):
                answers = self.many(WORKERS, front=door.endpoint, **UNHURRIED)
                self.assertEqual({answer["told"] for answer in answers}, {"accepted"}, answers)
                answered |= {answer["pid"] for answer in answers}
                if workers <= answered:
                    break
        self.assertEqual(answered, workers)

    def told_in_time(self, answers, name):
        for answer in answers:
            self.assertEqual(answer["told"], name)
            self.assertLess(answer["seconds"], TIMES_OUT_S + SLACK_S)

    def test_a_page_hands_in_a_comment(self):
        self.pool()
        answers = self.many(8)
        self.assertEqual([answer["told"] for answer in answers], ["accepted"] * 8)
        tap.comment(f"seconds: {sorted(round(answer['seconds'], 3) for answer in answers)}")
        self.all_workers_answer()

    def test_a_thousand_pages_leave_no_descriptor_and_no_thread(self):
        self.pool(1)
        [worker] = self.fpm.pids()
        for _ in range(10):
            self.get()
        before = at_rest(worker)
        for i in range(1000):
            self.assertEqual(self.get(end="exit" if i % 2 else "return")["pid"], worker)
        comes_to_rest(worker, before)
        tap.comment(f"one worker after 1,010 pages: {before[0]} descriptors, {before[1]} threads, as after 10")

    def test_pages_without_a_daemon_leave_no_descriptor(self):
        self.pool(1)
        [worker] = self.fpm.pids()
        self.daemon.kill()
        self.get(timeout=0.05)
        before = at_rest(worker)
        for _ in range(100):
            self.assertEqual(self.get(timeout=0.05, attempt=0.02)["told"], "client_cannot_connect")
        comes_to_rest(worker, before)

    def test_a_daemon_that_is_killed_costs_its_time_out_and_no_worker(self):
        self.pool()
        self.many(WORKERS)
        self.daemon.kill()
        self.told_in_time(self.many(2 * WORKERS, timeout=TIMES_OUT_S), "client_cannot_connect")
        self.daemon.start()
        self.all_workers_answer()

    def test_a_daemon_that_is_killed_under_way_and_comes_back_is_not_noticed(self):
        self.pool()
        os.kill(self.daemon.pid, signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(1) as one:
            answers = one.submit(self.many, WORKERS, timeout=10.0, attempt=8.0)
            time.sleep(0.5)
            self.daemon.kill()
            self.daemon.start()
            told = answers.result(30)
        self.assertEqual([answer["told"] for answer in told], ["accepted"] * WORKERS, told)
        tap.comment(f"answered after {max(answer['seconds'] for answer in told):.2f} s")
        # Nobody waited for the end of the attempt.
        self.assertLess(max(answer["seconds"] for answer in told), 8.0)

    def test_a_daemon_that_is_stopped_costs_its_time_out_and_no_worker(self):
        self.pool()
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            answers = self.many(2 * WORKERS, timeout=TIMES_OUT_S, attempt=0.4)
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)
        # The system connects for it, but it does not shake hands: nothing was sent.
        self.told_in_time(answers, "client_cannot_connect")
        self.all_workers_answer()

    def test_a_daemon_that_is_slow_is_waited_for(self):
        self.pool()
        with SlowDoor(self.daemon.dir, self.daemon.endpoint("front"), 0.5) as door:
            self.assertEqual([answer["told"] for answer in self.many(2 * WORKERS, front=door.endpoint, **UNHURRIED)],
                             ["accepted"] * 2 * WORKERS)

    def test_a_daemon_that_is_too_slow_costs_its_time_out_and_no_worker(self):
        self.pool()
        with SlowDoor(self.daemon.dir, self.daemon.endpoint("front"), 0.8) as door:
            answers = self.many(2 * WORKERS, front=door.endpoint, timeout=TIMES_OUT_S, attempt=0.4)
        self.told_in_time(answers, "client_timeout")
        self.all_workers_answer()

    def test_no_page_waits_longer_than_max_execution_time(self):
        self.pool(1, "php_admin_value[max_execution_time] = 1")
        self.daemon.kill()
        answer = self.get(timeout=30.0)
        self.assertEqual(answer["told"], "client_cannot_connect")
        self.assertLess(answer["seconds"], 1 + SLACK_S)

    def test_a_worker_that_is_killed_under_way_hurts_nobody(self):
        self.pool()
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            with concurrent.futures.ThreadPoolExecutor(1) as one:
                page = one.submit(self.get, comment="killed", timeout=10.0)
                killed, = eventually(lambda: [pid for pid in self.fpm.pids() if threads(pid) > 1], timeout=10)    # it waits
                os.kill(killed, signal.SIGKILL)
                with self.assertRaises(NoAnswer):
                    page.result(20)
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)
        self.fpm.await_workers(but=killed)
        self.assertIn(self.get(comment="killed")["told"], ("accepted", "duplicate"))
        self.all_workers_answer()

    def however(self, end, count):
        self.pool(WORKERS, "php_admin_value[memory_limit] = 64M")
        answers = self.many(count, end=end, patience=60)
        self.assertEqual([answer["told"] for answer in answers], ["accepted"] * count)
        self.all_workers_answer()

    def test_a_worker_outlives_a_page_that_exits(self):
        self.however("exit", 3 * WORKERS)

    def test_a_worker_outlives_a_page_that_throws(self):
        self.however("throw", 3 * WORKERS)

    def test_a_worker_outlives_a_page_without_memory(self):
        self.however("memory", 3 * WORKERS)

    def test_a_worker_outlives_a_page_that_takes_too_long(self):
        self.however("time", WORKERS)

    def test_php_zmq_alone_hangs_where_this_client_does_not(self):
        """Why clients/php chooses the ids of its sockets. When this fails, it need not any more."""
        naive = ("$hole = new stdClass; $context = new ZMQContext(1, false); unset($hole);"
                 "$socket = new ZMQSocket($context, ZMQ::SOCKET_DEALER); $socket->setSockOpt(ZMQ::SOCKOPT_LINGER, 0);"
                 "class Kept { static $all; } Kept::$all = [$context, $socket, &Kept::$all];"
                 "echo spl_object_id($socket) < spl_object_id($context) ? 'below' : 'above';")
        with tempfile.TemporaryFile() as output, subprocess.Popen(["php", "-r", naive], stdout=output) as php:
            try:
                eventually(lambda: os.fstat(output.fileno()).st_size, timeout=20)
                with self.assertRaises(subprocess.TimeoutExpired):
                    php.wait(3)
            finally:
                php.kill()
            output.seek(0)
            self.assertEqual(output.read(), b"below")


if __name__ == "__main__":
    tap.main()
