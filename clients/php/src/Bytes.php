<?php

declare(strict_types=1);

namespace Modqd;

/** Bytes that are sent as bin; a plain PHP string is sent as text. What is received as bin is a plain string. */
final class Bytes
{
    public function __construct(public readonly string $bytes)
    {
    }
}
