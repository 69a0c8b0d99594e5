/** A server on a real port, with something of everything in its rooms, and who may ask it. */
import {
  RoomKit,
  WebSocketChannel,
  type ChannelOutput,
  type Identity,
  type OutboxRow,
  type RoomEvent,
  type RoomKitOptions,
  type Task,
} from 'roomkit';
import { apiKeys, createApiKey, serve, type RoomKitServer, type Scope, type ServeOptions } from 'roomkit/server';
import { SqliteStore } from 'roomkit/sqlite';
import { silentLogger } from '../../../src/core/logger.js';
import { TestAgent, TestTransport } from '../../support/harness.js';

/** Who asks: key id → organization and scopes; `ada` is a person with a client token. */
const CALLERS = {
  root: [undefined, ['admin']],
  acme: ['acme', ['read', 'write', 'operate']],
  reader: ['acme', ['read']],
  writer: ['acme', ['write']],
  globex: ['globex', ['read', 'write', 'operate', 'admin']],
  none: ['acme', []],
} as const satisfies Readonly<Record<string, readonly [string | undefined, readonly Scope[]]>>;

/** A turn that has to wait: it asks for leave. */
const PAY_BACK: ChannelOutput = {
  suspend: { loop: {}, approvals: [{ id: 'approval-1', callId: 'c1', tool: 'refund', arguments: { invoice: 4711 } }] },
};

export type Caller = keyof typeof CALLERS | 'ada' | 'nobody';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface Asked {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, in place of JSON. */
  readonly raw?: string;
}

export class Served {
  private constructor(
    readonly kit: RoomKit,
    readonly server: RoomKitServer,
    private readonly credentials: ReadonlyMap<Caller, string>,
    /** Whether the channel `sms` fails; at first it does. */
    readonly sms: { isDown: boolean },
    /** Things in the room `acme-1`. */
    readonly things: {
      readonly event: RoomEvent;
      readonly task: Task;
      readonly identity: Identity;
      readonly other: Identity;
      readonly failed: OutboxRow;
      /** What a tool will answer later. */
      readonly later: Task;
    },
  ) {}

  static async open(options: Partial<ServeOptions> = {}, kitOptions: RoomKitOptions = {}): Promise<Served> {
    const kit = new RoomKit({ store: await SqliteStore.open(':memory:'), logger: silentLogger, ...kitOptions });
    kit.registerChannel(new WebSocketChannel('web', { echo: true }));
    kit.registerChannel(new WebSocketChannel('desk'));
    const sms = { isDown: true };
    kit.registerChannel(new TestTransport('sms', { deliver: () => (sms.isDown ? Promise.reject(new Error('down')) : undefined) }));
    kit.registerChannel(new TestTransport('push'));
    kit.registerChannel(
      new TestAgent('helper', ({ content }) => (content.type === 'text' && content.body === 'Pay it back.' ? PAY_BACK : undefined)),
    );
    for (const [roomId, organizationId] of [
      ['acme-1', 'acme'],
      ['globex-1', 'globex'],
    ] as const) {
      await kit.createRoom({ roomId, organizationId });
      for (const channelId of ['web', 'desk', 'helper']) await kit.attachChannel(roomId, channelId);
      await kit.attachChannel(roomId, 'sms', { retryPolicy: null, visibility: 'none' });
    }
    await kit.ensureParticipant('acme-1', 'web', 'ada', { displayName: 'Ada' });
    const { event } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Where is invoice 4711?' }, { roomId: 'acme-1' });
    await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Pay it back.', visibility: 'intelligence' }, { roomId: 'acme-1' });
    const task = await kit.createTask('acme-1', { title: 'Call back' });
    const later = await kit.createTask('acme-1', { title: 'Ship', status: 'in_progress' });
    await kit.addObservation('acme-1', { content: 'Angry', channelId: 'helper', confidence: 0.5 });
    const identity = await kit.createIdentity({ displayName: 'Ada', organizationId: 'acme', channelAddresses: { sms: ['+1'] } });
    const other = await kit.createIdentity({ displayName: 'A. L.', organizationId: 'acme', externalIds: { crm: '7' } });
    const [failed] = await kit.listDeliveries({ roomId: 'acme-1', channelId: 'sms' });
    if (event === undefined || failed === undefined) throw new Error('the rooms are not as they should be');

    const credentials = new Map<Caller, string>();
    const known = [];
    for (const [id, [organizationId, scopes]] of Object.entries(CALLERS)) {
      const { key, hash } = await createApiKey(id);
      credentials.set(id as Caller, key);
      known.push({ id, hash, scopes, ...(organizationId !== undefined && { organizationId }) });
    }
    const server = await serve(kit, {
      port: 0,
      authenticate: apiKeys(known),
      clientTokens: { secrets: ['a secret of at least thirty-two bytes, surely'] },
      ...options,
      limits: { requestsPerSecond: 1e6, requestBurst: 1e6, failedAuthenticationsPerMinute: 1e6, ...options.limits },
    });
    const { token } = await server.mintClientToken({ rooms: ['acme-1'], channelId: 'web', participantId: 'ada', organizationId: 'acme' });
    credentials.set('ada', token);
    return new Served(kit, server, credentials, sms, { event, task, identity, other, failed, later });
  }

  credential(caller: Caller): string | undefined {
    return this.credentials.get(caller);
  }

  async ask(caller: Caller, method: string, path: string, { body, headers, raw }: Asked = {}): Promise<Reply> {
    const credential = this.credential(caller);
    const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${this.server.url}${path}`, {
      method: method.toUpperCase(),
      headers: {
        ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(text !== undefined && { body: text }),
    });
    if (response.headers.get('content-type') === 'text/event-stream') {
      await response.body?.cancel();
      return { status: response.status, headers: response.headers, text: '', json: {} };
    }
    const answer = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, text: answer, json: isJson ? (JSON.parse(answer) as Record<string, unknown>) : {} };
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.kit.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
