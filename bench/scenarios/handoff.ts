/** handoff_handle: two agents hand a conversation to and fro, called directly. */
import { randomUUID } from 'node:crypto';
import { ConversationPipeline, setConversationState } from 'roomkit';
import { atMost } from '../figures.js';
import { check, collectYoung, type Bench, type Scenario } from '../harness.js';
import { Counter } from '../rooms.js';
import { BenchAgent, kitWithAgents, timesPython } from './agents.js';

const PYTHON = 1305;
const BLOCK = 100;
const HANDOFFS = 3 * BLOCK;
/** Runs of 300 before the figures: 20,000 handoffs. */
const WARM_UP = 67;
/** A run takes milliseconds: each repetition adds up several. */
const RUNS = 20;

const STAGES = [
  { phase: 'intake', agentId: 'agent-0', next: 'handling' },
  { phase: 'handling', agentId: 'agent-1', canReturnTo: ['intake'] },
];

export const handoffHandle: Scenario = {
  name: 'handoff_handle',
  async run(bench) {
    const plain: number[] = [];
    const ours: number[] = [];
    const growth: number[] = [];
    for (let n = 0; n < bench.size(WARM_UP, 0); n++) runPlain(bench);
    for (let repetition = 0; repetition < bench.repetitions; repetition++) {
      let seconds = 0;
      for (let n = 0; n < bench.size(RUNS, 1); n++) seconds += runPlain(bench);
      plain.push((HANDOFFS * bench.size(RUNS, 1)) / seconds);
    }
    for (let n = 0; n < bench.size(WARM_UP, 0); n++) await runOurs(bench);
    for (let repetition = 0; repetition < bench.repetitions; repetition++) {
      const sum = [0, 0, 0];
      for (let n = 0; n < bench.size(RUNS, 1); n++) (await runOurs(bench)).forEach((seconds, block) => (sum[block] = (sum[block] ?? 0) + seconds));
      const [first = 0, middle = 0, last = 0] = sum;
      ours.push((HANDOFFS * bench.size(RUNS, 1)) / (first + middle + last));
      growth.push(last / first);
    }
    bench.report('throughput', '/s', ours, { limit: plain, goal: timesPython(15, PYTHON) });
    bench.report('last_100_over_first_100', '×', growth, { goal: atMost(1.1) });
  },
};

/** Seconds of each hundred. */
async function runOurs(bench: Bench): Promise<number[]> {
  const agents = [new BenchAgent('agent-0'), new BenchAgent('agent-1')];
  const kit = await kitWithAgents(agents, new Counter());
  const [, handoff] = new ConversationPipeline({ stages: STAGES }).install(
    kit,
    agents.map(({ agent }) => agent),
    { maxHandoffs: HANDOFFS },
  );
  await kit.store.updateRoom(setConversationState(await kit.getRoom('room-0'), { phase: 'intake', activeAgentId: 'agent-0' }));
  collectYoung();
  const blocks: number[] = [];
  for (let n = 0; n < HANDOFFS;) {
    const startedAt = bench.seconds();
    for (const until = n + BLOCK; n < until; n++) {
      const result = await handoff.handle({
        roomId: 'room-0',
        callingAgentId: `agent-${n % 2}`,
        arguments: { target: `agent-${(n + 1) % 2}`, reason: 'bench' },
      });
      if (!result.accepted) throw new Error(`A handoff was refused: ${result.reason ?? 'for no reason'}.`);
    }
    blocks.push(bench.seconds() - startedAt);
  }
  const room = await kit.getRoom('room-0');
  const state = room.metadata['_conversation_state'] as { handoffCount: number };
  check(state.handoffCount === HANDOFFS, `${state.handoffCount} handoffs were counted`);
  check(room.eventCount === HANDOFFS + 3, `${room.eventCount} events`);
  await kit.close();
  return blocks;
}

/** The least: the state replaced, its bounded history lengthened by one, an event in the timeline. */
function runPlain(bench: Bench): number {
  interface Step {
    from: string;
    to: string;
    reason: string;
    at: string;
  }
  let state: { active: string; count: number; history: readonly Step[] } = { active: 'agent-0', count: 0, history: [] };
  const events: { id: string; index: number; body: string; createdAt: string }[] = [];
  const startedAt = bench.seconds();
  for (let n = 0; n < HANDOFFS; n++) {
    const to = `agent-${(n + 1) % 2}`;
    const at = new Date().toISOString();
    const history = [...state.history.slice(-199), { from: state.active, to, reason: 'bench', at }];
    events.push({ id: randomUUID(), index: n, body: `${state.active} handed over to ${to}.`, createdAt: at });
    state = { active: to, count: state.count + 1, history };
  }
  const seconds = bench.seconds() - startedAt;
  check(state.count === HANDOFFS && events.length === HANDOFFS, 'handoffs are missing');
  return seconds;
}
