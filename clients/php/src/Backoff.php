<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Pauses that grow: 50 ms, doubling up to 2 s, a random part of each taken off so that many clients do not come at once.
 *
 * @internal
 */
final class Backoff
{
    private const FIRST = 0.05;
    private const LONGEST = 2.0;

    private float $pause = self::FIRST;

    /** Seconds to wait now, never less than what the daemon asked for. */
    public function next(?int $retryAfterMs = null): float
    {
        $pause = $this->pause * random_int(500, 1000) / 1000;
        $this->pause = min(self::LONGEST, 2 * $this->pause);
        return max($pause, ($retryAfterMs ?? 0) / 1000);
    }

    public function reset(): void
    {
        $this->pause = self::FIRST;
    }
}
