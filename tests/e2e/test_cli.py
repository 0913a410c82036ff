"""modq as its users type it, against the daemon."""
# time-limit: 240
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

import tap
from cases import Case, event, fresh, sha256
from daemon import MODQ, SHARED, Daemon, free_port

DONE, FINAL, USAGE, UNREACHABLE, WRONG, DENIED, LOCAL = range(7)
BIDI = "\u061c\u200e\u200f" + "".join(map(chr, [*range(0x202a, 0x202f), *range(0x2066, 0x206a)]))
FORBIDDEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{BIDI}\ufeff\U000e0001-\U000e007f]")
PROGRESS = re.compile(rb"\r(?:\d+ comments, \d+/s)?\x1b\[K")         # modq's line for a list that takes its time
ISOLATED = re.compile("\u2068([^\u2068\u2069\n]*)\u2069")         # modq itself sets foreign text apart with these
CONTROLS = "".join(map(chr, [*range(1, 32), *range(127, 160)])) + BIDI
ATTACKS = ["\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]52;c;cm0gLXJm\x07", "\x9b31m", "\x1bP+q\x1b\\", "a\rb", "a\bb",
           "\x0e\x0f",
           "x\nfake/1  approved", "abc\u202edcba", "\u2066x\u2069", "\ufeff", "\U000e0041", CONTROLS, "\0", "\x7f",
           "\u2028\u2029"]


class Cli(Case):
    def modq(self, *arguments, stdin="", code=DONE, **more):
        """Runs modq, expects this exit code and returns (stdout, stderr)."""
        done = self.daemon.run_modq(*arguments, stdin=stdin, **more)
        self.assertEqual(done.returncode, code, f"modq {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def lines(self, *arguments, **more):
        """The same with --json: a list of what the lines of stdout hold."""
        out, _ = self.modq(*arguments, "--json", **more)
        return [json.loads(line) for line in out.splitlines()]

    def path(self, item):
        return f"{item['site']}/{item['comment']}"


class Submitting(Cli):
    def test_lines_of_a_corpus_are_handed_in_with_their_keys(self):
        line = {"site": self.site, "id": "yt-1", "article": {"id": "a1", "title": "T"}, "author": {"id": "u1"},
                "parent_id": "yt-0", "created_at": "2013-11-07T06:20:48Z", "lang": "en", "body": "Héllo\n\"quoted\"",
                "labels": ["promotion"]}
        result, = self.lines("submit", stdin=json.dumps(line) + "\n")
        self.assertEqual((result["status"], result["state"], result["comment"]), ("accepted", "pending", "yt-1"))
        card = self.card_of(self.named("yt-1"))
        self.assertEqual((card["body"], card["parent"], card["language"]), (line["body"], "yt-0", "en"))
        self.assertEqual((card["article"], card["author"]), (line["article"], line["author"]))
        self.assertEqual((card["created_at"], card["extra"]), (1383805248000, {"labels": ["promotion"]}))
        again, = self.lines("submit", stdin=json.dumps({**line, "labels": []}))
        self.assertEqual(again["status"], "duplicate")

    def test_real_comments_arrive_whole(self):
        folder = os.path.join(SHARED, "corpora")
        if not os.path.isdir(folder):
            self.skipTest(f"no comments in {folder}")
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".jsonl"):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                lines = [next(file) for _ in range(150)]
            results = self.lines("submit", stdin="".join(lines))
            self.assertEqual([r["status"] for r in results], ["accepted"] * len(lines), name)
            for line in map(json.loads, lines[::10]):
                found, = self.front.status(line["site"], [line["id"]])
                self.assertEqual(found["body_sha256"], sha256(line["body"]))

    def test_bad_lines_fail_alone_and_are_named(self):
        lines = [{"site": self.site, "id": "1", "body": "ok"}, {"site": self.site, "id": "2"},
                 {"site": "a/b", "id": "3", "body": "x"}]
        out, err = self.modq("submit", stdin="\n".join(map(json.dumps, lines)) + "\nnot json\n", code=WRONG)
        self.assertIn("1 accepted", out + err)
        for number in (2, 3, 4):
            self.assertRegex(err, f":{number}: ")
        self.assertEqual(self.state_of(self.named("1")), "pending")

    def test_conflict_is_a_final_failure(self):
        self.pending(), self.submit_one("a", "one")
        line = json.dumps({"site": self.site, "id": "a", "body": "two"})
        result, = self.lines("submit", stdin=line, code=FINAL)
        self.assertEqual((result["status"], result["error"]["name"]), ("conflict", "conflict"))

    def test_site_option_stands_for_a_missing_site(self):
        self.modq("submit", "--site", self.site, stdin='{"id": "x", "body": "b"}\n')
        self.assertEqual(self.state_of(self.named("x")), "pending")

    def test_file_that_is_not_there_is_a_local_failure(self):
        self.assertIn("/no/such/file", self.modq("submit", "/no/such/file", code=LOCAL)[1])

    def test_many_lines_are_handed_in(self):
        lines = "".join(json.dumps({"site": self.site, "id": str(n), "body": f"body {n}"}) + "\n" for n in range(2000))
        self.assertEqual(len(self.lines("submit", stdin=lines)), 2000)
        site, = [s for s in self.ann.stats()["sites"] if s["site"] == self.site]
        self.assertEqual(site["pending"], 2000)


class Deciding(Cli):
    def test_queue_is_piped_into_approve(self):
        items = [self.pending() for _ in range(5)]
        out, _ = self.modq("queue", "--site", self.site, "--json", "--limit", "0")
        self.assertEqual([json.loads(line)["comment"] for line in out.splitlines()], [i["comment"] for i in items])
        results = self.lines("approve", "--stdin", "--as", "ann", stdin=out)
        self.assertEqual([(r["status"], r["seq"]) for r in results], [("approved", n) for n in range(1, 6)])
        self.assertEqual(self.card_of(items[0])["decided_by"], "ann")

    def test_lines_of_the_queue_are_compared_with_the_revision_that_was_read(self):
        item = self.pending()
        out, _ = self.modq("queue", "--site", self.site, "--json")
        self.submit_one(item["comment"], "edited", revision=2)
        result, = self.lines("approve", "--stdin", stdin=out, code=FINAL)
        self.assertEqual((result["status"], result["error"]["revision"]), ("stale_revision", 2))
        self.assertEqual(self.state_of(item), "pending")

    def test_reject_wants_a_reason_of_the_policy(self):
        item = self.pending()
        self.modq("reject", self.path(item), code=USAGE)
        _, err = self.modq("reject", "--reason", "no.such", self.path(item), code=WRONG)
        self.assertIn(self.reasons[0], err)
        self.assertEqual(self.state_of(item), "pending")
        self.modq("reject", "--reason", ",".join(self.reasons[:2]), "--note", "why not", self.path(item))
        card = self.card_of(item)
        self.assertEqual((card["state"], card["reasons"], card["note"]), ("rejected", self.reasons[:2], "why not"))

    def test_second_moderator_is_told_and_supersede_replaces(self):
        item, _ = self.rejected()
        _, err = self.modq("approve", "--as", "bob", self.path(item), code=FINAL)
        self.assertIn("rejected", err)
        self.assertIn("ann", err)
        self.modq("approve", "--as", "bob", "--supersede", self.path(item))
        self.assertEqual(self.card_of(item)["decided_by"], "bob")

    def test_undo_names_a_comment_or_a_record(self):
        item, seq = self.approved()
        self.modq("undo", self.path(item))
        self.assertEqual(self.state_of(item), "pending")
        self.approve(item)
        result, = self.lines("undo", "--site", self.site, "--seq", "3")
        self.assertEqual((result["status"], result["undoes"], result["seq"]), ("undone", 3, 4))
        self.modq("undo", "--site", self.site, "--seq", str(seq), code=FINAL)

    def test_some_failed_items_make_the_exit_code_final(self):
        item = self.pending()
        results = self.lines("approve", self.path(item), f"{self.site}/none", code=FINAL)
        self.assertEqual([r["status"] for r in results], ["approved", "not_found"])

    def test_claims_are_told_to_others(self):
        item = self.pending()
        card, = self.lines("claim", "--as", "carl", "--site", self.site)
        self.assertEqual((card["comment"], card["claimed_by"]), (item["comment"], "carl"))
        _, err = self.modq("approve", "--as", "dora", self.path(item), code=FINAL)
        self.assertIn("carl", err)
        self.modq("release", "--as", "carl", self.path(item))
        self.modq("approve", "--as", "dora", self.path(item))

    def test_withdraw_report_escalate_and_erase_do_what_they_say(self):
        one, two, three = self.pending(), self.approved()[0], self.pending()
        self.modq("withdraw", self.path(one))
        self.assertEqual(self.state_of(one), "withdrawn")
        self.modq("escalate", self.path(three))
        self.assertEqual(self.card_of(three)["lane"], "escalated")
        self.modq("report", "--reader", "r", self.path(two))
        self.assertEqual(self.card_of(two)["reports"], 1)
        self.modq("erase", "--yes", self.path(two))
        status = self.lines("status", self.path(one), self.path(two))
        self.assertEqual([s["state"] for s in status], ["withdrawn", "erased"])


class Following(Cli):
    def test_follow_replays_records_and_ends(self):
        item, _ = self.approved()
        self.reject(item, supersede=True)
        records = self.records()
        told = self.lines("follow", "--site", self.site, "--no-wait")
        self.assertEqual([(r["seq"], r["decision"], r["chain"]) for r in told],
                         [(r["seq"], r["decision"], r["chain"].hex()) for r in records])
        rest = self.lines("follow", "--site", self.site, "--no-wait", "--after", "1", "--hash", told[0]["chain"])
        self.assertEqual(rest, told[1:])

    def test_past_that_differs_is_a_final_failure(self):
        self.approved()
        self.modq("follow", "--site", self.site, "--no-wait", "--after", "1", "--hash", "00" * 32, code=FINAL)
        self.modq("follow", "--site", self.site, "--no-wait", "--after", "9", code=FINAL)

    def test_follow_goes_on_over_a_restart_of_the_daemon(self):
        follower = subprocess.Popen([MODQ, "--dir", self.daemon.dir, "follow", "--site", self.site, "--json", "--count",
                                     "4"],
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.stdout.close)
        try:
            self.approved(), self.approved()
            self.daemon.restart()
            self.approved(), self.approved()
            out, _ = follower.communicate(timeout=60)
        finally:
            if follower.poll() is None:
                follower.kill()
                follower.wait()
        self.assertEqual([json.loads(line)["seq"] for line in out.splitlines()], [1, 2, 3, 4])
        self.assertEqual(follower.returncode, DONE)

    def test_history_tells_everything(self):
        item, seq = self.rejected()
        self.undo(seq)
        events = self.lines("history", self.path(item))
        self.assertEqual([e["kind"] for e in events], ["reopened", "rejected", "submitted"])
        out, _ = self.modq("history", self.path(item))
        self.assertIn(self.reasons[0], out)


class ExitCodes(Cli):
    def test_wrong_command_lines_do_nothing(self):
        for arguments in (["frobnicate"], ["approve"], ["approve", "no-slash"], ["queue", "--limit", "x"],
                          ["queue", "--nonsense"],
                          ["follow"], ["reject", "--reason"], []):
            with self.subTest(arguments=arguments):
                done = self.daemon.run_modq(*arguments)
                self.assertEqual(done.returncode, USAGE, done.stdout + done.stderr)
                self.assertTrue(done.stdout + done.stderr)

    def test_wrong_verb_is_told_what_is_possible(self):
        self.assertIn("queue", self.modq("quue", code=USAGE)[1])

    def test_daemon_that_is_not_there_is_unreachable(self):
        done = subprocess.run([MODQ, "--dir", "/tmp/mq-none", "--timeout", "1", "queue"], capture_output=True,
                              text=True, timeout=30)
        self.assertEqual(done.returncode, UNREACHABLE, done.stderr)
        self.assertIn("/tmp/mq-none", done.stderr)

    def test_daemon_that_does_not_answer_is_a_time_out(self):
        item = self.pending()
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            start = time.monotonic()
            self.modq("--timeout", "1", "approve", self.path(item), code=UNREACHABLE)
            self.assertLess(time.monotonic() - start, 10)
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)

    def test_what_is_final_is_told_by_the_exit_code(self):
        for arguments in (["show", f"{self.site}/none"], ["history", f"{self.site}/none"],
                          ["undo", f"{self.site}/none"],
                          ["approve", f"{self.site}/none"]):
            self.modq(*arguments, code=FINAL)

    def test_help_and_version_succeed(self):
        for arguments in (["--help"], ["help"], ["help", "approve"], ["--version"], ["version"]):
            self.assertTrue(self.modq(*arguments)[0])

    def test_key_never_leads_to_a_socket_of_this_machine(self):
        """Where its owner would be whoever they are here: what the file does not name is not asked."""
        self.daemon.front().submit([event(self.site, "k")])
        path = os.path.join(self.daemon.dir, "web.key")
        self.modq("key", "new", fresh("web-"), "--role", "front", "--file", path)
        for arguments in (["approve", f"{self.site}/k"], ["queue"], ["hello"], ["follow", "--site", self.site, "--count", "1"],
                          ["status", f"{self.site}/k"]):
            done = self.daemon.run_modq("--key", path, *arguments)
            self.assertEqual(done.returncode, USAGE, arguments)
            self.assertIn("does not say where", done.stderr)
        self.assertEqual(self.daemon.front().status(self.site, ["k"])[0]["state"], "pending")

    def test_desk_over_tcp_without_a_name_is_denied(self):
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        with Daemon(config=f'insecure_loopback = true\nlisten {{\n    desk = "{endpoint}"\n}}\n') as daemon:
            daemon.front().submit([event("s", "a")])
            done = daemon.run_modq("--desk", endpoint, "approve", "s/a")
            self.assertEqual(done.returncode, DENIED, done.stderr)
            self.assertEqual(daemon.run_modq("--desk", endpoint, "--as", "ann", "approve", "s/a").returncode, DONE)

    def test_who_may_not_open_the_socket_is_told_at_once(self):
        if os.getuid() != 0:
            self.skipTest("only root can become somebody else")
        os.chmod(self.daemon.dir, 0o755)
        self.addCleanup(os.chmod, self.daemon.dir, 0o700)
        begun = time.monotonic()
        done = subprocess.run([MODQ, "--dir", self.daemon.dir, "queue"], capture_output=True, text=True, timeout=30,
                              user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, DENIED, done.stderr)
        self.assertIn("you may not open", done.stderr)
        self.assertIn("group", done.stderr)
        self.assertLess(time.monotonic() - begun, 5)

    def test_closed_pipe_and_full_disk_are_noticed(self):
        self.pending()
        with open("/dev/full", "w") as full:
            done = subprocess.run([MODQ, "--dir", self.daemon.dir, "queue"], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=30)
        self.assertEqual(done.returncode, LOCAL, done.stderr)


class Administering(Cli):
    def key_file(self, name):
        folder = tempfile.mkdtemp(prefix="mq-", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder)
        return os.path.join(folder, name)

    def test_new_key_is_written_for_its_owner_alone_and_told_by_its_public_half(self):
        name, path = fresh("web-"), self.key_file("k")
        out, _ = self.modq("key", "new", name, "--role", "front", "--site", "a", "--site", "b", "--file", path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        shown, = self.lines("key", "show", path)
        self.assertIn(shown["public"], out)
        self.assertEqual((shown["name"], shown["role"]), (name, "front"))
        key, = [key for key in self.lines("key", "list") if key["name"] == name]
        self.assertEqual(key["sites"], ["a", "b"])
        with open(path) as file:
            secret = re.search(r'secret-key = "(.*)"', file.read())[1]
        self.assertNotIn(secret, out)

    def test_json_of_a_new_key_has_its_public_half_and_its_file(self):
        name, path, second = fresh("web-"), self.key_file("k"), self.key_file("k2")
        for arguments, file in ((["new", name, "--role", "front"], path), (["rotate", name], second)):
            made, = self.lines("key", *arguments, "--file", file)
            shown, = self.lines("key", "show", file)
            self.assertEqual((made["file"], made["public"]), (file, shown["public"]))
        ended = self.lines("key", "revoke", name)
        self.assertEqual({key["state"] for key in ended}, {"revoked"})

    def test_what_is_wrong_with_a_key_is_told_with_what_is_possible(self):
        for arguments, code, word in ((["key"], USAGE, "rotate"), (["key", "frob"], USAGE, "rotate"),
                                      (["key", "new", "a/b", "--role", "front"], USAGE, "'/'"),
                                      (["key", "new", "a", "--role", "boss"], USAGE, "administrator"),
                                      (["key", "revoke", "nobody"], FINAL, "modq key list"),
                                      (["key", "rotate", "nobody", "--file", self.key_file("k")], FINAL, "modq key list"),
                                      (["audit", "--kind", "nope"], WRONG, "key_added"),
                                      (["key", "show", "/no/such/file"], LOCAL, "/no/such/file")):
            with self.subTest(arguments=arguments):
                self.assertIn(word, self.modq(*arguments, code=code)[1])
        for arguments in (["key", "--help"], ["help", "key"]):
            self.assertIn("key rotate", self.modq(*arguments)[0])

    def test_fault_of_a_head_is_json_like_the_others(self):
        fault, end = self.lines("audit", "verify", "--head", "999999:" + "0" * 64, code=FINAL)
        self.assertEqual((fault["no"], fault["fault"], end["faults"]), (999999, "missing", 1))


class Hostile(Cli):
    """No byte of a comment drives a moderator's terminal."""

    def on_terminal(self, *arguments):
        """What a terminal of 100 columns receives."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        process = subprocess.Popen([MODQ, "--dir", self.daemon.dir, *arguments], stdin=slave, stdout=slave,
                                   stderr=slave,
                                   env={**os.environ, "TERM": "xterm-256color", "NO_COLOR": "1", "LC_ALL": "C.UTF-8",
                                        "PAGER": "cat"})
        os.close(slave)
        received = bytearray()
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:            # EIO: the other end is closed
                break
            if not part:
                break
            received += part
        os.close(master)
        process.wait(30)
        return bytes(received)

    def assert_harmless(self, received, what):
        text = PROGRESS.sub(b"", received.replace(b"\r\n", b"\n")).decode("utf-8")       # must be UTF-8 as well
        text = ISOLATED.sub(r"\1", text)
        found = FORBIDDEN.search(text)
        if found:
            around = text[max(0, found.start() - 40):found.end() + 40]
            self.fail(f"{what}: U+{ord(found.group()):04X} arrived in {around!r}")

    def texts(self):
        folder = os.path.join(SHARED, "hostile-text")
        if not os.path.isdir(folder):
            return None
        with open(os.path.join(folder, "blns.json"), encoding="utf-8") as file:
            found = [text for text in json.load(file) if text]
        for name in ("kuhn-utf8-stress.txt", "utf8tests.txt", "utf8tests.bin"):
            with open(os.path.join(folder, name), "rb") as file:
                found += [line.decode("utf-8", "replace") for line in file.read().split(b"\n") if line]
        return found

    def hand_in(self, texts):
        """A comment for each text, which stands in all of its fields."""
        items = []
        for text in texts:
            short = text.encode()[:128].decode("utf-8", "ignore")
            comment = "".join(c for c in short if not (c < " " or "\x7f" <= c <= "\x9f"))[:25] + fresh("-")
            items.append(event(self.site, comment, text, author={"id": fresh(), "name": short}, language=short[:8],
                               article={"id": fresh(), "title": short, "url": short},
                               extra={short or "k": [short, {"k": short}]}))
        refused = [r for r in self.front.submit(items) if r["status"] != "accepted"]
        self.assertEqual(refused, [])
        return items

    def check_everywhere(self, items):
        self.assert_harmless(self.on_terminal("queue", "--site", self.site, "--limit", "0"), "queue")
        for item in items:
            for verb in ("show", "history"):
                self.assert_harmless(self.on_terminal(verb, self.path(item)), f"{verb} of {item['body']!r:.60}")

    def test_attacks_on_terminals_do_not_arrive(self):
        items = self.hand_in(ATTACKS + list(CONTROLS))
        for item in items[:len(ATTACKS)]:
            named = self.named(item["comment"])
            self.ann.escalate([named], note=item["body"])
            self.reject(named, note=item["body"])
            self.front.report(self.site, item["comment"], "r", note=item["body"])
        self.check_everywhere(items[:len(ATTACKS)])
        self.assert_harmless(self.on_terminal("queue", "--site", self.site, "--limit", "0"), "queue")
        self.assert_harmless(self.on_terminal("queue", "--site", self.site, "--lane", "escalated"), "queue")

    def test_hostile_texts_do_not_arrive(self):
        texts = self.texts()
        if texts is None:
            self.skipTest(f"no hostile texts in {os.path.join(SHARED, 'hostile-text')}")
        items = self.hand_in(texts)
        self.assert_harmless(self.on_terminal("queue", "--site", self.site, "--limit", "0"), "queue")
        self.check_everywhere(items[::7])

    def test_names_of_moderators_listeners_and_sites_do_not_drive_it_either(self):
        site = "s\u202ee\u2066x" + fresh()
        self.site = site
        item = self.pending()
        evil = self.daemon.desk("ann\u202e\u2067x")
        self.reject(item, evil)
        self.front.confirm(site, "web\u202e", 0)
        self.assert_harmless(self.on_terminal("show", self.path(item)), "show")
        self.assert_harmless(self.on_terminal("history", self.path(item)), "history")
        self.assert_harmless(self.on_terminal("stats"), "stats")
        self.assert_harmless(self.on_terminal("follow", "--site", site, "--no-wait"), "follow")
        self.assert_harmless(self.on_terminal("approve", self.path(item)), "approve")
        self.assert_harmless(self.on_terminal("approve", f"{site}/none\x1b[31m\u202e"), "approve")

    def test_json_on_a_terminal_is_harmless_and_whole(self):
        items = self.hand_in(ATTACKS)
        received = self.on_terminal("queue", "--site", self.site, "--json")
        self.assert_harmless(received, "queue --json")
        bodies = [json.loads(line)["body"] for line in received.replace(b"\r\n", b"\n").decode().splitlines()]
        self.assertEqual(bodies, [item["body"] for item in items])

    def test_lines_that_are_not_utf8_are_refused_and_do_not_arrive(self):
        line = b'{"site": "' + self.site.encode() + b'", "id": "bad", "body": "a\xff\x9b31m"}\n'
        done = subprocess.run([MODQ, "--dir", self.daemon.dir, "submit"], input=line, capture_output=True, timeout=30)
        self.assertEqual(done.returncode, WRONG, done.stderr)
        self.assert_harmless(done.stdout + done.stderr, "submit")
        self.assertEqual(self.state_of(self.named("bad")), "none")


if __name__ == "__main__":
    tap.main()
