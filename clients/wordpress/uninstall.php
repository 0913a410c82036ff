<?php
/** The plugin is deleted: its tables and options go. Comments stay as they are shown or held. */

namespace Modqd\WordPress;

if (!defined('WP_UNINSTALL_PLUGIN')) {
    exit;
}

foreach (['DatabaseError', 'Database', 'Settings', 'Sites', 'Tables'] as $class) {
    require_once __DIR__ . "/src/$class.php";
}
Sites::each(Tables::drop(...));
