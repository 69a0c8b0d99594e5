/** The schema, built by numbered steps that only add (STO-08, STO-13). */
import type { Sql } from './connection.js';
import { COMMIT_FUNCTION } from './commit-function.js';
import { RoomKitError } from './core.js';
import { TABLES } from './tables.js';

/** One step; what an older kit can still work with says so. */
export interface SchemaStep {
  readonly sql: string;
  /** The oldest version of this code that may go on beside it: a rolling deploy keeps it at its own. */
  readonly compatibleFrom: number;
}

export const STEPS: readonly SchemaStep[] = [{ sql: TABLES + COMMIT_FUNCTION, compatibleFrom: 1 }];

/** What tells our schema from another program's. */
const META = '@roomkit_schema';

/**
 * Brings the schema to this version, in the running transaction; several who start at once do it one after another. What
 * cannot be done is refused before anything is changed.
 */
export async function migrate(sql: Sql, schema: string, place: string, steps: readonly SchemaStep[] = STEPS): Promise<void> {
  await sql.all('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', `roomkit schema ${schema}`);
  const isThere = (await sql.all('SELECT 1 FROM pg_namespace WHERE nspname = $1', schema)).length > 0;
  const tables = await sql.all('SELECT tablename FROM pg_tables WHERE schemaname = $1', schema);
  const isOurs = tables.some(({ tablename }) => tablename === META.slice(1));
  if (tables.length > 0 && !isOurs) {
    throw new RoomKitError(
      'store_foreign',
      `${place} belongs to another program (it has ${tables.length} tables of its own). Give RoomKit a schema of its own by the option schema.`,
    );
  }
  const [row] = isOurs ? await sql.all(`SELECT version, compatible_from FROM ${META}`) : [];
  const version = Number(row?.['version'] ?? 0);
  if (version > steps.length) {
    const compatibleFrom = Number(row?.['compatible_from']);
    if (compatibleFrom <= steps.length) return;
    throw new RoomKitError(
      'store_newer',
      `${place} was written by a newer version of roomkit (schema ${version}, for programs that know ${compatibleFrom} at least; this one knows ${steps.length}). Update roomkit, or use another schema.`,
    );
  }
  if (version === steps.length) return;
  if (!isThere) await sql.all(`CREATE SCHEMA "${schema}"`);
  if (!isOurs) await sql.all(`CREATE TABLE ${META} (version bigint NOT NULL, compatible_from bigint NOT NULL)`);
  for (const step of steps.slice(version)) await sql.all(step.sql);
  await sql.all(`DELETE FROM ${META}`);
  await sql.all(`INSERT INTO ${META} (version, compatible_from) VALUES ($1, $2)`, steps.length, steps.at(-1)?.compatibleFrom ?? 1);
}
