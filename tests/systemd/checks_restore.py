"""A backup, and going back to it, by the commands of the documentation."""
import os
import re

from client import Client
from system import SERVICE, SOCKETS, TREE, is_running, modq, read, run, submit, systemctl

BACKUP = "/root/backup.db"


def _documented(first_words):
    """The command of docs/operations.md that begins so, with our file."""
    text = read(os.path.join(TREE, "docs/operations.md"))
    return re.search(rf"(?:`|^    )({re.escape(first_words)}.*?)(?:`|$)", text, flags=re.M)[1].replace("FILE", BACKUP)


def _epoch():
    client = Client()
    epoch = client.ask("hello")["epoch"]
    client.close()
    return epoch


def a_backup_is_gone_back_to_by_the_documented_commands():
    submit("restore", "before")
    run("sh", "-c", _documented("umask 077; sqlite3"))
    assert os.stat(BACKUP).st_mode & 0o077 == 0
    submit("restore", "after")
    epoch = _epoch()
    systemctl("stop", *SOCKETS, SERVICE)
    for words in ("rm -f /var/lib/modqd/modqd.db-wal", "install -o modqd", "runuser -u modqd", "systemctl start modqd"):
        run("sh", "-c", _documented(words))
    assert is_running() and _epoch() != epoch
    waiting = modq("queue", "--site", "restore").stdout
    assert "restore/before" in waiting and "restore/after" not in waiting, waiting
