"""proto/vectors: messages.json through python3-msgpack, requests.json against the daemon."""
# time-limit: 300
import json
import os
import unittest

import msgpack

import modq
import shapes
import tap
from daemon import ROOT, DaemonTest
from modq import Raw

VECTORS = os.path.join(ROOT, "proto/vectors")
modq.inspect = shapes.check_message


def load(name):
    with open(os.path.join(VECTORS, name), encoding="utf-8") as file:
        return json.load(file)


def plain(value):
    """A decoded value as it stands in the vectors."""
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def packable(value):
    if isinstance(value, dict):
        if set(value) == {"$bin"}:
            return bytes.fromhex(value["$bin"])
        return {key: packable(item) for key, item in value.items()}
    return [packable(item) for item in value] if isinstance(value, list) else value


def differences(wanted, got, path=""):
    """Where a reply lacks what is wanted; keys that are not wanted do not matter."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return [d for key, item in wanted.items()
                for d in (differences(item, got[key], f"{path}.{key}")
                          if key in got else [f"{path}.{key} is not there"])]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [d for i, (a, b) in enumerate(zip(wanted, got)) for d in differences(a, b, f"{path}[{i}]")]
    same = wanted == got and type(wanted) is type(got)
    return [] if same else [f"{path} is {got!r:.80} instead of {wanted!r:.80}"]


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

    def changes(self, reply):
        """Whether a reply says that the database is not empty now."""
        return reply.get("ok") and ("status" in reply or any("error" not in r for r in reply.get("results") or []))

    def test_daemon_answers_every_request_vector_as_it_says(self):
        for vector in load("requests.json"):
            with self.subTest(vector["name"]):
                reply = self.reply_to(vector)
                self.assertEqual(differences(vector["reply"], plain(reply)), [])
            if self.changes(reply):
                self.new_daemon()


if __name__ == "__main__":
    tap.main()
