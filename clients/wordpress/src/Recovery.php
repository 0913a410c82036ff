<?php
namespace Modqd\WordPress;

use Modqd\Front;

/**
 * The daemon lost a part of the past (it was restored from a backup). Everything is set aside as awaiting moderation, the
 * log is replayed from its beginning into one state for each comment, and only then anything is shown again. At the end
 * the daemon is asked for what it has no decision of. Each step can be done twice: it goes on after a kill.
 */
final class Recovery
{
    private const PAGE = 100;

    /** Nothing is shown any more of what was handed in, and the place is forgotten. */
    public static function begin(string $site): void
    {
        global $wpdb;
        $ours = Database::table('comments');
        $shown = self::oneOfEachArticle("SELECT MIN(c.comment_ID) id FROM $wpdb->comments c JOIN $ours m ON m.comment_id = c.comment_ID"
            . " WHERE c.comment_approved = '1' GROUP BY c.comment_post_ID");
        Database::transaction(static function () use ($site, $wpdb, $ours): void {
            Place::setMode($site, 'replay');
            Place::forget($site);
            Database::run("UPDATE $wpdb->comments c JOIN $ours m ON m.comment_id = c.comment_ID SET c.comment_approved = '0' WHERE c.comment_approved = '1'");
            Database::run("UPDATE $ours SET state = 'pending', reasons = '[]', judged_sha256 = '', judged_revision = 0, seq = 0 WHERE state <> 'erased'");
            Database::run("UPDATE $wpdb->posts p SET comment_count = (SELECT COUNT(*) FROM $wpdb->comments c WHERE c.comment_post_ID = p.ID "
                . "AND c.comment_approved = '1') WHERE comment_count > 0");
        });
        wp_cache_flush();
        self::tell($shown, '1');
    }

    /** The replay is level: what was folded together is shown, and what the daemon lost is handed in; or the rest of that. */
    public static function finish(string $site, Front $front): void
    {
        if (Place::mode($site) !== 'asking') {
            self::show($site);
        }
        self::ask($site, $front);
    }

    private static function show(string $site): void
    {
        global $wpdb;
        Place::setMode($site, 'showing');
        foreach (self::pages('1 = 1') as $rows) {
            Database::transaction(static function () use ($rows): void {
                foreach ($rows as $row) {
                    Comments::settle((int) $row['comment_id']);
                }
            });
            $ids = array_map('intval', array_column($rows, 'comment_id'));
            clean_comment_cache($ids);
            self::tell(self::oneOfEachArticle("SELECT MIN(comment_ID) id FROM $wpdb->comments WHERE comment_approved = '1'"
                . ' AND comment_ID IN (' . implode(', ', $ids) . ') GROUP BY comment_post_ID'), '0');
        }
        Place::setMode($site, 'asking');
        wp_cache_flush();
    }

    /**
     * Hands in again what the daemon does not know, and takes back again what authors took back.
     *
     * @throws \Modqd\Error the daemon is away; to be called again
     */
    private static function ask(string $site, Front $front): void
    {
        foreach (self::pages("withdrawn = 1 AND state NOT IN ('withdrawn', 'erased')") as $rows) {
            foreach ($rows as $row) {
                Outbox::keep($row['modqd_id'], 'withdraw', ['site' => $site, 'comment' => $row['modqd_id']]);
            }
        }
        foreach (self::pages("withdrawn = 0 AND state = 'pending'") as $rows) {
            foreach ($front->status($site, array_column($rows, 'modqd_id')) as $i => $status) {
                self::handInAgain($rows[$i], $status);
            }
        }
        Place::setMode($site, 'live');
    }

    private static function handInAgain(array $row, array $status): void
    {
        Database::transaction(static function () use ($row, $status): void {
            Comments::locked((int) $row['comment_id']);
            $comment = Comments::stored((int) $row['comment_id']);
            if (!$comment || ($status['status'] ?? '') === 'found' && bin2hex((string) $status['body_sha256']) === $row['body_sha256']) {
                return;
            }
            Comments::newRevision($row, $comment, max((int) $row['revision'], (int) ($status['revision'] ?? 0) + 1));
        });
    }

    /** @return iterable<list<array<string, ?string>>> */
    private static function pages(string $which): iterable
    {
        $after = 0;
        while ($rows = Database::rows('SELECT * FROM ' . Database::table('comments') . " WHERE comment_id > %d AND $which ORDER BY comment_id LIMIT %d",
            $after, self::PAGE)) {
            yield $rows;
            $after = (int) end($rows)['comment_id'];
        }
    }

    /** @return list<int> the numbers that the statement selects as `id` */
    private static function oneOfEachArticle(string $sql): array
    {
        return array_map('intval', array_column(Database::rows($sql), 'id'));
    }

    /** Page caches keep whole articles: that they hear of one comment of each is enough. */
    private static function tell(array $commentIds, string $statusBefore): void
    {
        foreach ($commentIds as $id) {
            Comments::refresh($id, $statusBefore);
        }
    }
}
