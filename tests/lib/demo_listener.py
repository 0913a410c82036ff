#!/usr/bin/python3
"""A front end that may be killed at any moment: follows sites and keeps what it received, and its place, in SQLite.

usage: demo_listener.py ENDPOINT DATABASE CORPORA SITE...

Each record and the place after it are one transaction. On SIGTERM it ends.
"""
import signal
import sqlite3
import sys

import zmq

import demo_lines
from modq import Front, StreamLost

SCHEMA = """
    CREATE TABLE IF NOT EXISTS place (site TEXT PRIMARY KEY, seq INTEGER, chain BLOB);
    CREATE TABLE IF NOT EXISTS received (site TEXT, seq INTEGER, comment TEXT, decision TEXT, equal INTEGER,
                                         start INTEGER, PRIMARY KEY (site, seq)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS start (number INTEGER PRIMARY KEY);
"""
AT_ONCE = 500              # records in one transaction at most

stopping = False


def stop(*_):
    global stopping
    stopping = True


class Listener:
    def __init__(self, endpoint, database, corpora, sites):
        self.database = sqlite3.connect(database, isolation_level=None)
        self.database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + SCHEMA)
        self.start = self.database.execute("INSERT INTO start DEFAULT VALUES").lastrowid
        self.hashes = demo_lines.hashes(corpora)
        self.front = Front(endpoint)
        self.streams = {site: self.open(site) for site in sites}

    def open(self, site):
        """A stream from the place that is in the database."""
        place = self.database.execute("SELECT seq, chain FROM place WHERE site = ?", (site,)).fetchone() or (0, None)
        return self.front.stream(site, after=place[0], hash=place[1])

    def run(self):
        while not stopping:
            poller = zmq.Poller()
            for stream in self.streams.values():
                poller.register(stream.socket, zmq.POLLIN)
            poller.poll(200)
            for site in self.streams:
                self.take(site)
        for stream in self.streams.values():
            stream.close()
        self.front.close()

    def take(self, site):
        stream, records = self.streams[site], []
        try:
            while len(records) < AT_ONCE and (record := stream.next_record(0)):
                records.append(record)
        except StreamLost:
            self.streams[site] = None
        if records:
            self.keep(site, records)
        if not self.streams[site]:
            self.streams[site] = self.open(site)

    def keep(self, site, records):
        rows = [(site, r["seq"], r["comment"], r["decision"],
                 r["body_sha256"] == self.hashes.get((site, r["comment"])), self.start) for r in records]
        last = records[-1]
        self.database.execute("BEGIN IMMEDIATE")
        self.database.executemany("INSERT INTO received VALUES (?, ?, ?, ?, ?, ?)", rows)
        self.database.execute("INSERT OR REPLACE INTO place VALUES (?, ?, ?)", (site, last["seq"], last["chain"]))
        self.database.execute("COMMIT")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    Listener(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]).run()
