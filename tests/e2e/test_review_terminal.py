"""What modq review writes to a terminal, whatever other people wrote: each frame is as wide as the screen, nothing in it is
unseen, nothing drives the terminal; and what was drawn piece by piece is what stands there when all is drawn anew.

MODQ_EVERY_COMMENT=1 reads all comments of the corpora on the full screen; else it is COMMENTS of them."""
# slow: a thousand frames are looked at, and all comments of the corpora line by line
# time-limit: 600
import glob
import itertools
import json
import os
import re
import signal
import unittest

import hostile_text
import tap
from cases import Case, event
from daemon import BUILD, MODQ, SHARED
from reviewer import ESCAPE, Reviewer, faults_of
from screen import Screen
from terminal_check import DIRECTIONS, lines_faults, screen_faults

CORPORA = os.path.join(SHARED, "corpora")
SANITIZED = "san" in os.path.basename(BUILD)      # where the memory of modq is looked at, and some of the same will do
COMMENTS = None if os.environ.get("MODQ_EVERY_COMMENT") else 60 if SANITIZED else 300
BATCH = 50                          # as many as one may hold
QUIET_S = 0.012
ANSWERED_S = 0.3                    # what was answered before is drawn by then
REDRAW = "\x0c"
SIZES = ((80, 24), (40, 12), (120, 40))
WIDE = (140, 30)


class Frames(Case):
    """Drives the review over comments that wait, and judges every frame."""

    def look(self, screen, what):
        faults = faults_of(screen, QUIET_S)
        if faults:
            self.fail(f"{what}: {faults[:5]}\n{screen.picture()!a}")

    def assert_drawn_as_anew(self, screen, what):
        """ncurses and the terminal agree about all widths, so that the pieces which were drawn fit together. The daemon is
        stopped meanwhile: what it answered between the two would be a difference, too."""
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            before, clears = screen.settle(ANSWERED_S).lines(), screen.clears
            screen.send(REDRAW)
            screen.wait_until(lambda: screen.clears > clears, about="a screen that is drawn anew")
            after = screen.settle(0.1).lines()
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)
        ages = re.compile(r"\d+[smh]\b|\d:\d\d|\s+")
        for number, (one, other) in enumerate(zip(before, after)):
            self.assertEqual(ages.sub("", one), ages.sub("", other), f"{what}: row {number}")

    def read_all(self, site, count, sizes=SIZES):
        """Every comment of the site once, in turn at each of the sizes, and the list of each batch."""
        with Reviewer(self.daemon, "ann", "--site", site, "--ahead", str(BATCH - 1), columns=sizes[0][0], rows=sizes[0][1]
                      ) as ann:
            seen = 0
            for size in itertools.cycle(sizes):
                held = min(BATCH, count - seen)
                ann.resize(*WIDE)                   # where the line says how many are held
                ann.screen.wait_until(lambda: self.holds(ann, held), 30, f"{held} comments that are held")
                ann.resize(*size)
                self.read_batch(ann, held, f"comments {seen} to {seen + held} at {size}")
                seen += held
                if seen == count:
                    break
            self.assertEqual(ann.leave(), 0)
            faults = screen_faults(ann.screen.raw, hostile_text.OURS)
            self.assertFalse(faults, faults[:5])

    @staticmethod
    def holds(ann, count):
        found = ann.head()
        return found and found[2] >= count

    def read_batch(self, ann, held, what):
        screen = ann.screen
        for number in range(held):
            self.look(screen, f"{what}: {number}")
            if number % 10 == 0:
                self.assert_drawn_as_anew(screen, f"{what}: {number}")
            screen.send("]")
        screen.send("l*")
        screen.wait_for(f"{held} marked")
        self.look(screen, f"{what}: list")
        self.assert_drawn_as_anew(screen, f"{what}: list")
        screen.send("a")
        screen.wait_for(re.compile(r"\b0 marked|Nothing|empty"))
        screen.send(ESCAPE)

    def submit(self, comments):
        for at in range(0, len(comments), 200):
            for result in self.front.submit(comments[at:at + 200]):
                self.assertEqual(result["status"], "accepted", result)

    def plain(self, site, count, columns):
        """The same comments line by line."""
        path = os.path.join(self.daemon.dir, "keys")
        with open(path, "w") as file:
            file.write("approve\n" * count + "quit\n")
        argv = ["sh", "-c", 'exec "$@" < "$0"', path, MODQ, "--dir", self.daemon.dir, "--as", "bob", "review", "--plain", "--site",
                site, "--ahead", str(BATCH - 1)]
        with Screen(argv, None, columns, 24, exact=True, emulate=False) as screen:
            self.assertEqual(screen.wait_end(), 0, screen.raw[-2000:])
            faults = lines_faults(screen.raw, isolates=DIRECTIONS)
            self.assertFalse(faults, f"{len(faults)} faults: {faults[:5]}")
            return screen.raw


@unittest.skipUnless(hostile_text.there(), f"no hostile texts in {hostile_text.FOLDER}")
class TestHostileText(Frames):
    def comments(self, texts):
        for number, text in enumerate(texts):
            key, short = hostile_text.as_key(text) or "k", hostile_text.shortened(text, 200)
            yield event(self.site, f"{number}", text, parent=key, author={"id": key, "name": short},
                        article={"id": key, "title": short, "url": short}, extra={short: short, "website": short})

    def test_attacks_on_the_whole_screen(self):
        comments = list(self.comments(hostile_text.attacks()))
        self.submit(comments)
        self.read_all(self.site, len(comments))

    def test_hostile_texts_on_the_whole_screen(self):
        texts = hostile_text.shared()[::None if COMMENTS is None else 8]
        self.submit(list(self.comments(texts)))
        self.read_all(self.site, len(texts))

    def test_hostile_texts_line_by_line(self):
        texts = [*hostile_text.attacks(), *hostile_text.shared()]
        self.submit(list(self.comments(texts)))
        self.plain(self.site, len(texts), 80)


@unittest.skipUnless(os.path.isdir(CORPORA), f"no comments in {CORPORA}")
class TestCorpora(Frames):
    def bodies(self):
        for path in sorted(glob.glob(os.path.join(CORPORA, "*.jsonl"))):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    yield json.loads(line)["body"]

    def test_comments_on_the_whole_screen(self):
        bodies = list(self.bodies())
        some = bodies if COMMENTS is None else bodies[::len(bodies) // COMMENTS]
        self.submit([event(self.site, f"{number}", body) for number, body in enumerate(some)])
        self.read_all(self.site, len(some))

    def test_all_comments_line_by_line(self):
        """In a sanitized build every eighth."""
        bodies = list(self.bodies())[::8 if SANITIZED else 1]
        self.submit([event(self.site, f"{number}", body) for number, body in enumerate(bodies)])
        self.plain(self.site, len(bodies), 80)
        self.assertEqual(self.ann.list(self.site, limit=1)["comments"], [])


if __name__ == "__main__":
    tap.main()
