"""modq on many comments at once: filters, dry runs, questions, batches and undoing them."""
# time-limit: 120
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

import tap
from cases import Case, event, fresh
from daemon import MODQ

DONE, FINAL, USAGE, UNREACHABLE, WRONG, DENIED, LOCAL = range(7)
ASKED = 20                         # more than so many are asked for
BATCH = re.compile(r"modq undo --batch ([0-9a-f]{32}) takes it back")


class Cli(Case):
    def modq(self, *arguments, stdin="", code=DONE, **more):
        """Runs modq as ann, expects this exit code and returns (stdout, stderr)."""
        done = self.daemon.run_modq("--as", "ann", *arguments, stdin=stdin, **more)
        self.assertEqual(done.returncode, code, f"modq {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def lines(self, *arguments, **more):
        out, _ = self.modq(*arguments, "--json", **more)
        return [json.loads(line) for line in out.splitlines()]

    def on_terminal(self, *arguments, answer=None, meanwhile=lambda: None):
        """Runs it on a terminal of 100 columns, types the answer when it asks; (exit code, what was shown). The question is
        the moment between the listing and the deciding, where `meanwhile` is called."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        process = subprocess.Popen([MODQ, "--dir", self.daemon.dir, "--as", "ann", *arguments], stdin=slave, stdout=slave,
                                   stderr=slave, env={**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8"})
        os.close(slave)
        received = bytearray()
        while True:
            ready, _, _ = select.select([master], [], [], 20)
            self.assertTrue(ready, f"nothing for 20 s after {received!r}")
            try:
                part = os.read(master, 65536)
            except OSError:            # EIO: the other end is closed
                break
            if not part:
                break
            received += part
            if answer is not None and b"[y/N] " in received:
                meanwhile()
                os.write(master, answer)
                answer = None
        os.close(master)
        return process.wait(20), received.decode().replace("\r\n", "\n")

    def many(self, count, author=None, **more):
        """So many pending comments by one author; their names."""
        events = [event(self.site, fresh(), author={"id": author} if author else None, **more) for _ in range(count)]
        events = [{key: value for key, value in one.items() if value is not None} for one in events]
        for at in range(0, count, 200):
            self.assertEqual({result["status"] for result in self.front.submit(events[at:at + 200])}, {"accepted"})
        return [one["comment"] for one in events]

    def states(self, comments):
        found = []
        for at in range(0, len(comments), 200):
            found += [result["state"] for result in self.front.status(self.site, comments[at:at + 200])]
        return found

    def of(self, author):
        return f"{self.site}/{author}"


class Filters(Cli):
    def names(self, *arguments):
        return {line["comment"] for line in self.lines("queue", "--site", self.site, "--limit", "0", *arguments)}

    def test_queue_takes_every_filter(self):
        mine, = self.many(1, "u/1", article={"id": "a/1"}, language="ku-Latn")
        other, = self.many(1, "u2", article={"id": "a2"}, language="en")
        decided, = self.many(1, "u2")
        self.reject(self.named(decided), reasons=self.reasons[:1])
        self.front.report(self.site, other, "r1")
        for arguments, expected in ((["--author", self.of("u/1")], {mine}), (["--article", "a/1"], {mine}),
                                    (["--language", "ku"], {mine}), (["--reported", "1"], {other}),
                                    (["--older-than", "1h"], set()), (["--newer-than", "1h"], {mine, other}),
                                    (["--state", "rejected"], {decided}), (["--state", "any"], {mine, other, decided}),
                                    (["--rejected-for", self.reasons[0]], {decided}),
                                    (["--rejected-for", self.reasons[1]], set()),
                                    (["--decided-by", "ann"], {decided}), (["--decided-by", "bob"], set()),
                                    (["--mark", "none", "--author", self.of("u2")], {other}),
                                    (["--lane", "any"], {mine, other})):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.names(*arguments), expected)

    def test_contradictions_are_usage_errors_and_nothing_is_asked(self):
        for arguments, word in ((["--author", f"{self.site}x/u", "--site", self.site], "different sites"),
                                (["--author", "u1"], "SITE/AUTHOR"), (["--article", "a1"], "--article needs --site"),
                                (["--older-than", "3h", "--newer-than", "2h"], "nothing is older"),
                                (["--older-than", "soon"], "90s, 30m"), (["--state", "aproved"], "approved"),
                                (["--state", "approved", "--lane", "normal"], "--lane is about"),
                                (["--state", "pending", "--decided-by", "ann"], "--decided-by is about")):
            for verb in (["queue"], ["approve"], ["erase", "--yes"]):
                with self.subTest(arguments=arguments, verb=verb):
                    self.assertIn(word, self.modq(*verb, *arguments, code=USAGE)[1])

    def test_pages_are_followed_to_the_end(self):
        names = self.many(450, "u1")
        self.assertEqual(self.names("--author", self.of("u1")), set(names))
        out, err = self.modq("queue", "--author", self.of("u1"), "--limit", "201")
        self.assertEqual(len(out.splitlines()), 202)
        self.assertIn("the first 201", err)

    def test_other_states_have_a_column_of_their_own(self):
        item, _ = self.rejected()
        out, _ = self.modq("queue", "--site", self.site, "--state", "any")
        self.assertRegex(out, rf"COMMENT +STATE.*\n{re.escape(self.site)}/{item['comment']} +rejected")


class DryRuns(Cli):
    def test_it_tells_what_would_be_done_and_changes_nothing(self):
        names = self.many(ASKED + 5, "u1")
        out, _ = self.modq("reject", "--reason", self.reasons[0], "--author", self.of("u1"), "--dry-run")
        for name in names:
            self.assertIn(f"{self.site}/{name} ", out)
        self.assertIn(f"{len(names)} would be rejected; nothing was changed", out)
        self.assertEqual(set(self.states(names)), {"pending"})

    def test_it_tells_what_would_be_left_out_and_why(self):
        free, held, gone = self.many(3, "u1")
        self.bob.claim(comments=[self.named(held)])
        self.front.withdraw(self.site, gone)
        out, _ = self.modq("approve", "--author", self.of("u1"), "--state", "any", "--dry-run")
        self.assertRegex(out, rf"{held}: claimed by bob until ")
        self.assertIn(f"{gone}: it is withdrawn", out)
        self.assertIn("1 would be approved, 2 left out", out)
        told = {line["comment"]: line["status"]
                for line in self.lines("approve", "--author", self.of("u1"), "--state", "any", "--dry-run")}
        self.assertEqual(told, {free: "approved", held: "claimed", gone: "withdrawn"})
        self.assertEqual(self.states([free, held, gone]), ["pending", "pending", "withdrawn"])

    def test_it_is_what_happens_then(self):
        """Each prediction is compared with what the daemon says."""
        names = self.many(5, "u1")
        self.approve(self.named(names[0]))
        self.reject(self.named(names[1]))
        self.bob.claim(comments=[self.named(names[2])])
        self.submit_one(names[3], "edited", revision=2, author={"id": "u1"})
        lines = "".join(json.dumps({"site": self.site, "comment": name, "revision": 1}) + "\n" for name in names)
        for more in ([], ["--supersede"]):
            for verb in (["approve"], ["reject", "--reason", self.reasons[1]]):
                self.many(1)
                dry = self.lines(*verb, *more, "--stdin", "--dry-run", stdin=lines)
                real = self.lines(*verb, *more, "--stdin", stdin=lines, code=FINAL)
                self.assertEqual([line["status"] for line in dry], [line["status"] for line in real], (verb, more))

    def test_names_take_it_too(self):
        one, two = self.many(2)
        self.approve(self.named(two))
        out, err = self.modq("approve", "--dry-run", f"{self.site}/{one}", f"{self.site}/{two}", f"{self.site}/none",
                             code=FINAL)
        self.assertIn("1 would be approved, 2 left out", out)
        self.assertIn(f"{two}: already approved by ann", out)
        self.assertIn("not found", err)
        self.assertEqual(self.states([one]), ["pending"])

    def test_unknown_reason_is_told_before_anything_is_done(self):
        names = self.many(2, "u1")
        for more in (["--dry-run"], []):
            _, err = self.modq("reject", "--reason", "no.such", "--author", self.of("u1"), *more, code=WRONG)
            self.assertIn(self.reasons[0], err)
        self.assertEqual(self.states(names), ["pending"] * 2)


class Asking(Cli):
    def test_few_are_done_at_once(self):
        names = self.many(ASKED, "u1")
        out, _ = self.modq("approve", "--author", self.of("u1"))
        self.assertRegex(out, rf"^{ASKED} approved\. modq undo --batch [0-9a-f]{{32}} takes it back\n$")
        self.assertEqual(set(self.states(names)), {"approved"})

    def test_many_need_yes_where_there_is_no_terminal(self):
        names = self.many(ASKED + 1, "u1")
        _, err = self.modq("approve", "--author", self.of("u1"), code=USAGE)
        self.assertIn(f"these are {ASKED + 1}", err)
        self.assertEqual(set(self.states(names)), {"pending"})
        self.modq("approve", "--author", self.of("u1"), "--yes")
        self.assertEqual(set(self.states(names)), {"approved"})

    def test_terminal_is_asked_how_many_of_whom_and_no_is_the_default(self):
        names = self.many(ASKED + 1, "u1", body="buy \x1b[31mthis")
        for answer in (b"\n", b"n\n", b"\x04"):
            code, shown = self.on_terminal("reject", "--reason", self.reasons[0], "--author", self.of("u1"), answer=answer)
            self.assertEqual(code, USAGE, shown)
            self.assertIn(f"Reject {ASKED + 1} comments by {self.of('u1')}?", shown)
            self.assertIn(f"{self.site}/{names[-1]}  buy <U+001B>[31mthis", shown)
            self.assertIn("nothing was done", shown)
        self.assertEqual(set(self.states(names)), {"pending"})
        code, shown = self.on_terminal("reject", "--reason", self.reasons[0], "--author", self.of("u1"), answer=b"y\n")
        self.assertEqual(code, DONE, shown)
        self.assertEqual(set(self.states(names)), {"rejected"})

    def test_authors_are_counted(self):
        self.many(ASKED, "u1"), self.many(1, "u2")
        _, shown = self.on_terminal("approve", "--site", self.site, answer=b"\n")
        self.assertIn(f"Approve {ASKED + 1} comments by 2 authors?", shown)

    def test_names_are_an_express_choice_and_need_no_yes(self):
        names = self.many(ASKED + 1)
        lines = "".join(f"{self.site}/{name}\n" for name in names)
        self.modq("approve", "--stdin", stdin=lines)
        self.assertEqual(set(self.states(names)), {"approved"})

    def test_names_and_filters_do_not_go_together(self):
        name, = self.many(1, "u1")
        self.modq("approve", f"{self.site}/{name}", "--author", self.of("u1"), code=USAGE)
        self.modq("approve", code=USAGE)
        self.modq("skip", "--for", "1s", f"{self.site}/{name}", code=USAGE)
        self.assertEqual(self.states([name]), ["pending"])

    def test_nothing_selected_is_said(self):
        self.assertIn("no comment is like that", self.modq("approve", "--author", self.of("nobody"))[1])


class Deciding(Cli):
    def test_what_changed_meanwhile_is_left_out_with_the_reason(self):
        names = self.many(ASKED + 3, "u1")

        def meanwhile():
            self.submit_one(names[0], "edited", revision=2, author={"id": "u1"})
            self.reject(self.named(names[1]), self.bob)
            self.bob.claim(comments=[self.named(names[2])])
        code, shown = self.on_terminal("approve", "--author", self.of("u1"), answer=b"y\n", meanwhile=meanwhile)
        self.assertEqual(code, FINAL, shown)
        self.assertIn(f"{ASKED} approved, 3 left out (", shown)
        for name, why in zip(names, ("another revision is current now: 2", "already rejected by bob", "claimed by bob")):
            self.assertIn(f"{name}: {why}", shown)
        self.assertEqual(self.states(names[:3]), ["pending", "rejected", "pending"])

    def test_every_line_of_json_has_the_batch_id(self):
        names = self.many(3, "u1")
        out, err = self.modq("approve", "--author", self.of("u1"), "--json")
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual({line["comment"] for line in lines}, set(names))
        batch, = {line["batch"] for line in lines}
        self.assertEqual(BATCH.search(err)[1], batch)

    def test_each_run_has_a_batch_of_its_own(self):
        first, second = (BATCH.search(self.modq("approve", "--author", self.of(author))[0])[1]
                         for author in ("u1", "u2") if self.many(2, author))
        self.assertNotEqual(first, second)

    def test_superseding_replaces_the_decision_that_was_listed(self):
        names = self.many(2, "u1")
        for name in names:
            self.reject(self.named(name))
        self.modq("approve", "--author", self.of("u1"), "--state", "rejected", code=FINAL)
        self.modq("approve", "--author", self.of("u1"), "--state", "rejected", "--supersede")
        self.assertEqual(self.states(names), ["approved"] * 2)

    def test_superseding_leaves_out_what_was_pending_and_is_decided_meanwhile(self):
        names = self.many(ASKED + 1, "u1")
        self.reject(self.named(names[0]))
        code, shown = self.on_terminal("approve", "--author", self.of("u1"), "--state", "any", "--supersede", answer=b"y\n",
                                       meanwhile=lambda: self.reject(self.named(names[1]), self.bob))
        self.assertEqual(code, FINAL, shown)
        self.assertIn(f"{ASKED} approved, 1 left out (", shown)
        self.assertIn(f"{names[1]}: already rejected by bob", shown)
        self.assertEqual(self.states(names[:2]), ["approved", "rejected"])

    def test_queue_is_still_piped_into_approve(self):
        names = self.many(3)
        out, _ = self.modq("queue", "--site", self.site, "--json")
        _, err = self.modq("approve", "--stdin", stdin=out)
        self.assertEqual(self.states(names), ["approved"] * 3)
        self.assertRegex(err, r"modq undo --batch [0-9a-f]{32} takes back these 3")

    def test_interrupt_ends_between_requests_and_says_what_was_done(self):
        """Nobody reads what it says of the first request, so it waits there; then the signal comes."""
        limit = self.front.hello()["limits"]["max_batch"]
        names = self.many(5 * limit, "u1")
        process = subprocess.Popen([MODQ, "--dir", self.daemon.dir, "--as", "ann", "approve", "--author", self.of("u1"),
                                    "--yes", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096, bufsize=0)
        first = process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        told = [json.loads(line) for line in (first + out).splitlines()]
        approved = self.states(names).count("approved")
        self.assertEqual(process.returncode, FINAL, err)
        self.assertEqual([line["status"] for line in told], ["approved"] * approved)
        self.assertIn(approved, range(limit, 4 * limit))
        self.assertIn(f"{approved} approved, {len(names) - approved} not: interrupted", err.decode())
        self.modq("undo", "--batch", BATCH.search(err.decode())[1], "--yes")
        self.assertEqual(set(self.states(names)), {"pending"})

    def test_more_than_one_request_is_one_batch(self):
        names = self.many(600, "u1")
        out, _ = self.modq("reject", "--reason", self.reasons[0], "--author", self.of("u1"), "--yes")
        self.assertIn("600 rejected. ", out)
        self.assertEqual(set(self.states(names)), {"rejected"})
        out, _ = self.modq("undo", "--batch", BATCH.search(out)[1], "--yes")
        self.assertIn("600 undone", out)
        self.assertEqual(set(self.states(names)), {"pending"})

    def test_escalating_by_filter(self):
        names = self.many(2, "u1")
        out, _ = self.modq("escalate", "--author", self.of("u1"))
        self.assertIn("2 escalated", out)
        self.assertEqual({self.card_of(self.named(name))["lane"] for name in names}, {"escalated"})


class Undoing(Cli):
    def rejected_batch(self, count):
        names = self.many(count, "u1")
        out, _ = self.modq("reject", "--reason", self.reasons[0], "--author", self.of("u1"), "--yes")
        return names, BATCH.search(out)[1]

    def test_batch_is_taken_back_and_what_changed_since_is_left_out(self):
        names, batch = self.rejected_batch(4)
        self.approve(self.named(names[1]), self.bob, supersede=True)
        out, _ = self.modq("undo", "--batch", batch, code=FINAL)
        self.assertIn("3 undone, 1 left out (", out)
        self.assertIn(f"{names[1]}: rejected, something came after that decision", out)
        self.assertEqual(self.states(names), ["pending", "approved", "pending", "pending"])

    def test_dry_run_tells_both_and_changes_nothing(self):
        names, batch = self.rejected_batch(3)
        self.approve(self.named(names[0]), self.bob, supersede=True)
        out, _ = self.modq("undo", "--batch", batch, "--dry-run")
        self.assertIn("2 would be undone, 1 left out; nothing was changed", out)
        told = {line["comment"]: line["status"] for line in self.lines("undo", "--batch", batch, "--dry-run")}
        self.assertEqual(told, {names[0]: "not_current", names[1]: "undone", names[2]: "undone"})
        self.assertEqual(self.states(names), ["approved", "rejected", "rejected"])

    def test_many_need_yes(self):
        names, batch = self.rejected_batch(ASKED + 1)
        self.modq("undo", "--batch", batch, code=USAGE)
        self.assertEqual(set(self.states(names)), {"rejected"})
        code, shown = self.on_terminal("undo", "--batch", batch, answer=b"y\n")
        self.assertEqual(code, DONE, shown)
        self.assertIn(f"Take back {ASKED + 1} decisions?", shown)
        self.assertEqual(set(self.states(names)), {"pending"})

    def test_second_time_there_is_nothing_left(self):
        names, batch = self.rejected_batch(2)
        self.modq("undo", "--batch", batch)
        out, _ = self.modq("undo", "--batch", batch, code=FINAL)
        self.assertIn("0 undone, 2 left out", out)
        self.assertEqual(self.states(names), ["pending"] * 2)

    def test_unknown_and_wrong_ids(self):
        self.assertIn("nothing was decided", self.modq("undo", "--batch", "0" * 32, code=FINAL)[1])
        self.assertIn("32 hexadecimal digits", self.modq("undo", "--batch", "xyz", code=USAGE)[1])
        for arguments in (["--batch", "0" * 32, "a/1"], ["--batch", "0" * 32, "--site", "a", "--seq", "1"], ["--dry-run", "a/1"],
                          []):
            self.modq("undo", *arguments, code=USAGE)


if __name__ == "__main__":
    tap.main()
