/** pg_inbound_seq, pg_inbound_conc_100rooms, pg_two_processes_100rooms, recovery_time: kits over a PostgreSQL server of their own. */
import { extractText, type RoomKit } from 'roomkit';
import { Fellow } from '../fellows.js';
import { atMost } from '../figures.js';
import { check, type Bench, type Scenario } from '../harness.js';
import { addRoom } from '../rooms.js';
import { postgresServer } from '../servers.js';
import { newSchema, openSharedKit, PlainPostgres, sayInRooms, type Place } from '../shared-kit.js';

const ROOMS = 100;
const LEASE_SECONDS = 5;

/** With a server, or not at all. */
export function onPostgres(name: string, run: (bench: Bench, place: Place) => Promise<void>): Scenario {
  return {
    name,
    async run(bench) {
      const server = await postgresServer();
      if (typeof server === 'string') {
        bench.skip(server);
        return;
      }
      try {
        await run(bench, { url: server.url, schema: newSchema() });
      } finally {
        await server.stop();
      }
    },
  };
}

export const pgInbound = onPostgres('pg_inbound_seq', (bench, place) => compare(bench, place, 1, bench.size(2_000)));
export const pgInboundConcurrent = onPostgres('pg_inbound_conc_100rooms', (bench, place) => compare(bench, place, ROOMS, bench.size(50, 1)));

/** So many tasks, each of which says so many messages; one row each is the ceiling. */
async function compare(bench: Bench, place: Place, rooms: number, each: number): Promise<void> {
  const kit = await openSharedKit(place);
  const plain = await PlainPostgres.open(place);
  try {
    for (let n = 0; n < rooms; n++) await addRoom(kit, `room-${n}`, ['ws-0']);
    const messages = rooms * each;
    const rates = await bench.compare(
      {
        messages,
        async begin() {
          const before = await kit.store.countEvents('room-0');
          return {
            work: () => sayInRooms(kit, rooms, each),
            end: async () => check((await kit.store.countEvents('room-0')) === before + each, 'events are missing'),
          };
        },
      },
      { messages, begin: () => ({ work: () => plain.insertInRooms(rooms, each) }) },
    );
    bench.reportShare('msg/s', rates, 0.6);
  } finally {
    await plain.close();
    await kit.close();
  }
}

/** Two processes say in the same hundred rooms, under locks of PostgreSQL. The wall's time: the other process has its own processor time. */
export const pgTwoProcesses = onPostgres('pg_two_processes_100rooms', async (bench, place) => {
  const kit = await openSharedKit(place, { leaseSeconds: 30 });
  const plain = await PlainPostgres.open(place);
  const fellow = new Fellow();
  try {
    for (let n = 0; n < ROOMS; n++) await addRoom(kit, `room-${n}`, ['ws-0']);
    await fellow.tell({ do: 'open_kit', place, leaseSeconds: 30 });
    await fellow.tell({ do: 'open_plain', place });
    const each = bench.size(30, 1);
    const ours = async (): Promise<void> => {
      const before = await countAll(kit);
      await Promise.all([sayInRooms(kit, ROOMS, each), fellow.tell({ do: 'say', rooms: ROOMS, each })]);
      check((await countAll(kit)) === before + 2 * ROOMS * each, 'events are missing, or there are too many');
    };
    const limit = async (): Promise<void> => {
      await Promise.all([plain.insertInRooms(ROOMS, each), fellow.tell({ do: 'insert', rooms: ROOMS, each })]);
    };
    const rates = await takingTurns(bench, 2 * ROOMS * each, ours, limit);
    bench.report('throughput', 'msg/s', rates.ours, { limit: rates.limit });
  } finally {
    await fellow.end();
    await plain.close();
    await kit.close();
  }
});

async function countAll(kit: RoomKit): Promise<number> {
  let count = 0;
  for (let n = 0; n < ROOMS; n++) count += await kit.store.countEvents(`room-${n}`);
  return count;
}

/** Operations per second of the wall's time, once for each repetition; one round of each goes before. */
export async function takingTurns(
  bench: Bench,
  operations: number,
  ours: () => Promise<void>,
  limit: () => Promise<void>,
): Promise<{ ours: number[]; limit: number[] }> {
  const rates = { ours: [] as number[], limit: [] as number[] };
  for (let round = bench.options.quick ? 1 : 0; round <= bench.repetitions; round++) {
    for (const [side, work] of [['limit', limit] as const, ['ours', ours] as const]) {
      const startedAt = performance.now();
      await work();
      if (round > 0) rates[side].push((operations / (performance.now() - startedAt)) * 1000);
    }
  }
  return rates;
}

/** A process is killed while a vendor has its delivery; until another one delivers it. The wall's time. */
export const recoveryTime = onPostgres('recovery_time', async (bench, place) => {
  const leaseSeconds = bench.options.quick ? 1 : LEASE_SECONDS;
  let delivered: (() => void) | undefined;
  const survivor = await openSharedKit(place, {
    leaseSeconds,
    send: ({ event }) => {
      if (extractText(event) === 'left behind') delivered?.();
      return { success: true };
    },
  });
  try {
    const seconds: number[] = [];
    for (let repetition = 0; repetition < bench.repetitions; repetition++) {
      const roomId = `room-${repetition}`;
      await addRoom(survivor, roomId, ['ws-0', 'texts']);
      const owner = new Fellow();
      await owner.tell({ do: 'open_kit', place, leaseSeconds, hangs: true });
      const recovered = new Promise<void>((resolve) => (delivered = resolve));
      const hanging = owner.next('hanging');
      await owner.tell({ do: 'say_one', roomId });
      await hanging;
      await owner.kill();
      const killedAt = performance.now();
      await recovered;
      seconds.push((performance.now() - killedAt) / 1000);
    }
    bench.report('first_delivery', 's', seconds, { goal: atMost(leaseSeconds + 1, `≤ lease (${leaseSeconds} s) + 1 s`) });
  } finally {
    await survivor.close();
  }
});
