"""The configuration read anew while the daemon runs: by SIGHUP, and by the desk's `reload`."""
# waits: for what has its time
# time-limit: 240
import itertools
import os
import secrets
import threading
import time

import zmq

import tap
from cases import Case, event, eventually, fresh
from daemon import BUILD, free_port
from modq import Desk, Front, ModqError, RequestTimeout, decode, encode, open_socket

SANITIZED = "san" in os.path.basename(BUILD)
MIB = 1 << 20
RELOADS = 200
LOAD, LOAD_PATIENCE_S = 200, 60      # comments beside that many reloads, and how long they may take


def policy(version, *codes, reopen=2):
    reasons = "".join(f'reason "{code}" {{ title {{ en = "{code}" }} sentence {{ en = "It is {code}." }} }}\n'
                      for code in codes)
    return f'version = "{version}"\nreports_reopen = {reopen}\n{reasons}'


class ReloadCase(Case):
    tcp = ("front", "desk")
    config = ""

    def setUp(self):
        super().setUp()
        self.chief = self.daemon.administrator()
        self.policy_path = os.path.join(self.daemon.dir, "policy.txt")
        self.addCleanup(self.put, "")

    def put(self, config):
        """This configuration is in force after it."""
        self.daemon.configure(config)
        return self.chief.reload()

    def write_policy(self, *arguments, **options):
        with open(self.policy_path, "w") as file:
            file.write(policy(*arguments, **options))

    def refused(self, config, *words):
        """This configuration is refused in these words; returns the whole message."""
        self.daemon.configure(config)
        message = self.assert_fails("bad_configuration", self.chief.reload)["message"]
        for word in words:
            self.assertIn(word, message)
        return message

    def line_of(self, word):
        with open(self.daemon.config_path) as file:
            return 1 + next(number for number, line in enumerate(file) if word in line)


class Reloading(ReloadCase):
    def test_limits_hold_from_the_next_request_on(self):
        long = "x" * 200
        self.assertEqual(self.submit_one("a", long)["status"], "accepted")
        self.assertEqual(self.put("limits { body_bytes = 100 }\n"), [])
        self.assertEqual(self.assert_item(self.submit_one("b", long), "too_long")["max"], 100)
        self.assertEqual(self.front.hello()["limits"]["body_bytes"], 100)
        self.put("")
        self.assertEqual(self.submit_one("b", long)["status"], "accepted")

    def test_limits_of_the_threads_that_write_and_read_hold_too(self):
        self.put("limits { claims_per_moderator = 2\n pending_per_site = 4\n max_batch = 3\n }\n")
        for number in range(4):
            self.assertEqual(self.submit_one(f"c{number}")["status"], "accepted")
        self.assertEqual(self.submit_one("c4")["status"], "busy")
        self.assertEqual(len(self.ann.claim(site=self.site, limit=4)["comments"]), 2)
        self.assert_fails("out_of_range", self.front.status, self.site, ["a"] * 4)

    def test_heartbeats_follow(self):
        stream = self.front.stream(self.site)
        self.addCleanup(stream.close)
        before, end = stream.heartbeats, time.monotonic() + 20
        self.put("heartbeat_ms = 100\n")
        self.assertEqual(self.front.hello()["heartbeat_ms"], 100)
        while stream.heartbeats < before + 6 and time.monotonic() < end:
            stream.next_record(0.05)
        self.assertGreaterEqual(stream.heartbeats, before + 6, "in 20 s there are four with 5 s between them")

    def test_policies_follow(self):
        self.write_policy("one", "rude", "spam")
        self.put(f'site "{self.site}" {{ policy = "{self.policy_path}" }}\n')
        self.assertEqual(self.front.policy(self.site)["version"], "one")
        self.assertNotEqual(self.front.policy("another")["version"], "one")
        items = [self.pending() for _ in range(3)]
        self.reject(items[0], reasons=["spam"])
        self.write_policy("two", "rude", "loud", reopen=1)
        self.assertEqual(self.front.policy(self.site)["version"], "one", "nobody has said so yet")
        self.chief.reload()
        self.assertEqual(self.front.policy(self.site)["version"], "two")
        self.assert_item(self.ann.reject([items[1]], ["spam"])[0], "unknown_reason")
        self.reject(items[1], reasons=["loud"])
        self.assertEqual([record["policy"] for record in self.records()], ["one", "two"])
        self.approve(items[2])
        self.assertEqual(self.front.report(self.site, items[2]["comment"], "r")["state"], "pending")

    def test_policy_of_all_sites_follows(self):
        self.write_policy("mine", "rude")
        self.put(f'policy = "{self.policy_path}"\n')
        self.assertEqual(self.front.policy("whatever")["version"], "mine")
        self.put("")
        self.assertNotEqual(self.front.policy("whatever")["version"], "mine")

    def test_pace_of_keys_follows(self):
        front = self.daemon.front(key=self.daemon.add_key(fresh("web-"), "front"))
        self.put("limits { rate_per_key = 5 }\n")
        front.hello()                                          # the connection is there, and 9 are left in the purse
        start = time.monotonic()
        answers = []
        for number in [front.send("hello") for _ in range(30)]:
            try:
                answers.append(front.collect(number)["ok"])
            except ModqError as error:
                answers.append(error.name)
        took = time.monotonic() - start
        self.assertGreaterEqual(answers.count(True), 9)
        self.assertLessEqual(answers.count(True), 10 + 5 * took)
        self.assertEqual(answers.count(True) + answers.count("busy"), 30)
        self.put("")
        time.sleep(0.2)                                        # worth 400 items at the pace that is in force again
        for _ in range(50):
            front.hello()

    def test_number_of_connections_follows(self):
        self.put("limits { connections_per_address = 2 }\n")
        key = self.daemon.add_key(fresh("web-"), "front")
        answered = []
        for _ in range(6):
            try:
                answered.append(self.daemon.front(key=key, timeout_s=1, attempts=1).hello())
            except RequestTimeout:
                pass
        self.assertLessEqual(len(answered), 2)
        self.put("")
        self.daemon.front(key=key).hello()

    def test_sighup_does_the_same(self):
        self.daemon.configure("limits { body_bytes = 77 }\n")
        self.daemon.reread()
        eventually(lambda: self.front.hello()["limits"]["body_bytes"] == 77)

    def test_reloads_are_written_down(self):
        start = self.chief.audit(limit=1)["events"][0]["no"]
        self.daemon.reread()
        eventually(lambda: self.chief.audit(kind="reloaded", limit=1)["events"][0]["no"] > start)
        self.assertEqual(self.chief.reload(), [])
        told = self.chief.audit(kind="reloaded", limit=2)["events"]
        self.assertEqual([(e["actor"], e["via"]) for e in told],
                         [(self.chief.hello()["you"], f"uid:{os.getuid()}"), ("modqd", None)])

    def test_reload_over_tcp_is_for_administrators(self):
        self.assertEqual(self.daemon.desk(key=self.daemon.add_key(fresh("boss-"), "administrator")).reload(), [])
        moderator = self.daemon.desk(key=self.daemon.add_key(fresh("mod-"), "moderator"))
        self.daemon.configure("limits { body_bytes = 55 }\n")
        self.assert_fails("denied", moderator.reload)
        self.assertNotEqual(self.front.hello()["limits"]["body_bytes"], 55)

    def test_connections_and_streams_go_on(self):
        web = self.daemon.front(key=self.daemon.add_key(fresh("web-"), "front"), attempts=1)
        streams = [web.stream(self.site), self.front.stream(self.site)]
        for seq in range(1, 11):
            self.put(f"limits {{ body_bytes = {1000 + seq} }}\n")
            item = event(self.site, fresh())
            self.assertEqual(web.submit([item])[0]["status"], "accepted")
            self.approve(self.named(item["comment"]))
            for stream in streams:
                self.assertEqual(stream.next_record(30)["seq"], seq)
        for stream in streams:
            stream.close()


class Refused(ReloadCase):
    """What is wrong changes nothing, and is told by file, line and reason."""

    def test_mistakes_are_told_by_file_line_and_reason(self):
        for text, word in (("\n\nnonsense = 1\n", "nonsense"), ("heartbeat_ms = 5\n", "heartbeat_ms"),
                           ("limits {\n    no_such_limit = 1\n}\n", "no_such_limit"),
                           ("limits {\n\n    body_bytes = 0\n}\n", "body_bytes"),
                           ('\nmetrics = "0.0.0.0:80"\n', "metrics")):
            with self.subTest(text=text):
                message = self.refused(text, word)
                self.assertIn(f"{self.daemon.config_path}:{self.line_of(word)}:", message)

    def test_everything_stays_in_force_after_a_mistake(self):
        self.write_policy("good", "rude")
        good = f'policy = "{self.policy_path}"\nheartbeat_ms = 1234\nlimits {{ body_bytes = 100 }}\n'
        self.put(good)
        self.write_policy("new", "loud")
        self.refused(good.replace("100", "50").replace("1234", "2345") + "nonsense = 1\n", "nonsense")
        told = self.front.hello()
        self.assertEqual((told["heartbeat_ms"], told["limits"]["body_bytes"]), (1234, 100))
        self.assertEqual(self.front.policy(self.site)["version"], "good")
        self.assertEqual(self.submit_one("a", "x" * 100)["status"], "accepted")
        self.assert_item(self.submit_one("b", "x" * 101), "too_long")
        self.reject(self.named("a"), reasons=["rude"])

    def test_policy_that_is_wrong_is_told_by_its_own_file_and_line(self):
        self.write_policy("good", "rude")
        config = f'site "{self.site}" {{ policy = "{self.policy_path}" }}\n'
        self.put(config)
        with open(self.policy_path, "a") as file:
            file.write("\nthis is = no policy\n")
        with open(self.policy_path) as file:
            line = len(file.readlines())
        self.refused(config, f"{self.policy_path}:{line}")
        self.assertEqual(self.front.policy(self.site)["version"], "good")
        os.unlink(self.policy_path)
        self.refused(config, self.policy_path)
        self.assertEqual(self.front.policy(self.site)["version"], "good")

    def test_file_that_is_gone_is_told(self):
        self.put("limits { body_bytes = 123 }\n")
        os.rename(self.daemon.config_path, self.daemon.config_path + ".away")
        try:
            self.assertIn(self.daemon.config_path,
                          self.assert_fails("bad_configuration", self.chief.reload)["message"])
        finally:
            os.rename(self.daemon.config_path + ".away", self.daemon.config_path)
        self.assertEqual(self.front.hello()["limits"]["body_bytes"], 123)

    def test_sighup_with_a_mistake_is_logged_and_changes_nothing(self):
        self.put("limits { body_bytes = 321 }\n")
        self.daemon.configure("limits { body_bytes = 322 }\nnonsense = 1\n")
        before = len(self.daemon.log())
        self.daemon.reread()
        place = f"{self.daemon.config_path}:{self.line_of('nonsense')}:"
        eventually(lambda: place in self.daemon.log()[before:])
        self.assertEqual(self.front.hello()["limits"]["body_bytes"], 321)
        self.assertTrue(self.daemon.alive())

    def test_mistake_is_not_written_down_as_a_reload(self):
        before = self.chief.audit(kind="reloaded", limit=500)["events"]
        self.refused("nonsense = 1\n")
        self.assertEqual(self.chief.audit(kind="reloaded", limit=500)["events"], before)

    def test_repeat_gets_the_first_answer_and_rereads_nothing(self):
        operation = secrets.token_bytes(16)
        self.daemon.configure("limits { body_bytes = 1001 }\n")
        self.assertEqual(self.chief.reload(operation), [])
        before = self.chief.audit(kind="reloaded", limit=500)["events"]
        for config in ("limits { body_bytes = 1002 }\n", "nonsense = 1\n"):
            self.daemon.configure(config)
            self.assertEqual(self.chief.reload(operation), [])
        self.assertEqual(self.front.hello()["limits"]["body_bytes"], 1001)
        self.assertEqual(self.chief.audit(kind="reloaded", limit=500)["events"], before)

    def test_operation_id_of_a_refused_reload_may_be_used_again(self):
        operation = secrets.token_bytes(16)
        self.daemon.configure("nonsense = 1\n")
        self.assert_fails("bad_configuration", self.chief.reload, operation)
        self.daemon.configure("")
        self.assertEqual(self.chief.reload(operation), [])


class Restart(ReloadCase):
    """What a running daemon cannot take over is told, and takes effect at the next start."""

    def test_settings_that_wait_for_a_restart_are_told_by_name(self):
        key = os.path.join(self.daemon.dir, "other.key")
        before = self.front.hello()["limits"]
        for text, name in ((f'server_key = "{key}"\n', "server_key"), (f'metrics = "127.0.0.1:{free_port()}"\n', "metrics"),
                           ("limits { max_message_bytes = 2000000 }\n", "max_message_bytes"),
                           ("limits { queue_requests = 100 }\n", "queue_requests"),
                           ("limits { queue_bytes = 2000000 }\n", "queue_bytes"),
                           ("limits { database_bytes = 1000000000 }\n", "database_bytes")):
            with self.subTest(name=name):
                self.assertEqual(self.put(text), [name])
                self.assertEqual(self.put(text), [name], "it still waits")
                self.assertEqual(self.front.hello()["limits"], before, "what is told is what is in force")
                self.assertEqual(self.put(""), [])

    def test_endpoints_wait_for_a_restart(self):
        old = dict(self.daemon.tcp)
        self.addCleanup(self.daemon.tcp.update, old)
        self.daemon.tcp["front"] = f"tcp://127.0.0.1:{free_port()}"
        self.assertEqual(self.put("limits { body_bytes = 4321 }\n"), ["front"])
        self.assertEqual(self.front.hello()["limits"]["body_bytes"], 4321, "the rest is in force")
        key = self.daemon.add_key(fresh("web-"), "front")
        with Front(old["front"], key=key) as front:
            front.hello()
        self.daemon.tcp.update(old)
        self.assertEqual(self.put(""), [])

    def test_modes_and_listed_users(self):
        """Who is listed holds at once; the socket's file stays as it is."""
        self.addCleanup(setattr, self.daemon, "_listen", "")
        self.daemon._listen = 'front_mode = "0660"\n'
        self.assertEqual(self.put(""), ["front"])
        self.assertEqual(os.stat(f"{self.daemon.dir}/front.sock").st_mode & 0o777, 0o600)
        self.daemon._listen = 'desk_local = "listed"\n'
        self.assertEqual(self.put(""), [])
        self.assertEqual(self.chief.hello()["role"], "administrator")


class Load(ReloadCase):
    tcp = ("front", "desk")

    def hand_in(self, number, stop, accepted, troubles):
        """Comments all the time, each by itself and approved; notes which ones were acknowledged."""
        front, desk = Front(self.daemon.endpoint("front")), Desk(self.daemon.endpoint("desk"), as_=f"mod-{number}")
        try:
            while not stop.is_set():
                name = fresh(f"t{number}-")
                result, = front.call("submit", comments=[event(self.site, name)])["results"]
                assert result["status"] == "accepted", result
                result, = desk.approve([self.named(name)])
                assert result["status"] == "approved", result
                accepted.append((result["seq"], name))
        except BaseException as error:
            troubles.append(repr(error))
        finally:
            front.close()
            desk.close()

    def under_load(self, work):
        """Calls work() while three clients hand in and approve, and compares afterwards what they were told with what
        there is. `self.accepted` is what they were told so far."""
        stop, accepted, troubles = threading.Event(), [], []
        self.accepted = accepted
        threads = [threading.Thread(target=self.hand_in, args=(number, stop, accepted, troubles)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            work()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(troubles, [])
        records = self.records()
        self.assertEqual([record["seq"] for record in records], list(range(1, len(records) + 1)))
        self.assertEqual(sorted(accepted), [(record["seq"], record["comment"]) for record in records])
        return len(accepted)

    def test_two_hundred_reloads_under_load_lose_nothing_and_leak_nothing(self):
        rss, times, busy = [], [], 0
        self.write_policy("v", *(f"reason{number}" for number in range(50)))

        def reload_often():
            nonlocal busy
            end = time.monotonic() + LOAD_PATIENCE_S
            for number in itertools.count():
                if number >= RELOADS and (len(self.accepted) > LOAD or time.monotonic() > end):
                    break
                self.daemon.configure(f'policy = "{self.policy_path}"\nheartbeat_ms = {1000 + number}\n'
                                      f"limits {{ body_bytes = {10_000 + number} }}\n")
                start = time.monotonic()
                try:
                    self.assertEqual(self.chief.reload(), [])
                except ModqError as error:
                    self.assertEqual(error.name, "busy")
                    busy += 1
                times.append((time.monotonic() - start) * 1000)
                if number % 50 == 49:
                    rss.append(self.daemon.rss() // 1024)
        count = self.under_load(reload_often)
        times.sort()
        print(f"# {len(times)} reloads ({busy} busy) beside {count} comments: p50 {times[len(times) // 2]:.1f} ms, "
              f"most {times[-1]:.1f} ms; memory after each 50: {rss} KiB")
        self.assertGreater(count, LOAD)
        self.assertEqual(busy, 0, "each was awaited before the next one")
        self.assertEqual(self.front.hello()["heartbeat_ms"], 1000 + len(times) - 1)
        if not SANITIZED:
            self.assertLess(rss[-1] - rss[0], 4 * 1024)

    def is_let_in(self):
        """Whether another reload has room behind those that wait."""
        try:
            return self.chief.reload() == []
        except ModqError as error:
            self.assertEqual(error.name, "busy")
            return False

    def test_signals_under_load_lose_nothing(self):
        def signal_often():
            for number in range(RELOADS):
                self.daemon.configure(f"limits {{ body_bytes = {20_000 + number} }}\n")
                self.daemon.reread()
                time.sleep(0.005)
            eventually(lambda: self.front.hello()["limits"]["body_bytes"] == 20_000 + RELOADS - 1, 30)
            eventually(self.is_let_in, 30)
        print(f"# {RELOADS} signals beside {self.under_load(signal_often)} comments")

    def test_many_reloads_at_once_are_done_or_told_to_wait(self):
        """From two administrators, without waiting for answers."""
        desks = [self.daemon.desk(), self.daemon.desk("other")]
        answers = {"ok": 0, "busy": 0}

        def reload_at_once():
            for _ in range(20):
                waiting = [(desk, desk.send("reload", operation=secrets.token_bytes(16))) for desk in desks * 5]
                for desk, number in waiting:
                    try:
                        answers["ok"] += desk.collect(number)["ok"]
                    except ModqError as error:
                        self.assertEqual(error.name, "busy")
                        self.assertGreater(error.detail["retry_after_ms"], 0)
                        answers["busy"] += 1
        count = self.under_load(reload_at_once)
        print(f"# 200 reloads at once, in tens: {answers}, beside {count} comments")
        self.assertGreaterEqual(answers["ok"], 20)
        self.assertEqual(self.chief.reload(), [])

    def test_policy_that_changes_under_load_is_one_or_the_other(self):
        """Every decision carries the version whose reasons it was checked by."""
        versions = {"even": "calm", "odd": "loud"}
        found = set()

        def change():
            front, desk = Front(self.daemon.endpoint("front")), Desk(self.daemon.endpoint("desk"), as_="judge")
            for number in range(100):
                version = ("even", "odd")[number % 2]
                self.write_policy(version, versions[version])
                self.put(f'policy = "{self.policy_path}"\n')
                items = [self.named(fresh("p-")) for _ in range(2)]
                front.submit([event(other, item["comment"]) for item in items])
                for item, code in zip(items, versions.values()):
                    result, = desk.reject([{**item, "site": other}], [code])
                    self.assertEqual(result["status"], "rejected" if code == versions[version] else "unknown_reason")
            front.close()
            desk.close()
        other = fresh("site-")
        self.under_load(change)
        for record in self.records(other):
            found.add((record["policy"], *record["reasons"]))
        self.assertEqual(found, set(versions.items()))


class Bare(Case):
    """A daemon that was started with a directory and nothing else."""

    def test_reload_without_a_configuration_changes_nothing(self):
        chief = self.daemon.administrator()
        before = self.front.hello()
        self.assertEqual(chief.reload(), [])
        after = self.front.hello()
        self.assertEqual(*({name: told[name] for name in ("limits", "heartbeat_ms")} for told in (before, after)))

    def test_reload_is_asked_for_at_the_desk_only(self):
        self.assert_fails("unknown_operation", self.front.call, "reload", operation=secrets.token_bytes(16))
        with open_socket(zmq.REQ, self.daemon.endpoint("desk")) as req:
            req.send(encode({"v": 1, "op": "reload", "id": 1, "operation": secrets.token_bytes(16)}))
            self.assertTrue(req.poll(5000))
            self.assertTrue(decode(req.recv())["ok"])


if __name__ == "__main__":
    tap.main()
