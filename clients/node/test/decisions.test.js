import assert from 'node:assert/strict';
import test from 'node:test';

import { Decisions } from '../index.js';
import { errorMap, eventually, FakeDaemon, folder, pause, SLACK, timed } from './lib/fake.js';

const EPOCH = Buffer.alloc(16, 7);
const chainOf = (seq) => Buffer.alloc(32, seq);
const record = (seq, more) => ({ site: 'news', seq, comment: `c${seq}`, decision: 'approved', chain: chainOf(seq), ...more });

/** A log of `length` records, streamed with credit as the daemon does. `hooks` change what it does. */
class Log {
  constructor(length, hooks = {}) {
    Object.assign(this, { length, streams: [], heartbeat: 5000, creditTimeout: 30000, ...hooks });
  }

  static async start(t, length, hooks) {
    const log = new Log(length, hooks);
    log.fake = await FakeDaemon.start(t, (request) => log.take(request));
    return log;
  }

  take(request) {
    const { map, peer } = request;
    if (map.op === 'stream') this.open(request);
    else if (map.op === 'credit')
      this.give(
        this.streams.find((stream) => stream.peer === peer),
        map.credit,
      );
  }

  open({ peer, peerId, map, answer }) {
    const stream = { peer, peerId, map, sent: map.after, credit: map.credit, most: map.credit, level: false };
    this.streams.push(stream);
    const refusal = this.refuse?.(map, this.streams.length);
    if (refusal) {
      answer({ ok: false, error: refusal });
      return;
    }
    answer({
      ok: true,
      site: map.site,
      epoch: EPOCH,
      newest: this.length,
      heartbeat_ms: this.heartbeat,
      credit_timeout_ms: this.creditTimeout,
    });
    this.go(stream);
  }

  give(stream, credit) {
    stream.credit += credit;
    stream.most = Math.max(stream.most, stream.credit);
    this.go(stream);
  }

  say(stream, map) {
    return this.fake.send(stream.peerId, { v: 1, id: stream.map.id, site: stream.map.site, ...map });
  }

  go(stream) {
    const records = [];
    for (; stream.credit > 0 && stream.sent < this.length; stream.credit--) records.push(record(++stream.sent));
    if (records.length > 0) this.say(stream, { op: 'records', records });
    if (stream.sent === this.length && !stream.level) {
      stream.level = true;
      this.say(stream, { op: 'level', newest: this.length });
    }
  }

  get last() {
    return this.streams.at(-1);
  }
}

function follow(t, log, options) {
  const decisions = new Decisions(log.fake.endpoint, 'news', options);
  t.after(() => decisions.close());
  return decisions;
}

/** What `next` gives until it gives `type`; records are recorded. */
async function until(decisions, type, record_ = true) {
  const told = [];
  for (;;) {
    const event = await decisions.next(5000);
    told.push(event === null ? 'nothing' : (event.record?.seq ?? event.type));
    if (event?.type === 'record' && record_) await decisions.recorded();
    if (event === null || event.type === type) return told;
  }
}

const upTo = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('records come in order, with no more credit than was given', async (t) => {
  const log = await Log.start(t, 100);
  const decisions = follow(t, log, { credit: 10 });
  assert.deepEqual(await until(decisions, 'level'), [...upTo(1, 100), 'level']);
  const given = log.fake.of('credit').map(({ map }) => map.credit);
  assert.deepEqual(new Set(given), new Set([5]));
  assert.ok(log.last.most <= 10);
  assert.deepEqual(decisions.position, { seq: 100, chain: new Uint8Array(chainOf(100)), epoch: new Uint8Array(EPOCH) });
});

test('what is not recorded gives no credit back', async (t) => {
  const log = await Log.start(t, 100);
  const decisions = follow(t, log, { credit: 10 });
  for (const seq of upTo(1, 10)) assert.equal((await decisions.next(5000)).record.seq, seq);
  assert.equal(await decisions.next(200), null);
  await decisions.recorded();
  assert.equal((await decisions.next(5000)).record.seq, 11, 'the last one stands for all before it');
  assert.deepEqual(
    log.fake.of('credit').map(({ map }) => map.credit),
    [10],
  );
});

test('it begins after its place, with its proof', async (t) => {
  const log = await Log.start(t, 30);
  const saved = [];
  const place = {
    load: () => ({ seq: 20, chain: chainOf(20), epoch: EPOCH }),
    save: (site, position) => {
      saved.push([site, position.seq]);
    },
  };
  const decisions = follow(t, log, { place });
  assert.deepEqual(await until(decisions, 'level'), [...upTo(21, 30), 'level']);
  assert.deepEqual(
    [log.last.map.after, log.last.map.hash, log.last.map.epoch],
    [20, new Uint8Array(chainOf(20)), undefined].map((v) => (v instanceof Uint8Array ? Buffer.from(v) : v)),
  );
  assert.deepEqual(
    saved,
    upTo(21, 30).map((seq) => ['news', seq]),
  );
});

test('without a chain the epoch is the proof', async (t) => {
  const log = await Log.start(t, 3);
  await until(follow(t, log, { after: 2, epoch: EPOCH }), 'level');
  assert.deepEqual([log.last.map.hash, Buffer.from(log.last.map.epoch)], [undefined, EPOCH]);
});

for (const [name, spoil] of [
  ['a gap', (log, stream) => log.say(stream, { op: 'records', records: [record(7)] })],
  ['a record twice', (log, stream) => log.say(stream, { op: 'records', records: [record(5)] })],
  ['a record without a chain', (log, stream) => log.say(stream, { op: 'records', records: [record(6, { chain: 'x' })] })],
  ['records that are none', (log, stream) => log.say(stream, { op: 'records', records: 7 })],
  ['a heartbeat that is ahead', (log, stream) => log.say(stream, { op: 'heartbeat', newest: 6, sent: 6, credit: 1, time: 1 })],
  ['the end of the stream', (log, stream) => log.say(stream, { op: 'ended', error: errorMap('stopping', 3, 'retry') })],
  [
    'a stream that the daemon has forgotten',
    (log, stream) => log.say(stream, { op: 'ended', site: null, error: errorMap('not_found', 81, 'final') }),
  ],
]) {
  test(`${name} opens the stream anew`, async (t) => {
    const log = await Log.start(t, 5);
    const decisions = follow(t, log);
    await until(decisions, 'level');
    spoil(log, log.last);
    const lost = await decisions.next(5000);
    assert.equal(lost.type, 'lost');
    assert.ok(lost.error instanceof Error);
    log.length = 8;
    assert.deepEqual(await until(decisions, 'level'), [6, 7, 8, 'level']);
    assert.equal(log.last.map.after, 5);
    assert.notEqual(log.streams[0].peer, log.last.peer, 'on another connection');
  });
}

test('missing heartbeats open the stream anew', async (t) => {
  const log = await Log.start(t, 2, { heartbeat: 100 });
  const start = performance.now();
  const decisions = follow(t, log);
  await until(decisions, 'level');
  assert.equal((await decisions.next(5000)).type, 'lost');
  const ms = performance.now() - start;
  assert.ok(ms > 200 && ms < SLACK, `${ms} ms`);
  assert.deepEqual(await until(decisions, 'level'), ['level']);
});

test('heartbeats keep a stream open', async (t) => {
  const log = await Log.start(t, 2, { heartbeat: 400 }); // it is lost after a second without one
  const decisions = follow(t, log);
  await until(decisions, 'level');
  const beat = setInterval(() => log.say(log.last, { op: 'heartbeat', newest: 2, sent: 2, credit: 1, time: 1 }), 100);
  assert.equal(await decisions.next(2500), null);
  clearInterval(beat);
  assert.equal(log.streams.length, 1);
});

test('a program that was busy for long has not lost its stream', async (t) => {
  const log = await Log.start(t, 2, { heartbeat: 400 });
  const decisions = follow(t, log);
  await until(decisions, 'level');
  log.say(log.last, { op: 'heartbeat', newest: 2, sent: 2, credit: 1, time: 1 });
  await log.fake.sending;
  for (const end = performance.now() + 2000; performance.now() < end;);
  log.length = 3;
  log.go(log.last);
  assert.equal((await decisions.next(5000)).record?.seq, 3);
});

test('what was handed out and not recorded comes again', async (t) => {
  const log = await Log.start(t, 5);
  const decisions = follow(t, log);
  assert.deepEqual((await decisions.next()).record.seq, 1);
  await decisions.recorded();
  assert.deepEqual((await decisions.next()).record.seq, 2);
  log.say(log.last, { op: 'ended', error: errorMap('stopping', 3, 'retry') });
  await eventually(() => log.streams.length === 2);
  assert.deepEqual(await until(decisions, 'level'), ['lost', 2, 3, 4, 5, 'level']);
});

test('what is recorded while the stream opens anew does not come again', async (t) => {
  const log = await Log.start(t, 30);
  const decisions = follow(t, log, { credit: 4 });
  assert.deepEqual((await decisions.next()).record.seq, 1);
  log.say(log.last, { op: 'ended', error: errorMap('stopping', 3, 'retry') });
  await eventually(() => log.streams.length === 2);
  await pause(50);
  await decisions.recorded();
  assert.deepEqual(await until(decisions, 'level'), ['lost', ...upTo(2, 30), 'level']);
  assert.equal(log.last.map.after, 0);
});

test('credit of a stream that is gone is not given to the next one', async (t) => {
  const log = await Log.start(t, 30);
  const decisions = follow(t, log, { credit: 2 });
  await decisions.next();
  log.say(log.last, { op: 'ended', error: errorMap('stopping', 3, 'retry') });
  await eventually(() => log.streams.length === 2);
  await pause(50);
  await decisions.recorded();
  await pause(50);
  assert.equal(log.fake.of('credit').length, 0);
  assert.deepEqual(await until(decisions, 'level'), ['lost', ...upTo(2, 30), 'level']);
});

test('a refused stream is asked for again, or failed, by its class', async (t) => {
  const log = await Log.start(t, 2, {
    refuse: (map, count) => (count <= 2 ? errorMap('too_many_streams', 6, 'retry', { max: 1 }) : null),
  });
  assert.deepEqual(await until(follow(t, log), 'level'), [1, 2, 'level']);
  assert.equal(log.streams.length, 3);
  for (const [name, number, kind] of [
    ['denied', 60, 'denied'],
    ['bad_character', 29, 'fix'],
    ['diverged', 89, 'final'],
  ]) {
    const other = await Log.start(t, 2, { refuse: () => errorMap(name, number, kind, { newest: 7 }) });
    const decisions = follow(t, other);
    const { type, error } = await decisions.next(5000);
    assert.deepEqual([type, error.name, error.details.newest], ['failed', name, 7]);
    assert.equal((await decisions.next(100)).type, 'failed', 'and says so again');
    await assert.rejects(
      follow(t, other).run(() => {}),
      { name },
    );
  }
});

test('a daemon that allows less credit is obeyed', async (t) => {
  const log = await Log.start(t, 9, {
    refuse: ({ credit }) => (credit > 3 ? errorMap('out_of_range', 25, 'fix', { field: 'credit', min: 1, max: 3 }) : null),
  });
  assert.deepEqual(await until(follow(t, log), 'level'), [...upTo(1, 9), 'level']);
  assert.deepEqual(
    log.streams.map(({ map }) => map.credit),
    [500, 3],
  );
});

test('a stream that ends with the right to it has failed', async (t) => {
  const log = await Log.start(t, 1);
  const decisions = follow(t, log);
  await until(decisions, 'level');
  log.say(log.last, { op: 'ended', error: errorMap('denied', 60, 'denied') });
  const { type, error } = await decisions.next(5000);
  assert.deepEqual([type, error.name], ['failed', 'denied']);
});

test('it says that it is alive, every third of the credit time-out', async (t) => {
  const log = await Log.start(t, 1, { creditTimeout: 900 });
  await until(follow(t, log), 'level');
  await eventually(() => log.fake.of('credit').length >= 5);
  const given = log.fake.of('credit').slice(0, 5);
  assert.ok(given.every(({ map }) => map.credit === 0));
  const gaps = given.slice(1).map(({ at }, i) => at - given[i].at);
  assert.ok(given.at(-1).at - given[0].at > 4 * 250 && Math.min(...gaps) < 400, `${gaps}`);
});

test('it gives up when it was told to, and not before', async (t) => {
  const nobody = new Decisions(`ipc://${folder(t)}/nobody.sock`, 'news', { giveUp: 300 });
  let event;
  const ms = await timed(async () => {
    event = await nobody.next(5000);
  });
  assert.deepEqual([event.type, event.error.name], ['failed', 'client_cannot_connect']);
  assert.ok(ms >= 290 && ms < 300 + SLACK, `${ms} ms`);
  const silent = await FakeDaemon.start(t);
  const waiting = new Decisions(silent.endpoint, 'news', { giveUp: 1000 });
  assert.equal((await waiting.next(5000)).error.name, 'client_timeout');
  const patient = new Decisions(silent.endpoint, 'news');
  assert.equal(await patient.next(500), null);
  patient.close();
});

test('messages of other streams, and nonsense, are ignored', async (t) => {
  const log = await Log.start(t, 2);
  const decisions = follow(t, log);
  await until(decisions, 'level');
  for (const map of [
    { id: 99, op: 'records', records: [record(9)] },
    { id: null, ok: false },
    { op: 'song' },
    { op: 'stream', ok: false },
    { v: 2, op: 'level' },
  ])
    log.say(log.last, map);
  log.fake.sendBytes(log.last.peerId, Buffer.from('c1', 'hex'));
  log.length = 3;
  log.go(log.last);
  assert.equal((await decisions.next(5000)).record.seq, 3);
});

test('a place that cannot be saved records nothing', async (t) => {
  const log = await Log.start(t, 9);
  let broken = true;
  const place = {
    load: () => null,
    save: async () => {
      if (broken) throw new Error('the disk is full');
    },
  };
  const decisions = follow(t, log, { place, credit: 1 });
  await decisions.next();
  await assert.rejects(decisions.recorded(), { message: 'the disk is full' });
  assert.equal(decisions.position.seq, 0);
  assert.equal(await decisions.next(200), null, 'no credit was given');
  broken = false;
  await decisions.recorded();
  assert.equal((await decisions.next(5000)).record.seq, 2);
});

test('a place that cannot be loaded, or makes no sense, is told', async (t) => {
  const log = await Log.start(t, 1);
  await assert.rejects(
    follow(t, log, {
      place: {
        load: async () => {
          throw new Error('gone');
        },
      },
    }).next(),
    { message: 'gone' },
  );
  for (const position of [
    { seq: -1 },
    { seq: 1, chain: 'x' },
    { seq: 1, chain: Buffer.alloc(31) },
    { seq: 1, epoch: Buffer.alloc(3) },
  ])
    await assert.rejects(follow(t, log, { place: { load: () => position } }).next(), { name: 'client_bad_argument' });
  assert.equal(log.streams.length, 0);
});

test('a replay ends', async (t) => {
  const log = await Log.start(t, 4);
  const decisions = follow(t, log, { live: false, after: 1, hash: chainOf(1) });
  assert.deepEqual(await until(decisions, 'end'), [2, 3, 4, 'level', 'end']);
  assert.equal(log.last.map.live, false);
  const seen = [];
  await follow(t, log, { live: false }).run(({ seq }) => seen.push(seq));
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

test('run applies and records, and what it throws comes out', async (t) => {
  const log = await Log.start(t, 5);
  const decisions = follow(t, log);
  const seen = [];
  await assert.rejects(
    decisions.run(async ({ seq }) => {
      seen.push(seq);
      if (seq === 3) throw new Error('no');
    }),
    { message: 'no' },
  );
  assert.deepEqual([seen, decisions.position.seq], [[1, 2, 3], 2]);
});

test('close, a signal and leaving the loop end it', async (t) => {
  const log = await Log.start(t, 3);
  const closed = follow(t, log);
  setTimeout(() => closed.close(), 100);
  await closed.run(() => {});
  const controller = new AbortController();
  const aborted = follow(t, log, { signal: controller.signal });
  const told = [];
  for await (const { type } of aborted) {
    told.push(type);
    if (type === 'level') setTimeout(() => controller.abort(), 100);
  }
  assert.deepEqual(told, ['record', 'record', 'record', 'level']);
  await follow(t, log, { signal: AbortSignal.abort() }).run(() => assert.fail('it was closed'));
  const left = follow(t, log);
  for await (const event of left) {
    assert.equal(event.record.seq, 1);
    break;
  }
  assert.equal((await left.next()).type, 'end');
});

test('a record that is applied when it is closed is still recorded', async (t) => {
  const log = await Log.start(t, 3);
  const saved = [];
  const decisions = follow(t, log, {
    place: {
      load: () => null,
      save: (_, { seq }) => {
        saved.push(seq);
      },
    },
  });
  await decisions.run(() => decisions.close());
  assert.deepEqual(saved, [1]);
});

test('a listener tells how far it is when it is level', async (t) => {
  const log = await Log.start(t, 4);
  const decisions = follow(t, log, { listener: 'web-1' });
  await until(decisions, 'level');
  await eventually(() => log.fake.of('confirm').length === 2);
  const told = log.fake.of('confirm').map(({ map: { site, listener, seq } }) => [site, listener, seq]);
  assert.deepEqual(
    told,
    [
      ['news', 'web-1', 1],
      ['news', 'web-1', 4],
    ],
    'at first, and when level; not for each record',
  );
});

test('what is recorded soon after it was told is told later', async (t) => {
  const log = await Log.start(t, 0);
  const decisions = follow(t, log, { listener: 'web-1' });
  const told = () => log.fake.of('confirm').map(({ map }) => map.seq);
  await until(decisions, 'level');
  await eventually(() => told().length === 1);
  t.mock.method(performance, 'now', ((real) => () => real.call(performance) + 9800)(performance.now));
  log.length = 2;
  log.go(log.last);
  assert.deepEqual([(await decisions.next()).record.seq, await decisions.recorded()], [1, undefined]);
  assert.deepEqual([(await decisions.next()).record.seq, await decisions.recorded()], [2, undefined]);
  await eventually(() => told().length === 2);
  assert.deepEqual(told(), [0, 2]);
});

test('two cannot wait for the same event', async (t) => {
  const log = await Log.start(t, 0);
  const decisions = follow(t, log);
  await until(decisions, 'level');
  const first = decisions.next(300);
  await assert.rejects(decisions.next(300), { name: 'client_bad_argument' });
  assert.equal(await first, null);
});

test('what makes no sense is refused before anything is opened', () => {
  for (const [site, options] of [
    ['', {}],
    [7, {}],
    ['news', { credit: 0 }],
    ['news', { after: -1 }],
    ['news', { hash: 'x', after: 1 }],
    ['news', { epoch: Buffer.alloc(15) }],
    ['news', { giveUp: -1 }],
    ['news', { place: {} }],
  ])
    assert.throws(() => new Decisions('ipc://x', site, options), { name: 'client_bad_argument' });
});
