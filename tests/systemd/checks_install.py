"""What an installation brings, and who may use it."""
import grp
import os
import pwd
import signal
import stat
import time

from client import Client
from system import (RUN, SERVICE, SOCKETS, STATE, as_user, back_after, install, is_running, journal, journal_fields, main_pid, modq, said, show,
                    signalled, submit, systemctl, until, write)

OLDEST = "0.1.8"          # versions to upgrade from, made from the same files
_told = []


def installing_the_packages_starts_a_working_service():
    _told.append(install(OLDEST))
    for unit in (SERVICE, *SOCKETS):
        assert said("systemctl", "is-enabled", unit) == "enabled", unit
        assert show("ActiveState", unit) == "active", unit
    assert is_running(), show("SubState")
    submit("install", "1")
    assert "install/1" in modq("queue", "--site", "install").stdout


def a_first_start_without_a_key_works_for_root_and_says_how_to_make_one():
    assert "modq key add" in _told[0], _told[0]
    assert "modq key new" in journal(), journal()
    assert not os.path.exists("/etc/credstore/modqd.server.key")
    key, = [path for path in os.listdir(STATE) if path == "server.key"]
    assert stat.S_IMODE(os.stat(os.path.join(STATE, key)).st_mode) == 0o600
    assert modq("key", "list").returncode == 0


def it_counts_as_started_when_it_answers():
    assert show("Type") == "notify"
    ready, started = [[int(line["__MONOTONIC_TIMESTAMP"]) for line in journal_fields() if line["MESSAGE"].startswith(words)]
                      for words in ("front ipc://", "Started modqd.service")]
    assert len(ready) == len(started) == 1 and ready < started, (ready, started)


def sockets_belong_to_their_groups_and_are_closed_to_the_world():
    for name, group in (("front", "modqd-front"), ("push", "modqd-front"), ("decisions", "modqd-front"), ("desk", "modqd-desk")):
        found = os.stat(f"{RUN}/{name}.sock")
        assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o660, (name, oct(found.st_mode))
        assert grp.getgrgid(found.st_gid).gr_name == group, name
        assert pwd.getpwuid(found.st_uid).pw_name == "modqd", name
    assert stat.S_IMODE(os.stat(STATE).st_mode) == 0o700
    assert pwd.getpwuid(os.stat(RUN).st_uid).pw_name == "modqd" and stat.S_IMODE(os.stat(RUN).st_mode) == 0o755


def only_the_groups_reach_the_sockets():
    write("/tmp/one.jsonl", '{"site": "install", "id": "1", "body": "A comment."}\n')
    front, desk = ["modq", "--timeout", "1", "submit", "/tmp/one.jsonl"], ["modq", "--timeout", "2", "queue"]
    assert as_user("nobody", "modqd-front", *front).returncode == 0
    for groups, command in (("", front), ("modqd-desk", front), ("", desk), ("modqd-front", desk)):
        assert as_user("nobody", groups, *command, check=False).returncode, (groups, command)


def a_local_moderator_is_known_only_with_a_key_of_its_uid():
    approve = ["modq", "--timeout", "1", "approve", "install/1"]
    assert as_user("games", "modqd-desk", *approve, check=False).returncode
    modq("key", "add", "gabi", "--user", "games", "--role", "moderator")
    as_user("games", "modqd-desk", *approve)
    assert "gabi" in modq("show", "install/1").stdout


def the_sandbox_is_closed():
    pid = main_pid()
    with open(f"/proc/{pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, status
    with open(f"/proc/{pid}/mountinfo") as file:
        mounts = {words[4]: words[5].split(",")[0] for words in map(str.split, file)}
    assert mounts["/"] == "ro" and mounts[STATE] == mounts[RUN] == "rw", mounts
    for namespace in ("net", "ipc", "mnt"):
        assert os.readlink(f"/proc/{pid}/ns/{namespace}") != os.readlink(f"/proc/self/ns/{namespace}"), namespace
    assert pwd.getpwuid(int(status["Uid"].split()[0])).pw_name == "modqd"


def a_connection_starts_a_stopped_service():
    systemctl("stop", SERVICE)
    assert show("ActiveState") == "inactive"
    start, client = time.monotonic(), Client()
    assert client.submit("install", "2")
    client.close()
    assert is_running()
    return f"acknowledged {time.monotonic() - start:.2f} s after the connection"


def the_service_comes_back_after_sigkill():
    return f"ready after {back_after(signalled(signal.SIGKILL)):.2f} s"


def a_configuration_that_is_not_there_is_awaited_without_haste():
    systemctl("stop", *SOCKETS, SERVICE)
    os.rename("/etc/modqd/modqd.conf", "/etc/modqd/away")
    systemctl("start", *SOCKETS)
    client = Client()                      # which goes on connecting
    client.socket.send(b"")
    before, start = int(show("NRestarts") or 0), time.monotonic()
    until(lambda: int(show("NRestarts")) > before, "it is tried again")
    time.sleep(max(0, start + 5 - time.monotonic()))
    restarts, took = int(show("NRestarts")) - before, time.monotonic() - start
    os.rename("/etc/modqd/away", "/etc/modqd/modqd.conf")
    until(is_running, "the service runs again")
    client.close()
    assert restarts <= 4 * took / 5, (restarts, took)
    assert all(show("ActiveState", unit) == "active" for unit in SOCKETS)
    return f"{restarts} restarts in {took:.0f} s"


def an_instance_runs_beside_the_main_service():
    text = open("/etc/modqd/modqd.conf").read()
    write("/etc/modqd/second.conf", text.replace("/run/modqd/", "/run/modqd-second/").replace("/var/lib/modqd", "/var/lib/modqd-second"))
    os.makedirs("/etc/credstore", mode=0o700)
    public = said("modqd", "--new-server-key", "/etc/credstore/modqd-second.server.key")
    systemctl("start", "modqd@second.socket", "modqd-desk@second.socket")
    run = ["--dir", "/run/modqd-second"]
    modq(*run, "submit", stdin='{"site": "second", "id": "1", "body": "Elsewhere."}\n')
    assert is_running("modqd@second.service") and is_running()
    assert "second/1" in modq(*run, "queue").stdout and "second/1" not in modq("queue").stdout
    found = os.stat("/run/modqd-second/front.sock")
    assert grp.getgrgid(found.st_gid).gr_name == "modqd-front" and stat.S_IMODE(found.st_mode) == 0o660
    assert os.listdir("/var/lib/modqd-second").count("modqd.db") and not os.path.exists("/var/lib/modqd-second/server.key")
    assert public in journal("modqd@second.service") and public not in journal()


def the_journal_says_what_happened_with_a_message_id():
    lines = [line for line in journal_fields() if line.get("_COMM") == "modqd"]
    known = [line for line in lines if "MESSAGE_ID" in line]
    assert len(known) >= 3, f"{len(known)} of {len(lines)}"
    explained = said("journalctl", "--quiet", "--catalog", "--unit", SERVICE, f"MESSAGE_ID={known[0]['MESSAGE_ID']}")
    assert "Subject: " in explained, explained[:500]
    return f"{len(known)} of {len(lines)} lines"
