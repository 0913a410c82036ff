import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { EXAMPLE, Reader, SHARED, hostileTexts, openBrowser, openTab, scene, until } from './lib.js';

const { lines, problemOf, visible } = await import(path.join(EXAMPLE, 'text.js'));
const AT_ONCE = 16;

let browser;
before(async () => { browser = await openBrowser(); });
after(() => browser.close());

/** Texts that try to become something else than text. Each sets `broken` or makes an element <made>, where it succeeds. */
const MARKUP = [
  '<script>broken = 1</script>', '</p></li></ol><made>x</made>', '<img src=x onerror="broken=1">', '"><made a="', "'><made a='",
  '</textarea><script>broken=1</script><made>', '</template><made></made><script>alert(1)</script>', '<svg onload=alert(1)>', '<!--', ']]>', '<![CDATA[<made>]]>',
  '&lt;made&gt; &amp;amp; &#60;made&#62; &', '<iframe srcdoc="<script>parent.broken=1</script>"></iframe>', '<style>*{display:none}</style>',
  '<base href="http://evil.example/">', '<meta http-equiv="refresh" content="0;url=about:blank">', '</title><made>', '<form action="http://evil.example"><button>',
  'javascript:alert(1)', '{{constructor.constructor("broken=1")()}}', '${broken=1}', '<%= 1 %>', '\u2028broken=1\u2029', '<a href="javascript:alert(1)">x</a>',
  'data: {"x": 1}\n\nevent: gone\ndata: {}', 'id: 0\nretry: 1', '\r\revent: only\r\ndata: []\r\n\r\n', '\n\nfirst lines', 'a\tb  c\n\n\nd', '\0', 'a\0b', '\x1b[2J\x9b31m\x07',
  'abc\u202edef', '\u2067\u2067\u2066x', 'x\u2069\u2069\u2069y', '\u202e</bdi>', 'Z\u0351\u036b\u0343\u036a\u0302\u036b'.repeat(20), '\ud83d\udc68\u200d\ud83d\udc69'.repeat(9), '\ufdd0\uffff\u{10ffff}',
  'w'.repeat(3000), 'ﷺ'.repeat(500), '__proto__', 'constructor', 'null', '[object Object]',
];

async function shared() {
  const folder = path.join(SHARED, 'hostile-text');
  const texts = JSON.parse(await fs.readFile(path.join(folder, 'blns.json'), 'utf8'));
  for (const name of ['kuhn-utf8-stress.txt', 'utf8tests.txt', 'utf8tests.bin']) {
    // Bytes that are no text come as U+FFFD, as they do in a form.
    texts.push(...(await fs.readFile(path.join(folder, name))).toString('utf8').split('\n'));
  }
  return [...new Set(texts)];
}

/** Texts that the page takes, as they are to be shown. Those with nothing to see, and those too long, it refuses. */
function taken(texts) {
  return texts.filter((text) => problemOf(lines(text)) === null);
}

async function inTurn(items, work) {
  for (let from = 0; from < items.length; from += AT_ONCE) await Promise.all(items.slice(from, from + AT_ONCE).map(work));
}

/** What stands on a page: each comment's text and name by its id, and whatever should not be there. */
function look(tab) {
  return tab.evaluate(() => ({
    texts: Object.fromEntries([...document.querySelectorAll('#list > li')].map((item) => [item.id.slice(2), item.querySelector('.body').textContent])),
    made: document.querySelectorAll('#list .body *, #list .name *, made, iframe, svg, img, base, object, embed').length,
    scripts: document.querySelectorAll('script').length,
    broken: 'broken' in window,
    wide: document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('main *')].filter((element) => {
      const { left, right } = element.getBoundingClientRect();
      return element.scrollWidth > innerWidth || (right > left && (left < 0 || right > innerWidth));
    }).map((element) => `${element.className}: ${element.textContent}`.slice(0, 200)),
    outside: [...document.querySelectorAll('#list .body')].filter((body) => getComputedStyle(body).overflowX !== 'clip').length,
  }));
}

function check(seen, expected) {
  assert.deepEqual(Object.keys(seen.texts).length, Object.keys(expected).length);
  for (const [id, text] of Object.entries(expected)) assert.equal(seen.texts[id], text);
  assert.deepEqual([seen.made, seen.scripts, seen.broken, seen.wide, seen.outside], [0, 1, false, [], 0]);
}

/** Hands every text in as comment and name, has it approved, and reads it in a page that was open before and in one opened after. */
async function play(t, texts) {
  const { daemon, page } = await scene(t);
  const before = await openTab(t, browser, { viewport: { width: 390, height: 800 } });
  await before.goto(`${page.url}/ar/tram`);
  const author = new Reader(page);
  const expected = {};
  await author.write('the first one');
  await inTurn(texts, async (text) => {
    const { id } = await author.write(text, { name: text });
    expected[id] = visible(lines(text));
  });
  const ids = Object.keys(expected);
  await until('all are handed in', async () => (await daemon.list('queue', '--limit', '0')).length === ids.length + 1);
  for (let from = 0; from < ids.length; from += 20) await daemon.modq('approve', ...ids.slice(from, from + 20).map((id) => `news/${id}`));
  await until('all are shown', async () => await before.locator('#list > li').count() === ids.length, 120000);
  check(await look(before), expected);
  const afterwards = await openTab(t, browser, { viewport: { width: 390, height: 800 } });
  await afterwards.goto(`${page.url}/en/tram`, { timeout: 120000 });
  check(await look(afterwards), expected);
  assert.deepEqual([...before.faults, ...afterwards.faults], []);
  return { page, author, expected };
}

test('markup in comments and names is text in every page', async (t) => {
  const texts = taken(MARKUP);
  assert.deepEqual(MARKUP.filter((text) => !texts.includes(text)), ['\0', '\ufdd0\uffff\u{10ffff}']);
  const { page, author, expected } = await play(t, texts);
  // The form in which a comment is edited holds it unchanged, too.
  const tab = await openTab(t, browser);
  const [name, value] = author.cookie.split('=');
  await tab.context().addCookies([{ name, value, url: page.url }]);
  for (const [id, text] of Object.entries(expected)) {
    await tab.goto(`${page.url}/en/tram/comments/${id}/edit`);
    const shownText = await tab.inputValue('#text');
    assert.equal(visible(shownText), text);
    assert.equal(await tab.evaluate(() => document.querySelectorAll('made, iframe, svg, img').length), 0);
  }
  assert.deepEqual(tab.faults, []);
});

test('every string of the shared hostile texts is text in every page', { skip: !hostileTexts() && '../shared/hostile-text is not here' }, async (t) => {
  const all = await shared();
  const texts = taken(all);
  t.diagnostic(`${texts.length} of ${all.length} texts are taken; the others have nothing to see, or are too long`);
  assert.ok(texts.length > 700);
  await play(t, texts);
});

test('a comment that is no text is refused', async (t) => {
  assert.equal(problemOf('\ud800'), 'broken');
  assert.equal(problemOf('a\udc00b'), 'broken');
  assert.equal(visible('a\0b\x9bc\td\ne'), 'a\ufffdb\ufffdc\td\ne');
});
