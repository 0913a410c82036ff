"""Readers and an administrator in browsers of their own."""
import unittest

from wordpress import SITE, Browser, Daemon, WordPress, wait_for
from wordpress import tap

MARKUP = ["<script>document.title = 'owned'; alert(1)</script>", "<img src=x onerror=alert(2)>", "<svg onload=alert(3)>",
          "<a href='javascript:alert(4)'>here</a>", "</textarea><script>alert(5)</script>", "<iframe src=javascript:alert(6)></iframe>",
          "\"><b onmouseover=alert(7)>bold</b>", "Fish & chips < &lt;script&gt;alert(8)&lt;/script&gt;"]
MADE_BY_SCRIPT = ".comment-content :is(script, img:not(.wp-smiley), svg, iframe, object, embed, style, link, [onerror], [onload], [onmouseover]," \
    " [href^='javascript' i])"


def setUpModule():
    BrowserTest.daemon = unittest.enterModuleContext(Daemon(tcp=("front", "desk"), config="heartbeat_ms = 500\n"))
    BrowserTest.site = unittest.enterModuleContext(WordPress(BrowserTest.daemon))
    BrowserTest.site.start("worker")
    BrowserTest.browser = unittest.enterModuleContext(Browser())


class BrowserTest(unittest.TestCase):
    """Tests that share one WordPress and one browser; each reader has cookies of their own."""

    def tearDown(self):
        self.assertEqual([], self.site.faults())

    def visit(self, who):
        self.browser.goto(who, url=self.site.url())

    def write(self, who, text, name="Sozdar", email="sozdar@example.org"):
        """A comment through the form. Its number."""
        self.visit(who)
        self.browser.fill(who, at="#comment", text=text)
        self.browser.fill(who, at="#author", text=name)
        self.browser.fill(who, at="#email", text=email)
        self.browser.submit(who, at="#commentform [type=submit]")
        number = self.site.newest()
        self.site.wait_handed_in(number)
        return number

    def seen(self, who, number):
        """What a reader sees of a comment, or None."""
        self.visit(who)
        texts = self.browser.texts(who, at=f"#comment-{number} .comment-content")["texts"]
        return texts[0] if texts else None

    def decide(self, number, decision, *options):
        self.site.modq(decision, *options, self.site.name(number))
        state = {"approve": ("approved", "1"), "reject": ("rejected", "0"), "undo": ("pending", "0")}[decision]
        self.site.wait_state(number, *state)


class Readers(BrowserTest):
    def test_one_reader_writes_a_moderator_approves_and_another_reads(self):
        number = self.write("writer", "Seen by nobody yet.")
        self.assertIn("Seen by nobody yet.", self.seen("writer", number))
        self.assertIn("awaiting moderation", self.browser.texts("writer", at=f"#comment-{number}")["texts"][0])
        self.assertIsNone(self.seen("reader", number))
        self.decide(number, "approve")
        self.assertIn("Seen by nobody yet.", self.seen("reader", number))
        self.decide(number, "undo")
        self.assertIsNone(self.seen("reader", number))

    def test_the_author_reads_the_reason_in_the_language_of_the_page(self):
        number = self.write("rejected", "A rude one.")
        self.decide(number, "reject", "--reason", "profanity")
        for locale, language, direction in (("", "en", "ltr"), ("ckb", "ckb", "rtl"), ("kmr", "kmr", "ltr"), ("ku", "kmr", "ltr"), ("ar", "ar", "rtl"),
                                            ("tr_TR", "tr", "ltr"), ("de_DE", "en", "ltr")):
            with self.subTest(locale=locale):
                self.site.php(f"add_filter('sanitize_option_WPLANG', fn () => '{locale}', 99); update_option('WPLANG', '{locale}');")
                self.assertIsNotNone(self.seen("rejected", number))
                reason = self.browser.evaluate("rejected", script=f"(e => [e.lang, getComputedStyle(e).direction, e.innerText])(document.querySelector('#comment-{number} .modqd-reason'))")["value"]
                policy = next(reason for reason in self.daemon.front().call("policy", site=SITE)["policy"]["reasons"] if reason["code"] == "profanity")
                self.assertEqual([language, direction, policy["sentence"][language]], reason)
        self.site.php("update_option('WPLANG', '');")
        self.assertIsNone(self.seen("reader", number))

    def test_an_author_edits_and_withdraws(self):
        number = self.write("editor", "With a mistkae.")
        self.decide(number, "approve")
        self.visit("editor")
        own = f"#comment-{number} .modqd-own"
        self.browser.click("editor", at=f"{own} summary >> text=Edit")
        self.browser.fill("editor", at=f"{own} textarea", text="Without a mistake.")
        self.browser.submit("editor", at=f"{own} button >> text=Send")
        self.assertIn("Your change awaits moderation.", self.browser.texts("editor", at=f"#comment-{number}")["texts"][0])
        self.assertIsNone(self.seen("reader", number))
        self.site.wait_handed_in(number, 2)
        self.decide(number, "approve")
        self.assertIn("Without a mistake.", self.seen("reader", number))
        self.visit("editor")
        self.browser.click("editor", at=f"{own} summary >> text=Withdraw")
        self.browser.submit("editor", at=f"{own} button >> text=Withdraw")
        self.site.wait_state(number, "withdrawn", "trash")
        self.assertIsNone(self.seen("reader", number))
        self.assertIsNone(self.seen("editor", number))

    def test_a_reader_reports(self):
        number = self.write("author", "To be reported.")
        self.decide(number, "approve")
        self.assertNotIn("Report", self.seen("author", number), "nobody reports what is theirs")
        self.assertIsNotNone(self.seen("reporter", number))
        form = f"#comment-{number} .modqd-report"
        self.browser.click("reporter", at=f"{form} summary")
        self.browser.select("reporter", at=f"{form} select", value="threat")
        self.browser.fill("reporter", at=f"{form} [name=note]", text="It threatens <b>me</b>.")
        self.browser.submit("reporter", at=f"{form} button")
        self.assertIn("The moderators will look at it.", self.browser.texts("reporter", at=f"#comment-{number}")["texts"][0])
        wait_for("the report", lambda: self.site.card(number)["reports"] == 1)
        reported = self.daemon.administrator().show(SITE, self.site.row(number)["modqd_id"])["reported"][0]
        self.assertEqual(("threat", "It threatens <b>me</b>."), (reported["reason"], reported["note"]))

    def test_markup_is_never_run(self):
        numbers = [self.write("attacker", f"Number {i}: {text}", name=f"Attacker {text[:60]}", email=f"a{i}@example.org") for i, text in enumerate(MARKUP)]
        for number in numbers:
            self.decide(number, "approve")
        for who in ("attacker", "reader"):
            self.visit(who)
            self.assertEqual(0, self.browser.count(who, at=MADE_BY_SCRIPT)["count"])
            self.assertEqual([], self.browser.troubles(who)["troubles"])
        for number in numbers:
            self.assertEqual(self.site.row(number)["comment_content"], self.site.card(number)["body"])
        self.assertIn("Fish & chips < <script>alert(8)</script>", self.seen("reader", numbers[-1]), "written as text, shown as text")


class AdministratorTest(BrowserTest):
    """Logged in as one."""

    PAGE = "/wp-admin/options-general.php?page=modqd"

    @classmethod
    def setUpClass(cls):
        if cls.browser.evaluate("admin", script="document.body.classList.contains('wp-admin')")["value"]:
            return
        cls.browser.goto("admin", url=f"{cls.site.base}/wp-login.php")
        cls.browser.fill("admin", at="#user_login", text="admin")
        cls.browser.fill("admin", at="#user_pass", text=cls.site.password)
        cls.browser.submit("admin", at="#wp-submit")

    def setUp(self):
        self.site.settings()
        self.browser.goto("admin", url=self.site.base + self.PAGE)

    def tried(self):
        self.browser.submit("admin", at="[name=modqd_test]")
        return "\n".join(self.browser.texts("admin", at=".notice.inline")["texts"])


class Settings(AdministratorTest):
    """Settings, modqd."""

    def save(self, **fields):
        for name, text in fields.items():
            self.browser.fill("admin", at=f"#modqd-{name}", text=text)
        self.browser.submit("admin", at="#submit")

    def test_settings_are_checked_and_kept(self):
        self.save(site="sport", timeout_ms="300")
        kept = self.site.json("Modqd\\WordPress\\Settings::all()")
        self.assertEqual(("sport", 300, True), (kept["site"], kept["timeout_ms"], kept["hold_pings"]))
        self.save(endpoint="http://example.org", site="a/b")
        page = "\n".join(self.browser.texts("admin", at=".notice, .error")["texts"])
        self.assertIn("begins with ipc:// or tcp://", page)
        self.assertEqual(("sport", kept["endpoint"]), (self.site.json("Modqd\\WordPress\\Settings::get('site')"),
                                                       self.site.json("Modqd\\WordPress\\Settings::get('endpoint')")))

    def test_the_connection_test_says_what_is_right_and_what_is_wrong(self):
        self.assertRegex(self.tried(), r"modqd .*answers in [\d.]+ ms.\s+This web server may hand in comments of the site \"news\"")
        for fields, advice in (({"site": "sport"}, "the key is for another site"), ({"endpoint": "ipc:///tmp/nobody/front.sock"}, "There is no /tmp/nobody/front.sock"),
                               ({"endpoint": "tcp://127.0.0.1:9"}, "No answer"), ({"key_file": "/etc/passwd"}, "Look at the endpoint and the key file")):
            with self.subTest(**fields):
                self.site.settings(**fields)
                self.browser.goto("admin", url=self.site.base + self.PAGE)
                self.assertIn(advice, self.tried())

    def test_the_page_says_how_much_waits_and_whether_the_worker_is_there(self):
        self.site.post("It waits.")
        wait_for("the outbox", lambda: self.site.outbox() == 0)         # where the page waited in vain the worker sends it
        self.browser.goto("admin", url=self.site.base + self.PAGE)
        text = self.browser.texts("admin", at=".widefat")["texts"][0]
        self.assertRegex(text, r"Waiting for moderators\s+[1-9]")
        self.assertRegex(text, r"Waiting to be sent\s+0")
        self.assertIn("at work; heard", text)

    def test_who_may_not_manage_sees_no_settings(self):
        self.site.php("wp_create_user('writer', 'pw-of-writer', 'w@example.org');")
        self.browser.goto("writer", url=f"{self.site.base}/wp-login.php")
        self.browser.fill("writer", at="#user_login", text="writer")
        self.browser.fill("writer", at="#user_pass", text="pw-of-writer")
        self.browser.submit("writer", at="#wp-submit")
        self.assertEqual(403, self.browser.goto("writer", url=self.site.base + self.PAGE)["status"])


if __name__ == "__main__":
    tap.main()
