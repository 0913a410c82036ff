import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Reader, openBrowser, openTab, scene, until } from './lib.js';

let browser;
before(async () => { browser = await openBrowser(); });
after(() => browser.close());

const PAGES = { en: ['en', 'ltr'], ckb: ['ckb', 'rtl'], ku: ['kmr', 'ltr'], ar: ['ar', 'rtl'], tr: ['tr', 'ltr'] };

async function visit(t, page, language = 'en', options = {}) {
  const tab = await openTab(t, browser, options);
  await tab.goto(`${page.url}/${language}/tram`);
  return tab;
}

/** Writes a comment with the form, and waits until it stands on the page. Returns its id. */
async function write(tab, body, name = '') {
  await tab.fill('#name', name);
  await tab.fill('#text', body);
  const answered = tab.waitForResponse((answer) => answer.request().method() === 'POST');
  await tab.click('#write button');
  const { comment } = await (await answered).json();
  await tab.waitForSelector(`#c-${comment.id}`);
  return comment.id;
}

const part = (tab, id, what) => tab.locator(`#c-${id} ${what}`);
const shows = (tab, id) => tab.waitForSelector(`#c-${id}`);
const lacks = (tab, id) => tab.waitForSelector(`#c-${id}`, { state: 'detached' });
const stands = (tab, id, standing) => tab.waitForSelector(`#c-${id}[data-standing="${standing}"]`);

/** The sentence of a reason in a language, from the daemon itself. */
async function sentence(daemon, code, tag) {
  const [policy] = await daemon.list('policy', 'news').catch(() => daemon.list('policy', '--site', 'news'));
  return policy.reasons.find((reason) => reason.code === code).sentence[tag];
}

test('a comment shows to its author at once, and to everybody the moment it is approved, without a reload', async (t) => {
  const { daemon, page } = await scene(t);
  const mara = await visit(t, page);
  const other = await visit(t, page, 'ckb');
  await other.evaluate(() => { window.notReloaded = true; });
  const id = await write(mara, 'At last!\nWhen does the first tram run?', 'Mara');
  await stands(mara, id, 'awaiting');
  assert.ok(await part(mara, id, '[data-of=awaiting]').isVisible());
  assert.equal(await mara.textContent('#heard'), 'Awaiting moderation. Until then only you can see it.');
  assert.equal(await mara.inputValue('#text'), '');
  assert.equal(await other.locator('#list li').count(), 0);
  assert.ok(!(await new Reader(page).html()).includes('At last!'));
  await daemon.approve(id);
  await shows(other, id);
  assert.equal(await part(other, id, '.body').textContent(), 'At last!\nWhen does the first tram run?');
  assert.equal(await part(other, id, '.name').textContent(), 'Mara');
  assert.ok(await part(other, id, '.report').isVisible());
  assert.ok(!await part(other, id, '.own').isVisible());
  await stands(mara, id, 'approved');
  assert.ok(!await part(mara, id, '.standing').isVisible());
  assert.equal(await other.evaluate(() => window.notReloaded), true);
  assert.deepEqual([...mara.faults, ...other.faults], []);
});

test('who is rejected reads why, in the language of the page, and an undo takes it away again', async (t) => {
  const { daemon, page } = await scene(t);
  const author = await openTab(t, browser);
  const ids = {};
  for (const language of Object.keys(PAGES)) {
    await author.goto(`${page.url}/${language}/tram`);
    ids[language] = await write(author, `stupid ${language}`);
  }
  for (const [language, [tag]] of Object.entries(PAGES)) {
    const id = ids[language];
    await author.goto(`${page.url}/${language}/tram`);
    await daemon.reject(id, 'vulgarity');
    await stands(author, id, 'rejected');
    const expected = await sentence(daemon, 'vulgarity', tag);
    assert.ok(expected.length > 20);
    assert.equal(await part(author, id, '.sentences').innerText(), expected);
    assert.equal(await part(author, id, '.sentences li').getAttribute('lang') ?? tag, tag);
    await author.reload();
    assert.equal(await part(author, id, '.sentences').innerText(), expected);
    const others = await new Reader(page, { language }).html();
    assert.ok(!others.includes(id) && !others.includes(expected));
    await daemon.undo(id);
    await stands(author, id, 'awaiting');
    assert.equal(await part(author, id, '.sentences').textContent(), '');
  }
  assert.deepEqual(author.faults, []);
});

test('a new version hides the comment until it is approved', async (t) => {
  const { daemon, page } = await scene(t);
  const author = await visit(t, page);
  const other = await visit(t, page);
  const id = await write(author, 'first version');
  await daemon.approve(id);
  await shows(other, id);
  await part(author, id, '[data-to=edit]').click();
  assert.equal(await author.inputValue('#text'), 'first version');
  await author.fill('#text', 'second version');
  await author.click('button:has-text("Save")');
  await stands(author, id, 'awaiting');
  assert.equal(await part(author, id, '.body').textContent(), 'second version');
  await lacks(other, id);
  await daemon.has(id, 2);
  await daemon.approve(id);
  await shows(other, id);
  assert.equal(await part(other, id, '.body').textContent(), 'second version');
  assert.equal((await daemon.state(id)).revision, 2);
  assert.deepEqual([...author.faults, ...other.faults], []);
});

test('what its author takes back is gone for everybody, and the daemon knows', async (t) => {
  const { daemon, page } = await scene(t);
  const author = await visit(t, page);
  const other = await visit(t, page);
  const shown = await write(author, 'shown');
  const awaiting = await write(author, 'awaiting');
  await daemon.approve(shown);
  await shows(other, shown);
  for (const id of [shown, awaiting]) {
    await part(author, id, '[data-to=withdraw] button').click();
    await lacks(author, id);
    await until('the daemon knows', async () => (await daemon.state(id)).state === 'withdrawn');
  }
  await lacks(other, shown);
  assert.equal(await author.textContent('#heard'), 'You took your comment back.');
  await author.reload();
  assert.equal(await author.locator('#list li').count(), 0);
  assert.deepEqual([...author.faults, ...other.faults], []);
});

test('three readers\' reports put a comment back into the queue', async (t) => {
  const { daemon, page } = await scene(t, { PROXIED: '1' });
  const author = await visit(t, page);
  const id = await write(author, 'doubtful');
  await daemon.approve(id);
  const tabs = [];
  for (let reader = 0; reader < 3; reader++) {
    tabs.push(await visit(t, page, 'en', { extraHTTPHeaders: { 'X-Forwarded-For': `10.0.0.${reader}` } }));
  }
  for (const [index, tab] of tabs.entries()) {
    await part(tab, id, '[data-to=report]').click();
    await tab.selectOption('dialog select', 'off_topic');
    await tab.fill('dialog [name=note]', `not about trams ${index}`);
    await tab.click('dialog form button');
    await tab.waitForSelector('#news:has-text("Thank you")');
    assert.ok(!await tab.isVisible('dialog'));
  }
  await lacks(tabs[0], id);
  await stands(author, id, 'awaiting');
  const reports = (await daemon.modq('history', `news/${id}`)).match(/reported .* off_topic/g);
  assert.equal(reports.length, 3);
});

test('a daemon that is away holds nobody up, and gets the comments in order when it is back', async (t) => {
  const { daemon, page } = await scene(t);
  const author = await visit(t, page);
  const other = await visit(t, page);
  assert.equal(await daemon.end('SIGTERM'), 0);
  const ids = [];
  const took = [];
  for (const body of ['one', 'two', 'three']) {
    const since = Date.now();
    ids.push(await write(author, body));
    took.push(Date.now() - since);
    await stands(author, ids.at(-1), 'awaiting');
  }
  // Requests to the daemon end after five seconds; the browser itself may be slow on a busy machine.
  assert.ok(Math.min(...took) < 5000, `it took ${took} ms`);
  await daemon.start();
  await until('all are queued', async () => (await daemon.list('queue')).length === 3);
  const queue = await daemon.list('queue');
  assert.deepEqual(queue.map((card) => card.body), ['one', 'two', 'three']);
  await daemon.approve(ids[1]);
  await shows(other, ids[1]);
  await daemon.end('SIGKILL');
  await daemon.start();
  await daemon.approve(ids[0]);
  await shows(other, ids[0]);
  // It stands where it was written, not where it came.
  assert.deepEqual(await other.locator('#list .body').allTextContents(), ['one', 'two']);
  assert.deepEqual([...author.faults, ...other.faults], []);
});

test('an answer that does not come is told to the author, and the comment is there once when it is sent again', async (t) => {
  const { daemon, page } = await scene(t);
  const mara = await visit(t, page);
  let taken = 0;
  await mara.route('**/comments', async (route) => {        // the server has it, and its answer is lost
    if (taken++ > 0) return route.continue();
    await route.fetch();
    return undefined;
  });
  await mara.fill('#text', 'Only once, please.');
  await mara.click('#write button');
  await until('the author is told', async () => await mara.textContent('#problem') === 'This could not be sent. Please try again.');
  assert.equal(await mara.inputValue('#text'), 'Only once, please.');
  await mara.click('#write button');
  await mara.waitForSelector('#list li[data-standing="awaiting"]');
  assert.equal(await mara.locator('#list li').count(), 1);
  assert.equal((await daemon.list('queue')).length, 1);
  assert.deepEqual(mara.faults, []);
});

test('a page whose server was away hears what it missed, without a reload', async (t) => {
  const { daemon, page } = await scene(t);
  const author = await visit(t, page);
  const other = await visit(t, page);
  const [kept, taken] = [await write(author, 'kept'), await write(author, 'taken')];
  await daemon.approve(taken);
  await shows(other, taken);
  await other.evaluate(() => { window.notReloaded = true; });
  await other.fill('#text', 'half written');
  assert.equal(await page.end('SIGTERM'), 0);
  await other.waitForSelector('#news:has-text("interrupted")');
  await daemon.approve(kept);
  await daemon.reject(taken, 'other', '--supersede', '--note', 'x');
  await page.start();
  await shows(other, kept);
  await lacks(other, taken);
  await other.waitForSelector('#news:empty', { state: 'attached' });
  await stands(author, taken, 'rejected');
  assert.equal(await other.inputValue('#text'), 'half written');
  assert.equal(await other.evaluate(() => window.notReloaded), true);
});

test('without JavaScript everything works by forms, and shows after a reload', async (t) => {
  const { daemon, page } = await scene(t);
  const author = await visit(t, page, 'tr', { javaScriptEnabled: false });
  await author.fill('#text', 'Betiksiz');
  await author.click('#write button');
  assert.match(author.url(), /\/tr\/tram#c-[0-9a-f]{32}$/);
  const id = author.url().slice(-32);
  await stands(author, id, 'awaiting');
  assert.ok(await author.locator('text=Onay bekliyor').first().isVisible());
  await daemon.approve(id);
  await until('it is shown', async () => { await author.reload(); return author.locator(`#c-${id}[data-standing=approved]`).count(); });
  await part(author, id, '[data-to=edit]').click();
  await author.fill('#text', 'Betiksiz, yeni');
  await author.click('form button');
  await stands(author, id, 'awaiting');
  await daemon.has(id, 2);
  await daemon.approve(id);
  const reader = await visit(t, page, 'tr', { javaScriptEnabled: false });
  await until('it is shown', async () => { await reader.reload(); return reader.locator(`#c-${id}`).count(); });
  await part(reader, id, '[data-to=report]').click();
  assert.equal(await reader.textContent('blockquote'), 'Betiksiz, yeni');
  await reader.click('form button');
  assert.ok(await reader.locator('text=Bildiriminiz iletildi').isVisible());
  await until('it is counted', async () => /report/.test(await daemon.modq('history', `news/${id}`)));
  await part(author, id, '[data-to=withdraw] button').click();
  await until('it is gone', async () => { await reader.reload(); return !await reader.locator(`#c-${id}`).count(); });
  await author.fill('#name', 'Ece');
  await author.fill('#text', '  ');
  await author.click('#write button');
  assert.deepEqual([await author.inputValue('#name'), await author.inputValue('#text')], ['Ece', '  ']);
  assert.ok(await author.locator('text=Lütfen bir şey yazın').isVisible());
});

test('each language has its page: tags, directions, house rules, links to the others', async (t) => {
  const { daemon, page } = await scene(t);
  const ids = [];
  const author = await visit(t, page);
  for (const body of ['Left to right.', 'هەواڵێکی خۆشە.']) ids.push(await write(author, body, 'دلێر (a)'));
  for (const id of ids) await daemon.approve(id);
  const [policy] = await daemon.list('policy', '--site', 'news');
  for (const [language, [tag, dir]] of Object.entries(PAGES)) {
    const tab = await visit(t, page, language, { viewport: { width: 360, height: 700 } });
    await shows(tab, ids[1]);
    assert.deepEqual([await tab.getAttribute('html', 'lang'), await tab.getAttribute('html', 'dir')], [tag, dir]);
    const rules = await tab.locator('.rules li').evaluateAll((items) => items.map((item) => item.firstChild.textContent));
    assert.deepEqual(rules.sort(), policy.reasons.map((reason) => reason.title[tag]).sort());
    assert.equal(await tab.locator('nav a').count(), 5);
    assert.equal(await tab.getAttribute('nav a[aria-current]', 'href'), `/${language}/tram`);
    // Each comment has its own direction, on a page of either.
    const align = await tab.evaluate(([left, right]) => {
      const edges = (id) => {
        const range = document.createRange();
        const body = document.querySelector(`#c-${id} .body`);
        range.selectNodeContents(body);
        const [text, box] = [range.getBoundingClientRect(), body.getBoundingClientRect()];
        return text.left - box.left < box.right - text.right ? 'left' : 'right';
      };
      return [edges(left), edges(right)];
    }, ids);
    assert.deepEqual(align, ['left', 'right']);
    const margin = await tab.evaluate(() => getComputedStyle(document.querySelector('.by')).direction);
    assert.equal(margin, dir);
    assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${language}: wider than a phone`);
    assert.equal(await tab.evaluate(() => [...document.querySelectorAll('input:not([type=hidden]), textarea, select')]
      .filter((field) => field.labels.length === 0).length), 0, 'a field without a label');
    assert.deepEqual(tab.faults, []);
  }
});

test('the form can be used with the keyboard alone, and says what is wrong', async (t) => {
  const { page } = await scene(t);
  const tab = await visit(t, page);
  await tab.keyboard.press('Tab');
  assert.equal(await tab.evaluate(() => document.activeElement.className), 'skip');
  await tab.focus('#text');
  await tab.keyboard.type('x');
  await tab.fill('#text', ' \u200b ');
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('#problem:has-text("Please write something.")');
  assert.equal(await tab.evaluate(() => document.activeElement.id), 'text');
  assert.equal(await tab.getAttribute('#text', 'aria-invalid'), 'true');
  assert.equal(await tab.getAttribute('#problem', 'role'), 'alert');
  assert.equal(await tab.inputValue('#text'), ' \u200b ');
});
