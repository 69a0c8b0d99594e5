/** A realtime backend of one's own: who types in one process is seen in the other. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// #region use
import { RoomKit } from 'roomkit';
import { serveRealtime, SocketRealtime } from './seams/socket-realtime.js';

// #endregion

if (process.argv[2] === undefined) await main();
else await listen(process.argv[2]);

/** The other process. */
async function listen(socket: string): Promise<void> {
  // #region listen
  const kit = new RoomKit({ realtime: await SocketRealtime.connect(socket) });
  await kit.createRoom({ roomId: 'room-1' });
  await kit.subscribeRoom('room-1', ({ type, userId }) => console.log(`the other process: ${userId} ${type}`));
  // #endregion
  await kit.subscribeRoom('room-1', ({ type }) => {
    if (type === 'presence_offline') void kit.close().then(() => process.disconnect?.());
  });
  process.send?.('listening');
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'roomkit-own-realtime-'));
  const socket = join(folder, 'realtime.sock');
  // #region use
  const stopRealtime = await serveRealtime(socket); // in one process; all of them, this one too, have:
  const kit = new RoomKit({ realtime: await SocketRealtime.connect(socket) });
  // #endregion
  await kit.createRoom({ roomId: 'room-1' });
  const other = fork(fileURLToPath(import.meta.url), [socket]);
  await once(other, 'message');
  // #region publish
  await kit.publishTyping('room-1', 'ada', true);
  await kit.publishPresence('room-1', 'ada', 'offline');
  // #endregion
  await once(other, 'exit');
  await kit.close();
  await stopRealtime();
  await rm(folder, { recursive: true });
}

// prints:
// the other process: ada typing_start
// the other process: ada presence_offline
