<?php

declare(strict_types=1);

namespace Modqd;

/** A fault of this machine, or an answer that makes no sense. */
final class LocalError extends Error
{
}
