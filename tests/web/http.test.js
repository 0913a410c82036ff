import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import fs from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { EXAMPLE, Reader, scene, sleep, until } from './lib.js';

const { Live } = await import(path.join(EXAMPLE, 'live.js'));
const { householdOf } = await import(path.join(EXAMPLE, 'guard.js'));
const { ARTICLES } = await import(path.join(EXAMPLE, 'articles.js'));
const { articlePage } = await import(path.join(EXAMPLE, 'views.js'));
const { serve } = createRequire(path.join(EXAMPLE, 'package.json'))('@hono/node-server');

/** Reads a stream of events; `events` holds what came so far, comments of the protocol as {comment}. */
async function listen(t, reader, { from = '', last } = {}) {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const answer = await fetch(`${reader.page.url}${reader.base}/events?from=${from}`, {
    signal: abort.signal, headers: { ...(reader.cookie && { Cookie: reader.cookie }), ...(last && { 'Last-Event-ID': last }) },
  });
  const stream = { status: answer.status, type: answer.headers.get('content-type'), events: [], text: '', over: false, close: () => abort.abort() };
  (async () => {
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
      stream.text += piece;
      const blocks = stream.text.split('\n\n').slice(0, -1);
      stream.events = blocks.filter((block) => /^event:/m.test(block)).map((block) => ({
        name: /^event: (.*)$/m.exec(block)[1], id: /^id: (.*)$/m.exec(block)[1], data: JSON.parse(/^data: (.*)$/m.exec(block)[1]),
      }));
    }
  })().catch(() => {}).finally(() => { stream.over = true; });
  return stream;
}

const names = (stream) => stream.events.map((event) => event.name);

test('only our own page may change anything', async (t) => {
  const { daemon, page } = await scene(t);
  const reader = new Reader(page);
  const { id } = await reader.write('mine');
  await daemon.has(id);
  const elsewhere = [
    { Origin: 'http://evil.example', 'Sec-Fetch-Site': 'cross-site' }, { Origin: 'null', 'Sec-Fetch-Site': 'same-origin' },
    { Origin: page.url, 'Sec-Fetch-Site': 'same-site' }, { Origin: 'http://127.0.0.1:1', 'Sec-Fetch-Site': 'same-origin' },
    { Origin: '', 'Sec-Fetch-Site': '' },
  ];
  for (const headers of elsewhere) {
    for (const what of ['', `/${id}/edit`, `/${id}/withdraw`, `/${id}/report`]) {
      const answer = await reader.ask(`${reader.base}/comments${what}`, { form: { body: 'not mine' }, headers });
      assert.equal(answer.status, 403, `${what} ${JSON.stringify(headers)}`);
    }
  }
  assert.equal((await daemon.list('queue')).length, 1);
  assert.match((await reader.ask('/en/tram', { json: false })).headers.get('content-type'), /html/);
  const cookie = (await new Reader(page).ask('/en/tram/comments', { form: { body: 'x' } })).headers.get('set-cookie');
  assert.match(cookie, /HttpOnly/);
  assert.match(cookie, /SameSite=Lax/);
});

test('others can neither see, edit nor withdraw a comment', async (t) => {
  const { daemon, page } = await scene(t);
  const [author, other] = [new Reader(page), new Reader(page)];
  await other.write('somebody else');
  const { id } = await author.write('mine alone');
  await daemon.has(id);
  assert.equal((await other.ask(`/en/tram/comments/${id}/edit`)).status, 404);
  assert.equal((await other.to(id, 'edit', { body: 'yours' })).status, 404);
  assert.equal((await other.to(id, 'withdraw')).status, 404);
  assert.equal((await other.to(id, 'report', { reason: 'other' })).status, 404);
  assert.equal((await other.ask(`/en/tram/comments/${id}/report`)).status, 404);
  assert.ok(!(await other.html()).includes(id));
  assert.match(await (await author.ask(`/en/tram/comments/${id}/edit`)).text(), /mine alone/);
  assert.equal((await daemon.state(id)).state, 'pending');
});

test('every answer has the headers that keep scripts and frames out', async (t) => {
  const { page } = await scene(t);
  const reader = new Reader(page);
  for (const where of ['/en/tram', '/static/page.js', '/static/style.css', '/nothing', '/en/nothing', '/xx/tram', '/static/nothing', '/en/tram/comments/x/edit']) {
    const { headers } = await reader.ask(where, { json: false });
    const policy = headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/, where);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', where);
    assert.equal(headers.get('x-frame-options'), 'DENY', where);
  }
  const html = await reader.html();
  assert.doesNotMatch(html, /<script(?![^>]* src=)|\son\w+=|style=|javascript:/);
  for (const where of ['/nothing', '/xx/tram', '/en/nothing', '/__proto__/tram', '/en/constructor', '/static/toString', '/static/..%2fserver.js', '/%ff']) {
    assert.ok([400, 404].includes((await reader.ask(where)).status), where);
  }
});

test('a text of the policy in another language than the page has a direction of its own', () => {
  const sentences = [{ language: 'ar', text: 'لم يُنشر تعليقك.' }, { language: 'en', text: 'Not published.' }];
  const comment = { id: 'c', n: 1, own: true, standing: 'rejected', name: '', body: 'x', language: 'en', at: '', when: '', sentences };
  const policy = { reasons: [{ code: 'x', title: { ar: 'إهانة!' }, sentence: {} }] };
  const page = String(articlePage({ code: 'en', id: 'tram', article: ARTICLES.tram, comments: [comment], policy, from: 'x-0', once: '' }));
  assert.match(page, /<li lang="ar" dir="auto">لم/);
  assert.match(page, /<li>Not published/);
  assert.match(page, /<option value="x" lang="ar" dir="auto">/);
});

test('the first page is in the language that the browser asks for', async (t) => {
  const { page } = await scene(t);
  const reader = new Reader(page);
  const to = async (header) => (await reader.ask('/', { headers: { 'Accept-Language': header } })).headers.get('location');
  assert.equal(await to('de, ar;q=0.8, en;q=0.5'), '/ar');
  assert.equal(await to('ckb-IQ,en;q=0.1'), '/ckb');
  assert.equal(await to('kmr'), '/ku');
  assert.equal(await to('xx;q=,,;q=9'), '/en');
});

test('texts are taken up to their size, and refused beyond it, without being cut', async (t) => {
  const { daemon, page } = await scene(t);
  const reader = new Reader(page);
  const most = 'ک'.repeat(4096);
  const { id } = await reader.write(most);
  await until('the daemon has it', async () => (await daemon.list('queue')).some((card) => card.comment === id || card.id === id));
  assert.equal((await daemon.list('queue'))[0].body, most);
  const refused = async (form, status, problem) => {
    const answer = await reader.ask('/en/tram/comments', { form });
    assert.deepEqual([answer.status, (await answer.json()).problem], [status, problem]);
  };
  await refused({ body: `${most}a` }, 413, 'long');
  await refused({ body: 'a'.repeat(200000) }, 413, 'long');
  await refused({ body: '' }, 422, 'empty');
  await refused({ name: 'no body' }, 422, 'empty');
  await refused({ body: '\u200b\u2060\n' }, 422, 'empty');
  assert.equal((await reader.to(id, 'edit', { body: `${most}a` })).status, 413);
  const raw = (body, type = 'application/x-www-form-urlencoded') => fetch(`${page.url}/en/tram/comments`, {
    method: 'POST', body, headers: { Origin: page.url, 'Content-Type': type, Accept: 'application/json' },
  });
  // Bytes that are no UTF-8 come as U+FFFD; a body of another kind holds no text.
  assert.equal((await raw('body=%ff%fe')).status, 200);
  assert.equal((await raw('{"body": "x"}', 'application/json')).status, 422);
  const nonsense = await raw('nonsense', 'multipart/form-data; boundary=x');
  assert.deepEqual([nonsense.status, (await nonsense.json()).problem], [422, 'broken']);
  assert.equal((await reader.ask('/health')).status, 200);
  assert.equal((await reader.write('nameless', { name: ' \u200b\u2060' })).name, '');
  const { name } = await reader.write('named', { name: `  A\n\tB${'x'.repeat(100)}` });
  assert.equal(name, `A B${'x'.repeat(57)}`);
});

test('who sends too much at once is held back, and nobody else is', async (t) => {
  const { page } = await scene(t, { PACE_BURST: '3', PACE_EVERY_MS: '60000', PROXIED: '1' });
  const reader = new Reader(page);
  const post = (from) => reader.ask('/en/tram/comments', { form: { body: 'x' }, headers: { 'X-Forwarded-For': `1.1.1.1, ${from}` } });
  const statuses = [];
  for (let n = 0; n < 5; n++) statuses.push((await post('10.0.0.1')).status);
  assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
  assert.equal((await post('10.0.0.2')).status, 200);
  // Without JavaScript the page comes back with what was typed.
  const page429 = await reader.ask('/en/tram/comments', {
    form: { body: 'not <lost>', name: 'N' }, headers: { 'X-Forwarded-For': '10.0.0.1' }, json: false,
  });
  assert.equal(page429.status, 429);
  assert.match(await page429.text(), /not &lt;lost&gt;<\/textarea>/);
});

test('all addresses of one IPv6 household are one reader', () => {
  const households = {
    '2001:db8:0:1::/64': ['2001:db8:0:1::1', '2001:DB8::1:ffff:2:3:4', '2001:0db8:0000:0001:0:0:0:9', '2001:db8:0:1:8:8:8.8.8.8'],
    '2001:db8:0:2::/64': ['2001:db8:0:2::1'],
    'fe80:0:0:0::/64': ['fe80::1%eth0'],
    '0:0:0:0::/64': ['::1'],
    '10.0.0.1': ['10.0.0.1', '::ffff:10.0.0.1'],
    nonsense: ['nonsense'],
  };
  for (const [household, addresses] of Object.entries(households)) {
    for (const address of addresses) assert.equal(householdOf(address), household, address);
  }
});

test('who has many IPv6 addresses is held back, too', async (t) => {
  const { page } = await scene(t, { PACE_BURST: '2', PACE_EVERY_MS: '60000', PROXIED: '1' });
  const reader = new Reader(page);
  const post = async (from) => (await reader.ask('/en/tram/comments', { form: { body: from }, headers: { 'X-Forwarded-For': from } })).status;
  assert.deepEqual([await post('2001:db8::1'), await post('2001:db8::2'), await post('2001:db8::3')], [200, 200, 429]);
  assert.equal(await post('2001:db8:0:1::1'), 200);
});

test('one address is one reader who reports, with any cookies and with none', async (t) => {
  const { daemon, page } = await scene(t, { PROXIED: '1' });
  const author = new Reader(page);
  const { id } = await author.write('doubtful');
  await daemon.approve(id);
  await until('it is shown', async () => (await new Reader(page).html()).includes(id));
  const report = async (from) => (await new Reader(page).ask(`/en/tram/comments/${id}/report`, {
    form: { reason: 'off_topic' }, headers: { 'X-Forwarded-For': from },
  })).status;
  const reports = async () => ((await daemon.modq('history', `news/${id}`)).match(/reported/g) ?? []).length;
  for (const from of ['10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.2']) assert.equal(await report(from), 200);
  await until('both are counted', async () => await reports() === 2);
  await page.end('SIGKILL');
  await page.start();
  assert.equal(await report('10.0.0.2'), 200);
  assert.equal(await report('10.0.0.3'), 200);
  await until('three readers are enough', async () => !(await new Reader(page).html()).includes(id));
  assert.equal(await reports(), 3);
  assert.ok(!(await fs.readFile(path.join(page.store, 'journal'), 'utf8')).includes('10.0.0.'));
});

test('a form that is sent twice makes one comment; the same form with another text makes two', async (t) => {
  const { daemon, page } = await scene(t);
  const reader = new Reader(page);
  await reader.write('x');
  const ids = await Promise.all([1, 2, 3].map(async () => (await reader.write('twice', { once: 'abc' })).id));
  assert.equal(new Set(ids).size, 1);
  assert.notEqual((await reader.write('other', { once: 'abc' })).id, ids[0]);
  const queued = async () => (await daemon.list('queue')).length;
  await until('all are queued', async () => await queued() === 3);
  await sleep(300);
  assert.equal(await queued(), 3);
  // Whose first answer was lost has no cookie yet.
  const once = 'f'.repeat(32);
  const [first, again] = [new Reader(page), new Reader(page)];
  assert.equal((await first.write('lost answer', { once })).id, (await again.write('lost answer', { once })).id);
  assert.equal(first.cookie, again.cookie);
});

test('a stream tells a new reader what there is, and one who comes back what he missed', async (t) => {
  const { daemon, page } = await scene(t);
  const author = new Reader(page);
  const shown = [];
  for (const body of ['one', 'two', 'three', 'never']) shown.push((await author.write(body)).id);
  for (const id of shown.slice(0, 2)) await daemon.approve(id);
  const reader = new Reader(page);
  await until('both are shown', async () => (await reader.html()).includes(shown[1]));
  const first = await listen(t, reader);
  assert.match(first.type, /^text\/event-stream/);
  await until('two came', () => first.events.length === 3);
  assert.deepEqual(names(first), ['only', 'comment', 'comment']);
  assert.deepEqual(first.events[0].data, shown.slice(0, 2));
  assert.deepEqual(first.events[1].data.body, 'one');
  const last = first.events.at(-1).id;
  first.close();
  await daemon.approve(shown[2]);
  await daemon.reject(shown[0], 'other', '--note', 'x', '--supersede');
  await until('it is hidden', async () => !(await reader.html()).includes(shown[0]));
  const second = await listen(t, reader, { last });
  await until('two came', () => second.events.length === 2);
  assert.deepEqual(second.events.map(({ name, data }) => [name, data.id]), [['comment', shown[2]], ['gone', shown[0]]]);
  assert.equal(second.events.at(-1).data.body, undefined);
  // Another place than ours, or nonsense: everything.
  for (const from of ['0123456789abcdef-5', 'x', `${last.split('-')[0]}-999999`, `${last.split('-')[0]}--1`, `${last.split('-')[0]}-x`, '-', '%00']) {
    const other = await listen(t, reader, { from });
    await until(`everything came after ${from}`, () => names(other).filter((name) => name === 'comment').length === 2);
    assert.deepEqual([other.events[0].name, other.events[0].data], ['only', shown.slice(1, 3)], from);
  }
  // Nobody hears anything of a comment that was never shown; its author does.
  const own = await listen(t, author, { last });
  await until('the author hears', () => own.events.length >= 2);
  const { id } = await author.write('still pending');
  await until('the author hears', () => own.events.some(({ data }) => data.id === id));
  await sleep(300);
  assert.ok(!second.text.includes(id));
});

test('who asks for the head of a stream takes no place', async (t) => {
  const { page } = await scene(t);
  for (let n = 0; n < 101; n++) {
    const head = await fetch(`${page.url}/en/tram/events`, { method: 'HEAD', signal: AbortSignal.timeout(5000) });
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'text/event-stream; charset=utf-8']);
  }
  assert.match((await listen(t, new Reader(page))).type, /^text\/event-stream/);
});

test('a stream shows that it lives, and ends when the server does', async (t) => {
  const { page } = await scene(t, { HEARTBEAT_MS: '100' });
  const stream = await listen(t, new Reader(page));
  await until('three heartbeats', () => (stream.text.match(/^: still here$/gm) ?? []).length >= 3);
  assert.equal(await page.end('SIGTERM'), 0);
  await until('the stream ended', () => stream.over);
});

test('an erased comment leaves the page, open pages and the disk', async (t) => {
  const { daemon, page } = await scene(t);
  const author = new Reader(page);
  const { id } = await author.write('SECRET', { name: 'Mara' });
  await daemon.approve(id);
  const reader = new Reader(page);
  await until('it is shown', async () => (await reader.html()).includes('SECRET'));
  const stream = await listen(t, reader);
  await daemon.modq('erase', '--yes', `news/${id}`);
  await until('others hear', () => stream.events.some(({ name, data }) => name === 'gone' && data.id === id));
  assert.ok(!(await reader.html()).includes(id));
  assert.ok(!(await author.html()).includes(id));
  const journal = path.join(page.store, 'journal');
  await until('it left the disk', async () => !/SECRET|Mara/.test(await fs.readFile(journal, 'utf8')));
  await author.write('the page still works');
  await page.end('SIGKILL');
  await page.start();
  assert.match(await author.html(), /the page still works/);
});

/** A store whose one comment is large and changes whenever it is told to. */
class Changing extends EventEmitter {
  state = {
    id: 'x', n: 0, written: () => [], changedSince: (article, n) => (n < this.state.n ? [{ id: 'c', changed: this.state.n }] : []),
  };

  change() {
    this.state.n++;
    this.emit('changed', 'tram');
  }
}

test('a browser that does not read is let go, costs no memory that grows, and disturbs nobody', async (t) => {
  const store = new Changing();
  const live = new Live(store, { heartbeat: 50, patience: 3000 });
  const large = 'x'.repeat(1 << 20);
  const fetchIt = (request, { outgoing }) => live.open({
    article: 'tram', from: 'x-0', client: 'c', view: () => ({ body: large }), cut: () => outgoing.destroy(),
  });
  const server = serve({ fetch: fetchIt, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => { live.close(); server.close(); server.closeAllConnections(); });
  const sockets = [];
  server.on('connection', (socket) => sockets.push(socket));
  const deaf = net.connect(server.address().port, '127.0.0.1');
  t.after(() => deaf.destroy());
  deaf.on('error', () => {});
  deaf.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('it is open', () => live.size === 1);
  const hearing = http.get({ port: server.address().port, host: '127.0.0.1' });
  hearing.on('error', () => {});
  t.after(() => hearing.destroy());
  const [answer] = await once(hearing, 'response');
  let heard = 0;
  answer.on('data', (piece) => { heard += piece.length; });
  let buffered = 0;
  const begun = Date.now();
  while (live.size === 2 && Date.now() - begun < 20000) {
    store.change();
    buffered = Math.max(buffered, sockets[0].writableLength);
    await sleep(5);
  }
  assert.equal(live.size, 1, 'it was not let go');
  assert.ok(store.state.n > 10, 'too little was sent to tell');
  assert.ok(buffered < 3 << 20, `${buffered} bytes waited for it`);
  await until('its connection is closed', () => sockets[0].destroyed);
  const before = heard;
  store.change();
  await until('the other one still hears', () => heard > before);
});

test('so many streams and no more, and those that end make room', async (t) => {
  const live = new Live(new Changing(), { streams: 4, perClient: 2 });
  t.after(() => live.close());
  const open = (client) => live.open({ article: 'tram', from: 'x-0', client, view: () => null });
  const first = open('a');
  assert.ok(first && open('a') && open('b'));
  assert.equal(open('a'), null);
  assert.ok(open('b'));
  assert.equal(open('c'), null);
  await first.body.cancel();
  assert.ok(open('a'));
  assert.equal(live.size, 4);
});
