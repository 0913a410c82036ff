import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { EXAMPLE, Reader, SITE, scene, sleep, until } from './lib.js';

const { Store } = await import(path.join(EXAMPLE, 'store.js'));
const SECONDS = Number(process.env.MODQ_KILL_S ?? 120);
const AUTHORS = 4;

const sha256 = (text) => createHash('sha256').update(text, 'utf8').digest('hex');
const chance = (part) => Math.random() < part;

/** Repeats what gets no whole answer, as a reader would who presses the button again. Returns its text. */
async function insist(end, attempt) {
  for (;;) {
    try {
      const answer = await attempt();
      const text = await answer.text();
      if (answer.status < 500) return text;
    } catch {
      // The server is away.
    }
    if (Date.now() > end + 20000) throw new Error('no answer for too long');
    await sleep(50);
  }
}

/** Writes, edits and withdraws until the end. What was acknowledged is put into `kept`. */
async function author(page, number, end, kept) {
  const reader = new Reader(page);
  const mine = [];
  for (let n = 0; Date.now() < end; n++) {
    // Some are to be rejected, which their text says.
    const body = `${chance(0.3) ? 'NO' : 'YES'} ${number}-${n}`;
    const once = randomBytes(16).toString('hex');
    const { comment } = JSON.parse(await insist(end, () => reader.ask(`${reader.base}/comments`, { form: { body, once } })));
    kept.set(comment.id, body);
    mine.push(comment.id);
    const id = mine[Math.floor(Math.random() * mine.length)];
    if (chance(0.2)) await insist(end, () => reader.to(id, 'edit', { body: `${body} edited` }));
    if (chance(0.1)) await insist(end, () => reader.to(id, 'withdraw'));
    await sleep(20 + Math.random() * 60);
  }
}

/** Decides by the texts, and undoes some. */
async function moderate(daemon, end) {
  while (Date.now() < end) {
    const cards = await daemon.list('queue', '--limit', '20').catch(() => []);
    for (const wanted of ['YES', 'NO']) {
      const names = cards.filter(({ body }) => body?.startsWith(wanted)).map(({ comment, id }) => `${SITE}/${comment ?? id}`);
      if (names.length === 0) continue;
      const verb = wanted === 'YES' ? ['approve'] : ['reject', '--reason', 'profanity'];
      await daemon.modq(...verb, ...names, '--timeout', '2').catch(() => {});
      if (chance(0.2)) await daemon.modq('undo', names[0], '--timeout', '2').catch(() => {});
    }
    await sleep(100);
  }
}

/** Reads the page all the time; puts every text that it shows into `shown`. */
async function watch(page, end, shown) {
  const reader = new Reader(page);
  while (Date.now() < end) {
    const html = await reader.html().catch(() => '');
    for (const [, id, body] of html.matchAll(/id="c-(\w{32})"[^]*?<p class="body"[^>]*>([^<]*)</g)) shown.add(`${id} ${body}`);
    await sleep(80);
  }
}

async function killInTurn(page, daemon, end, kills) {
  while (Date.now() < end - 2000) {
    for (const program of [page, daemon]) {
      await sleep(500 + Math.random() * 2000);
      assert.equal(await program.end('SIGKILL'), 'SIGKILL');
      kills.push(program === page ? 'page' : 'daemon');
      await sleep(Math.random() * 500);
      await program.start();
    }
  }
}

test(`page and daemon killed in turn for ${SECONDS} s: nothing is lost, nothing shown that was not approved`, async (t) => {
  const { daemon, page } = await scene(t);
  const end = Date.now() + SECONDS * 1000;
  const [kept, shown, kills] = [new Map(), new Set(), []];
  await Promise.all([
    ...Array.from({ length: AUTHORS }, (_, number) => author(page, number, end, kept)),
    moderate(daemon, end), watch(page, end, shown), killInTurn(page, daemon, end, kills),
  ]);

  const records = await daemon.list('follow', '--site', SITE, '--no-wait');
  const approved = new Set(records.filter(({ decision }) => decision === 'approved').map(({ comment, body_sha256: hash }) => `${comment} ${hash}`));
  for (const line of shown) {
    const [, id, body] = /^(\w+) (.*)$/.exec(line);
    assert.ok(approved.has(`${id} ${sha256(body)}`), `shown without an approval: ${line}`);
  }
  await until('the page has applied everything', async () => {
    const store = await reopen(page);
    const level = store.state.place?.seq === records.at(-1).seq && store.state.outbox.size === 0;
    await store.close();
    if (!level) {
      await page.start();
      await sleep(2000);
    }
    return level;
  }, 60000);

  const { state, close } = await reopen(page).then((store) => ({ state: store.state, close: () => store.close() }));
  for (const [id, body] of kept) assert.ok(state.comments.has(id), `lost: ${body}`);
  assert.equal(state.comments.size, kept.size, 'a comment that nobody wrote');
  assert.equal((await daemon.list('queue', '--state', 'any', '--limit', '0')).length, kept.size);
  const tally = {};
  for (const comment of state.comments.values()) {
    const told = await daemon.state(comment.id);
    const { revision, body } = comment.texts.at(-1);
    const ours = { state: standing(state, comment), revision, body_sha256: sha256(body), seq: comment.decision?.seq ?? null };
    assert.deepEqual(ours, { state: told.state, revision: told.revision, body_sha256: told.body_sha256, seq: told.seq }, comment.id);
    tally[told.state] = (tally[told.state] ?? 0) + 1;
  }
  await close();
  assert.equal(await daemon.end('SIGTERM'), 0);
  await promisify(execFile)(daemon.command, ['--fsck', '--dir', daemon.dir]);
  t.diagnostic(`${kills.length} kills, ${kept.size} comments ${JSON.stringify(tally)}, ${records.length} records, ${shown.size} texts shown`);
  assert.ok(kills.length >= Math.floor(SECONDS / 20) && tally.approved > 0 && tally.rejected > 0 && tally.withdrawn > 0 && shown.size > 0);
});

/** The store as the page left it, read by ourselves. */
async function reopen(page) {
  if (page.child) await page.end('SIGKILL');
  return Store.open(page.store);
}

function standing(state, comment) {
  if (comment.withdrawn) return 'withdrawn';
  return { awaiting: 'pending' }[state.standing(comment)] ?? state.standing(comment);
}
