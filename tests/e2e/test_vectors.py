"""proto/vectors: messages.json through python3-msgpack, requests.json against the daemon."""
# time-limit: 300
import json
import unittest

import msgpack

import modq
import shapes
import tap
from daemon import DaemonTest
from modq import Raw
from vectors import changes, differences, load, packable, plain

modq.inspect = shapes.check_message


class Messages(unittest.TestCase):
    def test_hex_decodes_to_value(self):
        for vector in load("messages.json"):
            with self.subTest(vector["name"]):
                self.assertEqual(plain(msgpack.unpackb(bytes.fromhex(vector["hex"]))), vector["value"])

    def test_value_encodes_to_hex(self):
        for vector in load("messages.json"):
            with self.subTest(vector["name"]):
                self.assertEqual(msgpack.packb(packable(vector["value"])).hex(), vector["hex"])

    def test_vectors_are_what_their_script_makes(self):
        import make_vectors
        self.assertEqual(load("messages.json"), json.loads(json.dumps(make_vectors.messages())))


class Requests(DaemonTest):
    """A vector that changes something is followed by a new daemon: each wants an empty database."""

    def new_daemon(self):
        """An empty database for the next vector."""
        type(self)._end()
        type(self).setUpClass()

    def reply_to(self, vector):
        raw = Raw(self.daemon.endpoint(vector["socket"]))
        try:
            raw.send(bytes.fromhex(vector["hex"]))
            frames = raw.receive(10)
        finally:
            raw.close()
        self.assertIsNotNone(frames, "no answer")
        return modq.decode(frames[0])

    def test_daemon_answers_every_request_vector_as_it_says(self):
        for vector in load("requests.json"):
            with self.subTest(vector["name"]):
                reply = self.reply_to(vector)
                self.assertEqual(differences(vector["reply"], plain(reply)), [])
            if changes(reply):
                self.new_daemon()


if __name__ == "__main__":
    tap.main()
