"""Readers, moderators and WordPress, from the comment form to the page and back."""
import os
import unittest

import wordpress
from wordpress import SITE, Daemon, Http, WordPress, wait_for
from wordpress import tap


class WordPressTest(unittest.TestCase):
    """Tests that share one WordPress with its worker; each uses comments of its own."""

    maxDiff = 4000
    locale = ""

    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(Daemon(tcp=("front", "desk"), config="heartbeat_ms = 500\n"))
        cls.site = cls.enterClassContext(WordPress(cls.daemon, cls.locale))
        cls.site.start("worker")

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
    def test_a_comment_is_held_handed_in_and_shown_once_approved(self):
        number = self.site.post("The old bridge was prettier.")
        self.assertEqual("0", self.site.row(number)["comment_approved"])
        self.assertEqual("pending", self.site.wait_handed_in(number)["state"])
        self.assertFalse(self.site.shows("The old bridge was prettier."))
        self.site.modq("approve", self.site.name(number))
        self.site.wait_state(number, "approved", "1")
        self.assertTrue(self.site.shows("The old bridge was prettier."))


if __name__ == "__main__":
    tap.main()
