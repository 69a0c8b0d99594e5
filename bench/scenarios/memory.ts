/** rooms_*, event_memory, import: what things cost at rest. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { BODY, median, rssAfterCollection, spread, type Scenario } from '../harness.js';

function rooms(size: number): Scenario {
  return {
    name: `rooms_${size / 1000}k`,
    async run(report) {
      const create: number[] = [];
      const attach: number[] = [];
      const bytes: number[] = [];
      const kits: RoomKit[] = [];
      for (let repetition = 0; repetition < 6; repetition++) {
        const kit = new RoomKit();
        kits.push(kit);
        kit.registerChannel(new WebSocketChannel('ws-0'));
        const before = await rssAfterCollection();
        let startedAt = performance.now();
        for (let n = 0; n < size; n++) await kit.createRoom({ roomId: `room-${n}` });
        if (repetition > 0) create.push((size / (performance.now() - startedAt)) * 1000);
        startedAt = performance.now();
        for (let n = 0; n < size; n++) await kit.attachChannel(`room-${n}`, 'ws-0');
        if (repetition > 0) attach.push((size / (performance.now() - startedAt)) * 1000);
        const used = (await rssAfterCollection()) - before;
        if (repetition > 0) bytes.push(used / size);
      }
      if (size === 10_000) {
        report({
          scenario: this.name,
          metric: 'create',
          unit: '/s',
          ...spread(create),
          limit: null,
          goal: '≥ 400,000',
          reached: median(create) >= 400_000,
        });
        report({
          scenario: this.name,
          metric: 'attach',
          unit: '/s',
          ...spread(attach),
          limit: null,
          goal: '≥ 250,000',
          reached: median(attach) >= 250_000,
        });
      }
      report({
        scenario: this.name,
        metric: 'memory',
        unit: 'bytes/idle room',
        ...spread(bytes),
        limit: null,
        goal: '≤ 2,400',
        reached: median(bytes) <= 2400,
      });
      for (const kit of kits) await kit.close();
    },
  };
}

export const rooms10k = rooms(10_000);
export const rooms50k = rooms(50_000);

export const eventMemory: Scenario = {
  name: 'event_memory',
  async run(report) {
    const bytes: number[] = [];
    const kits: RoomKit[] = [];
    for (let repetition = 0; repetition < 6; repetition++) {
      const kit = new RoomKit();
      kits.push(kit);
      kit.registerChannel(new WebSocketChannel('ws-0'));
      for (let n = 0; n < 100; n++) {
        await kit.createRoom({ roomId: `room-${n}` });
        await kit.attachChannel(`room-${n}`, 'ws-0');
      }
      const before = await rssAfterCollection();
      for (let n = 0; n < 100_000; n++)
        await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: `room-${n % 100}` });
      if (repetition > 0) bytes.push(((await rssAfterCollection()) - before) / 100_000);
      else await rssAfterCollection();
    }
    report({
      scenario: this.name,
      metric: 'memory',
      unit: 'bytes/event',
      ...spread(bytes),
      limit: null,
      goal: '≤ 1,400',
      reached: median(bytes) <= 1400,
    });
    for (const kit of kits) await kit.close();
  },
};

export const importTime: Scenario = {
  name: 'import',
  async run(report) {
    const entry = fileURLToPath(import.meta.resolve('roomkit'));
    const measure = (code: string): { ms: number; mb: number } => {
      const startedAt = performance.now();
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
      return { ms: performance.now() - startedAt, mb: Number(stdout) / 1024 / 1024 };
    };
    const rss = 'process.stdout.write(String(process.memoryUsage().rss))';
    const ours = Array.from({ length: 12 }, () => measure(`await import(${JSON.stringify(entry)}); ${rss}`)).slice(2);
    const bare = Array.from({ length: 12 }, () => measure(rss)).slice(2);
    const ms = ours.map((one) => one.ms);
    const mb = ours.map((one) => one.mb);
    report({
      scenario: this.name,
      metric: 'time',
      unit: 'ms',
      ...spread(ms),
      limit: median(bare.map((one) => one.ms)),
      goal: '≤ 110',
      reached: median(ms) <= 110,
    });
    report({
      scenario: this.name,
      metric: 'memory',
      unit: 'MB RSS',
      ...spread(mb),
      limit: median(bare.map((one) => one.mb)),
      goal: '≤ 50',
      reached: median(mb) <= 50,
    });
    await Promise.resolve();
  },
};
