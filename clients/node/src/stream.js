// A stream as the daemon sees it: opened, kept alive, read, opened anew. What it hears goes to its listener:
//
//   opened(epoch)   a stream is open; what comes now begins after the position that was asked for
//   record(record)  the next record, without gaps
//   level()         everything that there was has come
//   lost(error)     the stream broke and is opened anew by itself; error is null where the reason is not known
//   ended()         a replay is over
//   failed(error)   it cannot go on
import { Connection } from './connection.js';
import { badArgument, errorFrom, ownError } from './errors.js';
import { CHAIN_BYTES, EPOCH_BYTES } from './place.js';
import { after, Backoff, now } from './timing.js';
import { encode, measure } from './wire.js';

const OPENING_MS = 5000;
const HEARTBEAT_MS = 1000; // until the daemon says how often
const CREDIT_TIMEOUT_MS = 30000;
const MISSING_HEARTBEATS = 2.5; // two in a row, and time for the second to arrive
const STREAM_ID = 1; // each connection has one stream
const CONFIRM_ID = 2;
const LONGEST_MS = 2 ** 31 - 1;

function positive(value, otherwise) {
  return Number.isSafeInteger(value) && value > 0 && value <= LONGEST_MS ? value : otherwise;
}

export function isBytes(value, length) {
  return value instanceof Uint8Array && value.length === length;
}

function badReply(what) {
  return ownError('client_bad_reply', `the daemon sent ${what}`);
}

export class Stream {
  #endpoint;
  #key;
  #request; // site, credit, live
  #giveUp;
  #position;
  #listener;
  #connection = null;
  #phase = 'new'; // new, opening, open, paused, over
  #stop = () => {};
  #backoff = new Backoff();
  #received = 0;
  #heartbeat = HEARTBEAT_MS;
  #creditTimeout = CREDIT_TIMEOUT_MS;
  #silentSince = 0; // when the daemon was heard last; a time without a connection counts
  #heard = 0; // the same, of this connection only
  #aliveDue = 0;
  #pauseEnds = 0;

  /** `position` tells, whenever a stream is opened, after which record it begins. */
  constructor(endpoint, { key, site, credit, live, giveUp }, position, listener) {
    this.#endpoint = endpoint;
    this.#key = key;
    this.#request = { site, credit, live };
    this.#giveUp = giveUp;
    this.#position = position;
    this.#listener = listener;
    measure(this.#request);
  }

  get credit() {
    return this.#request.credit;
  }

  start() {
    this.#silentSince = now();
    this.#open();
  }

  close() {
    this.#end();
  }

  /** Lets the daemon send so many more. */
  giveCredit(credit) {
    if (this.#phase !== 'open')
      return;
    this.#send({ op: 'credit', stream: STREAM_ID, credit });
    this.#aliveDue = now() + this.#creditTimeout / 3;
    this.#watch();
  }

  /** Tells how far a listener is. Nobody waits for the answer: the next one says it again. */
  confirm(listener, seq) {
    if (this.#phase === 'open')
      this.#send({ op: 'confirm', id: CONFIRM_ID, site: this.#request.site, listener, seq });
  }

  // ---- opening and ending

  #send(message) {
    this.#connection.send(encode({ v: 1, ...message }));
  }

  #open() {
    const { seq, chain, epoch } = this.#position();
    const proof = seq > 0 && chain ? { hash: chain } : { epoch: seq > 0 && epoch ? epoch : undefined };
    this.#phase = 'opening';
    this.#received = seq;
    this.#heard = now();
    try {
      this.#connection = new Connection(this.#endpoint, this.#key, (map) => this.#take(map));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#send({ op: 'stream', id: STREAM_ID, ...this.#request, after: seq, ...proof });
    this.#watch();
  }

  #drop() {
    this.#stop();
    this.#connection?.close();
    this.#connection = null;
  }

  #end() {
    this.#phase = 'over';
    this.#drop();
  }

  #fail(error) {
    this.#end();
    this.#listener.failed(error);
  }

  /** The listener hears of a stream that was open; attempts to open one are nobody's business but the give-up's. */
  #reopen(error) {
    const wasOpen = this.#phase === 'open';
    this.#drop();
    this.#phase = 'paused';
    this.#pauseEnds = now() + this.#backoff.next(error?.retry_after_ms);
    this.#watch();
    if (wasOpen)
      this.#listener.lost(error);
  }

  // ---- time

  #silenceEnds() {
    return this.#heard + (this.#phase === 'opening' ? OPENING_MS : MISSING_HEARTBEATS * this.#heartbeat);
  }

  #givesUpAt() {
    return this.#giveUp > 0 ? this.#silentSince + this.#giveUp : Infinity;
  }

  #nextMoment() {
    const moments = { paused: [this.#pauseEnds], opening: [this.#silenceEnds()], open: [this.#silenceEnds(), this.#aliveDue] };
    return Math.min(this.#givesUpAt(), ...moments[this.#phase]);
  }

  #watch() {
    this.#stop();
    if (this.#phase !== 'over')
      this.#stop = after(this.#nextMoment() - now(), () => this.#look());
  }

  #look() {
    const moment = now();
    if (moment >= this.#givesUpAt())
      this.#fail(this.#silence());
    else if (this.#phase === 'paused' && moment >= this.#pauseEnds)
      this.#open();
    else if (this.#phase !== 'paused' && moment >= this.#silenceEnds())
      this.#reopen(this.#silence());
    else if (this.#phase === 'open' && moment >= this.#aliveDue)
      this.giveCredit(0);
    else
      this.#watch();
  }

  #silence() {
    if (this.#phase === 'open' || this.#connection?.connected)
      return ownError('client_timeout', `nothing was heard from ${this.#endpoint}`);
    return ownError('client_cannot_connect', `nobody listens at ${this.#endpoint}, or the key is not known there`);
  }

  // ---- what the daemon says

  #take(map) {
    if (map.id !== STREAM_ID || map.v !== 1)
      return;
    this.#silentSince = this.#heard = now();
    if (map.op === 'stream' && this.#phase === 'opening')
      this.#takeReply(map);
    else if (this.#phase === 'open')
      this.#takeMessage(map);
    if (this.#phase === 'open')
      this.#watch();
  }

  #takeReply(map) {
    if (map.ok !== true) {
      this.#takeRefusal(errorFrom(map.error));
      return;
    }
    if (!isBytes(map.epoch, EPOCH_BYTES)) {
      this.#reopen(badReply('a stream without an epoch'));
      return;
    }
    this.#phase = 'open';
    this.#backoff.reset();
    this.#heartbeat = positive(map.heartbeat_ms, HEARTBEAT_MS);
    this.#creditTimeout = positive(map.credit_timeout_ms, CREDIT_TIMEOUT_MS);
    this.#aliveDue = now() + this.#creditTimeout / 3;
    this.#listener.opened(map.epoch);
  }

  #takeRefusal(error) {
    if (error.class === 'retry' || error.name === 'client_bad_reply')
      this.#reopen(error);
    else if (this.#lowerCredit(error))
      this.#reopen(null);
    else
      this.#fail(error);
  }

  /** A daemon may allow less credit than is usual; it says how much. */
  #lowerCredit({ name, field, details: { max } }) {
    const lower = name === 'out_of_range' && field === 'credit' && Number.isSafeInteger(max) && max >= 1 &&
      max < this.#request.credit;
    if (lower)
      this.#request.credit = max;
    return lower;
  }

  #takeMessage(map) {
    if (map.op === 'records')
      this.#takeRecords(map.records);
    else if (map.op === 'level')
      this.#takeLevel();
    else if (map.op === 'heartbeat' && map.sent > this.#received)
      this.#reopen(badReply('a heartbeat that tells of a record that never came'));
    else if (map.op === 'ended')
      this.#takeEnd(errorFrom(map.error));
  }

  #takeRecords(records) {
    for (const record of Array.isArray(records) ? records : [null]) {
      const fault = this.#faultOf(record);
      if (fault) {
        this.#reopen(badReply(fault));
        return;
      }
      this.#received++;
      this.#listener.record(record);
    }
  }

  /** Every record must be the one after the one before, and must say what a listener keeps of it. */
  #faultOf(record) {
    if (!isBytes(record?.chain, CHAIN_BYTES))
      return 'a record without a chain hash';
    if (record.seq === this.#received + 1)
      return null;
    return record.seq > this.#received ? 'a record after a gap' : 'a record twice';
  }

  #takeLevel() {
    this.#listener.level();
    if (this.#request.live)
      return;
    this.#end();
    this.#listener.ended();
  }

  #takeEnd(error) {
    if (error.class === 'retry' || error.name === 'not_found' || error.name === 'client_bad_reply')
      this.#reopen(error);
    else
      this.#fail(error);
  }
}

/** Checks what a stream is made of. */
export function checkStream({ site, credit, giveUp }) {
  if (typeof site !== 'string' || site === '')
    throw badArgument('site: must be the name of a site');
  if (!Number.isSafeInteger(credit) || credit < 1)
    throw badArgument('credit: must be an integer above 0');
  if (typeof giveUp !== 'number' || !(giveUp >= 0))
    throw badArgument('giveUp: must be a number of milliseconds');
}
