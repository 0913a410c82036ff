"""A daemon that is away, databases that come back from a backup, no worker, and a WordPress that was there before."""
import os
import shutil
import subprocess
import tempfile
import time
import unittest

from wordpress import SITE, Daemon, Http, WordPress, wait_for
from wordpress import tap

CONFIG = "heartbeat_ms = 500\n"
FAST_S = 4.0          # two cores, shared with the servers; the time-out of the page is 0.8 s


class TroubleTest(unittest.TestCase):
    """Tests of one class share a daemon and a WordPress; each finds the worker stopped."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(Daemon(tcp=("front", "desk"), config=CONFIG))
        cls.site = cls.enterClassContext(WordPress(cls.daemon))

    def setUp(self):
        if not self.daemon.alive():
            self.daemon.start()

    def tearDown(self):
        self.site.stop("worker")
        self.assertEqual([], self.site.faults())

    def patient_pages(self):
        """Without a worker nobody sends what a page could not send in its time, which is short on a busy machine."""
        self.addCleanup(self.site.settings)
        self.site.settings(timeout_ms=5000)

    def decided(self, text, decision, *options):
        number = self.site.post(text)
        self.site.wait_handed_in(number)
        self.site.modq(decision, *options, self.site.name(number))
        return number

    def approved(self, text):
        number = self.decided(text, "approve")
        self.site.wait_state(number, "approved", "1")
        return number

    def states(self):
        return {int(row["comment_id"]): (row["state"], row["comment_approved"]) for row in self.site.sql(
            "SELECT m.comment_id, m.state, c.comment_approved FROM wp_modqd_comments m JOIN wp_comments c ON c.comment_ID = m.comment_id")}

    def worker(self, *options):
        return self.site.run(*self.site.command("worker"), *options)

    def dump(self):
        return subprocess.run(["mariadb-dump", "--no-defaults", f"--socket={self.site.dir}/mariadb.sock", "--single-transaction", "wordpress"],
                              check=True, capture_output=True).stdout

    def restore(self, dump):
        subprocess.run(["mariadb", "--no-defaults", f"--socket={self.site.dir}/mariadb.sock", "wordpress"], check=True, input=dump)


class Trouble(TroubleTest):
    """The daemon is away, or WordPress has lost something."""

    def test_while_the_daemon_is_away_pages_are_fast_and_all_arrives_later_in_order(self):
        self.site.start("worker")
        http = Http(self.site.base)
        before = self.site.post("Before.", http=http)
        self.site.wait_handed_in(before)
        wait_for("the outbox", lambda: self.site.outbox() == 0)
        self.daemon.kill()
        numbers, took = [], []
        for i in range(4):
            started = time.monotonic()
            numbers.append(self.site.post(f"Away, {i}.", http=http))
            took.append(time.monotonic() - started)
        self.assertLess(min(took), FAST_S, took)
        http.do(self.site.url(), "edit", numbers[0], text="Away, changed.")
        http.do(self.site.url(), "withdraw", numbers[1])
        http.do(self.site.url(), "withdraw", before)
        self.assertEqual(7, self.site.outbox())
        self.assertIn("Away, changed.", http.open(self.site.url())[2], "its author sees it")
        self.assertFalse(self.site.shows("Away, changed."))
        self.daemon.start()
        wait_for("the outbox", lambda: self.site.outbox() == 0)
        self.assertEqual(["pending", "withdrawn", "pending", "pending"], [self.site.at_daemon(number)["state"] for number in numbers])
        self.assertEqual(2, self.site.at_daemon(numbers[0])["revision"])
        self.assertEqual("withdrawn", self.site.at_daemon(before)["state"])
        self.site.modq("approve", self.site.name(numbers[2]))
        self.site.wait_state(numbers[2], "approved", "1")

    def test_without_a_worker_cron_does_its_work_and_never_beside_it(self):
        self.patient_pages()
        self.site.sql("UPDATE wp_modqd_place SET heard_at = 1")
        number = self.decided("Without a worker.", "approve")
        self.assertEqual("0", self.site.row(number)["comment_approved"])
        self.site.php("do_action('modqd_minute');")
        self.site.wait_state(number, "approved", "1")
        self.daemon.kill()
        kept = self.site.post("Kept.")
        self.daemon.start()
        self.assertEqual(1, self.site.outbox())
        self.site.php("do_action('modqd_minute');")
        self.assertEqual(0, self.site.outbox())
        self.assertEqual("pending", self.site.at_daemon(kept)["state"])
        self.site.start("worker")
        wait_for("the worker", lambda: int(self.site.sql("SELECT heard_at FROM wp_modqd_place")[0]["heard_at"]) > 1)
        self.site.sql("UPDATE wp_modqd_place SET heard_at = 1")
        self.assertEqual("0", self.site.php("echo (int) Modqd\\WordPress\\Lock::take();"), "the lock is the worker's")
        done = self.worker("--once")
        self.assertEqual(1, done.returncode)
        self.assertIn("another worker is at work", done.stderr)

    def test_wordpress_database_restored_from_a_backup_comes_level(self):
        self.site.start("worker")
        first, second = self.approved("Approved before the backup."), self.site.post("Pending at the backup.")
        third = self.approved("Withdrawn after the backup.")
        self.site.wait_handed_in(second)
        dump = self.dump()
        self.site.modq("reject", "--reason", "profanity", "--supersede", self.site.name(first))
        self.site.modq("approve", self.site.name(second))
        lost = self.approved("Lost with the restore.")
        lost_name = self.site.name(lost)
        self.daemon.front().call("withdraw", site=SITE, comment=self.site.row(third)["modqd_id"])
        self.site.wait_state(first, "rejected", "0")
        self.site.wait_state(second, "approved", "1")
        self.site.wait_state(third, "withdrawn", "trash")
        level = self.site.sql("SELECT seq, HEX(chain) chain FROM wp_modqd_place")
        self.site.kill("worker")
        self.restore(dump)
        self.assertEqual(("approved", "1"), self.states()[first])
        self.site.start("worker")
        self.site.wait_state(first, "rejected", "0")
        self.site.wait_state(second, "approved", "1")
        self.site.wait_state(third, "withdrawn", "trash")
        wait_for("the same place", lambda: self.site.sql("SELECT seq, HEX(chain) chain FROM wp_modqd_place") == level)
        again = self.site.post("Has the number of the lost one.")
        self.assertEqual(lost, again)
        self.assertNotEqual(lost_name, self.site.name(again))
        self.site.wait_handed_in(again)
        self.assertEqual(("pending", "0"), self.states()[again])

    def test_a_revision_that_a_restored_wordpress_numbers_again_goes_out_as_a_newer_one(self):
        self.patient_pages()
        self.site.start("worker")
        number = self.site.post("The first text.")
        self.site.wait_handed_in(number)
        self.site.stop("worker")
        dump = self.dump()
        self.site.php(f"wp_update_comment(['comment_ID' => {number}, 'comment_content' => 'Lost with the restore.']);")
        self.site.wait_handed_in(number, 2)
        self.restore(dump)
        self.site.php(f"wp_update_comment(['comment_ID' => {number}, 'comment_content' => 'The text that is there now.']);")
        self.site.start("worker")
        self.site.wait_handed_in(number, 3)
        self.assertEqual("The text that is there now.", self.site.card(number)["body"])
        self.site.modq("approve", self.site.name(number))
        self.site.wait_state(number, "approved", "1")

    def test_pending_comments_of_before_are_handed_in_by_one_command_that_can_be_repeated(self):
        self.site.settings(site="")
        old = [self.site.post(f"An old one, {i}.", email="old@example.org") for i in range(3)]
        self.site.php(f"""for ($i = 0; $i < 500; $i++) {{ wp_insert_comment(['comment_post_ID' => {self.site.article}, 'comment_content' => "Old and pending $i.",
            'comment_approved' => 0, 'comment_author' => 'Old', 'comment_author_email' => "old$i@example.org"]); }}
            update_option('modqd_first', PHP_INT_MAX);""")
        self.addCleanup(self.site.php, "update_option('modqd_first', 1);")
        self.site.settings()
        before = len(self.states())
        self.daemon.kill()
        done = self.worker("--submit-pending")
        self.assertEqual((1, "503 were pending, 0 sent, 503 wait, 0 refused\n"), (done.returncode, done.stdout))
        self.daemon.start()
        done = self.worker("--submit-pending")
        self.assertEqual((0, "0 were pending, 503 sent, 0 wait, 0 refused\n"), (done.returncode, done.stdout), done.stderr)
        self.assertEqual(before + 503, len(self.states()))
        self.assertEqual("pending", self.site.at_daemon(old[0])["state"])
        self.site.modq("approve", self.site.name(old[0]))
        self.assertEqual(0, self.worker("--once").returncode)
        self.site.wait_state(old[0], "approved", "1")
        self.assertEqual(0, self.worker("--submit-pending").returncode)

    def test_a_comment_that_was_stored_and_not_yet_kept_when_php_was_killed_is_found(self):
        self.site.sql(f"""INSERT INTO wp_comments (comment_post_ID, comment_author, comment_author_email, comment_author_url, comment_author_IP, comment_date,
            comment_date_gmt, comment_content, comment_approved, comment_type) VALUES ({self.site.article}, 'A', '', '', '', NOW(), NOW(), 'Only in WordPress.', '0', 'comment')""")
        number = self.site.newest()
        self.site.start("worker")
        wait_for("its row", lambda: self.site.row(number))
        self.site.wait_handed_in(number)
        self.site.sql(f"UPDATE wp_comments SET comment_content = 'Changed, and not yet kept.' WHERE comment_ID = {number}")
        self.site.wait_handed_in(number, 2)

    def test_what_a_killed_process_left_against_the_moderators_decision_is_put_right(self):
        self.site.start("worker")
        held, rejected = self.site.post("Held."), self.decided("Rejected.", "reject", "--reason", "profanity")
        self.site.wait_handed_in(held)
        self.site.wait_state(rejected, "rejected", "0")
        changed, hidden = self.approved("Before the change."), self.approved("Approved and hidden.")
        self.site.kill("worker")
        # Each is what is there when PHP is killed between WordPress' statement and the hook after it.
        self.site.sql(f"UPDATE wp_comments SET comment_approved = '1' WHERE comment_ID IN ({held}, {rejected});"
                      f"UPDATE wp_comments SET comment_approved = '0' WHERE comment_ID = {hidden};"
                      f"UPDATE wp_comments SET comment_approved = '0', comment_content = 'After the change.' WHERE comment_ID = {changed};")
        self.site.start("worker")
        self.site.wait_state(held, "pending", "0")
        self.site.wait_state(rejected, "rejected", "0")
        self.site.wait_state(hidden, "approved", "1")
        self.site.wait_handed_in(changed, 2)
        self.site.wait_state(changed, "pending", "0")

    def test_nothing_is_shown_by_any_hook_while_a_lost_past_is_replayed(self):
        self.site.start("worker")
        number = self.approved("Approved by what was replayed so far.")
        self.site.stop("worker")
        self.site.sql(f"UPDATE wp_modqd_place SET mode = 'replay'; UPDATE wp_comments SET comment_approved = '0' WHERE comment_ID = {number}")
        self.addCleanup(self.site.sql, "UPDATE wp_modqd_place SET mode = 'live'")
        for way in ("wp_set_comment_status({n}, 'approve');", "wp_update_comment(['comment_ID' => {n}, 'comment_approved' => 1]);",
                    "wp_trash_comment({n}); wp_untrash_comment({n});"):
            self.site.php(way.format(n=number))
            self.assertEqual("0", self.site.status(number), way)
        # Killed in the middle of showing what was replayed: it goes on there.
        self.site.sql("UPDATE wp_modqd_place SET mode = 'showing'")
        self.site.start("worker")
        self.site.wait_state(number, "approved", "1")
        wait_for("the end of the recovery", lambda: self.site.sql("SELECT mode FROM wp_modqd_place")[0]["mode"] == "live")

    def test_what_the_daemon_refuses_is_set_aside_and_can_be_sent_again(self):
        self.site.start("worker")
        self.site.settings(site="sport")
        number = self.site.post("For a site that the key is not for.")
        wait_for("the refusal", lambda: self.site.sql("SELECT 1 FROM wp_modqd_outbox WHERE refused LIKE 'denied%'"))
        self.site.settings()
        other = self.site.post("It holds nobody up.")
        self.site.wait_handed_in(other)
        http = Http(self.site.base)
        http.login("admin", self.site.password)
        page = http.open("/wp-admin/options-general.php?page=modqd")[2]
        self.assertIn("Refused by the daemon", page)
        self.assertIn(self.site.row(number)["modqd_id"], page)


class Restored(TroubleTest):
    """The daemon has lost something."""

    def test_a_daemon_restored_from_a_backup_gets_back_what_it_lost(self):
        self.site.start("worker")
        http = Http(self.site.base)
        kept, changed = self.approved("Approved in the backup."), self.approved("Changed after the backup.")
        taken = self.site.post("Taken back after the backup.", http=http)
        self.site.wait_handed_in(taken)
        self.daemon.stop()
        backup = tempfile.mkdtemp(prefix="mq-", dir="/tmp")
        self.addCleanup(shutil.rmtree, backup, True)
        names = [name for name in os.listdir(self.daemon.dir) if name.startswith("modqd.db")]
        for name in names:
            shutil.copy(f"{self.daemon.dir}/{name}", backup)
        self.daemon.start()
        self.site.modq("reject", "--reason", "profanity", "--supersede", self.site.name(changed))
        self.site.wait_state(changed, "rejected", "0")
        new, lost = self.approved("Approved after the backup."), self.site.post("Pending after the backup.")
        self.site.wait_handed_in(lost)
        http.do(self.site.url(), "withdraw", taken)
        wait_for("the withdrawal", lambda: self.site.at_daemon(taken)["state"] == "withdrawn")
        self.daemon.stop()
        for name in os.listdir(self.daemon.dir):
            if name.startswith("modqd.db"):
                os.unlink(f"{self.daemon.dir}/{name}")
        for name in names:
            shutil.copy(f"{backup}/{name}", self.daemon.dir)
        self.daemon.start()
        self.decided_by_backup(kept, changed, new, lost, taken)

    def decided_by_backup(self, kept, changed, new, lost, taken):
        wait_for("the end of the recovery", lambda: self.site.sql("SELECT mode FROM wp_modqd_place")[0]["mode"] == "live"
                 and self.states()[new] == ("pending", "0"))
        wait_for("the outbox", lambda: self.site.outbox() == 0)
        self.assertEqual(("approved", "1"), self.states()[kept])
        self.assertEqual(("approved", "1"), self.states()[changed], "as the log says that is left")
        for number in (new, lost):
            self.assertEqual("pending", self.site.at_daemon(number)["state"])
            self.assertEqual(("pending", "0"), self.states()[number])
        self.assertEqual("withdrawn", self.site.at_daemon(taken)["state"])
        self.site.wait_state(taken, "withdrawn", "trash")
        self.site.modq("approve", self.site.name(new))
        self.site.wait_state(new, "approved", "1")


class Gone(TroubleTest):
    """The plugin goes."""

    def test_deleting_the_plugin_takes_its_tables_and_options_and_leaves_comments(self):
        number = self.site.post("It stays.")
        self.site.php("require ABSPATH . 'wp-admin/includes/plugin.php'; deactivate_plugins('modqd/modqd.php'); uninstall_plugin('modqd/modqd.php');")
        self.assertEqual([], self.site.sql("SHOW TABLES LIKE 'wp_modqd%'"))
        self.assertEqual([], self.site.sql("SELECT option_name FROM wp_options WHERE option_name LIKE 'modqd%'"))
        self.assertEqual([], self.site.sql("SELECT 1 FROM wp_options WHERE option_name = 'cron' AND option_value LIKE '%modqd%'"))
        self.assertEqual("0", self.site.sql(f"SELECT comment_approved a FROM wp_comments WHERE comment_ID = {number}")[0]["a"])


if __name__ == "__main__":
    tap.main()
