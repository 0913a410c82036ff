"""Second looks, by two moderators of a client written from PROTOCOL.md."""
import tap
from cases import Case, fresh
from second import policy_text


class Second(Case):
    @classmethod
    def setUpClass(cls):
        cls.config = cls.enterClassContext(policy_text(100))
        super().setUpClass()

    def held(self, **more):
        """A comment that ann rejected and bob holds for a second look, and the card that he was given."""
        item, seq = self.rejected(**more)
        self.assertEqual(seq, 1)
        card, = self.bob.claim(site=self.site)["comments"]
        self.assertEqual(card["comment"], item["comment"])
        return self.named(item["comment"]), card

    def kinds(self, item, desk=None):
        return [event["kind"] for event in (desk or self.ann).history(**item)["events"]]

    def test_no_list_tells_the_holder_what_was_decided(self):
        item, card = self.held(author={"id": "u"}, body="a word of its own")
        mine = self.bob.list(site=self.site, state="any")["comments"]
        self.assertEqual([(one["comment"], one["state"], one["decided_by"]) for one in mine],
                         [(card["comment"], "pending", None)])
        for filters in ({"state": "rejected"}, {"state": "any", "by": "ann"}, {"state": "rejected", "author": "u"},
                        {"state": "any", "reason": self.reasons[0]}):
            self.assertEqual(self.bob.list(site=self.site, **filters)["comments"], [], filters)
        found, = self.bob.search("word of its own", site=self.site)["comments"]
        self.assertEqual((found["state"], found["decided_by"], found["seq"]), ("pending", None, None))
        self.assertEqual(self.bob.search("word of its own", site=self.site, state="rejected")["comments"], [])
        found, = self.ann.search("word of its own", site=self.site, state="rejected")["comments"]
        self.assertEqual(found["decided_by"], "ann")

    def test_holder_sees_what_a_pending_comment_looks_like(self):
        before = self.pending()
        pending = self.card_of(before)
        self.ann.skip([before])
        self.bob.skip([before])
        item, card = self.held()
        self.assertEqual(set(card), set(pending))
        shown = self.bob.show(**item)["card"]
        # the end of the claim is told in another clock than it is counted in
        self.assertEqual({**shown, "claimed_until": None}, {**card, "claimed_until": None})
        for key in ("state", "lane", "seq", "decided_by", "decided_at", "reasons", "note"):
            self.assertEqual(card[key], pending[key], key)
        self.assertEqual(self.kinds(item, self.bob), ["submitted"])
        self.assertEqual((self.card_of(item)["state"], self.card_of(item)["decided_by"]), ("rejected", "ann"))
        self.assertEqual(self.kinds(item), ["claimed", "rejected", "submitted"])

    def test_holder_is_told_nothing_of_the_decision_around_the_card(self):
        first = self.pending()
        self.ann.note(self.site, first["comment"], "from before")
        self.ann.reject([self.named(first["comment"])], self.reasons[:1], note="hide this")
        self.bob.claim(site=self.site)
        shown = self.bob.show(**self.named(first["comment"]))
        self.assertEqual(shown["seen"], [])
        self.assertEqual([note["note"] for note in shown["notes"]], ["from before"])
        told = self.ann.show(**self.named(first["comment"]))
        self.assertEqual([seen["kind"] for seen in told["seen"]], ["claimed", "rejected"])
        self.assertEqual([note["note"] for note in told["notes"]], ["hide this", "from before"])

    def test_parent_that_the_holder_judges_looks_pending_too(self):
        parent, _ = self.held()
        child = fresh()
        self.submit_one(child, "an answer", parent=parent["comment"])
        self.assertEqual(self.bob.show(self.site, child)["parent_card"]["state"], "pending")
        self.assertEqual(self.ann.show(self.site, child)["parent_card"]["state"], "rejected")

    def test_one_who_decided_is_not_asked(self):
        self.rejected()
        self.assertEqual(self.ann.claim(site=self.site)["comments"], [])

    def test_agreement_writes_no_record(self):
        item, card = self.held()
        result, = self.bob.reject([{**item, "revision": card["revision"]}], self.reasons[1:2])
        self.assertEqual((result["status"], result["seq"], result["second_look"], result["agreed"]),
                         ("rejected", None, True, True))
        self.assertEqual(len(self.records()), 1)
        event = self.ann.history(**item)["events"][0]
        self.assertEqual((event["kind"], event["actor"], event["decision"], event["reasons"], event["agreed"],
                          event["same_reasons"]), ("second_look", "bob", "rejected", self.reasons[1:2], True, False))

    def test_disagreement_tells_front_ends_and_goes_to_the_lane_escalated(self):
        item, _ = self.held()
        self.assertFalse(self.bob.approve([item], note="it is fine")[0]["agreed"])
        record = self.records()[-1]
        self.assertEqual((record["decision"], record["cause"], record["seq"], record["supersedes"]),
                         ("reopened", "second_look", 2, 1))
        self.assertEqual((self.card_of(item)["state"], self.card_of(item)["lane"]), ("pending", "escalated"))
        self.assertEqual(self.ann.claim(site=self.site)["comments"], [])
        self.assertEqual(len(self.ann.claim(site=self.site, lane="escalated")["comments"]), 1)
        self.assertEqual(self.approve(item), 3)
        self.assertEqual(self.kinds(item)[:4], ["approved", "claimed", "reopened", "second_look"])

    def test_second_look_outlives_the_daemon(self):
        item, _ = self.held()
        self.daemon.restart()
        self.assertEqual(self.bob.show(**item)["card"]["state"], "pending")
        self.bob.release([item])
        self.assertEqual(self.bob.show(**item)["card"]["state"], "rejected")
        card, = self.bob.claim(site=self.site)["comments"]
        self.assertEqual((card["comment"], card["state"]), (item["comment"], "pending"))

    def test_repeat_judges_once(self):
        item, _ = self.held()
        operation = bytes(15) + b"j"
        once = self.bob.approve([item], operation=operation)
        self.assertEqual(self.bob.approve([item], operation=operation), once)
        self.assertEqual(self.kinds(item).count("second_look"), 1)

    def test_judgement_of_another_revision_is_stale(self):
        item, _ = self.held()
        self.submit_one(item["comment"], "better", revision=2)
        self.assert_item(self.bob.approve([{**item, "revision": 1}])[0], "stale_revision")
        self.assertEqual(self.card_of(item)["claimed_by"], None)

    def test_words_of_a_judgement_are_erased_with_the_comment(self):
        item, _ = self.held()
        word = fresh("word-")
        self.bob.reject([item], self.reasons[:1], note=word)
        self.assertIn(word, repr(self.ann.history(**item)))
        self.ann.erase([item])
        self.assertNotIn(word, repr(self.ann.history(**item)))

    def test_policy_does_not_tell_the_share(self):
        self.assertNotIn("second_look", repr(self.front.policy(self.site)))


if __name__ == "__main__":
    tap.main()
