/** A room with an agent whose tool `refund` needs a person's leave, and with people of several roles. */
import {
  AIChannel,
  MockAIProvider,
  type AIChannelOptions,
  type AIContext,
  type AIContextPart,
  type AITool,
  type AIToolCall,
  type Approval,
  type ApprovalAnswer,
  type ApprovalResult,
  type AttachOptions,
  type InboundResult,
  type Metadata,
  type RoomKitOptions,
  type ScriptedReply,
  type TurnRow,
} from '../../src/index.js';
import { makeKit, TestTransport, type Harness, type TransportOptions } from './harness.js';

export interface SceneOptions {
  /** What the model asks for first. */
  readonly calls: readonly AIToolCall[];
  /** What it says before. */
  readonly before?: string;
  readonly streaming?: boolean;
  readonly tool?: Partial<AITool>;
  readonly agent?: Partial<AIChannelOptions>;
  readonly kit?: RoomKitOptions;
  readonly binding?: AttachOptions;
  readonly transport?: TransportOptions;
  /** A room that is there already: the process after a crash. */
  readonly isAgain?: boolean;
  /** Instead of: calls first, then what came of them. */
  readonly responder?: (context: AIContext) => ScriptedReply | Promise<ScriptedReply>;
}

export interface ApprovalScene extends Harness {
  readonly events: string[];
  readonly ran: Metadata[];
  readonly keys: string[];
  readonly looked: number;
  readonly asked: readonly AIContext[];
  readonly transport: TestTransport;
  readonly model: MockAIProvider;
  say(text: string, more?: { senderId?: string; metadata?: Metadata; idempotencyKey?: string }): Promise<InboundResult>;
  /** As grace, who is an agent of the house; then a moment for the turn. */
  answer(approval: Approval | undefined, answer: Partial<ApprovalAnswer>): Promise<ApprovalResult>;
  turns(): Promise<readonly TurnRow[]>;
  /** What the model was last told of its calls. */
  results(): readonly AIContextPart[];
  close(): Promise<void>;
}

/** The text of a result that the model was given. */
export function content(part: AIContextPart | undefined): string {
  return part?.type === 'tool_result' && typeof part.result === 'string' ? part.result : '';
}

const SCHEMA = {
  type: 'object',
  properties: { order: { type: 'string' }, amount: { type: 'number' } },
  required: ['order', 'amount'],
  additionalProperties: false,
};

export async function approvals(options: SceneOptions): Promise<ApprovalScene> {
  const harness = makeKit(options.kit);
  const { kit, clock } = harness;
  const events: string[] = [];
  for (const type of ['approval_requested', 'approval_resolved', 'approval_expired'] as const)
    kit.on(type, ({ type: heard }) => void events.push(heard));
  const state = { ran: [] as Metadata[], keys: [] as string[], looked: 0 };
  const toolsOf = ({ messages }: AIContext): readonly AIContextPart[] => {
    const last = messages.findLast(({ role }) => role === 'tool')?.content;
    return typeof last === 'object' ? last : [];
  };
  const responder = (context: AIContext): ScriptedReply => {
    const last = context.messages.at(-1);
    if (last?.role === 'tool') return `Done: ${toolsOf(context).map(content).join(', ')}`;
    const words = typeof last?.content === 'string' ? last.content : '';
    return words.includes('refund') ? { content: options.before ?? '', toolCalls: options.calls } : 'Fine.';
  };
  const model = new MockAIProvider({ responder: options.responder ?? responder, streaming: options.streaming ?? false, clock });
  const refund: AITool = {
    name: 'refund',
    description: 'Gives money back.',
    parameters: SCHEMA,
    requiresApproval: true,
    handler: (args, { idempotencyKey }) => {
      state.ran.push(args);
      state.keys.push(idempotencyKey);
      return 'refunded';
    },
    ...options.tool,
  };
  const look: AITool = { name: 'look', description: 'Looks.', handler: () => (state.looked++, 'seen') };
  const transport = new TestTransport('a', options.transport);
  kit.registerChannel(transport);
  kit.registerChannel(new AIChannel('bot', { provider: model, tools: [refund, look], ...options.agent }));
  if (options.isAgain !== true) await openScene();
  async function openScene(): Promise<void> {
    await kit.ensureRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'a', options.binding);
    await kit.attachChannel('room', 'bot');
    for (const [id, role] of [
      ['ada', 'member'],
      ['eve', 'member'],
      ['grace', 'agent'],
      ['olga', 'owner'],
      ['otto', 'observer'],
      ['robo', 'bot'],
    ] as const)
      await kit.ensureParticipant('room', 'a', id, { role });
  }
  return {
    ...harness,
    ran: state.ran,
    keys: state.keys,
    get looked() {
      return state.looked;
    },
    asked: model.calls,
    model,
    transport,
    events,
    say: async (text: string, { senderId = 'ada', ...more } = {}) => {
      const call = kit.processInbound({ channelId: 'a', senderId, content: text, ...more }, { roomId: 'room' });
      await clock.advance(10);
      return call;
    },
    answer: async (approval: Approval | undefined, answer: Partial<ApprovalAnswer>) => {
      const result = await kit.resolveApproval(approval?.id ?? '', { approve: true, by: 'grace', ...answer });
      await clock.advance(10);
      return result;
    },
    turns: () => kit.listTurns({ roomId: 'room', channelId: 'bot' }),
    results: () =>
      toolsOf(model.calls.findLast(({ messages }) => messages.at(-1)?.role === 'tool') ?? { messages: [], tools: [], targetMediaTypes: [] }),
    close: () => kit.close(),
  };
}
