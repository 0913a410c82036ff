<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Reads arrays of options: an unknown name or a wrong type is the caller's mistake, not ours to guess.
 *
 * @internal
 */
final class Options
{
    /**
     * @param array<string, mixed> $options
     * @param list<string> $known
     */
    public function __construct(private readonly array $options, array $known)
    {
        foreach (array_keys($options) as $name) {
            in_array($name, $known, true) || throw Error::badArgument("there is no option \"$name\"", (string) $name);
        }
    }

    public function key(): ?Key
    {
        $key = $this->options['key'] ?? null;
        return $key === null || $key instanceof Key ? $key : throw Error::badArgument('key is no Modqd\Key', 'key');
    }

    /** Seconds, at least `$least`. */
    public function seconds(string $name, float $otherwise, float $least): float
    {
        $value = $this->options[$name] ?? $otherwise;
        return (is_float($value) || is_int($value)) && $value >= $least && $value <= 86400 * 365 ? (float) $value
            : throw Error::badArgument("$name is not a number of seconds from $least on", $name);
    }

    public function int(string $name, int $otherwise, int $least, int $most): int
    {
        $value = $this->options[$name] ?? $otherwise;
        return is_int($value) && $value >= $least && $value <= $most ? $value
            : throw Error::badArgument("$name is not an integer from $least to $most", $name);
    }

    public function bool(string $name, bool $otherwise): bool
    {
        $value = $this->options[$name] ?? $otherwise;
        return is_bool($value) ? $value : throw Error::badArgument("$name is neither true nor false", $name);
    }

    public function text(string $name): ?string
    {
        $value = $this->options[$name] ?? null;
        return $value === null || is_string($value) ? $value : throw Error::badArgument("$name is no string", $name);
    }

    /** The endpoint that was given or, when it is '', the one that the key file names. */
    public static function endpoint(string $endpoint, string $socket, ?Key $key): string
    {
        $endpoint = $endpoint !== '' ? $endpoint : $key?->endpoints[$socket] ?? '';
        return $endpoint !== '' ? $endpoint : throw Error::badArgument("no endpoint of the socket \"$socket\"", 'endpoint');
    }
}
