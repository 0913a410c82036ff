"""What search costs and how fast it is: a part of tests/bench/run."""
import os
import shutil
import statistics
import time

import index_file
import modq

SIZES = (100_000, 1_000_000)
SHAPES = ((8, 1), (8, 64))  # clients x requests in flight
TIMES = 20                  # that each text is looked for
WORDS = (("a rare word", "quizzical"), ("a common word", "thing"), ("a rare word in Arabic", "محفوظات"),
         ("a piece of Arabic", "المت"), ("two letters", "qz"), ("two common letters", "ال"), ("what is nowhere", "xylophonist"))
OFF = "search = false\n"


def say(text=""):
    print(text, flush=True)


class Index:
    """Watches the index of a daemon grow."""

    def __init__(self, path):
        self.path = path

    def last(self):
        index = index_file.read(self.path)
        return index.blocks[-1][1] if index and index.blocks else 0

    def wait(self, events):
        """Seconds until all but the newest texts are in it."""
        start = time.monotonic()
        while self.last() + index_file.SPAN <= events:
            time.sleep(0.2)
        return time.monotonic() - start

    def bytes(self):
        return os.path.getsize(f"{self.path}/search.db")


def pages(desk, text):
    """Milliseconds of the first page, how many pages there are until 20 are found or nothing is left, and of all of these."""
    start, first, n, found, after = time.perf_counter(), None, 0, 0, None
    while found < 20:
        page = desk.call("search", text=text, after=after, limit=20 - found)
        first = first or (time.perf_counter() - start) * 1000
        n, found, after = n + 1, found + len(page["comments"]), page["next"]
        if after is None:
            break
    return first, n, (time.perf_counter() - start) * 1000, found


def indexing_rate(bench, path, count):
    """Texts a second, of an index that is made anew while nothing else happens."""
    process = bench.start_daemon(path)
    start, last = time.monotonic(), 0
    index = Index(path)
    while last + index_file.SPAN <= count and time.monotonic() - start < 120:
        time.sleep(0.1)
        if len(index_file.raw(path)) > bench.whole[count] * 0.8:
            last = index.last()
    took = time.monotonic() - start
    bench.stop(process)
    return count / took


def measure_queries(bench, sizes):
    bench.whole = {}
    for count in sizes:
        path = bench.fresh(f"search{count}")
        process = bench.start_daemon(path)
        start = time.monotonic()
        bench.part("fill", f"ipc://{path}/front.sock", 0, count, 1)
        filled = time.monotonic() - start
        behind = Index(path).wait(count)
        bench.stop(process)
        bench.whole[count] = Index(path).bytes()
        say()
        say(f"Search in {count:,} comments of 600 bytes: filled in {filled:.1f} s, the index whole {behind:.1f} s later, "
            f"{bench.whole[count] / count:.0f} kB for each 1,000")
        process = bench.start_daemon(path)
        say(f"{'':>24} {'first page ms':>14} {'':>14} {'pages':>6} {'all of them ms':>15} {'found':>6}")
        with modq.Desk(f"ipc://{path}/desk.sock", timeout_s=60) as desk:
            desk.hello()
            for name, text in WORDS:
                rounds = [pages(desk, text) for _ in range(TIMES)]
                times = [first for first, *_ in rounds]
                say(f"{name:>24} {statistics.median(times):14.1f} {f'{min(times):.1f}-{max(times):.1f}':>14} "
                    f"{rounds[-1][1]:6} {statistics.median(r[2] for r in rounds):15.1f} {rounds[-1][3]:6}")
        say(f"{'memory (RSS)':>24} {bench.rss_mib(process):14.1f} MiB")
        bench.stop(process)
        os.unlink(path / "search.db")
        say(f"{'index made anew':>24} {indexing_rate(bench, path, count):14,.0f} texts/s")
        shutil.rmtree(path)


def looking_share(process):
    """The part of the daemon's processor time that the thread took that searches and makes the index."""
    times = {}
    for task in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{task}/stat", encoding="utf-8") as file:
            name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        times[task, name] = sum(int(ticks) for ticks in rest.split()[11:13])
    return sum(time_ for (_, name), time_ in times.items() if name == "modqd-look") / max(1, sum(times.values()))


def intake(bench, clients, window, config):
    path = bench.fresh("intake")
    (path / "modqd.conf").write_text(config)
    process = bench.start_daemon(path, "--config", path / "modqd.conf")
    figures = bench.part("load", f"ipc://{path}/front.sock", clients, window, bench.seconds, 0, 1, 1)
    share = looking_share(process)
    bench.stop(process)
    return figures[0], share


def measure_intake(bench, rounds):
    """With and without, one after the other in each round; so do two without, which tells how much is chance."""
    say()
    say("Intake with search on, beside the same without (comments a second, medians; ratios within a round)")
    say(f"{'clients x in flight':>20} {'off/s':>10} {'on/s':>10} {'on/off':>8} {'':>12} {'off/off':>8} {'':>12} {'its share':>9}")
    for clients, window in SHAPES:
        got = {"off": [], "on": [], "again": []}
        for i in range(rounds):
            order = ["off", "on", "again"] if i % 2 else ["again", "on", "off"]
            for which in order:
                got[which].append(intake(bench, clients, window, "" if which == "on" else OFF))
        shares = [share for _, share in got["on"]]
        got = {which: [rate for rate, _ in rates] for which, rates in got.items()}
        ratios = [on / off for on, off in zip(got["on"], got["off"])]
        chance = [again / off for again, off in zip(got["again"], got["off"])]
        say(f"{f'{clients} x {window}':>20} {statistics.median(got['off']):10,.0f} {statistics.median(got['on']):10,.0f} "
            f"{statistics.median(ratios):8.2f} {f'{min(ratios):.2f}-{max(ratios):.2f}':>12} "
            f"{statistics.median(chance):8.2f} {f'{min(chance):.2f}-{max(chance):.2f}':>12} "
            f"{statistics.median(shares):9.1%}")
    say("off/off: two without search, which tells how much is chance. its share: of the daemon's processor time, what the")
    say("thread took that makes the index.")


def measure_search(bench, rounds, sizes=SIZES):
    measure_intake(bench, rounds)
    measure_queries(bench, sizes)
