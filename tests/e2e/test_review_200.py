"""A moderator decides two hundred real comments with keys alone, and the history says what the keys said."""
# plain: test_review_random presses more keys
# waits: it reads and types at the speed of a person
# slow: it is read and typed at the speed of a fast person
# time-limit: 240
import glob
import itertools
import json
import os
import re
import unittest

import hostile_text
import tap
from cases import Case
from daemon import SHARED
from modq import ModqError
from reviewer import ESCAPE, Reviewer, faults_of
from terminal_check import screen_faults

CORPORA = os.path.join(SHARED, "corpora")
COUNT = 200
DECISIVE = ("approved", "rejected", "reopened", "escalated", "skipped")
SIZES = ((72, 20), (200, 45), (41, 12), (140, 30))


def comments():
    """So many of each corpus, in turn."""
    files = [open(path, encoding="utf-8") for path in sorted(glob.glob(os.path.join(CORPORA, "*.jsonl")))]
    try:
        lines = itertools.islice(itertools.chain.from_iterable(zip(*files)), COUNT)
        for line in map(json.loads, lines):
            yield {"site": line["site"], "comment": line["id"], "body": line["body"], "language": line["lang"]}
    finally:
        for file in files:
            file.close()


@unittest.skipUnless(os.path.isdir(CORPORA), f"no comments in {CORPORA}")
class TestTwoHundred(Case):
    def setUp(self):
        super().setUp()
        self.all = list(comments())
        self.assertEqual(len(self.all), COUNT)
        self.assertEqual({result["status"] for result in self.front.submit(self.all)}, {"accepted"})
        self.bodies = {f"{comment['site']}/{comment['comment']}": comment["body"] for comment in self.all}
        self.said = {}                     # name -> what the keys said of it: (kind, reasons, note)
        self.last = None
        codes = [reason["code"] for reason in self.front.policy("any")["reasons"]]
        self.desk = self.daemon.desk("bob")
        self.reviewer = Reviewer(self.daemon, "ann", reasons=codes)
        self.addCleanup(self.reviewer.close)

    def knows(self, operation, **fields):
        """Whether this daemon has the operation."""
        try:
            self.bob.change(operation, **fields)
        except ModqError as error:
            return error.name != "unknown_operation"
        return True

    def say(self, name, kind, reasons=(), note=None):
        self.said.setdefault(name, []).append((kind, list(reasons), note))
        self.last = name

    # ---- what one can do

    def approve(self, name, number):
        self.reviewer.approve()
        self.say(name, "approved")

    def reject_for_one(self, name, number):
        code = self.reasons[number % len(self.reasons)]
        self.reviewer.reject([code])
        self.say(name, "rejected", [code])

    def reject_for_several(self, name, number):
        codes = [self.reasons[(number + step) % len(self.reasons)] for step in range(3)]
        self.reviewer.reject(codes)
        self.say(name, "rejected", codes)

    def reject_with_note(self, name, number):
        code, note = self.noted_reasons[0], f"چونکە {number}"
        self.reviewer.reject([self.reasons[0], code], note)
        self.say(name, "rejected", [self.reasons[0], code], note)

    def escalate(self, name, number):
        self.reviewer.escalate(f"court order {number}?")
        self.say(name, "escalated", note=f"court order {number}?")

    def skip(self, name, number):
        self.reviewer.skip()
        self.say(name, "skipped")

    def think_again(self, name, number):
        self.reviewer.approve()
        self.reviewer.read(name)
        self.reviewer.undo(name)
        self.reviewer.read()
        self.reviewer.reject(self.reasons[:1])
        self.say(name, "approved")
        self.say(name, "reopened")
        self.say(name, "rejected", self.reasons[:1])

    def approve_several(self, name, number):
        names = self.reviewer.held()[:4]
        self.reviewer.mark(len(names))
        self.reviewer.approve()
        self.leave_list()
        for one in names:
            self.say(one, "approved")

    def reject_several(self, name, number):
        names = self.reviewer.held()[:3]
        self.reviewer.mark(len(names))
        self.reviewer.reject(self.reasons[1:3])
        self.leave_list()
        for one in names:
            self.say(one, "rejected", self.reasons[1:3])

    def leave_list(self):
        self.reviewer.screen.wait_for(re.compile("hold, 0 marked"))
        self.reviewer.screen.send(ESCAPE)

    def find(self, name, number):
        """Another one, by a piece of its text that no other one has."""
        found, words = next((other, words) for other in reversed(self.bodies) if other not in self.said and other != name
                            and (words := self.words_of(other)))
        self.reviewer.search(words, found)
        self.reviewer.read()
        self.reviewer.approve()
        self.say(found, "approved")

    def words_of(self, name):
        words = re.search(r"[a-z]{4,} [a-z]{4,} [a-z]{4,}", self.bodies[name])
        alone = words and sum(words[0].lower() in body.lower() for body in self.bodies.values()) == 1
        return words[0] if alone else None

    def resize(self, name, number):
        """In the middle of choosing a reason, too."""
        for size in SIZES:
            self.reviewer.resize(*size)
            self.reviewer.screen.wait_for(re.compile(r"\A modq .*\n " + re.escape(name[:15])))
        self.reviewer.read()
        self.reviewer.reject(self.reasons[:1], meanwhile=lambda: self.reviewer.resize(90, 26))
        self.reviewer.resize(*SIZES[-1])
        self.say(name, "rejected", self.reasons[:1])

    def daemon_dies(self, name, number):
        """Three are decided while it is away, one of them is on its way when it dies."""
        self.reviewer.approve()
        self.daemon.kill()
        self.say(name, "approved")
        for _ in range(2):
            name = self.reviewer.read(self.last)
            self.reviewer.reject(self.reasons[2:3])
            self.say(name, "rejected", self.reasons[2:3])
        self.reviewer.screen.wait_for("daemon away")
        self.daemon.start()
        self.reviewer.screen.wait_gone("daemon away", 30)

    # ---- the test

    def steps(self):
        """What is done at the how manieth step; approving, when nothing is said here."""
        cycle = [self.approve, self.reject_for_one, self.approve, self.reject_for_several, self.reject_with_note,
                 self.approve, self.escalate, self.think_again, self.approve, self.reject_for_one]
        if self.knows("skip", comments=[{"site": "news", "comment": "none"}]):
            cycle.append(self.skip)
        special = {15: self.approve_several, 30: self.resize, 45: self.reject_several, 60: self.daemon_dies,
                   75: self.resize, 90: self.approve_several, 110: self.daemon_dies}
        if self.knows("search", text="none"):
            special.update({20: self.find, 50: self.find, 100: self.find})
        for number in itertools.count():
            yield number, special.get(number, cycle[number % len(cycle)])

    def test_the_history_says_what_the_keys_said(self):
        done = {step.__name__: 0 for _, step in itertools.islice(self.steps(), 120)}
        for number, step in self.steps():
            if len(self.said) >= COUNT - 5:
                step = self.approve
            if len(self.said) == COUNT:
                break
            step(self.reviewer.read(self.last), number)
            done[step.__name__] += 1
            self.assert_frame(step)
        self.assertTrue(all(done.values()), f"each was done: {done}")
        self.assertEqual(self.reviewer.leave(), 0, self.reviewer.screen.picture())
        self.assertEqual(screen_faults(self.reviewer.screen.raw, hostile_text.OURS), [])
        self.assertEqual(set(self.said), set(self.bodies))
        for name, said in self.said.items():
            self.assertEqual(self.told(name), said, name)
        self.assert_nothing_is_held()
        tap.comment(f"{len(self.said)} comments, " + ", ".join(f"{what} {count}" for what, count in done.items()))

    def assert_frame(self, step):
        faults = faults_of(self.reviewer.screen, 0.02)
        if faults:
            self.fail(f"after {step.__name__}: {faults}\n{self.reviewer.screen.picture()!a}")

    def told(self, name):
        """What the history tells, oldest first."""
        site, comment = name.split("/", 1)
        events = self.desk.history(site, comment, limit=500)["events"]
        for event in events:
            if event["kind"] in DECISIVE:
                self.assertEqual(event["actor"], "ann")
        return [(event["kind"], event["reasons"], event["note"]) for event in reversed(events)
                if event["kind"] in DECISIVE]

    def assert_nothing_is_held(self):
        for comment in self.all:
            card = self.desk.show(comment["site"], comment["comment"])["card"]
            self.assertIsNone(card["claimed_by"], comment["comment"])


if __name__ == "__main__":
    tap.main()
