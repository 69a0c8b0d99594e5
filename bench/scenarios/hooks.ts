/** hooks_*: what a gate costs that lets everything pass. */
import { HookResult } from 'roomkit';
import { ceilingInbound, ceilingRoom, type CeilingEvent } from '../ceiling.js';
import { atMost, median } from '../figures.js';
import { BODY, check, type Scenario, type Side } from '../harness.js';
import { Counter, kitWithTargets, sendInOrder } from '../rooms.js';

function hooks(gates: number): Scenario {
  return {
    name: `hooks_${gates}`,
    async run(bench) {
      const messages = bench.size(gates > 10 ? 10_000 : 20_000);
      const micros = (rates: readonly number[]): number[] => rates.map((rate) => 1e6 / rate);
      // The first gate that runs enters AsyncLocalStorage, which slows every promise from then on: rooms without gates first.
      const limitWithout = micros(await bench.measure(plain(messages, 0)));
      const limitWith = gates === 0 ? limitWithout : micros(await bench.measure(plain(messages, gates)));
      const without = micros(await bench.measure(ours(messages, 0)));
      if (gates === 0) {
        bench.report('message', 'µs', without, { limit: limitWithout });
        return;
      }
      const withGates = micros(await bench.measure(ours(messages, gates)));
      bench.report('message', 'µs', withGates, { limit: limitWith });
      // Everything that came with the gates, shared out among them.
      const extra = (values: readonly number[], base: readonly number[]): number[] => values.map((value) => (value - median(base)) / gates);
      bench.report('per_extra_gate', 'µs', extra(withGates, without), { limit: extra(limitWith, limitWithout), goal: atMost(0.4) });
    },
  };
}

export const hooks0 = hooks(0);
export const hooks10 = hooks(10);
export const hooks50 = hooks(50);

function ours(messages: number, gates: number): Side {
  return {
    messages,
    async begin() {
      const counter = new Counter();
      const kit = await kitWithTargets(1, counter);
      let asked = 0;
      for (let n = 0; n < gates; n++) {
        kit.hook('before_broadcast', async () => {
          asked++;
          return HookResult.allow();
        });
      }
      return {
        work: () => sendInOrder(kit, messages),
        async end() {
          check(asked === messages * gates, `${asked} gates were asked instead of ${messages * gates}`);
          check(counter.delivered === messages, `${counter.delivered} deliveries instead of ${messages}`);
          await kit.close();
        },
      };
    },
  };
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
