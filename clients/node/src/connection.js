// One ZeroMQ socket of type DEALER, from its connect to its end. Whoever lost patience makes a new one.
import { Dealer } from 'zeromq';

import { badArgument } from './errors.js';
import { decode } from './wire.js';

const LARGEST_MESSAGE = 64 * 1024 * 1024; // as much as max_message_bytes may ever be
const FIRST_RECONNECT_MS = 10;
const LAST_RECONNECT_MS = 500;
const KEEPALIVE_IDLE_S = 60;

/** Options of a socket that goes to `endpoint`. Over ipc nobody asks for a key. */
export function socketOptions(endpoint, key) {
  const curve = key && endpoint.startsWith('tcp:')
    ? { ...key.socketOptions(), tcpKeepalive: 1, tcpKeepaliveIdle: KEEPALIVE_IDLE_S } : {};
  return {
    linger: 0,
    immediate: true, // nothing is queued for nobody: a send waits until somebody is there
    reconnectInterval: FIRST_RECONNECT_MS,
    reconnectMaxInterval: LAST_RECONNECT_MS,
    maxMessageSize: LARGEST_MESSAGE,
    ipv6: endpoint.includes('['),
    ...curve,
  };
}

/** Connects a socket. What is wrong with the endpoint is client_bad_argument. */
export function connect(socket, endpoint) {
  try {
    socket.connect(endpoint);
  } catch (cause) {
    socket.close();
    throw badArgument(`endpoint ${endpoint}: ${cause.message}`, cause);
  }
}

export class Connection {
  #socket;
  #queue = [];
  #sending = false;
  #onMessage;

  /** Whether anything could be sent, which needs somebody at the other end. */
  connected = false;

  /** `onMessage` gets each message's map. What is none is left out. */
  constructor(endpoint, key, onMessage) {
    this.#onMessage = onMessage;
    this.#socket = new Dealer({ ...socketOptions(endpoint, key), sendHighWaterMark: 0, receiveHighWaterMark: 0 });
    connect(this.#socket, endpoint);
    this.#read();
  }

  /** Sends, in order, as soon as somebody is there. */
  send(bytes) {
    this.#queue.push(bytes);
    if (!this.#sending)
      this.#pump();
  }

  close() {
    this.#queue.length = 0;
    this.#socket.close();
  }

  // A socket of zeromq.js has one send under way at most.
  async #pump() {
    this.#sending = true;
    try {
      while (this.#queue.length > 0) {
        await this.#socket.send(this.#queue[0]);
        this.#queue.shift();
        this.connected = true;
      }
    } catch {
      this.#queue.length = 0; // closed, or of no use: whoever waits for an answer runs out of patience
    }
    this.#sending = false;
  }

  async #read() {
    try {
      for await (const frames of this.#socket) {
        const map = frames.length === 1 ? decode(frames[0]) : null;
        if (map && !this.#socket.closed)
          this.#onMessage(map);
      }
    } catch {
      this.#queue.length = 0;
    }
  }
}
