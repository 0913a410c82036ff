"""A daemon that runs under a limit of memory and is started again whenever it ends, as systemd does it."""
import contextlib
import glob
import os
import threading
import time

from daemon import Daemon
from modq import Front, RequestTimeout

PAUSE_S = 0.1             # RestartSec= of the unit
PATIENCE_S = 30


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


def _groups_of_version_1():
    if os.path.exists("/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        yield "/sys/fs/cgroup/memory", "memory.limit_in_bytes"


def _groups_of_version_2():
    """Below our own group, and below the root."""
    with open("/proc/self/cgroup") as file:
        own = [line.rstrip("\n")[3:] for line in file if line.startswith("0::")]
    for path in (f"/sys/fs/cgroup{own[0] if own else ''}", "/sys/fs/cgroup"):
        yield path, "memory.max"


class MemoryGroup:
    """A control group of its own with a limit. OSError where none can be made."""

    def __init__(self, limit):
        for parent, name in [*_groups_of_version_1(), *_groups_of_version_2()]:
            self.path = f"{parent}/modqd-test-{os.getpid()}"
            try:
                os.mkdir(self.path)
                _write(f"{self.path}/{name}", str(limit))
                with contextlib.suppress(OSError):
                    _write(f"{self.path}/memory.swap.max", "0")
                return
            except OSError:
                self.close()
        raise OSError("no control group with a limit of memory can be made")

    def wrapper(self):
        return "sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh"

    def kills(self):
        """How often the kernel ended a process of it for its memory."""
        for path in glob.glob(f"{self.path}/memory.oom_control") + glob.glob(f"{self.path}/memory.events"):
            with open(path) as file:
                words = dict(line.split() for line in file)
            return int(words.get("oom_kill", 0))
        return 0

    def close(self):
        with contextlib.suppress(OSError):
            os.rmdir(self.path)


class Supervised(Daemon):
    """Ends at `limit` bytes: killed by the kernel, where a control group can be made; else by its own libzmq, which
    aborts when it gets no memory. `mechanism` says which."""

    def __init__(self, limit, **options):
        try:
            self.group = MemoryGroup(limit)
            self.mechanism, wrapper = "memory limit of a control group", self.group.wrapper()
        except OSError:
            self.group = None
            self.mechanism, wrapper = "RLIMIT_DATA", ("prlimit", f"--data={limit}:{limit}", "--core=0:0")
        super().__init__(wrapper=wrapper, **options)
        self.ends = []         # of each end that nobody asked for: exit code, and seconds until a request was answered
        self._kept = True
        self._thread = None

    def start(self):
        super().start()
        self._thread = threading.Thread(target=self._keep)
        self._thread.start()
        return self

    def _keep(self):
        while True:
            code, ended = self.process.wait(), time.monotonic()
            if not self._kept:
                return
            self._gone()
            time.sleep(PAUSE_S)
            if not self._kept:
                return
            self.spawn()
            self.ends.append((code, self._answered() - ended))

    def _answered(self):
        deadline = time.monotonic() + PATIENCE_S
        with Front(f"ipc://{self.dir}/front.sock", timeout_s=0.5, attempts=1) as front:
            while time.monotonic() < deadline:
                try:
                    front.hello()
                    break
                except RequestTimeout:
                    if self.process.poll() is not None:
                        break              # it ended again; the next round tells
        return time.monotonic()

    def __exit__(self, *failure):
        self._kept = False
        try:
            super().__exit__(*failure)
        finally:
            if self._thread:
                self._thread.join()
            if self.group:
                self.group.close()
