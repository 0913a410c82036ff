#!/usr/bin/python3
"""How version-1.db.gz is made: a story told to a daemon of version 0.1.0, whose database is kept.

    tests/data/make_version_1.py MODQD FILE.gz

MODQD is the program of the last commit of 0.1.0, 3b8fd6a:

    git worktree add /tmp/version-1 3b8fd6a && make -C /tmp/version-1 && tests/data/make_version_1.py \\
        /tmp/version-1/build/release/modqd tests/data/version-1.db.gz

Times, salts and the epoch are others each time, and with them the hashes; the events, their numbers and the texts are
the same.
"""
import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

from modq import Desk, Front, RequestTimeout

GARDEN, GAZETTE = "garden", "gazette"
BODIES = ["The bridge reopens on Monday, says the sign. Which Monday?",
          "I baked this with rye flour and it held together. Barely.", "Somebody left a blue umbrella in row F.",
          "Agreed, the old timetable was easier to read.", "چه عکس قشنگی، ممنون از عکاس.",
          "Ça fait trois ans que j'attends ce tram.", "Is it only me or is the second chart upside down?",
          "You are all wrong and I will explain why in twelve posts.", "CHEAP WATCHES at watches dot example",
          "Sehr guter Artikel, danke!", "猫はここで寝ています。", "My grandmother sold these at the market in 1961.",
          "First!", "The reply above is not what the mayor said.", "Could you add a map next time?", "Nonsense. 🙄",
          "I was there; it rained, nobody danced.", "The link in paragraph two is dead.", "Thanks for the correction.",
          "Typo in the headline: \"recieve\"."]


def site_of(n):
    return GARDEN if n % 3 == 0 else GAZETTE


def named(*numbers):
    return [{"site": site_of(n), "comment": f"c{n:02}"} for n in numbers]


def comment(n):
    made = {**named(n)[0], "body": BODIES[n % len(BODIES)] + (f" ({n})" if n >= len(BODIES) else "")}
    if n % 4 != 3:
        place = f"https://{GAZETTE}.example/a/{n % 5}"
        made["article"] = {"id": f"a{n % 5}", "title": f"Article {n % 5}", "url": place}
    if n % 2 == 0:
        made["author"] = {"id": f"u{n % 7}", "name": f"Reader {n % 7}"}
    if n % 5 == 0:
        made["language"] = "en"
    if n % 6 == 0:
        made["extra"] = {"score": n, "tags": ["x", "y"]}
    if n == 7:
        made["parent"] = "c04"
    return made


def good(results):
    assert not any("error" in result for result in results), results


def decide(ana, bo):
    good(ana.approve(named(*range(6))))
    good(ana.approve(named(6), note="checked with the desk"))
    good(ana.reject(named(7, 8), ["profanity"], note="the third today"))
    good(bo.reject(named(9), ["profanity", "threat"], note="یادداشت"))
    good(bo.approve(named(10, 11)))
    good(ana.undo([{"site": GAZETTE, "seq": 7}]))
    good(ana.approve(named(9), supersede=True))
    good(ana.escalate(named(12, 13), note="needs a second pair of eyes"))


def change(front):
    late, edited = named(14)[0], named(1)[0]
    good(front.submit([{**late, "revision": 3, "body": "A later version of it."},
                       {**late, "revision": 2, "body": "A version in between that came late."},
                       {**edited, "revision": 2, "body": "Edited after it was approved."}]))
    for item in (*named(15, 2), {"site": GAZETTE, "comment": "never-seen"}):
        front.withdraw(**item)
    for n in range(6):
        front.report(GARDEN, "c03", f"r{n}", "profanity", f"report {n}")
    front.report(GAZETTE, "c04", "r1")


def end(front, ana, bo):
    good(ana.reject(named(16), ["profanity"], note="to be erased"))
    front.report(GAZETTE, "c05", "r1")
    good(ana.erase(named(16, 5, 17)))
    good(bo.approve(named(18), note="Zwei Augen"))
    assert not ana.claim(comments=named(10, 19, 20))["refused"]
    assert not bo.claim(comments=named(21, 24))["refused"]
    good(bo.renew(named(21)))
    good(bo.release(named(24)))
    front.article(GARDEN, {"id": "a0", "title": "Article 0"}, front_page=True)
    front.article(GAZETTE, {"id": "a1", "title": "Article 1"}, closed=True)
    front.confirm(GAZETTE, "web", 2)


def tell(directory):
    place = f"ipc://{directory}/"
    with Front(place + "front.sock", timeout_s=1, attempts=1) as front, Desk(place + "desk.sock", as_="ana") as ana, \
            Desk(place + "desk.sock", as_="bo") as bo:
        for _ in range(30):
            try:
                front.hello()
                break
            except RequestTimeout:
                continue
        good(front.submit([comment(n) for n in range(40)]))
        decide(ana, bo)
        change(front)
        end(front, ana, bo)


def finish(path):
    """The name of this machine's boot goes, so that claims are those of another boot everywhere."""
    database = sqlite3.connect(path)
    database.execute("UPDATE meta SET value = '00000000-0000-0000-0000-000000000000' WHERE key = 'boot'")
    database.commit()
    database.close()
    assert not os.path.exists(path + "-wal"), "the WAL is not empty"


def main(modqd, target):
    directory = tempfile.mkdtemp(prefix="mq-", dir="/tmp")
    daemon = subprocess.Popen([modqd, "--dir", directory])
    try:
        tell(directory)
        time.sleep(1)                       # what was erased leaves the WAL
    finally:
        daemon.terminate()
        daemon.wait()
    path = os.path.join(directory, "modqd.db")
    finish(path)
    with open(path, "rb") as file, gzip.GzipFile(target, "wb", mtime=0) as packed:
        packed.write(file.read())
    shutil.rmtree(directory)


if __name__ == "__main__":
    main(*sys.argv[1:])
