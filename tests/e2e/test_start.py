"""What the daemon refuses when it starts, and in which words."""
# waits: for daemons that come and go
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import tap
from daemon import MODQD, PATIENCE_S, Daemon

CANNOT_START = 3


class Start(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="mq-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def config(self, text):
        with open(self.path("modqd.conf"), "w") as file:
            file.write(text)
        return self.path("modqd.conf")

    def refused(self, *arguments):
        """Exit code 3 and one line, which is returned."""
        done = subprocess.run([MODQD, *arguments], capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, CANNOT_START, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def own(self, daemon):
        """A configuration of another directory that has the desk of a daemon."""
        return self.config(f'listen {{ desk = "ipc://{daemon.dir}/desk.sock" }}')


class Sockets(Start):
    def test_a_socket_of_another_daemon_is_not_taken_over(self):
        with Daemon() as daemon:
            said = self.refused("--dir", self.path("var"), "--config", self.own(daemon))
            self.assertIn(f"ipc://{daemon.dir}/desk.sock", said)
            self.assertIn(f"process {daemon.pid})", said)
            with daemon.desk("ann") as desk:
                self.assertEqual(desk.hello()["you"], "ann")

    def test_a_socket_whose_daemon_is_gone_can_be_taken(self):
        with Daemon() as daemon:
            config = self.own(daemon)
            os.kill(daemon.pid, signal.SIGKILL)
            daemon.ended()
            with Daemon("--config", config) as other:
                self.assertTrue(other.alive())

    def test_two_ways_to_write_one_path_are_found(self):
        config = self.config(f'listen {{ desk = "ipc://{self.dir}/x"\n push = "ipc://{self.dir}/./x" }}')
        self.assertIn("same path", self.refused("--dir", self.path("var"), "--config", config))

    def test_a_socket_in_a_directory_that_is_not_there_is_named(self):
        config = self.config(f'listen {{ desk = "ipc://{self.dir}/nowhere/desk" }}')
        self.assertIn("nowhere/desk", self.refused("--dir", self.path("var"), "--config", config))

    def test_a_second_daemon_in_a_directory_is_refused(self):
        with Daemon() as daemon:
            said = self.refused("--dir", daemon.dir)
            self.assertIn(f"process {daemon.pid})", said)
            self.assertIn("this directory", said)


class Restored(Start):
    def test_without_a_database_nothing_is_made(self):
        said = self.refused("--restored", "--dir", self.path("typo"))
        self.assertIn(self.path("typo"), said)
        self.assertFalse(os.path.exists(self.path("typo")))
        self.refused("--restored", "--dir", self.dir)
        self.assertEqual(os.listdir(self.dir), [])

    def test_an_empty_file_is_no_database(self):
        with open(self.path("modqd.db"), "w"):
            pass
        self.refused("--restored", "--dir", self.dir)
        self.assertEqual(os.path.getsize(self.path("modqd.db")), 0)


if __name__ == "__main__":
    tap.main()
