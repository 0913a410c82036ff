<?php

declare(strict_types=1);

namespace Modqd;

/**
 * A request that an outbox keeps: complete, so that to send it twice is harmless, and checked as far as it can be checked
 * here. Written as MessagePack in base64: exact, one line, and safe in a database of any character set.
 *
 * @internal
 */
final class Request
{
    /** @param array<string, mixed> $fields of `submit`: the comment event */
    private function __construct(public readonly string $op, public readonly array $fields)
    {
    }

    /**
     * @param array<string, mixed> $fields
     * @throws FixError
     */
    public static function of(string $op, array $fields): self
    {
        return match ($op) {
            'submit' => new self($op, self::comment($fields)),
            'withdraw' => new self($op, ['site' => self::text($fields, 'site'), 'comment' => self::text($fields, 'comment')]),
            'report' => new self($op, Report::fields(self::text($fields, 'site'), self::text($fields, 'comment'),
                self::text($fields, 'reader'), $fields)),
            default => throw Error::badArgument("an outbox keeps submit, withdraw and report, not \"$op\"", 'op'),
        };
    }

    /** @throws FixError invalid_utf8, malformed, client_bad_argument */
    public function encode(): string
    {
        return base64_encode((new Packer())->pack([$this->op, new \ArrayObject($this->fields)]));
    }

    /** Null: it is damaged. */
    public static function decode(string $line): ?self
    {
        try {
            $read = Unpacker::unpack((string) base64_decode($line, true), true);
        } catch (LocalError) {
            return null;
        }
        $ok = is_array($read) && count($read) === 2 && is_string($read[0]) && $read[1] instanceof \stdClass;
        return $ok ? new self($read[0], (array) $read[1]) : null;
    }

    /**
     * @return array<string, mixed>
     * @throws Error
     */
    public function send(Front $front): array
    {
        $f = $this->fields;
        return match ($this->op) {
            'submit' => $front->submit($f),
            'withdraw' => $front->withdraw($f['site'], $f['comment']),
            'report' => $front->report($f['site'], $f['comment'], $f['reader'], $f),
        };
    }

    /**
     * @param array<string, mixed> $fields
     * @return array<string, mixed>
     */
    private static function comment(array $fields): array
    {
        $comment = is_array($fields['comment'] ?? null) ? $fields['comment'] : $fields;
        $trace = is_array($fields['comment'] ?? null) && is_string($fields['traceparent'] ?? null) ? $fields['traceparent'] : null;
        $comment = Comment::withMaps(Comment::withTrace($comment, $trace, Limits::default()));
        Comment::pack($comment, null, Limits::default(), 'comment');
        return $comment;
    }

    /** @param array<string, mixed> $fields */
    private static function text(array $fields, string $name): string
    {
        return is_string($fields[$name] ?? null) ? $fields[$name] : throw Error::badArgument("$name is no string", $name);
    }
}
