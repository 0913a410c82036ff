<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Hands in comments, and asks about them: the front socket. Connects with the first request. After a lost answer the same
 * request is sent again, with growing pauses, until the time-out: every request here may be repeated without harm.
 *
 * Safe under PHP-FPM: nothing outlives the request, and no call waits longer than the time-out.
 */
final class Front
{
    private readonly Connection $connection;
    private float $timeout;
    private readonly float $attempt;

    /**
     * @param string $endpoint such as `ipc:///run/modqd/front.sock`; '' takes the one that the key file names
     * @param array{key?: ?Key, timeout?: float, attempt?: float} $options `timeout`: seconds for one call with its repeats
     *     (5; never more than max_execution_time); `attempt`: seconds for each of them (2)
     * @throws FixError client_bad_argument
     */
    public function __construct(string $endpoint, array $options = [])
    {
        $read = new Options($options, ['key', 'timeout', 'attempt']);
        $this->connection = new Connection(Options::endpoint($endpoint, 'front', $read->key()), $read->key());
        $this->timeout = self::allowed($read->seconds('timeout', 5.0, 0.01));
        $this->attempt = $read->seconds('attempt', 2.0, 0.01);
    }

    /**
     * What the daemon is and allows (PROTOCOL.md, "hello").
     *
     * @return array<string, mixed>
     * @throws Error
     */
    public function hello(): array
    {
        $hello = $this->call('hello', []);
        $this->connection->learn($hello);
        return $hello;
    }

    /**
     * Hands in one comment (PROTOCOL.md, "Comment event"). When it returns, the comment is on the daemon's disk.
     *
     * @param array<string, mixed> $comment
     * @param ?string $traceparent W3C Trace Context of the request that brought it; what is malformed is left out
     * @return array<string, mixed> `status` is `accepted` or `duplicate`
     * @throws Error with `$keep` true: keep the comment (see FileOutbox) and send it again
     */
    public function submit(array $comment, ?string $traceparent = null): array
    {
        $result = $this->submitMany([$comment], $traceparent)[0];
        return isset($result['error']) ? throw $result['error'] : $result;
    }

    /**
     * Hands in many comments, in as few messages as the daemon's limits allow.
     *
     * @param array<array<string, mixed>> $comments
     * @return list<array<string, mixed>> one result for each, in the same order; one that failed has `status`, the error's
     *     name, and `error`, a Modqd\Error
     */
    public function submitMany(array $comments, ?string $traceparent = null): array
    {
        $submission = new Submission($this->connection, $this->attempt, Clock::now() + $this->timeout);
        return $submission->run(array_values($comments), $traceparent);
    }

    /**
     * The author takes the comment back.
     *
     * @return array<string, mixed>
     * @throws Error
     */
    public function withdraw(string $site, string $comment): array
    {
        return $this->call('withdraw', ['site' => $site, 'comment' => $comment]);
    }

    /**
     * A reader complains about a comment.
     *
     * @param string $reader stands for the reader; the same one counts once
     * @param array{reason?: string, note?: string, at?: int} $more `at` (milliseconds since 1970) is now unless told
     * @return array<string, mixed>
     * @throws Error
     */
    public function report(string $site, string $comment, string $reader, array $more = []): array
    {
        return $this->call('report', Report::fields($site, $comment, $reader, $more));
    }

    /**
     * Where comments stand.
     *
     * @param list<string> $ids
     * @return list<array<string, mixed>> one result for each; `status` is `found` or `not_found`, which has `error`
     * @throws Error
     */
    public function status(string $site, array $ids): array
    {
        $ids = array_map(strval(...), array_values($ids));
        $until = Clock::now() + $this->timeout;
        $results = [];
        while (count($results) < count($ids)) {
            $part = array_slice($ids, count($results), $this->batch(count($ids) - count($results), $until));
            $answer = $this->call('status', ['site' => $site, 'comments' => $part], $until);
            array_push($results, ...Submission::results($answer, count($part)));
        }
        return array_map(self::withError(...), $results);
    }

    /**
     * What the site wants known about an article.
     *
     * @param array<string, mixed> $article `id`, and what else PROTOCOL.md names
     * @param array{closed?: bool, front_page?: bool} $more
     * @return array<string, mixed>
     * @throws Error
     */
    public function article(string $site, array $article, array $more = []): array
    {
        return $this->call('article', Comment::withMaps(['site' => $site, 'article' => $article] + $more));
    }

    /**
     * The site's policy: its reasons, and what authors are told.
     *
     * @return array<string, mixed>
     * @throws Error
     */
    public function policy(string $site): array
    {
        return $this->call('policy', ['site' => $site])['policy'] ?? throw Error::badReply('the answer has no policy');
    }

    /**
     * How far a listener has applied the site's records.
     *
     * @return array<string, mixed>
     * @throws Error
     */
    public function confirm(string $site, string $listener, int $seq): array
    {
        return $this->call('confirm', ['site' => $site, 'listener' => $listener, 'seq' => $seq]);
    }

    /** How long a call may take, in seconds. */
    public function timeout(): float
    {
        return $this->timeout;
    }

    /** The same connection for calls that may take so long: no longer, in any case, than max_execution_time. */
    public function within(float $seconds): self
    {
        $front = clone $this;
        $front->timeout = self::allowed(max(0.0, $seconds));
        return $front;
    }

    /** Closes at once. The next call connects anew. */
    public function close(): void
    {
        $this->connection->close();
    }

    /**
     * @param array<string, mixed> $fields
     * @return array<string, mixed>
     */
    private function call(string $op, array $fields, ?float $until = null): array
    {
        $request = $this->connection->request($op, $fields);
        $repeats = new Repeats($this->attempt, $until ?? Clock::now() + $this->timeout);
        while (true) {
            try {
                return array_diff_key($this->connection->attempt($request, $repeats->attemptEnds()), ['v' => 0, 'id' => 0, 'op' => 0, 'ok' => 0]);
            } catch (RetryError $e) {
                $repeats->failed($e);
            }
        }
    }

    private static function allowed(float $seconds): float
    {
        $most = (int) ini_get('max_execution_time');
        return $most > 0 ? min($seconds, $most) : $seconds;
    }

    /** How many items may go into one message. */
    private function batch(int $items, float $until): int
    {
        $repeats = new Repeats($this->attempt, $until);
        while (true) {
            try {
                return min($items, $this->connection->limitsFor($items, 0, $repeats->attemptEnds())->batch);
            } catch (RetryError $e) {
                $repeats->failed($e);
            }
        }
    }

    /**
     * @param array<string, mixed> $result
     * @return array<string, mixed>
     */
    private static function withError(array $result): array
    {
        return isset($result['error']) ? ['error' => Error::of($result['error'])] + $result : $result;
    }
}
