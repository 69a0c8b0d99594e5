/** Hosts who follow a room hear what has become of deliveries and turns, whichever process it happened in (OUT-19). */
import { afterEach, describe, expect, it } from 'vitest';
import {
  InMemoryLockManager,
  InMemoryRealtime,
  InMemoryStore,
  silentLogger,
  UuidGenerator,
  type RealtimeMessage,
  type RoomKit,
  type RoomKitOptions,
} from '../../src/core/index.js';
import type { ServerFrame } from '../../src/channels/wire/frames.js';
import { HostView } from '../../src/channels/wire/host-view.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { makeKit, TestAgent, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

class SharedMemoryStore extends InMemoryStore {
  override readonly shared = true;
}

/** A realtime of all that keeps what was said. */
class SharedRealtime extends InMemoryRealtime {
  override readonly distributed = true as boolean as false;
  readonly said: [string, RealtimeMessage][] = [];
  override publish(channel: string, message: RealtimeMessage): void {
    this.said.push([channel, message]);
    super.publish(channel, message);
  }
  override async close(): Promise<void> {}

  /** Of outcomes, and of who follows what. */
  news(): unknown[] {
    return this.said.flatMap(([channel, message]): unknown[] => {
      const { live, type, roomIds, ended } = message as { live?: { kind: string; outcomes?: unknown }; type?: string } & Record<string, unknown>;
      if (channel.endsWith(':live') && live?.kind === 'outcomes') return [live];
      return type === 'followed' ? [{ roomIds, ended }] : [];
    });
  }
}

const open: RoomKit[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((kit) => kit.close({ drainSeconds: 0 })));
});

function world() {
  const [clock, store, lockManager, realtime] = [
    new TestClock(),
    new SharedMemoryStore(),
    new InMemoryLockManager(),
    new SharedRealtime({ ids: new UuidGenerator(), logger: silentLogger }),
  ];
  store.close = () => undefined;
  const join = (options: RoomKitOptions = {}) => {
    const { kit } = makeKit({ store, lockManager, realtime, clock, leaseSeconds: 3600, recoverIntervalSeconds: 0, ...options });
    open.push(kit);
    const texts = new TestTransport('texts', { supportsIdempotencyKey: true, providerName: 'gateway' });
    const agent = new TestAgent('helper', async () => {
      throw new Error('The model is down.');
    });
    for (const channel of [new TestTransport('desk', { durable: false }), texts, agent]) kit.registerChannel(channel);
    return { kit, texts };
  };
  return { clock, store, realtime, join };
}

/** Who follows, and what he was told. */
async function follow(kit: RoomKit): Promise<{ told: string[]; stop: () => void }> {
  const told: string[] = [];
  const stop = await kit.followRoom('room', { grown: () => undefined, outcome: (eventId, kind) => told.push(`${kind} ${eventId}`) });
  return { told, stop };
}

async function openRoom(kit: RoomKit, channels: readonly string[]): Promise<void> {
  await kit.createRoom({ roomId: 'room' });
  for (const channelId of channels) await kit.attachChannel('room', channelId, { retryPolicy: { baseDelaySeconds: 5, jitter: 'none' } });
}

describe('a host who follows a room at one process', () => {
  it('is told when another one tries again, sends, hears of the vendor and fails', async () => {
    verifies('OUT-19', 'WIRE-15', 'OUT-07');
    const { clock, join, realtime } = world();
    const [one, two] = [join(), join()];
    await openRoom(one.kit, ['desk', 'texts']);
    const frames: ServerFrame[] = [];
    const view = new HostView({
      kit: two.kit,
      clock,
      logger: silentLogger,
      send: (frame) => void frames.push(frame),
      relief: () => undefined,
    });
    await view.subscribe({ type: 'subscribe', id: '1', roomId: 'room' });
    await clock.advance(0);
    const { told } = await follow(two.kit);
    one.texts.failNext();
    const event = await one.kit.sendEvent('room', 'desk', 'a secret', { wait: 'commit' });
    const outcome = async (ms: number): Promise<unknown> => {
      frames.length = 0;
      told.length = 0;
      await clock.advance(ms);
      expect(told).toContain(`delivery ${event.id}`);
      const [row] = await two.kit.listDeliveries({ roomId: 'room' });
      const shown = frames.flatMap((frame) => (frame.type === 'event_changed' ? [frame.event.deliveryResults?.['texts']?.status] : []));
      return [row?.state, row?.lastError?.code, shown.at(-1)];
    };
    expect(await outcome(1000)).toEqual(['queued', 'unavailable', 'queued']);
    expect(await outcome(6000)).toEqual(['sent', 'unavailable', 'sent']);
    const [row] = await one.kit.listDeliveries({ roomId: 'room' });
    const status = { provider: row?.provider ?? '', messageId: row?.providerMessageId ?? '', channelId: 'texts' };
    for (const next of ['delivered', 'read'] as const) {
      await one.kit.processDeliveryStatus({ ...status, status: next });
      expect(await outcome(1000)).toEqual([next, 'unavailable', 'sent']);
    }
    await one.kit.sendEvent('room', 'desk', 'another', { wait: 'commit' });
    await clock.advance(1000);
    expect(JSON.stringify(realtime.news())).not.toMatch(/secret|another/);
    view.close();
  });

  it('is told of a turn that came to nothing there', async () => {
    verifies('OUT-19', 'TURN-07');
    const { clock, join } = world();
    const [one, two] = [join(), join()];
    await openRoom(one.kit, ['desk', 'helper']);
    const { told } = await follow(two.kit);
    await clock.advance(0);
    const { event } = await one.kit.processInbound({ channelId: 'desk', senderId: 'ada', content: 'hello' }, { roomId: 'room' });
    await clock.advance(1000);
    expect(told).toContain(`turn ${event?.id}`);
    expect((await two.kit.listTurns({ roomId: 'room' })).map(({ state }) => state)).toEqual(['failed']);
  });

  it('is told by a process that began after him', async () => {
    verifies('OUT-19');
    const { clock, join } = world();
    const two = join();
    await openRoom(two.kit, ['desk', 'texts']);
    const { told } = await follow(two.kit);
    await clock.advance(1000);
    const late = join();
    await clock.advance(0);
    const event = await late.kit.sendEvent('room', 'desk', 'hello', { wait: 'commit' });
    await clock.advance(1000);
    expect(told).toContain(`delivery ${event.id}`);
  });

  it('costs the others nothing before he comes, once he has left, and once his process is gone', async () => {
    verifies('OUT-19');
    const { clock, join, realtime } = world();
    const [one, two] = [join(), join()];
    await openRoom(one.kit, ['desk', 'texts', 'helper']);
    const say = async (): Promise<number> => {
      await one.kit.processInbound({ channelId: 'desk', senderId: 'ada', content: 'hello' }, { roomId: 'room' });
      await clock.advance(1000);
      return realtime.news().length;
    };
    expect(await say(), 'nobody follows').toBe(0);
    const first = await follow(two.kit);
    const second = await follow(two.kit);
    await clock.advance(0);
    expect(realtime.news()).toEqual([{ roomIds: ['room'], ended: undefined }]);
    const followed = await say();
    expect(followed, 'all that happened, in one message or two').toBeLessThanOrEqual(3);
    expect(followed).toBeGreaterThan(1);
    first.stop();
    expect(await say(), 'one is still there').toBeGreaterThan(followed);
    second.stop();
    await clock.advance(0);
    expect(realtime.news().at(-1)).toEqual({ roomIds: undefined, ended: ['room'] });
    const left = realtime.news().length;
    expect(await say(), 'nobody follows any more').toBe(left);
    // A process that is gone without a word.
    realtime.publish('kits', { type: 'followed', from: 'somebody', roomIds: ['room'] });
    await clock.advance(29_000);
    const held = realtime.news().length;
    expect(await say()).toBeGreaterThan(held);
    await clock.advance(1000);
    const over = realtime.news().length;
    expect(await say(), 'what was said no longer holds').toBe(over);
  });

  it('goes on being told for as long as he follows', async () => {
    verifies('OUT-19');
    const { clock, join } = world();
    const [one, two] = [join(), join()];
    await openRoom(one.kit, ['desk', 'texts']);
    const { told } = await follow(two.kit);
    await clock.advance(300_000);
    await one.kit.sendEvent('room', 'desk', 'hello', { wait: 'commit' });
    await clock.advance(1000);
    expect(told).not.toEqual([]);
  });

  it('of the only process hears what the vendor reports', async () => {
    verifies('OUT-19', 'OUT-07');
    const { kit, clock } = makeKit();
    open.push(kit);
    for (const channel of [new TestTransport('desk', { durable: false }), new TestTransport('texts', { providerName: 'gateway' })])
      kit.registerChannel(channel);
    await openRoom(kit, ['desk', 'texts']);
    const { told, stop } = await follow(kit);
    const event = await kit.sendEvent('room', 'desk', 'hello');
    await clock.advance(1000);
    told.length = 0;
    const [row] = await kit.listDeliveries({ roomId: 'room' });
    await kit.processDeliveryStatus({
      provider: row?.provider ?? '',
      messageId: row?.providerMessageId ?? '',
      channelId: 'texts',
      status: 'delivered',
    });
    await clock.advance(1000);
    expect(told).toEqual([`delivery ${event.id}`]);
    stop();
    await kit.sendEvent('room', 'desk', 'more');
    await clock.advance(1000);
    expect(told).toHaveLength(1);
  });
});
