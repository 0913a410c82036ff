import assert from 'node:assert/strict';
import test from 'node:test';

import { isTraceparent, withTrace } from '../src/trace.js';

const GOOD = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('headers are judged as Trace Context says', () => {
  assert.ok(isTraceparent(GOOD));
  assert.ok(isTraceparent(GOOD.replace(/^00/, 'cc')));
  assert.ok(isTraceparent(`${GOOD.replace(/^00/, 'cc')}-what-the-future-will-bring`), 'a later version may be longer');
  const bad = [
    '',
    null,
    undefined,
    7,
    GOOD.toUpperCase(),
    GOOD.slice(0, -1),
    `${GOOD}-more`,
    `${GOOD} `,
    GOOD.replace(/^00/, 'ff'),
    GOOD.replace(/-0af.*?-/, `-${'0'.repeat(32)}-`),
    GOOD.replace('b7ad6b7169203331', '0'.repeat(16)),
    GOOD.replace(/^00/, 'cc') + 'x',
    GOOD.replaceAll('-', '_'),
  ];
  for (const header of bad) assert.ok(!isTraceparent(header), String(header));
});

test('a trace goes into extra, beside what is there', () => {
  const comment = { site: 'news', extra: { a: 1 } };
  assert.deepEqual(withTrace(comment, GOOD, 4096), { site: 'news', extra: { a: 1, traceparent: GOOD } });
  assert.deepEqual(comment, { site: 'news', extra: { a: 1 } }, "the caller's own is not changed");
  assert.deepEqual(withTrace({ extra: null }, GOOD, 4096), { extra: { traceparent: GOOD } });
});

test('a comment is never spoilt by its trace', () => {
  const own = { extra: { traceparent: 'mine' } };
  assert.equal(withTrace(own, GOOD, 4096), own);
  const full = { extra: { text: 'x'.repeat(4080) } };
  assert.equal(withTrace(full, GOOD, 4096), full);
  for (const comment of [{ extra: 'wrong' }, { extra: [1] }, { extra: new Uint8Array(2) }, null, undefined, 7])
    assert.deepEqual(withTrace(comment, GOOD, 4096), comment);
  assert.deepEqual(withTrace({ a: 1 }, 'nonsense', 4096), { a: 1 });
});
