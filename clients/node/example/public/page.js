/**
 * Shows comments while they are approved, without a reload. Everything that a reader wrote is put in as text, never as HTML.
 * Without this file the page works, too.
 */
const section = document.querySelector('#comments');
const list = document.querySelector('#list');
const news = document.querySelector('#news');
/** For those who cannot see what changes. */
const heard = document.querySelector('#heard');
const form = document.querySelector('#write');
const report = document.querySelector('#report');
const TIMEOUT_MS = 10000;

if (section) start();

function start() {
  let place = section.dataset.from;
  let source = null;

  function listen() {
    source?.close();
    source = new EventSource(`${section.dataset.base}/events?from=${encodeURIComponent(place)}`);
    const on = (name, act) => source.addEventListener(name, (event) => {
      place = event.lastEventId;
      act(JSON.parse(event.data));
    });
    on('comment', (comment) => {
      if (put(comment) && !comment.own) say(heard, heard.dataset.arrived);
    });
    on('gone', ({ id }) => take(id));
    on('only', (ids) => {
      const left = new Set(ids.map((id) => `c-${id}`));
      for (const item of [...list.children]) if (!left.has(item.id)) item.remove();
    });
    source.addEventListener('open', () => { if (news.textContent === news.dataset.offline) say(news, ''); });
    source.addEventListener('error', () => {
      say(news, news.dataset.offline);
      // A browser does not try again when the answer was no stream at all, as from a proxy whose server is away.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000 + Math.random() * 4000);
    });
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    write().then((wrote) => { if (wrote) listen(); });
  });
  list.addEventListener('submit', (event) => {
    event.preventDefault();
    withdraw(event.target);
  });
  list.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-to=report]');
    if (!link) return;
    event.preventDefault();
    openReport(link.href);
  });
  report.querySelector('[data-close]').addEventListener('click', () => report.close());
  report.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    sendReport(event.target);
  });
  // A page that is shown again from the browser's memory has an old stream, or none.
  addEventListener('pageshow', (event) => { if (event.persisted) listen(); });
  addEventListener('pagehide', () => source.close());
  listen();
}

function say(where, text) {
  where.textContent = text;
}

/** Shows a comment as it is now, where it was written; whether it was not there before. */
function put(comment) {
  const before = document.getElementById(`c-${comment.id}`);
  const item = before ?? newItem(comment.id);
  item.dataset.standing = comment.standing;
  const name = item.querySelector('.name');
  name.textContent = comment.name || name.dataset.anonymous;
  const time = item.querySelector('time');
  time.dateTime = comment.at;
  time.textContent = comment.when;
  const body = item.querySelector('.body');
  body.textContent = comment.body;
  body.lang = comment.language;
  showStanding(item, comment);
  item.dataset.n = comment.n;
  if (!before) list.insertBefore(item, [...list.children].find((other) => Number(other.dataset.n) > comment.n) ?? null);
  return !before;
}

function newItem(id) {
  const item = document.querySelector('#comment').content.cloneNode(true).firstElementChild;
  item.id = `c-${id}`;
  item.classList.add('fresh');
  for (const part of item.querySelectorAll('[data-to]')) {
    part.setAttribute(part.localName === 'a' ? 'href' : 'action', `${section.dataset.base}/comments/${id}/${part.dataset.to}`);
  }
  return item;
}

function showStanding(item, { own, standing, sentences }) {
  item.querySelector('.standing').hidden = !own || standing === 'approved';
  for (const line of item.querySelectorAll('[data-of]')) line.hidden = line.dataset.of !== standing;
  item.querySelector('.sentences').replaceChildren(...sentences.map(({ language, text }) => {
    const line = document.createElement('li');
    line.lang = language;
    line.dir = 'auto';
    line.textContent = text;
    return line;
  }));
  item.querySelector('.own').hidden = !own;
  item.querySelector('.report').hidden = own;
}

function take(id) {
  document.getElementById(`c-${id}`)?.remove();
}

/** Sends the form of a comment; whether it was taken. */
async function write() {
  const button = form.querySelector('button');
  const label = button.textContent;
  const problem = form.querySelector('#problem');
  const text = form.elements.body;
  button.disabled = true;
  button.textContent = form.dataset.sending;
  problem.textContent = '';
  text.removeAttribute('aria-invalid');
  const { comment, once, message } = await send(form);
  button.disabled = false;
  button.textContent = label;
  if (message) {
    problem.textContent = message;
    text.setAttribute('aria-invalid', 'true');
    text.focus();
    return false;
  }
  text.value = '';
  form.elements.once.value = once;
  if (!comment) return true;
  put(comment);
  const item = document.getElementById(`c-${comment.id}`);
  item.scrollIntoView({ block: 'nearest' });
  say(heard, item.querySelector('[data-of]:not([hidden])')?.textContent ?? '');
  return true;
}

async function withdraw(small) {
  const { message } = await send(small);
  if (message) {
    say(news, message);
    return;
  }
  small.closest('.comment').remove();
  say(heard, heard.dataset.withdrawn);
  document.querySelector('#text').focus({ preventScroll: true });
}

function openReport(action) {
  const small = report.querySelector('form');
  small.reset();
  small.action = action;
  small.querySelector('.problem').textContent = '';
  report.showModal();
}

async function sendReport(small) {
  const { message } = await send(small);
  if (message) {
    small.querySelector('.problem').textContent = message;
    return;
  }
  report.close();
  say(news, report.dataset.reported);
}

/** Resolves to the server's answer; `message` when it, or the network, refused. It can be sent again: the form's `once` tells
 * the server that it is the same. */
async function send(small) {
  try {
    const answer = await fetch(small.action, {
      method: 'POST', body: new URLSearchParams(new FormData(small)), headers: { Accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return await answer.json();
  } catch {
    return { message: form.dataset.network };
  }
}
