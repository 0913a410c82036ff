<?php

declare(strict_types=1);

namespace Modqd;

/**
 * Files that are on disk when a function returns.
 *
 * @internal
 */
final class Files
{
    /** Puts the whole file there, or leaves the one of before. @throws LocalError client_system */
    public static function replace(string $path, string $text): void
    {
        $temporary = "$path." . bin2hex(random_bytes(6)) . '.tmp';
        $file = self::open($temporary, 'xb');
        try {
            self::append($file, $text, $temporary);
            rename($temporary, $path) || throw self::failed("$temporary cannot be renamed to $path");
        } catch (Error $e) {
            @unlink($temporary);
            throw $e;
        } finally {
            fclose($file);
        }
        self::syncDirectory($path);
    }

    /** @return resource */
    public static function open(string $path, string $mode)
    {
        $mask = umask(077);
        try {
            return @fopen($path, $mode) ?: throw self::failed("$path cannot be opened");
        } finally {
            umask($mask);
        }
    }

    /** @param resource $file */
    public static function append($file, string $text, string $path): void
    {
        $written = @fwrite($file, $text) === strlen($text) && fflush($file);
        $written && @fsync($file) || throw self::failed("$path cannot be written");
    }

    /** A new name is on disk only with its directory. */
    public static function syncDirectory(string $path): void
    {
        $directory = @fopen(dirname($path), 'rb');
        if ($directory !== false) {
            @fsync($directory);
            fclose($directory);
        }
    }

    public static function failed(string $what): LocalError
    {
        return Error::system($what . ': ' . (error_get_last()['message'] ?? 'the system does not say why'));
    }
}
