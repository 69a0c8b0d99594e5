/** A store of one's own: killed in mid-delivery, its rooms and what was under way are there again. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// #region open
import { extractText, RoomKit, TransportChannel, type TransportProvider } from 'roomkit';
import { openJournalStore } from './seams/journal-store.js';

function openKit(path: string, provider: TransportProvider): RoomKit {
  const kit = new RoomKit({ store: openJournalStore(path) });
  kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));
  kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider }));
  return kit;
}
// #endregion

if (process.argv[2] === undefined) await main();
else await child(process.argv[2]);

/** The process that is killed: its vendor never answers. */
async function child(path: string): Promise<void> {
  let begin: () => void = () => undefined;
  const inMidDelivery = new Promise<void>((resolve) => (begin = resolve));
  const kit = openKit(path, { name: 'gateway', send: () => new Promise(() => begin()) });
  await kit.createRoom({ roomId: 'room' });
  for (const channelId of ['desk', 'texts']) await kit.attachChannel('room', channelId);
  for (const body of ['Your parcel is here.', 'Come when you like.']) await kit.sendEvent('room', 'desk', body, { wait: 'commit' });
  await inMidDelivery;
  process.send?.('in mid-delivery');
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'roomkit-own-store-'));
  const path = join(folder, 'rooms.journal');
  const victim = fork(fileURLToPath(import.meta.url), [path]);
  await once(victim, 'message');
  victim.kill('SIGKILL');
  await once(victim, 'exit');

  const sent: string[] = [];
  const provider: TransportProvider = {
    name: 'gateway',
    supportsIdempotencyKey: true,
    send: ({ event, attempt }) => {
      sent.push(`${extractText(event)} (attempt ${attempt})`);
      return { success: true };
    },
  };
  const kit = openKit(path, provider);
  await kit.recover();
  await kit.drain();
  console.log(`in the file: ${(await kit.getTimeline('room')).map((event) => `${event.index} ${event.type}`).join(', ')}`);
  console.log(`sent after the restart: ${sent.join(', ')}`);
  await kit.close();
  await rm(folder, { recursive: true });
}

// prints:
// in the file: 0 channel_attached, 1 channel_attached, 2 message, 3 message
// sent after the restart: Your parcel is here. (attempt 2), Come when you like. (attempt 1)
