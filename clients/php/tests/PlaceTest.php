<?php

declare(strict_types=1);

namespace Modqd\Tests;

use Modqd\FilePlace;
use Modqd\MemoryPlace;
use Modqd\PdoPlace;
use Modqd\Place;
use Modqd\Position;
use PHPUnit\Framework\TestCase;

final class PlaceTest extends TestCase
{
    use Temporary;
    use Thrown;

    private function pdoPlace(\PDO $pdo): PdoPlace
    {
        $place = new PdoPlace($pdo, 'place');
        $place->createTable();
        $place->createTable();
        return $place;
    }

    /** @return array<string, Place> */
    private function places(): array
    {
        return ['file' => new FilePlace("{$this->dir}/place"), 'pdo' => $this->pdoPlace(new \PDO("sqlite:{$this->dir}/db")),
            'memory' => new MemoryPlace()];
    }

    public function testWhatIsSavedIsLoaded(): void
    {
        foreach ($this->places() as $name => $place) {
            $this->assertNull($place->load('news'), $name);
            foreach ([new Position(1, random_bytes(32), random_bytes(16)), new Position(2 ** 53 - 1, str_repeat("\0", 32)),
                new Position(0)] as $position) {
                $place->save('news', $position);
                $place->save('news', $position);
                $this->assertEquals($position, $place->load('news'), $name);
            }
        }
    }

    public function testAPlaceInSqlIsPartOfTheTransaction(): void
    {
        $pdo = new \PDO("sqlite:{$this->dir}/db");
        $place = $this->pdoPlace($pdo);
        $place->save('news', new Position(1));
        $pdo->beginTransaction();
        $place->save('news', new Position(2));
        $place->save('sport', new Position(7));
        $pdo->rollBack();
        $this->assertSame(1, $place->load('news')->seq);
        $this->assertNull($place->load('sport'));
    }

    public function testErrorsOfADatabaseAreErrorsHoweverPdoIsSet(): void
    {
        foreach ([\PDO::ERRMODE_EXCEPTION, \PDO::ERRMODE_SILENT] as $mode) {
            $place = new PdoPlace(new \PDO('sqlite::memory:', null, null, [\PDO::ATTR_ERRMODE => $mode]), 'nowhere');
            $this->assertSame('client_system', $this->thrown(fn () => $place->load('news'))->name);
        }
        $this->assertSame('client_bad_argument', $this->thrown(fn () => new PdoPlace(new \PDO('sqlite::memory:'), 'a; b'))->name);
    }

    public function testAFileIsNeverHalfWritten(): void
    {
        $place = new FilePlace("{$this->dir}/place");
        $place->save('news', new Position(1, str_repeat('c', 32)));
        $whole = file_get_contents("{$this->dir}/place");
        for ($len = 0; $len < strlen($whole) - 1; $len++) {
            file_put_contents("{$this->dir}/place", substr($whole, 0, $len));
            $this->assertSame('client_system', $this->thrown(fn () => $place->load('news'))->name, "cut at $len");
        }
        $place->save('news', new Position(2));
        $this->assertSame(["{$this->dir}/place"], glob("{$this->dir}/*"));
        $this->assertSame(0600, fileperms("{$this->dir}/place") & 0777);
    }

    public function testAFileIsThePlaceOfOneSite(): void
    {
        $place = new FilePlace("{$this->dir}/place");
        $place->save('news', new Position(1));
        $this->assertSame('client_bad_argument', $this->thrown(fn () => $place->load('sport'))->name);
        $this->assertSame('client_system', $this->thrown(fn () => (new FilePlace("{$this->dir}/no/place"))->save('news', new Position(1)))->name);
    }

    public function testAPositionIsChecked(): void
    {
        foreach ([fn () => new Position(-1), fn () => new Position(1, 'short'), fn () => new Position(1, '', 'short')] as $bad) {
            $this->assertSame('client_bad_argument', $this->thrown($bad)->name);
        }
    }
}
