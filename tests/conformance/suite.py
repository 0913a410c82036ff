"""What the cases of the conformance suite share: a driver, a daemon, and how one is told what the other said.

    globals().update(suite.tests("node", ["node", suite.driver("node.mjs")]))

makes every class of cases_*.py a test class of this program, for the driver of that command (tests/conformance/README.md).
"""
import contextlib
import functools
import glob
import importlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]

import document  # noqa: E402
import keys  # noqa: E402
import tap  # noqa: E402
from cases import Case, event, fresh, sha256  # noqa: E402
from daemon import ROOT  # noqa: E402
from vectors import packable, plain  # noqa: E402

ANSWER_S = 20             # for an answer that is not told to wait
SLACK_S = 3.0             # beyond a time-out that was asked for, on a very busy machine
ATTEMPT_MS = 5000         # a daemon that is only slow has answered by then: what is sent again is a duplicate
CONFIG = "heartbeat_ms = 300\ncredit_timeout_ms = 3000\n"
STORED = ("accepted", "duplicate")
SILENT = ("client_timeout", "client_cannot_connect")
LOCAL = {"client_timeout": (-1, "retry"), "client_cannot_connect": (-2, "retry"), "client_bad_argument": (-3, "fix"),
         "client_bad_reply": (-5, "local"), "client_system": (-7, "local")}

_drivers = []


def _last_words():
    return "\n".join(f"driver {driver.command}:\n{driver.said()}" for driver in _drivers) or "no driver"


tap.witnesses.append(_last_words)


def driver(name):
    """Path of a driver's source."""
    return os.path.join(HERE, "drivers", name)


def make(target):
    """Has the Makefile make what a driver needs."""
    subprocess.run(["make", "--no-print-directory", target], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=600)


def tests(language, command):
    """The classes of every cases_*.py by their names, for one language's driver."""
    found = {}
    for path in sorted(glob.glob(os.path.join(HERE, "cases_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for name, kind in vars(module).items():
            if isinstance(kind, type) and issubclass(kind, Conformance) and kind.__module__ == module.__name__:
                assert name not in found, f"there are two classes {name}"
                found[name] = type(name, (kind,), {"language": language, "command": command})
    return found


def needs(*abilities):
    """Leaves a case out, and says so, where the driver's `about` does not name all of them."""
    def wrap(case):
        @functools.wraps(case)
        def run(self):
            missing = [ability for ability in abilities if ability not in self.can]
            if missing:
                self.skipTest(f"the client for {self.language} has no {', '.join(missing)}")
            case(self)
        return run
    return wrap


class DriverEnded(AssertionError):
    pass


class Driver:
    """A driver's process: lines to it, lines from it, none of them waited for without an end."""

    def __init__(self, command):
        self.command, self.buffer, self.ended = command, b"", False
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.input, self.output = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self.input, False)
        os.set_blocking(self.output, False)
        _drivers.append(self)

    def said(self):
        """The end of its standard error."""
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")[-4000:]

    def alive(self):
        return not self.ended and self.process.poll() is None

    def write(self, line, timeout=ANSWER_S):
        if self.ended:
            raise DriverEnded("the driver ended before")
        data, deadline = memoryview(line), time.monotonic() + timeout
        while data:
            select.select([], [self.input], [], max(0, deadline - time.monotonic()))
            try:
                data = data[os.write(self.input, data):]
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"the driver did not take a line of {len(line)} bytes within {timeout} s") from None
            except BrokenPipeError:
                self._died()

    def send(self, do, **fields):
        """A request whose answer is fetched later, in order, with answer()."""
        self.write(json.dumps(plain({"do": do, **fields})).encode() + b"\n")

    def answer(self, timeout=ANSWER_S):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.output], [], [], left)[0]:
                raise AssertionError(f"the driver did not answer within {timeout} s: {self.said()}")
            data = os.read(self.output, 1 << 20)
            if not data:
                self._died()
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return packable(json.loads(line))

    def _died(self):
        """It ended by itself: it is no witness of what fails later."""
        self.process.wait()
        said = self.said()
        self._gone()
        raise DriverEnded(f"the driver ended with {self.process.returncode}: {said}")

    def ask(self, do, timeout=ANSWER_S, **fields):
        self.send(do, **fields)
        return self.answer(timeout)

    def do(self, do, timeout=ANSWER_S, **fields):
        """A request that must succeed, and its answer."""
        answer = self.ask(do, timeout, **fields)
        assert answer.get("ok") is True, f"{do}: {answer}"
        return answer

    def fails(self, do, timeout=ANSWER_S, **fields):
        """A request that must fail, and its error."""
        answer = self.ask(do, timeout, **fields)
        assert answer.get("ok") is False and isinstance(answer.get("error"), dict), f"{do} should have failed: {answer}"
        return answer["error"]

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self._gone()

    def end(self):
        """The end of its input: it closes everything and exits with 0."""
        if self.ended:
            return
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the driver did not end at the end of its input: {self.said()}") from None
        said = self.said()
        self._gone()
        assert self.process.returncode == 0, f"the driver ended with {self.process.returncode}: {said}"

    def _gone(self):
        self.process.wait()
        self.ended = True
        if self in _drivers:
            _drivers.remove(self)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()


class Conformance(Case):
    """Cases with a daemon and a driver for the class. Each test has a site, and a connection called "f", of its own."""

    config = CONFIG
    command = language = None
    errors = document.errors()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.driver = Driver(cls.command)
        cls.addClassCleanup(lambda: cls.driver.end())
        about = cls.driver.do("about")
        cls.can = frozenset(about["can"])

    def setUp(self):
        super().setUp()
        if not self.driver.alive():
            type(self).driver = Driver(self.command)
        self.f = self.open_front()

    def tearDown(self):
        super().tearDown()
        if self.driver.alive():
            self.driver.do("close", front=self.f)

    def directory(self):
        """One of this test's own."""
        path = tempfile.mkdtemp(prefix="mq-", dir="/tmp")
        self.addCleanup(shutil.rmtree, path, True)
        return path

    def new_driver(self):
        """Another process of the same driver, which ends with the test."""
        made = Driver(self.command)
        self.addCleanup(lambda: made.ended or made.kill())
        return made

    # The client under test

    def open_front(self, endpoint=None, timeout_ms=15_000, attempt_ms=ATTEMPT_MS, key=None, driver=None):
        """A new connection's name."""
        name = fresh("f")
        (driver or self.driver).do("front", name=name, endpoint=endpoint or self.daemon.endpoint("front"), key=key,
                                   timeout_ms=timeout_ms, attempt_ms=attempt_ms)
        return name

    def submit(self, comments, front=None, timeout=ANSWER_S, driver=None, **more):
        """Results, one for each comment."""
        answer = (driver or self.driver).do("submit", timeout, front=front or self.f, comments=comments, **more)
        self.assertEqual(len(answer["results"]), len(comments))
        return answer["results"]

    def call(self, op, front=None, **fields):
        return self.driver.do("call", front=front or self.f, op=op, fields=fields)["answer"]

    def call_fails(self, op, front=None, **fields):
        return self.driver.fails("call", front=front or self.f, op=op, fields=fields)

    def key_file(self, key, mode=0o600):
        path = os.path.join(self.directory(), "key")
        keys.write(path, key, mode)
        return path

    # Looking

    def statuses(self, results):
        return [result["status"] for result in results]

    def assert_stored(self, comments, site=None):
        """The daemon holds each of them, byte for byte."""
        size = self.front.limits()["max_batch"]
        for start in range(0, len(comments), size):
            part = comments[start:start + size]
            found = self.front.status(site or self.site, [comment["comment"] for comment in part])
            for comment, result in zip(part, found):
                self.assertEqual(result["status"], "found", comment["comment"])
                self.assertEqual(result["body_sha256"], sha256(comment["body"]), comment["comment"])

    def pending_count(self, site=None):
        return sum(found["pending"] for found in self.ann.stats()["sites"] if found["site"] == (site or self.site))

    def assert_error(self, error, *names, field=None):
        """One of these errors, with the number and class of its name, and `keep` as the class says. A list's index at the
        beginning of the field does not matter: the library may have found it in one comment, or the daemon in a batch."""
        self.assertIn(error["name"], names, error)
        known = self.errors.get(error["name"])
        wanted = (known["number"], known["class"]) if known else LOCAL[error["name"]]
        self.assertEqual((error["number"], error["class"]), wanted, error)
        if "keep" in error:
            self.assertIs(error["keep"], error["class"] == "retry", error)
        if field:
            self.assertEqual((error.get("field") or "").rpartition("].")[2], field, error)
        return error

    def assert_result(self, result, *names, field=None):
        """A comment that was refused with one of these errors."""
        self.assertIn(result["status"], names, result)
        self.assertEqual(result["error"]["name"], result["status"], result)
        return self.assert_error(result["error"], *names, field=field)

    @contextlib.contextmanager
    def within(self, seconds, slack=SLACK_S):
        """What is done inside takes no longer than that and some slack."""
        start = time.monotonic()
        yield
        took = time.monotonic() - start
        self.assertLess(took, seconds + slack, f"took {took:.2f} s instead of {seconds} s")


def limits(**values):
    """That section of a configuration."""
    return "limits {\n" + "".join(f"    {name} = {value}\n" for name, value in values.items()) + "}\n"


def events(site, count, prefix="c", body="body of {}"):
    return [event(site, f"{prefix}{number}", body.format(number)) for number in range(count)]
