/** rooms_*, event_memory: what rooms and events cost, in time and at rest. */
import { RoomKit, WebSocketChannel } from 'roomkit';
import { ceilingInbound, ceilingRoom, type CeilingRoom } from '../ceiling.js';
import { atLeast, atMost } from '../figures.js';
import { BODY, check, residentBytes, type Bench, type Scenario } from '../harness.js';
import { assertHeard } from '../rooms.js';

/**
 * What is made is kept, so that each repetition needs memory of its own and none that another one left; the first is the
 * warm-up, in which the heap also grows to its working size.
 */
async function bytesEach(bench: Bench, count: number, make: () => Promise<Made>): Promise<number[]> {
  const kept: unknown[] = [];
  const bytes: number[] = [];
  for (let repetition = bench.options.quick ? 1 : 0; repetition <= bench.repetitions; repetition++) {
    const made = await make();
    kept.push(made.keep);
    const before = await residentBytes();
    await made.fill();
    const used = ((await residentBytes()) - before) / count;
    if (repetition > 0) bytes.push(used);
  }
  check(kept.length > 0, 'nothing was made');
  return bytes;
}

interface Made {
  readonly keep: unknown;
  fill(): Promise<void>;
}

function rooms(full: number): Scenario {
  return {
    name: `rooms_${full / 1000}k`,
    async run(bench) {
      const size = bench.size(full, 200);
      const ids = Array.from({ length: size }, (_, n) => `room-${n}`);
      const creating = await bench.compare(
        {
          messages: size,
          begin() {
            const kit = kitOfRooms();
            return { work: () => createRooms(kit, ids), end: () => kit.close() };
          },
        },
        {
          messages: size,
          begin() {
            const all = new Map<string, CeilingRoom>();
            return { work: () => createPlain(all, ids), end: () => check(all.size === size, 'rooms are missing') };
          },
        },
      );
      bench.report('create', '/s', creating.ours, { limit: creating.limit, goal: atLeast(400_000) });
      const attaching = await bench.compare(
        {
          messages: size,
          async begin() {
            const kit = kitOfRooms();
            await createRooms(kit, ids);
            return {
              work: () => attachRooms(kit, ids),
              async end() {
                const last = await kit.getRoom(ids.at(-1) ?? '');
                check(last.eventCount === 1 && (await kit.store.findRoomIdsByChannel('ws-0')).length === size, 'rooms are missing');
                await kit.close();
              },
            };
          },
        },
        {
          messages: size,
          async begin() {
            const all = new Map<string, CeilingRoom>();
            await createPlain(all, ids);
            return { work: () => attachPlain(all, ids) };
          },
        },
      );
      bench.report('attach', '/s', attaching.ours, { limit: attaching.limit, goal: atLeast(250_000) });
      const limit = await bytesEach(bench, size, async () => {
        const all = new Map<string, CeilingRoom>();
        return {
          keep: all,
          async fill() {
            await createPlain(all, ids);
            await attachPlain(all, ids);
          },
        };
      });
      const ours = await bytesEach(bench, size, async () => {
        const kit = kitOfRooms();
        return {
          keep: kit,
          async fill() {
            await createRooms(kit, ids);
            await attachRooms(kit, ids);
          },
        };
      });
      bench.report('memory', 'bytes/idle room', ours, { limit, goal: atMost(2400) });
    },
  };
}

export const rooms10k = rooms(10_000);
export const rooms50k = rooms(50_000);

function kitOfRooms(): RoomKit {
  const kit = new RoomKit();
  kit.registerChannel(new WebSocketChannel('ws-0'));
  return kit;
}

async function createRooms(kit: RoomKit, ids: readonly string[]): Promise<void> {
  for (const roomId of ids) await kit.createRoom({ roomId });
}

async function attachRooms(kit: RoomKit, ids: readonly string[]): Promise<void> {
  for (const roomId of ids) await kit.attachChannel(roomId, 'ws-0');
}

/** The least: rooms in a map, and in each its target and the event that says so. */
async function createPlain(all: Map<string, CeilingRoom>, ids: readonly string[]): Promise<void> {
  for (const id of ids) await createOnePlain(all, id);
}

async function createOnePlain(all: Map<string, CeilingRoom>, id: string): Promise<CeilingRoom> {
  const room = ceilingRoom(id);
  all.set(id, room);
  return room;
}

async function attachPlain(all: ReadonlyMap<string, CeilingRoom>, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const room = all.get(id);
    room?.targets.push({ channelId: 'ws-0', connections: [] });
    if (room !== undefined) await ceilingInbound(room, 'ws-0', 'system', 'ws-0 was attached.');
  }
}

export const eventMemory: Scenario = {
  name: 'event_memory',
  async run(bench) {
    const size = bench.size(100, 10);
    const total = size * bench.size(1000);
    const limit = await bytesEach(bench, total, async () => {
      const plain = Array.from({ length: size }, (_, n) => ceilingRoom(`room-${n}`));
      for (const room of plain) room.targets.push({ channelId: 'ws-0', connections: [] });
      return {
        keep: plain,
        async fill() {
          for (let n = 0; n < total; n++) await ceilingInbound(plain[n % size] ?? ceilingRoom(''), 'ws-0', 'user-1', BODY);
        },
      };
    });
    const ours = await bytesEach(bench, total, async () => {
      const kit = kitOfRooms();
      const ids = Array.from({ length: size }, (_, n) => `room-${n}`);
      await createRooms(kit, ids);
      await attachRooms(kit, ids);
      return {
        keep: kit,
        async fill() {
          for (let n = 0; n < total; n++) {
            assertHeard(await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: ids[n % size] ?? '' }));
          }
          check((await kit.getRoom('room-0')).eventCount === total / size + 1, 'events are missing');
        },
      };
    });
    bench.report('memory', 'bytes/event', ours, { limit, goal: atMost(1400) });
  },
};
