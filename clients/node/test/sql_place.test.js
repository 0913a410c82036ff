import assert from 'node:assert/strict';
import test from 'node:test';
import initSqlJs from 'sql.js';

import { SqlPlace } from '../index.js';

const { Database } = await initSqlJs();
const POSITION = { seq: 7, chain: Buffer.alloc(32, 1), epoch: Buffer.alloc(16, 2) };
const ROW = { site: 'news', seq: 7, chain: '01'.repeat(32), epoch: '02'.repeat(16) };

/** A query on an SQLite database, which knows both styles. */
function sqlite(t, database = new Database()) {
  t.after(() => database.close());
  return (sql, values) => {
    const statement = database.prepare(sql);
    statement.bind(values);
    const rows = [];
    while (statement.step()) rows.push(statement.getAsObject());
    statement.free();
    return rows;
  };
}

/** A place whose table holds this row. */
function placeOf(row) {
  return new SqlPlace(async () => [row]);
}

for (const style of ['?', '$1']) {
  test(`a place is what was saved last, with ${style}`, async (t) => {
    const query = sqlite(t);
    const place = new SqlPlace(query, { style });
    await place.create();
    await place.create();
    assert.equal(await place.load('news'), null);
    await place.save('news', { ...POSITION, seq: 6 });
    await place.save('sport', { ...POSITION, seq: 2 ** 40 });
    await place.save('news', POSITION);
    assert.deepEqual(await place.load('news'), POSITION);
    assert.deepEqual(await place.load('sport'), { ...POSITION, seq: 2 ** 40 });
    assert.deepEqual(query('SELECT * FROM modqd_place ORDER BY site', [])[0], ROW, "the other languages' table");
    await place.forget('news');
    assert.equal(await place.load('news'), null);
    assert.equal((await place.load('sport')).seq, 2 ** 40);
  });
}

test('values are marked in the style that was asked for', async () => {
  for (const [style, marks] of [['?', ['?', '?', '?', '?', '?']], ['$1', ['$1', '$1', '$2', '$3', '$4']]]) {
    const asked = [];
    const place = new SqlPlace(async (sql, values) => asked.push([sql, values]) && [], { style, table: 'app.places' });
    await place.save('news', POSITION);
    assert.deepEqual(asked.flatMap(([sql]) => sql.match(/\?|\$\d/g)), marks);
    assert.deepEqual(asked[1][1], [7, ROW.chain, ROW.epoch, 'news']);
    assert.ok(asked.every(([sql]) => sql.includes(' app.places ')));
  }
});

test('nothing is begun or committed: a save is undone with the transaction around it', async (t) => {
  const query = sqlite(t);
  const place = new SqlPlace(query);
  await place.create();
  for (const end of ['COMMIT', 'ROLLBACK']) {
    query('BEGIN', []);
    await place.save('news', { ...POSITION, seq: end === 'COMMIT' ? 7 : 8 });
    query(end, []);
    assert.equal((await place.load('news')).seq, 7, end);
  }
});

test('seq may come as a string or as a BigInt', async () => {
  for (const seq of [7, '7', 7n]) assert.deepEqual(await placeOf({ ...ROW, seq }).load('news'), POSITION);
  const largest = Number.MAX_SAFE_INTEGER;
  for (const seq of [largest, String(largest), BigInt(largest)])
    assert.equal((await placeOf({ ...ROW, seq }).load('news')).seq, largest);
});

test('a hash that is not known is empty text', async (t) => {
  const query = sqlite(t);
  const place = new SqlPlace(query);
  await place.create();
  await place.save('news', { seq: 7, chain: null, epoch: null });
  assert.deepEqual(query('SELECT chain, epoch FROM modqd_place', []), [{ chain: '', epoch: '' }]);
  assert.deepEqual(await place.load('news'), { seq: 7, chain: null, epoch: null });
});

test('a damaged row is told, not taken for none', async () => {
  for (const damage of [
    ...[-1, 1.5, '', ' 7', '7x', '-7', '0x7', '9007199254740993', 2n ** 53n, null, undefined, true].map((seq) => ({ seq })),
    ...['zz', '01', '01'.repeat(33), 'AB'.repeat(32), null, undefined, Buffer.alloc(32)].map((chain) => ({ chain })),
    ...['zz', ROW.chain, null, 7].map((epoch) => ({ epoch })),
  ])
    await assert.rejects(
      placeOf({ ...ROW, ...damage }).load('news'),
      { name: 'client_system', class: 'local', message: /modqd_place is damaged/ },
      String(Object.entries(damage)),
    );
});

test('what is no list of rows is told, not taken for none', async () => {
  for (const rows of [undefined, null, { rows: [] }, { rows: [ROW] }, [[], ['fields']], [[ROW], []], ROW, [null]])
    for (const ask of [(place) => place.load('news'), (place) => place.save('news', POSITION)])
      await assert.rejects(ask(new SqlPlace(() => rows)), { name: 'client_bad_argument', message: /^query: / });
});

test('what the query throws is the cause', async () => {
  const problem = Object.assign(new Error('server has gone away'), { code: '57P01' });
  const broken = [() => Promise.reject(problem), () => { throw problem; }];
  for (const query of broken) {
    const place = new SqlPlace(query);
    for (const asked of [place.create(), place.load('news'), place.save('news', POSITION), place.forget('news')])
      await assert.rejects(asked, (error) => error.name === 'client_system' && error.cause === problem &&
        error.message === 'the place in modqd_place: server has gone away');
  }
});

test('a database that takes two sites for one is told', async (t) => {
  const query = sqlite(t);
  query('CREATE TABLE modqd_place (site VARCHAR(64) COLLATE NOCASE PRIMARY KEY, seq BIGINT, chain TEXT, epoch TEXT)', []);
  const place = new SqlPlace(query);
  await place.save('news', POSITION);
  await assert.rejects(place.load('News'), { name: 'client_system', message: /the sites news and News/ });
  await assert.rejects(place.save('News', { ...POSITION, seq: 9 }), { name: 'client_system' });
  await assert.rejects(place.forget('News'), { name: 'client_system' });
  assert.deepEqual(await place.load('news'), POSITION);
});

test('only plain names are tables', () => {
  const query = () => [];
  for (const table of ['place', '_p1', 'app.place', `a${'b'.repeat(62)}`]) new SqlPlace(query, { table });
  for (const table of ['', '1a', 'a b', 'a;b', 'a"', 'a.b.c', '.a', 'a.', 'a\n', 'ä', '?', `a${'b'.repeat(63)}`, null, 7])
    assert.throws(() => new SqlPlace(query, { table }), { name: 'client_bad_argument', message: /^table: / }, String(table));
  for (const style of ['$', ':1', '', null, 'toString'])
    assert.throws(() => new SqlPlace(query, { style }), { name: 'client_bad_argument', message: /^style: / });
  for (const wrong of [undefined, {}, 'SELECT'])
    assert.throws(() => new SqlPlace(wrong), { name: 'client_bad_argument', message: /^query: / });
});
