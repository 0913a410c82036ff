"""Encoding, and proto/vectors through the client's own codec."""
import json

from daemon import Daemon
from suite import Conformance, needs
from vectors import changes, differences, load, packable, plain


def exactly(value):
    """Text that tells 1 from 1.0 and from true."""
    return json.dumps(plain(value), sort_keys=True)


class Vectors(Conformance):
    config = None

    def test_driver_tells_its_language_and_refuses_what_it_does_not_know(self):
        about = self.driver.do("about")
        self.assertIsInstance(about["language"], str)
        self.assertLessEqual(self.can, {"outbox", "place_file", "place_sql", "recorded", "push", "key", "vectors", "exchange", "stream",
                                        "retry_refused"})
        for request in ({"do": "no such request"}, {"do": "submit", "front": "no such front", "comments": []}):
            self.assert_error(self.driver.fails(**request), "client_bad_argument")
        self.assertIs(self.driver.do("about")["ok"], True)

    @needs("vectors")
    def test_messages_decode_to_their_values(self):
        for vector in load("messages.json"):
            with self.subTest(vector["name"]):
                got = self.driver.do("decode", hex=vector["hex"])["value"]
                self.assertEqual(exactly(got), exactly(vector["value"]))

    @needs("vectors")
    def test_values_encode_to_their_messages(self):
        for vector in load("messages.json"):
            with self.subTest(vector["name"]):
                self.assertEqual(self.driver.do("encode", value=vector["value"])["hex"], vector["hex"])

    def reply_to(self, vector, daemon):
        return self.driver.do("exchange", endpoint=daemon.endpoint(vector["socket"]), hex=vector["hex"],
                              timeout_ms=10000)["reply"]

    def unlike(self, vector, daemon):
        """What a daemon's reply lacks, as the client decodes it."""
        return differences(packable(vector["reply"]), self.reply_to(vector, daemon))

    @needs("exchange")
    def test_request_vectors_are_answered_as_they_say(self):
        """Those that change nothing share the class's empty database. Of the others one may be in the way of the next:
        what is not as it should be is asked again of a database of its own before it counts."""
        vectors = load("requests.json")
        for vector in (v for v in vectors if not changes(v["reply"])):
            with self.subTest(vector["name"]):
                self.assertEqual(self.unlike(vector, self.daemon), [])
        for vector in (v for v in vectors if changes(v["reply"])):
            with self.subTest(vector["name"]):
                if self.unlike(vector, self.daemon):
                    with Daemon() as empty:
                        self.assertEqual(self.unlike(vector, empty), [])
