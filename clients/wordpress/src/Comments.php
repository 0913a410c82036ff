<?php
namespace Modqd\WordPress;

/**
 * What the plugin knows of each comment that it handed in: one row, beside WordPress' own.
 *
 * The row's `state` is what the daemon's log says, and settle() makes WordPress follow it. A comment is shown exactly when
 * it is approved and its text is the one that was judged. The text is always the column comment_content as it is stored:
 * after WordPress' own filters (kses) have gone over what the author sent, and before those of the page.
 */
final class Comments
{
    /** Comments of other kinds (orders' notes, say) are none of readers. */
    public const TYPES = ['', 'comment', 'pingback', 'trackback'];
    /** What wp_set_comment_status() calls the statuses; the others are called as they are stored. */
    private const CALLED = ['0' => 'hold', '1' => 'approve'];

    /** @return ?array<string, string> the plugin's row */
    public static function known(int $commentId): ?array
    {
        return Database::row('SELECT * FROM ' . Database::table('comments') . ' WHERE comment_id = %d', $commentId);
    }

    /**
     * The same, locked until the transaction ends. Whoever locks WordPress' row, too, does that afterwards: so two never wait
     * for each other.
     *
     * @return ?array<string, string>
     */
    public static function locked(int $commentId): ?array
    {
        return Database::row('SELECT * FROM ' . Database::table('comments') . ' WHERE comment_id = %d FOR UPDATE', $commentId);
    }

    /**
     * @param list<int> $commentIds
     * @return list<array<string, string>> the plugin's rows, of those that it knows
     */
    public static function knownOf(array $commentIds): array
    {
        $places = implode(', ', array_fill(0, count($commentIds), '%d'));
        return Database::rows('SELECT * FROM ' . Database::table('comments') . " WHERE comment_id IN ($places)", ...$commentIds);
    }

    /** @return list<int> numbers of an article's comments that the plugin knows */
    public static function knownUnder(int $articleId): array
    {
        global $wpdb;
        $rows = Database::rows('SELECT m.comment_id FROM ' . Database::table('comments') . " m JOIN $wpdb->comments c ON c.comment_ID = m.comment_id"
            . ' WHERE c.comment_post_ID = %d', $articleId);
        return array_map('intval', array_column($rows, 'comment_id'));
    }

    /** @return ?array<string, string> the plugin's row, locked as by locked() */
    public static function byModqdId(string $id): ?array
    {
        $row = Database::row('SELECT * FROM ' . Database::table('comments') . ' WHERE modqd_id = %s FOR UPDATE', $id);
        return $row && $row['modqd_id'] === $id ? $row : null;
    }

    /** @return ?array<string, string> WordPress' row, past every cache and filter */
    public static function stored(int $commentId): ?array
    {
        global $wpdb;
        return Database::row("SELECT * FROM $wpdb->comments WHERE comment_ID = %d FOR UPDATE", $commentId);
    }

    /**
     * Gives a comment its id for ever, holds it, and keeps it in the outbox, in one transaction. WordPress' own number
     * will not do: a database that was restored from a backup gives the same numbers again.
     *
     * @return ?int number of the entry in the outbox; null where the comment is known already, or gone
     */
    public static function adopt(int $commentId, string $visitor = ''): ?int
    {
        return Database::transaction(static function () use ($commentId, $visitor): ?int {
            $comment = self::stored($commentId);
            if (!$comment || !in_array($comment['comment_approved'], ['0', '1'], true)) {
                return null;
            }
            if ($comment['comment_content'] === '') {
                self::put($comment, '0');       // there is nothing to judge
                return null;
            }
            $id = bin2hex(random_bytes(16));
            $added = Database::run('INSERT IGNORE INTO ' . Database::table('comments')
                . " (comment_id, modqd_id, revision, body_sha256, state, reasons, visitor) VALUES (%d, %s, 1, %s, 'pending', '[]', %s)",
                $commentId, $id, hash('sha256', $comment['comment_content']), $visitor);
            if (!$added) {
                return null;
            }
            self::put($comment, '0');
            return Outbox::keep($id, 'submit', ['comment' => Event::of($comment, $id, 1)]);
        });
    }

    /**
     * To be called when the text may have changed: another text than was handed in is held, and becomes a new revision.
     *
     * @return ?int number of the entry in the outbox; null when there is nothing to hand in
     */
    public static function revise(int $commentId): ?int
    {
        return Database::transaction(static function () use ($commentId): ?int {
            $row = self::locked($commentId);
            $comment = self::stored($commentId);
            if (!$comment || !$row || $row['withdrawn'] || in_array($row['state'], ['withdrawn', 'erased'], true)) {
                return null;
            }
            if (hash('sha256', $comment['comment_content']) === $row['body_sha256'] || $comment['comment_content'] === '') {
                return null;
            }
            return self::newRevision($row, $comment, (int) $row['revision'] + 1);
        });
    }

    /** The author takes it back. Null when it was taken back before. */
    public static function withdraw(int $commentId): ?int
    {
        return Database::transaction(static function () use ($commentId): ?int {
            $row = self::locked($commentId);
            $comment = self::stored($commentId);
            if (!$row || $row['withdrawn']) {
                return null;
            }
            Database::run('UPDATE ' . Database::table('comments')
                . " SET withdrawn = 1, state = IF(state = 'erased', state, 'withdrawn') WHERE comment_id = %d", $commentId);
            if ($comment) {
                self::put($comment, 'trash');
            }
            return Outbox::keep($row['modqd_id'], 'withdraw', ['site' => Settings::get('site'), 'comment' => $row['modqd_id']]);
        });
    }

    /** WordPress has deleted it for good: nobody needs to read it any more. */
    public static function forget(int $commentId): void
    {
        Database::transaction(static function () use ($commentId): void {
            self::withdraw($commentId);
            Database::run('DELETE FROM ' . Database::table('comments') . ' WHERE comment_id = %d', $commentId);
        });
    }

    /**
     * Makes WordPress show or hide the comment as its row says. A text that is not the one that was judged is not
     * shown, but handed in as a new revision, unless that is under way.
     */
    public static function settle(int $commentId): void
    {
        Database::transaction(static function () use ($commentId): void {
            $row = self::locked($commentId);
            $comment = self::stored($commentId);
            if (!$comment || !$row) {
                return;
            }
            $sha256 = hash('sha256', $comment['comment_content']);
            if ($row['state'] === 'erased') {
                self::erase($comment);
            } elseif ($row['withdrawn'] || $row['state'] === 'withdrawn') {
                self::put($comment, 'trash');
            } elseif (!self::judged($row) || $row['judged_sha256'] === $sha256) {
                self::put($comment, self::mayBeShown($row, $comment['comment_content']) ? '1' : '0');
            } elseif ($row['body_sha256'] !== $sha256 || $row['judged_revision'] >= $row['revision']) {
                self::newRevision($row, $comment, max((int) $row['revision'], (int) $row['judged_revision']) + 1);
            } else {
                self::pending($row, $comment);
            }
        });
    }

    /** Whether this very text may be shown. While a lost past is replayed nothing may: a later record can take it back. */
    public static function mayBeShown(array $row, string $content): bool
    {
        return $row['state'] === 'approved' && !$row['withdrawn'] && $row['judged_sha256'] === hash('sha256', $content)
            && Place::mode(Settings::get('site')) !== 'replay';
    }

    /**
     * The current text goes out as this revision, and waits.
     *
     * @return int number of the entry in the outbox
     */
    public static function newRevision(array $row, array $comment, int $revision): int
    {
        Database::run('UPDATE ' . Database::table('comments') . ' SET revision = %d, body_sha256 = %s WHERE comment_id = %d',
            $revision, hash('sha256', $comment['comment_content']), $row['comment_id']);
        self::pending($row, $comment);
        return Outbox::keep($row['modqd_id'], 'submit', ['comment' => Event::of($comment, $row['modqd_id'], $revision)]);
    }

    /**
     * What others keep of a comment, or of its article's page, is out of date: to be called once the transaction is over.
     * Where the status has changed, they hear all that wp_set_comment_status() tells: page caches go by one hook or another.
     *
     * @param ?string $statusBefore as it was stored; null where it stayed as it was
     */
    public static function refresh(int $commentId, ?string $statusBefore = null): void
    {
        clean_comment_cache($commentId);
        $comment = get_comment($commentId);
        if (!$comment) {
            return;
        }
        if ($statusBefore !== null && $statusBefore !== $comment->comment_approved) {
            do_action('wp_set_comment_status', $comment->comment_ID, self::CALLED[$comment->comment_approved] ?? $comment->comment_approved);
            wp_transition_comment_status($comment->comment_approved, $statusBefore, $comment);
        }
        wp_update_comment_count_now((int) $comment->comment_post_ID);
    }

    /**
     * Takes comments and their articles out of the object cache once more. A page that read them before they changed may
     * have put them there after refresh().
     */
    public static function forgetCached(array $commentIds): void
    {
        foreach ($commentIds as $id) {
            $comment = get_comment($id);
            wp_cache_delete($id, 'comment');
            if ($comment) {
                wp_cache_delete((int) $comment->comment_post_ID, 'posts');
            }
        }
    }

    private static function judged(array $row): bool
    {
        return $row['state'] === 'approved' || $row['state'] === 'rejected';
    }

    private static function pending(array $row, array $comment): void
    {
        Database::run('UPDATE ' . Database::table('comments') . " SET state = 'pending', reasons = '[]' WHERE comment_id = %d", $row['comment_id']);
        self::put($comment, '0');
    }

    private static function erase(array $comment): void
    {
        global $wpdb;
        Database::run("UPDATE $wpdb->comments SET comment_content = '', comment_author_IP = '' WHERE comment_ID = %d", $comment['comment_ID']);
        self::put($comment, 'trash');
    }

    /**
     * Sets WordPress' status and the article's count. What an administrator has put into the bin or called spam stays
     * there: it is not shown, and that is what they wanted.
     */
    private static function put(array $comment, string $status): void
    {
        global $wpdb;
        if ($comment['comment_approved'] === $status || !in_array($comment['comment_approved'], ['0', '1'], true)) {
            return;
        }
        Database::run("UPDATE $wpdb->comments SET comment_approved = %s WHERE comment_ID = %d", $status, $comment['comment_ID']);
        if ($status === 'trash') {
            // As wp_trash_comment() does, so that WordPress empties the bin in time.
            Database::run("INSERT INTO $wpdb->commentmeta (comment_id, meta_key, meta_value) VALUES (%d, '_wp_trash_meta_status', '0'), "
                . "(%d, '_wp_trash_meta_time', %s)", $comment['comment_ID'], $comment['comment_ID'], (string) time());
        }
        Database::run("UPDATE $wpdb->posts SET comment_count = (SELECT COUNT(*) FROM $wpdb->comments WHERE comment_post_ID = %d "
            . "AND comment_approved = '1') WHERE ID = %d", $comment['comment_post_ID'], $comment['comment_post_ID']);
    }
}
