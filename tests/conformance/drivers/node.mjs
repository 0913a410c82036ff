// The conformance driver of the Node.js client: see ../README.md.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

import { Decisions, FileOutbox, FilePlace, FixError, Front, Key, ModqdError, Push, SqlPlace } from '../../../clients/node/index.js';
import { Connection } from '../../../clients/node/src/connection.js';
import { replaceFile } from '../../../clients/node/src/files.js';
import { decode, encode } from '../../../clients/node/src/wire.js';

const CAN = ['outbox', 'place_file', 'place_sql', 'push', 'key', 'vectors', 'exchange', 'stream', 'recorded', 'retry_refused'];

const fronts = new Map();
const streams = new Map();
const outboxes = new Map();

// ---- bytes, which JSON has not

function fromJson(value) {
  if (Array.isArray(value)) return value.map(fromJson);
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.$bin === 'string') return Buffer.from(value.$bin, 'hex');
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
}

function toJson(value) {
  if (value instanceof ModqdError) return { ...toJson(value.toJSON()), keep: value.keep };
  if (value instanceof Uint8Array) return { $bin: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(toJson);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
}

// ---- what it is told to do

function exchange({ endpoint, hex, timeout_ms }) {
  return new Promise((resolve) => {
    const finish = (reply) => {
      clearTimeout(timer);
      connection.close();
      resolve({ reply });
    };
    const timer = setTimeout(finish, timeout_ms, null);
    const connection = new Connection(endpoint, null, finish);
    connection.send(Buffer.from(hex, 'hex'));
  });
}

const CALLS = {
  withdraw: (front, { site, comment, ...more }) => front.withdraw(site, comment, more),
  report: (front, { site, comment, reader, ...more }) => front.report(site, comment, reader, more),
  article: (front, { site, article, ...more }) => front.article(site, article, more),
  status: async (front, { site, comments }) => ({ results: await front.status(site, comments) }),
  policy: async (front, { site }) => ({ policy: await front.policy(site) }),
  confirm: (front, { site, listener, seq }) => front.confirm(site, listener, seq),
};

function wrong(message) {
  return new FixError({ number: -3, name: 'client_bad_argument', class: 'fix', message });
}

function named(map, name) {
  const found = map.get(name);
  if (!found) throw wrong(`there is nothing of the name ${name}`);
  return found;
}

function keyOf(path) {
  return path ? Key.load(path) : undefined;
}

async function push({ endpoint, key, comments, linger_ms }) {
  const socket = new Push(endpoint, { key: keyOf(key) });
  try {
    for (const comment of comments) await socket.submit(comment);
  } catch (error) {
    await socket.close();
    throw error;
  }
  return { unsent: await socket.close(linger_ms) };
}

// ---- SQLite, in memory: its file is read before a statement and, where that changed something, replaced after it

const client = createRequire(new URL('../../../clients/node/package.json', import.meta.url));
let engine = null;

async function openSqlite(path) {
  engine ??= await client('sql.js')();
  try {
    return new engine.Database(await readFile(path));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return new engine.Database();
  }
}

function rowsOf(database, sql, values) {
  const statement = database.prepare(sql);
  const rows = [];
  statement.bind(values);
  while (statement.step()) rows.push(statement.getAsObject());
  statement.free();
  return rows;
}

async function query(path, sql, values) {
  const database = await openSqlite(path);
  try {
    const rows = rowsOf(database, sql, values);
    if (!sql.startsWith('SELECT')) await replaceFile(path, database.export());
    return rows;
  } finally {
    database.close();
  }
}

/** An SqlPlace that makes its table when it is read. */
function sqlPlace(path) {
  const place = new SqlPlace((sql, values) => query(path, sql, values));
  return {
    load: async (site) => {
      await place.create();
      return place.load(site);
    },
    save: (site, position) => place.save(site, position),
  };
}

function openStream({ name, endpoint, key, site, place, after, hash, epoch, credit, live, give_up_ms }) {
  const where = place ? { place: place.sql ? sqlPlace(place.sql) : new FilePlace(place.file) } : { after: after ?? undefined, hash, epoch };
  streams.set(
    name,
    new Decisions(endpoint, site, {
      ...where,
      key: keyOf(key),
      credit: credit ?? undefined,
      live: live ?? undefined,
      giveUp: give_up_ms ?? undefined,
    }),
  );
}

async function close({ front, stream, outbox }) {
  const map = front !== undefined ? fronts : stream !== undefined ? streams : outboxes;
  const name = front ?? stream ?? outbox;
  await named(map, name).close?.();
  map.delete(name);
}

const ACTIONS = {
  about: () => ({ language: 'node', can: CAN }),
  encode: ({ value }) => ({ hex: Buffer.from(encode(value)).toString('hex') }),
  decode: ({ hex }) => ({ value: decode(Buffer.from(hex, 'hex')) }),
  exchange,
  front({ name, endpoint, key, timeout_ms, attempt_ms }) {
    fronts.set(
      name,
      new Front(endpoint, { key: keyOf(key), timeout: timeout_ms ?? undefined, attempt: attempt_ms ?? undefined }),
    );
  },
  hello: async ({ front }) => ({ answer: await named(fronts, front).hello() }),
  submit: async ({ front, comments, traceparent, timeout_ms }) => ({
    results: await named(fronts, front).submitMany(comments, { traceparent, timeout: timeout_ms ?? undefined }),
  }),
  call: async ({ front, op, fields }) => ({ answer: await CALLS[op](named(fronts, front), fields) }),
  push,
  stream: openStream,
  next: async ({ stream, wait_ms }) => {
    const { type = 'none', record, error } = (await named(streams, stream).next(wait_ms)) ?? {};
    return { event: type, record, error: error ?? undefined };
  },
  recorded: ({ stream }) => named(streams, stream).recorded(),
  place: ({ stream }) => {
    const { seq, chain } = named(streams, stream).position;
    return { seq, chain };
  },
  outbox: ({ name, path }) => {
    outboxes.set(name, new FileOutbox(path));
  },
  keep: ({ outbox, op, fields }) => named(outboxes, outbox).keep(op, fields),
  flush: async ({ outbox, front, timeout_ms }) => {
    const { sent, left, refused } = await named(outboxes, outbox).flush(named(fronts, front), { timeout: timeout_ms });
    return { sent, left, refused: refused.map(({ error }) => error) };
  },
  retry_refused: async ({ outbox }) => ({ count: await named(outboxes, outbox).retryRefused() }),
  count: async ({ outbox }) => ({ left: await named(outboxes, outbox).count() }),
  close,
};

/** A fault of the client or of this program, which no case expects. */
function fault(error) {
  return {
    name: 'fault',
    number: 0,
    class: 'local',
    field: null,
    message: String(error.stack),
    retry_after_ms: null,
    keep: false,
  };
}

async function answer(line) {
  try {
    const { do: action, ...fields } = JSON.parse(line);
    if (!Object.hasOwn(ACTIONS, action)) throw wrong(`cannot do ${action}`);
    return { ok: true, ...(await ACTIONS[action](fromJson(fields))) };
  } catch (error) {
    return { ok: false, error: error instanceof ModqdError ? error : fault(error) };
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity }))
  process.stdout.write(`${JSON.stringify(toJson(await answer(line)))}\n`);
for (const open of [...fronts.values(), ...streams.values()]) open.close();
