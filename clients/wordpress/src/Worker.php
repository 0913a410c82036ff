<?php
namespace Modqd\WordPress;

use Modqd\Decisions;
use Modqd\Error;
use Modqd\Event as StreamEvent;
use Modqd\Front;

/** Applies the site's log, empties the outbox, and finds what a killed process left half done. */
final class Worker
{
    private const WAIT_S = 0.25;             // for a record; then the outbox is looked at again
    private const REQUEST_S = 5.0;
    private const FLUSH_S = 2.0;             // at a time, so that decisions are not held up
    private const HOUSEKEEPING_S = 5.0;
    private const STRAYS_S = 30.0;           // looks through everything that is held
    private const SILENCE_S = 5.0;           // of a daemon that was never heard; then the log tells
    private const PAUSE_S = [0.25, 10.0];    // after a fault, doubled each time
    private const STRAYS = 200;

    private ?Front $front = null;
    private ?Decisions $decisions = null;
    private array $settings = [];
    private float $flushAt = 0;
    private float $housekeepingAt = 0;
    private float $straysAt = 0;
    /** @var list<int> comments of which a decision was applied since the last housekeeping, and before that */
    private array $changed = [];
    private array $changedBefore = [];
    private float $pause = self::PAUSE_S[0];
    private bool $level = false;
    private float $silentAt = INF;

    /**
     * @param callable(string): void $say takes a line for the log
     * @param bool $heard whether this is the worker that cron stands in for
     */
    public function __construct(private $say, private bool $heard = true)
    {
    }

    /**
     * Works until the time is up, or $stop says so. The caller holds the lock.
     *
     * @param bool $untilLevel ends when there is nothing more to do
     * @throws DatabaseError the connection was lost, and the lock with it
     */
    public function run(float $seconds, bool $untilLevel = false, ?callable $stop = null): void
    {
        $end = microtime(true) + $seconds;
        $this->refreshLast();
        while (microtime(true) < $end && !($stop && $stop())) {
            if (!Lock::held()) {
                throw new DatabaseError('the connection to the database was lost');
            }
            try {
                $this->turn();
                if ($untilLevel && $this->level && Outbox::count() === 0) {
                    break;
                }
            } catch (\Exception $error) {
                $this->failed($error, min($end, microtime(true) + $this->pause), $stop);
            }
        }
        $this->close();
    }

    private function turn(): void
    {
        $this->housekeep();
        if (!Settings::complete()) {
            usleep((int) (self::WAIT_S * 1e6));
            return;
        }
        $this->open();
        $event = $this->decisions->next(self::WAIT_S);
        if ($event) {
            $this->handle($event);
        } elseif (microtime(true) >= $this->silentAt) {
            $this->silentAt = INF;
            ($this->say)('no answer from the daemon yet; it is waited for');
        }
        if (microtime(true) >= $this->flushAt) {
            $this->flush();
        }
    }

    private function open(): void
    {
        $this->front ??= Connection::front(self::REQUEST_S);
        if ($this->decisions) {
            return;
        }
        if (in_array($this->mode(), ['showing', 'asking'], true)) {
            Recovery::finish(Settings::get('site'), $this->front);
        }
        $this->decisions = Connection::decisions();
        $this->silentAt = microtime(true) + self::SILENCE_S;
    }

    private function handle(StreamEvent $event): void
    {
        $this->silentAt = INF;
        match ($event->type) {
            'record' => $this->apply($event->record),
            'level' => $this->reachedLevel(),
            'failed' => $this->streamFailed($event->error),
            default => null,
        };
    }

    private function apply(array $record): void
    {
        $record['body_sha256'] = $record['body_sha256'] === null ? null : bin2hex((string) $record['body_sha256']);
        $shown = $this->mode() !== 'replay';
        // The place goes first: were the connection lost between the two, and wpdb connected anew, the comment could change
        // without the place, which the record that comes again mends. The other way round a decision would be lost.
        $changed = Database::transaction(function () use ($record, $shown): ?array {
            $this->decisions->recorded();
            return Records::apply($record, $shown);
        });
        if ($changed && $shown) {
            Comments::refresh(...$changed);
            $this->changed[] = $changed[0];
        }
        if ($record['policy'] !== null) {
            Policy::renew($this->front, $record['policy']);
        }
        $this->pause = self::PAUSE_S[0];
    }

    private function reachedLevel(): void
    {
        $site = Settings::get('site');
        if ($this->mode() === 'replay') {
            Recovery::finish($site, $this->front);
            ($this->say)('what the daemon lost was handed in again');
        }
        Policy::renew($this->front);
        if ($this->heard) {
            ($this->say)('level with the daemon: decisions are applied as they are made');
        }
        $this->level = true;
        $this->pause = self::PAUSE_S[0];
    }

    private function streamFailed(Error $error): void
    {
        $this->closeDecisions();
        if ($error->name === 'diverged') {
            ($this->say)('the daemon has another past: everything is set aside, and its log is replayed');
            Recovery::begin(Settings::get('site'));
            return;
        }
        throw $error;
    }

    private function flush(): void
    {
        $error = Outbox::flush($this->front, self::FLUSH_S);
        if ($error) {
            $this->flushAt = microtime(true) + $this->pause;
            $this->pause = min($this->pause * 2, self::PAUSE_S[1]);
            ($this->say)('outbox: ' . $error->getMessage());
        }
    }

    /** What is done now and then, whether the daemon is there or not. */
    private function housekeep(): void
    {
        if (microtime(true) < $this->housekeepingAt) {
            return;
        }
        $this->housekeepingAt = microtime(true) + self::HOUSEKEEPING_S;
        Memory::forget();
        $this->forgetChanged();
        $settings = Settings::all();
        if ($settings !== $this->settings) {
            $this->close();
            $this->settings = $settings;
        }
        if (Settings::complete()) {
            $this->heard && Place::heard($settings['site']);
            if (microtime(true) >= $this->straysAt) {
                $this->straysAt = microtime(true) + self::STRAYS_S;
                $this->findStrays();
            }
        }
    }

    /** Twice: the first time may follow the decision at once. */
    private function forgetChanged(): void
    {
        Comments::forgetCached(array_unique([...$this->changed, ...$this->changedBefore]));
        $this->changedBefore = $this->changed;
        $this->changed = [];
    }

    /**
     * What a process that was killed between WordPress' statement and ours left behind: comments that are held and have no
     * id, texts that changed and were not handed in, and statuses that are not what moderators and authors say.
     */
    private function findStrays(): void
    {
        global $wpdb;
        $ours = Database::table('comments');
        $new = Database::rows("SELECT c.* FROM $wpdb->comments c LEFT JOIN $ours m ON m.comment_id = c.comment_ID"
            . " WHERE m.comment_id IS NULL AND c.comment_approved = '0' AND c.comment_ID >= %d ORDER BY c.comment_ID LIMIT %d",
            get_option('modqd_first'), self::STRAYS);
        foreach (array_filter($new, [Hold::class, 'concerns']) as $comment) {
            $this->oneStray(Comments::adopt(...), (int) $comment['comment_ID']);
        }
        $changed = Database::rows("SELECT c.comment_ID FROM $ours m JOIN $wpdb->comments c ON m.comment_id = c.comment_ID"
            . " WHERE m.state IN ('pending', 'rejected', 'approved') AND m.withdrawn = 0 AND c.comment_approved = '0' AND c.comment_content <> ''"
            . ' AND SHA2(CONVERT(c.comment_content USING utf8mb4), 256) <> m.body_sha256 LIMIT %d', self::STRAYS);
        foreach ($changed as $comment) {
            $this->oneStray(Comments::revise(...), (int) $comment['comment_ID']);
        }
        $unsettled = Database::rows("SELECT c.comment_ID, c.comment_approved FROM $ours m JOIN $wpdb->comments c ON m.comment_id = c.comment_ID"
            . " WHERE c.comment_approved = '1' AND (m.state <> 'approved' OR m.withdrawn = 1)"
            . " OR c.comment_approved = '0' AND (m.state NOT IN ('pending', 'rejected') OR m.withdrawn = 1) LIMIT %d", self::STRAYS);
        foreach ($unsettled as $comment) {
            $this->oneStray(Comments::settle(...), (int) $comment['comment_ID']);
            Comments::refresh((int) $comment['comment_ID'], $comment['comment_approved']);
        }
    }

    /** One that cannot be handed in (its text is no UTF-8, say) stays held, and holds nobody up. */
    private function oneStray(callable $handIn, int $commentId): void
    {
        try {
            $handIn($commentId);
        } catch (\JsonException $error) {
            ($this->say)("comment $commentId: " . $error->getMessage());
        }
    }

    /** A worker that was killed after its last transaction may have left that comment in a cache as it was. */
    private function refreshLast(): void
    {
        $last = Database::value('SELECT comment_id FROM ' . Database::table('comments') . ' WHERE seq > 0 ORDER BY seq DESC LIMIT 1');
        if ($last) {
            Comments::refresh((int) $last);
        }
    }

    private function failed(\Exception $error, float $until, ?callable $stop): void
    {
        ($this->say)($error->getMessage());
        $this->close();
        $this->pause = min($this->pause * 2, self::PAUSE_S[1]);
        while (microtime(true) < $until && !($stop && $stop())) {
            usleep(50000);
            $this->housekeep();
        }
    }

    private function mode(): string
    {
        return Place::mode(Settings::get('site'));
    }

    private function close(): void
    {
        $this->closeDecisions();
        $this->front?->close();
        $this->front = null;
    }

    private function closeDecisions(): void
    {
        $this->decisions?->close();
        $this->decisions = null;
        $this->level = false;
    }
}
