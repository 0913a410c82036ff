<?php

declare(strict_types=1);

namespace Modqd;

/**
 * A stream as the daemon sees it: opened, kept alive, read, opened anew (PROTOCOL.md, "stream").
 *
 * @internal
 */
final class Stream
{
    private const OPENING = 5.0;
    private const CONFIRM_EVERY = 10.0;
    private const NEVER = INF;

    /** ZeroMQ does not say when a connection is lost; so often it is asked. */
    private const LOOK = 0.5;

    private Phase $phase = Phase::Paused;
    private readonly Backoff $backoff;

    /** @var list<Event> to be handed out; of records with their number */
    private array $queue = [];

    private Position $handedOut;
    private int $received;
    private string $epoch;
    private int $credit;

    /** Credit that is used up by records that were recorded, and not given back yet. */
    private int $taken = 0;
    private int $id;
    private bool $requested = false;
    private bool $everSent = false;
    private ?Error $error = null;

    private float $pauseEnds = 0.0;
    private float $opened = 0.0;
    private float $heard = 0.0;
    private float $silentSince;
    private float $heartbeat = 10.0;
    private float $creditTimeout = 30.0;
    private float $aliveDue = 0.0;

    private int $confirmed = -1;
    private float $confirmDue = 0.0;
    private bool $level = false;

    public function __construct(private readonly Link $link, private readonly Wish $wish, private Position $recorded)
    {
        $this->backoff = new Backoff();
        $this->handedOut = $recorded;
        $this->received = $recorded->seq;
        $this->epoch = $recorded->epoch;
        $this->credit = $wish->credit;
        $this->id = random_int(1, 1 << 40);
        $this->silentSince = Clock::now();
    }

    public function next(float $wait): ?Event
    {
        $until = Clock::now() + $wait;
        while (true) {
            $this->process();
            if (($event = $this->handOut()) !== null) {
                return $event;
            }
            $now = Clock::now();
            if ($now >= $until) {
                return null;
            }
            $writable = $this->phase === Phase::Opening && !$this->requested;
            if (!$this->link->wait($writable, min($until, $this->nextMoment(), $now + self::LOOK) - $now)) {
                return null;
            }
        }
    }

    public function handedOut(): Position
    {
        return $this->handedOut;
    }

    public function recorded(): Position
    {
        return $this->recorded;
    }

    public function record(Position $position): void
    {
        $this->taken += $position->seq - $this->recorded->seq;
        $this->recorded = $position;
        if ($this->phase === Phase::Open && $this->taken * 2 >= $this->credit) {
            $this->giveCredit();
        }
        $this->confirmIfDue();
    }

    public function close(): void
    {
        $this->link->end();
        $this->queue = [];
        $this->error = Error::badArgument('the stream was closed');
        $this->phase = Phase::Failed;
    }

    private function handOut(): ?Event
    {
        $event = array_shift($this->queue);
        if ($event === null) {
            return match ($this->phase) {
                Phase::Failed => new Event('failed', [], $this->error),
                Phase::Ended => new Event('end'),
                default => null,
            };
        }
        if ($event->type === 'record') {
            $this->handedOut = new Position($event->record['seq'], $event->record['chain'], $this->epoch);
        } elseif ($event->type === 'level') {
            $this->level = true;
            $this->confirmDue = 0.0;
            $this->confirmIfDue();
            $this->phase = $this->wish->live ? $this->phase : Phase::Ended;
        }
        return $event;
    }

    private function process(): void
    {
        do {
            $read = $this->read();
            $this->watch();
        } while ($read);
    }

    // What the daemon says

    /** One message; false: there was none. */
    private function read(): bool
    {
        if ($this->phase !== Phase::Opening && $this->phase !== Phase::Open) {
            return false;
        }
        $bytes = $this->link->receive();
        if ($bytes === null) {
            return false;
        }
        try {
            $message = Unpacker::unpack($bytes);
        } catch (LocalError $e) {
            $this->reopen($e);
            return true;
        }
        if (is_array($message) && ($message['id'] ?? null) === $this->id) {
            $this->heard = $this->silentSince = Clock::now();
            $this->take($message);
        }
        return true;
    }

    /** @param array<string, mixed> $message */
    private function take(array $message): void
    {
        $op = $message['op'] ?? null;
        if ($this->phase === Phase::Opening) {
            $op === 'stream' && $this->takeReply($message);
            return;
        }
        match ($op) {
            'records' => $this->takeRecords($message),
            'heartbeat' => $this->takeHeartbeat($message),
            'level' => $this->takeLevel(),
            'ended' => $this->takeEnd($message),
            default => null,
        };
    }

    /** @param array<string, mixed> $reply */
    private function takeReply(array $reply): void
    {
        if (($reply['ok'] ?? null) !== true) {
            $this->takeRefusal(Error::of($reply['error'] ?? null));
            return;
        }
        $this->phase = Phase::Open;
        $this->backoff->reset();
        $this->heartbeat = self::seconds($reply, 'heartbeat_ms', 10.0);
        $this->creditTimeout = self::seconds($reply, 'credit_timeout_ms', 30.0);
        $this->aliveDue = Clock::now() + $this->creditTimeout / 3;
        $epoch = $reply['epoch'] ?? null;
        $this->epoch = is_string($epoch) && strlen($epoch) === 16 ? $epoch : $this->epoch;
    }

    /** A daemon may allow less credit than is usual; it says how much. */
    private function takeRefusal(Error $error): void
    {
        $max = $error->more['max'] ?? null;
        if ($error->name === 'out_of_range' && $error->field === 'credit' && is_int($max) && $max >= 1 && $max < $this->credit) {
            $this->credit = $max;
            $this->reopen(null);
        } else {
            $this->goOnOrFail($error);
        }
    }

    /** @param array<string, mixed> $message */
    private function takeRecords(array $message): void
    {
        $records = $message['records'] ?? null;
        if (!is_array($records) || !array_is_list($records)) {
            $this->reopen(Error::badReply('the daemon sent records that are no list'));
            return;
        }
        foreach ($records as $record) {
            if (!is_array($record) || !is_string($record['chain'] ?? null) || strlen($record['chain']) !== 32) {
                $this->reopen(Error::badReply('the daemon sent a record without a chain hash'));
                return;
            }
            if (($record['seq'] ?? null) !== $this->received + 1 || ($record['site'] ?? null) !== $this->wish->site) {
                $this->reopen(Error::badReply('the daemon sent a record that is not the next one'));
                return;
            }
            $this->received++;
            $this->queue[] = new Event('record', $record);
        }
    }

    /** @param array<string, mixed> $message */
    private function takeHeartbeat(array $message): void
    {
        if (is_int($message['sent'] ?? null) && $message['sent'] > $this->received) {
            $this->reopen(Error::badReply('a heartbeat tells of a record that never came'));
        }
    }

    private function takeLevel(): void
    {
        $this->queue[] = new Event('level');
        if (!$this->wish->live) {
            $this->phase = Phase::Replayed;
        }
    }

    /** @param array<string, mixed> $message */
    private function takeEnd(array $message): void
    {
        $this->goOnOrFail(Error::of($message['error'] ?? null));
    }

    /** not_found: the daemon does not know the stream any more, after a connection that ZeroMQ made anew by itself. */
    private function goOnOrFail(Error $error): void
    {
        if ($error->keep || $error instanceof LocalError || $error->name === 'not_found') {
            $this->reopen($error);
        } else {
            $this->fail($error);
        }
    }

    // Life

    /** What is queued comes again, and what was handed out and not recorded. */
    private function reopen(?Error $why): void
    {
        $wasOpen = $this->phase === Phase::Open;
        $lost = $this->queue !== [] && $this->queue[0]->type === 'lost' ? [$this->queue[0]] : [];
        $this->queue = $wasOpen ? [new Event('lost', [], $why)] : $lost;
        $this->error = $why;
        $this->link->close();
        $this->level = false;
        $this->phase = Phase::Paused;
        $this->pauseEnds = Clock::now() + $this->backoff->next($why?->retry_after_ms);
    }

    private function fail(Error $error): void
    {
        $this->error = $error;
        $this->queue = array_values(array_filter($this->queue, static fn (Event $event): bool => $event->type === 'lost'));
        $this->link->close();
        $this->phase = Phase::Failed;
    }

    private function watch(): void
    {
        $now = Clock::now();
        if (!in_array($this->phase, [Phase::Paused, Phase::Opening, Phase::Open], true)) {
            return;
        }
        if ($now >= $this->givesUpAt()) {
            $this->fail($this->silence());
            return;
        }
        if ($this->phase === Phase::Paused && $now >= $this->pauseEnds) {
            $this->start($now);
        } elseif ($this->phase !== Phase::Paused && $now >= $this->silenceEnds()) {
            $this->reopen($this->silence());
        } elseif ($this->phase === Phase::Open && !$this->link->isConnected()) {
            $this->reopen($this->silence());
        }
        if ($this->phase === Phase::Opening && !$this->requested) {
            $this->request();
        }
        if ($this->phase === Phase::Open && $now >= $this->aliveDue) {
            $this->giveCredit();
        }
        $this->confirmIfDue();
    }

    private function start(float $now): void
    {
        $this->link->open();
        $this->phase = Phase::Opening;
        $this->opened = $now;
        $this->requested = false;
        $this->handedOut = $this->recorded;
        $this->received = $this->recorded->seq;
        $this->taken = 0;
        $this->id++;
    }

    private function request(): void
    {
        $from = $this->recorded;
        $fields = ['site' => $this->wish->site, 'after' => $from->seq, 'credit' => $this->credit, 'live' => $this->wish->live];
        if ($from->seq > 0 && $from->chain !== '') {
            $fields['hash'] = new Bytes($from->chain);
        } elseif ($from->seq > 0 && $from->epoch !== '') {
            $fields['epoch'] = new Bytes($from->epoch);
        }
        $this->requested = $this->send(['v' => 1, 'op' => 'stream', 'id' => $this->id] + $fields);
        $this->everSent = $this->everSent || $this->requested;
    }

    private function giveCredit(): void
    {
        if ($this->send(['v' => 1, 'op' => 'credit', 'stream' => $this->id, 'credit' => $this->taken])) {
            $this->taken = 0;
            $this->aliveDue = Clock::now() + $this->creditTimeout / 3;
        }
    }

    /** The answer to it is not waited for: the next one tells the same and more. */
    private function confirmIfDue(): void
    {
        if ($this->wish->listener === null || $this->phase !== Phase::Open || Clock::now() < $this->confirmDue) {
            return;
        }
        if ($this->recorded->seq !== $this->confirmed || $this->confirmDue === 0.0) {
            $this->send(['v' => 1, 'op' => 'confirm', 'id' => 'confirm', 'site' => $this->wish->site,
                'listener' => $this->wish->listener, 'seq' => $this->recorded->seq]);
            $this->confirmed = $this->recorded->seq;
            $this->confirmDue = Clock::now() + self::CONFIRM_EVERY;
        }
    }

    /** @param array<string, mixed> $message */
    private function send(array $message): bool
    {
        return $this->link->send((new Packer())->pack($message));
    }

    // Time

    private function silence(): RetryError
    {
        return $this->everSent ? Error::timeout("nothing heard from {$this->link->endpoint}")
            : Error::cannotConnect("nobody answers at {$this->link->endpoint}, or the daemon there does not let us in");
    }

    private function silenceEnds(): float
    {
        return $this->phase === Phase::Opening ? $this->opened + self::OPENING : $this->heard + 2.5 * $this->heartbeat;
    }

    private function givesUpAt(): float
    {
        return $this->wish->giveUp > 0 ? $this->silentSince + $this->wish->giveUp : self::NEVER;
    }

    private function nextMoment(): float
    {
        return min($this->givesUpAt(), match ($this->phase) {
            Phase::Paused => $this->pauseEnds,
            Phase::Opening => $this->silenceEnds(),
            Phase::Open => min($this->silenceEnds(), $this->aliveDue, $this->confirmMoment()),
            default => self::NEVER,
        });
    }

    private function confirmMoment(): float
    {
        return $this->wish->listener !== null && $this->recorded->seq !== $this->confirmed ? $this->confirmDue : self::NEVER;
    }

    /** @param array<string, mixed> $map */
    private static function seconds(array $map, string $name, float $otherwise): float
    {
        $ms = $map[$name] ?? null;
        return is_int($ms) && $ms > 0 && $ms < 1 << 31 ? $ms / 1000 : $otherwise;
    }
}
