"""Clients elsewhere: CURVE over TCP sockets that systemd made."""
import os
import re
import subprocess
import time

from client import Client, Key, Refused
from system import (CONFIG, SERVICE, SOCKETS, back_after, is_running, journal_cursor, journal_since, main_pid, modq, read, run, said, show,
                    submit, systemctl, write)

ADDRESS = "192.0.2.1"      # not loopback; the container's own
FRONT, DESK, METRICS = f"tcp://{ADDRESS}:5590", f"tcp://{ADDRESS}:5591", "127.0.0.1:9469"
CREDENTIAL = "/etc/credstore/modqd.server.key"


def _drop_in(unit, *lines):
    write(f"/etc/systemd/system/{unit}.d/tcp.conf", "[Socket]\n" + "\n".join(lines) + "\n")


def _listen_everywhere():
    _drop_in("modqd.socket", f"ListenStream={FRONT.removeprefix('tcp://')}", "FreeBind=yes")
    _drop_in("modqd-desk.socket", f"ListenStream={DESK.removeprefix('tcp://')}", "FreeBind=yes")
    text = read(CONFIG).replace('"ipc:///run/modqd/front.sock"', f'"ipc:///run/modqd/front.sock", "{FRONT}"')
    text = text.replace('"ipc:///run/modqd/desk.sock"', f'"ipc:///run/modqd/desk.sock", "{DESK}"')
    write(CONFIG, text)
    assert _restart() == 0


def _restart():
    """As the documentation says. Returns what came of the start."""
    systemctl("daemon-reload")
    systemctl("stop", *SOCKETS, SERVICE)
    return run("systemctl", "start", SERVICE, check=False).returncode


def web_servers_elsewhere_come_over_tcp_with_a_key():
    run("ip", "address", "add", f"{ADDRESS}/24", "dev", "lo")
    _listen_everywhere()
    modq("key", "new", "news-web", "--role", "front", "--site", "news", "--file", "/root/news-web.key")
    client = Client(key=Key("/root/news-web.key"), endpoint=FRONT)
    assert client.submit("news", "1")
    try:
        client.submit("other", "1")
        raise AssertionError("a site that is not the key's took its comment")
    except Refused as refused:
        assert refused.name == "denied", refused
    client.close()


def a_connection_over_tcp_starts_a_stopped_service():
    systemctl("stop", SERVICE)
    assert show("ActiveState") == "inactive"
    start, client = time.monotonic(), Client(FRONT, Key("/root/news-web.key"))
    assert client.submit("news", "started")
    client.close()
    assert is_running()
    return f"acknowledged {time.monotonic() - start:.2f} s after the connection"


def nobody_without_a_key_is_answered_over_tcp():
    try:
        Client(endpoint=FRONT).ask("hello", timeout_s=0.5, within_s=2)
    except TimeoutError:
        return
    raise AssertionError("somebody without a key was answered")


def a_moderator_elsewhere_decides_with_a_key():
    modq("key", "new", "mona", "--role", "moderator", "--file", "/root/mona.key")
    modq("--key", "/root/mona.key", "approve", "news/1")
    assert "mona" in modq("show", "news/1").stdout


def the_service_can_open_no_socket_of_the_internet():
    assert show("RestrictAddressFamilies") == "AF_UNIX" and show("PrivateNetwork") == "yes"
    pid = main_pid()
    there = subprocess.run(["nsenter", "--target", str(pid), "--net", "ip", "-brief", "address"], capture_output=True, text=True)
    assert ADDRESS not in there.stdout, there.stdout


def the_socket_units_own_filter_of_addresses_holds():
    _drop_in("modqd-desk.socket", f"ListenStream={DESK.removeprefix('tcp://')}", "FreeBind=yes", "IPAddressDeny=any",
             "IPAddressAllow=localhost")
    assert _restart() == 0
    refused = modq("--key", "/root/mona.key", "--timeout", "2", "queue", check=False)
    assert refused.returncode, refused.stdout
    _drop_in("modqd-desk.socket", f"ListenStream={DESK.removeprefix('tcp://')}", "FreeBind=yes")
    assert _restart() == 0
    modq("--key", "/root/mona.key", "queue")


def the_servers_key_may_be_a_credential():
    os.makedirs(os.path.dirname(CREDENTIAL), mode=0o700, exist_ok=True)
    public = said("modqd", "--new-server-key", CREDENTIAL)
    pid = main_pid()
    systemctl("restart", SERVICE)
    assert main_pid() not in (0, pid)
    modq("key", "new", "credential-web", "--role", "front", "--file", "/root/credential-web.key")
    key = Key("/root/credential-web.key")
    assert key.server.decode() == public
    client = Client(FRONT, key)
    assert client.submit("news", "2")
    client.close()
    os.unlink(CREDENTIAL)
    pid = main_pid()
    systemctl("restart", SERVICE)
    assert back_after(pid) < 5
    submit("news", "3")


def an_address_that_systemd_does_not_listen_at_is_refused_with_advice():
    text, cursor = read(CONFIG), journal_cursor()
    write(CONFIG, text.replace(":5590", ":5599"))
    _drop_in("modqd.socket", "FreeBind=yes")
    refused = _restart()
    write(CONFIG, text)
    _drop_in("modqd.socket", f"ListenStream={FRONT.removeprefix('tcp://')}", "FreeBind=yes")
    assert _restart() == 0
    assert refused
    run("journalctl", "--sync")
    assert re.search("5599: .*ListenStream=", journal_since(cursor)), journal_since(cursor)


def _fetch(path):
    return said("/usr/bin/python3", "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode())",
                f"http://{METRICS}/{path}")


def figures_are_there_on_loopback():
    text = read(CONFIG)
    write(CONFIG, text.replace("#metrics =", "metrics ="))
    _drop_in("modqd.socket", f"ListenStream={FRONT.removeprefix('tcp://')}", f"ListenStream={METRICS}", "FreeBind=yes")
    try:
        assert _restart() == 0, "it does not start"
        assert "modqd_" in _fetch("metrics") and _fetch("healthz")
    finally:
        write(CONFIG, text)
        _drop_in("modqd.socket", f"ListenStream={FRONT.removeprefix('tcp://')}", "FreeBind=yes")
        assert _restart() == 0
