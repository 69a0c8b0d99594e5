/** People who do not wait for an answer before they write again: one room for each way of an agent to bear it (§17). */
import { AIChannel, messageText, type ScriptedReply } from '../../ai/index.js';
import { SMSChannel, WebSocketChannel } from '../../channels/index.js';
import { RoomKit } from '../../core/index.js';
import type { AIContext, AITool } from '../../core/models/ai.js';
import type { CollisionPolicy } from '../../core/models/vocabulary.js';
import type { SimulatedProcess } from './process.js';
import type { Scenario } from './world.js';

const POLICIES: readonly CollisionPolicy[] = ['interrupt', 'steer', 'burst'];
const WITHIN_MS = 12_000;

/** Three rooms whose agent is interrupted, steered and given bursts; it streams, and uses a tool. */
export const collisions: Scenario = {
  name: 'collisions',
  calls: 260,
  start({ world, process, options }) {
    const kit = new RoomKit(options);
    const model = world.model('model', { answer: lookUpFirst, streaming: true, delayMs: 120 });
    kit.registerChannel(new SMSChannel('sms', { provider: world.vendor('sms').provider(process) }));
    kit.registerChannel(new WebSocketChannel('web'));
    kit.registerChannel(new AIChannel('agent', { provider: model.provider(process), tools: [lookUp(process)] }));
    return kit;
  },
  async prepare(kit) {
    for (const policy of POLICIES) {
      await kit.createRoom({ roomId: policy });
      await kit.attachChannel(policy, 'sms', { metadata: { phone_number: `+1555${policy}` } });
      await kit.attachChannel(policy, 'web');
      await kit.attachChannel(policy, 'agent', { collision: { policy, debounceMs: 1200 } });
    }
  },
  play(world) {
    const { people, random } = world;
    for (const policy of POLICIES) for (let n = 0; n < 2; n++) world.client('web', policy);
    for (const policy of POLICIES) {
      let at = random.between(0, WITHIN_MS / 2);
      const count = 1 + random.below(4);
      for (let n = 0; n < count; n++) {
        people.write({ roomId: policy, channelId: 'sms', senderId: `ada-${policy}`, text: `word-${n}` }, at);
        at += random.chance(0.8) ? random.between(10, 900) : random.between(900, WITHIN_MS / 2);
      }
    }
  },
};

/** A tool outside of the process. */
function lookUp(process: SimulatedProcess): AITool {
  return { name: 'look_up', description: 'Looks something up.', handler: () => process.call('model.tool', () => 'found') };
}

/** Uses its tool once for what it was asked, and then answers that. */
function lookUpFirst({ messages }: AIContext): ScriptedReply {
  const isAnswer = ({ role, content }: AIContext['messages'][number]): boolean =>
    role === 'assistant' && (typeof content === 'string' || !content.some(({ type }) => type === 'tool_call'));
  const asked = messages.slice(messages.findLastIndex(isAnswer) + 1);
  if (!asked.some(({ role }) => role === 'tool')) return { content: 'One moment. ', toolCalls: [{ id: 'call', name: 'look_up', arguments: {} }] };
  const words = asked.filter(({ role }) => role === 'user').map(messageText);
  return `You have said ${words.join(' and then ').replaceAll('\n', ' ')}.`;
}
