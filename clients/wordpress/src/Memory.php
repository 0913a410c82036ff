<?php
namespace Modqd\WordPress;

/** What WordPress keeps in the memory of one process; a program that runs for days must forget it now and then. */
final class Memory
{
    /** Options, comments and articles are read anew. What processes share in a persistent object cache stays there. */
    public static function forget(): void
    {
        if (wp_cache_supports('flush_runtime')) {
            wp_cache_flush_runtime();
            return;
        }
        // A drop-in as they were made before WordPress 6.1. Their memory is mostly a public array of this name; the options
        // are read past it in any case.
        if (isset($GLOBALS['wp_object_cache']->cache)) {
            $GLOBALS['wp_object_cache']->cache = [];
        }
        wp_load_alloptions(true);
    }
}
