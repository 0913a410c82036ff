<?php
namespace Modqd\WordPress;

use Modqd\Front;

/** The site's policy as the worker fetched it last. A page never waits for the daemon to show it. */
final class Policy
{
    private const AGE_S = 3600;

    /** Fetches it where it is old, or a decision was made by another version. */
    public static function renew(Front $front, ?string $version = null): void
    {
        $kept = get_option('modqd_policy', null);
        $fresh = is_array($kept) && $kept['site'] === Settings::get('site') && $kept['at'] > time() - self::AGE_S;
        if ($fresh && ($version === null || $kept['policy']['version'] === $version)) {
            return;
        }
        $policy = $front->policy(Settings::get('site'));
        update_option('modqd_policy', ['site' => Settings::get('site'), 'at' => time(), 'policy' => $policy], false);
    }

    /** @return list<array> the reasons as in the protocol */
    public static function reasons(): array
    {
        $kept = get_option('modqd_policy', null);
        return is_array($kept) ? $kept['policy']['reasons'] : [];
    }

    /**
     * A text of a reason for whoever reads the page.
     *
     * @param string $kind title or sentence
     * @return array{string, string} language and text; empty where the policy has no such reason
     */
    public static function text(string $code, string $kind): array
    {
        foreach (self::reasons() as $reason) {
            if ($reason['code'] === $code) {
                return Language::pick($reason[$kind], determine_locale());
            }
        }
        return ['', ''];
    }
}
