// A daemon that does what a test tells it: one ROUTER socket in the test's own process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decode, encode } from '@msgpack/msgpack';
import { Pull, Router } from 'zeromq';

/** A directory that goes with the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'mq-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** An endpoint of the test's own. */
export function endpointOf(t) {
  return `ipc://${folder(t)}/s.sock`;
}

/** The daemon's push socket. `read` begins to read; `received` holds what came. */
export async function pull(t, endpoint = endpointOf(t), options = {}) {
  const socket = new Pull({ linger: 0, ...options });
  await socket.bind(endpoint);
  t.after(() => socket.close());
  const received = [];
  const read = async () => {
    for await (const [bytes] of socket) received.push(decode(bytes));
  };
  return { endpoint, received, read };
}

export class FakeDaemon {
  /** What came, each with the peer it came from: `{ peer, map, bytes, at }`. */
  received = [];

  /** `onRequest(request)` is called for each; `request.answer(map)` sends one with the request's v, id and op. */
  static async start(t, onRequest) {
    const fake = new FakeDaemon();
    fake.endpoint = endpointOf(t);
    fake.onRequest = onRequest;
    await fake.bind();
    t.after(() => fake.stop());
    return fake;
  }

  async bind() {
    this.socket = new Router({ linger: 0 });
    await this.socket.bind(this.endpoint);
    this.#serve(this.socket);
  }

  stop() {
    this.socket.close();
  }

  /** The maps of one operation that came. */
  of(op) {
    return this.received.filter(({ map }) => map.op === op);
  }

  send(peer, map) {
    return this.sendBytes(peer, encode(map));
  }

  /** zeromq.js sends one message at a time. */
  sendBytes(peer, bytes) {
    const { socket } = this;
    this.sending = (this.sending ?? Promise.resolve()).then(() => socket.closed || socket.send([peer, bytes])).catch(() => {});
    return this.sending;
  }

  async #serve(socket) {
    for await (const [peer, bytes] of socket) {
      const map = decode(bytes);
      const answer = (more) => this.send(peer, { v: 1, id: map.id, op: map.op, ...more });
      const request = {
        peer: peer.toString('hex'),
        peerId: peer,
        map,
        bytes: bytes.toString('hex'),
        at: performance.now(),
        answer,
      };
      this.received.push(request);
      this.onRequest?.(request);
    }
  }
}

export const ACCEPTED = { status: 'accepted', state: 'pending', received_at: 1 };

/** Takes every comment. */
export function accept({ map, answer }) {
  if (map.op === 'hello') answer({ ok: true, limits: { max_batch: 256, max_message_bytes: 1048576, extra_bytes: 4096 } });
  else if (map.op === 'submit')
    answer({ ok: true, results: map.comments.map(({ site, comment }) => ({ site, comment, revision: 1, ...ACCEPTED })) });
  else answer({ ok: true });
}

export function errorMap(name, number, kind, more = {}) {
  return { number, name, class: kind, message: `${name} it is`, ...more };
}

export const BUSY = errorMap('busy', 1, 'retry');

/** Milliseconds beyond a time that was asked for, on a very busy machine. */
export const SLACK = 3000;

/** Milliseconds that something takes. */
export async function timed(what) {
  const start = performance.now();
  await what();
  return performance.now() - start;
}

/** Waits until `condition()` is true. */
export async function eventually(condition, patience = 20000) {
  const deadline = performance.now() + patience;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`did not come true within ${patience} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
