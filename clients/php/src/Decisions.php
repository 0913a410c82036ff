<?php

declare(strict_types=1);

namespace Modqd;

/**
 * A site's records in order, without gaps, from the place on: replayed, then live. Lost connections, gaps and missing
 * heartbeats are noticed, and it goes on after the last record that was recorded.
 *
 *     while ($event = $decisions->next(10.0)) {
 *         if ($event->type === 'record') { apply($event->record); $decisions->recorded(); }
 *     }
 */
final class Decisions
{
    private readonly Stream $stream;

    /**
     * Does not connect before the first `next`.
     *
     * @param string $endpoint of the front socket; '' takes the one that the key file names
     * @param array{key?: ?Key, credit?: int, live?: bool, give_up?: float, listener?: string} $options `credit`: records
     *     that may be on their way (500); `live` false: end when level; `give_up`: fail after so many seconds without
     *     hearing the daemon (0: never); `listener`: the name by which moderators see how far you are
     * @throws Error client_bad_argument; what the place throws
     */
    public function __construct(string $endpoint, private readonly string $site, private readonly Place $place, array $options = [])
    {
        $read = new Options($options, ['key', 'credit', 'live', 'give_up', 'listener']);
        $link = new Link(Options::endpoint($endpoint, 'front', $read->key()), $read->key());
        $wish = new Wish($site, $read->int('credit', 500, 1, 10000), $read->bool('live', true),
            $read->seconds('give_up', 0.0, 0.0), $read->text('listener'));
        $this->stream = new Stream($link, $wish, $place->load($site) ?? new Position(0));
    }

    /**
     * The next event. Null: nothing within `$wait` seconds, or a signal came.
     *
     * @throws Error client_bad_argument (the endpoint is none), client_system
     */
    public function next(float $wait): ?Event
    {
        return $this->stream->next($wait);
    }

    /**
     * All records handed out so far are applied: saves the place, and lets the daemon send more. Inside of a transaction
     * of the place's PDO it is stored with it; when that is rolled back, go on with a new Decisions.
     *
     * @throws Error what the place throws
     */
    public function recorded(): void
    {
        $position = $this->stream->handedOut();
        if ($position->seq !== $this->stream->recorded()->seq) {
            $this->place->save($this->site, $position);
        }
        $this->stream->record($position);
    }

    /** The last record that was recorded. */
    public function position(): Position
    {
        return $this->stream->recorded();
    }

    /** Closes at once; the daemon ends the stream. */
    public function close(): void
    {
        $this->stream->close();
    }
}
