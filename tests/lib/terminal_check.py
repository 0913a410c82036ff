"""A strict judge of what a program wrote to a terminal.

    faults = lines_faults(raw, columns=80)           # line after line: LF and the colours of modq, nothing else
    faults = screen_faults(raw)                      # full screen: what ncurses uses of xterm-256color
    faults = frame_faults(screen)                    # what stands on an emulator's screen now

Each returns a list of Fault, empty when all is well. Written from ECMA-48, the terminfo of xterm-256color and Unicode's
tables, and from nothing of modq but what its documents promise, so that it can judge it.

A character is a fault when a reader could not see it, or when it could move others: controls, format characters other
than isolates (FSI and PDI; on a full screen LRI and RLI, too; balanced within a line, never nested), unassigned ones,
private use, noncharacters, marks that stand on nothing or pile up, and joiners or selectors where no script needs them.
"""
import collections
import functools
import re
import unicodedata

import columns as columns_of

Fault = collections.namedtuple("Fault", "line column what")

SHADES = frozenset(["0", "1", "2", "31", "32", "33"])        # what modq colours with
MARKS_MOST = 8
GAP = 2                                                      # between the columns of a table
LRI, RLI, FSI, PDI = "\u2066", "\u2067", "\u2068", "\u2069"
ZWNJ, ZWJ, VS16, KEYCAP = "\u200c", "\u200d", "\ufe0f", "\u20e3"
DIRECTIONS = LRI + RLI + FSI                 # where the lines of one text have the direction of all of it (modq review)
HEH = "\u0647"
BLANK = {0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, *range(0x180b, 0x1810), 0x2800, 0x3164, 0xffa0, 0x16fe4, 0x1d159}
DRAWN_BLANK = {0x2800}                                       # an empty Braille pattern is a sign of its script
VIRAMA = 9

# One thing after another: a control function, whole or broken off, or text. Malformed UTF-8 comes as lone surrogates.
TOKEN = re.compile(r"""
    (?P<csi> (?:\x1b\[|\x9b) (?P<parameters>[0-?]*) (?P<between>[ -/]*) (?P<final>[@-~])? )
  | (?P<string> (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]) [^\x07\x1b\x9c\n]* (?:\x07|\x1b\\|\x9c)? )
  | (?P<escape> \x1b [ -/]* [0-~]? )
  | (?P<control> [\x00-\x1f\x7f-\x9f] )
  | (?P<text> [^\x00-\x1f\x7f-\x9f]+ )
""", re.X)

# Of a text without controls: nothing is to be judged of what is plain, and it is most of all output.
PARTS = re.compile(r"(?P<plain>[ -~]+)|[^ -~]+")

# What ncurses writes for xterm-256color (infocmp). Titles (OSC), device control (DCS) and questions are not among it.
SCREEN_CSI = re.compile(r"""
    \d*[ABCDEFGLMPSTXZ@bd]  | (?:\d*;\d*)?H | [0-2]?J | [0-2]?K | \d*;\d*r
  | \?(?:1|7|12|25|1049|2004|12;25)[hl] | 4[hl] | 2[23];0;0t
  | (?:\d{0,3}(?:;\d{0,3})*)m
""", re.X)
SCREEN_ESCAPES = ("\x1b(B", "\x1b(0", "\x1b=", "\x1b>", "\x1bM", "\x1b7", "\x1b8")
SCREEN_CONTROLS = "\b\t\n\r"


def _decoded(raw):
    return raw.decode("utf-8", "surrogateescape") if isinstance(raw, (bytes, bytearray)) else raw


# ---- characters

@functools.lru_cache(maxsize=None)
def _character_fault(character):
    """Of one character by itself."""
    code, category = ord(character), unicodedata.category(character)
    if 0xdc80 <= code <= 0xdcff:
        return f"malformed UTF-8, byte 0x{code - 0xdc00:02X}"
    if character in (LRI, RLI, FSI, PDI, ZWNJ, ZWJ, VS16):
        return None                                          # judged in its place
    if code in columns_of.DRAWN_FORMATS or code in DRAWN_BLANK:
        return None
    if code in BLANK or 0xfe00 <= code <= 0xfe0f or 0xe0000 <= code <= 0xe0fff:
        return f"invisible U+{code:04X}"
    if category in ("Cf", "Zl", "Zp"):
        return f"format character U+{code:04X}"
    if category in ("Cc", "Cn", "Co", "Cs"):
        return f"U+{code:04X}, which is no character to be seen ({category})"
    return None


@functools.lru_cache(maxsize=None)
def _stands_on_another(character):
    return unicodedata.category(character) in ("Mn", "Mc", "Me")


class _Row:
    """The text of one line: characters in their places, marks on them, isolates around them."""

    def __init__(self, isolates=FSI):
        self.isolates = isolates
        self.open, self.before, self.stacked, self.width, self.faults = False, "", 0, 0, []

    def begin(self):
        self.open, self.before, self.stacked, self.width, self.faults = False, "", 0, 0, []

    def cut(self):
        """Something of ours stands here: no mark may stand on it."""
        self.before, self.stacked = "", 0

    def take(self, text):
        for part in PARTS.finditer(text):
            if part["plain"]:
                self.width += len(part[0])
                self.before, self.stacked = part[0][-1], 0
            else:
                self._take_others(text, part.start(), part[0])

    def _take_others(self, text, start, part):
        for at, character in enumerate(part, start):
            fault = _character_fault(character) or self._place_fault(character, text[at + 1:at + 2])
            if fault:
                self.faults.append((self.width, fault))
            self.width += max(0, columns_of.width(character))
            if not _stands_on_another(character):
                self.stacked = 0
            self.before = "" if character in (LRI, RLI, FSI, PDI) else character

    def _place_fault(self, character, after):
        if character.isascii():
            return None
        if character in (LRI, RLI) and character not in self.isolates:
            return f"format character U+{ord(character):04X}"
        if character in (LRI, RLI, FSI):
            return "isolate within an isolate" if self._swap(True) else None
        if character == PDI:
            return None if self._swap(False) else "end of an isolate that did not begin"
        if character in (ZWNJ, ZWJ):
            return None if self._joins(after) else f"U+{ord(character):04X} where nothing joins"
        if character == VS16:
            picture = unicodedata.category(self.before or " ") in ("So", "Sm", "Po", "Sk") and not self.before.isascii()
            key = self.before and self.before in "#*0123456789" and after == KEYCAP
            return None if picture or key else "selector U+FE0F after no pictograph"
        if _stands_on_another(character):
            return self._mark_fault(character)
        return None

    def _swap(self, isolated):
        was, self.open = self.open, isolated
        return was

    def _joins(self, after):
        """Between letters, marks or pictographs; at the end of a word only where a letter needs it to be spelt."""
        before = self.before
        if not before or before in (ZWNJ, ZWJ) or unicodedata.category(before)[0] not in "LMS" and before != VS16:
            return False
        at_end = unicodedata.combining(before) == VIRAMA or before == HEH
        return at_end or (after != "" and after not in (ZWNJ, ZWJ, PDI) and unicodedata.category(after)[0] in "LMS")

    def _mark_fault(self, character):
        if not self.before:
            return f"mark U+{ord(character):04X} that stands on nothing of its text"
        self.stacked += 1
        return f"more than {MARKS_MOST} marks on one character" if self.stacked > MARKS_MOST else None

    def end(self):
        if self.open:
            self.faults.append((self.width, "isolate that does not end"))
        return self.faults


# ---- line after line

def _sequence_fault(token, shades):
    """Of a control function in output line after line."""
    if token["csi"] is None:
        return f"control function {token[0]!r}"
    plain = token["final"] == "m" and not token["between"] and not token[0].startswith("\x9b")
    if plain and token["parameters"] in shades:
        return None
    return f"control function {token[0]!r}"


class _Lines:
    def __init__(self, columns, shades, isolates):
        self.columns, self.shades = columns, shades
        self.row, self.number, self.shade, self.faults = _Row(isolates), 1, False, []

    def add(self, what, column=None):
        self.faults.append(Fault(self.number, self.row.width if column is None else column, what))

    def take(self, token):
        if token["text"]:
            self.row.take(token["text"])
        elif token[0] == "\n":
            self.end_line()
        else:
            fault = _sequence_fault(token, self.shades)
            if fault:
                self.add(fault)
            else:
                self.shade = token["parameters"] != "0"
                self.row.cut()

    def end_line(self):
        for column, what in self.row.end():
            self.add(what, column)
        if self.shade:
            self.add("colour that goes on behind the line")
        if self.columns and self.row.width > self.columns:
            self.add(f"{self.row.width} columns, of {self.columns}")
        self.row.begin()
        self.shade = False
        self.number += 1


def lines_faults(raw, columns=None, shades=SHADES, isolates=FSI):
    """Output line after line: text, LF, and SGR of `shades`, each ended by SGR 0 in its line. With `columns` no line may
    be wider."""
    judge, text = _Lines(columns, shades, isolates), _decoded(raw)
    for token in TOKEN.finditer(text):
        judge.take(token)
    if text and not text.endswith("\n"):
        judge.end_line()
    return judge.faults


def plain_lines(raw):
    """The lines without colours and isolates."""
    text = re.sub("\x1b\\[[0-9;]*m|[\u2068\u2069]", "", _decoded(raw))
    return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")


# ---- tables

def cut_at(line, column):
    """What stands before a column, what stands from there on, and the column in which that really begins."""
    width = 0
    for at, character in enumerate(line):
        if width >= column and columns_of.width(character) > 0:
            return line[:at], line[at:], width
        width += max(0, columns_of.width(character))
    return line, "", width


def table_faults(lines, anchor, columns=None):
    """A table whose column `anchor` holds only words of ours, at the left: each row must have one that begins where the
    heading does, after a gap, whatever stands before it."""
    header = next((line for line in lines if anchor in line), None)
    if header is None:
        return [Fault(0, 0, f"no heading {anchor!r}")]
    start, faults = columns_of.text_width(header[:header.index(anchor)]), []
    for number, line in enumerate(lines, 1):
        before, rest, real = cut_at(line, start)
        if real != start or rest[:1] in ("", " ") or not before.endswith(" " * GAP):
            faults.append(Fault(number, real, f"the column {anchor} begins at {start}, not here: {line!r}"))
        if columns and columns_of.text_width(line) > columns:
            faults.append(Fault(number, columns, f"{columns_of.text_width(line)} columns, of {columns}"))
    return faults


# ---- full screen

def screen_faults(raw, forbidden=None):
    """What a full-screen program wrote in all: what ncurses uses of xterm-256color. `forbidden`: a compiled expression;
    whatever control function it finds is a fault although ncurses has it (what hostile texts hold, and nobody else)."""
    faults, text, line, begun = [], _decoded(raw), 1, 0
    for token in TOKEN.finditer(text):
        fault = _screen_fault(token, forbidden)
        if fault:
            faults.append(Fault(line, token.start() - begun, fault))
        if token[0] == "\n":
            line, begun = line + 1, token.end()
    return faults


def _screen_fault(token, forbidden):
    if token["text"]:
        return next((fault for character in token["text"] if (fault := _character_fault(character))), None)
    if forbidden and forbidden.search(token[0]):
        return f"control function {token[0]!r}, which only a hostile text holds"
    if token["csi"]:
        known = token[0].startswith("\x1b[") and SCREEN_CSI.fullmatch(token[0][2:])
        return None if known else f"control function {token[0]!r}"
    known = token[0] in SCREEN_ESCAPES or token[0] in SCREEN_CONTROLS
    return None if known else f"control function {token[0]!r}"


def frame_faults(screen):
    """What stands on the screen: every row as wide as it, nothing unseen, isolates closed within their row; and the
    terminal was not made to break a line, to have another title, or to answer."""
    faults = []
    for number, line in enumerate(screen.lines()):
        row = _Row(DIRECTIONS)
        row.take(line)
        faults += [Fault(number, column, what) for column, what in row.end()]
        if row.width != screen.columns:
            faults.append(Fault(number, row.width, f"{row.width} columns, of {screen.columns}: a wide character is cut"))
    told = {"title": screen.title, "answers": screen.answers, "wrapped": screen.wrapped}
    return faults + [Fault(0, 0, f"{name}: {value!r}") for name, value in told.items() if value]
