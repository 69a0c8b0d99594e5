/** rooms_*, event_memory: what rooms and events cost, in time and at rest. */
import { RoomKit, WebSocketChannel } from 'roomkit';
import { ceilingInbound, ceilingRoom, type CeilingEvent, type CeilingRoom } from '../ceiling.js';
import { atLeast, atMost } from '../figures.js';
import { BODY, check, collectYoung, residentBytes, type Bench, type Scenario } from '../harness.js';
import { assertHeard } from '../rooms.js';

/**
 * What is made is kept, so that each repetition needs memory of its own and none that another one left; the first is the
 * warm-up, in which the heap also grows to its working size.
 */
async function repeated(bench: Bench, each: (isMeasured: boolean) => Promise<void>): Promise<void> {
  for (let repetition = bench.options.quick ? 1 : 0; repetition <= bench.repetitions; repetition++) await each(repetition > 0);
}

function rooms(full: number): Scenario {
  return {
    name: `rooms_${full / 1000}k`,
    async run(bench) {
      const size = bench.size(full, 200);
      const ids = Array.from({ length: size }, (_, n) => `room-${n}`);
      const ours = { create: [] as number[], attach: [] as number[], bytes: [] as number[] };
      const limit = { create: [] as number[], attach: [] as number[], bytes: [] as number[] };
      const kept: unknown[] = [];
      await repeated(bench, async (isMeasured) => {
        const plain = await plainRooms(bench, ids, kept);
        const kit = new RoomKit();
        kit.registerChannel(new WebSocketChannel('ws-0'));
        kept.push(kit);
        const before = await residentBytes();
        const created = bench.seconds();
        for (const roomId of ids) await kit.createRoom({ roomId });
        const create = size / (bench.seconds() - created);
        collectYoung();
        const attached = bench.seconds();
        for (const roomId of ids) await kit.attachChannel(roomId, 'ws-0');
        const attach = size / (bench.seconds() - attached);
        const bytes = ((await residentBytes()) - before) / size;
        const last = await kit.getRoom(ids.at(-1) ?? '');
        check(last.eventCount === 1 && (await kit.store.findRoomIdsByChannel('ws-0')).length === size, 'rooms are missing');
        if (!isMeasured) return;
        for (const [into, figures] of [[ours, { create, attach, bytes }] as const, [limit, plain] as const]) {
          into.create.push(figures.create);
          into.attach.push(figures.attach);
          into.bytes.push(figures.bytes);
        }
      });
      bench.report('create', '/s', ours.create, { limit: limit.create, goal: atLeast(400_000) });
      bench.report('attach', '/s', ours.attach, { limit: limit.attach, goal: atLeast(250_000) });
      bench.report('memory', 'bytes/idle room', ours.bytes, { limit: limit.bytes, goal: atMost(2400) });
    },
  };
}

export const rooms10k = rooms(10_000);
export const rooms50k = rooms(50_000);

/** The least: rooms in a map, and in each its target and the event that says so. */
async function plainRooms(bench: Bench, ids: readonly string[], kept: unknown[]): Promise<{ create: number; attach: number; bytes: number }> {
  const before = await residentBytes();
  const all = new Map<string, CeilingRoom>();
  kept.push(all);
  const created = bench.seconds();
  for (const id of ids) all.set(id, ceilingRoom(id));
  const create = ids.length / (bench.seconds() - created);
  collectYoung();
  const attached = bench.seconds();
  for (const id of ids) await plainAttach(all.get(id), 'ws-0');
  const attach = ids.length / (bench.seconds() - attached);
  return { create, attach, bytes: ((await residentBytes()) - before) / ids.length };
}

async function plainAttach(room: CeilingRoom | undefined, channelId: string): Promise<CeilingEvent | undefined> {
  if (room === undefined) return undefined;
  room.targets.push({ channelId, connections: [] });
  return (await ceilingInbound(room, channelId, 'system', `${channelId} was attached.`)).event;
}

export const eventMemory: Scenario = {
  name: 'event_memory',
  async run(bench) {
    const size = bench.size(100, 10);
    const total = size * bench.size(1000);
    const ours: number[] = [];
    const limit: number[] = [];
    const kept: unknown[] = [];
    await repeated(bench, async (isMeasured) => {
      const plain = Array.from({ length: size }, (_, n) => ceilingRoom(`room-${n}`));
      for (const room of plain) room.targets.push({ channelId: 'ws-0', connections: [] });
      kept.push(plain);
      let before = await residentBytes();
      for (let n = 0; n < total; n++) await ceilingInbound(plain[n % size] ?? ceilingRoom(''), 'ws-0', 'user-1', BODY);
      const plainBytes = ((await residentBytes()) - before) / total;

      const kit = new RoomKit();
      kept.push(kit);
      kit.registerChannel(new WebSocketChannel('ws-0'));
      for (let n = 0; n < size; n++) {
        await kit.createRoom({ roomId: `room-${n}` });
        await kit.attachChannel(`room-${n}`, 'ws-0');
      }
      before = await residentBytes();
      for (let n = 0; n < total; n++) {
        assertHeard(await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: `room-${n % size}` }));
      }
      const bytes = ((await residentBytes()) - before) / total;
      check((await kit.getRoom('room-0')).eventCount === total / size + 1, 'events are missing');
      if (!isMeasured) return;
      ours.push(bytes);
      limit.push(plainBytes);
    });
    bench.report('memory', 'bytes/event', ours, { limit, goal: atMost(1400) });
  },
};
