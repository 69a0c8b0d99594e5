/** inbound_*: messages into rooms, and how many rooms and events do not matter. */
import { RoomKit } from 'roomkit';
import { ceilingInbound, ceilingRoom, type CeilingRoom } from '../ceiling.js';
import { atMost, median } from '../figures.js';
import { BODY, check, type Bench, type Scenario } from '../harness.js';
import { addChannel, addRoom, assertHeard, Counter, kitWithTargets, sendInOrder } from '../rooms.js';

function sequential(name: string, targets: number): Scenario {
  return {
    name,
    async run(bench) {
      const messages = bench.size(50_000);
      const rates = await bench.compare(
        {
          messages,
          async begin() {
            const counter = new Counter();
            const kit = await kitWithTargets(targets, counter);
            return {
              work: () => sendInOrder(kit, messages),
              async end() {
                check((await kit.getRoom('room-0')).eventCount === messages + targets + 1, 'events are missing');
                check(counter.delivered === messages * targets, `${counter.delivered} deliveries of ${messages * targets}`);
                await kit.close();
              },
            };
          },
        },
        {
          messages,
          begin() {
            const counter = new Counter();
            const room = ceilingRoom('room-0');
            for (let n = 0; n <= targets; n++) room.targets.push({ channelId: `ws-${n}`, connections: [counter.send] });
            return {
              async work() {
                for (let n = 0; n < messages; n++) await ceilingInbound(room, 'ws-0', 'user-1', BODY);
              },
            };
          },
        },
      );
      bench.reportShare('msg/s', rates, 0.35);
    },
  };
}

export const inboundSequential = sequential('inbound_seq_1room', 0);
export const inboundOneToOne = sequential('inbound_seq_1to1', 1);

export const inboundConcurrent: Scenario = {
  name: 'inbound_conc_100rooms',
  async run(bench) {
    const rooms = Array.from({ length: 100 }, (_, n) => `room-${n}`);
    const each = bench.size(500, 3);
    const messages = each * rooms.length;
    /** Task i sends message k to room (i + k) mod 100. */
    const everybody = (send: (room: number, sender: string) => Promise<void>): Promise<unknown> =>
      Promise.all(
        rooms.map(async (_, task) => {
          const sender = `user-${task}`;
          for (let k = 0; k < each; k++) await send((task + k) % rooms.length, sender);
        }),
      );
    const rates = await bench.compare(
      {
        messages,
        async begin() {
          const kit = new RoomKit();
          addChannel(kit, 'ws-0', rooms, new Counter());
          for (const id of rooms) await addRoom(kit, id, ['ws-0']);
          return {
            async work() {
              await everybody(async (room, senderId) => {
                assertHeard(await kit.processInbound({ channelId: 'ws-0', senderId, content: BODY }, { roomId: rooms[room] ?? '' }));
              });
            },
            async end() {
              for (const id of rooms) check((await kit.getRoom(id)).eventCount === each + 1, `events are missing in ${id}`);
              await kit.close();
            },
          };
        },
      },
      {
        messages,
        begin() {
          const plain = rooms.map((id) => ceilingRoom(id));
          return {
            async work() {
              await everybody(async (room, senderId) => {
                await ceilingInbound(plain[room] ?? ceilingRoom(''), 'ws-0', senderId, BODY);
              });
            },
          };
        },
      },
    );
    bench.reportShare('msg/s', rates, 0.6);
  },
};

/** How long a message takes in a room of 100 events and in one of 20,000: it must not matter. */
export const inboundHistory: Scenario = {
  name: 'inbound_history',
  async run(bench) {
    const block = bench.size(1000);
    const warm = await kitWithTargets(0, new Counter());
    await sendInOrder(warm, bench.size(20_000));
    await warm.close();
    const kit = await kitWithTargets(0, new Counter());
    const room = ceilingRoom('room-0');
    const plain = async (messages: number): Promise<void> => {
      for (let n = 0; n < messages; n++) await ceilingInbound(room, 'ws-0', 'user-1', BODY);
    };
    await plain(bench.size(20_000));
    room.events.length = 0;
    let first = 0;
    for (const size of [100, 1000, 5000, 20_000]) {
      const wanted = bench.size(size, size / 100);
      await sendInOrder(kit, Math.max(0, wanted - (await kit.getRoom('room-0')).eventCount));
      await plain(Math.max(0, wanted - room.events.length));
      const ours = await microseconds(bench, block, () => sendInOrder(kit, block));
      const limit = await microseconds(bench, block, () => plain(block));
      if (size === 100) first = median(ours);
      bench.report(`at_${size}`, 'µs/msg', ours, { limit, ...(size === 20_000 && { goal: atMost(1.1 * first, '20,000 ≤ 1.1 × 100') }) });
    }
    await kit.close();
  },
};

async function microseconds(bench: Bench, count: number, work: () => Promise<void>): Promise<number[]> {
  const values: number[] = [];
  for (let repetition = 0; repetition < bench.repetitions; repetition++) {
    const startedAt = bench.seconds();
    await work();
    values.push(((bench.seconds() - startedAt) * 1e6) / count);
  }
  return values;
}

export const inboundRoute: Scenario = {
  name: 'inbound_route_10k_rooms',
  async run(bench) {
    const size = bench.size(10_000, 50);
    const messages = bench.size(50_000);
    const kit = new RoomKit();
    const plain = new Map<string, CeilingRoom>();
    for (let n = 0; n < size; n++) {
      addChannel(kit, `ws-${n}`, [`room-${n}`], new Counter());
      await addRoom(kit, `room-${n}`, [`ws-${n}`]);
      plain.set(`ws-${n}`, ceilingRoom(`room-${n}`));
    }
    /** Seeded, so that both sides and every run see the same rooms. */
    const anyRoom = (): (() => number) => {
      let seed = 1;
      return () => (seed = (seed * 48_271) % 2_147_483_647) % size;
    };
    const rates = await bench.compare(
      {
        messages,
        begin: () => ({
          async work() {
            const next = anyRoom();
            for (let n = 0; n < messages; n++) {
              const id = next();
              const result = await kit.processInbound({ channelId: `ws-${id}`, senderId: 'user-1', content: BODY });
              assertHeard(result);
              if (result.event?.roomId !== `room-${id}`) throw new Error(`A message of ws-${id} went to ${result.event?.roomId ?? 'no room'}.`);
            }
          },
        }),
      },
      {
        messages,
        begin: () => ({
          async work() {
            const next = anyRoom();
            for (let n = 0; n < messages; n++) {
              const room = plain.get(`ws-${next()}`);
              if (room !== undefined) await ceilingInbound(room, 'ws', 'user-1', BODY);
            }
          },
        }),
      },
    );
    bench.reportShare('msg/s', rates, 0.5);
    await kit.close();
  },
};
