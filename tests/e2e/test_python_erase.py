"""History, and what is left of it after erasing; asked by a client written from PROTOCOL.md."""
import glob
import os
import secrets

import tap
from cases import Case, eventually


class History(Case):
    def test_everything_that_happened_is_told_newest_first(self):
        item = self.pending()
        self.ann.claim(comments=[item])
        self.ann.renew([item])
        self.ann.release([item])
        self.ann.escalate([item], note="second opinion")
        seq = self.reject(item, note="no")
        self.undo(seq, self.bob)
        self.approve(item)
        self.front.report(self.site, item["comment"], "reader")
        self.front.withdraw(self.site, item["comment"])
        events = self.ann.history(self.site, item["comment"])["events"]
        self.assertEqual([e["kind"] for e in events], ["withdrawn", "reported", "approved", "reopened", "rejected",
                                                       "escalated", "released", "renewed", "claimed", "submitted"])
        self.assertEqual([e["actor"] for e in events],
                         ["front", "front", "ann", "bob", "ann", "ann", "ann", "ann", "ann", "front"])
        numbers = [e["no"] for e in events]
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        self.assertEqual([e["seq"] for e in events], [4, None, 3, 2, 1] + [None] * 5)
        self.assertEqual((events[4]["reasons"], events[4]["note"]), (self.reasons[:1], "no"))
        self.assertEqual((events[3]["cause"], events[3]["undoes"], events[5]["note"]), ("undo", 1, "second opinion"))
        self.assertGreater(events[8]["until"], events[8]["at"])

    def test_history_has_pages(self):
        item = self.pending()
        for _ in range(6):
            self.undo(self.approve(item))
        whole = self.ann.history(self.site, item["comment"])
        self.assertIsNone(whole["next"])
        found, before = [], None
        while True:
            page = self.ann.history(self.site, item["comment"], limit=4, before=before)
            found += page["events"]
            before = page["next"]
            if before is None:
                break
        self.assertEqual(found, whole["events"])
        self.assertEqual(len(found), 13)

    def test_unknown_comments_are_not_found(self):
        self.assert_fails("not_found", self.ann.history, self.site, "none")
        self.assert_fails("not_found", self.ann.show, self.site, "none")


class Erasing(Case):
    MARK = "ERASE-ME"

    def erased(self):
        secret = self.MARK + secrets.token_hex(8)
        item = self.pending(f"body {secret}", article={"id": f"a {secret}", "title": f"title {secret}",
                                                       "url": f"u{secret}"},
                            author={"id": f"i{secret}", "name": f"n{secret}", "address_hash": f"h{secret}"},
                            extra={secret: f"x{secret}"}, language="en", parent=f"p{secret}")
        self.submit_one(item["comment"], f"second {secret}", revision=2)
        item["revision"] = 2
        self.ann.escalate([item], note=f"e{secret}")
        self.reject(item, note=f"note {secret}")
        self.approve(item, supersede=True, note=f"note2 {secret}")
        self.front.report(self.site, item["comment"], f"reader {secret}", note=f"report {secret}")
        self.assertTrue(self.files_with(secret), "the search for erased text finds nothing anyway")
        result, = self.ann.erase([item])
        self.assertEqual(result["status"], "erased")
        return item, secret, result["seq"]

    def files_with(self, secret):
        found = []
        for path in glob.glob(self.daemon.dir + "/**", recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    if secret.encode() in file.read():
                        found.append(path)
        return found

    def test_text_is_gone_from_every_read(self):
        item, secret, seq = self.erased()
        answers = [self.ann.show(self.site, item["comment"]), self.ann.history(self.site, item["comment"]),
                   self.records(), self.ann.list(), self.status_of(item)]
        self.assertNotIn(secret, repr(answers))
        card = answers[0]["card"]
        self.assertEqual((card["state"], card["seq"]), ("erased", seq))
        for key in ("body", "body_sha256", "article", "parent", "author", "extra", "note"):
            self.assertIsNone(card[key], key)
        self.assertEqual(answers[0]["reported"], [])

    def test_older_records_lose_the_hash_and_nothing_else(self):
        item, seq = self.approved()
        before, = self.records()
        erasure = self.ann.erase([item])[0]["seq"]
        after = self.records()
        self.assertEqual(after[0], {**before, "body_sha256": None})
        self.assertEqual((after[1]["decision"], after[1]["cause"], after[1]["supersedes"]), ("erased", "erasure", seq))
        self.assertEqual(after[1]["seq"], erasure)
        self.assertEqual(self.records(after=1, hash=before["chain"]), after[1:])

    def test_text_is_gone_from_the_files_on_disk(self):
        _, secret, _ = self.erased()
        self.daemon.restart()
        self.assertEqual(self.files_with(secret), [])

    def test_text_leaves_the_files_of_a_running_daemon(self):
        _, secret, _ = self.erased()
        eventually(lambda: not self.files_with(secret), 60)

    def test_erasing_again_has_the_same_number(self):
        item, _, seq = self.erased()
        result, = self.ann.erase([item])
        self.assertEqual((result["status"], result["seq"]), ("erased", seq))
        self.assert_item(self.ann.erase([self.named("none")])[0], "not_found")

    def test_every_state_can_be_erased(self):
        tombstone = self.named("tombstone")
        self.front.withdraw(self.site, "tombstone")
        for item in (self.pending(), self.approved()[0], self.rejected()[0], tombstone):
            self.assertEqual(self.ann.erase([item])[0]["status"], "erased")
            self.assertEqual(self.state_of(item), "erased")


if __name__ == "__main__":
    tap.main()
