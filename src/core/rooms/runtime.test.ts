import { describe, expect, it } from 'vitest';
import * as samples from '../../testing/contracts/samples.js';
import { verifies } from '../../../test/requirements.js';
import { InMemoryStore } from '../store/in-memory.js';
import { RoomRuntime } from './runtime.js';

describe('the newest events of a room in memory', () => {
  it('are what was asked for at most, twice at the utmost, however many come', async () => {
    verifies('INB-04');
    const store = new InMemoryStore();
    store.createRoom(samples.room('room'));
    const runtime = new RoomRuntime('room', false, false);
    let count = 0;
    const say = (): void => {
      const { event } = store.commitEvent({ event: samples.draft('room', `e${count++}`) });
      runtime.appended(event);
    };
    say();
    for (const asked of [50, 20, 100]) {
      for (let n = 0; n < 400; n++) {
        await runtime.loadTail(store, count - 1, asked);
        expect(runtime.recent(asked).map(({ index }) => index)).toEqual(lastIndexes(count, asked));
        say();
      }
      const most = asked === 100 ? 200 : 100;
      expect(runtime.recent(Infinity).length).toBeLessThanOrEqual(most);
      expect(runtime.recentWithoutStamps(Infinity).length).toBeLessThanOrEqual(most);
    }
  });
});

function lastIndexes(count: number, wanted: number): number[] {
  const length = Math.min(count, wanted);
  return Array.from({ length }, (_, at) => count - length + at);
}
