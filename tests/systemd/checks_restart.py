"""Restarts, planned and not, while clients go on."""
import random
import signal
import time

from client import Key, Load
from system import (SERVICE, back_after, is_running, journal_cursor, journal_since, main_pid, modq, run, show,
                    signalled, systemctl, until)

RESTARTS, KILLS = 20, 5
WATCHDOG_S = 30           # WatchdogSec= of the unit


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


def the_watchdog_restarts_a_daemon_that_hangs():
    assert show("WatchdogUSec") == f"{WATCHDOG_S}s", show("WatchdogUSec")
    cursor, start = journal_cursor(), time.monotonic()
    pid = signalled(signal.SIGSTOP)
    back_after(pid, patience=WATCHDOG_S + 20)
    took = time.monotonic() - start
    run("journalctl", "--sync")
    assert "atchdog" in journal_since(cursor), journal_since(cursor)
    assert took < WATCHDOG_S + 3, f"{took:.1f} s"
    return f"back {took:.1f} s after SIGSTOP"


def a_killed_daemon_is_back_within_a_second():
    times = []
    for _ in range(5):
        times.append(back_after(signalled(signal.SIGKILL)))
    until(is_running, "the service runs")
    assert max(times) < 1, times
    return "ready after " + ", ".join(f"{seconds:.2f} s" for seconds in times)
