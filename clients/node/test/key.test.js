import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { inspect } from 'node:util';

import { Front, Key } from '../index.js';
import { folder } from './lib/fake.js';

const SECRET = 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6';
const PUBLIC = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';
const TEXT = `#   A key file
metadata
    name = "news-web"
    role = "front"
    server-key = "${PUBLIC}"
    front = "tcp://127.0.0.1:1"
curve
    public-key = "${PUBLIC}"
    secret-key = "${SECRET}"
`;

function keyFile(t, text, mode = 0o600) {
  const path = join(folder(t), 'a.key');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function refused(path, message) {
  assert.throws(
    () => Key.load(path),
    (error) => error.name === 'client_bad_argument' && message.test(error.message),
  );
}

test('a key file is read', (t) => {
  const key = Key.load(keyFile(t, TEXT));
  assert.deepEqual([key.name, key.role, key.publicKey, key.serverKey], ['news-web', 'front', PUBLIC, PUBLIC]);
  assert.deepEqual(key.endpoints, { front: 'tcp://127.0.0.1:1', push: null, decisions: null, desk: null });
});

test('a key file that others can read is refused', (t) => {
  for (const mode of [0o640, 0o604, 0o620, 0o601]) refused(keyFile(t, TEXT, mode), /others than its owner/);
});

test('what is no key file is refused, and says why', (t) => {
  refused('/nowhere/a.key', /ENOENT/);
  refused(keyFile(t, ''), /secret-key/);
  refused(keyFile(t, TEXT.replace('secret-key', 'secret')), /secret-key/);
  refused(keyFile(t, TEXT.replace('server-key', 'server')), /server-key/);
  refused(keyFile(t, TEXT.replace(SECRET, SECRET.slice(1))), /secret-key.*40 characters/);
  refused(keyFile(t, TEXT + 'x'.repeat(20000)), /bytes/);
});

test('a pipe is refused, and nobody waits for its other end', (t) => {
  const path = join(folder(t), 'a.key');
  execFileSync('mkfifo', ['-m', '600', path]);
  const program = "import { Key } from 'modqd'; try { Key.load(process.argv[1]); } catch (error) { console.log(error.message); }"
    .replace('modqd', new URL('../index.js', import.meta.url).href);
  const told = execFileSync(process.execPath, ['--input-type=module', '-e', program, path], { timeout: 20000 });
  assert.match(told.toString(), /is no file/);
});

test('a secret is not shown', (t) => {
  const key = Key.load(keyFile(t, TEXT));
  assert.ok(!inspect(key, { depth: 9, showHidden: true }).includes(SECRET));
  assert.ok(!JSON.stringify(key).includes(SECRET));
});

test('the endpoint comes from the key file when none is given', (t) => {
  const key = Key.load(keyFile(t, TEXT));
  new Front(null, { key }).close();
  assert.throws(() => new Front(null), { name: 'client_bad_argument' });
  assert.throws(() => new Front(null, { key: Key.load(keyFile(t, TEXT.replace('front =', 'elsewhere ='))) }), {
    name: 'client_bad_argument',
  });
  assert.throws(() => new Front('ipc://x', { key: { publicKey: PUBLIC } }), { name: 'client_bad_argument' });
});
