<?php

declare(strict_types=1);

namespace Modqd;

/**
 * An outbox in a table. `keep` takes part in the transaction that is open on the same PDO: a comment and the wish to hand it
 * in are then stored together or not at all. Flush it outside of a transaction.
 */
final class PdoOutbox extends Outbox
{
    private const GRACE_S = 60;

    private readonly Sql $sql;
    private readonly string $locks;
    private int $lockedUntil = 0;

    public function __construct(\PDO $pdo, string $table)
    {
        $this->sql = new Sql($pdo, $table);
        $this->locks = "{$table}_lock";
    }

    /** Makes its two tables if there are none. Not inside of a transaction: MySQL would end it. */
    public function createTable(): void
    {
        $id = match ($this->sql->driver()) {
            'mysql' => 'BIGINT NOT NULL PRIMARY KEY AUTO_INCREMENT',
            'pgsql' => 'BIGSERIAL PRIMARY KEY',
            default => 'INTEGER PRIMARY KEY AUTOINCREMENT',
        };
        $text = $this->sql->driver() === 'mysql' ? 'LONGTEXT' : 'TEXT';
        $this->sql->run("CREATE TABLE IF NOT EXISTS {$this->sql->table} (id $id, request $text NOT NULL, error $text)");
        $this->sql->run("CREATE TABLE IF NOT EXISTS {$this->locks} (name VARCHAR(16) NOT NULL PRIMARY KEY, until_s BIGINT NOT NULL)");
        $this->sql->run("INSERT INTO {$this->locks} (name, until_s) SELECT 'flush', 0 WHERE NOT EXISTS"
            . " (SELECT 1 FROM {$this->locks} WHERE name = 'flush')");
    }

    public function count(): int
    {
        return (int) $this->sql->run("SELECT COUNT(*) FROM {$this->sql->table} WHERE error IS NULL")->fetchColumn();
    }

    public function refused(): array
    {
        $rows = $this->sql->run("SELECT request, error FROM {$this->sql->table} WHERE error IS NOT NULL ORDER BY id")->fetchAll(\PDO::FETCH_NUM);
        return array_map(static fn (array $row): array => self::told($row[0], (string) base64_decode($row[1])), $rows);
    }

    public function forgetRefused(): void
    {
        $this->sql->run("DELETE FROM {$this->sql->table} WHERE error IS NOT NULL");
    }

    protected function append(string $line): void
    {
        $this->sql->run("INSERT INTO {$this->sql->table} (request) VALUES (?)", [$line]);
    }

    protected function lock(float $seconds): bool
    {
        $this->lockedUntil = time() + (int) ceil($seconds) + self::GRACE_S;
        return $this->sql->run("UPDATE {$this->locks} SET until_s = ? WHERE name = 'flush' AND until_s < ?",
            [$this->lockedUntil, time()])->rowCount() === 1;
    }

    protected function unlock(): void
    {
        $this->sql->run("UPDATE {$this->locks} SET until_s = 0 WHERE name = 'flush' AND until_s = ?", [$this->lockedUntil]);
    }

    protected function next(int $most): array
    {
        return $this->sql->run("SELECT id, request FROM {$this->sql->table} WHERE error IS NULL ORDER BY id LIMIT $most")
            ->fetchAll(\PDO::FETCH_KEY_PAIR);
    }

    /** One by one: a transaction that is committed later may bring an id that is lower. */
    protected function done(array $ats): void
    {
        $places = implode(', ', array_fill(0, count($ats), '?'));
        $this->sql->run("DELETE FROM {$this->sql->table} WHERE error IS NULL AND id IN ($places)", $ats);
    }

    protected function refuse(int $at, string $line, string $error): void
    {
        $this->sql->run("UPDATE {$this->sql->table} SET error = ? WHERE id = ?", [base64_encode($error), $at]);
    }

    protected function putBack(): int
    {
        return $this->sql->run("UPDATE {$this->sql->table} SET error = NULL WHERE error IS NOT NULL")->rowCount();
    }
}
