#!/usr/bin/python3
"""modq review: the desk of a moderator on a terminal, with a real daemon behind it."""
# waits: as somebody at a screen does
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import tap
from cases import Case, eventually, fresh
from daemon import MODQ, Daemon
from screen import Screen

ENTER = "\r"
LOCAL = 6                         # exit code: the fault is on this side
BACK_TO_NORMAL = b"\x1b[?1049l"


class ReviewCase(Case):
    def review(self, *arguments, columns=80, rows=24, daemon=None, **environment):
        argv = [MODQ, "--dir", (daemon or self.daemon).dir, "--as", "ann", "review", "--site", self.site, *arguments]
        screen = Screen(argv, environment, columns, rows)
        self.addCleanup(screen.close)
        return screen

    def read(self, screen, item):
        """Waits until this comment stands there, long enough for a key to be meant for it."""
        screen.wait_for(f"{item['site']}/{item['comment']} ")
        time.sleep(0.2)

    def holder(self, item):
        return self.card_of(item)["claimed_by"]

    def wait_state(self, item, state):
        eventually(lambda: self.state_of(item) == state)

    def kinds(self, item):
        return [event["kind"] for event in self.ann.history(item["site"], item["comment"])["events"]]


class Deciding(ReviewCase):
    def test_one_comment_after_the_other_is_decided_and_undone(self):
        first, second, third = (self.pending(f"text {word}") for word in ("one", "two", "three"))
        screen = self.review()
        screen.wait_for("text one")
        self.read(screen, first)
        screen.send("a")
        self.read(screen, second)
        screen.wait_for("text two")
        screen.send("r")
        screen.wait_for("Reasons")
        screen.send("1" + ENTER)
        self.read(screen, third)
        self.wait_state(first, "approved")
        self.wait_state(second, "rejected")
        self.assertEqual(self.status_of(second)["reasons"], self.reasons[:1])
        screen.send("u")
        self.read(screen, second)
        self.wait_state(second, "pending")
        screen.send("u")
        self.read(screen, first)
        self.wait_state(first, "pending")

    def test_a_reason_that_needs_a_note_asks_for_it(self):
        item = self.pending()
        code = self.noted_reasons[0]
        key = "1234567890abcdefghij"[[r["code"] for r in self.front.policy(self.site)["reasons"]].index(code)]
        screen = self.review()
        self.read(screen, item)
        screen.send("r" + key + ENTER)
        screen.wait_for("Note for the rejection")
        screen.send("چونکە")
        screen.send(ENTER)
        self.wait_state(item, "rejected")
        self.assertEqual(self.card_of(item)["note"], "چونکە")

    def test_several_are_marked_and_decided_together(self):
        items = [self.pending() for _ in range(3)]
        screen = self.review()
        self.read(screen, items[0])
        screen.send("l")
        screen.wait_for("3 that you hold")
        screen.send("  ")
        screen.wait_for("2 marked")
        screen.send("a")
        for item in items[:2]:
            self.wait_state(item, "approved")
        self.assertEqual(self.state_of(items[2]), "pending")

    def test_who_decided_first_is_told(self):
        item = self.pending()
        screen = self.review("--lease", "1")
        self.read(screen, item)
        os.kill(screen.pid, signal.SIGSTOP)
        eventually(lambda: self.holder(item) is None)
        self.reject(item, desk=self.bob)
        os.kill(screen.pid, signal.SIGCONT)
        screen.send("a")
        screen.wait_for(re.compile("already rejected by bob|rejected, by bob"))
        self.assertEqual(self.state_of(item), "rejected")

    def test_escalated_ones_leave_the_lane_with_their_note(self):
        item = self.pending()
        screen = self.review()
        self.read(screen, item)
        screen.send("e")
        screen.wait_for("Why escalate")
        screen.send("court order?" + ENTER)
        eventually(lambda: self.card_of(item)["lane"] == "escalated")


class Choosing(ReviewCase):
    def test_a_search_finds_and_opens_what_was_decided_and_lets_it_be_decided_anew(self):
        waiting = self.pending("nothing special")
        decided = self.pending("a hippopotamus in the park")
        self.reject(decided)
        screen = self.review()
        self.read(screen, waiting)
        screen.send("/")
        screen.wait_for("Search:")
        screen.send("hippopotamus" + ENTER)
        screen.wait_for("1 found")
        screen.send(ENTER)
        self.read(screen, decided)
        screen.wait_for("This comment is rejected, by ann")
        screen.send("a")
        screen.wait_for("Approve it instead?")
        screen.send("y")
        self.wait_state(decided, "approved")
        self.read(screen, waiting)

    def test_a_filter_shows_and_holds_only_what_fits(self):
        items = [self.pending(author={"id": author}) for author in ("x", "y", "x")]
        screen = self.review()
        self.read(screen, items[0])
        screen.send("f")
        screen.wait_for("Show only")
        screen.send("u\x15y" + ENTER)
        self.read(screen, items[1])
        eventually(lambda: [self.holder(item) for item in items] == [None, "ann", None])
        screen.send("fx")
        eventually(lambda: [self.holder(item) for item in items] == ["ann"] * 3)

    def test_other_comments_of_the_author_come_next(self):
        items = [self.pending(author={"id": author}) for author in ("x", "y", "y", "y", "y", "y", "x")]
        screen = self.review("--ahead", "1")
        self.read(screen, items[0])
        screen.send("A")
        self.read(screen, items[6])


class Holding(ReviewCase):
    def test_the_next_ones_are_claimed_ahead_and_given_back_at_the_end(self):
        items = [self.pending() for _ in range(4)]
        screen = self.review("--ahead", "2")
        self.read(screen, items[0])
        eventually(lambda: [self.holder(item) for item in items] == ["ann"] * 3 + [None])
        screen.send("q")
        self.assertEqual(screen.wait_exit(), 0)
        self.assertEqual([self.holder(item) for item in items], [None] * 4)

    def test_signals_give_back_what_is_held_too(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            item = self.pending()
            screen = self.review()
            self.read(screen, item)
            os.kill(screen.pid, number)
            self.assertEqual(screen.wait_exit(), 0)
            self.assertIsNone(self.holder(item))
            self.approve(item)

    def test_claims_are_renewed_while_one_reads(self):
        item = self.pending()
        screen = self.review("--lease", "4")
        self.read(screen, item)
        eventually(lambda: self.kinds(item).count("renewed") >= 3, 30)     # without any it ends before the third
        self.assertEqual(self.holder(item), "ann")
        self.assertNotIn("lease_expired", self.kinds(item))

    def test_a_comment_that_comes_to_an_empty_queue_appears_by_itself(self):
        screen = self.review()
        screen.wait_for("The queue is empty")
        item = self.pending("came late")
        self.read(screen, item)
        screen.wait_for("came late")


class DaemonGone(ReviewCase):
    def test_a_decision_is_taken_once_though_the_daemon_is_killed_and_comes_back(self):
        with Daemon() as daemon:
            with daemon.front() as front, daemon.desk(as_="bob") as desk:
                items = [{"site": self.site, "comment": fresh(), "body": "text"} for _ in range(3)]
                front.submit(items)
                screen = self.review(daemon=daemon)
                self.read(screen, items[0])
                daemon.kill()
                screen.send("a")
                self.read(screen, items[1])
                screen.wait_for("daemon away")
                screen.send("a")
                self.read(screen, items[2])
                daemon.start()
                screen.wait_gone("daemon away")
                for item in items[:2]:
                    kinds = eventually(lambda: [event["kind"] for event in
                                                desk.history(item["site"], item["comment"])["events"]
                                                if event["kind"] == "approved"])
                    self.assertEqual(kinds, ["approved"])
                screen.close()


class Terminal(ReviewCase):
    def test_the_terminal_is_given_back_at_the_end(self):
        screen = self.review()
        screen.wait_for("modq review")
        screen.send("q")
        screen.wait_exit()
        self.assertIn(BACK_TO_NORMAL, screen.raw)

    def test_it_is_given_back_even_when_the_program_breaks(self):
        screen = self.review()
        screen.wait_for("modq review")
        os.kill(screen.pid, signal.SIGSEGV)
        self.assertEqual(screen.wait_exit(), -signal.SIGSEGV)
        self.assertIn(BACK_TO_NORMAL, screen.raw)

    def test_every_size_shows_the_comment(self):
        item = self.pending("a text to be seen")
        screen = self.review()
        self.read(screen, item)
        for columns, rows in ((120, 40), (40, 10), (200, 50), (80, 24)):
            screen.resize(columns, rows)
            screen.wait_until(lambda: "a approve" in screen.lines()[rows - 1], about=f"{columns}x{rows}")
            screen.wait_for("a text to be seen")

    def test_without_colours_there_are_none(self):
        item = self.pending()
        for arguments, environment in ((["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "vt100"})):
            screen = self.review(*arguments, **environment)
            self.read(screen, item)
            self.assertIsNone(re.search(rb"\x1b\[[0-9;]*(3[0-9]|4[0-9])[;m]", screen.raw))
            screen.close()

    def test_it_stops_and_goes_on_as_a_job_does(self):
        item = self.pending()
        command = f"{MODQ} --dir {self.daemon.dir} --as ann review --site {self.site}\n"
        with Screen(["bash", "--norc", "-i"], {"PS1": "$ ", "HISTFILE": None}) as screen:
            screen.wait_for("$")
            screen.send(command)
            self.read(screen, item)
            screen.send("\x1a")
            screen.wait_for("Stopped")
            screen.send("fg\n")
            self.read(screen, item)
            screen.send("q")
            screen.wait_for("fg")      # what stood there before
        self.assertIsNone(self.holder(item))

    def test_keys_that_it_does_not_know_and_what_is_pasted_decide_nothing(self):
        item = self.pending()
        screen = self.review()
        self.read(screen, item)
        for keys in ("\x1ba", "\x1bOa", "\x1b[1;9a", "\x1b[200~aaa\ra\x1b[201~"):
            screen.send(keys)
            screen.settle(0.2)
        self.assertEqual(self.state_of(item), "pending")
        screen.send("a")
        self.wait_state(item, "approved")

    def test_text_of_others_cannot_act_on_the_terminal(self):
        evil = "x\x1b]0;owned\x07\x1b[2J\x9b31m\u202erlo y"
        item = self.pending(evil, author={"id": "a", "name": "n\x1b[5m"}, article={"id": "t", "title": "\x1b[7mtitle"})
        screen = self.review()
        self.read(screen, item)
        screen.wait_for("<U+001B>")
        for bad in (b"owned\x07", b"\x1b]0;", b"\x1b[5m", "\u202e".encode(), "\x9b".encode()):
            self.assertNotIn(bad, screen.raw)

    def test_what_the_authors_name_links_to_is_seen(self):
        linked = self.pending(author={"id": "a", "name": "Ann"}, extra={"website": "https://casino.example/\x1b[2Jx"})
        plain = self.pending(author={"id": "b", "name": "Ben"}, extra={"website": 7})
        screen = self.review()
        self.read(screen, linked)
        self.assertRegex(screen.text(), r"Website +https://casino\.example/<U\+001B>\[2Jx")
        screen.send("a")
        self.read(screen, plain)
        self.assertNotIn("Website", screen.text())

    def test_arabic_stays_in_its_order_isolated_or_is_shaped(self):
        item = self.pending("سلام")
        screen = self.review()
        self.read(screen, item)
        self.assertIn("\u2068سلام\u2069", "".join(screen.lines()))
        screen.close()
        screen = self.review("--bidi=fribidi")
        screen.wait_for("\ufee1\ufefc\ufeb3")

    def test_a_terminal_that_nobody_knows_is_served_line_by_line(self):
        item = self.pending("some text")
        for term in ("dumb", "no-such-terminal"):
            screen = self.review(TERM=term)
            screen.wait_for("help>")
            self.assertIn("some text", screen.text())
            screen.send("quit\n")
            self.assertEqual(screen.wait_exit(), 0)
        self.assertIsNone(self.holder(item))


class Plain(ReviewCase):
    def plain(self, lines, *arguments):
        done = self.daemon.run_modq("--as", "ann", "review", "--plain", "--site", self.site, *arguments, stdin=lines)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_same_work_line_by_line(self):
        items = [self.pending(f"text {word}") for word in ("one", "two", "three")]
        out = self.plain(f"approve\nreject {self.reasons[1]}\nundo\nquit\n")
        self.assertRegex(out, r"(?s)text one.*text two.*text three.*text two")
        self.assertEqual([self.state_of(item) for item in items], ["approved", "pending", "pending"])
        self.assertEqual([self.holder(item) for item in items], [None] * 3)

    def test_a_wrong_reason_rejects_nothing(self):
        item = self.pending()
        out = self.plain(f"reject {self.reasons[0]} nonsense\nback\nquit\n")
        self.assertIn("no reason has that key or code", out)
        self.assertEqual(self.state_of(item), "pending")

    def test_a_key_that_no_reason_has_rejects_nothing_for_the_others(self):
        item = self.pending()
        self.plain("reject 1 ~\nback\nquit\n")
        self.assertEqual(self.state_of(item), "pending")

    def test_an_escape_in_a_line_makes_no_command_of_what_follows(self):
        items = [self.pending() for _ in range(2)]
        self.plain("note see \x1ba here\nquit\n")
        self.plain("reject \x1b a\nback\nquit\n")
        self.assertEqual([self.state_of(item) for item in items], ["pending"] * 2)

    def test_what_is_typed_takes_the_place_of_what_stood_there(self):
        self.pending("a bridge")
        self.pending("a river")
        out = self.plain("search bridge\nback\n/\nriver\nback\nquit\n")
        self.assertNotIn("bridgeriver", out)
        self.assertEqual(out.count("number to open"), 2)
        self.assertNotIn("0 found", out)

    def test_filters_of_the_command_line_choose_what_is_read(self):
        item, other = (self.pending(f"text {word}", author={"id": word}) for word in ("one", "two"))
        out = self.plain("approve\nquit\n", "--author", f"{self.site}/two", "--newer-than", "1h", "--mark", "none")
        self.assertNotIn("text one", out)
        self.assertEqual([self.state_of(one) for one in (item, other)], ["pending", "approved"])
        self.assertNotIn("text one", self.plain("quit\n", "--older-than", "1h"))

    def test_a_filter_that_cannot_be_is_told(self):
        for wrong in (["--author", "another/u1"], ["--lane", "any"], ["--older-than", "long"], ["--mark", "nice"],
                      ["--state", "any"]):
            done = self.daemon.run_modq("--as", "ann", "review", "--plain", "--site", self.site, *wrong, stdin="quit\n")
            self.assertEqual(done.returncode, 2, wrong)
            self.assertIn(wrong[0], done.stderr)

    def test_a_note_is_asked_for_in_a_line_of_its_own(self):
        item = self.pending()
        self.plain(f"reject {self.noted_reasons[0]}\nbecause\nquit\n")
        self.assertEqual(self.card_of(item)["note"], "because")

    def test_marked_rows_are_decided_together(self):
        items = [self.pending() for _ in range(3)]
        self.plain("list\n1\n3\napprove\nquit\n")
        self.assertEqual([self.state_of(item) for item in items], ["approved", "pending", "approved"])

    def without_output(self, stdout):
        """A review that nobody types at, whose output cannot be written."""
        process = subprocess.Popen([MODQ, "--dir", self.daemon.dir, "--as", "ann", "review", "--plain", "--site", self.site],
                                   stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE)
        self.addCleanup(process.__exit__, None, None, None)
        self.addCleanup(process.kill)
        return process

    def test_output_that_is_full_ends_it_and_what_was_held_is_given_back(self):
        items = [self.pending() for _ in range(3)]
        with open("/dev/full", "w") as full:
            process = self.without_output(full)
        self.assertEqual(process.wait(20), LOCAL)
        self.assertIn(b"cannot write", process.stderr.read())
        self.assertEqual([self.holder(item) for item in items], [None] * 3)

    def test_reader_that_goes_away_ends_it_and_what_was_held_is_given_back(self):
        items = [self.pending() for _ in range(3)]
        process = self.without_output(subprocess.PIPE)
        self.assertTrue(process.stdout.readline())
        eventually(lambda: self.holder(items[0]) == "ann")
        process.stdout.close()
        process.stdin.write(b"help\n")
        process.stdin.flush()
        self.assertNotEqual(process.wait(20), 0)
        self.assertEqual([self.holder(item) for item in items], [None] * 3)

    def test_no_escape_sequence_is_printed(self):
        self.pending("a\x1b[31mb")
        self.assertNotIn("\x1b", self.plain("help\nquit\n"))


if __name__ == "__main__":
    tap.main()
