<?php
namespace Modqd\WordPress;

use Modqd\Position;

/** How far the site's log was applied, in WordPress' database: saved in the transaction that applies the record. */
final class Place implements \Modqd\Place
{
    public function load(string $site): ?Position
    {
        $row = self::row($site);
        return $row && $row['seq'] > 0 ? new Position((int) $row['seq'], hex2bin($row['chain']), hex2bin($row['epoch'])) : null;
    }

    public function save(string $site, Position $position): void
    {
        Database::run('INSERT INTO ' . Database::table('place') . ' (site, seq, chain, epoch) VALUES (%s, %d, %s, %s)'
            . ' ON DUPLICATE KEY UPDATE seq = VALUES(seq), chain = VALUES(chain), epoch = VALUES(epoch)',
            $site, $position->seq, bin2hex($position->chain), bin2hex($position->epoch));
    }

    /** live; or how far the recovery of a lost past is: replay, showing or asking. */
    public static function mode(string $site): string
    {
        return self::row($site)['mode'] ?? 'live';
    }

    /** @return ?array<string, string> with the mode and heard_at (seconds since 1970) */
    public static function row(string $site): ?array
    {
        return Database::row('SELECT * FROM ' . Database::table('place') . ' WHERE site = %s', $site);
    }

    public static function setMode(string $site, string $mode): void
    {
        Database::run('INSERT INTO ' . Database::table('place') . ' (site, seq, mode) VALUES (%s, 0, %s)'
            . ' ON DUPLICATE KEY UPDATE mode = VALUES(mode)', $site, $mode);
    }

    public static function forget(string $site): void
    {
        Database::run('UPDATE ' . Database::table('place') . " SET seq = 0, chain = '', epoch = '' WHERE site = %s", $site);
    }

    /** The worker is at work. */
    public static function heard(string $site): void
    {
        Database::run('INSERT INTO ' . Database::table('place') . ' (site, seq, heard_at) VALUES (%s, 0, %d)'
            . ' ON DUPLICATE KEY UPDATE heard_at = VALUES(heard_at)', $site, time());
    }
}
