"""A daemon that hangs, as a whole or in one of its threads, and one that only waits."""
import glob
import os
import signal
import sqlite3
import subprocess
import sys
import time

from client import Client, Refused
from system import (SERVICE, STATE, back_after, journal_cursor, journal_fields, journal_since, main_pid, read, run, show,
                    signalled, systemctl, write)

WATCHDOG_S = 30           # WatchdogSec= of the unit
SHORTER_S = 5             # of the drop-in
HELD_S = WATCHDOG_S + 5
START_S = 10              # to end the old one and start the next, on a busy machine
DROP_IN = f"/run/systemd/system/{SERVICE}.d/watchdog.conf"
HOLD_THREAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hold_thread.py")


def _ended_by_the_watchdog(pid, cursor, within_s):
    """Seconds until there is another daemon; the journal must say why."""
    start = time.monotonic()
    back_after(pid, patience=within_s + 20)
    took = time.monotonic() - start
    run("journalctl", "--sync")
    assert "Watchdog timeout" in journal_since(cursor), journal_since(cursor)
    assert took < within_s + START_S, f"{took:.1f} s"
    return took


def the_watchdog_restarts_a_daemon_that_hangs():
    assert show("WatchdogUSec") == f"{WATCHDOG_S}s", show("WatchdogUSec")
    cursor = journal_cursor()
    took = _ended_by_the_watchdog(signalled(signal.SIGSTOP), cursor, WATCHDOG_S)
    return f"back {took:.1f} s after SIGSTOP"


def a_shorter_watchdog_is_set_for_what_follows():
    write(DROP_IN, f"[Service]\nWatchdogSec={SHORTER_S}s\n")
    systemctl("daemon-reload")
    systemctl("restart", SERVICE)
    assert show("WatchdogUSec") == f"{SHORTER_S}s", show("WatchdogUSec")
    pid = main_pid()
    time.sleep(1.5 * SHORTER_S)
    assert main_pid() == pid, "it is ended although it works"


def _thread(pid, name):
    tid, = [path.split("/")[-2] for path in glob.glob(f"/proc/{pid}/task/*/comm") if read(path).strip() == name]
    return tid


def _hang(name=None):
    """Stops the thread of that name, or the main thread, which runs the loop."""
    pid, cursor = main_pid(), journal_cursor()
    command = [sys.executable, "-B", HOLD_THREAD, _thread(pid, name) if name else str(pid)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "stopped\n"
            took = _ended_by_the_watchdog(pid, cursor, SHORTER_S)
        finally:
            holder.kill()
    return f"back {took:.1f} s later"


def a_loop_that_hangs_is_noticed():
    return _hang()


def a_thread_that_hangs_while_it_writes_is_noticed():
    return _hang("modqd-write")


def a_thread_that_hangs_while_it_reads_is_noticed():
    return _hang("modqd-read")


def a_thread_that_hangs_while_it_looks_for_long_is_noticed():
    return _hang("modqd-look")


def the_watchdog_is_the_units_again():
    os.unlink(DROP_IN)
    systemctl("daemon-reload")
    systemctl("restart", SERVICE)
    assert show("WatchdogUSec") == f"{WATCHDOG_S}s", show("WatchdogUSec")


def a_database_that_another_program_holds_is_no_hang():
    """A restart would not get the lock either: whoever asks is told to come again, and the journal says why."""
    pid, client, answers = main_pid(), Client(), []
    other = sqlite3.connect(f"{STATE}/modqd.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    until_s = time.monotonic() + HELD_S
    while time.monotonic() < until_s:
        try:
            client.ask("submit", timeout_s=HELD_S, comments=[{"site": "held", "comment": "1", "body": "A comment."}])
            answers.append("accepted")
        except Refused as refused:
            answers.append(refused.name)
    other.execute("ROLLBACK")
    other.close()
    assert set(answers) == {"busy"}, answers
    assert client.submit("held", "1") and main_pid() == pid
    client.close()
    told = [line for line in journal_fields() if line.get("ERROR") == "busy" and line["_PID"] == str(pid)]
    assert any("nothing could be written" in line["MESSAGE"] for line in told), told
    return f"{len(answers)} times busy in {HELD_S:.0f} s"
