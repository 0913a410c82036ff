import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';

import { FileOutbox, Front } from '../index.js';
import { errorFrom } from '../src/errors.js';
import { lock } from '../src/lock.js';
import { accept, ACCEPTED, BUSY, errorMap, FakeDaemon, folder, pause } from './lib/fake.js';

const KEEPER = new URL('lib/keeper.js', import.meta.url).pathname;
const comment = (name, more) => ({ site: 'news', comment: name, body: `text of ${name}`, ...more });

function fresh(t) {
  const path = join(folder(t), 'outbox');
  return { path, outbox: new FileOutbox(path) };
}

/** A front that writes down what it is asked, and fails with what `fails(op, name)` says. */
function frontOf(asked, fails = () => null) {
  const one = (op, name) => {
    const error = fails(op, name);
    if (!error) asked.push(`${op} ${name}`);
    return error;
  };
  const call = async (op, name) => {
    const error = one(op, name);
    if (error) throw error;
  };
  return {
    submitMany: async (comments) =>
      comments.map(({ comment: name }) => {
        const error = one('submit', name);
        return error ? { status: error.name, error } : { ...ACCEPTED };
      }),
    withdraw: (site, name) => call('withdraw', name),
    report: (site, name, reader, { at }) => call('report', `${name} ${reader} ${at}`),
  };
}

test('what is kept is sent in order', async (t) => {
  const { outbox, path } = fresh(t);
  for (const name of ['1', '2', '3']) await outbox.keep('submit', { comment: comment(name) });
  await outbox.keep('withdraw', { site: 'news', comment: '2' });
  await outbox.keep('submit', { comment: comment('4') });
  await outbox.keep('report', { site: 'news', comment: '1', reader: 'r', at: 77 });
  assert.equal(await outbox.count(), 6);
  const asked = [];
  assert.deepEqual(await new FileOutbox(path).flush(frontOf(asked)), { sent: 6, left: 0, refused: [], error: null });
  assert.deepEqual(asked, ['submit 1', 'submit 2', 'submit 3', 'withdraw 2', 'submit 4', 'report 1 r 77']);
  assert.equal(await outbox.count(), 0);
  assert.deepEqual(await outbox.flush(frontOf([])), { sent: 0, left: 0, refused: [], error: null });
});

test('every value comes back as it was kept', async (t) => {
  const { outbox } = fresh(t);
  const event = comment('1', {
    body: 'é\u0000\n\u{1F642} "',
    author: { address_hash: Buffer.from([0, 255, 10]) },
    extra: { f: 0.5, n: null, l: [1, [true]] },
  });
  await outbox.keep('submit', { comment: event });
  let seen;
  await outbox.flush({
    submitMany: async ([found]) => {
      seen = found;
      return [ACCEPTED];
    },
  });
  assert.deepEqual({ ...seen, author: { address_hash: Buffer.from(seen.author.address_hash) } }, event);
});

test('a report is kept with its moment', async (t) => {
  const { outbox } = fresh(t);
  const before = Date.now();
  for (const more of [{}, { at: undefined }, { at: null }])
    await outbox.keep('report', { site: 'news', comment: '1', reader: 'r', ...more });
  const after = Date.now();
  await pause(20);
  const asked = [];
  await outbox.flush(frontOf(asked));
  assert.equal(asked.length, 3);
  for (const one of asked) {
    const at = Number(one.split(' ')[3]);
    assert.ok(at >= before && at <= after, one);
  }
});

test('it stops at what may be taken later, and goes on there', async (t) => {
  const { outbox } = fresh(t);
  for (const name of ['1', '2', '3']) await outbox.keep('submit', { comment: comment(name) });
  await outbox.keep('withdraw', { site: 'news', comment: '2' });
  const asked = [];
  const busy = errorFrom(BUSY);
  const first = await outbox.flush(frontOf(asked, (op, name) => (name === '2' ? busy : null)));
  assert.deepEqual(first, { sent: 2, left: 2, refused: [], error: busy });
  await outbox.keep('submit', { comment: comment('4') });
  assert.equal((await outbox.flush(frontOf(asked))).sent, 3);
  assert.deepEqual(asked, ['submit 1', 'submit 3', 'submit 2', 'withdraw 2', 'submit 4']);
});

test('what is never taken is set aside and does not hold up the rest', async (t) => {
  const { outbox, path } = fresh(t);
  await outbox.keep('submit', { comment: comment('bad', { author: { address_hash: Buffer.from([1, 2]) } }) });
  await outbox.keep('withdraw', { site: 'news', comment: 'gone' });
  await outbox.keep('submit', { comment: comment('good') });
  const errors = { bad: errorFrom(errorMap('conflict', 80, 'final')), gone: errorFrom(errorMap('denied', 60, 'denied')) };
  const { sent, left, refused } = await outbox.flush(frontOf([], (op, name) => errors[name]));
  assert.deepEqual(
    [sent, left, refused.map(({ op, error }) => [op, error.name])],
    [
      1,
      0,
      [
        ['submit', 'conflict'],
        ['withdraw', 'denied'],
      ],
    ],
  );
  const lines = readFileSync(`${path}.refused`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ op, error }) => [op, error.name]),
    [
      ['submit', 'conflict'],
      ['withdraw', 'denied'],
    ],
  );
  assert.deepEqual(lines[0].fields.comment.author.address_hash, { $bin: '0102' });
});

test("what the client itself got wrong is not the comment's fault", async (t) => {
  const { outbox } = fresh(t);
  await outbox.keep('submit', { comment: comment('1') });
  const front = new Front('ipc:///nowhere');
  front.close();
  const { left, refused, error } = await outbox.flush(front);
  assert.deepEqual([left, refused, error.name], [1, [], 'client_bad_argument']);
});

test('a flush ends in time when nobody answers', async (t) => {
  const { outbox } = fresh(t);
  const fake = await FakeDaemon.start(t);
  const front = new Front(fake.endpoint);
  t.after(() => front.close());
  await outbox.keep('submit', { comment: comment('1') });
  const start = performance.now();
  const { left, error } = await outbox.flush(front, { timeout: 1000 });
  assert.deepEqual([left, error.name], [1, 'client_timeout']);
  assert.ok(performance.now() - start < 4000);
  fake.onRequest = accept;
  assert.equal((await outbox.flush(front)).sent, 1);
});

test('a flush ends in time however many requests it takes', async (t) => {
  const { outbox } = fresh(t);
  const silent = () => {};
  const busy = ({ map, answer }) => answer({ ok: true, results: map.comments.map(() => ({ status: 'busy', error: BUSY })) });
  const fake = await FakeDaemon.start(t);
  const front = new Front(fake.endpoint, { attempt: 200 });
  t.after(() => front.close());
  for (let i = 0; i < 100; i++) await outbox.keep('submit', { comment: comment(`${i}`) });
  for (const answer of [silent, busy]) {
    fake.onRequest = (request) =>
      request.map.op === 'hello' ? request.answer({ ok: true, limits: { max_batch: 1 } }) : answer(request);
    const start = performance.now();
    const { left, error } = await outbox.flush(front, { timeout: 400 });
    assert.deepEqual([left, error.keep], [100, true]);
    assert.ok(performance.now() - start < 4000, `${performance.now() - start} ms`); // 25 times as long, one after the other
  }
});

test('a line that the disk has damaged is set aside, where people can read it', async (t) => {
  const { outbox, path } = fresh(t);
  const fake = await FakeDaemon.start(t);
  fake.onRequest = accept;
  const front = new Front(fake.endpoint);
  t.after(() => front.close());
  for (const id of ['1', '2', '3']) await outbox.keep('submit', { comment: comment(id) });
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const damaged = `${lines[1].slice(0, -8)}AAAAAAAA`;
  writeFileSync(path, `${[lines[0], damaged, lines[2]].join('\n')}\n`);
  const { sent, left, refused } = await outbox.flush(front);
  assert.deepEqual([sent, left, refused], [2, 0, []]);
  assert.deepEqual(JSON.parse(readFileSync(`${path}.refused`, 'utf8')), { damaged });
});

const denied = errorFrom(errorMap('denied', 60, 'denied'));

/** Keeps a withdrawal of each name and has all that is kept set aside. */
async function setAside(outbox, ...names) {
  for (const name of names) await outbox.keep('withdraw', { site: 'news', comment: name });
  return outbox.flush(frontOf([], () => denied));
}

test('what was set aside is tried again, before what was kept since', async (t) => {
  const { outbox, path } = fresh(t);
  assert.equal(await outbox.retryRefused(), 0);
  assert.equal((await setAside(outbox, '1', '2')).refused.length, 2);
  await outbox.keep('withdraw', { site: 'news', comment: '3' });
  await outbox.flush(frontOf([], () => errorFrom(BUSY)));
  await outbox.keep('withdraw', { site: 'news', comment: '4' });
  assert.equal(await new FileOutbox(path).retryRefused(), 2);
  assert.equal(await outbox.count(), 4);
  assert.equal(await outbox.retryRefused(), 0);
  const asked = [];
  assert.equal((await outbox.flush(frontOf(asked))).sent, 4);
  assert.deepEqual(asked, ['withdraw 1', 'withdraw 2', 'withdraw 3', 'withdraw 4']);
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test('what was set aside comes back as it was kept', async (t) => {
  const { outbox } = fresh(t);
  const odd = { $bin: '00', b: { type: 'Buffer', data: [1] }, n: Number.NaN, d: new Date(5), s: 'é\u0000\n\u{1F642} "', l: [null, 0.5] };
  const event = comment('1', { author: { address_hash: Buffer.from([0, 255, 10]) }, extra: odd });
  await outbox.keep('submit', { comment: event });
  const seen = [];
  const sees = (result) => ({
    submitMany: async ([found]) => {
      seen.push(found);
      return [result];
    },
  });
  await outbox.flush(sees({ status: 'denied', error: denied }));
  assert.equal(await outbox.retryRefused(), 1);
  await outbox.flush(sees(ACCEPTED));
  assert.deepEqual(seen[1], seen[0]);
  assert.deepEqual({ ...seen[1], author: { address_hash: Buffer.from(seen[1].author.address_hash) } }, event);
});

test('what is refused behind something that stays keeps its place', async (t) => {
  const { outbox } = fresh(t);
  for (const name of ['1', '2', '3']) await outbox.keep('submit', { comment: comment(name) });
  const errors = { 1: denied, 2: errorFrom(BUSY), 3: denied };
  const { left, refused } = await outbox.flush(frontOf([], (op, name) => errors[name]));
  assert.deepEqual([left, refused.length], [2, 1]);
  assert.equal(await outbox.retryRefused(), 1);
  const asked = [];
  await outbox.flush(frontOf(asked));
  assert.deepEqual(asked, ['submit 1', 'submit 2', 'submit 3']);
});

test('what is damaged stays set aside when the rest is put back', async (t) => {
  const { outbox, path } = fresh(t);
  await setAside(outbox, '1', '2', '3');
  const lines = readFileSync(`${path}.refused`, 'utf8').split('\n').filter(Boolean);
  const { kept } = JSON.parse(lines[1]);
  const spoilt = lines[1].replace(kept, `${kept.slice(0, -4)}AAAA`);
  const stays = [JSON.stringify({ damaged: 'a line' }), spoilt, 'null', '{"op":"withdr'];
  writeFileSync(`${path}.refused`, [stays[0], lines[0], ...stays.slice(1, 3), lines[2], stays[3]].join('\n'));
  await setAside(outbox, '4'); // behind the line that a crash has left without its end
  assert.equal(await outbox.retryRefused(), 3);
  assert.equal(readFileSync(`${path}.refused`, 'utf8'), `${stays.join('\n')}\n`);
  const asked = [];
  await outbox.flush(frontOf(asked));
  assert.deepEqual(asked, ['withdraw 1', 'withdraw 3', 'withdraw 4']);
});

test('putting back that is cut short anywhere loses nothing', async (t) => {
  for (const failing of ['open', 'rename', 'unlink']) {
    for (let nth = 1, failed = true; failed; nth++) {
      const { outbox, path } = fresh(t);
      await setAside(outbox, '1', '2');
      await outbox.keep('withdraw', { site: 'news', comment: '3' });
      failed = await failsAt(failing, nth, () => outbox.retryRefused());
      assert.ok(failed || nth > 1, `${failing} is not called`);
      const again = new FileOutbox(path);
      await again.retryRefused();
      const asked = [];
      await again.flush(frontOf(asked));
      assert.deepEqual([...new Set(asked)], ['withdraw 1', 'withdraw 2', 'withdraw 3'], `${failing} ${nth}`);
    }
  }
});

/** Whether `act` came to its nth call of that function of node:fs/promises on files of an outbox, which then fails. */
async function failsAt(name, nth, act) {
  const real = files[name];
  let calls = 0;
  files[name] = async (path, ...more) => {
    if (!path.includes('.lock') && ++calls >= nth) throw new Error('the machine stands still');
    return real(path, ...more);
  };
  syncBuiltinESMExports();
  try {
    await act();
    return false;
  } catch (error) {
    assert.equal(error.name, 'client_system');
    return true;
  } finally {
    files[name] = real;
    syncBuiltinESMExports();
  }
}

test('nothing is put back while another sends', async (t) => {
  const { outbox, path } = fresh(t);
  await setAside(outbox, '1');
  const unlock = await lock(`${path}.lock`);
  await assert.rejects(outbox.retryRefused(), { name: 'client_timeout', keep: true });
  await unlock();
  assert.equal(await outbox.retryRefused(), 1);
});

test('whatever of the last line a crash left, nothing acknowledged is lost', async (t) => {
  const { outbox, path } = fresh(t);
  await outbox.keep('submit', { comment: comment('1') });
  await outbox.keep('submit', { comment: comment('2') });
  const acknowledged = readFileSync(path);
  await outbox.keep('submit', { comment: comment('3') });
  const whole = readFileSync(path);
  for (let length = acknowledged.length; length <= whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    const torn = length < whole.length - 1; // the line end itself says nothing more
    assert.equal(await outbox.count(), torn ? 2 : 3, `${length} of ${whole.length} bytes`);
    await outbox.keep('withdraw', { site: 'news', comment: '2' });
    const asked = [];
    await outbox.flush(frontOf(asked));
    assert.deepEqual(asked, ['submit 1', 'submit 2', ...(torn ? [] : ['submit 3']), 'withdraw 2']);
  }
});

test('lines that are damaged are left out, the others are sent', async (t) => {
  const { outbox, path } = fresh(t);
  for (const name of ['1', '2', '3']) await outbox.keep('submit', { comment: comment(name) });
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  writeFileSync(path, [lines[0], lines[1].replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')), 'nonsense', ' ', lines[2]].join('\n'));
  const asked = [];
  await outbox.flush(frontOf(asked));
  assert.deepEqual(asked, ['submit 1', 'submit 3']);
});

test('what is kept while another sends is not lost', async (t) => {
  const { path } = fresh(t);
  const asked = [];
  let keeping = true;
  const flushing = (async () => {
    for (const outbox = new FileOutbox(path); keeping || (await outbox.count()) > 0;) {
      await outbox.flush(frontOf(asked));
      await pause(1);
    }
  })();
  await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (who) => {
      for (let i = 0; i < 50; i++) await new FileOutbox(path).keep('submit', { comment: comment(`${who}${i}`) });
    }),
  );
  keeping = false;
  await flushing;
  for (const who of ['a', 'b', 'c', 'd']) {
    const own = [...new Set(asked.filter((one) => one.startsWith(`submit ${who}`)))];
    assert.deepEqual(
      own,
      Array.from({ length: 50 }, (_, i) => `submit ${who}${i}`),
      'each in its order',
    );
  }
});

test('a line that went to a file that was taken away meanwhile is written again', async (t) => {
  const { outbox, path } = fresh(t);
  await outbox.keep('submit', { comment: comment('1') });
  const { open } = files;
  const replace = (with_) => {
    files.open = with_;
    syncBuiltinESMExports();
  };
  t.after(() => replace(open));
  const asked = [];
  replace(async (name, flags, ...more) => {
    const file = await open(name, flags, ...more);
    if (name === path && flags === 'a') {
      // it is open, and before anything is written somebody else sends all
      replace(open);
      await new FileOutbox(path).flush(frontOf(asked));
    }
    return file;
  });
  await outbox.keep('submit', { comment: comment('2') });
  assert.deepEqual(asked, ['submit 1']);
  await outbox.flush(frontOf(asked));
  assert.deepEqual(asked, ['submit 1', 'submit 2']);
});

test('a line is not lost where a new file has the inode of the one that was taken away', async (t) => {
  const { outbox, path } = fresh(t);
  const { open } = files;
  const replace = (with_) => {
    files.open = with_;
    syncBuiltinESMExports();
  };
  t.after(() => replace(open));
  let ended = false;
  replace(async (name, flags, ...more) => {
    if (name === path) {
      const file = await open(name, flags, ...more);
      // somebody has taken the file away and read it before this line is written
      if (!ended) renameSync(path, `${path}.sending`);
      return file;
    }
    if (!ended) {
      // and is done with it when this looks whether it was seen; a third one keeps something
      ended = true;
      unlinkSync(`${path}.sending`);
      writeFileSync(path, '');
    }
    return open(name, flags, ...more);
  });
  await outbox.keep('submit', { comment: comment('1') });
  assert.ok(ended);
  assert.equal(await outbox.count(), 1);
});

test('one at a time sends', async (t) => {
  const { outbox, path } = fresh(t);
  await outbox.keep('submit', { comment: comment('1') });
  let go;
  const slow = {
    submitMany: () =>
      new Promise((resolve) => {
        go = () => resolve([ACCEPTED]);
      }),
  };
  const first = outbox.flush(slow);
  while (!go) await pause(5);
  for (const other of [outbox, new FileOutbox(path)]) {
    const { sent, left, error } = await other.flush(frontOf([]));
    assert.deepEqual([sent, left, error.keep], [0, 1, true]);
  }
  go();
  assert.equal((await first).sent, 1);
  assert.equal((await outbox.flush(frontOf([]))).error, null, 'the lock was given back');
});

/** A process that keeps what it tells, or takes the lock. */
function keeper(t, path, what) {
  const child = spawn(process.execPath, [KEEPER, path, what], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return { child, lines, ended };
}

test('nothing acknowledged is lost when the process is killed', async (t) => {
  const { outbox, path } = fresh(t);
  const told = [];
  for (let round = 0; round < 4; round++) {
    const { child, lines, ended } = keeper(t, path, `keep${round}`);
    lines.on('line', (line) => told.push(line));
    const enough = 10 * (round + 1);
    while (told.length < enough) await pause(2);
    await pause(3 * round);
    child.kill('SIGKILL');
    await ended;
    await pause(20);
  }
  const asked = [];
  await outbox.flush(frontOf(asked));
  const kept = new Set(asked);
  assert.deepEqual(
    told.filter((name) => !kept.has(`submit ${name}`)),
    [],
  );
  assert.ok(told.length >= 40);
});

test('a lock whose owner was killed is free, and one whose owner lives is not', async (t) => {
  const { outbox, path } = fresh(t);
  await outbox.keep('submit', { comment: comment('1') });
  const { child, lines, ended } = keeper(t, path, 'lock');
  await new Promise((resolve) => lines.once('line', resolve));
  assert.equal((await outbox.flush(frontOf([]))).error?.name, 'client_timeout');
  child.kill('SIGKILL');
  await ended;
  const locks = () => readdirSync(dirname(path)).filter((name) => name.startsWith('outbox.lock.'));
  assert.equal(locks().length, 1);
  assert.equal((await outbox.flush(frontOf([]))).sent, 1);
  assert.deepEqual(locks(), []);
});

test('of several who find the lock of a process that was killed one at most takes it', async (t) => {
  const { path } = fresh(t);
  const { child, lines, ended } = keeper(t, path, 'lock');
  await new Promise((resolve) => lines.once('line', resolve));
  child.kill('SIGKILL');
  await ended;
  const { rename, unlink } = files;
  const replace = (rename_, unlink_) => {
    Object.assign(files, { rename: rename_, unlink: unlink_ });
    syncBuiltinESMExports();
  };
  t.after(() => replace(rename, unlink));
  const taken = [];
  // the first has seen that the owner is gone; before it does anything about it, a second one takes the lock
  const second = (act) => async (...names) => {
    replace(rename, unlink);
    taken.push(await lock(`${path}.lock`));
    return act(...names);
  };
  replace(second(rename), second(unlink));
  taken.push(await lock(`${path}.lock`));
  assert.equal(taken.length, 2);
  assert.ok(taken.filter(Boolean).length <= 1);
});

test('more is kept than a function has arguments', async (t) => {
  const { outbox, path } = fresh(t);
  await outbox.keep('withdraw', { site: 'news', comment: '1' });
  const line = readFileSync(path, 'utf8');
  writeFileSync(path, line.repeat(200_000));
  const busy = errorFrom(BUSY);
  const { left, error } = await outbox.flush(frontOf([], () => busy));
  assert.deepEqual([left, error], [200_000, busy]);
});

test('what makes no sense is refused before it is kept', async (t) => {
  const { outbox } = fresh(t);
  for (const [op, fields, name] of [
    ['article', {}, 'client_bad_argument'],
    ['submit', null, 'client_bad_argument'],
    ['submit', comment('1'), 'client_bad_argument'],
    ['submit', { comment: comment('1', { body: '\ud800' }) }, 'invalid_utf8'],
    ['withdraw', { site: 1n }, 'client_bad_argument'],
    ['submit', { comment: comment('1', { extra: JSON.parse('{"__proto__": 1}') }) }, 'client_bad_argument'],
  ])
    await assert.rejects(outbox.keep(op, fields), { name });
  assert.equal(await outbox.count(), 0);
  await assert.rejects(new FileOutbox('/nowhere/outbox').keep('withdraw', {}), { name: 'client_system', class: 'local' });
  await assert.rejects(outbox.flush(frontOf([]), { timeout: 0 }), { name: 'client_bad_argument' });
});
