"""Restarts, planned and not, while clients go on."""
import random
import signal
import time

from client import Key, Load
from system import SERVICE, back_after, main_pid, modq, signalled, systemctl

RESTARTS, KILLS = 20, 5
PAUSE_S = 2.0             # more than the unit's own before a start
KILLS_IN_A_ROW = 8        # systemd's own limit is five starts in ten seconds; the unit has none


def _keys(count):
    for number in range(count):
        path = f"/root/load-{number}.key"
        modq("key", "new", f"load-{number}", "--role", "front", "--file", path)
        yield Key(path)


def every_acknowledged_comment_survives_restarts_and_kills_under_load():
    steps = [True] * RESTARTS + [False] * KILLS
    random.shuffle(steps)
    with Load("restarts", [None, None, None, *_keys(3)], rate=50) as load:
        for planned in steps:
            time.sleep(0.5)
            pid = main_pid()
            if planned:
                systemctl("restart", SERVICE)
            else:
                signalled(signal.SIGKILL)
            back_after(pid)
        time.sleep(1.5)
    return f"{RESTARTS} restarts, {KILLS} kills: {load.check()}"


def a_killed_daemon_is_back_about_as_soon_as_a_restarted_one_however_often():
    """How long a start takes is the machine's affair. A pause that grows would hold up all of the last ones."""
    begin = time.monotonic()
    systemctl("restart", SERVICE)
    restart = time.monotonic() - begin
    times = [back_after(signalled(signal.SIGKILL)) for _ in range(KILLS_IN_A_ROW)]
    first, last = min(times[:KILLS_IN_A_ROW // 2]), min(times[KILLS_IN_A_ROW // 2:])
    assert max(first, last) < restart + PAUSE_S, (restart, times)
    return f"a restart takes {restart:.2f} s; ready after " + ", ".join(f"{seconds:.2f} s" for seconds in times)
