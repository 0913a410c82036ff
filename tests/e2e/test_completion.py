"""Completion in bash, zsh and fish as they are installed, driven as somebody who types drives them."""
# plain: it is about scripts of shells; test_terminal asks for their values, too
# waits: shells take their time with each key
# time-limit: 240
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import time
import unittest

import document
import tap
from cases import Case, event, fresh
from daemon import MODQ, Daemon
from shells import SHELLS, Shell

HERE = [name for name in SHELLS if shutil.which(name)]
MISSING = [name for name in SHELLS if name not in HERE]
WITHOUT_HANG_S = 2.0      # and some times what the shell takes for words that it has itself
# Names that end a word, run a command, expand, or mean something to one of the shells.
EVIL = ["$(touch x)", "a b", ";touch x", "`touch x`", "it's", '"q"', "a\\b", "!!", "~root", "*", "=ls", "a:b", "a=b", "a@b",
        "#c", "&", "|x", ">x", "{a,b}", "ütf", "(x)", "$HOME", "%x", "^x", "?", "[a]", "$'x'", "a,b"]
INVISIBLE = ["s\u202ee", "s\u2066x", "s\ufeff", "-x"]        # no control characters: the daemon takes none in a name


def table():
    """Verb to its own options, "-" to those of all verbs."""
    lines = subprocess.run([MODQ, "help", "--verbs"], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split(" ") for line in lines]
    return {row[0].replace("_", " "): {word.rstrip("=") for word in row[1:]} for row in rows}


def help_of(verb):
    """The line of `modq help VERB` below its usage."""
    text = subprocess.run([MODQ, "help", *verb.split(" ")], capture_output=True, text=True, check=True).stdout
    return text.split("\n\n")[1].strip().removesuffix(".")


TABLE = table()
VERBS = [verb for verb in TABLE if verb != "-"]
FIRST = sorted({verb.split(" ")[0] for verb in VERBS})


def sorted_offers(shell, line):
    return sorted(shell.offers(line))


def in_each_shell(test):
    """Runs it once for each shell, which it gets as an argument."""
    @functools.wraps(test)
    def run(self):
        for shell in self.shells:
            with self.subTest(shell=shell.name):
                test(self, shell)
    return run


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}; tests/lib/setup.sh installs them")
class EveryShell(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shells = [cls.enterClassContext(Shell(name)) for name in HERE]


class Tables(EveryShell):
    @in_each_shell
    def test_every_verb_is_offered_and_nothing_else(self, shell):
        seconds = {first: sorted(verb.split(" ")[1] for verb in VERBS if verb.startswith(first + " ")) for first in FIRST}
        self.assertEqual(sorted_offers(shell, "modq "), FIRST)
        self.assertEqual(sorted_offers(shell, "modq --json --dir /x "), FIRST)
        for first, second in seconds.items():
            if second:
                self.assertEqual(sorted_offers(shell, f"modq {first} "), second)
                self.assertEqual(sorted_offers(shell, f"modq --as a {first} --json {second[0][:-1]}"),
                                 [word for word in second if word.startswith(second[0][:-1])])
                self.assertEqual(sorted_offers(shell, f"modq help {first} "), second)
        self.assertEqual(sorted_offers(shell, "modq help "), FIRST)
        self.assertEqual(sorted_offers(shell, "modq key nonsense "), [])

    @in_each_shell
    def test_each_verb_has_its_own_options_and_those_of_all_and_no_others(self, shell):
        offers = shell.offers(*[f"modq {verb} --" for verb in VERBS])
        for verb, offered in zip(VERBS, offers):
            self.assertEqual(set(offered), TABLE[verb] | TABLE["-"], verb)
        self.assertEqual(set(shell.offers("modq --")), TABLE["-"])

    @in_each_shell
    def test_options_are_offered_behind_arguments_and_other_options_too(self, shell):
        for line in ("modq key new x --ro", "modq --dir=/x --timeout 3 key --json new x --ro"):
            self.assertEqual(shell.offers(line), ["--role"], line)

    @in_each_shell
    def test_words_that_an_option_can_be_are_offered(self, shell):
        known = {"queue --lane": {"normal", "escalated", "any"}, "article --closed": {"yes", "no"},
                 "article --front-page": {"yes", "no"}, "key new x --role": {"front", "moderator", "administrator"},
                 "key add x --right": {"undo", "escalated", "erase", "bulk"}, "audit --kind": document.kinds()}
        for words, values in known.items():
            self.assertEqual(set(shell.offers(f"modq {words} ")), values, words)
        joined = {word.removeprefix("--lane=") for word in shell.offers("modq queue --lane=")}
        self.assertEqual(joined, {"normal", "escalated", "any"})
        self.assertEqual(set(shell.offers("modq key new x --right undo,e")), {"undo,escalated", "undo,erase"})
        self.assertEqual(set(shell.offers("modq completion ")), set(SHELLS))
        self.assertEqual(shell.offers("modq key new x --expires "), [])

    def test_zsh_and_fish_say_what_verbs_and_options_are_for(self):
        fish = next(shell for shell in self.shells if shell.name == "fish")
        said = {**fish.described("modq "), **{f"key {k}": v for k, v in fish.described("modq key ").items()},
                **{f"audit {k}": v for k, v in fish.described("modq audit ").items()},
                **{f"author {k}": v for k, v in fish.described("modq author ").items()}}
        for verb in VERBS:
            self.assertEqual(said[verb], help_of(verb))
        self.assertEqual(fish.described("modq key new x --ro")["--role"], "front, moderator or administrator")
        zsh = next(shell for shell in self.shells if shell.name == "zsh").start()
        self.assert_shown(zsh, "modq \t", [help_of(verb) for verb in VERBS if " " not in verb])
        self.assert_shown(zsh, "\x15modq article --\t", ["the article's address"])
        zsh.send("\x15")

    def assert_shown(self, terminal, keys, words):
        """All these words come, however long the shell takes for them."""
        missing = lambda: [word for word in words if word.encode() not in terminal.received]
        terminal.received.clear()
        terminal.send(keys)
        with contextlib.suppress(AssertionError):
            terminal.wait(lambda: None if missing() else True)
        terminal.settle()
        self.assertEqual(missing(), [])

    @in_each_shell
    def test_files_and_directories_are_completed_by_the_shell(self, shell):
        os.makedirs(os.path.join(shell.work, "a dir"), exist_ok=True)
        for name in ("news web.key", "comments.jsonl"):
            with open(os.path.join(shell.work, name), "w"):
                pass
        self.assertEqual(shell.typed("modq submit comm\t"), ["submit", "comments.jsonl"])
        self.assertEqual(shell.typed("modq key show new\t"), ["key", "show", "news web.key"])
        self.assertEqual(shell.typed("modq --key new\tstats"), ["--key", "news web.key", "stats"])
        words = shell.typed("modq hello --dir a\t")
        self.assertIn(words[-1].removeprefix("--dir=").rstrip("/"), ["a dir"])
        if shell.name == "bash":           # the others fall back to files of any kind when there is no directory
            self.assertNotIn("comments.jsonl", shell.typed("modq hello --dir com\t"))

    @in_each_shell
    def test_whole_lines_are_typed_with_tab(self, shell):
        words = " ".join(shell.typed("modq aud\tv\t--hea\t1:ab")).replace("=", " ")
        self.assertEqual(words, "audit verify --head 1:ab")
        words = " ".join(shell.typed("modq key n\tann --ro\tmod\t")).replace("=", " ")
        self.assertEqual(words, "key new ann --role moderator")


class WithoutDaemon(EveryShell):
    LINES = ("approve ", "approve news/", "stats --site ", "reject --reason ", "policy --lang ", "key revoke ", "audit --by x")

    def seconds(self, shell, line, offered):
        """How long the shell takes to offer that."""
        start = time.monotonic()
        self.assertEqual(shell.offers(line), offered, line)
        return time.monotonic() - start

    def assert_quick(self, shell, directory, lines):
        for line in lines:
            by_itself = self.seconds(shell, "modq key n", ["new"])
            with_values = self.seconds(shell, f"modq --dir {directory} {line}", [])
            self.assertLess(with_values, WITHOUT_HANG_S + 4 * by_itself, f"{shell.name}: {line}")

    @in_each_shell
    def test_no_daemon_means_no_names_no_words_and_no_waiting(self, shell):
        self.assert_quick(shell, "/nonexistent", self.LINES)
        terminal = shell.start()
        terminal.settle()
        terminal.received.clear()
        terminal.send("modq --dir /nonexistent approve \t")
        terminal.settle(0.5)
        for noise in (b"modq:", b"nobody", b"error", b"rror:", b"\n"):
            self.assertNotIn(noise, terminal.received.replace(b"\r\r\n", b""))
        terminal.send("\x15")

    @in_each_shell
    def test_daemon_that_stands_still_is_not_waited_for(self, shell):
        shell.offers("modq ")              # it has started
        with Daemon() as daemon:
            os.kill(daemon.pid, signal.SIGSTOP)
            try:
                self.assert_quick(shell, daemon.dir, ("approve ", "stats --site "))
            finally:
                os.kill(daemon.pid, signal.SIGCONT)

    def test_completion_wants_to_know_for_which_shell(self):
        for arguments in ([], ["tcsh"], ["bash", "--values", "sites"], ["--values", "nonsense"]):
            done = subprocess.run([MODQ, "completion", *arguments], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)


class WithDaemon(EveryShell, Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon.add_key("news-web", "front", sites=["news"])
        cls.daemon.add_key("sport-web", "front", sites=["sport"])
        results = cls.front.submit([event("news", "n1"), event("news", "n2"), event("sport", "s1")])
        assert {result["status"] for result in results} == {"accepted"}, results
        cls.ann.escalate([{"site": "sport", "comment": "s1"}])

    def words(self, shell, line):
        return set(shell.offers(f"modq --dir {self.daemon.dir} {line}"))

    @in_each_shell
    def test_names_that_the_daemon_knows_are_offered(self, shell):
        languages = set(self.front.policy("news")["languages"])
        reasons = {reason["code"] for reason in self.front.policy("news")["reasons"]}
        self.assertLessEqual({"news", "sport"}, self.words(shell, "stats --site "))
        self.assertEqual(self.words(shell, "stats --site spo"), {"sport"})
        for verb in ("approve", "reject", "show", "claim", "report", "erase"):
            self.assertLessEqual({"news/n1", "news/n2", "sport/s1"}, self.words(shell, f"{verb} "))
        self.assertEqual(self.words(shell, "approve --note x news/n1 news/"), {"news/n1", "news/n2"})
        self.assertEqual(self.words(shell, "reject --reason "), reasons)
        self.assertEqual(self.words(shell, "policy --lang "), languages)
        self.assertEqual(self.words(shell, "key revoke "), {"news-web", "sport-web"})
        self.assertEqual(self.words(shell, "key rotate sp"), {"sport-web"})
        self.assertEqual(self.words(shell, "key revoke --number "), {"1", "2"})
        self.assertEqual(self.words(shell, "audit --by "), {"news-web", "sport-web", "front", "push", "modqd"})
        self.assertEqual(self.words(shell, "stats --by "), {"site", "moderator", "article", "reason", "day", "hour"})
        code = sorted(reasons)[0]
        self.assertLessEqual({f"{code},{other}" for other in reasons}, self.words(shell, f"reject --reason {code},"))

    @in_each_shell
    def test_names_in_other_peoples_words_stay_words(self, shell):
        """A pair of evil names a comment: what modq is called with is the name, byte for byte, and nothing else ran."""
        pairs = list(zip(EVIL[::2], EVIL[1::2]))
        start = fresh("z")
        names = [(f"{start}{number}q{site}", comment) for number, (site, comment) in enumerate(pairs)]
        self.assertEqual({r["status"] for r in self.front.submit([event(*name) for name in names])}, {"accepted"})
        for number, name in enumerate(names):
            before = shell.start()
            before.received.clear()
            words = shell.typed(f"modq --dir {self.daemon.dir} approve {start}{number}q\t")
            self.assertEqual(words[-1], "/".join(name))
            self.assertEqual(len(words), 4, words)
        self.assertEqual(os.listdir(shell.work), [])

    @in_each_shell
    def test_names_inside_of_quotes_that_are_open_stay_words_too(self, shell):
        start = fresh("y")
        names = [f"{start}{number}q{evil}z" for number, evil in enumerate(["$(touch x)", "a b", "it's", '"q"', "a\\b", "`touch x`"])]
        self.front.submit([event(name, "c") for name in names])
        for number, name in enumerate(names):
            for quote in ("'", '"'):
                words = shell.typed(f"modq --dir {self.daemon.dir} stats --site {quote}{start}{number}q\t")
                self.assertEqual(words[-1].removeprefix("--site="), name, quote)
        self.assertEqual(os.listdir(shell.work), [])

    @in_each_shell
    def test_names_that_cannot_be_seen_or_drive_the_terminal_are_not_offered(self, shell):
        results = self.front.submit([event(name, "c\u202e") for name in INVISIBLE] + [event("news", "c\u2067x"), event("-y", "c")])
        self.assertLessEqual({result["status"] for result in results}, {"accepted", "duplicate"})
        for line in ("stats --site ", "approve "):
            for word in self.words(shell, line):
                self.assertFalse(set(word) & set("\u202e\u2066\u2067\ufeff\x1b"), word)
                self.assertFalse(word.startswith("-"), word)


if __name__ == "__main__":
    tap.main()
