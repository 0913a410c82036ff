<?php

declare(strict_types=1);

namespace Modqd\Tests;

use Modqd\DeniedError;
use Modqd\Error;
use Modqd\FinalError;
use Modqd\FixError;
use Modqd\LocalError;
use Modqd\RetryError;
use PHPUnit\Framework\TestCase;

final class ErrorTest extends TestCase
{
    /** @return iterable<array{string, class-string<Error>, bool}> */
    public static function classes(): iterable
    {
        yield ['retry', RetryError::class, true];
        yield ['fix', FixError::class, false];
        yield ['denied', DeniedError::class, false];
        yield ['final', FinalError::class, false];
    }

    /** @dataProvider classes */
    public function testAnUnknownNumberGoesByItsClass(string $class, string $type, bool $keep): void
    {
        $e = Error::of(['number' => 4711, 'name' => 'new_in_version_9', 'class' => $class, 'message' => 'why', 'field' => 'a.b',
            'retry_after_ms' => 70, 'max' => 3]);
        $this->assertInstanceOf($type, $e);
        $this->assertSame([4711, 'new_in_version_9', $class, 'a.b', 70, ['max' => 3], $keep],
            [$e->number, $e->name, $e->class, $e->field, $e->retry_after_ms, $e->more, $e->keep]);
        $this->assertSame($keep, str_contains($e->getMessage(), 'keep it and send it later'));
        $this->assertSame('why', $e->toArray()['message']);
    }

    public function testWhatIsNoErrorIsABadReply(): void
    {
        $good = ['number' => 1, 'name' => 'busy', 'class' => 'retry', 'message' => ''];
        $bad = [null, 1, [], 'text', ['number' => '1'] + $good, ['name' => 7] + $good, ['class' => 'odd'] + $good, ['class' => []] + $good];
        foreach ($bad as $map) {
            $e = Error::of($map);
            $this->assertInstanceOf(LocalError::class, $e);
            $this->assertSame([-5, 'client_bad_reply', false], [$e->number, $e->name, $e->keep]);
        }
        $this->assertSame('busy', Error::of(['message' => 7, 'field' => [], 'retry_after_ms' => -1] + $good)->name);
    }

    public function testTheSameErrorAtAnotherPlace(): void
    {
        $e = Error::timeout('no answer')->at('comments[3]');
        $this->assertInstanceOf(RetryError::class, $e);
        $this->assertSame(['comments[3]', 'no answer'], [$e->field, $e->toArray()['message']]);
        $this->assertSame(Error::timeout('no answer')->getMessage(), $e->getMessage());
    }
}
