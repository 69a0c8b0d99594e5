/**
 * One socket to the server that comes back by itself (WIRE-08): it says hello, tells what arrives, and knows when it tries
 * again. What has to be asked for anew after a loss is the owner's business.
 */
import type { ServerFrame } from './types.js';

export type LineState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'online' }
  /** `retryAt` in milliseconds since the epoch. */
  | { readonly kind: 'lost'; readonly retryAt: number }
  /** The server does not want this credential; trying again would not help. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface LineOptions {
  /** Asked at every attempt: a token may have been renewed meanwhile. Undefined: no token is needed. */
  readonly token: () => string | undefined | Promise<string>;
  readonly onFrame: (frame: ServerFrame) => void;
  readonly onState: (state: LineState) => void;
}

const SUBPROTOCOL = 'roomkit.v1';
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
const SILENCE_MS = 35_000;
const PONG_MS = 5000;

export class Line {
  #socket: WebSocket | undefined;
  #delayMs = FIRST_DELAY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #isWelcome = false;
  #closed = false;

  constructor(private readonly options: LineOptions) {
    window.addEventListener('online', this.#onOnline);
    this.#connect();
  }

  get isOnline(): boolean {
    return this.#isWelcome;
  }

  /** False when nobody hears it. */
  send(frame: unknown): boolean {
    if (!this.#isWelcome || this.#socket === undefined) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  retryNow(): void {
    if (this.#closed || this.#socket !== undefined) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    window.removeEventListener('online', this.#onOnline);
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#socket?.close(1000);
  }

  readonly #onOnline = (): void => {
    this.#delayMs = FIRST_DELAY_MS;
    this.retryNow();
  };

  #connect(): void {
    this.options.onState({ kind: 'connecting' });
    const url = new URL('/ws', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => void this.#hello(socket);
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#watch();
      this.#onFrame(JSON.parse(String(data)) as ServerFrame); // our own server's frames
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.#socket) this.#onClose(code, reason);
    };
  }

  async #hello(socket: WebSocket): Promise<void> {
    try {
      const token = await this.options.token();
      if (socket.readyState === WebSocket.OPEN)
        socket.send(JSON.stringify({ type: 'hello', version: 1, ...(token !== undefined && token !== '' && { token }) }));
    } catch {
      socket.close(1000);
    }
  }

  #onFrame(frame: ServerFrame): void {
    if (frame.type === 'welcome') {
      this.#isWelcome = true;
      this.#delayMs = FIRST_DELAY_MS;
      this.options.onState({ kind: 'online' });
    } else if (frame.type === 'goodbye') {
      this.#delayMs = Math.max(FIRST_DELAY_MS, frame.reconnectAfterMs);
    }
    this.options.onFrame(frame);
  }

  #onClose(code: number, reason: string): void {
    this.#socket = undefined;
    this.#isWelcome = false;
    clearTimeout(this.#silence);
    if (this.#closed) return;
    if (code === 1008 && reason !== 'hello_timeout' && reason !== 'rate_limited' && reason !== 'token_expired') {
      this.options.onState({ kind: 'refused', reason });
      return;
    }
    const delayMs = this.#delayMs * (0.85 + Math.random() * 0.3);
    this.#delayMs = Math.min(MAX_DELAY_MS, this.#delayMs * 2);
    this.options.onState({ kind: 'lost', retryAt: Date.now() + delayMs });
    this.#retry = setTimeout(() => this.#connect(), delayMs);
  }

  /** Who has heard nothing for a while asks, and goes when nobody answers (WIRE-11). */
  #watch(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#socket?.send(JSON.stringify({ type: 'ping', t: Date.now() }));
      this.#silence = setTimeout(() => {
        const socket = this.#socket;
        this.#onClose(1006, 'silent');
        socket?.close(1000);
      }, PONG_MS);
    }, SILENCE_MS);
  }
}
