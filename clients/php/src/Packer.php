<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Writes MessagePack, always in the shortest encoding.
 *
 * Strings must be UTF-8 and become str, Bytes become bin. An array whose keys are 0, 1, 2, … becomes a list (an empty one,
 * too), every other array a map; stdClass and ArrayObject are maps whatever they hold.
 *
 * @internal
 */
final class Packer
{
    /** Values packed so far; keys and containers count. */
    public int $values = 0;

    /** How deep the deepest container is nested; 0: there was none. */
    public int $depth = 0;

    private const DEEPEST = 64;

    /**
     * @param string $field what the value is called in errors
     * @throws FixError invalid_utf8; client_bad_argument for what has no place in MessagePack
     */
    public function pack(mixed $value, string $field = ''): string
    {
        return $this->value($value, $field, 0);
    }

    public static function listHead(int $count): string
    {
        return self::head($count, 0x90, 15, 0xdc);
    }

    public static function mapHead(int $count): string
    {
        return self::head($count, 0x80, 15, 0xde);
    }

    private function value(mixed $value, string $field, int $depth): string
    {
        $this->values++;
        return match (true) {
            $value === null => "\xc0",
            $value === false => "\xc2",
            $value === true => "\xc3",
            is_int($value) => self::int($value),
            is_float($value) => "\xcb" . pack('E', $value),
            is_string($value) => self::text($value, $field),
            $value instanceof Bytes => self::bytes($value->bytes),
            is_array($value) && array_is_list($value) => $this->list($value, $field, $this->deeper($depth, $field)),
            is_array($value) => $this->map($value, $field, $this->deeper($depth, $field)),
            $value instanceof \stdClass => $this->map((array) $value, $field, $this->deeper($depth, $field)),
            $value instanceof \ArrayObject => $this->map($value->getArrayCopy(), $field, $this->deeper($depth, $field)),
            default => throw Error::badArgument('a value of type ' . get_debug_type($value) . ' cannot be sent', $field),
        };
    }

    /** Ends on arrays that hold themselves, too. */
    private function deeper(int $depth, string $field): int
    {
        if ($depth === self::DEEPEST) {
            throw Error::fix(20, 'malformed', 'it is nested too deep', $field);
        }
        $this->depth = max($this->depth, $depth + 1);
        return $depth + 1;
    }

    /** @param list<mixed> $list */
    private function list(array $list, string $field, int $depth): string
    {
        $packed = self::listHead(count($list));
        foreach ($list as $i => $value) {
            $packed .= $this->value($value, "{$field}[$i]", $depth);
        }
        return $packed;
    }

    /** @param array<array-key, mixed> $map */
    private function map(array $map, string $field, int $depth): string
    {
        $packed = self::mapHead(count($map));
        foreach ($map as $key => $value) {
            $name = $field === '' ? (string) $key : "$field.$key";
            $packed .= self::text((string) $key, $name) . $this->value($value, $name, $depth);
            $this->values++;
        }
        return $packed;
    }

    private static function int(int $n): string
    {
        return match (true) {
            $n >= 0 && $n < 0x80, $n < 0 && $n >= -0x20 => pack('c', $n),
            $n < 0 => self::negative($n),
            $n < 0x100 => pack('CC', 0xcc, $n),
            $n < 0x10000 => pack('Cn', 0xcd, $n),
            $n < 0x100000000 => pack('CN', 0xce, $n),
            default => pack('CJ', 0xcf, $n),
        };
    }

    private static function negative(int $n): string
    {
        return match (true) {
            $n >= -0x80 => pack('Cc', 0xd0, $n),
            $n >= -0x8000 => pack('Cn', 0xd1, $n & 0xffff),
            $n >= -0x80000000 => pack('CN', 0xd2, $n & 0xffffffff),
            default => pack('CJ', 0xd3, $n),
        };
    }

    private static function text(string $text, string $field): string
    {
        if (preg_match('//u', $text) !== 1) {
            throw Error::fix(28, 'invalid_utf8', 'the text is not UTF-8', self::readable($field));
        }
        $len = strlen($text);
        return ($len > 31 && $len < 0x100 ? pack('CC', 0xd9, $len) : self::head($len, 0xa0, 31, 0xda)) . $text;
    }

    /** A key that is not UTF-8 is named in the error all the same, and the error can be written anywhere. */
    private static function readable(string $field): string
    {
        return preg_match('//u', $field) === 1 ? $field : preg_replace('/[^\x20-\x7e]/', '?', $field);
    }

    private static function bytes(string $bytes): string
    {
        $len = strlen($bytes);
        return ($len < 0x100 ? pack('CC', 0xc4, $len) : ($len < 0x10000 ? pack('Cn', 0xc5, $len) : pack('CN', 0xc6, $len))) . $bytes;
    }

    /** The head of a container or text: `$small` + count up to `$most`, else `$wide` and 16 bits, or the next code and 32. */
    private static function head(int $count, int $small, int $most, int $wide): string
    {
        return match (true) {
            $count <= $most => chr($small + $count),
            $count < 0x10000 => pack('Cn', $wide, $count),
            default => pack('CN', $wide + 1, $count),
        };
    }
}
