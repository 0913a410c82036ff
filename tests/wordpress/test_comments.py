"""Readers, moderators and WordPress, from the comment form to the page and back."""
import subprocess
import time
import unittest

from wordpress import SITE, Daemon, Http, WordPress, wait_for
from wordpress import tap


def setUpModule():
    WordPressTest.daemon = unittest.enterModuleContext(Daemon(tcp=("front", "desk"), config="heartbeat_ms = 500\n"))
    WordPressTest.site = unittest.enterModuleContext(WordPress(WordPressTest.daemon))
    WordPressTest.site.start("worker")


class WordPressTest(unittest.TestCase):
    """Tests that share one WordPress with its worker; each uses comments of its own."""

    maxDiff = 4000

    def tearDown(self):
        self.assertEqual([], self.site.faults())
        self.assertTrue(self.daemon.alive(), self.daemon.log()[-4000:])

    def approved(self, text, **options):
        """The number of a comment that a moderator has approved."""
        number = self.site.post(text, **options)
        self.site.wait_handed_in(number)
        self.site.modq("approve", self.site.name(number))
        self.site.wait_state(number, "approved", "1")
        return number


class Path(WordPressTest):
    """Into the queue, and back."""

    def test_a_comment_is_held_handed_in_and_shown_once_approved(self):
        number = self.site.post("The old bridge was prettier.")
        self.assertEqual("0", self.site.row(number)["comment_approved"])
        self.assertEqual("pending", self.site.wait_handed_in(number)["state"])
        self.assertFalse(self.site.shows("The old bridge was prettier."))
        self.site.modq("approve", self.site.name(number))
        self.site.wait_state(number, "approved", "1")
        self.assertTrue(self.site.shows("The old bridge was prettier."))
        count = self.site.sql(f"SELECT comment_count n FROM wp_posts WHERE ID = {self.site.article}")[0]["n"]
        shown = self.site.sql(f"SELECT COUNT(*) n FROM wp_comments WHERE comment_post_ID = {self.site.article} AND comment_approved = '1'")[0]["n"]
        self.assertEqual(shown, count)

    def test_moderators_are_told_article_author_and_parent_and_no_address(self):
        parent = self.site.post("The first of two.")
        self.site.wait_handed_in(parent)
        number = self.site.post("An answer.", parent=parent, author="Rojda & <b>Baran</b>", email="Rojda@example.org",
                                website="https://casino.example/?a=1&b=2")
        self.site.wait_handed_in(number)
        card = self.site.card(number)
        self.assertEqual(str(self.site.article), card["article"]["id"])
        self.assertEqual("The bridge opens on Monday", card["article"]["title"])
        self.assertTrue(card["article"]["url"].startswith(self.site.base))
        self.assertEqual("en-US", card["article"]["language"])
        self.assertEqual("en-US", card["language"])
        self.assertEqual(self.site.row(parent)["modqd_id"], card["parent"])
        stored = self.site.sql(f"SELECT comment_author, comment_author_url, UNIX_TIMESTAMP(CONVERT_TZ(comment_date_gmt, '+00:00', @@session.time_zone)) AS at FROM wp_comments WHERE comment_ID = {number}")[0]
        self.assertEqual(stored["comment_author"], card["author"]["name"])
        self.assertIn("casino.example", card["extra"]["website"])
        self.assertEqual(stored["comment_author_url"], card["extra"]["website"])
        self.assertRegex(card["author"]["id"], "^guest:[0-9a-f]{32}$")
        self.assertRegex(card["author"]["address_hash"], "^[0-9a-f]{32}$")
        self.assertEqual(int(float(stored["at"])) * 1000, card["created_at"])
        for secret in ("127.0.0.1", "rojda@example.org", "Rojda@example.org"):
            self.assertNotIn(secret, str({**card, "article": None}))
        other = self.site.post("The same author again.", email="rojda@EXAMPLE.org")
        self.site.wait_handed_in(other)
        self.assertEqual(card["author"]["id"], self.site.card(other)["author"]["id"])
        self.assertNotIn("website", self.site.card(other)["extra"])

    def test_an_article_and_an_author_of_other_scripts_arrive_as_they_are(self):
        article = int(self.site.php("echo wp_insert_post(['post_title' => 'پردەکە دووشەممە دەکرێتەوە', 'post_status' => 'publish', 'comment_status' => 'open']);"))
        text = "پردی کۆن جوانتر بوو 🌉"
        number = self.site.post(text, article=article, author="سۆزدار")
        self.site.wait_handed_in(number)
        card = self.site.card(number)
        self.assertEqual(("پردەکە دووشەممە دەکرێتەوە", "سۆزدار", text), (card["article"]["title"], card["author"]["name"], card["body"]))

    def test_who_was_approved_before_waits_like_everybody(self):
        self.approved("Approved once.", email="trusted@example.org", author="Trusted")
        number = self.site.post("And once more.", email="trusted@example.org", author="Trusted")
        self.assertEqual("0", self.site.row(number)["comment_approved"])

    def test_administrators_are_held_unless_the_settings_say_otherwise(self):
        http = Http(self.site.base)
        http.login("admin", self.site.password)
        number = self.site.post("The editors' view.", http=http)
        self.assertEqual("0", self.site.row(number)["comment_approved"])
        self.site.wait_handed_in(number)
        author = self.site.card(number)["author"]
        self.assertEqual(("user:1", "admin"), (author["id"], author["name"]))
        self.assertGreater(author["registered_at"], 1_600_000_000_000)
        self.site.settings(hold_staff=False)
        try:
            number = self.site.post("The editors' second view.", http=http)
            self.assertIsNone(self.site.row(number))
            self.assertTrue(self.site.shows("The editors&#8217; second view."))
        finally:
            self.site.settings()

    def test_pingbacks_and_trackbacks_are_held(self):
        self.site.php(f"""wp_new_comment(['comment_post_ID' => {self.site.article}, 'comment_author' => 'A blog', 'comment_author_url' => 'http://blog.example',
            'comment_author_email' => '', 'comment_content' => 'linked to you', 'comment_type' => 'pingback', 'comment_author_IP' => '', 'comment_agent' => '']);""")
        number = self.site.newest()
        self.site.wait_handed_in(number)
        self.assertEqual("0", self.site.row(number)["comment_approved"])
        self.assertEqual("pingback", self.site.card(number)["extra"]["wordpress"]["type"])

    def test_a_comment_that_another_plugin_inserts_as_approved_is_held(self):
        self.site.php(f"wp_insert_comment(['comment_post_ID' => {self.site.article}, 'comment_content' => 'Slipped in.', 'comment_approved' => 1, 'comment_author' => 'x']);")
        number = self.site.newest()
        self.assertEqual(("0", "pending"), (self.site.row(number)["comment_approved"], self.site.row(number)["state"]))

    def test_a_filter_that_approves_everything_does_not_show_a_comment_for_a_moment_either(self):
        self.site.php(f"""add_filter('pre_comment_approved', '__return_true');
            add_action('wp_insert_comment', fn ($id, $comment) => update_option('test_stored_as', $comment->comment_approved), 1, 2);
            wp_new_comment(['comment_post_ID' => {self.site.article}, 'comment_author' => 'A', 'comment_author_email' => 'a@example.org', 'comment_author_url' => '',
              'comment_content' => 'Approved by a filter.', 'comment_type' => 'comment', 'comment_author_IP' => '', 'comment_agent' => '']);""")
        self.assertEqual("0", self.site.json("get_option('test_stored_as')"))
        self.assertEqual("0", self.site.row(self.site.newest())["comment_approved"])

    def test_no_mail_asks_to_moderate_in_wordpress(self):
        self.site.settings(site="")
        self.site.post("WordPress alone asks.")
        self.site.settings()
        self.assertIn("WordPress alone asks.", self.site.mails())
        number = self.site.post("No mail, please.")
        self.site.wait_handed_in(number)
        self.assertNotIn("No mail, please.", self.site.mails())

    def test_ids_are_unguessable_and_no_numbers_of_wordpress(self):
        first, second = self.site.post("One."), self.site.post("Two.")
        ids = {self.site.row(number)["modqd_id"] for number in (first, second)}
        self.assertEqual(2, len(ids))
        for name in ids:
            self.assertRegex(name, "^[0-9a-f]{32}$")

    def test_the_daemon_can_be_restarted_in_between(self):
        number = self.site.post("Before the restart.")
        self.site.wait_handed_in(number)
        self.daemon.restart()
        self.site.modq("approve", self.site.name(number))
        self.site.wait_state(number, "approved", "1")

    def test_a_record_of_a_comment_that_wordpress_does_not_have_is_skipped(self):
        self.daemon.front().submit([{"site": SITE, "comment": "of-another-server", "body": "Not of this WordPress."}])
        self.site.modq("approve", f"{SITE}/of-another-server")
        self.approved("After the unknown one.")

    def test_spam_is_not_handed_in_until_it_is_called_none(self):
        number = self.site.spam("Buy it now.")
        self.assertIsNone(self.site.row(number))
        self.site.php(f"wp_unspam_comment({number});")
        wait_for("the row", lambda: self.site.row(number))
        self.site.wait_handed_in(number)

    def test_spam_that_the_edit_screen_approves_is_held_and_handed_in(self):
        number = self.site.spam("Bought by nobody.")
        self.site.php(f"wp_update_comment(['comment_ID' => {number}, 'comment_approved' => 1]);")
        self.assertEqual("0", self.site.status(number))
        self.site.wait_handed_in(number)

    def test_a_comment_of_which_nothing_is_left_stays_held_whoever_approves_it(self):
        number = self.site.post("<script></script>", author="A name that nobody read")
        self.assertEqual(("0", None), (self.site.status(number), self.site.row(number)))
        for way in ("wp_set_comment_status({n}, 'approve');", "wp_update_comment(['comment_ID' => {n}, 'comment_approved' => 1]);"):
            self.site.php(way.format(n=number))
            self.assertEqual("0", self.site.status(number), way)

    def test_who_knows_an_address_does_not_see_what_its_owner_wrote(self):
        author, other = Http(self.site.base), Http(self.site.base)
        number = self.site.post("For moderators' eyes.", http=author, email="victim@example.org")
        name = "comment_author_email_" + self.site.json("COOKIEHASH")
        other.opener.addheaders = [("Cookie", f"{name}=victim%40example.org")]
        self.assertTrue(self.site.shows("For moderators&#8217; eyes.", author))
        self.assertFalse(self.site.shows("For moderators&#8217; eyes.", other))
        self.site.wait_handed_in(number)


class Decisions(WordPressTest):
    """What moderators and authors change afterwards."""

    SENTENCE = "Your comment was not published because it contains profanity"

    def test_the_author_of_a_rejected_comment_is_told_why_and_nobody_else(self):
        author, other = Http(self.site.base), Http(self.site.base)
        number = self.site.post("Damned bridge.", http=author)
        self.site.wait_handed_in(number)
        self.assertTrue(self.site.shows("Your comment is awaiting moderation.", author))
        self.site.modq("reject", "--reason", "profanity", self.site.name(number))
        self.site.wait_state(number, "rejected", "0")
        page = author.open(self.site.url())[2]
        self.assertIn(self.SENTENCE, page)
        self.assertIn("Damned bridge.", page)
        self.assertIn("Your comment was not published.", page)
        for text in ("Damned bridge.", self.SENTENCE):
            self.assertFalse(self.site.shows(text, other))
        self.assertEqual('["profanity"]', self.site.row(number)["reasons"])

    def test_the_direction_of_a_reason_is_that_of_its_script(self):
        directions = {"ckb": "rtl", "ar-EG": "rtl", "ku-Arab": "rtl", "ku-Arab-IQ": "rtl", "az-Arab": "rtl", "he": "rtl", "yi": "rtl", "dv": "rtl",
                      "kmr": "ltr", "ckb-Latn": "ltr", "tr": "ltr", "en-US": "ltr", "sr-Cyrl": "ltr", "": "ltr"}
        tags = "', '".join(directions)
        self.assertEqual(list(directions.values()), self.site.json(f"array_map([Modqd\\WordPress\\Language::class, 'direction'], ['{tags}'])"))

    def test_an_undone_decision_is_undone_on_the_page(self):
        number = self.approved("Shown, and not shown again.")
        self.site.modq("undo", self.site.name(number))
        self.site.wait_state(number, "pending", "0")
        self.assertFalse(self.site.shows("Shown, and not shown again."))
        self.site.modq("reject", "--reason", "off_topic", self.site.name(number))
        self.site.wait_state(number, "rejected", "0")
        self.site.modq("undo", self.site.name(number))
        self.site.wait_state(number, "pending", "0")
        self.assertEqual("[]", self.site.row(number)["reasons"])

    def test_an_author_withdraws_a_held_and_a_shown_comment(self):
        http = Http(self.site.base)
        held = self.site.post("Held and withdrawn.", http=http)
        self.site.wait_handed_in(held)
        shown = self.approved("Shown and withdrawn.", http=http)
        for number, text in ((held, "Held and withdrawn."), (shown, "Shown and withdrawn.")):
            http.do(self.site.url(), "withdraw", number)
            self.assertEqual("trash", self.site.row(number)["comment_approved"])
            self.assertFalse(self.site.shows(text, http))
            wait_for("the withdrawal", lambda: self.site.at_daemon(number)["state"] == "withdrawn")
            self.site.wait_state(number, "withdrawn", "trash")

    def test_nobody_withdraws_or_edits_what_is_not_theirs(self):
        author, other = Http(self.site.base), Http(self.site.base)
        self.site.post("To have a cookie, too.", http=other, email="other@example.org")
        number = self.approved("Mine alone.", http=author)
        self.assertIsNone(other.form(self.site.url(), "withdraw", number))
        self.assertIsNone(other.form(self.site.url(), "edit", number))
        for action in ("withdraw", "edit"):
            stolen = author.form(self.site.url(), action, number)
            status = other.open("/wp-admin/admin-post.php", {**stolen, "text": "Changed."})[0]
            self.assertEqual(403, status)
            status = author.open("/wp-admin/admin-post.php", {**stolen, "nonce": "0123456789", "text": "Changed."})[0]
            self.assertEqual(403, status)
        self.assertEqual("Mine alone.", self.site.row(number)["comment_content"])
        self.assertEqual("approved", self.site.row(number)["state"])

    def test_an_edit_by_its_author_is_a_new_revision_that_is_held(self):
        http = Http(self.site.base)
        number = self.approved("A frist version.", http=http)
        page = http.do(self.site.url(), "edit", number, text="A first version, isn't it.")
        self.assertIn("Your change awaits moderation.", page)
        self.assertEqual("0", self.site.row(number)["comment_approved"])
        self.site.wait_handed_in(number, 2)
        self.assertEqual("A first version, isn't it.", self.site.card(number)["body"])
        self.site.modq("approve", self.site.name(number))
        self.site.wait_state(number, "approved", "1")

    def test_an_edit_of_which_nothing_is_left_changes_nothing(self):
        http = Http(self.site.base)
        number = self.approved("It stays as it is.", http=http)
        page = http.do(self.site.url(), "edit", number, text="<script></script>")
        self.assertIn("The comment is empty.", page)
        self.assertEqual("It stays as it is.", self.site.row(number)["comment_content"])
        self.assertEqual("1", self.site.status(number))

    def test_an_author_and_the_worker_who_meet_at_one_comment_both_get_through(self):
        http = Http(self.site.base)
        for action, fields in (("edit", {"text": "Changed meanwhile."}), ("withdraw", {})):
            number = self.site.post(f"Where they meet, {action}.", http=http)
            self.site.wait_handed_in(number)
            form = http.form(self.site.url(), action, number)
            # The locks of a record that is applied, slowly.
            worker = subprocess.Popen(["mariadb", "--no-defaults", f"--socket={self.site.dir}/mariadb.sock", "wordpress", "-e",
                                       f"BEGIN; SELECT 1 FROM wp_modqd_comments WHERE modqd_id = '{self.site.row(number)['modqd_id']}' FOR UPDATE;"
                                       f"SELECT SLEEP(1.5); SELECT 1 FROM wp_comments WHERE comment_ID = {number} FOR UPDATE; SELECT SLEEP(0.5); COMMIT"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(0.5)
            status = http.open("/wp-admin/admin-post.php", {**form, **fields})[0]
            self.assertEqual(("", 0, 200), (worker.communicate(timeout=30)[1], worker.returncode, status), action)

    def test_an_edit_in_wp_admin_is_a_new_revision_that_is_held(self):
        number = self.approved("Before the editor came.")
        self.site.php(f"wp_update_comment(['comment_ID' => {number}, 'comment_content' => 'After the editor came.', 'comment_approved' => 1]);")
        self.assertEqual("0", self.site.row(number)["comment_approved"])
        self.site.wait_handed_in(number, 2)
        self.site.wait_state(number, "pending", "0")
        self.site.modq("approve", self.site.name(number))
        self.site.wait_state(number, "approved", "1")

    def test_a_comment_is_not_edited_when_its_minutes_are_over(self):
        http = Http(self.site.base)
        number = self.site.post("An hour old.", http=http)
        form = http.form(self.site.url(), "edit", number)
        self.site.sql(f"UPDATE wp_comments SET comment_date_gmt = comment_date_gmt - INTERVAL 1 HOUR WHERE comment_ID = {number}")
        page = http.open("/wp-admin/admin-post.php", {**form, "text": "Changed."})[2]
        self.assertIn("too late", page)
        self.assertEqual("An hour old.", self.site.row(number)["comment_content"])
        self.assertIsNone(http.form(self.site.url(), "edit", number))

    def test_a_text_that_was_changed_behind_our_back_is_not_shown_but_handed_in(self):
        number = self.site.post("What was judged.")
        self.site.wait_handed_in(number)
        self.site.sql(f"UPDATE wp_comments SET comment_content = 'What was not judged.' WHERE comment_ID = {number}")
        self.site.modq("approve", self.site.name(number))
        self.site.wait_handed_in(number, 2)
        self.site.wait_state(number, "pending", "0")
        self.assertFalse(self.site.shows("What was not judged."))
        self.assertEqual("What was not judged.", self.site.card(number)["body"])

    def test_readers_reports_put_a_comment_back_into_the_queue(self):
        number = self.approved("A doubtful one.")
        name = self.site.row(number)["modqd_id"]
        page = Http(self.site.base).do(self.site.url(), "report", number, reason="profanity", note="look at the second word")
        self.assertIn("The moderators will look at it.", page)
        wait_for("the report", lambda: self.site.card(number)["reports"] == 1)
        Http(self.site.base).do(self.site.url(), "report", number, reason="", note="")
        wait_for("the outbox", lambda: self.site.outbox() == 0)
        self.assertEqual(1, self.site.card(number)["reports"], "the same address is one reader, with any cookies")
        http = Http(self.site.base)
        http.login("admin", self.site.password)
        http.do(self.site.url(), "report", number, reason="")
        wait_for("the second reader", lambda: self.site.card(number)["reports"] == 2)
        self.daemon.front().call("report", site=SITE, comment=name, reader="somebody-else")
        self.site.wait_state(number, "pending", "0")
        self.assertFalse(self.site.shows("A doubtful one."))

    def test_a_report_that_another_site_sends_is_refused(self):
        number = self.approved("Reported from elsewhere.")
        http = Http(self.site.base)
        form = http.form(self.site.url(), "report", number)

        def status(**headers):
            http.opener.addheaders = [(name.replace("_", "-"), value) for name, value in headers.items()]
            return http.open("/wp-admin/admin-post.php", {**form, "reason": ""})[0]
        self.assertEqual(403, status(Origin="https://evil.example", Sec_Fetch_Site="cross-site"))
        self.assertEqual(403, status(Origin="https://evil.example"))
        self.assertEqual(403, status(Origin="null"))
        self.assertEqual(0, self.site.card(number)["reports"])
        self.assertEqual(200, status(Origin=self.site.base))
        self.assertEqual(200, status(Origin="null", Sec_Fetch_Site="same-origin"))

    def test_fields_that_are_lists_change_nothing_and_make_no_noise(self):
        http = Http(self.site.base)
        number = self.approved("Not to become an Array.", http=http)
        self.assertEqual(200, http.open(self.site.url() + "&modqd[]=x")[0])
        form = http.form(self.site.url(), "edit", number)
        http.open("/wp-admin/admin-post.php", {**form, "text[]": "x"})
        self.assertEqual("Not to become an Array.", self.site.row(number)["comment_content"])

    def test_an_article_that_comes_back_from_the_bin_shows_what_moderators_say_now(self):
        article = int(self.site.php("echo wp_insert_post(['post_title' => 'Binned', 'post_status' => 'publish', 'comment_status' => 'open']);"))
        shown = self.approved("Approved, then undone.", article=article)
        held = self.site.post("Held, then approved.", article=article)
        self.site.wait_handed_in(held)
        self.site.php(f"wp_trash_post({article});")
        self.site.modq("undo", self.site.name(shown))
        self.site.modq("approve", self.site.name(held))
        self.site.wait_state(shown, "pending")
        self.site.wait_state(held, "approved")
        self.site.php(f"wp_untrash_post({article}); wp_publish_post({article});")
        self.assertEqual(("0", "1"), (self.site.status(shown), self.site.status(held)))

    def test_the_text_of_an_erased_comment_is_gone_from_wordpress(self):
        number = self.approved("Please erase me.")
        self.daemon.administrator().erase([{"site": SITE, "comment": self.site.row(number)["modqd_id"]}])
        self.site.wait_state(number, "erased", "trash")
        self.assertEqual("", self.site.row(number)["comment_content"])
        self.assertFalse(self.site.shows("Please erase me."))

    def test_what_wordpress_deletes_is_withdrawn(self):
        number = self.site.post("Deleted for good.")
        name = self.site.row(number)["modqd_id"]
        self.site.wait_handed_in(number)
        self.site.php(f"wp_delete_comment({number}, true);")
        wait_for("the withdrawal", lambda: self.daemon.front().status(SITE, [name])[0]["state"] == "withdrawn")
        self.assertIsNone(self.site.row(number))

    def test_what_is_in_the_bin_stays_there_until_it_is_taken_out(self):
        number = self.site.post("In the bin.")
        self.site.wait_handed_in(number)
        self.site.php(f"wp_trash_comment({number});")
        self.site.modq("approve", self.site.name(number))
        self.site.wait_state(number, "approved", "trash")
        self.site.php(f"wp_untrash_comment({number});")
        self.site.wait_state(number, "approved", "1")


class Admin(WordPressTest):
    """wp-admin cannot approve."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.http = Http(cls.site.base)
        cls.http.login("admin", cls.site.password)

    def held(self):
        number = self.site.post(f"Held whatever wp-admin does, {self.site.newest()}.")
        self.site.wait_handed_in(number)
        return number

    def assert_held(self, number):
        self.assertEqual(("0", "pending"), (self.site.row(number)["comment_approved"], self.site.row(number)["state"]))

    def test_the_list_says_so_and_has_no_buttons_to_approve(self):
        number = self.held()
        page = self.http.open("/wp-admin/edit-comments.php")[2]
        self.assertIn("approved and rejected by the moderators of modqd", page)
        self.assertIn(self.site.row(number)["modqd_id"], page)
        row = page[page.index(f"id='comment-{number}'"):].split("</tr>")[0]
        self.assertNotIn("action=approvecomment", row)
        self.assertNotIn('value="approve"', page)

    def test_links_and_background_requests_that_approve_are_refused(self):
        number = self.held()
        status, _, page = self.http.open(f"/wp-admin/comment.php?action=approve&c={number}")
        self.assertEqual(403, status)
        status, _, page = self.http.open("/wp-admin/admin-ajax.php", {"action": "dim-comment", "id": number, "dimClass": "unapproved", "new": "approved"})
        self.assertEqual(403, status)
        self.assert_held(number)

    def test_an_approval_by_any_other_way_is_taken_back(self):
        for way in ("wp_set_comment_status({n}, 'approve');", "wp_update_comment(['comment_ID' => {n}, 'comment_approved' => 1]);",
                    "wp_spam_comment({n}); wp_set_comment_status({n}, 'approve');"):
            number = self.held()
            self.site.php(way.format(n=number))
            self.assert_held(number)

    def test_nobody_hears_of_an_approval_that_is_taken_back(self):
        number = self.site.post("Not for the author's mail.")
        self.site.wait_handed_in(number)
        self.site.php(f"add_action('wp_set_comment_status', fn ($id) => update_option('test_heard', get_comment($id)->comment_approved));"
                      f"wp_set_comment_status({number}, 'approve');")
        self.assert_held(number)
        self.assertEqual("0", self.site.json("get_option('test_heard')"))
        self.assertNotIn("Not for the author", self.site.mails())

    def test_the_rest_interface_does_not_approve_either(self):
        number = self.held()
        self.site.php(f"""wp_set_current_user(1); $r = new WP_REST_Request('POST', '/wp/v2/comments/{number}'); $r->set_param('status', 'approve');
            rest_do_request($r); $r = new WP_REST_Request('POST', '/wp/v2/comments'); $r->set_param('post', {self.site.article});
            $r->set_param('content', 'By REST.'); $r->set_param('status', 'approve'); $x = rest_do_request($r); echo $x->get_status();""")
        self.assert_held(number)
        self.assert_held(self.site.newest())
        self.assertEqual("By REST.", self.site.row(self.site.newest())["comment_content"])


if __name__ == "__main__":
    tap.main()
