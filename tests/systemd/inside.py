"""Runs the tests inside the container, in order: each begins with what those before it left. Prints TAP.
usage: inside.py [WORD]    only the chapters whose name contains the word, after the packages were installed
"""
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checks_by_hand
import checks_install
import checks_keys
import checks_memory
import checks_purge
import checks_reload
import checks_restart
import checks_restore
import checks_upgrade
import checks_watchdog
import checks_wordpress
from system import SERVICE, Skip, journal

CHAPTERS = (checks_install, checks_upgrade, checks_keys, checks_reload, checks_restore, checks_restart, checks_watchdog, checks_memory,
            checks_wordpress, checks_purge, checks_by_hand)


def functions(chapter):
    """Its tests, in the order they are written in."""
    found = [value for name, value in vars(chapter).items()
             if callable(value) and getattr(value, "__module__", "") == chapter.__name__ and not name.startswith("_")]
    return sorted(found, key=lambda function: function.__code__.co_firstlineno)


def tests(word):
    """The functions of each chapter whose name contains the word; first the one that installs the packages."""
    chapters = [chapter for chapter in CHAPTERS if word in chapter.__name__]
    assert chapters, f"no chapter is named {word}"
    if checks_install not in chapters:
        yield functions(checks_install)[0]
    for chapter in chapters:
        yield from functions(chapter)


def comment(text):
    for line in text.rstrip().split("\n"):
        print("#   " + line.rstrip("\r"))


def main(word=""):
    failed = number = 0
    for number, function in enumerate(tests(word), 1):
        name, start = function.__name__.replace("_", " "), time.monotonic()
        try:
            told = function()
            print(f"ok {number} - {name} ({time.monotonic() - start:.1f} s{'; ' + told if told else ''})", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            comment(traceback.format_exc())
            comment(f"journal of {SERVICE}:\n{journal(SERVICE, '--lines', '40')}")
            sys.stdout.flush()
            if number == 1:
                comment("without the packages there is nothing to test")
                break
    print(f"1..{number}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
