"""The targets of libFuzzer and the inputs that are kept for them: what is missing or says nothing is a failure."""
# plain: it is about the tool that runs the targets
import glob
import os
import subprocess
import sys
import tempfile
import unittest

import tap
from daemon import BUILD, ROOT

sys.path.insert(0, os.path.join(ROOT, "tests/fuzz"))
import seeds  # noqa: E402

KEPT = os.path.join(ROOT, "tests/fuzz/corpus")
KEPT_BYTES_MAX = 1000000


def targets():
    names = glob.glob(os.path.join(ROOT, "tests/fuzz/fuzz_*.c"))
    return sorted(os.path.basename(name)[len("fuzz_"):-len(".c")] for name in names)


def replay(target, inputs):
    """Runs a target over a corpus of its own; returns its exit code and what it said."""
    with tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp") as root:
        folder = os.path.join(root, "tests/fuzz/corpus", target)
        os.makedirs(folder)
        for i, data in enumerate(inputs):
            with open(os.path.join(folder, str(i)), "wb") as file:
                file.write(data)
        program = os.path.join(BUILD, "tests/fuzz/fuzz_" + target)
        done = subprocess.run([program], env={"MODQ_SOURCE_DIR": root}, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


class Fuzz(unittest.TestCase):
    def test_every_target_has_kept_inputs_and_seeds_and_none_is_kept_for_nothing(self):
        self.assertGreaterEqual(len(targets()), 4)
        self.assertEqual(sorted(os.listdir(KEPT)), targets())
        self.assertEqual(sorted(seeds.TARGETS), targets())
        for target in targets():
            self.assertTrue(os.listdir(os.path.join(KEPT, target)), target)

    def test_kept_inputs_stay_small(self):
        files = glob.glob(os.path.join(KEPT, "*/*"))
        self.assertLess(sum(map(os.path.getsize, files)), KEPT_BYTES_MAX)

    def test_empty_corpus_is_a_failure(self):
        for target in targets():
            code, said = replay(target, [])
            self.assertEqual((code, said.splitlines()[-2].split()[:2]), (1, ["not", "ok"]), target)

    def test_corpus_of_which_nothing_is_let_in_is_a_failure(self):
        code, said = replay("zap", [b"", b"x"])
        self.assertEqual(code, 1)
        self.assertIn("it needs both", said)

    def test_seeds_are_good_and_refused_inputs_and_break_nothing(self):
        for target in targets():
            code, said = replay(target, list(seeds.TARGETS[target]()))
            self.assertEqual((code, said.splitlines()[-2].split()[0]), (0, "ok"), said)


if __name__ == "__main__":
    tap.main()
