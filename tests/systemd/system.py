"""The system inside the container: units, packages, the journal."""
import glob
import gzip
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TREE, "tests/lib"))
DEBS = os.path.join(TREE, "build/deb")
PACKAGES = ("modqd", "modq", "libmodq0", "libmodq-dev")
SERVICE, SOCKETS = "modqd.service", ("modqd.socket", "modqd-desk.socket")
RUN, STATE, CONFIG = "/run/modqd", "/var/lib/modqd", "/etc/modqd/modqd.conf"
PATIENCE_S = 60
COMMAND_S = 180           # no command here takes longer, on a busy machine


class Skip(Exception):
    """What cannot be tested here, and why."""


def run(*words, stdin="", check=True):
    """A command's result, with text. Raises with all that it said when it fails."""
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=COMMAND_S, cwd="/",
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"})
    if check and done.returncode:
        raise AssertionError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def said(*words, **options):
    return run(*words, **options).stdout.strip()


def systemctl(*words):
    return run("systemctl", *words)


def show(what, unit=SERVICE):
    return said("systemctl", "show", "--property", what, "--value", unit)


def main_pid(unit=SERVICE):
    return int(show("MainPID", unit))


def signalled(number, unit=SERVICE):
    """Sends a signal to the unit's main process, and returns its id."""
    pid = main_pid(unit)
    assert pid > 0, f"{unit} does not run"
    os.kill(pid, number)
    return pid


def is_running(unit=SERVICE):
    return show("ActiveState", unit) == "active" and show("SubState", unit) == "running"


def until(condition, what, patience=PATIENCE_S):
    """Waits for a condition; returns what it said and the seconds until then."""
    start = time.monotonic()
    while True:
        value = condition()
        if value:
            return value, time.monotonic() - start
        if time.monotonic() - start > patience:
            raise AssertionError(f"{what}: not within {patience} s\n{journal()[-4000:]}")
        time.sleep(0.01)


def back_after(pid, unit=SERVICE, patience=PATIENCE_S):
    """Seconds until the unit has another main process than `pid`, which has said that it is ready."""
    return until(lambda: main_pid(unit) not in (0, pid) and is_running(unit), f"{unit} is back", patience)[1]


def journal(unit=SERVICE, *words):
    return said("journalctl", "--quiet", "--no-pager", "--unit", unit, *words, check=False)


def journal_since(cursor, unit=SERVICE):
    return journal(unit, "--after-cursor", cursor)


def journal_cursor():
    run("journalctl", "--sync")
    return re.search(r"-- cursor: (.*)", said("journalctl", "-n", "1", "--show-cursor"))[1]


def journal_fields(unit=SERVICE):
    run("journalctl", "--sync")
    return [json.loads(line) for line in journal(unit, "--output", "json").splitlines()]


# Packages

def version_of(path):
    return said("dpkg-deb", "--field", path, "Version")


def built(name, version=None):
    """The package of that name as it was built, or repacked with another version."""
    path, = glob.glob(os.path.join(DEBS, f"{name}_*.deb"))
    return repacked(path, name, version) if version else path


def repacked(path, name, version):
    """The same package under another version, to be upgraded from."""
    now, tree = version_of(path), f"/tmp/repack/{name}-{version}"
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(os.path.dirname(tree), exist_ok=True)
    run("dpkg-deb", "--raw-extract", path, tree)
    control = os.path.join(tree, "DEBIAN/control")
    with open(control) as file:
        text = file.read()
    with open(control, "w") as file:
        file.write(re.sub(r"^Version: .*$", f"Version: {version}", text, flags=re.M).replace(f"(= {now})", f"(= {version})"))
    run("dpkg-deb", "--build", "-Zgzip", "-z1", tree, tree + ".deb")
    return tree + ".deb"


def install(version=None):
    """What dpkg said."""
    done = run("dpkg", "--force-unsafe-io", "--install", *(built(name, version) for name in PACKAGES))
    return done.stdout + done.stderr


# Files

def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


def unpack_database(source, directory=STATE):
    """Puts a packed database where the daemon finds it, as its user's own."""
    for path in glob.glob(os.path.join(directory, "modqd.db*")):
        os.unlink(path)
    path, user = os.path.join(directory, "modqd.db"), pwd.getpwnam("modqd")
    with gzip.open(source) as packed, open(path, "wb") as file:
        shutil.copyfileobj(packed, file)
    os.chown(path, user.pw_uid, user.pw_gid)
    os.chmod(path, 0o600)


# Clients

def modq(*words, stdin="", check=True):
    return run("modq", *words, stdin=stdin, check=check)


def as_user(user, groups, *words, check=True):
    """A command as somebody without any right but those groups."""
    return run("setpriv", f"--reuid={user}", "--regid=nogroup", f"--groups={groups}" if groups else "--clear-groups",
               *words, check=check)


def submit(site, name, body="A comment."):
    return modq("submit", stdin=json.dumps({"site": site, "id": name, "body": body}) + "\n")
