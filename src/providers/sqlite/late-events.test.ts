/** Events that have their place and events that wait for it look the same from outside: each step beside the store in memory. */
import { describe, expect, it } from 'vitest';
import { connectionOf, newPath, openStore } from '../../../test/support/sqlite.js';
import { verifies } from '../../../test/requirements.js';
import { InMemoryStore, type EventQuery } from '../../core/index.js';
import * as samples from '../../testing/contracts/samples.js';
import { SeededRandom } from '../../testing/simulator/random.js';
import type { Statement } from './database.js';

const ROOMS = ['a', 'b', 'c'];
const STEPS = 400;

describe('events that come into their indexes late', () => {
  it.each([1, 2, 3, 4, 5, 6])('are listed, counted, changed and removed like all others (seed %i)', async (seed) => {
    verifies('STO-06', 'STO-07', 'STO-10', 'STO-20', 'STO-23');
    const random = new SeededRandom(seed);
    const below = (limit: number): number => Math.floor(random.next() * limit);
    const path = newPath();
    let store = await openStore(path);
    const model = new InMemoryStore();
    const both = async <T>(run: (one: typeof store | InMemoryStore) => Promise<T> | T): Promise<void> => {
      const [ours, theirs] = [await run(store), await run(model)];
      expect(ours).toEqual(theirs);
    };
    for (const roomId of ROOMS) await both((one) => one.createRoom(samples.room(roomId)));
    for (let step = 0; step < STEPS; step++) {
      const roomId = ROOMS[below(ROOMS.length)] ?? 'a';
      const some = `e${below(step + 1)}`;
      switch (below(14)) {
        case 0:
          await both((one) => one.deleteEvent(roomId, some, { cascadeReplies: step % 2 === 0 }));
          break;
        case 1:
          await both((one) => {
            const event = one.getEvent(roomId, some);
            return event && one.updateEvent({ ...event, metadata: { step } });
          });
          break;
        case 2: // who searches brings everything to its place
          store.searchEvents({ text: 'hello' });
          break;
        case 3:
          store.close();
          store = await openStore(path);
          break;
        case 4:
          await both(async (one) => {
            await one.deleteRoom(roomId);
            return one.createRoom(samples.room(roomId));
          });
          break;
        case 5: // refused, and with it everything that memory holds ahead of the disk
          await expect(
            Promise.resolve(store.commitEvent({ event: samples.draft(roomId, `no-${step}`), expectedVersion: 1e6 })),
          ).rejects.toMatchObject({ code: 'conflict' });
          break;
        default: {
          const draft = samples.draft(roomId, `e${step}`, {
            createdAt: samples.at(step),
            visibility: step % 3 === 0 ? 'internal' : 'all',
            ...(step % 5 === 0 && { parentEventId: some }),
          });
          await both(async (one) => (await one.commitEvent({ event: structuredClone(draft) })).event);
        }
      }
      const query: EventQuery = {
        ...(below(2) === 0 && { newestFirst: true }),
        ...(below(2) === 0 && { limit: below(6) }),
        ...(below(3) === 0 && { offset: below(20) }),
        ...(below(3) === 0 && { afterIndex: below(40) }),
        ...(below(3) === 0 && { beforeIndex: below(60) }),
        ...(below(3) === 0 && { visibility: 'all' }),
      };
      await both((one) => one.listEvents(roomId, query));
      const afterIndex = below(40);
      await both((one) => one.countEvents(roomId, { afterIndex }));
      await both((one) => one.findRooms({}));
      await both((one) => one.readRecords({ kind: 'event', roomId, limit: 1000 }).records);
    }
    store.close();
    store = await openStore(path);
    for (const roomId of ROOMS) {
      await both((one) => one.getRoom(roomId));
      await both((one) => one.listEvents(roomId));
    }
  });

  it('are not read again because something else was refused', async () => {
    verifies('STO-12', 'STO-23');
    const store = await openStore();
    let reads = 0;
    const database = connectionOf(store);
    const prepare = database.prepare.bind(database);
    const counting = (sql: string): Statement => {
      const statement = prepare(sql);
      if (!sql.startsWith('SELECT number, json FROM events WHERE number >')) return statement;
      return {
        run: (...values) => statement.run(...values),
        get: (...values) => statement.get(...values),
        all: (...values) => (reads++, statement.all(...values)),
        setReadBigInts: (enabled) => statement.setReadBigInts(enabled),
      };
    };
    Object.defineProperty(database, 'prepare', { value: counting, configurable: true });
    await store.createRoom(samples.room('a'));
    const say = (id: string, more: object = {}): Promise<unknown> => store.commitEvent({ event: samples.draft('a', id), ...more });
    await say('e0');
    expect(reads, 'where nothing is known yet').toBe(1);
    await expect(say('e1', { expectedVersion: 99 })).rejects.toMatchObject({ code: 'conflict' });
    await say('e2');
    expect(reads).toBe(1);
    // Together with another one, whose part is taken back for it and made once more, they are.
    const [one, two] = await Promise.allSettled([say('e3'), say('e4', { expectedVersion: 99 })]);
    expect([one.status, two.status]).toEqual(['fulfilled', 'rejected']);
    await say('e5');
    expect(store.listEvents('a').map(({ id }) => id)).toEqual(['e0', 'e2', 'e3', 'e5']);
    expect(reads).toBe(2);
  });
});
