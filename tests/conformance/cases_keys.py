"""CURVE: keys that are good, and the silence that others meet."""
import os
import time

import keys
from cases import event, eventually, now_ms
from cases_stream import Streams
from suite import ANSWER_S, CONFIG, SILENT, STORED, events, needs


class Keys(Streams):
    config = CONFIG
    tcp = ("front", "push", "desk")

    def over_tcp(self, key, **options):
        return self.open_front(self.daemon.tcp["front"], key=self.key_file(key), **options)

    def assert_silence(self, key):
        """Nothing comes of it, within the time-out, and the comment is to be kept."""
        front = self.over_tcp(key, timeout_ms=600, attempt_ms=250)
        with self.within(0.6):
            result, = self.submit([event(self.site, "refused")], front)
        self.assert_result(result, *SILENT)
        self.assertEqual(self.front.status(self.site, ["refused"])[0]["status"], "not_found")

    @needs("key")
    def test_good_key_comes_in(self):
        front = self.over_tcp(self.daemon.add_key("good", "front", sites=[self.site]))
        comments = events(self.site, 20)
        self.assertEqual({r["status"] for r in self.submit(comments, front)}, {"accepted"})
        self.assert_stored(comments)

    @needs("key")
    def test_unknown_key_meets_silence(self):
        self.assert_silence(keys.make(self.daemon.server_key(), name="unknown", role="front"))

    @needs("key")
    def test_revoked_key_meets_silence(self):
        key = self.daemon.add_key("revoked", "front")
        self.daemon.administrator().key_revoke(name="revoked")
        self.assert_silence(key)

    @needs("key")
    def test_expired_key_meets_silence(self):
        ends = now_ms() + 2000          # the daemon refuses a time that is over already
        key = self.daemon.add_key("expired", "front", expires_at=ends)
        time.sleep(max(0, ends - now_ms()) / 1000 + 0.1)
        self.assert_silence(key)

    @needs("key")
    def test_moderators_key_meets_silence_at_the_front(self):
        self.assert_silence(self.daemon.add_key("mod", "moderator"))

    @needs("key")
    def test_wrong_server_key_meets_silence(self):
        key = self.daemon.add_key("elsewhere", "front")
        key.server = keys.make().public
        self.assert_silence(key)

    @needs("key")
    def test_key_that_becomes_known_while_a_request_waits_comes_in(self):
        key = keys.make(name="late", role="front")
        key.server = self.daemon.add_key("other", "front").server
        front = self.over_tcp(key, timeout_ms=10_000, attempt_ms=300)
        self.driver.send("submit", front=front, comments=[event(self.site, "waits")])
        time.sleep(0.7)
        self.daemon.administrator().key_add("late", "front", public_key=keys.to_bin(key.public))
        result, = self.driver.answer()["results"]
        self.assertIn(result["status"], STORED)
        self.assertEqual(self.pending_count(), 1)

    @needs("key")
    def test_another_site_is_denied_and_not_repeated(self):
        front = self.over_tcp(self.daemon.add_key("narrow", "front", sites=[self.site]))
        with self.within(0.5):
            results = self.submit([event(self.site, "mine"), event("other", "theirs")], front)
        self.assertEqual(results[0]["status"], "accepted")
        self.assert_result(results[1], "denied")
        self.assert_error(self.call_fails("withdraw", front, site="other", comment="c"), "denied")

    @needs("key")
    def test_key_revoked_while_a_connection_is_open_is_denied(self):
        front = self.over_tcp(self.daemon.add_key("brief", "front"))
        self.assertEqual(self.submit([event(self.site, "a")], front)[0]["status"], "accepted")
        self.daemon.administrator().key_revoke(name="brief")
        self.assert_result(self.submit([event(self.site, "b")], front)[0], "denied")

    @needs("key", "stream")
    def test_stream_of_a_revoked_key_fails_with_denied(self):
        _, seq = self.approved()
        path = self.key_file(self.daemon.add_key("listener", "front"))
        name = self.open_stream(self.daemon.tcp["front"], key=path, after=0)
        self.assertEqual(self.record(name)["seq"], seq)
        self.until(name, "level")
        self.daemon.administrator().key_revoke(name="listener")
        self.assert_error(self.until(name, "failed")["error"], "denied")

    @needs("key")
    def test_key_file_that_is_not_good_is_refused(self):
        good = self.key_file(self.daemon.add_key("file", "front"))
        with open(good) as file:
            text = file.read()
        folder = self.directory()
        files = {"readable by others": (text, 0o644), "readable by the group": (text, 0o640), "empty": ("", 0o600), "no key file": ("hello\n", 0o600),
                 "key cut short": (text.replace("secret-key = \"", "secret-key = \"x"), 0o600), "no secret": (text.replace("secret-key", "other"), 0o600)}
        for number, (name, (content, mode)) in enumerate(files.items()):
            path = os.path.join(folder, str(number))
            with open(path, "w") as file:
                file.write(content)
            os.chmod(path, mode)
            with self.subTest(name):
                error = self.driver.fails("front", name=f"bad{number}", endpoint=self.daemon.tcp["front"], key=path, timeout_ms=1000, attempt_ms=500)
                self.assert_error(error, "client_bad_argument", "client_system")
        error = self.driver.fails("front", name="none", endpoint=self.daemon.tcp["front"], key=folder + "/none", timeout_ms=1000, attempt_ms=500)
        self.assert_error(error, "client_system", "client_bad_argument")

    @needs("key", "push")
    def test_push_with_a_key_arrives(self):
        path = self.key_file(self.daemon.add_key("pusher", "front"))
        answer = self.driver.do("push", endpoint=self.daemon.tcp["push"], key=path, comments=events(self.site, 10), linger_ms=5000)
        self.assertEqual(answer["unsent"], 0)
        eventually(lambda: self.pending_count() == 10, timeout=ANSWER_S)
