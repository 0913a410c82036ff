/**
 * What the page knows: comments, their decisions, the place in the daemon's log, and what is still to be sent. It changes
 * only by `apply`, one change after the other, and the same changes always make the same state: nothing here looks at a
 * clock, a file or the network.
 */
import { createHash } from 'node:crypto';

export const MAX_REVISIONS = 50;

export function sha256(text) {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function last(list) {
  return list[list.length - 1];
}

/** A comment's newest text, or undefined when it was erased. */
export function newest(comment) {
  return last(comment.texts);
}

export class State {
  /** Number of the last change. */
  n = 0;
  /** Stands for this history of changes; another one has another id. */
  id = null;
  /** Goes into what stands for a reader's address. It is never told to anybody. */
  salt = null;
  /** Where we are in the daemon's log: { seq, chain (hex) }, or null before the first record. */
  place = null;
  /** Of the daemon's database (hex), or null before we knew it. */
  epoch = null;
  policy = null;
  /** The daemon lost a part of the past: its log is read anew, and nothing is shown meanwhile. */
  gathering = false;
  /** It has to be asked which of our comments it still has. */
  doubtful = false;
  comments = new Map();
  /** What is still to be sent, in order: number of the change that asked for it, to the operation. */
  outbox = new Map();
  #byOnce = new Map();
  #byArticle = new Map();

  /** Carries out a change, and returns what it says of itself: the comment, or { problem } when there was nothing to do. */
  apply(change) {
    this.n = change.n;
    return this[`_${change.do}`](change);
  }

  /** The comments of an article in the order in which they were written. */
  written(article) {
    return this.#changes(article).slice().sort((a, b) => a.created - b.created);
  }

  /** At most `limit` comments of an article that changed after change `n`, the first first. */
  changedSince(article, n, limit) {
    const list = this.#changes(article);
    let from = list.length;
    while (from > 0 && list[from - 1].changed > n) from--;
    return list.slice(from, from + limit);
  }

  /** The text that everybody may read: the very one that was approved; null when there is none. */
  shownText(comment) {
    const { decision } = comment;
    if (this.gathering || comment.withdrawn || decision?.decision !== 'approved') return null;
    const text = comment.texts.find(({ revision }) => revision === decision.revision);
    return text && sha256(text.body) === decision.hash ? text : null;
  }

  /** What its author is told: awaiting, approved, rejected, refused or gone. */
  standing(comment) {
    const { decision } = comment;
    if (comment.withdrawn || comment.texts.length === 0) return 'gone';
    if (comment.refused) return 'refused';
    if (this.gathering || !decision || decision.revision < newest(comment).revision) return 'awaiting';
    return { approved: 'approved', rejected: 'rejected', reopened: 'awaiting' }[decision.decision] ?? 'gone';
  }

  /** Changes that make this state from nothing. */
  *snapshot() {
    const { n, id, salt, place, epoch, policy, gathering, doubtful } = this;
    yield { n, do: 'head', id, salt, place, epoch, policy, gathering, doubtful, outbox: [...this.outbox.values()] };
    for (const comment of this.comments.values()) yield { n, do: 'kept', comment };
  }

  _head({ do: _, n, outbox, ...rest }) {
    Object.assign(this, rest);
    for (const operation of outbox ?? []) this.outbox.set(operation.n, operation);
  }

  _kept({ comment }) {
    this.comments.set(comment.id, comment);
    this.#byOnce.set(`${comment.owner} ${comment.once}`, comment);
    const list = this.#changes(comment.article);
    list.push(comment);
    list.sort((a, b) => a.changed - b.changed);
  }

  _comment({ n, at, id, once, owner, article, name, language, body }) {
    // A form that is sent twice makes one comment.
    const before = this.#byOnce.get(`${owner} ${once}`);
    if (before && newest(before)?.body === body) return { comment: before };
    const comment = {
      id, once, owner, article, name, language, texts: [{ revision: 1, body, at }],
      created: n, changed: n, withdrawn: false, refused: null, decision: null, wasShown: false,
    };
    this.comments.set(id, comment);
    this.#byOnce.set(`${owner} ${once}`, comment);
    this.#changes(article).push(comment);
    this.#send(n, 'submit', { comment: id, revision: 1 });
    return { comment };
  }

  _edit({ n, at, id, owner, body }) {
    const comment = this.#own(id, owner);
    if (!comment) return { problem: 'gone' };
    const { revision, body: before } = newest(comment);
    if (body === before) return { comment };
    if (revision >= MAX_REVISIONS) return { problem: 'edits' };
    comment.texts.push({ revision: revision + 1, body, at });
    comment.refused = null;
    this.#touch(comment);
    this.#send(n, 'submit', { comment: id, revision: revision + 1 });
    return { comment };
  }

  _withdraw({ n, id, owner }) {
    const comment = this.#own(id, owner);
    if (!comment) return { problem: 'gone' };
    comment.withdrawn = true;
    this.#touch(comment);
    this.#send(n, 'withdraw', { comment: id });
    return { comment };
  }

  _report({ n, at, id, reader, reason, note }) {
    const comment = this.comments.get(id);
    if (!comment || !this.shownText(comment)) return { problem: 'gone' };
    this.#send(n, 'report', { comment: id, reader, reason, note, at });
    return { comment };
  }

  /** The daemon's answer to what was sent; `error` when it will never take it. */
  _answered({ operation: n, error }) {
    const operation = this.outbox.get(n);
    if (!operation) return {};
    this.outbox.delete(n);
    const comment = this.comments.get(operation.comment);
    if (error && operation.do === 'submit' && comment && newest(comment)?.revision === operation.revision) {
      comment.refused = error;
      this.#touch(comment);
    }
    return { comment };
  }

  /** A record of the daemon's log: the comment's state and the place, in one. Does nothing when it was applied before. */
  _record({ record }) {
    if (this.place && record.seq <= this.place.seq) return {};
    this.place = { seq: record.seq, chain: record.chain };
    const comment = this.comments.get(record.comment);
    if (!comment) return {};
    const { decision, revision, reasons, seq, body_sha256: hash } = record;
    comment.decision = { decision, revision, reasons, seq, hash };
    comment.wasShown ||= decision === 'approved';
    comment.texts = decision === 'erased' ? [] : comment.texts.filter((text) => text.revision >= revision || text === newest(comment));
    if (decision === 'erased') comment.name = '';
    this.#touch(comment);
    return { comment, erased: decision === 'erased' };
  }

  /** A daemon that was restored from a backup may lack comments without lacking records. */
  _epoch({ epoch }) {
    this.doubtful ||= this.epoch !== null && this.epoch !== epoch;
    this.epoch = epoch;
    return {};
  }

  _policy({ policy }) {
    this.policy = policy;
    return {};
  }

  /** All decisions are set aside, and the log is read from its beginning. */
  _diverged() {
    this.place = null;
    this.gathering = true;
    this.doubtful = true;
    for (const comment of this.comments.values()) {
      comment.decision = null;
      this.#touch(comment);
    }
    return {};
  }

  /** We have every record there is. */
  _level() {
    this.gathering = false;
    for (const comment of this.comments.values()) this.#touch(comment);
    return {};
  }

  /** What the daemon no longer has is sent again. */
  _asked({ n, submit, withdraw }) {
    this.doubtful = false;
    // Numbers between n and the next change's: an operation needs one of its own.
    let part = 0;
    const number = () => n + ++part / (submit.length + withdraw.length + 1);
    for (const id of submit) {
      // It may have been erased since we asked.
      const text = newest(this.comments.get(id));
      if (text) this.#send(number(), 'submit', { comment: id, revision: text.revision });
    }
    for (const id of withdraw) this.#send(number(), 'withdraw', { comment: id });
    return {};
  }

  #own(id, owner) {
    const comment = this.comments.get(id);
    return comment?.owner === owner && this.standing(comment) !== 'gone' ? comment : null;
  }

  #send(n, what, fields) {
    this.outbox.set(n, { n, do: what, ...fields });
  }

  #changes(article) {
    if (!this.#byArticle.has(article)) this.#byArticle.set(article, []);
    return this.#byArticle.get(article);
  }

  #touch(comment) {
    const list = this.#changes(comment.article);
    list.splice(list.indexOf(comment), 1);
    comment.changed = this.n;
    list.push(comment);
  }
}
