<?php
// For tests only: one reader posts many comments, quickly.
add_filter('comment_flood_filter', '__return_false', PHP_INT_MAX);
// The page's typography, and pictures in the place of emoji, are put aside where the text itself is compared.
if (get_option('modqd_test_plain')) {
    add_filter('run_wptexturize', '__return_false');
    remove_action('wp_head', 'print_emoji_detection_script', 7);
    remove_filter('comment_text', 'make_clickable', 9);
}
