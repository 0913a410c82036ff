<?php
namespace Modqd\WordPress;

use Modqd\Decisions;
use Modqd\Front;
use Modqd\Key;

/** Connections to the daemon, as the settings say. Nothing is waited for before the first request. */
final class Connection
{
    /** @param float $seconds the whole of one request */
    public static function front(float $seconds): Front
    {
        $key = self::key();
        return new Front(self::endpoint($key), ['key' => $key, 'timeout' => $seconds, 'attempt' => min($seconds, 2.0)]);
    }

    public static function decisions(): Decisions
    {
        $key = self::key();
        return new Decisions(self::endpoint($key), Settings::get('site'), new Place(), ['key' => $key, 'listener' => 'wordpress']);
    }

    private static function key(): ?Key
    {
        $path = Settings::get('key_file');
        return $path === '' ? null : Key::load($path);
    }

    /** The key file names the endpoint where the settings do not. */
    private static function endpoint(?Key $key): string
    {
        return Settings::get('endpoint') ?: ($key?->endpoints['front'] ?? '');
    }
}
