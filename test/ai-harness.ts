/** A room in miniature for tests of agents: it runs one turn of one channel without a kit, and keeps what the channel did. */
import type { AIChannel } from '../src/ai/ai-channel.js';
import type { ChannelServices, KeptByAgent, Turn } from '../src/core/channel.js';
import { AbortedError } from '../src/core/errors.js';
import { RoomKit } from '../src/core/kit.js';
import type { Logger } from '../src/core/logger.js';
import type { AIContext, AIContextPart, AIToolCall, ToolCallEvent, ToolFunction, ToolUseEvent } from '../src/core/models/ai.js';
import type { ChannelBinding } from '../src/core/models/binding.js';
import { channelCapabilities } from '../src/core/models/capabilities.js';
import type { ChannelOutput, StreamOutcome } from '../src/core/models/delivery.js';
import type { EphemeralEvent } from '../src/core/models/ephemeral.js';
import type { RoomEvent } from '../src/core/models/event.js';
import { EMPTY, type Metadata } from '../src/core/models/json.js';
import type { Participant } from '../src/core/models/people.js';
import type { Room } from '../src/core/models/room.js';
import { RoomContextView } from '../src/core/rooms/context.js';
import type { ToolUseVerdict } from '../src/core/turns/tool-gate.js';
import { TestClock } from '../src/testing/test-clock.js';

const AT = '2026-01-01T00:00:00.000Z';

export function aRoom(fields: Partial<Room> = {}): Room {
  return {
    id: 'room',
    status: 'active',
    createdAt: AT,
    updatedAt: AT,
    timers: {},
    metadata: EMPTY,
    agentResponsePolicy: 'agent_chain',
    eventCount: 0,
    latestIndex: -1,
    version: 0,
    ...fields,
  };
}

export function aBinding(channelId: string, fields: Partial<ChannelBinding> = {}): ChannelBinding {
  const isAgent = channelId.startsWith('agent');
  return {
    channelId,
    roomId: 'room',
    channelType: isAgent ? 'ai' : 'websocket',
    category: isAgent ? 'intelligence' : 'transport',
    direction: 'bidirectional',
    access: 'read_write',
    muted: false,
    outputMuted: false,
    visibility: 'all',
    attachedAt: AT,
    capabilities: channelCapabilities(),
    metadata: EMPTY,
    ...fields,
  };
}

export function aParticipant(id: string, fields: Partial<Participant> = {}): Participant {
  return {
    id,
    roomId: 'room',
    channelId: 'ws',
    role: 'member',
    status: 'active',
    identification: 'unknown',
    connectedVia: [],
    joinedAt: AT,
    metadata: EMPTY,
    ...fields,
  };
}

let index = 0;

/** A message of a person (`channelId` ws) or of an agent (`channelId` agent…). */
export function anEvent(body: string, fields: Partial<Omit<RoomEvent, 'source'>> & { channelId?: string; participantId?: string } = {}): RoomEvent {
  const { channelId = 'ws', participantId = channelId.startsWith('agent') ? undefined : 'user-1', ...rest } = fields;
  index++;
  return {
    id: `event-${index}`,
    roomId: 'room',
    type: 'message',
    content: { type: 'text', body },
    status: 'delivered',
    visibility: 'all',
    source: {
      channelId,
      channelType: channelId.startsWith('agent') ? 'ai' : 'websocket',
      direction: 'inbound',
      rawPayload: EMPTY,
      ...(participantId !== undefined && { participantId }),
    },
    index,
    chainDepth: 0,
    createdAt: AT,
    metadata: EMPTY,
    channelData: EMPTY,
    ...rest,
  };
}

export interface AskOptions {
  readonly room?: Room;
  readonly bindings?: readonly ChannelBinding[];
  readonly participants?: readonly Participant[];
  /** The messages asked about are added unless they are in it: changed, say. */
  readonly history?: readonly RoomEvent[];
  readonly triggers?: readonly RoomEvent[];
  readonly turnId?: string;
  readonly startedTools?: readonly string[];
  readonly signal?: AbortSignal;
  /** Stops reading a stream after so many pieces. */
  readonly stopAfter?: number;
}

export interface Answer {
  readonly output: ChannelOutput;
  /** The reply's words, '' when there is none. */
  readonly text: string;
  /** The pieces of a stream. */
  readonly deltas: readonly string[];
  readonly finish: StreamOutcome | undefined;
  /** What a stream threw. */
  readonly error: unknown;
}

export class AgentHarness {
  readonly clock = new TestClock();
  readonly warnings: string[] = [];
  readonly published: EphemeralEvent[] = [];
  readonly used: ToolUseEvent[] = [];
  readonly reported: ToolCallEvent[] = [];
  readonly started: string[] = [];
  readonly steps: Parameters<Turn['trace']>[0][] = [];
  readonly kept: KeptByAgent = { value: undefined };
  readonly tools = new Map<string, ToolFunction>();
  /** What `before_tool_use` decides; default: everything passes. */
  gate: (call: ToolUseEvent) => ToolUseVerdict | Promise<ToolUseVerdict> = (call) => ({ allowed: true, arguments: call.arguments });
  readonly services: ChannelServices;
  #turns = 0;

  constructor(readonly channel: AIChannel) {
    const warn = (message: string): void => void this.warnings.push(message);
    const logger: Logger = { debug: () => undefined, info: () => undefined, warn, error: warn };
    this.services = {
      clock: this.clock,
      logger,
      emitTrace: () => undefined,
      emit: () => undefined,
      messageIdOf: () => Promise.resolve(undefined),
      messageIdsOf: () => Promise.resolve([]),
      noteMessageIds: () => Promise.resolve(),
      answeredBy: () => Promise.resolve(undefined),
      readVisible: () => Promise.resolve({ events: [], prev: -1, latestIndex: -1, more: false }),
      follow: () => false,
      unfollow: () => false,
      publish: (event) => void this.published.push(event),
      toolGate: {
        before: async (_roomId, call) => {
          this.used.push(call);
          return this.gate(call);
        },
        after: async (_roomId, call) => void this.reported.push(call),
      },
      tools: this.tools,
      kit: new RoomKit({ clock: this.clock, logger }),
    };
    channel.connect(this.services);
  }

  async ask(message: string | RoomEvent = 'Hello', options: AskOptions = {}): Promise<Answer> {
    const { trigger, own, context, turn } = this.frame(typeof message === 'string' ? anEvent(message) : message, options);
    const signal = options.signal ?? new AbortController().signal;
    const output = (await this.channel.onEvent(trigger, own, context, { signal, turn })) ?? {};
    const draft = output.responseEvents?.[0]?.content;
    const plain: Answer = { output, text: draft?.type === 'text' ? draft.body : '', deltas: [], finish: undefined, error: undefined };
    return output.responseStream === undefined ? plain : { ...plain, ...(await readStream(output.responseStream, options.stopAfter)) };
  }

  /** What the kit would hand to the channel for this message. */
  frame(message: RoomEvent, options: AskOptions = {}): { trigger: RoomEvent; own: ChannelBinding; context: RoomContextView; turn: Turn } {
    const triggers = options.triggers ?? [message];
    const own = options.bindings?.find((binding) => binding.channelId === this.channel.channelId) ?? aBinding(this.channel.channelId);
    const bindings = options.bindings ?? [aBinding('ws'), own];
    const history = options.history ?? [];
    const unknown = triggers.filter((event) => !history.some(({ id }) => id === event.id));
    const recent = [...history, ...unknown].sort((left, right) => left.index - right.index);
    const participants = options.participants ?? [aParticipant('user-1', { displayName: 'Ada' })];
    const turn: Turn = {
      id: options.turnId ?? `turn-${++this.#turns}`,
      attempt: 1,
      triggerEvents: triggers,
      startedTools: options.startedTools ?? [],
      markToolStarted: (key) => void this.started.push(key),
      kept: this.kept,
      trace: (step) => void this.steps.push(step),
    };
    return {
      trigger: triggers.at(-1) ?? message,
      own,
      context: new RoomContextView(options.room ?? aRoom(), bindings, participants, () => recent),
      turn,
    };
  }
}

async function readStream(stream: NonNullable<ChannelOutput['responseStream']>, stopAfter = Infinity): Promise<Omit<Answer, 'output'>> {
  const deltas: string[] = [];
  let error: unknown;
  try {
    for await (const delta of stream.deltas) {
      deltas.push(delta);
      if (deltas.length >= stopAfter) break;
    }
  } catch (thrown) {
    error = thrown;
  }
  return { deltas, text: deltas.join(''), finish: stream.finish(), error };
}

export function aborted(reason = 'The turn was interrupted.'): AbortedError {
  return new AbortedError(reason);
}

/** A scripted answer that asks for tools. */
export function asks(...calls: readonly AIToolCall[]): { content: string; toolCalls: readonly AIToolCall[] } {
  return { content: '', toolCalls: calls };
}

let calls = 0;

export function aCall(name: string, args: Metadata = {}, fields: Partial<AIToolCall> = {}): AIToolCall {
  return { id: `call-${++calls}`, name, arguments: args, ...fields };
}

/** The results a model was given in its n-th generation (from 0), in order. */
export function resultsIn(context: AIContext | undefined): Extract<AIContextPart, { type: 'tool_result' }>[] {
  const message = context?.messages.findLast(({ role }) => role === 'tool');
  const parts = typeof message?.content === 'string' ? [] : (message?.content ?? []);
  return parts.filter((part) => part.type === 'tool_result');
}
