"""The comments of a directory of *.jsonl files, as whoever wrote them knows them."""
import glob
import hashlib
import json
import os


def files(directory):
    return sorted(glob.glob(os.path.join(directory, "*.jsonl")))


def lines(directory):
    """Each line's map."""
    for path in files(directory):
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    yield json.loads(line)


def hashes(directory):
    """(site, comment) to the SHA-256 of its body."""
    return {(line["site"], line["id"]): hashlib.sha256(line["body"].encode()).digest() for line in lines(directory)}
