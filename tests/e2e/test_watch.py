"""`modq watch` runs its command once when the queue is late, once when it has recovered, and when the daemon is away."""
# waits: for what has waited for too long
# time-limit: 120
import contextlib
import os
import signal
import subprocess
import tempfile
import time

import tap
from cases import Case, eventually, fresh
from daemon import MODQ, ROOT, Daemon, children

ENDS_S = 30          # on a slow machine; a command may run for 60 s, and some of these do for 300
TELL = 'echo "$MODQ_STATE $MODQ_PENDING $MODQ_OLDEST_SECONDS $MODQ_SITE" >> "$TOLD"'


class Watch:
    """A running watch. `told` are the lines that its command wrote."""

    def __init__(self, daemon, *arguments, command=TELL):
        self.dir = tempfile.TemporaryDirectory()
        self.file = os.path.join(self.dir.name, "told")
        self.errors = os.path.join(self.dir.name, "errors")
        environment = {**os.environ, "TOLD": self.file, "MODQ_AS": "", "MODQ_STATE": "another"}
        with open(self.errors, "w") as errors:
            self.process = subprocess.Popen(
                [MODQ, "--dir", daemon.dir, "watch", "--every", "1", *arguments, "--exec", command], cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.dir.cleanup()

    def told(self):
        with contextlib.suppress(FileNotFoundError), open(self.file) as file:
            return [line.split(" ") for line in file.read().splitlines()]
        return []

    def states(self):
        return [line[0] for line in self.told()]

    def said(self):
        with open(self.errors) as file:
            return file.read()

    def end(self, number=signal.SIGTERM):
        """Its exit code, in time."""
        self.process.send_signal(number)
        return self.process.wait(ENDS_S)


def runs(pid):
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


class Watching(Case):
    def late(self, count=3):
        return [self.pending() for _ in range(count)]

    def test_late_and_recovered_are_told_once_each(self):
        with Watch(self.daemon, "--pending", "2", "--site", self.site) as watch:
            self.late(2)
            time.sleep(1.5)
            self.assertEqual(watch.told(), [])
            items = [*self.ann.list(site=self.site)["comments"], self.pending()]
            eventually(watch.told)
            self.assertEqual(watch.told()[0][:2] + watch.told()[0][3:], ["late", "3", self.site])
            self.ann.approve([{key: items[0][key] for key in ("site", "comment")}])
            time.sleep(1.5)
            self.assertEqual(watch.states(), ["late"])         # 2 is not well below 2
            self.ann.approve([{key: items[1][key] for key in ("site", "comment")}])
            eventually(lambda: len(watch.told()) == 2)
            self.assertEqual(watch.told()[1][:2], ["recovered", "1"])
            time.sleep(1.2)
            self.assertEqual(watch.end(), 0)
            self.assertEqual(watch.states(), ["late", "recovered"])
            self.assertRegex(watch.said(), r"modq: late: 3 pending \(limit 2\), .*; running the command\n"
                                           r"modq: recovered: 1 pending")

    def test_age_is_a_limit_and_other_sites_do_not_count(self):
        self.late()
        quiet, came = fresh("site-"), time.monotonic()
        self.pending(site=quiet)
        with Watch(self.daemon, "--older-than", "2s", "--site", quiet, "--json") as watch:
            state, pending, oldest, site = eventually(watch.told, 30)[0]
            self.assertEqual((state, pending, site), ("late", "1", quiet))
            self.assertGreaterEqual(int(oldest), 2)
            self.assertLessEqual(int(oldest), time.monotonic() - came)
            watch.end()
            self.assertRegex(watch.process.stdout.read(),
                             r'^\{"at":\d+,"state":"late","pending":1,"oldest_seconds":\d+\}\n$')

    def test_a_command_that_hangs_stops_nothing_and_goes_with_the_watch(self):
        with Watch(self.daemon, "--pending", "1", "--site", self.site, command=TELL + "; exec sleep 300") as watch:
            items = self.late()
            eventually(watch.told)
            hanging = children(watch.process.pid)
            self.assertEqual(len(hanging), 1)
            self.ann.approve(items)
            eventually(lambda: len(watch.told()) == 2)
            hanging = children(watch.process.pid)
            self.assertEqual(len(hanging), 2)
            self.assertEqual(watch.end(), 0)
            self.assertEqual([pid for pid in hanging if runs(pid)], [])

    def test_a_command_that_hears_no_signal_is_ended_by_force(self):
        deaf = f"trap '' TERM; {TELL}; while true; do sleep 0.1; done"
        with Watch(self.daemon, "--pending", "1", "--site", self.site, command=deaf) as watch:
            self.late()
            eventually(watch.told)
            hanging = children(watch.process.pid)
            self.assertEqual(len(hanging), 1)
            self.assertEqual(watch.end(), 0)
            self.assertFalse(runs(hanging[0]))

    def test_ended_commands_are_reaped_and_their_failure_is_told(self):
        with Watch(self.daemon, "--pending", "1", "--site", self.site, command=TELL + "; exit 7") as watch:
            self.late()
            eventually(lambda: "exit code 7" in watch.said())
            self.assertEqual(children(watch.process.pid), [])
            self.assertEqual(watch.states(), ["late"])
            self.assertEqual(watch.end(signal.SIGINT), 0)

    def test_ended_commands_are_told_where_the_signal_of_their_end_was_ignored(self):
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            watch = Watch(self.daemon, "--pending", "2", "--site", self.site, command="exit 3")
        finally:
            signal.signal(signal.SIGCHLD, before)
        with watch:
            self.late()
            eventually(lambda: "the command ended with exit code 3" in watch.said())
            self.assertEqual(watch.end(), 0)

    def test_wrong_limits_are_told(self):
        for arguments, word in (((), "needs a limit"), (("--older-than", "soon"), "no span"),
                                (("--older-than", "0"), "no span"), (("--pending", "0"), "not a number")):
            done = self.daemon.run_modq("watch", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(word, done.stderr)


class Away(Case):
    def test_a_daemon_that_is_away_is_told_and_what_is_so_when_it_is_back(self):
        self.pending()
        with Daemon() as daemon:
            front, ann = daemon.front(), daemon.desk("ann")
            items = [{"site": "news", "comment": fresh()} for _ in range(3)]
            front.submit([{**item, "body": "text"} for item in items])
            with Watch(daemon, "--pending", "2", "--timeout", "1") as watch:
                eventually(lambda: watch.states() == ["late"])
                daemon.stop()
                eventually(lambda: watch.states() == ["late", "unreachable"], 30)
                self.assertEqual(watch.told()[-1], ["unreachable", "", "", ""])
                daemon.start()
                eventually(lambda: watch.states() == ["late", "unreachable", "late"], 30)
                ann.approve(items)
                eventually(lambda: watch.states()[-1] == "recovered")
                daemon.stop()
                time.sleep(0.5)
                self.assertEqual(watch.end(), 0)       # while it waits for an answer
            daemon.start()

    def test_it_may_begin_while_the_daemon_is_away(self):
        with Daemon() as daemon:
            daemon.stop()
            with Watch(daemon, "--pending", "2", "--timeout", "1") as watch:
                eventually(lambda: watch.states() == ["unreachable"], 30)
                daemon.start()
                eventually(lambda: watch.states() == ["unreachable", "recovered"], 30)


if __name__ == "__main__":
    tap.main()
