"""What modq and modqd write to a terminal, whatever other people wrote: no cursor movement, mode change, title change or
colour that the program did not mean, nothing unseen, and every line's width right."""
# slow: all comments of the corpora go through every output
# time-limit: 300
import collections
import glob
import itertools
import json
import os
import re
import unittest

import columns as columns_of
import hostile_text
import tap
from cases import Case, event
from daemon import BUILD, MODQ, SHARED
from screen import Screen
from terminal_check import SHADES, lines_faults, plain_lines, table_faults

WIDTHS = (40, 80, 200)
SITE = "hostile"
CORPORA = os.path.join(SHARED, "corpora")
MODES = {"?7", "?25", "20"}          # as they were when the program began
ROOM = 20                            # text never has fewer columns, however narrow the terminal is
GENEROUS = re.compile("[\ufe0f\u1160-\u11ff\ud7b0-\ud7fb]")      # counted wider than some terminals draw it
WRAPPED_ROWS = re.compile(r" {4}| {2}(author    |article   |extra     |claimed by|decided by|note      ) ")   # of `show`
HEAD = re.compile(r"  revision \d+  [a-z]+")
PROGRESS = re.compile(rb"\r((?:\[#*\.*\] )?\d+ (?:of \d+ )?[a-z]+(?:, \d+/s)?)?(?:\x1b\[K)?(?!\n)")   # one line that changes
SANITIZED = "san" in os.path.basename(BUILD)      # where the memory of modq is looked at, and one judge of its output is enough
SHOWN = 6                            # faults that are told


def sample(faults, raw):
    lines = plain_lines(raw)
    told = [f"{fault}\n    {lines[fault.line - 1]!a:.300}" if 0 < fault.line <= len(lines) else str(fault)
            for fault in faults[:SHOWN]]
    return f"{len(faults)} faults:\n  " + "\n  ".join(told)


class OnTerminal(Case):
    """Runs modq on a terminal, and judges what came."""

    def modq(self, columns, *arguments, color=True, stdin=None, emulate=not SANITIZED, meant=""):
        """All bytes that a terminal of so many columns received; no fault is among them. `meant`: control characters
        that this output has for programs that read it. What has no fault cannot do anything to a terminal; an emulator
        says the same, unless `emulate` is false."""
        argv = [MODQ, "--dir", self.daemon.dir, *arguments, *([] if color else ["--no-color"])]
        if stdin is not None:
            argv = ["sh", "-c", 'file=$1; shift; exec "$@" < "$file"', "sh", self.file(stdin), *argv]
        with Screen(argv, {"MODQ_AS": None, "MODQ_DIR": None}, columns, 24, exact=True, emulate=emulate) as screen:
            screen.wait_end()
            raw = screen.raw
            state = screen.modes, screen.title, screen.answers, screen.bells, screen.cursor.column, screen.cursor.hidden
        what = f"{' '.join(map(ascii, arguments))[:200]} at {columns} columns"
        self.assertEqual(state, (MODES, "", "", 0, 0, False), what)
        raw = self.without_progress(raw, columns)
        faults = lines_faults(raw.translate(None, meant.encode()), shades=SHADES if color else ())
        if faults:
            self.fail(f"{what}: {sample(faults, raw)}")
        return raw

    def without_progress(self, raw, columns):
        for drawn in PROGRESS.finditer(raw):
            self.assertLessEqual(len(drawn[1] or b""), columns, drawn)
        return PROGRESS.sub(b"", raw)

    def everywhere(self, *arguments, **more):
        """At every width, and without colours. Returns the raw bytes by width."""
        self.modq(WIDTHS[1], *arguments, color=False, emulate=False, **more)
        return {columns: self.modq(columns, *arguments, emulate=columns == WIDTHS[1] and not SANITIZED, **more)
                for columns in WIDTHS}

    def file(self, text):
        path = os.path.join(self.daemon.dir, "stdin")
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        return path

    # ---- widths

    def assert_fits(self, columns, lines, what):
        wide = [line for line in lines if columns_of.text_width(line) > columns]
        if wide:
            self.fail(f"{what}: {len(wide)} lines wider than {columns} columns: {wide[:3]!a:.600}")

    @staticmethod
    def rows(lines, start):
        """Without the lines that hold only a long name, which belongs to the row below."""
        return [line for line, after in zip(lines, [*lines[1:], ""]) if not after.startswith(" " * start)]

    def assert_table(self, raw, anchor, columns, what):
        """Aligned, and no line wider than the terminal but for long names, which have a line of their own."""
        lines = [line for line in plain_lines(raw) if line and not line.startswith("modq: ")]
        start = columns_of.text_width(lines[0][:lines[0].index(anchor)])
        rows = self.rows(lines, start)
        self.assertGreater(len(rows), 1, what)
        faults = table_faults([row for row in rows if not GENEROUS.search(row)], anchor)
        if faults:
            self.fail(f"{what}: {faults[:SHOWN]}")
        self.assert_fits(columns, rows, what)

    def assert_cards(self, raw, columns):
        """Of `show`: the rows that are broken to fit."""
        lines = [line for line in plain_lines(raw) if WRAPPED_ROWS.match(line) and not HEAD.search(line)]
        self.assert_fits(max(columns, 13 + ROOM), lines, "show")


@unittest.skipUnless(hostile_text.there(), f"no hostile texts in {hostile_text.FOLDER}")
class TestHostileText(OnTerminal):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.attacks = hostile_text.attacks()
        cls.texts = list(dict.fromkeys([*cls.attacks, *hostile_text.shared()]))
        cls.names = [name for text in cls.attacks if (name := hostile_text.as_name(text))]
        cls.names = list(dict.fromkeys(cls.names))
        cls.submit_all()
        cls.handle()

    @classmethod
    def submit_all(cls):
        """Every text in every field that takes it, and as an id; the attacks as sites, too."""
        cls.comments = [cls.comment_of(SITE, f"{number}", text) for number, text in enumerate(cls.texts)]
        keys = {key: text for text in cls.texts if (key := hostile_text.as_key(text))}
        cls.comments += [cls.comment_of("ids", key, text) for key, text in keys.items()]
        cls.comments += [cls.comment_of(name, name, name) for name in cls.names]
        for at in range(0, len(cls.comments), 100):
            for comment, result in zip(cls.comments[at:at + 100], cls.front.submit(cls.comments[at:at + 100])):
                assert not result.get("error"), (comment, result)

    @staticmethod
    def comment_of(site, comment, text):
        key = hostile_text.as_key(text) or "k"
        short = hostile_text.shortened(text, 200)
        return event(site, comment, text, parent=key,
                     author={"id": key, "name": short, "registered_at": 5},
                     article={"id": key, "title": short, "url": short, "language": hostile_text.shortened(text, 35)},
                     language=hostile_text.shortened(text, 35), extra={short: short, "list": [short, 1, None]})

    @classmethod
    def handle(cls):
        """What readers and moderators of hostile names wrote about the first comments."""
        cls.handled = []
        for number, text in enumerate(cls.attacks):
            named = {"site": SITE, "comment": f"{number}"}
            cls.handled.append(f"{SITE}/{number}")
            note, name = hostile_text.shortened(text, 200) or "n", hostile_text.as_name(text) or "ann"
            cls.front.report(SITE, f"{number}", hostile_text.as_key(text) or "r", note=note)
            with cls.daemon.desk(name) as desk:
                cls.act(desk, number, named, note)

    @staticmethod
    def act(desk, number, named, note):
        if number % 4 == 0:
            desk.claim(comments=[named], lease_ms=3_600_000)
        elif number % 4 == 1:
            desk.escalate([named], note=note)
        elif number % 4 == 2:
            desk.reject([named], ["profanity"], note=note)
        else:
            desk.approve([named], note=note)

    def names_of(self, comments):
        return "".join(json.dumps({key: comment[key] for key in ("site", "comment")}) + "\n" for comment in comments)

    def test_queue(self):
        for site in (SITE, "ids"):
            for columns, raw in self.everywhere("queue", "--site", site, "--limit", "200").items():
                self.assert_table(raw, "AGE", columns, f"queue of {site} at {columns}")
            self.everywhere("queue", "--site", site, "--limit", "0")
        for columns, raw in self.everywhere("queue", "--lane", "escalated", "--limit", "0").items():
            self.assert_table(raw, "AGE", columns, f"escalated lane at {columns}")
        self.everywhere("queue", "--limit", "0")

    def test_show(self):
        for columns, raw in self.everywhere("show", "--stdin", stdin=self.names_of(self.comments)).items():
            self.assert_cards(raw, columns)
            self.assertEqual(len(re.findall(rb"(?m)^  received ", raw)), len(self.comments))

    def test_history(self):
        self.everywhere("history", "--stdin", stdin=self.names_of(self.comments[:len(self.attacks)]))
        self.modq(80, "history", "--stdin", stdin=self.names_of(self.comments))

    def test_status(self):
        self.everywhere("status", "--stdin", stdin=self.names_of(self.comments))

    def test_claim_renew_and_release(self):
        for number, name in enumerate(self.names[::10]):
            raw = self.modq(WIDTHS[number % 3], "--as", name, "claim", "--site", "ids", "--limit", "5")
            self.assertIn(b"claimed 5", raw)
            self.modq(WIDTHS[number % 3], "--as", name, "renew")
            self.modq(WIDTHS[number % 3], "claim", "--stdin", stdin=self.names_of(self.comments[:20]))
            self.modq(WIDTHS[number % 3], "--as", name, "release")

    def test_decisions(self):
        site, count = "decided", 20
        for at, name in enumerate(self.names[::5]):
            key = f"{at}{name}"
            self.front.submit([event(site, hostile_text.as_key(key), name)])
            path, width = f"{site}/{hostile_text.as_key(key)}", WIDTHS[at % 3]
            steps = (("approve", "--note", name), ("undo",), ("escalate", "--note", name),
                     ("reject", "--reason", "profanity", "--note", name), ("reject", "--reason", name),
                     ("approve", "--supersede"), ("withdraw",), ("erase", "--yes"), ("approve",))
            for verb, *options in steps:
                self.modq(width, "--as", name, verb, *options, path)
        self.assertGreater(at, count)

    def test_follow_and_confirm(self):
        self.everywhere("follow", "--site", SITE, "--no-wait")
        for at, name in enumerate(self.names[::7]):
            self.modq(WIDTHS[at % 3], "follow", "--site", name, "--no-wait", "--confirm", name)
            self.modq(WIDTHS[at % 3], "confirm", "--site", SITE, "--listener", name, "--seq", "1")
        self.everywhere("stats", "--site", SITE)

    def test_reports_and_articles(self):
        for at, text in enumerate(self.attacks[::5]):
            if "\0" not in text:
                self.modq(WIDTHS[at % 3], "report", "--reader", text or "r", "--note", text, "--reason", text, f"{SITE}/{at}")
                self.modq(WIDTHS[at % 3], "article", "--site", SITE, "--id", text, "--title", text, "--url", text,
                          "--lang", text, "--closed", "yes")
                self.modq(WIDTHS[at % 3], "article", "--site", text, "--id", "x", "--front-page", text)

    def test_stats_listeners_and_status(self):
        for name in self.names[::20]:
            self.front.confirm(SITE, name, 1)
        self.everywhere("stats")
        for name in self.names[::10]:
            self.modq(80, "stats", "--site", name)

    def test_audit(self):
        self.everywhere("audit", "--limit", "0")
        for at, name in enumerate(self.names[::10]):
            self.modq(WIDTHS[at % 3], "audit", "--by", name, "--limit", "5")
            self.modq(WIDTHS[at % 3], "audit", "--site", name, "--kind", name)
        self.everywhere("audit", "verify")

    def test_keys(self):
        for name in self.names[::4]:
            self.daemon.add_key(name, "moderator", sites=[name, SITE])
        self.everywhere("key", "list", "--all")
        for at, name in enumerate(self.names[::12]):
            self.modq(WIDTHS[at % 3], "key", "revoke", name)
            path = os.path.join(self.daemon.dir, f"key-{at}")
            self.modq(WIDTHS[at % 3], "key", "new", name, "--role", name, "--site", name, "--right", name)
            self.modq(WIDTHS[at % 3], "key", "new", name, "--role", "front", "--site", name, "--file", path)
            self.modq(WIDTHS[at % 3], "key", "show", path)
        self.everywhere("key", "list")

    def test_submit_tells_of_failures(self):
        lines = [json.dumps({"site": name, "id": text, "body": text, "bad" + name: text, "article": {"title": text}})
                 for name, text in zip(self.names, self.attacks)]
        lines += [json.dumps({"site": SITE, "id": text, name: 1, "author": name}) for name, text in zip(self.names, self.attacks)]
        raw = "\n".join(lines + self.attacks).encode("utf-8", "surrogateescape")
        raw += b"\n" + b"\n".join(hostile_text.shared_bytes("utf8tests.bin"))
        self.everywhere("submit", stdin=raw)
        self.everywhere("submit", "--json", stdin=raw)

    def test_words_that_are_wrong(self):
        words = [text.replace("\0", "").encode("utf-8") for text in self.attacks]
        words += [line[:200] for line in hostile_text.shared_bytes("utf8tests.bin") if b"\0" not in line][:200]
        lines = [(word,) for word in words]
        lines += [("--" + os.fsdecode(word),) for word in words[::8]]
        lines += [("queue", b"--" + word) for word in words[::8]] + [("help", word) for word in words[::8]]
        lines += [("queue", "--site", word) for word in words[::8]] + [("queue", "--lane", word) for word in words[::8]]
        lines += [("show", word) for word in words[::4]] + [("show", b"x/" + word) for word in words[::4]]
        lines += [("queue", "--limit", word) for word in words[::16]] + [("submit", word) for word in words[::8]]
        lines += [("audit", "--since", word) for word in words[::16]] + [("completion", word) for word in words[::16]]
        lines += [("policy", "--site", word, "--lang", word) for word in words[::16]]
        lines += [("--as", word, "release") for word in words[::16]] + [("key", "show", word) for word in words[::16]]
        lines += [("--dir", word, "--timeout", "1", "hello") for word in words[::64] if word] + [("completion", "--values", w) for w in words[::16]]
        for at, line in enumerate(lines):
            self.modq(WIDTHS[at % 3], *line)

    def test_json(self):
        for line in (("queue", "--limit", "0"), ("audit", "--limit", "0"), ("follow", "--site", SITE, "--no-wait")):
            self.modq(80, *line, "--json", emulate=False)
        self.modq(80, "stats", "--json")
        self.modq(80, "show", "--stdin", "--json", stdin=self.names_of(self.comments[:400]))

    def test_completion_values(self):
        for what in ("sites", "comments", "reasons", "keys", "moderators", "listeners"):
            self.everywhere("completion", "--values", what, meant="\t")
            self.everywhere("completion", "--values", what, "--site", SITE, meant="\t")

    def test_policy(self):
        self.everywhere("policy", "--site", SITE)


@unittest.skipUnless(os.path.isdir(CORPORA), f"no comments in {CORPORA}")
class TestCorpora(OnTerminal):
    """All comments; in a sanitized build every eighth."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.comments = collections.defaultdict(list)         # of each site
        for path in sorted(glob.glob(os.path.join(CORPORA, "*.jsonl"))):
            with open(path, encoding="utf-8") as file:
                lines = list(itertools.islice(file, None, None, 8 if SANITIZED else 1))
            for line in map(json.loads, lines):
                cls.comments[line["site"]].append(f"{line['site']}/{line['id']}\n")
            done = cls.daemon.run_modq("submit", stdin="".join(lines), timeout=60)
            assert done.returncode == 0, done.stderr

    def test_queue_of_all(self):
        for site, paths in self.comments.items():
            for columns in WIDTHS:
                raw = self.modq(columns, "queue", "--site", site, "--limit", "0", emulate=False)
                lines = plain_lines(raw)
                self.assertGreaterEqual(len(lines), len(paths) + 1)
                self.assert_fits(columns, self.rows(lines, len("COMMENT") + 2), f"queue of {site}")

    def test_show_of_all(self):
        """Each comment at one of the widths; the unit tests of the renderer have each at all of them."""
        for paths in self.comments.values():
            for at, columns in enumerate(WIDTHS):
                some = paths[at::len(WIDTHS)]
                raw = self.modq(columns, "show", "--stdin", stdin="".join(some), emulate=False)
                self.assert_cards(raw, columns)
                self.assertEqual(len(re.findall(rb"(?m)^  received ", raw)), len(some))


if __name__ == "__main__":
    tap.main()
