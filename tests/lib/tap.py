"""Runs unittest classes with TAP on stdout.

    if __name__ == "__main__":
        tap.main()

A test's name is its method name without `test_`. E2E_FILTER=word runs the tests whose name holds the word, or all of
them when the file's name does. MODQ_SKIP_SLOW=1 skips what is marked with @tap.slow.
"""
import os
import sys
import traceback
import unittest

slow = unittest.skipIf(os.environ.get("MODQ_SKIP_SLOW"), "slow, and slow tests are left out")

# Called after each failure; what they return is printed as diagnostics (logs of daemons, say).
witnesses = []


def test_name(test):
    method = getattr(test, "_testMethodName", None)
    return method.removeprefix("test_") if method else str(test)


def comment(text):
    for line in text.rstrip("\n").split("\n"):
        print("# " + line.rstrip("\r"))
    sys.stdout.flush()


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0
        self._failed_parts = []

    def _line(self, word, test, tail=""):
        self.number += 1
        print(f"{word} {self.number} - {test_name(test)}{tail}", flush=True)

    def _fail(self, test, trouble, part=""):
        self._line("not ok", test)
        if part:
            comment(f"with {part}:")
        comment("".join(traceback.format_exception(*trouble)))
        for witness in witnesses:
            comment(witness())

    def startTest(self, test):
        super().startTest(test)
        self._failed_parts = []

    def addSuccess(self, test):
        super().addSuccess(test)
        if not self._failed_parts:
            self._line("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("ok", test, f" # SKIP {reason}")

    def addSubTest(self, test, subtest, err):
        """Parts of one test: the first that failed is the test's line, the others are told below it."""
        super().addSubTest(test, subtest, err)
        if err is None:
            return
        if self._failed_parts:
            comment(f"and with {subtest._subDescription()}: {err[1]}")
        else:
            self._fail(test, err, subtest._subDescription())
        self._failed_parts.append(subtest)


def main():
    module = sys.modules["__main__"]
    word = os.environ.get("E2E_FILTER", "")
    suite = unittest.TestSuite()
    everything = not word or word in os.path.basename(module.__file__)
    for test in tests_of(unittest.defaultTestLoader.loadTestsFromModule(module)):
        if everything or word in test_name(test):
            suite.addTest(test)
    result = Result()
    suite.run(result)
    print(f"1..{result.number}", flush=True)
    sys.exit(0 if result.wasSuccessful() else 1)
