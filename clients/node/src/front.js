// A web server's door to the daemon: comments in, answers back.
import { cut, DEFAULT_LIMITS, LEAST_LIMITS, weigh } from './batch.js';
import { checkResults, duration, needList } from './check.js';
import { Exchange } from './exchange.js';
import { endpointOf } from './key.js';
import { Submission } from './submission.js';
import { now } from './timing.js';
import { withTrace } from './trace.js';

const TIMEOUT_MS = 5000;
const ATTEMPT_MS = 2000;

export class Front {
  #exchange;
  #timeout;
  #limits = null;
  #limitsOf = 0; // connections that had been lost when they were told

  constructor(endpoint, { key, timeout = TIMEOUT_MS, attempt = ATTEMPT_MS } = {}) {
    this.#timeout = duration('timeout', timeout);
    this.#exchange = new Exchange(endpointOf(endpoint, key, 'front'), key, Math.min(duration('attempt', attempt), timeout));
  }

  async hello({ timeout } = {}) {
    const answer = await this.#ask('hello', {}, timeout);
    this.#keepLimits(answer.limits);
    return answer;
  }

  async submit(comment, options = {}) {
    const [result] = await this.submitMany([comment], options);
    if (result.error)
      throw result.error;
    return result;
  }

  /** An outbox sets `until`, the moment at which all of it ends. */
  async submitMany(comments, { traceparent, timeout, until } = {}) {
    needList('comments', comments);
    const results = new Array(comments.length);
    const items = this.#weighAll(comments, traceparent, results);
    const deadline = this.#deadline(timeout);
    try {
      await this.#learnLimits(items, deadline);
    } catch (error) {
      this.#submission(results, timeout).fail(items, error);
      return results;
    }
    await this.#submission(results, timeout, until).run(items);
    return results;
  }

  withdraw(site, comment, { timeout } = {}) {
    return this.#ask('withdraw', { site, comment }, timeout);
  }

  /** `at` is fixed here, once, so that a repeat does not count again. */
  report(site, comment, reader, { reason, note, at = Date.now(), timeout } = {}) {
    return this.#ask('report', { site, comment, reader, reason, note, at }, timeout);
  }

  async status(site, ids, { timeout } = {}) {
    needList('ids', ids);
    const { results } = await this.#ask('status', { site, comments: ids }, timeout);
    return checkResults('status', results, ids.length);
  }

  article(site, article, { closed, front_page, timeout } = {}) {
    return this.#ask('article', { site, article, closed, front_page }, timeout);
  }

  async policy(site, { timeout } = {}) {
    const { policy } = await this.#ask('policy', { site }, timeout);
    return policy;
  }

  confirm(site, listener, seq, { timeout } = {}) {
    return this.#ask('confirm', { site, listener, seq }, timeout);
  }

  close() {
    this.#exchange.close();
  }

  // ---- asking

  #deadline(timeout) {
    return now() + duration('timeout', timeout ?? this.#timeout);
  }

  async #ask(op, fields, timeout) {
    return this.#askUntil(op, fields, this.#deadline(timeout));
  }

  #askUntil(op, fields, deadline) {
    return this.#exchange.ask(op, fields, deadline, this.#known().max_message_bytes);
  }

  // ---- comments

  #submission(results, timeout, until) {
    const times = { timeout: duration('timeout', timeout ?? this.#timeout), until };
    return new Submission(this.#exchange, this.#known(), times, results);
  }

  #weighAll(comments, traceparent, results) {
    const items = [];
    comments.forEach((comment, index) => {
      try {
        items.push(weigh(withTrace(comment, traceparent, this.#known().extra_bytes), index));
      } catch (error) {
        this.#submission(results).fail([{ value: comment, index }], error);
      }
    });
    return items;
  }

  // ---- limits

  /** A daemon that was lost may come back with others. */
  #known() {
    return this.#isTold() ? this.#limits : DEFAULT_LIMITS;
  }

  #isTold() {
    return this.#limits !== null && this.#limitsOf === this.#exchange.lost;
  }

  #keepLimits(told) {
    const good = Object.entries(told ?? {}).filter(([, value]) => Number.isSafeInteger(value) && value >= 0);
    this.#limits = { ...DEFAULT_LIMITS, ...Object.fromEntries(good) };
    this.#limitsOf = this.#exchange.lost;
  }

  /** Asks for the daemon's limits, once for each connection, when there is something that not every daemon would take. */
  async #learnLimits(items, deadline) {
    if (this.#isTold() || (items.length <= LEAST_LIMITS.max_batch && cut(items, LEAST_LIMITS).length <= 1 &&
        items.every((item) => item.bytes < LEAST_LIMITS.max_message_bytes / 2)))
      return;
    const { limits } = await this.#askUntil('hello', {}, deadline);
    this.#keepLimits(limits);
  }
}
