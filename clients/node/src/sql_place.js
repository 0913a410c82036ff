// How far a site's records were applied, kept in a table of the user's own database.
import { badArgument, ownError } from './errors.js';
import { bytesOf, CHAIN_BYTES, EPOCH_BYTES, hexOf } from './place.js';

/** Values are marked with `?` here. */
const MARKED = {
  '?': (sql) => sql,
  $1: (sql) => {
    let count = 0;
    return sql.replace(/\?/g, () => `$${++count}`);
  },
};

/** Names of tables cannot be values: nothing but a plain name, of a schema perhaps, is taken. */
function checkTable(name) {
  if (typeof name !== 'string' || !/^[A-Za-z_]\w{0,62}(\.[A-Za-z_]\w{0,62})?$/.test(name))
    throw badArgument(`table: ${JSON.stringify(name)} is no plain name of a table`);
  return name;
}

/** What is no array of rows must not pass for no row: the site would begin anew. */
function checkRows(rows) {
  const isRow = (row) => row !== null && typeof row === 'object' && !Array.isArray(row);
  if (!Array.isArray(rows) || !rows.every(isRow))
    throw badArgument('query: must give the rows of a SELECT, an array of objects');
  return rows;
}

/** Drivers give a BIGINT as a number, as a string or as a BigInt. */
function seqOf(value) {
  const isWhole = ['number', 'bigint'].includes(typeof value) || (typeof value === 'string' && /^\d+$/.test(value));
  const seq = isWhole ? Number(value) : NaN;
  if (!Number.isSafeInteger(seq) || seq < 0)
    throw new Error('expected seq');
  return seq;
}

function positionOf({ seq, chain, epoch }) {
  return { seq: seqOf(seq), chain: bytesOf(chain, CHAIN_BYTES), epoch: bytesOf(epoch, EPOCH_BYTES) };
}

/** A place in a table with a row for each site. Nothing is begun or committed here. */
export class SqlPlace {
  #query;
  #table;
  #marked;

  constructor(query, { table = 'modqd_place', style = '?' } = {}) {
    if (typeof query !== 'function')
      throw badArgument('query: must be a function of a statement and its values');
    if (!Object.hasOwn(MARKED, style))
      throw badArgument("style: must be '?' or '$1'");
    this.#query = query;
    this.#table = checkTable(table);
    this.#marked = MARKED[style];
  }

  async create() {
    await this.#run(`CREATE TABLE IF NOT EXISTS ${this.#table} (site VARCHAR(64) NOT NULL PRIMARY KEY, ` +
      'seq BIGINT NOT NULL, chain VARCHAR(64) NOT NULL, epoch VARCHAR(32) NOT NULL)');
  }

  async load(site) {
    const row = await this.#row(site);
    try {
      return row && positionOf(row);
    } catch (cause) {
      throw ownError('client_system', `the place of ${site} in ${this.#table} is damaged: ${cause.message}`, cause);
    }
  }

  async save(site, { seq, chain, epoch }) {
    const known = await this.#row(site);
    await this.#run(known ? `UPDATE ${this.#table} SET seq = ?, chain = ?, epoch = ? WHERE site = ?` :
      `INSERT INTO ${this.#table} (seq, chain, epoch, site) VALUES (?, ?, ?, ?)`,
    seq, hexOf(chain), hexOf(epoch), site);
  }

  async forget(site) {
    await this.#row(site);
    await this.#run(`DELETE FROM ${this.#table} WHERE site = ?`, site);
  }

  /** The site's row, or null. Under some collations a database finds another site's, whose name differs in case. */
  async #row(site) {
    const rows = checkRows(await this.#run(`SELECT site, seq, chain, epoch FROM ${this.#table} WHERE site = ?`, site));
    const other = rows.find((row) => row.site !== site);
    if (other)
      throw ownError('client_system', `${this.#table} takes the sites ${other.site} and ${site} for the same`);
    return rows[0] ?? null;
  }

  async #run(sql, ...values) {
    try {
      return await this.#query(this.#marked(sql), values);
    } catch (cause) {
      throw ownError('client_system', `the place in ${this.#table}: ${cause?.message ?? cause}`, cause);
    }
  }
}
