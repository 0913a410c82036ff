<?php
namespace Modqd\WordPress;

/** The sites of a network; a WordPress that is none is one site. */
final class Sites
{
    /** Calls it within each site in turn: tables and options are those of that site meanwhile. */
    public static function each(callable $do): void
    {
        if (!is_multisite()) {
            $do();
            return;
        }
        foreach (get_sites(['fields' => 'ids', 'number' => 0]) as $id) {
            switch_to_blog($id);
            try {
                $do();
            } finally {
                restore_current_blog();
            }
        }
    }
}
