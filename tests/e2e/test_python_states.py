"""Walks every cell of the state table of PROTOCOL.md against the daemon."""
import re

import document
import tap
from cases import Case, fresh
from second import policy_text
from modq import ModqError

TABLE = document.states()
ERRORS = document.errors()
CELL = re.compile(r"(\w+)(?: \((\w+)\))?$")


class Walk(Case):
    """Every decision is looked at again here, which changes no other cell."""

    @classmethod
    def setUpClass(cls):
        cls.config = cls.enterClassContext(policy_text(100))
        super().setUpClass()

    def make(self, state):
        """A comment in a state; where the state allows it, with an approval that undo could name."""
        item = self.named(fresh())
        self.decision = None
        if state == "none":
            return item
        item = self.pending()
        if state == "approved":
            self.decision = self.approve(item)
        elif state == "rejected":
            self.decision = self.reject(item)
        else:
            self.decision = self.approve(item)
            self.submit_one(item["comment"], "newer", revision=2)
        if state == "withdrawn":
            self.front.withdraw(self.site, item["comment"])
        elif state == "erased":
            self.ann.erase([item])
        self.assertEqual(self.state_of(item), state)
        return self.named(item["comment"])

    # Events: each returns the result or the error's name.

    def do_newer(self, item):
        return self.submit_one(item["comment"], "newest", revision=7)

    def do_approve(self, item):
        return self.ann.approve([item], supersede=True)[0]

    def do_reject(self, item):
        return self.ann.reject([item], self.reasons[:1], supersede=True)[0]

    def do_withdraw(self, item):
        return self.front.call("withdraw", **item)

    def do_undo(self, item):
        return self.ann.undo([{"site": self.site, "seq": self.decision}])[0]

    def do_reported(self, item):
        return self.report_to_threshold(item)

    def do_escalate(self, item):
        return self.ann.escalate([item])[0]

    def do_claim(self, item):
        reply = self.ann.claim(comments=[item])
        return reply["refused"][0] if reply["refused"] else reply["comments"][0]

    def do_erase(self, item):
        return self.ann.erase([item])[0]

    def do_disputed(self, item):
        decision = self.state_of(item)
        self.assertIn(item["comment"], [card["comment"] for card in self.bob.claim(site=self.site)["comments"]])
        judged = (self.bob.reject([item], self.reasons[:1]) if decision == "approved" else self.bob.approve([item]))[0]
        self.assertEqual((judged["second_look"], judged["agreed"]), (True, False))
        return judged

    def happen(self, event, item):
        """The error's name, or None when the event succeeded."""
        try:
            result = getattr(self, "do_" + event)(item)
        except ModqError as error:
            return error.name
        return result["status"] if result.get("error") else None

    def expected(self, state, event):
        """Error, next state and record that the cell promises."""
        cell = TABLE[state, event]
        if cell == "same":
            return None, state, None
        if cell == "before":
            return None, "pending", "reopened"
        word, record = CELL.match(cell).groups()
        is_error = word in ERRORS and record is None
        return (word, state, None) if is_error else (None, word, record)

    def walk(self, state, event):
        item = self.make(state)
        before = len(self.records())
        error, then, record = self.expected(state, event)
        self.assertEqual(self.happen(event, item), error)
        self.assertEqual(self.state_of(item), then)
        written = self.records()[before:]
        self.assertEqual([r["decision"] for r in written], [record] if record else [])
        if record:
            self.assertEqual((written[0]["comment"], written[0]["seq"]), (item["comment"], before + 1))
            self.assertEqual(self.status_of(item)["seq"], before + 1)


def add_walk(state, event):
    def test(self):
        self.walk(state, event)
    setattr(Walk, f"test_{event}_of_{state}_does_what_the_table_says", test)


for (row, column), text in TABLE.items():
    if text != "–":
        add_walk(row, column)


class Table(tap.unittest.TestCase):
    def test_table_is_whole(self):
        states = {state for state, _ in TABLE}
        events = {event for _, event in TABLE}
        self.assertEqual(len(TABLE), len(states) * len(events))
        self.assertEqual(states, {"none", "pending", "approved", "rejected", "withdrawn", "erased"})
        for event in events:
            self.assertTrue(hasattr(Walk, "do_" + event), event)


if __name__ == "__main__":
    tap.main()
