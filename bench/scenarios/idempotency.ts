/** idempotency_dup: a message that came before is answered with its first event. */
import { ceilingInbound, ceilingRepeat, ceilingRoom, type CeilingEvent } from '../ceiling.js';
import { BODY, type Scenario } from '../harness.js';
import { Counter, kitWithTargets } from '../rooms.js';

const KEYS = 1000;

export const idempotency: Scenario = {
  name: 'idempotency_dup',
  async run(bench) {
    const messages = bench.size(100_000);
    const keys = Array.from({ length: bench.size(KEYS) }, (_, n) => `key-${n}`);
    const kit = await kitWithTargets(0, new Counter());
    const room = ceilingRoom('room-0');
    const first = new Map<string, string>();
    const known = new Map<string, CeilingEvent>();
    for (const idempotencyKey of keys) {
      const { event } = await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY, idempotencyKey }, { roomId: 'room-0' });
      first.set(idempotencyKey, event?.id ?? '');
      known.set(idempotencyKey, (await ceilingInbound(room, 'ws-0', 'user-1', BODY)).event);
    }
    const keyAt = (n: number): string => keys[n % keys.length] ?? '';
    const rates = await bench.compare(
      {
        messages,
        begin: () => ({
          async work() {
            for (let n = 0; n < messages; n++) {
              const idempotencyKey = keyAt(n);
              const result = await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY, idempotencyKey }, { roomId: 'room-0' });
              if (!result.duplicate || result.event?.id !== first.get(idempotencyKey)) throw new Error(`${idempotencyKey} was not recognised.`);
            }
          },
        }),
      },
      {
        messages,
        begin: () => ({
          async work() {
            for (let n = 0; n < messages; n++) {
              const key = keyAt(n);
              const result = await ceilingRepeat(room, known, key);
              if (!result.duplicate || result.event?.id !== known.get(key)?.id) throw new Error(`${key} was not recognised.`);
            }
          },
        }),
      },
    );
    bench.reportShare('/s', rates, 0.3);
    await kit.close();
  },
};
