// A site's decisions: in order, without gaps, from the last one that was recorded.
import { badArgument } from './errors.js';
import { Events } from './events.js';
import { endpointOf } from './key.js';
import { CHAIN_BYTES, EPOCH_BYTES } from './place.js';
import { checkStream, isBytes, Stream } from './stream.js';
import { after, now } from './timing.js';

const CREDIT = 500;
const CONFIRM_EVERY_MS = 10000;

function checkPosition(position) {
  const { seq, chain, epoch } = position;
  if (!Number.isSafeInteger(seq) || seq < 0 || (chain && !isBytes(chain, CHAIN_BYTES)) || (epoch && !isBytes(epoch, EPOCH_BYTES)))
    throw badArgument(`a place has seq (0 or more), chain (${CHAIN_BYTES} bytes) and epoch (${EPOCH_BYTES} bytes)`);
  return { seq, chain: chain ?? null, epoch: epoch ?? null };
}

function checkPlace(place) {
  if (place && typeof place.load !== 'function')
    throw badArgument('place: must have load(site), and save(site, position) unless you save it yourself');
  return place ?? null;
}

export class Decisions {
  #site;
  #stream;
  #place;
  #listener;
  #signal;
  #position; // of the last record that was recorded
  #epoch = null; // as the daemon told it
  #events = new Events();
  #started = null;
  #closed = false;
  #shown = null; // position of the record handed out last, until it is recorded
  #unpaid = 0; // records of this stream that were handed out and not recorded
  #taken = 0; // recorded ones whose credit was not given back
  #confirmDue = 0;
  #stopConfirming = null; // set while it waits to confirm

  constructor(endpoint, site, options = {}) {
    const { place, key, after = 0, hash, epoch, credit = CREDIT, live = true, giveUp = 0, listener, signal } = options;
    checkStream({ site, credit, giveUp });
    this.#site = site;
    this.#place = checkPlace(place);
    this.#listener = listener ?? null;
    this.#position = checkPosition({ seq: after, chain: hash, epoch });
    this.#stream = new Stream(endpointOf(endpoint, key, 'front'), { key, site, credit, live, giveUp }, () => this.#position,
      this.#hearing());
    this.#signal = signal ?? null;
    this.#signal?.addEventListener('abort', this.#abort);
    if (this.#signal?.aborted)
      this.close();
  }

  get position() {
    return this.#position;
  }

  /** Waits for `wait` milliseconds at most where it is given, and then returns null. */
  async next(wait) {
    this.#started ??= this.#start();
    await this.#started;
    for (;;) {
      const event = this.#take();
      if (event)
        return event;
      if (!await this.#events.wait(wait))
        return null;
    }
  }

  async recorded() {
    const shown = this.#shown;
    if (!shown)
      return;
    await this.#place?.save?.(this.#site, shown);
    this.#position = shown;
    if (this.#shown === shown)
      this.#shown = null;
    this.#giveBack(this.#unpaid);
    this.#confirmWhenDue();
  }

  async run(apply) {
    for await (const event of this) {
      if (event.type === 'failed')
        throw event.error;
      if (event.type !== 'record')
        continue;
      await apply(event.record);
      await this.recorded();
    }
  }

  close() {
    this.#closed = true;
    this.#events.forget();
    this.#finish({ type: 'end' });
    this.#stream.close();
  }

  /** Leaving the loop closes. */
  async *[Symbol.asyncIterator]() {
    try {
      for (;;) {
        const event = await this.next();
        if (this.#closed)
          return;
        yield event;
        if (this.#events.isLast(event))
          return;
      }
    } finally {
      this.close();
    }
  }

  #abort = () => this.close();

  async #start() {
    const loaded = await this.#place?.load(this.#site);
    if (loaded)
      this.#position = checkPosition(loaded);
    if (!this.#events.finished)
      this.#stream.start();
  }

  // ---- events in

  #hearing() {
    return {
      opened: (epoch) => this.#opened(epoch),
      record: (record) => this.#events.push({ type: 'record', record, position: this.#positionOf(record) }),
      level: () => this.#events.push({ type: 'level' }),
      lost: (error) => this.#lost(error),
      ended: () => this.#finish({ type: 'end' }),
      failed: (error) => this.#finish({ type: 'failed', error }),
    };
  }

  // Copied, because what was received is one piece of memory with its whole message.
  #positionOf({ seq, chain }) {
    return { seq, chain: Uint8Array.from(chain), epoch: this.#epoch };
  }

  #opened(epoch) {
    this.#epoch = Uint8Array.from(epoch);
    this.#taken = this.#unpaid = 0;
  }

  /** What was not handed out comes again: a new stream begins after the last record that was recorded. */
  #lost(error) {
    this.#events.forget();
    this.#events.push({ type: 'lost', error });
  }

  #finish(event) {
    this.#events.finish(event);
    this.#stopConfirming?.();
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  // ---- events out

  /** A record can come again that was recorded meanwhile, while its stream was opened anew: it is left out. */
  #take() {
    for (;;) {
      const event = this.#events.take();
      if (event?.type === 'level')
        this.#confirm();
      if (event?.type !== 'record')
        return event;
      this.#unpaid++;
      if (event.position.seq > this.#position.seq) {
        this.#shown = event.position;
        return event;
      }
      this.#giveBack(1);
    }
  }

  /** So many more records of this stream are recorded; half of the credit is given back at a time. */
  #giveBack(records) {
    this.#unpaid -= records;
    this.#taken += records;
    if (this.#taken * 2 < this.#stream.credit)
      return;
    this.#stream.giveCredit(this.#taken);
    this.#taken = 0;
  }

  /** What is recorded soon after it was told is told later: it may be the last one for long. */
  #confirmWhenDue() {
    if (now() >= this.#confirmDue)
      this.#confirm();
    else if (!this.#stopConfirming && !this.#events.finished)
      this.#stopConfirming = after(this.#confirmDue - now(), () => this.#confirm());
  }

  #confirm() {
    this.#stopConfirming?.();
    this.#stopConfirming = null;
    if (this.#listener === null)
      return;
    this.#confirmDue = now() + CONFIRM_EVERY_MS;
    this.#stream.confirm(this.#listener, this.#position.seq);
  }
}
