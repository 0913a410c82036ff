"""Ten thousand real comments in, decided by somebody at the desk, and back through the stream."""
import os
import threading
import time

import demo_lines
from daemon import SHARED
from suite import Conformance, fresh, needs, sha256

COMMENTS, PORTION = 10_000, 500
WINDOW = 100              # records asked for before the first is there
FOLDER = os.path.join(SHARED, "corpora")
THERE = os.path.isdir(FOLDER) and bool(demo_lines.files(FOLDER))


def comments():
    """Ten thousand of all files, as evenly as they have so many: each site's comments."""
    by_site = {}
    for line in {(line["site"], line["id"]): line for line in demo_lines.lines(FOLDER)}.values():
        by_site.setdefault(line["site"], []).append({"site": line["site"], "comment": line["id"], "body": line["body"], "language": line["lang"]})
    chosen, left = {}, COMMENTS
    for number, (site, found) in enumerate(sorted(by_site.items(), key=lambda item: len(item[1]))):
        chosen[site] = found[:left // (len(by_site) - number)]
        left -= len(chosen[site])
    return chosen


class Corpora(Conformance):
    config = None             # heartbeats so rare that none is missed on a busy machine

    def decide(self, site, wanted):
        """Somebody who claims and decides, in the order of the queue."""
        desk = self.daemon.desk("stand-in")
        while len(self.decided[site]) < wanted:
            cards = desk.claim(site=site, limit=100)["comments"]
            if not cards:
                time.sleep(0.01)
                continue
            half = [[{key: card[key] for key in ("site", "comment", "revision")} for card in cards[start::2]] for start in (0, 1)]
            for result in [*desk.approve(half[0]), *(desk.reject(half[1], self.reasons[:1]) if half[1] else [])]:
                self.decided[site].append((result["comment"], result["status"]))

    def through_the_stream(self, site, count):
        """Records, asked for ahead of their answers."""
        name, got, asked = fresh("s"), [], 0
        self.driver.do("stream", name=name, endpoint=self.daemon.endpoint("front"), key=None, site=site, place=None, after=0, credit=500, live=False)
        while len(got) < count:
            while asked < min(count, len(got) + WINDOW):
                self.driver.send("next", stream=name, wait_ms=5000)
                self.driver.send("recorded", stream=name)
                asked += 1
            answer = self.driver.answer()
            self.assertEqual(answer.get("event"), "record", answer)
            got.append(answer["record"])
            self.assertTrue(self.driver.answer()["ok"])
        self.assertEqual(self.driver.do("next", stream=name, wait_ms=5000)["event"], "level")
        self.driver.do("close", stream=name)
        return got

    @needs("stream")
    def test_ten_thousand_real_comments_go_in_are_decided_and_come_back(self):
        if not THERE:
            self.skipTest("there is no ../shared/corpora")
        everything = comments()
        self.decided = {site: [] for site in everything}
        total = 0
        for site, found in everything.items():
            helper = threading.Thread(target=self.decide, args=(site, len(found)), daemon=True)
            helper.start()
            for start in range(0, len(found), PORTION):
                results = self.submit(found[start:start + PORTION], timeout=60)
                self.assertEqual(set(self.statuses(results)), {"accepted"})
            helper.join(60)
            self.assertEqual(len(self.decided[site]), len(found))
            records = self.through_the_stream(site, len(found))
            self.assertEqual([record["seq"] for record in records], list(range(1, len(found) + 1)))
            self.assertEqual([(record["comment"], record["decision"]) for record in records], self.decided[site])
            bodies = {comment["comment"]: sha256(comment["body"]) for comment in found}
            self.assertEqual({record["comment"]: record["body_sha256"] for record in records}, bodies)
            total += len(records)
        print(f"# {total} comments of {len(everything)} sites")
        self.assertEqual(total, COMMENTS)
