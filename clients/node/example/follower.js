/**
 * Acts on the daemon's decisions: each record becomes a change of the store, together with the place in the log. Also keeps the
 * house rules, and asks anew for what the daemon may have lost.
 */
import { Decisions } from 'modqd';
import { newest } from './state.js';

const PAUSE_MS = 1000;
/** So many comments are asked for in one request; a daemon takes 256. */
const ASKED_AT_ONCE = 200;

function hex(bytes) {
  return bytes && Buffer.from(bytes).toString('hex');
}

/** What the store keeps of a record: JSON has no bytes. */
function plain(record) {
  return { ...record, chain: hex(record.chain), body_sha256: hex(record.body_sha256) };
}

export class Follower {
  #store;
  #front;
  #sender;
  #endpoint;
  #site;
  #key;
  #stopping = new AbortController();
  #done;

  constructor({ store, front, sender, endpoint, site, key }) {
    this.#store = store;
    this.#front = front;
    this.#sender = sender;
    this.#endpoint = endpoint;
    this.#site = site;
    this.#key = key;
  }

  start() {
    this.#done = Promise.all([this.#follow(), this.#keepPolicy(), this.#keepAsking()]);
  }

  async close() {
    this.#stopping.abort();
    await this.#done;
  }

  get #closed() {
    return this.#stopping.signal.aborted;
  }

  async #follow() {
    while (!this.#closed) {
      try {
        await this.#followOnce();
      } catch (error) {
        console.error(`decisions: ${error.message}`);
      }
      await this.#sleep(PAUSE_MS);
    }
  }

  /** Until it is closed, or cannot go on. */
  async #followOnce() {
    const decisions = new Decisions(this.#endpoint, this.#site, {
      place: this.#place(), key: this.#key, listener: 'web', signal: this.#stopping.signal,
    });
    for await (const event of decisions) {
      if (event.type === 'record') await this.#apply(event.record, decisions);
      else if (event.type === 'level') await this.#level().catch((error) => console.error(`level: ${error.message}`));
      else if (event.type === 'lost') console.error(`decisions: ${event.error?.message ?? 'the daemon is away'}`);
      else if (event.type === 'failed') return this.#failed(event.error);
    }
  }

  async #apply(record, decisions) {
    await this.#store.change('record', { record: plain(record) });
    await decisions.recorded();
    if (record.policy && record.policy !== this.#store.state.policy?.version) await this.#askPolicy().catch(() => {});
  }

  /** We have all records; after each connection anew. */
  async #level() {
    this.#sender.hurry();
    if (this.#store.state.gathering) await this.#store.change('level');
    const { epoch } = await this.#front.hello();
    if (hex(epoch) !== this.#store.state.epoch) await this.#store.change('epoch', { epoch: hex(epoch) });
  }

  async #failed(error) {
    if (error.name !== 'diverged') throw error;
    console.error('decisions: the daemon lost a part of the past; its log is read anew');
    await this.#store.change('diverged');
  }

  /** The place is saved with the record that it belongs to: there is nothing left to save. */
  #place() {
    const { state } = this.#store;
    return {
      load: async () => state.place && {
        seq: state.place.seq, chain: Buffer.from(state.place.chain, 'hex'), epoch: state.epoch && Buffer.from(state.epoch, 'hex'),
      },
    };
  }

  async #keepPolicy() {
    for (let known = false; !known && !this.#closed;) {
      known = await this.#askPolicy().then(() => true, () => false);
      if (!known) await this.#sleep(PAUSE_MS);
    }
  }

  async #askPolicy() {
    const policy = await this.#front.policy(this.#site);
    if (policy.version !== this.#store.state.policy?.version) await this.#store.change('policy', { policy });
  }

  /** After a divergence: which of our comments does the daemon have? Only once its whole log has been read. */
  async #keepAsking() {
    while (!this.#closed) {
      const { doubtful, gathering } = this.#store.state;
      if (doubtful && !gathering) await this.#ask().catch((error) => console.error(`asking anew: ${error.message}`));
      await this.#sleep(PAUSE_MS);
    }
  }

  async #ask() {
    const { comments } = this.#store.state;
    const submit = [];
    const withdraw = [];
    const ids = [...comments.keys()];
    for (let from = 0; from < ids.length; from += ASKED_AT_ONCE) {
      const answers = await this.#front.status(this.#site, ids.slice(from, from + ASKED_AT_ONCE));
      for (const answer of answers) {
        const comment = comments.get(answer.comment);
        if (comment.withdrawn && answer.state !== 'withdrawn' && answer.state !== 'erased') withdraw.push(comment.id);
        if (!comment.withdrawn && lacks(answer, comment)) submit.push(comment.id);
      }
    }
    await this.#store.change('asked', { submit, withdraw });
  }

  #sleep(ms) {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
  }
}

/** Whether the daemon does not have the newest text of a comment. */
function lacks(answer, comment) {
  const text = newest(comment);
  return text !== undefined && (answer.status === 'not_found' || answer.revision < text.revision);
}
