"""Where a listener is, kept by the client: in a file, or in SQL beside what was applied."""
import os
import random
import time

from cases_stream import Streams
from suite import CONFIG, needs

KILLS = 6


class Places(Streams):
    config = CONFIG

    def place(self, kind):
        return {kind: os.path.join(self.directory(), "place.db" if kind == "sql" else "place")}

    def history(self):
        """Records of every kind."""
        for number in range(6):
            item, seq = self.approved()
            if number % 3 == 0:
                self.undo(seq)
                self.reject(item)
            elif number % 3 == 1:
                self.report_to_threshold(item)
                self.submit_one(item["comment"], "a newer text", revision=2)
                self.approve({**item, "revision": 2})
            else:
                self.reject(item, supersede=True)
                self.front.withdraw(self.site, item["comment"])

    def goes_on(self, kind):
        self.make_records(5)
        place = self.place(kind)
        first = self.open_stream(place=place)
        records = self.records_of(first, 2)
        self.assertEqual(self.record(first, recorded=False)["seq"], 3)
        self.assertEqual(self.record(first, recorded=False)["seq"], 4)
        self.assertEqual(self.driver.do("place", stream=first)["seq"], 2)
        self.driver.do("close", stream=first)
        second = self.open_stream(place=place)
        records += self.records_of(second, 3)
        self.assert_log(records)
        self.assertEqual(self.driver.do("place", stream=second)["chain"], records[-1]["chain"])

    def survives_kills(self, kind):
        """The listener is killed at any moment. What was told to be recorded never comes again, what was not comes again,
        and nothing is left out."""
        chance = random.Random(kind)
        for _ in range(4):
            self.history()
        log, place = self.records(), self.place(kind)
        done = 0                      # the last record whose `recorded` was answered
        for _ in range(KILLS):
            driver = self.new_driver()
            name = self.open_stream(driver=driver, place=place, credit=chance.choice((1, 2, 7, 100)), live=False)
            seq = self.record(name, driver, recorded=False)["seq"]
            self.assertIn(seq, (done + 1, self.possible(done)), "after the driver was killed")
            done = seq - 1
            for _ in range(chance.randint(0, 4)):
                driver.do("recorded", stream=name)
                done = seq
                record = self.record(name, driver, recorded=False)
                self.assertEqual((record["seq"], record), (done + 1, log[done]))
                seq = record["seq"]
            self.begun = chance.random() < 0.6
            if self.begun:            # killed in the middle of it: it may be recorded or not
                driver.send("recorded", stream=name)
                time.sleep(chance.random() * 0.004)
            driver.kill()
        name = self.open_stream(place=place, live=False)
        rest = [self.record(name)]
        self.assertIn(rest[0]["seq"], (done + 1, self.possible(done)))
        rest += self.records_of(name, len(log) - rest[0]["seq"])
        self.assertEqual(rest, log[rest[0]["seq"] - 1:])
        self.until(name, "level")

    begun = False

    def possible(self, done):
        """The next record when the `recorded` that was under way came through."""
        return done + 2 if self.begun else done + 1

    def diverges(self, kind):
        """A place that is of no past of this log is said to be so, and stays as it is."""
        self.make_records(2)
        place = self.place(kind)
        name = self.open_stream(place=place)
        self.records_of(name, 2)
        self.driver.do("close", stream=name)
        for other in (self.site + "-other",):
            self.driver.do("stream", name="other", endpoint=self.daemon.endpoint("front"), key=None, site=other,
                           place={kind: self.other_place(kind, place)}, credit=10)
            answer = self.next("other")
            self.driver.do("close", stream="other")
            self.assertIn(answer["event"], ("level", "failed"), answer)
        name = self.open_stream(place=place)
        self.until(name, "level")     # and no record: the place was not lost

    def other_place(self, kind, place):
        """Of another site: the same SQL table, another file."""
        return place[kind] if kind == "sql" else place[kind] + "-other"

    def broken(self, kind, content):
        """A place that cannot be read is an error, and never the beginning."""
        self.make_records(2)
        place = self.place(kind)
        with open(place[kind], "wb") as file:
            file.write(content)
        answer = self.driver.ask("stream", name="broken", endpoint=self.daemon.endpoint("front"), key=None, site=self.site, place=place, credit=10)
        if answer["ok"]:
            answer = self.driver.ask("next", stream="broken", wait_ms=3000)
            self.driver.do("close", stream="broken")
            self.assertTrue(not answer["ok"] or answer["event"] == "failed", f"{content[:20]!r}: {answer}")
        self.assertIn(answer["error"]["class"], ("local", "fix"), answer)

    @needs("stream", "place_file")
    def test_file_place_goes_on_after_the_last_recorded_record(self):
        self.goes_on("file")

    @needs("stream", "place_sql")
    def test_sql_place_goes_on_after_the_last_recorded_record(self):
        self.goes_on("sql")

    @needs("stream", "place_file")
    def test_file_place_survives_kill_9_of_the_listener(self):
        self.survives_kills("file")

    @needs("stream", "place_sql")
    def test_sql_place_survives_kill_9_of_the_listener(self):
        self.survives_kills("sql")

    @needs("stream", "place_file")
    def test_file_place_belongs_to_its_site(self):
        self.diverges("file")

    @needs("stream", "place_sql")
    def test_sql_place_belongs_to_its_site(self):
        self.diverges("sql")

    @needs("stream", "place_file")
    def test_file_place_that_is_broken_is_an_error(self):
        for content in (b"\0\xff\xfe", b"{", b"not a place\n", b"1"):
            with self.subTest(content=content):
                self.broken("file", content)

    @needs("stream", "place_sql")
    def test_sql_place_that_is_no_database_is_an_error(self):
        self.broken("sql", b"this is no database, and never was one" * 100)

    @needs("stream", "place_file")
    def test_file_place_whose_folder_is_not_there_is_an_error_at_the_latest_when_it_is_stored(self):
        self.make_records(1)
        place = {"file": os.path.join(self.directory(), "no", "such", "folder", "place")}
        answer = self.driver.ask("stream", name="nowhere", endpoint=self.daemon.endpoint("front"), key=None, site=self.site, place=place, credit=10)
        if answer["ok"]:
            event = self.driver.ask("next", stream="nowhere", wait_ms=3000)
            answer = event if event.get("event") != "record" else self.driver.ask("recorded", stream="nowhere")
            self.driver.do("close", stream="nowhere")
        self.assertEqual(answer["error"]["class"], "local", answer)
