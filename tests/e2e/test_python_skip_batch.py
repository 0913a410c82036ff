"""Skips and batches, asked for by a client written from PROTOCOL.md."""
import os
import secrets

import tap
from cases import Case, fresh, now_ms

MINUTE_MS = 60_000


def names(answer):
    return [card["comment"] for card in answer["comments"]]


class Skipping(Case):
    def items(self, count):
        return [self.pending() for _ in range(count)]

    def given(self, desk, limit=100):
        """What a desk is given, which is then released again."""
        got = names(desk.claim(site=self.site, limit=limit))
        desk.release()
        return got

    def test_skipped_comment_is_given_to_others_only(self):
        first, second = self.items(2)
        before = now_ms()
        result, = self.ann.skip([first])
        self.assertEqual((result["site"], result["comment"], result["status"]),
                         (self.site, first["comment"], "skipped"))
        self.assertAlmostEqual(result["until"], before + 30 * MINUTE_MS, delta=5000)
        self.assertEqual(self.given(self.ann), [second["comment"]])
        self.assertEqual(self.given(self.bob), [first["comment"], second["comment"]])
        event = self.ann.history(**self.named(first["comment"]))["events"][2]     # bob claimed and released it since
        self.assertEqual((event["kind"], event["actor"], event["until"]), ("skipped", "ann", result["until"]))

    def test_claim_gives_nothing_when_everything_was_skipped(self):
        items = self.items(3)
        self.ann.skip(items, for_ms=MINUTE_MS)
        self.assertEqual(self.given(self.ann), [])
        self.assertEqual(names(self.ann.claim(comments=items[:1])), [items[0]["comment"]])     # by name it may be had

    def test_skip_ends_the_claim_and_a_repeat_skips_once(self):
        item, = self.items(1)
        self.ann.claim(comments=[item])
        self.assert_item(self.bob.skip([item])[0], "claimed")
        operation = os.urandom(16)
        once = self.ann.skip([item], operation=operation)
        self.assertEqual(self.ann.skip([item], operation=operation), once)
        self.assertIsNone(self.card_of(item)["claimed_by"])
        kinds = [event["kind"] for event in self.ann.history(**self.named(item["comment"]))["events"]]
        self.assertEqual(kinds.count("skipped"), 1)

    def test_new_revision_is_given_again(self):
        item, = self.items(1)
        self.ann.skip([item])
        self.submit_one(item["comment"], "better", revision=2)
        self.assertEqual(self.given(self.ann), [item["comment"]])

    def test_skips_outlive_the_daemon(self):
        first, second = self.items(2)
        self.ann.skip([first])
        self.daemon.restart()
        self.assertEqual(self.given(self.ann), [second["comment"]])

    def test_what_cannot_be_skipped_says_why(self):
        self.assert_item(self.ann.skip([self.named(fresh())])[0], "not_found")
        self.assert_item(self.ann.skip([self.approved()[0]])[0], "already_decided")
        self.assert_item(self.ann.skip([self.pending(revision=3) | {"revision": 2}])[0], "stale_revision")
        for for_ms in (0, 59_999, 604_800_001):
            self.assert_fails("out_of_range", self.ann.skip, [self.pending()], for_ms=for_ms)


class Batches(Case):
    def setUp(self):
        super().setUp()
        self.batch = secrets.token_bytes(16)

    def told(self, desk=None, **more):
        return (desk or self.ann).batch(self.batch, **more)["records"]

    def test_batch_tells_all_that_was_done_under_its_id(self):
        items = [self.pending() for _ in range(4)]
        before = now_ms()
        self.ann.approve(items[:2], batch=self.batch)
        self.bob.reject(items[2:3], self.reasons[:1], batch=self.batch)
        self.ann.escalate(items[3:], batch=self.batch)
        self.ann.approve([self.pending()], batch=os.urandom(16))
        self.ann.approve([self.pending()])
        told = self.told()
        self.assertEqual([(r["site"], r["comment"], r["kind"], r["seq"], r["by"], r["current"]) for r in told],
                         [(self.site, items[0]["comment"], "approved", 1, "ann", True),
                          (self.site, items[1]["comment"], "approved", 2, "ann", True),
                          (self.site, items[2]["comment"], "rejected", 3, "bob", True),
                          (self.site, items[3]["comment"], "escalated", None, "ann", True)])
        self.assertEqual([r["no"] for r in told], sorted(r["no"] for r in told))
        self.assertTrue(all(before - 1000 <= r["at"] <= now_ms() + 1000 for r in told))

    def test_what_was_replaced_is_not_current(self):
        items = [self.pending() for _ in range(3)]
        self.ann.approve(items[:2], batch=self.batch)
        self.ann.escalate(items[2:], batch=self.batch)
        self.ann.undo([{"site": self.site, "seq": 1}], batch=self.batch)
        self.ann.approve(items[2:])
        self.assertEqual([(r["kind"], r["seq"], r["current"]) for r in self.told()],
                         [("approved", 1, False), ("approved", 2, True), ("escalated", None, False),
                          ("reopened", 3, True)])

    def test_what_failed_is_in_no_batch(self):
        decided, _ = self.approved()
        self.ann.approve([decided, self.named("none")], batch=self.batch)
        self.assertEqual(self.told(), [])

    def test_repeat_adds_nothing(self):
        item, operation = self.pending(), os.urandom(16)
        for _ in range(2):
            self.ann.approve([item], operation=operation, batch=self.batch)
        self.assertEqual(len(self.told()), 1)

    def test_pages_hold_everything_once(self):
        items = [self.pending() for _ in range(7)]
        self.ann.approve(items, batch=self.batch)
        after, pages = 0, []
        while after is not None:
            page = self.ann.batch(self.batch, after=after, limit=3)
            pages.append([record["comment"] for record in page["records"]])
            after = page["next"]
        self.assertEqual([len(page) for page in pages], [3, 3, 1])
        self.assertEqual(sum(pages, []), [item["comment"] for item in items])

    def test_batch_outlives_the_daemon_and_stays_whole_after_an_erasure(self):
        items = [self.pending() for _ in range(2)]
        self.ann.approve(items, batch=self.batch)
        self.ann.erase(items[:1])
        self.daemon.restart()
        self.assertEqual([(r["kind"], r["current"]) for r in self.told()], [("approved", False), ("approved", True)])


class Seen(Case):
    tcp = ("desk",)

    def test_sites_that_one_does_not_see_are_left_out(self):
        batch, other = os.urandom(16), fresh("site-")
        mine, theirs = self.pending(), self.pending(site=other)
        self.ann.approve([mine, theirs], batch=batch)
        desk = self.daemon.desk(key=self.daemon.add_key(fresh("mod-"), "moderator", sites=[self.site]))
        self.assertEqual([r["comment"] for r in desk.batch(batch)["records"]], [mine["comment"]])
        self.assertEqual(len(self.ann.batch(batch)["records"]), 2)


if __name__ == "__main__":
    tap.main()
