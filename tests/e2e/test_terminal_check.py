"""The judge of what programs write to a terminal finds what must not be there, and where."""
# plain: it is about a judge in Python
import re
import unittest

import tap
from screen import Screen
from terminal_check import frame_faults, lines_faults, plain_lines, screen_faults, table_faults


class TestLines(unittest.TestCase):
    def judged(self, text, **more):
        return lines_faults(text if isinstance(text, bytes) else text.encode(), **more)

    def assert_good(self, text, **more):
        self.assertEqual(self.judged(text, **more), [], ascii(text))

    def assert_bad(self, text, place, what, **more):
        faults = self.judged(text, **more)
        self.assertTrue(faults, f"nothing was found in {text!a}")
        self.assertEqual((faults[0].line, faults[0].column), place, faults)
        self.assertRegex(faults[0].what, what)

    def test_good_lines(self):
        self.assert_good("plain\n\x1b[1mbold\x1b[0m \x1b[32mgreen\x1b[0m\n")
        self.assert_good("name \u2068\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\u2069 done\n")
        self.assert_good("\u0995\u09cd\u200d\u09b7 \u0646\u0647\u200c 1\ufe0f\u20e3 \u2764\ufe0f "
                         "\U0001f468\u200d\U0001f469\u200d\U0001f467 e" + "\u0301" * 8 + " \u1112\u1161\u11ab\n")
        self.assert_good("no line end")
        self.assert_good("")
        self.assert_good("日" * 20 + "\n", columns=40)

    def test_control_functions(self):
        for bad in ("\x1b[2J", "\x1b[H", "\x1b[1A", "\x1b[?1049h", "\x1b[?25l", "\x1b[35m", "\x1b[38;5;1m", "\x1b[1;31m",
                    "\x1b[m", "\x1b[6n", "\x1b[c", "\x1b[", "\x1b[3", "\x1b]0;title\x07", "\x1b]52;c;eA==\x1b\\",
                    "\x1b]8;;http://x\x1b\\", "\x1bP+q544e\x1b\\", "\x1b_x\x1b\\", "\x1b^x\x1b\\", "\x1bX", "\x1bc",
                    "\x1b(0", "\x1b#8", "\x1b%@", "\x1b7", "\x1b", "\x9b31m", "\x9b0m", "\x9d0;t\x9c", "\x90q\x9c",
                    "\x85", "\x84", "\x8d", "\x1b[0 m", "\x1b[0:1m"):
            self.assert_bad(f"one\nab{bad}", (2, 2), "^control function")

    def test_c0(self):
        for code in [*range(0, 10), *range(11, 32), 127]:
            self.assert_bad(f"one\nab{chr(code)}cd\n", (2, 2), "^control function")

    def test_colour_ends_in_its_line(self):
        self.assert_bad("\x1b[31mred\nstill red\x1b[0m\n", (1, 3), "goes on")

    def test_malformed_text(self):
        for bad in (b"\x80", b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff"):
            self.assert_bad(b"ab" + bad + b"\n", (1, 2), f"^malformed UTF-8, byte 0x{bad[0]:02X}$")

    def test_what_nobody_sees(self):
        for code in (0xad, 0x34f, 0x61c, 0x115f, 0x180e, 0x200b, 0x200e, 0x200f, *range(0x2028, 0x202f), 0x2060, 0x2066,
                     0x2067, 0x206a, 0x3164, 0xe000, 0xfdd0, 0xfe0e, 0xfeff, 0xfff9, 0xfffe, 0xffff, 0x378, 0x1d173,
                     0x1ffff, 0xe0001, 0xe0041, 0xe0100, 0xf0000, 0x10ffff):
            self.assert_bad(f"ab{chr(code)}cd\n", (1, 2), f"U\\+{code:04X}")

    def test_isolates(self):
        self.assert_bad("ab\u2068cd\n", (1, 4), "does not end")
        self.assert_bad("ab\u2068c\nd\u2069\n", (1, 3), "does not end")
        self.assert_bad("ab\u2069cd\n", (1, 2), "did not begin")
        self.assert_bad("a\u2068b\u2068c\u2069\u2069\n", (1, 2), "within")
        self.assertEqual(self.judged("\u2068a\u2069 \u2068b\n\u2068c\u2069\n")[0].line, 1)

    def test_joiners_and_marks_out_of_place(self):
        for bad in ("\u200d\u0645", "\u0645\u200c\u200c\u0645", "\u0645\u200c ", "x \u200dy", "1\u200d2", "a\ufe0f", "1\ufe0f2",
                    "\u2068\u200d\u0645\u2069", "\u0645\u200d"):
            self.assertTrue(self.judged(bad + "\n"), ascii(bad))
        self.assert_bad("\u0301x\n", (1, 0), "stands on nothing")
        self.assert_bad("ab\u2068\u0301x\u2069\n", (1, 2), "stands on nothing")
        self.assert_bad("ab\x1b[1m\u0301\x1b[0m\n", (1, 2), "stands on nothing")
        self.assert_bad("e" + "\u0301" * 9 + "\n", (1, 1), "more than 8")

    def test_width(self):
        self.assert_bad("a" * 41 + "\n", (1, 41), "41 columns, of 40", columns=40)
        self.assert_bad("ok\n" + "日" * 20 + "a\n", (2, 41), "41 columns, of 40", columns=40)
        self.assert_bad("日" * 20 + "a", (1, 41), "41 columns, of 40", columns=40)

    def test_tables(self):
        head = "NAME   AGE  TEXT"
        self.assertEqual(table_faults([head, "ab     1 s  x", "日本   2 s  y", "e\u0301e\u0301     3 s  日"], "AGE"), [])
        for bad in ("日本     2 s  y", "日本  2 s  y", "e\u0301e\u0301   3 s  z", "abcdefgh", "ab"):
            self.assertTrue(table_faults([head, bad], "AGE"), bad)
        self.assertTrue(table_faults([head, "ab     1 s  " + "x" * 30], "AGE", columns=40))
        self.assertTrue(table_faults(["x"], "AGE"))

    def test_plain_lines(self):
        self.assertEqual(plain_lines(b"\x1b[1ma\x1b[0m \xe2\x81\xa8b\xe2\x81\xa9\n\nc\n"), ["a b", "", "c"])


NCURSES = ("\x1b[?1049h\x1b[22;0;0t\x1b[1;24r\x1b(B\x1b[m\x1b[4l\x1b[?7h\x1b[?1h\x1b=\x1b[?25l\x1b[39;49m\x1b[37m\x1b[40m"
           "\x1b[H\x1b[2J====\r\x1b[2d日本\x1b[3;7H\x1b[K\x1b[9X\x1b[J\x08\x1b(0qq\x1b(B\x1b[0;1;7m\x1b[10b\x1b[38;5;200m\n"
           "\x1b[24;1H\x1b[?12l\x1b[?25h\x1b[?1049l\x1b[23;0;0t\r\x1b[?1l\x1b>")


class TestScreens(unittest.TestCase):
    def test_what_ncurses_writes_is_good(self):
        self.assertEqual(screen_faults(NCURSES.encode()), [])

    def test_what_it_does_not_write(self):
        for bad in ("\x1b]0;t\x07", "\x1b]2;t\x1b\\", "\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b[?1000h", "\x1b[?5h", "\x1b[20h",
                    "\x1b[8;3;3t", "\x1b[21t", "\x1bc", "\x1b#8", "\x1bP$q\x1b\\", "\x9b1m", "\x9dx\x9c", "\x07", "\x0e",
                    "\x00", "\x1b[3J", "\x1b[!p", "\x1b[2 q", "\x1b[38:5:1m", "\x1b[i", "\x1b[1;2;3H", "\x1b)0", "\x1bE",
                    "\u202e", "\ufeff", "\udc80", "\ue000"):
            raw = (NCURSES + "abc" + bad + NCURSES).encode("utf-8", "surrogateescape")
            self.assertEqual(len(screen_faults(raw)), 1, ascii(bad))
            self.assertEqual(screen_faults(raw)[0].line, 2)

    def test_forbidden_although_ncurses_has_it(self):
        raw = b"a\x1b[13;37Hb"
        self.assertEqual(screen_faults(raw), [])
        self.assertEqual(len(screen_faults(raw, re.compile(";37"))), 1)

    def frame(self, text):
        with Screen(["printf", "%s", text], columns=10, rows=3) as screen:
            screen.wait_exit()
            return frame_faults(screen)

    def test_frames(self):
        self.assertEqual(self.frame("ab 日本\r\n\u2068\u0645\u2069\r\n" + "x" * 10), [])
        for bad in ("x" * 11, "x" * 9 + "日", "\u2068a", "a\x1b]2;t\x07", "a\x1b[6n", "日\x1b[1;2Hx", "\u202e"):
            self.assertTrue(self.frame(bad), ascii(bad))


if __name__ == "__main__":
    tap.main()
