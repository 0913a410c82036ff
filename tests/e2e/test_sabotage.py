"""The crash run finds a daemon that has been sabotaged, whichever way, and nothing in one that has not."""
# plain: it is about what the tests find
# time-limit: 600
import os
import secrets
import unittest

import checker
import crash
import tap
from daemon import BUILD

SABOTAGED = os.path.join(BUILD, "modqd-sabotaged")
SEED = int(os.environ.get("MODQ_SEED") or secrets.randbelow(1 << 31))
ROUNDS = (8, 12, 20)          # kills of each attempt
CONTROL_KILLS = 10
IN_VAIN_S = 3                 # a sabotaged log may never be whole
SHOWN = 12


@unittest.skipUnless(os.path.exists(SABOTAGED), f"{SABOTAGED} is not built")
class Sabotage(unittest.TestCase):
    def crash(self, sabotage, kills, catch_up_s):
        """A short crash run with a sabotaged daemon."""
        environment = {"MODQD_SABOTAGE": sabotage} if sabotage else {}
        outcome = crash.run(crash.Plan(seed=SEED, kills=kills, pause_s=(0.3, 1.2), program=SABOTAGED, settle_s=0.3,
                                       environment=environment, catch_up_s=catch_up_s))
        tap.comment(f"{sabotage or 'no sabotage'}, {outcome.told()}")
        return outcome

    def assert_found(self, sabotage, *expected):
        """One of the violations expected is found, if need be in a longer run."""
        for kills in ROUNDS:
            found = checker.names(self.crash(sabotage, kills, IN_VAIN_S).violations)
            tap.comment(f"found: {dict(found)}")
            if any(name in found for name in expected):
                return found
        self.fail(f"MODQ_SEED={SEED}: none of {expected} was found after {ROUNDS} kills; what was found: {dict(found)}")

    def assert_clean(self, sabotage):
        outcome = self.crash(sabotage, CONTROL_KILLS, crash.CATCH_UP_S)
        words = "\n".join(outcome.violations[:SHOWN] + outcome.troubles[:SHOWN])
        self.assertFalse(outcome.violations or outcome.troubles, f"MODQ_SEED={SEED}:\n{words}")
        self.assertGreaterEqual(outcome.figures["comments acknowledged"], 200, outcome.told())

    def test_acknowledging_before_the_commit_is_found(self):
        self.assert_found("ack-before-commit", "lost comment", "lost decision")

    def test_a_number_left_out_is_found(self):
        self.assert_found("skip-number", "gap in the log", "gap in a stream")

    def test_publishing_before_the_commit_is_found(self):
        found = self.assert_found("publish-before-commit", "published, not in the log", "published, changed since")
        self.assertNotIn("lost comment", found, "this sabotage should publish too early, and acknowledge in time")
        self.assertNotIn("lost decision", found, "this sabotage should publish too early, and acknowledge in time")

    def test_forgetting_what_was_not_synced_is_found(self):
        self.assert_found("forget-unsynced", "lost comment", "lost decision")

    def test_files_that_forget_harm_nothing_when_all_is_synced_in_time(self):
        self.assert_clean("vfs-only")

    def test_daemon_without_sabotage_is_clean(self):
        self.assert_clean(None)


if __name__ == "__main__":
    tap.main()
