/** Looking after a database from the command line: where it stands, what waits in it, a room into a file and back, a copy of all. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';

const folder = await mkdtemp(join(tmpdir(), 'roomkit-'));
const program = join(dirname(createRequire(import.meta.url).resolve('roomkit/package.json')), 'dist', 'cli', 'main.js');

/** As `npx roomkit …` in the folder, where ROOMKIT_STORE names the database. */
function roomkit(...args: string[]): string {
  const env = { ...process.env, ROOMKIT_STORE: 'app.db' };
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], { cwd: folder, env, encoding: 'utf8' });
  if (status !== 0) return stderr.trim();
  return stdout;
}

const kit = new RoomKit({ store: await SqliteStore.open(join(folder, 'app.db')) });
kit.registerChannel(new WebSocketChannel('web'));
for (const roomId of ['lobby', 'kitchen']) {
  await kit.createRoom({ roomId });
  await kit.attachChannel(roomId, 'web');
  await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hi!' }, { roomId });
}
console.log(roomkit('rooms', 'list')); // the kit has the file
await kit.close();

console.log(roomkit('db', 'status').split('\n').slice(1, 4).join('\n'));
for (const room of JSON.parse(roomkit('rooms', 'list', '--json')) as { id: string; status: string }[]) console.log(`${room.id}: ${room.status}`);
console.log(roomkit('outbox', 'list').trim());

// #region rooms
await writeFile(join(folder, 'lobby.jsonl'), roomkit('rooms', 'export', 'lobby'));
console.log(roomkit('rooms', 'delete', 'lobby'));
console.log(roomkit('rooms', 'delete', 'lobby', '--yes').trim());
console.log(roomkit('rooms', 'import', 'lobby.jsonl').trim());
// #endregion

console.log(roomkit('db', 'copy', 'app.db', 'copy.db').trim().split('\n').at(-1));
await rm(folder, { recursive: true });

// prints:
// The database 'app.db' is in use by another process. Stop that one first, or give this one a file of its own.
// schema           …, as this version of roomkit writes it
// rooms            2
// events           4
// kitchen: active
// lobby: active
// No deliveries are queued or sending or unknown or failed.
// 1 room(s) with 2 event(s) would be deleted for good. Say --yes to do it.
// Deleted 1 room(s) with 2 event(s).
// Imported 1 room(s) with 3 records.
// Copied, and the same on both sides. Give copy.db to your processes now.
