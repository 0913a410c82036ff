/** What the web server answers. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getConnInfo } from '@hono/node-server/conninfo';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie, setCookie } from 'hono/cookie';
import { ARTICLES } from './articles.js';
import { Pace, SAFE_HEADERS, householdOf, sameOrigin } from './guard.js';
import { STREAM_TYPE } from './live.js';
import { MAX_NOTE_BYTES, languageOf, lines, oneLine, problemOf, visible } from './text.js';
import { articlePage, editPage, problemPage, reportPage, viewOf } from './views.js';
import { FALLBACK, LANGUAGES, preferred } from './words.js';

/** Well above what a text of the greatest size takes, so that whoever writes more is told that it is too long. */
const MAX_FORM_BYTES = 256 * 1024;
/** How long a reader waits for the daemon's answer; without it the page says the same, for the comment is kept. */
const ANSWER_PATIENCE_MS = 1000;
const COOKIE_DAYS = 365;
/** Of the secret in a form, in hexadecimal digits. */
const ONCE_LENGTH = 32;

const STATIC = Object.fromEntries([
  ['style.css', 'text/css; charset=utf-8'], ['page.js', 'text/javascript; charset=utf-8'], ['icon.svg', 'image/svg+xml'],
].map(([name, type]) => {
  const body = readFileSync(new URL(`public/${name}`, import.meta.url));
  return [name, { type, body, tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"` }];
}));

const STATUS = { pace: 429, origin: 403, gone: 404, nothing: 404, disk: 503, fault: 500, long: 413 };

/** Something that the reader is told, by its name in LANGUAGES.*.problems. */
class Problem extends Error {
  constructor(name) {
    super(name);
    this.problem = name;
  }
}

/**
 * The web server's application.
 * `origin` is the address that browsers know the page by, when it is another than the Host that they name; `proxied` says
 * that a proxy of ours puts the reader's address into X-Forwarded-For; `pace` as for Pace.
 */
export function makeApp({ store, sender, live, origin = null, proxied = false, pace = { burst: 10, every: 6000 } }) {
  const app = new Hono();
  const paceOf = new Pace(pace);
  const { state } = store;

  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(SAFE_HEADERS)) c.res.headers.set(name, value);
  });

  app.onError((error, c) => {
    if (!error.problem) console.error(error);
    return refuse(c, error.problem ?? 'fault');
  });
  app.notFound((c) => refuse(c, 'nothing'));

  app.get('/health', (c) => c.text('ok'));

  app.get('/static/:name', (c) => {
    const file = Object.hasOwn(STATIC, c.req.param('name')) && STATIC[c.req.param('name')];
    if (!file) return c.notFound();
    const headers = { 'Content-Type': file.type, 'Cache-Control': 'no-cache', ETag: file.tag };
    return c.req.header('If-None-Match') === file.tag ? c.body(null, 304, headers) : c.body(file.body, 200, headers);
  });

  app.get('/', (c) => {
    c.header('Vary', 'Accept-Language');
    return c.redirect(`/${preferred(c.req.header('Accept-Language'))}`);
  });
  app.get('/:code', (c) => c.redirect(`/${languageIn(c)}/${Object.keys(ARTICLES)[0]}`));

  app.get('/:code/:article', (c) => c.html(page(c, { said: c.req.query('said') === 'reported' ? 'reported' : null }), 200, FRESH));

  app.get('/:code/:article/events', (c) => {
    const code = languageIn(c);
    articleIn(c);
    // Nobody would read from it, and it would take a place until it is let go.
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': STREAM_TYPE });
    const reader = readerOf(c);
    const from = c.req.header('Last-Event-ID') ?? c.req.query('from') ?? '';
    const view = (comment) => shown(viewOf(state, comment, code, reader));
    const cut = () => c.env.outgoing.destroy();
    return live.open({ article: c.req.param('article'), from, view, client: clientOf(c), cut }) ?? refuse(c, 'pace');
  });

  app.use('/:code/:article/comments/*', guarded);

  app.post('/:code/:article/comments', async (c) => {
    const code = languageIn(c);
    articleIn(c);
    const form = await formOf(c);
    const body = lines(form.body);
    const name = oneLine(form.name);
    return orElse((problem) => refuseForm(c, problem, { name, body }), async () => {
      paced(c);
      readable(body);
      readable(`${name}.`);
      const { comment } = await kept('comment', {
        id: randomBytes(16).toString('hex'), once: form.once.slice(0, 64) || newOnce(), at: Date.now(),
        owner: writerOf(c, form.once), article: c.req.param('article'), name, language: languageOf(body, code), body,
      });
      return done(c, comment);
    });
  });

  app.get('/:code/:article/comments/:id/edit', (c) => {
    const comment = ownIn(c);
    return c.html(editPage({ ...place(c), comment: comment.id, body: comment.texts.at(-1).body }), 200, FRESH);
  });

  app.post('/:code/:article/comments/:id/edit', async (c) => {
    const { id } = ownIn(c);
    const body = lines((await formOf(c)).body);
    const again = (problem) => c.html(editPage({ ...place(c), comment: id, body, problem }), STATUS[problem] ?? 422, FRESH);
    return orElse((problem) => (wantsJson(c) ? refuse(c, problem) : again(problem)), async () => {
      paced(c);
      readable(body);
      return done(c, await changed('edit', { id, owner: readerOf(c), body, at: Date.now() }));
    });
  });

  app.post('/:code/:article/comments/:id/withdraw', async (c) => {
    paced(c);
    await changed('withdraw', { id: ownIn(c).id, owner: readerOf(c) });
    return done(c, null);
  });

  app.get('/:code/:article/comments/:id/report', (c) => {
    const { code, id } = place(c);
    const comment = state.comments.get(c.req.param('id'));
    const view = comment && shown(viewOf(state, comment, code, null));
    if (!view) throw new Problem('gone');
    return c.html(reportPage({ code, id, comment: view, policy: state.policy }), 200, FRESH);
  });

  app.post('/:code/:article/comments/:id/report', async (c) => {
    languageIn(c);
    articleIn(c);
    paced(c);
    const form = await formOf(c);
    const known = state.policy?.reasons.some((reason) => reason.code === form.reason);
    const note = lines(form.note);
    if (note && problemOf(note) === 'broken') throw new Problem('broken');
    if (Buffer.byteLength(note) > MAX_NOTE_BYTES) throw new Problem('long');
    await changed('report', {
      id: c.req.param('id'), reader: reporterOf(c), at: Date.now(), ...(known && { reason: form.reason }), ...(note && { note }),
    });
    return wantsJson(c) ? c.json({}) : c.redirect(`/${c.req.param('code')}/${c.req.param('article')}?said=reported#comments`, 303);
  });

  return app;

  // What a request is about

  function languageIn(c) {
    const code = c.req.param('code');
    if (!Object.hasOwn(LANGUAGES, code)) throw new Problem('nothing');
    return code;
  }

  function articleIn(c) {
    const id = c.req.param('article');
    if (!Object.hasOwn(ARTICLES, id)) throw new Problem('nothing');
    return ARTICLES[id];
  }

  function place(c) {
    articleIn(c);
    return { code: languageIn(c), id: c.req.param('article') };
  }

  function ownIn(c) {
    place(c);
    const comment = state.comments.get(c.req.param('id'));
    if (!comment || comment.owner !== readerOf(c) || state.standing(comment) === 'gone') throw new Problem('gone');
    return comment;
  }

  async function formOf(c) {
    const fields = await c.req.parseBody().catch((error) => {
      // Such is what a form is that cannot be taken apart; one that is too long is something else.
      throw error instanceof TypeError ? new Problem('broken') : error;
    });
    const text = (name) => (typeof fields[name] === 'string' ? fields[name] : '');
    return { body: text('body'), name: text('name'), once: text('once'), reason: text('reason'), note: text('note') };
  }

  // Who asks

  function clientOf(c) {
    const named = proxied ? c.req.header('X-Forwarded-For')?.split(',').at(-1).trim() : null;
    return householdOf(named || getConnInfo(c).remote.address || '');
  }

  /** Stands for who reports, by the address: else who drops the cookie would be as many readers as he likes. */
  function reporterOf(c) {
    return createHmac('sha256', state.salt).update(`reporter ${clientOf(c)}`).digest('hex').slice(0, 32);
  }

  /** Stands for whoever has the cookie. The store has no cookies, so who reads it cannot act as a reader. */
  function readerOf(c) {
    const cookie = getCookie(c, 'reader');
    return cookie ? createHash('sha256').update(cookie).digest('hex').slice(0, 32) : null;
  }

  /**
   * As readerOf; who has no cookie gets one. Only who writes a comment needs one. It is made from the form's secret: whose first
   * comment is sent twice, because the answer was lost, is the same reader both times.
   */
  function writerOf(c, once) {
    const known = readerOf(c);
    if (known) return known;
    const secret = once.length >= ONCE_LENGTH ? once : newOnce();
    const cookie = createHash('sha256').update(`reader ${secret}`).digest('base64url');
    setCookie(c, 'reader', cookie, {
      path: '/', httpOnly: true, sameSite: 'Lax', maxAge: COOKIE_DAYS * 86400, secure: originOf(c).startsWith('https:'),
    });
    return createHash('sha256').update(cookie).digest('hex').slice(0, 32);
  }

  function originOf(c) {
    return origin ?? `http://${c.req.header('Host')}`;
  }

  async function guarded(c, next) {
    if (c.req.method !== 'POST') return next();
    if (!sameOrigin(c.req.raw, originOf(c))) return refuse(c, 'origin');
    return bodyLimit({ maxSize: MAX_FORM_BYTES, onError: () => refuse(c, 'long') })(c, next);
  }

  function paced(c) {
    if (!paceOf.allows(clientOf(c))) throw new Problem('pace');
  }

  function readable(text) {
    const problem = problemOf(text);
    if (problem) throw new Problem(problem);
  }

  // Changes and answers

  /** Does the work; where that has a problem, `otherwise` says what is answered, with what was typed in it. */
  async function orElse(otherwise, work) {
    try {
      return await work();
    } catch (error) {
      if (!error.problem) throw error;
      return otherwise(error.problem);
    }
  }

  async function changed(what, fields) {
    const { comment, problem } = await kept(what, fields);
    if (problem) throw new Problem(problem);
    return comment;
  }

  async function kept(what, fields) {
    try {
      return await store.change(what, fields);
    } catch (error) {
      console.error(error);
      throw new Problem('disk');
    }
  }

  /** The daemon gets a moment to answer, and then the reader sees how his comment stands. */
  async function done(c, comment) {
    if (comment) await sender.settled(lastOperation(comment), ANSWER_PATIENCE_MS);
    const { code, id } = place(c);
    if (!wantsJson(c)) return c.redirect(`/${code}/${id}${comment ? `#c-${comment.id}` : '#comments'}`, 303);
    return c.json({ comment: comment && shown(viewOf(state, comment, code, comment.owner)), once: newOnce() });
  }

  function lastOperation(comment) {
    return [...state.outbox.values()].reverse().find((operation) => operation.comment === comment.id)?.n ?? 0;
  }

  function page(c, more = {}) {
    const { code, id } = place(c);
    const reader = readerOf(c);
    const comments = state.written(id).map((comment) => shown(viewOf(state, comment, code, reader))).filter(Boolean);
    return articlePage({
      code, id, article: articleIn(c), comments, policy: state.policy, from: `${state.id}-${state.n}`, once: newOnce(), ...more,
    });
  }

  /** As it is shown, without characters that no page can hold. */
  function shown(view) {
    return view && { ...view, name: visible(view.name), body: visible(view.body) };
  }

  function newOnce() {
    return randomBytes(ONCE_LENGTH / 2).toString('hex');
  }

  function wantsJson(c) {
    return c.req.header('Accept') === 'application/json';
  }

  /** The form comes back with what was typed into it. */
  function refuseForm(c, problem, form) {
    if (wantsJson(c)) return refuse(c, problem);
    return c.html(page(c, { form: { ...form, problem } }), STATUS[problem] ?? 422, FRESH);
  }

  function refuse(c, problem) {
    const code = Object.hasOwn(LANGUAGES, c.req.param('code') ?? '') ? c.req.param('code') : FALLBACK;
    const status = STATUS[problem] ?? 422;
    if (wantsJson(c)) return c.json({ problem, message: LANGUAGES[code].problems[problem] }, status);
    return c.html(problemPage({ code, path: '', problem }), status);
  }
}

const FRESH = { 'Cache-Control': 'private, no-cache' };
