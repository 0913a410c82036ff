<?php

declare(strict_types=1);

namespace Modqd\Tests;

use Modqd\Front;
use Modqd\Key;
use PHPUnit\Framework\TestCase;

final class KeyTest extends TestCase
{
    use Temporary;
    use Thrown;

    private const PUBLIC = 'Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID';
    private const SECRET = 'D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs';
    private const SERVER = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';

    private function file(?string $text = null, int $mode = 0600): string
    {
        $text ??= "# a comment\nmetadata\n    name = \"news-web\"\n\trole = \"front\"\n    server-key = \"" . self::SERVER . "\"\n"
            . "    front = \"tcp://192.0.2.1:5590\"\ncurve\n    public-key = \"" . self::PUBLIC . "\"\n    secret-key = \"" . self::SECRET . "\"\n";
        file_put_contents("{$this->dir}/key", $text);
        chmod("{$this->dir}/key", $mode);
        return "{$this->dir}/key";
    }

    public function testAKeyFileIsRead(): void
    {
        $key = Key::load($this->file());
        $this->assertSame(['news-web', 'front', self::PUBLIC, self::SERVER, ['front' => 'tcp://192.0.2.1:5590']],
            [$key->name, $key->role, $key->public, $key->server, $key->endpoints]);
    }

    public function testAFileThatOthersCanReadIsRefused(): void
    {
        foreach ([0640, 0604, 0610, 0602, 0601, 0777] as $mode) {
            $e = $this->thrown(fn () => Key::load($this->file(null, $mode)));
            $this->assertSame('client_bad_argument', $e->name);
            $this->assertStringContainsString('chmod 600', $e->getMessage());
        }
        $this->assertSame('news-web', Key::load($this->file(null, 0400))->name);
    }

    public function testWhatIsNoKeyFileIsRefused(): void
    {
        $good = file_get_contents($this->file());
        $bad = ['', str_repeat("\0", 70000), str_replace('secret-key', 'secret', $good), str_replace(self::PUBLIC, 'short', $good),
            str_replace(self::SERVER, substr(self::SERVER, 1) . '"', $good), str_replace("curve\n", "other\n", $good),
            str_replace(self::SECRET, substr(self::SECRET, 1) . '~', $good)];
        foreach ($bad as $text) {
            $e = $this->thrown(fn () => Key::load($this->file($text)));
            $this->assertSame('client_bad_argument', $e->name);
            $this->assertStringNotContainsString(substr(self::SECRET, 1), $e->getMessage());
        }
        $this->assertSame('client_bad_argument', $this->thrown(fn () => Key::load("{$this->dir}/none"))->name);
        $this->assertStringContainsString('is no file', $this->thrown(fn () => Key::load($this->dir))->getMessage());
        posix_mkfifo("{$this->dir}/pipe", 0600);
        $this->assertStringContainsString('is no file', $this->thrown(fn () => Key::load("{$this->dir}/pipe"))->getMessage());
        unlink("{$this->dir}/pipe");
    }

    public function testTheSecretStaysOutOfDumps(): void
    {
        $key = Key::load($this->file());
        ob_start();
        var_dump($key);
        print_r($key);
        var_export($key);
        print_r((array) $key);
        $this->assertStringNotContainsString(self::SECRET, ob_get_clean());
        $this->expectException(\LogicException::class);
        serialize($key);
    }

    public function testTheSecretStaysOutOfTraces(): void
    {
        $before = ini_set('zend.exception_ignore_args', '0');
        $text = str_replace(self::PUBLIC, 'short', file_get_contents($this->file()));
        $e = $this->thrown(fn () => Key::load($this->file($text)));
        ini_set('zend.exception_ignore_args', $before);
        $steps = array_filter($e->getTrace(), static fn (array $step): bool => ($step['class'] ?? '') === Key::class);
        $this->assertNotEmpty($steps);
        $this->assertStringNotContainsString(self::SECRET, print_r($steps, true));
    }

    public function testTheEndpointMayComeFromTheKey(): void
    {
        $this->assertInstanceOf(Front::class, new Front('', ['key' => Key::load($this->file())]));
        $this->assertSame('client_bad_argument', $this->thrown(fn () => new Front(''))->name);
    }
}
