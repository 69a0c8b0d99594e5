/** A client whose server is the test itself: it sees every frame and request, and answers what it wants. */
import { RoomKitClient, type ClientError, type ClientResponse, type RoomKitClientOptions } from 'roomkit/client';
import type { ServerFrame, WireEvent } from 'roomkit';
import { TestClock } from '../../src/testing/test-clock.js';

type Listener = ((event: never) => void) | null;
export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

/** One socket of the client, from the server's side. */
export class ScriptedSocket {
  readonly sent: Frame[] = [];
  closedWith: number | undefined | 'no code';
  onopen: Listener = null;
  onmessage: Listener = null;
  onclose: Listener = null;
  onerror: Listener = null;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {}

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Frame);
  }

  close(code?: number): void {
    this.closedWith = code ?? 'no code';
  }

  open(): void {
    this.onopen?.({} as never);
  }

  says(frame: ServerFrame | Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as never);
  }

  saysText(data: unknown): void {
    this.onmessage?.({ data } as never);
  }

  ends(code = 1006, reason = ''): void {
    this.onclose?.({ code, reason } as never);
  }

  /** The frames of one type, in the order they came. */
  of(type: string): Frame[] {
    return this.sent.filter((frame) => frame.type === type);
  }

  last(type: string): Frame {
    const found = this.of(type).at(-1);
    if (found === undefined) throw new Error(`No ${type} was sent; there are ${this.sent.map((frame) => frame.type).join(', ') || 'no frames'}.`);
    return found;
  }
}

export interface Asked {
  readonly url: URL;
  readonly method: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
  answer(body: unknown, status?: number, headers?: Record<string, string>): Promise<void>;
  fail(): Promise<void>;
}

export class Script {
  readonly clock = new TestClock();
  readonly sockets: ScriptedSocket[] = [];
  readonly asked: Asked[] = [];
  readonly errors: ClientError[] = [];
  readonly client: RoomKitClient;
  #seed = 0;

  constructor(options: RoomKitClientOptions = {}) {
    const { sockets } = this;
    class Socket extends ScriptedSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol);
        sockets.push(this);
      }
    }
    this.client = new RoomKitClient({
      url: 'https://chat.test',
      token: () => `token-${++this.#seed}`,
      WebSocket: Socket,
      fetch: (url, { method, headers, body }) =>
        new Promise<ClientResponse>((resolve, reject) => {
          this.asked.push({
            url: new URL(url),
            method,
            authorization: headers['authorization'],
            body: body === undefined ? undefined : (JSON.parse(body) as unknown),
            answer: (json, status = 200, more = {}) => {
              resolve({ ok: status < 400, status, headers: { get: (name) => more[name] ?? null }, json: () => Promise.resolve(json) });
              return this.settle();
            },
            fail: () => {
              reject(new TypeError('fetch failed'));
              return this.settle();
            },
          });
        }),
      clock: this.clock,
      random: randomFrom(++scripts / 1000),
      ...options,
    });
    this.client.on('error', (error) => this.errors.push(error));
  }

  get socket(): ScriptedSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('No socket was opened.');
    return socket;
  }

  settle(): Promise<void> {
    return this.clock.advance(0);
  }

  /** Connected, welcomed as Ada. */
  async welcomed(welcome: Record<string, unknown> = {}): Promise<ScriptedSocket> {
    void this.client.connect().catch(() => undefined);
    await this.settle();
    await this.welcome(welcome);
    return this.socket;
  }

  /** Opens the newest socket and welcomes it. */
  async welcome(more: Record<string, unknown> = {}): Promise<ScriptedSocket> {
    const { socket } = this;
    socket.open();
    socket.says({ ...WELCOME, ...more });
    await this.settle();
    return socket;
  }

  /** Answers the newest request to subscribe. */
  async subscribed(latestIndex: number): Promise<void> {
    const { id, roomId } = this.socket.last('subscribe');
    this.socket.says({ type: 'subscribed', id, roomId, latestIndex });
    await this.settle();
  }

  /** The newest request for events. */
  page(): Asked {
    return this.find((path) => path.endsWith('/events'));
  }

  find(isSo: (path: string) => boolean): Asked {
    const found = this.asked.findLast(({ url }) => isSo(url.pathname));
    if (found === undefined) throw new Error(`Not asked for; there are ${this.asked.map(({ url }) => url.pathname).join(', ') || 'no requests'}.`);
    return found;
  }

  /** In the room, with these events as its first page. */
  async inRoom(roomId = 'room', events: readonly WireEvent[] = [], latestIndex = events.at(-1)?.index ?? -1) {
    if (!this.client.connection.participantId) await this.welcomed();
    const room = this.client.room(roomId);
    const entered = room.enter();
    entered.catch(() => undefined);
    await this.settle();
    await this.subscribed(latestIndex);
    if (latestIndex >= 0) await this.page().answer({ events: [...events].reverse(), latestIndex });
    await entered;
    return room;
  }

  says(frame: ServerFrame | Record<string, unknown>): Promise<void> {
    this.socket.says(frame);
    return this.settle();
  }

  /** An event that comes live, after the one before it. */
  comes(index: number, prev = index - 1, more: Partial<WireEvent> = {}): Promise<void> {
    return this.says({ type: 'event', roomId: 'room', prev, event: event(index, more) });
  }
}

let scripts = 0;

/** The first number names what a client sends; the others spread its attempts, not at all. */
function randomFrom(name: number): () => number {
  let isNamed = false;
  return () => {
    if (isNamed) return 0.5;
    isNamed = true;
    return name;
  };
}

export const WELCOME = {
  type: 'welcome',
  version: 1,
  connectionId: 'c',
  channelId: 'web',
  participantId: 'ada',
  limits: { frameBytes: 65_536, framesPerSecond: 20, burst: 40, openSends: 100, replay: 500 },
  heartbeatSeconds: 25,
};

/** A message of Bob. */
export function event(index: number, more: Partial<WireEvent> = {}): WireEvent {
  return {
    id: `e${index}`,
    roomId: 'room',
    index,
    type: 'message',
    status: 'delivered',
    source: { channelId: 'web', channelType: 'websocket', participantId: 'bob', displayName: 'Bob' },
    content: { type: 'text', body: `message ${index}` },
    visibility: 'all',
    chainDepth: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    metadata: {},
    ...more,
  };
}

export function events(from: number, to: number): WireEvent[] {
  return Array.from({ length: to - from + 1 }, (_, offset) => event(from + offset));
}

export function indexes(list: readonly { readonly index: number }[]): number[] {
  return list.map(({ index }) => index);
}
