/** What somebody meets who uses RoomKit for the first time: results and mistakes that explain themselves. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InMemoryStore, RoomKit, RoomNotFoundError, SystemClock, WebSocketChannel } from '../src/index.js';
import { verifies } from './requirements.js';

describe('the result of a first message', () => {
  it('prints as what it says, without what the kit keeps in it', async () => {
    await using kit = new RoomKit();
    for (const id of ['web', 'desk']) kit.registerChannel(new WebSocketChannel(id));
    await kit.createRoom({ roomId: 'room-1' });
    await kit.attachChannel('room-1', 'web');
    await kit.attachChannel('room-1', 'desk');
    const result = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'hello' }, { roomId: 'room-1' });

    const fields = ['blocked', 'deliveryResults', 'duplicate', 'event', 'turns'];
    expect(Object.keys(JSON.parse(JSON.stringify(result)) as object).sort()).toEqual(fields);
    const printed = inspect(result, { depth: 0 });
    for (const field of fields) expect(printed).toContain(`${field}:`);
    expect(printed).not.toContain('outcome');
  });
});

describe('a program that starts again on its store', () => {
  it('finds its room and channels as they are, and the timeline does not count its starts', async () => {
    verifies('ROOM-01', 'CHO-03');
    const store = new InMemoryStore();
    const created: unknown[] = [];
    for (const tag of ['first start', 'second start']) {
      const kit = new RoomKit({ store });
      kit.hook('on_room_created', (event) => void created.push(event.roomId));
      kit.registerChannel(new WebSocketChannel('web'));
      const room = await kit.ensureRoom({ roomId: 'room-1', metadata: { tag } });
      expect(room.metadata).toEqual({ tag: 'first start' });
      await kit.attachChannel('room-1', 'web', { access: 'read_only', metadata: { of: 'ada' } });
      expect(await kit.getTimeline('room-1')).toHaveLength(1);
    }
    expect(created).toEqual(['room-1']);

    const kit = new RoomKit({ store });
    kit.registerChannel(new WebSocketChannel('web'));
    await kit.attachChannel('room-1', 'web', { access: 'read_write' });
    expect(await kit.getTimeline('room-1')).toHaveLength(2);
    const both = await Promise.all([kit.ensureRoom({ roomId: 'room-2' }), kit.ensureRoom({ roomId: 'room-2' })]);
    expect(both.map(({ id }) => id)).toEqual(['room-2', 'room-2']);
    const stranger = new RoomKit({ store, organizationId: 'another' });
    await expect(stranger.ensureRoom({ roomId: 'room-1' })).rejects.toThrow(RoomNotFoundError);
  });
});

describe('a script that awaits an answer', () => {
  // A model that pauses, or a delivery that is tried again: nothing else may keep a small script running.
  const keepAlive = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  it('sleeps with a timer that counts, and sets those that do not', async () => {
    verifies('CON-03');
    const before = keepAlive();
    const clock = new SystemClock();
    const timer = clock.setTimer(3_600_000, () => undefined);
    expect(keepAlive()).toBe(before);
    const stop = new AbortController();
    const slept = clock.sleep(3_600_000, stop.signal).catch((error: unknown) => error);
    expect(keepAlive()).toBe(before + 1);
    stop.abort(new Error('enough'));
    expect(await slept).toEqual(new Error('enough'));
    timer.cancel();
    expect(keepAlive()).toBe(before);
  });
});
