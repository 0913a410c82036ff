"""A good client beside a fixed rate of attack: handshakes that end half-way, keys that nobody knows, garbage, huge messages."""
# alone: compares latencies
# plain: in a sanitized build latencies say nothing, and test_hostile sends the same
# time-limit: 300
import statistics
import time
import unittest

import keys
import tap
from cases import event, fresh
from daemon import Daemon
from flood import Flood, Mix
from modq import Raw, decode, encode

TCP = ("front", "decisions", "desk")


def p99(times):
    return sorted(times)[int(len(times) * 0.99)]


class Steady:
    """A good client that asks at fixed moments, whether the last answer is there or not. Milliseconds from those moments on."""

    RATE, COUNT = 200, 1200

    def __init__(self, daemon):
        self.raw = daemon.keep(Raw(daemon.tcp["front"], key=daemon.add_key("steady", "front", sites=["steady"])))

    def run(self):
        due, times, start = {}, [], time.monotonic() + 0.1
        while len(times) < self.COUNT:
            now, number = time.monotonic(), len(due)
            if number < self.COUNT and now >= start + number / self.RATE:
                due[number] = start + number / self.RATE
                self.raw.send(encode({"v": 1, "op": "submit", "id": number, "comments": [event("steady", fresh("s-"))]}))
                continue
            wait = start + number / self.RATE - now if number < self.COUNT else 10
            if frames := self.raw.receive(wait):
                reply = decode(frames[-1])
                assert reply["ok"] and reply["results"][0]["status"] == "accepted", reply
                times.append((time.monotonic() - due[reply["id"]]) * 1000)
            elif number == self.COUNT:
                raise AssertionError(f"{self.COUNT - len(times)} were not answered")
        return times


class Rate(unittest.TestCase):
    """A fixed rate of attack. Where the machine was too busy to make it, it is made again."""

    RUNS, TRIES = 3, 6

    def run_both(self, daemon, steady, path):
        """The ratio of p99 with the attack beside it and without; None when the attack was not made."""
        quiet = steady.run()
        with Flood("mix", daemon.tcp["front"], path) as flood:
            time.sleep(0.5)
            cpu, start = daemon.cpu(), time.monotonic()
            attacked = steady.run()
            share = (daemon.cpu() - cpu) / (time.monotonic() - start)
        rates = {name: flood.told.get(name, 0) / flood.told["seconds"] for name in Mix.RATES}
        made = ", ".join(f"{rate:.0f} {name}" for name, rate in rates.items())
        print(f"# quiet p50 {statistics.median(quiet):.2f} p99 {p99(quiet):.2f} ms; attacked p50 "
              f"{statistics.median(attacked):.2f} p99 {p99(attacked):.2f} ms: {p99(attacked) / p99(quiet):.2f} times; "
              f"{share:.0%} of a core; a second: {made}", flush=True)
        was_made = all(rate > Mix.RATES[name] * 0.8 for name, rate in rates.items())
        return p99(attacked) / p99(quiet) if was_made else None

    def test_good_clients_p99_stays_under_five_times_its_quiet_value(self):
        with Daemon(tcp=TCP, config="single_owner = true\n") as daemon:
            path = f"{daemon.dir}/attacker.key"
            keys.write(path, daemon.add_key("attacker", "front", sites=["elsewhere"]))
            steady = Steady(daemon)
            ratios, tries = [], 0
            while len(ratios) < self.RUNS and tries < self.TRIES:
                tries += 1
                ratios += [ratio for ratio in [self.run_both(daemon, steady, path)] if ratio is not None]
            self.assertEqual(len(ratios), self.RUNS, f"the attack was not made so often in {tries} tries")
            print(f"# median of the ratios: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
            self.assertLess(statistics.median(ratios), 5)


if __name__ == "__main__":
    tap.main()
