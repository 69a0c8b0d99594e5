/** How a file stands beside this version of the package, and bringing it forward on purpose. */
import { existsSync, statSync } from 'node:fs';
import { COPY_MARK, type MigrationReport, type StoreStatus } from './core.js';
import { lookInto, type Database } from './database.js';
import { storeError } from './errors.js';
import { migrate, pendingSteps, SCHEMA_VERSION } from './schema.js';

export async function fileStatus(path: string): Promise<StoreStatus> {
  return withFile(path, (database) => {
    const { version, steps } = pendingSteps(database);
    const count = (sql: string): number =>
      version === 0 ? 0 : Number((database.prepare(`SELECT COUNT(*) AS n FROM ${sql}`).get() as { n: number }).n);
    return {
      place: path,
      schemaVersion: version,
      knownVersion: SCHEMA_VERSION,
      pending: steps,
      rooms: count('rooms'),
      events: count('events'),
      openDeliveries: count("outbox WHERE state IN ('queued', 'sending', 'unknown')"),
      openTurns: count("turns WHERE state IN ('queued', 'running')"),
      sizeBytes: sizeOf(path) + sizeOf(`${path}-wal`),
      liveLeases: 0,
      isUnfinishedCopy: hasFacts(database) && count(`facts WHERE key = '${COPY_MARK}'`) > 0,
    };
  });
}

export async function migrateFile(path: string, isDryRun: boolean): Promise<MigrationReport> {
  return withFile(path, (database) => {
    const { version, steps } = pendingSteps(database);
    if (!isDryRun) migrate(database);
    return { place: path, from: version, to: SCHEMA_VERSION, steps };
  });
}

async function withFile<T>(path: string, run: (database: Database) => T): Promise<T> {
  const database = await lookInto(path);
  try {
    return run(database);
  } catch (error) {
    throw storeError(error, path);
  } finally {
    database.close();
  }
}

function hasFacts(database: Database): boolean {
  return database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'facts'").get() !== undefined;
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
