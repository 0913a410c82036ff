import assert from 'node:assert/strict';
import test from 'node:test';

import { DeniedError, FinalError, FixError, LocalError, ModqdError, RetryError } from '../index.js';
import { errorFrom, ownError } from '../src/errors.js';

test('an error goes by its class, whatever its number', () => {
  const kinds = { retry: RetryError, fix: FixError, denied: DeniedError, final: FinalError };
  for (const [kind, Kind] of Object.entries(kinds)) {
    const error = errorFrom({ number: 4711, name: 'of_a_later_version', class: kind, message: 'm', surprise: 1 });
    assert.ok(error instanceof Kind && error instanceof ModqdError && error instanceof Error);
    assert.equal(error.keep, kind === 'retry');
    assert.deepEqual(
      [error.number, error.name, error.class, error.field, error.details],
      [4711, 'of_a_later_version', kind, null, { surprise: 1 }],
    );
  }
});

test('what may be kept says so', () => {
  const error = errorFrom({
    number: 1,
    name: 'busy',
    class: 'retry',
    message: 'too much',
    retry_after_ms: 70,
    limit: 'queue_bytes',
  });
  assert.equal(error.message, 'too much; keep it and send it later');
  assert.equal(error.retry_after_ms, 70);
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    number: 1,
    name: 'busy',
    class: 'retry',
    message: 'too much; keep it and send it later',
    field: null,
    retry_after_ms: 70,
    limit: 'queue_bytes',
  });
});

test('an error that makes no sense is client_bad_reply', () => {
  const good = { number: 1, name: 'n', class: 'fix', message: 'm' };
  const bad = [
    null,
    undefined,
    7,
    'x',
    [],
    {},
    { ...good, class: 'toString' },
    { ...good, class: 'local' },
    { ...good, number: 1.5 },
    { ...good, name: 3 },
    { ...good, message: null },
    { ...good, class: undefined },
  ];
  for (const map of bad) {
    const error = errorFrom(map);
    assert.ok(error instanceof LocalError);
    assert.deepEqual([error.name, error.number, error.keep], ['client_bad_reply', -5, false]);
  }
});

test('fields of another type are left out', () => {
  const error = errorFrom({ number: 1, name: 'busy', class: 'retry', message: 'm', field: 7, retry_after_ms: 'soon' });
  assert.deepEqual([error.field, error.retry_after_ms], [null, null]);
  assert.equal(errorFrom({ number: 1, name: 'busy', class: 'retry', message: 'm', retry_after_ms: -5 }).retry_after_ms, 0);
});

test("the client's own errors keep their cause", () => {
  const cause = new Error('why');
  const numbers = {
    client_timeout: -1,
    client_cannot_connect: -2,
    client_bad_argument: -3,
    client_bad_reply: -5,
    client_system: -7,
  };
  for (const [name, number] of Object.entries(numbers)) {
    const error = ownError(name, 'm', cause);
    assert.deepEqual([error.name, error.number, error.cause], [name, number, cause]);
  }
});
