"""What tests of the client have in common: paths, a clock that stands still, and somebody who answers requests."""
import os
import shutil
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
for place in (os.path.join(ROOT, "tests/lib"), os.path.dirname(HERE)):
    if place not in sys.path:
        sys.path.insert(0, place)

import msgpack  # noqa: E402
import zmq  # noqa: E402

from modqd.requests import Attempt, Reply, Session  # noqa: E402


def comment(number=1, **more):
    return {"site": "news", "comment": str(number), "body": f"text {number}", **more}


def accepted(number=1):
    return {"site": "news", "comment": str(number), "revision": 1, "status": "accepted", "state": "pending",
            "received_at": 1}


def error_map(name, number, class_, **more):
    return {"number": number, "name": name, "class": class_, "message": f"it is {name}", **more}


def refusal(name, number, class_, **more):
    return {"v": 1, "ok": False, "error": error_map(name, number, class_, **more)}


class Clock:
    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


class Peer:
    """Plays a daemon for the generators of modqd.requests. `answers` is a list of maps, of None (silence) and of functions
    from a request to one of these; what was asked is in `requests`, what was waited in `pauses`."""

    def __init__(self, *answers, timeout=5.0, attempt=2.0, connected=True):
        self.clock, self.connected = Clock(), connected
        self.session = Session("ipc:///nowhere", False, timeout, attempt, self.clock)
        self.answers, self.requests, self.bodies, self.pauses, self.waits = list(answers), [], [], [], []

    def run(self, steps):
        came = None
        try:
            while True:
                wish = steps.send(came)
                came = self.answer(wish) if isinstance(wish, Attempt) else self.pause(wish.seconds)
        except StopIteration as end:
            return end.value

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.clock.time += seconds

    def answer(self, attempt):
        request = msgpack.unpackb(attempt.body)
        self.requests.append(request)
        self.bodies.append(attempt.body)
        self.waits.append(attempt.wait)
        answer = self.answers.pop(0) if self.answers else None
        answer = answer(request) if callable(answer) else answer
        if answer is None:
            self.clock.time += attempt.wait
            return Reply(self.connected, None)
        return answer if isinstance(answer, Reply) else Reply(True, {"id": request["id"], **answer})


class WithDirectory(unittest.TestCase):
    """Each test has a directory of its own."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="mq-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)


class Liar(threading.Thread):
    """A front socket that answers each request with the frames that `reply(request)` makes; none: silence."""

    def __init__(self, directory, reply):
        super().__init__(daemon=True)
        self.endpoint, self._reply, self.seen, self._ending = f"ipc://{directory}/liar", reply, [], False
        self._socket = zmq.Context.instance().socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.bind(self.endpoint)
        self.start()

    def run(self):
        while not self._ending:
            if not self._socket.poll(10):
                continue
            peer, body = self._socket.recv_multipart()
            self.seen.append(body)
            frames = self._reply(msgpack.unpackb(body))
            if frames:
                self._socket.send_multipart([peer, *frames])
        self._socket.close()

    def end(self):
        self._ending = True
        self.join(10)
