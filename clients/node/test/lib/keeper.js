// usage: keeper.js PATH WHAT. Keeps comments in an outbox and tells each that is kept; or, where WHAT is `lock`, takes the
// outbox's lock and holds it.
import { FileOutbox } from '../../index.js';
import { lock } from '../../src/lock.js';

const [path, what] = process.argv.slice(2);

if (what === 'lock') {
  await lock(`${path}.lock`);
  console.log('locked');
  setInterval(() => {}, 1000);
} else {
  const outbox = new FileOutbox(path);
  for (let i = 0; ; i++) {
    await outbox.keep('submit', { comment: { site: 'news', comment: `${what}-${i}`, body: 'x'.repeat(i % 3000) } });
    console.log(`${what}-${i}`);
  }
}
