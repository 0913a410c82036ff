/** The web server: settings from the environment, start and end. README.md says what they are. */
import { serve } from '@hono/node-server';
import { Front, Key } from 'modqd';
import { makeApp } from './app.js';
import { ARTICLES } from './articles.js';
import { Follower } from './follower.js';
import { Live } from './live.js';
import { Sender } from './sender.js';
import { Store } from './store.js';
import { LANGUAGES } from './words.js';

const {
  PORT = '8080', ADDRESS = '127.0.0.1', ORIGIN = null, PROXIED = '', MODQ_FRONT = 'ipc:///run/modqd/front.sock', MODQ_KEY = '',
  MODQ_SITE = 'news', STORE = './page-store', PACE_BURST = '10', PACE_EVERY_MS = '6000', HEARTBEAT_MS = '15000', PATIENCE_MS = '30000',
} = process.env;

/** What moderators see of the article that a comment stands under. */
function describe({ article: id, language }) {
  const code = Object.keys(LANGUAGES).find((candidate) => LANGUAGES[candidate].tag === language) ?? 'en';
  const { tag } = LANGUAGES[code];
  const url = ORIGIN ? { url: `${ORIGIN}/${code}/${id}` } : {};
  return { article: { id, title: ARTICLES[id][code].title, language: tag, ...url }, ...(language && { language }) };
}

async function main() {
  const key = MODQ_KEY ? await Key.load(MODQ_KEY) : undefined;
  const store = await Store.open(STORE);
  const front = new Front(MODQ_FRONT, { key, timeout: 4000, attempt: 2000 });
  const sender = new Sender(store, front, MODQ_SITE, describe);
  const follower = new Follower({ store, front, sender, endpoint: MODQ_FRONT, site: MODQ_SITE, key });
  const live = new Live(store, { heartbeat: Number(HEARTBEAT_MS), patience: Number(PATIENCE_MS) });
  const app = makeApp({
    store, sender, live, origin: ORIGIN, proxied: PROXIED !== '', pace: { burst: Number(PACE_BURST), every: Number(PACE_EVERY_MS) },
  });
  const server = serve({ fetch: app.fetch, port: Number(PORT), hostname: ADDRESS }, ({ port }) => {
    console.log(`http://${ADDRESS}:${port}/`);
  });
  sender.start();
  follower.start();

  const stop = async (code) => {
    live.close();
    server.close();
    server.closeAllConnections();
    await Promise.all([sender.close(), follower.close()]);
    front.close();
    await store.close();
    process.exit(code);
  };
  const stopOnce = (code) => { stopping ??= stop(code); };
  let stopping = null;
  process.on('SIGINT', () => stopOnce(0));
  process.on('SIGTERM', () => stopOnce(0));
  server.on('error', (error) => {
    console.error(error.message);
    stopOnce(1);
  });
  store.on('failed', (error) => {
    console.error(`the disk failed: ${error.message}`);
    process.exit(1);
  });
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
