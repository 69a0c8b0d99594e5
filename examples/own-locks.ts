/** A lock manager of one's own: three processes add to one number and none is lost; one that dies holds nothing. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// #region use
import { RoomKit, WebSocketChannel } from 'roomkit';
import { LockServer, SocketLocks } from './seams/socket-locks.js';

// #endregion

const [role, path = '', number = ''] = process.argv.slice(2);
if (role === 'adds') await add();
else if (role === 'dies') await hold();
else await main();

/** Reads, waits, writes: without a lock most of what the others added meanwhile would be lost. */
async function add(): Promise<void> {
  // #region acquire
  const locks = new SocketLocks(path);
  for (let n = 0; n < 50; n++) {
    const lease = await locks.acquire('room-1');
    try {
      await writeFile(number, String(Number(await readFile(number, 'utf8')) + 1));
    } finally {
      await lease.release();
    }
  }
  await locks.close();
  // #endregion
}

async function hold(): Promise<void> {
  await new SocketLocks(path).acquire('room-1');
  process.send?.('holds it');
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'roomkit-own-locks-'));
  const socket = join(folder, 'locks.sock');
  const file = join(folder, 'number');
  await writeFile(file, '0');

  // #region use
  const stopLocks = await new LockServer().listen(socket); // in one process; all of them, this one too, have:
  const kit = new RoomKit({ lockManager: new SocketLocks(socket) });
  // #endregion
  const start = (as: string): ReturnType<typeof fork> => fork(fileURLToPath(import.meta.url), [as, socket, file]);
  await Promise.all([start('adds'), start('adds'), start('adds')].map((child) => once(child, 'exit')));
  console.log(`three processes have added ${await readFile(file, 'utf8')}`);

  kit.registerChannel(new WebSocketChannel('web'));
  await kit.createRoom({ roomId: 'room-1' });
  const dying = start('dies');
  await once(dying, 'message');
  let attached = false;
  const attaching = kit.attachChannel('room-1', 'web').then(() => (attached = true));
  await kit.clock.sleep(50);
  console.log(`while another process holds the room: attached ${attached}`);
  dying.kill('SIGKILL');
  await attaching;
  console.log(`after that process was killed: attached ${attached}`);

  await kit.close(); // closes its lock manager as well
  await stopLocks();
  await rm(folder, { recursive: true });
}

// prints:
// three processes have added 150
// while another process holds the room: attached false
// after that process was killed: attached true
