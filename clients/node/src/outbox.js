// Requests that are kept in a file until the daemon takes them.
//
// Each line of the file is one request with a checksum. Whoever keeps one appends a line and waits until it is on the disk.
// Whoever sends them first takes the file away under the name `PATH.sending`; what cannot be sent now stays there, and
// comes before what is kept later. All that is sent can be sent twice without harm, so a crash costs nothing but a repeat.
//
// What is never taken goes to `PATH.refused`, one line of JSON each: {op, fields, error, kept}, where `kept` is the line as it
// stood, from which it can be put back; or {damaged}, a line that the disk has spoilt.
import { createHash } from 'node:crypto';
import { open, rename, stat, unlink } from 'node:fs/promises';

import { duration } from './check.js';
import { badArgument, ModqdError, ownError } from './errors.js';
import { readIfThere, replaceFile, syncDirectory } from './files.js';
import { lock } from './lock.js';
import { now } from './timing.js';
import { decode, encode, measure } from './wire.js';

const OPERATIONS = ['submit', 'withdraw', 'report'];
const OF_THE_CONNECTION = ['unknown_operation', 'unsupported_version', 'as_required'];
const GROUP = 256; // comments that are sent together
const TIMEOUT_MS = 30000;
const BUSY = 'another sends it just now';

function checksum(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function lineOf(entry) {
  const text = Buffer.from(encode(entry)).toString('base64');
  return `${checksum(text)} ${text}`;
}

/** The request of a line, or null: it is torn, and then nobody was told that it is kept, or the disk has damaged it. */
function parse(line) {
  const [sum, text] = line.split(' ');
  if (text === undefined || checksum(text) !== sum)
    return null;
  const entry = decode(Buffer.from(text, 'base64'));
  return entry && OPERATIONS.includes(entry.op) ? entry : null;
}

async function linesOf(path) {
  const text = await readIfThere(path) ?? '';
  return text.split('\n').filter((line) => line !== '');
}

async function entriesOf(path) {
  return (await linesOf(path)).map(parse).filter(Boolean);
}

/** These lines are all that the file has; without any there is none. */
async function putLines(path, lines) {
  if (lines.length > 0)
    return replaceFile(path, lines.map((line) => `${line}\n`).join(''));
  await unlink(path);
  await syncDirectory(path);
}

/** Whether a crash has left a line without its end. */
async function isTorn(path) {
  return !(await readIfThere(path) || '\n').endsWith('\n');
}

/** Resolves when it is on the disk, to whether the file still has its name. That is asked while the file is open: the inode
 * of one that is gone is given again at once. */
async function appendDurably(path, text) {
  const file = await open(path, 'a', 0o600);
  try {
    const bytes = Buffer.from(text);
    const { bytesWritten } = await file.write(bytes);
    if (bytesWritten < bytes.length)
      throw new Error('the disk is full');
    await file.sync();
    await syncDirectory(path);
    return (await file.stat()).ino === await inodeOf(path);
  } finally {
    await file.close();
  }
}

async function inodeOf(path) {
  try {
    return (await stat(path)).ino;
  } catch {
    return null;
  }
}

/** Bytes as PROTOCOL.md's test vectors write them, so that people can read what was refused. */
function readable(key, value) {
  if (value?.type === 'Buffer' && Array.isArray(value.data))
    return { $bin: Buffer.from(value.data).toString('hex') };
  return value instanceof Uint8Array ? { $bin: Buffer.from(value).toString('hex') } : value;
}

/** The line of a request that was set aside, as it stood; null of what the disk has damaged, and of half a line. */
function lineOfRefused(text) {
  try {
    const { kept } = JSON.parse(text);
    return parse(kept) && kept;
  } catch {
    return null;
  }
}

function check(op, fields) {
  if (!OPERATIONS.includes(op))
    throw badArgument(`op: must be one of ${OPERATIONS.join(', ')}`);
  if (fields === null || typeof fields !== 'object')
    throw badArgument('fields: must be an object');
  if (op === 'submit' && (fields.comment === null || typeof fields.comment !== 'object'))
    throw badArgument('fields.comment: must be a comment event');
  measure(fields);
}

export class FileOutbox {
  #path;
  #sending;
  #refused;
  #flushing = false;

  constructor(path) {
    if (typeof path !== 'string' || path === '')
      throw badArgument('path: must be the path of a file');
    this.#path = path;
    this.#sending = `${path}.sending`;
    this.#refused = `${path}.refused`;
  }

  async keep(op, fields) {
    check(op, fields);
    const at = op === 'report' && (fields.at ?? null) === null ? { at: Date.now() } : {};
    const line = lineOf({ op, fields: { ...fields, ...at } });
    if (!parse(line))
      throw badArgument('fields: cannot be read again (is there a key "__proto__"?)');
    try {
      await this.#append(line);
    } catch (cause) {
      throw ownError('client_system', `cannot keep it in ${this.#path}: ${cause.message}`, cause);
    }
  }

  async count() {
    return (await entriesOf(this.#sending)).length + (await entriesOf(this.#path)).length;
  }

  async flush(front, { timeout = TIMEOUT_MS } = {}) {
    duration('timeout', timeout);
    const flushed = await this.#alone(() => this.#flush(front, now() + timeout));
    return flushed ?? { sent: 0, left: await this.count(), refused: [], error: ownError('client_timeout', BUSY) };
  }

  async retryRefused() {
    const count = await this.#alone(() => this.#putBack());
    if (count === null)
      throw ownError('client_timeout', BUSY);
    return count;
  }

  /** What `act` resolves to; null, without a call of it, when another has the lock. */
  async #alone(act) {
    const unlock = this.#flushing ? null : await this.#lock();
    if (!unlock)
      return null;
    this.#flushing = true;
    try {
      return await act();
    } finally {
      this.#flushing = false;
      await unlock();
    }
  }

  async #lock() {
    try {
      return await lock(`${this.#path}.lock`);
    } catch (cause) {
      throw ownError('client_system', `cannot lock ${this.#path}: ${cause.message}`, cause);
    }
  }
  /** Another may have taken the file away while this wrote to it: then nobody knows whether the line was seen, and it is
   * written again. */
  async #append(line) {
    // Begins with a line end, for a torn line may stand before it.
    while (!await appendDurably(this.#path, `\n${line}\n`));
  }

  // ---- sending

  async #flush(front, deadline) {
    const done = { sent: 0, refused: [], error: null };
    while (!done.error && await this.#takeAway())
      await this.#sendFile(front, deadline, done);
    const { sent, refused, error } = done;
    return { sent, left: await this.count(), refused, error };
  }

  /** Whether there is something to send. What was left by an earlier attempt comes first. */
  async #takeAway() {
    if (await inodeOf(this.#sending) !== null)
      return true;
    if (await inodeOf(this.#path) === null)
      return false;
    await rename(this.#path, this.#sending);
    await syncDirectory(this.#path);
    return true;
  }

  async #sendFile(front, deadline, done) {
    const lines = await linesOf(this.#sending);
    const entries = lines.map(parse).filter(Boolean);
    let left = [];
    const refusedBefore = done.refused.length;
    while (entries.length > 0 && !done.error)
      left.push(...await this.#sendGroup(front, nextGroup(entries), deadline, done));
    left = left.concat(entries);
    const damaged = lines.filter((line) => !parse(line)).map((line) => ({ damaged: line }));
    const refused = done.refused.slice(refusedBefore).map(({ op, fields, error }) => ({ op, fields, error, kept: lineOf({ op, fields }) }));
    await this.#setAside([...damaged, ...refused]);
    await putLines(this.#sending, left.map(lineOf));
  }

  /** Sends one request, or comments that follow one another. Returns what has to stay. */
  async #sendGroup(front, group, deadline, done) {
    const timeout = deadline - now();
    if (timeout <= 0) {
      done.error = ownError('client_timeout', 'the time is over');
      return group;
    }
    const errors = await send(front, group, timeout);
    const left = [];
    // Behind what stays, what is refused stays, too: so all that was set aside is older than all that is kept.
    group.forEach((entry, i) => {
      const error = errors[i];
      if (!error) {
        done.sent++;
      } else if (left.length > 0 || staysWith(error)) {
        done.error ??= error;
        left.push(entry);
      } else {
        done.refused.push({ ...entry, error });
      }
    });
    return left;
  }

  async #setAside(refused) {
    if (refused.length === 0)
      return;
    const lines = refused.map((one) => `${JSON.stringify(one, readable)}\n`).join('');
    await appendDurably(this.#refused, await isTorn(this.#refused) ? `\n${lines}` : lines);
  }

  // ---- putting back

  async #putBack() {
    try {
      const lines = await linesOf(this.#refused);
      const back = lines.map(lineOfRefused).filter(Boolean);
      if (back.length === 0)
        return 0;
      // In this order: a crash in between has requests sent twice, and none lost.
      await putLines(this.#sending, [...back, ...await linesOf(this.#sending)]);
      await putLines(this.#refused, lines.filter((line) => !lineOfRefused(line)));
      return back.length;
    } catch (cause) {
      throw ownError('client_system', `cannot put back ${this.#refused}: ${cause.message}`, cause);
    }
  }
}

/** What the daemon may take later stays, and what it has not been asked: some errors say nothing of the request, only of
 * where the connection leads to. */
function staysWith(error) {
  return error.class === 'retry' || error.class === 'local' || error.name.startsWith('client_') || OF_THE_CONNECTION.includes(error.name);
}

function nextGroup(entries) {
  const other = entries.findIndex(({ op }) => op !== 'submit');
  return entries.splice(0, Math.max(1, Math.min(GROUP, other < 0 ? entries.length : other)));
}

/** What is wrong with each request, or nothing where it was taken. */
async function send(front, group, timeout) {
  const [{ op, fields }] = group;
  try {
    if (op === 'submit') {
      const comments = group.map((entry) => entry.fields.comment);
      const results = await front.submitMany(comments, { timeout, until: now() + timeout });
      return results.map(({ error }) => error);
    }
    await (op === 'withdraw' ? front.withdraw(fields.site, fields.comment, { timeout })
      : front.report(fields.site, fields.comment, fields.reader, { ...fields, timeout }));
    return [null];
  } catch (error) {
    if (error instanceof ModqdError)
      return group.map(() => error);
    throw error;
  }
}
