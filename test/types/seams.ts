/** Everything a host may bring is a small interface: with it alone, and what the package exports, it can be written. */
import {
  Agent,
  channelCapabilities,
  ConversationPipeline,
  inboundDraft,
  MockAIProvider,
  ProviderError,
  RoomKit,
  SlidingWindowMemory,
  TransportChannel,
  type WebSocketChannel,
} from 'roomkit';
import type {
  AIProvider,
  AIStreamItem,
  Channel,
  Clock,
  ContentTranscoder,
  ConversationStore,
  IdentityResolver,
  IdGenerator,
  InboundRoomRouter,
  Logger,
  MediaStore,
  MemoryProvider,
  PipelineStage,
  RealtimeBackend,
  RoomLockManager,
  SourceProvider,
  SpeakingChannel,
  TelemetryProvider,
  TransportProvider,
  WebhookProvider,
} from 'roomkit';
import { createHandler, type Authenticate } from 'roomkit/server';
import { SqliteStore } from 'roomkit/sqlite';
import { TestClock } from 'roomkit/testing';
import type { Equal, Expect } from './assertions.js';

export type Statements = [
  Expect<Equal<SqliteStore extends ConversationStore ? true : false, true>>,
  Expect<Equal<WebSocketChannel extends Channel ? true : false, true>>,
  Expect<Equal<TestClock extends Clock ? true : false, true>>,
  Expect<Equal<SpeakingChannel extends Channel ? true : false, true>>,
  // Few members are required of each: these are all.
  Expect<Equal<RequiredOf<Channel>, 'channelId' | 'channelType' | 'category' | 'direction' | 'capabilities'>>,
  Expect<Equal<RequiredOf<AIProvider>, 'name' | 'modelName' | 'supportsVision' | 'supportsStreaming' | 'supportsTools' | 'generate'>>,
  Expect<Equal<RequiredOf<MemoryProvider>, 'name' | 'retrieve'>>,
  Expect<Equal<RequiredOf<TransportProvider>, 'name' | 'send'>>,
  Expect<Equal<RequiredOf<SourceProvider>, 'name' | 'status' | 'start' | 'stop' | 'healthcheck'>>,
  Expect<Equal<RequiredOf<RoomLockManager>, 'distributed' | 'acquire'>>,
  Expect<Equal<RequiredOf<RealtimeBackend>, 'distributed' | 'publish' | 'subscribe' | 'unsubscribe' | 'close'>>,
  Expect<Equal<RequiredOf<TelemetryProvider>, 'name' | 'startSpan' | 'endSpan' | 'setAttribute' | 'recordMetric'>>,
];
type RequiredOf<Seam> = { [Name in keyof Seam]-?: Record<string, never> extends Pick<Seam, Name> ? never : Name }[keyof Seam];

export const echo: Channel = {
  channelId: 'echo',
  channelType: 'webhook',
  category: 'transport',
  direction: 'bidirectional',
  capabilities: channelCapabilities({ maxLength: 160 }),
  handleInbound: (message) => inboundDraft(echo, message),
  deliver: async (_event, _binding, _context, { idempotencyKey }) => ({ providerMessageId: idempotencyKey }),
};

export const model: AIProvider = {
  name: 'mine',
  modelName: 'm-1',
  supportsVision: false,
  supportsStreaming: true,
  supportsTools: false,
  generate: async ({ messages }) => {
    if (messages.length === 0) throw new ProviderError('Nothing to say.', { provider: 'mine', retryable: false });
    return { content: 'Hi' };
  },
  async *generateStream(): AsyncGenerator<AIStreamItem, void> {
    yield { type: 'text_delta', text: 'Hi' };
    yield { type: 'done', finishReason: 'stop', usage: { input_tokens: 1, output_tokens: 1 } };
  },
};

export const memory: MemoryProvider = {
  name: 'last',
  retrieve: (_roomId, _event, { recentEvents }) => ({ messages: [], events: recentEvents.slice(-1) }),
};
export const vendor: TransportProvider = { name: 'vendor', send: ({ to }) => ({ success: to !== undefined, retryable: false }) };
export const webhook: WebhookProvider = { name: 'vendor', verify: () => true, parse: () => [{ type: 'ignored', reason: 'ping' }] };
export const resolver: IdentityResolver = {
  resolve: async ({ senderId }, { room }) => (senderId === room.id ? { status: 'identified', identity: { id: senderId } } : { status: 'unknown' }),
};
export const source: SourceProvider = {
  name: 'queue',
  status: 'connected',
  start: async (emit, { signal }) => void (signal.aborted || (await emit({ channelId: 'echo', senderId: 'q', content: 'Hi' }))),
  stop: () => undefined,
  healthcheck: () => ({ status: 'connected', messagesReceived: 1, metadata: {} }),
};
export const router: InboundRoomRouter = { route: ({ senderId }) => (senderId === 'vip' ? 'vip-room' : null) };
export const transcoder: ContentTranscoder = { transcode: (content) => (content.type === 'video' ? null : content) };
export const authenticate: Authenticate = (request) => (request.headers.has('x-key') ? { id: 'me', kind: 'service', scopes: ['read'] } : null);

declare const rest: {
  locks: RoomLockManager;
  realtime: RealtimeBackend;
  logger: Logger;
  ids: IdGenerator;
  media: MediaStore;
  telemetry: TelemetryProvider;
};
const kit = new RoomKit({
  store: await SqliteStore.open(':memory:'),
  lockManager: rest.locks,
  realtime: rest.realtime,
  logger: rest.logger,
  ids: rest.ids,
  mediaStore: rest.media,
  telemetry: { provider: rest.telemetry, sampleRate: 0.1 },
  clock: new TestClock(),
  identityResolver: resolver,
  inboundRouter: router,
  transcoder,
});
createHandler(kit, { authenticate });
kit.registerChannel(new TransportChannel('sms', { channelType: 'sms', provider: vendor, recipientKey: 'phone_number' }));
const agent = new Agent('agent', { provider: model, memory, role: 'Helper' });
export const stages = [{ phase: 'intake', agentId: 'agent' }] satisfies PipelineStage[];
const [conversationRouter, handoff] = new ConversationPipeline({ stages }).install(kit, [agent], { greetOnHandoff: true });
export const chosen: [string | undefined, boolean] = [
  conversationRouter.defaultAgentId,
  (await handoff.handle({ roomId: 'r', callingAgentId: 'agent', arguments: { target: 'human' } })).accepted,
];

// @ts-expect-error 2741: a channel says what it can carry
export const mute: Channel = { channelId: 'x', channelType: 'sms', category: 'transport', direction: 'outbound' };
// @ts-expect-error 2322: text content is text
export const wrongReply: AIProvider = { ...model, generate: async () => ({ content: 7 }) };
// @ts-expect-error 2322: a result says whether it succeeded
export const vague: TransportProvider = { name: 'v', send: () => ({ providerMessageId: '1' }) };
// @ts-expect-error 2820: no such status
export const sure: IdentityResolver = { resolve: () => ({ status: 'known' }) };
// @ts-expect-error 2322: a provider is more than a name
new Agent('a', { provider: 'openai' });
// @ts-expect-error 2561: maxEvents
new SlidingWindowMemory({ max_events: 5 });
// @ts-expect-error 2322: answers are texts
new MockAIProvider({ responses: [1] });
// @ts-expect-error 2561: agentId, not agent_id
new ConversationPipeline({ stages: [{ phase: 'intake', agent_id: 'a' }] });
// @ts-expect-error 2322: a pipeline is for agents
new ConversationPipeline({ stages }).install(kit, ['agent']);
// @ts-expect-error 2741: a handoff has a target
await handoff.handle({ roomId: 'r', callingAgentId: 'a', arguments: { reason: 'x' } });
// @ts-expect-error 2322: no such medium
await handoff.handle({ roomId: 'r', callingAgentId: 'a', arguments: { target: 'b', channel_escalation: 'fax' } });
// @ts-expect-error 2322: no such scope
export const tooMuch: Authenticate = () => ({ id: 'me', kind: 'service', scopes: ['root'] });
