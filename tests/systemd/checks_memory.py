"""A peer that sends one message without end: ZeroMQ gathers it, whatever its limits, until the kernel ends the daemon."""
import time

from client import Client, Load
from hostile import RawPeer, frame
from system import RUN, SERVICE, Skip, back_after, journal_cursor, journal_since, main_pid, read, run, show, systemctl

SHIPPED = 1 << 30
LIMIT = 256 << 20         # less than the unit's, so that it does not take long
PATIENCE_S = 60
BACK_S = 10               # it takes less than a second where the machine is not busy


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


def _send_without_end(pid):
    """Parts of one message until the daemon is another process; how many bytes there were."""
    glutton, part, sent = RawPeer(f"ipc://{RUN}/front.sock"), frame(bytes(1 << 20), more=True), 0
    glutton.greet("DEALER")
    until_s = time.monotonic() + PATIENCE_S
    try:
        while main_pid() == pid and time.monotonic() < until_s:
            for _ in range(16):
                glutton.send(part)
                sent += len(part)
    except OSError:           # it is gone
        pass
    return sent


def a_peer_that_makes_it_grow_ends_it_at_the_limit_and_nothing_is_lost():
    assert int(show("MemoryMax")) == SHIPPED and show("MemorySwapMax") == "0", show("MemoryMax")
    systemctl("set-property", "--runtime", SERVICE, f"MemoryMax={LIMIT}")
    if _limit_in_force() != LIMIT:
        raise Skip("no limit of memory can be set in this container")
    pid, cursor = main_pid(), journal_cursor()
    with Load("memory", [None] * 2, rate=50) as load:
        Client().ask("hello")
        sent = _send_without_end(pid)
        took = back_after(pid)
        time.sleep(1)
    run("journalctl", "--sync")
    assert "status=9/KILL" in journal_since(cursor), journal_since(cursor)
    assert sent > LIMIT / 2, f"ended after {sent >> 20} MiB"
    assert took < BACK_S, took
    systemctl("revert", SERVICE)
    return f"ended after {sent >> 20} MiB, ready {took:.2f} s later; {load.check()}"
