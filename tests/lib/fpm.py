"""A pool of PHP-FPM workers for tests, in a directory of its own, and who asks it for pages (FastCGI)."""
import glob
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.parse

from daemon import children

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7
RESPONDER = 1
PATIENCE_S = 20


def program():
    """php-fpm, or None when it is not installed."""
    return shutil.which("php-fpm") or next(iter(sorted(glob.glob("/usr/sbin/php-fpm8.*"))), None)


def _record(kind, content):
    return struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content


def _length(text):
    return bytes([len(text)]) if len(text) < 128 else struct.pack("!I", len(text) | 1 << 31)


def _pair(name, value):
    name, value = name.encode(), value.encode()
    return _length(name) + _length(value) + name + value


class NoAnswer(Exception):
    """The worker went away, or did not answer in time."""


class Pool:
    """`workers` of them, all the time (pm = static), with PHP's own default of no time-out for a page.

        with Pool(4) as pool:
            body = pool.get("page.php", {"do": "submit"})
    """

    def __init__(self, workers, settings=()):
        self.workers = workers
        self.settings = settings      # lines such as php_admin_value[memory_limit] = 64M
        self.dir = tempfile.mkdtemp(prefix="mq-fpm-", dir="/tmp")
        self.socket = os.path.join(self.dir, "fpm.sock")
        self.process = None

    def __enter__(self):
        try:
            return self._start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            stuck = self.pids()
            self.process.kill()          # the workers of a killed master end by themselves, unless they are stuck
            self.process.wait()
            for pid in stuck:
                self._end(pid)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _end(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _start(self):
        config = os.path.join(self.dir, "fpm.conf")
        root = os.getuid() == 0
        lines = ["[global]", "daemonize = no", f"error_log = {self.dir}/log.txt", "[pages]", f"listen = {self.socket}", "pm = static",
                 f"pm.max_children = {self.workers}", "catch_workers_output = yes", *(["user = root", "group = root"] if root else []),
                 *self.settings]
        with open(config, "w") as file:
            file.write("\n".join(lines) + "\n")
        command = [program(), "--nodaemonize", "--fpm-config", config, *(["--allow-to-run-as-root"] if root else [])]
        with open(f"{self.dir}/output.txt", "wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.await_workers()
        return self

    def await_workers(self, but=None):
        """Until all are there, without one that was killed."""
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(self.socket) or len(set(self.pids()) - {but}) < self.workers:
            assert time.monotonic() < deadline and self.process.poll() is None, f"no workers:\n{self.log()}"
            time.sleep(0.02)

    def pids(self):
        return children(self.process.pid)

    def log(self):
        told = ""
        for name in ("log.txt", "output.txt"):
            with open(os.path.join(self.dir, name), errors="replace") as file:
                told += file.read()
        return told

    def get(self, script, query=None, timeout=PATIENCE_S, headers=None):
        """The body of a page's answer. NoAnswer when there is none within `timeout` seconds."""
        text = urllib.parse.urlencode(query or {})
        params = {"SCRIPT_FILENAME": script, "SCRIPT_NAME": "/" + os.path.basename(script), "REQUEST_METHOD": "GET",
                  "QUERY_STRING": text, "REQUEST_URI": "/?" + text, "SERVER_PROTOCOL": "HTTP/1.1", **(headers or {})}
        deadline = time.monotonic() + timeout
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            try:
                connection.connect(self.socket)
                connection.sendall(_record(BEGIN, struct.pack("!HB5x", RESPONDER, 0)) +
                                   _record(PARAMS, b"".join(_pair(*item) for item in params.items())) +
                                   _record(PARAMS, b"") + _record(STDIN, b""))
                return self._answer(connection, deadline)
            except OSError as error:
                raise NoAnswer(str(error)) from error

    def _answer(self, connection, deadline):
        out = b""
        while True:
            kind, content = self._receive(connection, deadline)
            if kind == STDOUT:
                out += content
            elif kind == END:
                return out.partition(b"\r\n\r\n")[2].decode(errors="replace")

    def _receive(self, connection, deadline):
        _, kind, _, length, padding = struct.unpack("!BBHHBx", self._exactly(connection, 8, deadline))
        return kind, self._exactly(connection, length + padding, deadline)[:length]

    @staticmethod
    def _exactly(connection, count, deadline):
        got = b""
        while len(got) < count:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            part = connection.recv(count - len(got))
            if not part:
                raise NoAnswer("the worker hung up")
            got += part
        return got
