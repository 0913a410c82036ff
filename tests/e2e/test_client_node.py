"""The Node.js client's own tests, run by `node --test`'s reporter, and its types, checked by the TypeScript compiler."""
# time-limit: 300
# waits: for time-outs and heartbeats
# plain: the client is not C, and the daemon does the same for conformance_c
import glob
import os
import re
import subprocess
import sys

import tap
from daemon import ROOT

CLIENT = os.path.join(ROOT, "clients/node")
NODE = os.environ.get("NODE", "node")
FILE_LIMIT_S = 300
LINE = re.compile(r"(?P<word>ok|not ok) \d+ - (?P<name>.*?)(?: # SKIP ?(?P<reason>.*))?$")
LEFT_OUT = "test name does not match pattern"


class Told:
    """Prints TAP lines, counted on from file to file."""

    def __init__(self):
        self.number = self.failed = 0

    def line(self, word, name, reason=None):
        self.number += 1
        self.failed += word == "not ok"
        print(f"{word} {self.number} - {name.replace(' ', '_')}" + (f" # SKIP {reason}" if reason else ""), flush=True)

    def failure(self, name, text):
        self.line("not ok", name)
        tap.comment(text)

    def end(self):
        print(f"1..{self.number}", flush=True)
        return 1 if self.failed else 0


def run(*command):
    """Exit code and output of a program in the client's directory; None when it did not end in time."""
    try:
        done = subprocess.run(command, cwd=CLIENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=FILE_LIMIT_S)
    except subprocess.TimeoutExpired as ended:
        return None, (ended.stdout or b"").decode(errors="replace")
    return done.returncode, done.stdout


def retell(told, output):
    """Turns the runner's TAP into ours: the tests' own lines, and below a failure what the runner says of it."""
    failing, count = False, 0
    for line in output.splitlines():
        found = LINE.match(line)
        if found and found["reason"] == LEFT_OUT:
            failing = False
        elif found:
            told.line(found["word"], found["name"], found["reason"])
            failing, count = found["word"] == "not ok", count + 1
        elif failing and line.startswith("  "):
            tap.comment(line)
    return count


def test_file(told, path, word):
    name = os.path.relpath(path, CLIENT)
    pattern = ["--test-name-pattern", re.escape(word).replace("_", "[ _]")] if word else []
    failed_before = told.failed
    code, output = run(NODE, "--test-reporter=tap", *pattern, path)
    count = retell(told, output)
    if code is None:
        told.failure(f"{name} did not end within {FILE_LIMIT_S} s", output[-4000:])
    elif code != 0 and told.failed == failed_before:
        told.failure(f"{name} ended with {code} without a failed test", output[-4000:])
    elif not count and not word:
        told.failure(f"{name} told of no test", output[-4000:])


def test_types(told, word):
    name = "types say what is allowed and what is not"
    if word and word not in name.replace(" ", "_"):
        return
    code, output = run("npx", "--no-install", "tsc", "--noEmit", "--project", "test/types")
    if code == 0:
        told.line("ok", name)
    else:
        told.failure(name, output)


def main():
    subprocess.run(["make", "--no-print-directory", "clients/node/node_modules/.installed"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL, timeout=600)
    word = os.environ.get("E2E_FILTER", "")
    word = "" if word in os.path.basename(__file__) else word
    told = Told()
    test_types(told, word)
    for path in sorted(glob.glob(os.path.join(CLIENT, "test/*.test.js"))):
        test_file(told, path, word)
    return told.end()


if __name__ == "__main__":
    sys.exit(main())
