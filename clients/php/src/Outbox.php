<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Keeps requests while the daemon is away, and sends them in order later: in each page that has time, say, or from a timer.
 */
abstract class Outbox
{
    /** So many comments go into one message at most. */
    private const BATCH = 50;

    /** Errors that say nothing of the request, only of where the connection leads to. */
    private const OF_THE_CONNECTION = ['unknown_operation', 'unsupported_version', 'as_required'];

    /**
     * Keeps a request: it is durable when this returns.
     *
     * @param string $op `submit`, `withdraw` or `report`
     * @param array<string, mixed> $fields of `submit`: `comment`, the comment event, and maybe `traceparent`; else the
     *     arguments of Front's function by their names
     * @throws Error client_system: it could not be kept; invalid_utf8, malformed, client_bad_argument
     */
    final public function keep(string $op, array $fields): void
    {
        $this->append(Request::of($op, $fields)->encode());
    }

    /**
     * Sends what is kept, in order, and stops at the first error that may pass. What can never be taken is set aside. Of two
     * processes that flush at once, one does nothing.
     *
     * @param float $timeout seconds for all of it
     * @throws LocalError client_system: the outbox cannot be read or written
     */
    final public function flush(Front $front, float $timeout): Flushed
    {
        if (!$this->lock($timeout)) {
            return new Flushed(0, $this->count(), []);
        }
        try {
            return $this->send($front, Clock::now() + $timeout);
        } finally {
            $this->unlock();
        }
    }

    /**
     * Puts back what was set aside, before what was kept since, so that the next flush tries it again: the key was a wrong
     * one, say. It is durable when this returns. What was damaged in a file stays set aside.
     *
     * @return int how many were put back
     * @throws RetryError client_timeout: another process flushes just now
     * @throws LocalError client_system
     */
    final public function retryRefused(): int
    {
        $this->lock(0.0) || throw Error::timeout('another process sends what is kept just now');
        try {
            return $this->putBack();
        } finally {
            $this->unlock();
        }
    }

    /** How many requests are kept. @throws LocalError client_system */
    abstract public function count(): int;

    /**
     * What was set aside because it can never be taken.
     *
     * @return list<array{op: ?string, fields: array<string, mixed>, error: array<string, mixed>}> `error` as PROTOCOL.md
     *     writes one; `op` is null of what was damaged
     * @throws LocalError client_system
     */
    abstract public function refused(): array;

    /** Forgets what was set aside. @throws LocalError client_system */
    abstract public function forgetRefused(): void;

    /** Stores a line. */
    abstract protected function append(string $line): void;

    /** False: another process flushes. The lock of a process that was killed ends, at the latest after `$seconds` and a minute. */
    abstract protected function lock(float $seconds): bool;

    abstract protected function unlock(): void;

    /**
     * The next lines that are not done, in order.
     *
     * @return array<int, string> by where they stand
     */
    abstract protected function next(int $most): array;

    /**
     * These lines are done.
     *
     * @param non-empty-list<int> $ats in order
     */
    abstract protected function done(array $ats): void;

    /** Sets a line aside; `done` is told of it later. */
    abstract protected function refuse(int $at, string $line, string $error): void;

    /** Puts back what was set aside, and returns how many. Only who has the lock calls it. */
    abstract protected function putBack(): int;

    /**
     * @return array{op: ?string, fields: array<string, mixed>, error: array<string, mixed>}
     */
    final protected static function told(string $line, string $error): array
    {
        $request = Request::decode($line);
        return ['op' => $request?->op, 'fields' => $request?->fields ?? [], 'error' => json_decode($error, true) ?? []];
    }

    private function send(Front $front, float $until): Flushed
    {
        $sent = 0;
        $refused = [];
        $stopped = null;
        while ($stopped === null && Clock::now() < $until && ($lines = $this->next(self::BATCH))) {
            $done = [];
            foreach ($this->outcomes($front->within(min($front->timeout(), $until - Clock::now())), $lines) as $at => $error) {
                if ($error !== null && self::mayPass($error)) {
                    $stopped = $error;
                    break;
                }
                if ($error !== null) {
                    $error = $error->at((string) preg_replace('/^comments\[\d+\]\.?/', '', $error->field ?? ''));
                    $this->refuse($at, $lines[$at], json_encode($error->toArray(), JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR));
                    $refused[] = $error;
                }
                $sent += $error === null ? 1 : 0;
                $done[] = $at;
            }
            $done === [] || $this->done($done);
        }
        return new Flushed($sent, $this->count(), $refused, $stopped);
    }

    /**
     * Sends the first lines: comments as long as there are only comments, else one request.
     *
     * @param array<int, string> $lines
     * @return array<int, ?Error> what became of each that was sent
     */
    private function outcomes(Front $front, array $lines): array
    {
        $first = array_key_first($lines);
        $comments = [];
        foreach ($lines as $at => $line) {
            $request = Request::decode($line);
            if ($request?->op !== 'submit') {
                break;
            }
            $comments[$at] = $request->fields;
        }
        if ($comments === []) {
            return [$first => self::outcome($front, Request::decode($lines[$first]))];
        }
        $errors = array_map(static fn (array $result): ?Error => $result['error'] ?? null, $front->submitMany($comments));
        return array_combine(array_keys($comments), $errors);
    }

    private static function mayPass(Error $error): bool
    {
        return $error instanceof RetryError || $error instanceof LocalError || in_array($error->name, self::OF_THE_CONNECTION, true);
    }

    private static function outcome(Front $front, ?Request $request): ?Error
    {
        try {
            $request === null || $request->send($front);
            return $request === null ? Error::fix(20, 'malformed', 'it was damaged where it was kept') : null;
        } catch (Error $e) {
            return $e;
        }
    }
}
