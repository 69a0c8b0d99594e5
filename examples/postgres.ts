/** Two kits over one PostgreSQL, as two processes have them. Without DATABASE_URL it says how to give one. */
// #region open
import { RoomKit } from 'roomkit';
import { PostgresLockManager, PostgresRealtime, PostgresStore } from 'roomkit/postgres';

async function openKit(url: string): Promise<RoomKit> {
  return new RoomKit({
    store: await PostgresStore.open(url),
    lockManager: await PostgresLockManager.open(url),
    realtime: await PostgresRealtime.open(url),
  });
}
// #endregion

const url = process.env['DATABASE_URL'];
if (url === undefined) console.log('Give a database: DATABASE_URL=postgres://user:password@localhost/app');
else {
  const [one, two] = [await openKit(url), await openKit(url)];
  await one.ensureRoom({ roomId: 'shared' });
  console.log(`the other process has it: ${(await two.store.getRoom('shared'))?.id}`);
  await one.close();
  await two.close();
}

// prints:
// Give a database: DATABASE_URL=postgres://user:password@localhost/app
