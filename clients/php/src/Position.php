<?php

declare(strict_types=1);

namespace Modqd;

/** How far a listener has applied a site's log. */
final class Position
{
    /**
     * @param int $seq number of the last record that is applied; 0: none is
     * @param string $chain its chain hash, 32 bytes; '' when it is not known
     * @param string $epoch of the daemon's log, 16 bytes; '' when it is not known
     */
    public function __construct(
        public readonly int $seq,
        public readonly string $chain = '',
        public readonly string $epoch = '',
    ) {
        $ok = $seq >= 0 && in_array(strlen($chain), [0, 32], true) && in_array(strlen($epoch), [0, 16], true);
        $ok || throw Error::badArgument('a position has a number from 0, a chain of 32 bytes and an epoch of 16 bytes', 'place');
    }
}
