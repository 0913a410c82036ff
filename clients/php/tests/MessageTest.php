<?php

declare(strict_types=1);

namespace Modqd\Tests;

use Modqd\Bytes;
use Modqd\Error;
use Modqd\Packer;
use Modqd\Unpacker;
use PHPUnit\Framework\TestCase;

final class MessageTest extends TestCase
{
    use Thrown;

    /** @return list<\stdClass> */
    private static function vectors(): array
    {
        return json_decode(file_get_contents(__DIR__ . '/../../../proto/vectors/messages.json'), false, 64, JSON_THROW_ON_ERROR);
    }

    private static function value(mixed $json): mixed
    {
        if ($json instanceof \stdClass) {
            $map = (array) $json;
            return array_keys($map) === ['$bin'] ? new Bytes(hex2bin($map['$bin'])) : (object) array_map(self::value(...), $map);
        }
        return is_array($json) ? array_map(self::value(...), $json) : $json;
    }

    public function testEveryVectorIsWrittenAsItStands(): void
    {
        $this->assertGreaterThan(100, count(self::vectors()));
        foreach (self::vectors() as $vector) {
            $this->assertSame($vector->hex, bin2hex((new Packer())->pack(self::value($vector->value))), $vector->name);
        }
    }

    public function testEveryVectorIsReadAsItStands(): void
    {
        foreach (self::vectors() as $vector) {
            $this->assertEquals(self::value($vector->value), Unpacker::unpack(hex2bin($vector->hex), true), $vector->name);
        }
    }

    public function testAVectorThatIsCutOffIsABadReply(): void
    {
        foreach (self::vectors() as $vector) {
            $bytes = hex2bin($vector->hex);
            for ($len = 0; $len < min(strlen($bytes), 100); $len++) {
                $this->assertSame('client_bad_reply', $this->thrown(fn () => Unpacker::unpack(substr($bytes, 0, $len)))->name);
            }
        }
    }

    /** @return iterable<string, array{string}> */
    public static function badMessages(): iterable
    {
        yield 'something behind it' => ['0101'];
        yield 'extension' => ['d40141'];
        yield 'the unused code' => ['c1'];
        yield 'key that is a number' => ['8101a161'];
        yield 'key that is nil' => ['81c001'];
        yield 'number above 2^63' => ['cfffffffffffffffff'];
        yield 'list of four thousand million' => ['ddffffffff01'];
        yield 'map of four thousand million' => ['dfffffffff'];
        yield 'text of four thousand million' => ['dbffffffff61'];
        yield 'a million levels' => [str_repeat('91', 1000000) . 'c0'];
        yield 'a million values' => ['dd000f4240' . str_repeat('c0', 1000000)];
    }

    /** @dataProvider badMessages */
    public function testWhatNoDaemonSendsIsABadReply(string $hex): void
    {
        $before = memory_get_usage();
        $this->assertSame('client_bad_reply', $this->thrown(fn () => Unpacker::unpack(hex2bin($hex)))->name);
        $this->assertLessThan(64 << 20, memory_get_usage() - $before);
    }

    public function testRandomBytesAreAValueOrABadReply(): void
    {
        mt_srand(20260101);
        $values = 0;
        for ($i = 0; $i < 20000; $i++) {
            $bytes = '';
            for ($n = mt_rand(1, 40); $n > 0; $n--) {
                $bytes .= chr(mt_rand(0, 3) === 0 ? mt_rand(0x80, 0xa4) : mt_rand(0, 255));
            }
            try {
                $value = Unpacker::unpack($bytes, true);
                $this->assertEquals($value, Unpacker::unpack((new Packer())->pack($value), true));
                $values++;
            } catch (Error $e) {
                $this->assertContains($e->name, ['client_bad_reply', 'invalid_utf8']);
            }
        }
        $this->assertGreaterThan(100, $values);
    }

    public function testMapsBytesAndListsOfPhp(): void
    {
        $pack = fn (mixed $value): string => bin2hex((new Packer())->pack($value));
        $this->assertSame('90', $pack([]));
        $this->assertSame('80', $pack(new \stdClass()));
        $this->assertSame('80', $pack(new \ArrayObject()));
        $this->assertSame('81a13101', $pack(['1' => 1]));
        $this->assertSame('c402ff00', $pack(new Bytes("\xff\0")));
        $this->assertEquals((object) ['x'], Unpacker::unpack(hex2bin('81a130a178')), 'a map that would look like a list');
        $this->assertSame(['a' => "\xff", 'b' => []], Unpacker::unpack(hex2bin('82a161c401ffa16280')));
    }

    public function testTextThatIsNotUtf8IsRefusedWithItsPlace(): void
    {
        foreach (["\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80"] as $text) {
            $e = $this->thrown(fn () => (new Packer())->pack(['extra' => ['a' => ['ok', $text]]], 'comments[0]'));
            $this->assertSame(['invalid_utf8', 28, 'fix', 'comments[0].extra.a[1]'], [$e->name, $e->number, $e->class, $e->field]);
        }
        $this->assertSame('comments[0].a?', $this->thrown(fn () => (new Packer())->pack(["a\xff" => 1], 'comments[0]'))->field);
    }

    public function testWhatCannotBeSentIsTheCallersMistake(): void
    {
        $endless = [];
        $endless['a'] = &$endless;
        $this->assertSame('malformed', $this->thrown(fn () => (new Packer())->pack($endless))->name);
        foreach ([STDIN, fn () => 1, new \DateTime()] as $value) {
            $e = $this->thrown(fn () => (new Packer())->pack(['x' => $value]));
            $this->assertSame(['client_bad_argument', 'x'], [$e->name, $e->field]);
        }
    }

    public function testValuesAndDepthAreCounted(): void
    {
        $packer = new Packer();
        $packer->pack(['a' => [1, 2, []], 'b' => null]);
        $this->assertSame([8, 3], [$packer->values, $packer->depth]);
    }
}
