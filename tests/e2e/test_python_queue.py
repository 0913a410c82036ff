"""The queue: listing and claiming, by a client written from PROTOCOL.md."""
import tap
from cases import Case, event, eventually, fresh, now_ms

LEASE_MS = 300_000
CLOCKS_MS = 1000          # leases count boot time and are told in the other clock; a thread may have to wait between the two


def keys(cards):
    return [card["comment"] for card in cards]


class Listing(Case):
    def submit_many(self, count, site=None):
        names = [f"{number:04}" for number in range(count)]
        self.front.submit([event(site or self.site, name) for name in names])
        return names

    def pages(self, limit, **more):
        found, after = [], None
        while True:
            reply = self.ann.list(site=self.site, limit=limit, after=after, **more)
            self.assertLessEqual(len(reply["comments"]), limit)
            found += keys(reply["comments"])
            after = reply["next"]
            if after is None:
                return found
            self.assertGreater(len(reply["comments"]), 0)

    def test_queue_is_served_in_order_of_arrival(self):
        names = self.submit_many(60)
        self.assertEqual(keys(self.ann.list(site=self.site)["comments"]), names[:50])
        self.assertEqual(self.pages(7), names)
        self.assertEqual(self.pages(500), names)
        self.assertEqual(self.pages(60), names)

    def test_cursor_goes_on_where_comments_went_away(self):
        names = self.submit_many(20)
        page = self.ann.list(site=self.site, limit=10)
        self.assertEqual(len(page["next"]), 2)
        self.ann.approve([self.named(name) for name in names[5:12]])
        rest = self.ann.list(site=self.site, limit=10, after=page["next"])
        self.assertEqual(keys(rest["comments"]), names[12:])

    def test_page_is_cut_by_size_and_loses_nothing(self):
        names = [fresh() for _ in range(12)]
        self.front.submit([event(self.site, name, "ж" * 32768) for name in names])
        page = self.ann.list(site=self.site, limit=500)
        self.assertTrue(1 <= len(page["comments"]) < 12, len(page["comments"]))
        self.assertEqual(self.pages(500), names)

    def test_sites_and_all_sites(self):
        other = fresh("site-")
        mine, theirs = self.pending(), self.pending(site=other)
        self.assertEqual(keys(self.ann.list(site=other)["comments"]), [theirs["comment"]])
        self.assertEqual(self.ann.list(site="no-such-site")["comments"], [])
        everything, after = set(), None
        while True:
            reply = self.ann.list(limit=500, after=after)
            everything |= {(card["site"], card["comment"]) for card in reply["comments"]}
            after = reply["next"]
            if after is None:
                break
        self.assertLessEqual({(self.site, mine["comment"]), (other, theirs["comment"])}, everything)

    def test_lanes_are_apart(self):
        first, second = self.pending(), self.pending()
        self.ann.escalate([first])
        self.assertEqual(keys(self.ann.list(site=self.site)["comments"]), [second["comment"]])
        self.assertEqual(keys(self.ann.list(site=self.site, lane="escalated")["comments"]), [first["comment"]])
        self.assertEqual(keys(self.ann.list(site=self.site, lane="normal")["comments"]), [second["comment"]])

    def test_comments_of_others_are_listed_with_their_holder(self):
        item = self.pending()
        self.bob.claim(comments=[item])
        card, = self.ann.list(site=self.site)["comments"]
        self.assertEqual(card["claimed_by"], "bob")

    def test_new_revision_queues_by_its_own_arrival_and_reopening_keeps_the_place(self):
        a, b, c = (self.pending() for _ in range(3))
        seq = self.approve(a)
        self.undo(seq)
        self.assertEqual(keys(self.ann.list(site=self.site)["comments"]), [i["comment"] for i in (a, b, c)])
        self.submit_one(b["comment"], "newer", revision=2)
        self.assertEqual(keys(self.ann.list(site=self.site)["comments"]), [i["comment"] for i in (a, c, b)])

    def test_bad_fields_are_named(self):
        for name, field, fields in (("out_of_range", "limit", {"limit": 0}), ("out_of_range", "limit", {"limit": 501}),
                                    ("bad_value", "lane", {"lane": "fast"}), ("bad_type", "after", {"after": 1}),
                                    ("bad_type", "site", {"site": 1})):
            error = self.assert_fails(name, self.ann.call, "list", **fields)
            self.assertEqual(error["field"], field)


class Claiming(Case):
    def test_next_ones_of_the_queue_are_claimed(self):
        items = [self.pending() for _ in range(5)]
        before = now_ms()
        cards = self.ann.claim(site=self.site, limit=3)["comments"]
        self.assertEqual(keys(cards), [item["comment"] for item in items[:3]])
        for card in cards:
            self.assertEqual(card["claimed_by"], "ann")
            self.assertLess(abs(card["claimed_until"] - before - LEASE_MS), 10_000)
        self.assertEqual(keys(self.bob.claim(site=self.site, limit=10)["comments"]), [i["comment"] for i in items[3:]])
        self.assertEqual(self.bob.claim(site=self.site)["comments"], [])

    def test_one_is_claimed_when_no_number_is_given(self):
        self.pending(), self.pending()
        self.assertEqual(len(self.ann.claim(site=self.site)["comments"]), 1)

    def test_named_ones_are_claimed_or_refused_for_themselves(self):
        mine, held, decided = self.pending(), self.pending(), self.approved()[0]
        withdrawn, erased = self.pending(), self.pending()
        self.front.withdraw(self.site, withdrawn["comment"])
        self.ann.erase([erased])
        self.bob.claim(comments=[held])
        reply = self.ann.claim(comments=[mine, held, decided, withdrawn, erased, self.named("none")])
        self.assertEqual(keys(reply["comments"]), [mine["comment"]])
        self.assertEqual([r["status"] for r in reply["refused"]],
                         ["claimed", "already_decided", "withdrawn", "erased", "not_found"])
        error = reply["refused"][0]["error"]
        self.assertEqual(error["by"], "bob")
        self.assertGreater(error["until"], now_ms())

    def test_claiming_again_renews(self):
        item = self.pending()
        first = self.ann.claim(comments=[item], lease_ms=10_000)["comments"][0]["claimed_until"]
        second = self.ann.claim(comments=[item], lease_ms=60_000)["comments"][0]["claimed_until"]
        self.assertGreater(second, first + 30_000)

    def test_claim_ends_by_itself(self):
        item = self.pending()
        self.ann.claim(comments=[item], lease_ms=3000)
        self.assertEqual(self.bob.claim(comments=[item])["refused"][0]["status"], "claimed")
        eventually(lambda: self.card_of(item)["claimed_by"] is None, timeout=20)
        self.assertEqual(keys(self.bob.claim(comments=[item])["comments"]), [item["comment"]])
        self.assertEqual(self.ann.renew([item])[0]["status"], "not_held")
        kinds = [e["kind"] for e in self.ann.history(self.site, item["comment"])["events"]]
        self.assertIn("lease_expired", kinds)

    def test_renew_keeps_and_release_gives_back(self):
        item = self.pending()
        self.ann.claim(comments=[item], lease_ms=5000)
        result, = self.ann.renew([item], lease_ms=100_000)
        self.assertEqual(result["status"], "renewed")
        self.assertAlmostEqual(self.card_of(item)["claimed_until"], result["claimed_until"], delta=CLOCKS_MS)
        self.assertGreater(result["claimed_until"], now_ms() + 50_000)
        self.assert_item(self.bob.renew([item])[0], "not_held")
        self.assert_item(self.bob.release([item])[0], "not_held")
        self.assertEqual(self.ann.release([item])[0]["status"], "released")
        self.assert_item(self.ann.release([item])[0], "not_held")
        self.assert_item(self.ann.renew([self.named("unknown")])[0], "not_held")
        self.assertIsNone(self.card_of(item)["claimed_by"])

    def test_renew_and_release_of_all_that_is_held(self):
        carl = self.daemon.desk("carl")
        items = [self.pending() for _ in range(3)]
        carl.claim(comments=items)
        self.assertEqual([r["status"] for r in carl.renew()], ["renewed"] * 3)
        results = carl.release()
        self.assertEqual({r["comment"] for r in results}, {i["comment"] for i in items})
        self.assertEqual(carl.release(), [])

    def test_nobody_holds_more_than_the_limit(self):
        most = self.front.limits()["claims_per_moderator"]
        dora = self.daemon.desk("dora")
        self.front.submit([event(self.site, str(number)) for number in range(most + 2)])
        given = 0
        while cards := dora.claim(site=self.site, limit=100)["comments"]:
            given += len(cards)
        self.assertEqual(given, most)
        refused, = dora.claim(comments=[self.named(str(most))])["refused"]
        self.assertEqual(self.assert_item(refused, "too_many_claims")["max"], most)
        self.assertEqual(len(dora.claim(comments=[self.named("0")])["comments"]), 1)
        dora.release([self.named("0")])
        self.assertEqual(len(dora.claim(comments=[self.named(str(most))])["comments"]), 1)
        dora.release()

    def test_what_does_not_fit_the_answer_is_not_claimed(self):
        items = [self.pending("ж" * 32768) for _ in range(8)]
        reply = self.ann.claim(comments=items)
        got = keys(reply["comments"])
        self.assertTrue(1 <= len(got) < 8, got)
        self.assertEqual({r["status"] for r in reply["refused"]}, {"busy"})
        self.assertEqual(len(got) + len(reply["refused"]), 8)
        for item in items:
            self.assertEqual(self.card_of(item)["claimed_by"], "ann" if item["comment"] in got else None)
        self.assertGreater(len(self.bob.claim(site=self.site, limit=8)["comments"]), 0)

    def test_escalated_lane_is_claimed_by_its_name(self):
        item = self.pending()
        self.ann.escalate([item])
        self.assertEqual(self.ann.claim(site=self.site)["comments"], [])
        self.assertEqual(keys(self.ann.claim(site=self.site, lane="escalated")["comments"]), [item["comment"]])

    def test_claim_of_another_stops_decisions_and_escalation(self):
        item = self.pending()
        self.bob.claim(comments=[item])
        for result in (self.ann.approve([item])[0], self.ann.reject([item], self.reasons[:1])[0],
                       self.ann.escalate([item])[0]):
            self.assertEqual(self.assert_item(result, "claimed")["by"], "bob")
        self.approve(item, self.bob)
        self.assertIsNone(self.card_of(item)["claimed_by"])

    def test_every_change_of_state_ends_the_claim(self):
        changes = (lambda i: self.front.withdraw(i["site"], i["comment"]), lambda i: self.ann.erase([i]),
                   lambda i: self.bob.escalate([i]), lambda i: self.submit_one(i["comment"], "n", revision=2))
        for change in changes:
            item = self.pending()
            self.bob.claim(comments=[item])
            change(item)
            self.assertIsNone(self.card_of(item)["claimed_by"])

    def test_lease_out_of_range_is_refused(self):
        item = self.pending()
        for lease in (999, 3_600_001):
            error = self.assert_fails("out_of_range", self.ann.claim, comments=[item], lease_ms=lease)
            self.assertEqual((error["field"], error["min"], error["max"]), ("lease_ms", 1000, 3_600_000))
        self.assert_fails("out_of_range", self.ann.claim, comments=[item] * 101)
        self.assert_fails("out_of_range", self.ann.claim, limit=101)


if __name__ == "__main__":
    tap.main()
