"""Moderators at the same time: one wins, the other is told; nobody is given what another holds."""
# time-limit: 300
import threading
from collections import Counter

import tap
from cases import Case, event, eventually, fresh
from modq import Desk

ROUNDS = 150
MODERATORS = 50
COMMENTS = 5000
PER_CLAIM = 7


class Race(threading.Thread):
    """Runs a function in a thread; result() gives what it returned or raises what it raised."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self._function, self._arguments = function, arguments
        self._value = self._error = None
        self.start()

    def run(self):
        try:
            self._value = self._function(*self._arguments)
        except BaseException as error:
            self._error = error

    def result(self, timeout=240):
        self.join(timeout)
        if self.is_alive():
            raise AssertionError("a moderator hangs")
        if self._error:
            raise self._error
        return self._value


class TwoModerators(Case):
    def test_one_wins_and_the_other_is_told_by_whom_what_and_when(self):
        item = self.pending()
        won, = self.ann.reject([item], self.reasons[:1], note="mine")
        error = self.assert_item(self.bob.approve([item])[0], "already_decided")
        self.assertEqual((error["by"], error["decision"], error["at"], error["seq"], error["reasons"]),
                         ("ann", "rejected", won["decided_at"], won["seq"], self.reasons[:1]))

    def decide_all(self, name, items, barrier):
        """One decision after another, each at the same moment as the other moderator's."""
        results = []
        with Desk(self.daemon.endpoint("desk"), as_=name) as desk:
            desk.hello()
            for item in items:
                barrier.wait(30)
                results.append((desk.approve([item]) if name == "ann" else desk.reject([item], self.reasons[:1]))[0])
        return results

    def test_many_rounds_at_the_same_moment_have_one_winner_each(self):
        items = [self.pending() for _ in range(ROUNDS)]
        barrier = threading.Barrier(2)
        races = {name: Race(self.decide_all, name, items, barrier) for name in ("ann", "bob")}
        results = {name: race.result() for name, race in races.items()}
        winners = Counter()
        for number, item in enumerate(items):
            won = [name for name in results if not results[name][number].get("error")]
            self.assertEqual(len(won), 1, (item, results["ann"][number], results["bob"][number]))
            winner, loser = won[0], "bob" if won[0] == "ann" else "ann"
            winners[winner] += 1
            first = results[winner][number]
            error = self.assert_item(results[loser][number], "already_decided")
            self.assertEqual((error["by"], error["decision"], error["at"], error["seq"]),
                             (winner, first["status"], first["decided_at"], first["seq"]))
        records = self.records()
        self.assertEqual([r["seq"] for r in records], list(range(1, ROUNDS + 1)))
        self.assertEqual(len({r["comment"] for r in records}), ROUNDS)
        print(f"# rounds won: {dict(winners)}")

    def test_superseding_the_decision_that_was_seen_lets_one_of_two_through(self):
        item, seq = self.approved()
        seen = {**item, "seq": seq}
        barrier = threading.Barrier(2)

        def supersede(name):
            with Desk(self.daemon.endpoint("desk"), as_=name) as desk:
                desk.hello()
                barrier.wait(30)
                return desk.reject([seen], self.reasons[:1], supersede=True)[0]["status"]

        races = [Race(supersede, name) for name in ("ann", "bob")]
        self.assertEqual(sorted(race.result() for race in races), ["already_decided", "rejected"])

    def test_decision_and_new_revision_at_the_same_moment_agree(self):
        for _ in range(30):
            item = self.pending()
            submit = self.front.send("submit", comments=[event(self.site, item["comment"], "newer", revision=2)])
            approve = self.ann.approve([item])[0]
            self.front.collect(submit)
            decisions = [r["decision"] for r in self.records() if r["comment"] == item["comment"]]
            wanted = ["approved", "reopened"] if approve["status"] == "approved" else []
            self.assertEqual(decisions, wanted, approve)
            self.assertEqual(self.state_of(item), "pending")


class FiftyModerators(Case):
    def claim_until_empty(self, name, barrier, given):
        with Desk(self.daemon.endpoint("desk"), as_=name, timeout_s=30) as desk:
            desk.hello()
            barrier.wait(60)
            while cards := desk.claim(site=self.site, limit=PER_CLAIM, lease_ms=3_600_000)["comments"]:
                for card in cards:
                    if card["claimed_by"] != name:
                        raise AssertionError(f"{name} was given what {card['claimed_by']} holds")
                given[name] += [card["comment"] for card in cards]

    def test_fifty_claim_from_five_thousand_and_nothing_is_given_twice(self):
        names = [f"{number:05}" for number in range(COMMENTS)]
        self.front.submit([event(self.site, name, f"{name} " + "x" * 200) for name in names])
        moderators = [f"moderator {number:02}" for number in range(MODERATORS)]
        given = {name: [] for name in moderators}
        barrier = threading.Barrier(MODERATORS)
        for race in [Race(self.claim_until_empty, name, barrier, given) for name in moderators]:
            race.result()
        twice = [name for name, count in Counter(sum(given.values(), [])).items() if count > 1]
        self.assertEqual(twice, [])
        self.assertEqual(sorted(sum(given.values(), [])), names)
        print(f"# at least {min(map(len, given.values()))}, at most {max(map(len, given.values()))} each")
        stats = [s for s in self.ann.stats()["sites"] if s["site"] == self.site][0]
        self.assertEqual((stats["pending"], stats["claimed"]), (COMMENTS, COMMENTS))
        self.check_holders(given)

    def check_holders(self, given):
        """The queue agrees with what each was told."""
        holder, after = {}, None
        while True:
            page = self.ann.list(site=self.site, limit=500, after=after)
            holder |= {card["comment"]: card["claimed_by"] for card in page["comments"]}
            after = page["next"]
            if after is None:
                break
        self.assertEqual(holder, {comment: name for name, comments in given.items() for comment in comments})

    def test_leases_that_end_are_given_out_again(self):
        names = [fresh() for _ in range(20)]
        self.front.submit([event(self.site, name) for name in names])
        self.ann.claim(site=self.site, limit=20, lease_ms=3000)
        self.assertEqual(self.bob.claim(site=self.site, limit=20)["comments"], [])
        given = eventually(lambda: self.bob.claim(site=self.site, limit=20)["comments"], timeout=20)
        self.assertEqual([card["comment"] for card in given], names)


if __name__ == "__main__":
    tap.main()
