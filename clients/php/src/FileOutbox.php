<?php

declare(strict_types=1);

namespace Modqd;

/**
 * An outbox in a file, which only grows until everything in it was sent. Beside it: `.lock` and `.flush`, which are locked,
 * and `.refused`, what was set aside.
 *
 * Each line is a checksum, a space, a word and its line end. `+…` keeps a request, `-n` says that all before byte n is done. A
 * process that is killed leaves at most one line without its end, which nobody was told was kept; the next one cuts it off.
 */
final class FileOutbox extends Outbox
{
    /** So much of the file may be done before what is left is written anew. */
    private const COMPACT_BYTES = 1 << 20;

    /** Seconds to wait for another process that writes, and how often to look. */
    private const PATIENCE = 10.0;
    private const LOOK = 0.005;

    /** @var ?resource */
    private $flushing = null;
    private int $at = 0;

    public function __construct(private readonly string $path)
    {
    }

    public function count(): int
    {
        return $this->locked(function (): int {
            $from = $this->begin();
            $count = 0;
            foreach ($this->lines($from) as $word) {
                $count += $word === null || $word[0] === '+' ? 1 : 0;
            }
            return $count;
        });
    }

    public function refused(): array
    {
        return $this->locked(function (): array {
            $told = [];
            foreach (self::linesOf("{$this->path}.refused", 0) as $word) {
                [$at, $line, $error] = explode(' ', (string) $word) + ['', '', ''];
                $told[$at] = self::told($line, (string) base64_decode($error));
            }
            return array_values($told);
        });
    }

    public function forgetRefused(): void
    {
        $this->locked(fn () => file_exists("{$this->path}.refused") && !@unlink("{$this->path}.refused")
            ? throw Files::failed("{$this->path}.refused cannot be removed") : null);
    }

    protected function append(string $line): void
    {
        $this->locked(fn () => self::write($this->path, "+$line"));
    }

    protected function lock(float $seconds): bool
    {
        $this->flushing = Files::open("{$this->path}.flush", 'cb');
        if (!flock($this->flushing, LOCK_EX | LOCK_NB)) {
            $this->flushing = null;
            return false;
        }
        $this->at = $this->locked($this->begin(...));
        return true;
    }

    protected function unlock(): void
    {
        $this->locked($this->tidy(...));
        $this->flushing = null;
    }

    protected function next(int $most): array
    {
        return $this->locked(function () use ($most): array {
            $next = [];
            foreach ($this->lines($this->at) as $end => $word) {
                if ($word === null || $word[0] === '+') {
                    $next[$end] = substr((string) $word, 1);
                }
                if (count($next) === $most) {
                    break;
                }
            }
            return $next;
        });
    }

    protected function done(array $ats): void
    {
        $this->locked(fn () => self::write($this->path, '-' . end($ats)));
        $this->at = end($ats);
    }

    protected function refuse(int $at, string $line, string $error): void
    {
        $name = bin2hex(random_bytes(4)) . $at;
        $this->locked(fn () => self::write("{$this->path}.refused", "$name $line " . base64_encode($error)));
    }

    protected function putBack(): int
    {
        return $this->locked(function (): int {
            $back = [];
            $damaged = '';
            foreach (self::linesOf("{$this->path}.refused", 0) as $word) {
                $line = explode(' ', (string) $word)[1] ?? '';
                if (Request::decode($line) === null) {
                    $damaged .= self::line($word);
                } else {
                    $back[] = self::line("+$line");
                }
            }
            if ($back !== []) {
                // In this order: a crash in between has requests sent twice, and none lost.
                Files::replace($this->path, implode('', $back) . $this->left($this->at));
                $this->at = 0;
                Files::replace("{$this->path}.refused", $damaged);
            }
            return count($back);
        });
    }

    /**
     * Runs it while no other process writes: never for long.
     *
     * @template T
     * @param \Closure(): T $do
     * @return T
     */
    private function locked(\Closure $do): mixed
    {
        $lock = Files::open("{$this->path}.lock", 'cb');
        $until = Clock::now() + self::PATIENCE;
        while (!flock($lock, LOCK_EX | LOCK_NB)) {
            Clock::now() < $until || throw Error::system("{$this->path}.lock is held by another process");
            Clock::sleepUntil(Clock::now() + self::LOOK);
        }
        try {
            return $do();
        } finally {
            fclose($lock);
        }
    }

    /** A line of a file; null: one that is damaged. */
    private static function line(?string $word): string
    {
        return $word === null ? "damaged\n" : sprintf("%08x %s\n", crc32($word), $word);
    }

    private static function write(string $path, string $word): void
    {
        $new = !file_exists($path);
        $file = Files::open($path, 'c+b');
        try {
            $end = self::cutTorn($file, $path);
            try {
                Files::append($file, self::line($word), $path);
            } catch (LocalError $e) {
                ftruncate($file, $end);
                throw $e;
            }
        } finally {
            fclose($file);
        }
        $new && Files::syncDirectory($path);
    }

    /**
     * Goes to the end, and cuts off a line that has none.
     *
     * @param resource $file
     * @return int where it ends now
     */
    private static function cutTorn($file, string $path): int
    {
        fseek($file, 0, SEEK_END);
        $end = $size = ftell($file);
        while ($end > 0) {
            $from = max(0, $end - 4096);
            fseek($file, $from);
            $found = strrpos((string) fread($file, $end - $from), "\n");
            if ($found !== false) {
                $end = $from + $found + 1;
                break;
            }
            $end = $from;
        }
        $end === $size || ftruncate($file, $end) || throw Files::failed("$path cannot be cut");
        fseek($file, $end);
        return $end;
    }

    /** Where the first line stands that is not done. */
    private function begin(): int
    {
        $begin = 0;
        foreach ($this->lines(0) as $word) {
            if ($word !== null && $word[0] === '-') {
                $begin = (int) substr($word, 1);
            }
        }
        return $begin;
    }

    /** @return \Generator<int, ?string> words by where their line ends; null: a line that is damaged */
    private function lines(int $from): \Generator
    {
        return self::linesOf($this->path, $from);
    }

    /** @return \Generator<int, ?string> */
    private static function linesOf(string $path, int $from): \Generator
    {
        if (!file_exists($path)) {
            return;
        }
        $file = Files::open($path, 'rb');
        fseek($file, $from);
        while (($line = fgets($file)) !== false && str_ends_with($line, "\n")) {
            $word = substr($line, 9, -1);
            yield ftell($file) => $word !== '' && $line === self::line($word) ? $word : null;
        }
        fclose($file);
    }

    /** The lines of what is kept from there on. */
    private function left(int $from): string
    {
        $left = '';
        foreach ($this->lines($from) as $word) {
            $left .= $word === null || $word[0] === '+' ? self::line($word) : '';
        }
        return $left;
    }

    /** Takes away what is done: all of it, or the much that there is. */
    private function tidy(): void
    {
        clearstatcache(true, $this->path);
        $left = $this->at > 0 ? $this->left($this->at) : '';
        if ($this->at > 0 && ($left === '' || $this->at > self::COMPACT_BYTES)) {
            Files::replace($this->path, $left);
        }
        $this->at = 0;
    }
}
