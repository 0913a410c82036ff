<?php

declare(strict_types=1);

namespace Modqd;

/** A place in a file of its own, for one site. Use PdoPlace where what the records change is in a database. */
final class FilePlace implements Place
{
    public function __construct(private readonly string $path)
    {
    }

    public function load(string $site): ?Position
    {
        clearstatcache(true, $this->path);
        if (!file_exists($this->path)) {
            return null;
        }
        $text = @file_get_contents($this->path);
        $told = $text === false ? throw Files::failed("{$this->path} cannot be read") : json_decode($text, true);
        if (!is_array($told) || !is_string($told['site'] ?? null) || !is_int($told['seq'] ?? null)) {
            throw Error::system("{$this->path} holds no place");
        }
        if ($told['site'] !== $site) {
            throw Error::badArgument("{$this->path} is the place of another site", 'place');
        }
        return new Position($told['seq'], self::bytes($told, 'chain'), self::bytes($told, 'epoch'));
    }

    public function save(string $site, Position $position): void
    {
        Files::replace($this->path, json_encode(['site' => $site, 'seq' => $position->seq,
            'chain' => bin2hex($position->chain), 'epoch' => bin2hex($position->epoch)], JSON_THROW_ON_ERROR) . "\n");
    }

    /** @param array<string, mixed> $told */
    private static function bytes(array $told, string $name): string
    {
        $hex = $told[$name] ?? '';
        return is_string($hex) && preg_match('/^([0-9a-f]{2})*$/D', $hex) === 1 ? hex2bin($hex)
            : throw Error::system("a place holds a $name that is not hexadecimal");
    }
}
