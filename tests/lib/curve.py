"""CURVE spoken by hand (rfc.zeromq.org/spec/26): a peer with a key that says whatever it likes after the handshake, too."""
import ctypes
import os

import keys
from hostile import RawPeer, frame, greeting

_sodium = ctypes.CDLL("libsodium.so.23")          # what libzmq uses
MAC_BYTES = 16


def pair():
    """A public and a secret key."""
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    _sodium.crypto_box_keypair(public, secret)
    return public.raw, secret.raw


def seal(data, nonce, to, secret):
    box = ctypes.create_string_buffer(len(data) + MAC_BYTES)
    if _sodium.crypto_box_easy(box, data, ctypes.c_ulonglong(len(data)), nonce, to, secret) != 0:
        raise ValueError("no box can be made for this key")
    return box.raw


def unseal(box, nonce, of, secret):
    data = ctypes.create_string_buffer(len(box))
    if _sodium.crypto_box_open_easy(data, box, ctypes.c_ulonglong(len(box)), nonce, of, secret) != 0:
        raise ValueError("the box cannot be opened")
    return data.raw[:len(box) - MAC_BYTES]


def properties(**named):
    """Metadata; values are bytes, `_` in a name stands for `-`."""
    return b"".join(bytes([len(name)]) + name.replace("_", "-").encode() + len(value).to_bytes(4, "big") + value
                    for name, value in named.items())


def hello(server, short=None):
    """The first command, as good as a client's; `server` is the daemon's public key in Z85."""
    public, secret = short or pair()
    number = (1).to_bytes(8, "big")
    box = seal(bytes(64), b"CurveZMQHELLO---" + number, keys.to_bin(server), secret)
    return frame(b"\x05HELLO\x01\x00" + bytes(72) + public + number + box, command=True)


class CurvePeer(RawPeer):
    """Owner of a key (modq.Key), whose handshake is over when it is made. EOFError when the daemon let it not in."""

    def __init__(self, endpoint, key, kind="DEALER", timeout=10.0, **forged):
        super().__init__(endpoint, timeout)
        self.key, self.server = key, keys.to_bin(key.server)
        self.short = pair()
        self.sent = 2                       # numbers of boxes; HELLO's was 1
        self.send(greeting(b"CURVE") + hello(key.server, self.short))
        self.receive_greeting()
        self.take_welcome(self.receive_frame()[1])
        self.initiate(properties(Socket_Type=kind.encode(), **forged))
        flags, ready = self.receive_frame()
        if not ready.startswith(b"\x05READY"):
            raise EOFError(f"{flags} {ready[:20]!r}")

    def take_welcome(self, welcome):
        assert welcome.startswith(b"\x07WELCOME"), welcome[:20]
        inside = unseal(welcome[24:], b"WELCOME-" + welcome[8:24], self.server, self.short[1])
        self.server_short, self.cookie = inside[:32], inside[32:]

    def initiate(self, metadata):
        vouch_nonce = os.urandom(16)
        secret = keys.to_bin(self.key.secret)
        vouch = seal(self.short[0] + self.server, b"VOUCH---" + vouch_nonce, self.server_short, secret)
        number = self.next_number()
        inside = keys.to_bin(self.key.public) + vouch_nonce + vouch + metadata
        box = seal(inside, b"CurveZMQINITIATE" + number, self.server_short, self.short[1])
        self.send(frame(b"\x08INITIATE" + self.cookie + number + box, command=True))

    def next_number(self):
        self.sent += 1
        return self.sent.to_bytes(8, "big")

    def sealed(self, data, more=False, command=False):
        """One frame of a message, as it goes over the wire."""
        number = self.next_number()
        flags = (1 if more else 0) | (2 if command else 0)
        box = seal(bytes([flags]) + data, b"CurveZMQMESSAGEC" + number, self.server_short, self.short[1])
        return frame(b"\x07MESSAGE" + number + box)

    def message(self, *frames):
        self.send(b"".join(self.sealed(part, more=number + 1 < len(frames)) for number, part in enumerate(frames)))

    def receive_sealed(self):
        """Flags and data of the next frame."""
        flags, data = self.receive_frame()
        assert data.startswith(b"\x07MESSAGE"), (flags, data[:20])
        inside = unseal(data[16:], b"CurveZMQMESSAGES" + data[8:16], self.server_short, self.short[1])
        return inside[0], inside[1:]
