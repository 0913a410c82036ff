"""Worker, php-fpm, nginx and daemon are killed in turn while readers write, change and withdraw and a moderator decides.

Afterwards WordPress and the daemon agree comment by comment, nothing is lost, and nothing was ever shown that no moderator had
approved. MODQ_KILL_S says how long (120 s); MODQ_SEED repeats the choices of a run, though not their timing.
"""
import collections
import hashlib
import http.client
import os
import random
import re
import threading
import time
import traceback
import unittest

from wordpress import SITE, Daemon, Http, WordPress, wait_for
from wordpress import tap
from modq import ModqError, RequestTimeout      # found by wordpress

SECONDS = float(os.environ.get("MODQ_KILL_S", "120"))
SEED = int(os.environ.get("MODQ_SEED", random.SystemRandom().randrange(10**6)))
PAUSE_S = (1.5, 4.5)       # between two kills
LEVEL_S = 90               # to come level at the end
POSTERS = 3
ARTICLES = 4
TEXT = re.compile(r"load \d+ (?:first|second)\b")
NO_ANSWER = (OSError, http.client.HTTPException)


class Load(threading.Thread):
    """Does step() until the end; what it finds wrong is kept."""

    def __init__(self, run, name):
        super().__init__(name=name, daemon=True)
        self.load, self.random = run, random.Random(f"{SEED} {name}")

    def run(self):
        try:
            while not self.load.over.is_set():
                self.step()
        except Exception:
            self.load.troubles.append(f"{self.name}: {traceback.format_exc()}")


class Poster(Load):
    def step(self):
        number = next(self.load.numbers)
        reader, article = Http(self.load.site.base), self.random.choice(self.load.articles)
        text = f"load {number} first"
        try:
            status, url, _ = reader.open("/wp-comments-post.php", {"comment_post_ID": article, "author": f"Reader {number}",
                                                                   "email": f"r{number}@example.org", "comment": text}, timeout=15)
            found = re.search(r"#comment-(\d+)", url)
            if status != 200 or not found:
                return
            self.load.acknowledged.append(text)
            self.load.figures["posted"] += 1
            self.afterwards(reader, f"/?p={article}", int(found[1]), number)
        except NO_ANSWER:
            self.load.figures["without an answer"] += 1
            time.sleep(0.1)

    def afterwards(self, reader, page, comment, number):
        kind = self.random.random()
        if kind > 0.4:
            return
        action = "edit" if kind < 0.25 else "withdraw"
        form = reader.form(page, action, comment)
        if form:
            status = reader.open("/wp-admin/admin-post.php", {**form, "text": f"load {number} second"}, timeout=15)[0]
            if status == 200:
                self.load.figures[action] += 1


class Moderator(Load):
    def __init__(self, run):
        super().__init__(run, "moderator")
        self.desk = run.daemon.desk("ann", timeout_s=0.5, attempts=1)
        self.decided = collections.deque(maxlen=50)

    def step(self):
        try:
            for card in self.desk.list(site=SITE, limit=10)["comments"]:
                self.decide(card)
            if self.decided and self.random.random() < 0.2:
                self.desk.undo([self.decided.pop()])
                self.load.figures["undone"] += 1
        except RequestTimeout:
            self.desk.reconnect()
        except ModqError as error:
            if error.class_ != "retry":
                raise
        time.sleep(0.1)

    def decide(self, card):
        item = {"site": SITE, "comment": card["comment"], "revision": card["revision"]}
        if self.random.random() < 0.6:
            self.load.allowed.add(card["body"])
            answer = self.desk.approve([item])
        else:
            answer = self.desk.reject([item], ["profanity"])
        result = answer[0]
        if "seq" in result and not result.get("error"):
            self.load.figures["decided"] += 1
            self.decided.append({"site": SITE, "seq": result["seq"]})


class Viewer(Load):
    """A reader without cookies, who must see nothing that no moderator has approved."""

    def step(self):
        article = self.random.choice(self.load.articles)
        try:
            page = Http(self.load.site.base).open(f"/?p={article}", timeout=15)[2]
        except NO_ANSWER:
            return
        seen = set(TEXT.findall(page))
        self.load.figures["pages seen"] += 1
        self.load.figures["comments seen"] += len(seen)
        self.load.troubles += [f"shown without approval: {text}" for text in seen - self.load.allowed]
        time.sleep(0.2)


class Kill(unittest.TestCase):
    def test_after_two_minutes_of_kills_wordpress_and_the_daemon_agree(self):
        with Daemon(tcp=("front", "desk"), config="heartbeat_ms = 300\n") as daemon, WordPress(daemon) as site:
            self.daemon, self.site = daemon, site
            self.over = threading.Event()
            self.troubles, self.acknowledged, self.allowed = [], [], set()
            self.figures, self.numbers = collections.Counter(), iter(range(10**9))
            self.articles = [int(site.php(f"echo wp_insert_post(['post_title' => 'Article {i}', 'post_status' => 'publish', 'comment_status' => 'open']);"))
                             for i in range(ARTICLES)]
            site.php("update_option('page_comments', 1); update_option('comments_per_page', 30); update_option('default_comments_page', 'newest');")
            site.start("worker")
            self.under_load()
            self.come_level()
            self.compare()
            tap.comment(f"seed {SEED}: " + ", ".join(f"{count} {what}" for what, count in self.figures.items()))

    def under_load(self):
        threads = [*(Poster(self, f"poster {i}") for i in range(POSTERS)), Moderator(self), Viewer(self, "viewer")]
        for thread in threads:
            thread.start()
        try:
            self.kill_in_turn()
        finally:
            self.over.set()
            for thread in threads:
                thread.join(60)
        self.assertEqual([], self.troubles)
        self.assertEqual([], [thread.name for thread in threads if thread.is_alive()])

    def kill_in_turn(self):
        chance = random.Random(f"{SEED} kills")
        end, turn = time.monotonic() + SECONDS, 0
        while time.monotonic() < end and not self.troubles:
            time.sleep(chance.uniform(*PAUSE_S))
            victim = ("worker", "daemon", "fpm", "worker", "nginx")[turn % 5]
            turn += 1
            self.figures[f"kills of {victim}"] += 1
            if victim == "daemon":
                self.daemon.kill(counted=False)
                time.sleep(chance.uniform(0, 1.5))
                self.daemon.start()
            else:
                self.site.kill(victim)
                time.sleep(chance.uniform(0, 0.5))
                self.site.start(victim)

    def come_level(self):
        front = self.daemon.front()

        def level():
            if self.site.outbox():            # first: what is sent becomes a record
                return False
            newest = front.call("confirm", site=SITE, listener="test", seq=0)["newest"]
            place = self.site.sql("SELECT seq FROM wp_modqd_place")
            self.figures["records"] = newest
            return place and int(place[0]["seq"]) == newest
        # What a killed process left half done is found when the worker starts.
        wait_for("level", level, LEVEL_S, 0.2)
        self.site.stop("worker")
        self.site.start("worker")
        wait_for("every text at the daemon", lambda: not self.strays() and level(), LEVEL_S, 0.2)

    def strays(self):
        """What the worker has to find: comments without an id, texts that were not handed in, statuses that are not settled."""
        return self.site.sql("SELECT c.comment_ID FROM wp_comments c LEFT JOIN wp_modqd_comments m ON m.comment_id = c.comment_ID "
                             "WHERE c.comment_content LIKE 'load %' AND (m.modqd_id IS NULL "
                             "OR m.withdrawn = 0 AND c.comment_approved = '0' AND SHA2(CONVERT(c.comment_content USING utf8mb4), 256) <> m.body_sha256 "
                             "OR (m.state = 'approved') <> (c.comment_approved = '1')) LIMIT 1")

    def compare(self):
        rows = self.site.sql("SELECT c.comment_ID, c.comment_approved, c.comment_content, m.modqd_id, m.revision, m.state FROM wp_comments c "
                             "LEFT JOIN wp_modqd_comments m ON m.comment_id = c.comment_ID WHERE c.comment_content LIKE 'load %'")
        texts = {row["comment_content"] for row in rows}
        self.assertEqual([], [row["comment_ID"] for row in rows if row["modqd_id"] is None], "comments that were never handed in")
        lost = [text for text in self.acknowledged if text not in texts and text.replace("first", "second") not in texts]
        self.assertEqual([], lost, "comments that readers were told of and are gone")
        front, wrong = self.daemon.front(), []
        for start in range(0, len(rows), 100):
            part = rows[start:start + 100]
            for row, status in zip(part, front.status(SITE, [row["modqd_id"] for row in part])):
                wrong += [f"{row}: {status}"] if not agrees(row, status) else []
        self.assertEqual([], wrong[:5], f"{len(wrong)} of {len(rows)} differ")
        self.figures["comments compared"] = len(rows)
        self.assertEqual(self.names_at_daemon(), {row["modqd_id"] for row in rows}, "the daemon has others than WordPress")
        self.assertGreater(len(rows), SECONDS / 5, "hardly any load")

    def names_at_daemon(self):
        names, after = set(), None
        while True:
            page = self.daemon.administrator().list(site=SITE, state="any", limit=500, after=after)
            names |= {card["comment"] for card in page["comments"]}
            after = page["next"]
            if after is None:
                return names


def agrees(row, status):
    shown = {"approved": "1", "pending": "0", "rejected": "0", "withdrawn": "trash"}
    return (status["status"] == "found" and status["state"] == row["state"] and row["comment_approved"] == shown[status["state"]]
            and str(status["revision"]) == row["revision"]
            and status["body_sha256"] == hashlib.sha256(row["comment_content"].encode()).digest())


if __name__ == "__main__":
    tap.main()
