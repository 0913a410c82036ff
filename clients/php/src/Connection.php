<?php

declare(strict_types=1);

namespace Modqd;

/**
 * One request at a time to the front socket, each tried once. After an attempt that brought no answer the socket is closed,
 * and the next attempt has a new one.
 *
 * @internal
 */
final class Connection
{
    /** ZeroMQ does not say when a connection is lost; so often it is asked. */
    private const LOOK = 0.1;

    private readonly Link $link;
    private int $id;

    /** What the daemon said on this socket; null: it has not been asked. */
    private ?Limits $limits = null;

    public function __construct(string $endpoint, ?Key $key)
    {
        $this->link = new Link($endpoint, $key);
        $this->id = random_int(1, 1 << 40);
    }

    /**
     * Packs a request once, so that its repeats are the same bytes.
     *
     * @param array<string, mixed> $fields
     * @return array{int, string} its id and the message
     */
    public function request(string $op, array $fields): array
    {
        return [++$this->id, (new Packer())->pack(['v' => 1, 'op' => $op, 'id' => $this->id] + $fields)];
    }

    /**
     * @param string $comments a packed list
     * @return array{int, string}
     */
    public function submit(string $comments): array
    {
        $packer = new Packer();
        $head = Packer::mapHead(4) . $packer->pack('v') . $packer->pack(1) . $packer->pack('op') . $packer->pack('submit')
            . $packer->pack('id') . $packer->pack(++$this->id);
        return [$this->id, $head . $packer->pack('comments') . $comments];
    }

    /**
     * Sends it and waits for its answer.
     *
     * @param array{int, string} $request
     * @param float $until a moment of Clock
     * @return array<string, mixed> the daemon's answer
     * @throws Error what the daemon answered; client_cannot_connect, client_timeout, client_bad_reply, client_system
     */
    public function attempt(array $request, float $until): array
    {
        $done = false;
        try {
            $this->link->isOpen() || $this->open();
            $this->send($request[1], $until);
            $reply = $this->answer($request[0], $until);
            $done = true;
        } finally {
            $done || $this->close();
        }
        return ($reply['ok'] ?? null) === true ? $reply : throw self::refusal($reply);
    }

    /** Limits for a message of so many items and bytes: those of this very socket, where any daemon might be smaller. */
    public function limitsFor(int $items, int $bytes, float $until): Limits
    {
        $least = Limits::least();
        if ($this->limits === null && $items <= $least->batch && $bytes <= $least->messageBytes) {
            return Limits::default();
        }
        return $this->limits ?? $this->learn($this->attempt($this->request('hello', []), $until));
    }

    /** @param array<string, mixed> $hello */
    public function learn(array $hello): Limits
    {
        return $this->limits = Limits::of($hello);
    }

    /** To be asked again: a daemon was reloaded with smaller ones, maybe. */
    public function forgetLimits(): void
    {
        $this->limits = null;
    }

    /** The limits as far as they are known without asking. */
    public function limits(): Limits
    {
        return $this->limits ?? Limits::default();
    }

    public function close(): void
    {
        $this->link->close();
        $this->limits = null;
    }

    private function open(): void
    {
        $this->limits = null;
        $this->link->open();
    }

    private function send(string $bytes, float $until): void
    {
        while (!$this->link->send($bytes)) {
            $left = $until - Clock::now();
            if ($left <= 0) {
                throw Error::cannotConnect("nobody answers at {$this->link->endpoint}, or the daemon there does not let us in");
            }
            $this->link->wait(true, $left);
        }
    }

    /** @return array<string, mixed> */
    private function answer(int $id, float $until): array
    {
        $lost = false;
        while (true) {
            while (($bytes = $this->link->receive()) !== null) {
                $reply = Unpacker::unpack($bytes);
                if (!is_array($reply)) {
                    throw Error::badReply('the answer is no map');
                }
                // What is so broken that its id could not be read is answered without; a stray answer has another id.
                if (($reply['id'] ?? $id) === $id) {
                    return $reply;
                }
            }
            $left = $until - Clock::now();
            if ($left <= 0 || $lost) {
                throw Error::timeout("no answer from {$this->link->endpoint}");
            }
            $this->link->wait(false, min($left, self::LOOK));
            // Looked at before the last messages are read: an answer may have come just before the end.
            $lost = !$this->link->isConnected();
        }
    }

    /** @param array<string, mixed> $reply */
    private static function refusal(array $reply): Error
    {
        return ($reply['ok'] ?? null) === false ? Error::of($reply['error'] ?? null)
            : Error::badReply('the answer does not say whether it is ok');
    }
}
