<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Where a stream is in its life.
 *
 * @internal
 */
enum Phase
{
    /** No socket, until a pause is over. */
    case Paused;

    /** Connecting, or asked and not answered. */
    case Opening;

    case Open;

    /** A replay is complete, but not all of it is handed out. */
    case Replayed;

    case Ended;
    case Failed;
}
