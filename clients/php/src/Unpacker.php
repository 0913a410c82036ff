<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Reads MessagePack that a peer sent: whatever it is, the answer is a value or an exception, within bounded memory.
 *
 * Written out because php-msgpack cannot tell a list from a map nor bytes from text, and lets keys of a map be anything.
 *
 * @internal
 */
final class Unpacker
{
    private const DEEPEST = 32;
    private const MOST_VALUES = 200000;

    private int $at = 0;
    private int $values = 0;

    private function __construct(private readonly string $bytes, private readonly bool $exact)
    {
    }

    /**
     * One value, and nothing behind it. Maps become arrays (stdClass where they would look like a list), bin and
     * str strings. With `$exact` maps become stdClass, and
     * bin becomes Bytes, so that Packer gives the same bytes again.
     *
     * @throws LocalError client_bad_reply
     */
    public static function unpack(string $bytes, bool $exact = false): mixed
    {
        $unpacker = new self($bytes, $exact);
        $value = $unpacker->value(0);
        return $unpacker->at === strlen($bytes) ? $value : throw Error::badReply('there is something behind the message');
    }

    private function value(int $depth): mixed
    {
        if ($depth > self::DEEPEST || ++$this->values > self::MOST_VALUES) {
            throw Error::badReply('the message is nested too deep, or has too many values');
        }
        $code = ord($this->take(1));
        return match (true) {
            $code < 0x80 => $code,
            $code < 0x90 => $this->map($code & 0x0f, $depth),
            $code < 0xa0 => $this->list($code & 0x0f, $depth),
            $code < 0xc0 => $this->take($code & 0x1f),
            $code >= 0xe0 => $code - 0x100,
            default => $this->wide($code, $depth),
        };
    }

    private function wide(int $code, int $depth): mixed
    {
        return match ($code) {
            0xc0 => null,
            0xc2 => false,
            0xc3 => true,
            0xc4 => $this->bin($this->unsigned(1)),
            0xc5 => $this->bin($this->unsigned(2)),
            0xc6 => $this->bin($this->unsigned(4)),
            0xca => unpack('G', $this->take(4))[1],
            0xcb => unpack('E', $this->take(8))[1],
            0xcc => $this->unsigned(1),
            0xcd => $this->unsigned(2),
            0xce => $this->unsigned(4),
            0xcf => $this->unsigned(8),
            0xd0 => $this->signed(1),
            0xd1 => $this->signed(2),
            0xd2 => $this->signed(4),
            0xd3 => unpack('J', $this->take(8))[1],
            0xd9 => $this->take($this->unsigned(1)),
            0xda => $this->take($this->unsigned(2)),
            0xdb => $this->take($this->unsigned(4)),
            0xdc => $this->list($this->unsigned(2), $depth),
            0xdd => $this->list($this->unsigned(4), $depth),
            0xde => $this->map($this->unsigned(2), $depth),
            0xdf => $this->map($this->unsigned(4), $depth),
            default => throw Error::badReply(sprintf('the message has an element of type 0x%02x', $code)),
        };
    }

    private function take(int $count): string
    {
        if ($count > strlen($this->bytes) - $this->at) {
            throw Error::badReply('the message is cut off');
        }
        $taken = substr($this->bytes, $this->at, $count);
        $this->at += $count;
        return $taken;
    }

    private function unsigned(int $width): int
    {
        $n = unpack([1 => 'C', 2 => 'n', 4 => 'N', 8 => 'J'][$width], $this->take($width))[1];
        return $n >= 0 ? $n : throw Error::badReply('the message has a number above 2^63');
    }

    private function signed(int $width): int
    {
        $n = $this->unsigned($width);
        $bit = 1 << (8 * $width - 1);
        return $n & $bit ? $n - 2 * $bit : $n;
    }

    private function bin(int $len): string|Bytes
    {
        $bytes = $this->take($len);
        return $this->exact ? new Bytes($bytes) : $bytes;
    }

    /** @return list<mixed> */
    private function list(int $count, int $depth): array
    {
        $list = [];
        for ($i = 0; $i < $count; $i++) {
            $list[] = $this->value($depth + 1);
        }
        return $list;
    }

    /** @return array<array-key, mixed>|\stdClass */
    private function map(int $count, int $depth): array|\stdClass
    {
        $map = [];
        for ($i = 0; $i < $count; $i++) {
            $map[$this->key($depth)] = $this->value($depth + 1);
        }
        // Keys "0", "1", … would make a list of it in PHP.
        return $this->exact || $map !== [] && array_is_list($map) ? (object) $map : $map;
    }

    private function key(int $depth): string
    {
        $key = $this->value($depth + 1);
        return is_string($key) ? $key : throw Error::badReply('a map has a key that is no text');
    }
}
