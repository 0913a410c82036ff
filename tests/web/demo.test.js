import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { BUILD, Daemon, EXAMPLE, until } from './lib.js';

for (const [name, signal] of [['Ctrl-C', 'SIGINT'], ['SIGTERM', 'SIGTERM']]) {
  test(`the demonstration says what to type, and ${name} ends it with nothing left`, async (t) => {
    const demo = spawn(process.execPath, [path.join(EXAMPLE, 'demo.js'), BUILD], { cwd: path.join(BUILD, '../..'), stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    demo.stdout.on('data', (piece) => { said += piece; });
    demo.stderr.on('data', (piece) => { said += piece; });
    const ended = new Promise((resolve) => { demo.on('exit', resolve); });
    t.after(() => demo.kill('SIGKILL'));
    await until('it says what to try', () => /Ctrl-C/.test(said));
    const [, url] = /(http:\S+)\/en /.exec(said);
    const [, modq, directory] = /^ +(\S+modq) --dir (\S+) review /m.exec(said);
    assert.ok(existsSync(path.join(BUILD, '../..', modq)));
    const daemon = new Daemon(directory);
    const queue = await daemon.list('queue', '--site', 'news');
    assert.ok(queue.length >= 5, 'too few that are pending');
    const html = await (await fetch(`${url}/en/tram`)).text();
    await until('approved ones are shown', async () => (await (await fetch(`${url}/en/tram`)).text()).match(/<li class="comment"/g).length > 5);
    assert.match(html, /At last!/);
    assert.ok(!html.includes('idiot') && !html.includes('WATCHES'));
    demo.kill(signal);
    assert.equal(await ended, 0, said);
    assert.ok(!existsSync(directory));
    await assert.rejects(fetch(url));
    await assert.rejects(daemon.modq('hello', '--timeout', '1'));
  });
}
