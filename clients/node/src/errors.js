// What can go wrong: the daemon's own errors, and those that the client notices itself.

/** Numbers of the client's own errors. Their names begin with `client_`, which no name of the protocol does. */
const OWN = {
  client_timeout: [-1, 'retry'],
  client_cannot_connect: [-2, 'retry'],
  client_bad_argument: [-3, 'fix'],
  client_bad_reply: [-5, 'local'],
  client_system: [-7, 'local'],
};

/** Errors of the protocol that the client sees before it sends anything. */
const SEEN_HERE = { malformed: 20, out_of_range: 25, too_long: 27, invalid_utf8: 28 };

export class ModqdError extends Error {
  /** `facts` is an error map of the protocol; `cause` is what led to it. */
  constructor(facts, cause) {
    const { number, name, class: kind, message, field, retry_after_ms: pause, ...details } = facts;
    super(message, cause === undefined ? undefined : { cause });
    Object.defineProperty(this, 'name', { value: name, enumerable: true });
    this.number = number;
    this.class = kind;
    this.field = field ?? null;
    this.retry_after_ms = pause ?? null;
    this.details = details;
  }

  /** Whether the request is worth keeping, to be sent again later. */
  get keep() {
    return this.class === 'retry';
  }

  /** The error as a map of the protocol. */
  toJSON() {
    const { number, name, message, field, retry_after_ms, details } = this;
    return { number, name, class: this.class, message, field, retry_after_ms, ...details };
  }
}

export class RetryError extends ModqdError {
  constructor(facts, cause) {
    super({ ...facts, message: `${facts.message}; keep it and send it later` }, cause);
  }
}
export class FixError extends ModqdError {}
export class DeniedError extends ModqdError {}
export class FinalError extends ModqdError {}
export class LocalError extends ModqdError {}

const CLASSES = { retry: RetryError, fix: FixError, denied: DeniedError, final: FinalError, local: LocalError };

/** An error of the client's own. */
export function ownError(name, message, cause) {
  const [number, kind] = OWN[name];
  return new CLASSES[kind]({ number, name, class: kind, message }, cause);
}

/** What the daemon would answer, seen before it was asked. */
export function fixError(name, message, more = {}) {
  return new FixError({ number: SEEN_HERE[name], name, class: 'fix', message, ...more });
}

export function badArgument(message, cause) {
  return ownError('client_bad_argument', message, cause);
}

function isErrorMap(map) {
  return map !== null && typeof map === 'object' && Number.isSafeInteger(map.number) && typeof map.name === 'string' &&
    typeof map.message === 'string' && map.class !== 'local' && Object.hasOwn(CLASSES, map.class);
}

/** Reads an error map of an answer. What is none becomes client_bad_reply. */
export function errorFrom(map) {
  if (!isErrorMap(map))
    return ownError('client_bad_reply', 'the daemon sent an error that makes no sense');
  const retryAfter = Number.isSafeInteger(map.retry_after_ms) ? Math.max(0, map.retry_after_ms) : null;
  const field = typeof map.field === 'string' ? map.field : null;
  return new CLASSES[map.class]({ ...map, field, retry_after_ms: retryAfter });
}
