<?php

declare(strict_types=1);

namespace Modqd;

/**
 * What went wrong, and what to do about it: decide by the subclass (or by `$keep`), so that errors of later versions fit in.
 *
 * Numbers above 0 and their names are those of PROTOCOL.md, whether the daemon said it or the client saw it before
 * sending. Numbers below 0 are the client's own: client_timeout, client_cannot_connect (retry), client_bad_argument (fix),
 * client_bad_reply, client_system (local).
 */
abstract class Error extends \RuntimeException
{
    private const CLASSES = ['retry' => RetryError::class, 'fix' => FixError::class, 'denied' => DeniedError::class,
        'final' => FinalError::class, 'local' => LocalError::class];

    /** True exactly for the class `retry`: keep the request, and send it again later. */
    public readonly bool $keep;

    /**
     * @param int $number for programs, as PROTOCOL.md has it
     * @param string $name such as `too_long`
     * @param string $class `retry`, `fix`, `denied`, `final` or `local`
     * @param ?string $field the field to blame, such as `author.name`
     * @param ?int $retry_after_ms how long the daemon wants to be left alone
     * @param array<string, mixed> $more the other keys of the daemon's error map
     */
    final private function __construct(
        public readonly int $number,
        public readonly string $name,
        public readonly string $class,
        string $message,
        public readonly ?string $field = null,
        public readonly ?int $retry_after_ms = null,
        public readonly array $more = [],
        ?\Throwable $cause = null,
    ) {
        $this->keep = $class === 'retry';
        parent::__construct("$name: $message" . ($this->keep ? ' (keep it and send it later)' : ''), $number, $cause);
    }

    /** An error of PROTOCOL.md that the client saw before sending. */
    public static function fix(int $number, string $name, string $message, ?string $field = null): FixError
    {
        return new FixError($number, $name, 'fix', $message, $field);
    }

    public static function timeout(string $message): RetryError
    {
        return new RetryError(-1, 'client_timeout', 'retry', $message);
    }

    public static function cannotConnect(string $message): RetryError
    {
        return new RetryError(-2, 'client_cannot_connect', 'retry', $message);
    }

    public static function badArgument(string $message, ?string $field = null, ?\Throwable $cause = null): FixError
    {
        return new FixError(-3, 'client_bad_argument', 'fix', $message, $field, null, [], $cause);
    }

    public static function badReply(string $message): LocalError
    {
        return new LocalError(-5, 'client_bad_reply', 'local', $message);
    }

    public static function system(string $message, ?\Throwable $cause = null): LocalError
    {
        return new LocalError(-7, 'client_system', 'local', $message, null, null, [], $cause);
    }

    /** Reads an error map of the daemon; what is none is a bad reply. */
    public static function of(mixed $map): self
    {
        if (!is_array($map) || !is_int($map['number'] ?? null) || !is_string($map['name'] ?? null)) {
            return self::badReply('the daemon refused, and its error is no error map');
        }
        $class = self::CLASSES[self::text($map, 'class') ?? ''] ?? null;
        if ($class === null) {
            return self::badReply("the daemon's error {$map['name']} has no class that this client knows");
        }
        $wait = $map['retry_after_ms'] ?? null;
        $more = array_diff_key($map, array_flip(['number', 'name', 'class', 'message', 'field', 'retry_after_ms']));
        return new $class($map['number'], $map['name'], $map['class'], self::text($map, 'message') ?? '',
            self::text($map, 'field'), is_int($wait) && $wait >= 0 ? $wait : null, $more);
    }

    /** The same error about another field; '': about none. */
    public function at(string $field): self
    {
        return new static($this->number, $this->name, $this->class, $this->plainMessage(), $field === '' ? null : $field, $this->retry_after_ms,
            $this->more, $this->getPrevious());
    }

    /**
     * As PROTOCOL.md writes an error, to be stored or sent on.
     *
     * @return array<string, mixed>
     */
    public function toArray(): array
    {
        return ['number' => $this->number, 'name' => $this->name, 'class' => $this->class,
            'message' => $this->plainMessage(), 'field' => $this->field, 'retry_after_ms' => $this->retry_after_ms] + $this->more;
    }

    private function plainMessage(): string
    {
        $message = substr($this->getMessage(), strlen($this->name) + 2);
        return $this->keep ? substr($message, 0, -strlen(' (keep it and send it later)')) : $message;
    }

    /** @param array<string, mixed> $map */
    private static function text(array $map, string $key): ?string
    {
        return is_string($map[$key] ?? null) ? $map[$key] : null;
    }
}
