import assert from 'node:assert/strict';
import test from 'node:test';

import { Push } from '../index.js';
import { endpointOf, eventually, pause, pull, SLACK, timed } from './lib/fake.js';

const comment = (i, more) => ({ site: 'news', comment: `c${i}`, body: `text ${i}`, ...more });

test('everything arrives, in order', async (t) => {
  const endpoint = endpointOf(t);
  const { received, read } = await pull(t, endpoint);
  read();
  const push = new Push(endpoint);
  for (let i = 0; i < 3000; i++) await push.submit(comment(i));
  await push.withdraw('news', 'c1');
  await push.report('news', 'c2', 'reader', { reason: 'abuse', at: 5 });
  assert.equal(await push.close(5000), 0);
  await eventually(() => received.length === 3002);
  assert.deepEqual(
    received.slice(0, 3000).map(({ op, comments }) => [op, comments[0].comment]),
    Array.from({ length: 3000 }, (_, i) => ['submit', `c${i}`]),
  );
  assert.deepEqual(received[3000], { v: 1, op: 'withdraw', site: 'news', comment: 'c1' });
  assert.deepEqual(received[3001], {
    v: 1,
    op: 'report',
    site: 'news',
    comment: 'c2',
    reader: 'reader',
    reason: 'abuse',
    at: 5,
  });
});

test('many are cut into messages', async (t) => {
  const endpoint = endpointOf(t);
  const { received, read } = await pull(t, endpoint);
  read();
  const push = new Push(endpoint);
  await push.submitMany(Array.from({ length: 600 }, (_, i) => comment(i)));
  assert.equal(await push.close(5000), 0);
  await eventually(() => received.length === 3);
  assert.deepEqual(
    received.map(({ comments }) => comments.length),
    [256, 256, 88],
  );
});

test('what nobody took is counted, in time', async (t) => {
  const push = new Push(endpointOf(t));
  await push.submitMany(Array.from({ length: 300 }, (_, i) => comment(i)));
  await push.withdraw('news', 'c');
  let unsent;
  const ms = await timed(async () => {
    unsent = await push.close(200);
  });
  assert.equal(unsent, 301);
  assert.ok(ms >= 190 && ms < 200 + SLACK, `${ms} ms`);
});

test('a daemon that comes late gets everything', async (t) => {
  const endpoint = endpointOf(t);
  const push = new Push(endpoint);
  for (let i = 0; i < 20; i++) await push.submit(comment(i));
  await pause(100);
  const { received, read } = await pull(t, endpoint);
  read();
  assert.equal(await push.close(5000), 0);
  await eventually(() => received.length === 20);
});

test('a full queue is told in time, and nothing is lost that was taken', async (t) => {
  const push = new Push(endpointOf(t), { timeout: 100 });
  for (let i = 0; i < 1000; i++) await push.submit(comment(i));
  const ms = await timed(() => assert.rejects(push.submit(comment(1000)), { name: 'client_timeout', keep: true }));
  assert.ok(ms >= 90 && ms < 100 + SLACK, `${ms} ms`);
  assert.equal(await push.close(), 1000);
});

test('a daemon that stops reading is noticed at the end', async (t) => {
  const endpoint = endpointOf(t);
  const { received, read } = await pull(t, endpoint, { receiveHighWaterMark: 1 });
  const push = new Push(endpoint);
  for (let i = 0; i < 200; i++) await push.submit(comment(i, { body: 'x'.repeat(60000) }));
  const unsent = await push.close(1500);
  assert.ok(unsent > 100 && unsent < 200, `${unsent}`);
  read();
  await eventually(() => received.length >= 200 - unsent);
});

test('what is wrong is told before it is taken', async (t) => {
  const push = new Push(endpointOf(t));
  await assert.rejects(push.submit(comment(1, { body: '\ud800' })), { name: 'invalid_utf8', field: 'comments[0].body' });
  await assert.rejects(push.submit(comment(1, { body: 'x'.repeat(2 ** 20) })), { name: 'too_long', field: 'comments[0]' });
  await assert.rejects(push.submitMany('x'), { name: 'client_bad_argument' });
  assert.equal(await push.close(), 0);
  await assert.rejects(push.submit(comment(1)), { name: 'client_bad_argument' });
  assert.throws(() => new Push('nonsense://x'), { name: 'client_bad_argument' });
});
