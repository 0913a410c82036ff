<?php
namespace Modqd\WordPress;

use Modqd\Error;
use Modqd\Front;

/**
 * What is to go to the daemon, in the order in which it came about. Kept in the transaction that changes the comment, so
 * that neither is without the other; taken out when the daemon has answered.
 */
final class Outbox
{
    private const PAGE = 100;

    /**
     * @param string $op submit (with `comment`), withdraw or report
     * @return int the entry's number
     */
    public static function keep(string $id, string $op, array $fields): int
    {
        global $wpdb;
        Database::run('INSERT INTO ' . Database::table('outbox') . ' (modqd_id, op, fields, kept_at) VALUES (%s, %s, %s, %d)',
            $id, $op, json_encode($fields, JSON_THROW_ON_ERROR), time());
        return (int) $wpdb->insert_id;
    }

    /** How many wait, or were refused. */
    public static function count(bool $refused = false): int
    {
        return (int) Database::value('SELECT COUNT(*) FROM ' . Database::table('outbox') . ' WHERE refused IS ' . ($refused ? 'NOT NULL' : 'NULL'));
    }

    /** @return list<array<string, ?string>> the newest that were refused */
    public static function refused(int $most): array
    {
        return Database::rows('SELECT * FROM ' . Database::table('outbox') . ' WHERE refused IS NOT NULL ORDER BY id DESC LIMIT %d', $most);
    }

    /** What was refused is tried again: the key or the site's name was wrong, say. */
    public static function retryRefused(): void
    {
        Database::run('UPDATE ' . Database::table('outbox') . ' SET refused = NULL');
    }

    /** A comment was erased: no copy of its text stays. */
    public static function drop(string $id): void
    {
        Database::run('DELETE FROM ' . Database::table('outbox') . ' WHERE modqd_id = %s', $id);
    }

    /**
     * Sends one entry from a page that a reader waits for: once, and only where nothing older waits, which would be
     * overtaken, or says that the daemon is away. Otherwise the worker does it.
     *
     * @return bool whether it has arrived
     */
    public static function sendNow(?int $entry): bool
    {
        if (!$entry || Database::value('SELECT id FROM ' . Database::table('outbox') . ' WHERE id < %d AND refused IS NULL LIMIT 1', $entry)) {
            return false;
        }
        $row = Database::row('SELECT * FROM ' . Database::table('outbox') . ' WHERE id = %d AND refused IS NULL', $entry);
        if (!$row) {
            return false;
        }
        try {
            $front = Connection::front(Settings::get('timeout_ms') / 1000);
            try {
                return self::sendOne($front, $row) === null;
            } finally {
                $front->close();
            }
        } catch (\Throwable $error) {
            error_log('modqd: ' . $error->getMessage());
            return false;
        }
    }

    /**
     * Sends in order until all is sent, the time is up, or the daemon cannot take more now.
     *
     * @param ?callable(int): void $progress is told how many more have gone
     * @return ?Error why it stopped, when that was the daemon
     */
    public static function flush(Front $front, float $seconds, ?callable $progress = null): ?Error
    {
        $end = microtime(true) + $seconds;
        while (microtime(true) < $end) {
            $rows = Database::rows('SELECT * FROM ' . Database::table('outbox') . ' WHERE refused IS NULL ORDER BY id LIMIT %d', self::PAGE);
            if (!$rows) {
                return null;
            }
            foreach (self::batches($rows) as $batch) {
                $error = self::send($front, $batch);
                if ($error) {
                    return $error;
                }
                $progress && $progress(count($batch));
            }
        }
        return null;
    }

    /** Neighbouring submits of different comments go together. */
    private static function batches(array $rows): array
    {
        $batches = [];
        foreach ($rows as $row) {
            $last = array_key_last($batches);
            $joins = $last !== null && $row['op'] === 'submit' && $batches[$last][0]['op'] === 'submit'
                && !in_array($row['modqd_id'], array_column($batches[$last], 'modqd_id'), true);
            if ($joins) {
                $batches[$last][] = $row;
            } else {
                $batches[] = [$row];
            }
        }
        return $batches;
    }

    private static function send(Front $front, array $batch): ?Error
    {
        if ($batch[0]['op'] !== 'submit') {
            return self::sendOne($front, $batch[0]);
        }
        $comments = array_map(static fn ($row) => json_decode($row['fields'], true)['comment'], $batch);
        $stopped = null;
        foreach ($front->submitMany($comments) as $i => $result) {
            $stopped = self::settle($front, $batch[$i], $result['error'] ?? null) ?? $stopped;
        }
        return $stopped;
    }

    private static function sendOne(Front $front, array $row): ?Error
    {
        $fields = json_decode($row['fields'], true);
        try {
            match ($row['op']) {
                'submit' => $front->submit($fields['comment']),
                'withdraw' => $front->withdraw($fields['site'], $fields['comment']),
                'report' => $front->report($fields['site'], $fields['comment'], $fields['reader'], $fields['more']),
            };
        } catch (Error $error) {
            return self::settle($front, $row, $error);
        }
        return self::settle($front, $row, null);
    }

    /** @return ?Error the error, where the entry has to stay and go later */
    private static function settle(Front $front, array $row, ?Error $error): ?Error
    {
        if ($error && $error->keep) {
            return $error;
        }
        if ($error && in_array($error->name, ['conflict', 'stale_revision'], true)) {
            return self::renumber($front, $row);
        }
        // What is withdrawn or erased there will be here, too, as soon as its record comes.
        if (!$error || in_array($error->name, ['withdrawn', 'erased'], true)) {
            Database::run('DELETE FROM ' . Database::table('outbox') . ' WHERE id = %d', $row['id']);
            return null;
        }
        Database::run('UPDATE ' . Database::table('outbox') . ' SET refused = %s WHERE id = %d',
            $error->getMessage(), $row['id']);
        return null;
    }

    /**
     * The daemon has another text under this number, from before this database was restored from a backup: the text that
     * is shown here becomes its newest revision.
     */
    private static function renumber(Front $front, array $row): ?Error
    {
        try {
            $status = $front->status(Settings::get('site'), [$row['modqd_id']])[0];
        } catch (Error $error) {
            return $error;
        }
        $changed = Database::transaction(static function () use ($row, $status): ?array {
            Database::run('DELETE FROM ' . Database::table('outbox') . ' WHERE id = %d', $row['id']);
            $known = Comments::byModqdId($row['modqd_id']);
            $comment = $known ? Comments::stored((int) $known['comment_id']) : null;
            $sent = json_decode($row['fields'], true)['comment']['revision'];
            if (!$comment || (int) $known['revision'] !== $sent || $known['withdrawn']) {
                return null;
            }
            Comments::newRevision($known, $comment, max($sent, (int) ($status['revision'] ?? 0)) + 1);
            return [(int) $known['comment_id'], $comment['comment_approved']];
        });
        $changed && Comments::refresh(...$changed);
        return null;
    }
}
