// Comments that may be lost: no answers, no repeats.
import { Push as PushSocket } from 'zeromq';

import { cut, DEFAULT_LIMITS, oversize, weigh } from './batch.js';
import { duration, needList } from './check.js';
import { connect, socketOptions } from './connection.js';
import { badArgument, ownError } from './errors.js';
import { endpointOf } from './key.js';
import { after, now, Sleepers } from './timing.js';
import { encode, measure } from './wire.js';

const TIMEOUT_MS = 2000;
const QUEUE = 1000; // messages that wait here
const LOOK_MS = 5;
const REFUSED_MS = 2000; // nobody takes the first message: the key may be good by now
const STALLED_MS = 30000; // the same after others were taken, when the daemon may just be slow
const WRITTEN_TOGETHER = 8192; // bytes

export class Push {
  #endpoint;
  #key;
  #timeout;
  #socket;
  #queue = []; // messages, each with the number of its items; the first one is under way
  #waiting = []; // those that wait for a place in the queue
  #sending = false;
  #inSocket = []; // what the socket took last, and may still hold
  #closed = false;
  #sleepers = new Sleepers();

  constructor(endpoint, { key, timeout = TIMEOUT_MS } = {}) {
    this.#timeout = duration('timeout', timeout);
    this.#endpoint = endpointOf(endpoint, key, 'push');
    this.#key = this.#endpoint.startsWith('tcp:') ? key : null;
    this.#open();
  }

  submit(comment) {
    return this.submitMany([comment]);
  }

  async submitMany(comments) {
    needList('comments', comments);
    const items = comments.map((comment, index) => weigh(comment, index));
    const error = items.map((item) => oversize(item, DEFAULT_LIMITS)).find(Boolean);
    if (error)
      throw error;
    for (const batch of cut(items, DEFAULT_LIMITS))
      await this.#put({ op: 'submit', comments: batch.map((item) => item.value) }, batch.length);
  }

  withdraw(site, comment) {
    return this.#put({ op: 'withdraw', site, comment }, 1);
  }

  report(site, comment, reader, { reason, note, at = Date.now() } = {}) {
    return this.#put({ op: 'report', site, comment, reader, reason, note, at }, 1);
  }

  async close(linger = 0) {
    if (this.#closed)
      return 0;
    const deadline = now() + linger;
    this.#closed = true;
    for (const refuse of this.#waiting.splice(0))
      refuse(badArgument('it was closed'));
    while (this.#unsent() > 0 && now() < deadline)
      await this.#sleepers.sleep(LOOK_MS);
    const unsent = this.#unsent();
    this.#queue.length = 0;
    this.#socket.linger = Math.max(0, Math.ceil(deadline - now()));
    this.#socket.close();
    return unsent;
  }

  // ---- the queue

  async #put(fields, items) {
    const message = { v: 1, ...fields };
    measure(message);
    const bytes = encode(message);
    if (this.#queue.length >= QUEUE)
      await this.#place();
    if (this.#closed)
      throw badArgument('it was closed');
    this.#queue.push({ bytes, items });
    if (!this.#sending)
      this.#pump();
  }

  /** Waits for a place. */
  #place() {
    return new Promise((resolve, reject) => {
      const stop = after(this.#timeout, () => {
        this.#waiting.splice(this.#waiting.indexOf(settle), 1);
        reject(ownError('client_timeout', `${QUEUE} messages wait for ${this.#endpoint} already`));
      });
      const settle = (error) => {
        stop();
        if (error)
          reject(error);
        else
          resolve();
      };
      this.#waiting.push(settle);
    });
  }

  async #pump() {
    this.#sending = true;
    while (this.#queue.length > 0 && await this.#sendFirst()) {
      this.#hold(this.#queue.shift());
      this.#waiting.shift()?.();
    }
    this.#sending = false;
  }

  /** Sends the message that waits longest, however long it takes. False when it was closed; what is left was counted. */
  async #sendFirst() {
    for (;;) {
      const socket = this.#socket;
      const stop = this.#key ? after(this.#inSocket.length > 0 ? STALLED_MS : REFUSED_MS, () => this.#renew()) : () => {};
      try {
        await socket.send(this.#queue[0].bytes);
        return true;
      } catch {
        if (socket === this.#socket)
          return false;
      } finally {
        stop();
      }
    }
  }

  // ---- the socket

  #open() {
    // One message at most waits in the socket, where nobody could count it.
    this.#socket = new PushSocket({ ...socketOptions(this.#endpoint, this.#key), sendHighWaterMark: 1 });
    connect(this.#socket, this.#endpoint);
    this.#inSocket = [];
  }

  /** A socket whose key was refused does not try again by itself. */
  #renew() {
    const old = this.#socket;
    this.#open();
    old.linger = REFUSED_MS;
    old.close();
  }

  /** A socket that cannot go on holds the message that it took last, and before it one that is partly written, or several
   * that ZeroMQ writes together. */
  #hold({ bytes, items }) {
    this.#inSocket.push({ length: bytes.length, items });
    const written = () => this.#inSocket.slice(1, -1).reduce((sum, { length }) => sum + length, 0);
    while (this.#inSocket.length > 2 && written() >= WRITTEN_TOGETHER)
      this.#inSocket.shift();
  }

  /** Items that the system has not got. A socket that can take a message has passed on the one before; it may be asked only
   * when no send is under way, which would miss its turn. */
  #unsent() {
    const inSocket = this.#queue.length === 0 && this.#socket.writable ? [] : this.#inSocket;
    return [...inSocket, ...this.#queue].reduce((sum, { items }) => sum + items, 0);
  }
}
