<?php

declare(strict_types=1);

namespace Modqd;

/**
 * The attempts of one request: when each ends, how long the pause after it is, and which error is told in the end.
 *
 * @internal
 */
final class Repeats
{
    private readonly Backoff $backoff;
    private ?RetryError $worst = null;

    /** @param float $until a moment of Clock */
    public function __construct(private readonly float $attempt, private readonly float $until)
    {
        $this->backoff = new Backoff();
    }

    public function attemptEnds(): float
    {
        return min($this->until, Clock::now() + $this->attempt);
    }

    /**
     * Waits before the next attempt.
     *
     * @throws RetryError when the pause would pass the deadline: what the daemon said, else that it did not answer, else
     *     that there was nobody
     */
    public function failed(RetryError $error): void
    {
        if ($this->worst === null || self::weight($error) >= self::weight($this->worst)) {
            $this->worst = $error;
        }
        $next = Clock::now() + $this->backoff->next($error->retry_after_ms);
        if ($next >= $this->until) {
            throw $this->worst;
        }
        Clock::sleepUntil($next);
    }

    /** It went on: pauses begin anew. */
    public function progress(): void
    {
        $this->backoff->reset();
        $this->worst = null;
    }

    private static function weight(RetryError $error): int
    {
        return $error->number > 0 ? 3 : ($error->name === 'client_timeout' ? 2 : 1);
    }
}
