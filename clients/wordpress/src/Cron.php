<?php
namespace Modqd\WordPress;

/** Does the worker's work for a few seconds a minute where no worker is heard of. */
final class Cron
{
    private const HOOK = 'modqd_minute';
    private const RUN_S = 8.0;
    public const SILENCE_S = 60;

    public static function register(): void
    {
        add_filter('cron_schedules', [self::class, 'schedules']);
        add_action(self::HOOK, [self::class, 'run']);
        add_action('init', [self::class, 'schedule']);
    }

    public static function schedules(array $schedules): array
    {
        return $schedules + ['modqd_minute' => ['interval' => 60, 'display' => 'modqd']];
    }

    public static function schedule(): void
    {
        if (!wp_next_scheduled(self::HOOK)) {
            wp_schedule_event(time(), 'modqd_minute', self::HOOK);
        }
    }

    /** @param bool $everywhere in all sites of the network */
    public static function remove(bool $everywhere = false): void
    {
        $remove = static fn () => wp_clear_scheduled_hook(self::HOOK);
        $everywhere ? Sites::each($remove) : $remove();
    }

    /** When the worker was last at work, in seconds since 1970; 0: never. */
    public static function heardAt(): int
    {
        return (int) (Place::row(Settings::get('site'))['heard_at'] ?? 0);
    }

    /** The lock keeps it and the worker apart, also when the worker starts meanwhile: that waits. */
    public static function run(): void
    {
        if (!Settings::complete() || self::heardAt() > time() - self::SILENCE_S || !Lock::take()) {
            return;
        }
        try {
            (new Worker(static fn (string $line) => error_log("modqd: $line"), false))->run(self::RUN_S, true);
        } finally {
            Lock::release();
        }
    }
}
