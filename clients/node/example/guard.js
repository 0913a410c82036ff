/** Who may ask for what, and how often. */
import { isIPv6 } from 'node:net';

const KEPT_CLIENTS = 10000;

/** Lets each client do `burst` things at once, and one more every `every` ms. Remembers a bounded number of clients. */
export class Pace {
  #burst;
  #every;
  #clients = new Map();

  constructor({ burst, every }) {
    this.#burst = burst;
    this.#every = every;
  }

  /** Whether this client may do one thing more now. */
  allows(client, now = Date.now()) {
    const known = this.#clients.get(client) ?? { left: this.#burst, at: now };
    const left = Math.min(this.#burst, known.left + (now - known.at) / this.#every);
    // Put last, so that who was not here for longest is the first to be forgotten.
    this.#clients.delete(client);
    this.#clients.set(client, { left: left >= 1 ? left - 1 : left, at: now });
    if (this.#clients.size > KEPT_CLIENTS) this.#clients.delete(this.#clients.keys().next().value);
    return left >= 1;
  }
}

/** An address; of IPv6 the half that a household gets, so that nobody is many by having many addresses. */
export function householdOf(address) {
  const plain = address.replace(/^::ffff:(?=[\d.]+$)/i, '').split('%')[0];
  if (!isIPv6(plain)) return plain;
  const [before, after] = plain.split('::').map((part) => part.split(':').filter(Boolean));
  const groups = after ? [...before, ...Array(8 - before.length - after.length).fill('0'), ...after] : before;
  return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/**
 * Whether a request that changes something comes from our own page. Every browser says where a POST comes from; who does not
 * say it is refused.
 */
export function sameOrigin(request, origin) {
  const site = request.headers.get('Sec-Fetch-Site');
  if (site && site !== 'same-origin') return false;
  return request.headers.get('Origin') === origin;
}

const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "form-action 'self'",
  "base-uri 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ');

export const SAFE_HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  // Not no-referrer: forms would say `Origin: null` then.
  'Referrer-Policy': 'same-origin',
};
