"""From one version of the package to the next.

Version 0.1.0 had no package and no units: what is left of it is its database, and a server that it ran on is given the
first package and that database. Older packages are this one under a lower version, so that dpkg and the maintainer
scripts do what they do in an upgrade; the programs in them are the same.
"""
import os
import sqlite3

from checks_install import OLDEST
from client import Client, Load
from system import (SERVICE, SOCKETS, STATE, TREE, built, install, is_running, main_pid, modq, said, systemctl,
                    unpack_database, until, version_of)

OLDER = "0.1.9"
FIXTURE = os.path.join(TREE, "tests/data/version-1.db.gz")


def _installed():
    return said("dpkg-query", "--show", "--showformat", "${Version}", "modqd")


def _ask(sql):
    with sqlite3.connect(f"{STATE}/modqd.db") as database:
        return database.execute(sql).fetchone()[0]


def _waiting():
    return modq("queue", "--json", "--limit", "500").stdout.splitlines()


def a_database_of_version_0_1_0_is_taken_over_by_an_upgrade():
    assert _installed() == OLDEST
    systemctl("stop", *SOCKETS, SERVICE)
    unpack_database(FIXTURE)
    schema, pending = _ask("PRAGMA user_version"), _ask("SELECT count(*) FROM comment WHERE state = 1 AND lane = 0")
    install(OLDER)
    assert _installed() == OLDER
    until(is_running, "the service runs")
    assert schema == 1 and _ask("PRAGMA user_version") > 1, schema
    modq("audit", "verify")
    assert len(_waiting()) == pending > 0, (len(_waiting()), pending)
    return f"{pending} comments wait in it"


def an_instance_goes_over_to_the_new_version_too():
    pid = main_pid("modqd@second.service")
    install(OLDER)
    assert main_pid("modqd@second.service") not in (0, pid) and is_running("modqd@second.service")
    systemctl("stop", "modqd@second.socket", "modqd-desk@second.socket", "modqd@second.service")


def clients_go_on_through_an_upgrade():
    with open("/etc/modqd/modqd.conf", "a") as file:
        file.write("# changed here\n")
    sockets = [said("stat", "--format", "%i", f"/run/modqd/{name}.sock") for name in ("front", "desk")]
    with Load("upgrade", [None] * 4, rate=50) as load:
        until(lambda: Client().ask("hello"), "the daemon answers")
        pid = main_pid()
        install()
        until(is_running, "the service runs")
        assert main_pid() != pid
    assert _installed() == version_of(built("modqd"))
    assert "# changed here" in open("/etc/modqd/modqd.conf").read()
    assert sockets == [said("stat", "--format", "%i", f"/run/modqd/{name}.sock") for name in ("front", "desk")]
    return load.check()
