"""What is known of libzmq 4.3.4, fact by fact: the attack is made, the daemon lives on or is back, and nothing reaches the
wrong peer. FACTS says which test of which program shows each."""
# plain: it is about libzmq; what comes to our code of it, test_hostile and test_doors send as well
# alone: compares times with what libzmq promises
# time-limit: 150
import ast
import concurrent.futures
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import zmq

import curve
import hostile
import keys
import tap
from cases import event, eventually, fresh
from curve import CurvePeer
from daemon import BUILD, ROOT, Daemon, free_port
from hostile import RawPeer, pack
from modq import Front, decode, open_socket

FACTS = {
    "a subscriber's other bytes change nothing of what others hear": [
        ("test_libzmq_facts", "what_is_no_subscription_changes_nothing_of_what_others_hear"),
        ("test_libzmq_facts", "what_is_no_subscription_changes_nothing_over_curve_either"),
        ("test_hostile", "hundred_thousand_broken_messages_to_each_socket_hurt_nobody")],
    "PUB loses messages to slow listeners, and must not wait for them": [
        ("test_hostile", "subscriber_that_never_reads_slows_nobody"),
        ("test_libzmq_facts", "subscriber_that_never_reads_takes_nothing_from_a_stream")],
    "300,000 subscriptions of one peer cost hundreds of MiB": [
        ("test_flood", "three_hundred_thousand_subscriptions_of_one_key"),
        ("test_flood", "subscriptions_without_a_key_cost_bounded_memory"),
        ("test_hostile", "three_hundred_thousand_subscriptions_of_one_peer_hold_up_nobody")],
    "PUB on TCP is for peers with a key, where one owner runs every site": [
        ("test_doors", "decisions_are_on_tcp_only_where_one_owner_runs_every_site"),
        ("test_libzmq_facts", "subscriber_without_a_key_hears_nothing")],
    "automatic routing ids can be predicted, and who claims the next one ends the process": [
        ("test_libzmq_facts", "claiming_the_next_routing_id_ends_a_router_that_was_not_seeded"),
        ("test_libzmq_facts", "routing_ids_are_seeded_anew_before_the_first_socket_of_each_start"),
        ("test_hostile", "guessed_routing_ids_do_not_end_the_daemon")],
    "routing ids are told to nobody": [
        ("test_libzmq_facts", "routing_ids_are_in_no_answer")],
    "a peer that claims the id of another gets nothing of the other": [
        ("test_libzmq_facts", "peer_that_claims_the_id_of_another_gets_nothing_of_the_other"),
        ("test_hostile", "second_peer_with_the_same_routing_id_gets_nothing_of_the_first")],
    "without ROUTER_MANDATORY what is sent to a peer that does not read is lost unseen": [
        ("test_hostile", "dealer_that_never_reads_its_replies_slows_nobody"),
        ("test_python_stream", "consumer_slower_than_its_credit_loses_nothing")],
    "CURVE without a bound handler of ZAP lets everyone in": [
        ("test_libzmq_facts", "stranger_who_knocks_at_every_start_is_never_let_in"),
        ("test_libzmq_facts", "without_the_handler_of_zap_nobody_is_let_in")],
    "on NULL sockets properties can be forged": [
        ("test_hostile", "forged_properties_over_ipc_make_nobody_an_administrator"),
        ("test_hostile", "forged_properties_over_tcp_are_not_believed"),
        ("test_libzmq_facts", "forged_properties_beside_a_key_are_not_believed")],
    "on ipc Peer-Address ends in the kernel's word, but for peers of older ZMTP": [
        ("test_hostile", "peers_of_older_zmtp_over_ipc_are_no_administrators")],
    "after polling, frame 0 has no User-Id": [
        ("test_libzmq_facts", "owner_of_a_key_is_known_by_it_with_either_envelope")],
    "revoking a key does not cut a live connection": [
        ("test_keys", "revoked_key_is_denied_with_the_next_message_on_open_connections"),
        ("test_keys", "revoked_subscriber_hears_nothing_more_and_others_come_back_by_themselves")],
    "a client never tries again after a refused handshake": [
        ("test_keys", "key_that_is_added_while_its_owner_knocks_gets_in")],
    "MAXMSGSIZE is a must, and bounds each frame before the handshake's end, too": [
        ("test_hostile", "frames_of_exbibytes_announced_before_the_handshake_end_the_connection"),
        ("test_hostile", "message_over_max_message_bytes_ends_its_connection_alone"),
        ("test_flood", "huge_frames_before_the_end_of_the_handshake_cost_bounded_memory"),
        ("test_libzmq_facts", "stranger_is_heard_for_a_few_thousand_bytes_only")],
    "one endless multipart message grows memory without limit": [
        ("test_hostile", "message_that_never_ends_holds_up_nobody"),
        ("test_flood", "message_without_end_of_a_peer_with_a_key"),
        ("test_flood", "messages_without_end_before_the_end_of_the_handshake_cost_bounded_memory")],
    "HANDSHAKE_IVL reaps silent connections": [
        ("test_doors", "connections_that_never_finish_their_handshake_give_their_places_back"),
        ("test_hostile", "silent_and_half_greeted_connections_are_ended_by_the_handshake_timeout")],
    "an ipc listener aborts on EMFILE": [
        ("test_hostile", "running_out_of_file_descriptors_does_not_end_the_daemon"),
        ("test_libzmq_facts", "running_out_of_file_descriptors_over_tcp_does_not_end_the_daemon")],
    "ZMQ_USE_FD takes a listening socket, also a blocking one, and is set back after each bind": [
        ("test_libzmq_facts", "sockets_that_are_handed_over_are_served_beside_others"),
        ("test_libzmq_facts", "blocking_socket_that_is_handed_over_hangs_nobody")],
    "zmq_unbind drops live connections; a restart loses what is in flight, but nothing acknowledged": [
        ("test_libzmq_facts", "sockets_that_are_handed_over_hold_connections_over_a_restart"),
        ("test_python_restart", "graceful_stop_answers_what_it_received")],
    "an ipc path that two daemons bind is taken over by the second": [
        ("test_start", "a_socket_of_another_daemon_is_not_taken_over"),
        ("test_start", "a_second_daemon_in_a_directory_is_refused")],
    "the default mode of an ipc socket is 0755": [
        ("test_doors", "sockets_are_for_their_user_alone_unless_a_group_is_named")],
    "five bytes that declare 2^32 elements make msgpack-c allocate 8 GiB": [
        ("test_hostile", "five_bytes_that_claim_four_thousand_million_elements_cost_nothing")],
}

SANITIZED = "san" in os.path.basename(BUILD)
TIMEOUT_S = 20 if SANITIZED else 5
STARTS = 4 if SANITIZED else 12
HANDSHAKE_S = 3           # as in daemon/net/gate.c
HELLO = {"v": 1, "op": "hello", "id": 1}

# Loaded before libzmq: tells of srand and of sockets, and leaves the handler of ZAP unbound when it is told to.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void srand(unsigned seed)
{
    fprintf(stderr, "shim: srand %u\n", seed);
    ((void (*)(unsigned))dlsym(RTLD_NEXT, "srand"))(seed);
}
void *zmq_socket(void *context, int type)
{
    fprintf(stderr, "shim: socket\n");
    return ((void *(*)(void *, int))dlsym(RTLD_NEXT, "zmq_socket"))(context, type);
}
int zmq_bind(void *socket, const char *endpoint)
{
    if (getenv("SHIM_NO_ZAP") && strstr(endpoint, "zeromq.zap"))
        return 0;
    return ((int (*)(void *, const char *))dlsym(RTLD_NEXT, "zmq_bind"))(socket, endpoint);
}
"""

# Becomes the daemon, with the descriptors that are named handed over as systemd hands them over.
HAND_OVER = """
import os, sys
count = int(sys.argv[1])
for number in range(count):
    os.dup2(int(sys.argv[2 + number]), 3 + number)
os.environ.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
"""

# A ROUTER that was not seeded, as libzmq makes it.
ROUTER = """
import sys, zmq
router = zmq.Context.instance().socket(zmq.ROUTER)
router.bind(sys.argv[1])
print("bound", flush=True)
while True:
    router.send_multipart(router.recv_multipart())
"""


def tests_in(program):
    with open(os.path.join(ROOT, f"tests/e2e/{program}.py")) as file:
        tree = ast.parse(file.read())
    return {node.name.removeprefix("test_") for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


class Table(unittest.TestCase):
    def test_every_fact_names_tests_that_there_are(self):
        known = {}
        for fact, tests in FACTS.items():
            self.assertTrue(tests, fact)
            for program, name in tests:
                known.setdefault(program, tests_in(program))
                with self.subTest(fact=fact):
                    self.assertIn(name, known[program], program)

    def test_every_test_of_this_program_shows_a_fact(self):
        named = {name for tests in FACTS.values() for program, name in tests if program == "test_libzmq_facts"}
        self.assertEqual(tests_in("test_libzmq_facts") - named, {name.removeprefix("test_") for name in dir(Table)
                                                                 if name.startswith("test_")})


class Facts(unittest.TestCase):
    def started(self, **options):
        daemon = Daemon(**options)
        daemon.start()
        self.addCleanup(self.end, daemon)
        return daemon

    def end(self, daemon):
        """It lived on, and goes with a clean log."""
        alive = daemon.alive()
        daemon.__exit__(None if alive else AssertionError)
        self.assertTrue(alive, "the daemon ended")

    def shimmed(self, **environment):
        if SANITIZED:
            self.skipTest("AddressSanitizer wants to be loaded first")
        folder = tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp")
        self.addCleanup(folder.cleanup)
        with open(f"{folder.name}/shim.c", "w") as file:
            file.write(SHIM)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", f"{folder.name}/shim.so", f"{folder.name}/shim.c"], check=True)
        pairs = [f"{name}={value}" for name, value in {"LD_PRELOAD": f"{folder.name}/shim.so", **environment}.items()]
        return "env", *pairs

    def approve(self, daemon, site, count=1):
        """Comments of a new site's log."""
        front, desk = daemon.front(timeout_s=TIMEOUT_S), daemon.desk("ann", timeout_s=TIMEOUT_S)
        items = [event(site, fresh()) for _ in range(count)]
        front.submit(items)
        results = desk.approve([{"site": site, "comment": item["comment"]} for item in items])
        return [result["seq"] for result in results]

    def let_in(self, endpoint, key, **options):
        try:
            with CurvePeer(endpoint, key, **options):
                return True
        except (EOFError, ConnectionError):
            return False


class Published(Facts):
    """PUB and its subscribers."""

    ODD = (b"", b"\x00", b"\x00one/", b"\x00two/", b"\x02one/", b"one/", b"two/", b"\xff" * 60, b"\x01", b"\x00\x01two/",
           b"\x01one/\x00two/", bytes(4000))

    def start(self):
        daemon = self.started(tcp=("decisions",), config="single_owner = true\nheartbeat_ms = 1000\n")
        self.heard = {"one": [], "two": []}
        self.subscribers = {site: daemon.decisions(site) for site in self.heard}
        for site, subscriber in self.subscribers.items():
            eventually(lambda: self.approve(daemon, site) and subscriber.receive(0.05), timeout=20)
        newest = {site: self.approve(daemon, site) for site in self.heard}
        eventually(lambda: self.hear(0.1) or all(newest[site][0] in heard for site, heard in self.heard.items()), timeout=20)
        self.heard = {"one": [], "two": []}
        return daemon

    def hear(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for site, subscriber in self.subscribers.items():
                while message := subscriber.receive(0.005):
                    topic, body = message
                    self.assertEqual(topic, site.encode() + b"/", "somebody hears another's records")
                    if body["op"] == "record":
                        self.assertEqual(body["record"]["site"], site)
                        self.heard[site].append(body["record"]["seq"])

    def check_unmoved(self, daemon, peers, say):
        wanted = {site: [] for site in self.heard}
        for _ in range(3):
            for odd in self.ODD:
                for peer in peers:
                    say(peer, odd)
                for site, seqs in wanted.items():
                    seqs += self.approve(daemon, site)
        eventually(lambda: self.hear(0.1) or all(seqs[-1] in self.heard[site] for site, seqs in wanted.items()), timeout=20)
        self.hear(0.5)
        self.assertEqual(self.heard, wanted)

    def test_what_is_no_subscription_changes_nothing_of_what_others_hear(self):
        daemon = self.start()
        peers = []
        for kind in ("SUB", "XSUB"):
            peers.append(RawPeer(daemon.endpoint("decisions")))
            self.addCleanup(peers[-1].close)
            peers[-1].greet(kind)
            peers[-1].receive_greeting()
        self.check_unmoved(daemon, peers, lambda peer, odd: peer.message(odd, *((odd,) if len(odd) % 2 else ())))

    def test_what_is_no_subscription_changes_nothing_over_curve_either(self):
        daemon = self.start()
        key = daemon.add_key("odd", "front")
        peers = [CurvePeer(daemon.tcp["decisions"], key, kind) for kind in ("SUB", "XSUB")]
        for peer in peers:
            self.addCleanup(peer.close)
        self.check_unmoved(daemon, peers, lambda peer, odd: peer.message(odd, *((odd,) if len(odd) % 2 else ())))

    def test_subscriber_that_never_reads_takes_nothing_from_a_stream(self):
        daemon = self.start()
        deaf = open_socket(zmq.SUB, daemon.endpoint("decisions"))
        self.addCleanup(deaf.close)
        deaf.setsockopt(zmq.SUBSCRIBE, b"")
        stream = daemon.front(timeout_s=TIMEOUT_S).stream("one", after=1)
        numbers = [seq for _ in range(4) for seq in self.approve(daemon, "one", 250)]
        streamed = [stream.next_record(TIMEOUT_S)["seq"] for _ in range(numbers[-1] - 1)]
        self.assertEqual(streamed, list(range(2, numbers[-1] + 1)))

    def test_subscriber_without_a_key_hears_nothing(self):
        daemon = self.start()
        stranger = keys.make(daemon.server_key())
        good = daemon.decisions("one", daemon.add_key("good", "front"))
        others = [daemon.decisions("one", stranger), open_socket(zmq.SUB, daemon.tcp["decisions"])]
        others[1].setsockopt(zmq.SUBSCRIBE, b"")
        self.addCleanup(others[1].close)
        eventually(lambda: self.approve(daemon, "one") and good.receive(0.05), timeout=20)
        self.approve(daemon, "one", 20)
        self.assertIsNone(others[0].receive(0.5))
        self.assertFalse(others[1].poll(100))


class RoutingIds(Facts):
    def test_claiming_the_next_routing_id_ends_a_router_that_was_not_seeded(self):
        """The attack is one: it ends a program that does not do what the daemon does."""
        with tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp") as folder:
            endpoint = f"ipc://{folder}/router"
            router = subprocess.Popen([sys.executable, "-c", ROUTER, endpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                router.stdout.readline()
                for routing_id in hostile.guessed_routing_ids(range(20, 22))[:14]:      # those of seed 1
                    peer = RawPeer(endpoint)
                    self.addCleanup(peer.close)
                    peer.greet("DEALER", Identity=routing_id)
                with contextlib.suppress(OSError, EOFError):
                    for _ in range(60):
                        with RawPeer(endpoint, timeout=2) as other:
                            other.greet("DEALER")
                            other.receive_greeting()
                            other.ask(HELLO)
                self.assertEqual(router.wait(10), -signal.SIGABRT)
            finally:
                router.kill()
                router.communicate()

    def test_routing_ids_are_seeded_anew_before_the_first_socket_of_each_start(self):
        seeds, daemon = [], Daemon(wrapper=self.shimmed())
        self.addCleanup(daemon.__exit__, None)
        for _ in range(5):
            daemon.start()
            daemon.stop()
        said = [line for line in daemon.log().splitlines() if line.startswith("shim: ")]
        for number, line in enumerate(said):
            if line.startswith("shim: srand"):
                seeds.append(int(line.split()[2]))
                self.assertTrue(number == 0 or not said[number - 1].startswith("shim: srand"), "seeded twice")
        self.assertTrue(said[0].startswith("shim: srand"), said[:3])
        self.assertEqual((len(seeds), len(set(seeds))), (5, 5))
        self.assertGreater(max(abs(one - other) for one, other in zip(seeds, seeds[1:])), 1 << 16, "a clock, it seems")

    def test_routing_ids_are_in_no_answer(self):
        daemon = self.started()
        ours = b"an id that is ours alone"
        asked = {"front": ("hello", "policy", "status"), "desk": ("hello", "list", "stats", "key_list", "audit")}
        for door, requests in asked.items():
            dealer = zmq.Context.instance().socket(zmq.DEALER)
            self.addCleanup(dealer.close)
            dealer.setsockopt(zmq.LINGER, 0)
            dealer.setsockopt(zmq.ROUTING_ID, ours)
            dealer.connect(daemon.endpoint(door))
            for op in requests:
                dealer.send(pack({"v": 1, "op": op, "id": 1, "site": "news", "comments": []}))
                self.assertTrue(dealer.poll(TIMEOUT_S * 1000), op)
                self.assertNotIn(ours, b"".join(dealer.recv_multipart()))
        self.assertNotIn(ours.decode(), daemon.log())

    def test_peer_that_claims_the_id_of_another_gets_nothing_of_the_other(self):
        """With a key nobody is served under a name of their own: libzmq would send to whoever has it next."""
        daemon = self.started(tcp=("front",))
        good, other = (daemon.add_key(name, "front", sites=[name]) for name in ("good", "other"))
        first = self.claim(daemon, good)
        first.send(pack({"v": 1, "op": "stream", "id": 7, "site": "good", "credit": 1000}))
        self.assertEqual(decode(first.recv())["error"]["name"], "denied")
        thieves = [self.claim(daemon, other), self.claim(daemon, good)]
        for thief in thieves:
            thief.send(pack(HELLO))
        self.approve(daemon, "good", 20)
        for peer in (first, *thieves):
            self.assertFalse(peer.poll(200), "somebody hears something")
        first.send(pack(HELLO))
        self.assertEqual(decode(first.recv())["error"]["name"], "denied", "the first is not answered any more")

    def claim(self, daemon, key):
        dealer = zmq.Context.instance().socket(zmq.DEALER)
        self.addCleanup(dealer.close)
        for option, value in {"LINGER": 0, "ROUTING_ID": b"the same", "RCVTIMEO": TIMEOUT_S * 1000}.items():
            dealer.setsockopt(getattr(zmq, option), value)
        key.use(dealer)
        dealer.connect(daemon.tcp["front"])
        return dealer


class Zap(Facts):
    """Who is let in, and as whom."""

    def knock(self, endpoint, key, stop, counts):
        """A whole handshake, again and again, from before the port is open."""
        while not stop.is_set():
            try:
                with CurvePeer(endpoint, key, timeout=2) as peer:
                    counts["let in"] += 1
                    peer.message(pack({"v": 1, "op": "submit", "id": 1, "comments": [event("stolen", fresh())]}))
            except ConnectionRefusedError:
                counts["closed"] += 1
            except (EOFError, ConnectionError):
                counts["refused"] += 1
            except TimeoutError:
                counts["silence"] += 1

    def test_stranger_who_knocks_at_every_start_is_never_let_in(self):
        daemon = Daemon(tcp=("front", "desk"))
        self.addCleanup(daemon.__exit__, None)
        daemon.start()
        stranger = keys.make(daemon.server_key())
        counts, stop = {"let in": 0, "closed": 0, "refused": 0, "silence": 0}, threading.Event()
        threads = [threading.Thread(target=self.knock, args=(daemon.tcp[door], stranger, stop, counts))
                   for door in ("front", "front", "desk", "desk")]
        for thread in threads:
            thread.start()
        refused = []
        try:
            for number in range(STARTS):
                before = counts["refused"]
                if number % 2:
                    daemon.kill()
                    daemon.start()
                else:
                    daemon.restart()
                eventually(lambda: counts["refused"] > before + 20, timeout=20)
                refused.append(counts["refused"] - before)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        print(f"# {STARTS} starts: a stranger was refused {counts['refused']} times, at least {min(refused)} at each start, "
              f"and {counts['closed']} times nobody was there")
        self.assertEqual(counts["let in"], 0)
        self.assertGreater(counts["closed"], STARTS, "the stranger did not knock before the door was there")
        self.assertEqual(daemon.front().status("stolen", ["c"])[0]["status"], "not_found")

    def test_without_the_handler_of_zap_nobody_is_let_in(self):
        daemon = self.started(tcp=("front",), wrapper=self.shimmed(SHIM_NO_ZAP="1"))
        good = daemon.add_key("good", "front")
        tries = [good, keys.make(daemon.server_key())] * 5
        with concurrent.futures.ThreadPoolExecutor(len(tries)) as pool:
            self.assertEqual(list(pool.map(lambda key: self.let_in(daemon.tcp["front"], key), tries)), [False] * len(tries))

    def test_forged_properties_beside_a_key_are_not_believed(self):
        daemon = self.started(tcp=("desk",))
        boss, mod = (daemon.add_key(name, role) for name, role in (("boss", "administrator"), ("mod", "moderator")))
        for forged in ({}, {"User_Id": str(boss.number).encode()}, {"User-Id": b"1", "Peer_Address": b"x:0:0:1"}):
            with CurvePeer(daemon.tcp["desk"], mod, **forged) as peer:
                for op, wanted in (("hello", True), ("key_list", False)):
                    peer.message(pack({"v": 1, "op": op, "id": 1}))
                    reply = decode(peer.receive_sealed()[1])
                    self.assertEqual(reply["ok"], wanted, reply)
                    if wanted:
                        self.assertEqual((reply["you"], reply["role"]), ("mod", "moderator"))

    def test_owner_of_a_key_is_known_by_it_with_either_envelope(self):
        """The daemon polls before it reads; many at once are read without polling in between."""
        daemon = self.started(tcp=("desk",))
        owners = [daemon.add_key(name, "moderator") for name in ("ann", "bob")]
        for owner in owners:
            for kind, envelope in ((zmq.REQ, []), (zmq.DEALER, []), (zmq.DEALER, [b""])):
                with open_socket(kind, daemon.tcp["desk"], key=owner) as asker:
                    for burst in (1, 1, 50 if kind == zmq.DEALER else 1):
                        for _ in range(burst):
                            asker.send_multipart([*envelope, pack(HELLO)])
                        for _ in range(burst):
                            self.assertTrue(asker.poll(TIMEOUT_S * 1000))
                            self.assertEqual(decode(asker.recv_multipart()[-1])["you"], owner.metadata["name"])

    def test_stranger_is_heard_for_a_few_thousand_bytes_only(self):
        daemon = self.started(tcp=("front",))
        start = hostile.greeting(b"CURVE")
        most = daemon.front().limits()["max_message_bytes"]
        for opening in (start, start + curve.hello(daemon.server_key())):
            begun = time.monotonic()
            with RawPeer(daemon.tcp["front"]) as peer:
                peer.send(opening + hostile.frame(bytes(1000), command=True, size=most))
                time.sleep(0.2)
                peer.socket.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    self.assertTrue(peer.socket.recv(1000), "it was not even greeted")
                peer.socket.setblocking(True)
                with contextlib.suppress(ConnectionError):
                    peer.send(bytes(8000))
                self.assertTrue(peer.is_closed(), "it is still heard")
                self.assertLess(time.monotonic() - begun, HANDSHAKE_S, "it was the handshake's time that ended it")
        key = daemon.add_key("good", "front")                  # and whoever was let in is heard at length
        with CurvePeer(daemon.tcp["front"], key, X_Long=bytes(2000)) as peer:
            for _ in range(3):
                peer.message(pack({**HELLO, "filler": bytes(most - 100)}))
                self.assertEqual(decode(peer.receive_sealed()[1])["id"], 1)


class Descriptors(Facts):
    def test_running_out_of_file_descriptors_over_tcp_does_not_end_the_daemon(self):
        daemon = self.started(tcp=("front", "desk"), wrapper=("prlimit", "--nofile=80:80"))
        key = daemon.add_key("good", "front")
        front = daemon.front(key=key, timeout_s=TIMEOUT_S)
        front.hello()
        peers = []
        for number in range(200):
            with contextlib.suppress(OSError):
                peers.append(RawPeer(daemon.tcp[("front", "desk")[number % 2]], 1))
                self.addCleanup(peers[-1].close)
        eventually(lambda: len(os.listdir(f"/proc/{daemon.pid}/fd")) >= 79, timeout=20)     # none is left
        front.submit([event("news", "c")])
        for peer in peers:
            peer.close()
        eventually(lambda: daemon.front(key=key, timeout_s=TIMEOUT_S).hello(), timeout=15)


class Inherited(Facts):
    """Listening sockets as systemd hands them over."""

    def listening(self, family, address):
        listener = socket.socket(family)
        self.addCleanup(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(100)
        listener.setblocking(True)                # as systemd makes them
        return listener

    def prepare(self):
        """Two of three endpoints of front are handed over; all others the daemon binds itself."""
        daemon = Daemon(tcp=("front", "desk"))
        self.addCleanup(daemon.__exit__, None)
        self.own = f"tcp://127.0.0.1:{free_port()}"
        with open(daemon.config_path, "r+") as file:
            text = file.read().replace(daemon.tcp["front"], f'{daemon.tcp["front"]}", "{self.own}')
            file.seek(0)
            file.write(text)
        self.path = daemon.endpoint("front").removeprefix("ipc://")
        host, port = daemon.tcp["front"].removeprefix("tcp://").split(":")
        self.sockets = [self.listening(socket.AF_UNIX, self.path), self.listening(socket.AF_INET, (host, int(port)))]
        numbers = [listener.fileno() for listener in self.sockets]
        high = [os.dup2(number, 60 + place) for place, number in enumerate(numbers)]
        for number in high:
            self.addCleanup(os.close, number)
        daemon.pass_fds = high
        daemon.wrapper = [sys.executable, "-c", HAND_OVER, str(len(high)), *map(str, high)]
        return daemon

    def serves(self, daemon, key):
        for place, option in ((daemon.endpoint("front"), None), (daemon.tcp["front"], key), (self.own, key)):
            front = daemon.keep(Front(place, timeout_s=TIMEOUT_S, attempts=1, key=option))
            self.assertEqual(front.submit([event("news", fresh())])[0]["status"], "accepted")
        daemon.desk("ann", timeout_s=TIMEOUT_S).hello()
        daemon.desk(key=self.boss, timeout_s=TIMEOUT_S).hello()

    def start(self):
        daemon = self.prepare()
        daemon.start()
        self.boss = daemon.add_key("boss", "administrator")
        return daemon, daemon.add_key("web", "front")

    def test_sockets_that_are_handed_over_are_served_beside_others(self):
        inode = None
        daemon, key = self.start()
        for _ in range(3):
            self.serves(daemon, key)
            self.assertIn(inode, (None, os.stat(self.path).st_ino), "the path was bound anew")
            inode = os.stat(self.path).st_ino
            daemon.restart()
        self.serves(daemon, key)

    def test_blocking_socket_that_is_handed_over_hangs_nobody(self):
        """A connection that is gone before it is accepted would let ZeroMQ's thread wait for the next one."""
        daemon, key = self.start()
        front = daemon.front(key=key, timeout_s=TIMEOUT_S, attempts=1)
        front.hello()
        for listener in self.sockets:
            self.assertFalse(os.get_blocking(listener.fileno()))
        for _ in range(200):
            gone = socket.socket()
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")      # a reset at its end
            gone.connect(self.sockets[1].getsockname())
            gone.close()
            front.hello()

    def test_sockets_that_are_handed_over_hold_connections_over_a_restart(self):
        """Whoever connects while nobody is there is served when somebody is."""
        daemon, key = self.start()
        for end in (daemon.stop, daemon.kill):
            end()
            waiting = [Front(daemon.endpoint("front", option), key=option, timeout_s=20, attempts=1) for option in (None, key)]
            asked = [(front, front.send("hello")) for front in waiting]
            time.sleep(0.3)
            daemon.start()
            for front, number in asked:
                self.assertTrue(front.collect(number)["ok"])
                front.close()


if __name__ == "__main__":
    tap.main()
