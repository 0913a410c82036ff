<?php
namespace Modqd\WordPress;

/** What the administrator chose, checked. */
final class Settings
{
    public const DEFAULTS = [
        'endpoint' => 'ipc:///run/modqd/front.sock',
        'key_file' => '',
        'site' => '',
        'timeout_ms' => 800,
        'hold_members' => true,
        'hold_staff' => true,
        'hold_pings' => true,
        'edit_minutes' => 15,
        'reports' => true,
    ];
    public const TIMEOUT_MS = [100, 5000];
    public const EDIT_MINUTES = [0, 1440];

    public static function get(string $name): mixed
    {
        return self::all()[$name];
    }

    /** @return array<string, mixed> */
    public static function all(): array
    {
        return array_merge(self::DEFAULTS, (array) get_option('modqd_settings', []));
    }

    /** Whether there is enough to speak to a daemon. Until then nothing is held, and WordPress works as before. */
    public static function complete(): bool
    {
        $all = self::all();
        return $all['site'] !== '' && ($all['endpoint'] !== '' || $all['key_file'] !== '');
    }

    /**
     * What a form sent, as it is to be stored. What is not good is left as it was.
     *
     * @param callable(string, string): void $complain is told the field and what is wrong with it
     */
    public static function sanitized(array $given, callable $complain): array
    {
        $kept = self::all();
        $text = static fn (string $name): string => trim((string) ($given[$name] ?? $kept[$name]));
        if (!preg_match('~^((ipc|tcp)://\S+)?$~D', $text('endpoint'))) {
            $complain('endpoint', __('The endpoint begins with ipc:// or tcp://.', 'modqd'));
        } else {
            $kept['endpoint'] = $text('endpoint');
        }
        $kept['key_file'] = $text('key_file');
        if (!preg_match('~^[^\x00-\x1f\x7f/]{0,64}$~Du', $text('site')) || strlen($text('site')) > 64) {
            $complain('site', __('The site name has at most 64 bytes, no slash and no control characters.', 'modqd'));
        } else {
            $kept['site'] = $text('site');
        }
        $kept['timeout_ms'] = self::within($given['timeout_ms'] ?? $kept['timeout_ms'], self::TIMEOUT_MS);
        $kept['edit_minutes'] = self::within($given['edit_minutes'] ?? $kept['edit_minutes'], self::EDIT_MINUTES);
        foreach (['hold_members', 'hold_staff', 'hold_pings', 'reports'] as $name) {
            $kept[$name] = !empty($given[$name]);
        }
        return $kept;
    }

    private static function within(mixed $value, array $range): int
    {
        return max($range[0], min($range[1], (int) $value));
    }
}
