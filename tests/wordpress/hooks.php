<?php
// For tests only: keeps, one JSON list a line, the hooks by which page caches learn that a page has changed, with their arguments.
foreach (['wp_set_comment_status', 'transition_comment_status', 'clean_comment_cache', 'clean_post_cache', 'wp_update_comment_count', 'edit_post',
    'edit_comment'] as $hook) {
    add_action($hook, static function (...$arguments) use ($hook): void {
        $told = array_map(static fn ($value) => $value instanceof WP_Comment ? (int) $value->comment_ID : $value, array_filter($arguments,
            static fn ($value) => is_scalar($value) || $value instanceof WP_Comment));
        file_put_contents(dirname(ABSPATH) . '/hooks.txt', json_encode([$hook, ...$told]) . "\n", FILE_APPEND | LOCK_EX);
    }, 10, 4);
}
