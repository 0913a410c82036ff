<?php

declare(strict_types=1);

namespace Modqd;

/** A place that is gone with the process: for replays, and for who keeps it elsewhere. */
final class MemoryPlace implements Place
{
    /** @var array<string, Position> */
    private array $positions = [];

    public function load(string $site): ?Position
    {
        return $this->positions[$site] ?? null;
    }

    public function save(string $site, Position $position): void
    {
        $this->positions[$site] = $position;
    }
}
