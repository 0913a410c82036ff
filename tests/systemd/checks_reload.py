"""`systemctl reload`."""
from client import Client
from system import CONFIG, SERVICE, journal_cursor, journal_since, main_pid, read, run, systemctl, write


def _body_bytes():
    client = Client()
    limits = client.ask("hello")["limits"]
    client.close()
    return limits["body_bytes"]


def a_good_configuration_is_taken_without_a_restart():
    pid, text = main_pid(), read(CONFIG)
    write(CONFIG, text + "limits {\n    body_bytes = 20000\n}\n")
    systemctl("reload", SERVICE)
    assert _body_bytes() == 20000 and main_pid() == pid


def a_bad_configuration_makes_the_reload_fail_with_file_and_line():
    pid, text, cursor = main_pid(), read(CONFIG), journal_cursor()
    line = len(text.splitlines()) + 2
    write(CONFIG, text + "\nnonsense = yes\n")
    try:
        done = run("systemctl", "reload", SERVICE, check=False)
    finally:
        write(CONFIG, text)
    assert done.returncode, "systemctl reload succeeded"
    run("journalctl", "--sync")
    told = journal_since(cursor)
    assert f"{CONFIG}:{line}" in told, told
    assert _body_bytes() == 20000 and main_pid() == pid


def a_reload_after_a_bad_one_works():
    systemctl("reload", SERVICE)
