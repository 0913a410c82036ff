"""Every string of ../shared/hostile-text as a comment, over HTTP: stored, judged and shown as the same text, and never run."""
import concurrent.futures
import hashlib
import html.parser
import re
import unittest

from wordpress import SITE, Browser, Daemon, Http, WordPress, wait_for
from wordpress import tap
import hostile_text                             # found by wordpress

AT_ONCE = 4                # as many as php-fpm has children
ON_A_PAGE = 200
ALL_S = 300                # for the worker to be done with all of them, on a busy machine
MADE_BY_SCRIPT = ".comment-content :is(script, img, svg, iframe, object, embed, style, link, meta, base, form:not([action$='admin-post.php']))," \
    " .comment-content [onerror], .comment-content [onload], .comment-content [onclick], .comment-content [onmouseover]," \
    " .comment-content [style], .comment-content [href^='javascript' i], .comment-content [href^='data' i]"
SHOWN = """[...document.querySelectorAll('.comment-list .comment')].map(c => [c.id.replace('comment-', ''),
    [...c.querySelector('.comment-content').childNodes].filter(n => !n.className?.startsWith?.('modqd')).map(n => n.textContent).join(' ')])"""


class Text(html.parser.HTMLParser):
    """The text of a piece of HTML."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.parts = []
        self.feed(source)
        self.close()

    def handle_data(self, data):
        self.parts.append(data)


def bare(text):
    """Without spaces and control characters, which a page shows in its own way."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\ufffd\u200b]+", "", text)


@unittest.skipUnless(hostile_text.there(), "there is no ../shared/hostile-text")
class Hostile(unittest.TestCase):
    def test_every_hostile_string_is_stored_judged_and_shown_as_text(self):
        with Daemon(tcp=("front", "desk")) as daemon, WordPress(daemon) as site, Browser() as browser:
            self.site, self.daemon, self.browser = site, daemon, browser
            # The page's typography would change quotes, and addresses would become links: the text itself is compared.
            site.php(f"update_option('page_comments', 1); update_option('comments_per_page', {ON_A_PAGE}); update_option('default_comments_page', 'oldest');"
                     "update_option('thread_comments', 0); update_option('use_smilies', 0); update_option('modqd_test_plain', 1);")
            site.start("worker")
            texts = hostile_text.shared() + hostile_text.attacks()
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                statuses = list(pool.map(self.post, range(len(texts)), texts))
            self.assertEqual([], [text for text, status in zip(texts, statuses) if status >= 500])
            stored = self.handed_in()
            tap.comment(f"{len(texts)} strings, {len(stored)} comments; WordPress refused {len(texts) - len(stored)} (empty, or nothing left of them)")
            self.assertGreater(len(stored), len(texts) * 0.9)
            self.approve_all(stored)
            self.look(stored)
            self.assertEqual([], site.faults())

    def post(self, number, text):
        return Http(self.site.base, stay=True).open("/wp-comments-post.php", {
            "comment_post_ID": self.site.article, "author": text[:100] or "x", "email": f"h{number}@example.org", "comment": text})[0]

    def handed_in(self):
        """Rows of all comments; each is at the daemon with the very bytes that WordPress stored."""
        wait_for("the outbox", lambda: self.site.outbox() == 0, ALL_S)
        rows = self.site.sql("SELECT m.modqd_id, c.comment_ID, c.comment_approved, HEX(c.comment_content) content FROM wp_comments c LEFT JOIN wp_modqd_comments m ON m.comment_id = c.comment_ID"
                             f" WHERE c.comment_post_ID = {self.site.article} ORDER BY c.comment_ID")
        # Markup of which nothing is left is stored as an empty comment: there is nothing to judge, and it stays held.
        self.assertEqual({"0"}, {row["comment_approved"] for row in rows if not row["content"]} | {"0"})
        rows = [row for row in rows if row["content"]]
        self.assertEqual([], [row for row in rows if not row["modqd_id"]])
        self.assertEqual([], self.site.sql("SELECT refused FROM wp_modqd_outbox"))
        for start in range(0, len(rows), 200):
            part = rows[start:start + 200]
            for row, status in zip(part, self.daemon.front().status(SITE, [row["modqd_id"] for row in part])):
                self.assertEqual(("found", hashlib.sha256(bytes.fromhex(row["content"])).digest()), (status["status"], status["body_sha256"]), row)
        return rows

    def approve_all(self, rows):
        for start in range(0, len(rows), 200):
            self.daemon.administrator().approve([{"site": SITE, "comment": row["modqd_id"], "revision": 1} for row in rows[start:start + 200]])
        wait_for("the approvals", lambda: self.site.sql("SELECT COUNT(*) n FROM wp_comments WHERE comment_approved = '1'")[0]["n"] == str(len(rows)), ALL_S)

    def look(self, rows):
        wanted = {row["comment_ID"]: bytes.fromhex(row["content"]).decode() for row in rows}
        shown, wrong = {}, []
        for page in range(1, len(rows) // ON_A_PAGE + 2):
            self.browser.goto("reader", url=f"{self.site.url()}&cpage={page}")
            self.assertEqual(0, self.browser.count("reader", at=MADE_BY_SCRIPT)["count"])
            self.assertEqual([], self.browser.troubles("reader")["troubles"])
            shown.update(self.browser.evaluate("reader", script=SHOWN)["value"])
        self.assertEqual(set(wanted), set(shown), "each is shown")
        for number, text in wanted.items():
            if bare("".join(Text(text).parts)) != bare(shown[number]):
                wrong.append((text, shown[number]))
        self.assertEqual([], wrong[:5], f"{len(wrong)} are shown as another text")


if __name__ == "__main__":
    tap.main()
