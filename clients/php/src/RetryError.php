<?php

declare(strict_types=1);

namespace Modqd;

/** The same may succeed later: keep it and send it again. */
final class RetryError extends Error
{
}
