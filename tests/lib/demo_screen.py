"""How the demo writes on the screen: headings, command lines with what they really print, progress."""
import os
import shutil
import subprocess
import sys
import textwrap
import time

WIDTH = max(60, min(100, shutil.get_terminal_size((100, 24)).columns))
TTY = sys.stdout.isatty()
COLOR = TTY and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
SHADES = {"bold": "1", "dim": "2", "green": "32", "red": "31", "yellow": "33", "cyan": "36"}
PAUSE_S = 0.35 if TTY else 0           # somebody reads along


def shade(name, text):
    return f"\033[{SHADES[name]}m{text}\033[0m" if COLOR else text


def put(text=""):
    print(text, flush=True)


def heading(text):
    put()
    put(shade("bold", text))
    put(shade("dim", "─" * WIDTH))
    time.sleep(PAUSE_S)


def prose(text):
    put(textwrap.fill(text, WIDTH))


def wrapped(text, indent, first=None, color=None):
    """Lines of a text, indented; `first` stands before the first one, in that colour."""
    first = indent if first is None else first
    filled = textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=indent)
    put(shade(color, first) + filled[len(first):] if color else filled)


class Progress:
    """One line that changes, on a terminal only."""

    def __init__(self):
        self._next = 0

    def show(self, text):
        if TTY and time.monotonic() >= self._next:
            self._next = time.monotonic() + 0.2
            print("\r\033[K" + text[:WIDTH], end="", flush=True)

    def clear(self):
        if TTY:
            print("\r\033[K", end="", flush=True)


class Terminal:
    """Somebody's terminal: shows a command line and what the command prints."""

    def __init__(self, who, modq, directory, **environment):
        self.who, self.modq, self.directory = who, modq, directory
        self.environment = {**os.environ, "MODQ_DIR": directory, "COLUMNS": str(WIDTH - 2), "NO_COLOR": "1",
                            **environment}

    def run(self, *arguments, expect=0, about=None):
        """Runs modq; returns whether it ended as expected."""
        words = " ".join(f"'{word}'" if " " in word else word for word in arguments)
        put()
        if about:
            wrapped(about, "")
        put(shade("cyan", f"{self.who} $ ") + shade("bold", f"modq {words}"))
        ended = subprocess.run([self.modq, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               errors="replace", env=self.environment, cwd=self.directory, timeout=60)
        for line in (ended.stdout + ended.stderr).splitlines():
            if len(line) <= WIDTH - 2:
                put("  " + line)
            else:
                wrapped(line, "    ", "  ")
        if ended.returncode != expect:
            put(shade("red", f"  exit code {ended.returncode}, expected {expect}"))
        time.sleep(PAUSE_S)
        return ended.returncode == expect
