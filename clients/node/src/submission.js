// Many comments on their way in: cut into batches, and repeated one by one where they have to be.
import { cut, oversize } from './batch.js';
import { checkResults } from './check.js';
import { errorFrom, ownError } from './errors.js';
import { Backoff, now } from './timing.js';

const STORED = ['accepted', 'duplicate'];
const LANES = 4; // batches under way at the same time

function failure(item, error) {
  const { site = null, comment = null, revision = null } = item.value ?? {};
  return { site, comment, revision, status: error.name, error };
}

/** The daemon counts in the list that it got; the caller counts in his own. */
function inCallersList(error, index) {
  const renumber = (text) => text.replace(/^comments\[\d+\]/, `comments[${index}]`);
  error.message = renumber(error.message);
  error.field = error.field === null ? null : renumber(error.field);
  return error;
}

/** What is wrong with a result: its error, or that it is neither success nor an error. */
function errorOf(result) {
  if ('error' in result)
    return errorFrom(result.error);
  return STORED.includes(result.status) ? null : ownError('client_bad_reply', 'the daemon sent a result that makes no sense');
}

export class Submission {
  #exchange;
  #limits;
  #timeout;
  #until;
  #results;
  #away = null; // why nothing more is sent

  /** Puts the result of each item into `results`, at its index. `timeout` counts for each batch; at the moment `until` all
   * of it ends. */
  constructor(exchange, limits, { timeout, until = Infinity }, results) {
    this.#exchange = exchange;
    this.#limits = limits;
    this.#timeout = timeout;
    this.#until = until;
    this.#results = results;
  }

  async run(items) {
    const batches = cut(items.filter((item) => this.#fits(item)), this.#limits);
    const lane = async () => {
      for (let batch = batches.shift(); batch; batch = batches.shift())
        await this.#submitInTime(batch);
    };
    await Promise.all(Array.from({ length: Math.min(LANES, batches.length) }, lane));
  }

  /** One result for all: what became of a request as a whole. */
  fail(items, error) {
    for (const item of items)
      this.#results[item.index] = failure(item, error);
  }

  #fits(item) {
    const error = oversize(item, this.#limits);
    if (error)
      this.#results[item.index] = failure(item, error);
    return !error;
  }

  /** After a batch that got no answer the rest is not tried. */
  async #submitInTime(batch) {
    if (now() >= this.#until)
      this.#away ??= ownError('client_timeout', 'the time was over before it was sent');
    if (this.#away)
      this.fail(batch, this.#away);
    else
      await this.#submit(batch, Math.min(now() + this.#timeout, this.#until));
  }

  async #submit(batch, deadline) {
    const backoff = new Backoff();
    for (let items = batch; items.length > 0;) {
      let refused;
      try {
        refused = await this.#once(items, deadline);
      } catch (error) {
        return this.#fail(items, error, deadline);
      }
      const pause = backoff.next(Math.max(0, ...refused.map(({ index }) => this.#results[index].error.retry_after_ms)));
      if (now() + pause >= deadline)
        return undefined;
      if (refused.length > 0)
        await this.#exchange.sleep(pause);
      items = this.#exchange.closed ? [] : refused;
    }
    return undefined;
  }

  /** A daemon may have been given a lower limit since it was asked. */
  async #fail(items, error, deadline) {
    const max = error.field === 'comments' && error.name === 'out_of_range' ? error.details.max : undefined;
    if (!Number.isSafeInteger(max) || max < 1 || max >= items.length) {
      this.fail(items, error);
      this.#away = error.class === 'retry' ? error : null;
      return;
    }
    for (const batch of cut(items, { ...this.#limits, max_batch: max }))
      await this.#submit(batch, deadline);
  }

  /** Sends once; returns the items that may be taken later. */
  async #once(items, deadline) {
    const comments = items.map((item) => item.value);
    const answer = await this.#exchange.ask('submit', { comments }, deadline, this.#limits.max_message_bytes);
    const results = checkResults('submit', answer.results, items.length);
    return items.filter((item, i) => this.#keep(item, results[i]));
  }

  #keep(item, result) {
    const error = errorOf(result);
    this.#results[item.index] = error ? { ...result, error: inCallersList(error, item.index) } : result;
    return error?.class === 'retry';
  }
}
