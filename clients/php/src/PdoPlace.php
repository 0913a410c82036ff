<?php

declare(strict_types=1);

namespace Modqd;

/**
 * A place in a table, one row a site. It takes part in the transaction that is open on the same PDO: what a record
 * changes and its place are then stored together or not at all.
 */
final class PdoPlace implements Place
{
    private readonly Sql $sql;

    public function __construct(\PDO $pdo, string $table)
    {
        $this->sql = new Sql($pdo, $table);
    }

    /** Makes the table if there is none. Not inside of a transaction: MySQL would end it. */
    public function createTable(): void
    {
        $this->sql->run("CREATE TABLE IF NOT EXISTS {$this->sql->table} (site VARCHAR(64) NOT NULL PRIMARY KEY,"
            . ' seq BIGINT NOT NULL, chain VARCHAR(64) NOT NULL, epoch VARCHAR(32) NOT NULL)'
            . ($this->sql->driver() === 'mysql' ? ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' : ''));
    }

    public function load(string $site): ?Position
    {
        $row = $this->sql->run("SELECT seq, chain, epoch FROM {$this->sql->table} WHERE site = ?", [$site])->fetch(\PDO::FETCH_NUM);
        return $row === false ? null : new Position((int) $row[0], (string) hex2bin($row[1]), (string) hex2bin($row[2]));
    }

    public function save(string $site, Position $position): void
    {
        $new = $this->sql->driver() === 'mysql'
            ? 'ON DUPLICATE KEY UPDATE seq = VALUES(seq), chain = VALUES(chain), epoch = VALUES(epoch)'
            : 'ON CONFLICT (site) DO UPDATE SET seq = excluded.seq, chain = excluded.chain, epoch = excluded.epoch';
        $this->sql->run("INSERT INTO {$this->sql->table} (site, seq, chain, epoch) VALUES (?, ?, ?, ?) $new",
            [$site, $position->seq, bin2hex($position->chain), bin2hex($position->epoch)]);
    }
}
