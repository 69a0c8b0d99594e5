/** What varies from program to program and in tests: the server's address, tokens, sockets, requests, time. */
import type { Awaitable, Clock } from '../core/index.js';
import { ClientError } from './errors.js';
import { systemClock } from './system.js';

/** What of time the client uses; `TestClock` from `roomkit/testing` has it. */
export type ClientClock = Pick<Clock, 'now' | 'monotonic' | 'setTimer'>;

/** The part of a WebSocket that is used; the browser's and that of `ws` both have it. */
export interface ClientSocket {
  /** Called once it is open. */
  onopen: ((event: never) => void) | null;
  /** Called with each frame. */
  onmessage: ((event: never) => void) | null;
  /** Called once it is closed, by whomever. */
  onclose: ((event: never) => void) | null;
  /** Called when it fails; `onclose` follows. */
  onerror: ((event: never) => void) | null;
  /** Sends a frame. */
  send(text: string): void;
  /** Closes it; `onclose` follows. */
  close(code?: number, reason?: string): void;
}

/** Opens a socket: `WebSocket` of the browser, of Node 22 and later, or of `ws`. */
export type ClientSocketConstructor = new (url: string, protocol: string) => ClientSocket;

/** The part of `fetch` that is used. */
export type ClientFetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly credentials?: 'include' | 'same-origin';
    readonly signal: AbortSignal;
  },
) => Promise<ClientResponse>;

/** The part of a `Response` that is used. */
export interface ClientResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: {
    /** null when the header is absent. */
    get(name: string): string | null;
  };
  /** The body, parsed. */
  json(): Promise<unknown>;
}

/** Where messages wait over a reload: `sessionStorage`, `localStorage`, or React Native's AsyncStorage. */
export interface OutboxStorage {
  /** null when nothing is kept under this key. */
  getItem(key: string): Awaitable<string | null>;
  /** Keeps a value. */
  setItem(key: string, value: string): Awaitable<void>;
  /** Forgets a value. */
  removeItem(key: string): Awaitable<void>;
}

/** How to reach a server, and what one client may keep. */
export interface RoomKitClientOptions {
  /** Where the server is, such as `https://chat.example.com`; its socket is at `/ws` below it. Default: the page's own origin. */
  readonly url?: string;
  /**
   * A client token, or a function that fetches one. The function is asked at every connection and before a token ends; with a
   * string the connection ends with the token. Without it the server has to know the caller otherwise, for example by a cookie.
   */
  readonly token?: string | (() => Awaitable<string>);
  /** Default: the global one, which browsers and Node 22 have. On Node 20 give that of `ws`. */
  readonly WebSocket?: ClientSocketConstructor;
  /** For history and {@link RoomKitClient.api}. Default: the global one. */
  readonly fetch?: ClientFetch;
  /** Default: the machine's. */
  readonly clock?: ClientClock;
  /** Spreads reconnects and names messages; from 0 to below 1. Default: Math.random. */
  readonly random?: () => number;
  /** Keeps messages that were not acknowledged over a reload. One tab each: prefer `sessionStorage`. Default: they are kept in memory only. */
  readonly storage?: OutboxStorage;
  /** The name under which {@link storage} keeps them. Default `roomkit.outbox`. */
  readonly storageKey?: string;
  /** How many messages may wait to be acknowledged; the next `send` is refused with `queue_full`. Default 200. */
  readonly maxQueuedSends?: number;
  /** How many events a room begins with, and how many `loadOlder` brings. Default 50, at most 1000. */
  readonly pageSize?: number;
  /** How many events a room keeps; beyond that the oldest are let go, and can be paged again. Default 20,000. */
  readonly maxEvents?: number;
  /** Show replies while they are written. Default true. */
  readonly streams?: boolean;
  /** Tells `online` and `visibilitychange`: then the client does not wait to reconnect. Default: the browser's window. */
  readonly wakeEvents?: WakeEvents;
}

/** What tells that the network or the page came back. */
export interface WakeEvents {
  /** Begins to tell a listener. */
  addEventListener(type: 'online' | 'visibilitychange', listener: () => void): void;
  /** Stops telling it. */
  removeEventListener(type: 'online' | 'visibilitychange', listener: () => void): void;
}

/** The options with everything filled in. */
export interface ClientSettings {
  readonly socketUrl: string;
  readonly apiUrl: string;
  readonly token: RoomKitClientOptions['token'];
  readonly WebSocket: ClientSocketConstructor;
  readonly fetch: ClientFetch;
  readonly clock: ClientClock;
  readonly random: () => number;
  readonly storage: OutboxStorage | undefined;
  readonly storageKey: string;
  readonly maxQueuedSends: number;
  readonly pageSize: number;
  readonly maxEvents: number;
  readonly streams: boolean;
  readonly wakeEvents: WakeEvents | undefined;
}

const MAX_PAGE = 1000;

/** What is global in the browser, and partly elsewhere. */
interface Surroundings extends Partial<WakeEvents> {
  readonly WebSocket?: ClientSocketConstructor;
  readonly location?: { readonly origin: string };
}

export function settingsOf(options: RoomKitClientOptions): ClientSettings {
  const around = globalThis as Surroundings; // which of these there are depends on where it runs
  const url = baseUrl(options.url ?? around.location?.origin);
  const WebSocket = options.WebSocket ?? around.WebSocket;
  if (typeof WebSocket !== 'function') {
    throw new ClientError(
      'invalid',
      "There is no global WebSocket here: Node has one since version 22. Install 'ws' and give it: new RoomKitClient({ url, token, WebSocket }) with import { WebSocket } from 'ws'.",
    );
  }
  const { token } = options;
  if (token !== undefined && typeof token !== 'string' && typeof token !== 'function')
    throw new ClientError('invalid', `token is a ${typeof token}. Give a client token, or a function that fetches one.`);
  return {
    socketUrl: `${url.replace(/^http/, 'ws')}/ws`,
    apiUrl: url,
    token,
    WebSocket,
    fetch: options.fetch ?? ((target, init) => fetch(target, init)),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    storage: options.storage,
    storageKey: options.storageKey ?? 'roomkit.outbox',
    maxQueuedSends: whole('maxQueuedSends', options.maxQueuedSends ?? 200),
    pageSize: Math.min(whole('pageSize', options.pageSize ?? 50), MAX_PAGE),
    maxEvents: whole('maxEvents', options.maxEvents ?? 20_000),
    streams: options.streams ?? true,
    wakeEvents: options.wakeEvents ?? (around.addEventListener === undefined ? undefined : (around as WakeEvents)),
  };
}

/** Without a slash at its end. */
function baseUrl(given: string | undefined): string {
  if (given === undefined || !/^(https?|wss?):\/\/[^/]/.test(given)) {
    throw new ClientError('invalid', `url is ${JSON.stringify(given)}. Give the server's address, such as 'https://chat.example.com'.`);
  }
  return given.replace(/^ws/, 'http').replace(/\/+$/, '');
}

function whole(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new ClientError('invalid', `${name} is ${String(value)}. Give a whole number above 0.`);
}
