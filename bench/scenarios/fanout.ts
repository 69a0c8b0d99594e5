/** fanout_*: one message to many. */
import { RoomKit, WebSocketChannel, type ChannelCapabilities } from 'roomkit';
import { ceilingInbound, ceilingRoom } from '../ceiling.js';
import { BODY, check, compare, median, rates, spread, type Scenario } from '../harness.js';

function fanout(targets: number, messages: number): Scenario {
  return {
    name: `fanout_${targets}`,
    async run(report) {
      let delivered = 0;
      const count = async (): Promise<void> => {
        delivered++;
      };
      const kit = new RoomKit();
      await kit.createRoom({ roomId: 'room-0' });
      const plain = ceilingRoom('room-0');
      for (let n = 0; n <= targets; n++) {
        const web = new WebSocketChannel(`ws-${n}`);
        kit.registerChannel(web);
        void web.registerConnection(`c-${n}`, count, { roomIds: ['room-0'] });
        await kit.attachChannel('room-0', `ws-${n}`);
        plain.targets.push({ channelId: `ws-${n}`, connections: [count] });
      }
      const ours = async (deliveries: number): Promise<void> => {
        for (let n = 0; n < deliveries / targets; n++)
          await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' });
      };
      const ceiling = async (deliveries: number): Promise<void> => {
        for (let n = 0; n < deliveries / targets; n++) await ceilingInbound(plain, 'ws-0', 'user-1', BODY);
      };
      await ours(messages * targets);
      await ceiling(messages * targets);
      delivered = 0;
      const result = await compare({ count: messages * targets, run: ours }, { count: messages * targets, run: ceiling });
      check(delivered === messages * targets * 10, `${delivered} deliveries`);
      const limit = median(result.ceiling);
      report({
        scenario: this.name,
        metric: 'throughput',
        unit: 'deliveries/s',
        ...spread(result.ours),
        limit,
        goal: '≥ 50 % of limit',
        reached: median(result.ours) >= limit / 2,
      });
      await kit.close();
    },
  };
}

export const fanout10 = fanout(10, 10_000);
export const fanout100 = fanout(100, 2000);
export const fanout500 = fanout(500, 500);

export const fanoutConnections: Scenario = {
  name: 'fanout_500_conns_1ch',
  async run(report) {
    let delivered = 0;
    const count = async (): Promise<void> => {
      delivered++;
    };
    const kit = new RoomKit();
    await kit.createRoom({ roomId: 'room-0' });
    const [from, to] = [new WebSocketChannel('ws-0'), new WebSocketChannel('ws-1')];
    for (const web of [from, to]) {
      kit.registerChannel(web);
      await kit.attachChannel('room-0', web.channelId);
    }
    for (let n = 0; n < 500; n++) void to.registerConnection(`c-${n}`, count, { roomIds: ['room-0'] });
    const plain = ceilingRoom('room-0');
    plain.targets.push({ channelId: 'ws-1', connections: Array.from({ length: 500 }, () => count) });
    const ours = async (deliveries: number): Promise<void> => {
      for (let n = 0; n < deliveries / 500; n++)
        await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' });
    };
    const ceiling = async (deliveries: number): Promise<void> => {
      for (let n = 0; n < deliveries / 500; n++) await ceilingInbound(plain, 'ws-0', 'user-1', BODY);
    };
    await ours(500_000);
    await ceiling(500_000);
    delivered = 0;
    const result = await compare({ count: 500_000, run: ours }, { count: 500_000, run: ceiling });
    check(delivered === 5_000_000, `${delivered} deliveries`);
    const limit = median(result.ceiling);
    report({
      scenario: this.name,
      metric: 'throughput',
      unit: 'deliveries/s',
      ...spread(result.ours),
      limit,
      goal: '≥ 60 % of limit',
      reached: median(result.ours) >= limit * 0.6,
    });
    await kit.close();
  },
};

export const transcode: Scenario = {
  name: 'transcode_rich_to_text_x10',
  async run(report) {
    const open = async (capabilities: Partial<ChannelCapabilities> | undefined): Promise<RoomKit> => {
      const kit = new RoomKit();
      await kit.createRoom({ roomId: 'room-0' });
      for (let n = 0; n <= 10; n++) {
        const web = new WebSocketChannel(`ws-${n}`, capabilities === undefined ? {} : { capabilities });
        kit.registerChannel(web);
        void web.registerConnection(`c-${n}`, async () => undefined, { roomIds: ['room-0'] });
        await kit.attachChannel('room-0', `ws-${n}`);
      }
      return kit;
    };
    const content = { type: 'rich', body: BODY, buttons: [{ id: 'b', label: 'Track it', kind: 'reply' }] } as const;
    const send =
      (kit: RoomKit) =>
      async (count: number): Promise<void> => {
        for (let n = 0; n < count; n++) await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content }, { roomId: 'room-0' });
      };
    const full = await open(undefined);
    const textOnly = await open({
      mediaTypes: ['text'],
      maxLength: 1600,
      supportsButtons: false,
      supportsRichText: false,
      supportsQuickReplies: false,
      supportsCards: false,
    });
    await send(full)(10_000);
    await send(textOnly)(10_000);
    const without: number[] = [];
    const withIt: number[] = [];
    for (let repetition = 0; repetition < 5; repetition++) {
      without.push(...(await rates(10_000, send(full), 1)));
      withIt.push(...(await rates(10_000, send(textOnly), 1)));
    }
    report({
      scenario: this.name,
      metric: 'throughput',
      unit: 'msg/s',
      ...spread(withIt),
      limit: median(without),
      goal: '≤ 10 % over no transcoding',
      reached: median(withIt) >= median(without) / 1.1,
    });
    await full.close();
    await textOnly.close();
  },
};
