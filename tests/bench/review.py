"""How long a moderator waits: from the key that decides to the next comment on the screen, and for the first screen.

The screen is modq review on a terminal of its own; what counts is the moment at which the emulator has drawn the next
comment's name. A key comes 0.2 s after a comment stood there (sooner ones are refused as meant for the one before), which is faster
than anybody reads."""
import re
import time

from screen import Screen

NAME = re.compile(r"(\S+/\S+)\s+waits")
PATIENCE_S = 10
POLL_S = 0.0002
READ_S = 0.2


def shown(screen):
    """The name of the comment on the screen, or None."""
    found = NAME.search(screen.text())
    return found[1] if found else None


def wait_for_another(screen, before):
    """The name of the next comment, and when it stood there."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        name = shown(screen)
        if name and name != before:
            return name, time.monotonic()
        time.sleep(POLL_S)
    raise AssertionError(f"no other comment than {before} within {PATIENCE_S} s:\n{screen.text()}")


def measure(modq, directory, presses, key="a"):
    """[ms from the start to the first comment, [ms of each press]]"""
    begun = time.monotonic()
    with Screen([str(modq), "--dir", str(directory), "--as", "bench", "review"]) as screen:
        name, at = wait_for_another(screen, None)
        first = (at - begun) * 1000
        waits = []
        for _ in range(presses):
            time.sleep(READ_S)
            begun = time.monotonic()
            screen.send(key)
            name, at = wait_for_another(screen, name)
            waits.append((at - begun) * 1000)
        screen.send("q")
    return first, waits
