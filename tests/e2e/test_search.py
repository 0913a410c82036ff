"""Search through the wire: in every script, whole at any moment, and without what was erased or is switched off."""
# time-limit: 180
import json
import os
import random
import threading
import time

import index_file
import tap
from cases import Case, event, eventually
from daemon import Daemon
from modq import Desk, Front

BATCH = 250
SPAN = index_file.SPAN
DONE, FINAL = 0, 1
# What is looked for, a text that holds it, and one that does not.
WORDS = (
    ("CAFE", "a café", "a cave"), ("straße", "STRASSE 7", "strand"), ("istanbul", "İSTANBUL'da", "Istambul"),
    ("ışık", "IŞIK yok", "aşk"), ("diyarbakir", "Diyarbakır", "Diyar bakır"), ("zimane kurdi", "Zimanê  Kurdî", "zimanek"),
    ("rojbaş", "ROJBAS", "roj baş"), ("کوردی", "زمانی كوردي", "کورد"), ("هەولیر", "لە هەولێر", "هەولان"),
    ("ئه\u200cمه", "ئەمە", "ئەوە"), ("گەران", "گەڕان", "گوران"), ("محمد", "قال مُحَمَّدٌ", "محمود"),
    ("الاسلام", "الإسلام", "السلام"), ("مكتبه", "المكتبة", "مكتب"), ("سلام", "ســـلام", "كلام"),
    ("2024", "سال ۲۰۲۴", "۲۰۲۳"), ("میخواهم", "می\u200cخواهم", "می\u200cخواهد"), ("сисуф", "x сисуф", "сисиф"),
)


LOAD_PAUSE_S = 0.04        # the index keeps up with some thousand comments a second; without a disk to wait for there would be more


def hits(page):
    return [card["comment"] for card in page["comments"]]


def look(desk, text, **fields):
    """All pages of a search."""
    found, after = [], None
    while True:
        page = desk.search(text, after=after, **fields)
        found += hits(page)
        after = page["next"]
        if after is None:
            return found


def fill(front, site, count, words=lambda number: f"filling {number}."):
    """So many comments f0, f1, ...; the last one is acknowledged when it returns."""
    for start in range(0, count, BATCH):
        results = front.submit([event(site, f"f{n}", words(n)) for n in range(start, min(start + BATCH, count))])
        assert {result["status"] for result in results} <= {"accepted", "duplicate"}, results


def indexed(daemon, blocks):
    """The index once it has at least so many blocks, and none that is stale."""
    def ready():
        index = index_file.read(daemon.dir)
        return index if index and len(index.blocks) >= blocks and not any(stale for *_, stale in index.blocks) else None
    return eventually(ready, 30)


class Searching(Case):
    def test_words_of_every_script_are_found_however_they_were_typed(self):
        for number, (_, held, other) in enumerate(WORDS):
            site = f"{self.site}-{number}"
            self.submit_one("held", f"before {held} after", site=site)
            self.submit_one("other", f"before {other} after", site=site)
        for number, (word, *_) in enumerate(WORDS):
            with self.subTest(word=word):
                self.assertEqual(look(self.ann, word, site=f"{self.site}-{number}"), ["held"])

    def test_the_match_is_a_place_in_the_body(self):
        self.submit_one("c", "Kaç: MÜZ, قال مُحَمَّدٌ.")
        for word, place in (("muz", "MÜZ"), ("محمد", "مُحَمَّدٌ"), ("kac", "Kaç")):
            page = self.ann.search(word, site=self.site)
            card, match = page["comments"][0], page["matches"][0]
            self.assertEqual(card["body"].encode()[match["at"]:match["at"] + match["bytes"]].decode(), place)

    def test_the_newest_come_first_and_pages_leave_nothing_out(self):
        for number in range(7):
            self.submit_one(f"c{number}", "paged")
        self.assertEqual(look(self.ann, "paged", site=self.site, limit=3), [f"c{n}" for n in reversed(range(7))])

    def test_only_the_text_as_it_is_now_is_found(self):
        self.submit_one("c", "formerly")
        self.submit_one("c", "nowadays", revision=2)
        self.assertEqual(look(self.ann, "formerly", site=self.site), [])
        self.assertEqual(look(self.ann, "nowadays", site=self.site), ["c"])

    def test_decided_ones_are_found_and_states_tell_them_apart(self):
        kept, dropped = self.pending("statewise"), self.pending("statewise")
        self.approve(kept)
        self.reject(dropped)
        self.assertEqual(set(look(self.ann, "statewise")), {kept["comment"], dropped["comment"]})
        self.assertEqual(look(self.ann, "statewise", state="approved"), [kept["comment"]])
        self.assertEqual(look(self.ann, "statewise", state="pending"), [])

    def test_modq_narrows_what_it_searches(self):
        item, other = (self.pending("narrow bridges", author={"id": author}) for author in ("u1", "u2"))
        self.approve(other)

        def found(*filters):
            done = self.daemon.run_modq("--as", "ann", "--json", "search", "narrow bridges", *filters)
            self.assertEqual(done.returncode, 0, done.stderr)
            return [json.loads(line)["comment"] for line in done.stdout.splitlines()]
        self.assertEqual(found("--site", item["site"]), [other["comment"], item["comment"]])
        self.assertEqual(found("--author", f"{item['site']}/u1"), [item["comment"]])
        self.assertEqual(found("--site", item["site"], "--state", "approved"), [other["comment"]])
        self.assertEqual(found("--site", item["site"], "--older-than", "1h"), [])

    def test_modq_shows_the_passage(self):
        self.submit_one("c", "x" * 300 + " needle in a haystack")
        done = self.daemon.run_modq("search", "--site", self.site, "NEEDLE", "in")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn(f"{self.site}/c", done.stdout)
        self.assertIn("needle in a haystack", done.stdout)
        done = self.daemon.run_modq("search", "--site", self.site, "--json", "needle")
        self.assertIn('"match"', done.stdout)
        done = self.daemon.run_modq("search", "--site", self.site, "camel")
        self.assertEqual((done.returncode, done.stdout), (DONE, ""))

    def test_cards_of_the_queue_do_not_wait_for_searches(self):
        front, desk = self.daemon.front(), self.daemon.desk("ann")
        fill(front, self.site, 3000)
        shares = [self.share_of_searches(desk) for _ in range(5)]
        self.assertLess(min(shares), 0.9, f"the list waited for the searches: {shares}")

    def share_of_searches(self, desk):
        """Of the time that many searches take, how much a list takes that was asked for after them. A busy machine may hold
        up the list alone, but not each time."""
        waiting = [desk.send("search", text="qz") for _ in range(20)]
        start = time.monotonic()
        self.ann.list(site=self.site, limit=1)
        took = time.monotonic() - start
        for number in waiting:
            desk.collect(number)
        return took / (time.monotonic() - start)


class Whole(Case):
    """What was acknowledged before the search began is found."""

    def test_comments_are_found_at_once_while_others_come_and_the_index_grows(self):
        stop, failures = threading.Event(), []

        def load(number):
            with Front(self.daemon.endpoint("front"), timeout_s=20) as front:
                round_ = 0
                while not stop.is_set():
                    front.submit([event(f"load{number}", f"{round_}-{i}", f"loaded {round_} {i}") for i in range(50)])
                    round_ += 1
                    stop.wait(LOAD_PAUSE_S)

        def seek(number):
            with Front(self.daemon.endpoint("front"), timeout_s=20) as front, \
                    Desk(self.daemon.endpoint("desk"), as_=f"m{number}", timeout_s=20) as desk:
                for i in range(60):
                    word = f"unique{number}x{i}y"
                    front.submit([event(self.site, word, f"it is {word}.")])
                    back = f"unique{number}x{random.randrange(i + 1)}y"
                    for wanted in (word, back):
                        if look(desk, wanted.upper(), site=self.site) != [wanted]:
                            failures.append(wanted)

        loads = [threading.Thread(target=load, args=(n,)) for n in range(2)]
        seeks = [threading.Thread(target=seek, args=(n,)) for n in range(2)]
        for thread in loads + seeks:
            thread.start()
        for thread in seeks:
            thread.join()
        try:
            self.assertEqual(failures, [])
            self.assertGreater(len(indexed(self.daemon, 1).blocks), 0)
        finally:
            stop.set()
            for thread in loads:
                thread.join()


class Ends(Case):
    """A daemon that ends in good order or not, and an index that is gone. Each test has a daemon of its own."""

    def test_a_restart_keeps_the_index_and_a_deleted_one_is_made_anew(self):
        with Daemon() as daemon:
            fill(daemon.front(), "s", 2 * SPAN + 100)
            indexed(daemon, 2)
            daemon.stop()
            before = os.stat(f"{daemon.dir}/search.db")
            self.assertFalse(os.path.exists(f"{daemon.dir}/search.db-wal"))
            daemon.start()
            self.assertEqual(look(daemon.desk("ann"), "filling 17."), ["f17"])
            self.assertEqual(os.stat(f"{daemon.dir}/search.db").st_ino, before.st_ino)
            os.unlink(f"{daemon.dir}/search.db")            # under the running daemon
            self.assertEqual(look(daemon.desk("ann"), "filling 18."), ["f18"])
            daemon.stop()
            self.assertFalse(os.path.exists(f"{daemon.dir}/search.db"))
            daemon.start()
            self.assertEqual(look(daemon.desk("ann"), "filling 19."), ["f19"])
            indexed(daemon, 2)
            self.assertEqual(look(daemon.desk("ann"), "filling 20."), ["f20"])

    def test_rubbish_in_its_place_is_replaced(self):
        with Daemon() as daemon:
            fill(daemon.front(), "s", SPAN + 100)
            daemon.stop()
            with open(f"{daemon.dir}/search.db", "wb") as file:
                file.write(os.urandom(100_000))
            daemon.start()
            self.assertEqual(look(daemon.desk("ann"), "filling 19."), ["f19"])
            indexed(daemon, 1)

    def test_kills_in_the_middle_of_indexing_cost_nothing(self):
        chance = random.Random(5)
        with Daemon() as daemon:
            done = 0
            for _ in range(6):
                front = daemon.front()
                more = done + 3 * SPAN
                for start in range(done, more, BATCH):
                    front.submit([event("s", f"f{n}", f"filling {n}.") for n in range(start, start + BATCH)])
                done = more // BATCH * BATCH
                time.sleep(chance.random() * 0.4)
                daemon.kill()
                daemon.start()
                desk = daemon.desk("ann")
                for number in (0, done // 2, done - 1):
                    self.assertEqual(look(desk, f"filling {number}."), [f"f{number}"])
            indexed(daemon, 8)
            for number in chance.sample(range(done), 50):
                self.assertEqual(look(desk, f"filling {number}."), [f"f{number}"])


class Erased(Case):
    """The word of an erased comment is nowhere in the files of the index."""

    RARE = "xylozyqwv"

    def setUp(self):
        super().setUp()
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.daemon.start()
        self.desk = self.daemon.desk("ann")
        fill(self.daemon.front(), "s", SPAN + 200, lambda n: self.RARE if n == 77 else f"filling {n}.")

    def chunks(self):
        """The chunks of lists that a trigram of the word is in: without it they are others."""
        index = indexed(self.daemon, 1)
        self.assertEqual(len(index.texts(self.RARE)), 1)
        wanted = index_file.grams(self.RARE)
        return [data for key, data in index.chunks
                if wanted & set(index_file.lists(key & ((1 << index_file.GRAM_BITS) - 1), data))]

    def erase(self):
        result, = self.desk.erase([{"site": "s", "comment": "f77"}])
        self.assertEqual(result["status"], "erased")

    def gone(self):
        index = index_file.read(self.daemon.dir)
        return index and index.texts(self.RARE) is None and not any(stale for *_, stale in index.blocks)

    def left_in_files(self, chunks):
        data = index_file.raw(self.daemon.dir)
        return [chunk for chunk in chunks if chunk in data]

    def check_files(self, chunks):
        self.assertEqual(self.left_in_files(chunks), [], "chunks that had a word are still in the file")

    def test_it_is_not_found_at_once_and_leaves_the_files_soon(self):
        chunks = self.chunks()
        data = index_file.raw(self.daemon.dir)
        self.assertTrue(all(chunk in data for chunk in chunks), "this test does not see what it looks for")
        self.assertEqual(look(self.desk, self.RARE), ["f77"])
        self.erase()
        self.assertEqual(look(self.desk, self.RARE), [])
        eventually(self.gone, 20)
        eventually(lambda: not os.path.getsize(f"{self.daemon.dir}/search.db-wal"), 20)
        self.check_files(chunks)
        self.assertEqual(look(self.desk, "filling 78."), ["f78"])

    def test_where_everything_is_erased_no_page_of_the_file_holds_what_was_there(self):
        """Pages that are not used any more, too, which no new block takes."""
        chance = random.Random(3)
        words = ["".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(80)) for _ in range(SPAN + 200)]
        fill(self.daemon.front(), "all", len(words), lambda n: words[n])
        chunks = [data for _, data in indexed(self.daemon, 2).chunks]
        self.assertGreater(len(chunks), 20)
        for site, count in (("s", SPAN + 200), ("all", len(words))):
            for start in range(0, count, BATCH):
                self.desk.erase([{"site": site, "comment": f"f{n}"} for n in range(start, min(start + BATCH, count))])
        eventually(lambda: (index := index_file.read(self.daemon.dir)) and not index.chunks and
                   not any(stale for *_, stale in index.blocks), 60)
        eventually(lambda: not self.left_in_files(chunks), 20)      # the file beside the index is cut after the last block is gone
        self.check_files(chunks)

    def test_a_kill_right_after_it_does_not_make_it_forgotten(self):
        chunks = self.chunks()
        self.erase()
        self.daemon.kill()
        self.daemon.start()
        eventually(self.gone, 20)
        self.daemon.stop()
        self.check_files(chunks)
        self.daemon.start()


class Off(Case):
    config = ""

    def setUp(self):
        super().setUp()
        self.daemon = Daemon(config='site "quiet" { search = false }\n')
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.daemon.start()
        self.front, self.desk = self.daemon.front(), self.daemon.desk("ann")

    def put(self, config):
        self.daemon.configure(config)
        self.desk.reload()

    def test_a_site_that_is_switched_off_is_left_out_and_named(self):
        self.front.submit([event("quiet", "q", "quizzical"), event("loud", "l", "quizzical")])
        page = self.desk.search("quizzical")
        self.assertEqual((hits(page), page["off"]), (["l"], ["quiet"]))
        self.assert_fails("search_off", self.desk.search, "quizzical", site="quiet")
        done = self.daemon.run_modq("search", "quizzical")
        self.assertEqual(done.returncode, DONE)
        self.assertIn("quiet", done.stderr)
        self.assertIn("loud/l", done.stdout)
        self.assertEqual(self.daemon.run_modq("search", "--site", "quiet", "quizzical").returncode, FINAL)

    def test_its_words_are_not_in_the_index_and_a_reload_puts_them_in_and_out(self):
        self.front.submit([event("quiet", "q", "quizzical")])
        fill(self.front, "loud", SPAN + 100)
        self.assertIsNone(indexed(self.daemon, 1).texts("quizzical"))
        self.put("")
        self.assertEqual(look(self.desk, "quizzical"), ["q"])
        eventually(lambda: (index := index_file.read(self.daemon.dir)) and index.texts("quizzical"), 20)
        self.put('site "quiet" { search = no }\n')
        self.assertEqual(look(self.desk, "quizzical"), [])
        eventually(lambda: indexed(self.daemon, 1).texts("quizzical") is None, 20)
        self.assertEqual(look(self.desk, "filling 3."), ["f3"])

    def test_all_sites_but_one_may_be_off(self):
        self.put('search = false\nsite "open" { search = true }\n')
        self.front.submit([event("open", "o", "quizzical"), event("quiet", "q", "quizzical"),
                           event("loud", "l", "quizzical")])
        page = self.desk.search("quizzical")
        self.assertEqual((hits(page), sorted(page["off"])), (["o"], ["loud", "quiet"]))


class Keys(Case):
    tcp = ("front", "desk")
    config = 'site "hidden" { search = false }\nsite "shown" { search = false }\n'

    def test_a_moderator_finds_comments_of_their_own_sites_alone_and_hears_of_no_other(self):
        self.front.submit([event(site, "c", "quizzical") for site in ("mine", "other", "hidden", "shown")])
        desk = self.daemon.desk(key=self.daemon.add_key("mod", "moderator", sites=["mine", "shown"]))
        page = desk.search("quizzical")
        self.assertEqual([card["site"] for card in page["comments"]], ["mine"])
        self.assertEqual(page["off"], ["shown"])
        self.assert_fails("denied", desk.search, "quizzical", site="other")
        self.assert_fails("denied", desk.search, "quizzical", site="hidden")
        self.assert_fails("search_off", desk.search, "quizzical", site="shown")


if __name__ == "__main__":
    tap.main()
