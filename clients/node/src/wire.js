// Messages: MessagePack, and what a daemon would refuse of it.
import { decode as unpack, encode as pack } from '@msgpack/msgpack';

import { badArgument, fixError } from './errors.js';

export const DEEPEST = 16;
export const MOST_VALUES = 20000;

const LONE_SURROGATE = /\p{Surrogate}/u;

function isContainer(value) {
  return value !== null && typeof value === 'object' && !ArrayBuffer.isView(value);
}

export function isMap(value) {
  return isContainer(value) && !Array.isArray(value);
}

function checkText(text, path) {
  const found = LONE_SURROGATE.exec(text);
  if (!found)
    return;
  const at = Buffer.byteLength(text.slice(0, found.index));
  throw fixError('invalid_utf8', `${path}: not UTF-8 from byte ${at} on (half of a surrogate pair)`, { field: path, at });
}

function pathOf(path, key, isList) {
  if (isList)
    return `${path}[${key}]`;
  return path ? `${path}.${key}` : key;
}

/** Counts the values of `value`, keys and containers among them, as the daemon does. Throws what it would answer to text
 * that is no UTF-8, and to what is too deep. `depth` is that of the value itself: 1 for a message's own map. */
export function measure(value, path = '', depth = 1) {
  if (typeof value === 'string')
    checkText(value, path);
  if (!isContainer(value))
    return 1;
  if (depth > DEEPEST)
    throw fixError('malformed', `${path}: more than ${DEEPEST} deep`, { field: path });
  const isList = Array.isArray(value);
  let values = 1;
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined && !isList)
      continue;
    const inside = pathOf(path, key, isList);
    if (!isList)
      checkText(key, inside);
    values += (isList ? 0 : 1) + measure(item, inside, depth + 1);
  }
  return values;
}

/** Packs any value that was measured. Keys with the value undefined are left out. */
export function encode(value) {
  try {
    return pack(value, { ignoreUndefined: true });
  } catch (cause) {
    throw badArgument(`cannot be sent: ${cause.message}`, cause);
  }
}

/** The map that a message body holds, or null when it is anything else. */
export function decode(bytes) {
  try {
    const value = unpack(bytes);
    return isMap(value) ? value : null;
  } catch {
    return null;
  }
}
