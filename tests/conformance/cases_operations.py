"""The other operations of the front socket, and comments pushed."""
from cases import eventually, fresh, now_ms
from suite import ANSWER_S, Conformance, events, needs


class Operations(Conformance):
    def test_withdraw_writes_one_record_and_its_repeat_is_a_duplicate(self):
        item = self.pending()
        first = self.call("withdraw", site=self.site, comment=item["comment"])
        self.assertEqual((first["status"], first["seq"]), ("withdrawn", 1))
        again = self.call("withdraw", site=self.site, comment=item["comment"])
        self.assertEqual((again["status"], again["seq"]), ("duplicate", 1))
        self.assertEqual(self.state_of(item), "withdrawn")

    def test_withdraw_works_before_the_comment_came(self):
        self.assertEqual(self.call("withdraw", site=self.site, comment="later")["status"], "withdrawn")

    def test_reports_count_once_for_each_reader_and_reopen(self):
        item, _ = self.approved()
        for number in range(self.threshold):
            answer = self.call("report", site=self.site, comment=item["comment"], reader=f"r{number}", reason=self.reasons[0], note="n\0ote")
            self.assertEqual((answer["status"], answer["reports"]), ("counted", number + 1))
        self.assertEqual(answer["state"], "pending")
        self.assertEqual(self.ann.show(self.site, item["comment"])["reported"][0]["note"], "n\0ote")

    def test_repeated_report_is_a_duplicate(self):
        item, _ = self.approved()
        fields = {"site": self.site, "comment": item["comment"], "reader": "r"}
        self.assertEqual(self.call("report", **fields)["status"], "counted")
        self.assertEqual(self.call("report", **fields)["status"], "duplicate")

    def test_report_from_before_the_approval_does_not_count(self):
        item, _ = self.approved()
        answer = self.call("report", site=self.site, comment=item["comment"], reader="r", at=now_ms() - 60_000)
        self.assertEqual((answer["status"], answer["reports"]), ("duplicate", 0))

    def test_status_answers_in_order_and_per_comment(self):
        first, (second, seq) = self.pending(), self.approved()
        results = self.call("status", site=self.site, comments=[second["comment"], "none", first["comment"]])["results"]
        self.assertEqual([r["status"] for r in results], ["found", "not_found", "found"])
        self.assertEqual([r.get("state") for r in results], ["approved", None, "pending"])
        self.assertEqual((results[0]["seq"], results[0]["decision"]), (seq, "approved"))
        self.assertIsInstance(results[0]["body_sha256"], bytes)

    def test_status_of_too_many_is_refused_or_cut_in_parts(self):
        answer = self.driver.ask("call", front=self.f, op="status", fields={"site": self.site, "comments": [str(n) for n in range(600)]})
        if answer["ok"]:
            self.assertEqual([r["comment"] for r in answer["answer"]["results"]], [str(n) for n in range(600)])
        else:
            self.assert_error(answer["error"], "out_of_range", field="comments")

    def test_policy_is_the_sites(self):
        self.assertEqual(self.call("policy", site=self.site)["policy"], self.front.policy(self.site))

    def test_article_is_stored_and_stands_on_the_card(self):
        item = self.pending(article={"id": "a1", "title": "t"})
        self.assertEqual(self.call("article", site=self.site, article={"id": "a1", "title": "t"}, closed=True)["status"], "stored")
        self.call("article", site=self.site, article={"id": "a1"}, front_page=True)
        card = self.card_of(item)
        self.assertEqual((card["article_closed"], card["article_front_page"]), (True, True))
        self.call("article", site=self.site, article={"id": "a1"}, closed=False)
        card = self.card_of(item)
        self.assertEqual((card["article_closed"], card["article_front_page"]), (False, True))

    def test_confirm_answers_the_lag(self):
        self.approved(), self.approved()
        answer = self.call("confirm", site=self.site, listener="web", seq=1)
        self.assertEqual((answer["newest"], answer["lag"]), (2, 1))

    def test_errors_have_name_number_class_and_field(self):
        item, _ = self.approved()
        self.assert_error(self.call_fails("report", site=self.site, comment="none", reader="r"), "not_found")
        self.assert_error(self.call_fails("report", site=self.site, comment=item["comment"], reader="r", reason="no.such"),
                          "unknown_reason", field="reason")
        self.assert_error(self.call_fails("report", site=self.site, comment=item["comment"], reader="r" * 129), "too_long", field="reader")
        self.assert_error(self.call_fails("confirm", site=self.site, listener="web", seq=99), "diverged")
        self.assert_error(self.call_fails("confirm", site=fresh("none-"), listener="web", seq=0), "not_found")
        self.assert_error(self.call_fails("withdraw", site="a/b", comment="c"), "bad_character", field="site")
        self.assert_error(self.call_fails("withdraw", site=self.site, comment=""), "too_short", field="comment")
        self.assert_error(self.call_fails("article", site=self.site, article={"title": "t"}), "missing_field", field="article.id")
        erased = self.pending()
        self.ann.erase([erased])
        self.assert_error(self.call_fails("withdraw", site=self.site, comment=erased["comment"]), "erased")

    def test_answer_of_the_greatest_size_comes_whole(self):
        comments = events(self.site, 256, prefix="é" * 60)
        self.submit(comments, timeout=30)
        results = self.call("status", site=self.site, comments=[c["comment"] for c in comments])["results"]
        self.assertEqual([r["comment"] for r in results], [c["comment"] for c in comments])


class Push(Conformance):
    @needs("push")
    def test_pushed_comments_arrive(self):
        comments = events(self.site, 300, body="{} \0é" + "x" * 5000)
        answer = self.driver.do("push", endpoint=self.daemon.endpoint("push"), key=None, comments=comments, linger_ms=5000)
        self.assertEqual(answer["unsent"], 0)
        eventually(lambda: self.pending_count() == len(comments), timeout=ANSWER_S)
        self.assert_stored(comments)

    @needs("push")
    def test_push_to_nobody_ends_in_time_and_says_what_was_not_sent(self):
        with self.within(0.5):
            answer = self.driver.do("push", endpoint=f"ipc://{self.directory()}/none", key=None, comments=events(self.site, 5), linger_ms=500)
        self.assertEqual(answer["unsent"], 5)

    @needs("push")
    def test_what_was_not_pushed_is_told_each_time(self):
        """ZeroMQ ends a short wait a little before its time, now and then: that is no success."""
        told = [self.driver.do("push", endpoint=f"ipc://{self.directory()}/none", key=None, comments=events(self.site, 2), linger_ms=20)["unsent"]
                for _ in range(60)]
        self.assertEqual(told, [2] * 60)
