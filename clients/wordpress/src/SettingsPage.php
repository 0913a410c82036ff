<?php
namespace Modqd\WordPress;

/** Settings, modqd: for administrators. */
final class SettingsPage
{
    private const PAGE = 'modqd';
    private const REFUSED = 5;

    public static function register(): void
    {
        add_action('admin_menu', static fn () => add_options_page('modqd', 'modqd', self::right(), self::PAGE, [self::class, 'show']));
        add_action('admin_init', [self::class, 'fields']);
        add_action('admin_post_modqd_retry', [self::class, 'retry']);
        add_filter('option_page_capability_' . self::PAGE, [self::class, 'right']);
        add_filter('plugin_action_links_' . plugin_basename(PLUGIN_FILE), static fn (array $links) => ['settings' =>
            '<a href="' . esc_url(self::url()) . '">' . esc_html__('Settings', 'modqd') . '</a>'] + $links);
    }

    /** They name sockets and files of the server, and its key may be good for several sites: in a network they are not each site's. */
    public static function right(): string
    {
        return is_multisite() ? 'manage_network_options' : 'manage_options';
    }

    public static function fields(): void
    {
        register_setting(self::PAGE, 'modqd_settings', ['type' => 'array', 'sanitize_callback' => static fn ($given) =>
            Settings::sanitized((array) $given, static fn ($field, $message) => add_settings_error('modqd_settings', "modqd_$field", $message))]);
        add_settings_section('daemon', __('The daemon', 'modqd'), '__return_null', self::PAGE);
        self::text('endpoint', __('Endpoint', 'modqd'), 'daemon', __('On this machine ipc:///run/modqd/front.sock; elsewhere tcp://ADDRESS:PORT, or empty where the key file names it.', 'modqd'));
        self::text('key_file', __('Key file', 'modqd'), 'daemon', __('Made with modq key new; only the web server\'s user may read it. Not needed for ipc.', 'modqd'));
        self::text('site', __('Site name', 'modqd'), 'daemon', __('As moderators see it, such as news. Do not change it once comments were handed in.', 'modqd'));
        self::number('timeout_ms', __('Time-out', 'modqd'), 'daemon', Settings::TIMEOUT_MS, __('milliseconds that a page waits; what takes longer is sent by the worker', 'modqd'));
        add_settings_section('held', __('Comments', 'modqd'), '__return_null', self::PAGE);
        self::boxes('held', __('Hold, besides those of guests', 'modqd'), ['hold_members' => __('comments of users', 'modqd'),
            'hold_staff' => __('comments of users who moderate in WordPress', 'modqd'), 'hold_pings' => __('pingbacks and trackbacks', 'modqd')]);
        self::number('edit_minutes', __('Authors may edit for', 'modqd'), 'held', Settings::EDIT_MINUTES, __('minutes; 0: never', 'modqd'));
        self::boxes('held', __('Readers', 'modqd'), ['reports' => __('may report comments', 'modqd')]);
    }

    public static function show(): void
    {
        if (!current_user_can(self::right())) {
            return;
        }
        echo '<div class="wrap"><h1>modqd</h1>';
        self::figures();
        self::connection();
        echo '<form method="post" action="options.php">';
        settings_fields(self::PAGE);
        do_settings_sections(self::PAGE);
        submit_button();
        echo '</form></div>';
    }

    public static function retry(): void
    {
        if (!current_user_can(self::right()) || !check_admin_referer('modqd_retry')) {
            wp_die('', 403);
        }
        Outbox::retryRefused();
        wp_safe_redirect(self::url());
        exit;
    }

    private static function url(): string
    {
        return admin_url('options-general.php?page=' . self::PAGE);
    }

    /** How things are now. */
    private static function figures(): void
    {
        $states = array_column(Database::rows('SELECT state, COUNT(*) n FROM ' . Database::table('comments') . ' GROUP BY state'), 'n', 'state');
        $rows = [
            __('Waiting for moderators', 'modqd') => number_format_i18n((int) ($states['pending'] ?? 0)),
            __('Approved', 'modqd') => number_format_i18n((int) ($states['approved'] ?? 0)),
            __('Rejected', 'modqd') => number_format_i18n((int) ($states['rejected'] ?? 0)),
            __('Waiting to be sent', 'modqd') => number_format_i18n(Outbox::count()),
            __('Refused by the daemon', 'modqd') => number_format_i18n(Outbox::count(true)),
            __('Worker', 'modqd') => self::workerHeard(),
        ];
        echo '<table class="widefat striped" style="max-width: 60em"><tbody>';
        foreach ($rows as $name => $value) {
            echo '<tr><th scope="row" style="width: 16em">' . esc_html($name) . '</th><td>' . esc_html($value) . '</td></tr>';
        }
        echo '</tbody></table>';
        self::refused();
    }

    private static function workerHeard(): string
    {
        $at = Cron::heardAt();
        if ($at > time() - Cron::SILENCE_S) {
            /* translators: %s: a time span */
            return sprintf(__('at work; heard %s ago', 'modqd'), human_time_diff($at));
        }
        $last = $at ? sprintf(__('not heard for %s', 'modqd'), human_time_diff($at)) : __('never heard', 'modqd');
        return $last . '; ' . __('WP-Cron does its work once a minute. Start modqd-wordpress@HOST.service.', 'modqd');
    }

    private static function refused(): void
    {
        $refused = Outbox::refused(self::REFUSED);
        if (!$refused) {
            return;
        }
        echo '<h2>' . esc_html__('Refused by the daemon', 'modqd') . '</h2><ul>';
        foreach ($refused as $row) {
            echo '<li><code>' . esc_html($row['op'] . ' ' . $row['modqd_id']) . '</code> ' . esc_html((string) $row['refused']) . '</li>';
        }
        echo '</ul><form method="post" action="' . esc_url(admin_url('admin-post.php')) . '"><input type="hidden" name="action" value="modqd_retry">';
        wp_nonce_field('modqd_retry');
        submit_button(__('Send them again', 'modqd'), 'secondary', 'retry', false);
        echo '</form>';
    }

    private static function connection(): void
    {
        $asked = isset($_POST['modqd_test']) && check_admin_referer('modqd_test');
        echo '<form method="post" style="margin: 1em 0">';
        wp_nonce_field('modqd_test');
        submit_button(__('Test the connection', 'modqd'), 'secondary', 'modqd_test', false);
        echo '</form>';
        if ($asked) {
            [$good, $lines] = (new ConnectionTest())->run();
            echo '<div class="notice inline ' . ($good ? 'notice-success' : 'notice-error') . '">';
            foreach ($lines as $line) {
                echo '<p>' . esc_html($line) . '</p>';
            }
            echo '</div>';
        }
    }

    private static function text(string $name, string $label, string $section, string $help): void
    {
        add_settings_field($name, $label, static fn () => printf(
            '<input type="text" class="regular-text code" id="modqd-%1$s" name="modqd_settings[%1$s]" value="%2$s" spellcheck="false"><p class="description">%3$s</p>',
            esc_attr($name), esc_attr(Settings::get($name)), esc_html($help)), self::PAGE, $section, ['label_for' => "modqd-$name"]);
    }

    private static function number(string $name, string $label, string $section, array $range, string $unit): void
    {
        add_settings_field($name, $label, static fn () => printf(
            '<input type="number" class="small-text" id="modqd-%1$s" name="modqd_settings[%1$s]" value="%2$d" min="%3$d" max="%4$d"> %5$s',
            esc_attr($name), Settings::get($name), $range[0], $range[1], esc_html($unit)), self::PAGE, $section, ['label_for' => "modqd-$name"]);
    }

    private static function boxes(string $section, string $label, array $boxes): void
    {
        add_settings_field('boxes-' . array_key_first($boxes), $label, static function () use ($boxes): void {
            foreach ($boxes as $name => $text) {
                printf('<label><input type="checkbox" name="modqd_settings[%s]" value="1"%s> %s</label><br>',
                    esc_attr($name), checked(Settings::get($name), true, false), esc_html($text));
            }
        }, self::PAGE, $section);
    }
}
