/** Handing over by the API: along the phases of the pipeline that leads the room, as the agents' own tool does. */
import { afterEach, describe, expect, it } from 'vitest';
import { Agent, ConversationPipeline, getConversationState, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
import { createHandler, type Principal } from 'roomkit/server';
import { silentLogger } from '../../../src/core/logger.js';
import { verifies } from '../../requirements.js';

const opened: RoomKit[] = [];
afterEach(async () => {
  for (const kit of opened.splice(0)) await kit.close();
});

interface Desk {
  readonly kit: RoomKit;
  readonly refused: string[];
  handOver(body: object, roomId?: string): Promise<Record<string, unknown>>;
}

/** Triage → billing → (back to triage); `closing` follows nothing but billing. A second pipeline leads the room `other`. */
async function open(principal: Principal = { id: 'ops', kind: 'service', scopes: ['operate'] }): Promise<Desk> {
  const kit = new RoomKit({ logger: silentLogger });
  opened.push(kit);
  const agent = (id: string): Agent => new Agent(id, { provider: new MockAIProvider({ responses: ['Yes.'] }), greeting: `${id} here.` });
  const desk = ['triage', 'billing', 'closing'].map(agent);
  const others = ['front', 'back'].map(agent);
  kit.registerChannel(new WebSocketChannel('web'));
  for (const one of [...desk, ...others]) kit.registerChannel(one);
  for (const [roomId, agents] of [
    ['desk', desk],
    ['other', others],
  ] as const) {
    await kit.createRoom({ roomId });
    for (const { channelId } of agents) await kit.attachChannel(roomId, channelId);
    await kit.attachChannel(roomId, 'web');
  }
  new ConversationPipeline({
    stages: [
      { phase: 'triage', agentId: 'triage', next: 'billing' },
      { phase: 'billing', agentId: 'billing', next: 'closing', canReturnTo: ['triage'] },
      { phase: 'closing', agentId: 'closing' },
    ],
  }).install(kit, desk, { greetOnHandoff: true, agentAliases: { accounts: 'billing' }, maxHandoffs: 4 });
  new ConversationPipeline({
    stages: [
      { phase: 'front', agentId: 'front' },
      { phase: 'back', agentId: 'back' },
    ],
  }).install(kit, others);
  const refused: string[] = [];
  kit.hook('on_handoff_rejected', ({ metadata }) => void refused.push(String(metadata['reason'])));
  const handler = createHandler(kit, { authenticate: () => principal });
  return {
    kit,
    refused,
    async handOver(body, roomId = 'desk') {
      const request = new Request(`http://server.test/api/rooms/${roomId}/handoff`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const response = await handler(request);
      return { status: response.status, ...((await response.json()) as object) };
    },
  };
}

describe('a handoff by the API', () => {
  it('goes along the phases, in the pipeline’s own phases, with its aliases and greetings', async () => {
    verifies('HND-02', 'HND-03', 'PIP-02');
    const { kit, handOver } = await open();
    expect(await handOver({ target: 'triage' })).toMatchObject({ accepted: true, newPhase: 'triage' });
    expect(await handOver({ target: 'accounts' })).toMatchObject({ accepted: true, newAgentId: 'billing', newPhase: 'billing' });
    const said = (await kit.getTimeline('desk')).flatMap(({ content }) => (content.type === 'text' ? [content.body] : []));
    expect(said).toContain('billing here.');
  });

  it('is refused where the phases do not lead, and changes nothing', async () => {
    verifies('HND-03');
    const { kit, refused, handOver } = await open();
    await handOver({ target: 'triage' });
    const reason = 'Transition from phase triage to phase closing is not allowed';
    expect(await handOver({ target: 'closing' })).toMatchObject({ status: 200, accepted: false, reason, state: { activeAgentId: 'triage' } });
    expect(await handOver({ target: 'billing', nextPhase: 'closing' })).toMatchObject({ accepted: false, reason });
    expect(refused).toEqual([reason, reason]);
    expect(getConversationState(await kit.getRoom('desk'))).toMatchObject({ phase: 'triage', activeAgentId: 'triage' });
  });

  it('goes anywhere when it is overridden, and to a person always; who is not in the room stays out', async () => {
    verifies('HND-01', 'HND-03');
    const { handOver } = await open();
    await handOver({ target: 'triage' });
    expect(await handOver({ target: 'closing', override: true })).toMatchObject({ accepted: true, newPhase: 'closing' });
    expect(await handOver({ target: 'triage' })).toMatchObject({ accepted: false });
    expect(await handOver({ target: 'human' })).toMatchObject({ accepted: true, newPhase: 'escalation', handledByHuman: true });
    expect(await handOver({ target: 'front', override: true })).toMatchObject({ accepted: false, reason: 'Agent front not found in room' });
  });

  it('keeps to the limits of the pipeline, overridden or not', async () => {
    verifies('HND-06');
    const { handOver } = await open();
    for (const target of ['triage', 'billing', 'triage', 'billing']) expect(await handOver({ target })).toMatchObject({ accepted: true });
    expect(await handOver({ target: 'triage', override: true })).toMatchObject({ accepted: false, reason: 'handoff_limit' });
  });

  it('keeps in each room to the pipeline that leads there', async () => {
    verifies('HND-03', 'ORC-04');
    const { handOver } = await open();
    expect(await handOver({ target: 'front' }, 'other')).toMatchObject({ accepted: true, newPhase: 'front' });
    expect(await handOver({ target: 'back' }, 'other')).toMatchObject({ accepted: false, reason: expect.stringContaining('front to phase back') });
  });

  it('needs the scope operate, overridden above all', async () => {
    verifies('AUTH-02');
    const { handOver } = await open({ id: 'app', kind: 'service', scopes: ['read', 'write'] });
    for (const override of [undefined, true])
      expect(await handOver({ target: 'triage', override })).toMatchObject({ status: 403, code: 'forbidden' });
  });
});
