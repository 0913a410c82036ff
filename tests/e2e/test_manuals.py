"""The manual pages say everything that the programs, the configuration and the library have, and find each other."""
# plain: it is about documents
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import document
import tap
from daemon import MODQ, MODQD, ROOT

PAGES = {os.path.basename(path).rsplit(".", 1)[0]: path for part in ("daemon", "clients/c", "clients/cli")
         for path in glob.glob(os.path.join(ROOT, part, "*.[1-8]"))}
COLUMNS = 80
NEEDED = [name for name in ("lowdown", "mandoc", "lexgrog", "man") if not shutil.which(name)]


def source(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, **more).stdout


def plain(path):
    """A page as people read it, without bold and underlined letters, in wide lines."""
    text = run("mandoc", "-Tutf8", "-Owidth=1000", path)
    return re.sub(".\b", "", text)


def protocol_page():
    return run("proto/manual.sh", "1.2.3", env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})


@unittest.skipIf(NEEDED, f"not installed: {', '.join(NEEDED)}; tests/lib/setup.sh installs them")
class Manuals(unittest.TestCase):
    def test_modq_1_has_every_verb_with_its_options_and_no_others(self):
        page = source("clients/cli/modq.1")
        part = re.search(r"^\.Sh VERBS\n(.*?)^\.Sh ", page, re.S | re.M)[1].replace("\\\n", "")
        section = re.search(r"^\.Sh FILTERS\n(.*?)^\.Sh ", page, re.S | re.M)[1]
        items = "".join(re.findall(r"^\.It (.*)$", section, re.M))
        filters = {"--" + name for name in re.findall(r"Fl -([a-z-]+)", items)}
        told = {}
        for line in re.findall(r"^\.It Ic (.*)$", part, re.M):
            words = re.match(r"((?:[a-z]+ )*?[a-z]+)(?= [A-Z]|$)", line)[1]
            told.setdefault(words, set()).update("--" + name for name in re.findall(r"Fl -([a-z-]+)", line))
            if "Ar filter" in line:
                told[words] |= filters
        rows = [line.split(" ") for line in run(MODQ, "help", "--verbs").splitlines()]
        table = {row[0].replace("_", " "): {word.rstrip("=") for word in row[1:]} for row in rows}
        common = table.pop("-")
        self.assertEqual(sorted(told), sorted(table))
        for verb, options in table.items():
            self.assertEqual(told[verb] - common, options - {"--stdin"}, verb)       # it is told once for all verbs
        general = re.search(r"^\.Sh OPTIONS\n(.*?)^\.Sh ", page, re.S | re.M)[1]
        self.assertLessEqual(common, {"--" + name for name in re.findall(r"Fl -([a-z-]+)", general)})
        self.assertIn("--stdin", {"--" + name for name in re.findall(r"Fl -([a-z-]+)", general)})

    def test_modq_1_has_every_variable_and_exit_code(self):
        page = plain(PAGES["modq"])
        for variable in set(re.findall(r'getenv\("(\w+)"\)', "".join(map(source, ("clients/cli/app.c", "clients/cli/main.c"))))):
            if variable != "TERM":
                self.assertRegex(page, rf"(?m)^ +{variable}\b")
        codes = re.findall(r"EXIT_[A-Z]+ = (\d)", source("clients/cli/cli.h"))
        for code in codes:
            self.assertRegex(page, rf"(?m)^ +{code} +\S")

    def test_every_key_of_the_review_is_in_its_help_in_modq_1_and_in_moderating(self):
        menu, model = source("clients/cli/review/view_menu.c"), source("clients/cli/review/model.c")
        table = re.search(r"keys, \*does;\n\} help\[\] = \{(.*?)^\};", menu, re.S | re.M)[1]
        keys = {key for row in re.findall(r'^    \{"([^"]+)"', table, re.M) for key in row.split()}
        taken = set(re.findall(r"case '(.)':", model))
        self.assertGreater(len(taken), 20)
        self.assertLessEqual(taken - {" "}, keys)                            # a space has a name
        self.assertLessEqual({"Space", "Enter", "Esc", "Tab", "Ctrl-L", "Ctrl-Z"}, keys)
        section = re.search(r"^\.Sh REVIEW\n(.*?)^\.Sh ", source("clients/cli/modq.1"), re.S | re.M)[1]
        items = " ".join(re.findall(r"^\.It (.*)$", section, re.M)).replace("\\&", "").replace(",", " ").split()
        text = re.search(r"^\.It Li l .*\n((?:[^.].*\n)+)", section, re.M)[1]  # keys of the list stand in its text
        self.assertLessEqual(keys - {key for key in "*+" if f"{key} " in text}, set(items))
        part = re.search(r"^## Keys\n(.*?)^## ", source("docs/moderating.md"), re.S | re.M)[1]
        self.assertEqual({key for key in keys if f"`{key}`" not in part}, set())

    def test_modqd_8_has_every_option(self):
        page = plain(PAGES["modqd"])
        options = set(re.findall(r"--[a-z-]+", run(MODQD, "--help")))
        self.assertGreater(len(options), 5)
        self.assertEqual(options - set(re.findall(r"--[a-z-]+", page)), set())

    def test_modqd_conf_5_has_every_option_with_its_default_and_range(self):
        page = plain(PAGES["modqd.conf"])
        config = source("daemon/config.c") + source("daemon/config_listen.c")
        options = {name for name in re.findall(r'CFG_\w+\("(\w+)"', config)}
        self.assertLessEqual({"dir", "heartbeat_ms", "listen", "site"}, options)
        for option in options:
            self.assertRegex(page, rf'(?m)^ +{option} ?(=|\{{|"NAME")', option)
        for name, limit in document.limits().items():
            found = re.search(rf"(?m)^ +{name} = (\d+)\n((?:.+\n)+)", page)
            self.assertTrue(found, name)
            self.assertEqual(int(found[1]), limit["default"], name)
            self.assertIn(f"From {limit['least']} to {limit['most']}.", found[2], name)

    def test_libmodq_3_has_every_function_of_the_header(self):
        header = re.sub(r"/\*.*?\*/", "", source("clients/c/modq.h"), flags=re.S)
        functions = set(re.findall(r"^MODQ_API [^(]*?\b(modq_\w+)\(", header, re.M))
        self.assertGreater(len(functions), 80)
        part = re.search(r"^\.Sh FUNCTIONS\n(.*?)^\.Sh EXAMPLES", source("clients/c/libmodq.3"), re.S | re.M)[1]
        self.assertEqual(set(re.findall(r"Fn (modq_\w+)", part)), functions)
        structs = {name for name in re.findall(r"^struct (modq_?\w*);", header, re.M)} - {"modq_answer"}
        self.assertLessEqual(structs, set(re.findall(r"struct (modq_?\w*)", source("clients/c/libmodq.3"))))

    def test_examples_of_libmodq_3_compile(self):
        blocks = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", source("clients/c/libmodq.3"), re.S | re.M)
        self.assertEqual(len(blocks), 2)
        bodies = [block.replace("\\e", "\\").replace("\\&", "") for block in blocks]
        program = ('#include "clients/c/modq.h"\n'
                   "void refuse(const char *, const char *); void show_as_awaiting_moderation(uint64_t);\n"
                   "void apply(const struct modq_value *, const struct modq_value *);\n"
                   "int start_anew(void); int give_up(void);\n"
                   f"void hand_in(const char *body, size_t body_len);\nvoid hand_in(const char *body, size_t body_len)\n"
                   f"{{\n{bodies[0]}}}\n"
                   "int listen_to(struct modq_store *store);\nint listen_to(struct modq_store *store)\n"
                   f"{{\nstruct modq_error error;\n{bodies[1]}}}\n")
        done = subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I.", "-fsyntax-only", "-xc", "-"],
                              input=program, capture_output=True, text=True, cwd=ROOT)
        self.assertEqual(done.stderr, "")

    def test_pages_that_are_pointed_to_are_there(self):
        ours = {(name, path.rsplit(".", 1)[1]) for name, path in PAGES.items()} | {("modq-protocol", "7")}
        self.assertGreater(len(ours), 4)
        for path in PAGES.values():
            links = set(re.findall(r"^\.Xr (\S+) (\d)", source(path), re.M))
            self.assertLessEqual({link for link in links if "modq" in link[0]}, ours, path)
            below = source(path).split(".Sh SEE ALSO")[1]
            self.assertIn(".Xr modq", below, path)

    def test_every_page_is_found_by_its_name(self):
        for name, path in PAGES.items():
            self.assertRegex(run("lexgrog", path), rf'"{name} - \S')


@unittest.skipIf(NEEDED, f"not installed: {', '.join(NEEDED)}; tests/lib/setup.sh installs them")
class Protocol(unittest.TestCase):
    """modq-protocol(7), which is made of PROTOCOL.md."""

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp"))
        os.mkdir(os.path.join(cls.folder, "man7"))
        cls.path = os.path.join(cls.folder, "man7/modq-protocol.7")
        with open(cls.path, "w", encoding="utf-8") as file:
            file.write(protocol_page())

    def test_page_has_name_section_date_and_version_and_is_found(self):
        self.assertIn('.TH "MODQ-PROTOCOL" "7" "2023-11-14" "modqd 1.2.3"', source(self.path))
        self.assertRegex(run("lexgrog", self.path), '"modq-protocol - what modqd')
        run("mandb", "--quiet", "--create", "--user-db", self.folder)
        self.assertIn("modq-protocol (7)", run("whatis", "-M", self.folder, "modq-protocol"))
        self.assertIn("modq-protocol (7)", run("apropos", "-M", self.folder, "clients say"))

    def test_page_has_no_faults_for_mandoc_and_groff(self):
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", self.path], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        done = subprocess.run(["man", "--warnings", "-l", self.path], capture_output=True, text=True,
                              env={**os.environ, "MANWIDTH": str(COLUMNS), "LC_ALL": "C.UTF-8", "MANROFFOPT": ""})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([line for line in done.stdout.splitlines() if len(line) > COLUMNS], [])

    def test_every_word_of_the_document_is_on_the_page(self):
        """Whatever looks like a name of something: words with underscores, numbers, what stands in code."""
        page = " ".join(plain(self.path).split())
        text = re.sub(r"<!--.*?-->|\]\([^)]*\)|^Contents:.*?\n\n", "", source("proto/PROTOCOL.md"), flags=re.S | re.M)
        words = set(re.findall(r"\b\w+_\w+\b|\b\d{3,}\b|\d\^\d+", text))
        self.assertGreater(len(words), 100)
        self.assertEqual({word for word in words if not re.search(rf"\b{re.escape(word)}\b", page)}, set())
        codes = {" ".join(code.split()) for code in re.findall(r"`([^`\n]+)`", text)}
        self.assertEqual({code for code in codes if code not in page}, set())

    def test_rows_of_tables_stay_together(self):
        page = plain(self.path)
        for name, error in document.errors().items():
            self.assertRegex(page, rf"(?m)^ +{name} \({error['number']}, {error['class']}\)")
        for (state, event), cell in document.states().items():
            row = re.search(rf"(?m)^ +{state}(?: +|\n +)(newer: .*)$", page)
            self.assertTrue(row, state)
            self.assertIn(f"{event}: {cell}" if cell != "–" else "", row[1])
        for name, limit in document.limits().items():
            self.assertRegex(page, rf"(?m)^ +{name}(?: +|\n +)default: {limit['default']}; least: {limit['least']}; ")

    def test_headings_of_the_document_are_headings(self):
        page = source(self.path)
        for level, title in re.findall(r"^(##+) (.*)$", source("proto/PROTOCOL.md"), re.M):
            title = re.escape(title.upper() if level == "##" else title).replace("_", r"(_|\\_|\\\(ul)").replace(r"\-", r"\\?-")
            self.assertRegex(page, rf"(?m)^\.{'SH' if level == '##' else 'SS'} {title}$")

    def test_missing_lowdown_is_told_with_what_to_do(self):
        tools = os.path.join(self.folder, "tools")
        os.mkdir(tools)
        for name in ("sh", "awk", "date", "stat", "dirname"):
            os.symlink(shutil.which(name), os.path.join(tools, name))
        done = subprocess.run(["proto/manual.sh", "1"], capture_output=True, text=True, cwd=ROOT, env={"PATH": tools})
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("apt-get install lowdown", done.stderr)
        self.assertIn("make install PROTOCOL_MANUAL=", done.stderr)


if __name__ == "__main__":
    tap.main()
