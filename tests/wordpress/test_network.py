"""A network of sites: one WordPress, and for each site its own tables, settings and worker."""
import os
import re
import shutil
import unittest

from wordpress import USER, Daemon, Http, WordPress, wait_for
from wordpress import tap


class Network(WordPress):
    """The first site, one below it (/sport/), and one with a host name of its own. The plugin is active in all of them."""

    def _prepare(self):
        super()._prepare()
        self.host = f"127.0.0.1:{self.port}"
        self.places = {"news": (self.host, "/"), "sport": (self.host, "/sport/"), "local": (f"localhost:{self.port}", "/")}
        with open(f"{self.dir}/nginx.conf", encoding="utf-8") as file:
            text = file.read()
        rewrite = "if (!-e $request_filename) { rewrite ^/sport(/wp-.*|/.*[.]php)$ $1 last; }\n        location / {"
        self._write("nginx.conf", text.replace("location / {", rewrite, 1))

    def activate(self):
        """Makes a network of the first site, adds the others, and activates the plugin in all of them."""
        self.php(f"""require ABSPATH . 'wp-admin/includes/upgrade.php';
            foreach ($wpdb->tables('ms_global') as $name => $table) {{ $wpdb->$name = $table; }}
            install_network(); $done = populate_network(1, '{self.host}', 'admin@example.org', 'The papers', '/', false);
            if (is_wp_error($done)) {{ echo $done->get_error_message(); exit(1); }}""")
        with open(f"{self.path}/wp-config.php", encoding="utf-8") as file:
            text = re.sub(r"define\('WP_HOME.*", f"""define('MULTISITE', true); define('SUBDOMAIN_INSTALL', false);
define('DOMAIN_CURRENT_SITE', '{self.host}'); define('PATH_CURRENT_SITE', '/'); define('SITE_ID_CURRENT_SITE', 1); define('BLOG_ID_CURRENT_SITE', 1);""", file.read())
        self._write("www/wp-config.php", text)
        for name in ("sport", "local"):
            self.add(name, *self.places[name])
        self.php("""require ABSPATH . 'wp-admin/includes/plugin.php'; $e = activate_plugin('modqd/modqd.php', '', true);
            if (is_wp_error($e)) { echo $e->get_error_message(); exit(1); }""")
        for name in self.places:
            self.at(name, f"""update_option('modqd_settings', ['endpoint' => '{self.daemon.tcp["front"]}', 'key_file' => '{self.key_file()}', 'site' => '{name}']
                + Modqd\\WordPress\\Settings::DEFAULTS);""")

    def add(self, name, host, path):
        self.places[name] = (host, path)
        # WordPress takes no port for a part of a site's name; it is put in afterwards.
        plain = host.replace(":", "")
        number = self.php(f"""$id = wp_insert_site(['domain' => '{host}', 'path' => '{path}', 'title' => '{name}', 'user_id' => 1, 'network_id' => 1]);
            if (is_wp_error($id)) {{ echo $id->get_error_message(); exit(1); }} echo $id;""")
        self.sql(f"UPDATE wp_blogs SET domain = '{host}' WHERE blog_id = {number};"
                 f"UPDATE wp_{number}_options SET option_value = REPLACE(option_value, '{plain}', '{host}') WHERE option_name IN ('home', 'siteurl')")

    def key_file(self):
        path = f"{self.dir}/web.key"
        if not os.path.exists(path):
            done = self.daemon.run_modq("key", "new", "wordpress", "--role", "front", "--file", path)
            assert done.returncode == 0, done.stderr
            shutil.chown(path, USER, USER)
        return path

    def at(self, name, code):
        """What PHP code prints inside one of the sites."""
        host, path = self.places[name]
        return self.php(f"{code}", request=(host, path))

    def worker(self, host, *options):
        return self.run(f"{self.path}/wp-content/plugins/modqd/worker.php", "--path", self.path, "--host", host, *options)

    def prefix(self, name):
        return self.at(name, "echo $wpdb->prefix;")


def setUpModule():
    NetworkTest.daemon = unittest.enterModuleContext(Daemon(tcp=("front", "desk"), config="heartbeat_ms = 500\n"))
    NetworkTest.site = unittest.enterModuleContext(Network(NetworkTest.daemon))


class NetworkTest(unittest.TestCase):
    """Tests that share one network."""

    maxDiff = 4000

    def tearDown(self):
        self.assertEqual([], self.site.faults())

    def left(self):
        """Prefixes of the sites of which the plugin has tables."""
        tables = [next(iter(row.values())) for row in self.site.sql("SHOW TABLES LIKE '%modqd%'")]
        return sorted({re.sub("modqd.*", "", table) for table in tables})

    def post(self, name, text, http):
        """A reader's comment on the first article of a site: its number and the plugin's row."""
        host, path = self.site.places[name]
        http.base = f"http://{host}{path}".rstrip("/")
        status, _, html = http.open("/wp-comments-post.php", {"comment_post_ID": 1, "author": "Sozdar", "email": "sozdar@example.org", "url": "", "comment": text})
        self.assertEqual(200, status, html[-1000:])
        return self.row(name, text)

    def row(self, name, text):
        prefix = self.site.prefix(name)
        rows = self.site.sql(f"SELECT m.*, c.comment_approved FROM {prefix}comments c LEFT JOIN {prefix}modqd_comments m ON m.comment_id = c.comment_ID "
                             f"WHERE c.comment_content = '{text}'")
        self.assertEqual(1, len(rows), f"{name}: {rows}")
        return rows[0]

    def page(self, name, http=None):
        host, path = self.site.places[name]
        return (http or Http("")).open(f"http://{host}{path}?p=1")[2]


class InUse(NetworkTest):
    """Sites of a network do not know of each other."""

    def test_each_site_has_its_own_comments_and_its_own_worker(self):
        front = self.daemon.front()
        for name in self.site.places:
            author = Http("")
            text = f"For the readers of {name}."
            row = self.post(name, text, author)
            self.assertEqual(("0", "pending"), (row["comment_approved"], row["state"]), name)
            wait_for("the daemon", lambda: front.status(name, [row["modqd_id"]])[0]["status"] == "found")
            self.assertIn(text, self.page(name, author))
            self.assertNotIn(text, self.page(name))
            self.site.modq("approve", f"{name}/{row['modqd_id']}")
        for name, (host, path) in self.site.places.items():
            text = f"For the readers of {name}."
            done = self.site.worker(f"{host}{path}".rstrip("/"), "--once")
            self.assertEqual((0, True), (done.returncode, f"working for site {name}" in done.stderr), done.stderr)
            self.assertEqual(("1", "approved"), (self.row(name, text)["comment_approved"], self.row(name, text)["state"]), name)
            self.assertIn(text, self.page(name))
        self.assertNotIn("For the readers of news.", self.page("sport"))

    def test_a_worker_for_a_host_that_is_no_site_says_so_and_ends_with_an_error(self):
        done = self.site.worker("unknown.example.org", "--once")
        self.assertEqual(1, done.returncode)
        self.assertIn("unknown.example.org", done.stderr)

    def test_only_who_administers_the_network_changes_settings(self):
        self.site.at("sport", "$id = wp_create_user('editor', 'an editor has one', 'editor@example.org'); add_user_to_blog(get_current_blog_id(), $id, 'administrator');")
        host, path = self.site.places["sport"]
        for user, password, status in (("editor", "an editor has one", 403), ("admin", self.site.password, 200)):
            http = Http(f"http://{host}{path}".rstrip("/"))
            http.login(user, password)
            self.assertEqual(status, http.open("/wp-admin/options-general.php?page=modqd")[0], user)

    def test_what_the_plugin_keeps_goes_with_a_site_that_is_deleted(self):
        self.site.add("gone", self.site.host, "/gone/")
        self.addCleanup(self.site.places.pop, "gone")
        prefix = self.site.at("gone", "echo $wpdb->prefix;")
        self.assertIn(prefix, self.left(), "made at the first visit")
        self.site.php("""require ABSPATH . 'wp-admin/includes/ms.php'; require ABSPATH . 'wp-admin/includes/admin.php';
            wpmu_delete_blog(get_blog_id_from_url($_SERVER['HTTP_HOST'], '/gone/'), true);""")
        self.assertNotIn(prefix, self.left())
        self.assertIn("wp_", self.left())


class Uninstalled(NetworkTest):
    """Runs last, and takes the plugin away."""

    def test_nothing_stays_of_a_plugin_that_is_deleted(self):
        self.site.php("""require ABSPATH . 'wp-admin/includes/admin.php'; deactivate_plugins('modqd/modqd.php', false, true);""")
        for name in self.site.places:
            self.assertEqual("no", self.site.at(name, "echo wp_next_scheduled('modqd_minute') ? 'yes' : 'no';"), name)
        self.site.php("""require ABSPATH . 'wp-admin/includes/admin.php'; uninstall_plugin('modqd/modqd.php');""")
        self.assertEqual([], self.left())
        for name in self.site.places:
            self.assertEqual("", self.site.at(name, "echo get_option('modqd_salt');"), name)


if __name__ == "__main__":
    tap.main()
