<?php
namespace Modqd\WordPress;

/** What readers do: withdraw and edit their own comment, report somebody else's. Forms of Page, sent to admin-post.php. */
final class Actions
{
    private const NOTE_BYTES = 1024;

    public static function register(): void
    {
        foreach (['withdraw', 'edit', 'report'] as $what) {
            foreach (["admin_post_modqd_$what", "admin_post_nopriv_modqd_$what"] as $hook) {
                add_action($hook, static fn () => self::answer($what));
            }
        }
    }

    /** What the page says after each of them. @return array<string, string> */
    public static function told(): array
    {
        return ['edited' => __('Your change awaits moderation.', 'modqd'), 'reported' => __('Thank you. The moderators will look at it.', 'modqd'),
            'late' => __('It is too late to change this comment.', 'modqd'), 'empty' => __('The comment is empty.', 'modqd'),
            'withdrawn' => __('The comment was taken away.', 'modqd')];
    }

    public static function mayEdit(array $row, \WP_Comment $comment): bool
    {
        $minutes = (int) Settings::get('edit_minutes');
        return !$row['withdrawn'] && !in_array($row['state'], ['withdrawn', 'erased'], true)
            && in_array($comment->comment_approved, ['0', '1'], true) && strtotime("$comment->comment_date_gmt UTC") > time() - $minutes * 60;
    }

    private static function answer(string $what): never
    {
        if (self::isForeign()) {
            self::refuse(__('This did not come from our page.', 'modqd'));
        }
        $id = (int) self::field('comment');
        $comment = get_comment($id);
        $row = $comment ? Comments::known($id) : null;
        if (!$row || !wp_verify_nonce(self::field('nonce'), Visitor::nonce($what, $id))) {
            self::refuse(__('This page is too old. Please go back, reload it, and try again.', 'modqd'));
        }
        if ($what !== 'report' && !Visitor::owns($row, $comment)) {
            self::refuse(__('This is not your comment.', 'modqd'));
        }
        $told = match ($what) {
            'withdraw' => self::withdraw($comment),
            'edit' => self::edit($row, $comment),
            'report' => self::report($row, $comment),
        };
        wp_safe_redirect(add_query_arg('modqd', "$told-$id", get_permalink((int) $comment->comment_post_ID))
            . ($told === 'withdrawn' ? '#comments' : "#comment-$id"), 303);
        exit;
    }

    private static function withdraw(\WP_Comment $comment): string
    {
        $id = (int) $comment->comment_ID;
        $entry = Comments::withdraw($id);
        Comments::refresh($id, $comment->comment_approved);
        Outbox::sendNow($entry);
        return 'withdrawn';
    }

    private static function edit(array $row, \WP_Comment $comment): string
    {
        if (!self::mayEdit($row, $comment)) {
            return 'late';
        }
        // As WordPress does with a new comment: slashed, and gone over by its filters. Hold::edited hands it in.
        $text = $_POST['text'] ?? '';
        if (!is_string($text) || trim(apply_filters('pre_comment_content', $text)) === '') {
            return 'empty';
        }
        wp_update_comment(['comment_ID' => (int) $comment->comment_ID, 'comment_content' => $text]);
        return 'edited';
    }

    private static function report(array $row, \WP_Comment $comment): string
    {
        if ($comment->comment_approved !== '1' || !Settings::get('reports')) {
            self::refuse(__('This comment is not shown any more.', 'modqd'));
        }
        $codes = array_column(Policy::reasons(), 'code');
        $more = array_filter([
            'reason' => in_array(self::field('reason'), $codes, true) ? self::field('reason') : '',
            'note' => mb_strcut(self::field('note'), 0, self::NOTE_BYTES, 'UTF-8'),
        ], static fn ($value) => $value !== '');
        $fields = ['site' => Settings::get('site'), 'comment' => $row['modqd_id'], 'reader' => Visitor::reader(),
            'more' => $more + ['at' => (int) (microtime(true) * 1000)]];
        Outbox::sendNow(Outbox::keep($row['modqd_id'], 'report', $fields));
        return 'reported';
    }

    /**
     * Whether a page of another site sent this. Readers without login or cookie all have the same nonces: without a look
     * at this, such a page could have all its visitors report a comment.
     */
    private static function isForeign(): bool
    {
        $origin = $_SERVER['HTTP_ORIGIN'] ?? '';
        if ($origin === '' || ($_SERVER['HTTP_SEC_FETCH_SITE'] ?? '') === 'same-origin') {
            return false;
        }
        $host = static fn (string $url): string => wp_parse_url($url, PHP_URL_HOST) . ':' . wp_parse_url($url, PHP_URL_PORT);
        return !in_array($host($origin), [$host(home_url()), $host(admin_url())], true);
    }

    private static function field(string $name): string
    {
        $value = $_POST[$name] ?? '';
        return is_string($value) ? wp_check_invalid_utf8(wp_unslash($value)) : '';
    }

    private static function refuse(string $why): never
    {
        wp_die(esc_html($why), '', ['response' => 403, 'back_link' => true]);
    }
}
