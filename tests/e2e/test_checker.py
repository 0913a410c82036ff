"""The history checker bites: a history that keeps every promise is clean, and each single fault put into it is found."""
# plain: it is about a checker in Python
import copy
import hashlib
import re
import unittest

import checker
import tap
from checker import Decided, Diverged, Got, History, Opened, Refused, Saved, Submitted, Undone, Withdrawn

SITE = "news"
POLICY = "house-rules-1"


def sha256(text):
    return hashlib.sha256(text.encode()).digest()


class Story:
    """A small world that keeps every promise, told as clients would see it. Each thing done takes a second."""

    def __init__(self):
        self.history = History()
        self.now, self.events, self.operations = 0.0, 0, 0
        self.log, self.comments = [], {}

    def tick(self):
        self.now += 1
        return self.now, self.now + 0.5

    def at(self):
        return 1_000_000 + int(self.now) * 1000

    def operation(self):
        self.operations += 1
        return self.operations.to_bytes(16, "big")

    def event(self, comment, kind, seq=None):
        self.events += 1
        self.history.events.setdefault((SITE, comment), []).append(
            {"no": self.events, "at": self.at(), "kind": kind, "revision": self.comments[comment]["revision"], "seq": seq})

    def record(self, comment, decision, cause, reasons=(), policy=None, undoes=None):
        known = self.comments[comment]
        record = {"site": SITE, "seq": len(self.log) + 1, "comment": comment, "revision": known["revision"],
                  "decision": decision, "reasons": list(reasons), "policy": policy,
                  "body_sha256": sha256(f"{comment} {known['revision']}"), "decided_at": self.at(), "cause": cause,
                  "undoes": undoes, "supersedes": known["record"], "chain": sha256(f"chain {len(self.log)}")}
        self.log.append(record)
        known["record"] = record["seq"]
        self.event(comment, decision, record["seq"])
        return record

    def submit(self, comment, revision=1, status="accepted", answered=True):
        sent_at, answered_at = self.tick()
        known = self.comments.setdefault(comment, {"revision": 0, "record": None, "received": {}})
        if status == "accepted":
            reopened = known["record"] and self.log[known["record"] - 1]["decision"] in checker.DECIDED
            known["revision"], known["received"][revision] = revision, self.at()
            self.event(comment, "submitted")
            if reopened:
                self.record(comment, "reopened", "new_revision")
        self.history.submitted.append(Submitted(
            sent_at, answered_at if answered else None, SITE, comment, revision, sha256(f"{comment} {revision}"),
            status if answered else None, known["received"][revision] if answered else None))

    def withdraw(self, comment):
        sent_at, answered_at = self.tick()
        seq = self.record(comment, "withdrawn", "author")["seq"]
        self.history.withdrawn.append(Withdrawn(sent_at, answered_at, SITE, comment, "withdrawn", seq))

    def decide(self, who, comment, decision, supersede=False):
        sent_at, answered_at = self.tick()
        reasons = ["profanity"] if decision == "rejected" else []
        record = self.record(comment, decision, "moderator", reasons, POLICY)
        self.history.decided.append(Decided(
            sent_at, answered_at, who, self.operation(), SITE, comment, decision, reasons, supersede, record["revision"],
            decision, record["seq"], record["decided_at"]))
        return record["seq"]

    def lose(self, who, comment):
        """A moderator comes too late, and is told so."""
        sent_at, answered_at = self.tick()
        record = self.log[self.comments[comment]["record"] - 1]
        told = {"name": "already_decided", "seq": record["seq"], "decision": record["decision"], "by": "ann",
                "at": record["decided_at"], "reasons": record["reasons"]}
        self.history.decided.append(Decided(sent_at, answered_at, who, self.operation(), SITE, comment, "approved",
                                            status="already_decided", told=told))

    def undo(self, who, seq):
        sent_at, answered_at = self.tick()
        undone = self.log[seq - 1]
        before = undone["supersedes"] and self.log[undone["supersedes"] - 1]
        back = before if before and before["decision"] in checker.DECIDED else None
        record = self.record(undone["comment"], back["decision"] if back else "reopened", "undo",
                             back["reasons"] if back else (), back["policy"] if back else None, seq)
        state = checker.STATE_AFTER[record["decision"]]
        self.history.undone.append(Undone(sent_at, answered_at, who, self.operation(), SITE, seq, undone["comment"],
                                          "undone", record["seq"], state))
        return record["seq"]

    def again(self, facts):
        """The last fact's operation once more: the same answer, later."""
        fact = copy.deepcopy(facts[-1])
        fact.sent_at, fact.answered_at = self.tick()
        facts.append(fact)

    def listen(self):
        """One listener without a break; one that comes back from its place with records that it had not recorded; one
        that hears the second half live."""
        records = copy.deepcopy(self.log)
        steady = self.history.listened["steady", SITE]
        steady += [Opened(0), *(Got(record) for record in records), Saved(len(records))]
        torn = self.history.listened["torn", SITE]
        torn += [Opened(0), *map(Got, records[:3]), Saved(3), *map(Got, records[3:6]), Opened(3)]
        torn += [*map(Got, copy.deepcopy(records[3:])), Saved(len(records))]
        self.history.live["radio"] += copy.deepcopy(records[len(records) // 2:])

    def audit(self):
        self.history.logs[SITE] = copy.deepcopy(self.log)
        for comment, known in self.comments.items():
            last = self.log[known["record"] - 1] if known["record"] else None
            self.history.statuses[SITE, comment] = {
                "comment": comment, "status": "found", "revision": known["revision"],
                "state": checker.STATE_AFTER[last["decision"]] if last else "pending",
                "body_sha256": sha256(f"{comment} {known['revision']}"), "seq": last and last["seq"],
                "decision": last and last["decision"], "decided_at": last and last["decided_at"]}


def good_history():
    story = Story()
    for comment in "abcdefg":
        story.submit(comment)
    story.submit("a", status="duplicate")
    story.submit("h", answered=False)
    first = story.decide("ann", "a", "approved")                        # 1
    story.lose("bob", "a")
    story.decide("bob", "b", "rejected")                                # 2
    story.again(story.history.decided)
    story.decide("ann", "b", "approved", supersede=True)                # 3
    story.undo("bob", 3)                                                # 4: rejected again
    story.undo("bob", first)                                            # 5: a is pending again
    story.again(story.history.undone)
    story.decide("ann", "c", "approved")                                # 6
    story.submit("c", 3)                                                # 7: reopened
    story.decide("bob", "c", "rejected")                                # 8
    story.withdraw("d")                                                 # 9
    story.decide("ann", "e", "approved")                                # 10
    story.withdraw("e")                                                 # 11
    story.listen()
    story.audit()
    return story.history


FORGERIES = []


def forged(name):
    """Registers a function that puts one fault into a good history; the checker must find it by that name."""
    def register(function):
        FORGERIES.append((name, function))
        return function
    return register


def log_of(history):
    return history.logs[SITE]


def of_log(history, seq):
    return log_of(history)[seq - 1]


def everywhere(history, seq):
    """All copies of one record that anybody has."""
    copies = [r for r in log_of(history) if r["seq"] == seq]
    copies += [f.record for facts in history.listened.values() for f in facts if isinstance(f, Got) and f.record["seq"] == seq]
    return copies + [r for records in history.live.values() for r in records if r["seq"] == seq]


def gots(history, listener):
    return [fact for fact in history.listened[listener, SITE] if isinstance(fact, Got)]


@forged("lost comment")
def acknowledged_comment_that_nobody_knows(history):
    history.statuses[SITE, "f"] = {"comment": "f", "status": "not_found"}
    del history.events[SITE, "f"]


@forged("lost comment")
def duplicate_that_is_not_in_the_history(history):
    history.events[SITE, "g"].clear()


@forged("lost comment")
def older_revision_that_is_gone(history):
    del history.events[SITE, "c"][0]


@forged("stored twice")
def comment_stored_twice(history):
    history.events[SITE, "f"].append({**history.events[SITE, "f"][0], "no": 1000, "at": 10 ** 12})


@forged("accepted twice")
def comment_accepted_twice(history):
    history.submitted.append(Submitted(90, 91, SITE, "f", 1, sha256("f 1"), "accepted", history.submitted[5].received_at))


@forged("received twice")
def repeat_with_another_time_of_receipt(history):
    next(fact for fact in history.submitted if fact.status == "duplicate").received_at += 1


@forged("another text")
def comment_with_another_hash(history):
    history.statuses[SITE, "f"]["body_sha256"] = sha256("something else")


@forged("another text")
def comment_without_its_hash(history):
    history.statuses[SITE, "f"]["body_sha256"] = None


@forged("another text")
def record_about_another_text(history):
    for record in everywhere(history, 6):
        record["body_sha256"] = sha256("c 3")


@forged("older revision")
def older_revision_is_current(history):
    history.statuses[SITE, "c"].update(revision=1, body_sha256=sha256("c 1"))


@forged("invented")
def comment_that_nobody_sent(history):
    history.submitted = [fact for fact in history.submitted if fact.comment != "a"]


@forged("invented")
def decision_that_nobody_made(history):
    history.decided = [fact for fact in history.decided if fact.comment != "c"]


@forged("invented")
def undo_that_nobody_asked_for(history):
    history.undone = history.undone[1:]


@forged("resurrected")
def withdrawn_comment_that_is_pending(history):
    history.statuses[SITE, "d"]["state"] = "pending"


@forged("lost withdrawal")
def withdrawal_that_is_not_in_the_log(history):
    history.withdrawn[0].seq = 10


@forged("gap in the log")
def log_with_a_gap(history):
    del log_of(history)[4]


@forged("repeat in the log")
def log_with_a_repeat(history):
    log_of(history).insert(5, copy.deepcopy(log_of(history)[4]))


@forged("two current decisions")
def two_current_decisions(history):
    for record in everywhere(history, 3):
        record["supersedes"] = None


@forged("two current decisions")
def decision_on_top_of_an_older_one(history):
    for record in everywhere(history, 8):
        record["supersedes"] = 6


@forged("impossible step")
def approved_on_top_of_approved(history):
    for record in everywhere(history, 2):
        record.update(decision="approved", reasons=[])


@forged("impossible step")
def decided_after_it_was_withdrawn(history):
    for record in everywhere(history, 9):
        record["comment"] = "e"


@forged("state differs")
def status_that_the_log_does_not_have(history):
    history.statuses[SITE, "b"].update(state="approved")


@forged("state differs")
def pending_comment_that_is_approved(history):
    history.statuses[SITE, "f"]["state"] = "approved"


@forged("state differs")
def record_of_a_comment_that_nobody_knows(history):
    history.statuses[SITE, "b"] = {"comment": "b", "status": "not_found"}


@forged("wrong undo")
def undo_that_restores_another_state(history):
    for record in everywhere(history, 4):
        record.update(decision="reopened", reasons=[], policy=None)


@forged("wrong undo")
def undo_that_restores_other_reasons(history):
    for record in everywhere(history, 4):
        record["reasons"] = ["off_topic"]


@forged("wrong undo")
def undo_of_what_was_not_current(history):
    for record in everywhere(history, 5):
        record["undoes"] = 2


@forged("time goes back")
def log_in_which_time_goes_back(history):
    for record in everywhere(history, 6):
        record["decided_at"] -= 60_000


@forged("time goes back")
def events_in_which_time_goes_back(history):
    history.events[SITE, "g"][0]["at"] -= 60_000


@forged("time goes back")
def comment_received_before_an_earlier_one(history):
    next(f for f in history.submitted if f.comment == "g").received_at -= 60_000


@forged("event told twice")
def event_number_of_two_events(history):
    history.events[SITE, "g"][0]["no"] = history.events[SITE, "f"][0]["no"]


@forged("history differs")
def history_without_a_record(history):
    del history.events[SITE, "b"][-1]


@forged("history differs")
def history_with_another_decision(history):
    history.events[SITE, "a"][1]["kind"] = "rejected"


@forged("order differs")
def numbers_that_are_not_in_the_order_of_events(history):
    history.events[SITE, "e"][1]["no"] = history.events[SITE, "d"][1]["no"]
    history.events[SITE, "d"][1]["no"] += 1


@forged("lost decision")
def acknowledged_decision_that_is_missing(history):
    del log_of(history)[-2:]
    del history.events[SITE, "e"][-2:]


@forged("lost decision")
def decision_about_another_comment(history):
    history.decided[0].comment = "f"


@forged("lost decision")
def rejection_for_other_reasons(history):
    history.decided[2].reasons = ["off_topic"]


@forged("lost decision")
def undo_that_is_missing(history):
    history.undone[0].seq = 6


@forged("told of no decision")
def loser_who_is_told_of_another_decision(history):
    next(fact for fact in history.decided if fact.told).told["decision"] = "rejected"


@forged("told of no decision")
def loser_who_is_told_of_a_number_that_is_not_there(history):
    next(fact for fact in history.decided if fact.told).told["seq"] = 99


@forged("decided unknowingly")
def decision_on_top_of_one_that_was_not_known(history):
    next(fact for fact in history.decided if fact.supersede).supersede = False


@forged("another answer")
def repeat_of_an_operation_with_another_answer(history):
    history.decided[3].decided_at += 1


@forged("another answer")
def repeat_of_an_undo_with_another_answer(history):
    history.undone[-1].seq = 99


@forged("one number, two decisions")
def number_given_to_two_moderators(history):
    other = copy.deepcopy(history.decided[0])
    other.moderator, other.operation = "bob", bytes(16)
    history.decided.append(other)


@forged("refused")
def good_comment_that_is_in_conflict(history):
    history.submitted.append(Submitted(90, 91, SITE, "f", 1, sha256("f 1"), "conflict"))


@forged("refused")
def decision_about_a_comment_that_is_not_found(history):
    history.decided.append(Decided(90, 91, "ann", bytes(16), SITE, "f", "approved", status="not_found"))


@forged("refused")
def comment_refused_as_withdrawn_that_nobody_withdrew(history):
    history.submitted.append(Submitted(90, 91, SITE, "f", 2, sha256("f 2"), "withdrawn"))


@forged("refused")
def request_that_is_answered_with_an_error(history):
    history.refused.append(Refused("claim", "internal: a fault of the daemon"))


@forged("order of numbers")
def decision_acknowledged_earlier_with_the_higher_number(history):
    early, late = history.decided[0], history.decided[-1]
    early.sent_at, early.answered_at, late.sent_at, late.answered_at = 80, 80.5, 70, 70.5


@forged("published, not in the log")
def record_seen_live_that_the_log_does_not_have(history):
    last = history.live["radio"][-1]
    history.live["radio"].append({**last, "seq": last["seq"] + 1, "supersedes": last["seq"]})


@forged("published, not in the log")
def record_streamed_that_the_log_does_not_have(history):
    last = gots(history, "steady")[-1].record
    history.listened["steady", SITE].insert(-1, Got({**last, "seq": last["seq"] + 1}))


@forged("published, changed since")
def record_seen_live_with_another_time(history):
    history.live["radio"][0]["decided_at"] -= 1


@forged("published, changed since")
def record_streamed_with_another_decision(history):
    gots(history, "steady")[2].record["decision"] = "rejected"


@forged("published, changed since")
def record_that_lost_its_hash_though_nothing_was_erased(history):
    of_log(history, 6)["body_sha256"] = None


@forged("another chain")
def another_hash_before_a_crash(history):
    gots(history, "torn")[4].record["chain"] = sha256("another past")


@forged("another chain")
def another_hash_of_the_past(history):
    of_log(history, 2)["chain"] = sha256("another past")


@forged("published twice")
def record_published_twice(history):
    history.live["radio"].insert(2, history.live["radio"][1])


@forged("gap in a stream")
def stream_with_a_gap(history):
    history.listened["steady", SITE].remove(gots(history, "steady")[4])


@forged("gap in a stream")
def gap_after_a_reconnection(history):
    history.listened["torn", SITE].remove(gots(history, "torn")[6])


@forged("repeat in a stream")
def stream_with_a_repeat(history):
    history.listened["steady", SITE].insert(4, gots(history, "steady")[2])


@forged("repeat in a stream")
def record_that_was_recorded_comes_again(history):
    facts = history.listened["torn", SITE]
    facts.insert(facts.index(Opened(3)) + 1, copy.deepcopy(gots(history, "torn")[2]))


@forged("repeat differs")
def repeat_after_a_reconnection_that_is_not_the_same(history):
    gots(history, "torn")[7].record["decided_at"] += 1


@forged("listener is behind")
def listener_that_never_gets_the_last_one(history):
    facts = history.listened["steady", SITE]
    facts[-2:] = [Saved(facts[-1].seq - 1)]


@forged("wrong place")
def listener_that_asks_from_another_place(history):
    facts = history.listened["torn", SITE]
    facts[facts.index(Opened(3))] = Opened(4)


@forged("wrong place")
def listener_that_records_what_it_did_not_get(history):
    facts = history.listened["torn", SITE]
    facts[facts.index(Saved(3))] = Saved(2)


@forged("diverged")
def listener_that_is_told_of_another_past(history):
    history.listened["torn", SITE].insert(8, Diverged(3))


class Clean(unittest.TestCase):
    def test_history_that_keeps_every_promise_is_clean(self):
        self.assertEqual(checker.check(good_history()), [])

    def test_unanswered_requests_promise_nothing(self):
        history = good_history()
        history.submitted.append(Submitted(90, None, SITE, "lost", 1, sha256("lost 1")))
        history.decided.append(Decided(90, None, "ann", bytes(16), SITE, "f", "approved"))
        history.undone.append(Undone(90, None, "ann", bytes(16), SITE, 10))
        history.withdrawn.append(Withdrawn(90, None, SITE, "g"))
        self.assertEqual(checker.check(history), [])

    def test_erasing_takes_the_hash_and_nothing_else(self):
        history = good_history()
        seq = len(log_of(history)) + 1
        record = {**of_log(history, 9), "seq": seq, "decision": "erased", "cause": "erasure", "supersedes": 9,
                  "decided_at": 10 ** 12, "body_sha256": None, "chain": sha256("erased")}
        of_log(history, 9)["body_sha256"] = None
        log_of(history).append(record)
        history.events[SITE, "d"].append({"no": 999, "at": 10 ** 12, "kind": "erased", "revision": 1, "seq": seq})
        history.statuses[SITE, "d"].update(state="erased", seq=seq, decision="erased", decided_at=10 ** 12, body_sha256=None)
        for facts in history.listened.values():
            facts[-1:] = [Got(record), Saved(seq)]
        self.assertEqual(checker.check(history), [])

    def test_every_kind_of_violation_is_forged_here(self):
        with open(checker.__file__) as file:
            told = set(re.findall(r'f"([a-z][a-z, ]+): ', file.read()))
        self.assertEqual(told, {name for name, _ in FORGERIES})


class Forged(unittest.TestCase):
    pass


def add_test(name, forge):
    def test(self):
        history = good_history()
        forge(history)
        violations = checker.check(history)
        self.assertIn(name, checker.names(violations), violations)
    setattr(Forged, f"test_{forge.__name__}_is_found", test)
    test.__name__ = test.__qualname__ = f"test_{forge.__name__}_is_found"


for forgery in FORGERIES:
    add_test(*forgery)


if __name__ == "__main__":
    tap.main()
