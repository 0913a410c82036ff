"""The terminal of the tests shows what a real one would show, loses nothing and ends what runs on it."""
# plain: it is about an emulator in Python
# waits: as somebody at a screen does
import os
import re
import time
import unittest

import columns
import tap
from screen import Screen


def shell(script, **more):
    return Screen(["sh", "-c", script], **more)


class TestScreen(unittest.TestCase):
    def test_takes_every_byte_however_late_it_looks(self):
        for _ in range(5):
            with shell("seq 3000; exit 3", exact=True) as screen:
                self.assertEqual(screen.wait_exit(), 3)
                self.assertEqual(screen.raw, b"".join(b"%d\n" % n for n in range(1, 3001)))

    def test_types_waits_and_resizes(self):
        with shell("trap 'stty size' WINCH; while read x; do echo got $x; done", columns=70, rows=5) as screen:
            screen.send("one\n")
            screen.wait_for(re.compile("^got one$", re.M))
            screen.resize(40, 10)
            screen.send("two\n")
            screen.wait_for("10 40")
            self.assertEqual([len(line) for line in screen.lines()], [40] * 10)
            screen.send(b"\x04")
            self.assertEqual(screen.wait_exit(), 0)

    def test_shows_the_screen_when_something_does_not_come(self):
        with shell("echo here; sleep 100") as screen:
            screen.wait_for("here")
            with self.assertRaisesRegex(AssertionError, r"'never'(?s:.*)runs(?s:.*)\|here +\|"):
                screen.wait_for("never", 0.1)
        with shell("exit 4") as screen:
            begun = time.monotonic()
            with self.assertRaisesRegex(AssertionError, "ended with 4"):
                screen.wait_for("never", 60)
            self.assertLess(time.monotonic() - begun, 20, "does not wait for a program that ended")

    def test_ends_even_what_does_not_want_to(self):
        with shell("trap '' HUP TERM; echo ready; while :; do sleep 1; done") as screen:
            screen.wait_for("ready")
            pid = screen.pid
        self.assertEqual(screen.exit_code, -9)
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)

    def test_wraps_as_a_terminal_does(self):
        with shell("printf 'abcde'; printf 'f\\n'; printf '123\\n'; printf 'abcd日'", columns=5, rows=8) as screen:
            screen.wait_exit()
            self.assertEqual(screen.text().split("\n")[:5], ["abcde", "f", "123", "abcd", "日"])
            self.assertEqual(screen.wrapped, 2)
            self.assertEqual([screen.cell(4, x).data for x in range(3)], ["日", "", " "])

    def test_goes_on_after_characters_without_width(self):
        text = ("\u2068ab\u2069 \u0645\u06cc\u200c\u062e\u0648 "
                "\U0001f468\u200d\U0001f469 e\u0301x 1\ufe0f\u20e3 \u1112\u1161\u11ab!")
        with Screen(["printf", "%s", text]) as screen:
            screen.wait_exit()
            self.assertEqual(screen.lines()[0].rstrip(), text)
            self.assertEqual(screen.text().rstrip("\n"), text.replace("\u2068", "").replace("\u2069", ""))
            self.assertEqual(screen.cursor[:2], (0, columns.text_width(text)))

    def test_alternate_screen_modes_and_title(self):
        with shell(r"printf 'main\033[?1049h\033[H\033[?25l\033]2;name\007other'; read x; printf '\033[?1049l'; read x"
                   ) as screen:
            screen.wait_for("other")
            self.assertNotIn("main", screen.text())
            self.assertEqual((screen.modes, screen.title, screen.cursor.hidden), ({"?7", "?1049"}, "name", True))
            screen.send("\n")
            screen.wait_for("main")
            self.assertNotIn("other", screen.text())

    def test_ncurses_sequences_that_pyte_lacks(self):
        with shell(r"printf '=\033[9b\r\n\033(0qq\033(Bq\r\n\tx\ty\033[2Zz\r\n'", exact=True) as screen:
            screen.wait_exit()
            self.assertEqual(screen.text().split("\n")[:3], ["=" * 10, "──q", "        z       y"])

    def test_answers_when_asked(self):
        with shell(r"stty -icanon -echo; printf 'ab\033[6n'; head -c 6 | od -c") as screen:
            screen.wait_for("033   [   1   ;   3   R")
            self.assertEqual(screen.answers, "\033[1;3R")


if __name__ == "__main__":
    tap.main()
