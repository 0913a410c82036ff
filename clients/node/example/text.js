/** What readers write, before it is kept and when it is shown. */
import { LANGUAGES } from './words.js';

export const MAX_BODY_BYTES = 8192;
export const MAX_NAME = 60;
export const MAX_NOTE_BYTES = 1000;

const LONE_SURROGATE = /\p{Surrogate}/u;
const NOTHING_TO_SEE = /^[\s\p{C}\p{Default_Ignorable_Code_Point}]*$/u;
// All that neither HTML nor a reader can make anything of; line ends and tabs stay.
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

/** A text with line ends of one kind. Forms send CR LF. */
export function lines(text) {
  return text.replace(/\r\n?/g, '\n');
}

/** A name on one line; empty when there is nothing to see in it. */
export function oneLine(text) {
  const line = [...text.replace(CONTROL, '').replace(/\s+/gu, ' ').trim()].slice(0, MAX_NAME).join('');
  return NOTHING_TO_SEE.test(line) ? '' : line;
}

/** What is wrong with a comment's text: `empty`, `long` or `broken` (no text at all); null when nothing is. */
export function problemOf(body) {
  if (LONE_SURROGATE.test(body)) return 'broken';
  if (NOTHING_TO_SEE.test(body)) return 'empty';
  return Buffer.byteLength(body) > MAX_BODY_BYTES ? 'long' : null;
}

/** A text as it is shown: control characters show as U+FFFD, in a page and in an event alike. */
export function visible(text) {
  return text.replace(CONTROL, '\ufffd');
}

const ARABIC = /\p{Script=Arabic}/gu;
const LATIN = /\p{Script=Latin}/gu;

/** The language tag of a text that was written on a page of that language, if its letters are of that language; else ''. */
export function languageOf(body, code) {
  const arabic = body.match(ARABIC)?.length ?? 0;
  const latin = body.match(LATIN)?.length ?? 0;
  const { tag, dir } = LANGUAGES[code];
  return (dir === 'rtl' ? arabic > latin : latin > arabic) ? tag : '';
}
