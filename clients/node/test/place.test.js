import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { FilePlace } from '../index.js';
import { folder } from './lib/fake.js';

const POSITION = { seq: 7, chain: Buffer.alloc(32, 1), epoch: Buffer.alloc(16, 2) };

test('a place is what was saved last', async (t) => {
  const path = join(folder(t), 'place');
  const place = new FilePlace(path);
  assert.equal(await place.load('news'), null);
  await place.save('news', POSITION);
  const before = statSync(path).ino;
  await place.save('news', { ...POSITION, seq: 8 });
  assert.notEqual(statSync(path).ino, before, 'replaced, not written over');
  assert.deepEqual(await new FilePlace(path).load('news'), { ...POSITION, seq: 8 });
  assert.deepEqual(readdirSync(join(path, '..')), ['place']);
});

test('a chain and an epoch that are not known stay so', async (t) => {
  const place = new FilePlace(join(folder(t), 'place'));
  const position = { seq: 7, chain: null, epoch: null };
  await place.save('news', position);
  assert.deepEqual(await place.load('news'), position);
});

test('what a crash left of a save is of no account', async (t) => {
  const path = join(folder(t), 'place');
  await new FilePlace(path).save('news', POSITION);
  const whole = readFileSync(path, 'utf8');
  for (let length = 0; length <= whole.length; length += 10) {
    writeFileSync(`${path}.new`, whole.slice(0, length));
    assert.deepEqual(await new FilePlace(path).load('news'), POSITION);
  }
  await new FilePlace(path).save('news', { ...POSITION, seq: 9 });
  assert.equal((await new FilePlace(path).load('news')).seq, 9);
});

test("another site's place is refused", async (t) => {
  const place = new FilePlace(join(folder(t), 'place'));
  await place.save('news', POSITION);
  await assert.rejects(place.load('sport'), { name: 'client_bad_argument' });
});

test('a damaged place is told, not taken for none', async (t) => {
  const path = join(folder(t), 'place');
  await new FilePlace(path).save('news', POSITION);
  const good = JSON.parse(readFileSync(path, 'utf8'));
  for (const text of [
    '',
    '{',
    'null',
    '{}',
    ...[{ seq: '7' }, { seq: -1 }, { chain: 'zz' }, { chain: good.chain.slice(2) }, { epoch: null }, { site: 3 }].map((more) =>
      JSON.stringify({ ...good, ...more }),
    ),
  ]) {
    writeFileSync(path, text);
    await assert.rejects(new FilePlace(path).load('news'), { name: 'client_system', class: 'local' }, text);
  }
});

test('what cannot be written or read is told with its cause', async (t) => {
  const directory = folder(t);
  mkdirSync(join(directory, 'place'));
  await assert.rejects(
    new FilePlace(join(directory, 'place')).load('news'),
    (error) => error.name === 'client_system' && error.cause.code === 'EISDIR',
  );
  await assert.rejects(
    new FilePlace(join(directory, 'no/place')).save('news', POSITION),
    (error) => error.cause.code === 'ENOENT',
  );
  assert.throws(() => new FilePlace(''), { name: 'client_bad_argument' });
});
