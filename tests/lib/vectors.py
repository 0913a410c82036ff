"""proto/vectors as they stand there, and how a decoded value is written in them: bytes are {"$bin": "hex"}."""
import json
import os

from daemon import ROOT

FOLDER = os.path.join(ROOT, "proto/vectors")


def load(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return json.load(file)


def plain(value):
    """A decoded value as it stands in the vectors."""
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def packable(value):
    """The other way."""
    if isinstance(value, dict):
        if set(value) == {"$bin"}:
            return bytes.fromhex(value["$bin"])
        return {key: packable(item) for key, item in value.items()}
    return [packable(item) for item in value] if isinstance(value, list) else value


def differences(wanted, got, path=""):
    """Where a reply lacks what is wanted; keys that are not wanted do not matter."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return [d for key, item in wanted.items()
                for d in (differences(item, got[key], f"{path}.{key}")
                          if key in got else [f"{path}.{key} is not there"])]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [d for i, (a, b) in enumerate(zip(wanted, got)) for d in differences(a, b, f"{path}[{i}]")]
    same = wanted == got and type(wanted) is type(got)
    return [] if same else [f"{path} is {got!r:.80} instead of {wanted!r:.80}"]


def changes(reply):
    """Whether a reply says that the database is not empty now."""
    return reply.get("ok") and ("status" in reply or any("error" not in r for r in reply.get("results") or []))
