<?php

declare(strict_types=1);

namespace Modqd;

/**
 * One call of Front::submitMany: cuts the comments into messages that keep the daemon's limits, and sends again what was
 * lost or refused with class retry, alone and in order.
 *
 * @internal
 */
final class Submission
{
    private const HEAD_BYTES = 64;

    /** @var array<int, Comment> what has no result yet, in order */
    private array $waiting = [];

    /** @var array<int, array<string, mixed>> by the caller's position */
    private array $results = [];

    /** @var array<int, array{site: mixed, comment: mixed}> */
    private array $names = [];

    /** @var ?array{string, array{int, string}} the list and the request that went out last */
    private ?array $last = null;

    private readonly Repeats $repeats;

    /** No message may have more items; less than the daemon's limit after it refused a whole message for one of them. */
    private int $most = PHP_INT_MAX;

    public function __construct(private readonly Connection $connection, float $attempt, float $until)
    {
        $this->repeats = new Repeats($attempt, $until);
    }

    /**
     * @param list<array<string, mixed>> $comments
     * @return list<array<string, mixed>>
     */
    public function run(array $comments, ?string $traceparent): array
    {
        foreach ($comments as $i => $comment) {
            $this->take($i, $comment, $traceparent);
        }
        while ($this->waiting) {
            try {
                $this->step();
            } catch (RetryError $e) {
                $this->pause($e);
            } catch (Error $e) {
                $this->failAll($e);
            }
        }
        ksort($this->results);
        return $this->results;
    }

    /**
     * The list of results in an answer.
     *
     * @param array<string, mixed> $answer
     * @return list<array<string, mixed>>
     * @throws LocalError client_bad_reply
     */
    public static function results(array $answer, int $count): array
    {
        $results = $answer['results'] ?? null;
        if (!is_array($results) || !array_is_list($results) || count($results) !== $count) {
            throw Error::badReply('the answer has not one result for each item');
        }
        foreach ($results as $result) {
            if (!is_array($result) || !is_string($result['status'] ?? null)) {
                throw Error::badReply('the answer has a result without status');
            }
        }
        return $results;
    }

    private function take(int $i, mixed $comment, ?string $traceparent): void
    {
        $map = is_array($comment) ? $comment : [];
        $this->names[$i] = ['site' => $map['site'] ?? null, 'comment' => $map['comment'] ?? null];
        try {
            is_array($comment) || throw Error::badArgument('a comment is an array', "comments[$i]");
            $this->waiting[$i] = Comment::pack($comment, $traceparent, $this->connection->limits(), "comments[$i]");
        } catch (FixError $e) {
            $this->fail($i, $e);
        }
    }

    private function fail(int $i, Error $error): void
    {
        $this->results[$i] = $this->names[$i] + ['status' => $error->name, 'error' => $error];
        unset($this->waiting[$i]);
    }

    private function failAll(Error $error): void
    {
        foreach (array_keys($this->waiting) as $i) {
            $this->fail($i, $error);
        }
    }

    /** One message. */
    private function step(): void
    {
        $chunk = $this->chunk();
        if ($chunk === []) {
            return;
        }
        $list = Packer::listHead(count($chunk));
        foreach ($chunk as $i) {
            $list .= $this->waiting[$i]->bytes;
        }
        try {
            $answer = $this->connection->attempt($this->request($list), $this->repeats->attemptEnds());
            $results = self::results($answer, count($chunk));
        } catch (RetryError $e) {
            throw $e;
        } catch (Error $e) {
            $this->refused($chunk, $e);
            return;
        }
        $this->sort($chunk, $results);
    }

    /**
     * A repeat is the same bytes.
     *
     * @return array{int, string}
     */
    private function request(string $list): array
    {
        if ($this->last === null || $this->last[0] !== $list) {
            $this->last = [$list, $this->connection->submit($list)];
        }
        return $this->last[1];
    }

    /**
     * What goes into the next message.
     *
     * @return list<int>
     */
    private function chunk(): array
    {
        $first = array_key_first($this->waiting);
        $limits = $this->connection->limitsFor(min(count($this->waiting), $this->most),
            self::HEAD_BYTES + strlen($this->waiting[$first]->bytes), $this->repeats->attemptEnds());
        $room = $limits->messageBytes - self::HEAD_BYTES;
        if (strlen($this->waiting[$first]->bytes) > $room) {
            $this->fail($first, Error::fix(27, 'too_long', "it does not fit into a message of {$limits->messageBytes} bytes", "comments[$first]"));
            return [];
        }
        $values = Limits::VALUES - 9;
        $chunk = [];
        foreach ($this->waiting as $i => $comment) {
            $room -= strlen($comment->bytes);
            $values -= $comment->values;
            if ($room < 0 || $values < 0 || count($chunk) === min($limits->batch, $this->most)) {
                break;
            }
            $chunk[] = $i;
        }
        return $chunk;
    }

    /**
     * The message was refused as a whole. It may be due to one item, or to limits that have shrunk: halves are tried alone.
     *
     * @param list<int> $chunk
     */
    private function refused(array $chunk, Error $error): void
    {
        if (count($chunk) > 1 && $error instanceof FixError) {
            $this->most = intdiv(count($chunk), 2);
            $this->connection->forgetLimits();
            return;
        }
        foreach ($chunk as $i) {
            $this->fail($i, $error);
        }
    }

    /**
     * @param list<int> $chunk
     * @param list<array<string, mixed>> $results
     */
    private function sort(array $chunk, array $results): void
    {
        $again = null;
        foreach ($chunk as $n => $i) {
            $error = self::error($results[$n], $n, $i);
            if ($error instanceof RetryError) {
                $again = $error;
                continue;
            }
            $this->results[$i] = ['error' => $error] + $results[$n];
            if ($error === null) {
                unset($this->results[$i]['error']);
            }
            unset($this->waiting[$i]);
        }
        if ($again) {
            throw $again;
        }
        $this->repeats->progress();
    }

    /**
     * An item's error, with its place in the caller's list instead of that in the message.
     *
     * @param array<string, mixed> $result
     */
    private static function error(array $result, int $n, int $i): ?Error
    {
        if (in_array($result['status'], ['accepted', 'duplicate'], true)) {
            return null;
        }
        $error = Error::of($result['error'] ?? null);
        $place = "comments[$n]";
        return $error->field !== null && str_starts_with($error->field, $place)
            ? $error->at("comments[$i]" . substr($error->field, strlen($place))) : $error;
    }

    /** Waits before the next attempt; when there is no time for it, all that is waiting has failed. */
    private function pause(RetryError $error): void
    {
        try {
            $this->repeats->failed($error);
        } catch (RetryError $last) {
            $this->failAll($last);
        }
    }
}
