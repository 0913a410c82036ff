"""The page of `modq stats --html` in a browser: it fetches nothing and runs nothing, names of others stay text, and its
figures are those of --json."""
import http.server
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from html.parser import HTMLParser

import tap
from cases import Case, event, fresh

BROWSER = shutil.which("chromium")
BIDI = "a\u202eb\u2066c"
MARKUP = "<img src=x onerror=alert(1)>"
HOSTILE_SITE = '"><b id=stolen>&amp; ' + BIDI
HOSTILE_ARTICLE = "</td></table><script src='/evil.js'></script><link rel=stylesheet href=/evil.css>" + BIDI
VOID = {"meta", "link", "img", "br", "hr", "input", "base"}
FETCHING = {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"}


class Page(HTMLParser):
    """What stands in the page: its elements, and its tables' cells by the table's id."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.tables, self.text = [], {}, ""
        self.open, self.cell = [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows = self.tables[attributes["id"]] = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.cell = True

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass
        if tag in ("td", "th"):
            self.cell = None

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text += data
        if self.cell:
            self.rows[-1][-1] += data

    def body(self, table):
        """Rows below the headers, without the columns of bars."""
        headers, *rows = self.tables[table]
        wanted = [i for i, header in enumerate(headers) if header]
        return [[row[i] for i in wanted] for row in rows]


class Server:
    """Gives the page, and remembers what it was asked for."""

    def __init__(self, page):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                good = self.path == "/report"
                self.send_response(200 if good else 404)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page if good else b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/report"


def span(ms):
    """As clients/cli/report.h writes it."""
    s = (ms or 0) // 1000
    if ms is None:
        return "-"
    if ms < 10000:
        return f"{s}.{ms % 1000 // 100}s"
    return f"{s}s" if s < 60 else f"{s // 60}m {s % 60}s"


def share(part, whole):
    return f"{100 * part / whole:.1f}%" if whole else "-"


class Html(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sites = [HOSTILE_SITE, fresh("site-")]
        people = [cls.daemon.desk(name) for name in ("ann", MARKUP, BIDI)]
        for i in range(40):
            item = {"site": cls.sites[i % 2], "comment": fresh()}
            cls.front.submit([event(**item, article={"id": HOSTILE_ARTICLE if i % 3 else f"a{i}"})])
            desk = people[i % 3]
            desk.claim(comments=[item])
            if i % 4:
                desk.approve([item])
            elif i % 8:
                desk.reject([item], cls.reasons[:2])
            if i % 10 == 1:
                cls.ann.reject([item], cls.reasons[2:3], supersede=True)
        cls.directory = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.path = os.path.join(cls.directory, "report.html")
        done = cls.daemon.run_modq("stats", "--week", "--html", cls.path, "--json")
        assert done.returncode == 0 and not done.stderr, done.stderr
        cls.window = json.loads(done.stdout)["window"]
        with open(cls.path, encoding="utf-8") as file:
            cls.source = file.read()
        cls.page = Page(cls.source)

    def browse(self, *arguments):
        """The page as the browser has it, and what it asked the server for."""
        if not BROWSER:
            self.skipTest("not installed: chromium; tests/lib/setup.sh installs it")
        with Server(self.source.encode()) as server:
            done = subprocess.run(
                [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--disable-background-networking", "--no-first-run", f"--user-data-dir={self.directory}/browser",
                 *arguments, server.url()], capture_output=True, text=True, timeout=90, env={**os.environ, "HOME": self.directory})
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return done.stdout, [path for path in server.asked if path != "/favicon.ico"]   # which it asks of every site

    def test_browser_fetches_nothing_and_builds_what_was_written(self):
        dump, asked = self.browse("--dump-dom")
        self.assertEqual(asked, ["/report"])
        seen = Page(dump)
        self.assertEqual(seen.tables.keys(), self.page.tables.keys())
        for name, rows in self.page.tables.items():
            self.assertEqual(seen.tables[name], rows)
        self.assertEqual([tag for tag, _ in seen.elements], [tag for tag, _ in self.page.elements])

    def test_browser_paints_it(self):
        picture = os.path.join(self.directory, "page.png")
        _, asked = self.browse(f"--screenshot={picture}", "--window-size=400,1200")
        self.assertEqual(asked, ["/report"])
        with open(picture, "rb") as file:
            head = file.read(24)
        self.assertEqual((head[:8], int.from_bytes(head[16:20], "big")), (b"\x89PNG\r\n\x1a\n", 400))
        self.assertGreater(os.path.getsize(picture), 20000)          # an empty one has 3,000 bytes

    def test_page_has_no_script_and_points_nowhere(self):
        for tag, attributes in self.page.elements:
            self.assertNotIn(tag, ("script", "link", "img", "iframe", "object", "embed", "base", "form", "b", "a"))
            self.assertFalse(FETCHING & set(attributes), (tag, attributes))
            self.assertFalse([name for name in attributes if name.startswith("on")], (tag, attributes))
            self.assertNotIn("url(", attributes.get("style") or "")
        style = re.search("<style>(.*?)</style>", self.source, re.S)[1]
        self.assertNotRegex(style, r"url\(|@import|@font-face|https?:")
        self.assertIn("default-src 'none'", self.source)

    def test_names_of_others_stay_text(self):
        self.assertIn(MARKUP, [row[0] for row in self.page.body("moderators")])
        self.assertIn(HOSTILE_SITE.replace(BIDI, "a<U+202E>b<U+2066>c"), [row[0] for row in self.page.body("sites")])
        articles = [row[0] for row in self.page.body("articles")]
        shown = HOSTILE_ARTICLE.replace(BIDI, "a<U+202E>b<U+2066>c")
        self.assertTrue([name for name in articles if name.endswith("/" + shown)], articles)
        self.assertNotRegex(self.source, "[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x08]")

    def test_figures_are_those_of_json(self):
        by, names = self.window["by"], lambda row: row["name"].replace(BIDI, "a<U+202E>b<U+2066>c")
        wanted = {
            "days": [[str(row[key]) for key in ("arrivals", "decisions", "approved", "rejected")] for row in by["day"]],
            "waiting": [[span(row["waited"]["median_ms"]), span(row["waited"]["p90_ms"]), str(row["waited"]["count"])]
                        for row in by["day"]],
        }
        for table, rows in wanted.items():
            self.assertEqual([row[1:] for row in self.page.body(table)], rows)
        self.assertEqual([row[-1] for row in self.page.body("backlog")], [str(row["pending"]) for row in by["day"]])
        self.assertEqual(self.page.body("moderators"), [
            [names(row), str(row["approved"]), str(row["rejected"]), share(row["overturned"], row["decisions"]),
             f"{row['decisions_per_hour_at_work']:.1f}", span(row["handled"]["median_ms"]), span(row["handled"]["p90_ms"])]
            for row in by["moderator"]])
        self.assertEqual(self.page.body("reasons"), [
            [names(row), str(row["rejected"]), share(row["rejected"], self.window["all"]["rejected"]),
             share(row["overturned"], row["rejected"])] for row in by["reason"]])
        for table, key in (("sites", "site"), ("articles", "article")):
            self.assertEqual([row[:4] for row in self.page.body(table)], [
                [names(row), str(row["arrivals"]), str(row["approved"]), str(row["rejected"])] for row in by[key][:20]])

    def test_numbers_at_the_top_are_those_of_json(self):
        everything = self.window["all"]
        self.assertGreater(everything["overturned"], 0)
        tiles = re.search('<dl class="tiles" id="all">(.*?)</dl>', self.source, re.S)[1]
        told = dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", tiles))
        self.assertEqual(told, {
            "Arrived": str(everything["arrivals"]), "Decided": str(everything["decisions"]),
            "Half waited at most": span(everything["waited"]["median_ms"]),
            "Half handled within": span(everything["handled"]["median_ms"]),
            "Rejected": str(everything["rejected"]), "Overturned": str(everything["overturned"]),
            "Pending at the end": str(everything["pending"]), "Second looks alike": "-"})

    def test_elements_are_closed_as_they_were_opened(self):
        self.assertEqual(self.page.open, [])
        self.assertEqual(self.source.count("<svg"), 3)
        self.assertEqual(self.source.count("</svg>"), 3)

    def test_file_is_whole_or_not_there(self):
        self.assertEqual([name for name in os.listdir(self.directory) if name.endswith(".new")], [])
        done = self.daemon.run_modq("stats", "--html", os.path.join(self.directory, "no", "report.html"))
        self.assertEqual(done.returncode, 6)
        self.assertIn("No such file or directory", done.stderr)
        self.assertEqual(done.stdout, "")
        done = self.daemon.run_modq("stats", "--html", self.directory)       # a directory cannot be replaced
        self.assertEqual(done.returncode, 6)
        self.assertFalse(os.path.exists(self.directory + ".new"))

    def test_terminal_gets_no_raw_names(self):
        done = self.daemon.run_modq("stats", "--since", "1h")
        self.assertNotRegex(done.stdout, "[\u202a-\u202e]")
        self.assertIn("a<U+202E>b<U+2066>c", done.stdout)


if __name__ == "__main__":
    tap.main()
