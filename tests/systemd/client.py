"""A small client over ipc or CURVE, and several of them that hand comments over all the time."""
import itertools
import threading
import time

import msgpack
import zmq
import zmq.auth
from system import RUN

TIMEOUT_S = 1.0
REQUESTS_S = 60           # nobody waits longer for an answer, however often it asks again
GAP_S = 20                # whoever hands comments over all the time waits no longer for the next acknowledgement


class Key:
    """What `modq key new` wrote."""

    def __init__(self, path):
        self.public, self.secret = zmq.auth.load_certificate(path)
        with open(path) as file:
            lines = [line.strip().partition(" = ") for line in file if " = " in line]
        metadata = {name: value.strip('"') for name, _, value in lines}
        self.server = metadata["server-key"].encode()
        self.endpoints = {name: metadata[name] for name in ("front", "push", "decisions", "desk") if name in metadata}


class Refused(Exception):
    """The daemon's answer was an error."""

    def __init__(self, error):
        self.name = error.get("name")
        super().__init__(f"{self.name}: {error.get('message')}")


class Client:
    """One DEALER socket. A request that is not answered in time goes out again over a new one, unchanged."""

    def __init__(self, endpoint=f"ipc://{RUN}/front.sock", key=None):
        self.endpoint, self.key = endpoint, key
        self.repeats = 0
        self._ids = itertools.count(1)
        self._connect()

    def _connect(self):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 10)
        if self.key:
            self.socket.curve_serverkey = self.key.server
            self.socket.curve_publickey, self.socket.curve_secretkey = self.key.public, self.key.secret
        self.socket.connect(self.endpoint)

    def ask(self, op, timeout_s=TIMEOUT_S, within_s=REQUESTS_S, **fields):
        """The answer. Raises Refused, or TimeoutError when none came however often it was asked."""
        number, until = next(self._ids), time.monotonic() + within_s
        request = msgpack.packb({"v": 1, "op": op, "id": number, **fields})
        while time.monotonic() < until:
            self.socket.send(request)
            reply = self._await(number, timeout_s)
            if reply:
                if not reply["ok"]:
                    raise Refused(reply["error"])
                return reply
            self.repeats += 1
            self.close()
            self._connect()
        raise TimeoutError(f"no answer to {op} from {self.endpoint}")

    def _await(self, number, timeout_s):
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            if self.socket.poll(int(left * 1000) + 1):
                reply = msgpack.unpackb(self.socket.recv())
                if reply.get("id") == number:
                    return reply
        return None

    def submit(self, site, name, body="A comment."):
        """True when the comment is acknowledged; a passing error is tried again."""
        while True:
            result = self.ask("submit", comments=[{"site": site, "comment": name, "body": body}])["results"][0]
            if not result.get("error"):
                return True
            if result["error"]["class"] != "retry":
                raise Refused(result["error"])
            time.sleep(result["error"].get("retry_after_ms", 100) / 1000)

    def close(self):
        self.socket.close()


class Load:
    """Clients that hand over comments, each one a time, at so many a second together:

        with Load(site, [None, key], rate=50) as load: ...
        load.check()
    """

    def __init__(self, site, keys, rate):
        self.site, self.pause_s = site, len(keys) / rate
        self.acknowledged, self.gaps, self.troubles, self.repeats = [], [], [], 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number, key)) for number, key in enumerate(keys)]

    def _work(self, number, key):
        client = Client(key.endpoints["front"], key) if key else Client()
        names, last, longest = [], time.monotonic(), 0
        try:
            while not self._stop.is_set():
                name = f"{number}-{len(names)}"
                client.submit(self.site, name)
                names.append(name)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
                self._stop.wait(self.pause_s)
        except Exception as trouble:
            self.troubles.append(f"client {number}: {trouble!r}")
        self.acknowledged += names
        self.gaps.append(longest)
        self.repeats += client.repeats
        client.close()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def check(self):
        """Every client went on, and everything acknowledged is there. Returns what is worth telling."""
        if self.troubles:
            raise AssertionError("; ".join(self.troubles))
        if not self.acknowledged:
            raise AssertionError("nothing was acknowledged")
        if max(self.gaps) > GAP_S:
            raise AssertionError(f"a client waited {max(self.gaps):.1f} s")
        client, missing = Client(), []
        for start in range(0, len(self.acknowledged), 200):
            names = self.acknowledged[start:start + 200]
            results = client.ask("status", site=self.site, comments=names)["results"]
            missing += [name for name, result in zip(names, results) if result.get("state") != "pending"]
        client.close()
        if missing:
            raise AssertionError(f"{len(missing)} of {len(self.acknowledged)} acknowledged are not there: {missing[:5]}")
        return (f"{len(self.acknowledged)} acknowledged, all there; longest gap of a client {max(self.gaps):.2f} s, "
                f"{self.repeats} repeats")
