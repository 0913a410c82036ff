"""modq on authors and with notes: note, skip, author, export, erase, and what show and history tell of them."""
# time-limit: 120
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import time

import tap
from cases import Case, fresh
from daemon import MODQ

DONE, FINAL, USAGE = range(3)
ESCAPE = "\x1b[2J\u202e"           # clears a terminal, and turns text round


class Cli(Case):
    def setUp(self):
        super().setUp()
        self.author = f"{self.site}/u/1"

    def modq(self, *arguments, stdin="", code=DONE, **more):
        """Runs modq as ann, expects this exit code and returns (stdout, stderr)."""
        done = self.daemon.run_modq("--as", "ann", *arguments, stdin=stdin, **more)
        self.assertEqual(done.returncode, code, f"modq {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        self.assertNotRegex(done.stdout + done.stderr, "[\x1b\u202e]")
        return done.stdout, done.stderr

    def lines(self, *arguments, **more):
        out, _ = self.modq(*arguments, "--json", **more)
        return [json.loads(line) for line in out.splitlines()]

    def on_terminal(self, *arguments, typed=b"", environment=None, meanwhile=None):
        """Runs it on a terminal where this was typed already, or is typed at its question, after `meanwhile`; (exit code,
        what was shown)."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        if not meanwhile:
            os.write(master, typed)
        process = subprocess.Popen([MODQ, "--dir", self.daemon.dir, "--as", "ann", *arguments], stdin=slave, stdout=slave,
                                   stderr=slave, env={**os.environ, "TERM": "dumb", **(environment or {})})
        os.close(slave)
        received = bytearray()
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:            # EIO: the other end is closed
                break
            received += part
            if meanwhile and b"[y/N] " in received:
                meanwhile()
                os.write(master, typed)
                meanwhile = None
        os.close(master)
        return process.wait(20), received.decode().replace("\r\n", "\n")

    def by_author(self, body=None, **more):
        return self.pending(body, author={"id": "u/1", "name": "Eve" + ESCAPE}, **more)

    def path(self, item):
        return f"{item['site']}/{item['comment']}"

    def notes(self, item):
        return [note["note"] for note in self.lines("show", self.path(item))[0]["notes"]]


class Notes(Cli):
    def test_text_comes_from_the_argument_or_standard_input(self):
        item = self.pending()
        self.modq("note", self.path(item), "first" + ESCAPE)
        self.modq("note", self.path(item), stdin="\n second\nline \n\n")
        self.modq("note", self.path(item), "-", stdin="third")
        self.assertEqual(self.notes(item), ["third", "second\nline", "first" + ESCAPE])
        out, _ = self.modq("show", self.path(item))
        self.assertIn("first<U+001B>[2J<U+202E>", out)
        self.assertRegex(self.modq("history", self.path(item))[0], r"noted .* third\n")

    def test_empty_text_is_no_note(self):
        item = self.pending()
        _, err = self.modq("note", self.path(item), stdin=" \n", code=USAGE)
        self.assertIn("there is no text", err)
        self.assertEqual(self.notes(item), [])

    def test_editor_writes_it_on_a_terminal_and_its_file_goes(self):
        item = self.pending()
        work = os.path.join(self.daemon.dir, "tmp")
        os.makedirs(work, exist_ok=True)
        script = os.path.join(self.daemon.dir, "an editor")
        with open(script, "w") as file:
            file.write('#!/bin/sh\n[ "$1" = -x ] && stat -c %a "$2" > "${0}.mode" && echo "from the editor" > "$2"\n')
        os.chmod(script, 0o700)
        code, shown = self.on_terminal("note", self.path(item),
                                       environment={"VISUAL": "", "EDITOR": f"'{script}' -x", "TMPDIR": work})
        self.assertEqual((code, self.notes(item)), (DONE, ["from the editor"]), shown)
        self.assertEqual(os.listdir(work), [])
        with open(script + ".mode") as file:
            self.assertEqual(file.read().strip(), "600")
        code, shown = self.on_terminal("note", self.path(item), environment={"VISUAL": "false", "TMPDIR": work})
        self.assertEqual((code, self.notes(item)), (6, ["from the editor"]), shown)
        self.assertEqual(os.listdir(work), [])

    def test_note_on_what_is_not_there(self):
        self.modq("note", f"{self.site}/none", "x", code=FINAL)
        self.modq("note", "none", "x", code=USAGE)


class Skipping(Cli):
    def test_skipped_ones_are_given_to_others_only(self):
        item, other = self.pending(), self.pending()
        line, = self.lines("skip", "--for", "2h", self.path(item))
        self.assertEqual(line["status"], "skipped")
        self.assertAlmostEqual(line["until"] / 1000, time.time() + 7200, delta=60)
        mine = self.lines("claim", "--site", self.site, "--limit", "2")
        self.assertEqual([card["comment"] for card in mine], [other["comment"]])
        theirs = self.bob.claim(site=self.site, limit=2)["comments"]
        self.assertEqual([card["comment"] for card in theirs], [item["comment"]])

    def test_what_another_holds_cannot_be_skipped(self):
        item = self.pending()
        self.bob.claim(comments=[self.named(item["comment"])])
        _, err = self.modq("skip", self.path(item), code=FINAL)
        self.assertIn("claimed by bob", err)

    def test_span_must_be_one_that_the_daemon_takes(self):
        for span in ("1s", "8d", "soon"):
            self.assertIn("1m to 7d", self.modq("skip", "--for", span, self.path(self.pending()), code=USAGE)[1])

    def test_filter_selects(self):
        items = [self.by_author() for _ in range(3)]
        out, _ = self.modq("skip", "--author", self.author)
        self.assertEqual(out, "3 skipped\n")
        self.assertEqual(self.lines("claim", "--site", self.site, "--limit", "10"), [])
        self.assertEqual(len(items), len(self.bob.claim(site=self.site, limit=10)["comments"]))


class Authors(Cli):
    def test_record_counts_and_names_reasons_and_last_comments(self):
        items = [self.by_author(f"text {n}" + ESCAPE) for n in range(4)]
        self.approve(self.named(items[0]["comment"]))
        for item in items[1:3]:
            self.reject(self.named(item["comment"]), reasons=self.reasons[:1])
        record, = self.lines("author", self.author)
        self.assertEqual((record["comments"], record["pending"], record["approved"], record["rejected"]), (4, 1, 1, 2))
        self.assertEqual(record["reasons"], [{"reason": self.reasons[0], "count": 2}])
        out, _ = self.modq("author", self.author)
        self.assertIn("4 comments: 1 pending, 1 approved, 2 rejected", out)
        self.assertIn(f"for {self.reasons[0]} 2", out)
        self.assertRegex(out, rf"{re.escape(self.path(items[1]))} +rejected +\d+[sm] +{re.escape(self.reasons[0])} +text 1<U\+001B>")

    def test_mark_has_a_reason_and_an_end(self):
        item = self.by_author()
        self.modq("author", "mark", self.author, "watched", "--note", "insults" + ESCAPE, "--until", "30d")
        record, = self.lines("author", self.author)
        self.assertEqual((record["mark"], record["marked_by"], record["mark_note"]), ("watched", "ann", "insults" + ESCAPE))
        self.assertAlmostEqual(record["mark_until"] / 1000, time.time() + 30 * 86400, delta=60)
        out, _ = self.modq("author", self.author)
        self.assertRegex(out, r"mark +watched since .* by ann, until ")
        self.assertIn("insults<U+001B>", out)
        self.assertIn("watched", self.modq("queue", "--site", self.site)[0])
        self.assertEqual([card["comment"] for card in self.lines("queue", "--mark", "watched", "--site", self.site)],
                         [item["comment"]])
        self.modq("author", "mark", self.author, "none")
        self.assertNotIn("  mark ", self.modq("author", self.author)[0])

    def test_what_is_wrong_with_a_mark_is_told(self):
        self.by_author()
        for arguments, word in (([self.author, "watched"], "--note"), ([self.author, "vip", "--note", "x"], "trusted"),
                                ([self.author, "trustd", "--note", "x"], "trusted"), (["u1", "none"], "SITE/AUTHOR"),
                                ([self.author, "blocked", "--note", "x", "--until", "2001-01-01"], "to come"),
                                ([self.author, "blocked", "--note", "x", "--until", "soon"], "neither a span")):
            with self.subTest(arguments=arguments):
                self.assertIn(word, self.modq("author", "mark", *arguments, code=USAGE)[1])

    def test_notes_are_listed_the_newest_first(self):
        self.by_author()
        self.modq("author", "note", self.author, "one")
        self.modq("author", "note", self.author, stdin="two" + ESCAPE)
        record, = self.lines("author", self.author)
        self.assertEqual([(event["kind"], event["note"]) for event in record["events"]],
                         [("author_noted", "two" + ESCAPE), ("author_noted", "one")])
        self.assertRegex(self.modq("author", self.author)[0], r"(?s)author_noted +ann +two<U\+001B>.*author_noted +ann +one")

    def test_nobody_is_known_by_that_name(self):
        self.assertIn("nothing is known", self.modq("author", f"{self.site}/nobody", code=FINAL)[1])
        self.modq("author", "nobody", code=USAGE)


class Showing(Cli):
    def test_show_tells_what_stands_around_a_comment(self):
        parent = self.by_author("what it answers")
        self.reject(self.named(self.by_author()["comment"]), reasons=self.reasons[:1])
        item = self.pending("you are a good man", author={"id": "u/1"}, parent=parent["comment"])
        self.submit_one(item["comment"], "you are a bad" + ESCAPE + " man", revision=2, author={"id": "u/1"},
                        parent=parent["comment"])
        self.bob.claim(comments=[self.named(item["comment"])])
        self.bob.release([self.named(item["comment"])])
        out, _ = self.modq("show", self.path(item))
        self.assertRegex(out, rf"answers +{re.escape(self.path(parent))}\n +pending, by .*\n +what it answers\n")
        self.assertRegex(out, rf"record +3 comments: 2 pending, 1 rejected\n +rejected for {re.escape(self.reasons[0])} 1\n")
        self.assertRegex(out, r"had by +bob, released .*\n +bob, claimed ")
        self.assertRegex(out, r"changed +revision 1 of .*\n +was +… good …\n +is now +… bad<U\+001B>\[2J<U\+202E> …\n")
        shown, = self.lines("show", self.path(item))
        self.assertEqual(shown["parent_card"]["comment"], parent["comment"])
        self.assertEqual(shown["before"]["body"], "you are a good man")
        self.assertEqual(shown["author_record"]["comments"], 3)
        self.assertEqual([one["by"] for one in shown["seen"]], ["bob", "bob"])

    def test_parts_that_are_not_there_are_not_shown(self):
        out, _ = self.modq("show", self.path(self.pending()))
        for title in ("answers", "record", "had by", "notes", "changed", "due"):
            self.assertNotRegex(out, rf"(?m)^  {title}\b")


class Data(Cli):
    """What is kept of a person, for those who ask for it, or want it gone."""

    def everything(self):
        """Comments of one author in four states; the newest last."""
        items = [self.by_author(f"text {n}") for n in range(4)]
        self.approve(self.named(items[0]["comment"]))
        self.reject(self.named(items[1]["comment"]), note="why")
        self.front.withdraw(self.site, items[2]["comment"])
        self.front.report(self.site, items[3]["comment"], "r1", note="bad one")
        self.modq("note", self.path(items[3]), "a note")
        self.modq("author", "mark", self.author, "watched", "--note", "a mark")
        self.modq("author", "note", self.author, "about the author")
        self.by_another = self.pending("of another", author={"id": "u2"})
        return items

    def test_export_has_every_comment_in_whatever_state_with_all_that_belongs_to_it(self):
        items = self.everything()
        out, err = self.modq("export", self.author)
        author, *comments = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((author["what"], author["mark"], author["mark_note"]), ("author", "watched", "a mark"))
        self.assertEqual([event["note"] for event in author["events"]], ["about the author", "a mark"])
        self.assertEqual({line["what"] for line in comments}, {"comment"})
        states = {line["card"]["comment"]: line["card"]["state"] for line in comments}
        self.assertEqual(states, dict(zip((item["comment"] for item in items),
                                          ("approved", "rejected", "withdrawn", "pending"))))
        last, = (line for line in comments if line["card"]["comment"] == items[3]["comment"])
        self.assertEqual((last["reported"][0]["note"], last["notes"][0]["note"]), ("bad one", "a note"))
        for line in comments:
            self.assertEqual(line["history"][-1]["kind"], "submitted")
        self.assertNotIn("of another", out)
        self.assertIn("4 comments", err)
        self.assertIn("reported as a reader", err)
        self.assertNotIn("older revisions", err)

    def test_export_says_that_older_revisions_are_missing(self):
        item = self.by_author("text 1")
        for revision, missing in ((2, False), (3, True)):
            self.submit_one(item["comment"], f"text {revision}", revision=revision, author={"id": "u/1"})
            out, err = self.modq("export", self.author)
            self.assertIn(f"text {revision - 1}", out)
            self.assertEqual("older revisions" in err, missing)

    def test_export_says_where_notes_are_that_the_list_of_notes_has_no_room_for(self):
        item = self.by_author()
        self.front.report(self.site, item["comment"], "r1", note="of a reader")
        for number, missing in ((50, False), (51, True)):
            while len(self.notes_of(item)) < number:
                self.ann.change("note", **item, note=f"note {len(self.notes_of(item))}")
            out, err = self.modq("export", self.author)
            comment = json.loads(out.splitlines()[1])
            self.assertEqual(len(comment["notes"]), 50)
            self.assertEqual([event["note"] for event in comment["history"] if event["kind"] == "noted"],
                             [f"note {n}" for n in reversed(range(number))])
            self.assertEqual('"notes" has the newest ones alone: of 1 of these comments' in err, missing, err)

    def notes_of(self, item):
        return [event for event in self.ann.history(item["site"], item["comment"])["events"] if event["kind"] == "noted"]

    def test_erase_of_an_author_leaves_nothing(self):
        items = self.everything()
        _, err = self.modq("erase", "--author", self.author, code=USAGE)
        self.assertIn("cannot be undone", err)
        out, _ = self.modq("erase", "--author", self.author, "--dry-run")
        self.assertIn("4 would be erased, in every state, and mark and notes of the author; nothing was changed", out)
        self.assertEqual(len(self.lines("queue", "--author", self.author, "--state", "any")), 4)
        out, _ = self.modq("erase", "--author", self.author, "--yes")
        self.assertIn("4 erased\n", out)
        self.assertIn(f"mark and notes of {self.author} are erased", out)
        self.assertEqual({self.state_of(item) for item in items}, {"erased"})
        self.assertEqual(self.state_of(self.by_another), "pending")
        self.modq("author", self.author, code=FINAL)
        self.modq("export", self.author, code=FINAL)

    def test_comments_that_come_in_meanwhile_are_erased_too(self):
        """The question is the moment between the listing and the erasing."""
        items = [self.by_author()]
        code, shown = self.on_terminal("erase", "--author", self.author, typed=b"y\n",
                                       meanwhile=lambda: items.append(self.by_author()))
        self.assertEqual(code, DONE, shown)
        self.assertEqual([self.state_of(item) for item in items], ["erased"] * 2)
        self.assertIn(f"mark and notes of {self.author} are erased", shown)
        self.modq("author", self.author, code=FINAL)

    def test_terminal_is_asked_even_for_one(self):
        item = self.by_author()
        for typed, code, state in ((b"\n", USAGE, "pending"), (b"y\n", DONE, "erased")):
            done, shown = self.on_terminal("erase", "--author", self.author, typed=typed)
            self.assertEqual((done, self.state_of(item)), (code, state), shown)
            self.assertIn(f"1 comment by {self.author}, in every state, and mark and notes of the author? "
                          "It cannot be undone.", shown)

    def test_narrower_filter_erases_comments_and_keeps_what_is_noted(self):
        one, two = self.by_author(), self.by_author()
        self.approve(self.named(one["comment"]))
        self.modq("author", "note", self.author, "stays")
        self.modq("erase", "--author", self.author, "--state", "approved", "--yes")
        self.assertEqual((self.state_of(one), self.state_of(two)), ("erased", "pending"))
        record, = self.lines("author", self.author)
        self.assertEqual([event["note"] for event in record["events"]], ["stays"])

    def test_author_without_comments_loses_what_is_noted(self):
        name = f"{self.site}/{fresh()}"
        self.by_author()
        self.modq("author", "note", name, "x")
        self.modq("erase", "--author", name, "--yes")
        self.modq("author", name, code=FINAL)


if __name__ == "__main__":
    tap.main()
