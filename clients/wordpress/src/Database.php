<?php
namespace Modqd\WordPress;

/** Statements on WordPress' own connection, so that the plugin's rows and WordPress' comments change in one transaction. */
final class Database
{
    private static int $depth = 0;

    /** The full name of one of the plugin's tables: comments, outbox or place. */
    public static function table(string $name): string
    {
        global $wpdb;
        return "{$wpdb->prefix}modqd_$name";
    }

    /** Number of the connection; another one after wpdb has silently connected anew, which loses locks and transactions. */
    public static function connection(): int
    {
        global $wpdb;
        return $wpdb->dbh instanceof \mysqli ? (int) $wpdb->dbh->thread_id : 0;
    }

    /**
     * All of it or nothing; inside another transaction a part of that.
     *
     * @throws DatabaseError also where the connection was lost on the way: then what was written is not known
     */
    public static function transaction(callable $do): mixed
    {
        if (self::$depth > 0) {
            return $do();
        }
        self::run('START TRANSACTION');
        $connection = self::connection();
        self::$depth++;
        try {
            $result = $do();
            self::run('COMMIT');
        } catch (\Throwable $error) {
            self::rollBack();
            throw $error;
        } finally {
            self::$depth--;
        }
        if (self::connection() !== $connection) {
            throw new DatabaseError('the connection to the database was lost in a transaction');
        }
        return $result;
    }

    /** Returns how many rows were changed. */
    public static function run(string $sql, mixed ...$values): int
    {
        global $wpdb;
        return self::checked(static fn () => $wpdb->query(self::prepared($sql, $values)));
    }

    /** @return list<array<string, ?string>> */
    public static function rows(string $sql, mixed ...$values): array
    {
        global $wpdb;
        return self::checked(static fn () => $wpdb->get_results(self::prepared($sql, $values), ARRAY_A));
    }

    /** @return ?array<string, ?string> the first row */
    public static function row(string $sql, mixed ...$values): ?array
    {
        return self::rows($sql, ...$values)[0] ?? null;
    }

    /** The first column of the first row. */
    public static function value(string $sql, mixed ...$values): ?string
    {
        $row = self::row($sql, ...$values);
        return $row ? reset($row) : null;
    }

    private static function prepared(string $sql, array $values): string
    {
        global $wpdb;
        return $values ? $wpdb->prepare($sql, ...$values) : $sql;
    }

    private static function checked(callable $do): mixed
    {
        global $wpdb;
        $shown = $wpdb->suppress_errors(true);
        $result = $do();
        $wpdb->suppress_errors($shown);
        if ($result === false || $wpdb->last_error !== '') {
            throw new DatabaseError($wpdb->last_error ?: 'the database does not answer');
        }
        return $result;
    }

    private static function rollBack(): void
    {
        try {
            self::run('ROLLBACK');
        } catch (DatabaseError) {
            // A connection that is gone has rolled back already.
        }
    }
}
