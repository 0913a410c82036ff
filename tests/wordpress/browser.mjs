// Drives Chromium for the tests: one JSON object a line on standard input says what to do, one a line on standard output
// answers it. Each `who` is a browser of its own: its cookies are nobody else's.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const require = createRequire(new URL('../browser/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const WAIT_MS = 20000;
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
const pages = new Map();

async function pageOf(who, options = {}) {
  if (!pages.has(who)) {
    const context = await browser.newContext({ viewport: options.viewport ?? { width: 1100, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.troubles = [];
    page.on('dialog', async (dialog) => {
      page.troubles.push(`dialog: ${dialog.message()}`);
      await dialog.dismiss();
    });
    page.on('pageerror', (error) => page.troubles.push(`error: ${error.message}`));
    pages.set(who, page);
  }
  return pages.get(who);
}

const deeds = {
  goto: async (page, { url }) => ({ status: (await page.goto(url, { waitUntil: 'load' }))?.status() }),
  fill: (page, { at, text }) => page.locator(at).first().fill(text),
  select: (page, { at, value }) => page.locator(at).first().selectOption(value),
  click: (page, { at }) => page.locator(at).first().click(),
  submit: async (page, { at }) => {
    await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.locator(at).first().click()]);
    return { url: page.url() };
  },
  texts: async (page, { at }) => ({ texts: await page.locator(at).allInnerTexts() }),
  count: async (page, { at }) => ({ count: await page.locator(at).count() }),
  html: async (page) => ({ html: await page.content() }),
  evaluate: async (page, { script }) => ({ value: await page.evaluate(script) }),
  troubles: async (page) => ({ troubles: page.troubles }),
  picture: async (page, { path, at }) => {
    await (at ? page.locator(at).first() : page).screenshot({ path, type: 'png' });
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    answer = { ok: true, ...await deeds[order.do](await pageOf(order.who, order), order) };
  } catch (error) {
    answer = { ok: false, error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
