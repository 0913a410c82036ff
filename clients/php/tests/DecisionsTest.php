<?php

declare(strict_types=1);

namespace Modqd\Tests;

use Modqd\Clock;
use Modqd\Decisions;
use Modqd\Event;
use Modqd\MemoryPlace;
use Modqd\Position;
use PHPUnit\Framework\TestCase;

final class DecisionsTest extends TestCase
{
    use Temporary;
    use Thrown;

    private const EPOCH = '000102030405060708090a0b0c0d0e0f';
    private const STOPPING = ['number' => 3, 'name' => 'stopping', 'class' => 'retry', 'message' => 'going down'];

    private FakeDaemon $daemon;
    private MemoryPlace $place;

    /** @param array<string, mixed> $options */
    private function decisions(array $steps, array $options = [], ?Position $from = null): Decisions
    {
        $this->daemon = new FakeDaemon($this->dir, $steps);
        $this->place = new MemoryPlace();
        $from === null || $this->place->save('news', $from);
        return new Decisions($this->daemon->endpoint, 'news', $this->place, $options);
    }

    private static function opened(array $more = []): array
    {
        return $more + ['site' => 'news', 'epoch' => ['$bin' => self::EPOCH], 'newest' => 9, 'heartbeat_ms' => 5000, 'credit_timeout_ms' => 30000];
    }

    private static function message(string $op, array $more = []): array
    {
        return ['op' => $op, 'ok' => null, 'site' => 'news'] + $more;
    }

    private static function records(int ...$seqs): array
    {
        return self::message('records', ['records' => array_map(static fn (int $seq): array => ['site' => 'news', 'seq' => $seq,
            'comment' => "c$seq", 'decision' => 'approved', 'chain' => ['$bin' => bin2hex(self::chain($seq))]], $seqs)]);
    }

    private static function chain(int $seq): string
    {
        return str_repeat(chr($seq), 32);
    }

    /** What comes, in short: the numbers of records, and the types of other events. */
    private function told(Decisions $decisions, int $count, bool $record = true): string
    {
        $told = [];
        while (count($told) < $count) {
            $event = $decisions->next(8.0) ?? $this->fail('nothing came after ' . implode(' ', $told));
            $told[] = $event->type === 'record' ? $event->record['seq'] : $event->type;
            $event->type === 'record' && $record && $decisions->recorded();
        }
        return implode(' ', $told);
    }

    /** @return list<array<string, mixed>> requests of that operation, once there are so many */
    private function requests(string $op, int $count): array
    {
        for ($until = Clock::now() + 8; Clock::now() < $until; usleep(20000)) {
            $found = array_values(array_filter($this->daemon->requests(), static fn (array $request): bool => $request['op'] === $op));
            if (count($found) >= $count) {
                return $found;
            }
        }
        $this->fail("no $count requests $op");
    }

    public function testRecordsComeInOrderAndTheirPlaceIsSaved(): void
    {
        $decisions = $this->decisions([[self::opened(), self::records(1, 2), self::records(3), self::message('level')]]);
        $this->assertSame('1 2 3 level', $this->told($decisions, 4));
        $this->assertEquals(new Position(3, self::chain(3), hex2bin(self::EPOCH)), $this->place->load('news'));
        $this->assertNull($decisions->next(0.1));
        [$request] = $this->daemon->requests();
        $this->assertSame(['stream', 'news', 0, 500, true], [$request['op'], $request['site'], $request['after'], $request['credit'], $request['live']]);
        $this->assertArrayNotHasKey('hash', $request);
    }

    public function testAForkHasAStreamOfItsOwn(): void
    {
        $decisions = $this->decisions([[self::opened(), self::records(1)], [self::opened(), self::records(2)]]);
        $this->assertSame('1', $this->told($decisions, 1));
        $child = pcntl_fork();
        if ($child === 0) {
            try {
                file_put_contents("{$this->dir}/told", $this->told($decisions, 2));
            } finally {
                posix_kill(getmypid(), SIGKILL); // the daemon belongs to the parent
            }
        }
        pcntl_waitpid($child, $status);
        $this->assertSame('lost 2', @file_get_contents("{$this->dir}/told"));
        $this->assertCount(2, array_unique(array_column($this->daemon->lines(), 0)));
        $this->assertNull($decisions->next(0.1));
    }

    public function testAnAsynchronousSignalIsHeardWhileItWaits(): void
    {
        $this->decisions([[self::opened(), self::message('level')]]);
        $program = 'require $argv[1]; pcntl_async_signals(true); $heard = false;'
            . 'pcntl_signal(SIGTERM, function () use (&$heard) { $heard = true; });'
            . '$decisions = new Modqd\Decisions($argv[2], "news", new Modqd\MemoryPlace());'
            . '$decisions->next(8.0)->type === "level" || exit(3); echo "level\n";'
            . '$nothing = $decisions->next(60.0); exit($heard && $nothing === null ? 0 : 4);';
        $process = proc_open([PHP_BINARY, '-r', $program, '--', __DIR__ . '/../autoload.php', $this->daemon->endpoint],
            [['file', '/dev/null', 'r'], ['pipe', 'w'], STDERR], $pipes);
        $this->assertSame("level\n", fgets($pipes[1]));
        usleep(300000); // it waits now
        $begun = Clock::now();
        proc_terminate($process, SIGTERM);
        $this->assertSame(0, proc_close($process));
        $this->assertLessThan(30.0, Clock::now() - $begun);
    }

    public function testItGoesOnFromThePlace(): void
    {
        $decisions = $this->decisions([[self::opened(), self::records(6), self::message('level')]], ['live' => false],
            new Position(5, self::chain(5), hex2bin(self::EPOCH)));
        $this->assertSame('6 level end end', $this->told($decisions, 4));
        [$request] = $this->daemon->requests();
        $this->assertSame([5, self::chain(5), false], [$request['after'], $request['hash'], $request['live']]);
        $this->assertArrayNotHasKey('epoch', $request);
    }

    public function testWithoutAChainTheEpochIsGiven(): void
    {
        $decisions = $this->decisions([[self::opened(), self::message('level')]], [], new Position(5, '', hex2bin(self::EPOCH)));
        $this->assertSame('level', $this->told($decisions, 1));
        $this->assertSame(hex2bin(self::EPOCH), $this->daemon->requests()[0]['epoch']);
    }

    public function testCreditIsGivenBackOnlyForWhatWasRecorded(): void
    {
        $decisions = $this->decisions([[self::opened(), self::records(1, 2, 3, 4)]], ['credit' => 4]);
        $this->assertSame('1 2 3', $this->told($decisions, 3, false));
        $this->assertNull($this->place->load('news'));
        $this->assertCount(1, $this->daemon->requests());
        $decisions->recorded();
        $this->assertSame(3, $this->place->load('news')->seq);
        $this->assertSame(3, $this->requests('credit', 1)[0]['credit']);
    }

    public function testItSaysNowAndThenThatItIsThere(): void
    {
        $decisions = $this->decisions([[self::opened(['credit_timeout_ms' => 600])]]);
        $this->assertNull($decisions->next(1.5));
        $credits = $this->requests('credit', 3);
        $this->assertSame([0, 0, 0], array_slice(array_column($credits, 'credit'), 0, 3));
        $this->assertSame($this->daemon->requests()[0]['id'], $credits[0]['stream']);
    }

    /** @return iterable<string, array{list<array<string, mixed>>}> */
    public static function losses(): iterable
    {
        yield 'a gap' => [[self::records(1), self::records(3)]];
        yield 'a record twice' => [[self::records(1), self::records(1)]];
        yield 'a heartbeat that tells of more' => [[self::records(1), self::message('heartbeat', ['sent' => 2])]];
        yield 'the daemon goes down' => [[self::records(1), self::message('ended', ['error' => self::STOPPING])]];
        yield 'the stream is not known' => [[self::records(1), self::message('ended', ['error' => ['number' => 81, 'name' => 'not_found',
            'class' => 'final', 'message' => '']])]];
        yield 'an end without an error' => [[self::records(1), self::message('ended')]];
        yield 'records that are none' => [[self::records(1), self::message('records', ['records' => 7])]];
        yield 'a record without a chain' => [[self::records(1), self::message('records', ['records' => [['site' => 'news', 'seq' => 2]]])]];
        yield 'a record of another site' => [[self::records(1), self::message('records', ['records' => [['site' => 'sport', 'seq' => 2,
            'chain' => ['$bin' => str_repeat('00', 32)]]]])]];
        yield 'what is no MessagePack' => [[self::records(1), ['hex' => 'c1']]];
    }

    /** @dataProvider losses */
    public function testAfterALossItGoesOnFromWhatWasRecorded(array $messages): void
    {
        // Whether the first record was handed out before the loss was noticed is up to chance.
        $again = [self::opened(), self::records(1, 2) + ['replay' => true], self::message('level')];
        $decisions = $this->decisions([[self::opened(), ...$messages], $again]);
        $this->assertContains($this->told($decisions, 4), ['lost 1 2 level', '1 lost 2 level']);
        $this->assertSame(2, $this->place->load('news')->seq);
    }

    public function testWhatBelongsToNoStreamIsLeftOut(): void
    {
        $decisions = $this->decisions([[['id' => 7] + self::opened(), self::opened(), ['id' => 7] + self::records(9), self::message('unknown'),
            ['id' => null] + self::records(9), self::records(1), self::message('level')]]);
        $this->assertSame('1 level', $this->told($decisions, 2));
    }

    public function testHeartbeatsThatStayAwayAreNoticed(): void
    {
        $decisions = $this->decisions([[self::opened(['heartbeat_ms' => 200]), self::records(1)], [self::opened(), self::records(2)]]);
        $start = Clock::now();
        $this->assertSame('1 lost 2', $this->told($decisions, 3));
        $this->assertLessThan(6, Clock::now() - $start);
        $this->assertSame([0, 1], array_column($this->requests('stream', 2), 'after'));
    }

    public function testLessCreditIsTakenWhenTheDaemonAllowsNoMore(): void
    {
        $error = ['number' => 25, 'name' => 'out_of_range', 'class' => 'fix', 'message' => '', 'field' => 'credit', 'max' => 10];
        $decisions = $this->decisions([[['ok' => false, 'error' => $error]], [self::opened(), self::message('level')]]);
        $this->assertSame('level', $this->told($decisions, 1));
        $this->assertSame([500, 10], array_column($this->requests('stream', 2), 'credit'));
    }

    public function testAPastThatIsNotTheDaemonsIsTheEnd(): void
    {
        $error = ['number' => 89, 'name' => 'diverged', 'class' => 'final', 'message' => '', 'newest' => 2, 'epoch' => ['$bin' => self::EPOCH]];
        $decisions = $this->decisions([[['ok' => false, 'error' => $error]]], [], new Position(5, self::chain(5)));
        $event = $decisions->next(8.0);
        $this->assertSame(['failed', 'diverged', 2], [$event->type, $event->error->name, $event->error->more['newest']]);
        $this->assertSame('failed', $decisions->next(0.1)->type);
    }

    public function testItGivesUpWhenItWasTold(): void
    {
        $decisions = new Decisions("ipc://{$this->dir}/nobody.sock", 'news', new MemoryPlace(), ['give_up' => 0.5]);
        $event = $decisions->next(5.0);
        $this->assertSame(['failed', 'client_cannot_connect'], [$event->type, $event->error->name]);
        $silent = $this->decisions([], ['give_up' => 2.0]);
        $event = $silent->next(8.0);
        $this->assertSame(['failed', 'client_timeout'], [$event->type, $event->error->name]);
    }

    public function testModeratorsAreToldHowFarItIs(): void
    {
        $decisions = $this->decisions([[self::opened(), self::records(1, 2), self::message('level')], [['lag' => 0]]], ['listener' => 'web']);
        $this->assertSame('1 2 level', $this->told($decisions, 3));
        $confirms = $this->requests('confirm', 2);
        $this->assertSame(['web', 'news', 2], [end($confirms)['listener'], end($confirms)['site'], end($confirms)['seq']]);
    }

    public function testAClosedStreamSaysSo(): void
    {
        $decisions = $this->decisions([[self::opened(), self::message('level')]]);
        $this->assertSame('level', $this->told($decisions, 1));
        $decisions->close();
        $event = $decisions->next(0.1);
        $this->assertInstanceOf(Event::class, $event);
        $this->assertSame(['failed', 'client_bad_argument'], [$event->type, $event->error->name]);
    }
}
