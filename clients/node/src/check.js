// What callers, and daemons, can get wrong.
import { badArgument, ownError } from './errors.js';
import { isMap } from './wire.js';

export function duration(name, value) {
  if (typeof value !== 'number' || !(value > 0))
    throw badArgument(`${name}: must be a number of milliseconds above 0`);
  return value;
}

export function needList(name, list) {
  if (!Array.isArray(list))
    throw badArgument(`${name}: must be an array`);
}

/** The results of an operation on several items: a map with a status for each. */
export function checkResults(op, results, count) {
  const isResult = (result) => isMap(result) && typeof result.status === 'string';
  if (!Array.isArray(results) || results.length !== count || !results.every(isResult))
    throw ownError('client_bad_reply', `the answer to ${op} has no result for each comment`);
  return results;
}
