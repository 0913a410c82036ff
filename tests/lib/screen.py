"""A program on a terminal: a pty, and an emulator (python3-pyte) that says what stands on the screen.

    with Screen([MODQ, "review"], {"MODQ_DIR": daemon.dir}) as screen:
        screen.wait_for("news/c1")
        screen.send("a")
        screen.wait_for(re.compile(r"approved \\d+"))
    assert screen.exit_code is not None

Nothing reads behind the caller's back: every look at the screen (text, cell, cursor, raw, ...) and every wait first
takes what the program wrote until now. The child leads a session of its own, and is ended with the block that holds it,
at the latest with the test program.

What pyte 0.8.0 lacks and this adds: the alternate screen, REP, CBT, SU, SD, line drawing sets, text that goes on after
a character without width, and the right place for a wide character in the last column. What is still missing: DCS, sub-
parameters with ":", blinking and dim text. The judge of a stream is terminal_check.py; this one shows it.
"""
import atexit
import collections
import copy
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import weakref

import pyte
import pyte.charsets

import columns as columns_of

Cursor = collections.namedtuple("Cursor", "row column hidden")
ISOLATES = re.compile("[\u2066-\u2069]")
ALTERNATE_SCREENS = ("?47", "?1047", "?1049")
READ_MOST = 1 << 16
PATIENCE_S = 30                  # for what a program writes, and for its end; a sanitized one on a busy machine is slow
HANG_UP_PATIENCE_S = 2
POLL_S = 0.01

_open = weakref.WeakSet()


class Terminal(pyte.Screen):
    """pyte's screen with what it lacks. `answers`: what it told the program on its own, when that asked."""

    def __init__(self, columns, rows):
        self.answers, self.bells, self.wrapped, self.clears, self.unknown = "", 0, 0, 0, []
        self.modes = set()
        self._main = self._last = None
        self._leading = ""
        super().__init__(columns, rows)

    def reset(self):
        super().reset()
        self.modes = {"?7", "?25"}
        self._main = self._last = None

    # ---- characters

    def draw(self, data):
        charset = self.g1_charset if self.charset else self.g0_charset
        if charset is not pyte.charsets.LAT1_MAP:
            data = data.translate(charset)
        for character in data:
            width = columns_of.width(character)
            if width > 0:
                self._put(character, width)
                self._last = character
            elif width == 0:
                self._join(character)
        self.dirty.add(self.cursor.y)

    def _put(self, character, width):
        if self.cursor.x + width > self.columns:
            self._wrap(width)
        if "4" in self.modes:
            self.insert_characters(width)
        line = self.buffer[self.cursor.y]
        leading = self._leading if self.cursor.x == 0 else ""
        line[self.cursor.x] = self.cursor.attrs._replace(data=leading + character)
        self._leading = ""
        if width == 2 and self.cursor.x + 1 < self.columns:
            line[self.cursor.x + 1] = self.cursor.attrs._replace(data="")
        self.cursor.x = min(self.cursor.x + width, self.columns)

    def _wrap(self, width):
        if "?7" not in self.modes:
            self.cursor.x = max(0, self.columns - width)
            return
        self.wrapped += 1
        self.carriage_return()
        self.index()

    def _join(self, character):
        """A mark, on the character before it. At the beginning of a line it is kept with the one that comes."""
        line = self.buffer[self.cursor.y]
        x = self.cursor.x - 1
        if x > 0 and line[x].data == "":
            x -= 1
        if x >= 0:
            line[x] = line[x]._replace(data=line[x].data + character)
        else:
            self._leading += character
            line[0] = line[0]._replace(data=self._leading + " ")

    def repeat(self, count=None):
        if self._last:
            self.draw(self._last * (count or 1))

    def erase_in_display(self, how=0, *args, **kwargs):
        self.clears += how == 2
        super().erase_in_display(how, *args, **kwargs)

    # ---- movement

    def index(self):
        self._leading = ""
        super().index()

    def back_tab(self, count=None):
        for _ in range(count or 1):
            self.cursor.x = max((stop for stop in self.tabstops if stop < self.cursor.x), default=0)

    def scroll_up(self, count=None):
        self._scroll(count, self.delete_lines)

    def scroll_down(self, count=None):
        self._scroll(count, self.insert_lines)

    def _scroll(self, count, move):
        place = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        move(count or 1)
        self.cursor.x, self.cursor.y = place

    # ---- modes

    def set_mode(self, *modes, **kwargs):
        names = [("?" if kwargs.get("private") else "") + str(mode) for mode in modes]
        if any(name in ALTERNATE_SCREENS for name in names) and not self._main:
            self._main = self.buffer, copy.copy(self.cursor)
            self.buffer = collections.defaultdict(self.buffer.default_factory)
            self.dirty.update(range(self.lines))
        self.modes.update(names)
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes, **kwargs):
        names = [("?" if kwargs.get("private") else "") + str(mode) for mode in modes]
        if any(name in ALTERNATE_SCREENS for name in names) and self._main:
            self.buffer, self.cursor = self._main
            self._main = None
            self.ensure_hbounds()
            self.ensure_vbounds()
            self.dirty.update(range(self.lines))
        self.modes.difference_update(names)
        super().reset_mode(*modes, **kwargs)

    def resize(self, lines=None, columns=None):
        super().resize(lines, columns)
        self.ensure_hbounds()
        self.ensure_vbounds()
        self.tabstops = set(range(8, self.columns, 8))

    # ---- what it tells

    def write_process_input(self, data):
        self.answers += data

    def bell(self, *_):
        self.bells += 1

    def debug(self, *args, **kwargs):
        self.unknown.append((args, kwargs))


class TerminalStream(pyte.ByteStream):
    """pyte's parser with the sequences that Terminal adds, and with line drawing sets, which it leaves out in UTF-8."""
    csi = {**pyte.ByteStream.csi, "b": "repeat", "Z": "back_tab", "S": "scroll_up", "T": "scroll_down"}
    events = frozenset([*pyte.ByteStream.events, "repeat", "back_tab", "scroll_up", "scroll_down"])
    charset_choice = re.compile(rb"\x1b([()])([0AB])")

    def __init__(self, screen):
        super().__init__(screen)
        self._kept = b""

    def feed(self, data):
        data = self._kept + data
        cut = re.search(rb"\x1b[()]?$", data)
        self._kept = data[cut.start():] if cut else b""
        data = data[:cut.start()] if cut else data
        at = 0
        for found in self.charset_choice.finditer(data):
            super().feed(data[at:found.start()])
            self.listener.define_charset(found[2].decode(), mode=found[1].decode())
            at = found.end()
        super().feed(data[at:])


class Screen:
    """`argv` on a terminal. `env` is added to the environment; a value of None takes a variable away. With `exact` the
    terminal's line discipline leaves the output alone (no CR before LF), so that `raw` is what the program wrote.
    Without `emulate` nothing but `raw` is kept: for megabytes.

    columns, rows    the size now
    title            of the window
    modes            set of "?1049" (private) or "4": those that are on; at the beginning ?7 (wrap) and ?25 (cursor)
    wrapped          how many lines the terminal broke by itself
    clears           how often the program cleared the whole of it, as it does to draw all anew
    raw              all bytes so far
    exit_code        None while it runs; negative: the signal that ended it
    """

    def __init__(self, argv, env=None, columns=80, rows=24, exact=False, emulate=True):
        self.argv, self.columns, self.rows = argv, columns, rows
        self._terminal = Terminal(columns, rows)
        if exact:
            self._terminal.set_mode(20)
        self._stream = TerminalStream(self._terminal)
        self._emulate = emulate
        self._raw, self._unsent, self._answered, self._ended = bytearray(), b"", 0, False
        self._exit_code = None
        self._master, slave = pty.openpty()
        try:
            self._prepare(slave, exact)
            self.process = subprocess.Popen(["setsid", "--ctty", *argv], stdin=slave, stdout=slave, stderr=slave,
                                            env=_environment(env or {}))
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)
        self.pid = self.process.pid
        _open.add(self)

    def _prepare(self, slave, exact):
        os.set_blocking(self._master, False)
        self._set_size()
        if exact:
            attributes = termios.tcgetattr(slave)
            attributes[1] &= ~termios.OPOST
            termios.tcsetattr(slave, termios.TCSANOW, attributes)

    def _set_size(self):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- bytes

    def pump(self, seconds=0.0):
        """Takes what the program wrote, waiting at most so long for the first of it. False: there was nothing."""
        got = False
        while not self._ended:
            readable, writable, _ = select.select([self._master], [self._master] if self._unsent else [], [],
                                                  0 if got else seconds)
            if writable:
                self._write()
            if readable:
                got = self._read() or got
            elif not writable or got:
                break
        return got

    def _read(self):
        try:
            data = os.read(self._master, READ_MOST)
        except BlockingIOError:
            return False
        except OSError:                                    # EIO: nobody has the other end any more
            data = b""
        if not data:
            self._ended = True
            return False
        self._raw += data
        if self._emulate:
            self._stream.feed(data)
        answer = self._terminal.answers[self._answered:]
        self._answered += len(answer)
        self._unsent += answer.encode()
        return True

    def _write(self):
        try:
            self._unsent = self._unsent[os.write(self._master, self._unsent):]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""

    def send(self, keys):
        """Types. Returns when the terminal has taken them all, or the program is gone."""
        self._unsent += keys.encode() if isinstance(keys, str) else keys
        deadline = time.monotonic() + PATIENCE_S
        while self._unsent and not self._ended:
            self.pump(POLL_S)
            if time.monotonic() > deadline:
                raise AssertionError(f"the program does not read its keys\n{self.picture()}")

    # ---- waiting

    def wait_until(self, condition, seconds=PATIENCE_S, about="what was waited for"):
        """Returns what condition() gives as soon as that is true. Raises with the screen when it does not come."""
        deadline = time.monotonic() + seconds
        while True:
            self.pump()
            if found := condition():
                return found
            if time.monotonic() > deadline or self.exit_code is not None:
                break
            if not self.pump(POLL_S) and self._ended:
                time.sleep(POLL_S)                         # it closed its terminal, and may do more
        if found := condition():
            return found
        raise AssertionError(f"did not come within {seconds} s: {about}\n{self.picture()}")

    def wait_for(self, wanted, seconds=PATIENCE_S):
        """Until a text, or a compiled regular expression, stands on the screen. Returns the match, or the text."""
        return self.wait_until(lambda: self._find(wanted), seconds, repr(wanted))

    def wait_gone(self, unwanted, seconds=PATIENCE_S):
        self.wait_until(lambda: not self._find(unwanted), seconds, f"{unwanted!r} to go")

    def wait_exit(self, seconds=PATIENCE_S):
        """Returns the exit code."""
        self.wait_until(lambda: self.exit_code is not None, seconds, "the end of the program")
        return self.exit_code

    def wait_end(self, quiet=PATIENCE_S):
        """Returns the exit code of a program that may take as long as it wants, while it never stops writing for so long."""
        while self.exit_code is None and self.pump(quiet):
            pass
        return self.wait_exit()

    def settle(self, quiet=0.1, seconds=10.0):
        """Until nothing is written for so long."""
        deadline = time.monotonic() + seconds
        while self.pump(quiet):
            if time.monotonic() > deadline:
                raise AssertionError(f"the program never stops writing\n{self.picture()}")
        return self

    def _find(self, wanted):
        text = self._text()
        return wanted.search(text) if isinstance(wanted, re.Pattern) else wanted if wanted in text else None

    # ---- looking

    def _text(self):
        return ISOLATES.sub("", "\n".join(line.rstrip() for line in self._lines()))

    def _lines(self):
        terminal = self._terminal
        return ["".join(terminal.buffer[y][x].data for x in range(terminal.columns)) for y in range(terminal.lines)]

    def lines(self):
        """Every row in its whole width. A wide character is one character in it."""
        self.pump()
        return self._lines()

    def text(self):
        """The rows, without the spaces at their ends and without bidi isolates. wait_for looks here."""
        self.pump()
        return self._text()

    def cell(self, row, column):
        """From 0. Has data ("" in the second half of a wide character), fg, bg, bold, underscore, reverse, ..."""
        self.pump()
        return self._terminal.buffer[row][column]

    def picture(self):
        """For a person: the screen in a frame, and how the program is."""
        state = "runs" if self.process.poll() is None else f"ended with {self.process.returncode}"
        body = "\n".join(f"|{line}|" for line in self._lines())
        return f"{self.argv!r} {state}; cursor {self._cursor()}\n{body}"

    def _cursor(self):
        cursor = self._terminal.cursor
        return Cursor(cursor.y, min(cursor.x, self.columns - 1), cursor.hidden)

    @property
    def cursor(self):
        self.pump()
        return self._cursor()

    @property
    def title(self):
        self.pump()
        return self._terminal.title

    @property
    def modes(self):
        self.pump()
        return set(self._terminal.modes)

    @property
    def wrapped(self):
        self.pump()
        return self._terminal.wrapped

    @property
    def clears(self):
        self.pump()
        return self._terminal.clears

    @property
    def answers(self):
        """What the terminal answered by itself: nothing, unless the program asked where its cursor is or the like."""
        self.pump()
        return self._terminal.answers

    @property
    def bells(self):
        self.pump()
        return self._terminal.bells

    @property
    def raw(self):
        self.pump()
        return bytes(self._raw)

    @property
    def exit_code(self):
        self.pump()
        if self._exit_code is None and (code := self.process.poll()) is not None:
            self.pump()                                    # what it wrote last
            self._exit_code = code
        return self._exit_code

    # ---- acting

    def resize(self, columns, rows):
        """The kernel tells the program (SIGWINCH)."""
        self.pump()
        self.columns, self.rows = columns, rows
        self._terminal.resize(rows, columns)
        self._set_size()

    def forget_wraps(self):
        """After a resize, when all is drawn anew: what the program wrote for a wider screen is not its fault."""
        self._terminal.wrapped = 0

    def close(self):
        """Ends the program, as closing a window does, and by force when that is not enough."""
        if self._master is None:
            return
        try:
            self._end()
        finally:
            os.close(self._master)
            self._master, self._ended = None, True
            _open.discard(self)

    def _end(self):
        for how, patience in ((signal.SIGHUP, HANG_UP_PATIENCE_S), (signal.SIGKILL, PATIENCE_S)):
            if self.process.poll() is None:
                self.process.send_signal(how)
            deadline = time.monotonic() + patience
            while self.process.poll() is None and time.monotonic() < deadline:
                if not self.pump(POLL_S) and self._ended:
                    time.sleep(POLL_S)
        self.pump()
        self._exit_code = self.process.returncode


def _environment(changes):
    """This program's, without what would choose another size, other colours or another language."""
    ours = {name: value for name, value in os.environ.items()
            if name not in ("COLUMNS", "LINES", "NO_COLOR", "LANGUAGE") and not name.startswith("LC_")}
    ours.update({"TERM": "xterm-256color", "LANG": "C.UTF-8", **changes})
    return {name: str(value) for name, value in ours.items() if value is not None}


@atexit.register
def _close_all():
    for screen in list(_open):
        screen.close()
