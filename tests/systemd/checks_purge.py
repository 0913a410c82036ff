"""The end of it."""
import glob
import os

from system import PACKAGES, SERVICE, SOCKETS, run, said, show

LEFT_BEHIND = ("/etc", "/lib/systemd", "/usr", "/var/lib", "/run", "/var/cache")


def removing_stops_everything_and_keeps_the_data():
    run("dpkg", "--remove", "modqd", "modq")
    assert not said("pgrep", "--exact", "modqd", check=False)
    for unit in (SERVICE, *SOCKETS):
        assert show("ActiveState", unit) != "active", unit
    assert os.path.exists("/var/lib/modqd/modqd.db") and os.path.exists("/etc/modqd/modqd.conf")
    assert not glob.glob("/run/modqd*")


def purging_leaves_nothing_but_what_is_told():
    done = run("dpkg", "--purge", *PACKAGES)
    told = done.stdout + done.stderr
    for root in LEFT_BEHIND:
        for path in said("find", root, "-xdev", "-name", "*modq*", "-not", "-path", "/var/lib/dpkg/*").splitlines():
            known = [path[:end] for end in range(len(path) + 1) if path[end:end + 1] in ("", "/")]
            assert any(f" {part} " in told.replace("\n", " ") + " " for part in known), f"{path} is left and not told:\n{told}"
    assert os.path.exists("/var/lib/modqd/modqd.db"), "the comments are gone"
    for word in ("user modqd", "modqd-front", "modqd-desk"):
        assert word in told, told
