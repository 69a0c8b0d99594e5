import { describe, expect, it } from 'vitest';
import { RoomKit, silentLogger, type EventCommit } from '../../core/index.js';
import { WebSocketChannel } from '../../channels/index.js';
import * as samples from '../../testing/contracts/samples.js';
import { verifies } from '../../../test/requirements.js';
import { intercept, newPath, openStore } from '../../../test/support/sqlite.js';
import { SqliteStore } from './index.js';

describe('full-text search in SQLite', () => {
  it('follows edits, deletes and removed rooms, however long ago a word was written', async () => {
    verifies('STO-09', 'EDT-04');
    const store = await SqliteStore.open(':memory:');
    const kit = new RoomKit({ store, logger: silentLogger });
    kit.registerChannel(new WebSocketChannel('web'));
    for (const roomId of ['a', 'b']) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'web');
    }
    const say = (content: Parameters<RoomKit['sendEvent']>[2], roomId = 'a') => kit.sendEvent(roomId, 'web', content, { participantId: 'ada' });
    const words = async (text: string): Promise<unknown[]> =>
      store.searchEvents({ text }).map((event) => (event.content.type === 'text' ? event.content.body : event.content.type));
    const [first, second] = [await say('red apples'), await say('green apples')];
    for (let n = 0; n < 50; n++) await say(`filler ${n}`); // each in a transaction of its own
    await say('blue apples', 'b');
    await say({ type: 'edit', targetEventId: first.id, newContent: { type: 'text', body: 'red pears' } });
    await say({ type: 'delete', targetEventId: second.id });
    expect([await words('apples'), await words('pears'), await words('green')]).toEqual([['blue apples'], ['red pears'], []]);
    await kit.deleteRoom('b');
    expect(await words('apples')).toEqual([]);
    await kit.deleteEvent('a', first.id);
    expect(await words('pears')).toEqual([]);
    await kit.close();
  });

  it('finds what was just said, in the batches in which it is indexed and after a restart', async () => {
    verifies('STO-09', 'STO-12');
    const path = newPath();
    let store = await openStore(path);
    await store.createRoom(samples.room('room'));
    const body = (n: number): string => `parcel ${n}${n % 100 === 0 ? ' needle' : ''}`;
    const say = (n: number): Promise<unknown> =>
      store.commitEvent({ event: samples.draft('room', `e${n}`, { content: { type: 'text', body: body(n) } }) });
    const found = (text: string): number[] => store.searchEvents({ text, limit: 2_000 }).map(({ index }) => index);
    for (let n = 0; n < 3; n++) await say(n);
    expect(found('parcel')).toEqual([2, 1, 0]);
    await Promise.all(Array.from({ length: 1_200 }, (_, n) => say(n + 3)));
    // What waits for the index is changed and removed like everything else, and so is what is in it.
    for (const n of [2, 1_202]) await store.commitEvent(edit(`edit-${n}`, `e${n}`, `haystack ${n}`));
    await store.deleteEvent('room', 'e1201');
    await store.deleteEvent('room', 'e0');
    store.close();
    store = await openStore(path);
    expect(found('haystack')).toEqual([1_202, 2]);
    expect(found('parcel')).toHaveLength(1_203 - 4);
    expect(found('needle').reverse()).toEqual(Array.from({ length: 12 }, (_, n) => (n + 1) * 100));
    // The numbers of removed rows are given again, to what comes next.
    await store.deleteEvent('room', 'edit-1202');
    await say(9_900);
    expect(found('needle')[0]).toBe(store.getRoom('room')?.latestIndex);
  });

  it('knows what waits for the index when writes of a group are refused, or all of them fail', async () => {
    verifies('STO-09', 'STO-12');
    const store = await openStore();
    await store.createRoom(samples.room('room'));
    await store.createRoom(samples.room('other'));
    const say = (id: string, body: string, roomId = 'room'): Promise<unknown> =>
      store.commitEvent({ event: samples.draft(roomId, id, { content: { type: 'text', body } }), outbox: [samples.row(roomId, body, 'sms')] });
    const found = (text: string): string[] => store.searchEvents({ text }).map(({ id }) => id);
    expect(found('anything')).toEqual([]);
    // The second is refused when its event is written: the third gets its number.
    const results = await Promise.allSettled([say('e0', 'apple'), say('e1', 'apple'), say('e2', 'pear')]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([found('apple'), found('pear')]).toEqual([['e0'], ['e2']]);
    let fails = true;
    intercept(store, (sql, execute) => {
      if (sql === 'COMMIT' && fails) throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
      execute();
    });
    await expect(say('e3', 'plum')).rejects.toMatchObject({ code: 'store_failed' });
    fails = false;
    await say('e4', 'cherry');
    await say('e5', 'lemon', 'other');
    await store.deleteRoom('other');
    await store.updateEvent({ ...samples.draft('room', 'e4'), content: { type: 'text', body: 'melon' } });
    await say('e6', 'grape');
    expect(['plum', 'cherry', 'lemon', 'melon', 'grape'].map(found)).toEqual([[], [], [], ['e4'], ['e6']]);
  });

  it('finds as much where the index cannot be written just now', async () => {
    verifies('STO-09');
    const store = await openStore();
    await store.createRoom(samples.room('room'));
    await store.commitEvent({ event: samples.draft('room', 'e0', { content: { type: 'text', body: 'a needle' } }) });
    let isFull = true;
    intercept(store, (sql, execute) => {
      if (sql === 'COMMIT' && isFull) throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
      execute();
    });
    await store.commitEvent(edit('e1', 'e0', 'a haystack')).catch(() => undefined);
    for (let again = 0; again < 2; again++) {
      expect(store.searchEvents({ text: 'needle' })).toMatchObject([{ id: 'e0' }]);
      expect(store.searchEvents({ text: 'haystack' })).toEqual([]);
    }
    isFull = false;
    expect(store.searchEvents({ text: 'needle' })).toHaveLength(1);
  });
});

function edit(id: string, eventId: string, body: string): EventCommit {
  return {
    event: samples.draft('room', id, { type: 'edit', content: { type: 'edit', targetEventId: eventId, newContent: { type: 'text', body } } }),
    target: { eventId, content: { type: 'text', body }, metadata: { edited: true } },
  };
}
