import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { decode, encode, measure } from '../src/wire.js';

const VECTORS = JSON.parse(readFileSync(new URL('../../../proto/vectors/messages.json', import.meta.url)));

function withBytes(value) {
  if (Array.isArray(value)) return value.map(withBytes);
  if (value === null || typeof value !== 'object') return value;
  return '$bin' in value
    ? Buffer.from(value.$bin, 'hex')
    : Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withBytes(v)]));
}

/** Counted as the daemon does, in another way than the client: every header of the packed bytes is one value. */
function valuesIn(value) {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return 1;
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + valuesIn(item), 1);
  return Object.values(value).reduce((sum, item) => sum + 1 + valuesIn(item), 1);
}

test('every vector is decoded and encoded to the same bytes', () => {
  assert.ok(VECTORS.length > 100, `${VECTORS.length} vectors`);
  for (const { name, hex, value } of VECTORS) {
    const plain = withBytes(value);
    assert.deepEqual(decode(Buffer.from(hex, 'hex')), plain, name);
    assert.equal(Buffer.from(encode(plain)).toString('hex'), hex, name);
    assert.equal(measure(plain), valuesIn(plain), name);
  }
});

test('integers are integers and never bigints', () => {
  const { n } = decode(Buffer.from('81a16ecf001fffffffffffff', 'hex'));
  assert.equal(n, 2 ** 53 - 1);
  assert.equal(typeof n, 'number');
});

test('half of a surrogate pair is told with its field and its byte', () => {
  const comment = { site: 'news', author: { name: 'é\u{1F642}x\ud83d' } };
  assert.throws(() => measure(comment, 'comments[3]', 3), {
    name: 'invalid_utf8',
    number: 28,
    class: 'fix',
    field: 'comments[3].author.name',
    details: { at: 7 },
  });
  assert.throws(() => measure({ '\udc00': 1 }, 'extra'), { name: 'invalid_utf8' });
  assert.doesNotThrow(() => measure({ s: '\u{1F642}\u{10FFFF}\u0000\ufeff' }));
});

test('what is too deep is refused, and what is as deep as may be is not', () => {
  const nest = (depth) => (depth === 0 ? 1 : { d: nest(depth - 1) });
  assert.equal(measure(nest(16)), 33);
  assert.throws(() => measure(nest(17)), { name: 'malformed', number: 20 });
  const circle = {};
  circle.again = circle;
  assert.throws(() => measure(circle), { name: 'malformed' });
});

test("what MessagePack cannot hold is the caller's mistake", () => {
  for (const value of [1n, () => 1, Symbol('s')])
    assert.throws(() => encode({ value }), { name: 'client_bad_argument', class: 'fix' });
});

test('what is left out is not sent', () => {
  assert.deepEqual(decode(encode({ a: undefined, b: null })), { b: null });
  assert.equal(measure({ a: undefined, b: null }), 3);
});

test('bytes that are no map decode to nothing and never throw', () => {
  for (const hex of [
    '',
    'c0',
    '90',
    '01',
    'a0',
    'c1',
    '81',
    '8201',
    'df7fffffff',
    'dd7fffffff',
    'dbffffffff',
    '81a95f5f70726f746f5f5f01',
    '8000',
  ])
    assert.equal(decode(Buffer.from(hex, 'hex')), null, hex);
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647);
  for (let i = 0; i < 20000; i++) {
    const value = decode(Buffer.from(Array.from({ length: random() % 24 }, () => random() & 255)));
    assert.ok(value === null || (typeof value === 'object' && !Array.isArray(value)));
  }
});
