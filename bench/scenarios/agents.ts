/** agent_*, handoff_handle: turns and handoffs with a model that answers at once. */
import { Agent, ConversationPipeline, MockAIProvider, RoomKit, setConversationState, SlidingWindowMemory, WebSocketChannel } from 'roomkit';
import { ceilingInbound, ceilingRoom } from '../ceiling.js';
import { BODY, check, compare, median, rates, spread, type Scenario } from '../harness.js';

const PYTHON = { agent_turn_stream: 1993, agent_pipeline_turn: 1931, handoff_handle: 1305 };

function agent(id: string, streaming: boolean): Agent {
  return new Agent(id, {
    provider: new MockAIProvider({ responses: ['Your order 12345 is on its way.'], streaming }),
    role: 'Support',
    description: 'Answers questions about orders',
    systemPrompt: 'You help customers.',
    memory: new SlidingWindowMemory({ maxEvents: 50 }),
  });
}

async function open(agents: readonly Agent[]): Promise<{ kit: RoomKit; delivered: () => number }> {
  const kit = new RoomKit();
  let delivered = 0;
  const web = new WebSocketChannel('ws-0');
  void web.registerConnection('c', async () => void delivered++, { roomIds: ['room-0'], streamSend: () => undefined });
  kit.registerChannel(web);
  await kit.createRoom({ roomId: 'room-0' });
  await kit.attachChannel('room-0', 'ws-0');
  for (const one of agents) {
    kit.registerChannel(one);
    await kit.attachChannel('room-0', one.channelId);
  }
  return { kit, delivered: () => delivered };
}

const turns =
  (kit: RoomKit) =>
  async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      const result = await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' });
      if (result.turns.length !== 1 || result.turns[0]?.state !== 'committed') throw new Error(`turn ${JSON.stringify(result.turns)}`);
    }
  };

export const agentTurn: Scenario = {
  name: 'agent_turn',
  async run(report) {
    const { kit } = await open([agent('bot', false)]);
    // The least a turn needs: the message in the timeline, the newest 50 events as the model's messages, one call, the
    // reply in the timeline, one delivery.
    const plain = ceilingRoom('room-0');
    plain.targets.push({ channelId: 'ws-0', connections: [async () => undefined] });
    const model = async (messages: readonly { role: string; content: string }[]): Promise<{ content: string }> => ({
      content: messages.length > 0 ? 'Your order 12345 is on its way.' : '',
    });
    const ceiling = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        await ceilingInbound(plain, 'ws-0', 'user-1', BODY);
        const messages = plain.events
          .slice(-50)
          .map((event) => ({ role: event.source.channelId === 'bot' ? 'assistant' : 'user', content: event.content.body }));
        const response = await model(messages);
        await ceilingInbound(plain, 'bot', 'bot', response.content);
      }
    };
    await turns(kit)(10_000);
    await ceiling(10_000);
    const result = await compare({ count: 10_000, run: turns(kit) }, { count: 50_000, run: ceiling });
    const limit = median(result.ceiling);
    report({
      scenario: this.name,
      metric: 'throughput',
      unit: 'turns/s',
      ...spread(result.ours),
      limit,
      goal: '≥ 30 % of limit',
      reached: median(result.ours) >= limit * 0.3,
    });
    await kit.close();
  },
};

export const agentTurnStream: Scenario = {
  name: 'agent_turn_stream',
  async run(report) {
    const { kit } = await open([agent('bot', true)]);
    await turns(kit)(5000);
    const ours = await rates(5000, turns(kit));
    report({
      scenario: this.name,
      metric: 'throughput',
      unit: 'turns/s',
      ...spread(ours),
      limit: null,
      goal: '≥ 12 × Python (23,916)',
      reached: median(ours) >= 12 * PYTHON.agent_turn_stream,
    });
    await kit.close();
  },
};

const STAGES = [
  { phase: 'intake', agentId: 'agent-0', next: 'handling' },
  { phase: 'handling', agentId: 'agent-1', next: 'billing', canReturnTo: ['intake'] },
  { phase: 'billing', agentId: 'agent-2', canReturnTo: ['intake', 'handling'] },
];

export const agentPipelineTurn: Scenario = {
  name: 'agent_pipeline_turn',
  async run(report) {
    const agents = STAGES.map(({ agentId }) => agent(agentId, false));
    const { kit } = await open(agents);
    new ConversationPipeline({ stages: STAGES }).install(kit, agents);
    await kit.store.updateRoom(setConversationState(await kit.getRoom('room-0'), { phase: 'intake', activeAgentId: 'agent-0' }));
    await turns(kit)(5000);
    const ours = await rates(5000, turns(kit));
    report({
      scenario: this.name,
      metric: 'throughput',
      unit: 'turns/s',
      ...spread(ours),
      limit: null,
      goal: '≥ 12 × Python (23,172)',
      reached: median(ours) >= 12 * PYTHON.agent_pipeline_turn,
    });
    await kit.close();
  },
};

export const handoffHandle: Scenario = {
  name: 'handoff_handle',
  async run(report) {
    const values: number[] = [];
    const firsts: number[] = [];
    const lasts: number[] = [];
    const once = async (): Promise<void> => {
      const agents = [agent('agent-0', false), agent('agent-1', false)];
      const { kit } = await open(agents);
      const [, handoff] = new ConversationPipeline({
        stages: [
          { phase: 'intake', agentId: 'agent-0', next: 'handling' },
          { phase: 'handling', agentId: 'agent-1', canReturnTo: ['intake'] },
        ],
      }).install(kit, agents, { maxHandoffs: 1000 });
      await kit.store.updateRoom(setConversationState(await kit.getRoom('room-0'), { phase: 'intake', activeAgentId: 'agent-0' }));
      const hand = async (count: number, from: number): Promise<number> => {
        const startedAt = performance.now();
        for (let n = from; n < from + count; n++) {
          const result = await handoff.handle({
            roomId: 'room-0',
            callingAgentId: `agent-${n % 2}`,
            arguments: { target: `agent-${(n + 1) % 2}`, reason: 'bench' },
          });
          check(result.accepted, result.reason ?? 'refused');
        }
        return performance.now() - startedAt;
      };
      const first = await hand(100, 0);
      const middle = await hand(100, 100);
      const last = await hand(100, 200);
      firsts.push(first);
      lasts.push(last);
      values.push((300 / (first + middle + last)) * 1000);
      await kit.close();
    };
    for (let n = 0; n < 20; n++) await once();
    values.length = firsts.length = lasts.length = 0;
    for (let n = 0; n < 5; n++) await once();
    report({
      scenario: this.name,
      metric: 'throughput',
      unit: '/s',
      ...spread(values),
      limit: null,
      goal: '≥ 15 × Python (19,575)',
      reached: median(values) >= 15 * PYTHON.handoff_handle,
    });
    const ratio = median(lasts) / median(firsts);
    report({
      scenario: this.name,
      metric: 'last_100_over_first_100',
      unit: '×',
      median: ratio,
      min: ratio,
      max: ratio,
      limit: null,
      goal: '≤ 1.1',
      reached: ratio <= 1.1,
    });
  },
};
