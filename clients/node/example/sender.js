/**
 * Sends what readers did to the daemon, in the order in which they did it. What could not be sent now stays in the store and
 * is sent later: the same again does no harm.
 */
import { DeniedError, FinalError, FixError } from 'modqd';

const REFUSALS = [DeniedError, FinalError, FixError];
const PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10000;

export class Sender {
  #store;
  #front;
  #site;
  #describe;
  #wake = () => {};
  #hurry = () => {};
  #closed = false;
  #done;

  /** `describe(comment)` gives the article map and the language that go with a comment. */
  constructor(store, front, site, describe) {
    this.#store = store;
    this.#front = front;
    this.#site = site;
    this.#describe = describe;
  }

  start() {
    this.#store.on('outbox', () => this.#wake());
    this.#done = this.#run();
  }

  /** The daemon is there again: what waits is sent at once. */
  hurry() {
    this.#hurry();
  }

  /** Resolves when operation `n` was answered, or after `patience` ms: to the error that refused it, else to undefined. */
  settled(n, patience) {
    return new Promise((resolve) => {
      const settle = (error) => {
        clearTimeout(timer);
        this.#store.off('answered', onAnswer);
        resolve(error);
      };
      const onAnswer = (number, error) => number === n && settle(error);
      const timer = setTimeout(settle, patience);
      this.#store.on('answered', onAnswer);
      if (!this.#store.state.outbox.has(n)) settle();
    });
  }

  async close() {
    this.#closed = true;
    this.#wake();
    await this.#done;
  }

  async #run() {
    let pause = PAUSE_MS;
    while (!this.#closed) {
      const [operation] = this.#store.state.outbox.values();
      if (!operation) {
        await this.#sleep(null);
        continue;
      }
      try {
        await this.#answer(operation);
        pause = PAUSE_MS;
      } catch (error) {
        console.error(`${operation.do} ${operation.comment} waits: ${error.message}`);
        await this.#sleep(Math.max(pause * (0.5 + Math.random() / 2), error.retry_after_ms ?? 0));
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  /** Sends one operation and writes the answer down. Throws what may go better later. */
  async #answer(operation) {
    let refusal;
    try {
      await this.#send(operation);
    } catch (error) {
      if (!REFUSALS.some((kind) => error instanceof kind)) throw error;
      refusal = { name: error.name, message: error.message };
      console.error(`${operation.do} ${operation.comment} was refused: ${error.message}`);
    }
    await this.#store.change('answered', { operation: operation.n, error: refusal });
  }

  #send({ do: what, comment: id, revision, reader, reason, note, at }) {
    const site = this.#site;
    if (what === 'withdraw') return this.#front.withdraw(site, id);
    if (what === 'report') return this.#front.report(site, id, reader, { reason, note, at });
    const comment = this.#store.state.comments.get(id);
    const text = comment.texts.find((candidate) => candidate.revision === revision);
    // A newer text follows, or the comment was erased: this one is no longer needed.
    if (!text) return Promise.resolve();
    return this.#front.submit({
      site, comment: id, revision, body: text.body, created_at: text.at, ...this.#describe(comment),
      author: { id: comment.owner, ...(comment.name && { name: comment.name }) },
    });
  }

  /** Until something is to be done, or for `ms`, or until the daemon was heard. */
  #sleep(ms) {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = ms === null ? null : setTimeout(end, ms);
      this.#hurry = end;
      // A daemon that is away is not asked more often because readers write more.
      this.#wake = () => { if (ms === null || this.#closed) end(); };
    });
  }
}
