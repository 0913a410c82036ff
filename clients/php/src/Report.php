<?php

declare(strict_types=1);

namespace Modqd;

/**
 * A reader's complaint on its way out.
 *
 * @internal
 */
final class Report
{
    /**
     * The moment is fixed here, once, so that a repeat is known as one.
     *
     * @param array<string, mixed> $more
     * @return array<string, mixed>
     */
    public static function fields(string $site, string $comment, string $reader, array $more): array
    {
        $at = $more['at'] ?? (int) (microtime(true) * 1000);
        return ['site' => $site, 'comment' => $comment, 'reader' => $reader, 'at' => $at] + $more;
    }
}
