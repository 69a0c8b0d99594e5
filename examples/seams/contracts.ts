/** The contract suites of roomkit/testing, run on the seams of this folder by whatever test runner there is. */
// #region store
import { storeContract } from 'roomkit/testing';
import { openJournalStore } from './journal-store.js';

// #endregion
// #region locks
import { lockContract } from 'roomkit/testing';
import { LockServer, SocketLocks } from './socket-locks.js';

// #endregion
// #region realtime
import { realtimeContract } from 'roomkit/testing';
import { silentLogger } from 'roomkit';
import { serveRealtime, SocketRealtime } from './socket-realtime.js';

// #endregion

/** `it` of your test runner. */
type It = (name: string, run: () => Promise<void>) => void;

// #region store
export function testJournalStore(it: It, newPath: () => string): void {
  for (const promise of storeContract) it(promise.name, () => promise.run(() => openJournalStore(newPath())));
}
// #endregion

// #region locks
export function testSocketLocks(it: It, newPath: () => string, atTheEnd: (close: () => Promise<void>) => void): void {
  async function open() {
    const path = newPath();
    let server = new LockServer();
    let close = await server.listen(path);
    atTheEnd(() => close());
    return {
      locks: new SocketLocks(path),
      another: () => new SocketLocks(path), // as another process has it
      lose: (roomId: string) => server.take(roomId),
      forget: async () => {
        await close();
        server = new LockServer(); // remembers nothing
        close = await server.listen(path);
      },
    };
  }
  for (const promise of lockContract) it(promise.name, () => promise.run(open));
}
// #endregion

// #region realtime
export function testSocketRealtime(it: It, newPath: () => string, atTheEnd: (close: () => Promise<void>) => void): void {
  async function open() {
    const path = newPath();
    atTheEnd(await serveRealtime(path));
    let errors = 0;
    const connect = () => SocketRealtime.connect(path, { ...silentLogger, error: () => void errors++ });
    return { realtime: await connect(), another: connect, errorsLogged: () => errors };
  }
  for (const promise of realtimeContract) it(promise.name, () => promise.run(open));
}
// #endregion
