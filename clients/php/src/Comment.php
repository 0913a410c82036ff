<?php

declare(strict_types=1);

namespace Modqd;

/**
 * A comment event on its way out, packed once.
 *
 * @internal
 */
final class Comment
{
    /** Keys that hold a map, also when a caller gives an empty array. */
    private const MAPS = ['article', 'author', 'extra'];
    private const CONTEXT = '/^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/D';
    private const VERSION_0 = '/^00-.{52}$/D';

    /** The message's map and the list are around it; the head of a submit has 9 values. */
    private const DEPTH = Limits::DEPTH - 2;
    private const VALUES = Limits::VALUES - 9;

    private function __construct(
        public readonly string $bytes,
        public readonly int $values,
    ) {
    }

    /**
     * @param array<string, mixed> $comment
     * @param string $field what it is called in errors
     * @throws FixError invalid_utf8, malformed, client_bad_argument
     */
    public static function pack(array $comment, ?string $traceparent, Limits $limits, string $field): self
    {
        $comment = self::withTrace($comment, $traceparent, $limits);
        $packer = new Packer();
        $bytes = $packer->pack(new \ArrayObject(self::withMaps($comment)), $field);
        if ($packer->depth > self::DEPTH || $packer->values > self::VALUES) {
            throw Error::fix(20, 'malformed', 'it is nested too deep, or has too many values', $field);
        }
        return new self($bytes, $packer->values);
    }

    /**
     * An empty array is a map where only a map can stand.
     *
     * @param array<string, mixed> $fields
     * @return array<string, mixed>
     */
    public static function withMaps(array $fields): array
    {
        foreach (self::MAPS as $name) {
            if (is_array($fields[$name] ?? null)) {
                $fields[$name] = new \ArrayObject($fields[$name]);
            }
        }
        return $fields;
    }

    /**
     * Puts the W3C Trace Context of the request into `extra`, but not in the place of one that is there, nor so that the
     * comment would be refused for it.
     *
     * @param array<string, mixed> $comment
     * @return array<string, mixed>
     */
    public static function withTrace(array $comment, ?string $traceparent, Limits $limits): array
    {
        $extra = $comment['extra'] ?? [];
        $extra = is_object($extra) && ($extra instanceof \stdClass || $extra instanceof \ArrayObject) ? (array) $extra : $extra;
        if ($traceparent === null || !self::isTrace($traceparent) || !is_array($extra) || isset($extra['traceparent'])) {
            return $comment;
        }
        $extra['traceparent'] = $traceparent;
        if (strlen((new Packer())->pack($extra, 'extra')) <= $limits->extraBytes) {
            $comment['extra'] = $extra;
        }
        return $comment;
    }

    private static function isTrace(string $text): bool
    {
        return strlen($text) <= 512 && preg_match(self::CONTEXT, $text) === 1
            && (!str_starts_with($text, '00') || preg_match(self::VERSION_0, $text) === 1);
    }
}
