<?php

declare(strict_types=1);

namespace Modqd\Tests;

/** A directory for one test, which goes with it. */
trait Temporary
{
    private string $dir;

    protected function setUp(): void
    {
        $this->dir = sys_get_temp_dir() . '/mq-php-' . bin2hex(random_bytes(5));
        mkdir($this->dir, 0700);
    }

    protected function tearDown(): void
    {
        array_map(unlink(...), array_filter(glob("{$this->dir}/{,.}*", GLOB_BRACE), is_file(...)));
        foreach (glob("{$this->dir}/*") as $rest) {
            is_dir($rest) ? rmdir($rest) : unlink($rest);
        }
        rmdir($this->dir);
    }
}
