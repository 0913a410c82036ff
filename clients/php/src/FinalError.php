<?php

declare(strict_types=1);

namespace Modqd;

/** It was understood, and the answer is no as things stand. */
final class FinalError extends Error
{
}
