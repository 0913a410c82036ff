"""Keys at work: how soon one ends, what its owner sees of others, in whose name things are done, and how they came."""
# waits: for keys that expire, and for peers that get no answer
# time-limit: 240
import os
import pwd
import secrets
import threading
import time
import unittest

import zmq

import keys
import tap
from cases import Case, event, eventually, fresh, now_ms
from daemon import Daemon
from keys import NOBODY
from modq import Connection, Desk, Front, Key, ModqError, RequestTimeout, StreamLost, decode, encode

TCP = ("front", "push", "desk")
SOON_MS = 250             # mostly, for what happens at once; what waits for the look once a second takes twice as long
LOOKED_AFTER_MS = 5000    # for what is looked after once a second, on a machine that does other things besides
LIFE_MS = 3000            # of a key that must be at work before it ends
MOST_SILENCE_S = 10       # a subscriber that is not let in again hears nothing for as long as it waits


class KeyCase(Case):
    tcp = TCP
    config = "heartbeat_ms = 1000\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chief = cls.daemon.administrator()

    def new_front(self, *sites, **options):
        """A front end's key for those sites, and a connection with it. The key is `connection.key`."""
        key = self.daemon.add_key(fresh("web-"), "front", sites=list(sites) or None, **options)
        return self.daemon.front(key=key, attempts=1)

    def new_desk(self, *sites, name=None, role="moderator", **options):
        key = self.daemon.add_key(name or fresh("mod-"), role, sites=list(sites) or None, **options)
        return self.daemon.desk(key=key, attempts=1)

    def revoke(self, connection):
        """Returns when the answer was there, on the clock time.monotonic()."""
        self.chief.key_revoke(key=connection.key.number)
        return time.monotonic()

    def no_answer(self, connection, op="hello"):
        connection.timeout_s = 0.3
        with self.assertRaises(RequestTimeout):
            connection.call(op)

    def ended(self, stream, timeout=20.0):
        """Waits for the end of a stream that says `denied`; returns when it came."""
        with self.assertRaises(StreamLost) as caught:
            while stream.next_record(timeout):
                pass
            raise AssertionError(f"the stream did not end within {timeout} s")
        self.assertEqual(caught.exception.reason, "ended: denied")
        return time.monotonic()


class Ending(KeyCase):
    def test_revoked_key_is_denied_with_the_next_message_on_open_connections(self):
        for _ in range(20):
            front = self.new_front(self.site)
            self.assertEqual(front.submit([event(self.site, fresh())])[0]["status"], "accepted")
            self.revoke(front)
            self.assert_fails("denied", front.call, "submit", comments=[event(self.site, "late")])
        self.assertEqual(self.front.status(self.site, ["late"])[0]["status"], "not_found")
        self.no_answer(self.daemon.front(key=front.key, attempts=2))

    def test_streams_of_a_revoked_key_end_at_once(self):
        """Every connection of the key, and no other one."""
        other = self.new_front(self.site).stream(self.site)
        self.addCleanup(other.close)
        times = []
        for _ in range(10):
            front = self.new_front(self.site)
            streams = [front.stream(self.site) for _ in range(5)]
            self.assertIsNone(other.next_record(0))            # which is a sign of life
            told = self.revoke(front)
            times += [(self.ended(stream) - told) * 1000 for stream in streams]
        times.sort()
        print(f"# a stream's end after the answer to key_revoke: p50 {times[len(times) // 2]:.1f} ms, "
              f"most {times[-1]:.1f} ms ({len(times)} streams)")
        self.assertLess(times[len(times) // 2], SOON_MS)
        self.approved()
        self.assertEqual(other.next_record(5)["seq"], 1)

    def test_records_after_the_answer_to_a_revocation_reach_no_stream_of_the_key(self):
        front = self.new_front(self.site)
        stream = front.stream(self.site)
        item = self.pending()
        self.revoke(front)
        self.approve(item)
        self.ended(stream)

    def with_routing_id(self, endpoint, routing_id, key=None):
        """A DEALER that chose its routing id itself."""
        dealer = zmq.Context.instance().socket(zmq.DEALER)
        self.addCleanup(dealer.close, 0)
        dealer.setsockopt(zmq.ROUTING_ID, routing_id)
        if key:
            key.use(dealer)
        dealer.connect(endpoint)
        return dealer

    def next_owner(self, place, routing_id, key):
        """A peer that has the routing id now. While another has it still, libzmq does not hear who claims it."""
        dealer = self.with_routing_id(place, routing_id, key)
        dealer.send(encode({"v": 1, "op": "hello", "id": 1}))
        if not dealer.poll(500):
            dealer.close(0)
            return None
        self.assertEqual(decode(dealer.recv())["error"]["name"], "denied")
        return dealer

    def ask_named(self, dealer, op, **fields):
        dealer.send(encode({"v": 1, "op": op, "id": 1, **fields}))
        self.assertTrue(dealer.poll(5000))
        answer = decode(dealer.recv())
        return "ok" if answer["ok"] else answer["error"]["name"]

    def test_what_is_for_a_key_does_not_wait_for_the_next_owner_of_a_routing_id(self):
        """libzmq gives what is sent to a routing id to whoever has it now, whichever key they came with."""
        self.pending()
        item = self.pending()
        ours, theirs = self.new_front(self.site).key, self.new_front(fresh("site-")).key
        place = self.daemon.endpoint("front", ours)
        first = self.with_routing_id(place, b"web", ours)
        self.assertEqual(self.ask_named(first, "stream", site=self.site, credit=10), "denied")
        self.assertEqual(self.ask_named(first, "status", site=self.site, comments=["a"]), "denied")
        first.close(0)
        second = eventually(lambda: self.next_owner(place, b"web", theirs), timeout=20)
        self.approve(item)
        self.assertFalse(second.poll(200), "what was for another key arrived")

    def test_stream_is_not_held_by_a_routing_id_that_anybody_may_take(self):
        for routing_id in (b"web", b"12345", b"x" * 255):
            dealer = self.with_routing_id(self.daemon.endpoint("front"), routing_id)
            self.assertEqual(self.ask_named(dealer, "hello"), "ok")
            self.assertEqual(self.ask_named(dealer, "stream", site=self.site, credit=10), "denied")
        self.front.stream(self.site).close()

    def test_expiry_ends_a_stream_and_access_soon_after_its_moment(self):
        end = now_ms() + LIFE_MS
        front = self.new_front(self.site, expires_at=end)
        stream = front.stream(self.site)
        late = self.ended(stream) and now_ms() - end
        print(f"# an expired key's stream ended {late} ms after the moment")
        self.assertGreaterEqual(late, 0)
        self.assertLess(late, LOOKED_AFTER_MS)
        self.assert_fails("denied", front.hello)
        self.no_answer(self.daemon.front(key=front.key, attempts=1))

    def test_expiry_in_flight_is_exact(self):
        """Requests all the time: none that was sent after the moment is answered, and none is denied before it."""
        end = now_ms() + LIFE_MS
        front = self.new_front(self.site, expires_at=end)
        good, denied = [now_ms()], []
        front.hello()
        time.sleep(max(0, end - 500 - now_ms()) / 1000)
        while now_ms() < end + 200 or not denied and now_ms() < end + LOOKED_AFTER_MS:
            time.sleep(0.0005)                                  # below its pace
            sent = now_ms()
            try:
                front.hello()
                good.append(sent)
            except ModqError as error:
                self.assertEqual(error.name, "denied")
                denied.append(now_ms())
        print(f"# {len(good)} answered, the last was sent {end - good[-1]} ms before its end; {len(denied)} denied after it")
        self.assertTrue(denied, "it is still answered")
        self.assertLess(good[-1], end)
        self.assertGreaterEqual(denied[0], end)

    def test_rotated_key_overlaps_and_then_ends(self):
        name = fresh("web-")
        old = self.daemon.add_key(name, "front", sites=[self.site])
        front = self.daemon.front(key=old, attempts=1)
        stream = front.stream(self.site)
        new = self.daemon.rotate_key(name, overlap_ms=LIFE_MS)
        end = now_ms() + LIFE_MS
        fresh_front = self.daemon.front(key=new, attempts=1)
        for connection in (front, fresh_front, self.daemon.front(key=old, attempts=1)):
            self.assertEqual(connection.submit([event(self.site, fresh())])[0]["status"], "accepted")
        self.assert_fails("denied", fresh_front.withdraw, "elsewhere", "c")
        late = self.ended(stream) and now_ms() - end
        print(f"# after a rotation the old key's stream ended {late} ms after the overlap")
        self.assertLess(late, LOOKED_AFTER_MS)
        self.assert_fails("denied", front.hello)
        self.no_answer(self.daemon.front(key=old, attempts=1))
        self.assertEqual(fresh_front.submit([event(self.site, fresh())])[0]["status"], "accepted")
        listed = {key["key"]: key["state"] for key in self.chief.key_list(all=True)["keys"] if key["name"] == name}
        self.assertEqual(listed, {old.number: "expired", new.number: "good"})

    def test_rotation_without_overlap_ends_the_old_key_with_its_next_message(self):
        name = fresh("web-")
        front = self.daemon.front(key=self.daemon.add_key(name, "front"), attempts=1)
        front.hello()
        self.daemon.rotate_key(name, overlap_ms=0)
        self.assert_fails("denied", front.hello)

    def test_revoking_a_name_ends_the_keys_of_its_rotation_too(self):
        name = fresh("web-")
        both = [self.daemon.add_key(name, "front"), self.daemon.rotate_key(name)]
        fronts = [self.daemon.front(key=key, attempts=1) for key in both]
        for front in fronts:
            front.hello()
        self.assertEqual(len(self.chief.key_revoke(name=name)), 2)
        for front in fronts:
            self.assert_fails("denied", front.hello)

    def test_key_that_is_added_while_its_owner_knocks_gets_in(self):
        """The refused handshake is not tried again by libzmq, but by a new socket after each time-out."""
        key = keys.make(self.daemon.server_key())
        front = self.daemon.front(key=key, timeout_s=0.3, attempts=20)
        number = front.send("hello")
        self.assertFalse(front.pump(0.3))
        self.chief.key_add(fresh("web-"), "front", public_key=keys.to_bin(key.public))
        self.assertTrue(front.collect(number)["ok"])

    def test_pushed_comments_of_a_revoked_key_are_dropped(self):
        front = self.new_front(self.site)
        push = self.daemon.push(key=front.key)
        push.send("submit", comments=[event(self.site, "before")])
        eventually(lambda: self.status_of(self.named("before"))["status"] == "found")
        self.revoke(front)
        before = self.chief.stats()["counters"]["push_errors"]
        push.send("submit", comments=[event(self.site, "after")])
        eventually(lambda: self.chief.stats()["counters"]["push_errors"] > before)
        self.assertEqual(self.status_of(self.named("after"))["status"], "not_found")

    def test_what_a_revoked_moderator_holds_stays_held_until_its_lease_ends(self):
        desk = self.new_desk(self.site)
        item = self.pending()
        self.assertEqual(len(desk.claim(site=self.site, lease_ms=LIFE_MS)["comments"]), 1)
        self.revoke(desk)
        self.assertEqual(self.card_of(item)["claimed_by"], desk.key.metadata["name"])
        eventually(lambda: len(self.ann.claim(site=self.site)["comments"]) == 1, timeout=20)

    def test_keys_hold_over_a_restart(self):
        with Daemon(tcp=TCP) as daemon:
            good, gone = (daemon.add_key(name, "front") for name in ("good", "gone"))
            daemon.administrator().key_revoke(name="gone")
            server = daemon.server_key()
            daemon.restart()
            self.assertEqual(daemon.server_key(), server)
            daemon.front(key=good).hello()
            with self.assertRaises(RequestTimeout):
                daemon.front(key=gone, timeout_s=0.3, attempts=2).hello()


class Published(Case):
    """The decisions socket on TCP, where one owner runs every site."""

    tcp = ("front", "decisions")
    config = "single_owner = true\nheartbeat_ms = 200\n"

    def subscriber(self, site):
        key = self.daemon.add_key(fresh("web-"), "front")
        return self.daemon.decisions(site, key)

    def approve_all_the_time(self, stop, approved):
        front, desk = Front(self.daemon.endpoint("front")), Desk(self.daemon.endpoint("desk"), as_="ann")
        while not stop.is_set():
            comment = fresh("p-")
            front.submit([event(self.site, comment)])
            seq = desk.approve([{"site": self.site, "comment": comment}])[0]["seq"]
            approved.append(seq)
        front.close()
        desk.close()

    def hear(self, subscribers, heard, seconds):
        """Takes in what comes: numbers of records and when each came, by subscriber."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for subscriber, log in zip(subscribers, heard):
                while message := subscriber.receive(0.002):
                    if message[1]["op"] == "record":
                        log.append((message[1]["record"]["seq"], time.monotonic()))

    def test_revoked_subscriber_hears_nothing_more_and_others_come_back_by_themselves(self):
        subscribers, heard = [self.subscriber(self.site) for _ in range(3)], ([], [], [])
        stop, approved = threading.Event(), []
        thread = threading.Thread(target=self.approve_all_the_time, args=(stop, approved))
        thread.start()
        try:
            eventually(lambda: self.hear(subscribers, heard, 0.05) or all(heard), timeout=20)
            self.hear(subscribers, heard, 0.5)
            self.daemon.administrator().key_revoke(key=subscribers[1].key.number)
            first = self.approved()[1]                          # asked for after the answer
            eventually(lambda: self.hear(subscribers, heard, 0.5) or
                       all(self.count_after(first, heard[number]) > 50 for number in (0, 2)), timeout=60)
        finally:
            stop.set()
            thread.join()
        self.hear(subscribers, heard, 0.5)
        self.assertEqual(self.count_after(first - 1, heard[1]), 0, "the revoked subscriber hears records")
        for number in (0, 2):
            self.check_came_back(heard[number], first, sorted([*approved, first]))

    def count_after(self, first, heard):
        return sum(seq > first for seq, _ in heard)

    def check_came_back(self, heard, first, everything):
        numbers = [seq for seq, _ in heard]
        self.assertEqual(numbers, sorted(set(numbers)), "records came twice, or out of order")
        times = [at for _, at in heard]
        gap = max(later - earlier for earlier, later in zip(times, times[1:]))
        missing = set(range(numbers[0], everything[-1] + 1)) - set(numbers)
        print(f"# after the revocation of another: {len(missing)} of {len(everything)} records missed, "
              f"longest silence {gap * 1000:.0f} ms, {self.count_after(first, heard)} heard after it")
        self.assertLess(gap, MOST_SILENCE_S)
        replayed = {record["seq"] for record in self.front.replay(self.site)}
        self.assertLessEqual(missing, replayed, "a replay cannot give what was missed")
        self.assertEqual(set(numbers) | replayed, set(everything))

    def test_subscribers_over_ipc_are_not_disturbed_by_a_revocation(self):
        local, remote = self.daemon.decisions(self.site), self.subscriber(self.site)
        heard = ([], [])
        self.pending()
        eventually(lambda: self.approved() and self.hear([local, remote], heard, 0.05) or all(heard))
        self.daemon.administrator().key_revoke(key=remote.key.number)
        first = self.approved()[1]
        rest = [self.approved()[1] for _ in range(20)]
        eventually(lambda: self.hear([local, remote], heard, 0.2) or {first, *rest} <= {seq for seq, _ in heard[0]}, timeout=20)
        self.hear([local, remote], heard, 0.5)
        self.assertEqual({first, *rest} & {seq for seq, _ in heard[1]}, set())

    def test_expired_subscriber_hears_nothing_more(self):
        key = self.daemon.add_key(fresh("web-"), "front")
        subscriber, local = self.daemon.decisions(self.site, key), self.daemon.decisions(self.site)
        heard = ([], [])
        eventually(lambda: self.approved() and self.hear([subscriber, local], heard, 0.05) or all(heard), timeout=20)
        self.daemon.rotate_key(key.metadata["name"], overlap_ms=300)
        eventually(lambda: self.is_cut_off(subscriber, local), timeout=20)
        late = {self.approved()[1] for _ in range(20)}
        eventually(lambda: self.hear([subscriber, local], heard, 0.2) or late <= {seq for seq, _ in heard[1]}, timeout=20)
        self.hear([subscriber, local], heard, 0.5)
        self.assertEqual(late & {seq for seq, _ in heard[0]}, set())

    def is_cut_off(self, subscriber, other):
        """Whether the other one is sent three heartbeats more, and the subscriber nothing."""
        while subscriber.receive(0):
            pass
        while other.receive(0):
            pass
        return all(other.receive(5) for _ in range(3)) and not subscriber.receive(0.1)

    def test_heartbeats_come_over_tcp_too(self):
        self.approved()
        topic, message = eventually(lambda: self.subscriber(self.site).receive(1), timeout=20)
        self.assertEqual((topic, message["op"], message["site"]), (self.site.encode() + b"/", "heartbeat", self.site))


class Alone(KeyCase):
    """A site sees itself and nothing else."""

    def setUp(self):
        super().setUp()
        self.other, self.nowhere = fresh("other-"), fresh("nowhere-")
        self.secret = self.pending(site=self.other)
        self.front.article(self.other, {"id": "a"})
        self.front.confirm(self.other, "listener-of-another", 0)
        self.web = self.new_front(self.site)
        self.mod = self.new_desk(self.site, rights=["undo", "escalated", "erase", "bulk"])

    def told_of(self, ask, site, item):
        """The whole answer, with the site's and the comment's names taken out."""
        try:
            answer = ask(site, item)
        except ModqError as error:
            answer = error.detail
        return repr(answer).replace(site, "SITE").replace(item["comment"], "COMMENT")

    def check_same(self, what, ask):
        """The same answer of a site that is there, with a comment that is there, and of one that is not."""
        answers = {self.told_of(ask, self.other, self.secret),
                   self.told_of(ask, self.other, {"site": self.other, "comment": "none"}),
                   self.told_of(ask, self.nowhere, {"site": self.nowhere, "comment": "none"})}
        self.assertEqual(len(answers), 1, f"{what}: {answers}")
        self.assertIn("denied", answers.pop(), what)

    def test_front_end_learns_nothing_of_another_site(self):
        asks = {
            "submit": lambda site, item: self.web.call("submit", comments=[event(site, item["comment"])])["results"],
            "conflict": lambda site, item: self.web.call("submit", comments=[event(site, item["comment"], "x")])["results"],
            "withdraw": lambda site, item: self.web.withdraw(site, item["comment"]),
            "report": lambda site, item: self.web.report(site, item["comment"], "reader"),
            "report with a reason": lambda site, item: self.web.report(site, item["comment"], "reader", "no.such"),
            "article": lambda site, item: self.web.article(site, {"id": "a"}),
            "status": lambda site, item: self.web.status(site, [item["comment"]]),
            "policy": lambda site, item: self.web.policy(site),
            "stream": lambda site, item: self.web.stream(site),
            "stream after": lambda site, item: self.web.stream(site, after=1),
            "stream far after": lambda site, item: self.web.stream(site, after=10 ** 6, hash=bytes(32)),
            "confirm": lambda site, item: self.web.confirm(site, "listener-of-another", 0),
            "confirm too far": lambda site, item: self.web.confirm(site, "web", 10 ** 6)}
        for what, ask in asks.items():
            with self.subTest(what=what):
                self.check_same(what, ask)
        self.assertEqual(self.state_of(self.secret), "pending")
        self.assertNotIn(self.nowhere, [site["site"] for site in self.chief.stats()["sites"]])

    def test_moderator_learns_nothing_of_another_site(self):
        _, seq = self.approved(site=self.other)
        asks = {
            "list": lambda site, item: self.mod.list(site=site),
            "list escalated": lambda site, item: self.mod.list(site=site, lane="escalated"),
            "claim": lambda site, item: self.mod.claim(site=site),
            "claim named": lambda site, item: self.mod.claim(comments=[{"site": site, "comment": item["comment"]}])["refused"],
            "renew": lambda site, item: self.mod.renew([{"site": site, "comment": item["comment"]}]),
            "release": lambda site, item: self.mod.release([{"site": site, "comment": item["comment"]}]),
            "show": lambda site, item: self.mod.show(site, item["comment"]),
            "history": lambda site, item: self.mod.history(site, item["comment"]),
            "status": lambda site, item: self.mod.status(site, [item["comment"]]),
            "policy": lambda site, item: self.mod.policy(site),
            "approve": lambda site, item: self.mod.approve([{"site": site, "comment": item["comment"]}]),
            "stale": lambda site, item: self.mod.approve([{"site": site, "comment": item["comment"], "revision": 9}]),
            "reject": lambda site, item: self.mod.reject([{"site": site, "comment": item["comment"]}], ["no.such"]),
            "escalate": lambda site, item: self.mod.escalate([{"site": site, "comment": item["comment"]}]),
            "erase": lambda site, item: self.mod.erase([{"site": site, "comment": item["comment"]}]),
            "undo": lambda site, item: self.mod.undo([{"site": site, "seq": seq}]),
            "undo of what is not there": lambda site, item: self.mod.undo([{"site": site, "seq": seq}])}
        for what, ask in asks.items():
            with self.subTest(what=what):
                self.check_same(what, ask)

    def test_lists_claims_and_figures_hold_own_sites_only(self):
        mine = self.pending()
        self.front.confirm(self.site, "my-listener", 0)
        self.chief.escalate([self.pending(site=self.other)])
        everything = repr([self.mod.list(limit=500), self.mod.list(lane="escalated"), self.mod.stats(),
                           self.mod.claim(limit=100), self.mod.renew(), self.mod.hello(), self.web.hello()])
        for foreign in (self.other, "listener-of-another", self.secret["comment"] + "'"):
            self.assertNotIn(foreign, everything)
        self.assertIn(mine["comment"], everything)
        self.assertIn("my-listener", everything)

    def test_figures_of_the_whole_daemon_are_for_those_who_see_all_sites(self):
        self.assertNotIn("counters", self.mod.stats())
        self.assertEqual([site["site"] for site in self.mod.stats()["sites"]], [])
        self.pending()
        self.assertEqual([site["site"] for site in self.mod.stats()["sites"]], [self.site])
        everywhere = self.new_desk()
        self.assertIn("counters", everywhere.stats())
        self.assertIn(self.other, [site["site"] for site in everywhere.stats()["sites"]])

    def test_pages_of_a_queue_never_stop_short_because_of_other_sites(self):
        """What others have in between neither shows nor ends a page."""
        wanted = []
        for number in range(120):
            site = self.site if number % 7 == 0 else self.other
            item = self.pending(site=site)
            if site == self.site:
                wanted.append(item["comment"])
        found, after = [], None
        while True:
            page = self.mod.list(limit=5, after=after)
            found += [card["comment"] for card in page["comments"]]
            after = page["next"]
            if not after:
                break
        self.assertEqual(found, wanted)

    def test_hello_says_who_one_is(self):
        told = self.mod.hello()
        name = self.mod.key.metadata["name"]
        self.assertEqual((told["you"], told["role"], told["rights"], told["sites"]),
                         (name, "moderator", ["undo", "escalated", "erase", "bulk"], [self.site]))
        told = self.new_desk(role="administrator").hello()
        self.assertEqual((told["role"], told["sites"]), ("administrator", None))
        self.assertEqual(set(told["rights"]), {"undo", "escalated", "erase", "bulk"})
        self.assertNotIn("sites", self.web.hello())

    def test_key_of_two_sites_sees_both(self):
        both = self.new_desk(self.site, self.other)
        mine = self.pending()
        found = {(card["site"], card["comment"]) for card in both.list(limit=500)["comments"]}
        self.assertEqual(found, {(self.site, mine["comment"]), (self.other, self.secret["comment"])})

    def test_who_lost_a_site_neither_keeps_nor_sees_what_was_held_there(self):
        """Claims are the moderator's by name; what a newer key of that name may not see is left alone."""
        name = fresh("mod-")
        before = self.new_desk(self.site, self.other, name=name)
        mine = self.pending()
        operation = secrets.token_bytes(16)
        self.assertEqual(len(before.claim(limit=100, operation=operation)["comments"]), 2)
        self.revoke(before)
        after = self.new_desk(self.site, name=name)
        repeated = after.claim(limit=100, operation=operation)
        self.assertEqual([card["comment"] for card in repeated["comments"]], [mine["comment"]])
        self.assertEqual([result["comment"] for result in after.renew()], [mine["comment"]])
        self.assertEqual([result["comment"] for result in after.release()], [mine["comment"]])
        self.assertEqual(self.card_of(self.secret)["claimed_by"], name)


class Names(KeyCase):
    """In whose name, and how it came."""

    def test_only_administrators_act_for_others(self):
        mod, chief = self.new_desk(), self.new_desk(role="administrator")
        own = mod.key.metadata["name"]
        mod.as_ = own
        self.approve(self.pending(), desk=mod)
        for name, error in (("ann", "denied"), ("modqd", "bad_value"), ("front", "bad_value"), ("push", "bad_value")):
            mod.as_ = name
            self.assertEqual(self.assert_fails(error, mod.list)["field"], "as")
        item = self.pending()
        chief.as_ = "ann"
        self.approve(item, desk=chief)
        self.assertEqual(self.card_of(item)["decided_by"], "ann")
        chief.as_ = "front"
        self.assert_fails("bad_value", chief.list)

    def test_operation_id_belongs_to_the_moderator_and_not_to_the_key(self):
        name = fresh("mod-")
        old = self.daemon.add_key(name, "moderator")
        mod, other = self.daemon.desk(key=old), self.new_desk()
        item, operation = self.pending(), secrets.token_bytes(16)
        first = mod.approve([item], operation=operation)
        self.assert_fails("operation_reused", other.approve, [item], operation=operation)
        self.assert_fails("operation_reused", self.ann.approve, [item], operation=operation)
        rotated = self.daemon.desk(key=self.daemon.rotate_key(name))
        self.assertEqual(rotated.approve([item], operation=operation), first)
        self.assertEqual(len(self.records()), 1)

    def test_repeat_of_what_one_may_no_more_is_denied(self):
        """The first answer was another key's, of the same name."""
        name = fresh("mod-")
        item, operation = self.pending(), secrets.token_bytes(16)
        with_right = self.new_desk(name=name, rights=["erase"])
        with_right.erase([item], operation=operation)
        self.revoke(with_right)
        without = self.new_desk(name=name)
        self.assertEqual(self.assert_fails("denied", without.erase, [item], operation=operation)["right"], "erase")

    def test_history_of_the_daemon_says_how_each_thing_came(self):
        web, mod = self.new_front(self.site), self.new_desk(self.site)
        push = self.daemon.push(key=web.key)
        web.submit([event(self.site, "a")])
        push.send("submit", comments=[event(self.site, "b")])
        eventually(lambda: self.status_of(self.named("b"))["status"] == "found")
        mod.approve([self.named("a")])
        self.chief.approve([self.named("b")])
        told = {(e["kind"], e["comment"]): (e["actor"], e["via"])
                for e in self.chief.audit(site=self.site)["events"] if e["kind"] in ("submitted", "approved")}
        self.assertEqual(told[("submitted", "a")], ("front", f"key:{web.key.number}"))
        self.assertEqual(told[("submitted", "b")], ("push", f"key:{web.key.number}"))
        self.assertEqual(told[("approved", "a")], (mod.key.metadata["name"], f"key:{mod.key.number}"))
        self.assertEqual(told[("approved", "b")], (pwd.getpwuid(os.getuid()).pw_name, f"uid:{os.getuid()}"))
        by_key = self.chief.audit(key=mod.key.number)["events"]
        self.assertEqual({event["via"] for event in by_key}, {f"key:{mod.key.number}"})
        self.assertIn("approved", {event["kind"] for event in by_key})

    def test_administrator_who_acts_for_another_is_known_by_the_key(self):
        chief = self.new_desk(role="administrator")
        chief.as_ = "ann"
        item = self.pending()
        chief.approve([item])
        told, = self.chief.audit(site=self.site, kind="approved")["events"]
        self.assertEqual((told["actor"], told["via"]), ("ann", f"key:{chief.key.number}"))

    def test_key_events_name_the_key_and_who_did_it(self):
        key = self.daemon.add_key(fresh("web-"), "front", sites=[self.site])
        new = self.daemon.rotate_key(key.metadata["name"])
        self.chief.key_revoke(key=new.number)
        told = [e for e in self.chief.audit(limit=50)["events"] if e["kind"].startswith("key_")][:3]
        self.assertEqual([(e["kind"], e["key"]) for e in told],
                         [("key_revoked", new.number), ("key_rotated", new.number), ("key_added", key.number)])
        for e in told:
            self.assertEqual((e["name"], e["via"], e["site"]), (key.metadata["name"], f"uid:{os.getuid()}", None))
        self.assertEqual((told[2]["sites"], told[2]["public_key"]), ([self.site], keys.to_bin(key.public)))


class Rights(KeyCase):
    """Each right, with it and without."""

    def both(self, right):
        return self.new_desk(self.site), self.new_desk(self.site, rights=[right])

    def refused(self, result, right):
        self.assertEqual(self.assert_item(result, "denied").get("right"), right, result)

    def test_undo_is_about_decisions_of_others(self):
        without, with_right = self.both("undo")
        item = self.pending()
        seq = self.approve(item, desk=without)
        self.assertEqual(without.undo([{"site": self.site, "seq": seq}])[0]["status"], "undone")
        seq = self.approve(item)
        self.refused(without.undo([{"site": self.site, "seq": seq}])[0], "undo")
        self.refused(without.reject([item], self.reasons[:1], supersede=True)[0], "undo")
        self.refused(without.approve([self.rejected()[0]], supersede=True)[0], "undo")
        self.assertEqual(self.state_of(item), "approved")
        self.assertEqual(with_right.reject([item], self.reasons[:1], supersede=True)[0]["status"], "rejected")
        self.assertEqual(with_right.undo([{"site": self.site, "seq": self.status_of(item)["seq"]}])[0]["status"], "undone")

    def test_decision_of_ones_own_stays_ones_own_after_a_rotation(self):
        name = fresh("mod-")
        before = self.daemon.desk(key=self.daemon.add_key(name, "moderator"))
        seq = self.approve(self.pending(), desk=before)
        after = self.daemon.desk(key=self.daemon.rotate_key(name))
        self.assertEqual(after.undo([{"site": self.site, "seq": seq}])[0]["status"], "undone")

    def test_escalated_is_a_lane_of_its_own(self):
        without, with_right = self.both("escalated")
        item = self.pending()
        self.assertEqual(without.escalate([item])[0]["status"], "escalated")     # into the lane, for a senior to decide
        self.refused(without.escalate([item])[0], "escalated")
        for function in (without.list, without.claim):
            self.assertEqual(self.assert_fails("denied", function, lane="escalated")["right"], "escalated")
        self.refused(without.claim(comments=[item])["refused"][0], "escalated")
        self.refused(without.approve([item])[0], "escalated")
        self.refused(without.reject([item], self.reasons[:1])[0], "escalated")
        self.assertEqual(without.list()["comments"], [])
        self.assertEqual(self.state_of(item), "pending")
        self.assertEqual(len(with_right.claim(lane="escalated")["comments"]), 1)
        self.assertEqual(with_right.approve([item])[0]["status"], "approved")

    def test_erase_needs_its_right(self):
        without, with_right = self.both("erase")
        item = self.pending("words")
        self.assertEqual(self.assert_fails("denied", without.erase, [item])["right"], "erase")
        self.assertEqual(self.card_of(item)["body"], "words")
        self.assertEqual(with_right.erase([item])[0]["status"], "erased")

    def test_many_at_once_need_the_right_to(self):
        without, with_right = self.both("bulk")
        most = self.front.limits()["bulk_items"]
        items = [self.pending() for _ in range(most + 1)]
        self.assertEqual(self.assert_fails("denied", without.approve, items)["right"], "bulk")
        self.assertEqual({self.state_of(item) for item in items}, {"pending"})
        self.assertEqual({result["status"] for result in without.approve(items[:most])}, {"approved"})
        self.assertEqual({result["status"] for result in with_right.reject(items[most:] * (most + 1), self.reasons[:1])},
                         {"rejected", "already_decided"})
        self.assertEqual({result["status"] for result in without.status(self.site, [i["comment"] for i in items])},
                         {"found"})


@unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
class Users(unittest.TestCase):
    """Users of the system, over ipc: what the kernel says of them, and keys of their own."""

    LISTEN = """
        front_group = "nogroup"   front_mode = "0660"
        desk_group = "nogroup"    desk_mode = "0660"
    """

    def start(self, listen=""):
        daemon = Daemon(tcp=("desk",), listen=self.LISTEN + listen)
        daemon.start()
        self.addCleanup(daemon.__exit__, None)
        os.chmod(daemon.dir, 0o711)
        daemon.front().submit([event("news", "a"), event("blog", "b")])
        return daemon

    def as_nobody(self, talk, gid=NOBODY):
        return keys.as_user(NOBODY, gid, [], talk)

    def hello(self, daemon, door="desk", gid=NOBODY, timeout_s=20):
        """What hello tells another user; its error's name; or "no answer"."""
        def talk():
            with Connection(daemon.endpoint(door), timeout_s=timeout_s, attempts=1) as connection:
                try:
                    told = connection.hello()
                    return {name: told.get(name) for name in ("you", "role", "rights", "sites")}
                except ModqError as error:
                    return error.name
                except RequestTimeout:
                    return "no answer"
        return self.as_nobody(talk, gid)

    def test_member_of_the_group_is_a_moderator_of_all_sites(self):
        daemon = self.start()
        told = self.hello(daemon)
        self.assertEqual((told["you"], told["role"], told["sites"]), ("nobody", "moderator", None))
        self.assertEqual(len(told["rights"]), 4)
        self.assertEqual(self.hello(daemon, gid=NOBODY - 1, timeout_s=1), "no answer")      # who is not in the group

    def test_key_of_a_user_says_what_they_may(self):
        daemon = self.start()
        chief = daemon.administrator()
        chief.key_add("clara", "moderator", uid=NOBODY, sites=["news"], rights=["undo"])
        self.assertEqual(self.hello(daemon), {"you": "clara", "role": "moderator", "rights": ["undo"], "sites": ["news"]})
        self.assertEqual(self.hello(daemon, "front"), "denied")                 # a moderator has nothing to do there

        def talk():
            with Desk(daemon.endpoint("desk")) as desk:
                listed = [card["site"] for card in desk.list()["comments"]]
                return listed, desk.approve([{"site": "blog", "comment": "b"}, {"site": "news", "comment": "a"}])
        listed, results = self.as_nobody(talk)
        self.assertEqual(listed, ["news"])
        self.assertEqual([result["status"] for result in results], ["denied", "approved"])
        told, = chief.audit(kind="approved")["events"]
        self.assertEqual((told["actor"], told["via"]), ("clara", f"uid:{NOBODY}"))

    def test_users_without_a_key_are_nobody_where_only_listed_ones_come(self):
        daemon = self.start('desk_local = "listed"\nfront_local = "listed"\n')
        chief = daemon.administrator()
        for door in ("front", "desk"):
            self.assertEqual(self.hello(daemon, door), "denied")
        chief.key_add("clara", "moderator", uid=NOBODY)
        self.assertEqual(self.hello(daemon)["you"], "clara")
        self.assertEqual(self.hello(daemon, "front"), "denied")
        chief.key_revoke(name="clara")
        self.assertEqual(self.hello(daemon), "denied")
        chief.key_add("web", "front", uid=NOBODY, sites=["news"])
        self.assertEqual(self.hello(daemon, "front")["role"], None)
        self.assertEqual(self.hello(daemon), "denied")

    def test_user_whose_key_was_revoked_does_not_come_back_by_the_sockets_permissions(self):
        daemon = self.start()
        chief = daemon.administrator()
        chief.key_add("clara", "moderator", uid=NOBODY, sites=["news"])
        chief.key_revoke(name="clara")
        for door in ("front", "desk"):
            self.assertEqual(self.hello(daemon, door), "denied")

    def test_revocation_ends_a_users_open_connection_and_stream(self):
        daemon = self.start()
        chief = daemon.administrator()
        chief.key_add("web", "front", uid=NOBODY, sites=["news"])
        answers = self.while_streaming(daemon, ["news"], lambda desk: desk.key_revoke(name="web"), ends=["news"])
        self.assertEqual(answers, ["ended: denied", "denied"])

    def while_streaming(self, daemon, sites, change, ends=()):
        """What becomes of another user's open streams, and of a hello after them, when change(desk) is done. Those of the
        sites that `ends` names are waited for."""
        ready, go = os.pipe(), os.pipe()

        def answer(ask):
            try:
                return type(ask()).__name__
            except (ModqError, StreamLost) as error:
                return getattr(error, "name", None) or error.reason

        def talk():
            with Front(daemon.endpoint("front"), attempts=1) as front:
                streams = [front.stream(site) for site in sites]
                os.write(ready[1], b"x")
                os.read(go[0], 1)
                asks = {stream.site: lambda stream=stream: stream.next_record(20 if stream.site in ends else 0.5)
                        for stream in sorted(streams, key=lambda stream: stream.site not in ends)}
                answers = {site: answer(ask) for site, ask in asks.items()}
                return [*(answers[site] for site in sites), answer(front.hello)]

        def act():
            os.read(ready[0], 1)
            with Desk(daemon.endpoint("desk")) as desk:
                change(desk)
            os.write(go[1], b"x")
        thread = threading.Thread(target=act)
        thread.start()
        answers = self.as_nobody(talk)
        thread.join()
        return answers

    def test_key_that_a_user_gets_ends_the_streams_that_it_does_not_allow(self):
        daemon = self.start()
        sites = ["news", "blog"]
        self.assertEqual(self.while_streaming(daemon, sites, lambda desk: None), ["NoneType", "NoneType", "dict"])
        one_site = lambda desk: desk.key_add("web", "front", uid=NOBODY, sites=["news"])
        answers = self.while_streaming(daemon, sites, one_site, ends=["blog"])
        self.assertEqual(answers, ["NoneType", "ended: denied", "dict"])
        daemon = self.start()
        answers = self.while_streaming(daemon, sites, lambda desk: desk.key_add("clara", "moderator", uid=NOBODY), ends=sites)
        self.assertEqual(answers, ["ended: denied", "ended: denied", "denied"])

    def test_local_administrator_always_gets_in(self):
        """Whatever the keys and the configuration say: root and the daemon's own user."""
        daemon = self.start('desk_local = "listed"\n')
        chief = daemon.administrator()
        self.assertRaisesRegex(ModqError, "bad_value", chief.key_add, "small", "moderator", uid=0)
        chief.key_add("small", "moderator", uid=NOBODY, sites=["news"])
        remote = daemon.desk(key=daemon.add_key("boss", "administrator"))
        for key in remote.key_list()["keys"]:
            remote.key_revoke(key=key["key"])
        self.assertRaisesRegex(ModqError, "denied", remote.hello)
        with daemon.desk() as desk:
            self.assertEqual((desk.hello()["role"], desk.key_list()["keys"]), ("administrator", []))
            desk.key_add("boss", "administrator", public_key=os.urandom(32))


class Files(unittest.TestCase):
    """Key files, as everybody's clients read them."""

    def setUp(self):
        with Daemon(tcp=("front",)) as daemon:
            self.key = daemon.add_key("news-web", "front")
        self.path = os.path.join("/tmp", f"mq-key-{os.getpid()}")
        self.addCleanup(lambda: os.path.exists(self.path) and os.unlink(self.path))

    def test_key_file_is_read_by_this_client_and_by_pyzmq(self):
        import zmq.auth
        keys.write(self.path, self.key)
        read = Key.read(self.path)
        self.assertEqual((read.public, read.secret, read.server), (self.key.public, self.key.secret, self.key.server))
        self.assertEqual(read.endpoint("front"), self.key.endpoint("front"))
        self.assertIsNone(read.endpoint("desk"))
        self.assertEqual(zmq.auth.load_certificate(self.path), (self.key.public, self.key.secret))

    def test_key_file_that_others_can_read_is_refused(self):
        for mode in (0o640, 0o604, 0o644, 0o620):
            keys.write(self.path, self.key, mode)
            self.assertRaises(PermissionError, Key.read, self.path)

    def test_key_file_without_a_key_is_refused(self):
        for change in ((b"secret-key", b"secret"), (b'= "', b"= '"), (self.key.server, b"short")):
            keys.write(self.path, self.key)
            with open(self.path, "rb+") as file:
                text = file.read().replace(*change)
                file.seek(0)
                file.truncate()
                file.write(text)
            with self.subTest(change=change):
                self.assertRaises(ValueError, Key.read, self.path)


if __name__ == "__main__":
    tap.main()
