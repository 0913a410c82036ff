#!/usr/bin/php
<?php
/**
 * The worker of the modqd plugin: applies moderators' decisions to WordPress as they are made, and sends what waits in
 * the outbox. usage: worker.php --path DIR [--host NAME[/PATH]] [--submit-pending | --once]
 *
 *   --path DIR         where WordPress' wp-load.php is; also WP_PATH in the environment
 *   --host NAME[/PATH] the site's host name (Debian's wp-config.php finds its configuration by it); in a network of sites
 *                      with the site's path, where it has one
 *   --submit-pending   hands in every comment that awaits moderation, shows how far it is, and ends
 *   --once             works until there is nothing more to do, at most a minute, and ends
 *
 * Ends with 0 when it was told to (SIGTERM, SIGINT), with 1 when it cannot work, with 2 when the arguments are wrong.
 */

namespace Modqd\WordPress;

if (PHP_SAPI !== 'cli') {
    exit;
}

$options = getopt('', ['path:', 'host:', 'submit-pending', 'once', 'help'], $rest);
$path = rtrim((string) ($options['path'] ?? getenv('WP_PATH')), '/');
if (isset($options['help']) || $rest < $argc || !is_file("$path/wp-load.php")) {
    fwrite(STDERR, "usage: worker.php --path DIR [--host NAME[/PATH]] [--submit-pending | --once]\n"
        . ($path === '' ? '' : "There is no $path/wp-load.php\n"));
    exit(isset($options['help']) ? 0 : 2);
}

ini_set('display_errors', 'stderr');
ini_get('error_log') || ini_set('log_errors', '0');    // which would be the same line once more
$host = (string) ($options['host'] ?? 'localhost');
[$name, $below] = explode('/', "$host/", 2);
$below = trim($below, '/') === '' ? '/' : '/' . trim($below, '/') . '/';
$_SERVER['HTTP_HOST'] = $_SERVER['SERVER_NAME'] = $name;
$_SERVER += ['REQUEST_URI' => $below, 'REMOTE_ADDR' => '', 'SERVER_PROTOCOL' => 'HTTP/1.1'];
$_SERVER['REQUEST_METHOD'] = 'GET';
define('DOING_CRON', true);    // no page is waiting, and none starts a cron of its own
// Where it does not know the site, WordPress sends its visitor elsewhere, and ends with 0.
$known = false;
register_shutdown_function(static function () use (&$known, $host, $path): void {
    if (!$known) {
        fwrite(STDERR, "modqd: WordPress in $path ended before it was loaded: has it a site $host?\n");
        exit(1);
    }
});
// Where WordPress gives up (the database is away, say) it prints a page and ends with 0: here that is one line, and a fault.
$GLOBALS['wp_filter']['wp_die_handler'][10][] = ['accepted_args' => 1, 'function' => static fn () => static function (mixed $why) use (&$known): never {
    $known = true;
    $text = $why instanceof \WP_Error ? $why->get_error_message() : (string) $why;
    fwrite(STDERR, 'modqd: WordPress gives up: ' . trim(preg_replace('/\s+/', ' ', strip_tags($text))) . "\n");
    exit(1);
}];
require "$path/wp-load.php";
$known = true;
if (is_multisite() && get_site()->path !== $below) {
    fwrite(STDERR, "modqd: WordPress in $path has no site $host\n");
    exit(1);
}
if (!class_exists(Worker::class)) {
    fwrite(STDERR, "The plugin modqd is not active in $path\n");
    exit(1);
}
set_time_limit(0);

exit(isset($options['submit-pending']) ? Pending::submitAll() : Service::run(isset($options['once'])));
