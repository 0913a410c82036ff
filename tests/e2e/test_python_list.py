"""Filters of the list, and the order of the queue, by a client written from PROTOCOL.md."""
import os
import random
import tempfile
import time
import unittest

import tap
from cases import Case, event, eventually, now_ms
from daemon import Daemon
from modq import ModqError

MINUTE = 60_000


def keys(cards):
    return [card["comment"] for card in cards]


def pages(desk, **filters):
    """All pages of a list, whatever their length."""
    found, after = [], None
    while True:
        reply = desk.list(after=after, **filters)
        found += reply["comments"]
        after = reply["next"]
        if after is None:
            return found


class Filters(Case):
    def make(self, **more):
        return self.pending(**more)["comment"]

    def listed(self, **filters):
        return keys(pages(self.ann, site=self.site, **filters))

    def test_author_article_and_language(self):
        mine = self.make(author={"id": "u/1"}, article={"id": "a1"}, language="ku-Latn")
        other = self.make(author={"id": "u/2"}, article={"id": "a1"}, language="ku")
        third = self.make(author={"id": "u/1"}, article={"id": "a2"}, language="KUR")
        self.make()
        self.assertEqual(self.listed(author="u/1"), [third, mine])
        self.assertEqual(self.listed(article="a1"), [mine, other])
        self.assertEqual(self.listed(article="a1", lane="any"), [mine, other])
        self.assertEqual(self.listed(language="ku"), [mine, other])
        self.assertEqual(self.listed(language="KU-latn"), [mine])
        self.assertEqual(self.listed(language="kur"), [third])
        self.assertEqual(self.listed(author="u/1", article="a1"), [mine])
        self.assertEqual(self.listed(author="u/3"), [])

    def test_language_that_is_no_tag_is_kept_and_not_found_by(self):
        name = self.make(language="en\0x")
        self.assertEqual(self.listed(language="en"), [])
        self.assertEqual(self.ann.show(self.site, name)["card"]["language"], "en\0x")

    def test_author_of_an_edit_is_the_author(self):
        name = self.make(author={"id": "first"})
        self.submit_one(name, "edited", revision=2, author={"id": "second"})
        self.assertEqual(self.listed(author="first"), [])
        self.assertEqual(self.listed(author="second"), [name])

    def test_states(self):
        pending = self.pending(author={"id": "u"})
        approved, _ = self.approved(author={"id": "u"})
        rejected, _ = self.rejected(author={"id": "u"})
        withdrawn = self.pending(author={"id": "u"})
        self.front.withdraw(self.site, withdrawn["comment"])
        erased = self.pending(author={"id": "u"})
        self.ann.erase([erased])
        names = [item["comment"] for item in (pending, approved, rejected, withdrawn, erased)]
        for state, name in zip(("pending", "approved", "rejected", "withdrawn", "erased"), names):
            self.assertEqual(self.listed(state=state), [name], state)
        self.assertEqual(self.listed(state="any"), names[::-1])
        self.assertEqual(self.listed(state="any", author="u"), names[3::-1])
        self.assertEqual(self.listed(state="approved", author="u"), [names[1]])

    def test_since_and_until(self):
        first = self.make()
        time.sleep(0.01)
        middle = now_ms()
        time.sleep(0.01)
        last = self.make()
        for state in ("pending", "any"):
            self.assertEqual(self.listed(since=middle, state=state), [last])
            self.assertEqual(self.listed(until=middle, state=state), [first])
            self.assertEqual(self.listed(since=now_ms() + 1000, state=state), [])
            self.assertEqual(self.listed(until=0, state=state), [])
            self.assertEqual(sorted(self.listed(since=0, until=now_ms() + 1000, state=state)), sorted([first, last]))

    def test_reports(self):
        self.make()
        name = self.make()
        for reader in ("r1", "r2"):
            self.front.report(self.site, name, reader)
        self.assertEqual(self.listed(reported=2), [name])
        self.assertEqual(self.listed(reported=3), [])

    def test_who_decided_and_why(self):
        first, _ = self.rejected()
        second = self.pending()
        self.bob.reject([second], [self.reasons[1], self.reasons[0]])
        third = self.pending()
        self.bob.approve([third])
        self.assertEqual(self.listed(state="rejected", by="bob"), [second["comment"]])
        self.assertEqual(self.listed(state="any", by="bob"), [third["comment"], second["comment"]])
        self.assertEqual(self.listed(state="any", reason=self.reasons[1]), [second["comment"]])
        self.assertEqual(sorted(self.listed(state="any", reason=self.reasons[0])),
                         sorted([first["comment"], second["comment"]]))

    def test_free(self):
        mine, theirs, nobodys = self.pending(), self.pending(), self.pending()
        self.ann.claim(comments=[mine])
        self.bob.claim(comments=[theirs])
        self.assertEqual(self.listed(free=True), [mine["comment"], nobodys["comment"]])
        self.assertEqual(self.listed(free=False), [item["comment"] for item in (mine, theirs, nobodys)])

    def test_lanes(self):
        normal, escalated = self.pending(author={"id": "u"}), self.pending(author={"id": "u"})
        self.ann.escalate([escalated])
        self.assertEqual(self.listed(author="u"), [normal["comment"]])
        self.assertEqual(self.listed(author="u", lane="escalated"), [escalated["comment"]])
        self.assertEqual(self.listed(lane="any"), [normal["comment"], escalated["comment"]])
        self.assertEqual(sorted(self.listed(author="u", state="any")),
                         sorted([normal["comment"], escalated["comment"]]))

    def test_what_is_wrong_is_named(self):
        for field, filters in (("site", {"author": "u"}), ("site", {"article": "a"}), ("state", {"state": "gone"}),
                               ("mark", {"mark": "loved"}), ("lane", {"lane": "second_look"}),
                               ("reported", {"reported": 0}), ("since", {"since": -1}), ("free", {"free": 1})):
            with self.subTest(**filters), self.assertRaises(ModqError) as caught:
                self.ann.list(**filters)
            self.assertEqual(caught.exception.field, field)

    def test_pages_of_every_kind_lose_nothing_and_repeat_nothing(self):
        rng = random.Random(7)
        names = [f"{number:04}" for number in range(300)]
        self.front.submit([event(self.site, name, author={"id": f"u{rng.randrange(3)}"},
                                 article={"id": f"a{rng.randrange(3)}"}) for name in names[:200]])
        self.front.submit([event(self.site, name, language="tr") for name in names[200:]])
        for filters in ({}, {"language": "tr"}, {"article": "a1"}, {"author": "u1"}, {"state": "any"},
                        {"author": "u2", "state": "any"}, {"free": True}, {"lane": "any"}):
            with self.subTest(**filters):
                whole = self.listed(limit=500, **filters)
                self.assertEqual(len(set(whole)), len(whole))
                self.assertGreater(len(whole), 20)
                for limit in (1, 7, len(whole), len(whole) + 1):
                    self.assertEqual(self.listed(limit=limit, **filters), whole, limit)


RULES = """
version = "order"
queue {{
    order = "{order}"
    target_minutes = 60
    report_minutes = 20
    front_page_minutes = 10
    watched_minutes = 5
    trusted_minutes = 15
}}
reason "rude" {{ title {{ en = "Rude" }} sentence {{ en = "It is rude." }} }}
"""


class Order(unittest.TestCase):
    def setUp(self):
        handle, self.policy = tempfile.mkstemp(suffix=".conf")
        os.close(handle)
        self.addCleanup(os.unlink, self.policy)

    def daemon(self, order):
        self.rules(order)
        daemon = Daemon(config=f'site "news" {{\n    policy = "{self.policy}"\n}}\n').start()
        self.addCleanup(daemon.__exit__, None)
        self.front, self.ann, self.root = daemon.front(), daemon.desk("ann"), daemon.desk()
        return daemon

    def rules(self, order):
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(RULES.format(order=order))

    def submit(self, *names, **more):
        for name in names:
            self.assertEqual(self.front.submit([event("news", name, **more)])[0]["status"], "accepted")
            time.sleep(0.003)

    def queue(self):
        return keys(self.ann.list(site="news", limit=500)["comments"])

    def card(self, name):
        return self.ann.show("news", name)["card"]

    def test_newest_first(self):
        self.daemon("newest")
        self.submit("a", "b", "c")
        self.assertEqual(self.queue(), ["c", "b", "a"])
        self.assertEqual(keys(self.ann.claim(site="news", limit=2)["comments"]), ["c", "b"])
        self.assertIsNone(self.card("a")["due_at"])
        site, = self.ann.stats()["sites"]
        self.assertEqual(site["oldest_pending_at"], self.card("a")["received_at"])

    def test_urgency_is_made_of_what_the_policy_says(self):
        self.daemon("urgency")
        self.submit("plain", "reported", article={"id": "inside"})
        self.submit("front", article={"id": "big"})
        self.front.report("news", "reported", "r1")
        self.front.report("news", "reported", "r2")
        self.front.article("news", {"id": "big"}, front_page=True)
        self.submit("front2", article={"id": "big"})
        self.assertEqual(self.queue(), ["reported", "front", "front2", "plain"])
        card = self.card("reported")
        self.assertEqual(card["due_at"], card["received_at"] + (60 - 40) * MINUTE)
        self.assertEqual(card["urgency"], [{"what": "received", "ms": card["received_at"]},
                                           {"what": "target", "ms": 60 * MINUTE}, {"what": "reports", "ms": -40 * MINUTE}])
        for name in ("front", "front2"):
            card = self.card(name)
            self.assertEqual(sum(part["ms"] for part in card["urgency"]), card["due_at"])
            self.assertEqual(card["urgency"][-1], {"what": "front_page", "ms": -10 * MINUTE})
        self.front.article("news", {"id": "big"}, front_page=False)
        self.assertEqual(self.queue(), ["reported", "plain", "front", "front2"])
        self.assertEqual(self.ann.policy("news")["order"], "urgency")

    def test_a_comment_that_comes_back_is_due_by_what_holds_then(self):
        self.daemon("urgency")
        self.submit("c", article={"id": "big"})
        decided, = self.ann.approve([{"site": "news", "comment": "c"}])
        self.front.article("news", {"id": "big"}, front_page=True)
        self.ann.undo([{"site": "news", "seq": decided["seq"]}])
        card = self.card("c")
        self.assertEqual(card["due_at"], card["received_at"] + 50 * MINUTE)

    def test_another_policy_makes_the_order_anew(self):
        daemon = self.daemon("oldest")
        names = [f"{number:04}" for number in range(2500)]
        for start in range(0, len(names), 250):
            self.front.submit([event("news", name) for name in names[start:start + 250]])
        self.assertEqual(self.queue(), names[:500])
        self.rules("newest")
        self.root.reload()
        eventually(lambda: self.is_newest_first(names), 20)
        daemon.restart()
        self.ann = daemon.desk("ann")
        self.assertTrue(self.is_newest_first(names))
        daemon.stop()
        self.rules("oldest")
        daemon.start()
        self.ann = daemon.desk("ann")
        eventually(lambda: keys(pages(self.ann, site="news", limit=500)) == names, 20)

    def is_newest_first(self, names):
        """Those of one transaction came at one moment: among these the order is that of arrival."""
        cards = pages(self.ann, site="news", limit=500)
        times = [card["received_at"] for card in cards]
        return sorted(keys(cards)) == names and times == sorted(times, reverse=True)

    def test_an_article_of_very_many_comments_is_put_anew_in_the_background(self):
        self.daemon("urgency")
        for start in range(0, 1500, 250):
            self.front.submit([event("news", f"{number:04}", article={"id": "big"})
                               for number in range(start, start + 250)])
        self.front.article("news", {"id": "big"}, front_page=True)
        last = eventually(lambda: [card for card in pages(self.ann, site="news", limit=500)
                                   if card["due_at"] != card["received_at"] + 50 * MINUTE] == [], 20)
        self.assertTrue(last)


if __name__ == "__main__":
    tap.main()
