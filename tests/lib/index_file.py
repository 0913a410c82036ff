"""DIR/search.db as anybody can read it: which texts a trigram is said to be in. Written from daemon/search/*.h."""
import os
import shutil
import sqlite3
import tempfile

GRAM_BITS, SPAN = 21, 2048
MIX, MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1


def grams(folded):
    """Numbers of the trigrams of a text that is folded already."""
    return {((ord(a) << 42 | ord(b) << 21 | ord(c)) * MIX & MASK) >> (64 - GRAM_BITS)
            for a, b, c in zip(folded, folded[1:], folded[2:])}


def _number(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def unpack(packed):
    """Offsets of a Rice-coded list."""
    bits = "".join(f"{byte:08b}" for byte in packed)
    k, at, following, offsets = int(bits[:4], 2), 4, 0, []
    while "0" in bits[at:]:
        zero = bits.index("0", at)
        rest = bits[zero + 1:zero + 1 + k]
        following += (zero - at << k) + (int(rest, 2) if k else 0) + 1
        offsets.append(following - 1)
        at = zero + 1 + k
    return offsets


def lists(first, data):
    """{trigram: packed list} of a chunk."""
    found, at = {}, 0
    while at < len(data):
        distance, at = _number(data, at)
        length, at = _number(data, at)
        first += distance
        found[first] = data[at:at + length]
        at += length
    return found


class IndexFile:
    """A copy of the index, taken while the daemon works: `blocks` are (first, last, stale)."""

    def __init__(self, directory):
        work = tempfile.mkdtemp(prefix="mq-index-")
        try:
            for end in ("", "-wal"):
                if os.path.exists(f"{directory}/search.db{end}"):
                    shutil.copy(f"{directory}/search.db{end}", work)
            db = sqlite3.connect(f"{work}/search.db")
            self.blocks = db.execute("SELECT first, last, stale FROM block ORDER BY first").fetchall()
            self.chunks = db.execute("SELECT key, lists FROM chunk ORDER BY key").fetchall()
            db.close()
        finally:
            shutil.rmtree(work)

    def texts(self, word):
        """Numbers of the texts that have every trigram of a folded word; None when a trigram of it is in none."""
        wanted, found = grams(word), {}
        for key, data in self.chunks:
            first = key >> GRAM_BITS
            for gram, packed in lists(key & ((1 << GRAM_BITS) - 1), data).items():
                if gram in wanted:
                    found.setdefault(gram, set()).update(first + offset for offset in unpack(packed))
        return set.intersection(*found.values()) if set(found) == wanted else None


def read(directory):
    """None while there is none that can be read: a copy may be torn."""
    try:
        return IndexFile(directory)
    except (sqlite3.Error, FileNotFoundError, IndexError):
        return None


def raw(directory):
    """Every byte of the files."""
    data = b""
    for end in ("", "-wal", "-shm", "-journal"):
        try:
            with open(f"{directory}/search.db{end}", "rb") as file:
                data += file.read()
        except FileNotFoundError:
            pass
    return data
