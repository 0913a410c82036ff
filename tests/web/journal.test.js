import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { EXAMPLE } from './lib.js';

const { Journal } = await import(path.join(EXAMPLE, 'journal.js'));
const { Store } = await import(path.join(EXAMPLE, 'store.js'));
const { lock } = await import(path.join(EXAMPLE, 'lock.js'));

async function directory(t) {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'mw-'));
  t.after(() => fs.rm(dir, { recursive: true, force: true }));
  return dir;
}

async function read(file) {
  const journal = new Journal(file, assert.fail);
  const changes = await journal.open();
  await journal.close();
  return changes;
}

test('changes come back in order, and are carried out in order after they were written', async (t) => {
  const file = path.join(await directory(t), 'journal');
  const journal = new Journal(file, assert.fail);
  assert.deepEqual(await journal.open(), []);
  const carriedOut = [];
  const results = await Promise.all([1, 2, 3].map((n) => journal.append({ n }, async (change) => {
    carriedOut.push(change.n);
    assert.match(await fs.readFile(file, 'utf8'), new RegExp(`"n":${change.n}}\n`));
    return change.n * 2;
  })));
  assert.deepEqual(results, [2, 4, 6]);
  assert.deepEqual(carriedOut, [1, 2, 3]);
  await journal.close();
  assert.deepEqual(await read(file), [{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test('a file cut at any byte holds the changes that were whole, and can be gone on with', async (t) => {
  const file = path.join(await directory(t), 'journal');
  const lines = ['{"n":1,"body":"a"}\n', '{"n":2,"body":"هەواڵ"}\n', '{"n":3}\n'].map((line) => Buffer.from(line));
  const whole = Buffer.concat(lines);
  for (let cut = 0; cut <= whole.length; cut++) {
    await fs.writeFile(file, whole.subarray(0, cut));
    let complete = 0;
    for (let end = 0; complete < 3 && (end += lines[complete].length) <= cut;) complete++;
    const journal = new Journal(file, assert.fail);
    assert.equal((await journal.open()).length, complete, `cut at ${cut}`);
    await journal.append({ n: 9 }, () => {});
    await journal.close();
    const after = await read(file);
    assert.deepEqual([after.length, after.at(-1)], [complete + 1, { n: 9 }], `cut at ${cut}`);
  }
});

test('when the directory cannot be synced the file is no longer trusted, and takes no change that would be lost', async (t) => {
  const dir = await directory(t);
  const file = path.join(dir, 'journal');
  const failures = [];
  const journal = new Journal(file, (error) => failures.push(error.code));
  await journal.open();
  await journal.append({ n: 1 }, () => {});
  const { open } = fs;
  const broken = t.mock.method(fs, 'open', (name, ...more) => (
    name === dir ? Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' })) : open(name, ...more)));
  await assert.rejects(journal.replace([{ n: 1, again: true }]), { code: 'EIO' });
  broken.mock.restore();
  await assert.rejects(journal.append({ n: 2 }, assert.fail), { code: 'EIO' });
  assert.deepEqual(failures, ['EIO']);
  await journal.close();
  assert.deepEqual(await read(file), [{ n: 1, again: true }]);
});

test('zeros that a power cut left at the end are taken away; damage before whole changes is not passed over', async (t) => {
  const file = path.join(await directory(t), 'journal');
  await fs.writeFile(file, '{"n":1}\n\0\0\0\0\n\0');
  assert.deepEqual(await read(file), [{ n: 1 }]);
  await fs.writeFile(file, '{"n":1}\n{"n":\n{"n":3}\n');
  await assert.rejects(read(file), /damaged at byte 8/);
});

/** Appends until there is no room for a large change, then a small one. */
const FILLS_THE_DISK = `
  import { Journal } from ${JSON.stringify(path.join(EXAMPLE, 'journal.js'))};
  const journal = new Journal(process.argv[1], () => process.exit(2));
  await journal.open();
  const said = [];
  for (const body of ['a'.repeat(3000), 'b'.repeat(3000), 'c'])
    said.push(await journal.append({ body }, () => 'kept').catch((error) => error.code));
  await journal.close();
  console.log(said.join(' '));`;

test('a disk that is full refuses a change, and nothing of it stays', async (t) => {
  const file = path.join(await directory(t), 'journal');
  const limited = ['-c', 'ulimit -f 4; exec "$@"', 'bash', process.execPath, '--input-type=module', '-e', FILLS_THE_DISK, file];
  const { stdout } = await promisify(execFile)('bash', limited, { timeout: 20000 });
  assert.equal(stdout, 'kept EFBIG kept\n');
  assert.deepEqual((await read(file)).map(({ body }) => body[0]), ['a', 'c']);
});

test('a lock is held by a living process only', async (t) => {
  const file = path.join(await directory(t), 'lock');
  const unlock = await lock(file);
  await assert.rejects(lock(file), /works here/);
  await unlock();
  await fs.writeFile(file, `${process.pid} 1`);
  await (await lock(file))();
  await fs.writeFile(file, '999999999 5');
  await (await lock(file))();
});

const RECORD = { site: 'news', comment: 'c', revision: 1, reasons: [], policy: 'p', chain: '00', body_sha256: null };

test('an erased comment leaves the disk', async (t) => {
  const dir = await directory(t);
  const store = await Store.open(dir);
  await store.change('comment', { id: 'c', once: 'o', at: 1, owner: 'w', article: 'tram', name: 'Mara', language: 'en', body: 'SECRET' });
  await store.change('record', { record: { ...RECORD, seq: 1, decision: 'erased' } });
  await store.close();
  const kept = await fs.readFile(path.join(dir, 'journal'), 'utf8');
  assert.ok(!kept.includes('SECRET') && !kept.includes('Mara'));
  const again = await Store.open(dir);
  assert.equal(again.state.place.seq, 1);
  assert.equal(again.state.standing(again.state.comments.get('c')), 'gone');
  await again.close();
});

test('a record is applied once, and what was written anew is what was there', async (t) => {
  const dir = await directory(t);
  const store = await Store.open(dir);
  const hash = '9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0';    // of aaa
  await store.change('comment', { id: 'c', once: 'o', at: 1, owner: 'w', article: 'tram', name: '', language: 'en', body: 'aaa' });
  await store.change('comment', { id: 'e', once: 'p', at: 1, owner: 'w', article: 'tram', name: '', language: 'en', body: 'bbb' });
  await store.change('record', { record: { ...RECORD, seq: 1, decision: 'approved', body_sha256: hash } });
  const { changed } = store.state.comments.get('c');
  await store.change('record', { record: { ...RECORD, seq: 1, decision: 'rejected' } });
  assert.equal(store.state.shownText(store.state.comments.get('c')).body, 'aaa');
  assert.equal(store.state.comments.get('c').changed, changed);
  await store.change('edit', { id: 'e', owner: 'w', body: 'ccc', at: 2 });
  // An erasure has the file written anew.
  await store.change('record', { record: { ...RECORD, comment: 'c', seq: 2, decision: 'erased' } });
  const before = [...store.state.snapshot()];
  await store.close();
  assert.equal((await read(path.join(dir, 'journal'))).length, before.length);
  const again = await Store.open(dir);
  assert.deepEqual([...again.state.snapshot()], before);
  assert.deepEqual(again.state.changedSince('tram', 0, 9).map(({ id }) => id), ['e', 'c']);
  await again.close();
});

test('a comment is not shown when another text was approved', async (t) => {
  const store = await Store.open(await directory(t));
  await store.change('comment', { id: 'c', once: 'o', at: 1, owner: 'w', article: 'tram', name: '', language: 'en', body: 'aaa' });
  await store.change('record', { record: { ...RECORD, seq: 1, decision: 'approved', body_sha256: '00'.repeat(32) } });
  assert.equal(store.state.shownText(store.state.comments.get('c')), null);
  await store.close();
});
