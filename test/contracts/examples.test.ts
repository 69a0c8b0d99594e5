/** The seams of the guides (examples/seams) hold the contracts that they are shown with, run as the guides say. */
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { RoomKit, silentLogger } from 'roomkit';
import { lockContract, realtimeContract, storeContract } from 'roomkit/testing';
import { testJournalStore, testSocketLocks, testSocketRealtime } from '../../examples/seams/contracts.js';
import { openJournalStore } from '../../examples/seams/journal-store.js';
import { LockServer, SocketLocks } from '../../examples/seams/socket-locks.js';
import { verifies } from '../requirements.js';

const folder = mkdtempSync(join(tmpdir(), 'roomkit-seams-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let names = 0;
const newPath = (): string => join(folder, String(names++));

const servers: (() => Promise<void>)[] = [];
const atTheEnd = (close: () => Promise<void>): void => void servers.push(close);
afterEach(async () => {
  for (const close of servers.splice(0)) await close();
});

/** Runs a case as a test that cites the rules of its suite. */
function citing(suite: readonly { readonly name: string; readonly rules: readonly string[] }[]): (name: string, run: () => Promise<void>) => void {
  return (name, run) =>
    it(name, async () => {
      verifies(...(suite.find((one) => one.name === name)?.rules ?? []));
      await run();
    });
}

describe('the store of the guide', () => {
  testJournalStore(citing(storeContract), newPath);

  it('has after a restart what it had before, also when its last record was cut off', async () => {
    verifies('INB-23');
    const path = newPath();
    const first = new RoomKit({ store: openJournalStore(path), logger: silentLogger });
    await first.createRoom({ roomId: 'room', metadata: { a: 1, b: 2 } });
    await first.updateRoomMetadata('room', { a: undefined });
    await expect(first.createRoom({ roomId: 'room' })).rejects.toMatchObject({ code: 'room_exists' });
    const whole = statSync(path).size;
    await first.updateRoomMetadata('room', { cut: 'off' });
    await first.close();
    truncateSync(path, statSync(path).size - 3);

    const store = openJournalStore(path);
    expect((await store.getRoom('room'))?.metadata).toEqual({ b: 2 });
    expect(statSync(path).size).toBe(whole);
    await store.patchRoomMetadata('room', { after: 'it' });
    await store.createTask({ id: 'task', roomId: 'room', title: 'Ring', status: 'completed', metadata: {}, createdAt: '2026-01-01T00:00:00.000Z' });
    await store.changeRecords?.({ roomId: 'room', remove: [{ kind: 'task', id: 'task' }] });
    await store.addUsage?.([
      { roomId: 'room', turnId: 't', agentId: 'a', provider: 'p', model: 'm', tokens: {}, ms: 1, at: '2026-01-01T00:00:00.000Z' },
    ]);
    await store.close();
    const again = openJournalStore(path);
    expect((await again.getRoom('room'))?.metadata).toEqual({ b: 2, after: 'it' });
    expect(await again.listTasks('room'), 'what was removed does not come back').toEqual([]);
    expect(await again.sumUsage?.({})).toHaveLength(1);
    await again.close();
  });
});

describe('the lock manager of the guide', () => {
  testSocketLocks(citing(lockContract), newPath, atTheEnd);

  it('says where nobody listens, and gives what it holds back to nobody when its server is gone', async () => {
    verifies('LOCK-01');
    const path = newPath();
    const locks = new SocketLocks(path);
    await expect(locks.acquire('room')).rejects.toThrow(`Nobody listens at '${path}'`);
    const close = await new LockServer().listen(path);
    const lease = await locks.acquire('room');
    const lost = new Promise<void>((resolve) => lease.signal?.addEventListener('abort', () => resolve()));
    await close();
    await lost;
    expect(lease.signal?.reason).toMatchObject({ message: `The lock server at '${path}' is gone.` });
    await locks.close();
  });
});

describe('the realtime backend of the guide', () => {
  testSocketRealtime(citing(realtimeContract), newPath, atTheEnd);
});
