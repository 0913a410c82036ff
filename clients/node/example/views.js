/** The pages. `html` escapes every value that it is given. */
import { html } from 'hono/html';
import { LANGUAGES, moment } from './words.js';
import { MAX_BODY_BYTES, MAX_NAME } from './text.js';

/**
 * Everything that one reader gets to see of a comment, for a page and an event alike; null when it is gone for him, undefined
 * when it was never there.
 */
export function viewOf(state, comment, code, reader) {
  const own = comment.owner === reader;
  const text = own ? ownText(state, comment) : state.shownText(comment);
  if (!text) return own || comment.wasShown ? null : undefined;
  const standing = own ? state.standing(comment) : 'approved';
  return {
    id: comment.id, n: comment.created, own, standing, name: comment.name, body: text.body, language: comment.language,
    at: new Date(text.at).toISOString(), when: moment(code, text.at),
    sentences: standing === 'rejected' ? sentences(state.policy, comment.decision.reasons, code) : [],
  };
}

function ownText(state, comment) {
  return state.standing(comment) === 'gone' ? null : comment.texts[comment.texts.length - 1];
}

/** What the policy tells an author, in the page's language where it has it. */
function sentences(policy, reasons, code) {
  const told = (policy?.reasons ?? []).filter((reason) => reasons.includes(reason.code));
  return told.map((reason) => inLanguage(reason.sentence, code));
}

function inLanguage(texts, code) {
  const { tag } = LANGUAGES[code];
  const language = tag in texts ? tag : 'en' in texts ? 'en' : Object.keys(texts)[0];
  return { language, text: texts[language] };
}

/** Attributes of a text that may be in another language than the page, and be written in the other direction. */
function otherLanguage(language, code) {
  return language === LANGUAGES[code].tag ? '' : html` lang="${language}" dir="auto"`;
}

/** A whole page; `path` is what follows the language in its address. */
function page(code, { title, path, main }) {
  const words = LANGUAGES[code];
  return html`<!DOCTYPE html>
<html lang="${words.tag}" dir="${words.dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – ${words.paper}</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/style.css">
<script type="module" src="/static/page.js"></script>
</head>
<body>
<a class="skip" href="#comments">${words.skip}</a>
<header class="masthead">
<a class="paper" href="/${code}">${words.paper}</a>
<p class="motto">${words.motto}</p>
<nav aria-label="${words.languages}"><ul>${Object.entries(LANGUAGES).map(([other, { tag, self }]) => html`
<li><a href="/${other}${path}" lang="${tag}" hreflang="${tag}"${other === code ? html` aria-current="page"` : ''}>${self}</a></li>`)}
</ul></nav>
</header>
<main>${main}</main>
</body>
</html>`;
}

/** The article with its comments. `form` holds what was typed into a form that was sent back with a `problem`. */
export function articlePage({ code, id, article, comments, policy, from, once, said, form = {} }) {
  const words = LANGUAGES[code];
  const text = article[code];
  const base = `/${code}/${id}`;
  return page(code, { title: text.title, path: `/${id}`, main: html`
<article class="story">
<h1>${text.title}</h1>
<p class="lead">${text.lead}</p>
<p class="byline">${text.by} · <time datetime="${new Date(article.published).toISOString()}">${moment(code, article.published)}</time></p>
${text.paragraphs.map((paragraph) => html`<p>${paragraph}</p>
`)}</article>
<section id="comments" class="comments" aria-labelledby="comments-title" data-base="${base}" data-from="${from}">
<h2 id="comments-title">${words.comments}</h2>
<p id="news" class="news" role="status" data-offline="${words.offline}">${words[said] ?? ''}</p>
<p id="heard" class="heard" role="status" data-arrived="${words.arrived}" data-withdrawn="${words.withdrawn}"></p>
<p class="none">${words.none}</p>
<ol id="list">${comments.map((comment) => commentItem(code, base, comment))}</ol>
<template id="comment">${commentItem(code, base, null)}</template>
<dialog id="report" aria-labelledby="report-title" data-reported="${words.reported}">
<h2 id="report-title">${words.sendReport}</h2>
${reportForm(code, policy, '', html`<button type="button" class="plain" data-close>${words.cancel}</button>`)}
</dialog>
</section>
${writeForm(code, base, once, form)}
${rules(code, policy)}` });
}

/** One comment; null makes the form that the browser fills in. All parts are in it, and those that do not apply are hidden. */
function commentItem(code, base, comment) {
  const words = LANGUAGES[code];
  const { id = '', n = 0, own = false, standing = '', name = '', body = '', language = '', at = '', when = '', sentences: told = [] } = comment ?? {};
  const to = (action) => `${base}/comments/${id}/${action}`;
  const hidden = (is) => (is ? '' : html` hidden`);
  return html`<li class="comment" id="c-${id}" data-n="${n}" data-standing="${standing}" tabindex="-1">
<p class="by"><bdi class="name" data-anonymous="${words.anonymous}">${name || words.anonymous}</bdi> <time datetime="${at}">${when}</time></p>
<p class="body" dir="auto" lang="${language}">${body}</p>
<div class="standing"${hidden(own && standing !== 'approved')}>
<p data-of="awaiting"${hidden(standing === 'awaiting')}>${words.awaiting}</p>
<p data-of="rejected"${hidden(standing === 'rejected')}>${words.rejected}</p>
<p data-of="refused"${hidden(standing === 'refused')}>${words.refused}</p>
<ul class="sentences">${told.map((sentence) => html`<li${otherLanguage(sentence.language, code)}>${sentence.text}</li>`)}</ul>
</div>
<div class="own"${hidden(own)}>
<a data-to="edit" href="${to('edit')}">${words.edit}</a>
<form method="post" data-to="withdraw" action="${to('withdraw')}"><button class="plain">${words.withdraw}</button></form>
</div>
<p class="report"${hidden(comment && !own)}><a data-to="report" href="${to('report')}">${words.report}</a></p>
</li>
`;
}

function writeForm(code, base, once, { name = '', body = '', problem = null }) {
  const words = LANGUAGES[code];
  return html`<section class="write" aria-labelledby="write-title">
<h2 id="write-title">${words.write}</h2>
<form id="write" method="post" action="${base}/comments" data-network="${words.problems.network}" data-sending="${words.sending}">
<input type="hidden" name="once" value="${once}">
<label for="name">${words.name} <span class="hint">(${words.nameHint})</span></label>
<input id="name" name="name" maxlength="${MAX_NAME}" dir="auto" autocomplete="name" value="${name}">
${textField(words.text, body, problem)}
<p id="before" class="hint">${words.before}</p>
<p id="problem" class="problem" role="alert">${problem ? words.problems[problem] : ''}</p>
<button>${words.send}</button>
</form>
</section>`;
}

/** HTML leaves out one line end after the start tag of a textarea: so one is written, and the text's own stays. */
function textField(label, body, problem) {
  return html`<label for="text">${label}</label>
<textarea id="text" name="body" rows="6" dir="auto" required maxlength="${MAX_BODY_BYTES}" aria-describedby="before problem"${
  problem ? html` aria-invalid="true"` : ''}>
${body}</textarea>`;
}

export function editPage({ code, id, comment, body, problem = null }) {
  const words = LANGUAGES[code];
  const back = `/${code}/${id}`;
  return page(code, { title: words.editTitle, path: `/${id}`, main: html`
<section class="write" aria-labelledby="edit-title">
<h1 id="edit-title">${words.editTitle}</h1>
<form method="post" action="${back}/comments/${comment}/edit">
${textField(words.text, body, problem)}
<p id="before" class="hint">${words.editBefore}</p>
<p id="problem" class="problem" role="alert">${problem ? words.problems[problem] : ''}</p>
<button>${words.save}</button> <a class="plain" href="${back}#c-${comment}">${words.cancel}</a>
</form>
</section>` });
}

/** A reader's complaint about a comment. */
export function reportPage({ code, id, comment, policy }) {
  const words = LANGUAGES[code];
  const back = `/${code}/${id}`;
  return page(code, { title: words.sendReport, path: `/${id}`, main: html`
<section class="write" aria-labelledby="report-title">
<h1 id="report-title">${words.sendReport}</h1>
<blockquote dir="auto" lang="${comment.language}">${comment.body}</blockquote>
${reportForm(code, policy, `${back}/comments/${comment.id}/report`, html`<a class="plain" href="${back}#c-${comment.id}">${words.cancel}</a>`)}
</section>` });
}

function reportForm(code, policy, action, cancel) {
  const words = LANGUAGES[code];
  return html`<form method="post" action="${action}">
<label for="reason">${words.reason}</label>
<select id="reason" name="reason">${(policy?.reasons ?? []).map((reason) => {
    const title = inLanguage(reason.title, code);
    return html`<option value="${reason.code}"${otherLanguage(title.language, code)}>${title.text}</option>`;
  })}</select>
<label for="note">${words.note}</label>
<input id="note" name="note" maxlength="300" dir="auto" autocomplete="off">
<p class="problem" role="alert"></p>
<button>${words.report}</button> ${cancel}
</form>`;
}

export function problemPage({ code, path, problem }) {
  const text = LANGUAGES[code].problems[problem];
  return page(code, { title: text, path, main: html`<section class="write"><h1>${text}</h1></section>` });
}

/** The titles of the policy's reasons; those under a broader one stand under it. */
function rules(code, policy) {
  const words = LANGUAGES[code];
  const reasons = policy?.reasons ?? [];
  const under = (parent) => reasons.filter((reason) => (reason.parent ?? null) === parent);
  const list = (parent) => (under(parent).length === 0 ? '' : html`<ul>${under(parent).map((reason) => {
    const title = inLanguage(reason.title, code);
    return html`<li${otherLanguage(title.language, code)}>${title.text}${list(reason.code)}</li>`;
  })}</ul>`);
  return html`<section class="rules" aria-labelledby="rules-title">
<h2 id="rules-title">${words.rules}</h2>
${policy ? html`<p>${words.rulesBefore}</p>${list(null)}<p>${words.rulesAfter}</p>` : html`<p>${words.noRules}</p>`}
</section>`;
}
