"""The conformance suite against the Node.js client (tests/conformance/README.md)."""
# time-limit: 480
# waits: for daemons that are away, answers that do not come, and places that are synced
# plain: the client is not C, and the daemon does the same for conformance_c
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conformance"))
import suite  # noqa: E402
import tap  # noqa: E402

suite.make("clients/node/node_modules/.installed")
globals().update(suite.tests("Node.js", ["node", suite.driver("node.mjs")]))

if __name__ == "__main__":
    tap.main()
