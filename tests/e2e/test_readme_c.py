"""The lines of clients/c/README.md do what it says, as they stand there."""
import contextlib
import os
import re
import sqlite3
import subprocess
import tempfile
import textwrap
import unittest

import tap
from cases import eventually
from daemon import BUILD, ROOT, Daemon

README = os.path.join(ROOT, "clients/c/README.md")
SANITIZED = "san" in os.path.basename(BUILD)
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", *(["-fsanitize=address,undefined"] if SANITIZED else [])]
LIBRARIES = ["-lzmq", "-lmsgpackc", "-lsqlite3"]
HEAD = """
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    static void fail(const struct modq_error *error) { printf("%s %s\\n", error->name, error->field); exit(1); }
    """
TAKE = """
    int main(int count, char **words)
    {
        struct modq_error error;
        struct modq *front = modq_open(words[1], NULL, &error);
        struct modq_store *store = modq_store_open(words[2], &error);
        struct modq_comment *comment = modq_comment_new();
        modq_comment_text(comment, MODQ_SITE, "news", 4);
        modq_comment_text(comment, MODQ_COMMENT, words[3], strlen(words[3]));
        modq_comment_text(comment, MODQ_BODY, words[4], strlen(words[4]));
        if (count != 5 || !take(front, store, comment, &error))
            fail(&error);
        printf("%lld\\n", (long long)modq_store_count(store, &error));
        modq_comment_free(comment);
        modq_store_close(store);
        modq_close(front);
    }
    """
FOLLOW = """
    static void apply(const struct modq_value *record)
    {
        size_t len, decided;
        const char *id = modq_get_text(record, "comment", &len), *decision = modq_get_text(record, "decision", &decided);
        printf("%.*s %.*s\\n", (int)len, id, (int)decided, decision);
        fflush(stdout);
    }
    int main(int count, char **words)
    {
        struct modq_error error;
        struct modq_store *store = modq_store_open(words[count - 1], &error);
        follow(words[1], store, apply, &error);
        fail(&error);
    }
    """
FLUSH = """
    int main(int count, char **words)
    {
        struct modq_error error;
        struct modq *front = modq_open(words[1], NULL, &error);
        struct modq_store *store = modq_store_open(words[count - 1], &error);
        if (!send_outbox(front, store, &error))
            fail(&error);
        modq_store_close(store);
        modq_close(front);
    }
    """


def example(name):
    with open(README, encoding="utf-8") as file:
        found = re.search(rf"<!-- example: {name} -->\n```c\n(.*?)```", file.read(), re.DOTALL)
    return found[1]


class Readme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp")
        cls.addClassCleanup(directory.cleanup)
        cls.programs = {name: cls.compile(directory.name, name, main)
                        for name, main in (("take", TAKE), ("follow", FOLLOW), ("flush", FLUSH))}

    @staticmethod
    def compile(directory, name, main):
        source, program = os.path.join(directory, name + ".c"), os.path.join(directory, name)
        with open(source, "w", encoding="utf-8") as file:
            file.write(example(name) + textwrap.dedent(HEAD) + textwrap.dedent(main))
        subprocess.run(["gcc", *FLAGS, "-I", os.path.join(ROOT, "clients/c"), "-o", program, source,
                        os.path.join(BUILD, "libmodq.a"), *LIBRARIES], check=True, timeout=120)
        return program

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp")
        self.addCleanup(directory.cleanup)
        self.store = os.path.join(directory.name, "store")
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.daemon.start()

    def run_example(self, name, *words, code=0):
        done = subprocess.run([self.programs[name], self.daemon.endpoint("front"), self.store, *words], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (code, ""), done.stdout)
        return done.stdout

    def states(self, *ids):
        return [one.get("state", one["status"]) for one in self.daemon.front().status("news", list(ids))]

    def test_take_hands_in_a_comment_and_says_what_is_wrong_with_one(self):
        self.assertEqual((self.run_example("take", "1", "text"), self.states("1")), ("0\n", ["pending"]))
        self.assertEqual(self.run_example("take", "2", "", code=1), "too_short body\n")

    def test_take_keeps_a_comment_while_the_daemon_is_away_and_flush_sends_it(self):
        self.daemon.kill()
        self.assertEqual(self.run_example("take", "1", "text"), "1\n")
        self.daemon.start()
        self.assertEqual((self.run_example("flush"), self.states("1")), ("1 sent, 0 left\n", ["pending"]))
        self.assertEqual(self.run_example("flush"), "0 sent, 0 left\n")

    def test_flush_tells_of_what_was_refused(self):
        self.daemon.front().submit([{"site": "news", "comment": "1", "body": "another text"}])
        self.daemon.kill()
        self.run_example("take", "1", "text")
        self.daemon.start()
        said = self.run_example("flush").splitlines()
        self.assertEqual(said[0], "0 sent, 0 left")
        self.assertRegex(said[1], r"^submit: .*\w")

    def follow(self, count, upto):
        """What the example says of the next records, once it has stored the place of the last one."""
        with subprocess.Popen([self.programs["follow"], self.daemon.endpoint("front"), self.store], stdout=subprocess.PIPE,
                              text=True) as process:
            lines = [process.stdout.readline() for _ in range(count)]
            eventually(lambda: self.place() == (upto,))
            process.kill()
        return lines

    def place(self):
        with contextlib.closing(sqlite3.connect(self.store)) as database:
            return database.execute("SELECT seq FROM modqd_place WHERE site = 'news'").fetchone()

    def test_follow_applies_each_decision_once(self):
        desk, front = self.daemon.desk("ann"), self.daemon.front()
        front.submit([{"site": "news", "comment": id, "body": "text"} for id in "123"])
        desk.approve([{"site": "news", "comment": "1", "revision": 1}])
        desk.reject([{"site": "news", "comment": "2", "revision": 1}], reasons=["profanity"])
        self.assertEqual(self.follow(2, upto=2), ["1 approved\n", "2 rejected\n"])
        desk.approve([{"site": "news", "comment": "3", "revision": 1}])
        self.assertEqual(self.follow(1, upto=3), ["3 approved\n"])


if __name__ == "__main__":
    tap.main()
