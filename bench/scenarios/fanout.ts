/** fanout_*: one message to many. */
import { RoomKit, WebSocketChannel } from 'roomkit';
import { ceilingInbound, ceilingRoom } from '../ceiling.js';
import { BODY, check, type Scenario } from '../harness.js';
import { Counter, kitWithTargets, sendInOrder } from '../rooms.js';

/** To `targets` channels with one connection each. */
function fanout(targets: number, full: number): Scenario {
  return {
    name: `fanout_${targets}`,
    async run(bench) {
      const messages = bench.size(full, 5);
      const operations = messages * targets;
      const heard = new Counter();
      const kit = await kitWithTargets(targets, heard);
      const plain = ceilingRoom('room-0');
      const plainHeard = new Counter();
      for (let n = 0; n <= targets; n++) plain.targets.push({ channelId: `ws-${n}`, connections: [plainHeard.send] });
      const rates = await bench.compare(
        {
          messages,
          operations,
          begin: () => {
            const before = heard.delivered;
            return { work: () => sendInOrder(kit, messages), end: () => checkDelivered(heard.delivered - before, operations) };
          },
        },
        {
          messages,
          operations,
          begin: () => {
            const before = plainHeard.delivered;
            return {
              async work() {
                for (let n = 0; n < messages; n++) await ceilingInbound(plain, 'ws-0', 'user-1', BODY);
              },
              end: () => checkDelivered(plainHeard.delivered - before, operations),
            };
          },
        },
      );
      bench.reportShare('deliveries/s', rates, 0.5);
      await kit.close();
    },
  };
}

export const fanout10 = fanout(10, 10_000);
export const fanout100 = fanout(100, 2000);
export const fanout500 = fanout(500, 500);

/** To one channel with many connections in the room. */
export const fanoutConnections: Scenario = {
  name: 'fanout_500_conns_1ch',
  async run(bench) {
    const connections = 500;
    const messages = bench.size(2000, 5);
    const operations = messages * connections;
    const heard = new Counter();
    const kit = new RoomKit();
    await kit.createRoom({ roomId: 'room-0' });
    const [from, to] = [new WebSocketChannel('ws-0'), new WebSocketChannel('ws-1')];
    for (const channel of [from, to]) {
      kit.registerChannel(channel);
      await kit.attachChannel('room-0', channel.channelId);
    }
    const plainHeard = new Counter();
    for (let n = 0; n < connections; n++) to.registerConnection(`c-${n}`, heard.send, { roomIds: ['room-0'] });
    const plain = ceilingRoom('room-0');
    plain.targets.push({ channelId: 'ws-1', connections: Array.from({ length: connections }, () => plainHeard.send) });
    const rates = await bench.compare(
      {
        messages,
        operations,
        begin: () => {
          const before = heard.delivered;
          return { work: () => sendInOrder(kit, messages), end: () => checkDelivered(heard.delivered - before, operations) };
        },
      },
      {
        messages,
        operations,
        begin: () => {
          const before = plainHeard.delivered;
          return {
            async work() {
              for (let n = 0; n < messages; n++) await ceilingInbound(plain, 'ws-0', 'user-1', BODY);
            },
            end: () => checkDelivered(plainHeard.delivered - before, operations),
          };
        },
      },
    );
    bench.reportShare('deliveries/s', rates, 0.6);
    await kit.close();
  },
};

function checkDelivered(delivered: number, expected: number): void {
  check(delivered === expected, `${delivered} deliveries instead of ${expected}`);
}
