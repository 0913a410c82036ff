<?php

declare(strict_types=1);

/** The PHP client under the conformance suite: see tests/conformance/README.md. */

require __DIR__ . '/../../../clients/php/autoload.php';

use Modqd\Bytes;
use Modqd\Clock;
use Modqd\Decisions;
use Modqd\Error;
use Modqd\FileOutbox;
use Modqd\FilePlace;
use Modqd\Front;
use Modqd\Key;
use Modqd\Link;
use Modqd\MemoryPlace;
use Modqd\Packer;
use Modqd\PdoPlace;
use Modqd\Place;
use Modqd\Position;
use Modqd\Push;
use Modqd\Unpacker;

/** What PROTOCOL.md calls bin, in what the client hands out as plain strings. */
const BINARY = ['epoch', 'chain', 'body_sha256', 'hash'];

/** JSON as it came in: objects stay maps, {"$bin": ...} becomes Bytes. */
function from_json(mixed $value): mixed
{
    if ($value instanceof stdClass) {
        $map = (array) $value;
        return array_keys($map) === ['$bin'] ? new Bytes(hex2bin($map['$bin'])) : (object) array_map(from_json(...), $map);
    }
    return is_array($value) ? array_map(from_json(...), $value) : $value;
}

function to_json(mixed $value, string|int $name = ''): mixed
{
    if ($value instanceof Bytes) {
        return ['$bin' => bin2hex($value->bytes)];
    }
    if ($value instanceof Error) {
        return error($value);
    }
    if ($value instanceof stdClass) {
        return (object) named((array) $value);
    }
    if (is_array($value)) {
        return named($value);
    }
    return is_string($value) && in_array($name, BINARY, true) ? ['$bin' => bin2hex($value)] : $value;
}

function named(array $values): array
{
    $told = [];
    foreach ($values as $name => $value) {
        $told[$name] = to_json($value, $name);
    }
    return $told;
}

function error(Error $e): array
{
    return ['keep' => $e->keep] + named($e->toArray());
}

final class Driver
{
    /** @var array<string, Front> */
    private array $fronts = [];

    /** @var array<string, Decisions> */
    private array $streams = [];

    /** @var array<string, FileOutbox> */
    private array $outboxes = [];

    public function answer(stdClass $r): array
    {
        return match ($r->do) {
            'about' => ['language' => 'php', 'can' => ['outbox', 'place_file', 'place_sql', 'push', 'key', 'vectors', 'exchange', 'stream', 'recorded', 'retry_refused']],
            'encode' => ['hex' => bin2hex((new Packer())->pack(from_json($r->value)))],
            'decode' => ['value' => to_json(Unpacker::unpack(hex2bin($r->hex), true))],
            'exchange' => ['reply' => $this->exchange($r)],
            'front' => $this->front($r),
            'hello' => ['answer' => to_json($this->fronts[$r->front]->hello())],
            'submit' => ['results' => $this->submit($r)],
            'call' => ['answer' => to_json($this->call($this->fronts[$r->front], $r->op, (array) from_json($r->fields)))],
            'push' => ['unsent' => $this->push($r)],
            'stream' => $this->stream($r),
            'next' => $this->next($r),
            'recorded' => $this->recorded($r),
            'place' => $this->place($r),
            'outbox' => $this->outbox($r),
            'keep' => $this->keep($r),
            'flush' => $this->flush($r),
            'retry_refused' => ['count' => $this->outboxes[$r->outbox]->retryRefused()],
            'count' => ['left' => $this->outboxes[$r->outbox]->count()],
            'close' => $this->close($r),
        };
    }

    private static function key(stdClass $r): array
    {
        return isset($r->key) ? ['key' => Key::load($r->key)] : [];
    }

    private function exchange(stdClass $r): mixed
    {
        $link = new Link($r->endpoint, null);
        $link->open();
        $until = Clock::now() + $r->timeout_ms / 1000;
        $sent = false;
        while (Clock::now() < $until) {
            $sent = $sent || $link->send(hex2bin($r->hex));
            if (($bytes = $link->receive()) !== null) {
                return to_json(Unpacker::unpack($bytes, true));
            }
            $link->wait(!$sent, $until - Clock::now());
        }
        return null;
    }

    private function front(stdClass $r): array
    {
        $options = array_filter(['timeout' => isset($r->timeout_ms) ? $r->timeout_ms / 1000 : null,
            'attempt' => isset($r->attempt_ms) ? $r->attempt_ms / 1000 : null]);
        $this->fronts[$r->name] = new Front($r->endpoint ?? '', self::key($r) + $options);
        return [];
    }

    private function submit(stdClass $r): array
    {
        $front = $this->fronts[$r->front];
        $front = isset($r->timeout_ms) ? $front->within($r->timeout_ms / 1000) : $front;
        $comments = array_map(static fn ($comment) => (array) from_json($comment), $r->comments);
        return to_json($front->submitMany($comments, $r->traceparent ?? null));
    }

    private function call(Front $front, string $op, array $f): array
    {
        $rest = static fn (string ...$names): array => array_diff_key($f, array_flip($names));
        return match ($op) {
            'withdraw' => $front->withdraw($f['site'], $f['comment']),
            'report' => $front->report($f['site'], $f['comment'], $f['reader'], $rest('site', 'comment', 'reader')),
            'article' => $front->article($f['site'], (array) $f['article'], $rest('site', 'article')),
            'status' => ['results' => $front->status($f['site'], $f['comments'])],
            'policy' => ['policy' => $front->policy($f['site'])],
            'confirm' => $front->confirm($f['site'], $f['listener'], $f['seq']),
        };
    }

    private function push(stdClass $r): int
    {
        $push = new Push($r->endpoint ?? '', self::key($r));
        foreach ($r->comments as $comment) {
            $push->submit((array) from_json($comment));
        }
        return $push->close($r->linger_ms / 1000);
    }

    private function stream(stdClass $r): array
    {
        $options = array_filter(['credit' => $r->credit ?? null, 'live' => $r->live ?? null,
            'give_up' => isset($r->give_up_ms) ? $r->give_up_ms / 1000 : null], static fn ($option) => $option !== null);
        $this->streams[$r->name] = new Decisions($r->endpoint ?? '', $r->site, self::placeOf($r), self::key($r) + $options);
        return [];
    }

    private static function placeOf(stdClass $r): Place
    {
        if (isset($r->place->file)) {
            return new FilePlace($r->place->file);
        }
        if (isset($r->place->sql)) {
            $place = new PdoPlace(new PDO("sqlite:{$r->place->sql}"), 'place');
            $place->createTable();
            return $place;
        }
        $place = new MemoryPlace();
        $bytes = static fn (string $name): string => isset($r->$name) ? from_json($r->$name)->bytes : '';
        $place->save($r->site, new Position($r->after ?? 0, $bytes('hash'), $bytes('epoch')));
        return $place;
    }

    private function next(stdClass $r): array
    {
        $event = $this->streams[$r->stream]->next($r->wait_ms / 1000);
        return ['event' => $event?->type ?? 'none'] + ($event?->type === 'record' ? ['record' => to_json($event->record)] : [])
            + ($event?->error ? ['error' => error($event->error)] : []);
    }

    private function recorded(stdClass $r): array
    {
        $this->streams[$r->stream]->recorded();
        return [];
    }

    private function place(stdClass $r): array
    {
        $position = $this->streams[$r->stream]->position();
        return ['seq' => $position->seq, 'chain' => $position->chain === '' ? null : ['$bin' => bin2hex($position->chain)]];
    }

    private function outbox(stdClass $r): array
    {
        $this->outboxes[$r->name] = new FileOutbox($r->path);
        return [];
    }

    private function keep(stdClass $r): array
    {
        $fields = (array) from_json($r->fields);
        if (isset($fields['comment']) && $fields['comment'] instanceof stdClass) {
            $fields['comment'] = (array) $fields['comment'];
        }
        $this->outboxes[$r->outbox]->keep($r->op, $fields);
        return [];
    }

    private function flush(stdClass $r): array
    {
        $flushed = $this->outboxes[$r->outbox]->flush($this->fronts[$r->front], $r->timeout_ms / 1000);
        return ['sent' => $flushed->sent, 'left' => $flushed->left, 'refused' => array_map(error(...), $flushed->refused)];
    }

    private function close(stdClass $r): array
    {
        if (isset($r->front)) {
            ($this->fronts[$r->front] ?? null)?->close();
            unset($this->fronts[$r->front]);
        } elseif (isset($r->stream)) {
            ($this->streams[$r->stream] ?? null)?->close();
            unset($this->streams[$r->stream]);
        } else {
            unset($this->outboxes[$r->outbox]);
        }
        return [];
    }
}

$driver = new Driver();
while (($line = fgets(STDIN)) !== false) {
    try {
        $answer = ['ok' => true] + $driver->answer(json_decode($line, false, 512, JSON_THROW_ON_ERROR));
    } catch (Error $e) {
        $answer = ['ok' => false, 'error' => error($e)];
    } catch (Throwable $e) {
        // No JSON, an unknown request or name, a field of another type.
        $answer = ['ok' => false, 'error' => error(Error::badArgument($e->getMessage()))];
    }
    // What a peer sends as text need not be UTF-8.
    echo json_encode($answer, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE | JSON_PRESERVE_ZERO_FRACTION | JSON_THROW_ON_ERROR), "\n";
}
