/** One afternoon in which everything happens that a kit has hooks for today (HK-13): which triggers fire, and which do not yet. */
import { expect, it } from 'vitest';
import {
  Agent,
  ConversationPipeline,
  HookTrigger,
  MockAIProvider,
  ProviderError,
  type ChannelServices,
  type HookHandler,
  type IdentityResult,
} from '../../src/index.js';
import { contract } from '../support/contract.js';
import { makeKit, openRoom, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

it('fires every trigger that the contract lists as fired today, and none that waits for later work', async () => {
  verifies('HK-13');
  const known: Readonly<Record<string, IdentityResult>> = {
    ada: { status: 'identified', identity: { id: 'ada' } },
    twin: { status: 'ambiguous', candidates: [{ id: 'one' }, { id: 'two' }] },
  };
  const { kit, clock } = makeKit({ identityResolver: { resolve: ({ senderId }) => known[senderId] ?? { status: 'unknown' } } });
  const fired = new Set<string>();
  // Observers hear of gates and notices alike, and decide nothing.
  const note = ((_payload, { trigger }) => void fired.add(trigger)) as HookHandler<HookTrigger, 'async'>;
  for (const trigger of Object.values(HookTrigger)) kit.hook(trigger, { name: `note_${trigger}`, execution: 'async' }, note);

  // A room, its channels, and what is done to them.
  let services: ChannelServices | undefined;
  const phone = new TestTransport('phone', { providerName: 'telco', recipientKey: 'to', connect: (given) => void (services = given) });
  const roomId = await openRoom(kit, [phone, new TestTransport('desk')]);
  await kit.attachChannel(roomId, 'desk', { metadata: { to: '+1' } });
  await kit.mute(roomId, 'desk');
  await kit.unmute(roomId, 'desk');

  // People who are known, unknown and hard to tell apart; a message that is edited and taken back.
  const { event } = await kit.processInbound({ channelId: 'phone', senderId: 'ada', content: 'Hi' }, { roomId });
  for (const senderId of ['twin', 'nobody']) await kit.processInbound({ channelId: 'phone', senderId, content: 'Hi' }, { roomId });
  await kit.updateEvent(roomId, event?.id ?? '', { content: 'Hello' });
  await kit.deleteEvent(roomId, event?.id ?? '');

  // A delivery, what its vendor says of it, and a look at the wire.
  await kit.updateBindingMetadata(roomId, 'phone', { to: '+1' });
  const sent = await kit.sendEvent(roomId, 'desk', 'Good afternoon');
  await clock.advance(0);
  const [row] = await kit.listDeliveries({ eventId: sent.id, channelId: 'phone' });
  await kit.processDeliveryStatus({ provider: 'telco', messageId: row?.providerMessageId ?? '', status: 'delivered' });
  services?.emitTrace({ channelId: 'phone', direction: 'outbound', protocol: 'http', summary: 'POST', timestamp: sent.createdAt, roomId });

  // Work that is left, agents that use tools, hand over and fail.
  await kit.createTask(roomId, { title: 'Call back' });
  await kit.addObservation(roomId, { channelId: 'desk', content: 'In a hurry' });
  const first = new Agent('first', {
    provider: new MockAIProvider({
      script: [{ toolCalls: [{ id: 'c', name: 'look', arguments: {} }] }, 'Done', new ProviderError('down', { provider: 'mock' })],
    }),
    tools: [{ name: 'look', description: 'Looks.', handler: () => 'seen' }],
  });
  const second = new Agent('second', { provider: new MockAIProvider() });
  for (const agent of [first, second]) {
    kit.registerChannel(agent);
    await kit.attachChannel(roomId, agent.channelId);
  }
  const [, handoff] = new ConversationPipeline({
    stages: [
      { phase: 'intake', agentId: 'first', next: 'handling' },
      { phase: 'handling', agentId: 'second' },
    ],
  }).install(kit, [first, second]);
  for (const content of ['Look', 'Fail']) await kit.processInbound({ channelId: 'phone', senderId: 'ada', content }, { roomId });
  await handoff.handle({ roomId, callingAgentId: 'first', arguments: { target: 'second' } });
  await handoff.handle({ roomId, callingAgentId: 'second', arguments: { target: 'stranger' } });

  // The end of it.
  await kit.detachChannel(roomId, 'desk');
  await kit.setRoomTimers(roomId, { inactiveAfterSeconds: 60 });
  await clock.advance(61_000);
  await kit.sweepRoomTimers();
  await kit.closeRoom(roomId);
  await clock.advance(0);
  await kit.close();

  const triggers = contract.sections.flatMap(({ entries }) => entries).filter(({ kind }) => kind === 'trigger');
  const today = triggers.filter(({ fires }) => fires === 'today').map(({ name }) => name);
  expect([...fired].sort()).toEqual([...today, 'before_tool_use', 'on_tool_call', 'on_event_updated', 'on_event_deleted'].sort());
  expect(today).toHaveLength(20);
});
