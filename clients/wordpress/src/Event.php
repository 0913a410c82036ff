<?php
namespace Modqd\WordPress;

/** A WordPress comment as the comment event of the protocol. */
final class Event
{
    /**
     * @param array $comment row of WordPress' comments table, as it is stored
     * @param string $id the comment's id at the daemon
     */
    public static function of(array $comment, string $id, int $revision): array
    {
        return array_filter([
            'site' => Settings::get('site'),
            'comment' => $id,
            'revision' => $revision,
            'body' => $comment['comment_content'],
            'article' => self::article((int) $comment['comment_post_ID']),
            'parent' => self::parent((int) $comment['comment_parent']),
            'author' => self::author($comment),
            'created_at' => self::time($comment['comment_date_gmt']),
            'language' => Language::tag(get_locale()),
            'extra' => self::extra($comment),
        ], static fn ($value) => $value !== null);
    }

    /** What stands for somebody without an account, a network address or a cookie. It cannot be turned back without the salt. */
    public static function hashed(string $what): string
    {
        return substr(hash_hmac('sha256', $what, (string) get_option('modqd_salt')), 0, 32);
    }

    /** A network address; of IPv6 the part that a household has. Empty where none is known. */
    public static function addressHash(string $address): string
    {
        $packed = filter_var($address, FILTER_VALIDATE_IP) ? inet_pton($address) : false;
        if ($packed === false) {
            return '';
        }
        return self::hashed('address ' . bin2hex(strlen($packed) === 16 ? substr($packed, 0, 8) : $packed));
    }

    private static function article(int $id): ?array
    {
        $post = get_post($id);
        if (!$post) {
            return null;
        }
        return array_filter([
            'id' => (string) $id,
            'title' => self::cut($post->post_title, 1024),
            'url' => self::cut((string) get_permalink($post), 2048),
            'language' => Language::tag(get_locale()),
        ], static fn ($value) => $value !== '');
    }

    private static function parent(int $id): ?string
    {
        return $id ? Database::value('SELECT modqd_id FROM ' . Database::table('comments') . ' WHERE comment_id = %d', $id) : null;
    }

    private static function author(array $comment): ?array
    {
        $user = (int) $comment['user_id'] ? get_userdata((int) $comment['user_id']) : false;
        $email = strtolower(trim($comment['comment_author_email']));
        $id = $user ? "user:$user->ID" : ($email !== '' ? 'guest:' . self::hashed("email $email") : '');
        return array_filter([
            'id' => $id,
            'name' => self::cut($comment['comment_author'], 256),
            'registered_at' => $user ? self::time($user->user_registered) : null,
            'address_hash' => self::addressHash($comment['comment_author_IP']),
        ], static fn ($value) => $value !== null && $value !== '') ?: null;
    }

    private static function extra(array $comment): array
    {
        $website = self::cut($comment['comment_author_url'], 2048);
        return ($website !== '' ? ['website' => $website] : [])
            + ['wordpress' => ['comment' => (int) $comment['comment_ID'], 'type' => $comment['comment_type'] ?: 'comment']];
    }

    /** Milliseconds since 1970 of WordPress' `YYYY-MM-DD hh:mm:ss` in UTC. */
    private static function time(string $gmt): ?int
    {
        $seconds = strtotime("$gmt UTC");
        return $seconds !== false && $seconds >= 0 ? $seconds * 1000 : null;
    }

    private static function cut(string $text, int $bytes): string
    {
        return mb_strcut($text, 0, $bytes, 'UTF-8');
    }
}
