import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Reader, scene, until } from './lib.js';

async function backUp(daemon, copy) {
  assert.equal(await daemon.end('SIGTERM'), 0);
  await fs.cp(daemon.dir, copy, { recursive: true, filter: (file) => !file.endsWith('.sock') && !file.endsWith('log.txt') });
  await daemon.start();
}

async function restore(daemon, copy, said) {
  assert.equal(await daemon.end('SIGTERM'), 0);
  for (const name of await fs.readdir(daemon.dir)) if (!name.endsWith('log.txt')) await fs.rm(path.join(daemon.dir, name), { recursive: true });
  await fs.cp(copy, daemon.dir, { recursive: true });
  if (said) await promisify(execFile)(daemon.command, ['--restored', '--dir', daemon.dir]);
  await daemon.start();
}

const state = async (daemon, id) => (await daemon.state(id)).state;

test('a daemon that lost a part of the past: what it still says is shown, what it lost is sent again', async (t) => {
  const { dir, daemon, page } = await scene(t);
  const author = new Reader(page);
  const id = {};
  for (const name of ['approved', 'awaiting', 'undecided', 'takenBack']) id[name] = (await author.write(`was ${name}`)).id;
  await daemon.approve(id.approved);
  await daemon.approve(id.takenBack);
  const reader = new Reader(page);
  await until('both are shown', async () => /was approved[^]*was takenBack/.test(await reader.html()));
  for (const one of Object.values(id)) await daemon.has(one);
  await backUp(daemon, path.join(dir, 'copy'));
  for (const name of ['lostApproved', 'lostAwaiting']) id[name] = (await author.write(`was ${name}`)).id;
  await daemon.approve(id.awaiting);
  await daemon.approve(id.lostApproved);
  await author.to(id.takenBack, 'withdraw');
  await author.to(id.approved, 'edit', { body: 'was approved, second version' });
  await until('it has a second version', async () => (await daemon.state(id.approved)).revision === 2);
  await daemon.approve(id.approved);
  await until('all is shown', async () => /second version[^]*was awaiting[^]*was lostApproved/.test(await reader.html()));
  await restore(daemon, path.join(dir, 'copy'));
  await until('the page notices', async () => /lost a part of the past/.test(await page.said()));
  await until('what was lost is sent again', async () => (await state(daemon, id.lostApproved)) === 'pending');
  await until('all is sent', async () => (await state(daemon, id.lostAwaiting)) === 'pending' && (await daemon.state(id.approved)).revision === 2);
  await until('it is withdrawn again', async () => (await state(daemon, id.takenBack)) === 'withdrawn');
  assert.equal(await state(daemon, id.awaiting), 'pending');
  await until('nothing that is not approved now is shown', async () => !/was \w+/.test(await reader.html()));
  const own = await author.html();
  for (const name of ['awaiting', 'undecided', 'lostApproved', 'lostAwaiting', 'approved']) assert.ok(own.includes(id[name]), name);
  await daemon.approve(id.lostApproved);
  await until('decisions are heard', async () => (await reader.html()).includes('was lostApproved'));
  // A server that starts anew goes on from there.
  await page.end('SIGKILL');
  await page.start();
  assert.match(await reader.html(), /was lostApproved/);
  await daemon.approve(id.awaiting);
  await until('decisions are heard', async () => (await reader.html()).includes('was awaiting'));
  assert.equal((await page.said()).match(/lost a part of the past/g).length, 1);
});

test('a restored daemon that lacks comments, but no record, gets them again', async (t) => {
  const { dir, daemon, page } = await scene(t);
  const author = new Reader(page);
  const { id } = await author.write('approved');
  await daemon.approve(id);
  const reader = new Reader(page);
  await until('it is shown', async () => (await reader.html()).includes(id));
  await backUp(daemon, path.join(dir, 'copy'));
  const lost = await author.write('lost');
  await until('the daemon has it', async () => (await state(daemon, lost.id)) === 'pending');
  await restore(daemon, path.join(dir, 'copy'), true);
  await until('it is sent again', async () => (await state(daemon, lost.id)) === 'pending');
  assert.ok((await reader.html()).includes(id));
});
