<?php

declare(strict_types=1);

namespace Modqd;

/**
 * The little SQL that is needed, for SQLite, MySQL/MariaDB and PostgreSQL; errors are exceptions however PDO is set.
 *
 * @internal
 */
final class Sql
{
    public function __construct(public readonly \PDO $pdo, public readonly string $table)
    {
        preg_match('/^[A-Za-z_][A-Za-z0-9_]{0,50}$/D', $table) === 1
            || throw Error::badArgument('a table is named by letters, digits and _', 'table');
    }

    public function driver(): string
    {
        return $this->pdo->getAttribute(\PDO::ATTR_DRIVER_NAME);
    }

    /** @param list<int|string|null> $values */
    public function run(string $statement, array $values = []): \PDOStatement
    {
        try {
            $prepared = $this->pdo->prepare($statement);
            if ($prepared !== false && $prepared->execute($values)) {
                return $prepared;
            }
        } catch (\PDOException $e) {
            throw Error::system("table {$this->table}: {$e->getMessage()}", $e);
        }
        throw Error::system("table {$this->table}: " . ($this->pdo->errorInfo()[2] ?? 'the database does not say why'));
    }
}
