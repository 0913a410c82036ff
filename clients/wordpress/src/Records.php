<?php
namespace Modqd\WordPress;

/** Applies records of the site's log. */
final class Records
{
    private const STATES = ['approved' => 'approved', 'rejected' => 'rejected', 'reopened' => 'pending',
        'withdrawn' => 'withdrawn', 'erased' => 'erased'];

    /**
     * To be called in a transaction. While a lost past is replayed ($shown is false) the comment's row changes and WordPress
     * does not, yet.
     *
     * @param array $record as in the protocol; `body_sha256` in hex, or null
     * @return ?array{int, string} the comment's number and its status before, for Comments::refresh(); null for a comment
     *   that this WordPress does not have, which is skipped
     */
    public static function apply(array $record, bool $shown): ?array
    {
        $row = Comments::byModqdId($record['comment']);
        $state = self::STATES[$record['decision']] ?? null;
        if (!$row || !$state) {
            return null;
        }
        $comment = Comments::stored((int) $row['comment_id']);
        if ($row['state'] === 'erased') {
            $state = 'erased';       // the text is gone, whatever an older record says
        }
        Database::run('UPDATE ' . Database::table('comments') . ' SET state = %s, reasons = %s, judged_revision = %d, judged_sha256 = %s, seq = %d'
            . ' WHERE comment_id = %d', $state, wp_json_encode($record['reasons']), $record['revision'], (string) $record['body_sha256'],
            $record['seq'], $row['comment_id']);
        if ($state === 'erased') {
            Outbox::drop($row['modqd_id']);
        }
        if ($shown) {
            Comments::settle((int) $row['comment_id']);
        }
        return [(int) $row['comment_id'], $comment['comment_approved'] ?? ''];
    }
}
