/**
 * Clients and the real server in one process, with a network between them that does what a test tells it: frames are late,
 * lost, doubled or overtake each other, connections break at any point, the server restarts on the same store.
 */
import { AIChannel, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
import { RoomKitClient, type ClientResponse, type ClientSocket, type RoomKitClientOptions } from 'roomkit/client';
import { silentLogger } from '../../src/core/logger.js';
import { InMemoryStore } from '../../src/core/store/in-memory.js';
import type { Principal } from '../../src/server/auth/principal.js';
import { handlerOf } from '../../src/server/handler.js';
import { serverParts } from '../../src/server/parts.js';
import type { SocketSession } from '../../src/server/socket-session.js';
import { Sockets } from '../../src/server/sockets.js';
import { FaultStore } from '../../src/testing/fault-store.js';
import { TestClock } from '../../src/testing/test-clock.js';

/** What becomes of one frame or request. */
export type Fate = 'fine' | 'late' | 'lost' | 'doubled' | 'overtaken' | 'cut';

const LATENCY_MS = 20;
const LATE_MS = 900;
const TOKEN_MS = 90_000;
export const ROOM = 'room';

interface Running {
  readonly kit: RoomKit;
  readonly sockets: Sockets;
  readonly handle: ReturnType<typeof handlerOf>;
  readonly closing: AbortController;
}

export class Network {
  readonly clock = new TestClock();
  readonly lines = new Set<Line>();
  readonly #store = new InMemoryStore();
  #server: Running | undefined;
  #fates: Fate[] = [];
  /** People whose connections are refused. */
  readonly offline = new Set<string>();

  static async open(): Promise<Network> {
    const network = new Network();
    network.#start();
    const { kit } = network;
    await kit.createRoom({ roomId: ROOM });
    for (const channelId of ['web', 'desk']) await kit.attachChannel(ROOM, channelId);
    await kit.attachChannel(ROOM, 'bot', { category: 'intelligence' });
    return network;
  }

  get kit(): RoomKit {
    return this.#running.kit;
  }

  /** What happens to the next frames and requests; then everything is fine. */
  plan(fates: readonly Fate[]): void {
    this.#fates = [...fates];
  }

  nextFate(): Fate {
    return this.#fates.shift() ?? 'fine';
  }

  client(name: string, options: RoomKitClientOptions = {}): RoomKitClient {
    const begin = (end: ClientEnd): Line => new Line(this, name, end);
    let seed = name.charCodeAt(0);
    class Socket extends ClientEnd {
      constructor() {
        super(begin);
      }
    }
    return new RoomKitClient({
      url: 'http://server.test',
      token: () => `${name}~${this.clock.now() + TOKEN_MS}`,
      WebSocket: Socket,
      fetch: (url, init) => this.#fetch(name, url, init),
      clock: this.clock,
      random: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647,
      ...options,
    });
  }

  /** A new process on the same store: after a goodbye, or as after a crash. */
  async restart(isOrderly: boolean): Promise<void> {
    const { kit, sockets, closing } = this.#running;
    closing.abort();
    if (isOrderly) sockets.close();
    else {
      this.cut();
      sockets.terminate();
    }
    this.#server = undefined;
    await this.#closed(kit);
    this.#start();
  }

  /** Closing waits for what runs, and that takes time. */
  async #closed(kit: RoomKit): Promise<void> {
    let isClosed = false;
    const closed = kit.close().finally(() => (isClosed = true));
    while (!isClosed) await this.clock.advance(100);
    await closed;
  }

  /** Breaks the connections of one person, or of all. */
  cut(name?: string): void {
    for (const line of [...this.lines]) if (name === undefined || line.name === name) line.cut();
  }

  async close(): Promise<void> {
    this.cut();
    await this.#closed(this.kit);
    await this.clock.advance(60_000);
  }

  admit(line: Line): Promise<(end: Line) => SocketSession> {
    const server = this.#server;
    if (server === undefined || this.offline.has(line.name)) return Promise.reject(new Error('refused'));
    const request = new Request('http://server.test/ws', { headers: { 'sec-websocket-protocol': 'roomkit.v1', host: 'server.test' } });
    return server.sockets.admit(request, { address: addressOf(line.name) }).then((admission) => (end) => {
      const session = server.sockets.open(
        {
          send: (text) => end.toClient.push(text),
          close: (code, reason) => end.toClient.end(code, reason),
          terminate: () => end.cut(),
          ping: () => end.toClient.push(undefined),
          bufferedBytes: () => 0,
        },
        admission,
      );
      return session;
    });
  }

  get #running(): Running {
    if (this.#server === undefined) throw new Error('The server does not run.');
    return this.#server;
  }

  #start(): void {
    const { clock } = this;
    const kit = new RoomKit({ clock, logger: silentLogger, store: new FaultStore(this.#store, { clock, ownsStore: false, persistent: true }) });
    kit.registerChannel(new WebSocketChannel('web', { echo: true }));
    kit.registerChannel(new WebSocketChannel('desk'));
    const provider = new MockAIProvider({ responses: ['As you say, so it is.', 'Indeed.'], streaming: true, delayMs: 40, clock });
    kit.registerChannel(new AIChannel('bot', { provider }));
    const closing = new AbortController();
    const parts = serverParts(kit, { authenticate: (request) => this.#whoIs(request) }, false, closing.signal);
    this.#server = { kit, sockets: new Sockets(parts), handle: handlerOf(parts), closing };
  }

  #whoIs(request: Request): Principal | null {
    const [name = '', expires = ''] = (request.headers.get('authorization') ?? '').replace('Bearer ', '').split('~');
    if (name === 'host') return { id: 'host', kind: 'service', scopes: ['read', 'operate'] };
    if (!(Number(expires) > this.clock.now())) return null;
    return {
      id: name,
      kind: 'client',
      scopes: ['read', 'write'],
      rooms: [ROOM],
      channelId: 'web',
      participantId: name,
      displayName: name.toUpperCase(),
      expiresAt: new Date(Number(expires)).toISOString(),
    };
  }

  async #fetch(name: string, url: string, init: Parameters<NonNullable<RoomKitClientOptions['fetch']>>[1]): Promise<ClientResponse> {
    const fate = this.nextFate();
    await new Promise<void>((resolve) => this.clock.setTimer(fate === 'late' ? LATE_MS : LATENCY_MS, resolve));
    const server = this.#server;
    if (server === undefined || this.offline.has(name) || fate === 'lost' || fate === 'cut') throw new TypeError('fetch failed');
    const response = await server.handle(new Request(url, { method: init.method, headers: init.headers }), { address: addressOf(name) });
    // On its way back it may be overtaken by frames, or lost.
    await new Promise<void>((resolve) => this.clock.setTimer(fate === 'overtaken' ? LATE_MS : LATENCY_MS, resolve));
    if (this.offline.has(name)) throw new TypeError('fetch failed');
    return response;
  }
}

function addressOf(name: string): string {
  return `203.0.113.${name.charCodeAt(0) % 250}`;
}

/** One direction of a connection: in order, unless a fate says otherwise. */
class Direction {
  #lastAt = 0;
  #count = 0;

  constructor(
    private readonly line: Line,
    private readonly network: Network,
    private readonly arrive: (text: string | undefined) => void,
    private readonly ended: (code: number, reason: string) => void,
  ) {}

  /** `undefined` is a ping of the transport's own. */
  push(text: string | undefined): void {
    if (this.line.isCut) return;
    const { clock } = this.network;
    const fate = text === undefined ? 'fine' : this.network.nextFate();
    if (fate === 'cut') {
      this.line.cut();
      return;
    }
    if (fate === 'lost') return;
    const at = clock.monotonic() + (fate === 'late' || fate === 'overtaken' ? LATE_MS : LATENCY_MS);
    // What is overtaken holds nobody up.
    if (fate !== 'overtaken') this.#lastAt = Math.max(this.#lastAt, at);
    // Two hellos are no hello: the server ends such a connection, and says that its token is wrong.
    const isFirst = this.#count++ === 0;
    for (let copies = fate === 'doubled' && !isFirst ? 2 : 1; copies > 0; copies--)
      this.#at(fate === 'overtaken' ? at : this.#lastAt, () => this.arrive(text));
  }

  end(code: number, reason: string): void {
    this.#at(Math.max(this.#lastAt, this.network.clock.monotonic() + LATENCY_MS), () => {
      this.ended(code, reason);
      this.line.forget();
    });
  }

  #at(at: number, run: () => void): void {
    this.network.clock.setTimer(at - this.network.clock.monotonic(), () => {
      if (!this.line.isCut) run();
    });
  }
}

/** A connection between a client and the server. */
export class Line {
  isCut = false;
  readonly toServer: Direction;
  readonly toClient: Direction;
  #session: SocketSession | undefined;

  constructor(
    private readonly network: Network,
    readonly name: string,
    private readonly client: ClientEnd,
  ) {
    network.lines.add(this);
    this.toServer = new Direction(
      this,
      network,
      (text) => this.#session?.onMessage({ byteLength: text?.length ?? 0, toString: () => text ?? '' }, false),
      () => this.#session?.onClose(),
    );
    this.toClient = new Direction(
      this,
      network,
      (text) => {
        if (text !== undefined) client.onmessage?.({ data: text } as never);
        else if (!this.isCut) this.#session?.onPong();
      },
      (code, reason) => client.onclose?.({ code, reason } as never),
    );
    network.clock.setTimer(LATENCY_MS, () => {
      if (this.isCut) return;
      network.admit(this).then(
        (open) => {
          if (this.isCut) return;
          this.#session = open(this);
          client.onopen?.({} as never);
        },
        () => this.cut(),
      );
    });
  }

  /** Nothing passes any more; both ends learn of it. */
  cut(): void {
    if (this.isCut) return;
    this.forget();
    this.network.clock.setTimer(LATENCY_MS, () => this.#session?.onClose());
    this.network.clock.setTimer(LATENCY_MS, () => this.client.onclose?.({ code: 1006, reason: '' } as never));
  }

  forget(): void {
    this.isCut = true;
    this.network.lines.delete(this);
  }
}

/** What a client takes for a WebSocket. */
class ClientEnd implements ClientSocket {
  readonly #line: Line;
  onopen: ClientSocket['onopen'] = null;
  onmessage: ClientSocket['onmessage'] = null;
  onclose: ClientSocket['onclose'] = null;
  onerror: ClientSocket['onerror'] = null;

  constructor(begin: (end: ClientEnd) => Line) {
    this.#line = begin(this);
  }

  send(text: string): void {
    this.#line.toServer.push(text);
  }

  close(): void {
    this.#line.toServer.end(1000, '');
  }
}
