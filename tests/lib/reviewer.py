"""Somebody at `modq review`: reads what stands on the screen, and presses keys. Nothing else is known to it.

    with Reviewer(daemon, "ann") as ann:
        name = ann.read()              # "news/c1", as soon as it is there and was there long enough to be read
        ann.reject(["profanity", "threat"])
        assert ann.read() != name
"""
import contextlib
import re
import time

from daemon import MODQ
from screen import PATIENCE_S, Screen
from terminal_check import frame_faults

READ_S = 0.17                    # a deciding key that comes sooner is taken for one that was meant for the comment before
WHOLE_S = 1.0                    # no program is held up for so long within a frame
LEAVE_TRIES, LEAVE_PATIENCE_S = 4, 10
ENTER, ESCAPE, TAB = "\r", "\x1b", "\t"
REASON_KEYS = "1234567890abcdefghijklmnopqrstuvwxyz"
HEAD = re.compile(r" (?P<name>\S+/\S+)  .*?(?:(?P<at>\d+) of (?P<count>\d+)(?: held)?)?\s*$")


def faults_of(screen, quiet_s):
    """What is wrong with the frame that stands there. One that is half drawn is none, and the program may be held up in the
    middle of it: what seems wrong is looked at again when nothing was written for longer."""
    return frame_faults(screen.settle(quiet_s)) and frame_faults(screen.settle(WHOLE_S))


class Reviewer:
    """`arguments` go to `modq review`. `reasons`: the codes of the policy, in its order."""

    def __init__(self, daemon, who, *arguments, reasons=(), columns=140, rows=30):
        self.who, self.reasons = who, list(reasons)
        self.screen = Screen([MODQ, "--dir", daemon.dir, "--as", who, "review", *arguments], None, columns, rows)
        self.name, self.since = None, 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.screen.close()

    def close(self):
        self.screen.close()

    # ---- reading

    def head(self):
        """Of the comment that stands there: its name, the how manieth it is, of how many that are held; or None."""
        found = HEAD.match(self.screen.text().split("\n")[1])
        name = found["name"] if found else None
        if name != self.name:
            self.name, self.since = name, time.monotonic()
        return (name, int(found["at"] or 1), int(found["count"] or 1)) if found else None

    def read(self, but=None, seconds=PATIENCE_S):
        """The name of the comment that stands there, another one than `but`, once it could be read."""
        self.screen.wait_until(lambda: self.head() and self.name != but, seconds, f"a comment that is not {but}")
        while time.monotonic() - self.since < READ_S:
            self.screen.pump(0.01)
            if not self.head() or self.name == but:
                return self.read(but, seconds)
        return self.name

    def held(self):
        """Names of all that are held, in their order, by a look at each. The first one stands there afterwards."""
        names = []
        name, at, count = self.head()
        for _ in range(at - 1):
            name = self._step("[", name)
        for number in range(count):
            names.append(name)
            name = self._step("]", name) if number + 1 < count else name
        for _ in range(count - 1):
            name = self._step("[", name)
        return names

    def _step(self, key, name):
        self.screen.send(key)
        self.screen.wait_until(lambda: self.head() and self.name != name, about=f"another one than {name}")
        return self.name

    def resize(self, columns, rows):
        """Returns when all is drawn for the new size."""
        if (columns, rows) == (self.screen.columns, self.screen.rows):
            return
        clears = self.screen.clears
        self.screen.resize(columns, rows)
        self.screen.wait_until(lambda: self.screen.clears > clears, about=f"a screen of {columns}x{rows}")
        self.screen.settle(0.1).forget_wraps()

    # ---- deciding

    def approve(self):
        self.screen.send("a")

    def reject(self, codes, note=None, meanwhile=None):
        self.screen.send("r")
        self.screen.wait_for("Enter reject")
        if meanwhile:
            meanwhile()
        self.screen.send("".join(REASON_KEYS[self.reasons.index(code)] for code in codes))
        self.screen.send(ENTER if note is None else TAB)
        if note is not None:
            self._type("Note for the rejection", note)

    def escalate(self, note):
        self.screen.send("e")
        self._type("Why escalate", note)

    def note(self, text):
        self.screen.send("n")
        self._type("Note", text)

    def skip(self):
        self.screen.send("s")

    def undo(self, name):
        """Takes the last decision back, and waits for its comment."""
        self.screen.send("u")
        self.screen.wait_until(lambda: self.head() and self.name == name, about=f"{name} to be back")

    def _type(self, question, text):
        self.screen.wait_for(question)
        self.screen.send(text + ENTER)
        self.screen.wait_gone(question)

    def mark(self, count):
        """Goes to the list and marks so many from the present one on; what is done next is for these."""
        self.screen.send("l")
        self.screen.wait_for("that you hold")
        self.screen.send(" " * count)
        self.screen.wait_for(f"{count} marked")

    def search(self, text, name):
        """Finds the one comment that holds this text, and opens it."""
        self.screen.send("/")
        self.screen.wait_for("Search:")
        self.screen.send("\x15" + text + ENTER)
        self.screen.wait_for(re.compile("^ 1 found", re.M))
        self.screen.send(ENTER)
        self.screen.wait_until(lambda: self.head() and self.name == name, about=f"{name}, which was found")

    def leave(self):
        """Quits, and returns the exit code. A busy machine may hand ESC and q over together, which is another key: so q again."""
        self.screen.send(ESCAPE)
        self.screen.settle(0.1)
        for _ in range(LEAVE_TRIES - 1):
            self.screen.send("q")
            with contextlib.suppress(AssertionError):
                return self.screen.wait_exit(LEAVE_PATIENCE_S)
        self.screen.send("q")
        return self.screen.wait_exit(LEAVE_PATIENCE_S)
