/** A room with a phone on one side and a colleague on the other, and a vendor of text messages that does what it is told. */
import {
  TransportChannel,
  type ContentInput,
  type InboundResult,
  type Metadata,
  type RoomKitOptions,
  type TransportChannelOptions,
} from '../../src/index.js';
import { MockTransportProvider } from '../../src/testing/index.js';
import { makeKit, TestTransport, type Harness } from './harness.js';

export interface Phone extends Harness {
  readonly provider: MockTransportProvider;
  /** What arrived at the phone, in order. */
  readonly texts: () => string[];
  /** The colleague writes. */
  readonly say: (content: ContentInput) => Promise<InboundResult>;
  /** The phone answers. */
  readonly answer: (content: ContentInput, metadata?: Metadata) => Promise<InboundResult>;
}

/** A colleague at `desk` writes to a phone by SMS. */
export async function phone(options: Partial<TransportChannelOptions> = {}, kitOptions: RoomKitOptions = {}): Promise<Phone> {
  const harness = makeKit(kitOptions);
  const { kit } = harness;
  const provider = new MockTransportProvider('vendor');
  kit.registerChannel(
    new TransportChannel('sms', {
      channelType: 'sms',
      provider,
      recipientKey: 'phone_number',
      capabilities: { mediaTypes: ['text', 'media'], maxLength: 1600, overflow: 'split' },
      ...options,
    }),
  );
  kit.registerChannel(new TestTransport('desk', { channelType: 'websocket', durable: false }));
  await kit.ensureRoom({ roomId: 'r' });
  await kit.attachChannel('r', 'desk');
  await kit.attachChannel('r', 'sms', { metadata: { phone_number: '+15550100' } });
  return {
    ...harness,
    provider,
    texts: () => provider.sent.map(({ content }) => (content.type === 'text' ? content.body : content.type)),
    say: (content) => kit.processInbound({ channelId: 'desk', senderId: 'colleague', content }, { roomId: 'r' }),
    answer: (content, metadata) =>
      kit.processInbound({ channelId: 'sms', senderId: '+15550100', content, ...(metadata !== undefined && { metadata }) }, { roomId: 'r' }),
  };
}
