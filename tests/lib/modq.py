"""A client of modqd written from proto/PROTOCOL.md alone (pyzmq and msgpack only).

Nothing here is thread-safe: use one object per thread. Requests use one DEALER socket; every stream gets a DEALER of
its own, so that the reconnection after a timed-out request never ends a stream.

Over TCP every class takes `key`, a Key: whom the daemon does not let in is never answered, and a new socket is opened
for each further attempt, because libzmq does not try again by itself after a refused handshake.
"""
import itertools
import os
import re
import secrets
import time
from collections import deque

import msgpack
import zmq

VERSION = 1
MAX_VALUES = 20_000          # values in one message, fixed by the protocol
OVERHEAD_BYTES = 512         # room for v, op, id, … around a batch
RECONNECT_MS = 10            # a restarted daemon is found at once
inspect = None               # called with every message that is decoded, when set


class ModqError(Exception):
    """The daemon said ok: false, or one item failed (error_of). `detail` is the whole error map."""

    def __init__(self, error):
        self.number, self.name = error.get("number", 0), error.get("name", "")
        self.class_, self.message = error.get("class", ""), error.get("message", "")
        self.field, self.detail = error.get("field"), error
        super().__init__(f"{self.name}: {self.message}" + (f" ({self.field})" if self.field else ""))


class RequestTimeout(Exception):
    """No answer after all attempts. It may have been done or not: repeat it unchanged (same operation)."""

    def __init__(self, op, operation=None):
        self.op, self.operation = op, operation
        super().__init__(f"no answer to {op}")


class StreamLost(Exception):
    """The stream is over; everything up to (after, hash) was handed out. Stream.reopen() goes on from there."""

    def __init__(self, reason, after, hash):
        self.reason, self.after, self.hash = reason, after, hash
        super().__init__(f"{reason} (after {after})")


def error_of(result):
    """The error of one item of `results`, or None when it succeeded."""
    return ModqError(result["error"]) if result.get("error") else None


def decode(frame):
    """One message body. Raises ValueError when it is not one map."""
    body = msgpack.unpackb(frame, raw=False, strict_map_key=True)
    if not isinstance(body, dict):
        raise ValueError("not a map")
    if inspect:
        inspect(body)
    return body


def encode(body):
    """A message body without the keys whose value is None."""
    return msgpack.packb({key: value for key, value in body.items() if value is not None}, use_bin_type=True)


def count_values(value):
    """What the daemon counts: each container, key and leaf is one."""
    if isinstance(value, dict):
        return 1 + sum(1 + count_values(v) for v in value.values())
    if isinstance(value, (list, tuple)):
        return 1 + sum(count_values(v) for v in value)
    return 1


def batches(events, limits):
    """Cuts a list so that each part keeps the three limits of a batch."""
    part, size, values = [], 0, 0
    for event in events:
        event = {k: v for k, v in event.items() if v is not None}
        more, count = len(msgpack.packb(event)), count_values(event)
        if part and (len(part) >= limits["max_batch"] or values + count > MAX_VALUES - 50
                     or size + more > limits["max_message_bytes"] - OVERHEAD_BYTES):
            yield part
            part, size, values = [], 0, 0
        part.append(event)
        size, values = size + more, values + count
    if part:
        yield part


class Key:
    """A pair of CURVE keys and the daemon's public one, as Z85 text in bytes, and what its key file says besides."""

    def __init__(self, public, secret, server, **metadata):
        self.public, self.secret, self.server = public, secret, server
        self.metadata = metadata                # name, role, front, push, decisions, desk, where they are known

    @classmethod
    def read(cls, path):
        """From a key file. ValueError when it is not good, PermissionError when others can read it."""
        with open(path, encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise PermissionError(f"{path}: others can read it; chmod 600")
            sections = read_certificate(file)
        curve, metadata = sections.get("curve", {}), sections.get("metadata", {})
        texts = [curve.get("public-key"), curve.get("secret-key"), metadata.pop("server-key", None)]
        if not all(text and len(text) == 40 for text in texts):
            raise ValueError(f"{path}: a key is missing, or is not 40 characters long")
        return cls(*(text.encode("ascii") for text in texts), **metadata)

    def endpoint(self, name):
        """Where the daemon's socket of that name is, as the key file says. None when it does not say."""
        return self.metadata.get(name)

    def use(self, socket):
        """To be called before the socket connects."""
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = self.public, self.secret, self.server


def read_certificate(lines):
    """Sections of a file of CZMQ's certificate format: maps from name to value, by the section's name."""
    sections, section = {}, {}
    for line in lines:
        line = line.rstrip("\r\n")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace():
            section = sections.setdefault(line.strip(), {})
            continue
        found = re.fullmatch(r'\s+([\w-]+)\s*=\s*"([^"]*)"\s*', line)
        if not found:
            raise ValueError(f"no name = \"value\": {line.split('=')[0].strip()}")
        section[found[1]] = found[2]
    return sections


def open_socket(kind, endpoint, linger_ms=0, timeout_s=5.0, key=None):
    socket = zmq.Context.instance().socket(kind)
    if key:
        key.use(socket)
    socket.setsockopt(zmq.LINGER, linger_ms)
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    if kind != zmq.SUB:
        socket.setsockopt(zmq.SNDTIMEO, int(timeout_s * 1000))
    if kind == zmq.DEALER:
        socket.setsockopt(zmq.RCVHWM, 0)      # what can come is bounded by what was asked for
    socket.connect(endpoint)
    return socket


class Raw:
    """A socket that sends and receives frames as they are, for broken messages."""

    def __init__(self, endpoint, kind=zmq.DEALER, key=None):
        self.socket = open_socket(kind, endpoint, key=key)

    def send(self, *frames):
        self.socket.send_multipart(list(frames))

    def receive(self, timeout=30.0):
        """All frames of the next message, or None."""
        return self.socket.recv_multipart() if self.socket.poll(int(timeout * 1000)) else None

    def ask(self, body, timeout=30.0):
        """One map (or bytes) to one reply; None when none came."""
        self.send(body if isinstance(body, bytes) else msgpack.packb(body))
        frames = self.receive(timeout)
        return frames and decode(frames[-1])

    def close(self):
        self.socket.close()


class Connection:
    """One DEALER socket with request ids, time-outs, repeats and pipelining."""

    def __init__(self, endpoint, timeout_s=5.0, attempts=3, key=None):
        self.endpoint, self.timeout_s, self.attempts, self.key = endpoint, timeout_s, attempts, key
        self.unmatched = None          # gets what answers no request under way
        self._deaf = False             # the last request got no answer: this socket may never get one again
        self._ids = itertools.count(1) # ids are never used again, not even after a reconnection
        self._waiting = {}             # id -> op, packed request, operation
        self._replies = {}
        self._limits = None
        self.socket = open_socket(zmq.DEALER, endpoint, timeout_s=timeout_s, key=key)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def reconnect(self):
        """A new socket; everything not answered is sent again, unchanged and in the order it was sent."""
        self.socket.close()
        self.socket = open_socket(zmq.DEALER, self.endpoint, timeout_s=self.timeout_s, key=self.key)
        self._deaf = False
        try:
            for _, packed, _ in self._waiting.values():
                self.socket.send(packed)
        except zmq.Again:              # full: the next attempt sends the rest
            pass

    def next_id(self):
        return next(self._ids)

    def send(self, op, **fields):
        """Sends a request without waiting and returns its id, for collect(). `as_` stands for `as`."""
        if "as_" in fields:
            fields["as"] = fields.pop("as_")
        if self._deaf:
            self.reconnect()
        request_id = self.next_id()
        packed = encode({"v": VERSION, "op": op, "id": request_id, **fields})
        self._waiting[request_id] = (op, packed, fields.get("operation"))
        try:
            self.socket.send(packed)
        except zmq.Again:
            del self._waiting[request_id]
            raise RequestTimeout(op, fields.get("operation")) from None
        return request_id

    def collect(self, request_id, timeout=None):
        """The reply to a request. On time-out everything unanswered is sent again on a new connection, `attempts`
        times in all; then RequestTimeout, and the request stays collectable until forget()."""
        for attempt in range(self.attempts):
            if attempt:
                self.reconnect()
            if self._await(request_id, self.timeout_s if timeout is None else timeout):
                reply = self._replies.pop(request_id)
                if reply.get("ok"):
                    return reply
                raise ModqError(reply.get("error") or {})
        op, _, operation = self._waiting[request_id]
        self._deaf = True
        raise RequestTimeout(op, operation)

    def _await(self, request_id, timeout):
        deadline = time.monotonic() + timeout
        while request_id not in self._replies:
            left = deadline - time.monotonic()
            if not self.pump(max(left, 0)) and left <= 0:
                return False
        return True

    def forget(self, request_id):
        self._waiting.pop(request_id, None)
        self._replies.pop(request_id, None)

    def call(self, op, **fields):
        """One request and its reply."""
        request_id = self.send(op, **fields)
        try:
            return self.collect(request_id)
        finally:
            self.forget(request_id)

    def pump(self, timeout):
        """Takes in one message, if one comes in time."""
        if not self.socket.poll(int(timeout * 1000 + 0.999)):
            return False
        body = decode(self.socket.recv())
        request_id = body.get("id")
        if request_id is None and body.get("ok") is False and len(self._waiting) == 1:
            request_id = next(iter(self._waiting))      # the daemon could not read our id; only one can be meant
        if request_id in self._waiting and "ok" in body:
            del self._waiting[request_id]
            self._replies[request_id] = body
        elif self.unmatched:                            # otherwise a second answer after a repeat
            self.unmatched(body)
        return True

    def hello(self):
        reply = self.call("hello")
        self._limits = reply["limits"]
        return reply

    def limits(self):
        """The daemon's limits, asked for once."""
        if self._limits is None:
            self.hello()
        return self._limits

    def policy(self, site):
        return self.call("policy", site=site)["policy"]

    def status(self, site, comments):
        return self.call("status", site=site, comments=list(comments))["results"]


class Stream:
    """Iterator over a site's records, from Front.stream().

    Credit for a record is given back only when the consumer comes for the next one, that is after it has stored the
    first. Signs of life go out from next_record() alone: a consumer that stays away longer than `credit_timeout_ms`
    loses the stream (StreamLost, then reopen()). `newest` is the log's newest number as far as known, `level` whether
    everything up to then has been received, `ended` whether a replay is complete.
    """

    def __init__(self, front, site, after, hash, live, credit, epoch=None):
        self._front, self._live, self.site = front, live, site
        self.after, self.hash = after, hash     # of the last record handed out
        self.level = self.ended = False
        self.heartbeats = 0
        self._queue, self._lost = deque(), None
        self._handed_out = False                # the last record given to the consumer is not known to be stored yet
        self._owed = 0                          # stored records whose credit was not given back yet
        self._last = self.newest = after        # last number received; the reply and heartbeats raise newest
        self._connection = Connection(front.endpoint, front.timeout_s, front.attempts, front.key)
        self._connection.unmatched = self._take
        try:
            self._start(hash, credit, epoch)
        except BaseException:
            self._connection.close()
            raise

    def _start(self, hash, credit, epoch):
        credit = self._credit = max(1, min(credit, self._connection.limits()["max_credit"]))
        self._step = max(1, credit // 2)
        self._id = self._connection.send("stream", site=self.site, after=self.after, hash=hash, epoch=epoch,
                                         credit=credit, live=self._live)
        reply = self._connection.collect(self._id)     # a repeat goes over a new connection: no stream_exists
        self.epoch, self.newest = reply["epoch"], reply["newest"]
        self._silence_s = reply["heartbeat_ms"] / 1000 * 2.5
        self._alive_s = reply["credit_timeout_ms"] / 1000 / 3
        self._heard = self._said = time.monotonic()

    @property
    def socket(self):
        """To wait for together with other sockets; then call next_record(0) until it returns None."""
        return self._connection.socket

    def _take(self, message):
        if message.get("id") != self._id:
            return
        self._heard = time.monotonic()
        taker = getattr(self, "_take_" + message["op"], None)
        if taker and not self._lost:
            taker(message)

    def _take_records(self, message):
        for record in message["records"]:
            if record["seq"] != self._last + 1:
                self._lost = f"gap: {record['seq']} follows {self._last}"
                return
            self._last = record["seq"]
            self._queue.append(record)
        self.newest = max(self.newest, self._last)

    def _take_level(self, message):
        self.newest = max(self.newest, message["newest"])
        if message["newest"] > self._last:
            self._lost = f"level at {message['newest']} but only {self._last} came"
            return
        self.level = True
        self.ended = not self._live

    def _take_heartbeat(self, message):
        self.heartbeats += 1
        self.newest = max(self.newest, message["newest"])
        if message["sent"] > self._last:
            self._lost = f"{message['sent']} was sent but only {self._last} came"

    def _take_ended(self, message):
        self._lost = f"ended: {message['error']['name']}"

    def _give_credit(self, amount):
        body = {"v": VERSION, "op": "credit", "id": self._connection.next_id(), "stream": self._id, "credit": amount}
        self._said = time.monotonic()
        try:
            self._connection.socket.send(encode(body), zmq.DONTWAIT)
        except zmq.Again:
            self._lost = self._lost or "cannot send"

    def _housekeeping(self):
        if self._handed_out:
            self._handed_out, self._owed = False, self._owed + 1
        if self.ended or self._lost:
            return
        if self._owed >= self._step:
            self._give_credit(self._owed)
            self._owed = 0
        elif time.monotonic() - self._said >= self._alive_s:
            self._give_credit(0)

    def next_record(self, timeout=None):
        """The next record; None when none came in time (None: wait) or a replay is complete (`ended`).
        Raises StreamLost when the stream broke; records that came in order before that are handed out first."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self._housekeeping()
            if self._queue:
                record = self._queue.popleft()
                self.after, self.hash, self._handed_out = record["seq"], record["chain"], True
                return record
            if self.ended or self._lost:
                return self._over()
            if self._connection.pump(0):         # first what is here already: we may have been away ourselves
                continue
            now = time.monotonic()
            if now - self._heard > self._silence_s:
                self._lost = "heartbeats are missing"
            elif deadline is not None and now >= deadline:
                return None
            else:
                self._connection.pump(self._wait(now, deadline))

    def _wait(self, now, deadline):
        wait = min(self._heard + self._silence_s - now, self._said + self._alive_s - now)
        return max(wait if deadline is None else min(wait, deadline - now), 0.001)

    def _over(self):
        self.close()
        if self._lost:
            raise StreamLost(self._lost, self.after, self.hash)
        return None

    def __iter__(self):
        return self

    def __next__(self):
        record = self.next_record()
        if record is None:
            raise StopIteration
        return record

    def reopen(self):
        """A new stream from the last record handed out."""
        self.close()
        return Stream(self._front, self.site, self.after, self.hash, self._live, self._step * 2,
                      None if self.hash else self.epoch)

    def close(self):
        """Ends the stream. (LINGER 0 may lose the cancel; the daemon's credit time-out does the rest.)"""
        if not self._connection.socket.closed:
            if not (self.ended or self._lost):
                self._connection.socket.send(encode({"v": VERSION, "op": "cancel", "stream": self._id}), zmq.DONTWAIT)
            self._connection.close()


class Front(Connection):
    """The front socket: what a web server needs."""

    def submit(self, events):
        """Hands in comments; one result per event. Long lists are cut into several requests. After an exception
        repeat the whole call: what was stored already answers `duplicate`."""
        results = []
        for part in batches(events, self.limits()):
            results += self.call("submit", comments=part)["results"]
        return results

    def withdraw(self, site, comment):
        return self.call("withdraw", site=site, comment=comment)

    def report(self, site, comment, reader, reason=None, note=None, at=None):
        return self.call("report", site=site, comment=comment, reader=reader, reason=reason, note=note, at=at)

    def article(self, site, article, closed=None, front_page=None):
        return self.call("article", site=site, article=article, closed=closed, front_page=front_page)

    def confirm(self, site, listener, seq):
        return self.call("confirm", site=site, listener=listener, seq=seq)

    def stream(self, site, after=0, hash=None, live=True, credit=500, epoch=None):
        """Records after number `after`. ModqError `diverged`: start anew from 0."""
        return Stream(self, site, after, hash, live, credit, epoch)

    def replay(self, site, after=0, hash=None):
        """All records after a number, as a list."""
        return list(self.stream(site, after, hash, live=False))


class Push:
    """The push socket: no answers. Raises zmq.Again when the daemon has not taken anything in for timeout_s."""

    def __init__(self, endpoint, timeout_s=5.0, linger_s=1.0, key=None):
        self.socket = open_socket(zmq.PUSH, endpoint, int(linger_s * 1000), timeout_s, key)

    def send(self, op, **fields):
        self.socket.send(encode({"v": VERSION, "op": op, **fields}))

    def close(self):
        self.socket.close()


class Decisions:
    """The decisions socket for one site: `record` and `heartbeat` maps. Lossy: compare seq and newest. After a
    silence of some heartbeats reopen()."""

    def __init__(self, endpoint, site, key=None):
        self.endpoint, self.site, self.key = endpoint, site, key
        self._open()

    def _open(self):
        self.socket = open_socket(zmq.SUB, self.endpoint, key=self.key)
        self.socket.setsockopt(zmq.SUBSCRIBE, self.site.encode() + b"/")

    def reopen(self):
        self.socket.close()
        self._open()

    def receive(self, timeout=None):
        """Topic and map, or None."""
        if not self.socket.poll(None if timeout is None else int(timeout * 1000)):
            return None
        topic, body = self.socket.recv_multipart()
        return topic, decode(body)

    def close(self):
        self.socket.close()


class Desk(Connection):
    """The desk socket. A changing method draws its operation id once and keeps it over its own repeats; to repeat
    a wish after RequestTimeout call it again, same arguments, with operation=exception.operation."""

    def __init__(self, endpoint, timeout_s=5.0, attempts=3, as_=None, key=None):
        super().__init__(endpoint, timeout_s, attempts, key)
        self.as_ = as_

    def send(self, op, **fields):
        return super().send(op, **{"as_": self.as_, **fields})

    def change(self, op, operation=None, **fields):
        return self.call(op, operation=operation or secrets.token_bytes(16), **fields)

    def list(self, site=None, lane=None, limit=None, after=None, **filters):
        return self.call("list", site=site, lane=lane, limit=limit, after=after, **filters)

    def search(self, text, **fields):
        """One page: cards in `comments`, where their texts match in `matches`."""
        return self.call("search", text=text, **fields)

    def claim(self, site=None, lane=None, limit=None, comments=None, lease_ms=None, operation=None):
        """The next ones of the queue, or the named `comments`."""
        return self.change("claim", operation, site=site, lane=lane, limit=limit, comments=comments, lease_ms=lease_ms)

    def renew(self, comments=None, lease_ms=None, operation=None):
        return self.change("renew", operation, comments=comments, lease_ms=lease_ms)["results"]

    def release(self, comments=None, operation=None):
        return self.change("release", operation, comments=comments)["results"]

    def skip(self, comments, for_ms=None, operation=None):
        """Leaves them to others for a while."""
        return self.change("skip", operation, comments=comments, for_ms=for_ms)["results"]

    def show(self, site, comment):
        return self.call("show", site=site, comment=comment)

    def approve(self, comments, supersede=None, note=None, operation=None, batch=None):
        return self.change("approve", operation, comments=comments, supersede=supersede, note=note,
                           batch=batch)["results"]

    def reject(self, comments, reasons, note=None, supersede=None, operation=None, batch=None):
        return self.change("reject", operation, comments=comments, supersede=supersede, reasons=reasons, note=note,
                           batch=batch)["results"]

    def undo(self, records, operation=None, batch=None):
        return self.change("undo", operation, records=records, batch=batch)["results"]

    def escalate(self, comments, note=None, operation=None, batch=None):
        return self.change("escalate", operation, comments=comments, note=note, batch=batch)["results"]

    def batch(self, batch, after=None, limit=None):
        """What was done under one id of 16 bytes."""
        return self.call("batch", batch=batch, after=after, limit=limit)

    def erase(self, comments, operation=None):
        return self.change("erase", operation, comments=comments)["results"]

    def note(self, site, comment, note, operation=None):
        return self.change("note", operation, site=site, comment=comment, note=note)

    def author(self, site, author, limit=None, before=None):
        return self.call("author", site=site, author=author, limit=limit, before=before)

    def author_mark(self, site, author, mark, note=None, until=None, operation=None):
        return self.change("author_mark", operation, site=site, author=author, mark=mark, note=note, until=until)

    def author_note(self, site, author, note, operation=None):
        return self.change("author_note", operation, site=site, author=author, note=note)

    def author_erase(self, site, author, operation=None):
        return self.change("author_erase", operation, site=site, author=author)

    def history(self, site, comment, limit=None, before=None):
        return self.call("history", site=site, comment=comment, limit=limit, before=before)

    def stats(self):
        return self.call("stats")

    def facts(self, after=None, since=None, until=None, site=None, limit=None):
        """One page: facts (lists, as PROTOCOL.md has them), sites, pending, next."""
        return self.call("facts", after=after, since=since, until=until, site=site, limit=limit)

    # For administrators. Keys are bin on the wire, and so they are here: 32 bytes, not Z85.

    def key_add(self, name, role, public_key=None, uid=None, sites=None, rights=None, expires_at=None, operation=None):
        return self.change("key_add", operation, name=name, role=role, public_key=public_key, uid=uid, sites=sites,
                           rights=rights, expires_at=expires_at)

    def key_list(self, all=None, after=None):
        return self.call("key_list", all=all, after=after)

    def key_revoke(self, name=None, key=None, operation=None):
        return self.change("key_revoke", operation, name=name, key=key)["keys"]

    def key_rotate(self, name, public_key, overlap_ms=None, operation=None):
        return self.change("key_rotate", operation, name=name, public_key=public_key, overlap_ms=overlap_ms)

    def reload(self, operation=None):
        """Names of the settings that differ and wait for a restart."""
        return self.change("reload", operation)["restart"]

    def audit(self, before=None, limit=None, site=None, actor=None, key=None, kind=None, since=None, until=None):
        return self.call("audit", before=before, limit=limit, site=site, actor=actor, key=key, kind=kind, since=since,
                         until=until)

    def verify(self, after=None, hash=None, limit=None):
        return self.call("verify", after=after, hash=hash, limit=limit)

    def fsck(self, state=None, limit=None):
        return self.call("fsck", state=state, limit=limit)
