"""`make install` without a package, as the documentation says; after the packages are gone."""
import glob
import os

from system import DEBS, SERVICE, SOCKETS, is_running, modq, run, said, show, submit, systemctl

PREFIX = "/usr/local"


def _make(target):
    """With the programs that were built for the packages: the tree here cannot be written to."""
    tree, = glob.glob(os.path.join(DEBS, "modqd-*/"))
    run("cp", "--archive", tree, "/tmp/by-hand")
    run("make", "--directory", "/tmp/by-hand", target)
    run("rm", "--recursive", "/tmp/by-hand")


def _remove_what_purging_left():
    """But the comments."""
    for path in ("/etc/modqd", *glob.glob("/etc/systemd/system/modqd*")):
        run("rm", "--recursive", "--force", path)


def an_installation_by_make_becomes_a_working_service():
    _remove_what_purging_left()
    _make("install")
    run("systemd-sysusers")
    run("systemd-tmpfiles", "--create")
    run("journalctl", "--update-catalog")
    systemctl("daemon-reload")
    systemctl("enable", "--now", *SOCKETS, SERVICE)
    assert is_running() and said("readlink", f"/proc/{show('MainPID')}/exe") == f"{PREFIX}/sbin/modqd"
    submit("by-hand", "1")
    assert "by-hand/1" in modq("queue", "--site", "by-hand").stdout
    systemctl("reload", SERVICE)


def uninstalling_by_make_leaves_the_configuration_and_the_comments():
    systemctl("disable", "--now", *SOCKETS, SERVICE)
    _make("uninstall")
    left = said("find", PREFIX, "-name", "*modq*").splitlines()
    assert left == [f"{PREFIX}/etc/modqd", f"{PREFIX}/etc/modqd/modqd.conf"], left
    assert os.path.exists("/var/lib/modqd/modqd.db")
