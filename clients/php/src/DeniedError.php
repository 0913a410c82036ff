<?php

declare(strict_types=1);

namespace Modqd;

/** You may not. */
final class DeniedError extends Error
{
}
