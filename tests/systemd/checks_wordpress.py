"""The worker of the WordPress plugin as a unit, on the daemon's machine and as clients/wordpress/README.md says."""
import grp
import json
import os
import pwd
import re
import shutil
import signal
import sys
import time

from system import (SERVICE, SOCKETS, TREE, Skip, back_after, is_running, journal, main_pid, modq, read, run,
                    said, show, signalled, systemctl, until, write)

HOST, SITE = "www.example.org", "wordpress"
UNIT, DATABASE = f"modqd-wordpress@{HOST}.service", "mariadb.service"
WORDPRESS, CONTENT = "/usr/share/wordpress", "/var/lib/wordpress/wp-content"
ZIP = os.path.join(TREE, "build/modqd-wordpress.zip")
PLUGIN = f"{CONTENT}/plugins/modqd"
INSTALLED = f"/etc/systemd/system/{UNIT.replace(HOST, '')}"
PATIENCE_S = 120
STOP_S = 20               # TimeoutStopSec= of the unit
DENIED = r"Operation not permitted|Permission denied|Read-only file system|SYS\b"

CONFIGURATION = """<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'wordpress'); define('DB_PASSWORD', 'check'); define('DB_HOST', 'localhost');
define('WP_HOME', 'http://www.example.org'); define('WP_SITEURL', WP_HOME);
define('DISABLE_WP_CRON', true); define('WP_HTTP_BLOCK_EXTERNAL', true);
"""
PAGE_CACHE = """<?php
add_action('transition_comment_status', function () {
    $page = WP_CONTENT_DIR . '/cache/page';
    is_file($page) && unlink($page);
});
"""
# A database that starts quickly, and takes little of the kernel.
SMALL = "[mysqld]\ninnodb-log-file-size=8M\ninnodb-buffer-pool-size=32M\ninnodb-use-native-aio=0\n"
QUICK = "[Service]\nExecStartPost=\n"


def _needs_wordpress():
    needed = (f"{WORDPRESS}/wp-load.php", f"/lib/systemd/system/{DATABASE}", "/usr/bin/mariadb-install-db", "/usr/bin/php", ZIP)
    absent = [path for path in needed if not os.path.exists(path)]
    if absent:
        raise Skip(f"there is no {', '.join(absent)}")


def _until(condition, what):
    """Seconds until then; where that does not come, what the worker has said."""
    try:
        return until(condition, what, PATIENCE_S)[1]
    except AssertionError as error:
        raise AssertionError(f"{error}\njournal of {UNIT}:\n{journal(UNIT)[-4000:]}") from None


# WordPress

def _php(code, installing=False):
    """What code prints that runs in WordPress, as the web server's user."""
    head = f"$_SERVER['HTTP_HOST'] = '{HOST}'; $_SERVER['REQUEST_URI'] = '/';" + ("define('WP_INSTALLING', true);" if installing else "")
    return said("runuser", "-u", "www-data", "--", "php", "-d", "sendmail_path=/bin/true",
                stdin=f"<?php {head} require '{WORDPRESS}/wp-load.php'; {code}")


def _sql(statement, database="wordpress"):
    return said("mariadb", "--skip-column-names", "--execute", statement, *([database] if database else []))


def _start_database():
    """One of its own: the machine's has no business in here."""
    shutil.rmtree("/var/lib/mysql", ignore_errors=True)
    write("/etc/mysql/mariadb.conf.d/99-small.cnf", SMALL)
    write(f"/etc/systemd/system/{DATABASE}.d/quick.conf", QUICK)
    run("mariadb-install-db", "--user=mysql", "--skip-test-db")
    systemctl("daemon-reload")
    systemctl("start", DATABASE)
    _sql("CREATE DATABASE wordpress CHARACTER SET utf8mb4; GRANT ALL ON wordpress.* TO wordpress@localhost IDENTIFIED BY 'check'", "")


def _install_wordpress():
    path = f"/etc/wordpress/config-{HOST}.php"
    write(path, CONFIGURATION)
    shutil.chown(path, "root", "www-data")
    os.chmod(path, 0o640)
    _php("require ABSPATH . 'wp-admin/includes/upgrade.php'; wp_install('News', 'admin', 'admin@example.org', true, '', 'check');", True)


def _install_plugin():
    run(sys.executable, "-m", "zipfile", "-e", ZIP, f"{CONTENT}/plugins")
    run("adduser", "www-data", "modqd-front")
    told = _php("require ABSPATH . 'wp-admin/includes/plugin.php'; $e = activate_plugin('modqd/modqd.php');"
                " echo is_wp_error($e) ? $e->get_error_message() : '';")
    assert not told, told
    _php(f"update_option('modqd_settings', ['site' => '{SITE}'] + Modqd\\WordPress\\Settings::DEFAULTS);")


def _install_page_cache():
    """As page caches do it: a page is thrown away when a comment on it changes."""
    write(f"{CONTENT}/mu-plugins/cache.php", PAGE_CACHE)
    os.makedirs(f"{CONTENT}/cache", exist_ok=True)
    shutil.chown(f"{CONTENT}/cache", "www-data", "www-data")


def _post(text):
    """A reader's comment; its number."""
    fields = {"post_ID": 1, "author": "Sozdar", "author_email": "s@example.org", "author_url": "", "content": text, "type": "comment",
              "author_IP": "", "agent": "", "parent": 0}
    comment = json.dumps({f"comment_{name}": value for name, value in fields.items()})
    return int(_php("add_filter('comment_flood_filter', '__return_false', PHP_INT_MAX);"
                    f" echo wp_new_comment(json_decode('{comment}', true));"))


def _name(number):
    return f"{SITE}/" + _sql(f"SELECT modqd_id FROM wp_modqd_comments WHERE comment_id = {number}")


def _status(number):
    return _sql(f"SELECT comment_approved FROM wp_comments WHERE comment_ID = {number}")


def _waiting():
    return int(_sql("SELECT COUNT(*) FROM wp_modqd_outbox"))


def _until_shown(number):
    """Seconds until WordPress shows the comment."""
    return _until(lambda: _status(number) == "1", f"comment {number} is approved in WordPress")


def _told(before=0):
    """What the worker's journal has said after its first so many characters."""
    run("journalctl", "--sync")
    return journal(UNIT)[before:]


# Tests

def the_worker_starts_as_the_readme_says():
    _needs_wordpress()
    _start_database()
    _install_wordpress()
    _install_plugin()
    _install_page_cache()
    shutil.copy(f"{PLUGIN}/modqd-wordpress@.service", "/etc/systemd/system/")
    systemctl("enable", "--now", f"modqd-wordpress@{HOST}")
    assert said("systemctl", "is-enabled", UNIT) == "enabled"
    took = _until(lambda: "level with the daemon" in journal(UNIT), "the worker is at work")
    assert is_running(UNIT)
    return f"level with the daemon after {took:.2f} s"


def a_moderators_approval_reaches_the_page():
    _needs_wordpress()
    number = _post("The bridge opens on Monday.")
    assert _status(number) == "0"
    _until(lambda: "The bridge opens" in modq("show", _name(number), check=False).stdout, "it is at the daemon")
    modq("approve", _name(number))
    return f"shown {_until_shown(number):.2f} s later"


def a_cached_page_is_thrown_away_when_a_comment_is_shown():
    _needs_wordpress()
    number = _post("It opens on Tuesday.")
    write(f"{CONTENT}/cache/page", "without the comment")
    modq("approve", _name(number))
    _until_shown(number)
    _until(lambda: not os.path.exists(f"{CONTENT}/cache/page"), "the page is thrown away")


def a_daemon_that_is_away_is_awaited_and_told():
    _needs_wordpress()
    systemctl("stop", *SOCKETS, SERVICE)
    before = len(_told())
    systemctl("restart", UNIT)
    _until(lambda: "no answer from the daemon yet" in _told(before), "the journal says so")
    pid, number = main_pid(UNIT), _post("Wednesday is better.")
    assert _waiting() == 1
    systemctl("start", *SOCKETS, SERVICE)
    sent = _until(lambda: _waiting() == 0, "the worker sends what the page could not")
    modq("approve", _name(number))
    shown = _until_shown(number)
    assert "level with the daemon" in _told(before) and main_pid(UNIT) == pid
    return f"sent {sent:.2f} s after the daemon came, shown {shown:.2f} s after the approval"


def a_restart_of_the_daemon_leaves_it_at_work():
    _needs_wordpress()
    pid, number = main_pid(UNIT), _post("Thursday it is.")
    systemctl("restart", SERVICE)
    modq("approve", _name(number))
    shown = _until_shown(number)
    assert main_pid(UNIT) == pid and show("NRestarts", UNIT) == "0", "the worker was started anew"
    return f"shown {shown:.2f} s after the approval"


def its_sandbox_is_closed_and_denies_nothing_that_it_needs():
    _needs_wordpress()
    pid = main_pid(UNIT)
    status = dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, status
    assert pwd.getpwuid(int(status["Uid"].split()[0])).pw_name == "www-data"
    assert str(grp.getgrnam("modqd-front").gr_gid) in status["Groups"].split(), status["Groups"]
    mounts = {words[4]: words[5].split(",")[0] for words in map(str.split, read(f"/proc/{pid}/mountinfo").splitlines())}
    assert mounts["/"] == "ro" and mounts[f"{CONTENT}/cache"] == "rw", mounts
    assert not re.search(DENIED, _told()), _told()


def a_restart_of_the_database_is_caught_up_with():
    _needs_wordpress()
    number, before = _post("Or Friday."), len(_told())
    name = _name(number)
    systemctl("restart", DATABASE)
    modq("approve", name)
    shown = _until_shown(number)
    assert "connection to the database was lost" in _told(before), _told(before)
    return f"shown {shown:.2f} s after the approval"


def a_database_that_is_away_is_awaited_and_told_in_a_line():
    _needs_wordpress()
    number, before = _post("Saturday, then."), len(_told())
    name = _name(number)
    systemctl("stop", DATABASE)
    modq("approve", name)
    _until(lambda: "Error establishing a database connection" in _told(before), "the journal says so")
    systemctl("start", DATABASE)
    shown = _until_shown(number)
    assert "<" not in _told(before), _told(before)
    return f"shown {shown:.2f} s after the database came back"


def a_killed_worker_is_back_and_catches_up():
    _needs_wordpress()
    number = _post("Sunday.")
    name, pid = _name(number), signalled(signal.SIGKILL, UNIT)
    modq("approve", name)
    back = back_after(pid, UNIT, PATIENCE_S)
    return f"back after {back:.2f} s, shown {_until_shown(number):.2f} s later"


def it_ends_when_it_is_told_to_and_a_start_catches_up():
    _needs_wordpress()
    number, start = _post("Never."), time.monotonic()
    systemctl("stop", UNIT)
    took = time.monotonic() - start
    assert took < STOP_S and show("ActiveState", UNIT) == "inactive", (took, show("ActiveState", UNIT))
    ended = {name: show(name, UNIT) for name in ("Result", "ExecMainCode", "ExecMainStatus")}
    assert ended == {"Result": "success", "ExecMainCode": str(os.CLD_EXITED), "ExecMainStatus": "0"}, ended
    modq("approve", _name(number))
    systemctl("start", UNIT)
    return f"exit code 0 after {took:.2f} s, shown {_until_shown(number):.2f} s after the start"


def taking_it_away_leaves_nothing():
    _needs_wordpress()
    systemctl("disable", "--now", UNIT)
    systemctl("stop", DATABASE)
    for path in (PLUGIN, f"{CONTENT}/cache", "/var/lib/mysql"):
        shutil.rmtree(path)
    for path in (INSTALLED, f"{CONTENT}/mu-plugins/cache.php"):
        os.unlink(path)
    systemctl("daemon-reload")
    systemctl("reset-failed")
    assert show("LoadState", UNIT) == "not-found"
