"""The test runner itself: what crashes, hangs or says nothing is a failure."""
# plain: it is about the runner
import argparse
import importlib.machinery
import importlib.util
import os
import tempfile
import unittest

import tap
from daemon import ROOT

LOADER = importlib.machinery.SourceFileLoader("run", os.path.join(ROOT, "tests/run"))
RUN = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", LOADER))
LOADER.exec_module(RUN)

FORGED = """# {declared}
import os, time
began = time.monotonic()
open({here!r}, "w").close()
while not all(map(os.path.exists, {others})) and time.monotonic() < began + 20:
    time.sleep(0.01)
print(f"1..1\\nok 1 - {{began}} {{time.monotonic()}}")
"""


class Programs(unittest.TestCase):
    def run_program(self, script, word="", skip_slow=False):
        with tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp") as folder:
            path = os.path.join(folder, "test_forged.py")
            with open(path, "w") as file:
                file.write(script)
            program = RUN.Program(path, "build/release")
            program.run("build/release", word, skip_slow)
        return program

    def counts(self, script, **more):
        program = self.run_program(script, **more)
        return len(program.passed), len(program.failed), len(program.skipped)

    def test_results_are_counted_with_their_diagnostics(self):
        program = self.run_program("print('1..3\\nok 1 - a\\nnot ok 2 - b\\n# why\\nok 3 - c # SKIP no tool'); exit(1)")
        self.assertEqual((program.passed, program.failed, program.skipped),
                         (["a"], [("b", ["# why"])], [("c", "no tool")]))

    def test_words_of_cmocka_are_understood(self):
        program = self.run_program("print('1..2\\nok 1 - a\\n# skipped: no tool\\nnot ok 2 # SKIP b\\n# ok - unit')")
        self.assertEqual((program.passed, program.failed, program.skipped), (["a"], [], [("b", "no tool")]))

    def test_crash_is_a_failure(self):
        self.assertEqual(self.counts("import os\nprint('1..2\\nok 1 - a', flush=True)\nos.abort()"), (1, 1, 0))
        self.assertEqual(self.counts("print('1..1\\nok 1 - a')\nexit(3)"), (1, 1, 0))

    def test_missing_tests_are_a_failure(self):
        self.assertEqual(self.counts("print('1..2\\nok 1 - a')"), (1, 1, 0))
        self.assertEqual(self.counts("print('hello')"), (0, 1, 0))

    def test_filter_without_a_match_counts_nothing(self):
        self.assertEqual(self.counts("print('1..0')", word="nothing"), (0, 0, 0))

    def test_filter_is_handed_on(self):
        script = "import os\nprint('1..1\\nok 1 - ' + os.environ.get('E2E_FILTER', 'none'))"
        self.assertEqual(self.run_program(script, word="lease").passed, ["lease"])
        self.assertEqual(self.run_program(script, word="forged").passed, ["none"])

    def test_program_that_hangs_is_ended(self):
        self.assertEqual(self.counts("# time-limit: 3\nimport time\nprint('ok 1 - a', flush=True)\ntime.sleep(60)"),
                         (1, 1, 0))

    def forge(self, folder, name, declared="", beside=""):
        """Writes when it began and ended. It does not end before those beside it have begun, if they do within the time."""
        path = os.path.join(folder, f"test_{name}.py")
        with open(path, "w") as file:
            file.write(FORGED.format(declared=declared, here=os.path.join(folder, name),
                                     others=[os.path.join(folder, other) for other in beside]))
        return RUN.Program(path, "build/release")

    def times(self, programs):
        """From when to when each of them ran, by the letter that is its name."""
        options = argparse.Namespace(build="build/release", filter="", skip_slow=False)
        done = [program for program, _ in RUN.run_all(programs, options)]
        return {program.path[-4]: [float(word) for word in program.passed[0].split()] for program in done}

    def test_programs_run_two_at_a_time_unless_one_wants_to_be_alone(self):
        with tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp") as folder:
            times = self.times([*(self.forge(folder, name, "alone: to see") for name in "ab"),
                                *(self.forge(folder, name, beside="cd") for name in "cd")])
        self.assertEqual(set(times), set("abcd"))
        self.assertLess(times["c"][0], times["d"][1])
        self.assertLess(times["d"][0], times["c"][1])
        self.assertLess(max(times["c"][1], times["d"][1]), times["a"][0])
        self.assertLess(times["a"][1], times["b"][0])

    def test_program_that_waits_runs_beside_two_that_compute(self):
        with tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp") as folder:
            times = self.times([self.forge(folder, name, "waits: to see" if name == "c" else "", "abc") for name in "abc"])
        self.assertLess(max(began for began, _ in times.values()), min(ended for _, ended in times.values()))

    def test_sanitized_build_leaves_out_what_says_nothing_of_memory(self):
        with tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp") as folder:
            one, two = self.forge(folder, "a", "plain: to see"), self.forge(folder, "b")
            self.assertEqual(RUN.choose([one, two], "build/asan"), ([two], [one]))
            self.assertEqual(RUN.choose([one, two], "build/release"), ([one, two], []))

    def test_slow_program_is_skipped_when_asked(self):
        self.assertEqual(self.counts("# slow: takes an hour\nexit(1)", skip_slow=True), (0, 0, 1))


if __name__ == "__main__":
    tap.main()
