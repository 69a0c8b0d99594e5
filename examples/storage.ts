/** A room in an SQLite file: killed in mid-delivery, it comes back whole; its words can be searched, its file copied. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// #region open
import { extractText, RoomKit, TransportChannel, type TransportProvider } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';

async function openKit(path: string, provider: TransportProvider): Promise<RoomKit> {
  const kit = new RoomKit({ store: await SqliteStore.open(path) }); // or { path, synchronous: 'normal' }
  kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));
  kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider }));
  return kit;
}
// #endregion

if (process.argv[2] === undefined) await main();
else await child(process.argv[2]);

/** The process that is killed: its vendor never answers the second message. */
async function child(path: string): Promise<void> {
  const kit = await openKit(path, {
    name: 'gateway',
    send: ({ event }) => {
      if (extractText(event) !== 'Second') return { success: true, providerMessageId: 'gw-1' };
      process.send?.('in mid-delivery');
      return new Promise(() => undefined);
    },
  });
  await kit.createRoom({ roomId: 'room' });
  for (const channelId of ['desk', 'texts']) await kit.attachChannel('room', channelId);
  for (const body of ['First', 'Second', 'Third']) await kit.sendEvent('room', 'desk', body, { wait: 'commit' });
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'roomkit-storage-'));
  const path = join(folder, 'app.db');

  const victim = fork(fileURLToPath(import.meta.url), [path]);
  await once(victim, 'message');
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  console.log('killed in mid-delivery');

  const sent: string[] = [];
  const kit = await openKit(path, {
    name: 'gateway',
    supportsIdempotencyKey: true, // the vendor knows a repeated key: what was in flight may be sent again at once
    send: ({ event, attempt }) => {
      sent.push(`${extractText(event)} (attempt ${attempt})`);
      return { success: true };
    },
  });
  // #region recover
  await kit.recover(); // also happens by itself, at start and every few seconds
  // #endregion
  await kit.drain();
  console.log(`in the file: ${(await kit.getTimeline('room')).map((event) => `${event.index} ${event.type}`).join(', ')}`);
  console.log(`sent after the restart: ${sent.join(', ')}`);
  console.log(`rows: ${(await kit.listDeliveries({ roomId: 'room' })).map(({ state }) => state).join(' ')}`);

  // #region search
  const found = await kit.store.searchEvents?.({ text: 'third', roomId: 'room' });
  console.log(`found: ${found?.map((event) => extractText(event)).join(', ')}`);
  // #endregion

  // #region busy
  await SqliteStore.open(path).catch((error: Error) => console.log(error.message.replace(path, 'app.db')));
  // #endregion
  // #region backup
  await kit.close(); // everything is in the one file now
  await copyFile(path, `${path}.backup`);
  // #endregion
  const copy = await SqliteStore.open(`${path}.backup`);
  console.log(`in the copy: ${copy.countEvents('room')} events`);
  copy.close();
  await rm(folder, { recursive: true });
}

// prints:
// killed in mid-delivery
// in the file: 0 channel_attached, 1 channel_attached, 2 message, 3 message, 4 message
// sent after the restart: Second (attempt 2), Third (attempt 1)
// rows: sent sent sent
// found: Third
// The database 'app.db' is in use by another process. Stop that one first, or give this one a file of its own.
// in the copy: 5 events
