"""Nothing acknowledged is lost, no comment has two decisions, every listener sees 1..N, whatever kills the daemon.

MODQ_SEED=N repeats the random choices of a run (not the kernel's), MODQ_KILLS=N kills more often or less.
"""
# alone: its load needs both cores
# time-limit: 300
import os
import secrets
import unittest

import checker
import crash
import tap
from daemon import BUILD

KILLS = int(os.environ.get("MODQ_KILLS", "28"))
SEED = int(os.environ.get("MODQ_SEED") or secrets.randbelow(1 << 31))
SANITIZED = "san" in os.path.basename(BUILD)
SHOWN = 30            # violations printed
# Less than this in a whole run would prove nothing.
LEAST = {"kills": 20, "comments acknowledged": 500 if SANITIZED else 2000,
         "decisions acknowledged": 100 if SANITIZED else 300, "undone": 10, "withdrawn": 10, "heard live": 100,
         "requests repeated": 10}


class Crash(unittest.TestCase):
    def test_what_clients_saw_keeps_every_promise_although_the_daemon_is_killed(self):
        outcome = crash.run(crash.Plan(seed=SEED, kills=KILLS))
        tap.comment(outcome.told())
        words = "\n".join(outcome.violations[:SHOWN])
        self.assertFalse(outcome.violations,
                         f"MODQ_SEED={SEED}: {len(outcome.violations)} violations, {dict(checker.names(outcome.violations))}:\n{words}")
        self.assertFalse(outcome.troubles, f"MODQ_SEED={SEED}:\n" + "\n".join(outcome.troubles[:SHOWN]))
        for name, least in LEAST.items():
            self.assertGreaterEqual(outcome.figures[name], min(least, KILLS) if name == "kills" else least,
                                    f"this load was trivial: {outcome.told()}")


if __name__ == "__main__":
    tap.main()
