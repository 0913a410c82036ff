/** Starts a daemon, the page and browsers for tests, and ends them: only those it started. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, openSync, closeSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BUILD = path.join(ROOT, process.env.MODQ_BUILD ?? 'build/release');
export const EXAMPLE = path.join(ROOT, 'clients/node/example');
export const SHARED = process.env.MODQ_SHARED ?? path.join(ROOT, '../shared');
export const SITE = 'news';
const PATIENCE_MS = 20000;
const CHROMIUM = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

/** The log of a site that was busy for two minutes is some megabytes. */
const OUTPUT_BYTES = 64 * 1024 * 1024;
const run = promisify(execFile);

export function sleep(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}

/** Asks until the answer is true, or fails. */
export async function until(what, question, patience = PATIENCE_MS) {
  for (const end = Date.now() + patience; ;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) assert.fail(`not within ${patience} ms: ${what}`);
    await sleep(25);
  }
}

/** A program that writes what it says into a file, and can be killed and started again. */
class Program {
  child = null;

  constructor(command, args, { env = {}, log }) {
    Object.assign(this, { command, args, env, log });
  }

  spawn() {
    const file = openSync(this.log, 'a');
    this.child = spawn(this.command, this.args, { stdio: ['ignore', file, file], env: { ...process.env, ...this.env } });
    closeSync(file);
    this.ended = new Promise((resolve) => { this.child.on('exit', (code, signal) => resolve(code ?? signal)); });
  }

  /** How it ended: its exit code, or the signal. */
  async end(signal) {
    if (!this.child) return null;
    this.child.kill(signal);
    const { child } = this;
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    const how = await this.ended;
    clearTimeout(late);
    this.child = null;
    return how;
  }

  said() {
    return fs.readFile(this.log, 'utf8').catch(() => '');
  }
}

export class Daemon extends Program {
  constructor(directory) {
    super(path.join(BUILD, 'modqd'), ['--dir', directory], { log: path.join(directory, 'log.txt') });
    this.dir = directory;
    this.front = `ipc://${directory}/front.sock`;
  }

  async start() {
    this.spawn();
    await until('the daemon answers', () => this.modq('hello', '--timeout', '1').then(() => true, () => false));
    return this;
  }

  /** Runs modq and returns what it printed; rejects when it did not end with 0. */
  async modq(...args) {
    const env = { ...process.env, MODQ_AS: 'ann', MODQ_DIR: '', MODQ_KEY: '' };
    const { stdout } = await run(path.join(BUILD, 'modq'), ['--dir', this.dir, ...args], { env, timeout: PATIENCE_MS, maxBuffer: OUTPUT_BYTES });
    return stdout;
  }

  /** What modq prints as JSON, a line each. */
  async list(...args) {
    return (await this.modq('--json', ...args)).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  /** A page answers its author after a second, whether the daemon has the comment by then or not. */
  has(id, revision) {
    return until('the daemon has it', async () => {
      const told = await this.state(id);
      return told.state && (revision ?? told.revision) === told.revision;
    });
  }

  async approve(id, ...more) {
    await this.has(id);
    return this.modq('approve', `${SITE}/${id}`, ...more);
  }

  async reject(id, reason, ...more) {
    await this.has(id);
    return this.modq('reject', `${SITE}/${id}`, '--reason', reason, ...more);
  }

  undo(id) {
    return this.modq('undo', `${SITE}/${id}`);
  }

  /** What it knows of a comment; `status` is not_found when nothing. */
  async state(id) {
    // modq ends with 1 when there is no such comment.
    const printed = await this.modq('--json', 'status', `${SITE}/${id}`).catch((error) => error.stdout || Promise.reject(error));
    return JSON.parse(printed);
  }
}

export class Page extends Program {
  constructor(directory, daemon, env = {}) {
    super(process.execPath, [path.join(EXAMPLE, 'server.js')], {
      log: path.join(directory, 'page.txt'),
      env: { PORT: '0', MODQ_FRONT: daemon.front, MODQ_SITE: SITE, STORE: path.join(directory, 'store'), PACE_BURST: '100000', ...env },
    });
    this.store = path.join(directory, 'store');
  }

  /** Started again it has the address that it had. */
  async start() {
    const before = (await this.said()).length;
    this.spawn();
    const line = await until('the page is served', async () => {
      if (this.child.exitCode !== null) assert.fail(`the page ended:\n${await this.said()}`);
      return /^http:\S+\/$/m.exec((await this.said()).slice(before));
    });
    this.url = line[0].slice(0, -1);
    this.env.PORT = new URL(this.url).port;
    return this;
  }
}

/** A directory, a daemon and a page for one test, which go with it. */
export async function scene(t, env) {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'mw-'));
  await fs.mkdir(path.join(dir, 'd'));
  const daemon = new Daemon(path.join(dir, 'd'));
  const page = new Page(dir, daemon, env);
  t.after(async () => {
    await page.end('SIGKILL');
    await daemon.end('SIGKILL');
    await fs.rm(dir, { recursive: true, force: true });
  });
  await daemon.start();
  await page.start();
  return { dir, daemon, page };
}

/** A reader without a browser: keeps its cookie, and says where it comes from as a browser does. */
export class Reader {
  cookie = '';

  constructor(page, { language = 'en', article = 'tram' } = {}) {
    this.page = page;
    this.base = `/${language}/${article}`;
  }

  async ask(where, { form, json = true, headers = {} } = {}) {
    const answer = await fetch(`${this.page.url}${where}`, {
      method: form ? 'POST' : 'GET', redirect: 'manual', body: form && new URLSearchParams(form), signal: AbortSignal.timeout(PATIENCE_MS),
      headers: {
        ...(form && { Origin: this.page.url, 'Sec-Fetch-Site': 'same-origin' }), ...(json && { Accept: 'application/json' }),
        ...(this.cookie && { Cookie: this.cookie }), ...headers,
      },
    });
    // One cookie at most; getSetCookie() is not in Debian's Node.js 18.
    const cookie = answer.headers.get('set-cookie');
    if (cookie) this.cookie = cookie.split(';')[0];
    return answer;
  }

  /** Writes a comment, and returns it as its author sees it. */
  async write(body, more = {}) {
    const answer = await this.ask(`${this.base}/comments`, { form: { body, ...more } });
    assert.equal(answer.status, 200, `${answer.status} for ${JSON.stringify(body)}`);
    return (await answer.json()).comment;
  }

  to(id, action, form = {}) {
    return this.ask(`${this.base}/comments/${id}/${action}`, { form });
  }

  /** The page's HTML. */
  async html() {
    return (await this.ask(this.base, { json: false })).text();
  }
}

/** One Chromium for a file of tests; each reader has a context of its own, and what goes wrong in its pages fails the test. */
export async function openBrowser() {
  const { chromium } = createRequire(path.join(ROOT, 'tests/browser/package.json'))('playwright-core');
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: CHROMIUM });
}

export async function openTab(t, browser, options = {}) {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const tab = await context.newPage();
  tab.faults = [];
  tab.on('pageerror', (error) => tab.faults.push(error.message));
  tab.on('dialog', (dialog) => {
    tab.faults.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  t.after(() => context.close());
  return tab;
}

export function hostileTexts() {
  return existsSync(path.join(SHARED, 'hostile-text'));
}
