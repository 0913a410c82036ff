<?php
namespace Modqd\WordPress;

/** Hands in what awaited moderation before the plugin came. A second run goes on where the first one ended. */
final class Pending
{
    private const PAGE = 200;
    private const REQUEST_S = 10.0;
    private const BAR = 30;

    /** Returns the exit code. */
    public static function submitAll(): int
    {
        if (!Settings::complete()) {
            fwrite(STDERR, "modqd: the settings name no site yet\n");
            return 1;
        }
        $adopted = self::adopt();
        $total = Outbox::count();
        $gone = 0;
        self::show($gone, $total);
        $front = Connection::front(self::REQUEST_S);
        $error = Outbox::flush($front, INF, static function (int $more) use (&$gone, $total): void {
            $gone += $more;
            self::show($gone, max($total, $gone));
        });
        $front->close();
        fwrite(STDERR, "\n");
        echo "$adopted were pending, $gone sent, " . Outbox::count() . ' wait, ' . Outbox::count(true) . " refused\n";
        if ($error) {
            fwrite(STDERR, 'modqd: ' . $error->getMessage() . "; the worker sends the rest\n");
        }
        return $error ? 1 : 0;
    }

    private static function adopt(): int
    {
        global $wpdb;
        $ours = Database::table('comments');
        $after = $adopted = 0;
        while ($rows = Database::rows("SELECT c.* FROM $wpdb->comments c LEFT JOIN $ours m ON m.comment_id = c.comment_ID WHERE m.comment_id IS NULL"
            . " AND c.comment_approved = '0' AND c.comment_ID > %d ORDER BY c.comment_ID LIMIT %d", $after, self::PAGE)) {
            foreach (array_filter($rows, [Hold::class, 'concerns']) as $comment) {
                $adopted += Comments::adopt((int) $comment['comment_ID']) ? 1 : 0;
            }
            $after = (int) end($rows)['comment_ID'];
            Memory::forget();
        }
        return $adopted;
    }

    /** One line that is written over: on a terminal as a bar, elsewhere not at all. */
    private static function show(int $gone, int $total): void
    {
        if (stream_isatty(STDERR)) {
            $full = $total ? intdiv(self::BAR * $gone, $total) : self::BAR;
            fprintf(STDERR, "\r[%s%s] %d/%d", str_repeat('#', $full), str_repeat('.', self::BAR - $full), $gone, $total);
        }
    }
}
