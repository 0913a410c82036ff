"""Starts and ends daemons for tests: only those it started, by their process ids."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import tap
from modq import Desk, Front, RequestTimeout

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("MODQ_BUILD", "build/release"))
MODQD = os.environ.get("MODQD", os.path.join(BUILD, "modqd"))
MODQ = os.environ.get("MODQ", os.path.join(BUILD, "modq"))
SHARED = os.environ.get("MODQ_SHARED", os.path.join(ROOT, "../shared"))
SANITIZER = re.compile("ERROR: AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")
PATIENCE_S = 30           # for a start or a stop; a sanitized build is slow
LOG_TAIL = 60             # lines shown after a failure

_running = []
_last_words = []          # logs of daemons that went with a failure


def logs():
    """The last lines of what every daemon of a failed test said."""
    told = [*_last_words, *(daemon.log_tail() for daemon in _running)]
    _last_words.clear()
    return "\n".join(told) or "no daemon"


tap.witnesses.append(logs)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


class Daemon:
    """One daemon on a directory of its own, which goes with it.

        with Daemon() as daemon:
            front = daemon.front()
    """

    def __init__(self, *arguments, config=None, wrapper=(), directory=None):
        self.dir = directory or tempfile.mkdtemp(prefix="mq-", dir="/tmp")
        self.arguments, self.wrapper = list(arguments), list(wrapper)
        self.process = self.pid = None
        self._open = []
        self._log_path = os.path.join(self.dir, "log.txt")
        if config is not None:
            path = os.path.join(self.dir, "modqd.conf")
            with open(path, "w") as file:
                file.write(config)
            self.arguments += ["--config", path]

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def __exit__(self, kind, *_):
        try:
            if self.process and self.process.poll() is None and kind is None:
                self.stop()
        finally:
            self.kill()
            self._close_connections()
            if kind is not None:
                _last_words.append(self.log_tail())
            shutil.rmtree(self.dir, ignore_errors=True)

    # Life

    def command(self):
        return [*self.wrapper, MODQD, "--dir", self.dir, *self.arguments]

    def spawn(self):
        """Starts the program and does not wait."""
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"} if self.wrapper else None    # not under ptrace
        with open(self._log_path, "ab") as file:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                            cwd=ROOT,
                                            env=environment)
        self.pid = self.process.pid
        _running.append(self)
        return self

    def start(self):
        self.spawn()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            if self.process.poll() is not None:
                self._gone()
                raise AssertionError(f"exit code {self.process.returncode} at its start:\n{self.log()[-4000:]}")
            try:
                with Front(self.endpoint("front"), timeout_s=1, attempts=1) as front:
                    front.hello()
                break
            except RequestTimeout:
                if time.monotonic() > deadline:
                    raise AssertionError(f"no hello within {PATIENCE_S} s:\n{self.log()[-4000:]}") from None
        if self.wrapper:
            self.pid = (children(self.process.pid) or [self.process.pid])[0]
        return self

    def stop(self):
        """SIGTERM; the daemon must end with 0 and a clean log."""
        os.kill(self.pid, signal.SIGTERM)
        self.ended()
        assert self.process.returncode == 0, f"exit code {self.process.returncode}:\n{self.log()[-4000:]}"
        self.check_log()

    def ended(self, patience=PATIENCE_S):
        """Waits for the end of a daemon that was told to go, and returns its exit code."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon did not end within {patience} s:\n{self.log()[-4000:]}") from None
        self._gone()
        return self.process.returncode

    def kill(self):
        """SIGKILL."""
        if self.process and self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            if self.pid != self.process.pid:
                self.process.wait()
            self.process.wait()
        self._gone()

    def restart(self):
        self.stop()
        return self.start()

    def _gone(self):
        if self in _running:
            _running.remove(self)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    # What it says and takes

    def log(self):
        try:
            with open(self._log_path, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log_tail(self):
        return f"log of {self.dir}:\n" + "\n".join(self.log().splitlines()[-LOG_TAIL:])

    def check_log(self):
        found = SANITIZER.search(self.log())
        assert not found, f"the log has {found.group()!r}:\n{self.log()[-8000:]}"

    def rss(self):
        """Resident memory in bytes."""
        with open(f"/proc/{self.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # Connections

    def endpoint(self, name):
        return f"ipc://{self.dir}/{name}.sock"

    def keep(self, connection):
        """Closed when the daemon's directory goes."""
        self._open.append(connection)
        return connection

    def front(self, **options):
        return self.keep(Front(self.endpoint("front"), **options))

    def desk(self, as_=None, **options):
        return self.keep(Desk(self.endpoint("desk"), as_=as_, **options))

    def _close_connections(self):
        for connection in self._open:
            connection.close()
        self._open.clear()

    def run_modq(self, *arguments, stdin="", timeout=30, environment=None):
        """The command-line client against this daemon. Returns subprocess.CompletedProcess with text."""
        environment = {**os.environ, "MODQ_AS": "", "MODQ_DIR": "", **(environment or {})}
        done = subprocess.run([MODQ, "--dir", self.dir, *arguments], input=stdin, capture_output=True, text=True,
                              errors="surrogateescape", timeout=timeout, cwd=ROOT, env=environment)
        assert not SANITIZER.search(done.stderr), done.stderr[-8000:]
        return done


class DaemonTest(unittest.TestCase):
    """Tests that share one daemon; each uses comments (and sites) with names of its own."""

    config = None
    arguments = ()
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(*cls.arguments, config=cls.config)
        cls.addClassCleanup(cls._end)
        cls.daemon.start()
        cls.front = cls.daemon.front()
        cls.ann = cls.daemon.desk("ann")
        cls.bob = cls.daemon.desk("bob")

    @classmethod
    def _end(cls):
        cls.daemon.__exit__(None)

    def tearDown(self):
        self.assertTrue(self.daemon.alive(), f"the daemon ended:\n{self.daemon.log()[-4000:]}")
        self.daemon.check_log()
