/** What outlives a process: the same tests run on a store in memory that the next kit gets, and on a file that is opened again. */
import { copyFileSync, existsSync } from 'node:fs';
import { InMemoryStore, type ConversationStore } from '../../src/core/index.js';
import { FaultStore } from '../../src/testing/index.js';
import { newPath, openStore } from './sqlite.js';

export interface Disk {
  readonly name: string;
  /** The store of a process, which a test may let fail or crash. */
  readonly store: FaultStore;
  /** The disk as it is now, for the process that comes after a crash. */
  readonly afterCrash: () => Promise<Disk>;
}

export const DISKS: readonly (readonly [string, () => Promise<Disk>])[] = [
  ['InMemoryStore', () => Promise.resolve(memory(new InMemoryStore()))],
  ['SqliteStore', () => file(newPath())],
];

function memory(kept: ConversationStore): Disk {
  return {
    name: 'InMemoryStore',
    store: new FaultStore(kept, { persistent: true, ownsStore: false }),
    afterCrash: () => Promise.resolve(memory(kept)),
  };
}

async function file(path: string): Promise<Disk> {
  const inner = await openStore({ path, synchronous: 'normal' });
  return {
    name: 'SqliteStore',
    // Closed after the test: a process that is gone closes nothing.
    store: new FaultStore(inner, { ownsStore: false }),
    afterCrash: () => file(imageOf(path)),
  };
}

/** The file and its log as a crash at this moment leaves them. */
export function imageOf(path: string): string {
  const image = newPath();
  copyFileSync(path, image);
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${image}-wal`);
  return image;
}
