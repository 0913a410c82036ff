"""Several moderators at one queue whose keys are pressed at random: nothing is decided twice, nothing is lost, nothing
stays held. MODQ_RANDOM_S: for how long (20 s each unless told); MODQ_RANDOM_SEED: as a run that failed has printed."""
# waits: as people at a screen do
# slow: random keys for a while
# time-limit: 300
import os
import random
import time

import hostile_text
import tap
from cases import Case, event
from modq import ModqError
from reviewer import ENTER, ESCAPE, TAB, Reviewer
from terminal_check import screen_faults

SECONDS = float(os.environ.get("MODQ_RANDOM_S", "20"))
SEED = int(os.environ.get("MODQ_RANDOM_SEED") or random.SystemRandom().randrange(1 << 32))
TURN_S = 0.08
IDLE = ""                        # a turn without a key: time to read, or for Escape to be no part of another key
KEYS = [*"aarrseuu", *"1234567890", *"jkgGlnohm[]JK+* ?/A", ENTER, ENTER, TAB, " ", ESCAPE, "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D",
        "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x7f", "\x0c", "word" + ENTER, "\x1b[200~aaar1\r\x1b[201~", "\x00", "é", "日",
        "\x1bOP", "f"]
# What a moderator does, from wherever the keys before have led.
HOME = [ESCAPE, IDLE, ESCAPE, IDLE, IDLE]
MOVES = [*[["a"], ["r", "1", ENTER], ["a", IDLE, IDLE, IDLE, "r", "2", ENTER]] * 6, ["a"], ["a"], ["a", IDLE, IDLE, "a"], ["r", "1", ENTER], ["r", "23", ENTER], ["r", "d", ENTER, IDLE, "why" + ENTER],
         ["r", "5", TAB, IDLE, "note" + ENTER], ["e", IDLE, "why" + ENTER], ["s"], ["u"], ["u", "u"], ["a", "u"],
         ["l", IDLE, " ", " ", "a"], ["l", IDLE, "*", "r", "4", ENTER], ["l", "+"], ["f", "x"], ["A", IDLE, IDLE, "a"],
         ["/", IDLE, "text 1" + ENTER, IDLE, IDLE, ENTER, IDLE, IDLE, IDLE, "a"], ["]", IDLE, IDLE, "a"], ["h", IDLE]]
SIZES = ((100, 30), (80, 24), (40, 10), (132, 50))
TOO_SMALL, SMALL_TURNS = (20, 5), 10     # where nothing can be decided, so not for long


class Pressed:
    """One moderator whose hands do anything, but for going home."""

    def __init__(self, reviewer, generator):
        self.reviewer, self.random = reviewer, generator
        self.coming, self.pressed, self.small = [], 0, 0

    def press(self):
        """One turn."""
        screen = self.reviewer.screen
        if not self.coming:
            self.coming = [*HOME, *self.random.choice(MOVES), IDLE, *self.random.choices(KEYS, k=self.random.choice((0, 0, 0, 2, 6)))]
        key = self.coming.pop(0)
        screen.send(key)
        self.pressed += key != IDLE
        self.resize(screen)
        assert screen.exit_code is None, f"it ended by itself\n{screen.picture()}"

    def resize(self, screen):
        self.small = max(0, self.small - 1)
        if self.small == 1:
            screen.resize(*SIZES[0])
        elif self.random.random() < 0.01:
            screen.resize(*self.random.choice(SIZES))
        elif self.random.random() < 0.002:
            screen.resize(*TOO_SMALL)
            self.small = SMALL_TURNS

    def leave(self):
        self.reviewer.screen.resize(100, 30)
        self.reviewer.screen.send(ESCAPE)
        self.reviewer.screen.settle(0.3)
        return self.reviewer.leave()


class TestRandomKeys(Case):
    def fill(self, count):
        comments = [event(self.site, f"{self.site}-{number}", f"text {number} \u0633\u0644\u0627\u0645 \x1b[1337;1337H",
                          author={"id": f"a{number % 7}"}, article={"id": f"t{number % 3}"}) for number in range(count)]
        for at in range(0, count, 500):
            self.front.submit(comments[at:at + 500])
        return [comment["comment"] for comment in comments]

    def run_screens(self, count):
        tap.comment(f"MODQ_RANDOM_SEED={SEED} MODQ_RANDOM_S={SECONDS:g}, {count} screens")
        generator = random.Random(f"{SEED} {count}")
        names = self.fill(int(60 * count * max(1, SECONDS / 20)))
        hands = []
        for number in range(count):
            reviewer = Reviewer(self.daemon, f"mod-{number}", "--site", self.site, "--ahead", "3")
            self.addCleanup(reviewer.close)
            hands.append(Pressed(reviewer, generator))
            reviewer.read()
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for hand in hands:
                hand.press()
            for hand in hands:
                hand.reviewer.screen.pump(TURN_S / count)
        for hand in hands:
            self.assertEqual(hand.leave(), 0, hand.reviewer.screen.picture())
            self.assertEqual(screen_faults(hand.reviewer.screen.raw, hostile_text.OURS), [])
        self.check(names, {hand.reviewer.who for hand in hands})
        tap.comment(f"{sum(hand.pressed for hand in hands)} keys")

    # ---- afterwards

    def check(self, names, moderators):
        counts = {}
        for name in names:
            card = self.bob.show(self.site, name)["card"]
            self.assertIsNone(card["claimed_by"], name)
            events = list(reversed(self.bob.history(self.site, name, limit=500)["events"]))
            self.assertEqual(self.follow(name, events, moderators), card["state"], name)
            counts[card["state"]] = counts.get(card["state"], 0) + 1
        self.assertEqual(sum(counts.values()), len(names))
        self.assertTrue(counts.get("approved") and counts.get("rejected"), counts)
        tap.comment(f"{counts}")
        self.assert_sound()

    def follow(self, name, events, moderators):
        """The state after all of them. A decision is made on a pending comment, or takes another's place and says so; no two
        hold a comment at once."""
        state, holder, seq, before = "none", None, None, None
        for happened in events:
            kind, actor = happened["kind"], happened["actor"]
            if kind == "submitted":
                self.assertEqual(state, "none", name)
                state = "pending"
            elif kind == "claimed":
                self.assertIn(holder, (None, actor), f"{name}: {events}")
                holder = actor
            elif kind in ("released", "lease_expired", "skipped", "escalated"):
                holder = None
            elif kind in ("approved", "rejected") and happened["cause"] != "undo":
                self.assertIn(actor, moderators)
                self.assertIn(holder, (None, actor), f"{name} was decided by {actor} while {holder} held it: {events}")
                if state != "pending":
                    self.assertEqual((happened["supersedes"], before), (seq, seq), f"{name} was decided twice: {events}")
                state, holder = kind, None
            elif kind in ("approved", "rejected", "reopened"):
                self.assertEqual(happened["undoes"], seq, f"{name}: {events}")
                state, holder = kind if kind != "reopened" else "pending", None
            if happened["seq"]:
                before = seq = happened["seq"]
        return state

    def assert_sound(self):
        """Counted anew, where the daemon can do that."""
        try:
            self.bob.change("fsck")
        except ModqError as error:
            if error.name == "unknown_operation":
                tap.comment("this daemon has no fsck")
                return
        done = self.daemon.run_modq("fsck", timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_two_screens(self):
        self.run_screens(2)

    def test_eight_screens(self):
        self.run_screens(8)


if __name__ == "__main__":
    tap.main()
