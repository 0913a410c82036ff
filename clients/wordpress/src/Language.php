<?php
namespace Modqd\WordPress;

/** WordPress' locales and BCP 47. */
final class Language
{
    // WordPress calls Kurmanji by several names; the policy has one.
    private const ALIASES = ['ku' => 'kmr', 'kur' => 'kmr', 'ku-tr' => 'kmr', 'kmr' => 'kmr'];
    private const RIGHT_TO_LEFT = ['ar', 'ary', 'arq', 'azb', 'ckb', 'dv', 'fa', 'haz', 'he', 'ps', 'sd', 'ug', 'ur', 'yi'];
    private const RIGHT_TO_LEFT_SCRIPTS = ['adlm', 'arab', 'hebr', 'nkoo', 'syrc', 'thaa'];
    private const SCRIPT_LENGTH = 4;

    /** `de_DE_formal` is `de-DE`. */
    public static function tag(string $locale): string
    {
        $parts = array_filter(explode('_', str_replace('-', '_', $locale)), static fn ($part) => $part !== 'formal' && $part !== 'informal');
        return substr(implode('-', $parts), 0, 35);
    }

    /**
     * The best text for a locale: of the very tag, of the language, of the first that there is in English, or any.
     *
     * @param array<string, string> $texts by tag
     * @return array{string, string} tag and text; two empty strings where there is none
     */
    public static function pick(array $texts, string $locale): array
    {
        $tag = strtolower(self::tag($locale));
        $language = explode('-', $tag)[0];
        $known = array_combine(array_map('strtolower', array_keys($texts)), array_keys($texts));
        foreach ([$tag, self::ALIASES[$tag] ?? '', $language, self::ALIASES[$language] ?? '', 'en'] as $wanted) {
            if (isset($known[$wanted])) {
                return [$known[$wanted], (string) $texts[$known[$wanted]]];
            }
        }
        return $texts ? [(string) array_key_first($texts), (string) reset($texts)] : ['', ''];
    }

    /** rtl or ltr: of the script where the tag names one (Kurdish is written in two), else of the language. */
    public static function direction(string $tag): string
    {
        [$language, $script] = explode('-', strtolower($tag) . '-');
        $rightToLeft = strlen($script) === self::SCRIPT_LENGTH
            ? in_array($script, self::RIGHT_TO_LEFT_SCRIPTS, true)
            : in_array($language, self::RIGHT_TO_LEFT, true);
        return $rightToLeft ? 'rtl' : 'ltr';
    }
}
