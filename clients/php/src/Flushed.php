<?php

declare(strict_types=1);

namespace Modqd;

/** What became of an outbox that was flushed. */
final class Flushed
{
    /**
     * @param int $sent requests that the daemon has taken (those that it had already, too)
     * @param int $left requests that are still kept
     * @param list<Error> $refused errors of requests that can never be taken: they were set aside, see Outbox::refused
     * @param ?Error $stopped why it stopped before the end; null: everything was sent, or there was no time for more
     */
    public function __construct(
        public readonly int $sent,
        public readonly int $left,
        public readonly array $refused,
        public readonly ?Error $stopped = null,
    ) {
    }
}
