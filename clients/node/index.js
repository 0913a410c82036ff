export { Decisions } from './src/decisions.js';
export { Front } from './src/front.js';
export { Key } from './src/key.js';
export { FileOutbox } from './src/outbox.js';
export { FilePlace } from './src/place.js';
export { Push } from './src/push.js';
export { SqlPlace } from './src/sql_place.js';
export { DeniedError, FinalError, FixError, LocalError, ModqdError, RetryError } from './src/errors.js';
