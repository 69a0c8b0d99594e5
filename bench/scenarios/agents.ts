/** agent_*: one model call and one delivery per message, with a model that answers at once. */
import {
  Agent,
  ConversationPipeline,
  MockAIProvider,
  RoomKit,
  setConversationState,
  SlidingWindowMemory,
  WebSocketChannel,
  type InboundResult,
} from 'roomkit';
import { ceilingInbound, ceilingRoom, type CeilingRoom } from '../ceiling.js';
import { atLeast, shareOf, type Goal } from '../figures.js';
import { BODY, check, type Scenario, type Side } from '../harness.js';
import { addRoom, Counter } from '../rooms.js';

/** What the original did, in turns per second. */
const PYTHON = { agent_turn_stream: 1993, agent_pipeline_turn: 1931 };
const ANSWER = 'Your order 12345 is on its way.';
const WINDOW = 50;

/** An agent with its own mock provider, so that its calls can be counted. */
export class BenchAgent {
  readonly provider: MockAIProvider;
  readonly agent: Agent;

  constructor(id: string, streaming = false) {
    this.provider = new MockAIProvider({ responses: [ANSWER], streaming });
    this.agent = new Agent(id, {
      provider: this.provider,
      role: 'Support',
      description: 'Answers questions about orders',
      systemPrompt: 'You help customers.',
      memory: new SlidingWindowMemory({ maxEvents: WINDOW }),
    });
  }
}

/** `ws-0` with one connection that takes previews, and these agents, in `room-0`. */
export async function kitWithAgents(agents: readonly BenchAgent[], counter: Counter, chunks: { count: number } = { count: 0 }): Promise<RoomKit> {
  const kit = new RoomKit();
  const web = new WebSocketChannel('ws-0');
  kit.registerChannel(web);
  web.registerConnection('connection', counter.send, {
    roomIds: ['room-0'],
    streamSend: (frame) => {
      if (frame.type === 'stream_end') counter.delivered++;
      else if (frame.type === 'stream_chunk') chunks.count++;
    },
  });
  for (const { agent } of agents) kit.registerChannel(agent);
  await addRoom(kit, 'room-0', ['ws-0', ...agents.map(({ agent }) => agent.channelId)]);
  return kit;
}

function turns(name: string, unitGoal: Goal, options: { streaming?: boolean; pipeline?: boolean }): Scenario {
  return {
    name,
    async run(bench) {
      const messages = bench.size(10_000);
      const limit = plainTurns(messages, options.streaming === true);
      const count = options.pipeline === true ? 3 : 1;
      const agents = Array.from({ length: count }, (_, n) => new BenchAgent(`agent-${n}`, options.streaming));
      const counter = new Counter();
      const chunks = { count: 0 };
      const kit = await kitWithAgents(agents, counter, chunks);
      if (options.pipeline === true) await installPipeline(kit, agents);
      const rates = await bench.compareApart(
        {
          messages,
          begin() {
            counter.delivered = chunks.count = 0;
            for (const { provider } of agents) provider.callCount = 0;
            return {
              async work() {
                for (let n = 0; n < messages; n++) {
                  assertAnswered(await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' }));
                }
              },
              end() {
                const calls = agents.reduce((sum, { provider }) => sum + provider.callCount, 0);
                check(calls === messages, `${calls} model calls instead of ${messages}`);
                check(counter.delivered === messages, `${counter.delivered} deliveries instead of ${messages}`);
                const words = options.streaming === true ? ANSWER.split(' ').length : 0;
                check(chunks.count === messages * words, `${chunks.count} chunks instead of ${messages * words}`);
              },
            };
          },
        },
        limit,
      );
      bench.report('throughput', 'turns/s', rates.ours, { limit: rates.limit, goal: unitGoal });
      await kit.close();
    },
  };
}

export const agentTurn = turns('agent_turn', shareOf(0.3), {});
export const agentTurnStream = turns('agent_turn_stream', timesPython(12, PYTHON.agent_turn_stream), { streaming: true });
export const agentPipelineTurn = turns('agent_pipeline_turn', timesPython(12, PYTHON.agent_pipeline_turn), { pipeline: true });

export function timesPython(times: number, python: number): Goal {
  const bound = times * python;
  return atLeast(bound, `≥ ${times} × Python (${bound.toLocaleString('en-US')})`);
}

const STAGES = [
  { phase: 'intake', agentId: 'agent-0', next: 'handling' },
  { phase: 'handling', agentId: 'agent-1', next: 'billing', canReturnTo: ['intake'] },
  { phase: 'billing', agentId: 'agent-2', canReturnTo: ['intake', 'handling'] },
];

async function installPipeline(kit: RoomKit, agents: readonly BenchAgent[]): Promise<void> {
  new ConversationPipeline({ stages: STAGES }).install(
    kit,
    agents.map(({ agent }) => agent),
  );
  await kit.store.updateRoom(setConversationState(await kit.getRoom('room-0'), { phase: 'intake', activeAgentId: 'agent-0' }));
}

function assertAnswered(result: InboundResult): void {
  const [turn, another] = result.turns;
  if (result.blocked || turn?.state !== 'committed' || another !== undefined) throw new Error(`The turn failed: ${JSON.stringify(result)}`);
}

/**
 * The least a turn needs: the message in the timeline, the newest 50 events as the model's messages, one call, the reply in
 * the timeline, one delivery; a streamed reply word by word.
 */
function plainTurns(messages: number, streaming: boolean): Side {
  return {
    messages,
    begin() {
      const room = ceilingRoom('room-0');
      const counter = new Counter();
      room.targets.push({ channelId: 'ws-0', connections: [counter.send] });
      let chunks = 0;
      const show = (delta: string): void => {
        if (delta !== '') chunks++;
      };
      return {
        async work() {
          for (let n = 0; n < messages; n++) {
            await ceilingInbound(room, 'ws-0', 'user-1', BODY);
            let text = '';
            if (streaming) {
              for await (const delta of streamModel(history(room))) {
                text += delta;
                show(delta);
              }
            } else text = (await model(history(room))).content;
            await ceilingInbound(room, 'bot', 'bot', text);
          }
        },
        end() {
          check(counter.delivered === messages, `${counter.delivered} deliveries`);
          check(chunks === (streaming ? messages * ANSWER.split(' ').length : 0), `${chunks} chunks`);
        },
      };
    },
  };
}

interface PlainMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

function history(room: CeilingRoom): PlainMessage[] {
  return room.events.slice(-WINDOW).map((event) => ({ role: event.source.channelId === 'bot' ? 'assistant' : 'user', content: event.content.body }));
}

async function model(messages: readonly PlainMessage[]): Promise<{ content: string }> {
  return { content: messages.length > 0 ? ANSWER : '' };
}

async function* streamModel(messages: readonly PlainMessage[]): AsyncGenerator<string, void> {
  if (messages.length === 0) return;
  for (const word of ANSWER.match(/\s*\S+/g) ?? []) yield word;
}
