import { expect, it } from 'vitest';
import { RoomKit, silentLogger } from '../core/index.js';
import { TransportChannel } from '../channels/index.js';
import { MockIdentityResolver } from './mock-identity-resolver.js';
import { MockTransportProvider } from './mock-transport-provider.js';

it('knows whom it is told, asks itself where two may be meant, and calls everybody else what it is told to', async () => {
  const ada = { id: 'ada', displayName: 'Ada' };
  const resolver = new MockIdentityResolver({ mapping: { '+1': ada }, ambiguous: { '+1': [], '+2': [ada, { id: 'bob' }] } });
  const of = (senderId: string) => resolver.resolve({ channelId: 'sms', senderId, content: 'Hi' });
  expect(of('+1')).toEqual({ status: 'identified', identity: ada });
  expect(of('+2')).toEqual({ status: 'ambiguous', candidates: [ada, { id: 'bob' }] });
  expect(of('+3')).toEqual({ status: 'unknown' });
  expect(of('toString')).toEqual({ status: 'unknown' });
  expect(resolver.calls.map(({ senderId }) => senderId)).toEqual(['+1', '+2', '+3', 'toString']);
  expect(new MockIdentityResolver({ unknownStatus: 'rejected' }).resolve({ channelId: 'sms', senderId: '+9', content: 'Hi' })).toEqual({
    status: 'rejected',
  });
});

it('identifies senders of a kit', async () => {
  const identityResolver = new MockIdentityResolver({ mapping: { '+1': { id: 'ada', displayName: 'Ada' } } });
  await using kit = new RoomKit({ identityResolver, logger: silentLogger });
  kit.registerChannel(new TransportChannel('sms', { channelType: 'sms', provider: new MockTransportProvider() }));
  const { event } = await kit.processInbound({ channelId: 'sms', senderId: '+1', content: 'Hi' });
  expect(event?.source.participantId).toBe('ada');
  expect(identityResolver.calls).toHaveLength(1);
});
