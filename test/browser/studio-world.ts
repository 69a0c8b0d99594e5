/**
 * A kit as Studio may meet it: a help desk on three transports with agents, tools and hooks, in which things go well, are
 * rewritten, blocked, delivered late and not at all. Served on a real port, over SQLite.
 */
import {
  Agent,
  ConversationPipeline,
  defineTool,
  HookResult,
  messageText,
  MockAIProvider,
  RoomKit,
  setConversationState,
  TransportChannel,
  WebSocketChannel,
  type AIContext,
  type RoomEvent,
  type RoomKitOptions,
  type ScriptedReply,
} from 'roomkit';
import { serve, type RoomKitServer, type ServeOptions } from 'roomkit/server';
import { SqliteStore } from 'roomkit/sqlite';
import { MockTransportProvider } from 'roomkit/testing';
import { silentLogger } from '../../src/core/logger.js';

export interface World {
  readonly kit: RoomKit;
  readonly server: RoomKitServer;
  readonly url: string;
  readonly sms: MockTransportProvider;
  readonly email: MockTransportProvider;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** `:memory:` or a file. */
  readonly file?: string;
  readonly port?: number;
  /** Pause between the words of an agent; default 0. */
  readonly wordMs?: number;
  readonly kit?: Partial<RoomKitOptions>;
  readonly serve?: Partial<ServeOptions>;
}

export const ROOM = 'ada-park';

/** Opens the kit, makes its rooms when they are not there yet, and serves it with Studio. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const store = await SqliteStore.open(options.file ?? ':memory:');
  const kit = new RoomKit({ store, logger: silentLogger, prices: { 'desk-large': { input: 3, output: 15 } }, ...options.kit });
  const sms = new MockTransportProvider('twilio');
  const email = new MockTransportProvider('postmark');
  kit.registerChannel(new WebSocketChannel('web', { echo: true }));
  kit.registerChannel(new TransportChannel('sms', { channelType: 'sms', provider: sms, recipientKey: 'phone_number' }));
  kit.registerChannel(new TransportChannel('email', { channelType: 'email', provider: email, recipientKey: 'email_address' }));
  const pace = { streaming: true, delayMs: options.wordMs ?? 0 };
  const lookUp = defineTool({
    name: 'lookup_order',
    description: 'Finds an order by its number.',
    parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
    idempotent: true,
    handler: async () => {
      await kit.clock.sleep(options.wordMs ?? 0);
      return '2 charges of EUR 49.90 on 14 November';
    },
  });
  const agents = [
    new Agent('triage', {
      provider: new MockAIProvider({ ...pace, model: 'desk-small', responder: triage }),
      role: 'Triage',
      description: 'Finds out what it is about',
    }),
    new Agent('billing', {
      provider: new MockAIProvider({ ...pace, model: 'desk-large', responder: billing }),
      role: 'Billing',
      description: 'Charges and refunds',
      tools: [lookUp],
    }),
  ];
  for (const agent of agents) kit.registerChannel(agent);
  new ConversationPipeline({
    stages: [
      { phase: 'triage', agentId: 'triage', next: 'billing' },
      { phase: 'billing', agentId: 'billing', canReturnTo: ['triage'] },
    ],
  }).install(kit, agents, { continueOnHandoff: true });
  kit.hook('before_broadcast', { name: 'redact_cards', directions: ['inbound'] }, (event) => {
    const text = wordsOf(event);
    const redacted = text.replace(/\b(?:\d{4} ){3}(\d{4})\b/g, '•••• •••• •••• $1');
    return redacted === text ? HookResult.allow() : HookResult.modify({ ...event, content: { type: 'text', body: redacted } });
  });
  kit.hook('before_broadcast', { name: 'spam_filter', directions: ['inbound'] }, (event) =>
    /won a cruise/i.test(wordsOf(event)) ? HookResult.block('spam') : HookResult.allow(),
  );
  if ((await kit.store.getRoom(ROOM)) === null) await furnish(kit);
  const server = await serve(kit, { port: options.port ?? 0, studio: true, ...options.serve });
  return {
    kit,
    server,
    url: `${server.url}/studio/`,
    sms,
    email,
    close: async () => {
      await server.close();
      await kit.close();
    },
  };
}

async function furnish(kit: RoomKit): Promise<void> {
  for (const [roomId, participantId, displayName] of OTHERS) {
    await kit.createRoom({ roomId });
    await kit.attachChannel(roomId, 'web');
    await kit.ensureParticipant(roomId, 'web', participantId, { displayName });
  }
  await kit.createRoom({ roomId: ROOM });
  await kit.attachChannel(ROOM, 'web');
  await kit.attachChannel(ROOM, 'sms', { metadata: { phone_number: '+14155550134' } });
  await kit.attachChannel(ROOM, 'email', { metadata: { email_address: 'ada@example.com' } });
  for (const id of ['triage', 'billing']) await kit.attachChannel(ROOM, id, { category: 'intelligence' });
  await kit.ensureParticipant(ROOM, 'web', 'ada', { displayName: 'Ada Park' });
  await kit.store.updateRoom(setConversationState(await kit.getRoom(ROOM), { phase: 'triage', activeAgentId: 'triage' }));
}

const OTHERS = [
  ['jo-lindqvist', 'jo', 'Jo Lindqvist'],
  ['warehouse', 'bridge', 'Warehouse bridge'],
  ['night-line', 'night', 'Night line'],
] as const;

/** Speaks as somebody on a channel of the room, and waits until everything it caused is done. */
export async function say(kit: RoomKit, channelId: string, senderId: string, content: string, roomId = ROOM): Promise<void> {
  await kit.processInbound({ channelId, senderId, content }, { roomId });
}

function triage(context: AIContext): ScriptedReply {
  const said = newest(context);
  if (/charged|bill|refund/i.test(said) && context.tools.some(({ name }) => name === 'handoff_conversation'))
    return {
      content: 'Sorry about that. Let me bring in our billing specialist. ',
      toolCalls: [
        {
          id: 'h1',
          name: 'handoff_conversation',
          arguments: { target: 'billing', reason: 'Charged twice for order 12345', summary: 'Two charges for one order' },
        },
      ],
    };
  return 'Hello! What can I do for you?';
}

function billing(context: AIContext): ScriptedReply {
  const last = context.messages.at(-1);
  const isAnswered = last !== undefined && typeof last.content !== 'string' && last.content.some(({ type }) => type === 'tool_result');
  if (!isAnswered && context.tools.some(({ name }) => name === 'lookup_order'))
    return {
      content: '',
      toolCalls: [{ id: `l${context.messages.length}`, name: 'lookup_order', arguments: { id: '12345' } }],
      usage: { input_tokens: 640, output_tokens: 22 },
    };
  return {
    content:
      'I can see both charges on 14 November. The second one was a retry that should have been voided; I have started the refund and you will see it within three working days.',
    usage: { input_tokens: 702, output_tokens: 41 },
  };
}

function newest(context: AIContext): string {
  return messageText([...context.messages].reverse().find(({ role }) => role === 'user'));
}

function wordsOf(event: RoomEvent): string {
  return event.content.type === 'text' ? event.content.body : '';
}
