<?php
namespace Modqd\WordPress;

/** What readers see under comments: their state and what may be done with one's own, and the report form under others'. */
final class Page
{
    private const AWAITING = ['Your comment is awaiting moderation.',
        'Your comment is awaiting moderation. This is a preview; your comment will be visible after it has been approved.'];

    /** @var array<int, ?array<string, ?string>> the plugin's rows of the comments of this page */
    private static array $rows = [];

    public static function register(): void
    {
        add_action('pre_get_comments', [self::class, 'includeOwn']);
        add_filter('comments_clauses', [self::class, 'ownClause'], 10, 2);
        add_filter('the_comments', [self::class, 'prime']);
        add_filter('comment_text', [self::class, 'addTo'], 1000, 2);
        add_filter('gettext_default', [self::class, 'awaiting'], 10, 2);
        add_filter('render_block_core/comment-content', [self::class, 'addToBlock'], 10, 3);
        add_action('wp_enqueue_scripts', [self::class, 'style']);
    }

    public static function style(): void
    {
        if (is_singular()) {
            wp_enqueue_style('modqd', plugins_url('modqd.css', PLUGIN_FILE), [], '0.2.0');
        }
    }

    /**
     * Readers see their own comments that are not shown to others: users by their login, guests by our cookie. WordPress goes
     * by the e-mail address in its own cookie, which everybody can write who knows it, and by a link that can be passed on.
     */
    public static function includeOwn(\WP_Comment_Query $query): void
    {
        $asked = $query->query_vars;
        if (!Settings::complete() || !self::isPage() || !(int) $asked['post_id'] || $asked['status'] !== 'approve') {
            return;
        }
        $query->query_vars['include_unapproved'] = array_filter(wp_parse_list($asked['include_unapproved']), 'is_numeric');
        if (Visitor::hash() === '') {
            return;
        }
        global $wpdb;
        $own = Database::rows('SELECT m.comment_id FROM ' . Database::table('comments') . " m JOIN $wpdb->comments c ON c.comment_ID = m.comment_id"
            . " WHERE m.visitor = %s AND c.comment_post_ID = %d AND c.comment_approved = '0'", Visitor::hash(), $asked['post_id']);
        if ($own) {
            $ids = implode(',', array_map('intval', array_column($own, 'comment_id')));
            $query->query_vars['modqd_own'] = $ids;
            // Only what WordPress knows is in the key of its cache: this answer is for nobody else.
            $query->query_vars['cache_domain'] .= ":modqd:$ids";
        }
    }

    public static function ownClause(array $clauses, \WP_Comment_Query $query): array
    {
        $ids = $query->query_vars['modqd_own'] ?? '';
        if ($ids !== '') {
            global $wpdb;
            $approved = "comment_approved = '1'";
            $clauses['where'] = preg_replace('/' . preg_quote($approved, '/') . '/',
                "$approved OR ($wpdb->comments.comment_approved = '0' AND $wpdb->comments.comment_ID IN ($ids))", $clauses['where'], 1);
        }
        return $clauses;
    }

    /** One statement for all comments of a page. */
    public static function prime(mixed $comments): mixed
    {
        $found = self::isPage() && is_array($comments) ? $comments : [];
        $ids = array_filter(array_map(static fn ($comment) => (int) ($comment->comment_ID ?? 0), $found));
        foreach (array_chunk($ids, 500) as $chunk) {
            self::$rows = array_fill_keys($chunk, null) + self::$rows;
            foreach (Comments::knownOf($chunk) as $row) {
                self::$rows[(int) $row['comment_id']] = $row;
            }
        }
        return $comments;
    }

    private static function row(int $commentId): ?array
    {
        if (!array_key_exists($commentId, self::$rows)) {
            self::$rows[$commentId] = Comments::known($commentId);
        }
        return self::$rows[$commentId];
    }

    /** WordPress' sentence is wrong of what was rejected. */
    public static function awaiting(string $translated, string $text): string
    {
        if (!in_array($text, self::AWAITING, true) || !self::isPage()) {
            return $translated;
        }
        $comment = $GLOBALS['comment'] ?? null;
        $row = $comment instanceof \WP_Comment ? self::row((int) $comment->comment_ID) : null;
        return $row && $row['state'] === 'rejected' ? __('Your comment was not published.', 'modqd') : $translated;
    }

    /** @param string $html the text as WordPress shows it, already escaped */
    public static function addTo(string $html, mixed $comment = null): string
    {
        return $comment instanceof \WP_Comment && !self::inBlock() ? $html . self::part($comment) : $html;
    }

    /** The block of block themes takes all HTML out of the text of a comment that waits, after the filters of comment_text. */
    private static function inBlock(): bool
    {
        return (\WP_Block_Supports::$block_to_render['blockName'] ?? '') === 'core/comment-content';
    }

    /** @param string $html the block: one element with WordPress' sentence, where the comment waits, and the text */
    public static function addToBlock(string $html, array $block, \WP_Block $instance): string
    {
        $comment = get_comment((int) ($instance->context['commentId'] ?? 0));
        $end = strrpos($html, '</div>');
        if (!$comment || $end === false) {
            return $html;
        }
        $html = substr_replace($html, self::part($comment), $end, 0);
        $row = self::row((int) $comment->comment_ID);
        if (!$row || $row['state'] !== 'rejected') {
            return $html;
        }
        return preg_replace('~(<em class="comment-awaiting-moderation">).*?(</em>)~s',
            '$1' . esc_html__('Your comment was not published.', 'modqd') . '$2', $html, 1);
    }

    /** What is said and offered under a comment's text. */
    private static function part(\WP_Comment $comment): string
    {
        $row = self::isPage() && is_singular() ? self::row((int) $comment->comment_ID) : null;
        if (!$row) {
            return '';
        }
        return self::notice((int) $comment->comment_ID) . (Visitor::owns($row, $comment) ? self::ownPart($row, $comment) : self::reportForm($row, $comment));
    }

    private static function isPage(): bool
    {
        return !is_admin() && !is_feed() && !wp_doing_cron() && !wp_doing_ajax() && !(defined('REST_REQUEST') && REST_REQUEST) && PHP_SAPI !== 'cli';
    }

    /** What became of what the reader has just done with this comment. */
    private static function notice(int $commentId): string
    {
        $told = $_GET['modqd'] ?? '';
        [$what, $id] = explode('-', is_string($told) ? "$told-" : '-');
        if ((int) $id !== $commentId || !isset(Actions::told()[$what])) {
            return '';
        }
        return '<p class="modqd-told" role="status">' . esc_html(Actions::told()[$what]) . '</p>';
    }

    private static function ownPart(array $row, \WP_Comment $comment): string
    {
        $id = (int) $comment->comment_ID;
        $html = '<div class="modqd-own">';
        if ($row['state'] === 'rejected') {
            $html .= self::reasons(json_decode($row['reasons'], true));
        }
        if (Actions::mayEdit($row, $comment)) {
            $html .= '<details><summary>' . esc_html__('Edit', 'modqd') . '</summary>' . self::form('edit', $id)
                . '<textarea name="text" rows="5" maxlength="65525" required dir="auto" aria-label="' . esc_attr__('Comment', 'modqd') . '">'
                . esc_textarea($comment->comment_content) . '</textarea>'
                . self::button(__('Send the change', 'modqd')) . '</form></details>';
        }
        $html .= '<details><summary>' . esc_html__('Withdraw', 'modqd') . '</summary>' . self::form('withdraw', $id)
            . '<p>' . esc_html__('The comment will be taken away for good.', 'modqd') . '</p>' . self::button(__('Withdraw the comment', 'modqd'))
            . '</form></details>';
        return "$html</div>";
    }

    private static function reasons(array $codes): string
    {
        $html = '';
        foreach ($codes as $code) {
            [$tag, $sentence] = Policy::text((string) $code, 'sentence');
            if ($sentence !== '') {
                $html .= sprintf('<p class="modqd-reason" lang="%s" dir="%s">%s</p>', esc_attr($tag), esc_attr(Language::direction($tag)), esc_html($sentence));
            }
        }
        return $html;
    }

    private static function reportForm(array $row, \WP_Comment $comment): string
    {
        if (!Settings::get('reports') || $comment->comment_approved !== '1' || $row['state'] !== 'approved') {
            return '';
        }
        $options = '<option value="">' . esc_html__('Why?', 'modqd') . '</option>';
        foreach (Policy::reasons() as $reason) {
            [$tag, $title] = Policy::text($reason['code'], 'title');
            $options .= sprintf('<option value="%s" lang="%s" dir="%s">%s</option>', esc_attr($reason['code']), esc_attr($tag),
                esc_attr(Language::direction($tag)), esc_html($title));
        }
        return '<details class="modqd-report"><summary>' . esc_html__('Report', 'modqd') . '</summary>' . self::form('report', (int) $comment->comment_ID)
            . '<select name="reason" aria-label="' . esc_attr__('Why?', 'modqd') . '">' . $options . '</select>'
            . '<input type="text" name="note" maxlength="250" dir="auto" placeholder="' . esc_attr__('In your words (optional)', 'modqd')
            . '" aria-label="' . esc_attr__('In your words (optional)', 'modqd') . '">'
            . self::button(__('Report to the moderators', 'modqd')) . '</form></details>';
    }

    private static function form(string $what, int $commentId): string
    {
        return '<form method="post" action="' . esc_url(admin_url('admin-post.php')) . '">'
            . '<input type="hidden" name="action" value="' . esc_attr("modqd_$what") . '">'
            . '<input type="hidden" name="comment" value="' . $commentId . '">'
            . '<input type="hidden" name="nonce" value="' . esc_attr(wp_create_nonce(Visitor::nonce($what, $commentId))) . '">';
    }

    private static function button(string $label): string
    {
        return '<button type="submit">' . esc_html($label) . '</button>';
    }
}
