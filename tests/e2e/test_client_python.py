"""clients/python: its own tests. One file that cannot be imported is a test that fails."""
# time-limit: 300
# waits: for time-outs and heartbeats
# plain: the client is not C, and the daemon does the same for conformance_c
import os
import sys

import tap
from daemon import ROOT

TESTS = os.path.join(ROOT, "clients/python/tests")
sys.path.insert(0, TESTS)


def load_tests(loader, _standard, _pattern):
    return loader.discover(TESTS, top_level_dir=TESTS)


if __name__ == "__main__":
    tap.main()
