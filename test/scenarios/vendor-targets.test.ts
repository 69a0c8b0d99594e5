/** What a vendor says of its own messages, by their ids: taps and reactions find the event (§3.1, INB-25). */
import { describe, expect, it } from 'vitest';
import { TransportChannel, type EphemeralEvent, type InboundMessage, type Metadata } from '../../src/index.js';
import { MockTransportProvider } from '../../src/testing/index.js';
import { makeKit, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

async function scene() {
  const { kit, clock } = makeKit();
  const provider = new MockTransportProvider('vendor');
  kit.registerChannel(
    new TransportChannel('chat', {
      channelType: 'telegram',
      provider,
      recipientKey: 'address',
      capabilities: { mediaTypes: ['text', 'rich'], supportsButtons: true, supportsQuickReplies: true, custom: { types_choices: true } },
    }),
  );
  kit.registerChannel(new TestTransport('desk', { channelType: 'websocket', durable: false }));
  await kit.ensureRoom({ roomId: 'r' });
  await kit.attachChannel('r', 'desk');
  await kit.attachChannel('r', 'chat', { metadata: { address: 'ada' } });
  const say = async (content: InboundMessage['content']): Promise<string> => {
    const { event } = await kit.processInbound({ channelId: 'desk', senderId: 'bob', content }, { roomId: 'r' });
    return event?.id ?? '';
  };
  const come = async (message: Omit<InboundMessage, 'channelId' | 'senderId'>): Promise<Metadata | undefined> => {
    const { event } = await kit.processInbound({ channelId: 'chat', senderId: 'ada', ...message }, { roomId: 'r' });
    return event?.metadata;
  };
  return { kit, clock, provider, say, come };
}

const LONG = `${'x'.repeat(80)}-1`;

describe('a tap on a button of a message', () => {
  it('knows the event the button was in, and what the vendor had no room for', async () => {
    verifies('INB-29');
    const { say, come } = await scene();
    const eventId = await say({
      type: 'rich',
      body: 'Which?',
      buttons: [
        { id: 'a', label: 'A', kind: 'reply', value: 'first' },
        { id: LONG, label: 'B', kind: 'reply', value: 'second' },
      ],
    });
    const tap = (action: object): Promise<Metadata | undefined> => come({ content: 'A', metadata: { target_external_id: 'vendor-1', action } });
    expect((await tap({ id: 'a', kind: 'reply' }))?.['action']).toEqual({ id: 'a', kind: 'reply', value: 'first', source_event_id: eventId });
    expect((await tap({ id: 'a', kind: 'reply', value: 'other' }))?.['action']).toMatchObject({ value: 'other', source_event_id: eventId });
    expect((await tap({ id: 'x'.repeat(64), kind: 'reply' }))?.['action']).toMatchObject({ id: LONG, value: 'second', source_event_id: eventId });
  });

  it('stays as the vendor told it when nobody knows the message', async () => {
    verifies('INB-29');
    const { say, come } = await scene();
    await say('No buttons');
    const action = { id: 'a', kind: 'reply' };
    expect((await come({ content: 'A', metadata: { target_external_id: 'vendor-99', action } }))?.['action']).toEqual(action);
    expect((await come({ content: 'A', metadata: { action } }))?.['action']).toEqual(action);
  });
});

describe('a key in place of the letters', () => {
  it('writes its label, and is the tap of what was suggested', async () => {
    verifies('TRC-05');
    const { say, come } = await scene();
    const eventId = await say({ type: 'rich', body: 'When?', quickReplies: [{ id: 'today', label: 'Today', value: '0' }, 'Tomorrow'] });
    expect((await come({ content: 'today' }))?.['action']).toEqual({
      id: 'today',
      value: '0',
      kind: 'reply',
      source_event_id: eventId,
      typed: 'today',
    });
    expect((await come({ content: 'Some day' }))?.['action']).toBeUndefined();
  });
});

describe('a reaction to a message', () => {
  it('names the event, whether it came or went over the channel', async () => {
    verifies('INB-25');
    const { kit, say, come } = await scene();
    const heard: EphemeralEvent[] = [];
    await kit.subscribeRoom('r', (event) => void heard.push(event));
    const went = await say('Hello');
    const came = await kit.processInbound({ channelId: 'chat', senderId: 'ada', content: 'Hi', externalId: 'ada:7' }, { roomId: 'r' });
    const react = (target: string): Promise<unknown> =>
      come({ content: '👍', eventType: 'reaction', metadata: { emoji: '👍', action: 'add', target_external_id: target } });
    await react('vendor-1');
    await react('ada:7');
    await react('ada:99');
    expect(heard.map(({ data }) => data['event_id'])).toEqual([went, came.event?.id, undefined]);
  });
});
