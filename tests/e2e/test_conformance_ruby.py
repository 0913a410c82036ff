"""The conformance suite against the client in Ruby that was written from proto/PROTOCOL.md alone (tests/conformance/README.md)."""
# time-limit: 480
# waits: for daemons that are away, answers that do not come, and places that are synced
# plain: the client is not C, and the daemon does the same for conformance_c
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conformance"))
import suite  # noqa: E402
import tap  # noqa: E402

globals().update(suite.tests("Ruby", ["ruby", suite.driver("ruby.rb")]))

if __name__ == "__main__":
    tap.main()
