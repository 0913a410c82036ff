"""A WordPress of its own for tests: MariaDB, php-fpm, nginx, the plugin as it is packed, and its worker, under a directory
that goes with them. Only processes that were started here are ended.
"""
import atexit
import contextlib
import glob
import http.cookiejar
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))

import tap  # noqa: E402
from daemon import Daemon, free_port  # noqa: E402

CORE = "/usr/share/wordpress"
THEME = "/usr/share/wordpress/wp-content/themes/twentytwentyone"
BLOCK_THEME = "/usr/share/wordpress/wp-content/themes/twentytwentythree"
ZIP = os.path.join(ROOT, "build/modqd-wordpress.zip")
SITE = "news"
PATIENCE_S = 60
LOG_LINES = 40
# What the kernel gives to all programs for asynchronous reading is little, and other tests want it, too.
DATABASE = ["--innodb-buffer-pool-size=64M", "--innodb-use-native-aio=0"]
USER = "www-data"

_sites = []


def missing():
    """Why the tests cannot be run here, or None."""
    if os.geteuid() != 0:
        return "the servers run as users of their own, which needs root"
    programs = ("mariadbd", "mariadb-install-db", "nginx", "node", "chromium", "redis-server")
    absent = [name for name in programs if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]
    absent += [path for path in (f"{CORE}/wp-load.php", THEME, BLOCK_THEME, ZIP) if not os.path.exists(path)]
    absent += [] if glob.glob("/usr/lib/php/*/redis.so") else ["php-redis"]
    return f"there is no {', '.join(absent)}" if absent else None


def fpm():
    """php-fpm is named after its version."""
    return sorted(path for path in os.listdir("/usr/sbin") if path.startswith("php-fpm"))[-1]


def wait_for(what, ready, seconds=PATIENCE_S, pause=0.05):
    """Waits until ready() gives something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        found = ready()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(pause)


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirection."""

    def redirect_request(self, *_):
        return None


class Http:
    """A reader without a browser: keeps cookies, and follows redirections where it is not told to stay."""

    def __init__(self, base, stay=False):
        self.base = base
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), *([Stay()] if stay else []))

    def open(self, path, fields=None, timeout=PATIENCE_S):
        """Status, address and text of the page."""
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        url = path if path.startswith("http") else self.base + path
        try:
            with self.opener.open(urllib.request.Request(url, data), timeout=timeout) as answer:
                return answer.status, answer.url, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            return error.code, error.url, error.read().decode("utf-8", "replace")

    def form(self, page, action, comment):
        """The hidden fields of one of the plugin's forms under a comment, or None where it is not there."""
        for form in re.findall(r"<form method=\"post\".*?</form>", self.open(page)[2], re.DOTALL):
            hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
            if hidden.get("action") == f"modqd_{action}" and hidden["comment"] == str(comment):
                return hidden
        return None

    def do(self, page, action, comment, **fields):
        """Sends such a form. The text of the page that follows."""
        form = self.form(page, action, comment)
        assert form, f"no form {action} under {comment}"
        status, url, html = self.open("/wp-admin/admin-post.php", {**form, **fields})
        assert status == 200, f"{status} {url}: {html[-1000:]}"
        return html

    def login(self, user, password):
        self.open("/wp-login.php")
        status, _, html = self.open("/wp-login.php", {"log": user, "pwd": password, "testcookie": 1})
        assert status == 200 and "login_error" not in html, html[-2000:]


class WordPress:
    """With a daemon, an article, and the plugin set up; the worker is started where it is wanted."""

    host = "localhost"
    password = "correct horse battery staple"

    def __init__(self, daemon):
        self.daemon = daemon
        self.dir = tempfile.mkdtemp(prefix="wp-", dir="/tmp")
        os.chmod(self.dir, 0o755)
        self.path = f"{self.dir}/www"
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.processes = {}
        self.uid = pwd.getpwnam(USER).pw_uid
        _sites.append(self)

    def __enter__(self):
        try:
            self._prepare()
            for name in ("mariadb", "fpm", "nginx"):
                self.start(name)
            self._install()
            return self
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def __exit__(self, *_):
        for name in reversed(list(self.processes)):
            self.stop(name)
        if self in _sites:
            _sites.remove(self)
        shutil.rmtree(self.dir, ignore_errors=True)

    # Making it

    def _write(self, name, text, mode=0o644, owner=None):
        path = os.path.join(self.dir, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        if owner:
            shutil.chown(path, owner, owner)
        return path

    def _prepare(self):
        subprocess.run(["cp", "-rL", "--no-preserve=ownership", CORE, self.path], check=True)
        content = f"{self.path}/wp-content"
        shutil.rmtree(content)
        os.makedirs(f"{content}/mu-plugins")
        shutil.copytree(THEME, f"{content}/themes/twentytwentyone")
        shutil.copytree("/usr/share/wordpress/wp-content/languages", f"{content}/languages")
        subprocess.run([sys.executable, "-m", "zipfile", "-e", ZIP, f"{content}/plugins"], check=True)
        os.chmod(f"{content}/plugins/modqd/worker.php", 0o755)
        shutil.copy(f"{HERE}/harness.php", f"{content}/mu-plugins/harness.php")
        self._write("mail.sh", f"#!/bin/sh\nexec cat >> {self.dir}/mail.txt\n", 0o755)
        self._write("mail.txt", "", 0o666)
        self._write("debug.log", "", 0o666)
        self._write("www/wp-config.php", f"""<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'root'); define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{self.dir}/mariadb.sock'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
foreach (['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT'] as $name) {{
    define($name, "tests $name");
}}
define('WP_DEBUG', true); define('WP_DEBUG_DISPLAY', false); define('WP_DEBUG_LOG', '{self.dir}/debug.log');
define('DISABLE_WP_CRON', true); define('WP_HTTP_BLOCK_EXTERNAL', true); define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_HOME', '{self.base}'); define('WP_SITEURL', '{self.base}');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) {{ define('ABSPATH', __DIR__ . '/'); }}
require_once ABSPATH . 'wp-settings.php';
""")
        self._write("fpm.conf", f"""[global]
error_log = {self.dir}/fpm.log
daemonize = no
[www]
user = {USER}
group = {USER}
listen = {self.dir}/fpm.sock
listen.owner = {USER}
listen.group = {USER}
pm = static
pm.max_children = 4
catch_workers_output = yes
php_admin_value[sendmail_path] = {self.dir}/mail.sh
""")
        self._write("nginx.conf", f"""user {USER};
worker_processes 1;
pid {self.dir}/nginx.pid;
error_log {self.dir}/nginx.log;
daemon off;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {self.dir}/t1; proxy_temp_path {self.dir}/t2; fastcgi_temp_path {self.dir}/t3; uwsgi_temp_path {self.dir}/t4;
    scgi_temp_path {self.dir}/t5;
    server {{
        listen 127.0.0.1:{self.port};
        root {self.path};
        index index.php;
        location / {{ try_files $uri $uri/ /index.php?$args; }}
        location ~ \\.php$ {{
            include /etc/nginx/fastcgi.conf;
            fastcgi_pass unix:{self.dir}/fpm.sock;
        }}
    }}
}}
""")
        os.mkdir(f"{self.dir}/data")
        shutil.chown(f"{self.dir}/data", "mysql", "mysql")
        done = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.dir}/data", "--user=mysql", "--skip-test-db",
                               "--auth-root-authentication-method=normal", *DATABASE], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def _install(self):
        self.sql("CREATE DATABASE wordpress CHARACTER SET utf8mb4", database="")
        self.php(f"""require ABSPATH . 'wp-admin/includes/upgrade.php';
            wp_install('The Daily Test', 'admin', 'admin@example.org', true, '', '{self.password}');
            switch_theme('twentytwentyone');
            update_option('comment_previously_approved', 1); update_option('moderation_notify', 1); update_option('comments_notify', 1);""", installing=True)
        self.article = int(self.php("""wp_delete_comment(1, true);
            echo wp_insert_post(['post_title' => 'The bridge opens on Monday', 'post_status' => 'publish', 'post_author' => 1,
              'post_content' => 'The mayor will cut the ribbon at ten. What do readers think?', 'comment_status' => 'open']);"""))
        self.activate()

    def activate(self):
        self.php("require ABSPATH . 'wp-admin/includes/plugin.php'; $e = activate_plugin('modqd/modqd.php'); if (is_wp_error($e)) { echo $e->get_error_message(); }")
        self.settings()

    def settings(self, **more):
        settings = {"endpoint": self.daemon.tcp["front"], "key_file": self.key_file(), "site": SITE, **more}
        self.php(f"update_option('modqd_settings', array_merge(Modqd\\WordPress\\Settings::DEFAULTS, json_decode({json.dumps(json.dumps(settings))!s}, true)));")

    def key_file(self):
        """A front's key for this site, which only the web server's user may read."""
        path = f"{self.dir}/web.key"
        if not os.path.exists(path):
            done = self.daemon.run_modq("key", "new", "wordpress", "--role", "front", "--site", SITE, "--file", path)
            assert done.returncode == 0, done.stderr
            shutil.chown(path, USER, USER)
        return path

    # Its processes

    def command(self, name):
        return {
            "mariadb": ["mariadbd", "--no-defaults", f"--datadir={self.dir}/data", f"--socket={self.dir}/mariadb.sock", "--skip-networking",
                        "--user=mysql", f"--pid-file={self.dir}/mariadb.pid", *DATABASE],
            "fpm": [f"/usr/sbin/{fpm()}", "--nodaemonize", "--fpm-config", f"{self.dir}/fpm.conf"],
            "nginx": ["/usr/sbin/nginx", "-c", f"{self.dir}/nginx.conf"],
            "worker": [f"{self.path}/wp-content/plugins/modqd/worker.php", "--path", self.path],
        }[name]

    def start(self, name):
        """Starts one of mariadb, fpm, nginx and worker, and waits until it is there."""
        shutil.chown(self.dir, "mysql", "mysql")       # its socket is made there
        user = {"user": USER, "group": USER, "extra_groups": []} if name == "worker" else {}
        with open(f"{self.dir}/{name}.out", "ab") as out:
            self.processes[name] = subprocess.Popen(self.command(name), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                                    env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, **user)
        ready = {"mariadb": self._database_answers, "fpm": lambda: os.path.exists(f"{self.dir}/fpm.sock"), "nginx": self._page_answers,
                 "worker": lambda: True}[name]
        wait_for(f"the start of {name}", lambda: ready() or self._died(name))
        assert not self._died(name), self.logs()

    def _died(self, name):
        return self.processes[name].poll() is not None

    def _database_answers(self):
        return subprocess.run(["mariadb", "--no-defaults", f"--socket={self.dir}/mariadb.sock", "-e", "SELECT 1"], capture_output=True).returncode == 0

    def _page_answers(self):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{self.base}/wp-includes/css/buttons.css", timeout=2).close()
            return True
        return False

    def stop(self, name):
        """In good order; by force where that takes too long."""
        process = self.processes.pop(name, None)
        if not process or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def kill(self, name):
        """SIGKILL, with its children."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with contextlib.suppress(FileNotFoundError):
            if name == "fpm":
                os.unlink(f"{self.dir}/fpm.sock")

    # What it says

    def logs(self):
        told = []
        for name in sorted(os.listdir(self.dir)):
            if name.endswith((".out", ".log")) and os.path.getsize(f"{self.dir}/{name}"):
                with open(f"{self.dir}/{name}", errors="replace") as file:
                    told += [f"-- {name}", *(line.rstrip()[:300] for line in file.readlines()[-LOG_LINES:])]
        return "\n".join(told)

    def faults(self):
        """What PHP complained of in the plugin or because of it."""
        with open(f"{self.dir}/debug.log", errors="replace") as file:
            return [line for line in file if re.search("PHP (Fatal|Warning|Notice|Deprecated|Parse)", line) and "modqd" in line]

    def mails(self):
        with open(f"{self.dir}/mail.txt", errors="replace") as file:
            return file.read()

    def run(self, *command, stdin=None):
        """A program as the web server's user."""
        return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=PATIENCE_S * 2, cwd=self.dir,
                              user=USER, group=USER, extra_groups=[])

    def php(self, code, installing=False, request=None):
        """What PHP code prints inside WordPress; in a network, inside the site of a request's host and path."""
        host, path = request or (self.host, "/")
        head = ("define('WP_INSTALLING', true);" if installing else "") + f"$_SERVER['HTTP_HOST'] = '{host}'; $_SERVER['REQUEST_URI'] = '{path}';"
        done = self.run("php", "-d", f"sendmail_path={self.dir}/mail.sh", stdin=f"<?php {head} require '{self.path}/wp-load.php'; {code}")
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}\n{self.logs()}"
        return done.stdout.strip()

    def json(self, expression):
        return json.loads(self.php(f"echo json_encode({expression});"))

    def sql(self, statement, database="wordpress"):
        """Rows as maps, of a SELECT; NULL is None."""
        command = ["mariadb", "--no-defaults", f"--socket={self.dir}/mariadb.sock", "--default-character-set=utf8mb4", "--xml", "-e", statement]
        done = subprocess.run(command + ([database] if database else []), capture_output=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr.decode()
        return rows_of_xml(done.stdout)

    # What readers do

    def url(self, article=None):
        return f"{self.base}/?p={article or self.article}"

    def post(self, text, http=None, article=None, author="Sozdar", email="sozdar@example.org", parent=0, website="", timeout=PATIENCE_S):
        """A comment from a reader without an account, or from who is logged in. Its number, or None where WordPress refused."""
        http = http or Http(self.base)
        before = self.newest()
        status, url, html = http.open("/wp-comments-post.php", {"comment_post_ID": article or self.article, "comment_parent": parent,
                                                                "author": author, "email": email, "url": website, "comment": text}, timeout)
        return self.newest() if status == 200 and self.newest() != before else None

    def spam(self, text):
        """The number of a comment that WordPress takes for spam."""
        self.php(f"""add_filter('pre_comment_approved', fn () => 'spam');
            wp_new_comment(['comment_post_ID' => {self.article}, 'comment_author' => 'S', 'comment_author_email' => 's@example.org', 'comment_author_url' => '',
              'comment_content' => '{text}', 'comment_type' => 'comment', 'comment_author_IP' => '', 'comment_agent' => '']);""")
        return self.newest()

    def status(self, number):
        """WordPress' status of a comment: 0, 1, spam or trash."""
        return self.sql(f"SELECT comment_approved a FROM wp_comments WHERE comment_ID = {number}")[0]["a"]

    def newest(self):
        return int(self.sql("SELECT COALESCE(MAX(comment_ID), 0) n FROM wp_comments")[0]["n"])

    def row(self, number):
        """The plugin's row of a comment, with WordPress' status and text."""
        rows = self.sql("SELECT m.*, c.comment_approved, c.comment_content FROM wp_modqd_comments m "
                        f"LEFT JOIN wp_comments c ON c.comment_ID = m.comment_id WHERE m.comment_id = {number}")
        return rows[0] if rows else None

    def name(self, number):
        """SITE/ID, as modq names it."""
        return f"{SITE}/{self.row(number)['modqd_id']}"

    def card(self, number):
        """All that moderators know of it."""
        return self.daemon.administrator().show(SITE, self.row(number)["modqd_id"])["card"]

    def outbox(self):
        return int(self.sql("SELECT COUNT(*) n FROM wp_modqd_outbox WHERE refused IS NULL")[0]["n"])

    def shows(self, text, http=None, article=None):
        """Whether the article's page holds the text."""
        return text in (http or Http(self.base)).open(self.url(article))[2]

    def wait_state(self, number, state, status=None):
        """Until the plugin's row and WordPress' status are so."""
        def there():
            row = self.row(number)
            return row and row["state"] == state and (status is None or row["comment_approved"] == status)
        try:
            wait_for(f"comment {number} {state}", there)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.row(number)}") from None

    def at_daemon(self, number):
        """What the daemon says of it."""
        return self.daemon.front().status(SITE, [self.row(number)["modqd_id"]])[0]

    def wait_handed_in(self, number, revision=1):
        def there():
            status = self.at_daemon(number)
            return status["status"] == "found" and status["revision"] == revision and status
        return wait_for(f"comment {number} at the daemon", there)

    def modq(self, *arguments):
        done = self.daemon.run_modq(*arguments)
        assert done.returncode == 0, f"modq {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout


def rows_of_xml(data):
    import xml.etree.ElementTree as tree
    if not data.strip():
        return []
    nil = "{http://www.w3.org/2001/XMLSchema-instance}nil"
    return [{field.get("name"): None if field.get(nil) == "true" else field.text or "" for field in row} for row in tree.fromstring(data)]


class Browser:
    """Chromium, driven through browser.mjs."""

    def __init__(self):
        self.process = subprocess.Popen(["node", f"{HERE}/browser.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def ask(self, deed, who, **fields):
        self.process.stdin.write(json.dumps({"do": deed, "who": who, **fields}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser has gone"
        answer = json.loads(line)
        assert answer.pop("ok"), f"{deed} of {who} {fields}: {answer['error']}"
        return answer

    def __getattr__(self, deed):
        return lambda who, **fields: self.ask(deed, who, **fields)


def told():
    return "\n".join(site.logs() for site in _sites)


def end_all():
    """Whatever ends the tests, the servers go with them."""
    for site in list(_sites):
        site.__exit__()


tap.witnesses.append(told)
atexit.register(end_all)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

__all__ = ["Browser", "Daemon", "Http", "WordPress", "missing", "wait_for"]
