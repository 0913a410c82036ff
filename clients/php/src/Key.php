<?php

declare(strict_types=1);

namespace Modqd;

/** What proves over TCP who you are: a pair of CURVE keys, the daemon's public key, and where the daemon listens. */
final class Key
{
    private const LARGEST_FILE = 65536;

    /**
     * @param \SensitiveParameterValue $secret Z85, 40 characters; wrapped, so that no dump and no trace shows it
     * @param string $public Z85, 40 characters
     * @param string $server the daemon's public key, Z85
     * @param array<string, string> $endpoints by the name of the socket: `front`, `push`, `decisions`, `desk`
     */
    private function __construct(
        private readonly \SensitiveParameterValue $secret,
        public readonly string $public,
        public readonly string $server,
        public readonly string $name,
        public readonly string $role,
        public readonly array $endpoints,
    ) {
    }

    /**
     * Reads a key file as `modq key new` writes it.
     *
     * @throws FixError client_bad_argument: it cannot be read, others can read it, or it is no key file
     */
    public static function load(string $path): self
    {
        $sections = self::parse(self::read($path));
        $meta = $sections['metadata'] ?? [];
        $curve = $sections['curve'] ?? [];
        $endpoints = array_intersect_key($meta, array_flip(['front', 'push', 'decisions', 'desk']));
        return new self(new \SensitiveParameterValue(self::z85($curve, 'secret-key', $path)), self::z85($curve, 'public-key', $path),
            self::z85($meta, 'server-key', $path), $meta['name'] ?? '', $meta['role'] ?? '', $endpoints);
    }

    /** @internal */
    public function apply(\ZMQSocket $socket): void
    {
        $socket->setSockOpt(\ZMQ::SOCKOPT_CURVE_SERVERKEY, $this->server);
        $socket->setSockOpt(\ZMQ::SOCKOPT_CURVE_PUBLICKEY, $this->public);
        $socket->setSockOpt(\ZMQ::SOCKOPT_CURVE_SECRETKEY, $this->secret->getValue());
        $socket->setSockOpt(\ZMQ::SOCKOPT_TCP_KEEPALIVE, 1);
        $socket->setSockOpt(\ZMQ::SOCKOPT_TCP_KEEPALIVE_IDLE, 60);
    }

    /** The secret stays out of dumps. @return array<string, mixed> */
    public function __debugInfo(): array
    {
        return ['name' => $this->name, 'role' => $this->role, 'public' => $this->public, 'endpoints' => $this->endpoints];
    }

    public function __serialize(): array
    {
        throw new \LogicException('a key is not to be stored outside of its file');
    }

    private static function read(string $path): string
    {
        $file = @fopen($path, 'rbn'); // n: does not wait for the writer of a pipe
        if ($file === false) {
            throw Error::badArgument("key file $path cannot be read");
        }
        $mode = fstat($file)['mode'];
        if (($mode & 0170000) !== 0100000) {
            throw Error::badArgument("key file $path is no file");
        }
        if ($mode & 077) {
            throw Error::badArgument(sprintf('key file %s can be read by others (mode %04o): chmod 600', $path, $mode & 07777));
        }
        $text = stream_get_contents($file, self::LARGEST_FILE);
        fclose($file);
        return $text === false ? throw Error::badArgument("key file $path cannot be read") : $text;
    }

    /** @return array<string, array<string, string>> */
    private static function parse(#[\SensitiveParameter] string $text): array
    {
        $sections = [];
        $section = '';
        foreach (preg_split('/\r?\n/', $text) as $line) {
            if (preg_match('/^([A-Za-z0-9_-]+)\s*$/', $line, $found)) {
                $section = $found[1];
            } elseif (preg_match('/^\s+([A-Za-z0-9_-]+)\s*=\s*"([^"]*)"\s*$/', $line, $found)) {
                $sections[$section][$found[1]] = $found[2];
            }
        }
        return $sections;
    }

    /** @param array<string, string> $section */
    private static function z85(#[\SensitiveParameter] array $section, string $name, string $path): string
    {
        $value = $section[$name] ?? throw Error::badArgument("key file $path has no $name", $name);
        return preg_match('~^[0-9A-Za-z.:+=^!/*?&<>()\[\]{}@%$#-]{40}$~D', $value) === 1 ? $value
            : throw Error::badArgument("key file $path: $name is not 40 characters of Z85", $name);
    }
}
