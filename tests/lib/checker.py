"""Was every promise kept? A checker of what clients saw, which knows nothing of the daemon.

Clients put facts into a History: what they sent and were answered, what listeners received, and what an ordinary client
read at the end. check(history) returns what contradicts proto/PROTOCOL.md, each violation in words that begin with its
name ("lost comment: ..."). Times of facts are seconds of one clock that all clients share; answered_at is None when no
answer came, and then nothing is promised: it may have been done or not. Records, results of `status` and events of
`history` are kept as the maps that came.

Every rule is a generator over a View (the history with indexes), listed in RULES.
"""
from collections import Counter, defaultdict
from dataclasses import dataclass, field

DECIDED = ("approved", "rejected")
STATE_AFTER = {"approved": "approved", "rejected": "rejected", "reopened": "pending", "withdrawn": "withdrawn",
               "erased": "erased"}
# What may follow a state: (decision, cause). "undo" is looked at by undo_restores.
STEPS = {
    "pending": {("approved", "moderator"), ("rejected", "moderator"), ("withdrawn", "author"), ("erased", "erasure")},
    "approved": {("rejected", "moderator"), ("reopened", "new_revision"), ("reopened", "reports"), ("withdrawn", "author"),
                 ("erased", "erasure"), ("reopened", "undo"), ("approved", "undo"), ("rejected", "undo")},
    "rejected": {("approved", "moderator"), ("rejected", "moderator"), ("reopened", "new_revision"),
                 ("withdrawn", "author"), ("erased", "erasure"), ("reopened", "undo"), ("approved", "undo"),
                 ("rejected", "undo")},
    "withdrawn": {("erased", "erasure")},
    "erased": set(),
}
STORED = ("accepted", "duplicate")
# Answers that a correct client can be given, besides success. What else comes is a violation.
LATER = {"busy", "stopping", "storage_full"}
MAY_ANSWER = {"submit": LATER | {"withdrawn", "erased"}, "withdraw": LATER | {"erased"},
              "decide": LATER | {"already_decided", "stale_revision", "claimed", "withdrawn", "erased", "not_current"},
              "undo": LATER | {"not_current", "withdrawn", "erased"}}


# Facts


@dataclass
class Submitted:
    """One comment event handed in; sent_at is that of the first attempt."""
    sent_at: float
    answered_at: float | None
    site: str
    comment: str
    revision: int
    sha256: bytes
    status: str | None = None
    received_at: int | None = None


@dataclass
class Withdrawn:
    sent_at: float
    answered_at: float | None
    site: str
    comment: str
    status: str | None = None
    seq: int | None = None


@dataclass
class Decided:
    """An approve or reject of one comment. A repeat of an answered operation is a fact of its own."""
    sent_at: float
    answered_at: float | None
    moderator: str
    operation: bytes
    site: str
    comment: str
    decision: str               # what was asked for: approved or rejected
    reasons: list = field(default_factory=list)
    supersede: bool = False
    revision: int | None = None # what was answered, from here on
    status: str | None = None
    seq: int | None = None
    decided_at: int | None = None
    told: dict | None = None    # the error map of already_decided


@dataclass
class Undone:
    sent_at: float
    answered_at: float | None
    moderator: str
    operation: bytes
    site: str
    undoes: int
    comment: str | None = None
    status: str | None = None
    seq: int | None = None
    state: str | None = None


@dataclass
class Opened:
    """A listener asked for what follows `after`."""
    after: int


@dataclass
class Got:
    record: dict


@dataclass
class Saved:
    """The listener recorded its place: everything up to `seq` is applied."""
    seq: int


@dataclass
class Diverged:
    """The listener was told that its past is not the log's."""
    after: int


@dataclass
class Refused:
    """A whole request answered ok: false, other than with class retry."""
    op: str
    error: str


class History:
    """Everything that was seen. list.append is all that clients do to it, so threads may share it."""

    def __init__(self):
        self.submitted, self.withdrawn, self.decided, self.undone, self.refused = [], [], [], [], []
        self.listened = defaultdict(list)   # (listener, site) -> Opened, Got, Saved, Diverged in their order
        self.live = defaultdict(list)       # subscriber -> records in the order received
        # the audit, read by an ordinary client at the end
        self.statuses = {}                  # (site, comment) -> result of `status`
        self.logs = {}                      # site -> records of a full replay
        self.events = {}                    # (site, comment) -> events of `history`, oldest first


class View:
    """A history with indexes."""

    def __init__(self, history):
        self.history = history
        self.log = {site: {record["seq"]: record for record in records} for site, records in history.logs.items()}
        self.of_comment = defaultdict(list)          # (site, comment) -> its records
        for site, records in history.logs.items():
            for record in records:
                self.of_comment[site, record["comment"]].append(record)
        self.texts = defaultdict(lambda: defaultdict(set))   # (site, comment) -> revision -> hashes sent
        for fact in history.submitted:
            self.texts[fact.site, fact.comment][fact.revision].add(fact.sha256)
        self.withdrawals = {(fact.site, fact.comment) for fact in history.withdrawn}

    def record(self, site, seq):
        return self.log.get(site, {}).get(seq)

    def state(self, key):
        return self.history.statuses.get(key, {}).get("state")

    def erased(self, key):
        return self.state(key) == "erased"


def name_of(site, comment, seq=None):
    return f"{site}/{comment}" + (f" (number {seq})" if seq is not None else "")


# Comments


def acknowledged_comments_are_there(view):
    """Every accepted or duplicate event is stored exactly once, whatever happened since."""
    for fact in view.history.submitted:
        if fact.status not in STORED:
            continue
        key = fact.site, fact.comment
        if view.history.statuses.get(key, {}).get("status") != "found":
            yield f"lost comment: {name_of(*key)} was {fact.status}, and nobody knows it any more"
        elif not stored_revisions(view, key)[fact.revision]:
            yield f"lost comment: {name_of(*key)} revision {fact.revision} was {fact.status}, and its history does not have it"


def stored_revisions(view, key):
    return Counter(e["revision"] for e in view.history.events.get(key, ()) if e["kind"] == "submitted")


def comments_are_stored_once(view):
    for key in view.history.events:
        for revision, times in stored_revisions(view, key).items():
            if times > 1:
                yield f"stored twice: {name_of(*key)} revision {revision} is {times} times in its history"


def events_are_accepted_once(view):
    """After `accepted` only `duplicate` may come, with the same time of receipt."""
    answers = defaultdict(list)
    for fact in view.history.submitted:
        if fact.status in STORED:
            answers[fact.site, fact.comment, fact.revision].append(fact)
    for (site, comment, revision), facts in answers.items():
        if sum(fact.status == "accepted" for fact in facts) > 1:
            yield f"accepted twice: {name_of(site, comment)} revision {revision}"
        if len({fact.received_at for fact in facts}) > 1:
            yield f"received twice: {name_of(site, comment)} revision {revision} has two times of receipt"


def texts_are_what_was_sent(view):
    for key, result in view.history.statuses.items():
        if result.get("status") == "found" and not right_text(view, key, result["revision"], result["body_sha256"]):
            yield f"another text: {name_of(*key)} revision {result['revision']} is not what was handed in"
    for key, records in view.of_comment.items():
        for record in records:
            if not right_text(view, key, record["revision"], record["body_sha256"]):
                yield f"another text: record {name_of(*key, record['seq'])} is not about what was handed in"


def right_text(view, key, revision, sha256):
    """The hash that was sent for this revision; none where no text came or it was erased."""
    if sha256 is None:
        return revision == 0 or view.erased(key)
    return sha256 in view.texts.get(key, {}).get(revision, ())


def newest_revision_is_current(view):
    for fact in view.history.submitted:
        result = view.history.statuses.get((fact.site, fact.comment), {})
        if fact.status in STORED and result.get("status") == "found" and result["revision"] < fact.revision:
            yield (f"older revision: {name_of(fact.site, fact.comment)} revision {fact.revision} was {fact.status}, "
                   f"{result['revision']} is current")


def nothing_is_invented(view):
    """Comments and decisions that nobody sent."""
    asked = {(f.site, f.comment, f.decision) for f in view.history.decided}
    undone = {(f.site, f.undoes) for f in view.history.undone}
    for key, records in view.of_comment.items():
        if key not in view.texts and key not in view.withdrawals:
            yield f"invented: {name_of(*key)} is in the log, and nobody handed it in"
        for record in records:
            wished = {"moderator": (*key, record["decision"]) in asked, "undo": (key[0], record["undoes"]) in undone,
                      "author": key in view.withdrawals}
            if not wished.get(record["cause"], True):
                yield f"invented: nobody asked for record {name_of(*key, record['seq'])}, {record['decision']}"


def withdrawn_stays_withdrawn(view):
    for fact in view.history.withdrawn:
        if fact.status not in ("withdrawn", "duplicate"):
            continue
        key = fact.site, fact.comment
        record = view.record(fact.site, fact.seq)
        if view.state(key) not in ("withdrawn", "erased"):
            yield f"resurrected: {name_of(*key)} was withdrawn and is {view.state(key)}"
        if not record or (record["comment"], record["decision"]) != (fact.comment, "withdrawn"):
            yield f"lost withdrawal: the log does not have {name_of(*key, fact.seq)}"


# The log


def log_is_without_gaps(view):
    for site, records in view.history.logs.items():
        expected = 1
        for record in records:
            if record["seq"] > expected:
                yield f"gap in the log: {site} has {record['seq']} where {expected} should be"
            elif record["seq"] < expected:
                yield f"repeat in the log: {site} has {record['seq']} where {expected} should be"
            expected = record["seq"] + 1


def one_current_decision(view):
    """Fold each comment's records: every record takes the place of the one before it, and may follow it."""
    for key, records in view.of_comment.items():
        last, state = None, "pending"
        for record in records:
            if record["supersedes"] != (last and last["seq"]):
                yield (f"two current decisions: record {name_of(*key, record['seq'])} takes the place of "
                       f"{record['supersedes']}, and {last and last['seq']} was the last one")
            if (record["decision"], record["cause"]) not in STEPS[state]:
                yield f"impossible step: {name_of(*key, record['seq'])} from {state} to {record['decision']}, {record['cause']}"
            last, state = record, STATE_AFTER[record["decision"]]


def state_is_what_the_log_says(view):
    for key, result in view.history.statuses.items():
        if result.get("status") != "found":
            if key in view.of_comment:
                yield f"state differs: {name_of(*key)} is in the log, and its status is {result.get('status')}"
            continue
        last = view.of_comment[key][-1] if key in view.of_comment else None
        expected = ({"state": STATE_AFTER[last["decision"]], **{k: last[k] for k in ("seq", "decision", "decided_at")}}
                    if last else {"state": "pending", "seq": None, "decision": None, "decided_at": None})
        found = {name: result[name] for name in expected}
        if found != expected:
            yield f"state differs: {name_of(*key)} is {found}, by the log it is {expected}"


def undo_restores(view):
    """An undo takes back the comment's last record, a decision, and brings back what was before that."""
    for key, records in view.of_comment.items():
        for record in records:
            if record["cause"] != "undo":
                continue
            undone = view.record(key[0], record["undoes"])
            before = undone and view.record(key[0], undone["supersedes"])
            if not undone or undone["decision"] not in DECIDED or record["undoes"] != record["supersedes"]:
                yield f"wrong undo: {name_of(*key, record['seq'])} undoes {record['undoes']}, which was no current decision"
            elif restored(record) != (restored(before) if before and before["decision"] in DECIDED else ("reopened", [], None)):
                yield f"wrong undo: {name_of(*key, record['seq'])} brought back {restored(record)}"


def restored(record):
    return record["decision"], list(record["reasons"]), record["policy"]


def time_goes_forward(view):
    """In each log, and over the whole history in the order of its events."""
    for site, records in view.history.logs.items():
        for before, after in zip(records, records[1:]):
            if after["decided_at"] < before["decided_at"]:
                yield f"time goes back: {site} from number {before['seq']} to {after['seq']}"
    events = sorted((e["no"], e["at"], key) for key, events in view.history.events.items() for e in events)
    for (no, at, _), (next_no, next_at, key) in zip(events, events[1:]):
        if next_no == no:
            yield f"event told twice: number {no}, of {name_of(*key)}"
        if next_at < at:
            yield f"time goes back: from event {no} to {next_no}"


def history_agrees_with_log(view):
    """Each record is exactly one event of its comment, and the log's order is that of the events."""
    for key, events in view.history.events.items():
        told = [(e["seq"], e["kind"], e["at"], e["revision"]) for e in events if e["seq"] is not None]
        logged = [(r["seq"], r["decision"], r["decided_at"], r["revision"]) for r in view.of_comment.get(key, ())]
        if told != logged:
            yield f"history differs: {name_of(*key)} has {told}, the log {logged}"
    numbers = defaultdict(list)
    for key, events in view.history.events.items():
        numbers[key[0]] += [(e["no"], e["seq"]) for e in events if e["seq"] is not None]
    for site, pairs in numbers.items():
        in_order = [seq for _, seq in sorted(pairs)]
        if in_order != sorted(in_order):
            yield f"order differs: the records of {site} are not numbered in the order of their events"


# Decisions


def acknowledged_decisions_are_there(view):
    for fact in view.history.decided:
        if fact.status not in DECIDED:
            continue
        said = {"comment": fact.comment, "decision": fact.decision, "revision": fact.revision,
                "reasons": fact.reasons, "decided_at": fact.decided_at, "cause": "moderator"}
        yield from lost_decision(view, fact, said)
    for fact in view.history.undone:
        if fact.status == "undone":
            said = {"comment": fact.comment, "undoes": fact.undoes, "supersedes": fact.undoes, "cause": "undo",
                    "decision": "reopened" if fact.state == "pending" else fact.state}
            yield from lost_decision(view, fact, said)


def lost_decision(view, fact, said):
    record = view.record(fact.site, fact.seq)
    found = record and {name: record[name] for name in said}
    if found != said:
        yield f"lost decision: {fact.moderator} was told of {fact.site} {fact.seq}: {said}; the log has {found}"


def losers_are_told_the_truth(view):
    """already_decided says who decided, what and when: that decision is in the log."""
    for fact in view.history.decided:
        if not fact.told:
            continue
        record = view.record(fact.site, fact.told["seq"])
        said = fact.comment, fact.told["decision"], fact.told["at"], list(fact.told["reasons"])
        if not record or said != (record["comment"], record["decision"], record["decided_at"], list(record["reasons"])):
            yield f"told of no decision: {fact.moderator} was told of {name_of(fact.site, fact.comment, fact.told['seq'])}"


def nobody_decides_unknowingly(view):
    """Who did not say `supersede` found the comment pending."""
    for fact in view.history.decided:
        record = view.record(fact.site, fact.seq) if fact.status in DECIDED and not fact.supersede else None
        before = record and view.record(fact.site, record["supersedes"])
        if before and before["decision"] in DECIDED:
            yield (f"decided unknowingly: {fact.moderator} decided {name_of(fact.site, fact.comment, fact.seq)} on top of "
                   f"{before['seq']}")


def repeats_change_nothing(view):
    """All answers to one operation are one answer; two operations never share a number."""
    answers, numbers = defaultdict(set), defaultdict(set)
    for fact in view.history.decided:
        if fact.answered_at is not None:
            answers[fact.operation, fact.site, fact.comment].add((fact.status, fact.seq, fact.decided_at))
        if fact.status in DECIDED:
            numbers[fact.site, fact.seq].add(fact.operation)
    for fact in view.history.undone:
        if fact.answered_at is not None:
            answers[fact.operation, fact.site, fact.undoes].add((fact.status, fact.seq, fact.state))
        if fact.status == "undone":
            numbers[fact.site, fact.seq].add(fact.operation)
    for (_, site, what), found in answers.items():
        if len(found) > 1:
            yield f"another answer: one operation on {site} {what} was answered {sorted(map(str, found))}"
    for (site, seq), found in numbers.items():
        if len(found) > 1:
            yield f"one number, two decisions: {len(found)} operations were given {site} {seq}"


def only_answers_that_can_be(view):
    history = view.history
    for fact in history.refused:
        yield f"refused: a good {fact.op} was answered {fact.error}"
    for op, facts, good in (("submit", history.submitted, STORED), ("withdraw", history.withdrawn, ("withdrawn", "duplicate")),
                            ("decide", history.decided, DECIDED), ("undo", history.undone, ("undone",))):
        for fact in facts:
            if fact.answered_at is not None and fact.status not in MAY_ANSWER[op] and fact.status not in good:
                yield f"refused: {op} of {fact.site}/{fact.comment} was answered {fact.status}"
            elif fact.status == "withdrawn" and op in ("submit", "decide") and (fact.site, fact.comment) not in view.withdrawals:
                yield f"refused: {op} of {fact.site}/{fact.comment} was answered withdrawn, and nobody withdrew it"


# Order


@dataclass
class Span:
    """One thing done, somewhere between its first sending and its first answer."""
    sent_at: float
    answered_at: float
    value: int
    what: str


def inversions(spans, strict):
    """Those that were sent after another one was answered, and yet have a lower value (strict: or the same)."""
    by_answer = sorted(spans, key=lambda span: span.answered_at)
    best, at = None, 0
    for span in sorted(spans, key=lambda span: span.sent_at):
        while by_answer[at].answered_at < span.sent_at:
            if best is None or by_answer[at].value > best.value:
                best = by_answer[at]
            at += 1
        if best and (span.value < best.value or (strict and span.value == best.value)):
            yield best, span


def spans_of(facts, wish, value):
    """One span for each wish, over all its attempts; `value` is None for what had no effect."""
    spans = {}
    for fact in facts:
        if fact.answered_at is None or value(fact) is None:
            continue
        span = spans.setdefault(wish(fact), Span(fact.sent_at, fact.answered_at, value(fact), str(wish(fact))))
        span.sent_at, span.answered_at = min(span.sent_at, fact.sent_at), min(span.answered_at, fact.answered_at)
    return spans


def without_answer(facts, wish, spans):
    """A wish may have been granted from its first, unanswered attempt on."""
    for fact in facts:
        if wish(fact) in spans:
            spans[wish(fact)].sent_at = min(spans[wish(fact)].sent_at, fact.sent_at)
    return list(spans.values())


def numbered(history, site):
    """Spans of everything of a site whose answer told a number."""
    def here(facts):
        return [fact for fact in facts if fact.site == site]

    def seq(fact):
        return fact.seq if fact.status in (*DECIDED, "undone") else None

    found = []
    for facts, wish, value in (
            (here(history.decided), lambda f: (f.operation, f.comment), seq),
            (here(history.undone), lambda f: (f.operation, f.undoes), seq),
            (here(history.withdrawn), lambda f: f.comment, lambda f: f.seq if f.status == "withdrawn" else None)):
        found += without_answer(facts, wish, spans_of(facts, wish, value))
    return found


def numbers_follow_real_time(view):
    """What was acknowledged before another thing was asked for has the lower number."""
    for site in view.history.logs:
        for first, second in inversions(numbered(view.history, site), strict=True):
            yield f"order of numbers: {site} {first.value} was acknowledged before {second.value} was asked for"


def times_follow_real_time(view):
    """What the daemon was told later it dates no earlier."""
    spans = []
    for facts, wish, value in (
            (view.history.submitted, lambda f: (f.site, f.comment, f.revision), lambda f: f.received_at),
            (view.history.decided, lambda f: (f.operation, f.site, f.comment), lambda f: f.decided_at)):
        spans += without_answer(facts, wish, spans_of(facts, wish, value))
    for first, second in inversions(spans, strict=False):
        yield f"time goes back: {first.what} at {first.value} was acknowledged before {second.what} at {second.value} was sent"


# What was seen live


def differences(seen, logged, erased):
    """Keys in which a record that was seen differs from the log's. Only erasing changes a record: it takes the hash."""
    return [key for key in sorted(seen.keys() | logged.keys())
            if seen.get(key) != logged.get(key) and not (key == "body_sha256" and erased and logged.get(key) is None)]


def seen_is_in_the_log(view, who, record):
    """A record is sent after its commit: whatever anybody saw is in the log, as it was seen."""
    logged = view.record(record["site"], record["seq"])
    if not logged:
        yield f"published, not in the log: {who} saw {name_of(record['site'], record['comment'], record['seq'])}"
        return
    wrong = differences(record, logged, view.erased((logged["site"], logged["comment"])))
    if "chain" in wrong:
        yield f"another chain: {who} saw {name_of(record['site'], record['comment'], record['seq'])} with another chain hash"
        wrong.remove("chain")
    if wrong:
        yield (f"published, changed since: {who} saw {name_of(record['site'], record['comment'], record['seq'])} with another "
               + ", ".join(wrong))


def streams_are_in_the_log(view):
    for (listener, _), facts in view.history.listened.items():
        for fact in facts:
            if isinstance(fact, Got):
                yield from seen_is_in_the_log(view, listener, fact.record)


def live_records_are_in_the_log(view):
    """And PUB sends nothing twice."""
    for subscriber, records in view.history.live.items():
        last = defaultdict(int)
        for record in records:
            yield from seen_is_in_the_log(view, subscriber, record)
            if record["seq"] <= last[record["site"]]:
                yield f"published twice: {subscriber} saw {record['site']} {record['seq']} after {last[record['site']]}"
            last[record["site"]] = record["seq"]


def streams_are_whole(view):
    for (listener, site), facts in view.history.listened.items():
        who = f"{listener} of {site}"
        yield from one_stream(who, facts)
        newest = max(view.log.get(site, ()), default=0)
        saved = next((fact.seq for fact in reversed(facts) if isinstance(fact, Saved)), 0)
        if saved < newest:
            yield f"listener is behind: {who} has {saved} of {newest}"


def one_stream(who, facts):
    """From the place recorded, one number after another; what comes again is what came before."""
    saved, last, known = 0, 0, {}
    for fact in facts:
        if isinstance(fact, Opened):
            if fact.after != saved:
                yield f"wrong place: {who} recorded {saved} and asked from {fact.after}"
            last = fact.after
        elif isinstance(fact, Saved):
            saved = fact.seq
            if saved != last:
                yield f"wrong place: {who} recorded {saved} and had received {last}"
        elif isinstance(fact, Diverged):
            yield f"diverged: {who} was told so at {fact.after}, and nobody restored a backup"
            saved = last = 0        # it starts anew
        else:
            seq = fact.record["seq"]
            if seq > last + 1:
                yield f"gap in a stream: {who} received {seq} after {last}"
            elif seq <= last:
                yield f"repeat in a stream: {who} received {seq} after {last}"
            if differences(known.setdefault(seq, fact.record), fact.record, erased=True):
                yield f"repeat differs: {who} received {seq} again, and not the same"
            last = seq


RULES = [
    acknowledged_comments_are_there, comments_are_stored_once, events_are_accepted_once, texts_are_what_was_sent,
    newest_revision_is_current, nothing_is_invented, withdrawn_stays_withdrawn, log_is_without_gaps, one_current_decision,
    state_is_what_the_log_says, undo_restores, time_goes_forward, history_agrees_with_log, acknowledged_decisions_are_there,
    losers_are_told_the_truth, nobody_decides_unknowingly, repeats_change_nothing, only_answers_that_can_be,
    numbers_follow_real_time, times_follow_real_time, streams_are_in_the_log, live_records_are_in_the_log,
    streams_are_whole,
]


def check(history):
    """Every violation, in words that begin with its name."""
    view = View(history)
    return [words for rule in RULES for words in rule(view)]


def names(violations):
    """How often each kind of violation was found."""
    return Counter(words.split(":")[0] for words in violations)
