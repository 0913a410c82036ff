<?php
namespace Modqd\WordPress;

/** The worker as a program that is started once and stays. */
final class Service
{
    private const LOCK_WAIT_S = 1;
    private const ONCE_S = 60.0;

    private static bool $stopped = false;

    /** Returns the exit code. */
    public static function run(bool $once): int
    {
        // Asked for, not asynchronous: PHP calls no handler where a signal makes ZeroMQ's poll throw, and forgets the signal.
        pcntl_async_signals(false);
        foreach ([SIGTERM, SIGINT, SIGHUP] as $signal) {
            pcntl_signal($signal, static function (): void {
                self::$stopped = true;
            });
        }
        try {
            return self::work($once);
        } catch (\Throwable $error) {
            // Whoever started the worker starts it again, with a connection of its own.
            self::say($error->getMessage());
            return 1;
        }
    }

    private static function work(bool $once): int
    {
        while (!Lock::take(self::LOCK_WAIT_S)) {
            if ($once || self::stopped()) {
                self::say('another worker is at work');
                return $once ? 1 : 0;
            }
        }
        self::say('working for site ' . (Settings::get('site') ?: '(none yet)'));
        (new Worker(self::say(...)))->run($once ? self::ONCE_S : INF, $once, self::stopped(...));
        Lock::release();
        return 0;
    }

    private static function stopped(): bool
    {
        pcntl_signal_dispatch();
        return self::$stopped;
    }

    private static function say(string $line): void
    {
        fwrite(STDERR, "modqd: $line\n");
    }
}
