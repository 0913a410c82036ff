// Cuts lists of comments so that each request keeps the daemon's three limits.
import { fixError } from './errors.js';
import { encode, measure, MOST_VALUES } from './wire.js';

/** Values in force where the daemon was not asked (PROTOCOL.md, "Limits"). */
export const DEFAULT_LIMITS = Object.freeze({ max_message_bytes: 1048576, max_batch: 256, extra_bytes: 4096 });

/** What every daemon takes, however it is configured: beyond it `hello` is asked first. */
export const LEAST_LIMITS = Object.freeze({ max_message_bytes: 65536, max_batch: 1 });

const ENVELOPE_BYTES = 128; // the request's own map around the list
const ENVELOPE_VALUES = 16;
const ENVELOPE_DEPTH = 2;

/** Takes an item of a list of the field `field`: its place in the caller's list, its size and its count of values. Throws
 * what is wrong with it. */
export function weigh(value, index, field = 'comments') {
  const path = `${field}[${index}]`;
  const values = measure(value, path, ENVELOPE_DEPTH + 1);
  return { value, index, values, bytes: encode(value).length };
}

/** What is wrong with an item that fits into no request at all, or null. */
export function oversize({ index, values, bytes }, limits, field = 'comments') {
  const path = `${field}[${index}]`;
  const max = limits.max_message_bytes - ENVELOPE_BYTES;
  if (bytes > max)
    return fixError('too_long', `${path}: ${bytes} bytes, at most ${max} fit into a request`, { field: path, max, bytes });
  if (values > MOST_VALUES - ENVELOPE_VALUES)
    return fixError('malformed', `${path}: has ${values} values`, { field: path });
  return null;
}

/** Cuts items that each fit into lists that fit, in the same order. */
export function cut(items, limits) {
  const batches = [];
  let batch = null;
  let bytes = 0;
  let values = 0;
  for (const item of items) {
    bytes += item.bytes;
    values += item.values;
    if (!batch || batch.length >= limits.max_batch || bytes > limits.max_message_bytes - ENVELOPE_BYTES ||
        values > MOST_VALUES - ENVELOPE_VALUES) {
      batch = [];
      batches.push(batch);
      ({ bytes, values } = item);
    }
    batch.push(item);
  }
  return batches;
}
