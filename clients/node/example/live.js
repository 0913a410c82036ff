/**
 * Tells browsers of changes while they happen (server-sent events). A stream holds no queue: when its browser has read what it
 * got, the comments that changed since are looked up and sent as they are then. So a slow browser costs as much memory as a
 * quick one, and one that does not read at all is let go.
 */

export const STREAM_TYPE = 'text/event-stream; charset=utf-8';
const AT_ONCE = 50;

function eventText(name, id, data) {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

export class Live {
  #store;
  #streams = new Set();
  #perClient = new Map();
  #limits;
  #timer;

  /** Limits: `streams` in all, `perClient`, `heartbeat` and `patience` in ms. */
  constructor(store, limits = {}) {
    this.#store = store;
    this.#limits = { streams: 2000, perClient: 100, heartbeat: 15000, patience: 30000, ...limits };
    store.on('changed', (article) => this.#wake(article));
    this.#timer = setInterval(() => this.#beat(), this.#limits.heartbeat);
  }

  get size() {
    return this.#streams.size;
  }

  /**
   * The events of an article from a place on (`STORE-N`, as in the events' ids), as a Response. `view(comment)` is what is sent
   * of a comment, null when this reader may not see it any more, undefined when he never could. `client` stands for who
   * connects; `cut` closes the connection when nobody reads from it. Null when there are too many.
   */
  open({ article, from, view, client, cut }) {
    const open = this.#perClient.get(client) ?? 0;
    if (this.#streams.size >= this.#limits.streams || open >= this.#limits.perClient) return null;
    this.#perClient.set(client, open + 1);
    const stream = new Stream(this.#store.state, { article, from, view, cut, gone: () => this.#gone(stream, client) });
    this.#streams.add(stream);
    return new Response(stream.body, {
      headers: { 'Content-Type': STREAM_TYPE, 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
    });
  }

  close() {
    clearInterval(this.#timer);
    for (const stream of this.#streams) stream.end();
  }

  #gone(stream, client) {
    if (!this.#streams.delete(stream)) return;
    const left = this.#perClient.get(client) - 1;
    if (left > 0) this.#perClient.set(client, left);
    else this.#perClient.delete(client);
  }

  #wake(article) {
    for (const stream of this.#streams) {
      if (article === null || stream.article === article) stream.wake();
    }
  }

  #beat() {
    const latest = Date.now() - this.#limits.patience;
    for (const stream of this.#streams) {
      if (stream.unreadSince < latest) stream.drop();
      else stream.beat();
    }
  }
}

class Stream {
  body;
  article;
  /** When the first thing that its browser has not taken yet was due; Infinity when it has taken everything. */
  unreadSince = Infinity;
  #state;
  #place;
  #first;
  #view;
  #gone;
  #cut;
  #controller;
  #asking = null;
  #beatDue = false;

  constructor(state, { article, from, view, cut, gone }) {
    this.#state = state;
    this.article = article;
    this.#view = view;
    this.#gone = gone;
    this.#cut = cut;
    const [, id, n] = /^(\w+)-([\d.]+)$/.exec(from) ?? [];
    const known = id === state.id && Number(n) <= state.n;
    this.#place = known ? Number(n) : 0;
    this.#first = known ? ': hello\n\nretry: 2000\n\n' : this.#everything();
    this.body = new ReadableStream({
      start: (controller) => { this.#controller = controller; },
      pull: () => new Promise((resolve) => { this.#asking = resolve; this.#give(); }),
      cancel: () => this.#gone(),
    }, { highWaterMark: 0 });
  }

  /** Something changed. */
  wake() {
    this.#due();
    this.#give();
  }

  beat() {
    this.#beatDue = true;
    this.wake();
  }

  end() {
    this.#gone();
    this.#asking?.();
    this.#controller.close();
  }

  /** For a browser that does not read. */
  drop() {
    this.#gone();
    this.#cut();
  }

  #due() {
    if (!this.#asking) this.unreadSince = Math.min(this.unreadSince, Date.now());
  }

  /** Gives what there is, if it was asked for; else it is looked up when it is. */
  #give() {
    if (!this.#asking) return;
    const text = this.#next();
    if (!text) return;
    const answered = this.#asking;
    this.#asking = null;
    this.unreadSince = Infinity;
    this.#controller.enqueue(new TextEncoder().encode(text));
    answered();
  }

  #next() {
    if (this.#first) {
      const text = this.#first;
      this.#first = null;
      return text;
    }
    const news = this.#news();
    if (news) return news;
    if (!this.#beatDue) return null;
    this.#beatDue = false;
    return ': still here\n\n';
  }

  #news() {
    for (;;) {
      const changed = this.#state.changedSince(this.article, this.#place, AT_ONCE);
      const text = changed.map((comment) => this.#event(comment)).join('');
      if (text || changed.length === 0) return text;
    }
  }

  #event(comment) {
    this.#place = comment.changed;
    const view = this.#view(comment);
    if (view === undefined) return '';
    return eventText(view ? 'comment' : 'gone', this.#id(), view ?? { id: comment.id });
  }

  /** For a browser whose place we do not know: what there is; all else on its page is no longer there. */
  #everything() {
    const ids = this.#state.written(this.article).filter((comment) => this.#view(comment)).map(({ id }) => id);
    return `retry: 2000\n\n${eventText('only', this.#id(), ids)}`;
  }

  #id() {
    return `${this.#state.id}-${this.#place}`;
  }
}
