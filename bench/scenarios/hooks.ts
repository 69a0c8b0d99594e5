/** hooks_*: what a gate costs that lets everything pass. */
import { HookResult } from 'roomkit';
import { ceilingInbound, ceilingRoom, type CeilingEvent } from '../ceiling.js';
import { atMost, median } from '../figures.js';
import { BODY, check, type Bench, type Scenario, type Side } from '../harness.js';
import { Counter, kitWithTargets, sendInOrder } from '../rooms.js';

/** Without gates, and with ten: the first one also pays for what all share. */
function few(gates: number): Scenario {
  return {
    name: `hooks_${gates}`,
    async run(bench) {
      const messages = bench.size(20_000);
      const limit = micros(await bench.measure(plain(messages, gates)));
      bench.report('message', 'µs', await measureOurs(bench, messages, gates), { limit });
    },
  };
}

export const hooks0 = few(0);
export const hooks10 = few(10);

/** With fifty, and what each cost that ten had not. */
export const hooks50: Scenario = {
  name: 'hooks_50',
  async run(bench) {
    const messages = bench.size(10_000);
    // The first gate that runs enters AsyncLocalStorage, which slows every promise from then on: the limit goes first.
    const limit10 = micros(await bench.measure(plain(messages, 10)));
    const limit50 = micros(await bench.measure(plain(messages, 50)));
    const ours10 = await measureOurs(bench, messages, 10);
    const ours50 = await measureOurs(bench, messages, 50);
    bench.report('message', 'µs', ours50, { limit: limit50 });
    const extra = (fifty: readonly number[], ten: readonly number[]): number[] => fifty.map((value) => (value - median(ten)) / 40);
    bench.report('per_extra_gate', 'µs', extra(ours50, ours10), { limit: extra(limit50, limit10), goal: atMost(0.4) });
  },
};

function micros(rates: readonly number[]): number[] {
  return rates.map((rate) => 1e6 / rate);
}

async function measureOurs(bench: Bench, messages: number, gates: number): Promise<number[]> {
  const counter = new Counter();
  const kit = await kitWithTargets(1, counter);
  let asked = 0;
  for (let n = 0; n < gates; n++) {
    kit.hook('before_broadcast', async () => {
      asked++;
      return HookResult.allow();
    });
  }
  const rates = await bench.measure({
    messages,
    begin() {
      asked = counter.delivered = 0;
      return {
        work: () => sendInOrder(kit, messages),
        end() {
          check(asked === messages * gates, `${asked} gates were asked instead of ${messages * gates}`);
          check(counter.delivered === messages, `${counter.delivered} deliveries instead of ${messages}`);
        },
      };
    },
  });
  await kit.close();
  return micros(rates);
}

/** The same in plain JS: each gate is a function that is awaited. */
function plain(messages: number, gates: number): Side {
  return {
    messages,
    begin() {
      const counter = new Counter();
      const room = ceilingRoom('room-0');
      room.targets.push({ channelId: 'ws-0', connections: [counter.send] }, { channelId: 'ws-1', connections: [counter.send] });
      let asked = 0;
      const chain = Array.from({ length: gates }, () => async (_body: string): Promise<CeilingEvent | 'allow'> => {
        asked++;
        return 'allow';
      });
      return {
        async work() {
          for (let n = 0; n < messages; n++) {
            for (const gate of chain) if ((await gate(BODY)) !== 'allow') throw new Error('blocked');
            await ceilingInbound(room, 'ws-0', 'user-1', BODY);
          }
        },
        end: () => check(asked === messages * gates, `${asked} gates were asked`),
      };
    },
  };
}
