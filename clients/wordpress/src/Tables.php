<?php
namespace Modqd\WordPress;

/** The plugin's tables and options: made when it is activated, gone when it is deleted. */
final class Tables
{
    private const VERSION = '1';
    private const NAMES = ['comments', 'outbox', 'place'];

    public static function upgrade(): void
    {
        if (get_option('modqd_tables') !== self::VERSION) {
            self::install();
        }
    }

    public static function install(): void
    {
        // InnoDB by name: a comment, its state and the place in the log change together or not at all. One character set
        // for all columns: wpdb takes tables that mix them for ASCII.
        $tail = 'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
        Database::run('CREATE TABLE IF NOT EXISTS ' . Database::table('comments') . " (
            comment_id bigint unsigned NOT NULL,
            modqd_id varchar(64) NOT NULL,
            revision int unsigned NOT NULL,
            body_sha256 char(64) NOT NULL,
            state varchar(10) NOT NULL,
            reasons text NOT NULL,
            judged_revision int unsigned NOT NULL DEFAULT 0,
            judged_sha256 char(64) NOT NULL DEFAULT '',
            seq bigint unsigned NOT NULL DEFAULT 0,
            withdrawn tinyint unsigned NOT NULL DEFAULT 0,
            visitor char(64) NOT NULL DEFAULT '',
            PRIMARY KEY (comment_id), UNIQUE KEY modqd_id (modqd_id), KEY visitor (visitor), KEY state (state)) $tail");
        Database::run('CREATE TABLE IF NOT EXISTS ' . Database::table('outbox') . " (
            id bigint unsigned NOT NULL AUTO_INCREMENT,
            modqd_id varchar(64) NOT NULL,
            op varchar(16) NOT NULL,
            fields mediumtext NOT NULL,
            kept_at bigint unsigned NOT NULL,
            refused text DEFAULT NULL,
            PRIMARY KEY (id), KEY modqd_id (modqd_id)) $tail");
        Database::run('CREATE TABLE IF NOT EXISTS ' . Database::table('place') . " (
            site varchar(64) NOT NULL,
            seq bigint unsigned NOT NULL,
            chain varchar(64) NOT NULL DEFAULT '',
            epoch varchar(32) NOT NULL DEFAULT '',
            mode varchar(8) NOT NULL DEFAULT 'live',
            heard_at bigint unsigned NOT NULL DEFAULT 0,
            PRIMARY KEY (site)) $tail");
        self::requireTransactions();
        self::makeOptions();
    }

    /** WordPress' tables may be of an engine without transactions on old sites: then nothing that is promised would hold. */
    private static function requireTransactions(): void
    {
        global $wpdb;
        foreach ([$wpdb->comments, $wpdb->posts] as $table) {
            $status = Database::row('SHOW TABLE STATUS WHERE Name = %s', $table);
            if ($status && strcasecmp((string) $status['Engine'], 'InnoDB') !== 0) {
                wp_die(esc_html("modqd needs InnoDB: ALTER TABLE $table ENGINE=InnoDB"));
            }
        }
    }

    private static function makeOptions(): void
    {
        global $wpdb;
        add_option('modqd_salt', bin2hex(random_bytes(32)), '', 'no');
        // What was pending before is sent in by worker.php --submit-pending, when the administrator wants it.
        add_option('modqd_first', (int) Database::value("SELECT COALESCE(MAX(comment_ID), 0) + 1 FROM $wpdb->comments"), '', 'no');
        add_option('modqd_settings', Settings::DEFAULTS);
        update_option('modqd_tables', self::VERSION);
    }

    /** A site of a network is deleted, and these tables with it. @param array $tables names of those that go */
    public static function ofDeletedSite(array $tables): array
    {
        return [...$tables, ...array_map(Database::table(...), self::NAMES)];
    }

    public static function drop(): void
    {
        foreach (self::NAMES as $name) {
            Database::run('DROP TABLE IF EXISTS ' . Database::table($name));
        }
        foreach (['salt', 'first', 'settings', 'tables', 'policy'] as $name) {
            delete_option("modqd_$name");
        }
    }
}
