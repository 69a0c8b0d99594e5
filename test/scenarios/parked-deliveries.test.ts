/** Deliveries that a vendor takes only once the recipient has written again. */
import { describe, expect, it } from 'vitest';
import {
  InMemoryLockManager,
  InMemoryStore,
  TransportChannel,
  type ConversationStore,
  type InboundResult,
  type OutboxRow,
  type ProviderResult,
  type RoomKit,
  type RoomKitOptions,
} from '../../src/index.js';
import { MockTransportProvider } from '../../src/testing/index.js';
import type { TestClock } from '../../src/testing/test-clock.js';
import { makeKit, TestTransport } from '../support/harness.js';
import { newPath, openStore } from '../support/sqlite.js';
import { verifies } from '../requirements.js';

/** As one that several processes share. */
class SharedMemoryStore extends InMemoryStore {
  override readonly shared = true;
}

const CLOSED: ProviderResult = { success: false, error: 'outside_window', retryable: false, again: 'after_inbound', waitSeconds: 86_400 };

/** A vendor with a window: closed, it takes templates alone. */
class WindowVendor extends MockTransportProvider {
  readonly parksDeliveries = true;
  isOpen = false;

  constructor() {
    super('vendor');
    this.onSend = ({ content }) => {
      if (!this.isOpen && content.type !== 'template') this.failNext(CLOSED);
    };
  }

  get words(): string[] {
    return this.sent.map(({ content }) => (content.type === 'text' ? content.body : content.type));
  }
}

interface Scene {
  readonly kit: RoomKit;
  readonly clock: TestClock;
  readonly vendor: WindowVendor;
  readonly say: (body: string) => Promise<InboundResult>;
  readonly answer: (body: string) => Promise<InboundResult>;
  readonly rows: () => Promise<readonly OutboxRow[]>;
}

async function scene(store?: ConversationStore, clock?: TestClock, more: RoomKitOptions = {}): Promise<Scene> {
  const harness = makeKit({ ...more, ...(store !== undefined && { store }), ...(clock !== undefined && { clock }) });
  const { kit } = harness;
  const vendor = new WindowVendor();
  kit.registerChannel(
    new TransportChannel('chat', {
      channelType: 'whatsapp',
      provider: vendor,
      recipientKey: 'phone_number',
      capabilities: { mediaTypes: ['text', 'template'] },
    }),
  );
  kit.registerChannel(new TestTransport('desk', { channelType: 'websocket', durable: false, capabilities: { mediaTypes: ['text', 'template'] } }));
  await kit.ensureRoom({ roomId: 'r' });
  await kit.attachChannel('r', 'desk');
  await kit.attachChannel('r', 'chat', { metadata: { phone_number: '+15550100' } });
  return {
    kit,
    clock: clock ?? harness.clock,
    vendor,
    say: (body) => kit.processInbound({ channelId: 'desk', senderId: 'ben', content: body }, { roomId: 'r' }),
    answer: (body) => kit.processInbound({ channelId: 'chat', senderId: '+15550100', content: body }, { roomId: 'r' }),
    rows: () => kit.listDeliveries({ roomId: 'r', channelId: 'chat' }),
  };
}

const states = (rows: readonly OutboxRow[]): string[] => rows.map(({ state }) => state);

describe('parked deliveries', () => {
  it('wait until the recipient writes, and go out in their order before what is said then', async () => {
    verifies('OUT-17', 'OUT-02');
    const { kit, vendor, say, answer, rows, clock } = await scene();
    const told: unknown[] = [];
    kit.on('delivery_parked', ({ data }) => void told.push(data['code']));
    expect((await say('One')).deliveryResults['chat']).toMatchObject({ status: 'queued' });
    await say('Two');
    expect(states(await rows())).toEqual(['queued', 'queued']);
    expect((await rows())[0]).toMatchObject({ attempts: 1, lastError: { code: 'outside_window' } });
    expect(told).toEqual(['outside_window', 'outside_window']);
    await clock.advance(3 * 3_600_000); // longer than deliveries last otherwise
    expect(vendor.requests).toHaveLength(2); // nobody asks in between
    vendor.isOpen = true;
    await answer('Hello');
    await say('Three');
    expect(vendor.words).toEqual(['One', 'Two', 'Three']);
    expect(states(await rows())).toEqual(['sent', 'sent', 'sent']);
    expect(new Set(vendor.sent.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
  });

  it('are passed by what the vendor takes, and do not count for its breaker', async () => {
    verifies('OUT-17', 'RES-01');
    const { kit, vendor, say, rows } = await scene();
    for (let n = 0; n < 8; n++) await say(`Waiting ${n}`);
    const template = { type: 'template', templateId: 'reminder', body: 'We have news.' } as const;
    const result = await kit.processInbound({ channelId: 'desk', senderId: 'ben', content: template }, { roomId: 'r' });
    expect(result.deliveryResults['chat']).toMatchObject({ status: 'sent' });
    expect(vendor.words).toEqual(['template']);
    expect(states(await rows()).filter((state) => state === 'queued')).toHaveLength(8);
  });

  it('wait on when the vendor still refuses, and end at their time, not silently', async () => {
    verifies('OUT-17', 'OUT-10');
    const { kit, vendor, say, answer, rows, clock } = await scene();
    const failed: unknown[] = [];
    kit.on('delivery_failed', ({ data }) => void failed.push(data['code']));
    await say('One');
    await answer('Hello'); // and the vendor does not know of it yet
    await clock.advance(1);
    expect(vendor.requests).toHaveLength(2);
    expect(states(await rows())).toEqual(['queued']);
    await clock.advance(86_400_000 + 10);
    expect(states(await rows())).toEqual(['expired']);
    expect(failed).toEqual(['expired']);
    vendor.isOpen = true;
    await answer('Too late');
    expect(vendor.sent).toEqual([]);
  });

  it('are cancelled with their channel, and by hand', async () => {
    verifies('OUT-13', 'OUT-17');
    const { kit, vendor, say, answer, rows } = await scene();
    await say('One');
    await say('Two');
    const [first] = await rows();
    expect(await kit.cancelDelivery(first?.id ?? '')).toBe(true);
    vendor.isOpen = true;
    await answer('Hello');
    await say('Three');
    expect(vendor.words).toEqual(['Two', 'Three']);
    vendor.isOpen = false;
    await say('Four');
    await kit.detachChannel('r', 'chat');
    expect(states(await rows())).toEqual(['cancelled', 'sent', 'sent', 'cancelled']);
  });

  it('survive a restart', async () => {
    verifies('OUT-17', 'OUT-08');
    const path = newPath();
    const first = await scene(await openStore(path));
    await first.say('One');
    await first.say('Two');
    await first.kit.close();
    const second = await scene(await openStore(path), first.clock);
    await second.clock.advance(60_000);
    expect(second.vendor.requests).toEqual([]);
    second.vendor.isOpen = true;
    await second.answer('Hello');
    await second.say('Three');
    expect(second.vendor.words).toEqual(['One', 'Two', 'Three']);
    await second.kit.close();
  });

  it('are taken by one of several processes that are told of messages at once', async () => {
    verifies('OUT-17', 'INV-08');
    const [store, lockManager] = [new SharedMemoryStore(), new InMemoryLockManager()];
    const first = await scene(store, undefined, { lockManager });
    const second = await scene(store, first.clock, { lockManager });
    for (const body of ['One', 'Two', 'Three']) await first.say(body);
    for (const { vendor } of [first, second]) vendor.isOpen = true;
    await Promise.all([first.answer('Hello'), second.answer('Are you there?')]);
    await Promise.all([first.kit.settled(), second.kit.settled()]);
    expect([...first.vendor.words, ...second.vendor.words]).toEqual(['One', 'Two', 'Three']);
    await Promise.all([first.kit.close(), second.kit.close()]);
  });

  it('take back a message that the vendor took and refused afterwards', async () => {
    verifies('OUT-17', 'OUT-07');
    const { kit, vendor, say, answer, rows } = await scene();
    vendor.isOpen = true;
    await say('One');
    const [row] = await rows();
    const status = { provider: 'vendor', messageId: row?.providerMessageId ?? '', status: 'failed', errorCode: 'outside_window' } as const;
    await kit.processDeliveryStatus({ ...status, again: 'after_inbound', waitSeconds: 60 });
    expect(states(await rows())).toEqual(['queued']);
    await answer('Hello');
    await say('Two');
    expect(vendor.words).toEqual(['One', 'One', 'Two']);
  });

  it('stay so when the refusal is faster than the answer of the vendor', async () => {
    verifies('OUT-17', 'OUT-07');
    const { kit, vendor, say, answer, rows } = await scene();
    vendor.onSend = async ({ idempotencyKey }) => {
      if (vendor.requests.length > 1) return;
      const status = { provider: 'vendor', channelId: 'chat', messageId: 'early', idempotencyKey, status: 'failed' } as const;
      await kit.processDeliveryStatus({ ...status, errorCode: 'outside_window', again: 'after_inbound' });
    };
    expect((await say('One')).deliveryResults['chat']).toMatchObject({ status: 'queued' });
    expect(states(await rows())).toEqual(['queued']);
    await answer('Hello');
    await say('Two');
    expect(vendor.words).toEqual(['One', 'One', 'Two']);
    expect(states(await rows())).toEqual(['sent', 'sent']);
  });

  it('are tried again at once where another form may do, and only once', async () => {
    verifies('OUT-17');
    const { kit, vendor, say, rows } = await scene();
    vendor.isOpen = true;
    await say('One');
    const failed = async (): Promise<void> => {
      const [row] = await rows();
      const status = { provider: 'vendor', messageId: row?.providerMessageId ?? '', status: 'failed', errorCode: 'outside_window' } as const;
      await kit.processDeliveryStatus({ ...status, again: 'at_once' });
      await kit.settled();
    };
    await failed();
    expect(vendor.requests.map(({ previousError }) => previousError)).toEqual([undefined, 'outside_window']);
    expect(states(await rows())).toEqual(['sent']);
    await failed();
    expect(states(await rows())).toEqual(['failed']);
    expect(vendor.requests).toHaveLength(2);
  });
});
