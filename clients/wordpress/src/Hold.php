<?php
namespace Modqd\WordPress;

/** Keeps WordPress from showing a comment that no moderator has approved, and hands in what is new or changed. */
final class Hold
{
    public static function register(): void
    {
        if (!Settings::complete()) {
            return;
        }
        add_filter('pre_comment_approved', [self::class, 'hold'], PHP_INT_MAX, 2);
        add_action('wp_insert_comment', [self::class, 'inserted'], 10, 2);
        add_filter('wp_update_comment_data', [self::class, 'holdChanged'], PHP_INT_MAX, 2);
        add_action('edit_comment', [self::class, 'edited']);
        // Whatever else sets a status: the row in our table has the last word, and the first, before mails are sent.
        foreach (['wp_set_comment_status', 'untrashed_comment', 'unspammed_comment'] as $hook) {
            add_action($hook, [self::class, 'keep'], PHP_INT_MIN);
            add_action($hook, [self::class, 'keep'], PHP_INT_MAX);
        }
        add_action('untrashed_post_comments', [self::class, 'keepAll'], PHP_INT_MAX);
        add_action('deleted_comment', [self::class, 'deleted']);
        add_filter('notify_moderator', [self::class, 'mail'], PHP_INT_MAX, 2);
    }

    /** Whether comments of this kind are held, as the settings say. @param array|\WP_Comment $comment row of a comment, or the data of a new one */
    public static function concerns(array|object $comment): bool
    {
        $comment = (array) $comment;
        $type = $comment['comment_type'] ?? '';
        if (!in_array($type, Comments::TYPES, true)) {
            return false;
        }
        if ($type === 'pingback' || $type === 'trackback') {
            return Settings::get('hold_pings');
        }
        $user = (int) ($comment['user_id'] ?? $comment['user_ID'] ?? 0);
        if (!$user) {
            return true;
        }
        return Settings::get(user_can($user, 'moderate_comments') ? 'hold_staff' : 'hold_members');
    }

    /** Trusted authors, and those who were approved before, wait like everybody. Spam stays spam. */
    public static function hold(mixed $approved, array $data): mixed
    {
        // WordPress stores true as 1, too.
        $shown = is_scalar($approved) && (string) $approved === '1';
        return $shown && self::concerns($data) ? 0 : $approved;
    }

    public static function inserted(int $id, \WP_Comment $comment): void
    {
        if (defined('WP_IMPORTING') && WP_IMPORTING || !self::concerns($comment)) {
            return;
        }
        self::guarded(static function () use ($id): void {
            $entry = Comments::adopt($id, Visitor::isAuthor() ? Visitor::hash() : '');
            Comments::refresh($id);
            Outbox::sendNow($entry);
        });
    }

    /** A changed text, or an approval that no moderator gave, is held by the very statement that changes it. */
    public static function holdChanged(mixed $data, array $before): mixed
    {
        $shown = is_array($data) && in_array((string) $data['comment_approved'], ['1', 'approve'], true);
        if ($shown && !self::mayBecome($before, (string) $data['comment_content'])) {
            $data['comment_approved'] = '0';
        }
        return $data;
    }

    /** Whether a comment may be shown with this text. One that was left to WordPress when it came, and is shown, stays so. */
    private static function mayBecome(array $before, string $content): bool
    {
        $row = Comments::known((int) $before['comment_ID']);
        return $row ? Comments::mayBeShown($row, $content) : $before['comment_approved'] === '1' || !self::awaits($before);
    }

    /** Whether a comment that has no row yet is to get one: it came after the plugin did, and is of a kind that is held. */
    private static function awaits(array $comment): bool
    {
        return (int) $comment['comment_ID'] >= (int) get_option('modqd_first') && self::concerns($comment);
    }

    public static function edited(int|string $id): void
    {
        self::guarded(static function () use ($id): void {
            $comment = get_comment((int) $id, ARRAY_A);
            if (Comments::known((int) $id)) {
                $entry = Comments::revise((int) $id);
                Comments::settle((int) $id);
            } elseif ($comment && $comment['comment_approved'] === '0' && self::awaits($comment)) {
                $entry = Comments::adopt((int) $id);
            } else {
                return;
            }
            Comments::refresh((int) $id);
            Outbox::sendNow($entry);
        });
    }

    /** Somebody else has set a status: an approval that no moderator gave is taken back, and what was spam is handed in. */
    public static function keep(int|string $id): void
    {
        self::guarded(static function () use ($id): void {
            $comment = get_comment((int) $id, ARRAY_A);
            if (Comments::known((int) $id)) {
                Comments::settle((int) $id);
            } elseif ($comment && self::awaits($comment)) {
                Comments::adopt((int) $id);
            } else {
                return;
            }
            if ((Comments::stored((int) $id)['comment_approved'] ?? null) !== $comment['comment_approved']) {
                Comments::refresh((int) $id);
            }
        });
    }

    /** An article comes back from the bin, and WordPress gives its comments the statuses that they had when it went. */
    public static function keepAll(int|string $articleId): void
    {
        self::guarded(static function () use ($articleId): void {
            foreach (Comments::knownUnder((int) $articleId) as $id) {
                Comments::settle($id);
                Comments::refresh($id);
            }
        });
    }

    public static function deleted(int|string $id): void
    {
        self::guarded(static fn () => Comments::forget((int) $id));
    }

    /** WordPress' mail asks to moderate in WordPress. */
    public static function mail(mixed $wanted, int|string $id): bool
    {
        return $wanted && !Comments::known((int) $id);
    }

    /** A fault of the plugin does not take the page with it: the comment is held by now, and the worker finds it. */
    private static function guarded(callable $do): void
    {
        try {
            $do();
        } catch (\Exception $error) {
            error_log('modqd: ' . $error->getMessage());
        }
    }
}
