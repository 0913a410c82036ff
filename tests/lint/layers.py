#!/usr/bin/python3
"""Includes point one way only: who may include what.

usage: tests/lint/layers.py [--self-test] [ROOT]

Prints each include that goes against the table, and exits with 1 when there is one.
"""
import os
import pathlib
import re
import sys
import tempfile

# Files of the project (the first line that fits counts), and which headers of the project they may include.
PROJECT = [
    ("proto/*", ["proto/*"]),
    ("daemon/core/*", ["daemon/core/*", "proto/*"]),
    ("daemon/store/*", ["daemon/store/*", "daemon/core/*", "proto/*"]),
    ("daemon/policy/*", ["daemon/policy/*", "daemon/confuse_text.h", "proto/*"]),
    ("daemon/search/*", ["daemon/search/*", "daemon/store/*", "daemon/core/*", "proto/*"]),
    ("daemon/work/*", ["daemon/work/*", "daemon/policy/*", "daemon/search/*", "daemon/store/*", "daemon/core/*", "proto/*"]),
    ("daemon/net/*", ["daemon/net/*", "daemon/work/*", "daemon/policy/*", "daemon/search/*", "daemon/store/*", "daemon/core/*", "proto/*",
                      "daemon/clock.h", "daemon/log.h"]),
    ("daemon/metrics/*", ["daemon/metrics/*", "daemon/work/*", "daemon/store/*", "daemon/core/*", "proto/*",
                          "daemon/clock.h", "daemon/log.h"]),
    ("daemon/*", ["daemon/*", "daemon/*/*", "proto/*"]),
    ("clients/c/modq.h", []),  # installed: it stands alone
    ("clients/c/*", ["clients/c/*", "proto/*"]),
    # of proto, text alone: modq knows the wire through libmodq only
    ("clients/cli/*", ["clients/cli/*", "clients/c/modq.h", "proto/slice.h", "proto/utf8.h"]),
    ("clients/cli/review/*", ["clients/cli/review/*", "clients/cli/*", "clients/c/modq.h", "proto/slice.h", "proto/utf8.h"]),
]

# Headers of libraries, and the only files that may include them.
LIBRARIES = [
    ("zmq.h", ["daemon/net/bus.c", "daemon/net/gate.c", "daemon/net/relay.c", "daemon/net/zap.c",
               "daemon/net/server_key.c", "daemon/net/watch.c", "daemon/net/loop.c", "clients/c/*"]),
    ("sqlite3.h", ["daemon/store/*", "daemon/search/index.c", "clients/c/store.c", "clients/c/store.h"]),
    ("utf8proc.h", ["daemon/search/fold.c", "clients/cli/*", "clients/cli/review/*"]),
    ("microhttpd.h", ["daemon/metrics/server.c"]),
    ("curses.h", ["clients/cli/review/screen.c"]),
    ("fribidi/fribidi.h", ["clients/cli/review/bidi.c"]),
]

INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')


def fits(path, patterns):
    parts = pathlib.PurePosixPath(path)
    return any(len(parts.parts) == pattern.count("/") + 1 and parts.match(pattern) for pattern in patterns)


def allowed_for(path):
    return next((headers for files, headers in PROJECT if fits(path, [files])), None)


def resolve(root, path, name, quoted):
    """The project's file that an include means, None when it is a library's, or "" when it is nowhere."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
    for candidate in ([beside] if quoted else []) + [os.path.normpath(name)]:
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return "" if quoted else None


def judge(root, path, name, quoted):
    """What is wrong with one include, or None."""
    target = resolve(root, path, name, quoted)
    if target == "":
        return f'"{name}" is not there'
    if target is None:
        users = next((users for header, users in LIBRARIES if header == name), None)
        return f"<{name}> belongs to {', '.join(users)} alone" if users and not fits(path, users) else None
    allowed = allowed_for(path)
    if fits(target, allowed) and not (target == path):
        return None
    return f"{target} must not be included here; allowed: {', '.join(allowed) or 'nothing of the project'}"


def sources(root):
    for top in ("proto", "daemon", "clients"):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                if name.endswith((".c", ".h")) and allowed_for(path) is not None:
                    yield path


def check(root):
    complaints = []
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                found = INCLUDE.match(line)
                wrong = judge(root, path, found[2], found[1] == '"') if found else None
                if wrong:
                    complaints.append(f"{path}:{number}: {wrong}")
    return complaints


# A tree in which only the last column is forbidden.
GOOD = {
    "proto/a.h": "", "daemon/core/b.h": '#include "../../proto/a.h"', "daemon/store/s.c": "#include <sqlite3.h>",
    "daemon/clock.h": "", "daemon/confuse_text.h": "", "daemon/policy/p.c": '#include "../confuse_text.h"',
    "daemon/work/w.h": '#include "../core/b.h"', "daemon/net/bus.c": '#include <zmq.h>\n#include "../clock.h"',
    "daemon/metrics/m.h": "", "daemon/metrics/m.c": '#include "../clock.h"\n#include "../work/w.h"',
    "daemon/metrics/server.c": "#include <microhttpd.h>",
    "daemon/main.c": '#include "net/n.h"', "daemon/net/n.h": '#include "../work/w.h"', "clients/c/modq.h": "#include <stdio.h>",
    "clients/c/c.c": '#include <zmq.h>\n#include "modq.h"\n#include "../../proto/a.h"',
    "clients/cli/m.c": '#include "clients/c/modq.h"',
}
BAD = [
    ("proto/x.c", '#include "../daemon/core/b.h"'), ("daemon/core/x.c", '#include "../work/w.h"'),
    ("daemon/store/x.c", '#include "../work/w.h"'), ("daemon/policy/x.c", '#include "../core/b.h"'),
    ("daemon/search/x.c", '#include "../work/w.h"'), ("daemon/search/x.c", "#include <sqlite3.h>"),
    ("daemon/work/x.c", '#include "../net/n.h"'), ("daemon/work/x.c", '#include "../clock.h"'),
    ("daemon/net/x.c", '#include "../confuse_text.h"'), ("daemon/net/x.c", "#include <zmq.h>"),
    ("daemon/metrics/x.c", '#include "../net/n.h"'), ("daemon/net/x.c", '#include "../metrics/m.h"'),
    ("daemon/metrics/x.c", "#include <microhttpd.h>"), ("daemon/work/x.c", "#include <sqlite3.h>"),
    ("daemon/x.c", '#include "../clients/c/modq.h"'),
    ("clients/c/x.c", '#include "../../daemon/core/b.h"'), ("clients/c/modq.h", '#include "../../proto/a.h"'),
    ("clients/cli/x.c", '#include "../../proto/a.h"'), ("clients/cli/x.c", "#include <proto/a.h>"),
    ("clients/cli/x.c", "#include <zmq.h>"), ("clients/cli/x.c", '  #  include "daemon/work/w.h"'),
    ("proto/x.c", '#include "nowhere.h"'),
]


def write(root, path, text):
    os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
    with open(os.path.join(root, path), "w", encoding="utf-8") as file:
        file.write(text + "\n")


def self_test():
    """Each forbidden include is found, in a tree that is otherwise good."""
    failures = []
    for case in [None] + BAD:
        with tempfile.TemporaryDirectory() as root:
            for path, text in list(GOOD.items()) + ([case] if case else []):
                write(root, path, text)
            found = check(root)
        expected = 1 if case else 0
        if len(found) != expected:
            failures.append(f"{case}: {len(found)} complaints instead of {expected}: {found}")
    return failures


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--self-test"]:
        complaints = self_test()
    else:
        complaints = check(arguments[0] if arguments else os.getcwd())
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
