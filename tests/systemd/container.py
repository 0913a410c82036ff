"""A real systemd to test in: systemd-nspawn on an overlay of /, with a network of its own that has loopback only.

It runs in its own mount and process namespaces and in cgroups of its own, so that nothing of the host changes and
nothing outlives it, however it ends: when the outermost process goes, the kernel ends the rest and drops the mounts.
"""
import os
import secrets
import shutil
import subprocess
import threading
import time

BOOT_S = 240              # a busy machine took more than a minute
CGROUPS = "/sys/fs/cgroup"
UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation=private", "--mount-proc")
TREE = "/modqd-tree"          # where the project is inside
# Services of the host have no business in there, and a package's scripts may start what they like.
NOT_OURS = ("etc/systemd/system", "etc/init.d", "etc/fstab", "etc/cron.d", "usr/sbin/policy-rc.d", "etc/modqd",
            "var/lib/modqd", "var/log/journal", "var/lib/systemd/timers", "var/lib/man-db/auto-update")


def cannot_run():
    """Why no container can be had here, or None."""
    if os.geteuid() != 0:
        return "it needs root (sudo make check-systemd)"
    for program in ("systemd-nspawn", "nsenter", "unshare", "setpriv"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if not os.path.exists("/sbin/init"):
        return "there is no /sbin/init (package systemd-sysv)"
    with open("/proc/filesystems") as file:
        if "overlay" not in file.read().split():
            return "this kernel has no overlay file system"
    if not os.path.isfile("/var/lib/dpkg/status"):
        return "this is no Debian"
    return refusal([*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/run"], "namespaces") or cgroups_refused()


def refusal(command, what):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return f"{what} of its own cannot be had here: {done.stderr.strip()}" if done.returncode else None


def cgroups_refused():
    cgroups = Cgroups()
    try:
        cgroups.make()
    except OSError as error:
        return f"cgroups of its own cannot be had here: {error}"
    finally:
        cgroups.remove()
    return None


class Cgroups:
    """A cgroup of our own in each hierarchy, so that those which systemd makes inside go with it."""

    def __init__(self):
        self.name = f"modqd-check-{os.getpid()}"
        with open("/proc/self/cgroup") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
        roots = [self._mounted(controllers) for _, controllers, _ in lines]
        self.paths = [os.path.join(root, self.name) for root in roots if root]

    @staticmethod
    def _mounted(controllers):
        name = controllers.removeprefix("name=") or "unified"
        for path in (os.path.join(CGROUPS, name), CGROUPS if name == "unified" else None):
            if path and os.path.exists(os.path.join(path, "cgroup.procs")):
                return path
        return None

    def make(self):
        for path in self.paths:
            self._sweep(os.path.dirname(path))
            os.mkdir(path)
            self._inherit(path)

    @staticmethod
    def _sweep(root):
        """What runs left behind that were ended by SIGKILL."""
        for name in os.listdir(root):
            pid = name.removeprefix("modqd-check-")
            if pid != name and not os.path.exists(f"/proc/{pid}"):
                remove_cgroups(os.path.join(root, name))

    @staticmethod
    def _inherit(path):
        """A cpuset of version 1 takes nobody before it is told what it has."""
        for name in ("cpuset.cpus", "cpuset.mems"):
            if os.path.exists(os.path.join(path, "tasks")) and os.path.exists(os.path.join(path, name)):
                with open(os.path.join(os.path.dirname(path), name)) as file:
                    had = file.read()
                with open(os.path.join(path, name), "w") as file:
                    file.write(had)

    def enter(self):
        """Called in the child."""
        for path in self.paths:
            with open(os.path.join(path, "cgroup.procs"), "w") as file:
                file.write("0")

    def remove(self):
        for path in self.paths:
            remove_cgroups(path)


def remove_cgroups(path):
    """When nobody is left in them; processes that were just killed may take a moment."""
    deadline = time.monotonic() + 10
    while os.path.isdir(path) and time.monotonic() < deadline:
        for directory, _, _ in os.walk(path, topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                time.sleep(0.05)


def contained(command, scratch, time_limit_s, told):
    """Runs a command in namespaces and cgroups of its own, and calls told() with each line of its output. `scratch` is a
    directory for its mounts, which is made, and gone afterwards. Returns the exit code, or None when it did not end in
    time."""
    cgroups = Cgroups()
    process = timer = None
    os.makedirs(scratch, exist_ok=True)
    try:
        cgroups.make()
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *UNSHARE, *command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True, errors="replace", preexec_fn=cgroups.enter, start_new_session=True)
        timer = threading.Timer(time_limit_s, process.kill)
        timer.start()
        for line in process.stdout:
            told(line)
        return process.wait() if timer.is_alive() else None
    finally:
        if process:
            process.kill()
            process.wait()
        if timer:
            timer.cancel()
        cgroups.remove()
        os.rmdir(scratch)


class Container:
    """The container; made and used inside of contained()."""

    def __init__(self, tree, scratch, log):
        self.tree, self.scratch, self.log_path = tree, scratch, log
        self.root = os.path.join(scratch, "root")
        self.leader = None

    def prepare(self):
        mount("-t", "tmpfs", "-o", "size=2G,mode=0755", "tmpfs", self.scratch)
        upper, work = os.path.join(self.scratch, "upper"), os.path.join(self.scratch, "work")
        for path in (upper, work, self.root):
            os.mkdir(path)
        mount("-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "overlay", self.root)
        if not os.path.isfile(os.path.join(self.root, "var/lib/dpkg/status")):
            raise RuntimeError("/var is not on the file system of /")
        for path in NOT_OURS:
            remove(os.path.join(self.root, path))
        os.makedirs(os.path.join(self.root, "etc/systemd/system"))
        with open(os.path.join(self.root, "etc/machine-id"), "w") as file:
            file.write(secrets.token_hex(16) + "\n")
        # nspawn keeps locks and mount points here
        os.makedirs("/run/systemd", exist_ok=True)
        mount("-t", "tmpfs", "tmpfs", "/run/systemd")

    def boot(self):
        with open(self.log_path, "ab") as log:
            nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", "--private-network", "--console=pipe",
                 "--machine=modqd-check", "--system-call-filter=bpf", f"--bind-ro={self.tree}:{TREE}",
                 f"--directory={self.root}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + BOOT_S
        while time.monotonic() < deadline:
            if nspawn.poll() is not None:
                raise RuntimeError(f"systemd-nspawn ended with {nspawn.returncode}: {self.said()}")
            self.leader = self.leader or first_child(nspawn.pid)
            if self.leader and self.ask("systemctl", "is-system-running") in ("running", "degraded"):
                return
            time.sleep(0.1)
        raise RuntimeError(f"systemd did not start within {BOOT_S} s: {self.said()}")

    def said(self):
        with open(self.log_path, errors="replace") as file:
            return " / ".join(file.read().split("\n")[-10:])

    def command(self, *words):
        return ["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root",
                "--wd", *words]

    def ask(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True).stdout.strip()

    def allow_memory_limits(self):
        """Where the memory controller is one of version 1, nspawn shows it to the container read-only, and systemd
        looks only once whether it can use it."""
        path = f"{CGROUPS}/memory"
        if subprocess.run(self.command("test", "-d", path)).returncode == 0:
            subprocess.run(self.command("mount", "-o", "remount,bind,rw", path), check=True)
            subprocess.run(self.command("systemctl", "daemon-reexec"), check=True)


def first_child(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = file.read().split()
    return int(children[0]) if children else None


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
