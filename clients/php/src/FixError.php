<?php

declare(strict_types=1);

namespace Modqd;

/** The request is wrong: mend it first. */
final class FixError extends Error
{
}
