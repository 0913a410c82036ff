"""clients/python: its own tests, which are all there."""
# time-limit: 300
import os
import sys
import unittest

import tap

TESTS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "clients/python/tests")
sys.path.insert(0, TESTS)


def load_tests(loader, _standard, _pattern):
    return loader.discover(TESTS, top_level_dir=TESTS)


class Discovery(unittest.TestCase):
    """Never run by itself: a discovery that finds nothing, or a file that cannot be imported, is a failure of its own."""


if __name__ == "__main__":
    tap.main()
