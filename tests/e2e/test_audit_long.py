"""`modq audit verify` on a long history, while new events come in."""
# alone: compares latencies
# plain: in a sanitized build latencies say nothing, and test_audit_verify goes through the same code
# time-limit: 300
import statistics
import threading
import time
import unittest

import tap
from cases import event
from daemon import Daemon
from tamper import verify

DONE = 0


class Long(unittest.TestCase):
    """A long history: verify goes through it in portions, beside what else the daemon has to do."""

    EVENTS, BATCH, SUBMITS, RUNS = 60_000, 500, 300, 5

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(lambda: cls.daemon.__exit__(None))
        cls.daemon.start()
        cls.front = cls.daemon.front()
        for start in range(0, cls.EVENTS, cls.BATCH):
            cls.front.submit([event(f"site-{n % 7}", str(n)) for n in range(start, start + cls.BATCH)])

    def submits(self, number, until=lambda: False):
        """How long acknowledgements take, in ms."""
        taken = []
        for n in range(number):
            if until():
                break
            start = time.perf_counter()
            self.front.submit([event("live", f"{number}-{n}-{time.time_ns()}")])
            taken.append((time.perf_counter() - start) * 1000)
            time.sleep(0.002)
        return taken

    def beside(self):
        """Submits while modq audit verify runs again and again: what it said, events per second, and how long they took."""
        told, rates = [], []

        def run():
            for _ in range(self.RUNS):
                start = time.perf_counter()
                told.append(verify(self.daemon))
                rates.append(told[-1][2]["events"] / (time.perf_counter() - start))
        thread = threading.Thread(target=run)
        thread.start()
        taken = self.submits(100_000, lambda: not thread.is_alive())
        thread.join()
        return told, rates, taken

    def test_new_events_come_in_while_it_goes_through_and_hardly_wait_longer(self):
        p99 = lambda taken: statistics.quantiles(taken, n=100)[98]
        quiet, busy, rates = [], [], []
        for _ in range(3):
            quiet.append(p99(self.submits(self.SUBMITS)))
            told, speeds, taken = self.beside()
            self.assertEqual({(code, len(faults)) for code, faults, _ in told}, {(DONE, 0)})
            events = [end["events"] for _, _, end in told]
            self.assertEqual((events, events[0] > self.EVENTS), (sorted(set(events)), True), "nothing came in meanwhile")
            busy.append(p99(taken))
            rates += speeds
        rate, before, beside = (statistics.median(figures) for figures in (rates, quiet, busy))
        print(f"# {rate:,.0f} events/s; p99 of a submit {before:.2f} ms before, {beside:.2f} ms beside it")
        self.assertLess(beside, 5 * before + 5)
        self.assertGreater(rate, 5000)

    def test_portions_of_any_length_find_the_same(self):
        desk = self.daemon.desk()
        for limit in (1000, 4999):
            last, answer = 0, {"hash": None, "done": False}
            while not answer["done"]:
                answer = desk.call("verify", after=last, hash=answer["hash"], counts=answer.get("counts"), limit=limit)
                self.assertEqual(answer["faults"], [])
                self.assertLessEqual(answer["last"] - last, limit)
                last = answer["last"]
            self.assertEqual(last, answer["newest"])


if __name__ == "__main__":
    tap.main()
