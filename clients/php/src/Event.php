<?php

declare(strict_types=1);

namespace Modqd;

/** What Decisions::next brought. */
final class Event
{
    /**
     * @param 'record'|'level'|'lost'|'end'|'failed' $type `record`: the next record. `level`: you have everything that there
     *     was (told after each opening). `lost`: the daemon is away or something was lost on the way; it goes on by itself.
     *     `end`: a replay is over. `failed`: it cannot go on, `error` says why (first of all `diverged`)
     * @param array<string, mixed> $record PROTOCOL.md, "Record"; empty of other types
     * @param ?Error $error of `failed`, and of `lost` where it is known
     */
    public function __construct(
        public readonly string $type,
        public readonly array $record = [],
        public readonly ?Error $error = null,
    ) {
    }
}
