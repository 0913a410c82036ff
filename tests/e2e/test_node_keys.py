"""The Node.js client over TCP, where its key becomes good only after it has been refused."""
# plain: the client is not C, and the daemon does the same for conformance_c
import os
import subprocess
import unittest

import keys
import tap
from cases import eventually
from daemon import ROOT, Daemon

PATIENCE_S = 30
PUSH = """
import { Key, Push } from './index.js';
const [path, endpoint] = process.argv.slice(1);
const push = new Push(endpoint, { key: Key.load(path) });
await push.submit({ site: 'news', comment: 'late', body: 'text' });
console.log('taken');
console.log(await push.close(20000));
"""


class LateKeys(unittest.TestCase):
    def test_push_goes_on_once_its_key_is_known(self):
        with Daemon(tcp=("push",)) as daemon:
            key = keys.make(daemon.server_key(), name="late", role="front")
            path = os.path.join(daemon.dir, "late.key")
            keys.write(path, key)
            command = ["node", "--input-type=module", "-e", PUSH, path, daemon.tcp["push"]]
            with subprocess.Popen(command, cwd=os.path.join(ROOT, "clients/node"), stdout=subprocess.PIPE, text=True) as node:
                self.addCleanup(node.kill)
                self.assertEqual(node.stdout.readline(), "taken\n")
                with self.assertRaises(subprocess.TimeoutExpired, msg="it was refused"):
                    node.wait(1)
                daemon.administrator().key_add("late", "front", public_key=keys.to_bin(key.public))
                self.assertEqual(node.communicate(timeout=PATIENCE_S)[0], "0\n")
            front = daemon.front()
            eventually(lambda: front.status("news", ["late"])[0]["status"] == "found")


def setUpModule():
    subprocess.run(["make", "--no-print-directory", "clients/node/node_modules/.installed"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL, timeout=600)


if __name__ == "__main__":
    tap.main()
