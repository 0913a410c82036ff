import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';

import { accept, eventually, FakeDaemon, folder, pull, SLACK } from './lib/fake.js';

const CLIENT = new URL('../index.js', import.meta.url).href;

/** Runs a module and returns how it ended and how long that took after it said `done`. */
async function run(t, text) {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `import * as modqd from '${CLIENT}';\n${text}\nconsole.log('done');`],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20000 },
  );
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  let done = NaN;
  child.stdout.on('data', () => {
    done = performance.now();
  });
  child.stderr.on('data', (text_) => {
    said += text_;
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  assert.deepEqual([code, said], [0, '']);
  return performance.now() - done;
}

test('a process ends when everything is closed', async (t) => {
  const fake = await FakeDaemon.start(t, accept);
  const ms = await run(
    t,
    `
    const front = new modqd.Front('${fake.endpoint}');
    await front.submit({ site: 'news', comment: '1', body: 'x' });
    const decisions = new modqd.Decisions('${fake.endpoint}', 'news');
    await decisions.next(200);
    decisions.close();
    front.close();`,
  );
  assert.ok(ms < SLACK, `${ms} ms`);
});

test('a process ends when nobody ever answered', async (t) => {
  const nobody = `ipc://${join(folder(t), 'nobody.sock')}`;
  const ms = await run(
    t,
    `
    const front = new modqd.Front('${nobody}');
    front.submit({ site: 'news', comment: '1', body: 'x' }).catch(() => {});
    const decisions = new modqd.Decisions('${nobody}', 'news', { signal: AbortSignal.timeout(300) });
    await decisions.run(() => {});
    front.close();
    const push = new modqd.Push('${nobody}');
    await push.submit({ site: 'news', comment: '1', body: 'x' });
    await push.close(100);`,
  );
  assert.ok(ms < SLACK, `${ms} ms`);
});

test('what was pushed leaves a process that ends', async (t) => {
  const { received, read, endpoint } = await pull(t);
  read();
  const ms = await run(
    t,
    `
    const push = new modqd.Push('${endpoint}');
    for (let i = 0; i < 50; i++)
      await push.submit({ site: 'news', comment: String(i), body: 'x'.repeat(60000) });
    console.log(await push.close(5000));`,
  );
  assert.ok(ms < SLACK, `${ms} ms`);
  await eventually(() => received.length === 50);
});

test('what was never used keeps no process', async (t) => {
  const ms = await run(
    t,
    `
    new modqd.Front('ipc:///nowhere');
    new modqd.Decisions('ipc:///nowhere', 'news');`,
  );
  assert.ok(ms < SLACK, `${ms} ms`);
});
