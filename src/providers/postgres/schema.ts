/** The schema, built by numbered steps that only add (STO-08, STO-13). */
import type { Sql } from './connection.js';
import { COMMIT_FUNCTION } from './commit-function.js';
import type { PostgresConfig } from './config.js';
import { COPY_MARK, outdatedSchema, RoomKitError, unfinishedCopy } from './core.js';
import { TABLES } from './tables.js';

/** One step; what an older kit can still work with says so. */
export interface SchemaStep {
  readonly sql: string;
  /** What it does, for people who ask before it is done. */
  readonly title?: string;
  /** The oldest version of this code that may go on beside it: a rolling deploy keeps it at its own. */
  readonly compatibleFrom: number;
}

export const STEPS: readonly SchemaStep[] = [
  { title: 'creates the tables of rooms, events, people, deliveries and turns', sql: TABLES + COMMIT_FUNCTION, compatibleFrom: 1 },
];

/** What tells our schema from another program's. */
const META = '@roomkit_schema';

/** What is there. */
interface Found {
  readonly isThere: boolean;
  readonly isOurs: boolean;
  readonly tables: number;
  readonly version: number;
  readonly compatibleFrom: number;
}

export async function inspectSchema(sql: Sql, schema: string): Promise<Found> {
  const isThere = (await sql.all('SELECT 1 FROM pg_namespace WHERE nspname = $1', schema)).length > 0;
  const tables = await sql.all('SELECT tablename FROM pg_tables WHERE schemaname = $1', schema);
  const isOurs = tables.some(({ tablename }) => tablename === META.slice(1));
  const [row] = isOurs ? await sql.all(`SELECT version, compatible_from FROM ${META}`) : [];
  return { isThere, isOurs, tables: tables.length, version: Number(row?.['version'] ?? 0), compatibleFrom: Number(row?.['compatible_from'] ?? 0) };
}

/** What brings a schema of this version to ours. */
export function pendingSteps(version: number, steps: readonly SchemaStep[] = STEPS): string[] {
  return steps.slice(version).map(({ title }, at) => `${version + at + 1}: ${title ?? 'adds to the tables'}`);
}

/** As a store finds it at its start: brought forward, unless it shall be left as it is. Refuses what was only half copied. */
export async function prepareSchema(sql: Sql, config: PostgresConfig, place: string): Promise<void> {
  if (!config.migrate) {
    const found = await inspectSchema(sql, config.schema);
    checkSchema(found, place);
    if (found.version < STEPS.length) throw outdatedSchema(`The database ${place}`, found.version, STEPS.length);
  } else await migrate(sql, config.schema, place);
  if (config.unfinished) return;
  const mark = await sql.all('SELECT 1 FROM @facts WHERE key = $1', COPY_MARK);
  if (mark.length > 0) throw unfinishedCopy(`The database ${place}`);
}

/** Another program's tables, and those of a newer version that this one cannot work with, are refused as they are. */
export function checkSchema({ isOurs, tables, version, compatibleFrom }: Found, place: string, known = STEPS.length): void {
  if (tables > 0 && !isOurs) {
    throw new RoomKitError(
      'store_foreign',
      `${place} belongs to another program (it has ${tables} tables of its own). Give RoomKit a schema of its own by the option schema.`,
    );
  }
  if (version > known && compatibleFrom > known) {
    throw new RoomKitError(
      'store_newer',
      `${place} was written by a newer version of roomkit (schema ${version}, for programs that know ${compatibleFrom} at least; this one knows ${known}). Update roomkit, or use another schema.`,
    );
  }
}

/**
 * Brings the schema to this version, in the running transaction; several who start at once do it one after another. What
 * cannot be done is refused before anything is changed.
 */
export async function migrate(sql: Sql, schema: string, place: string, steps: readonly SchemaStep[] = STEPS): Promise<void> {
  await sql.all('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', `roomkit schema ${schema}`);
  const found = await inspectSchema(sql, schema);
  checkSchema(found, place, steps.length);
  const { isThere, isOurs, version } = found;
  if (version >= steps.length) return;
  if (!isThere) await sql.all(`CREATE SCHEMA "${schema}"`);
  if (!isOurs) await sql.all(`CREATE TABLE ${META} (version bigint NOT NULL, compatible_from bigint NOT NULL)`);
  for (const step of steps.slice(version)) await sql.all(step.sql);
  await sql.all(`DELETE FROM ${META}`);
  await sql.all(`INSERT INTO ${META} (version, compatible_from) VALUES ($1, $2)`, steps.length, steps.at(-1)?.compatibleFrom ?? 1);
}
