<?php

declare(strict_types=1);

namespace Modqd\Tests;

use Modqd\Bytes;
use Modqd\FileOutbox;
use Modqd\Front;
use Modqd\Outbox;
use Modqd\PdoOutbox;
use PHPUnit\Framework\TestCase;

final class OutboxTest extends TestCase
{
    use Temporary;
    use Thrown;

    private const BUSY = ['number' => 1, 'name' => 'busy', 'class' => 'retry', 'message' => 'too much', 'retry_after_ms' => 60000];
    private const CONFLICT = ['number' => 80, 'name' => 'conflict', 'class' => 'final', 'message' => 'another body'];
    private const DENIED = ['ok' => false, 'error' => ['number' => 60, 'name' => 'denied', 'class' => 'denied', 'message' => 'another site']];

    private FakeDaemon $daemon;

    private static function comment(string $id, array $more = []): array
    {
        return ['comment' => ['site' => 'news', 'comment' => $id, 'body' => "body of $id"] + $more];
    }

    private function front(array $steps): Front
    {
        $this->daemon = new FakeDaemon($this->dir, $steps);
        return new Front($this->daemon->endpoint);
    }

    private static function results(string|array ...$results): array
    {
        return [['results' => array_map(static fn ($result) => is_string($result) ? ['status' => $result]
            : ['status' => $result['name'], 'error' => $result], $results)]];
    }

    private function pdoOutbox(): PdoOutbox
    {
        $outbox = new PdoOutbox(new \PDO("sqlite:{$this->dir}/db"), 'outbox');
        $outbox->createTable();
        $outbox->createTable();
        return $outbox;
    }

    /** @return iterable<string, array{string}> */
    public static function kinds(): iterable
    {
        yield 'file' => ['file'];
        yield 'pdo' => ['pdo'];
    }

    private function outbox(string $kind): Outbox
    {
        return $kind === 'file' ? new FileOutbox("{$this->dir}/outbox") : $this->pdoOutbox();
    }

    /** @dataProvider kinds */
    public function testWhatIsKeptIsSentInOrder(string $kind): void
    {
        $outbox = $this->outbox($kind);
        $this->assertSame(0, $outbox->count());
        $outbox->keep('submit', self::comment('1', ['extra' => [], 'author' => ['address_hash' => new Bytes("\0\xff")]]));
        $outbox->keep('submit', self::comment('2') + ['traceparent' => '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01']);
        $outbox->keep('withdraw', ['site' => 'news', 'comment' => '1']);
        $outbox->keep('report', ['site' => 'news', 'comment' => '2', 'reader' => 'r', 'reason' => 'spam', 'at' => 7]);
        $this->assertSame(4, $this->outbox($kind)->count());
        $hello = [['limits' => ['max_batch' => 100]]];
        $flushed = $outbox->flush($this->front([$hello, self::results('accepted', 'duplicate'), [['status' => 'withdrawn']],
            [['status' => 'counted']]]), 5.0);
        $this->assertEquals([4, 0, [], null], [$flushed->sent, $flushed->left, $flushed->refused, $flushed->stopped], (string) $flushed->stopped);
        [, $submit, $withdraw, $report] = $this->daemon->requests();
        $this->assertSame(['1', '2'], array_column($submit['comments'], 'comment'));
        $this->assertSame("\0\xff", $submit['comments'][0]['author']['address_hash']);
        $this->assertArrayHasKey('traceparent', $submit['comments'][1]['extra']);
        $this->assertSame(['withdraw', '1'], [$withdraw['op'], $withdraw['comment']]);
        $this->assertSame(['report', 'r', 'spam', 7], [$report['op'], $report['reader'], $report['reason'], $report['at']]);
        $this->assertSame(0, $this->outbox($kind)->count());
    }

    /** @dataProvider kinds */
    public function testWhatMayPassStopsItAndWhatMayNotIsSetAside(string $kind): void
    {
        $outbox = $this->outbox($kind);
        $outbox->keep('withdraw', ['site' => 'news', 'comment' => '1']);
        $outbox->keep('submit', self::comment('2', ['extra' => ['deep' => [1]]]));
        $outbox->keep('withdraw', ['site' => 'news', 'comment' => '3']);
        $outbox->keep('withdraw', ['site' => 'news', 'comment' => '4']);
        $front = $this->front([[['status' => 'withdrawn']], self::results(self::CONFLICT + ['field' => 'comments[0].body']),
            [['ok' => false, 'error' => self::BUSY]], [['status' => 'withdrawn']], [['status' => 'withdrawn']]]);
        $flushed = $outbox->flush($front, 5.0);
        $this->assertSame([1, 2, ['conflict'], 'busy'], [$flushed->sent, $flushed->left, array_column($flushed->refused, 'name'), $flushed->stopped->name]);
        $flushed = $this->outbox($kind)->flush($front, 5.0);
        $this->assertSame([2, 0, []], [$flushed->sent, $flushed->left, $flushed->refused]);
        [$refused] = $this->outbox($kind)->refused();
        $this->assertSame(['submit', '2', 'body', 80], [$refused['op'], $refused['fields']['comment'], $refused['error']['field'], $refused['error']['number']]);
        $outbox->forgetRefused();
        $outbox->forgetRefused();
        $this->assertSame([], $outbox->refused());
    }

    /** Keeps a withdrawal of each and has all that is kept set aside. */
    private function setAside(Outbox $outbox, string ...$ids): void
    {
        foreach ($ids as $id) {
            $outbox->keep('withdraw', ['site' => 'news', 'comment' => $id]);
        }
        $flushed = $outbox->flush($this->front(array_fill(0, $outbox->count(), [self::DENIED])), 5.0);
        $this->assertSame([0, 0], [$flushed->sent, $flushed->left]);
    }

    /** @dataProvider kinds */
    public function testWhatWasSetAsideIsTriedAgainBeforeWhatWasKeptSince(string $kind): void
    {
        $outbox = $this->outbox($kind);
        $this->assertSame(0, $outbox->retryRefused());
        $this->setAside($outbox, '1', '2');
        $outbox->keep('submit', self::comment('3', ['extra' => ['x' => new Bytes("\0\xff")]]));
        $this->assertSame(2, $this->outbox($kind)->retryRefused());
        $this->assertSame([3, [], 0], [$outbox->count(), $outbox->refused(), $outbox->retryRefused()]);
        $flushed = $outbox->flush($this->front([[['status' => 'withdrawn']], [self::DENIED], self::results('accepted')]), 5.0);
        $this->assertSame([2, 0, ['denied']], [$flushed->sent, $flushed->left, array_column($flushed->refused, 'name')]);
        [$first, $second, $third] = array_slice($this->daemon->requests(), -3);
        $this->assertSame(['1', '2', "\0\xff"], [$first['comment'], $second['comment'], $third['comments'][0]['extra']['x']]);
        $this->assertSame(['2'], array_map(static fn (array $one): string => $one['fields']['comment'], $this->outbox($kind)->refused()));
    }

    /** @dataProvider kinds */
    public function testNothingIsPutBackWhileAnotherFlushes(string $kind): void
    {
        $outbox = $this->outbox($kind);
        $this->setAside($outbox, '1');
        $other = $this->outbox($kind);
        $this->assertTrue((new \ReflectionMethod($other, 'lock'))->invoke($other, 5.0));
        $this->assertSame('client_timeout', $this->thrown(fn () => $outbox->retryRefused())->name);
        (new \ReflectionMethod($other, 'unlock'))->invoke($other);
        $this->assertSame(1, $outbox->retryRefused());
    }

    public function testWhatIsDamagedStaysSetAside(): void
    {
        $outbox = new FileOutbox("{$this->dir}/outbox");
        $this->setAside($outbox, '1', '2', '3');
        $lines = file("{$this->dir}/outbox.refused");
        $lines[1][20] = $lines[1][20] === 'x' ? 'y' : 'x';
        file_put_contents("{$this->dir}/outbox.refused", implode('', $lines) . '00000000 torn');
        $this->assertSame(2, $outbox->retryRefused());
        $this->assertSame([2, 0], [$outbox->count(), $outbox->retryRefused()]);
        $this->assertSame([null], array_column($outbox->refused(), 'op'));
        $this->setAside($outbox);
        $this->assertCount(3, $outbox->refused());
    }

    public function testWhatIsPutBackComesBeforeWhatIsLeftOfAFile(): void
    {
        $outbox = new FileOutbox("{$this->dir}/outbox");
        $this->setAside($outbox, '1');
        foreach (['2', '3'] as $id) {
            $outbox->keep('withdraw', ['site' => 'news', 'comment' => $id]);
        }
        $front = $this->front([[['status' => 'withdrawn']], [['ok' => false, 'error' => self::BUSY]]]);
        $this->assertSame(1, $outbox->flush($front, 5.0)->left);
        $this->assertSame([1, 2], [$outbox->retryRefused(), $outbox->count()]);
        $outbox->flush($this->front([[['status' => 'withdrawn']], [['status' => 'withdrawn']]]), 5.0);
        $this->assertSame(['1', '3'], array_slice(array_column($this->daemon->requests(), 'comment'), -2));
    }

    public function testAProcessThatIsKilledWhileItPutsBackLosesNothing(): void
    {
        $again = 'require $argv[1]; $o = new Modqd\FileOutbox($argv[2]); echo "."; $o->retryRefused();';
        $ids = array_map(strval(...), range(1, 40));
        $outbox = new FileOutbox("{$this->dir}/outbox");
        $this->setAside($outbox, ...$ids);
        $before = [file_get_contents("{$this->dir}/outbox"), file_get_contents("{$this->dir}/outbox.refused")];
        $next = new \ReflectionMethod(FileOutbox::class, 'next');
        for ($round = 0; $round < 15; $round++) {
            file_put_contents("{$this->dir}/outbox", $before[0]);
            file_put_contents("{$this->dir}/outbox.refused", $before[1]);
            $process = proc_open([PHP_BINARY, '-r', $again, '--', __DIR__ . '/../autoload.php', "{$this->dir}/outbox"],
                [['file', '/dev/null', 'r'], ['pipe', 'w'], STDERR], $pipes);
            fgetc($pipes[1]);
            usleep($round * 500);
            proc_terminate($process, SIGKILL);
            proc_close($process);
            clearstatcache();
            $outbox->retryRefused();
            $kept = array_map(static fn (string $line): string => \Modqd\Request::decode($line)->fields['comment'],
                array_values($next->invoke(new FileOutbox("{$this->dir}/outbox"), PHP_INT_MAX)));
            $this->assertSame($ids, array_values(array_unique($kept)));
        }
    }

    /** @dataProvider kinds */
    public function testWithoutADaemonAllOfItStays(string $kind): void
    {
        $outbox = $this->outbox($kind);
        $outbox->keep('submit', self::comment('1'));
        $outbox->keep('withdraw', ['site' => 'news', 'comment' => '1']);
        $start = microtime(true);
        $flushed = $outbox->flush(new Front("ipc://{$this->dir}/nobody.sock"), 0.5);
        $this->assertLessThan(3.5, microtime(true) - $start);
        $this->assertSame([0, 2, 'client_cannot_connect'], [$flushed->sent, $flushed->left, $flushed->stopped->name]);
    }

    /** @dataProvider kinds */
    public function testWhatCanNeverBeSentIsNotKept(string $kind): void
    {
        $outbox = $this->outbox($kind);
        foreach ([['submit', self::comment("\xff"), 'invalid_utf8'], ['submit', self::comment('1', ['extra' => ['x' => STDERR]]), 'client_bad_argument'],
            ['erase', [], 'client_bad_argument'], ['withdraw', ['site' => 'news'], 'client_bad_argument'],
            ['report', ['site' => 'news', 'comment' => '1'], 'client_bad_argument']] as [$op, $fields, $name]) {
            $this->assertSame($name, $this->thrown(fn () => $outbox->keep($op, $fields))->name);
        }
        $this->assertSame(0, $outbox->count());
    }

    /** @dataProvider kinds */
    public function testOfTwoWhoFlushOneDoesNothing(string $kind): void
    {
        $outbox = $this->outbox($kind);
        $outbox->keep('withdraw', ['site' => 'news', 'comment' => '1']);
        $other = $this->outbox($kind);
        $lock = new \ReflectionMethod($other, 'lock');
        $this->assertTrue($lock->invoke($other, 5.0));
        $flushed = $outbox->flush(new Front("ipc://{$this->dir}/nobody.sock"), 0.1);
        $this->assertSame([0, 1, null], [$flushed->sent, $flushed->left, $flushed->stopped]);
        (new \ReflectionMethod($other, 'unlock'))->invoke($other);
        $this->assertNotNull($outbox->flush(new Front("ipc://{$this->dir}/nobody.sock"), 1.0)->stopped);
    }

    public function testKeepIsPartOfTheTransaction(): void
    {
        $pdo = new \PDO("sqlite:{$this->dir}/db");
        $outbox = new PdoOutbox($pdo, 'outbox');
        $outbox->createTable();
        $pdo->beginTransaction();
        $outbox->keep('withdraw', ['site' => 'news', 'comment' => '1']);
        $pdo->rollBack();
        $this->assertSame(0, $outbox->count());
    }

    public function testAFileThatEndsAnywhereHoldsWhatWasAcknowledged(): void
    {
        $outbox = new FileOutbox("{$this->dir}/outbox");
        $ends = [];
        foreach (['1', '2', '3'] as $id) {
            $outbox->keep('submit', self::comment($id));
            clearstatcache();
            $ends[] = filesize("{$this->dir}/outbox");
        }
        $whole = file_get_contents("{$this->dir}/outbox");
        for ($len = 0; $len <= strlen($whole); $len++) {
            file_put_contents("{$this->dir}/outbox", substr($whole, 0, $len));
            $acknowledged = count(array_filter($ends, static fn (int $end): bool => $end <= $len));
            $this->assertSame($acknowledged, $outbox->count(), "cut at $len");
            $outbox->keep('withdraw', ['site' => 'news', 'comment' => 'next']);
            $this->assertSame($acknowledged + 1, $outbox->count(), "cut at $len, then one more");
            $lines = file("{$this->dir}/outbox");
            $this->assertCount($acknowledged + 1, $lines);
        }
    }

    public function testAProcessThatIsKilledLosesNothingThatItWasToldIsKept(): void
    {
        $keeper = 'require $argv[1]; $o = new Modqd\FileOutbox($argv[2]); for ($i = 0; ; $i++) {'
            . '$o->keep("submit", ["comment" => ["site" => "news", "comment" => "$argv[3]-$i", "body" => str_repeat("x", $i % 5000)]]);'
            . 'fwrite(STDOUT, "$argv[3]-$i\n"); }';
        $acknowledged = [];
        for ($round = 0; $round < 10; $round++) {
            $process = proc_open([PHP_BINARY, '-r', $keeper, '--', __DIR__ . '/../autoload.php', "{$this->dir}/outbox", "r$round"],
                [['file', '/dev/null', 'r'], ['pipe', 'w'], STDERR], $pipes);
            $told = [fgets($pipes[1]), fgets($pipes[1]), fgets($pipes[1])];
            usleep(random_int(1000, 60000));
            proc_terminate($process, SIGKILL);
            $told = [...$told, ...explode("\n", stream_get_contents($pipes[1]))];
            proc_close($process);
            $acknowledged = [...$acknowledged, ...array_filter(array_map(trim(...), $told))];
        }
        $this->assertGreaterThan(20, count($acknowledged));
        $next = new \ReflectionMethod(FileOutbox::class, 'next');
        $kept = array_map(static fn (string $line): string => \Modqd\Request::decode($line)->fields['comment'],
            $next->invoke(new FileOutbox("{$this->dir}/outbox"), PHP_INT_MAX));
        $this->assertSame([], array_diff($acknowledged, $kept));
        $this->assertLessThanOrEqual(count($acknowledged) + 10, count($kept));
    }

    public function testALineThatIsDamagedIsSetAsideAndHoldsUpNobody(): void
    {
        $outbox = new FileOutbox("{$this->dir}/outbox");
        foreach (['1', '2', '3'] as $id) {
            $outbox->keep('withdraw', ['site' => 'news', 'comment' => $id]);
        }
        $lines = file("{$this->dir}/outbox");
        $lines[1][20] = $lines[1][20] === 'x' ? 'y' : 'x';
        file_put_contents("{$this->dir}/outbox", implode('', $lines));
        $flushed = $outbox->flush($this->front([[['status' => 'withdrawn']], [['status' => 'withdrawn']]]), 5.0);
        $this->assertSame([2, 0, ['malformed']], [$flushed->sent, $flushed->left, array_column($flushed->refused, 'name')]);
        $this->assertNull($outbox->refused()[0]['op']);
        $this->assertSame(['1', '3'], array_column($this->daemon->requests(), 'comment'));
    }

    public function testWhatIsDoneIsNotSentAgainAfterACrash(): void
    {
        $outbox = new FileOutbox("{$this->dir}/outbox");
        foreach (['1', '2'] as $id) {
            $outbox->keep('withdraw', ['site' => 'news', 'comment' => $id]);
        }
        $front = $this->front([[['status' => 'withdrawn']], [['ok' => false, 'error' => self::BUSY]], [['status' => 'withdrawn']]]);
        $this->assertSame(1, $outbox->flush($front, 5.0)->left);
        $this->assertSame(3, count(file("{$this->dir}/outbox")), 'the file was not written anew');
        $this->assertSame(0, (new FileOutbox("{$this->dir}/outbox"))->flush($front, 5.0)->left);
        $this->assertSame(['1', '2', '2'], array_column($this->daemon->requests(), 'comment'));
        clearstatcache();
        $this->assertSame(0, filesize("{$this->dir}/outbox"));
    }

    public function testWhereNothingCanBeWrittenNothingIsKept(): void
    {
        $outbox = new FileOutbox("{$this->dir}/none/outbox");
        $this->assertSame('client_system', $this->thrown(fn () => $outbox->keep('submit', self::comment('1')))->name);
    }

    public function testAProcessThatStandsStillDoesNotHoldUpAnother(): void
    {
        $outbox = new FileOutbox("{$this->dir}/outbox");
        $other = fopen("{$this->dir}/outbox.lock", 'cb');
        flock($other, LOCK_EX);
        $start = microtime(true);
        $e = $this->thrown(fn () => $outbox->keep('withdraw', ['site' => 'news', 'comment' => '1']));
        $this->assertSame('client_system', $e->name);
        $this->assertLessThan(20.0, microtime(true) - $start);
        fclose($other);
        $outbox->keep('withdraw', ['site' => 'news', 'comment' => '1']);
        $this->assertSame(1, $outbox->count());
    }

    public function testALineThatDoesNotFitOnTheDiskIsTakenBack(): void
    {
        $outbox = new FileOutbox("{$this->dir}/outbox");
        $outbox->keep('submit', self::comment('1'));
        $keeper = 'require $argv[1]; try { (new Modqd\FileOutbox($argv[2]))->keep("submit", ["comment" => ["site" => "news", "comment" => "2",'
            . '"body" => str_repeat("x", 9000)]]); } catch (Modqd\Error $e) { exit($e->name === "client_system" ? 7 : 8); }';
        $command = ['sh', '-c', "trap '' XFSZ; ulimit -f 4; exec \"\$@\"", 'sh', PHP_BINARY, '-r', $keeper, '--', __DIR__ . '/../autoload.php', "{$this->dir}/outbox"];
        $null = ['file', '/dev/null', 'r+'];
        $this->assertSame(7, proc_close(proc_open($command, [$null, $null, STDERR], $pipes)));
        $this->assertSame(1, $outbox->count());
        $this->assertCount(1, file("{$this->dir}/outbox"));
    }
}
