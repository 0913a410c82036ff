<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Seconds that nobody can set back, and sleep.
 *
 * @internal
 */
final class Clock
{
    public static function now(): float
    {
        return hrtime(true) / 1e9;
    }

    /** Goes on sleeping when a signal comes. */
    public static function sleepUntil(float $moment): void
    {
        while (($left = $moment - self::now()) > 0) {
            usleep((int) ceil($left * 1e6));
        }
    }
}
