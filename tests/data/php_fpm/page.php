<?php

declare(strict_types=1);

// One page of a web server: hands in a comment, and ends in one of the ways in which pages end.

require $_GET['client'] . '/autoload.php';

use Modqd\Error;
use Modqd\Front;

/** Keeps what PHP then frees only at the very end. */
final class Kept
{
    public static array $all = [];
}

// Pages leave holes in PHP's table of objects: new objects then get lower ids than old ones.
$old = array_map(static fn (int $i): stdClass => (object) ['i' => $i], range(1, 100));
$front = new Front($_GET['front'], ['timeout' => (float) $_GET['timeout'], 'attempt' => (float) ($_GET['attempt'] ?? 2.0)]);
foreach (array_keys($old) as $i) {
    if ($i % 3 === 0) {
        unset($old[$i]);
    }
}
$start = hrtime(true);
try {
    $told = $front->submit(['site' => 'news', 'comment' => $_GET['comment'], 'body' => 'from a page'])['status'];
} catch (Error $e) {
    $told = $e->name;
}
echo json_encode(['told' => $told, 'seconds' => (hrtime(true) - $start) / 1e9, 'pid' => getmypid()]);
// PHP throws away what is buffered when memory is out.
ob_get_level() && ob_end_flush();
flush();
Kept::$all = [$front, &Kept::$all];
unset($old);
match ($_GET['end'] ?? 'return') {
    'return' => null,
    'exit' => exit(0),
    'throw' => throw new LogicException('nobody catches it'),
    'memory' => str_repeat('x', 1 << 30),
    'time' => (static function (): void {
        set_time_limit(1);
        for (;;);
    })(),
};
