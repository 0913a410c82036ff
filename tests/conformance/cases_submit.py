"""Handing in comments: results, batches, texts of every kind, what goes with them."""
import random

import hostile_text
from cases import event, fresh, sha256
from suite import CONFIG, STORED, Conformance, events, limits

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
# Texts that decoders, encoders and escapes like to change.
TEXTS = ["\0", "a\0b", "\0\0\0", " ", "\n", "\r\n", "\t\v\f", "\x01\x1f\x7f\x80\x9f", "\u0301", "e\u0301", "\u00e9", "\u0301\u0302\u0303",
         "\u202eabc\u202c", "\u2066\u2067\u2068\u2069", "\u200b\u200c\u200d\u2060\ufeff", "\ufeffbom", "\ufffd", "\ufffe\uffff", "\U0010ffff",
         "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\ud7ff\ue000", "\U00010000\U0001f1e6", "çğıİöşü î û ê", "باش نییە",
         "مرحبا بالعالم", "שלום", "日本語", "ﬁ ﬀ K Å", "\\u0000 \\ud800 \\x00", '"\\/', "</script>&amp;<!--", "{\"$bin\": \"00\"}", "null", "0", "0e0",
         "true", "[]", "2026-01-01", "NaN", "a" * 31, "a" * 32, "a" * 255, "a" * 256, "a" * 65535, "a" * 65536, "é" * 32768]


class Submit(Conformance):
    def test_hello_tells_versions_and_limits(self):
        answer = self.driver.do("hello", front=self.f)["answer"]
        self.assertEqual(answer["versions"], [1])
        self.assertEqual(answer["limits"]["body_bytes"], 65536)
        self.assertEqual(answer["epoch"], self.front.hello()["epoch"])
        self.assertNotIn("ok", answer)

    def test_one_comment_is_stored_and_its_repeat_is_a_duplicate(self):
        comment = event(self.site, "a", "body", created_at=1, parent="p", language="ku-Latn")
        first, = self.submit([comment])
        self.assertEqual({key: first[key] for key in ("site", "comment", "revision", "status", "state")},
                         {"site": self.site, "comment": "a", "revision": 1, "status": "accepted", "state": "pending"})
        again, = self.submit([comment])
        self.assertEqual((again["status"], again["received_at"]), ("duplicate", first["received_at"]))
        self.assert_stored([comment])

    def test_every_field_arrives_as_it_was_given(self):
        comment = event(self.site, "all", article={"id": "art", "title": "T\u202e\0", "url": "https://example.org/?a=1&b=ü", "language": "ku"},
                        parent="other", author={"id": "u1", "name": "Şîlan\u200d", "registered_at": 1_600_000_000_000, "address_hash": "ab12"},
                        created_at=1_700_000_000_123, language="ckb", extra={"n": -5, "f": 0.5, "t": True, "z": "\0", "l": [1, "x"], "m": {"k": 2**53 - 1}})
        self.assertEqual(self.statuses(self.submit([comment])), ["accepted"])
        card = self.card_of({"site": self.site, "comment": "all"})
        for name in ("article", "parent", "author", "created_at", "language", "extra"):
            self.assertEqual(card[name], comment[name], name)

    def test_bytes_stay_bytes(self):
        comment = event(self.site, "bin", extra={"b": bytes(range(256)), "s": "text"})
        self.assertEqual(self.statuses(self.submit([comment])), ["accepted"])
        self.assertEqual(self.card_of({"site": self.site, "comment": "bin"})["extra"], comment["extra"])

    def test_empty_map_and_empty_list_stay_what_they_are(self):
        comment = event(self.site, "e", extra={"m": {}, "l": [], "s": ""})
        self.assertEqual(self.statuses(self.submit([comment])), ["accepted"])
        self.assertEqual(self.card_of({"site": self.site, "comment": "e"})["extra"], comment["extra"])

    def test_many_comments_have_their_results_in_order(self):
        comments = events(self.site, 40)
        random.Random(1).shuffle(comments)
        results = self.submit(comments)
        self.assertEqual([result["comment"] for result in results], [comment["comment"] for comment in comments])
        self.assertEqual(set(self.statuses(results)), {"accepted"})
        self.assert_stored(comments)

    def test_no_comment_is_no_result_or_an_error(self):
        answer = self.driver.ask("submit", front=self.f, comments=[])
        if answer["ok"]:
            self.assertEqual(answer["results"], [])
        else:
            self.assert_error(answer["error"], "out_of_range", "client_bad_argument")

    def test_bad_comments_fail_alone_among_good_ones(self):
        bad = [(event(self.site, "b0", "x" * 65537), "too_long", "body"), (event(self.site, "b1", "x" * 3_000_000), "too_long", None),
               ({"site": self.site, "comment": "b2"}, "missing_field", "body"), ({"site": self.site, "body": "b"}, "missing_field", "comment"),
               ({"comment": "b4", "body": "b"}, "missing_field", "site"), (event(self.site, "x" * 129), "too_long", "comment"),
               (event("s" * 65, "b6"), "too_long", "site"), (event("a/b", "b7"), "bad_character", "site"), (event(self.site, "a\nb"), "bad_character", "comment"),
               ({"site": self.site, "comment": "b9", "body": ""}, "too_short", "body"), (event(self.site, "b10", revision=0), "out_of_range", "revision"),
               (event(self.site, "b11", revision=2**31), "out_of_range", "revision"), (event(self.site, "b12", author={"name": "n" * 257}), "too_long", "author.name"),
               (event(self.site, "b13", article={"title": "t"}), "missing_field", "article.id"), (event(self.site, "b14", created_at=-1), "out_of_range", "created_at"),
               (event(self.site, "b15", extra={"k": "x" * 4096}), "too_long", "extra")]
        comments = [part for number, (comment, _, _) in enumerate(bad) for part in (event(self.site, f"good{number}"), comment)]
        results = self.submit(comments)
        for number, (comment, name, field) in enumerate(bad):
            with self.subTest(number=number, name=name, field=field):
                self.assertEqual(results[2 * number]["status"], "accepted")
                self.assertEqual(results[2 * number]["comment"], f"good{number}")
                self.assert_result(results[2 * number + 1], name, field=field)
        self.assertEqual(self.pending_count(), len(bad))

    def test_wrong_types_fail_alone(self):
        bad = [event(self.site, "t0", 5), event(self.site, "t1", ["a"]), event(self.site, "t2", {"a": 1}), event(self.site, "t3", True),
               {"site": 1, "comment": "t4", "body": "b"}, event(self.site, 7, "b"), event(self.site, "t6", b"bytes"), event(self.site, "t7", author="me"),
               event(self.site, "t8", revision="1"), event(self.site, "t9", revision=1.5)]
        for number, comment in enumerate(bad):
            with self.subTest(number=number):
                results = self.submit([event(self.site, f"ok{number}"), comment])
                self.assertEqual(results[0]["status"], "accepted")
                self.assert_result(results[1], "bad_type", "client_bad_argument")

    def test_text_that_is_no_unicode_is_refused_or_cannot_be_said(self):
        """A lone surrogate. Where the driver's JSON refuses it, the whole line is refused."""
        answer = self.driver.ask("submit", front=self.f, comments=[event(self.site, "a"), event(self.site, "s", "x\ud800y")])
        if answer["ok"]:
            self.assertEqual(answer["results"][0]["status"], "accepted")
            self.assert_result(answer["results"][1], "invalid_utf8")
        else:
            self.assert_error(answer["error"], "invalid_utf8", "client_bad_argument")
        self.assertEqual(self.front.status(self.site, ["s"])[0]["status"], "not_found")

    def test_too_many_values_or_too_deep_fail_alone(self):
        deep = {}
        for _ in range(20):
            deep = {"d": deep}
        comments = [event(self.site, "a"), event(self.site, "values", extra={"l": [0] * 30_000}), event(self.site, "deep", extra=deep), event(self.site, "z")]
        with self.within(5):
            results = self.submit(comments)
        self.assertEqual([results[0]["status"], results[3]["status"]], ["accepted", "accepted"], results)
        self.assert_result(results[1], "malformed", "too_long", "client_bad_argument")
        self.assert_result(results[2], "malformed", "too_long", "client_bad_argument")

    def test_another_body_is_a_conflict_and_a_newer_revision_is_not(self):
        self.submit([event(self.site, "a", "one")])
        results = self.submit([event(self.site, "a", "two"), event(self.site, "a", "three", revision=3), event(self.site, "a", "two", revision=2),
                               event(self.site, "a", "three", revision=3)])
        error = self.assert_result(results[0], "conflict")
        self.assertEqual(error["class"], "final")
        self.assertEqual([(r["status"], r["state"]) for r in results[1:]],
                         [("accepted", "pending"), ("accepted", "superseded"), ("duplicate", "pending")])
        self.assertEqual(self.card_of({"site": self.site, "comment": "a"})["body"], "three")

    def test_comments_that_can_never_be_taken_say_so(self):
        withdrawn, erased = self.pending(), self.pending()
        self.front.withdraw(self.site, withdrawn["comment"])
        self.ann.erase([erased])
        results = self.submit([event(self.site, item["comment"], "new", revision=2) for item in (withdrawn, erased)])
        self.assert_result(results[0], "withdrawn")
        self.assert_result(results[1], "erased")


class Batches(Conformance):
    """Lists that no single request could carry."""

    def all_stored(self, comments, **more):
        results = self.submit(comments, timeout=60, **more)
        self.assertEqual([result["comment"] for result in results], [comment["comment"] for comment in comments])
        self.assertEqual(set(self.statuses(results)), {"accepted"})
        self.assert_stored(comments)

    def test_thousand_comments_are_more_than_a_batch_holds(self):
        self.all_stored(events(self.site, 1000))

    def test_300_bodies_of_20_kB_are_more_than_a_message_holds(self):
        self.all_stored(events(self.site, 300, body="{} " + "x" * 20_000))

    def test_60_comments_of_1500_values_are_more_than_a_request_may_have(self):
        self.all_stored([event(self.site, f"c{n}", extra={"l": [0] * 1500}) for n in range(60)])

    def test_bodies_of_the_greatest_size_go_in(self):
        self.all_stored(events(self.site, 40, body="{} " + "é" * 32_760))


class SmallBatches(Batches):
    """A daemon that takes less than usual: the client has to ask it."""

    config = CONFIG + limits(max_batch=4, max_message_bytes=200_000)


class LargeBodies(Conformance):
    """A daemon that takes more than usual."""

    config = CONFIG + limits(body_bytes=200_000, max_message_bytes=4 << 20)

    def test_body_above_the_default_goes_in_where_the_daemon_allows_it(self):
        comments = events(self.site, 30, body="{} " + "x" * 150_000) + [event(self.site, "long", "x" * 200_001)]
        results = self.submit(comments)
        self.assertEqual(set(self.statuses(results[:-1])), {"accepted"})
        self.assert_result(results[-1], "too_long", field="body")
        self.assert_stored(comments[:-1])


class Texts(Conformance):
    """What readers write comes back byte for byte: the hash that a record has, and the text at the desk."""

    config = None             # heartbeats so rare that none is missed on a busy machine

    def through(self, texts):
        comments = [event(self.site, f"t{number}", text) for number, text in enumerate(texts)]
        results = self.submit(comments, timeout=60)
        self.assertEqual({result["status"] for result in results}, {"accepted"}, [r for r in results if r["status"] != "accepted"][:2])
        self.assert_stored(comments)
        seen = self.at_the_desk()
        self.assertEqual([c["comment"] for c in comments if seen.get(c["comment"]) != c["body"]], [])
        return comments

    def at_the_desk(self):
        """Every pending body by its id."""
        seen, after = {}, None
        while True:
            page = self.ann.list(site=self.site, limit=500, after=after)
            seen.update((card["comment"], card["body"]) for card in page["comments"])
            after = page["next"]
            if not after:
                return seen

    def test_texts_of_every_kind_come_back_byte_for_byte(self):
        comments = self.through(TEXTS + hostile_text.attacks())
        for start in range(0, len(comments), 200):
            self.ann.approve([self.named(c["comment"]) for c in comments[start:start + 200]])
        if "stream" not in self.can:
            return
        name = fresh("s")
        self.driver.do("stream", name=name, endpoint=self.daemon.endpoint("front"), key=None, site=self.site, place=None, after=0, credit=500,
                       live=False)
        for comment in comments:
            answer = self.driver.do("next", stream=name, wait_ms=5000)
            self.assertEqual(answer["record"]["comment"], comment["comment"])
            self.assertEqual(answer["record"]["body_sha256"], sha256(comment["body"]))
            self.driver.do("recorded", stream=name)
        self.driver.do("close", stream=name)

    def test_hostile_texts_come_back_byte_for_byte(self):
        if not hostile_text.there():
            self.skipTest("there is no ../shared/hostile-text")
        self.through(hostile_text.shared())

    def test_ids_and_names_may_be_any_text_that_the_protocol_allows(self):
        ids = ["é", "日本", "\u202e", "a b", "a/b", "'\"\\", "%00", "\U0001f600", "-", "x" * 128, "{}", "0"]
        comments = [event(self.site, name, author={"id": name, "name": "\0" + name}) for name in ids]
        self.assertEqual({r["status"] for r in self.submit(comments)}, {"accepted"})
        for comment in comments:
            self.assertEqual(self.card_of(comment)["author"], comment["author"])
        found = self.call("status", site=self.site, comments=ids)["results"]
        self.assertEqual([result["comment"] for result in found], ids)


class Traceparent(Conformance):
    """W3C Trace Context goes into `extra`, and so stands on the card."""

    def extra(self, comment):
        return self.card_of({"site": self.site, "comment": comment})["extra"]

    def test_traceparent_stands_on_the_card_of_each_comment(self):
        results = self.submit([event(self.site, "a"), event(self.site, "b", extra={"k": 1})], traceparent=TRACE)
        self.assertEqual({r["status"] for r in results}, {"accepted"})
        self.assertEqual(self.extra("a"), {"traceparent": TRACE})
        self.assertEqual(self.extra("b"), {"k": 1, "traceparent": TRACE})

    def test_traceparent_that_is_there_stays(self):
        self.submit([event(self.site, "a", extra={"traceparent": "mine"})], traceparent=TRACE)
        self.assertEqual(self.extra("a"), {"traceparent": "mine"})

    def test_malformed_traceparent_is_ignored(self):
        bad = ["", "nonsense", TRACE[:-1], TRACE + "0", TRACE + "-x", TRACE.upper(), "ff" + TRACE[2:], TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
               TRACE.replace("b7ad6b7169203331", "0" * 16), TRACE.replace("-", "_"), TRACE + "\n", TRACE.replace("01", "0g"), "x" * 5000]
        for number, header in enumerate(bad):
            with self.subTest(header=header[:80]):
                result, = self.submit([event(self.site, f"c{number}")], traceparent=header)
                self.assertIn(result["status"], STORED)
                self.assertIsNone(self.extra(f"c{number}"))
