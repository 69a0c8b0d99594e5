import { expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import { Agent } from '../ai/agent.js';
import { MockAIProvider } from '../ai/mock-provider.js';
import type { Channel } from '../core/channel.js';
import { RoomKit } from '../core/kit.js';
import { channelCapabilities } from '../core/models/capabilities.js';
import { ConversationPipeline } from './pipeline.js';

it('lets the supervisor hear what agents say and what is addressed to others, while nobody else reacts', async () => {
  verifies('ORC-03', 'ORC-05', 'BC-03');
  await using kit = new RoomKit();
  const web: Channel = {
    channelId: 'web',
    channelType: 'websocket',
    category: 'transport',
    direction: 'bidirectional',
    durable: false,
    capabilities: channelCapabilities(),
  };
  kit.registerChannel(web);
  const models = {
    mia: new MockAIProvider({ responses: ['Mia here.'] }),
    ben: new MockAIProvider(),
    boss: new MockAIProvider({ responses: ['Noted.'] }),
  };
  const agents = Object.entries(models).map(([id, provider]) => new Agent(id, { provider }));
  for (const agent of agents) kit.registerChannel(agent);
  const pipeline = new ConversationPipeline({
    stages: [
      { phase: 'triage', agentId: 'mia', next: 'billing' },
      { phase: 'billing', agentId: 'ben' },
    ],
    supervisorId: 'boss',
  });
  pipeline.install(kit, agents);
  await kit.createRoom({ roomId: 'r' });
  for (const id of ['web', 'mia', 'ben', 'boss']) await kit.attachChannel('r', id);
  await kit.setActiveAgent('r', 'mia', { phase: 'triage' });
  const calls = (): number[] => [models.mia.calls.length, models.ben.calls.length, models.boss.calls.length];

  await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hello' }, { roomId: 'r' });
  // Mia answers the customer; the boss hears both, and nobody reacts to what the boss says.
  expect(calls()).toEqual([1, 0, 2]);

  await kit.sendEvent('r', 'web', 'For Ben alone', { addressedTo: ['ben'] });
  expect(calls()).toEqual([1, 1, 4]);
});
