<?php

declare(strict_types=1);

namespace Modqd;

/**
 * What one message to the daemon may hold.
 *
 * @internal
 */
final class Limits
{
    /** Values in one message, keys and containers among them, and levels of nesting: not configurable. */
    public const VALUES = 20000;
    public const DEPTH = 16;

    private function __construct(
        public readonly int $batch,
        public readonly int $messageBytes,
        public readonly int $extraBytes,
    ) {
    }

    public static function default(): self
    {
        return new self(256, 1048576, 4096);
    }

    /** What every daemon takes, however it is configured. */
    public static function least(): self
    {
        return new self(1, 65536, 0);
    }

    /** @param array<string, mixed> $hello the daemon's answer */
    public static function of(array $hello): self
    {
        $default = self::default();
        $told = is_array($hello['limits'] ?? null) ? $hello['limits'] : [];
        $limit = static fn (string $name, int $least, int $otherwise): int
            => is_int($told[$name] ?? null) && $told[$name] >= $least ? $told[$name] : $otherwise;
        return new self($limit('max_batch', 1, $default->batch), $limit('max_message_bytes', 1024, $default->messageBytes),
            $limit('extra_bytes', 0, $default->extraBytes));
    }
}
