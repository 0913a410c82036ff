<?php
/**
 * Plugin Name:       modqd
 * Description:       Hands new comments to a modqd moderation queue, and shows them once a moderator has approved them.
 * Version:           0.2.0
 * Requires at least: 6.1
 * Requires PHP:      8.2
 * License:           Apache-2.0
 * Text Domain:       modqd
 * Domain Path:       /languages
 */

namespace Modqd\WordPress;

if (!defined('ABSPATH')) {
    exit;
}

const PLUGIN_FILE = __FILE__;

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, __NAMESPACE__ . '\\')) {
        $file = __DIR__ . '/src/' . substr($class, strlen(__NAMESPACE__) + 1) . '.php';
        if (is_file($file)) {
            require $file;
        }
    }
});

// The client is packed with the plugin; in the source tree it stands beside it.
foreach ([__DIR__ . '/client/autoload.php', dirname(__DIR__) . '/php/autoload.php'] as $client) {
    if (is_file($client)) {
        require_once $client;
        break;
    }
}

register_activation_hook(__FILE__, [Tables::class, 'install']);
register_deactivation_hook(__FILE__, [Cron::class, 'remove']);
add_action('plugins_loaded', static function (): void {
    load_plugin_textdomain('modqd', false, dirname(plugin_basename(__FILE__)) . '/languages');
    Tables::upgrade();
    Hold::register();
    Visitor::register();
    Page::register();
    Actions::register();
    Cron::register();
    add_filter('wpmu_drop_tables', [Tables::class, 'ofDeletedSite']);
    if (is_admin()) {
        AdminComments::register();
        SettingsPage::register();
    }
});
