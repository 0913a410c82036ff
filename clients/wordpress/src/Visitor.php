<?php
namespace Modqd\WordPress;

/**
 * Who reads the page: a user, or a browser with a random cookie that it got with its first comment. The name begins as
 * WordPress' own comment cookies do, because page caches leave those readers out by that.
 */
final class Visitor
{
    public static function register(): void
    {
        add_action('pre_comment_on_post', [self::class, 'welcome']);
    }

    /** Gives a browser without an account its cookie. */
    public static function welcome(): void
    {
        if (is_user_logged_in() || self::token() !== '') {
            return;
        }
        $token = bin2hex(random_bytes(16));
        setcookie(self::cookie(), $token, ['expires' => time() + YEAR_IN_SECONDS, 'path' => COOKIEPATH ?: '/', 'domain' => (string) COOKIE_DOMAIN,
            'secure' => is_ssl(), 'httponly' => true, 'samesite' => 'Lax']);
        $_COOKIE[self::cookie()] = $token;
    }

    /** Whether this request is a reader sending a comment of their own. */
    public static function isAuthor(): bool
    {
        return did_action('pre_comment_on_post') > 0;
    }

    /** What is stored of the cookie; empty where there is none. */
    public static function hash(): string
    {
        return self::token() === '' ? '' : hash('sha256', self::token());
    }

    public static function owns(array $row, \WP_Comment $comment): bool
    {
        if ((int) $comment->user_id) {
            return (int) $comment->user_id === get_current_user_id();
        }
        return $row['visitor'] !== '' && hash_equals($row['visitor'], self::hash());
    }

    /** What stands for somebody who reports: the user, or the address, so that dropping cookies does not make many of one. */
    public static function reader(): string
    {
        $user = get_current_user_id();
        return Event::hashed($user ? "reader $user" : 'reader ' . Event::addressHash((string) ($_SERVER['REMOTE_ADDR'] ?? '')));
    }

    /** Name of a nonce for something done to one comment; also bound to the cookie, as WordPress binds it to users only. */
    public static function nonce(string $action, int $commentId): string
    {
        return "modqd-$action-$commentId-" . self::hash();
    }

    private static function token(): string
    {
        $token = $_COOKIE[self::cookie()] ?? '';
        return is_string($token) && preg_match('/^[0-9a-f]{32}$/D', $token) ? $token : '';
    }

    private static function cookie(): string
    {
        return 'comment_author_modqd_' . COOKIEHASH;
    }
}
