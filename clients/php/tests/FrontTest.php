<?php

declare(strict_types=1);

namespace Modqd\Tests;

use Modqd\Clock;
use Modqd\Front;
use PHPUnit\Framework\TestCase;

final class FrontTest extends TestCase
{
    use Temporary;
    use Thrown;

    private const SLACK = 3.0; // beyond a time-out that was asked for, on a very busy machine
    private const BUSY = ['number' => 1, 'name' => 'busy', 'class' => 'retry', 'message' => 'too much'];
    private const MALFORMED = ['number' => 20, 'name' => 'malformed', 'class' => 'fix', 'message' => 'broken'];

    private FakeDaemon $daemon;

    /** @param array<string, mixed> $options */
    private function front(array $steps, array $options = []): Front
    {
        $this->daemon = new FakeDaemon($this->dir, $steps);
        return new Front($this->daemon->endpoint, $options + ['timeout' => 10.0]);
    }

    private static function comment(string $id, array $more = []): array
    {
        return ['site' => 'news', 'comment' => $id, 'body' => "body of $id"] + $more;
    }

    /** Results of a submit: a word of success, or an error map. */
    private static function results(string|array ...$results): array
    {
        return [['results' => array_map(static fn ($result) => is_string($result) ? ['status' => $result]
            : ['status' => $result['name'], 'error' => $result], $results)]];
    }

    private static function refusal(array $error): array
    {
        return [['ok' => false, 'error' => $error]];
    }

    private static function hello(array $limits): array
    {
        return [['limits' => $limits]];
    }

    public function testARefusalThatMayPassIsRepeatedAfterThePause(): void
    {
        $front = $this->front([self::refusal(self::BUSY + ['retry_after_ms' => 400]), self::results('accepted')]);
        $start = Clock::now();
        $this->assertSame('accepted', $front->submit(self::comment('1'))['status']);
        $this->assertGreaterThan(0.4, Clock::now() - $start);
        [$first, $second] = $this->daemon->lines();
        $this->assertSame($first, $second, 'the same bytes on the same connection');
    }

    public function testAPauseThatWouldPassTheTimeOutIsNotWaitedFor(): void
    {
        $front = $this->front([self::refusal(self::BUSY + ['retry_after_ms' => 60000])]);
        $start = Clock::now();
        $e = $this->thrown(fn () => $front->submit(self::comment('1')));
        $this->assertSame(['busy', true, 60000], [$e->name, $e->keep, $e->retry_after_ms]);
        $this->assertLessThan(self::SLACK, Clock::now() - $start);
    }

    public function testAfterSilenceTheSameBytesGoOutOnANewConnection(): void
    {
        $front = $this->front([[], [], self::results('duplicate')], ['attempt' => 1.0]);
        $this->assertSame('duplicate', $front->submit(self::comment('1'))['status']);
        $lines = $this->daemon->lines();
        $this->assertCount(3, array_unique(array_column($lines, 0)));
        $this->assertCount(1, array_unique(array_column($lines, 1)));
    }

    public function testSilenceEndsWithTheTimeOut(): void
    {
        $front = $this->front([], ['timeout' => 0.8, 'attempt' => 0.2]);
        $start = Clock::now();
        $e = $this->thrown(fn () => $front->withdraw('news', '1'));
        $this->assertSame(['client_timeout', -1, true], [$e->name, $e->number, $e->keep]);
        $this->assertLessThan(0.8 + self::SLACK, Clock::now() - $start);
    }

    public function testNobodyThere(): void
    {
        $front = new Front("ipc://{$this->dir}/nobody.sock", ['timeout' => 0.5, 'attempt' => 0.2]);
        $start = Clock::now();
        $e = $this->thrown(fn () => $front->hello());
        $this->assertSame(['client_cannot_connect', -2, true], [$e->name, $e->number, $e->keep]);
        $this->assertLessThan(0.5 + self::SLACK, Clock::now() - $start);
        foreach (['nonsense', 'ipc://' . str_repeat('x', 200), 'tcp://no port'] as $endpoint) {
            $this->assertSame('client_bad_argument', $this->thrown(fn () => (new Front($endpoint))->hello())->name, $endpoint);
        }
    }

    /** @return iterable<string, array{array<string, mixed>}> */
    public static function nonsense(): iterable
    {
        yield 'no MessagePack' => [['hex' => 'c1c1c1']];
        yield 'nothing' => [['hex' => '']];
        yield 'a number' => [['hex' => '07']];
        yield 'a deep list' => [['hex' => str_repeat('91', 5000) . 'c0']];
        yield 'ok is missing' => [['ok' => null]];
        yield 'ok is a word' => [['ok' => 'yes']];
        yield 'no results' => [['results' => null]];
        yield 'too many results' => [['results' => [['status' => 'accepted'], ['status' => 'accepted']]]];
        yield 'results of numbers' => [['results' => [1]]];
        yield 'results as a map' => [['results' => (object) [['status' => 'accepted']]]];
        yield 'a result without status' => [['results' => [['state' => 'pending']]]];
        yield 'a failure without an error' => [['results' => [['status' => 'too_long']]]];
        yield 'an error that is a text' => [['ok' => false, 'error' => 'busy']];
        yield 'an error of no class' => [['ok' => false, 'error' => ['class' => 'odd'] + self::BUSY]];
    }

    /** @dataProvider nonsense */
    public function testAnAnswerThatMakesNoSenseIsABadReply(array $answer): void
    {
        $front = $this->front([[$answer], self::results('accepted')]);
        $e = $this->thrown(fn () => $front->submit(self::comment('1')));
        $this->assertSame(['client_bad_reply', 'local', false], [$e->name, $e->class, $e->keep]);
        $this->assertSame('accepted', $front->submit(self::comment('1'))['status']);
    }

    public function testAnAnswerToSomethingElseIsLeftOut(): void
    {
        $stray = ['id' => 1, 'ok' => false, 'error' => self::MALFORMED];
        $front = $this->front([[$stray, ['id' => 'text'] + $stray, ...self::results('accepted')]]);
        $this->assertSame('accepted', $front->submit(self::comment('1'))['status']);
    }

    public function testAnAnswerWithoutIdIsForTheRequestUnderWay(): void
    {
        $front = $this->front([[['id' => null, 'op' => null, 'ok' => false, 'error' => self::MALFORMED]]]);
        $this->assertSame('malformed', $this->thrown(fn () => $front->policy('news'))->name);
    }

    public function testOnlyWhatMayPassIsSentAgainAndOnlyThat(): void
    {
        $long = ['number' => 27, 'name' => 'too_long', 'class' => 'fix', 'message' => '', 'field' => 'comments[2].body'];
        $front = $this->front([self::hello(['max_batch' => 10]), self::results('accepted', self::BUSY, $long), self::results('accepted')]);
        $results = $front->submitMany([self::comment('1'), self::comment('2'), self::comment('3')]);
        $this->assertSame(['accepted', 'accepted', 'too_long'], array_column($results, 'status'));
        $this->assertSame('comments[2].body', $results[2]['error']->field);
        $this->assertSame([['1', '2', '3'], ['2']], $this->submitted());
    }

    /** @return list<list<string>> the comments of each submit */
    private function submitted(): array
    {
        $submits = array_filter($this->daemon->requests(), static fn (array $request): bool => $request['op'] === 'submit');
        return array_values(array_map(static fn (array $request): array => array_column($request['comments'], 'comment'), $submits));
    }

    public function testBatchesKeepTheLimitsOfTheDaemon(): void
    {
        $big = str_repeat('x', 30000);
        $front = $this->front([self::hello(['max_batch' => 3, 'max_message_bytes' => 65536]), self::results('accepted', 'accepted', 'accepted'),
            self::results('accepted', 'accepted'), self::results('accepted')]);
        $comments = array_map(static fn (int $i): array => self::comment("$i"), range(0, 5));
        $comments[3]['body'] = $comments[4]['body'] = $comments[5]['body'] = $big;
        $comments[] = ['body' => $big . $big . $big] + self::comment('6');
        $results = $front->submitMany($comments);
        $this->assertSame([...array_fill(0, 6, 'accepted'), 'too_long'], array_column($results, 'status'));
        $this->assertSame([['0', '1', '2'], ['3', '4'], ['5']], $this->submitted());
    }

    public function testValuesAreCountedToo(): void
    {
        $front = $this->front([self::hello(['max_batch' => 500]), self::results('accepted'), self::results('accepted')]);
        $many = ['extra' => ['list' => range(1, 15000)]];
        $results = $front->submitMany([self::comment('1', $many), self::comment('2', $many), self::comment('3', ['extra' => ['l' => range(1, 20000)]])]);
        $this->assertSame(['accepted', 'accepted', 'malformed'], array_column($results, 'status'));
        $this->assertSame([['1'], ['2']], $this->submitted());
    }

    public function testLimitsAreAskedAnewOnANewConnection(): void
    {
        $front = $this->front([self::hello(['max_batch' => 4]), [], self::hello(['max_batch' => 1]), self::results('accepted'),
            self::results('accepted')], ['attempt' => 1.0]);
        $results = $front->submitMany([self::comment('1'), self::comment('2')]);
        $this->assertSame(['accepted', 'accepted'], array_column($results, 'status'));
        $this->assertSame([['1', '2'], ['1'], ['2']], $this->submitted());
    }

    public function testAMessageThatIsRefusedForOneItemIsHalved(): void
    {
        $hello = self::hello(['max_batch' => 10]);
        $front = $this->front([$hello, self::refusal(self::MALFORMED), $hello, self::refusal(self::MALFORMED), self::refusal(self::MALFORMED),
            self::results('accepted'), self::results('accepted'), self::results('accepted')]);
        $results = $front->submitMany(array_map(static fn (int $i): array => self::comment("$i"), range(0, 3)));
        $this->assertSame(['malformed', 'accepted', 'accepted', 'accepted'], array_column($results, 'status'));
        $this->assertSame([['0', '1', '2', '3'], ['0', '1'], ['0'], ['1'], ['2'], ['3']], $this->submitted());
    }

    public function testWhatIsWrongHereIsNotSent(): void
    {
        $front = $this->front([self::hello([])]);
        $deep = [];
        for ($i = 0; $i < 14; $i++) {
            $deep = ['d' => $deep];
        }
        foreach ([['invalid_utf8', self::comment("\xff")], ['malformed', self::comment('1', ['extra' => $deep])],
            ['client_bad_argument', self::comment('1', ['extra' => ['f' => STDERR]])],
            ['too_long', ['body' => str_repeat('x', 1 << 20)] + self::comment('1')]] as [$name, $comment]) {
            $this->assertSame($name, $this->thrown(fn () => $front->submit($comment))->name);
        }
        $this->assertSame([], $this->submitted());
    }

    public function testMoreTimeIsNotTakenThanPagesHave(): void
    {
        $before = ini_set('max_execution_time', '1');
        try {
            $front = new Front("ipc://{$this->dir}/nobody.sock", ['timeout' => 60.0]);
            $start = Clock::now();
            $this->thrown(fn () => $front->hello());
            $this->assertLessThan(1.0 + self::SLACK, Clock::now() - $start);
        } finally {
            ini_set('max_execution_time', $before);
        }
    }

    public function testAReportHasItsMomentFromTheBeginning(): void
    {
        $front = $this->front([[], [['status' => 'counted']]], ['attempt' => 1.0]);
        $this->assertSame('counted', $front->report('news', '1', 'reader', ['reason' => 'spam'])['status']);
        [$first, $second] = $this->daemon->requests();
        $this->assertSame($first, $second);
        $this->assertEqualsWithDelta(microtime(true) * 1000, $first['at'], 5000);
        $this->assertSame('spam', $first['reason']);
    }

    public function testAnEmptyMapOfAnArticleIsAMap(): void
    {
        $front = $this->front([[['status' => 'stored']], self::results('accepted')]);
        $front->article('news', [], ['closed' => true]);
        $front->submit(self::comment('1', ['extra' => [], 'author' => []]));
        $this->assertStringContainsString(bin2hex("\xa7article\x80"), $this->daemon->lines()[0][1]);
        $this->assertStringContainsString(bin2hex("\xa5extra\x80"), $this->daemon->lines()[1][1]);
    }

    /** @return iterable<array{string, array<string, mixed>, bool}> */
    public static function traces(): iterable
    {
        $good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        yield 'good' => [$good, [], true];
        yield 'a later version' => ["cc$good", [], false];
        yield 'a later version with more' => ['01' . substr($good, 2) . '-more', [], true];
        yield 'version 0 with more' => ["$good-more", [], false];
        yield 'the version that is none' => ['ff' . substr($good, 2), [], false];
        yield 'capital letters' => [strtoupper($good), [], false];
        yield 'no trace' => ['00-' . str_repeat('0', 32) . '-b7ad6b7169203331-01', [], false];
        yield 'no parent' => ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', [], false];
        yield 'a line end' => ["$good\n", [], false];
        yield 'nothing' => ['', [], false];
        yield 'one is there' => [$good, ['traceparent' => 'mine'], false];
        yield 'extra is full' => [$good, ['x' => str_repeat('x', 4060)], false];
        yield 'beside others' => [$good, ['x' => 1], true];
    }

    /** @dataProvider traces */
    public function testATraceGoesIntoExtra(string $trace, array $extra, bool $put): void
    {
        $front = $this->front([self::results('accepted')]);
        $front->submit(self::comment('1', ['extra' => $extra]), $trace);
        $sent = $this->daemon->requests()[0]['comments'][0]['extra'];
        $this->assertEquals($put ? $extra + ['traceparent' => $trace] : $extra, $sent);
    }

    public function testAfterAForkBothGoOn(): void
    {
        $this->front([self::results('accepted'), self::results('accepted'), self::results('accepted')]);
        $program = 'require $argv[1]; $front = new Modqd\Front($argv[2]);'
            . '$submit = fn (string $id) => $front->submit(["site" => "news", "comment" => $id, "body" => "b"])["status"] === "accepted";'
            . '$submit("before") || exit(3); $child = pcntl_fork(); if ($child === 0) { exit($submit("child") ? 0 : 4); }'
            . 'pcntl_waitpid($child, $status); exit($submit("after") ? pcntl_wexitstatus($status) : 5);';
        $null = ['file', '/dev/null', 'r+'];
        $process = proc_open([PHP_BINARY, '-r', $program, '--', __DIR__ . '/../autoload.php', $this->daemon->endpoint], [$null, $null, STDERR], $pipes);
        $this->assertSame(0, proc_close($process));
        $this->assertSame([['before'], ['child'], ['after']], $this->submitted());
    }

    public function testOptionsAreChecked(): void
    {
        foreach ([['timout' => 1.0], ['timeout' => '5'], ['timeout' => 0], ['timeout' => NAN], ['attempt' => -1.0], ['key' => 'path']] as $options) {
            $this->assertSame('client_bad_argument', $this->thrown(fn () => new Front('ipc:///x', $options))->name);
        }
    }
}
