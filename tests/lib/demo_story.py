"""The short demo: a newspaper's article, its readers, two moderators and the page."""
import collections
import json
import os
import time

from cases import sha256
from daemon import MODQ, Daemon
from demo_screen import Terminal, heading, prose, put, shade, wrapped
from modq import Desk, Front

SITE = "news"
ARTICLE = {"id": "tram", "title": "A tram to the university from 2028", "url": "https://news.example/tram",
           "language": "en"}

# id, language, author, parent, text
COMMENTS = [
    ("c1", "en", "Mara", None, "At last! My bus to the university takes fifty minutes. When does the first tram run?"),
    ("c2", "ckb", "Şilan", None, "هەواڵێکی خۆشە. ئایا هێڵەکە تا بازاڕیش دەڕوات؟"),
    ("c3", "kmr", "Rojda", None, "Nûçeyeke xweş e. Gelo bilêt dê çiqas be?"),
    ("c4", "ar", "سلمى", None, "خبر رائع، لكن أين سيوقف الناس سياراتهم أثناء الأشغال؟"),
    ("c5", "tr", "Deniz", None, "Güzel haber. Duraklar tekerlekli sandalyeye uygun olacak mı?"),
    ("c6", "en", "Rob", "c1", "You are an idiot if you believe that it will be ready in two years."),
    ("c7", "en", "best_deals", None, "CHEAP WATCHES!!! Best prices, today only: watches.example"),
    ("c8", "en", "Jo", None, "Does anybody know a good dentist in town?"),
    ("c9", "tr", "saatci", None, "Ucuz saat almak isteyenler sitemize baksın: saat.example"),
    ("c10", "ckb", "دلێر", "c2", "تۆ گەمژەیت، هیچ لەم شارە تێناگەیت."),
    ("c11", "kmr", "Baran", None, "Kî dizane telefonên erzan li ku derê tên firotin?"),
    ("c12", "ar", "كريم", None, "هل يعرف أحد نتيجة مباراة الأمس؟"),
    ("c13", "en", "Ada", "c1", "The mayor said 2028. I would rather have a bicycle path now."),
    ("c14", "en", "Tom", None, "The plan shows no trees on Oak Street any more. What a stupid plan! Keep the trees."),
    ("c15", "tr", "Ece", "c5", "Gece seferleri de olursa çok iyi olur."),
    ("c16", "ckb", "هێمن", "c2", "تکایە وێستگەیەک لە نزیک نەخۆشخانەکە دابنێن."),
    ("c17", "en", "Lea", None, "Call me about the flat in Mill Lane: 0123 456. Oh no, this was meant for somebody else!"),
    ("c18", "kmr", "Zîn", "c3", "Ez hêvî dikim ku ji bo xwendekaran erzan be."),
]
BODIES = {comment: body for comment, _, _, _, body in COMMENTS}
LANGUAGES = {comment: language for comment, language, *_ in COMMENTS}
LANGUAGE_NAMES = {"en": "English", "ckb": "Sorani", "kmr": "Kurmanji", "ar": "Arabic", "tr": "Turkish"}


class Page:
    """The front end: follows the log and knows what the page shows. It learns of decisions in no other way."""

    def __init__(self, endpoint):
        self.front = Front(endpoint)
        self.stream = self.front.stream(SITE)
        self.records, self.current = [], {}
        self.sentences = {}

    def follow(self, wanted):
        """Takes in what has come, and waits a moment for what must still come."""
        deadline = time.monotonic() + 5
        while len(self.records) < wanted and time.monotonic() < deadline:
            record = self.stream.next_record(0.2)
            if record:
                self.records.append(record)
                self.current[record["comment"]] = record

    def show(self):
        """What a reader sees, and what authors are told."""
        policy = self.front.policy(SITE)
        self.sentences = {reason["code"]: reason["sentence"] for reason in policy["reasons"]}
        put(shade("bold", f"  {ARTICLE['title']}"))
        for comment, language, author, parent, body in COMMENTS:
            if parent is None and self.shown(comment):
                self.entry("  ", author, body)
                for reply, _, name, above, text in COMMENTS:
                    if above == comment and self.shown(reply):
                        self.entry("      ", name, text)
        self.tell_authors()

    def shown(self, comment):
        """Approved, and the very text that was approved."""
        record = self.current.get(comment, {})
        return record.get("decision") == "approved" and record["body_sha256"] == sha256(BODIES[comment])

    def entry(self, indent, author, body):
        wrapped(body, indent + "  ", f"{indent}{author}: ", "green")

    def tell_authors(self):
        put()
        put("  To those whose comments are not on it, in their own languages:")
        for comment, language, author, _, _ in COMMENTS:
            record = self.current.get(comment, {})
            if record.get("decision") == "rejected":
                code = record["reasons"][0]
                put()
                put(f"  {shade('yellow', author)}  ({comment}, {LANGUAGE_NAMES[language]}, {code})")
                wrapped(self.sentences[code].get(language, self.sentences[code]["en"]), "    ")

    def close(self):
        self.stream.close()
        self.front.close()


class Story:
    def __init__(self, daemon):
        self.daemon = daemon
        self.web = Terminal("web server", MODQ, daemon.dir)
        self.azad = Terminal("azad", MODQ, daemon.dir, MODQ_AS="azad")
        self.nour = Terminal("nour", MODQ, daemon.dir, MODQ_AS="nour")
        self.page = Page(daemon.endpoint("front"))
        self.differs = []

    def name(self, *numbers):
        return [f"{SITE}/c{number}" for number in numbers]

    def do(self, terminal, *arguments, **options):
        if not terminal.run(*arguments, **options):
            self.differs.append(f"modq {' '.join(arguments)} did not end as expected")

    def play(self):
        self.introduce()
        self.hand_in()
        self.moderate()
        self.meet()
        self.think_again()
        self.look()
        return self.count()

    def introduce(self):
        put(shade("bold", "modqd: comments are read by people before everybody reads them"))
        put()
        prose("A daemon keeps what readers write until a moderator has decided, and tells every web page the decision. "
              "One runs now. These speak to it:")
        put()
        put("  web server     hands in what readers write under an article")
        put("  azad, nour     two moderators, each in a terminal")
        put("  front end      a Python program: follows the decisions, shows the page")
        put()
        put(shade("cyan", "$ ") + shade("bold", f"modqd --dir {self.daemon.dir}"))

    def hand_in(self):
        heading(f"1  Readers write under “{ARTICLE['title']}”")
        path = os.path.join(self.daemon.dir, "comments.jsonl")
        with open(path, "w") as file:
            for comment, language, author, parent, body in COMMENTS:
                line = {"site": SITE, "id": comment, "lang": language, "body": body, "article": ARTICLE,
                        "author": {"name": author}, "parent": parent}
                file.write(json.dumps({k: v for k, v in line.items() if v is not None}, ensure_ascii=False) + "\n")
        with open(path) as file:
            wrapped(file.readline().strip(), "  ", "comments.jsonl has a JSON object a line: ")
        self.do(self.web, "submit", "comments.jsonl", about="Each comment is on disk before it is acknowledged.")
        self.do(self.web, "submit", "comments.jsonl",
                about="An answer was lost? Then the web server sends the same again; nothing is stored twice.")

    def moderate(self):
        heading("2  A moderator reads, approves and rejects")
        self.do(self.azad, "claim", "--site", SITE, "--limit", "9",
                about="Claimed comments are shown to nobody else until they are decided, or five minutes are over.")
        self.do(self.azad, "show", *self.name(6))
        self.do(self.azad, "approve", *self.name(1, 2, 3, 4, 5))
        self.do(self.azad, "reject", "--reason", "personal_attack", *self.name(6))
        self.do(self.azad, "reject", "--reason", "promotion.commercial", *self.name(7, 9))
        self.do(self.azad, "reject", "--reason", "off_topic", *self.name(8))

    def meet(self):
        heading("3  A second moderator is never in the way")
        self.do(self.nour, "claim", "--site", SITE, "--limit", "20")
        self.do(self.nour, "approve", *self.name(6), expect=1,
                about="Two at the same comment: who comes second is told who decided, what and when.")
        self.do(self.nour, "reject", "--reason", "personal_attack", *self.name(10, 14))
        self.do(self.nour, "reject", "--reason", "off_topic", *self.name(11, 12))
        self.do(self.nour, "approve", *self.name(13, 15, 16, 17, 18))

    def think_again(self):
        heading("4  Decisions are taken back, and authors take comments back")
        self.do(self.nour, "undo", *self.name(14), about="A plan may be called stupid: nobody is attacked.")
        self.do(self.nour, "approve", *self.name(14))
        self.do(self.web, "withdraw", *self.name(17), about="Lea does not want her number on the page.")
        self.do(self.nour, "history", *self.name(14))

    def look(self):
        heading("5  What every listener is told: each decision, numbered, without gaps")
        self.do(self.web, "follow", "--site", SITE, "--no-wait")
        with Desk(self.daemon.endpoint("desk"), as_="demo") as desk:
            self.newest = [site["newest"] for site in desk.stats()["sites"] if site["site"] == SITE][0]
        self.page.follow(self.newest)
        heading("6  What the front end makes of it: the page")
        self.page.show()

    # The end

    def count(self):
        """What each party saw; nothing is assumed."""
        heading("7  Do all agree?  (asked from each: daemon, its log, front end)")
        page = self.page
        replayed = page.front.replay(SITE)
        stored = page.front.status(SITE, list(BODIES))
        states = collections.Counter(result.get("state", "not found") for result in stored)
        received = collections.Counter(record["decision"] for record in page.current.values())
        hashes = [record["body_sha256"] == sha256(BODIES[record["comment"]]) for record in page.records]
        put(f"  handed in        {sum(states.values()) - states['not found']} comments of {len(COMMENTS)}")
        put(f"  decided          {self.said(states)}")
        put(f"  front end knows  {self.said(received)}")
        put(f"  its records      {len(page.records)}, numbers {self.numbers(page.records)}; the log has {self.newest}")
        put(f"  SHA-256          {sum(hashes)} of {len(hashes)} records are about the very text handed in")
        self.check("comments in the daemon", sum(states.values()) - states["not found"], len(COMMENTS))
        self.check("comments still pending", states["pending"], 0)
        self.check("states and the front end's", dict(states), dict(received))
        self.check("each comment's state", {r["comment"]: r["state"] for r in stored if "state" in r},
                   {comment: record["decision"] for comment, record in page.current.items()})
        self.check("numbers received", [record["seq"] for record in page.records], list(range(1, self.newest + 1)))
        self.check("what was followed and what is replayed", page.records, replayed)
        self.check("equal hashes", sum(hashes), self.newest)
        page.close()
        put()
        for line in self.differs:
            put(shade("red", f"  differs: {line}"))
        put(shade("green", "all counts agree") if not self.differs else shade("red", "the counts do not agree"))
        return 1 if self.differs else 0

    def said(self, counts):
        return f"{sum(counts.values())}: " + ", ".join(f"{counts[state]} {state}" for state in sorted(counts))

    def numbers(self, records):
        numbers = [record["seq"] for record in records]
        return f"1 to {len(numbers)}" if numbers == list(range(1, len(numbers) + 1)) else str(numbers)

    def check(self, what, seen, wanted):
        if seen != wanted:
            self.differs.append(f"{what}: {seen} and {wanted}")


def play():
    with Daemon() as daemon:
        code = Story(daemon).play()
        daemon.stop()
    return code
