/** Keeps the state on disk: a change is written first, and carried out then. */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Journal } from './journal.js';
import { lock } from './lock.js';
import { State } from './state.js';

/** So many changes more than things that are kept make the file worth writing anew. */
const SPARE_CHANGES = 10000;

/**
 * Emits `changed` with the article of a comment that changed (null: all of them), `outbox` when there is something to send,
 * `answered` with an operation's number and the error that refused it, and `failed` when the disk does: the program should
 * end then, and start anew.
 */
export class Store extends EventEmitter {
  state = new State();
  #journal;
  #unlock;
  #next = 1;
  #lines = 0;

  constructor() {
    super();
    this.setMaxListeners(0);
  }

  /** Opens the store in a directory, which is made when it is not there. Only one program may have it open. */
  static async open(directory) {
    const store = new Store();
    await fs.mkdir(directory, { recursive: true, mode: 0o700 });
    store.#unlock = await lock(path.join(directory, 'lock'));
    store.#journal = new Journal(path.join(directory, 'journal'), (error) => store.emit('failed', error));
    try {
      await store.#load();
    } catch (error) {
      await store.#unlock();
      throw error;
    }
    return store;
  }

  async #load() {
    for (const change of await this.#journal.open()) {
      this.state.apply(change);
      this.#lines++;
    }
    this.#next = this.state.n + 1;
    const { id, salt } = this.state;
    if (!salt) await this.change('head', { id: id ?? randomBytes(8).toString('hex'), salt: randomBytes(16).toString('hex') });
  }

  /**
   * Writes a change down and carries it out. Resolves to what State.apply returned, once it is on disk.
   * Rejects when it could not be written; then it has not happened.
   */
  async change(what, fields = {}) {
    const change = { n: this.#next++, do: what, ...fields };
    const result = await this.#journal.append(change, (written) => this.#carryOut(written));
    if (result?.erased || this.#lines > SPARE_CHANGES + 2 * this.#kept()) await this.#tidy();
    return result;
  }

  async close() {
    await this.#journal.close();
    await this.#unlock();
  }

  #carryOut(change) {
    this.#lines++;
    const waiting = this.state.outbox.size;
    const result = this.state.apply(change);
    if (this.state.outbox.size > waiting) this.emit('outbox');
    if (change.do === 'answered') this.emit('answered', change.operation, change.error);
    else if (change.do === 'diverged' || change.do === 'level') this.emit('changed', null);
    if (result?.comment) this.emit('changed', result.comment.article);
    return result;
  }

  #kept() {
    return this.state.comments.size + this.state.outbox.size + 1;
  }

  /** Leaves out of the file what is no longer needed, erased texts above all. Where that fails the file stays as it is. */
  async #tidy() {
    try {
      await this.#journal.quietly(async () => {
        await this.#journal.replace([...this.state.snapshot()]);
        this.#lines = this.#kept();
      });
    } catch (error) {
      console.error(`the journal could not be written anew: ${error.message}`);
    }
  }
}
