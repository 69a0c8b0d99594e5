/** Looking after a kit: what waits and how old it is, one pass for a timer of the host, and what a monitor reads. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// #region metrics
import { serve } from 'roomkit/server';
// #endregion
// #region kit
import { RoomKit, silentLogger, TransportChannel, type TransportProvider } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';

async function openKit(path: string, provider: TransportProvider): Promise<RoomKit> {
  const store = await SqliteStore.open(path);
  const kit = new RoomKit({ store, recoverIntervalSeconds: 0, drainSeconds: 0, logger: silentLogger }); // the host calls kit.recover()
  kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));
  kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider }));
  return kit;
}
// #endregion

const folder = await mkdtemp(join(tmpdir(), 'roomkit-operating-'));
const path = join(folder, 'rooms.db');
const sent: string[] = [];
let isUp = false;
const gateway: TransportProvider = {
  name: 'gateway',
  supportsIdempotencyKey: true,
  send: ({ idempotencyKey }) => {
    if (!isUp) return { success: false, error: 'unavailable', retryable: true };
    sent.push(idempotencyKey);
    return { success: true };
  },
};

// A process takes messages while the vendor is down, and is gone.
const first = await openKit(path, gateway);
await first.createRoom({ roomId: 'room', timers: { inactiveAfterSeconds: 0.05 } });
for (const channelId of ['desk', 'texts']) await first.attachChannel('room', channelId, { retryPolicy: { baseDelaySeconds: 0.3 } });
for (const body of ['Your parcel is here.', 'Come when you like.']) await first.sendEvent('room', 'desk', body, { wait: 'commit' });

// #region stats
const { deliveries, oldestDueSeconds } = await first.storeStats(); // asks the store, once
const { lanesByType, counters } = first.stats(); // what this process knows, at once
// #endregion
console.log(`open in the store: ${deliveries.queued + deliveries.sending}, the oldest is ${oldestDueSeconds < 60 ? 'young' : 'old'}`);
console.log(`in the lane for texts: ${lanesByType['sms']?.queued ?? 0}, committed: ${counters.committedEvents}`);
await first.close();

// #region recover
/** What a timer of the host calls every minute: opens, does what is due, and is gone again. */
async function everyMinute(): Promise<void> {
  const kit = await openKit(path, gateway);
  try {
    const report = await kit.recover({ maxSeconds: 50 });
    console.log(`${report.deliveries} deliveries, ${report.rooms} rooms, ${report.isDone ? 'done' : 'the rest comes later'}`);
  } finally {
    await kit.close();
  }
}
// #endregion
isUp = true;
await new Promise((resolve) => setTimeout(resolve, 1000)); // the next attempt is due
await everyMinute();
await everyMinute();
console.log(`sent: ${sent.length}`);

// #region metrics
const kit = await openKit(path, gateway);
const server = await serve(kit, { port: 0 });
const ready = await fetch(`${server.url}/readyz`);
const metrics = await fetch(`${server.url}/metrics`); // from this machine; others need a key
// #endregion
console.log(`ready: ${ready.status}, ${metrics.headers.get('content-type')}`);
for (const line of (await metrics.text()).split('\n')) if (/^roomkit_(store_up|outbox_rows)/.test(line)) console.log(line);
await server.close();
await kit.close();
await rm(folder, { recursive: true });

// prints:
// open in the store: 2, the oldest is young
// in the lane for texts: 2, committed: 4
// 2 deliveries, 1 rooms, done
// 0 deliveries, 0 rooms, done
// sent: 2
// ready: 200, application/openmetrics-text; version=1.0.0; charset=utf-8
// roomkit_store_up 1
// roomkit_outbox_rows{state="queued"} 0
// roomkit_outbox_rows{state="sending"} 0
// roomkit_outbox_rows{state="unknown"} 0
