<?php

declare(strict_types=1);

namespace Modqd;

/** Where a listener keeps how far it is, beside what the records changed. */
interface Place
{
    /** Null: nothing has been saved of this site. */
    public function load(string $site): ?Position;

    /** Durable when it returns, or with the transaction that it is part of. */
    public function save(string $site, Position $position): void;
}
