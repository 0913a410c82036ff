/**
 * Starts a daemon and the page in a directory that goes with them, writes some comments, and says what to try.
 *
 * usage: node demo.js BUILD    directory of modqd and modq
 */
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { seed } from './seed.js';

const SITE = 'news';
const FIRST_PORT = 8080;
const PATIENCE_MS = 15000;
const HERE = path.dirname(fileURLToPath(import.meta.url));
const build = path.resolve(process.argv[2] ?? path.join(HERE, '../../../build/release'));
const run = promisify(execFile);

/** The first port from 8080 on that nobody listens at. */
async function freePort() {
  for (let port = FIRST_PORT; port < FIRST_PORT + 100; port++) {
    const free = await new Promise((resolve) => {
      const probe = net.createServer().once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error(`no port is free from ${FIRST_PORT} on`);
}

/** A program in a process group of its own, so that Ctrl-C comes to us alone, and we end it in order. */
function begin(command, args, log, env = {}) {
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log.fd, log.fd], env: { ...process.env, ...env } });
  child.gone = new Promise((resolve) => {
    child.on('exit', resolve);
    child.on('error', resolve);
  });
  return child;
}

async function end(child) {
  if (!child) return;
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await child.gone;
  clearTimeout(late);
}

async function until(what, question) {
  for (const last = Date.now() + PATIENCE_MS; !(await question().catch(() => false));) {
    if (Date.now() > last) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

function tell(url, directory) {
  const modq = path.relative(process.env.INIT_CWD ?? process.cwd(), path.join(build, 'modq'));
  console.log(`
The page:  ${url}/en    also /ckb /ku /ar /tr
Open it in two browsers, and write a comment in one of them. Then moderate in a second terminal, from this directory:

  ${modq} --dir ${directory} review      # a moderator's screen; ? has its keys, q leaves it
  ${modq} --dir ${directory} queue       # what waits, as a list
  ${modq} --dir ${directory} follow --site ${SITE}

What you approve shows in the other browser at once. Ctrl-C here ends it, and takes everything away.
`);
}

async function main() {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'modq-'));
  const log = await fs.open(path.join(directory, 'log.txt'), 'a');
  const asked = new Promise((resolve) => { for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => resolve(0)); });
  let daemon;
  let page;
  let over = false;
  const notOver = () => { if (over) throw new Error('it was ended'); };
  const play = async () => {
    const modq = (...args) => run(path.join(build, 'modq'), ['--dir', directory, '--as', 'azad', ...args], { timeout: PATIENCE_MS });
    daemon = begin(path.join(build, 'modqd'), ['--dir', directory], log);
    await until('the daemon answers', async () => await modq('hello'));
    const url = `http://127.0.0.1:${await freePort()}`;
    notOver();
    page = begin(process.execPath, [path.join(HERE, 'server.js')], log, {
      PORT: new URL(url).port, MODQ_FRONT: `ipc://${directory}/front.sock`, MODQ_SITE: SITE, STORE: path.join(directory, 'page'), PACE_BURST: '100',
    });
    await until('the page is served', async () => (await fetch(`${url}/health`)).ok);
    await seed(url, SITE, modq);
    tell(url, directory);
    return Promise.race([asked, daemon.gone.then(() => 1), page.gone.then(() => 1)]);
  };
  try {
    const code = await Promise.race([play(), asked]);
    if (code !== 0) throw new Error('the daemon or the page ended');
    process.exitCode = 0;
  } catch (error) {
    console.error(`${error.message}\n${(await fs.readFile(path.join(directory, 'log.txt'), 'utf8')).slice(-3000)}`);
    process.exitCode = 1;
  } finally {
    over = true;
    await end(page);
    await end(daemon);
    await log.close();
    await fs.rm(directory, { recursive: true, force: true });
  }
}

await main();
process.exit();
