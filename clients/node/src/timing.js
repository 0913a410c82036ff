// Durations and pauses. Everything is in milliseconds of a clock that never goes back.

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
const LONGEST_TIMER_MS = 2 ** 31 - 1; // a longer one would end at once

export function now() {
  return performance.now();
}

/** Pauses that double, each with jitter, so that many clients do not come back at the same moment. */
export class Backoff {
  #pause = FIRST_PAUSE_MS;

  /** The next pause, never shorter than `least`. */
  next(least = 0) {
    const pause = this.#pause * (0.75 + Math.random() / 2);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    return Math.max(pause, least ?? 0);
  }

  reset() {
    this.#pause = FIRST_PAUSE_MS;
  }
}

/** Runs `what` after `ms`, but not before what has arrived meanwhile was read: a program that was busy for long would
 * otherwise take answers that lie there for lost. Returns what stops it. */
export function after(ms, what) {
  let stopped = false;
  const timer = setTimeout(() => setImmediate(() => stopped || what()), Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Pauses that can all be ended at once. */
export class Sleepers {
  #wakers = new Set();

  sleep(ms) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(ms, LONGEST_TIMER_MS));
      this.#wakers.add(wake);
    });
  }

  wakeAll() {
    for (const wake of [...this.#wakers])
      wake();
  }
}
