/**
 * The process that is killed: it serves rooms on one SQLite file with everything that can be half-way done (hooks, live and
 * durable channels, agents with tools and streams) and knows nothing of who kills it. Runs on the built package.
 */
import {
  AIChannel,
  channelCapabilities,
  HookResult,
  messageText,
  MockAIProvider,
  RoomKit,
  sleepWith,
  StderrLogger,
  TransportChannel,
  WebSocketChannel,
  type AIContext,
  type AIMessage,
  type AITool,
  type Channel,
  type Clock,
  type ConversationStore,
  type ProviderResult,
  type RoomEvent,
  type ScriptedReply,
  type Timer,
  type TransportProvider,
  type TransportRequest,
} from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';
import { PART_LENGTH, VENDORS, type FromChild, type Open, type Point, type Question, type Say, type ToChild, type Vendor } from './protocol.js';

/** Long in this process's fast time: nothing here is to end because the machine is busy. */
const PATIENCE = 1_000_000;

const NO_HURRY = { loopTimeoutSeconds: PATIENCE, toolTimeoutSeconds: PATIENCE };

/** How long the last process may take to come to rest. */
const REST_MS = 60_000;

let kit: RoomKit | undefined;
let clock: FastClock;
let die: Open['die'];

process.on('disconnect', () => process.exit());
process.on('message', (message: ToChild) => {
  switch (message.kind) {
    case 'open':
      return void open(message).catch(fault);
    case 'say':
      return void say(message).catch(fault);
    case 'answer':
      answers.get(message.id)?.(message.value);
      answers.delete(message.id);
      return;
    case 'finish':
      return void finish().catch(fault);
  }
});
tell({ kind: 'warm' });

async function open(order: Open): Promise<void> {
  die = order.die;
  clock = new FastClock(order.clock.startedAt, order.clock.speed);
  const store = withPoints(await SqliteStore.open({ path: order.path, synchronous: order.synchronous }));
  kit = new RoomKit({
    store,
    clock,
    logger: new StderrLogger('error'),
    processTimeoutSeconds: PATIENCE,
    hookTimeoutSeconds: PATIENCE,
    deliveryTimeoutSeconds: PATIENCE,
    turnTimeoutSeconds: PATIENCE,
    turnTtlSeconds: PATIENCE,
    outboxTtlSeconds: PATIENCE,
    drainSeconds: PATIENCE,
  });
  const web = new WebSocketChannel('web', { echo: true });
  const channels: Channel[] = [
    web,
    ...Object.keys(VENDORS).map((name) => vendorChannel(name as Vendor)),
    streamer(),
    clerk(),
    twice(),
    collector(),
    listener(),
  ];
  for (const channel of channels) kit.registerChannel(channel);
  hooks(kit);
  for (const one of order.first) void say(one).catch(fault);
  for (const roomId of order.rooms) {
    await kit.ensureRoom({ roomId, agentResponsePolicy: 'addressed_only' });
    for (const { channelId } of channels) await kit.attachChannel(roomId, channelId);
    await web.registerConnection(
      `client-${roomId}`,
      (frame) => {
        if (frame.type !== 'event')
          return tell({ kind: 'fault', message: `The client of ${roomId} was told to begin anew from ${frame.fromIndex}.` });
        tell({ kind: 'event', roomId, prev: frame.prev, index: frame.event.index, eventId: frame.event.id });
      },
      {
        roomIds: [roomId],
        afterIndex: order.last[roomId] ?? -1,
        streamSend: (frame) => {
          tell({ kind: 'preview', roomId, type: frame.type, streamId: frame.streamId });
          if (frame.type === 'stream_chunk') point('stream_chunk');
          if ((frame.type === 'stream_end' || frame.type === 'stream_error') && frame.event !== undefined)
            tell({ kind: 'event', roomId, prev: frame.prev ?? -1, index: frame.event.index, eventId: frame.event.id });
        },
      },
    );
  }
  tell({ kind: 'ready' });
}

async function say(order: Say): Promise<void> {
  const result = await kit?.processInbound(
    {
      channelId: order.channelId,
      senderId: order.senderId,
      idempotencyKey: order.key,
      content: order.edits === undefined ? order.text : { type: 'edit', targetEventId: order.edits, newContent: { type: 'text', body: order.text } },
      addressedTo: order.to,
    },
    { roomId: order.roomId, wait: 'commit' },
  );
  if (result?.event === undefined) return tell({ kind: 'refused', key: order.key, reason: result?.reason ?? 'no result' });
  tell({ kind: 'committed', key: order.key, eventId: result.event.id, index: result.event.index, blocked: result.blocked });
}

async function finish(): Promise<void> {
  if (kit === undefined) return;
  const { store } = kit;
  const until = Date.now() + REST_MS;
  for (;;) {
    const rows = await store.listRows({ state: ['queued', 'sending', 'unknown'], limit: 3 });
    const turns = await store.listTurns({ state: ['queued', 'running'], limit: 3 });
    if (rows.length + turns.length === 0 && kit.stats().tasks === 0) break;
    if (Date.now() > until) throw new Error(`It does not come to rest: ${JSON.stringify({ rows, turns, stats: kit.stats() })}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await kit.close();
  process.send?.({ kind: 'finished' } satisfies FromChild, () => process.disconnect());
}

// --- what is half-way done ---------------------------------------------------------------------------------------------

/** What a message is about says what happens to it. */
function hooks(kit: RoomKit): void {
  kit.hook('before_broadcast', { name: 'moderation', priority: 1, preview: true }, async (event) => {
    const text = textOf(event);
    if (text.includes('slow')) await clock.sleep(400);
    if (text.includes('forbidden')) return HookResult.block('forbidden');
    if (text.includes('rewrite')) return HookResult.modify({ ...event, content: { type: 'text', body: `${text} (rewritten)` } });
    return HookResult.allow();
  });
  kit.hook('before_broadcast', { name: 'notes', priority: 2, preview: true, channelIds: ['web'] }, async (event, { room }) => {
    const text = textOf(event);
    if (text.includes('aside')) {
      // Said inside the gate: committed before the message it is about, once however often the message comes.
      await kit.sendEvent(room.id, 'keyed', `aside to ${event.idempotencyKey}`, { idempotencyKey: `aside:${event.idempotencyKey}`, addressedTo: [] });
    }
    if (!text.includes('note')) return HookResult.allow();
    return HookResult.allow({ injectedEvents: [{ event: { content: `note on ${event.idempotencyKey}` }, targetChannelIds: ['plain', 'keyed'] }] });
  });
  kit.hook('after_broadcast', async () => {
    await clock.sleep(100);
  });
}

function vendorChannel(vendor: Vendor): Channel {
  const traits = VENDORS[vendor];
  const provider: TransportProvider = {
    name: vendor,
    supportsIdempotencyKey: traits.supportsIdempotencyKey,
    async send(request: TransportRequest): Promise<ProviderResult> {
      const { event, binding, idempotencyKey, part, content } = request;
      const text = content.type === 'text' ? content.body : content.type;
      const sent = { vendor, roomId: binding.roomId, index: event.index, eventId: event.id, key: idempotencyKey, part: part?.index ?? 0, text };
      const result = await ask<ProviderResult>({ what: 'send', request: sent });
      point('vendor_answered');
      return result;
    },
    ...(traits.canBeAsked && {
      lookupDelivery: (key: string) => ask<{ providerMessageId: string } | null>({ what: 'lookup', vendor, key }),
    }),
  };
  const capabilities = vendor === 'keyed' ? { maxLength: PART_LENGTH, overflow: 'split' as const } : {};
  return new TransportChannel(vendor, { channelType: 'sms', provider, capabilities });
}

/** Streams word by word; asked for a tool, it charges somebody, which must not happen twice. */
function streamer(): Channel {
  return new AIChannel('streamer', {
    provider: new MockAIProvider({ streaming: true, delayMs: 150, clock, responder: answerWith('charge') }),
    tools: [tool('charge', false)],
    ...NO_HURRY,
  });
}

/** Answers in one piece; its tool may be run again. */
function clerk(): Channel {
  return new AIChannel('clerk', {
    provider: new MockAIProvider({ delayMs: 300, clock, responder: answerWith('look_up') }),
    tools: [tool('look_up', true)],
    ...NO_HURRY,
  });
}

/** Answers all that came while it was thinking, at once. */
function collector(): Channel {
  return new AIChannel('collector', {
    provider: new MockAIProvider({ delayMs: 1500, clock, responder: answerAll }),
    collision: { policy: 'burst', debounceMs: 200, leadingDebounceMs: 100 },
    ...NO_HURRY,
  });
}

/** Looks something up for everybody, and hears what is said meanwhile. */
function listener(): Channel {
  return new AIChannel('listener', {
    provider: new MockAIProvider({ streaming: true, delayMs: 200, clock, responder: answerAll }),
    collision: { policy: 'steer' },
    tools: [tool('look_up', true)],
    ...NO_HURRY,
  });
}

/** Says two things in a turn. */
function twice(): Channel {
  const source: RoomEvent['source'] = { channelId: 'twice', channelType: 'ai', direction: 'outbound', rawPayload: {} };
  return {
    channelId: 'twice',
    channelType: 'ai',
    category: 'intelligence',
    direction: 'bidirectional',
    capabilities: channelCapabilities(),
    onEvent: async (event) => {
      await clock.sleep(200);
      const words = ['first', 'second'].map((which) => `${which} answer to ${keyIn(textOf(event))}`);
      return { responded: true, responseEvents: words.map((body) => ({ source, content: { type: 'text', body } })) };
    },
  };
}

function answerWith(toolName: string): (context: AIContext) => ScriptedReply {
  return ({ messages }) => {
    const asked = messages.filter((message) => message.role === 'user').at(-1);
    const text = lastSaid(messageText(asked));
    const results = messages.filter((message) => message.role === 'tool');
    const last = messages.at(-1);
    if (text.includes('tool') && last?.role !== 'tool') {
      return { content: 'One moment, please.', toolCalls: [{ id: `call-${results.length}`, name: toolName, arguments: { about: keyIn(text) } }] };
    }
    return `Here is the answer to ${keyIn(text)}`;
  };
}

/** Names every message since it last answered; with tools, it looks something up first. */
function answerAll({ messages, tools }: AIContext): ScriptedReply {
  const isAnswer = ({ role, content }: AIMessage): boolean =>
    role === 'assistant' && (typeof content === 'string' || !content.some(({ type }) => type === 'tool_call'));
  const asked = messages.slice(messages.findLastIndex(isAnswer) + 1);
  if (tools.length > 0 && !asked.some(({ role }) => role === 'tool'))
    return { content: '', toolCalls: [{ id: 'call-0', name: 'look_up', arguments: { about: 'everything' } }] };
  const keys = asked.filter(({ role }) => role === 'user').flatMap((message) => messageText(message).match(/k\d+/g) ?? []);
  return `Here is the answer to ${[...new Set(keys)].join(' ')}`;
}

function tool(name: string, idempotent: boolean): AITool {
  return {
    name,
    description: name,
    parameters: { type: 'object', properties: { about: { type: 'string' } } },
    idempotent,
    handler: async (_arguments, context) => {
      const result = await ask<string>({ what: 'tool', call: { name, key: context.idempotencyKey, turnId: context.turnId } });
      point('tool_answered');
      return result;
    },
  };
}

function textOf(event: RoomEvent): string {
  return event.content.type === 'text' ? event.content.body : '';
}

/** What is to be answered: a model is shown all that was said since it last spoke as one message. */
function lastSaid(text: string): string {
  return text.slice([...text.matchAll(/k\d+/g)].at(-1)?.index ?? 0);
}

/** Every message names itself with its first word. */
function keyIn(text: string): string {
  return /k\d+/.exec(text)?.[0] ?? 'nothing';
}

// --- time, death and the world outside ---------------------------------------------------------------------------------

/** Time that runs faster, so that half a minute of waiting for a vendor's word is a moment. */
class FastClock implements Clock {
  constructor(
    private readonly startedAt: number,
    private readonly speed: number,
  ) {}
  now(): number {
    return this.startedAt + Math.round((Date.now() - this.startedAt) * this.speed);
  }
  monotonic(): number {
    return performance.now() * this.speed;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepWith(this, ms, signal);
  }
  setTimer(ms: number, fn: () => void): Timer {
    const handle = setTimeout(fn, Math.min(ms / this.speed, 2 ** 31 - 1));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }
}

/** Dies here, if it is the moment it was told: no word, no flush, no farewell. */
function point(name: Point): void {
  if (die?.at !== name) return;
  passed++;
  if (passed >= die.nth) process.kill(process.pid, 'SIGKILL');
}
let passed = 0;

/** The store, with the moments before and after what it writes. */
function withPoints(store: SqliteStore): ConversationStore {
  const before: Readonly<Record<string, Point>> = { commitEvent: 'before_commit' };
  const after: Readonly<Record<string, Point>> = {
    commitEvent: 'after_commit',
    updateRow: 'after_row_update',
    updateTurn: 'after_turn_update',
    mergeTurns: 'after_merge',
    claimDue: 'after_claim',
  };
  return new Proxy<ConversationStore>(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || typeof name !== 'string') return value;
      const method = (value as (...all: unknown[]) => unknown).bind(target);
      const [first, then] = [before[name], after[name]];
      if (first === undefined && then === undefined) return method;
      return async (...given: unknown[]): Promise<unknown> => {
        if (first !== undefined) point(first);
        const result: unknown = await method(...given);
        if (then !== undefined) point(then);
        return result;
      };
    },
  });
}

const answers = new Map<number, (value: unknown) => void>();
let asked = 0;

/** The answer comes from another process, which outlives this one. */
function ask<T>(question: Question): Promise<T> {
  const id = ++asked;
  return new Promise<T>((resolve) => {
    answers.set(id, resolve as (value: unknown) => void); // the parent answers each question with its own type
    tell({ kind: 'ask', id, question });
  });
}

function tell(message: FromChild): void {
  if (process.connected) process.send?.(message);
}

function fault(error: unknown): void {
  tell({ kind: 'fault', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
