"""The conformance suite against libmodq (tests/conformance/README.md)."""
# time-limit: 480
# waits: for daemons that are away, answers that do not come, and places that are synced
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conformance"))
import suite  # noqa: E402
import tap  # noqa: E402
from daemon import BUILD  # noqa: E402

globals().update(suite.tests("C", [os.path.join(BUILD, "conformance-c")]))

if __name__ == "__main__":
    tap.main()
