/** Hands comments to the moderation queue modqd, and acts on its decisions. proto/PROTOCOL.md says what the fields mean.
 *
 * All durations are milliseconds, all moments milliseconds since 1970 UTC. Bytes are Uint8Array (Buffer is one). Nothing
 * connects before it is used first. What was opened keeps the process alive until it is closed. */

// ---- what is handed in

/** A comment event. */
export interface Comment {
  /** The site's name, 1 to 64 bytes. */
  site: string;
  /** The site's id of the comment, 1 to 128 bytes; unique in the site for ever. */
  comment: string;
  /** 1 when left out; an author's edit is sent as a higher one. */
  revision?: number | null;
  /** The text, 1 to 65536 bytes of UTF-8, kept byte for byte. */
  body: string;
  article?: Article | null;
  /** The id of the comment that it answers. */
  parent?: string | null;
  author?: Author | null;
  /** When the author sent it. */
  created_at?: number | null;
  /** A BCP 47 tag, such as `ckb`. */
  language?: string | null;
  /** Anything else, at most 4096 bytes packed; given back, never interpreted. */
  extra?: Record<string, unknown> | null;
}

export interface Article {
  id: string;
  title?: string | null;
  url?: string | null;
  language?: string | null;
}

export interface Author {
  id?: string | null;
  name?: string | null;
  /** When the author became a member of the site. */
  registered_at?: number | null;
  /** Something that stands for the network address, at most 64 bytes; never the address. */
  address_hash?: string | Uint8Array | null;
}

// ---- what comes back

export type State = 'pending' | 'approved' | 'rejected' | 'withdrawn' | 'erased';

export interface SubmitResult {
  site: string;
  comment: string;
  revision: number;
  /** Both are success: `duplicate` says that this very revision was there already. */
  status: 'accepted' | 'duplicate';
  /** Of this revision, now: `superseded` when a higher one is known. */
  state: State | 'superseded';
  received_at: number;
  error?: undefined;
}

/** A comment that was not taken. `site`, `comment` and `revision` are null where they could not be read. */
export interface SubmitFailure {
  site: string | null;
  comment: string | null;
  revision: number | null;
  /** The error's name. */
  status: string;
  error: ModqdError;
}

export interface WithdrawAnswer {
  status: 'withdrawn' | 'duplicate';
  /** Number of the record. */
  seq: number;
}

export interface ReportAnswer {
  status: 'counted' | 'duplicate';
  /** How many readers' reports count now. */
  reports: number;
  state: State;
}

export type StatusResult = {
  comment: string;
  status: 'found';
  state: State;
  revision: number;
  /** Null when no text came. */
  received_at: number | null;
  /** Number of its last record; the three below belong to it. */
  seq: number | null;
  decision: Decision | null;
  reasons: string[];
  decided_at: number | null;
  body_sha256: Uint8Array | null;
  error?: undefined;
} | {
  comment: string;
  /** The error's name, first of all `not_found`. */
  status: string;
  error: ErrorFacts;
};

export interface Policy {
  /** Travels in every decision; ask again when a record carries another one. */
  version: string;
  reports_reopen: number;
  order: 'oldest' | 'newest' | 'urgency';
  languages: string[];
  /** Languages that no native speaker has reviewed yet. */
  unreviewed: string[];
  reasons: Reason[];
}

export interface Reason {
  code: string;
  parent: string | null;
  needs_note: boolean;
  title: Record<string, string>;
  /** What the author is told. */
  sentence: Record<string, string>;
}

export interface Hello {
  server: string;
  versions: number[];
  epoch: Uint8Array;
  time: number;
  heartbeat_ms: number;
  credit_timeout_ms: number;
  limits: Record<string, number>;
}

// ---- Front

export interface Timeout {
  /** The whole of this request with its repeats, instead of the front's own. */
  timeout?: number;
}

export interface FrontOptions {
  /** Needed over TCP. */
  key?: Key | null;
  /** The whole of one request with its repeats. 5000 by default. */
  timeout?: number;
  /** One attempt. 2000 by default, never more than `timeout`. After it a new socket sends the same bytes again. */
  attempt?: number;
}

export interface SubmitOptions extends Timeout {
  /** The header `traceparent` of W3C Trace Context. Goes into `extra.traceparent` of each comment that has none, and so onto
   * the moderator's card. A malformed one is ignored. */
  traceparent?: string | null;
}

/** A web server's door to the daemon. Any number of requests may be under way.
 *
 * Every method waits for the daemon's answer, and repeats the request where that may help. It rejects with a ModqdError: the
 * daemon's own, or `client_timeout`, `client_cannot_connect`, `client_bad_argument`, `client_bad_reply`; and with
 * `invalid_utf8`, `too_long`, `malformed` before anything was sent. */
export declare class Front {
  /** `endpoint` such as `ipc:///run/modqd/front.sock`; without one, that of the key file. Throws client_bad_argument. */
  constructor(endpoint: string | null | undefined, options?: FrontOptions);

  /** Asks for the daemon's limits, and keeps them. Called by itself where they matter. */
  hello(options?: Timeout): Promise<Hello>;

  /** Hands in a comment. When it resolves, the comment is on the daemon's disk. */
  submit(comment: Comment, options?: SubmitOptions): Promise<SubmitResult>;

  /** Hands in many, cut into requests that the daemon takes. One result for each, in the same order. Each fails for itself;
   * what may succeed later is repeated alone. `timeout` counts for each request; after one without an answer the rest is not
   * tried. Rejects only when `comments` is no array. */
  submitMany(comments: readonly Comment[], options?: SubmitOptions): Promise<(SubmitResult | SubmitFailure)[]>;

  /** The author takes a comment back. */
  withdraw(site: string, comment: string, options?: Timeout): Promise<WithdrawAnswer>;

  /** A reader complains. `reader` stands for the reader and counts once. `at` is now when left out. */
  report(site: string, comment: string, reader: string,
    options?: Timeout & { reason?: string | null; note?: string | null; at?: number }): Promise<ReportAnswer>;

  /** How comments stand; one result for each id, in the same order. `ids` has `max_batch` items (256 by default) at most. */
  status(site: string, ids: readonly string[], options?: Timeout): Promise<StatusResult[]>;

  /** What the site wants known about an article. What is left out of `closed` and `front_page` stays as it is. */
  article(site: string, article: Article,
    options?: Timeout & { closed?: boolean | null; front_page?: boolean | null }): Promise<{ status: 'stored' }>;

  /** The site's reasons, with their texts. */
  policy(site: string, options?: Timeout): Promise<Policy>;

  /** Says how far a named listener has applied the site's records. */
  confirm(site: string, listener: string, seq: number, options?: Timeout): Promise<{ newest: number; lag: number }>;

  /** Closes the socket. What is under way rejects with client_timeout. */
  close(): void;
}

// ---- Push

/** Comments that may be lost: nothing is answered, nothing repeated. */
export declare class Push {
  /** `timeout`: how long a method waits for a place in the queue of 1000 messages. 2000 by default. */
  constructor(endpoint: string | null | undefined, options?: { key?: Key | null; timeout?: number });

  /** Each resolves when the request is in the queue. They reject with client_timeout when there was no place in time, and
   * with `invalid_utf8`, `too_long`, `malformed`, `client_bad_argument`. */
  submit(comment: Comment): Promise<void>;
  submitMany(comments: readonly Comment[]): Promise<void>;
  withdraw(site: string, comment: string): Promise<void>;
  report(site: string, comment: string, reader: string,
    options?: { reason?: string | null; note?: string | null; at?: number }): Promise<void>;

  /** Waits up to `linger` ms (0 by default) until all is handed over. Resolves to how many comments, withdrawals and reports
   * were not: an upper bound. */
  close(linger?: number): Promise<number>;
}

// ---- Decisions

export type Decision = 'approved' | 'rejected' | 'reopened' | 'withdrawn' | 'erased';

/** One entry of a site's log: show the comment when `decision` is `approved`, else hide it. */
export interface DecisionRecord {
  site: string;
  seq: number;
  comment: string;
  revision: number;
  decision: Decision;
  reasons: string[];
  policy: string | null;
  /** Of the text that was judged. */
  body_sha256: Uint8Array | null;
  decided_at: number;
  cause: string;
  undoes: number | null;
  supersedes: number | null;
  /** Keep it beside `seq`. */
  chain: Uint8Array;
}

/** How far a site's records were applied. */
export interface Position {
  seq: number;
  /** 32 bytes of record `seq`. Null: unknown. */
  chain: Uint8Array | null;
  /** 16 bytes of the log. Null: unknown. */
  epoch: Uint8Array | null;
}

/** Where a position is kept. */
export interface Place {
  /** The position that was saved last; null or undefined when there is none. */
  load(site: string): Position | null | undefined | Promise<Position | null | undefined>;
  /** Resolves when it is on the disk. Leave it out when you save `event.position` yourself, in the transaction that applies
   * the record. */
  save?(site: string, position: Position): void | Promise<void>;
}

export type DecisionEvent =
  /** The next record. Apply it, then call `recorded`. `position` is the place once it is applied. */
  | { type: 'record'; record: DecisionRecord; position: Position }
  /** You have everything that there was. Told after each opening. */
  | { type: 'level' }
  /** The daemon is away, or a record was lost on the way. The stream opens anew by itself. */
  | { type: 'lost'; error: ModqdError | null }
  /** The replay is over. */
  | { type: 'end' }
  /** It cannot go on: first of all `diverged` (PROTOCOL.md, "How to write a front end", says what to do then). */
  | { type: 'failed'; error: ModqdError };

export interface DecisionsOptions {
  /** Where it begins, and where `recorded` saves. */
  place?: Place | null;
  key?: Key | null;
  /** Without a place: number, chain and epoch of the last record that you have. */
  after?: number;
  hash?: Uint8Array | null;
  epoch?: Uint8Array | null;
  /** How many records may be on their way. 500 by default. */
  credit?: number;
  /** False: end when level. True by default. */
  live?: boolean;
  /** Fail when the daemon has not been heard for so long. 0, the default: never. */
  giveUp?: number;
  /** The name by which moderators see how far this front end is. Told every 10 s at most, and when level. */
  listener?: string | null;
  /** Closes when it is aborted. */
  signal?: AbortSignal;
}

/** A site's records from a place on: in order, without gaps. Lost connections, gaps and missing heartbeats are noticed, and
 * it goes on after the last record that was recorded. Each event can be had in one of three ways: */
export declare class Decisions implements AsyncIterable<DecisionEvent> {
  /** `endpoint` is that of the front socket. Throws client_bad_argument. Opens at the first event that is asked for. */
  constructor(endpoint: string | null | undefined, site: string, options?: DecisionsOptions);

  /** 1. Record after record, until `close` or the end of a replay. Rejects with what `apply` throws, and with why the stream
   * failed. */
  run(apply: (record: DecisionRecord) => unknown): Promise<void>;

  /** 2. As a loop; leaving it closes. Call `recorded` after each record. */
  [Symbol.asyncIterator](): AsyncIterator<DecisionEvent>;

  /** 3. One by one. With `wait`, null when nothing came within so many ms. After the last event: that one again. Rejects
   * with what the place's `load` throws. */
  next(): Promise<DecisionEvent>;
  next(wait: number | undefined): Promise<DecisionEvent | null>;

  /** Says that the record handed out last was applied, and all before it: saves the place, and lets the daemon send more. A
   * record that is not recorded comes again. Rejects with what the place's `save` throws; then nothing is recorded. */
  recorded(): Promise<void>;

  /** Of the last record that was recorded. */
  readonly position: Position;

  close(): void;
}

/** A place in a file, for one site and one process. Whole after a crash at any moment. Its methods reject with
 * client_system, and client_bad_argument when the file is another site's. */
export declare class FilePlace implements Place {
  constructor(path: string);
  load(site: string): Promise<Position | null>;
  save(site: string, position: Position): Promise<void>;
}

/** Runs one statement of SQL with its values, on your connection. Gives the rows of a SELECT as an array of objects, or a
 * promise of it; of other statements, whatever it likes. */
export type Query = (sql: string, values: (string | number)[]) => unknown;

export interface SqlPlaceOptions {
  /** A plain name, perhaps with a schema before it. `modqd_place` by default. */
  table?: string;
  /** How values are marked in a statement: `?` (the default; mysql2, better-sqlite3) or `$1`, `$2`, ... (pg). */
  style?: '?' | '$1';
}

/** A row for each site in a table of your own database. The table is the one of the other languages' clients: site, seq, and
 * chain and epoch in hex. One process for each site.
 *
 * Nothing is begun or committed here. Outside of a transaction each statement is one by itself, and a record can come again
 * after a crash. Who wants a record and its place in one transaction begins it before the record is applied, calls
 * `recorded`, and commits then, with `query` on the connection of the transaction. When that fails, leave the `Decisions`:
 * they count the record as applied, and the next ones begin where the database is.
 *
 * The methods reject with client_system, whose `cause` is what `query` threw, and with client_bad_argument when `query` gave
 * no array of objects. */
export declare class SqlPlace implements Place {
  /** Throws client_bad_argument. */
  constructor(query: Query, options?: SqlPlaceOptions);
  /** Makes the table where it is not there yet. Call it outside of transactions: MySQL would end one. */
  create(): Promise<void>;
  /** Rejects with client_system, too, when the row is damaged, or when it is that of a site which the database takes for the
   * same name (a collation without regard to case). */
  load(site: string): Promise<Position | null>;
  /** Rejects, too, when the database takes another site's name for the same; then nothing is saved. */
  save(site: string, position: Position): Promise<void>;
  /** The next listener begins at the first record, as it must after `diverged`. */
  forget(site: string): Promise<void>;
}

// ---- Outbox

export interface Flushed {
  /** Taken by the daemon. */
  sent: number;
  /** Kept on. */
  left: number;
  /** Set aside, because the daemon will never take it. */
  refused: { op: string; fields: Record<string, unknown>; error: ModqdError }[];
  /** Why something is left; null when nothing had to stay. */
  error: ModqdError | null;
}

/** Requests that are kept until the daemon takes them. */
export interface Outbox {
  /** When it resolves, the request is on the disk. Of `submit` the comment event is in `fields.comment`; `withdraw` and
   * `report` have the fields of PROTOCOL.md. */
  keep(op: 'submit', fields: { comment: Comment }): Promise<void>;
  keep(op: 'withdraw', fields: { site: string; comment: string }): Promise<void>;
  keep(op: 'report',
    fields: { site: string; comment: string; reader: string; reason?: string; note?: string; at?: number }): Promise<void>;
  /** Sends in order, until something has to stay. One process at a time does it; for another, all is left. */
  flush(front: Front, options?: Timeout): Promise<Flushed>;
  /** Puts back what was set aside, before what was kept since, so that the next flush tries it again: the key was a wrong
   * one, say. Resolves to how many; it is on the disk then. Rejects with client_timeout while another sends. */
  retryRefused(): Promise<number>;
  /** How many are kept. */
  count(): Promise<number>;
}

/** An outbox in a file, for any number of processes of one machine. What is refused goes to `PATH.refused`, one JSON object a
 * line with `op`, `fields`, `error` and `kept`, the line that `retryRefused` puts back. What the disk has damaged stands there
 * as `{"damaged": line}`, and stays. Rejects with client_system, and with `invalid_utf8`, `malformed`,
 * `client_bad_argument`. */
export declare class FileOutbox implements Outbox {
  constructor(path: string);
  keep: Outbox['keep'];
  flush(front: Front, options?: Timeout): Promise<Flushed>;
  retryRefused(): Promise<number>;
  count(): Promise<number>;
}

// ---- Key

/** What proves over TCP who you are. */
export declare class Key {
  private constructor();
  /** Reads a key file. Throws client_bad_argument when it cannot, or when others than its owner can read it. */
  static load(path: string): Key;
  readonly name: string | null;
  readonly role: string | null;
  readonly publicKey: string;
  readonly serverKey: string;
  readonly endpoints: Readonly<Record<'front' | 'push' | 'decisions' | 'desk', string | null>>;
}

// ---- Errors

export type ErrorClass = 'retry' | 'fix' | 'denied' | 'final' | 'local';

/** An error as PROTOCOL.md writes it, with the keys that depend on the error. */
export interface ErrorFacts {
  number: number;
  name: string;
  class: ErrorClass;
  message: string;
  field?: string | null;
  retry_after_ms?: number | null;
  [key: string]: unknown;
}

export declare class ModqdError extends Error {
  /** Above 0 as in PROTOCOL.md, below 0 the client's own. */
  readonly number: number;
  /** For programs, such as `too_long`. */
  readonly name: string;
  readonly class: ErrorClass;
  /** The field to blame, such as `comments[0].body`. */
  readonly field: string | null;
  readonly retry_after_ms: number | null;
  /** True exactly for the class `retry`: keep the request and send it later. */
  readonly keep: boolean;
  /** What else the error has, such as `max`. */
  readonly details: Record<string, unknown>;
  toJSON(): ErrorFacts;
}
/** The same may succeed later. */
export declare class RetryError extends ModqdError {}
/** The request is wrong: mend it first. */
export declare class FixError extends ModqdError {}
/** You may not. */
export declare class DeniedError extends ModqdError {}
/** It was understood, and the answer is no as things stand. */
export declare class FinalError extends ModqdError {}
/** This machine's fault, or an answer that makes no sense. */
export declare class LocalError extends ModqdError {}
