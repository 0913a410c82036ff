import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { EXAMPLE, Reader, SITE, scene, sleep, until } from './lib.js';

const { Store } = await import(path.join(EXAMPLE, 'store.js'));
const SECONDS = Number(process.env.MODQ_KILL_S ?? 120);
/** A busy machine gets so many times as long, until enough has happened. */
const TIMES = 3;
const ENOUGH = 5;
const ANSWER_MS = 60000;
const AUTHORS = 4;

const sha256 = (text) => createHash('sha256').update(text, 'utf8').digest('hex');
const chance = (part) => Math.random() < part;

/** Repeats what gets no whole answer, as a reader would who presses the button again. Returns its text. */
async function insist(attempt) {
  for (const latest = Date.now() + ANSWER_MS; ;) {
    try {
      const answer = await attempt();
      const text = await answer.text();
      if (answer.status < 500) return text;
    } catch {
      // The server is away.
    }
    if (Date.now() > latest) throw new Error('no answer for too long');
    await sleep(50);
  }
}

/** Writes, edits and withdraws until it is over. What was acknowledged is put into `kept`. */
async function author(page, number, { over, kept, done }) {
  const reader = new Reader(page);
  const mine = [];
  for (let n = 0; !over(); n++) {
    // Some are to be rejected, which their text says.
    const body = `${chance(0.3) ? 'NO' : 'YES'} ${number}-${n}`;
    const once = randomBytes(16).toString('hex');
    const { comment } = JSON.parse(await insist(() => reader.ask(`${reader.base}/comments`, { form: { body, once } })));
    kept.set(comment.id, body);
    mine.push(comment.id);
    const id = mine[Math.floor(Math.random() * mine.length)];
    if (chance(0.2)) await insist(() => reader.to(id, 'edit', { body: `${body} edited` }));
    if (chance(0.1)) {
      await insist(() => reader.to(id, 'withdraw'));
      done.withdraw++;
    }
    await sleep(20 + Math.random() * 60);
  }
}

/** Decides by the texts, and undoes some. */
async function moderate(daemon, { over, done }) {
  while (!over()) {
    const cards = await daemon.list('queue', '--limit', '20').catch(() => []);
    for (const wanted of ['YES', 'NO']) {
      const names = cards.filter(({ body }) => body?.startsWith(wanted)).map(({ comment, id }) => `${SITE}/${comment ?? id}`);
      if (names.length === 0) continue;
      const verb = wanted === 'YES' ? ['approve'] : ['reject', '--reason', 'profanity'];
      await daemon.modq(...verb, ...names, '--timeout', '2').then(() => { done[verb[0]] += names.length; }, () => {});
      if (chance(0.2)) await daemon.modq('undo', names[0], '--timeout', '2').catch(() => {});
    }
    await sleep(100);
  }
}

/** Reads the page all the time; puts every text that it shows into `shown`. */
async function watch(page, { over, shown }) {
  const reader = new Reader(page);
  while (!over()) {
    const html = await reader.html().catch(() => '');
    for (const [, id, body] of html.matchAll(/id="c-(\w{32})"[^]*?<p class="body"[^>]*>([^<]*)</g)) shown.add(`${id} ${body}`);
    await sleep(80);
  }
}

async function killInTurn(page, daemon, { over, kills }) {
  while (!over()) {
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
  const begin = Date.now();
  const [kept, shown, kills, done] = [new Map(), new Set(), [], { approve: 0, reject: 0, withdraw: 0 }];
  const enough = () => shown.size > 0 && Object.values(done).every((count) => count >= ENOUGH);
  const over = () => Date.now() > begin + SECONDS * 1000 * (enough() ? 1 : TIMES);
  const all = { over, kept, shown, kills, done };
  await Promise.all([
    ...Array.from({ length: AUTHORS }, (_, number) => author(page, number, all)),
    moderate(daemon, all), watch(page, all), killInTurn(page, daemon, all),
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
