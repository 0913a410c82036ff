"""Starts and ends daemons for tests: only those it started, by their process ids."""
import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import keys
import tap
from modq import Decisions, Desk, Front, Push, RequestTimeout

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("MODQ_BUILD", "build/release"))
MODQD = os.environ.get("MODQD", os.path.join(BUILD, "modqd"))
MODQ = os.environ.get("MODQ", os.path.join(BUILD, "modq"))
SHARED = os.environ.get("MODQ_SHARED", os.path.join(ROOT, "../shared"))
SANITIZER = re.compile("ERROR: AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")
DATABASES = os.environ.get("MODQ_DATABASES", "/tmp")      # short, for paths of sockets
PATIENCE_S = 30           # for a start or a stop; a sanitized build is slow
LOG_TAIL = 60             # lines shown after a failure
RECOUNT = os.path.join(BUILD, "modqd")      # never one that was broken on purpose
RECOUNT_PATIENCE_S = 120
CANNOT_START = 3
NOTHING_TO_COUNT = re.compile("there is no database|holds nothing yet")

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


def free_port():
    """A port of loopback that nobody listens at now. Not one of those that the system gives to whoever connects: it could be
    taken again before the daemon has it."""
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def count_anew(directory):
    """`modqd --fsck` on a directory, whether a daemon works there or not."""
    return subprocess.run([RECOUNT, "--fsck", "--dir", directory], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=RECOUNT_PATIENCE_S)


class Daemon:
    """One daemon on a directory of its own, which goes with it.

        with Daemon() as daemon:
            front = daemon.front()

    Sockets named in `tcp` listen on loopback, too, to the owners of keys:

        with Daemon(tcp=("front", "desk")) as daemon:
            front = daemon.front(key=daemon.add_key("news-web", "front", sites=["news"]))

    `listen` is what else the section of that name says. When it has ended, however that was, its database is counted anew
    (modqd --fsck), unless `uncounted` says why not.
    """

    def __init__(self, *arguments, config=None, wrapper=(), directory=None, tcp=(), listen="", uncounted=None):
        self.dir = directory or tempfile.mkdtemp(prefix="mq-", dir=DATABASES)
        self.arguments, self.wrapper = list(arguments), list(wrapper)
        self.process = self.pid = None
        self.tcp = {name: f"tcp://127.0.0.1:{free_port()}" for name in tcp}
        self.pass_fds = ()       # open in the daemon, too
        self.uncounted = uncounted
        self._listen = listen
        self._open = []
        self._administrator = None
        self._to_be_counted = False
        self._log_path = os.path.join(self.dir, "log.txt")
        self.config_path = os.path.join(self.dir, "modqd.conf")
        if config is not None or tcp or listen:
            self.configure(config or "")
            self.arguments += ["--config", self.config_path]

    def configure(self, config):
        """Writes the configuration file: the listen section that was asked for, and `config`."""
        lines = [f'    {name} = {{"{self.endpoint(name)}", "{address}"}}\n' for name, address in self.tcp.items()]
        listen = "".join(lines) + self._listen
        with open(self.config_path, "w") as file:
            file.write((f"listen {{\n{listen}}}\n" if listen else "") + config)

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
            try:
                self.kill(counted=kind is None)
            finally:
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
                                            cwd=ROOT, env=environment, pass_fds=self.pass_fds)
        self.pid = self.process.pid
        self._to_be_counted = True
        _running.append(self)
        return self

    def start(self):
        self.spawn()
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self.process.poll() is not None:
                self._gone()
                raise AssertionError(f"exit code {self.process.returncode} at its start:\n{self.log()[-4000:]}")
            if time.monotonic() > deadline:
                raise AssertionError(f"no hello within {PATIENCE_S} s:\n{self.log()[-4000:]}")
        if self.wrapper:
            self.pid = (children(self.process.pid) or [self.process.pid])[0]
        return self

    def _answers(self):
        """Whether it says hello, after a short wait when not. A socket is looked for first: libzmq tries again only after a
        while."""
        if not os.path.exists(self.endpoint("front").removeprefix("ipc://")):
            time.sleep(0.005)
            return False
        try:
            with Front(self.endpoint("front"), timeout_s=1, attempts=1) as front:
                front.hello()
            return True
        except RequestTimeout:
            return False

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
        self.recount()
        return self.process.returncode

    def kill(self, counted=True):
        """SIGKILL."""
        if self.process and self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            if self.pid != self.process.pid:
                self.process.wait()
            self.process.wait()
        self._gone()
        if counted:
            self.recount()

    def recount(self):
        """However a daemon ended, its counts equal its log. Once for each life of a daemon, and not where no database was
        made yet."""
        if self.uncounted or not self._to_be_counted:
            return
        self._to_be_counted = False
        done = count_anew(self.dir)
        if done.returncode == CANNOT_START and NOTHING_TO_COUNT.search(done.stderr):
            return
        told = f"modqd --fsck ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}"
        assert done.returncode == 0 and not SANITIZER.search(done.stderr), told

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

    def cpu(self):
        """Seconds of processor time it has used."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # Connections

    def endpoint(self, name, key=None):
        """Over ipc; with a key over TCP."""
        return self.tcp[name] if key else f"ipc://{self.dir}/{name}.sock"

    def keep(self, connection):
        """Closed when the daemon's directory goes."""
        self._open.append(connection)
        return connection

    def front(self, key=None, **options):
        return self.keep(Front(self.endpoint("front", key), key=key, **options))

    def desk(self, as_=None, key=None, **options):
        return self.keep(Desk(self.endpoint("desk", key), as_=as_, key=key, **options))

    def push(self, key=None, **options):
        return self.keep(Push(self.endpoint("push", key), key=key, **options))

    def decisions(self, site, key=None):
        return self.keep(Decisions(self.endpoint("decisions", key), site, key))

    def _close_connections(self):
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._administrator = None

    # Keys

    def administrator(self):
        """A desk of the user that the daemon runs as."""
        if not self._administrator:
            self._administrator = self.desk()
        return self._administrator

    def server_key(self):
        return keys.to_text(self.administrator().key_list()["server_key"])

    def add_key(self, name, role, **options):
        """A new pair that the daemon knows. `number` is the key's; options are those of Desk.key_add."""
        key = keys.make(name=name, role=role)
        answer = self.administrator().key_add(name, role, public_key=keys.to_bin(key.public), **options)
        key.server, key.number = keys.to_text(answer["server_key"]), answer["key"]["key"]
        key.metadata.update({door: places[0] for door, places in answer["endpoints"].items() if places})
        return key

    def rotate_key(self, name, **options):
        """A new pair in the place of those of that name."""
        key = keys.make(name=name)
        answer = self.administrator().key_rotate(name, keys.to_bin(key.public), **options)
        key.server, key.number = keys.to_text(answer["server_key"]), answer["key"]["key"]
        return key

    def reread(self):
        """SIGHUP."""
        os.kill(self.pid, signal.SIGHUP)

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
    tcp = ()
    listen = ""
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(*cls.arguments, config=cls.config, tcp=cls.tcp, listen=cls.listen)
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
