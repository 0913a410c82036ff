<?php
namespace Modqd\WordPress;

/** One process applies records and empties the outbox: the worker or WordPress' cron. The lock is the connection's and goes with it. */
final class Lock
{
    private static int $connection = 0;

    public static function take(float $seconds = 0): bool
    {
        $taken = Database::value('SELECT GET_LOCK(%s, %f)', self::name(), $seconds) === '1';
        self::$connection = $taken ? Database::connection() : 0;
        return $taken;
    }

    /** False when the connection was lost, and the lock with it. */
    public static function held(): bool
    {
        return self::$connection !== 0 && self::$connection === Database::connection();
    }

    public static function release(): void
    {
        if (self::held()) {
            Database::value('SELECT RELEASE_LOCK(%s)', self::name());
        }
        self::$connection = 0;
    }

    private static function name(): string
    {
        global $wpdb;
        return 'modqd:' . md5(DB_NAME . '/' . $wpdb->prefix);
    }
}
