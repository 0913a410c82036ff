#!/usr/bin/python3
"""Floods over TCP, by strangers and by peers with a key. Each is a program that goes on until its stdin is closed, and
prints what it did as one JSON object:

    tests/lib/flood.py strangers FRONT DECISIONS SERVER-KEY ATTACK...
    tests/lib/flood.py mix FRONT KEYFILE
    tests/lib/flood.py endless FRONT KEYFILE
    tests/lib/flood.py subscriptions DECISIONS KEYFILE
    tests/lib/flood.py large FRONT KEYFILE
"""
import contextlib
import errno
import json
import os
import random
import select
import socket
import subprocess
import sys
import time
from collections import Counter, deque

import zmq

import curve
import keys
from curve import CurvePeer
from hostile import Mill, frame, greeting, pack
from modq import Key, open_socket

MESSAGE_BYTES = 1 << 20   # max_message_bytes, as it is by default
LARGE_ANSWERS = 100       # to messages of that size, before such a flood ends
HELLO_COUNT = 2000        # connections that never finish the handshake
FEW = 100
PART = bytes(64 << 10)
SUBSCRIPTIONS = 300_000


def told_to_stop(wait_s=0.0):
    return bool(select.select([sys.stdin], [], [], wait_s)[0])


# ---- strangers

def subscriptions(command):
    """Some thousand of them, as messages or as the commands of ZMTP 3.1."""
    noise = random.Random(1)
    topics = [noise.randbytes(12) for _ in range(2000)]
    return b"".join(frame(b"\x09SUBSCRIBE" + topic, command=True) if command else frame(b"\x01" + topic) for topic in topics)


def attacks_of_strangers(server):
    """By name: how many connections, what each says first, what it says then without end, and whether it reads."""
    greeted, hello = greeting(b"CURVE"), greeting(b"CURVE") + curve.hello(server)
    almost = MESSAGE_BYTES - 100
    return {
        "silent": (HELLO_COUNT, b"", b"", True),
        "greeted": (HELLO_COUNT, greeted, b"", True),
        "hello": (HELLO_COUNT, hello, b"", True),
        "deaf": (HELLO_COUNT, hello, b"", False),
        "huge command": (FEW * 8, greeted + frame(bytes(almost), command=True, size=MESSAGE_BYTES), b"", True),
        "huge command after hello": (FEW * 8, hello + frame(bytes(almost), command=True, size=MESSAGE_BYTES), b"", True),
        "huge message": (FEW * 8, greeted + frame(bytes(almost), size=MESSAGE_BYTES), b"", True),
        "endless parts": (FEW, hello, frame(PART, more=True), True),
        "endless parts without curve": (FEW, greeting(), frame(PART, more=True), True),
        "subscriptions": (FEW, hello, subscriptions(False), True),
        "subscribe commands": (FEW, greeted, subscriptions(True), True),
    }


class Stranger:
    """One connection, from one of many addresses of loopback."""

    number = 0

    def __init__(self, attack, endpoint, opening, more, reads):
        self.attack, self.more, self.reads = attack, more, reads
        self.unsent = memoryview(opening)
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if not reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        Stranger.number += 1
        self.socket.bind((f"127.0.{1 + Stranger.number % 40}.1", 0))
        host, port = endpoint.removeprefix("tcp://").split(":")
        if (error := self.socket.connect_ex((host, int(port)))) not in (0, errno.EINPROGRESS):
            self.socket.close()
            raise OSError(error, "connect")

    def wants(self):
        reads = select.EPOLLIN if self.reads else 0
        return reads | select.EPOLLRDHUP | (select.EPOLLOUT if self.unsent or self.more else 0)

    def send(self):
        """Returns how many bytes the daemon's side took."""
        self.unsent = self.unsent or memoryview(self.more)
        taken = self.socket.send(self.unsent[:len(PART)]) if self.unsent else 0
        self.unsent = self.unsent[taken:]
        return taken


class Crowd:
    """Keeps so many connections of each attack, whatever is done to them."""

    TURN = 200           # connections opened at once

    def __init__(self, attacks, endpoint_of):
        self.attacks, self.endpoint_of = attacks, endpoint_of
        self.there, self.counts = Counter(), Counter()
        self.poll, self.by_fd = select.epoll(), {}

    def open_some(self):
        left = self.TURN
        for name, (count, *how) in self.attacks.items():
            while left and self.there[name] < count:
                left -= 1
                try:
                    stranger = Stranger(name, self.endpoint_of(name), *how)
                except OSError:
                    break
                self.by_fd[stranger.socket.fileno()] = stranger
                self.poll.register(stranger.socket, stranger.wants())
                self.there[name] += 1
                self.counts["opened"] += 1

    def turn(self):
        for fd, events in self.poll.poll(0.02):
            stranger = self.by_fd[fd]
            try:
                if events & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
                    raise ConnectionError
                if events & select.EPOLLIN and not stranger.socket.recv(65536):
                    raise ConnectionError
                if events & select.EPOLLOUT:
                    self.counts["bytes"] += stranger.send()
                    self.poll.modify(fd, stranger.wants())
            except BlockingIOError:
                pass
            except OSError:
                self.part_from(stranger)

    def part_from(self, stranger):
        self.counts["ended"] += 1
        self.there[stranger.attack] -= 1
        del self.by_fd[stranger.socket.fileno()]
        stranger.socket.close()

    def run(self):
        while not told_to_stop():
            self.open_some()
            self.turn()
        return {**self.counts, "there": sum(self.there.values())}


def strangers(front, decisions, server, *names):
    attacks = attacks_of_strangers(server.encode())
    subscribes = ("subscriptions", "subscribe commands")
    return Crowd({name: attacks[name] for name in names}, lambda name: decisions if name in subscribes else front).run()


# ---- peers with a key

def endless(front, path):
    """One message without end, and another one when the connection was ended. (libzmq itself would keep it until its
    last frame, and send nothing.)"""
    sent = 0
    while not told_to_stop():
        try:
            with CurvePeer(front, Key.read(path)) as glutton:
                while not told_to_stop():
                    glutton.send(glutton.sealed(PART, more=True))
                    sent += len(PART)
        except (OSError, EOFError):
            time.sleep(0.05)
    return {"bytes": sent}


def connect(kind, endpoint, key, high_water):
    connection = zmq.Context.instance().socket(kind)
    connection.setsockopt(zmq.SNDHWM, high_water)
    connection.setsockopt(zmq.LINGER, 0)
    key.use(connection)
    connection.connect(endpoint)
    return connection


def subscribe(decisions, path):
    """Very many subscriptions, and libzmq makes them again whenever it connects anew."""
    noise = random.Random(1)
    subscriber = connect(zmq.SUB, decisions, Key.read(path), 0)
    for _ in range(SUBSCRIPTIONS):
        subscriber.setsockopt(zmq.SUBSCRIBE, noise.randbytes(40))
    while not told_to_stop(0.1):
        pass
    return {"subscriptions": SUBSCRIPTIONS}


def large(front, path):
    """Messages of just max_message_bytes, and just over it, from several connections, as fast as they are taken; until
    enough were answered, at least."""
    key, counts = Key.read(path), Counter()
    request = {"v": 1, "op": "hello", "id": 1, "filler": bytes(MESSAGE_BYTES)}
    request["filler"] = bytes(2 * MESSAGE_BYTES - len(pack(request)))
    messages = {"under": pack(request), "over": bytes(MESSAGE_BYTES + 1)}
    connections = [("over" if number == 0 else "under", connect(zmq.DEALER, front, key, 4)) for number in range(8)]
    while not told_to_stop(0.001) or counts["answers to under"] < LARGE_ANSWERS:
        for name, connection in connections:
            with contextlib.suppress(zmq.Again):
                while connection.recv(zmq.DONTWAIT):
                    counts["answers to " + name] += 1
            with contextlib.suppress(zmq.Again):
                connection.send(messages[name], zmq.DONTWAIT)
                counts[name] += 1
    return dict(counts)


class Mix:
    """Several attacks at once, so many a second of each."""

    RATES = {"connections": 300, "refused": 150, "garbage": 3000, "huge": 15}

    def __init__(self, front, path):
        self.front, self.key = front, Key.read(path)
        self.stranger = keys.make(self.key.server)
        self.hello = curve.hello(self.key.server)
        self.mill = Mill("front", "mix")
        self.bodies = [self.mill.body() for _ in range(5000)]
        self.peer = connect(zmq.DEALER, front, self.key, 1000)
        self.open, self.counts = deque(), Counter()

    def connections(self):
        """Half a handshake."""
        peer = Stranger("mix", self.front, b"", b"", True).socket
        self.open.append((time.monotonic() + 0.5, peer))
        with contextlib.suppress(OSError):
            peer.setblocking(True)
            peer.sendall(greeting(b"CURVE") + self.hello)

    def refused(self):
        """A whole one, with a key that nobody knows."""
        self.open.append((time.monotonic() + 0.5, open_socket(zmq.DEALER, self.front, key=self.stranger)))

    def garbage(self):
        self.peer.send(self.mill.random.choice(self.bodies), zmq.DONTWAIT)

    def huge(self):
        self.peer.send(bytes(MESSAGE_BYTES - 1), zmq.DONTWAIT)

    def tidy(self, now):
        while self.open and self.open[0][0] <= now:
            self.open.popleft()[1].close()
        with contextlib.suppress(zmq.Again):
            while self.peer.recv(zmq.DONTWAIT) is not None:
                self.counts["answers"] += 1

    def run(self):
        start, done = time.monotonic(), Counter()
        while not told_to_stop(0.002):
            now = time.monotonic()
            for name, rate in self.RATES.items():
                while done[name] < (now - start) * rate:
                    done[name] += 1
                    with contextlib.suppress(OSError, zmq.Again):
                        getattr(self, name)()
                        self.counts[name] += 1
            self.tidy(now)
        return {**self.counts, "seconds": time.monotonic() - start}


def mix(front, path):
    return Mix(front, path).run()


class Flood:
    """A process of this program, in a session of its own, so that its share of the processor is not taken from the
    daemon's where the kernel gives each session the same. `told` is what it did, once it has ended."""

    def __init__(self, *arguments):
        self.told = None
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def stop(self):
        output, _ = self.process.communicate("\n", timeout=60)
        self.told = json.loads(output)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.stop()
        finally:
            self.process.kill()
            self.process.wait()


FLOODS = {"strangers": strangers, "endless": endless, "subscriptions": subscribe, "large": large, "mix": mix}


if __name__ == "__main__":
    print(json.dumps(FLOODS[sys.argv[1]](*sys.argv[2:])), flush=True)
    os._exit(0)        # the context may hold what nobody takes
