// How far a site's records were applied, kept in a file.
import { badArgument, ownError } from './errors.js';
import { readIfThere, replaceFile } from './files.js';

export const CHAIN_BYTES = 32;
export const EPOCH_BYTES = 16;

/** The bytes that were written in hex; empty text says that they are unknown, as in the other languages' clients: null. Throws
 * when they are not so many. */
export function bytesOf(hex, length) {
  if (hex === '')
    return null;
  const bytes = typeof hex === 'string' ? Buffer.from(hex, 'hex') : Buffer.alloc(0);
  if (bytes.length !== length || bytes.toString('hex') !== hex)
    throw new Error(`expected ${length} bytes in hex`);
  return bytes;
}

export function hexOf(bytes) {
  return Buffer.from(bytes ?? []).toString('hex');
}

function parse(text) {
  const { site, seq, chain, epoch } = JSON.parse(text);
  if (typeof site !== 'string' || !Number.isSafeInteger(seq) || seq < 0)
    throw new Error('expected site and seq');
  return { site, position: { seq, chain: bytesOf(chain, CHAIN_BYTES), epoch: bytesOf(epoch, EPOCH_BYTES) } };
}

/** A place in a file of its own, for one site and one process. */
export class FilePlace {
  #path;

  constructor(path) {
    if (typeof path !== 'string' || path === '')
      throw badArgument('path: must be the path of a file');
    this.#path = path;
  }

  async load(site) {
    let found;
    try {
      const text = await readIfThere(this.#path);
      if (text === null)
        return null;
      found = parse(text);
    } catch (cause) {
      throw ownError('client_system', `cannot read the place ${this.#path}: ${cause.message}`, cause);
    }
    if (found.site !== site)
      throw badArgument(`${this.#path} is the place of the site ${found.site}, not of ${site}`);
    return found.position;
  }

  async save(site, { seq, chain, epoch }) {
    try {
      await replaceFile(this.#path, `${JSON.stringify({ site, seq, chain: hexOf(chain), epoch: hexOf(epoch) })}\n`);
    } catch (cause) {
      throw ownError('client_system', `cannot write the place ${this.#path}: ${cause.message}`, cause);
    }
  }
}
