import assert from 'node:assert/strict';
import test from 'node:test';

import { Front } from '../index.js';
import { accept, ACCEPTED, BUSY, errorMap, eventually, FakeDaemon, folder, pause, SLACK, timed } from './lib/fake.js';

function comment(i) {
  return { site: 'news', comment: `c${i}`, body: `text ${i}` };
}

async function start(t, onRequest, options) {
  const fake = await FakeDaemon.start(t, onRequest);
  const front = new Front(fake.endpoint, options);
  t.after(() => front.close());
  return { fake, front };
}

test('answers are matched by id, in whatever order they come', async (t) => {
  const { fake, front } = await start(t);
  const asked = Array.from({ length: 200 }, (_, i) => front.confirm('news', 'web', i));
  await eventually(() => fake.received.length === 200);
  for (const { map, answer } of [...fake.received].reverse()) answer({ ok: true, newest: map.seq, lag: 0 });
  const answers = await Promise.all(asked);
  assert.deepEqual(
    answers,
    answers.map((_, i) => ({ newest: i, lag: 0 })),
  );
  assert.equal(new Set(fake.received.map(({ peer }) => peer)).size, 1, 'all on one connection');
});

test('no more than 500 requests are unanswered', async (t) => {
  const { fake, front } = await start(t, undefined, { timeout: 20000, attempt: 20000 });
  const asked = Array.from({ length: 1200 }, (_, i) => front.confirm('news', 'web', i));
  await eventually(() => fake.received.length === 500);
  await pause(100);
  assert.equal(fake.received.length, 500);
  fake.onRequest = accept;
  for (const { answer } of fake.received.slice()) answer({ ok: true });
  await Promise.all(asked);
  assert.equal(fake.received.length, 1200);
});

test('a request that finds no room in time fails', async (t) => {
  const { front } = await start(t, undefined, { timeout: 20000, attempt: 20000 });
  const stuck = Array.from({ length: 500 }, () => front.policy('news').catch((error) => error.name));
  await assert.rejects(front.policy('news', { timeout: 150 }), { name: 'client_timeout', keep: true });
  front.close();
  assert.deepEqual(new Set(await Promise.all(stuck)), new Set(['client_timeout']));
});

test('after a lost answer the same bytes come again on a new connection', async (t) => {
  let lose = 2;
  const { fake, front } = await start(t, (request) => (lose-- > 0 ? undefined : accept(request)), {
    timeout: 15000,
    attempt: 1000,
  });
  assert.equal((await front.submit(comment(1))).status, 'accepted');
  assert.equal(fake.received.length, 3);
  assert.equal(new Set(fake.received.map(({ bytes }) => bytes)).size, 1);
  assert.equal(new Set(fake.received.map(({ peer }) => peer)).size, 3);
});

test('a report keeps its moment through repeats', async (t) => {
  let lose = 1;
  const { fake, front } = await start(t, (request) => (lose-- > 0 ? undefined : accept(request)), { attempt: 100 });
  const before = Date.now();
  await front.report('news', 'c', 'reader', { reason: 'abuse' });
  const [first, second] = fake.received.map(({ map }) => map);
  assert.deepEqual(first, second);
  assert.ok(first.at >= before && first.at <= Date.now());
});

test('a second answer and answers to nobody are ignored', async (t) => {
  const { front } = await start(t, ({ map, answer }) => {
    for (const id of [map.id, map.id, 'nobody', null, -1, 2 ** 40]) answer({ id, ok: true, newest: 5, lag: map.seq });
  });
  for (let i = 0; i < 20; i++) assert.deepEqual(await front.confirm('news', 'web', i), { newest: 5, lag: i });
});

test('busy waits as long as it was told to', async (t) => {
  let refusals = 2;
  const { fake, front } = await start(t, (request) => {
    if (refusals-- > 0) request.answer({ ok: false, error: { ...BUSY, retry_after_ms: 200 } });
    else accept(request);
  });
  await front.withdraw('news', 'c');
  const gaps = fake.received.slice(1).map(({ at }, i) => at - fake.received[i].at);
  assert.ok(gaps.length === 2 && gaps.every((gap) => gap >= 199) && Math.min(...gaps) < 1500, `${gaps}`);
});

test('a pause that would pass the deadline fails at once', async (t) => {
  const { fake, front } = await start(t, ({ answer }) => answer({ ok: false, error: { ...BUSY, retry_after_ms: 60000 } }));
  const ms = await timed(() =>
    assert.rejects(front.withdraw('news', 'c'), { name: 'busy', number: 1, retry_after_ms: 60000, keep: true }),
  );
  assert.ok(ms < SLACK, `${ms} ms`);
  assert.equal(fake.received.length, 1);
});

test('what is not of class retry is not repeated', async (t) => {
  for (const [name, number, kind] of [
    ['bad_type', 24, 'fix'],
    ['denied', 60, 'denied'],
    ['withdrawn', 85, 'final'],
  ]) {
    const { fake, front } = await start(t, ({ answer }) =>
      answer({ ok: false, error: errorMap(name, number, kind, { field: 'site' }) }),
    );
    await assert.rejects(front.withdraw('news', 'c'), { name, number, class: kind, field: 'site', keep: false });
    assert.equal(fake.received.length, 1);
  }
});

test('where nobody listens it says so, in time', async (t) => {
  const front = new Front(`ipc://${folder(t)}/nobody.sock`, { timeout: 600, attempt: 200 });
  t.after(() => front.close());
  const ms = await timed(() => assert.rejects(front.hello(), { name: 'client_cannot_connect', number: -2, keep: true }));
  assert.ok(ms > 200 && ms < 600 + SLACK, `${ms} ms`);
});

test('where nobody answers it says so, in time', async (t) => {
  const { front } = await start(t, undefined, { timeout: 600, attempt: 200 });
  const ms = await timed(() => assert.rejects(front.hello(), { name: 'client_timeout', number: -1, keep: true }));
  assert.ok(ms > 200 && ms < 600 + SLACK, `${ms} ms`);
});

test('after a request that got no answer the rest is not tried', async (t) => {
  const { fake, front } = await start(t, ({ map, answer }) => map.op === 'hello' && answer({ ok: true, limits: { max_batch: 1 } }), {
    timeout: 1500,
  });
  const results = await front.submitMany(Array.from({ length: 20 }, (_, i) => comment(i)));
  assert.deepEqual([...new Set(results.map(({ status }) => status))], ['client_timeout']);
  assert.equal(new Set(fake.of('submit').map(({ map }) => map.comments[0].comment)).size, 4, 'as many as go at once');
});

test('a daemon that comes late is found', async (t) => {
  const { fake, front } = await start(t, accept, { timeout: 10000, attempt: 200 });
  fake.stop();
  const asked = front.submit(comment(1));
  await pause(700);
  await fake.bind();
  assert.equal((await asked).status, 'accepted');
});

test('nothing connects before the first request', async (t) => {
  const endpoint = `ipc://${folder(t)}/${'x'.repeat(200)}.sock`; // a path that no socket can have
  const front = new Front(endpoint);
  await assert.rejects(front.hello(), { name: 'client_bad_argument', class: 'fix' });
  front.close();
});

test('answers that make no sense are errors, and do no harm', async (t) => {
  const wrong = [
    { ok: 'yes' },
    {},
    { ok: true, op: 'other' },
    { ok: true, v: 2 },
    { ok: false },
    { ok: false, error: 7 },
    { ok: true, results: 3 },
    { ok: true, results: [] },
    { ok: true, results: [7] },
    { ok: true, results: [{ status: 3 }] },
    { ok: true, results: [{ status: 'wondrous' }] },
    { ok: true, results: [{ status: 'busy', error: 'x' }] },
  ];
  for (const more of wrong) {
    const { fake, front } = await start(t, ({ answer }) => answer(more));
    await assert.rejects(
      front.submit(comment(1)),
      { name: 'client_bad_reply', number: -5, class: 'local' },
      JSON.stringify(more),
    );
    fake.onRequest = accept;
    assert.equal((await front.submit(comment(1))).status, 'accepted');
  }
});

test('frames that are no message are ignored', async (t) => {
  const { fake, front } = await start(t, async (request) => {
    for (const hex of ['', 'c1', '93010203', 'df7fffffff', 'ff']) await fake.sendBytes(request.peerId, Buffer.from(hex, 'hex'));
    accept(request);
  });
  assert.equal((await front.submit(comment(1))).status, 'accepted');
});

test('an error without an id belongs to the only request there is', async (t) => {
  const { front } = await start(t, ({ answer }) =>
    answer({ id: null, op: null, ok: false, error: errorMap('malformed', 20, 'fix') }),
  );
  await assert.rejects(front.policy('news'), { name: 'malformed' });
});

test('of a list only what was refused is sent again', async (t) => {
  let refusals = 3;
  const { fake, front } = await start(t, ({ map, answer }) => {
    if (map.op === 'hello') return accept({ map, answer });
    return answer({
      ok: true,
      results: map.comments.map(({ comment: name }) => {
        const refuse = name === 'c5' && refusals-- > 0;
        return refuse ? { comment: name, status: 'busy', error: BUSY } : { comment: name, ...ACCEPTED };
      }),
    });
  });
  const results = await front.submitMany(Array.from({ length: 10 }, (_, i) => comment(i)));
  assert.deepEqual(
    results.map(({ comment: name, status }) => [name, status]),
    results.map((_, i) => [`c${i}`, 'accepted']),
  );
  assert.deepEqual(
    fake.of('submit').map(({ map }) => map.comments.length),
    [10, 1, 1, 1],
  );
});

test('what stays refused until the end is told with its own error', async (t) => {
  const { front } = await start(t, ({ map, answer }) =>
    map.op === 'hello'
      ? accept({ map, answer })
      : answer({
          ok: true,
          results: map.comments.map(({ comment: name }) =>
            name === 'c1' ? { comment: name, status: 'busy', error: BUSY } : { comment: name, ...ACCEPTED },
          ),
        }),
  );
  const results = await front.submitMany([comment(0), comment(1), comment(2)], { timeout: 2000 });
  assert.deepEqual(
    results.map(({ status, error }) => [status, error?.keep]),
    [
      ['accepted', undefined],
      ['busy', true],
      ['accepted', undefined],
    ],
  );
});

test("an item's error counts in the list of the caller", async (t) => {
  const { fake, front } = await start(t, ({ map, answer }) =>
    map.op === 'hello'
      ? accept({ map, answer })
      : answer({
          ok: true,
          results: map.comments.map((_, i) => ({
            status: 'too_short',
            error: errorMap('too_short', 26, 'fix', { field: `comments[${i}].body` }),
          })),
        }),
  );
  const results = await front.submitMany(Array.from({ length: 300 }, (_, i) => comment(i)));
  assert.deepEqual(
    results.map(({ error }) => error.field),
    results.map((_, i) => `comments[${i}].body`),
  );
  assert.equal(fake.of('submit').length, 2, 'and is not repeated');
});

test('text that is no UTF-8 fails alone, and is not sent', async (t) => {
  const { fake, front } = await start(t, accept);
  const results = await front.submitMany([comment(0), { ...comment(1), body: 'a\ud800' }, comment(2)]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['accepted', 'invalid_utf8', 'accepted'],
  );
  assert.deepEqual([results[1].comment, results[1].error.field], ['c1', 'comments[1].body']);
  assert.deepEqual(
    fake.of('submit').flatMap(({ map }) => map.comments.map(({ comment: name }) => name)),
    ['c0', 'c2'],
  );
});

test('limits are asked for once, and kept', async (t) => {
  const { fake, front } = await start(t, ({ map, answer }) =>
    map.op === 'hello' ? answer({ ok: true, limits: { max_batch: 7, max_message_bytes: 65536 } }) : accept({ map, answer }),
  );
  await front.submit(comment(0));
  assert.equal(fake.of('hello').length, 0, 'not for what every daemon takes');
  await front.submitMany(Array.from({ length: 50 }, (_, i) => comment(i)));
  const [long] = await front.submitMany([{ ...comment(1), body: 'x'.repeat(65536) }]);
  assert.equal(long.status, 'too_long');
  assert.equal(fake.of('hello').length, 1);
  assert.deepEqual(
    fake
      .of('submit')
      .slice(1)
      .map(({ map }) => map.comments.length)
      .sort(),
    [1, 7, 7, 7, 7, 7, 7, 7],
  );
});

test('limits are asked for anew when the connection was lost', async (t) => {
  let most = 1048576;
  const fake = await FakeDaemon.start(t, (request) => {
    if (request.map.op === 'hello') request.answer({ ok: true, limits: { max_message_bytes: most } });
    else if (request.bytes.length / 2 <= most) accept(request); // a longer one makes a daemon drop the connection
  });
  const front = new Front(fake.endpoint, { timeout: 1500 });
  t.after(() => front.close());
  const statuses = async () => {
    const results = await front.submitMany(Array.from({ length: 10 }, (_, i) => ({ ...comment(i), body: 'x'.repeat(20000) })));
    return [...new Set(results.map(({ status }) => status))];
  };
  assert.deepEqual(await statuses(), ['accepted']);
  most = 65536;
  assert.deepEqual(await statuses(), ['client_timeout']);
  assert.deepEqual(await statuses(), ['accepted']);
});

test('a limit that was lowered meanwhile is obeyed', async (t) => {
  const { fake, front } = await start(t, ({ map, answer }) => {
    if (map.op === 'submit' && map.comments.length > 4)
      answer({ ok: false, error: errorMap('out_of_range', 25, 'fix', { field: 'comments', min: 1, max: 4 }) });
    else accept({ map, answer });
  });
  const results = await front.submitMany(Array.from({ length: 10 }, (_, i) => comment(i)));
  assert.ok(results.every(({ status }) => status === 'accepted'));
  assert.deepEqual(
    fake.of('submit').map(({ map }) => map.comments.length),
    [10, 4, 4, 2],
  );
});

test('close ends what is under way', async (t) => {
  const { fake, front } = await start(t);
  const asked = [front.hello(), front.submit(comment(1))];
  await eventually(() => fake.received.length === 2);
  front.close();
  for (const one of asked) await assert.rejects(one, { name: 'client_timeout', keep: true });
  await assert.rejects(front.hello(), { name: 'client_bad_argument' });
  front.close();
});

test('close ends a pause', async (t) => {
  const { fake, front } = await start(t, ({ answer }) => answer({ ok: false, error: { ...BUSY, retry_after_ms: 4000 } }));
  const asked = front.hello();
  await eventually(() => fake.received.length === 1);
  await pause(50);
  front.close();
  const ms = await timed(() => assert.rejects(asked));
  assert.ok(ms < 2000, `${ms} ms`);
});

test('a program that was busy for long does not lose answers', async (t) => {
  const { fake, front } = await start(t, accept, { timeout: 1500, attempt: 750 });
  await front.hello();
  fake.onRequest = (request) => {
    accept(request);
    fake.sending.then(() => {
      // sent, and not read yet
      for (const end = performance.now() + 2000; performance.now() < end;);
    });
  };
  assert.equal((await front.submit(comment(1))).status, 'accepted');
  assert.equal(fake.of('submit').length, 1);
});

test("what cannot be a duration or a list is the caller's mistake", async (t) => {
  const { front } = await start(t, accept);
  for (const options of [{ timeout: 0 }, { timeout: '5' }, { attempt: NaN }, { attempt: -1 }])
    assert.throws(() => new Front('ipc://x', options), { name: 'client_bad_argument' });
  await assert.rejects(front.hello({ timeout: -1 }), { name: 'client_bad_argument' });
  await assert.rejects(front.submitMany('x'), { name: 'client_bad_argument' });
  await assert.rejects(front.submit({ ...comment(1), extra: { n: 1n } }), { name: 'client_bad_argument' });
});
