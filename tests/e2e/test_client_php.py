"""The PHP client's own tests (clients/php/tests, PHPUnit), each as one line of TAP."""
# time-limit: 240
# waits: for time-outs and heartbeats
# plain: the client is not C, and the daemon does the same for conformance_c
import os
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ET

import tap
from daemon import ROOT

CLIENT = os.path.join(ROOT, "clients/php")
PATIENCE_S = 500


def run_phpunit(report):
    command = ["phpunit", "--no-configuration", "--bootstrap", f"{CLIENT}/tests/bootstrap.php", "--do-not-cache-result",
               "--fail-on-warning", "--fail-on-risky", "--disallow-test-output", "--log-junit", report, f"{CLIENT}/tests"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S,
                          cwd=ROOT)
    return done.returncode, done.stdout + done.stderr


def as_test(case):
    """One test case of the report as a test of its own."""
    name = f"{case.get('class', '').rpartition('.')[2]} {case.get('name')}"

    def run(self):
        trouble = [part for part in case if part.tag in ("failure", "error", "warning")]
        self.assertFalse(trouble, "\n".join(part.text or part.get("type", "") for part in trouble))
        if case.find("skipped") is not None:
            self.skipTest(case.find("skipped").text or "PHPUnit skipped it")
        self.assertGreater(int(case.get("assertions", 0)), 0, "it asserts nothing")
    return name, run


@unittest.skipUnless(shutil.which("phpunit"), "phpunit is not installed")
class PhpClientTest(unittest.TestCase):
    pass


def add_tests():
    if not shutil.which("phpunit"):
        setattr(PhpClientTest, "test_phpunit", lambda self: None)
        return
    with tempfile.TemporaryDirectory() as directory:
        report = os.path.join(directory, "report.xml")
        code, output = run_phpunit(report)
        cases = list(ET.parse(report).iter("testcase")) if os.path.exists(report) and os.path.getsize(report) else []
    for case in cases:
        name, run = as_test(case)
        setattr(PhpClientTest, f"test_{name}", run)

    def phpunit_ran_to_its_end(self):
        self.assertEqual(code, 0, output[-8000:])
        self.assertGreater(len(cases), 0)
    setattr(PhpClientTest, "test_phpunit_ran_to_its_end", phpunit_ran_to_its_end)


if __name__ == "__main__":
    add_tests()
    tap.main()
