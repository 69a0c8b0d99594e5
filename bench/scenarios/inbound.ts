/** inbound_*: messages into rooms. */
import { RoomKit, WebSocketChannel, HookResult } from 'roomkit';
import { ceilingInbound, ceilingRoom, type CeilingRoom } from '../ceiling.js';
import { BODY, check, compare, median, rates, REPETITIONS, spread, type Scenario } from '../harness.js';

const noop = async (): Promise<void> => undefined;

async function room(kit: RoomKit, roomId: string, channels: readonly string[]): Promise<void> {
  await kit.createRoom({ roomId });
  for (const id of channels) await kit.attachChannel(roomId, id);
}

function channel(kit: RoomKit, id: string, rooms: readonly string[]): void {
  const web = new WebSocketChannel(id);
  kit.registerChannel(web);
  void web.registerConnection(`${id}-connection`, noop, { roomIds: rooms });
}

const WARM_UP = 20_000;
const COUNT = 50_000;

function sequential(name: string, targets: number, goal: number): Scenario {
  return {
    name,
    async run(report) {
      const send = async (kit: RoomKit, count: number): Promise<void> => {
        for (let n = 0; n < count; n++) {
          const result = await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' });
          if (result.blocked) throw new Error('blocked');
        }
      };
      const open = async (): Promise<RoomKit> => {
        const kit = new RoomKit();
        const ids = Array.from({ length: targets + 1 }, (_, n) => `ws-${n}`);
        for (const id of ids) channel(kit, id, ['room-0']);
        await room(kit, 'room-0', ids);
        return kit;
      };
      const limitRoom = (): CeilingRoom => {
        const plain = ceilingRoom('room-0');
        for (let n = 0; n <= targets; n++) plain.targets.push({ channelId: `ws-${n}`, connections: [noop] });
        return plain;
      };
      const warm = await open();
      await send(warm, WARM_UP);
      await warm.close();
      const plainWarm = limitRoom();
      for (let n = 0; n < WARM_UP; n++) await ceilingInbound(plainWarm, 'ws-0', 'user-1', BODY);
      const result = await compare(
        {
          count: COUNT,
          run: async (count) => {
            const kit = await open();
            await send(kit, count);
            check((await kit.getRoom('room-0')).eventCount === count + targets + 1, 'events are missing');
            await kit.close();
          },
        },
        {
          count: COUNT,
          run: async (count) => {
            const plain = limitRoom();
            for (let n = 0; n < count; n++) await ceilingInbound(plain, 'ws-0', 'user-1', BODY);
          },
        },
      );
      const limit = median(result.ceiling);
      report({
        scenario: name,
        metric: 'throughput',
        unit: 'msg/s',
        ...spread(result.ours),
        limit,
        goal: `≥ ${goal} % of limit`,
        reached: median(result.ours) >= (limit * goal) / 100,
      });
    },
  };
}

export const inboundConcurrent: Scenario = {
  name: 'inbound_conc_100rooms',
  async run(report) {
    const rooms = Array.from({ length: 100 }, (_, n) => `room-${n}`);
    const send = async (kit: RoomKit, per: number): Promise<void> => {
      await Promise.all(
        rooms.map(async (_, task) => {
          for (let k = 0; k < per; k++) {
            const result = await kit.processInbound(
              { channelId: 'ws-0', senderId: `user-${task}`, content: BODY },
              { roomId: `room-${(task + k) % 100}` },
            );
            if (result.blocked) throw new Error('blocked');
          }
        }),
      );
    };
    const open = async (): Promise<RoomKit> => {
      const kit = new RoomKit();
      channel(kit, 'ws-0', rooms);
      for (const id of rooms) await room(kit, id, ['ws-0']);
      return kit;
    };
    const warm = await open();
    await send(warm, 300);
    await warm.close();
    const ceiling = async (per: number): Promise<void> => {
      const plain = rooms.map((id) => ceilingRoom(id));
      await Promise.all(
        rooms.map(async (_, task) => {
          for (let k = 0; k < per; k++) await ceilingInbound(plain[(task + k) % 100] ?? ceilingRoom('x'), 'ws-0', `user-${task}`, BODY);
        }),
      );
    };
    await ceiling(300);
    const result = await compare(
      {
        count: 50_000,
        run: async () => {
          const kit = await open();
          await send(kit, 500);
          await kit.close();
        },
      },
      { count: 50_000, run: () => ceiling(500) },
    );
    const limit = median(result.ceiling);
    report({
      scenario: this.name,
      metric: 'throughput',
      unit: 'msg/s',
      ...spread(result.ours),
      limit,
      goal: '≥ 60 % of limit',
      reached: median(result.ours) >= limit * 0.6,
    });
  },
};

export const inboundHistory: Scenario = {
  name: 'inbound_history',
  async run(report) {
    const kit = new RoomKit();
    channel(kit, 'ws-0', ['room-0']);
    channel(kit, 'warm', ['warm']);
    await room(kit, 'warm', ['warm']);
    for (let n = 0; n < 20_000; n++) await kit.processInbound({ channelId: 'warm', senderId: 'u', content: BODY }, { roomId: 'warm' });
    await room(kit, 'room-0', ['ws-0']);
    let sent = 1;
    const send = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++, sent++)
        await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' });
    };
    const means: number[] = [];
    for (const size of [100, 1000, 5000, 20_000]) {
      if (size > sent) await send(size - sent);
      const blocks = (await rates(1000, send, REPETITIONS)).map((rate) => 1e6 / rate);
      const figures = spread(blocks);
      means.push(figures.median);
      const last = size === 20_000;
      report({
        scenario: this.name,
        metric: `at_${size}`,
        unit: 'µs/msg',
        ...figures,
        limit: null,
        ...(last && { goal: '20,000 ≤ 1.1 × 100', reached: figures.median <= 1.1 * (means[0] ?? 0) }),
      });
    }
    await kit.close();
  },
};

export const inboundRoute: Scenario = {
  name: 'inbound_route_10k_rooms',
  async run(report) {
    const kit = new RoomKit();
    const size = 10_000;
    for (let n = 0; n < size; n++) {
      channel(kit, `ws-${n}`, [`room-${n}`]);
      await room(kit, `room-${n}`, [`ws-${n}`]);
    }
    let seed = 1;
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) % size;
    const plain = new Map(Array.from({ length: size }, (_, n) => [`ws-${n}`, ceilingRoom(`room-${n}`)]));
    const ours = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const id = next();
        const result = await kit.processInbound({ channelId: `ws-${id}`, senderId: 'user-1', content: BODY });
        if (result.event?.roomId !== `room-${id}`) throw new Error('the wrong room');
      }
    };
    const ceiling = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const found = plain.get(`ws-${next()}`);
        if (found !== undefined) await ceilingInbound(found, 'ws', 'user-1', BODY);
      }
    };
    await ours(20_000);
    await ceiling(20_000);
    const result = await compare({ count: 50_000, run: ours }, { count: 50_000, run: ceiling });
    const limit = median(result.ceiling);
    report({
      scenario: this.name,
      metric: 'throughput',
      unit: 'msg/s',
      ...spread(result.ours),
      limit,
      goal: '≥ 50 % of limit',
      reached: median(result.ours) >= limit / 2,
    });
    await kit.close();
  },
};

export const hooks: Scenario = {
  name: 'hooks',
  async run(report) {
    const per: number[] = [];
    let base = 0;
    for (const count of [0, 10, 50]) {
      const kit = new RoomKit();
      for (const id of ['ws-0', 'ws-1']) channel(kit, id, ['room-0']);
      await room(kit, 'room-0', ['ws-0', 'ws-1']);
      for (let n = 0; n < count; n++) kit.hook('before_broadcast', async () => HookResult.allow());
      const send = async (messages: number): Promise<void> => {
        for (let n = 0; n < messages; n++) await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' });
      };
      await send(count === 50 ? 5000 : 20_000);
      const micros = (await rates(count === 50 ? 5000 : 20_000, send)).map((rate) => 1e6 / rate);
      const figures = spread(micros);
      if (count === 0) base = figures.median;
      else per.push((figures.median - base) / count);
      report({ scenario: `hooks_${count}`, metric: 'latency', unit: 'µs/msg', ...figures, limit: null });
      await kit.close();
    }
    // The first hook also pays for the context of all: the extra hook is what 50 cost over 10.
    const extra = ((per[1] ?? 0) * 50 - (per[0] ?? 0) * 10) / 40;
    report({
      scenario: 'hooks_extra',
      metric: 'per_gate',
      unit: 'µs',
      median: extra,
      min: extra,
      max: extra,
      limit: null,
      goal: '≤ 0.4',
      reached: extra <= 0.4,
    });
  },
};

export const idempotency: Scenario = {
  name: 'idempotency_dup',
  async run(report) {
    const kit = new RoomKit();
    channel(kit, 'ws-0', ['room-0']);
    await room(kit, 'room-0', ['ws-0']);
    for (let n = 0; n < 1000; n++)
      await kit.processInbound({ channelId: 'ws-0', senderId: 'u', content: BODY, idempotencyKey: `k${n}` }, { roomId: 'room-0' });
    const known = new Map<string, { id: string }>(Array.from({ length: 1000 }, (_, n) => [`k${n}`, { id: `${n}` }]));
    const ours = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const result = await kit.processInbound(
          { channelId: 'ws-0', senderId: 'u', content: BODY, idempotencyKey: `k${n % 1000}` },
          { roomId: 'room-0' },
        );
        if (!result.duplicate) throw new Error('not recognised');
      }
    };
    // The least: wait for the room, look the key up, answer with the first event.
    const plain = ceilingRoom('room-0');
    const lookUp = async (
      key: string,
    ): Promise<{ blocked: boolean; duplicate: boolean; event: { id: string } | undefined; results: Record<string, string> }> => {
      while (plain.tail !== undefined) await plain.tail;
      const event = known.get(key);
      return { blocked: false, duplicate: event !== undefined, event, results: {} };
    };
    const ceiling = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) if (!(await lookUp(`k${n % 1000}`)).duplicate) throw new Error('not recognised');
    };
    await ours(50_000);
    await ceiling(50_000);
    const result = await compare({ count: 100_000, run: ours }, { count: 1_000_000, run: ceiling });
    const limit = median(result.ceiling);
    report({
      scenario: this.name,
      metric: 'throughput',
      unit: '/s',
      ...spread(result.ours),
      limit,
      goal: '≥ 30 % of limit',
      reached: median(result.ours) >= limit * 0.3,
    });
    await kit.close();
  },
};

export const inboundSequential = sequential('inbound_seq_1room', 0, 35);
export const inboundOneToOne = sequential('inbound_seq_1to1', 1, 35);
