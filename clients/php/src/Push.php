<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Hands in comments that may be lost: nothing is answered, nothing repeated. One comment a message.
 *
 * Under PHP-FPM prefer Front: what is still in the queue when a page ends without `close` is lost.
 */
final class Push
{
    /** ZeroMQ's clock is not ours: it gives up some tenths of a millisecond before the time is over. */
    private const LINGER_EARLY = 0.005;

    private readonly Link $link;
    private readonly float $timeout;
    private int $pushed = 0;
    private int $dropped = 0;

    /**
     * @param string $endpoint of the push socket; '' takes the one that the key file names
     * @param array{key?: ?Key, timeout?: float} $options `timeout`: seconds that a call may wait for a place in the queue
     *     while there is no daemon (1)
     * @throws FixError client_bad_argument
     */
    public function __construct(string $endpoint, array $options = [])
    {
        $read = new Options($options, ['key', 'timeout']);
        $this->link = new Link(Options::endpoint($endpoint, 'push', $read->key()), $read->key(), \ZMQ::SOCKET_PUSH);
        $this->timeout = $read->seconds('timeout', 1.0, 0.0);
    }

    /**
     * @param array<string, mixed> $comment PROTOCOL.md, "Comment event"
     * @throws Error client_timeout: the queue is full, and the comment was dropped; what is wrong with it
     */
    public function submit(array $comment, ?string $traceparent = null): void
    {
        $packed = Comment::pack($comment, $traceparent, Limits::default(), 'comments[0]');
        $this->push(Packer::mapHead(3) . $this->head('submit') . (new Packer())->pack('comments') . Packer::listHead(1) . $packed->bytes,
            'comments[0]');
    }

    /** @throws Error as submit */
    public function withdraw(string $site, string $comment): void
    {
        $this->pushMap('withdraw', ['site' => $site, 'comment' => $comment]);
    }

    /**
     * @param array{reason?: string, note?: string, at?: int} $more
     * @throws Error as submit
     */
    public function report(string $site, string $comment, string $reader, array $more = []): void
    {
        $this->pushMap('report', Report::fields($site, $comment, $reader, $more));
    }

    /**
     * @param array<string, mixed> $article
     * @param array{closed?: bool, front_page?: bool} $more
     * @throws Error as submit
     */
    public function article(string $site, array $article, array $more = []): void
    {
        $this->pushMap('article', Comment::withMaps(['site' => $site, 'article' => $article] + $more));
    }

    /**
     * Waits up to `$linger` seconds until all is handed to the system.
     *
     * @return int how many messages were not: those dropped and, when time ran out, those that may still have been in the
     *     queue (an upper bound)
     */
    public function close(float $linger = 1.0): int
    {
        $start = Clock::now();
        $this->link->end($linger);
        $missing = $this->dropped + (Clock::now() - $start < $linger - self::LINGER_EARLY ? 0 : min($this->pushed, Link::PUSH_QUEUE));
        $this->pushed = $this->dropped = 0;
        return $missing;
    }

    /** @param array<string, mixed> $fields */
    private function pushMap(string $op, array $fields): void
    {
        $this->push((new Packer())->pack(['v' => 1, 'op' => $op] + $fields), $op);
    }

    private function head(string $op): string
    {
        $packer = new Packer();
        return $packer->pack('v') . $packer->pack(1) . $packer->pack('op') . $packer->pack($op);
    }

    private function push(string $message, string $field): void
    {
        if (strlen($message) > Limits::default()->messageBytes) {
            throw Error::fix(27, 'too_long', 'it does not fit into a message', $field);
        }
        $this->link->isOpen() || $this->link->open();
        $until = Clock::now() + $this->timeout;
        while (!$this->link->send($message)) {
            $left = $until - Clock::now();
            if ($left <= 0) {
                $this->dropped++;
                throw Error::timeout("the queue to {$this->link->endpoint} is full");
            }
            $this->link->wait(true, $left);
        }
        $this->pushed++;
    }
}
