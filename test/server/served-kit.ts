/** A kit with rooms in two organizations, as a server may have it, and the keys of those who ask. */
import { RoomKit, WebSocketChannel, type RoomKitOptions } from 'roomkit';
import { apiKeys, createApiKey, createHandler, type HandlerOptions, type Peer, type Scope, type ServerHandler } from 'roomkit/server';
import { silentLogger } from '../../src/core/logger.js';
import { ClientTokens, type ClientTokenOptions } from '../../src/server/auth/client-tokens.js';
import { TestClock } from '../../src/testing/test-clock.js';

export const SECRET = 'a secret of at least thirty-two bytes, surely';
export const LOCAL: Peer = { address: '127.0.0.1' };

/** Channels `web` and `desk` in `acme-1` and `acme-2` (organization acme) and in `globex-1` (organization globex). */
export async function openKit(options: RoomKitOptions = {}): Promise<{ kit: RoomKit; clock: TestClock }> {
  const clock = new TestClock();
  const kit = new RoomKit({ clock, logger: silentLogger, ...options });
  kit.registerChannel(new WebSocketChannel('web', { echo: true }));
  kit.registerChannel(new WebSocketChannel('desk'));
  for (const [roomId, organizationId] of [
    ['acme-1', 'acme'],
    ['acme-2', 'acme'],
    ['globex-1', 'globex'],
  ] as const) {
    await kit.createRoom({ roomId, organizationId });
    await kit.attachChannel(roomId, 'web');
    await kit.attachChannel(roomId, 'desk');
  }
  return { kit, clock };
}

export function tokensFor(clock: TestClock): ClientTokens {
  return new ClientTokens({ secrets: [SECRET] }, clock);
}

export const ADA: ClientTokenOptions = { rooms: ['acme-1'], channelId: 'web', participantId: 'ada', organizationId: 'acme' };

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, when it is JSON. */
  readonly json: Record<string, unknown>;
}

/** A server that is asked directly, with a key per organization and scope. */
export class AskedServer {
  private constructor(
    readonly kit: RoomKit,
    readonly clock: TestClock,
    readonly tokens: ClientTokens,
    private readonly handler: ServerHandler,
    private readonly keys: ReadonlyMap<string, string>,
  ) {}

  static async open(options: HandlerOptions = {}, kitOptions: RoomKitOptions = {}): Promise<AskedServer> {
    const { kit, clock } = await openKit(kitOptions);
    const keys = new Map<string, string>();
    const known = [];
    for (const [id, organizationId, scopes] of KEYS) {
      const { key, hash } = await createApiKey(id);
      keys.set(id, key);
      known.push({ id, hash, scopes, ...(organizationId !== undefined && { organizationId }) });
    }
    const handler = createHandler(kit, { authenticate: apiKeys(known), clientTokens: { secrets: [SECRET] }, ...options });
    return new AskedServer(kit, clock, tokensFor(clock), handler, keys);
  }

  /** Asks as one of {@link KEYS}, with a token, or as nobody. */
  async ask(
    as: { key?: string; token?: string; peer?: Peer },
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const credential = as.token ?? (as.key === undefined ? undefined : this.keys.get(as.key));
    const { body } = options;
    const request = new Request(`http://server.test${path}`, {
      method,
      headers: {
        ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body !== undefined && {
        body: typeof body === 'string' || isBytes(body) || body instanceof ReadableStream ? body : JSON.stringify(body),
      }),
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    });
    const response = await this.handler(request, as.peer ?? { address: '203.0.113.9' });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
  }

  /** The response itself, for bodies that do not end. */
  stream(token: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.handler(
      new Request(`http://server.test${path}`, { headers: { authorization: `Bearer ${this.keys.get(token) ?? token}`, ...headers } }),
      LOCAL,
    );
  }
}

const isBytes = (body: unknown): body is Uint8Array<ArrayBuffer> => body instanceof Uint8Array;

const KEYS: readonly (readonly [id: string, organizationId: string | undefined, scopes: readonly Scope[]])[] = [
  ['root', undefined, ['admin']],
  ['acme', 'acme', ['read', 'write', 'operate']],
  ['acme-reader', 'acme', ['read']],
  ['globex', 'globex', ['read', 'write', 'operate']],
  ['none', undefined, []],
];
