// Key files: CZMQ's certificate format, as PROTOCOL.md describes it under CURVE.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

import { badArgument } from './errors.js';

const LARGEST_FILE = 16384;
const OF_OTHERS = 0o077;
const LINE = /^[ \t]*([^#\s=][^=]*?)[ \t]*=[ \t]*(["'])(.*?)\2/;
const Z85 = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;
const DOORS = ['front', 'push', 'decisions', 'desk'];

function parse(text) {
  const values = new Map();
  for (const line of text.split(/\r\n|\r|\n/)) {
    const found = LINE.exec(line);
    if (found)
      values.set(found[1], found[3]);
  }
  return values;
}

function needZ85(values, name, path) {
  const value = values.get(name);
  if (value === undefined || !Z85.test(value))
    throw badArgument(`${path}: ${name} must be 40 characters of Z85`);
  return value;
}

/** What proves over TCP who you are. */
export class Key {
  #secret;

  /** Reads a key file. Throws client_bad_argument when it cannot be read, is no key file, or others than its owner can
   * read it. */
  static load(path) {
    return new Key(parse(readPrivately(path)), path);
  }

  constructor(values, path) {
    this.#secret = needZ85(values, 'secret-key', path);
    this.publicKey = needZ85(values, 'public-key', path);
    this.serverKey = needZ85(values, 'server-key', path);
    this.name = values.get('name') ?? null;
    this.role = values.get('role') ?? null;
    this.endpoints = Object.fromEntries(DOORS.map((door) => [door, values.get(door) ?? null]));
    Object.freeze(this.endpoints);
    Object.freeze(this);
  }

  /** Options of a ZeroMQ socket. */
  socketOptions() {
    return { curveServerKey: this.serverKey, curvePublicKey: this.publicKey, curveSecretKey: this.#secret };
  }
}

function readPrivately(path) {
  let file;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // does not wait for the writer of a pipe
    const { mode, size } = fstatSync(file);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG)
      throw badArgument(`${path}: is no file`);
    if (mode & OF_OTHERS)
      throw badArgument(`${path}: others than its owner can read it (chmod 600)`);
    if (size > LARGEST_FILE)
      throw badArgument(`${path}: is no key file: it has ${size} bytes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw error.name === 'client_bad_argument' ? error : badArgument(`cannot read the key: ${error.message}`, error);
  } finally {
    if (file !== undefined)
      closeSync(file);
  }
}

/** The endpoint that was given, or the one that the key file names for this door. */
export function endpointOf(endpoint, key, door) {
  if (key !== undefined && key !== null && !(key instanceof Key))
    throw badArgument('key: must be a Key (Key.load reads one from a file)');
  const found = endpoint ?? key?.endpoints[door];
  if (typeof found !== 'string' || found === '')
    throw badArgument(`no endpoint${key ? `: the key file names none for ${door}` : ''}`);
  return found;
}
