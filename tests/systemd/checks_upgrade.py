"""From one version of the package to the next."""
import os

from checks_install import OLDEST
from client import Client, Load
from system import (SERVICE, SOCKETS, TREE, Skip, built, install, is_running, main_pid, modq, said, systemctl, unpack_database,
                    until, version_of)

OLDER = "0.1.9"
FIXTURE = os.path.join(TREE, "tests/data/version-1.db.gz")


def _installed():
    return said("dpkg-query", "--show", "--showformat", "${Version}", "modqd")


def a_database_of_the_previous_release_is_taken_over_by_an_upgrade():
    assert _installed() == OLDEST
    systemctl("stop", *SOCKETS, SERVICE)
    if os.path.exists(FIXTURE):
        unpack_database(FIXTURE)
    install(OLDER)
    assert _installed() == OLDER
    until(is_running, "the service runs")
    if not os.path.exists(FIXTURE):
        raise Skip("there is no such database")
    assert modq("audit", "verify").returncode == 0
    return f"{len(modq('queue', '--json', '--limit', '500').stdout.splitlines())} comments wait in it"


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
