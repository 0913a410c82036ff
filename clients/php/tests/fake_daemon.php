<?php

declare(strict_types=1);

/*
 * A front socket that follows a script: php fake_daemon.php ENDPOINT STEPS JOURNAL
 *
 * STEPS is JSON: a list, one step for each request that comes, of what is sent for it: a list of maps. {"hex": ...} is sent as
 * it stands; everything else is put over {v, id, op, ok: true} of the request, {"$bin": hex} is bin. With `replay` a list of
 * records leaves out those up to the request's `after`. When there is no step left, nothing is sent. JOURNAL gets a line for each request: who sent it (the name of the connection) and its bytes, in hex.
 */

require __DIR__ . '/../autoload.php';

use Modqd\Bytes;
use Modqd\Packer;
use Modqd\Unpacker;

[, $endpoint, $steps, $journal] = $argv;
$steps = json_decode($steps, false, 64, JSON_THROW_ON_ERROR);

function value(mixed $json): mixed
{
    if ($json instanceof stdClass) {
        $map = (array) $json;
        return array_keys($map) === ['$bin'] ? new Bytes(hex2bin($map['$bin'])) : (object) array_map(value(...), $map);
    }
    return is_array($json) ? array_map(value(...), $json) : $json;
}

function message(stdClass $step, array $request): string
{
    if (isset($step->hex)) {
        return hex2bin($step->hex);
    }
    $map = (array) value($step);
    if (is_array($map['records'] ?? null) && isset($step->replay)) {
        $map['records'] = array_values(array_filter($map['records'], static fn (stdClass $record): bool => $record->seq > $request['after']));
    }
    return (new Packer())->pack((object) ($map + ['v' => 1, 'id' => $request['id'] ?? null, 'op' => $request['op'], 'ok' => true]));
}

$context = new ZMQContext(1, false);
$socket = new ZMQSocket($context, ZMQ::SOCKET_ROUTER);
$socket->setSockOpt(ZMQ::SOCKOPT_LINGER, 0);
$socket->bind($endpoint);
while (true) {
    [$peer, $bytes] = $socket->recvMulti();
    file_put_contents($journal, bin2hex($peer) . ' ' . bin2hex($bytes) . "\n", FILE_APPEND);
    foreach (array_shift($steps) ?? [] as $step) {
        $socket->sendMulti([$peer, message($step, Unpacker::unpack($bytes))]);
    }
}
