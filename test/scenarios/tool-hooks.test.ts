/** What hooks around tools leave behind is kept, whether they let the tool run or not. */
import { describe, expect, it } from 'vitest';
import { Agent, HookResult, MockAIProvider } from '../../src/index.js';
import { makeKit, openRoom, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

describe('a before_tool_use hook', () => {
  it.each(['allow', 'block'] as const)('that says %s leaves tasks, observations, metadata and events', async (verdict) => {
    verifies('HK-04');
    const { kit } = makeKit();
    const customer = new TestTransport('customer');
    const ran: unknown[] = [];
    const agent = new Agent('clerk', {
      tools: [{ name: 'refund', description: 'Pays back', handler: (args) => void ran.push(args) }],
      provider: new MockAIProvider({ script: [{ toolCalls: [{ id: '1', name: 'refund', arguments: { euros: 400 } }] }, 'Done.'] }),
    });
    const roomId = await openRoom(kit, [customer, agent]);
    kit.hook('before_tool_use', { name: 'audit' }, (call) => {
      const extra = {
        tasks: [{ title: `Look at ${call.tool}` }],
        observations: [{ content: 'a large refund', category: 'audit' }],
        metadata: { audited: true },
        injectedEvents: [{ event: { content: 'A colleague looks at it.' }, targetChannelIds: ['customer'] }],
      };
      return verdict === 'allow' ? HookResult.allow(extra) : HookResult.block('too_much', extra);
    });
    await kit.processInbound({ channelId: 'customer', senderId: 'ada', content: 'Money back!' }, { roomId });

    expect(ran).toHaveLength(verdict === 'allow' ? 1 : 0);
    expect(await kit.listTasks(roomId)).toMatchObject([{ title: 'Look at refund' }]);
    expect(await kit.listObservations(roomId)).toMatchObject([{ category: 'audit', channelId: 'clerk' }]);
    expect((await kit.getRoom(roomId)).metadata).toEqual({ audited: true });
    expect(customer.texts).toEqual(['A colleague looks at it.', 'Done.']);
    await kit.close();
  });
});
