export { Front } from './src/front.js';
export { Key } from './src/key.js';
export { DeniedError, FinalError, FixError, LocalError, ModqdError, RetryError } from './src/errors.js';
