/** A room with one agent whose turn takes its time, for tests of what becomes of messages that come meanwhile (behaviour §17). */
import {
  AIChannel,
  messageText,
  MockAIProvider,
  type AIChannelOptions,
  type AIContext,
  type CollisionConfig,
  type InboundResult,
  type RoomEvent,
  type RoomKitOptions,
  type ScriptedReply,
  type TurnRow,
} from '../../src/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestTransport, type Harness } from './harness.js';

export interface Scene extends Harness {
  readonly provider: MockAIProvider;
  readonly a: TestTransport;
  /** Milliseconds at which a tool's signal was aborted. */
  readonly aborts: number[];
  readonly agent: AIChannel;
  say(content: string, senderId?: string): Promise<InboundResult>;
  turns(): Promise<readonly TurnRow[]>;
  replies(): Promise<RoomEvent[]>;
}

export interface SceneOptions {
  readonly streaming?: boolean;
  readonly toolMs?: number;
  /** Whether the tool ends when its turn does. */
  readonly heedsAbort?: boolean;
  readonly kit?: RoomKitOptions;
  readonly agent?: Partial<AIChannelOptions>;
  readonly responder?: (context: AIContext) => ScriptedReply;
}

/** An agent whose turn takes two seconds: it says something, uses a tool for most of that time, and answers. */
export async function scene(
  collision: CollisionConfig | undefined,
  { streaming = true, toolMs = 2000, heedsAbort = true, kit: kitOptions = {}, agent: agentOptions = {}, responder = useToolOnce }: SceneOptions = {},
): Promise<Scene> {
  const harness = makeKit(kitOptions);
  const { kit, clock } = harness;
  const aborts: number[] = [];
  const a = new TestTransport('a');
  const provider = new MockAIProvider({ streaming, clock, responder });
  const agent = new AIChannel('bot', {
    provider,
    ...(collision !== undefined && { collision }),
    ...agentOptions,
    tools: [
      {
        name: 'look_up',
        description: 'Looks something up.',
        handler: async (_arguments, { signal }) => {
          signal.addEventListener('abort', () => aborts.push(clock.now()));
          await clock.sleep(toolMs, heedsAbort ? signal : undefined);
          return 'found';
        },
      },
    ],
  });
  await openRoom(kit, [a, agent]);
  return {
    ...harness,
    provider,
    agent,
    a,
    aborts,
    say: (content, senderId = 'u') => kit.processInbound({ channelId: 'a', senderId, content }, { roomId: 'room' }),
    turns: async () => kit.store.listTurns({ roomId: 'room' }),
    replies: async () => messagesOf(await gapless(kit, 'room')).filter(({ source }) => source.channelId === 'bot'),
  };
}

/** Says what it was asked since it last spoke. */
export function useToolOnce({ messages }: AIContext): ScriptedReply {
  const isAnswer = ({ role, content }: AIContext['messages'][number]): boolean =>
    role === 'assistant' && (typeof content === 'string' || !content.some(({ type }) => type === 'tool_call'));
  const asked = messages.slice(messages.findLastIndex(isAnswer) + 1);
  if (!asked.some(({ role }) => role === 'tool')) return { content: 'One moment. ', toolCalls: [{ id: 'call', name: 'look_up', arguments: {} }] };
  const words = asked.filter(({ role }) => role === 'user').map(messageText);
  return `Heard: ${words.join(' ').replaceAll('\n', ' ')}`;
}

/** How the first turn of each message ended: why, or else in which state. */
export function ended(results: readonly InboundResult[]): (string | undefined)[] {
  return results.map(({ turns }) => turns[0]?.reason ?? turns[0]?.state);
}
