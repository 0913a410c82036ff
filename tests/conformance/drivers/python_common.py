"""What both Python drivers have in common: lines of JSON in and out, and values in between."""
import json
import os
import sqlite3
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "clients/python"))

import modqd  # noqa: E402
from modqd import message  # noqa: E402

CAN = ["outbox", "place_file", "place_sql", "push", "key", "vectors", "exchange", "stream", "recorded", "retry_refused"]


def to_json(value):
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, modqd.ModqdError):
        return error_map(value)
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def from_json(value):
    if isinstance(value, dict):
        if set(value) == {"$bin"}:
            return bytes.fromhex(value["$bin"])
        return {key: from_json(item) for key, item in value.items()}
    return [from_json(item) for item in value] if isinstance(value, list) else value


def error_map(error):
    return {"name": error.name, "number": error.number, "class": error.class_, "field": error.field,
            "message": error.message, "retry_after_ms": error.retry_after_ms, "keep": error.keep}


def key_of(request):
    return modqd.Key.load(request["key"]) if request.get("key") else None


def place_of(request):
    where = request.get("place")
    if not where:
        return None
    if "file" in where:
        return modqd.FilePlace(where["file"])
    place = modqd.SqlPlace(sqlite3.connect(where["sql"]))
    place.create()
    return place


def seconds(request, name, otherwise):
    return otherwise if request.get(name) is None else request[name] / 1000


def front_options(request):
    return {"key": key_of(request), "timeout": seconds(request, "timeout_ms", 5.0),
            "attempt": seconds(request, "attempt_ms", 2.0)}


def stream_options(request):
    """All options but the place."""
    options = {"key": key_of(request), "live": request.get("live", True) is not False,
               "give_up": seconds(request, "give_up_ms", None)}
    if request.get("credit"):
        options["credit"] = request["credit"]
    if not request.get("place"):
        options.update(after=request.get("after") or 0, hash=request.get("hash"), epoch=request.get("epoch"))
    return options


NEEDED = {"withdraw": ("site", "comment"), "report": ("site", "comment", "reader"), "status": ("site", "comments"),
          "article": ("site", "article"), "policy": ("site",), "confirm": ("site", "listener", "seq")}


def call_arguments(op, fields):
    """Fields of a request as arguments of the method for it. What is missing is left to the client, and to the daemon."""
    fields = dict(fields)
    return tuple(fields.pop(name, None) for name in NEEDED[op]), fields


def event_answer(event):
    if event is None:
        return {"event": "none"}
    answer = {"event": event.type}
    if event.record is not None:
        answer["record"] = event.record
    if event.error is not None:
        answer["error"] = event.error
    return answer


def vectors(request):
    """`encode` and `decode`."""
    if request["do"] == "encode":
        return {"hex": message.pack(request["value"]).hex()}
    return {"value": message.unpack(bytes.fromhex(request["hex"]))}


def read(line):
    return from_json(json.loads(line))


def say(answer):
    sys.stdout.write(json.dumps(to_json(answer)) + "\n")
    sys.stdout.flush()


def trouble(error):
    """The answer when an exception came: one of the client, or that the request is none."""
    if not isinstance(error, modqd.ModqdError):
        error = modqd.errors.own_error("client_bad_argument", f"{type(error).__name__}: {error}")
    return {"ok": False, "error": error}
