import assert from 'node:assert/strict';
import test from 'node:test';

import { cut, oversize, weigh } from '../src/batch.js';
import { encode, measure } from '../src/wire.js';

const LIMITS = { max_message_bytes: 65536, max_batch: 100 };

function comment(i, bytes, values) {
  return { site: 'news', comment: `c${i}`, body: 'x'.repeat(bytes), extra: { list: new Array(values).fill(0) } };
}

test('every batch keeps the three limits, and none could be longer', () => {
  const sizes = [
    [10, 0],
    [3000, 0],
    [60000, 0],
    [1, 2000],
    [1, 15000],
    [700, 300],
  ];
  const items = Array.from({ length: 3000 }, (_, i) => weigh(comment(i, ...sizes[(i * i + (i >> 3)) % sizes.length]), i));
  const batches = cut(items, LIMITS);
  assert.deepEqual(
    batches.flat().map(({ index }) => index),
    items.map(({ index }) => index),
  );
  batches.forEach((batch, i) => {
    const message = (list) => ({ v: 1, op: 'submit', id: 2 ** 53 - 1, comments: list.map(({ value }) => value) });
    const fits = (list) => list.length <= 100 && encode(message(list)).length <= 65536 && measure(message(list)) <= 20000;
    assert.ok(fits(batch), `batch ${i}`);
    const next = batches[i + 1]?.[0];
    if (next)
      // but for what is kept free around the list
      assert.ok(
        batch.length === 100 ||
          encode(message([...batch, next])).length > 65536 - 200 ||
          measure(message([...batch, next])) > 20000 - 20,
        `batch ${i} is short`,
      );
  });
  assert.ok(batches.length > 30);
});

test('an item that fits into no request is told', () => {
  assert.equal(oversize(weigh(comment(0, 100, 0), 0), LIMITS), null);
  const long = oversize(weigh(comment(7, 70000, 0), 7), LIMITS);
  assert.deepEqual([long.name, long.number, long.field], ['too_long', 27, 'comments[7]']);
  const many = oversize(weigh(comment(8, 1, 19990), 8), LIMITS);
  assert.deepEqual([many.name, many.field], ['malformed', 'comments[8]']);
});

test('nothing is cut into nothing', () => {
  assert.deepEqual(cut([], LIMITS), []);
});
