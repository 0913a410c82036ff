<?php

declare(strict_types=1);

namespace Modqd;

/**
 * What is wanted of a stream.
 *
 * @internal
 */
final class Wish
{
    public function __construct(
        public readonly string $site,
        public readonly int $credit,
        public readonly bool $live,
        public readonly float $giveUp,
        public readonly ?string $listener,
    ) {
    }
}
