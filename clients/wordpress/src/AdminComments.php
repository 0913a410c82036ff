<?php
namespace Modqd\WordPress;

/** WordPress' list of comments: says what the moderators decided, and takes away the buttons that would decide here. */
final class AdminComments
{
    private const ACTIONS = ['approve', 'unapprove', 'approvecomment', 'unapprovecomment'];

    public static function register(): void
    {
        add_filter('comment_row_actions', [self::class, 'rowActions'], PHP_INT_MAX, 2);
        add_filter('bulk_actions-edit-comments', [self::class, 'bulkActions']);
        add_filter('manage_edit-comments_columns', [self::class, 'columns']);
        add_action('manage_comments_custom_column', [self::class, 'cell'], 10, 2);
        add_action('admin_notices', [self::class, 'notice']);
        add_action('load-comment.php', [self::class, 'refuseLink']);
        add_action('wp_ajax_dim-comment', [self::class, 'refuseAjax'], 0);
    }

    public static function rowActions(array $actions, \WP_Comment $comment): array
    {
        return Comments::known((int) $comment->comment_ID) ? array_diff_key($actions, array_flip(self::ACTIONS)) : $actions;
    }

    public static function bulkActions(array $actions): array
    {
        return array_diff_key($actions, array_flip(self::ACTIONS));
    }

    public static function columns(array $columns): array
    {
        return $columns + ['modqd' => __('Moderation', 'modqd')];
    }

    public static function cell(string $column, int|string $id): void
    {
        $row = $column === 'modqd' ? Comments::known((int) $id) : null;
        if (!$row) {
            return;
        }
        echo esc_html(self::state($row['state']));
        foreach (json_decode($row['reasons'], true) as $code) {
            echo '<br>' . esc_html(Policy::text((string) $code, 'title')[1] ?: $code);
        }
        echo '<br><code>' . esc_html($row['modqd_id']) . '</code>';
    }

    public static function notice(): void
    {
        if (in_array(get_current_screen()?->id, ['edit-comments', 'comment'], true) && Settings::complete()) {
            echo '<div class="notice notice-info"><p>'
                . esc_html__('Comments are approved and rejected by the moderators of modqd (modq review), not here. Spam and the bin work as ever.', 'modqd')
                . '</p></div>';
        }
    }

    /** The link of an old mail or bookmark. */
    public static function refuseLink(): void
    {
        $id = (int) ($_REQUEST['c'] ?? 0);
        if (in_array($_REQUEST['action'] ?? '', self::ACTIONS, true) && Comments::known($id)) {
            wp_die(esc_html__('Comments are approved and rejected by the moderators of modqd, not here.', 'modqd'), '',
                ['response' => 403, 'back_link' => true]);
        }
    }

    public static function refuseAjax(): void
    {
        if (Comments::known((int) ($_POST['id'] ?? 0))) {
            wp_die(-1, 403);
        }
    }

    private static function state(string $state): string
    {
        return match ($state) {
            'pending' => __('awaits moderation', 'modqd'),
            'approved' => __('approved', 'modqd'),
            'rejected' => __('rejected', 'modqd'),
            'withdrawn' => __('withdrawn by its author', 'modqd'),
            'erased' => __('erased', 'modqd'),
        };
    }
}
