"""Texts that try to drive, deceive or break a terminal: those of ../shared/hostile-text, and attacks of our own.

The attacks' control functions have a number of their own, 1337, so that what comes through a full-screen program is told
from what that writes itself: OURS finds them.
"""
import functools
import json
import os
import re
import unicodedata

from daemon import SHARED

FOLDER = os.path.join(SHARED, "hostile-text")
OURS = re.compile("1337")
NAME_BYTES, KEY_BYTES = 64, 128

_SEQUENCES = ["\x1b[1337;1337H", "\x1b[1337A", "\x1b[1337J", "\x1b[?1337h", "\x1b[?1049h\x1b[1337;1337H", "\x1b[1337;1337r", "\x1b[1337;1337m",
              "\x1b[38;5;1337m", "\x1b]0;1337\x07", "\x1b]2;1337\x1b\\", "\x1b]52;c;MTMzNw==\x07", "\x1b]8;;http://1337\x1b\\x",
              "\x1b]104;1337\x07", "\x1bP+q1337\x1b\\", "\x1bP$q1337\x1b\\", "\x1b_1337\x1b\\", "\x1b^1337\x1b\\", "\x1bX1337\x1b\\",
              "\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b[21t", "\x1b[5i", "\x1bc", "\x1b(0qqq", "\x1b#8", "\x1bZ", "\x1b%@",
              "\x9b1337;1337H", "\x9b31m", "\x9d0;1337\x9c", "\x901337\x9c", "\x84\x85\x8d", "\x1b[", "\x1b", "\x1b]0;1337"]
_CHARACTERS = ["a\rb", "a\bb", "a\b\b\b\b\bb", "\x0e\x0f", "\x07\x05", "\v\f", "\0", "\x7f", "a\tb\tc", "\t", "\n\n\n", "\r\n", "x\nfake/1  0 s",
               "abc\u202edcba", "\u2066x\u2069", "\u2067x", "\u2068x", "\u2069\u2069x", "\u2068\u2068\u2069", "\u061cx\u200ey\u200fz",
               "\ufeff", "\u200b", "\u2060", "\u00ad", "\u034f", "\u2028\u2029", "\u180e", "\u3164", "\u115f\u1160", "\uffa0", "\ue000",
               "\ufdd0\ufffe\uffff", "\U000e0041\U000e007f", "\U000e0100", "\U000f0000\U0010ffff", "\u0378", "\ufff9a\ufffab\ufffb",
               "\u0301", " \u0301", "e" + "\u0301" * 40, "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324" * 5,
               "\u200d", "\u200c\u200c", "\u0645\u200c\u200c\u0645", "x\u200dy", "\ufe0f", "a\ufe0f", "1\ufe0f\u20e3", "\u0488a\u0489",
               "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 8, "\U0001f3f4\U000e0067\U000e007f", "\U0001f1e6\U0001f1e8" * 9 + "\U0001f1e6",
               "\u1112\u1161\u11ab\u1100\u1173\u11af", "\u1161\u1161", "日本語" * 40, "\uff21\uff22" * 30, "\ufdfd", "\U0001242b", "\u0e33\u0e33",
               "\u0646\u0647\u200c \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u06dd\u0661\u0662", "\u0600\u0661", "\u05d0\u05d1\u05d2 abc \u05d3",
               "<U+202E>", "<u+1>", "<0xFF>", "<0x", "a" * 300, "-" * 90, " " * 90, " leading", "trailing ", "a  b", "%s%n%d", "\\033[1m", "--yes", "-x",
               "$(reboot)`id`", "'\"\\", "{\"a\": 1}", "&<>", "…" * 50]


def attacks():
    return list(dict.fromkeys([*_SEQUENCES, *("before" + text + "after" for text in _SEQUENCES), *_CHARACTERS,
                               *("a" + text + "b" for text in _CHARACTERS)]))


def there():
    """Whether ../shared/hostile-text is."""
    return os.path.isdir(FOLDER)


@functools.lru_cache(maxsize=None)
def shared():
    """Every string and every line of ../shared/hostile-text. Bytes that are no text stand in it as U+FFFD."""
    with open(os.path.join(FOLDER, "blns.json"), encoding="utf-8") as file:
        texts = json.load(file)
    for name in ("kuhn-utf8-stress.txt", "utf8tests.txt", "utf8tests.bin"):
        texts += [line.decode("utf-8", "replace") for line in shared_bytes(name)]
    return list(dict.fromkeys(text for text in texts if text))


def shared_bytes(name):
    with open(os.path.join(FOLDER, name), "rb") as file:
        return file.read().split(b"\n")


def shortened(text, most):
    """At most so many bytes, of whole characters."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")


def as_key(text):
    """The most of it that the protocol allows for a key."""
    return shortened("".join(c for c in text if unicodedata.category(c) != "Cc"), KEY_BYTES)


def as_name(text):
    return shortened(as_key(text).replace("/", "\u2215"), NAME_BYTES)
