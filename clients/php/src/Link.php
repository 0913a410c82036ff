<?php

declare(strict_types=1);

namespace Modqd;

/**
 * One ZeroMQ socket at a time, connected to the daemon. Never blocks but in `wait`.
 *
 * @internal
 */
final class Link
{
    private const LARGEST_MESSAGE_BYTES = 16 << 20;
    private const FIRST_RECONNECT_MS = 10;
    private const LAST_RECONNECT_MS = 500;

    /** Messages that a PUSH socket keeps for a daemon that is away. */
    public const PUSH_QUEUE = 64;

    private ?\ZMQContext $context = null;
    private ?\ZMQSocket $socket = null;
    private ?\ZMQPoll $readable = null;
    private ?\ZMQPoll $both = null;
    private int $process = 0;

    public function __construct(
        public readonly string $endpoint,
        private readonly ?Key $key,
        private readonly int $type = \ZMQ::SOCKET_DEALER,
    ) {
        if (!extension_loaded('zmq')) {
            throw Error::system('the PHP extension zmq is not there (Debian: php-zmq)');
        }
    }

    public function isOpen(): bool
    {
        return $this->socket !== null && $this->process === getmypid();
    }

    /**
     * Connects a new socket, in the place of the one before; waits for nothing.
     *
     * @throws Error client_bad_argument (the endpoint or the key is none), client_system
     */
    public function open(): void
    {
        $this->close();
        try {
            // What was made before a fork() is of no use after it.
            if ($this->process !== getmypid()) {
                $this->context = new \ZMQContext(1, false);
                $this->process = getmypid();
            }
            $this->socket = self::socketAfter($this->context, $this->type);
            $this->configure($this->socket);
            $this->readable = self::poll($this->socket, \ZMQ::POLL_IN);
            $this->both = self::poll($this->socket, \ZMQ::POLL_IN | \ZMQ::POLL_OUT);
        } catch (\ZMQException $e) {
            $this->close();
            throw Error::system("cannot make a socket: {$e->getMessage()}", $e);
        }
        $this->connect();
    }

    /** False: nobody is there to take it, or the queue is full. */
    public function send(string $bytes): bool
    {
        try {
            return $this->isOpen() && $this->socket->send($bytes, \ZMQ::MODE_DONTWAIT) instanceof \ZMQSocket;
        } catch (\ZMQSocketException) {
            return false;
        }
    }

    /** The next message of one frame; null when there is none. Messages of several frames are none of the daemon's. */
    public function receive(): ?string
    {
        if (!$this->isOpen()) {
            return null;
        }
        try {
            while (is_array($frames = $this->socket->recvMulti(\ZMQ::MODE_DONTWAIT))) {
                if (count($frames) === 1) {
                    return $frames[0];
                }
            }
        } catch (\ZMQSocketException) {
        }
        return null;
    }

    /** Waits until there is something to read (or, if asked, to write). False: a signal came first. */
    public function wait(bool $writable, float $seconds): bool
    {
        $poll = $writable ? $this->both : $this->readable;
        if ($poll === null) {
            usleep((int) max(0, $seconds * 1e6));
            return true;
        }
        return self::polled($poll, $seconds) !== null;
    }

    /** Whether there is a connection, and a place in its queue. */
    public function isConnected(): bool
    {
        if (!$this->isOpen()) {
            return false;
        }
        return self::polled($this->both, 0) !== [];
    }

    /**
     * The sockets that can be written to; null: a signal came first. php-zmq throws then, and PHP would call no asynchronous handler beside an
     * exception, and forget the signal: so signals are kept for as long as it waits.
     */
    private static function polled(\ZMQPoll $poll, float $seconds): ?array
    {
        $asynchronous = function_exists('pcntl_async_signals') && pcntl_async_signals(false);
        $in = $out = [];
        try {
            $poll->poll($in, $out, (int) ceil(max(0, $seconds) * 1000));
        } catch (\ZMQPollException) {
            $out = null;
        }
        if ($asynchronous) {
            pcntl_async_signals(true);
            pcntl_signal_dispatch();
        }
        return $out;
    }

    /** What is still unsent is given up after `$linger` seconds; the end of this object waits for that. */
    public function close(float $linger = 0): void
    {
        if ($linger > 0 && $this->isOpen()) {
            $this->socket->setSockOpt(\ZMQ::SOCKOPT_LINGER, (int) ($linger * 1000));
        }
        $this->readable = $this->both = $this->socket = null;
    }

    /** Closes and waits for what lingers. */
    public function end(float $linger = 0): void
    {
        $this->close($linger);
        $this->context = null;
        $this->process = 0;
    }

    /**
     * At the end of a request PHP frees what is left by falling object id, and the end of a context waits for ever for a
     * socket that is still open: the context must have the lower id. A new object takes the id that became free last, so
     * ids are used up until one is above.
     */
    private static function socketAfter(\ZMQContext $context, int $type): \ZMQSocket
    {
        $below = [];
        while (spl_object_id($above = new \stdClass()) < spl_object_id($context)) {
            $below[] = $above;
        }
        unset($above);
        $socket = new \ZMQSocket($context, $type);
        $socket->setSockOpt(\ZMQ::SOCKOPT_LINGER, 0);
        return spl_object_id($socket) > spl_object_id($context) ? $socket
            : throw Error::system('PHP gave object ids in an order that is not known');
    }

    /**
     * IMMEDIATE keeps messages of a DEALER from being queued for nobody, and makes POLL_OUT say whether there is a
     * connection. A PUSH socket has no repeats: there the queue has to outlive a connection.
     */
    private function configure(\ZMQSocket $socket): void
    {
        $push = $this->type === \ZMQ::SOCKET_PUSH;
        $socket->setSockOpt(\ZMQ::SOCKOPT_IMMEDIATE, $push ? 0 : 1);
        $socket->setSockOpt(\ZMQ::SOCKOPT_SNDHWM, $push ? self::PUSH_QUEUE : 0);
        $socket->setSockOpt(\ZMQ::SOCKOPT_RCVHWM, 0);
        $socket->setSockOpt(\ZMQ::SOCKOPT_RECONNECT_IVL, self::FIRST_RECONNECT_MS);
        $socket->setSockOpt(\ZMQ::SOCKOPT_RECONNECT_IVL_MAX, self::LAST_RECONNECT_MS);
        $socket->setSockOpt(\ZMQ::SOCKOPT_MAXMSGSIZE, self::LARGEST_MESSAGE_BYTES);
        $socket->setSockOpt(\ZMQ::SOCKOPT_IPV6, str_contains($this->endpoint, '[') ? 1 : 0);
    }

    private function connect(): void
    {
        try {
            if (str_starts_with($this->endpoint, 'tcp:')) {
                $this->key?->apply($this->socket);
            }
            $this->socket->connect($this->endpoint);
        } catch (\ZMQException $e) {
            $this->close();
            throw Error::badArgument("endpoint {$this->endpoint}: {$e->getMessage()}", null, $e);
        }
    }

    private static function poll(\ZMQSocket $socket, int $events): \ZMQPoll
    {
        $poll = new \ZMQPoll();
        $poll->add($socket, $events);
        return $poll;
    }
}
