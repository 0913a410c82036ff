"""What the screenshots show: a newspaper's comments, all of them invented, and what was known of them before."""
import contextlib
import os
import time

from daemon import ROOT, Daemon

QUEUE = """
queue {
    order = "urgency"
    target_minutes = 60
    report_minutes = 20
    front_page_minutes = 10
    watched_minutes = 15
}
second_look = 0
"""
EN = {"id": "tram", "title": "A tram to the university from 2028: council votes tonight", "language": "en"}
CKB = {"id": "traman", "title": "لە ساڵی ٢٠٢٨ەوە شەمەندەفەری شار دەگاتە زانکۆ", "language": "ckb"}
AR = {"id": "tram-ar", "title": "قطار المدينة يصل إلى الجامعة عام 2028", "language": "ar"}
MARA, ROB = {"id": "u-mara", "name": "Mara Lindqvist"}, {"id": "u-rob", "name": "Rob from Mill Lane"}
DILER, SAZAN = {"id": "u-diler", "name": "دلێر عومەر"}, {"id": "u-sazan", "name": "سازان کەریم"}
LONG = """I lived in a city with trams for twelve years, and I would like to answer the three points that come up here again and again.

First, the noise: a modern tram on grass is quieter than the buses that we have now. Second, the trees in Oak Street: the plan of March keeps \
them, the one of January did not. Page 14 shows it. 🌳

Third, the money. 70% comes from the state, and only if we decide this year. Whoever wants to wait should say where the other 70% will come from."""
RUDE = "You have obviously never read a plan in your life, you clown. Go back to your bicycle and leave the thinking to others."


def event(site, comment, article, author, language, body, **more):
    return {"site": site, "comment": comment, "article": article, "author": author, "language": language, "body": body, **more}


def person(name):
    return {"id": f"u-{name}", "name": name}


DECIDED = [
    event("gazette", "1001", EN, MARA, "en", "At last! My bus to the university takes fifty minutes. When does the first tram run?"),
    event("gazette", "1002", EN, MARA, "en", "Thank you for the map, that was what I had been looking for."),
    event("gazette", "1003", EN, ROB, "en", "Will there be stops on Mill Lane, too?"),
    event("gazette", "1004", EN, ROB, "en", "Only a clown can want this."),
    event("rojname", "2001", CKB, SAZAN, "ckb", "هەواڵێکی خۆشە. ئایا هێڵەکە تا بازاڕیش دەڕوات؟"),
    event("rojname", "2002", CKB, DILER, "ckb", "سوپاس بۆ ئەم بابەتە، زۆر بە سوود بوو."),
    event("rojname", "2003", CKB, DILER, "ckb", "ئەمە قسەی گەمژانەیە."),
]
REJECTED = {"1004": ["personal_attack"], "2003": ["personal_attack"]}
WAITING = [
    event("gazette", "1017", EN, ROB, "en", RUDE.replace("you clown", "my friend"), parent="1001"),
    event("gazette", "1018", EN, person("Ada"), "en", LONG, parent="1003"),
    event("gazette", "1019", EN, person("best_deals"), "en", "CHEAP WATCHES!!! Best prices, today only: watches.example"),
    event("gazette", "1020", EN, person("Deniz"), "tr", "Güzel haber. Duraklar tekerlekli sandalyeye uygun olacak mı?"),
    event("gazette", "1021", EN, person("Rojda"), "kmr", "Nûçeyeke xweş e. Gelo bilêt dê çiqas be?"),
    event("gazette", "1022", AR, person("سلمى"), "ar", "خبر رائع، لكن أين سيوقف الناس سياراتهم أثناء الأشغال؟"),
    event("gazette", "1023", EN, person("Jo"), "en", "Does anybody know a good dentist in town?"),
    event("gazette", "1024", CKB, person("شیلان"), "ckb", "هەواڵێکی خۆشە. ئایا هێڵەکە تا بازاڕیش دەڕوات؟"),
    event("rojname", "2017", CKB, DILER, "ckb",
          "تۆ گەمژەیت، هیچ لەم شارە تێناگەیت! ساڵی ٢٠٢٤ یش هەمان شتت نووسی: https://rojname.example/2024 و کەس باوەڕی پێ نەکرد.\n\n"
          "ئێمە پێویستمان بە شەقامی باش و پارک و خوێندنگە هەیە، نەک بە شەمەندەفەرێک کە تەنها بۆ چەند کەسێکە.", parent="2001"),
    event("rojname", "2018", CKB, SAZAN, "ckb", "تکایە وێستگەیەک لە نزیک نەخۆشخانەکە دابنێن."),
]
EDITED = {**WAITING[0], "revision": 2, "body": RUDE}
REPORTS = [
    ("gazette", "1017", "r-1", "personal_attack", "He writes this under every article."),
    ("gazette", "1017", "r-2", "abuse", None),
    ("gazette", "1019", "r-3", "promotion.commercial", None),
    ("rojname", "2017", "r-4", "personal_attack", "سووکایەتی بە خوێنەران دەکات."),
    ("rojname", "2017", "r-5", "personal_attack", None),
]


def policy(directory):
    """The built-in house rules, with a queue by urgency."""
    with open(os.path.join(ROOT, "daemon/policy/house-rules.conf"), encoding="utf-8") as file:
        rules = file.read()
    path = os.path.join(directory, "rules.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(rules.replace('\nreason "', QUEUE + '\nreason "', 1))
    return path


def decide(desk):
    for item in DECIDED:
        names = [{"site": item["site"], "comment": item["comment"], "revision": 1}]
        codes = REJECTED.get(item["comment"])
        desk.reject(names, codes) if codes else desk.approve(names)


def fill(daemon):
    """Hands everything in, and does what was done before."""
    front, ben = daemon.front(), daemon.desk("ben")
    front.submit(DECIDED)
    decide(ben)
    front.article("gazette", {"id": "tram"}, front_page=True)
    ben.author_mark("gazette", "u-rob", "watched", note="Rude more often than not; a word by mail on the 3rd.")
    ben.author_mark("rojname", "u-diler", "watched", note="دوو جار ئاگادار کراوەتەوە.")
    front.submit(WAITING)
    front.submit([EDITED])
    for site, comment, reader, reason, note in REPORTS:
        front.report(site, comment, reader, reason=reason, note=note, at=time.time_ns() // 1_000_000)
    ben.skip([{"site": "gazette", "comment": "1017", "revision": 2}])
    ben.note("gazette", "1017", "The edit made it worse. What do you think?")


@contextlib.contextmanager
def open_newspaper():
    """A daemon with all of this."""
    daemon = Daemon()
    rules = policy(daemon.dir)
    daemon.configure("".join(f'site "{site}" {{ policy = "{rules}" }}\n' for site in ("gazette", "rojname")))
    daemon.arguments += ["--config", daemon.config_path]
    with daemon:
        fill(daemon)
        yield daemon
