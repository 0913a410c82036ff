"""What `make demo` runs ends well, and says so when something differs."""
# plain: it plays what the other tests ask for
# time-limit: 200
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import tap
from daemon import BUILD, ROOT, SHARED

CORPORA = next((path for path in (os.path.join(SHARED, "corpora"), os.path.join(ROOT, "../shared/corpora"))
                if os.path.isdir(path)), None)
GOOD, BAD = "all counts agree", "the counts do not agree"


def run_demo(*arguments):
    return subprocess.run([sys.executable, os.path.join(ROOT, "tests/demo"), "--build", BUILD, *arguments], cwd=ROOT,
                          capture_output=True, text=True, timeout=180, env={**os.environ, "COLUMNS": "80"})


def line(number, **more):
    labels = ["personal_attack", "toxic"] if number % 3 == 0 else ["toxic"] if number % 3 == 1 else []
    return {"site": f"site-{number % 2}", "id": f"c{number}", "lang": "en", "body": f"comment {number} دەق",
            "labels": labels, **more}


class Demo(unittest.TestCase):
    maxDiff = None

    def assert_ends(self, ended, code, last):
        told = ended.stdout + ended.stderr
        self.assertEqual(ended.returncode, code, told[-4000:])
        self.assertEqual(ended.stdout.splitlines()[-1], last, told[-4000:])

    def of_lines(self, *lines):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "some.jsonl"), "w") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            return run_demo("--corpora", directory)

    def test_short_demo_ends_with_all_counts_agreeing(self):
        ended = run_demo()
        self.assert_ends(ended, 0, GOOD)
        self.assertNotIn("\033", ended.stdout, "colour although nobody looks")
        for word in ("$ modq submit", "$ modq claim", "$ modq show", "$ modq reject", "$ modq undo",
                     "already rejected by azad"):
            self.assertIn(word, ended.stdout)

    @unittest.skipUnless(CORPORA, "there are no corpora here; MODQ_SHARED/corpora would hold them")
    def test_demo_of_all_corpora_ends_with_all_counts_agreeing(self):
        ended = run_demo("--corpora", CORPORA)
        self.assert_ends(ended, 0, GOOD)
        print("# " + [line for line in ended.stdout.splitlines() if re.match(r"in [0-9.]+ s", line)][0])
        self.assertRegex(ended.stdout, r"front end: +[0-9,]+ \+ [0-9,]+ (\+ [0-9,]+ )?records; killed")

    def test_demo_of_a_few_lines_ends_with_all_counts_agreeing(self):
        ended = self.of_lines(*(line(number) for number in range(30)))
        self.assert_ends(ended, 0, GOOD)
        self.assertIn("5/10", ended.stdout)

    def test_demo_says_when_an_id_comes_twice_with_another_body(self):
        ended = self.of_lines(*(line(number) for number in range(30)), line(7, body="something else"))
        self.assert_ends(ended, 1, BAD)
        self.assertIn("site-1/c7: conflict", ended.stdout)

    def test_demo_says_when_a_line_is_refused(self):
        ended = self.of_lines(*(line(number) for number in range(30)), line(31, body=""))
        self.assert_ends(ended, 1, BAD)
        self.assertIn("site-1/c31: too_short", ended.stdout)

    def test_demo_of_a_directory_without_comments_fails(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertEqual(run_demo("--corpora", directory).returncode, 1)


if __name__ == "__main__":
    tap.main()
