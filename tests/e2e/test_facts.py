"""Facts and figures equal the log: a story is played at random, told anew from the histories of its comments by a
simulation that goes forward, and compared with `facts` and with `modq stats --json`."""
# time-limit: 180
import collections
import contextlib
import json
import random
import statistics
import time

import tap
from cases import Case, event, fresh, now_ms
from modq import ModqError

NO, AT, KIND, SITE, ACTOR, ARTICLE, LANGUAGE, WAITED, HANDLED, CAUSE, REASONS, OTHER, PENDING = range(13)
FACTS = {"submitted", "approved", "rejected", "reopened", "withdrawn", "erased", "escalated", "reported", "skipped",
         "second_look"}
DECISIONS = ("approved", "rejected")
HOUR_MS = 3_600_000
STEPS = 260


def pages(desk, limit=None, **more):
    """All facts, with names of sites instead of their places; and the last page."""
    facts, after = [], 0
    while True:
        page = desk.facts(after=after, limit=limit, **more)
        assert limit is None or len(page["facts"]) <= limit
        facts += [[*fact[:SITE], page["sites"][fact[SITE]], *fact[SITE + 1:]] for fact in page["facts"]]
        if page["next"] is None:
            return facts, page
        assert page["next"] > after or not page["facts"], page["next"]
        after = page["next"]


class Teller:
    """Tells facts from histories, event by event."""

    def __init__(self, articles):
        self.articles = articles                     # of (site, comment, revision)
        self.comments = collections.defaultdict(lambda: {"state": "none", "since": None, "claim": None, "revision": 0,
                                                         "decision": None, "erased": False})
        self.acted = {}                              # when each moderator decided last
        self.facts = []

    def take(self, site, comment, told, erased):
        one = self.comments[site, comment]
        kind, cause = told["kind"], told["cause"]
        before, decision = one["state"], one["decision"]
        fact = [told["no"], told["at"], kind, site, told["actor"], None, None, None, None, cause,
                told["reasons"], None, 0]
        if not erased:
            fact[ARTICLE], fact[LANGUAGE] = self.articles.get((site, comment, told["revision"]), (None, None))
        if kind == "submitted":
            self.submitted(one, told, fact)
        elif kind == "claimed":
            one["claim"] = (told["actor"], told["at"])
        elif kind in ("released", "lease_expired", "escalated", "skipped"):
            one["claim"] = None
        elif kind in DECISIONS or kind in ("reopened", "withdrawn", "erased"):
            self.record(one, told, fact)
        if kind in (*DECISIONS, "reopened") and before in DECISIONS:
            fact[OTHER] = decision
        if kind in DECISIONS:
            self.acted[told["actor"]] = told["at"]
        if kind in FACTS:
            self.facts.append(fact)

    def submitted(self, one, told, fact):
        if told["revision"] <= one["revision"]:
            return
        fact[PENDING] = int(one["state"] == "none")
        one["revision"], one["claim"] = told["revision"], None
        if one["state"] in ("none", "pending"):
            one["state"], one["since"] = "pending", told["at"]

    def record(self, one, told, fact):
        kind, at, actor = told["kind"], told["at"], told["actor"]
        fact[PENDING] = (kind == "reopened") - (one["state"] == "pending")
        if kind in DECISIONS and told["cause"] == "moderator":
            if one["state"] == "pending":
                fact[WAITED] = at - one["since"]
            if one["claim"] and one["claim"][0] == actor:
                fact[HANDLED] = at - max(one["claim"][1], self.acted.get(actor, 0))
        one["claim"] = None
        one["decision"] = {"first_no": told["no"], "first_decision": kind, "first_by": actor,
                           "first_reasons": told["reasons"]} if kind in DECISIONS else None
        one["state"] = "pending" if kind == "reopened" else kind
        if kind == "reopened":
            one["since"] = at


def spread(values):
    """By the definition of clients/cli/figures.h, another way."""
    values = sorted(values)
    if not values:
        return {"count": 0, "median_ms": None, "p90_ms": None}
    p90 = next(value for i, value in enumerate(values, 1) if i * 10 >= len(values) * 9)
    return {"count": len(values), "median_ms": int(statistics.median(values)), "p90_ms": p90}


def is_decision(fact):
    return fact[KIND] in DECISIONS and fact[CAUSE] == "moderator"


def overturned(facts):
    """Numbers of the decisions that another replaced or undid."""
    decisions = {fact[NO]: fact[ACTOR] for fact in facts if is_decision(fact)}
    return {fact[OTHER]["first_no"] for fact in facts
            if fact[OTHER] and (is_decision(fact) or fact[CAUSE] == "undo")
            and decisions.get(fact[OTHER]["first_no"], fact[ACTOR]) != fact[ACTOR]}


def counts(facts, lost):
    decided = [fact for fact in facts if is_decision(fact)]
    kinds = collections.Counter(fact[KIND] for fact in facts)
    return {"arrivals": kinds["submitted"], "decisions": len(decided),
            "approved": sum(fact[KIND] == "approved" for fact in decided),
            "rejected": sum(fact[KIND] == "rejected" for fact in decided),
            "overturned": sum(fact[NO] in lost for fact in decided),
            "undone": sum(fact[CAUSE] == "undo" for fact in facts),
            **{kind: kinds[kind] for kind in ("reopened", "withdrawn", "erased", "escalated", "reported", "skipped")},
            "second_looks": kinds["second_look"],
            "hours_at_work": len({fact[AT] // HOUR_MS for fact in decided}),
            "waited": spread([fact[WAITED] for fact in decided if fact[WAITED] is not None]),
            "handled": spread([fact[HANDLED] for fact in decided if fact[HANDLED] is not None])}


class Story(Case):
    """Three moderators, two sites, and whatever comes to their minds."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.random = random.Random(20261123)
        cls.sites = [fresh("site-"), fresh("site-")]
        cls.people = [cls.daemon.desk(name) for name in ("ann", "bob", "cem")]
        cls.known, cls.decided, cls.articles = {}, [], {}
        cls.start = now_ms()
        for step in range(STEPS):
            cls.random.choice(cls.acts())()
            if step % 65 == 64:
                time.sleep(1.1)                    # leases of a second end
        cls.told = cls.tell()

    @classmethod
    def acts(cls):
        return [cls.arrive] * 5 + [cls.claim] * 4 + [cls.decide] * 8 + [cls.decide_again] * 2 + [
            cls.take_back, cls.take_back, cls.revise, cls.revise_late, cls.renew, cls.release, cls.withdraw, cls.erase,
            cls.escalate, cls.report, cls.report]

    @classmethod
    def some(cls, count=1):
        keys = cls.random.choices(list(cls.known), k=count) if cls.known else []
        return [{"site": site, "comment": comment} for site, comment in keys]

    @classmethod
    def send(cls, site, comment, revision):
        article, language = cls.random.choice([(None, None), ("a1", "ckb"), ("a2", None), ("a3", "ku-Latn")])
        result, = cls.front.submit([event(site, comment, f"text {revision}", revision=revision,
                                          article=article and {"id": article}, language=language)])
        if result["status"] == "accepted":
            cls.articles[site, comment, revision] = article, language
            cls.known[site, comment] = max(revision, cls.known.get((site, comment), 0))

    @classmethod
    def arrive(cls):
        for _ in range(cls.random.randrange(1, 4)):
            cls.send(cls.random.choice(cls.sites), fresh(), cls.random.choice([1, 1, 1, 5]))

    @classmethod
    def revise(cls):
        for item in cls.some():
            cls.send(item["site"], item["comment"], cls.known[item["site"], item["comment"]] + 1)

    @classmethod
    def revise_late(cls):
        for item in cls.some():
            cls.send(item["site"], item["comment"], 3)

    @classmethod
    def claim(cls):
        cls.random.choice(cls.people).claim(limit=cls.random.randrange(1, 4), lease_ms=cls.random.choice([1000, 300000]))

    @classmethod
    def renew(cls):
        cls.random.choice(cls.people).renew(lease_ms=300000)

    @classmethod
    def release(cls):
        cls.random.choice(cls.people).release()

    @classmethod
    def judge(cls, desk, items, **more):
        if not items:
            return
        if cls.random.random() < 0.6:
            results = desk.approve(items, **more)
        else:
            results = desk.reject(items, cls.random.sample(cls.reasons[:4], cls.random.randrange(1, 3)), **more)
        cls.decided += [(result["site"], result["seq"]) for result in results if result["status"] in DECISIONS]

    @classmethod
    def decide(cls):
        desk = cls.random.choice(cls.people)
        held = desk.claim(limit=2)["comments"] if cls.random.random() < 0.5 else cls.some(2)
        time.sleep(cls.random.choice([0, 0.002, 0.01]))
        cls.judge(desk, [{"site": one["site"], "comment": one["comment"]} for one in held])

    @classmethod
    def decide_again(cls):
        cls.judge(cls.random.choice(cls.people), cls.some(), supersede=True)

    @classmethod
    def take_back(cls):
        for site, seq in cls.decided[-3:]:
            cls.random.choice(cls.people).undo([{"site": site, "seq": seq}])

    @classmethod
    def withdraw(cls):
        for item in cls.some() if cls.random.random() < 0.8 else [{"site": cls.sites[0], "comment": fresh()}]:
            with contextlib.suppress(ModqError):           # erased
                cls.front.withdraw(**item)
            cls.known.setdefault((item["site"], item["comment"]), 0)

    @classmethod
    def erase(cls):
        for item in cls.some():
            cls.ann.erase([item])

    @classmethod
    def escalate(cls):
        for item in cls.some():
            cls.random.choice(cls.people).escalate([item])

    @classmethod
    def report(cls):
        for item in cls.some():
            if cls.status_of(cls, item).get("state") in ("approved", "pending", "rejected"):
                for _ in range(cls.random.choice([1, max(1, cls.threshold)])):
                    cls.front.report(item["site"], item["comment"], fresh("reader-"), reason=cls.reasons[0])

    @classmethod
    def tell(cls):
        """The facts, told from histories."""
        events, erased = [], set()
        for site, comment in cls.known:
            before = None
            while True:
                page = cls.ann.history(site, comment, limit=500, before=before)
                events += [(told["no"], site, comment, told) for told in page["events"]]
                before = page["next"]
                if before is None:
                    break
            if cls.ann.show(site, comment)["card"]["state"] == "erased":
                erased.add((site, comment))
        teller = Teller(cls.articles)
        for _, site, comment, told in sorted(events, key=lambda event: event[0]):
            teller.take(site, comment, told, (site, comment) in erased)
        return teller.facts

    def test_the_story_has_all_that_a_fact_can_say(self):
        kinds = collections.Counter(fact[KIND] for fact in self.told)
        self.assertGreaterEqual(set(kinds), FACTS - {"skipped", "second_look"}, kinds)
        self.assertGreater(sum(fact[HANDLED] is not None for fact in self.told), 20)
        self.assertGreater(sum(bool(fact[OTHER]) for fact in self.told), 10)
        self.assertGreater(len(overturned(self.told)), 3)
        self.assertGreater(sum(fact[CAUSE] == "new_revision" for fact in self.told), 0)

    def test_facts_equal_the_histories(self):
        facts, page = pages(self.ann)
        self.assertEqual([fact[NO] for fact in facts], [fact[NO] for fact in self.told])
        for fact, told in zip(facts, self.told):
            self.assertEqual(fact, told)
        pending = {site["site"]: site["pending"] for site in self.ann.stats()["sites"]}
        self.assertEqual(dict(zip(page["sites"], page["pending"])), pending)
        for site in self.sites:
            self.assertEqual(sum(fact[PENDING] for fact in facts if fact[SITE] == site), pending[site])

    def test_pages_of_any_size_are_the_same_facts(self):
        for limit in (1, 7, 256, 257):
            self.assertEqual(pages(self.ann, limit)[0], self.told)

    def test_a_span_and_a_site_are_a_part_of_the_same(self):
        middle = self.told[len(self.told) // 2][AT]
        late = self.told[-20][AT]
        for since, until, site in ((middle, None, None), (None, middle, None), (middle, late, self.sites[0]),
                                   (None, None, self.sites[1]), (late + 10 ** 9, None, None), (None, 0, None)):
            wanted = [fact for fact in self.told if fact[AT] >= (since or 0)
                      and (until is None or fact[AT] < until) and site in (None, fact[SITE])]
            for limit in (None, 9):
                self.assertEqual(pages(self.ann, limit, since=since, until=until, site=site)[0], wanted)
        self.assertEqual(self.ann.facts(site="nowhere")["facts"], [])

    def test_going_on_after_a_number_is_the_rest(self):
        number = self.told[30][NO]
        self.assertEqual([fact[NO] for fact in self.ann.facts(after=number)["facts"]],
                         [fact[NO] for fact in self.told if fact[NO] > number])

    # modq stats

    def window(self, *arguments):
        done = self.daemon.run_modq("stats", "--json", "--since", "1h", *arguments, environment={"TZ": "Asia/Kolkata"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["window"]

    def assert_counts(self, row, facts):
        wanted = counts(facts, overturned(self.told))
        self.assertEqual({key: row[key] for key in wanted}, wanted)

    def test_figures_of_all_and_of_each_group_equal_the_log(self):
        window = self.window()
        groups = {"site": lambda fact: [fact[SITE]],
                  "moderator": lambda fact: [fact[ACTOR]] if fact[ACTOR] not in ("front", "push", "modqd") else [],
                  "article": lambda fact: [f"{fact[SITE]}/{fact[ARTICLE]}"] if fact[ARTICLE] else [],
                  "reason": lambda fact: fact[REASONS] if is_decision(fact) else []}
        self.assert_counts(window["all"], self.told)
        for by, names in groups.items():
            grouped = collections.defaultdict(list)
            for fact in self.told:
                for name in names(fact):
                    grouped[name].append(fact)
            self.assertEqual({row["name"] for row in window["by"][by]}, set(grouped), by)
            for row in window["by"][by]:
                self.assert_counts(row, grouped[row["name"]])
            busy = [row["decisions"] + row["arrivals"] for row in window["by"][by]]
            self.assertEqual(busy, sorted(busy, reverse=True), by)

    def test_figures_of_hours_and_days_equal_the_log(self):
        window = self.window()
        for by in ("hour", "day"):
            rows = window["by"][by]
            self.assertEqual((rows[0]["from"], rows[-1]["to"]), (window["since"], window["until"]))
            for row, following in zip(rows, rows[1:]):
                self.assertEqual(row["to"], following["from"])
                self.assertEqual(row["to"] % HOUR_MS, HOUR_MS // 2)          # in India
            for row in rows:
                self.assert_counts(row, [fact for fact in self.told if row["from"] <= fact[AT] < row["to"]])
                self.assertEqual(row["pending"], sum(fact[PENDING] for fact in self.told if fact[AT] < row["to"]))
        self.assertEqual(window["all"]["pending"], sum(fact[PENDING] for fact in self.told))

    def test_a_span_and_a_site_have_figures_of_their_own(self):
        site = self.sites[0]
        middle = self.told[len(self.told) // 2][AT]
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle // 1000)) + f".{middle % 1000:03}Z"
        window = self.window("--until", stamp, "--site", site)
        facts = [fact for fact in self.told if fact[SITE] == site and fact[AT] < middle]
        wanted = counts(facts, overturned(facts))
        self.assertEqual({key: window["all"][key] for key in wanted}, wanted)
        self.assertEqual(window["all"]["pending"], sum(fact[PENDING] for fact in facts))

    def test_one_group_alone(self):
        self.assertEqual(list(self.window("--by", "reason")["by"]), ["reason"])
        done = self.daemon.run_modq("stats", "--by", "moderater")
        self.assertEqual(done.returncode, 2)
        self.assertIn('did you mean "moderator"?', done.stderr)

    def test_what_people_see_has_the_same_numbers(self):
        window = self.window()
        done = self.daemon.run_modq("stats", "--since", "1h", environment={"LC_ALL": "C.UTF-8"})
        self.assertIn(f"decided     {window['all']['decisions']}, ", done.stdout)
        self.assertIn("\u2588", done.stdout)
        plain = self.daemon.run_modq("stats", "--since", "1h", environment={"LC_ALL": "C"})
        self.assertTrue(plain.stdout.isascii())
        self.assertIn("####", plain.stdout)
        for row in window["by"]["moderator"]:
            self.assertRegex(done.stdout, rf"(?m)^{row['name']} +{row['approved']} +{row['rejected']} +{row['overturned']} ")

    def test_wrong_spans_are_told(self):
        for arguments, word in ((("--since", "yesterday"), "--since"), (("--week", "--month"), "only one"),
                                (("--since", "1h", "--until", "2h"), "not before")):
            done = self.daemon.run_modq("stats", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(word, done.stderr)


class Sight(Case):
    """Who sees one site learns nothing of another one, nor of a moderator's pace there."""

    tcp = ("desk",)

    def test_facts_of_other_sites_are_not_told(self):
        own, other = fresh("site-"), fresh("site-")
        first, second = self.pending(site=own), self.pending(site=other)
        mod = self.daemon.desk(key=self.daemon.add_key("mod", "moderator", sites=[own]))
        key = self.daemon.add_key("eve", "moderator", sites=[own, other])
        eve = self.daemon.desk(key=key)
        eve.claim(comments=[first, second])
        time.sleep(0.03)
        eve.approve([second])
        time.sleep(0.03)
        eve.approve([first])
        seen, page = pages(mod)
        self.assertEqual((page["sites"], page["pending"]), ([own], [0]))
        self.assertEqual([(fact[KIND], fact[SITE]) for fact in seen], [("submitted", own), ("approved", own)])
        mine = [fact for fact in pages(eve)[0] if fact[SITE] == own and fact[KIND] == "approved"][0]
        self.assertGreaterEqual(seen[-1][HANDLED], mine[HANDLED] + 30)
        self.assert_fails("denied", mod.facts, site=other)
        held = [fact[HANDLED] for fact in pages(eve, site=own)[0] if fact[KIND] == "approved"]
        self.assertEqual(held, [mine[HANDLED]])        # a filter changes no figure


if __name__ == "__main__":
    tap.main()
