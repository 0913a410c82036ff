<?php

declare(strict_types=1);

namespace Modqd\Tests;

use Modqd\Error;

trait Thrown
{
    /** The error that it throws. */
    private function thrown(callable $do): Error
    {
        try {
            $do();
        } catch (Error $e) {
            return $e;
        }
        $this->fail('nothing was thrown');
    }
}
