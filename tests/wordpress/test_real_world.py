"""What many newspapers have: a block theme, a persistent object cache that all processes share, and page caches that go by hooks."""
import json
import os
import re
import shutil
import subprocess
import unittest

from wordpress import BLOCK_THEME, HERE, SITE, Daemon, Http, WordPress, wait_for
from wordpress import tap

AWAITS = "Your comment is awaiting moderation"


class RealWordPress(WordPress):
    """With a block theme, Redis behind WordPress' object cache, and a note of the hooks."""

    def _prepare(self):
        super()._prepare()
        content = f"{self.path}/wp-content"
        shutil.copytree(BLOCK_THEME, f"{content}/themes/{os.path.basename(BLOCK_THEME)}")
        shutil.copy(f"{HERE}/hooks.php", f"{content}/mu-plugins/hooks.php")
        shutil.copy(f"{HERE}/object-cache.php", f"{content}/object-cache.php")
        self._write("hooks.txt", "", 0o666)
        self._start_redis()

    def _start_redis(self):
        with open(f"{self.dir}/redis.out", "ab") as out:
            self.processes["redis"] = subprocess.Popen(
                ["redis-server", "--port", "0", "--unixsocket", f"{self.dir}/redis.sock", "--unixsocketperm", "777", "--save", "", "--dir", self.dir],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        wait_for("the start of redis", lambda: os.path.exists(f"{self.dir}/redis.sock") or self._died("redis"))
        assert not self._died("redis"), self.logs()

    def _install(self):
        super()._install()
        self.php(f"switch_theme('{os.path.basename(BLOCK_THEME)}');")

    def new_article(self, title):
        return int(self.php(f"echo wp_insert_post(['post_title' => '{title}', 'post_status' => 'publish', 'comment_status' => 'open', 'post_content' => 'Text.']);"))

    def hooks(self):
        """Those that were called since this was asked before, as lists of a name and its arguments."""
        with open(f"{self.dir}/hooks.txt", "r+", encoding="utf-8") as file:
            called = [json.loads(line) for line in file]
            file.truncate(0)
        return called


def setUpModule():
    RealTest.daemon = unittest.enterModuleContext(Daemon(tcp=("front", "desk"), config="heartbeat_ms = 500\n"))
    RealTest.site = unittest.enterModuleContext(RealWordPress(RealTest.daemon))
    RealTest.site.start("worker")


class RealTest(unittest.TestCase):
    """Tests that share one WordPress with its worker; each has an article of its own."""

    maxDiff = 4000

    def setUp(self):
        self.article = self.site.new_article(self.id().rsplit("_", 1)[-1])

    def tearDown(self):
        self.assertEqual([], self.site.faults())
        self.assertTrue(self.daemon.alive(), self.daemon.log()[-4000:])

    def restart_worker(self):
        self.site.stop("worker")
        self.site.start("worker")

    def post(self, text, **options):
        number = self.site.post(text, article=self.article, **options)
        self.site.wait_handed_in(number)
        return number

    def decide(self, number, *command, state, status):
        """A moderator decides, and the worker has told WordPress so."""
        self.site.modq(*command, self.site.name(number))
        self.site.wait_state(number, state, status)

    def approved(self, text, **options):
        number = self.post(text, **options)
        self.decide(number, "approve", state="approved", status="1")
        return number

    def page(self, http=None):
        return (http or Http(self.site.base)).open(self.site.url(self.article))[2]

    def everywhere(self, number):
        """All that WordPress tells anybody of an article's comments, by the name of the place."""
        http = Http(self.site.base)
        places = {"page": f"/?p={self.article}", "feed": "/?feed=comments-rss2", "the article's feed": f"/?feed=rss2&p={self.article}",
                  "front page": "/", "REST": f"/?rest_route=/wp/v2/comments&post={self.article}", "REST of one": f"/?rest_route=/wp/v2/comments/{number}",
                  "latest comments": f"/?p={self.latest()}"}
        return {name: http.open(path)[2] for name, path in places.items()}

    @classmethod
    def latest(cls):
        """An article with the block that shows the latest comments of all articles."""
        if not hasattr(RealTest, "latest_article"):
            RealTest.latest_article = int(cls.site.php(
                "echo wp_insert_post(['post_title' => 'Latest', 'post_status' => 'publish', 'post_content' => '<!-- wp:latest-comments {\"commentsToShow\":20} /-->']);"))
        return RealTest.latest_article

    def assert_hidden(self, text, number):
        self.assertEqual([], [name for name, html in self.everywhere(number).items() if text in html])


class BlockTheme(RealTest):
    """The comment blocks say and offer what a classic theme does."""

    def test_a_held_comment_is_shown_to_its_author_alone_with_what_may_be_done_with_it(self):
        author = Http(self.site.base)
        text = "The blocks were <em>prettier</em>."
        number = self.post(text, http=author)
        page = self.page(author)
        self.assertIn("wp-block-comment-content", page)
        self.assertIn(AWAITS, page)
        self.assertIn("The blocks were", page)
        for action in ("edit", "withdraw"):
            self.assertIsNotNone(author.form(self.site.url(self.article), action, number), action)
        self.assertNotIn(">EditSend", re.sub(r"\s", "", page), "the forms' words are no part of the text")
        self.assert_hidden("The blocks were", number)
        other = Http(self.site.base)
        self.post("To have a cookie, too.", http=other, email="other@example.org")
        self.assertNotIn("The blocks were", self.page(other))

    def test_the_author_of_a_rejected_comment_reads_why_and_may_change_it(self):
        author = Http(self.site.base)
        number = self.post("Damned blocks.", http=author)
        self.decide(number, "reject", "--reason", "profanity", state="rejected", status="0")
        page = self.page(author)
        self.assertIn("Your comment was not published.", page)
        self.assertNotIn(AWAITS, page)
        self.assertIn('<p class="modqd-reason" lang="en" dir="ltr">Your comment was not published because it contains profanity', page)
        self.assert_hidden("Damned blocks.", number)
        page = author.do(self.site.url(self.article), "edit", number, text="Dear blocks.")
        self.assertIn("Your change awaits moderation.", page)
        self.assertIn(AWAITS, page)
        self.site.wait_handed_in(number, 2)
        self.decide(number, "approve", state="approved", status="1")
        self.assertIn("Dear blocks.", self.page())

    def test_an_approved_comment_is_shown_and_counted_and_can_be_reported_and_withdrawn(self):
        author = Http(self.site.base)
        number = self.approved("Shown in blocks.", http=author)
        self.post("Not counted.", http=author)
        for http in (Http(self.site.base), author):
            page = self.page(http)
            self.assertIn("Shown in blocks.", page)
            self.assertIn("One response to", page)
        self.assertIn("Not counted.", page)
        everywhere = self.everywhere(number)
        del everywhere["front page"]
        self.assertEqual([], [name for name, html in everywhere.items() if "Shown in blocks" not in html])
        page = Http(self.site.base).do(self.site.url(self.article), "report", number, reason="profanity", note="")
        self.assertIn("The moderators will look at it.", page)
        author.do(self.site.url(self.article), "withdraw", number)
        self.assert_hidden("Shown in blocks", number)
        self.assertNotIn("One response", self.page())

    def test_an_answer_that_waits_is_shown_to_its_author_alone(self):
        author = Http(self.site.base)
        parent = self.approved("A question.")
        child = self.post("An answer in blocks.", http=author, parent=parent)
        self.assertIn("An answer in blocks.", self.page(author))
        self.assertIsNotNone(author.form(self.site.url(self.article), "withdraw", child))
        self.assert_hidden("An answer in blocks.", child)

    def test_a_user_has_the_same_forms(self):
        http = Http(self.site.base)
        http.login("admin", self.site.password)
        number = self.post("By a user.", http=http)
        self.assertIn(AWAITS, self.page(http))
        self.assertIsNotNone(http.form(self.site.url(self.article), "withdraw", number))
        self.assert_hidden("By a user.", number)


class ObjectCache(RealTest):
    """No process tells what was true before."""

    def test_a_decision_is_told_by_every_process_at_once(self):
        author, count = Http(self.site.base), "get_post(%d)->comment_count" % self.article
        number = self.post("Cached.", http=author)
        for command, state, status in ((("approve",), "approved", "1"), (("undo",), "pending", "0"), (("approve",), "approved", "1"),
                                       (("reject", "--reason", "profanity", "--supersede"), "rejected", "0")):
            self.everywhere(number)     # is in the caches, now
            self.page(author)
            self.decide(number, *command, state=state, status=status)
            wait_for("the cache", lambda: self.site.json(f"get_comment({number})->comment_approved") == status)
            self.assertEqual(status, self.site.json(count), state)
            shown = [name for name, html in self.everywhere(number).items() if "Cached." in html]
            if status == "1":
                self.assertEqual(["page", "feed", "the article's feed", "REST", "REST of one", "latest comments"], shown)
            else:
                self.assertEqual([], shown, state)
        self.assertIn("contains profanity", self.page(author))

    def test_what_a_slow_page_puts_back_into_the_cache_does_not_stay(self):
        number = self.approved("Read before, kept after.")
        # A page that read the comment before the decision and keeps it after it has the last word in the cache.
        self.site.php(f"set_transient('slow_page', get_comment({number}));")
        self.decide(number, "undo", state="pending", status="0")
        wait_for("the cache", lambda: self.site.json(f"get_comment({number})->comment_approved") == "0")
        self.site.php(f"wp_cache_set({number}, get_transient('slow_page'), 'comment');")
        wait_for("the cache", lambda: self.site.json(f"get_comment({number})->comment_approved") == "0")
        self.assert_hidden("Read before, kept after.", number)

    def test_the_worker_takes_up_new_settings_with_any_drop_in(self):
        def heard(name):
            return int(self.site.sql(f"SELECT COALESCE(MAX(heard_at), 0) at FROM wp_modqd_place WHERE site = '{name}'")[0]["at"])
        for kind in ("new", "old"):
            with self.subTest(kind):
                if kind == "old":
                    self.addCleanup(self.restart_worker)
                    self.site._write("old-object-cache", "")
                    self.addCleanup(os.unlink, f"{self.site.dir}/old-object-cache")
                    self.restart_worker()
                self.site.settings(site=f"sport-{kind}")
                try:
                    wait_for("the worker at the other site", lambda: heard(f"sport-{kind}"))
                finally:
                    self.site.settings()
                self.site.sql(f"UPDATE wp_modqd_place SET heard_at = 0 WHERE site = '{SITE}'")
                wait_for("the worker at the site", lambda: heard(SITE))
                with open(f"{self.site.dir}/debug.log", encoding="utf-8") as file:
                    self.assertNotIn("flush_runtime", file.read())

    def test_a_lost_past_is_not_told_by_caches_while_it_is_replayed_and_told_afterwards(self):
        number = self.approved("Of a lost past.")
        self.assertIn("Of a lost past.", self.page())
        self.site.stop("worker")
        self.addCleanup(self.restart_worker)
        self.site.hooks()
        self.site.php(f"Modqd\\WordPress\\Recovery::begin('{SITE}');")
        self.assert_hidden("Of a lost past.", number)
        self.assertEqual("0", self.site.json(f"get_post({self.article})->comment_count"))
        self.assert_purged(self.site.hooks(), "hold")
        self.site.start("worker")
        self.site.wait_state(number, "approved", "1")
        wait_for("the end of the recovery", lambda: self.site.sql(f"SELECT mode FROM wp_modqd_place WHERE site = '{SITE}'")[0]["mode"] == "live")
        self.assertIn("Of a lost past.", self.page())
        self.assertNotIn(AWAITS, self.page())
        self.assertEqual("1", self.site.json(f"get_post({self.article})->comment_count"))
        self.assert_purged(self.site.hooks(), "approve")

    def assert_purged(self, hooks, status):
        """Page caches were told of the article, each by the hook that it goes by."""
        names = {hook[0] for hook in hooks if hook[0] not in ("clean_post_cache", "wp_update_comment_count") or hook[1] == self.article}
        self.assertLessEqual({"wp_set_comment_status", "transition_comment_status", "clean_post_cache", "wp_update_comment_count"}, names)
        self.assertIn(status, [hook[2] for hook in hooks if hook[0] == "wp_set_comment_status"])


class PageCaches(RealTest):
    """What WordPress says when its own moderators decide, the plugin says when modqd's do. Cache Enabler goes by
    transition_comment_status, W3 Total Cache by wp_set_comment_status, WP Super Cache by that and clean_post_cache, WP Rocket by
    clean_post_cache and wp_update_comment_count."""

    def as_wordpress(self, way):
        """What WordPress calls of a comment that is none of the plugin's business."""
        other = int(self.site.php(f"echo wp_insert_comment(['comment_post_ID' => {self.article}, 'comment_content' => 'A note.', 'comment_type' => 'note', 'comment_approved' => 0]);"))
        if way == "hold":
            self.site.php(f"wp_set_comment_status({other}, 'approve');")
        self.site.hooks()
        self.site.php(f"wp_set_comment_status({other}, '{way}');")
        return self.of(other)

    def of(self, number):
        """The hooks of a comment and its article, each once, without the count, which others' comments change."""
        found = {json.dumps(["THE COMMENT" if isinstance(value, (int, str)) and str(value) == str(number) else value for value in hook][:4 if "count" not in hook[0] else 2])
                 for hook in self.site.hooks() if hook[1] in (number, str(number), self.article) or hook[0] == "transition_comment_status" and hook[3] == number}
        return sorted(found)

    def test_a_decision_calls_the_hooks_that_wordpress_calls(self):
        expected = {way: self.as_wordpress(way) for way in ("approve", "hold")}
        self.assertIn('["transition_comment_status", "approved", "unapproved", "THE COMMENT"]', expected["approve"])
        number = self.post("For page caches.")
        for command, way, state, status in (("approve", "approve", "approved", "1"), ("undo", "hold", "pending", "0")):
            self.site.hooks()
            self.decide(number, command, state=state, status=status)
            self.wait_called(number, expected[way])

    def wait_called(self, number, expected):
        called = set()

        def all_called():
            called.update(self.of(number))
            return called >= set(expected)
        try:
            wait_for("the hooks", all_called)
        except AssertionError:
            self.assertEqual(sorted(expected), sorted(called))
            raise

    def test_what_the_worker_puts_right_calls_them_too(self):
        hidden, renumbered = self.approved("Hidden by a killed process."), self.approved("Has another text at the daemon.")
        self.site.hooks()
        self.site.sql(f"UPDATE wp_comments SET comment_approved = '0' WHERE comment_ID = {hidden}")
        self.restart_worker()
        self.wait_called(hidden, ['["transition_comment_status", "approved", "unapproved", "THE COMMENT"]', '["wp_set_comment_status", "THE COMMENT", "approve"]'])
        self.site.hooks()
        self.site.php(f"Modqd\\WordPress\\Outbox::keep('{self.site.row(renumbered)['modqd_id']}', 'submit', ['comment' => "
                      f"['site' => '{SITE}', 'comment' => '{self.site.row(renumbered)['modqd_id']}', 'revision' => 1, 'body' => 'What a lost past said.']]);")
        self.wait_called(renumbered, ['["transition_comment_status", "unapproved", "approved", "THE COMMENT"]', '["wp_set_comment_status", "THE COMMENT", "hold"]'])
        self.site.wait_handed_in(renumbered, 2)

    def test_a_withdrawal_by_the_author_calls_them_too(self):
        http = Http(self.site.base)
        number = self.approved("Withdrawn from page caches.", http=http)
        self.site.hooks()
        http.do(self.site.url(self.article), "withdraw", number)
        called = self.of(number)
        self.assertIn('["wp_set_comment_status", "THE COMMENT", "trash"]', called)
        self.assertIn('["transition_comment_status", "trash", "approved", "THE COMMENT"]', called)
        self.assertIn(f'["clean_post_cache", {self.article}]', called)


if __name__ == "__main__":
    tap.main()
