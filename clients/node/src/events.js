// What came and was not handed out yet, with one who waits for it.
import { badArgument } from './errors.js';
import { after } from './timing.js';

export class Events {
  #events = [];
  #last = null; // handed out again and again, once nothing else is left
  #wake = null;

  push(event) {
    if (this.#last)
      return;
    this.#events.push(event);
    this.#stir();
  }

  /** Nothing comes after `event`. */
  finish(event) {
    this.#last ??= event;
    this.#stir();
  }

  forget() {
    this.#events.length = 0;
  }

  get finished() {
    return this.#last !== null;
  }

  isLast(event) {
    return event === this.#last;
  }

  /** The next event, or null when there is none just now. */
  take() {
    return this.#events.shift() ?? this.#last;
  }

  /** Waits until there is something to take, `ms` at most where it is given. Says whether there is. */
  wait(ms) {
    if (this.#wake)
      throw badArgument('somebody waits for the next event already');
    return new Promise((resolve) => {
      const stop = ms === undefined ? () => {} : after(ms, () => { this.#wake = null; resolve(false); });
      this.#wake = () => { stop(); resolve(true); };
    });
  }

  #stir() {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
