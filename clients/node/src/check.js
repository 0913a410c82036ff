// What callers can get wrong.
import { badArgument } from './errors.js';

export function duration(name, value) {
  if (typeof value !== 'number' || !(value > 0))
    throw badArgument(`${name}: must be a number of milliseconds above 0`);
  return value;
}

export function needList(name, list) {
  if (!Array.isArray(list))
    throw badArgument(`${name}: must be an array`);
}
