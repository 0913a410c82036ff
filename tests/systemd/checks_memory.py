"""A peer with a key that sends one message without end."""
import time

import zmq
from checks_keys import FRONT
from client import Client, Key
from system import (SERVICE, Skip, back_after, is_running, journal_cursor, journal_since, main_pid, modq, read, run, systemctl,
                    until)

LIMIT = 256 << 20         # less than the unit's, so that it does not take long
PART = bytes(64 << 10)


def _limit_in_force():
    with open(f"/proc/{main_pid()}/cgroup") as file:
        paths = [line.rstrip("\n").split(":", 2) for line in file]
    for _, controllers, path in paths:
        if "memory" in controllers.split(","):
            return int(read(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes"))
    path = f"/sys/fs/cgroup{paths[0][2]}/memory.max"
    try:
        return int(read(path))
    except (OSError, ValueError):
        return None


def a_peer_that_makes_it_grow_ends_it_at_the_limit_and_it_is_back():
    systemctl("set-property", "--runtime", SERVICE, f"MemoryMax={LIMIT}")
    if _limit_in_force() != LIMIT:
        raise Skip("no limit of memory can be set in this container")
    modq("key", "new", "glutton", "--role", "front", "--file", "/root/glutton.key")
    pid, cursor = main_pid(), journal_cursor()
    glutton = Client(FRONT, Key("/root/glutton.key"))
    until_s, sent = time.monotonic() + 60, 0
    while main_pid() == pid and time.monotonic() < until_s:
        for _ in range(64):
            try:
                glutton.socket.send(PART, zmq.SNDMORE | zmq.DONTWAIT)
                sent += len(PART)
            except zmq.Again:
                time.sleep(0.001)
    glutton.close()
    assert main_pid() != pid, f"it took {sent >> 20} MiB"
    took = back_after(pid)
    run("journalctl", "--sync")
    assert "status=9/KILL" in journal_since(cursor), journal_since(cursor)
    client = Client()
    assert client.submit("memory", "1")
    client.close()
    assert took < 2, took
    systemctl("revert", SERVICE)
    until(is_running, "the service runs")
    return f"ended after {sent >> 20} MiB, ready {took:.2f} s later"
