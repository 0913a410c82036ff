"""A daemon that is killed again and again under load, by clients that write down what they see.

run(Plan(...)) gives an Outcome: the History for tests/lib/checker.py and figures. Submitters, moderators and listeners are
threads with sockets of their own; after a time-out each repeats its request unchanged on a new socket, as
proto/PROTOCOL.md says.
"""
import hashlib
import json
import os
import random
import secrets
import sqlite3
import threading
import time
import traceback
from collections import Counter, deque
from dataclasses import dataclass, field

import zmq

import checker
import daemon as daemons
from checker import Decided, Diverged, Got, History, Opened, Refused, Saved, Submitted, Undone, Withdrawn
from daemon import Daemon
from modq import Decisions, Desk, Front, ModqError, RequestTimeout, Stream, StreamLost

CONFIG = "heartbeat_ms = 300\ncredit_timeout_ms = 3000\n"
TIMEOUT_S = 0.4           # short, so that what was under way at a kill is repeated soon
AUDIT_TIMEOUT_S = 30
CATCH_UP_S = 30           # for the listeners, after the last start
WINDOW = 100              # requests under way at once in the audit
REASONS = (["profanity"], ["off_topic"], ["profanity", "off_topic"])
WORDS = "the comment says that nothing here is true and that everybody knows it باش نییە çawa güzel 😀".split()


@dataclass
class Plan:
    seed: int
    kills: int = 25
    pause_s: tuple = (0.3, 4.2)       # between two kills, for the random choice
    early: float = 0.2                # share of kills that come while the daemon is still starting
    sites: tuple = ("news", "sport")
    submitters: int = 4
    moderators: int = 3
    pace_s: float = 0.010             # mean pause of a submitter between two requests
    program: str | None = None        # instead of the build's modqd
    environment: dict = field(default_factory=dict)
    settle_s: float = 1.0             # load goes on so long after the last kill
    catch_up_s: float = CATCH_UP_S    # listeners may take so long at the end


class Victim(Daemon):
    """A daemon whose program and environment the plan gives."""

    def __init__(self, plan):
        super().__init__(config=CONFIG)
        self.plan = plan
        self.uncounted = "its program has a fault that was put in on purpose" if plan.program else None

    def __enter__(self):
        """Does not wait: the first kill may come while the database is being made."""
        return self.spawn()

    def command(self):
        command = super().command()
        command[0] = self.plan.program or daemons.MODQD
        return ["env", *(f"{name}={value}" for name, value in self.plan.environment.items()), *command]


@dataclass
class Outcome:
    plan: Plan
    history: History = field(default_factory=History)
    violations: list = field(default_factory=list)
    troubles: list = field(default_factory=list)     # what kept the run itself from going as planned
    figures: Counter = field(default_factory=Counter)

    def told(self):
        """The figures in one line."""
        figures = ", ".join(f"{value} {name}" for name, value in self.figures.items())
        return f"seed {self.plan.seed}: {figures}"


class Load:
    """What the clients of one run share."""

    def __init__(self, plan, victim, outcome):
        self.plan, self.victim, self.outcome, self.history = plan, victim, outcome, outcome.history
        self.stop, self.listeners_stop = threading.Event(), threading.Event()
        self.decided = deque(maxlen=300)     # (site, seq, comment) of decisions that moderators were told of
        self.repeats = Counter()             # client -> requests that were sent again

    def endpoint(self, name):
        return self.victim.endpoint(name)


class Client(threading.Thread):
    """Does step() until it is told to stop. `random` is its own, so that a seed gives the same wishes again."""

    def __init__(self, load, name, stop=None):
        super().__init__(name=name, daemon=True)
        self.load, self.history = load, load.history
        self.random = random.Random(f"{load.plan.seed} {name}")
        self.stop = stop or load.stop
        self.connection = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.step()
        except Exception:
            self.load.outcome.troubles.append(f"client {self.name}:\n{traceback.format_exc()}")
        finally:
            self.close()

    def close(self):
        if self.connection:
            self.connection.close()

    def ask(self, op, **fields):
        """Repeats a request until it is answered. Returns when it was first sent, when it was answered, and the answer;
        the last two are None when the run ended first, the last when the request was refused as a whole."""
        sent_at = time.monotonic()
        while not self.stop.is_set():
            try:
                reply = self.connection.call(op, **fields)
                return sent_at, time.monotonic(), reply
            except RequestTimeout:
                self.load.repeats[self.name] += 1
                self.connection.reconnect()
            except ModqError as error:
                if error.class_ != "retry":
                    self.history.refused.append(Refused(op, str(error)))
                    return sent_at, time.monotonic(), None
                time.sleep(0.05)
        return sent_at, None, None

    def pause(self, mean_s):
        self.stop.wait(self.random.expovariate(1 / mean_s))


def results_of(reply, count):
    """One map for each item, empty where nothing was answered."""
    return reply["results"] if reply else [{}] * count


# Web servers


class Submitter(Client):
    """Hands in new comments, singly and in batches, new revisions, repeats, and what its authors take back."""

    def __init__(self, load, number):
        super().__init__(load, f"submitter-{number}")
        self.connection = Front(load.endpoint("front"), timeout_s=TIMEOUT_S, attempts=1)
        self.count = 0
        self.stored = deque(maxlen=2000)     # events, for what comes after
        self.stored_ever = set()             # (comment, revision)
        self.revisions = Counter()           # comment -> highest revision that was ever made

    def step(self):
        kind = self.random.random()
        if kind < 0.03 and self.stored:
            self.withdraw()
        else:
            size = 1 if kind < 0.75 else self.random.randint(2, 30)
            self.submit([self.next_event() for _ in range(size)])
        self.pause(self.load.plan.pace_s)

    def next_event(self):
        kind = self.random.random()
        if self.stored and kind < 0.04:
            return self.random.choice(self.stored)
        if self.stored and kind < 0.09:
            old = self.random.choice(self.stored)
            revision = self.revisions[old["comment"]] + self.random.randint(1, 2)
            return self.event(old["site"], old["comment"], revision)
        self.count += 1
        return self.event(self.random.choice(self.load.plan.sites), f"{self.name}-{self.count}", 1)

    def event(self, site, comment, revision):
        self.revisions[comment] = revision
        body = f"{comment}, {revision}: " + " ".join(self.random.choices(WORDS, k=self.random.randint(1, 120)))
        return {"site": site, "comment": comment, "revision": revision, "body": body,
                "author": {"id": f"author-{self.random.randint(1, 500)}", "name": "Sozdar"}}

    def submit(self, events):
        events = list({event["comment"]: event for event in events}.values())
        sent_at, answered_at, reply = self.ask("submit", comments=events)
        for event, result in zip(events, results_of(reply, len(events))):
            sha256 = hashlib.sha256(event["body"].encode()).digest()
            self.history.submitted.append(Submitted(sent_at, answered_at, event["site"], event["comment"], event["revision"],
                                                    sha256, result.get("status"), result.get("received_at")))
            if result.get("status") in checker.STORED:
                self.remember(event)

    def remember(self, event):
        key = event["comment"], event["revision"]
        if key not in self.stored_ever:
            self.stored_ever.add(key)
            self.stored.append(event)

    def withdraw(self):
        event = self.random.choice(self.stored)
        fact = Withdrawn(0, None, event["site"], event["comment"])
        self.history.withdrawn.append(fact)     # at once: another client may see it before the answer comes
        fact.sent_at, fact.answered_at, reply = self.ask("withdraw", site=event["site"], comment=event["comment"])
        if reply:
            fact.status, fact.seq = reply["status"], reply["seq"]


# Moderators


class Moderator(Client):
    """Claims and decides, decides without a claim, decides anew, undoes, and sometimes sends an operation again that was
    answered already."""

    def __init__(self, load, number):
        super().__init__(load, f"moderator-{number}")
        self.connection = Desk(load.endpoint("desk"), timeout_s=TIMEOUT_S, attempts=1, as_=self.name)
        self.last = None          # the last changing request: taker of its answer, op, fields
        self.steps = [(0.60, self.claim_and_decide), (0.20, self.decide_from_list), (0.07, self.decide_anew),
                      (0.09, self.undo), (0.04, self.escalate)]

    def step(self):
        weights, steps = zip(*self.steps)
        self.random.choices(steps, weights)[0]()
        if self.last and self.random.random() < 0.05:
            self.send(*self.last)
        self.pause(0.01)

    def change(self, take, op, **fields):
        """A changing request with an operation id of its own."""
        self.last = take, op, {"operation": secrets.token_bytes(16), **fields}
        return self.send(*self.last)

    def send(self, take, op, fields):
        sent_at, answered_at, reply = self.ask(op, **fields)
        take(fields, sent_at, answered_at, reply)
        return reply

    def site(self):
        return self.random.choice(self.load.plan.sites)

    def claim_and_decide(self):
        reply = self.change(lambda *_: None, "claim", site=self.site(), limit=self.random.randint(1, 8),
                            lease_ms=self.random.choice((1000, 3000, 60000)))
        cards = reply["comments"] if reply else []
        if cards and self.random.random() < 0.9:
            self.decide(cards)
        elif cards:
            self.change(lambda *_: None, "release", comments=[self.named(card) for card in cards])

    def decide_from_list(self):
        _, _, reply = self.ask("list", site=self.site(), limit=30)
        cards = reply["comments"] if reply else []
        self.decide(self.random.sample(cards, min(len(cards), self.random.randint(1, 5))))

    def named(self, card):
        item = {"site": card["site"], "comment": card["comment"]}
        if "revision" in card and self.random.random() < 0.8:
            item["revision"] = card["revision"]
        return item

    def decide(self, cards, supersede=False):
        if not cards:
            return
        approve = self.random.random() < 0.6
        fields = {"comments": [self.named(card) for card in cards]}
        if supersede:
            fields["supersede"] = True
        if approve:
            self.change(self.take_approved, "approve", **fields)
        else:
            self.change(self.take_rejected, "reject", reasons=self.random.choice(REASONS), **fields)

    def take_approved(self, *answer):
        self.take_decided("approved", *answer)

    def take_rejected(self, *answer):
        self.take_decided("rejected", *answer)

    def take_decided(self, decision, fields, sent_at, answered_at, reply):
        items = fields["comments"]
        for item, result in zip(items, results_of(reply, len(items))):
            told = result.get("error") if result.get("status") == "already_decided" else None
            self.history.decided.append(Decided(
                sent_at, answered_at, self.name, fields["operation"], item["site"], item["comment"], decision,
                list(fields.get("reasons", ())), fields.get("supersede", False), result.get("revision"),
                result.get("status"), result.get("seq"), result.get("decided_at"), told))
            if result.get("status") == decision:
                self.load.decided.append((item["site"], result["seq"], item["comment"]))

    def decide_anew(self):
        """Half of them say which decision is to be replaced."""
        if not self.load.decided:
            return
        site, seq, comment = self.random.choice(self.load.decided)
        card = {"site": site, "comment": comment}
        self.decide([card], supersede=True)

    def undo(self):
        if not self.load.decided:
            return
        some = {self.random.choice(self.load.decided)[:2] for _ in range(self.random.randint(1, 3))}
        self.change(self.take_undone, "undo", records=[{"site": site, "seq": seq} for site, seq in sorted(some)])

    def take_undone(self, fields, sent_at, answered_at, reply):
        items = fields["records"]
        for item, result in zip(items, results_of(reply, len(items))):
            self.history.undone.append(Undone(
                sent_at, answered_at, self.name, fields["operation"], item["site"], item["seq"], result.get("comment"),
                result.get("status"), result.get("seq"), result.get("state")))
            if result.get("status") == "undone" and result["state"] != "pending":
                self.load.decided.append((item["site"], result["seq"], result["comment"]))

    def escalate(self):
        reply = self.change(lambda *_: None, "claim", site=self.site(), lane="escalated", limit=3, lease_ms=2000)
        if reply and reply["comments"]:
            self.decide(reply["comments"])
            return
        _, _, reply = self.ask("list", site=self.site(), limit=3)
        if reply and reply["comments"]:
            self.change(lambda *_: None, "escalate", comments=[self.named(card) for card in reply["comments"]])


# Listeners


class Witness(Stream):
    """A stream that hands out whatever came, right or wrong."""

    def _take_records(self, message):
        for record in message["records"]:
            self._last = record["seq"]
            self._queue.append(record)
        self.newest = max(self.newest, self._last)


class Listener(Client):
    """Applies the logs of all sites and records its place in a file after each batch. With `restarts` it forgets now and
    then everything that it has not recorded, and goes on from the file."""

    def __init__(self, load, name, restarts=False):
        super().__init__(load, name, load.listeners_stop)
        self.restarts = restarts
        self.front = Front(load.endpoint("front"), timeout_s=TIMEOUT_S, attempts=1)
        self.path = os.path.join(load.victim.dir, name + ".json")
        self.streams = {}
        self.reopened = 0
        self.next_restart = self.restart_at()

    def restart_at(self):
        return time.monotonic() + self.random.uniform(0.3, 1.5)

    def close(self):
        self.front.close()
        for stream in self.streams.values():
            stream.close()

    def places(self):
        try:
            with open(self.path) as file:
                return json.load(file)
        except FileNotFoundError:
            return {}

    def put(self, places):
        with open(self.path + ".new", "w") as file:
            json.dump(places, file)
        os.replace(self.path + ".new", self.path)

    def save(self, site, seq, chain):
        self.put({**self.places(), site: [seq, chain]})
        self.history.listened[self.name, site].append(Saved(seq))

    def open(self, site):
        seq, chain = self.places().get(site, (0, ""))
        facts = self.history.listened[self.name, site]
        facts.append(Opened(seq))
        self.reopened += 1
        try:
            self.streams[site] = Witness(self.front, site, seq, bytes.fromhex(chain) or None, True, 200)
        except RequestTimeout:
            self.stop.wait(0.02)
        except ModqError as error:
            if error.name == "diverged":
                facts.append(Diverged(seq))
                self.put({name: place for name, place in self.places().items() if name != site})
            elif error.class_ != "retry":
                self.history.refused.append(Refused("stream", str(error)))
            self.stop.wait(0.05)

    def step(self):
        if self.restarts and time.monotonic() >= self.next_restart:
            for site in list(self.streams):
                self.streams.pop(site).close()
            self.next_restart = self.restart_at()
        for site in self.load.plan.sites:
            if site not in self.streams:
                self.open(site)
            else:
                self.receive(site)

    def receive(self, site):
        """One batch; a restart may come before its place is recorded."""
        last, lost = None, False
        for _ in range(self.random.randint(1, 40)):
            try:
                record = self.streams[site].next_record(timeout=0.01)
            except StreamLost:
                lost = True
                break
            if record is None:
                break
            self.history.listened[self.name, site].append(Got(record))
            last = record
        if last and self.restarts and time.monotonic() >= self.next_restart:
            return
        if last:
            self.save(site, last["seq"], last["chain"].hex())
        if lost:
            self.streams.pop(site).close()


class Subscriber(Client):
    """Hears what is published on the decisions socket."""

    def __init__(self, load, name):
        super().__init__(load, name, load.listeners_stop)
        self.sockets = [Decisions(load.endpoint("decisions"), site) for site in load.plan.sites]
        self.poller = zmq.Poller()
        for decisions in self.sockets:
            self.poller.register(decisions.socket, zmq.POLLIN)

    def step(self):
        if not self.poller.poll(50):
            return
        for decisions in self.sockets:
            while heard := decisions.receive(0):
                if heard[1]["op"] == "record":
                    self.history.live[self.name].append(heard[1]["record"])

    def close(self):
        for decisions in self.sockets:
            decisions.close()


# The run


class Killer:
    """Kills the daemon at random moments and starts it again at once."""

    def __init__(self, plan, victim, outcome):
        self.plan, self.victim, self.outcome = plan, victim, outcome
        self.random = random.Random(f"{plan.seed} killer")

    def run(self):
        for number in range(self.plan.kills):
            early = number == 0 or self.random.random() < self.plan.early
            time.sleep(self.random.uniform(0, 0.08) if early else self.random.uniform(*self.plan.pause_s))
            self.kill()
        self.wait_until_up()

    def kill(self):
        if self.victim.alive():
            self.victim.kill()
            self.outcome.figures["kills"] += 1
        else:
            self.outcome.troubles.append(f"the daemon ended by itself:\n{self.victim.log()[-3000:]}")
        self.victim.spawn()

    def wait_until_up(self):
        with Front(self.victim.endpoint("front"), timeout_s=1, attempts=daemons.PATIENCE_S) as front:
            front.hello()


class Audit:
    """What an ordinary client reads when everything is over."""

    def __init__(self, victim, history):
        self.history = history
        self.front = victim.front(timeout_s=AUDIT_TIMEOUT_S)
        self.desk = victim.desk("auditor", timeout_s=AUDIT_TIMEOUT_S)

    def run(self, sites):
        keys = sorted({(fact.site, fact.comment) for fact in [*self.history.submitted, *self.history.withdrawn]})
        for site in sites:
            self.statuses(site, [comment for key_site, comment in keys if key_site == site])
            self.history.logs[site] = list(Witness(self.front, site, 0, None, False, 1000))
        self.events(keys)

    def statuses(self, site, comments):
        for start in range(0, len(comments), 250):
            for result in self.front.status(site, comments[start:start + 250]):
                self.history.statuses[site, result["comment"]] = result

    def events(self, keys):
        """Many requests under way at once; those that do not fit on one page are read on one by one."""
        for start in range(0, len(keys), WINDOW):
            asked = [(key, self.desk.send("history", site=key[0], comment=key[1], limit=500))
                     for key in keys[start:start + WINDOW]]
            for key, request_id in asked:
                try:
                    self.history.events[key] = self.all_pages(key, self.desk.collect(request_id))
                except ModqError as error:
                    if error.name != "not_found":
                        raise

    def all_pages(self, key, page):
        events = page["events"]
        while page["next"] is not None:
            page = self.desk.history(*key, limit=500, before=page["next"])
            events += page["events"]
        return events[::-1]


def clients_of(load):
    plan = load.plan
    return ([Submitter(load, number) for number in range(1, plan.submitters + 1)]
            + [Moderator(load, number) for number in range(1, plan.moderators + 1)])


def listeners_of(load):
    return [Listener(load, "listener"), Listener(load, "restarted", restarts=True), Subscriber(load, "subscriber")]


def join(threads, outcome, patience=30):
    deadline = time.monotonic() + patience
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
        if thread.is_alive():
            outcome.troubles.append(f"{thread.name} does not end")


def caught_up(load, listeners):
    """Have the listeners recorded everything?"""
    with Front(load.endpoint("front"), timeout_s=5) as front:
        newest = {}
        for site in load.plan.sites:
            stream = Witness(front, site, 0, None, False, 1)
            newest[site] = stream.newest
            stream.close()
    return all(listener.places().get(site, (0,))[0] >= newest[site]
               for listener in listeners if isinstance(listener, Listener) for site in newest)


def wait_for_listeners(load, listeners):
    """In vain when something is wrong; the checker then says that they are behind."""
    deadline = time.monotonic() + load.plan.catch_up_s
    while time.monotonic() < deadline and not caught_up(load, listeners):
        time.sleep(0.2)


def check_file(victim, outcome):
    """What SQLite itself says of the stopped database."""
    path = os.path.join(victim.dir, "modqd.db")
    database = sqlite3.connect(path)
    try:
        said = database.execute("PRAGMA integrity_check").fetchall()
        wrong = database.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        database.close()
    if said != [("ok",)] or wrong:
        outcome.troubles.append(f"the database is not whole: {said[:10]} {wrong[:10]}")


def count(load, listeners, outcome):
    history, figures = outcome.history, outcome.figures
    figures["comments acknowledged"] = len({(f.site, f.comment, f.revision) for f in history.submitted
                                            if f.status in checker.STORED})
    figures["decisions acknowledged"] = len({(f.operation, f.site, f.comment) for f in history.decided
                                             if f.status in checker.DECIDED})
    figures["undone"] = len({(f.site, f.seq) for f in history.undone if f.status == "undone"})
    figures["withdrawn"] = len({(f.site, f.comment) for f in history.withdrawn if f.status})
    figures["records"] = sum(map(len, history.logs.values()))
    figures["heard live"] = sum(map(len, history.live.values()))
    figures["streamed"] = sum(isinstance(fact, Got) for facts in history.listened.values() for fact in facts)
    figures["streams opened"] = sum(listener.reopened for listener in listeners if isinstance(listener, Listener))
    figures["requests repeated"] = sum(load.repeats.values())


def run(plan):
    """The whole of it. Violations and troubles are in the outcome; nothing is raised for them."""
    outcome = Outcome(plan)
    with Victim(plan) as victim:
        load = Load(plan, victim, outcome)
        clients, listeners = clients_of(load), listeners_of(load)
        for thread in clients + listeners:
            thread.start()
        try:
            Killer(plan, victim, outcome).run()
            time.sleep(plan.settle_s)
        finally:
            load.stop.set()
            join(clients, outcome)
        victim.restart()
        wait_for_listeners(load, listeners)
        load.listeners_stop.set()
        join(listeners, outcome)
        Audit(victim, outcome.history).run(plan.sites)
        victim.stop()
        check_file(victim, outcome)
    count(load, listeners, outcome)
    outcome.violations = checker.check(outcome.history)
    return outcome
