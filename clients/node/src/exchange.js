// Requests and their answers: many under way on one connection, repeated until an answer comes or time is over.
import { Connection } from './connection.js';
import { badArgument, errorFrom, fixError, ownError } from './errors.js';
import { after, Backoff, now, Sleepers } from './timing.js';
import { encode, measure, MOST_VALUES } from './wire.js';

const WINDOW = 500; // requests that may be unanswered on one connection

export class Exchange {
  #endpoint;
  #key;
  #attempt;
  #connection = null;
  #lastId = 0;
  #waiting = new Map(); // id -> what waits for its answer
  #inside = 0;
  #queue = []; // those that wait until the window has room
  #sleepers = new Sleepers();
  #closed = false;

  /** How many connections were given up: what was learnt on one before may not hold any more. */
  lost = 0;

  constructor(endpoint, key, attempt) {
    this.#endpoint = endpoint;
    this.#key = key;
    this.#attempt = attempt;
  }

  /** Asks, and repeats the same bytes, until `deadline`. Returns the answer without `v`, `id`, `op` and `ok`. Throws what
   * the daemon answered, or the last error of class retry when time is over. */
  async ask(op, fields, deadline, largest) {
    const request = this.#request(op, fields, largest);
    await this.#enter(deadline);
    try {
      return await this.#repeat(request, deadline);
    } finally {
      this.#leave();
    }
  }

  /** Waits, but no longer than until the end of everything. */
  sleep(ms) {
    return this.#sleepers.sleep(ms);
  }

  get closed() {
    return this.#closed;
  }

  close() {
    if (this.#closed)
      return;
    this.#closed = true;
    this.#lose(() => this.#gone());
    for (const next of this.#queue.splice(0))
      next.refuse(this.#gone());
    this.#sleepers.wakeAll();
  }

  #request(op, fields, largest) {
    if (this.#closed)
      throw badArgument('it was closed');
    const id = ++this.#lastId;
    const message = { v: 1, op, id, ...fields };
    const values = measure(message);
    if (values > MOST_VALUES)
      throw fixError('malformed', `${values} values in one request, at most ${MOST_VALUES} are allowed`);
    const bytes = encode(message);
    if (bytes.length > largest)
      throw fixError('too_long', `the request has ${bytes.length} bytes, at most ${largest} are allowed`,
        { max: largest, bytes: bytes.length });
    return { id, op, bytes };
  }

  #gone() {
    return ownError('client_timeout', 'closed before an answer came');
  }

  // ---- the window

  #enter(deadline) {
    if (this.#inside < WINDOW) {
      this.#inside++;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const next = { enter: resolve, refuse: reject };
      const stop = after(deadline - now(), () => {
        this.#queue.splice(this.#queue.indexOf(next), 1);
        reject(ownError('client_timeout', `${WINDOW} requests are unanswered`));
      });
      next.enter = () => { stop(); resolve(); };
      next.refuse = (error) => { stop(); reject(error); };
      this.#queue.push(next);
    });
  }

  #leave() {
    const next = this.#queue.shift();
    if (next)
      next.enter();
    else
      this.#inside--;
  }

  // ---- attempts

  async #repeat(request, deadline) {
    const backoff = new Backoff();
    for (;;) {
      try {
        return await this.#try(request, Math.min(this.#attempt, deadline - now()));
      } catch (error) {
        const pause = backoff.next(error.retry_after_ms);
        if (error.class !== 'retry' || this.#closed || now() + pause >= deadline)
          throw error;
        await this.#sleepers.sleep(pause);
      }
    }
  }

  #try({ id, op, bytes }, patience) {
    return new Promise((resolve, reject) => {
      if (this.#closed)
        throw this.#gone();
      this.#connection ??= new Connection(this.#endpoint, this.#key, (reply) => this.#take(reply));
      const connection = this.#connection;
      const stop = after(patience, () => this.#lose(() => this.#silence(connection)));
      this.#waiting.set(id, { op, resolve, reject, stop });
      connection.send(bytes);
    });
  }

  #silence(connection) {
    if (connection.connected)
      return ownError('client_timeout', `no answer from ${this.#endpoint}`);
    return ownError('client_cannot_connect', `nobody listens at ${this.#endpoint}, or the key is not known there`);
  }

  /** After a time-out the connection is of no use: all that waited on it comes again on a new one. */
  #lose(why) {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject, stop } of waiting) {
      stop();
      reject(why());
    }
    this.#connection?.close();
    this.#connection = null;
    this.lost++;
  }

  // ---- answers

  /** What a reply belongs to. One without an id is for a request that could not be read; of several nobody knows which. */
  #idOf(reply) {
    const nameless = (reply.id === undefined || reply.id === null) && reply.ok === false && this.#waiting.size === 1;
    return nameless ? this.#waiting.keys().next().value : reply.id;
  }

  #take(reply) {
    const id = this.#idOf(reply);
    const one = this.#waiting.get(id);
    if (!one)
      return;
    this.#waiting.delete(id);
    one.stop();
    const { v, id: _, op, ok, ...answer } = reply;
    if (ok === false)
      one.reject(errorFrom(answer.error));
    else if (ok === true && v === 1 && op === one.op)
      one.resolve(answer);
    else
      one.reject(ownError('client_bad_reply', `the answer to ${one.op} makes no sense`));
  }
}
