"""Keys for tests: pairs of CURVE, their files, and users of the system who come over ipc."""
import os

import msgpack
import zmq
from zmq.utils import z85

from modq import Key

NOBODY = 65534            # a user that has nothing to do with the daemon


def make(server=None, **metadata):
    """A new pair that nobody knows yet; `server` is the daemon's public key."""
    public, secret = zmq.curve_keypair()
    return Key(public, secret, server, **metadata)


def to_bin(text):
    """The 32 bytes of a key's Z85 text, as they go over the wire."""
    return z85.decode(text)


def to_text(data):
    return z85.encode(data)


def write(path, key, mode=0o600):
    """A key file, as `modq key new` makes it."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), mode)
        metadata = {**key.metadata, "server-key": key.server.decode()}
        file.write(f'#   modqd key "{metadata.get("name", "")}"; keep this file secret (mode 0600)\nmetadata\n')
        file.writelines(f'    {name} = "{value}"\n' for name, value in metadata.items())
        file.write(f'curve\n    public-key = "{key.public.decode()}"\n    secret-key = "{key.secret.decode()}"\n')


def as_user(uid, gid, groups, talk):
    """What talk() returns (anything that MessagePack can hold), called in a process of another user. For root only."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setgid(gid)
            os.setuid(uid)
            zmq.Context._instance = None             # the parent's threads are not here
            answer = {"answer": talk()}
        except BaseException as error:
            answer = {"trouble": f"{type(error).__name__}: {error}"}
        os.write(writing, msgpack.packb(answer))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = msgpack.unpackb(pipe.read())
    os.waitpid(child, 0)
    if "trouble" in answer:
        raise AssertionError(f"as user {uid}: {answer['trouble']}")
    return answer["answer"]
