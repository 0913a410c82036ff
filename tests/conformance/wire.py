"""What stands in a daemon's place: one that passes messages on and changes some, and one that answers what a case wants."""
import os
import tempfile
import threading

import msgpack
import zmq

LOOK_MS = 10              # how soon a thread notices that it is to end


class _Server(threading.Thread):
    """A ROUTER on a path of its own. Every socket belongs to the thread; close() ends it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.directory = tempfile.TemporaryDirectory(prefix="mq-", dir="/tmp")
        self.endpoint = f"ipc://{os.path.join(self.directory.name, 'front.sock')}"
        self.trouble = None
        self._peers = {}             # routing id -> number, in the order in which they came
        self._ending = threading.Event()

    def run(self):
        self.context = zmq.Context()
        self.poller = zmq.Poller()
        self.front = self.socket(zmq.ROUTER)
        self.front.bind(self.endpoint)
        try:
            while not self._ending.is_set():
                for socket, _ in self.poller.poll(LOOK_MS):
                    self.take(socket)
        except Exception as error:
            self.trouble = error
        self.context.destroy(linger=0)

    def socket(self, kind):
        made = self.context.socket(kind)
        made.setsockopt(zmq.LINGER, 0)
        made.setsockopt(zmq.RCVHWM, 0)
        made.setsockopt(zmq.SNDHWM, 0)
        self.poller.register(made, zmq.POLLIN)
        return made

    def number(self, peer):
        return self._peers.setdefault(peer, len(self._peers))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self.join(10)
        self.directory.cleanup()
        if self.trouble:
            raise self.trouble


class Proxy(_Server):
    """Between a client and a daemon's front socket.

    `to_client` and `to_daemon` get a connection's number (0 is the first that came), the message's map and its bytes, and
    return the bodies to pass on: [] drops it, [body] passes it on. `seen` has every request's number and map."""

    def __init__(self, endpoint, to_client=None, to_daemon=None):
        super().__init__()
        self.behind = endpoint
        self.to_client = to_client or (lambda number, message, body: [body])
        self.to_daemon = to_daemon or (lambda number, message, body: [body])
        self.seen = []
        self._links = {}             # routing id -> socket to the daemon

    def link(self, peer):
        if peer not in self._links:
            self._links[peer] = self.socket(zmq.DEALER)
            self._links[peer].connect(self.behind)
        return self._links[peer]

    def take(self, socket):
        if socket is self.front:
            peer, body = socket.recv_multipart()
            message = msgpack.unpackb(body)
            self.seen.append((self.number(peer), message))
            for passed in self.to_daemon(self.number(peer), message, body):
                self.link(peer).send(passed)
            return
        body = socket.recv()
        peer = next(peer for peer, link in self._links.items() if link is socket)
        for passed in self.to_client(self.number(peer), msgpack.unpackb(body), body):
            self.front.send_multipart([peer, passed])

    def requests(self, op):
        return [message for _, message in self.seen if message.get("op") == op]

    def connections(self, op):
        """Numbers of the connections that asked for this."""
        return {number for number, message in self.seen if message.get("op") == op}


class FakeDaemon(_Server):
    """Answers a request's map with the bodies that `answer` returns for it."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.seen = []

    def take(self, socket):
        peer, body = socket.recv_multipart()
        message = msgpack.unpackb(body)
        self.seen.append(message)
        for sent in self.answer(message):
            socket.send_multipart([peer, *sent] if isinstance(sent, list) else [peer, sent])


def reply(request, **keys):
    """A well-formed answer's body."""
    return msgpack.packb({"v": 1, "id": request.get("id"), "op": request.get("op"), "ok": True, **keys})


def refuse(request, **error):
    return msgpack.packb({"v": 1, "id": request.get("id"), "op": request.get("op"), "ok": False, "error": error})


def hurried(ms):
    """For Proxy(to_client=...): whatever wants to be left alone for a while, wants it for so long."""
    def shorten(value):
        if isinstance(value, dict):
            return {key: ms if key == "retry_after_ms" else shorten(item) for key, item in value.items()}
        return [shorten(item) for item in value] if isinstance(value, list) else value
    return lambda number, message, body: [msgpack.packb(shorten(message))]
