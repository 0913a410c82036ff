<?php

declare(strict_types=1);

namespace Modqd\Tests;

use Modqd\Clock;
use Modqd\Unpacker;

/** Runs fake_daemon.php; ends it when it goes. */
final class FakeDaemon
{
    private const PATIENCE = 20.0;

    public readonly string $endpoint;
    private readonly string $journal;

    /** @var resource */
    private $process;

    /** @param list<list<array<string, mixed>>> $steps what is sent for each request */
    public function __construct(string $dir, array $steps)
    {
        $this->endpoint = "ipc://$dir/front.sock";
        $this->journal = "$dir/journal";
        touch($this->journal);
        file_exists("$dir/front.sock") && unlink("$dir/front.sock"); // of the one before
        $null = ['file', '/dev/null', 'r+'];
        $this->process = proc_open([PHP_BINARY, __DIR__ . '/fake_daemon.php', $this->endpoint, json_encode($steps), $this->journal],
            [$null, $null, STDERR], $pipes);
        $this->waitUntilItListens("$dir/front.sock");
    }

    /** Before that a client finds nobody, which is told otherwise than silence. */
    private function waitUntilItListens(string $path): void
    {
        for ($until = Clock::now() + self::PATIENCE; !file_exists($path); usleep(2000)) {
            Clock::now() < $until || throw new \RuntimeException("nobody listens at $path");
        }
    }

    public function __destruct()
    {
        proc_terminate($this->process, SIGKILL);
        proc_close($this->process);
    }

    /** @return list<array<string, mixed>> the requests that came */
    public function requests(): array
    {
        return array_map(static fn (array $line): array => Unpacker::unpack(hex2bin($line[1])), $this->lines());
    }

    /** @return list<array{string, string}> the name of each request's connection, and its bytes, in hex */
    public function lines(): array
    {
        return array_map(static fn (string $line): array => explode(' ', $line), file($this->journal, FILE_IGNORE_NEW_LINES));
    }
}
