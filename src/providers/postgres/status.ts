/** How a schema stands beside this version of the package, and bringing it forward on purpose. */
import { checkedConfig, type PostgresConfig, type PostgresOptions } from './config.js';
import { Connections } from './connection.js';
import { COPY_MARK, type MigrationReport, type StoreStatus } from './core.js';
import { OPEN_ROWS, OPEN_TURNS } from './tables.js';
import { checkSchema, inspectSchema, migrate, pendingSteps, STEPS } from './schema.js';

const NOW = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') COLLATE "C"`;

/** Counted by the server: how many there are is not the planner's guess. */
const COUNTS = `SELECT (SELECT COUNT(*) FROM @rooms) AS rooms, (SELECT COUNT(*) FROM @events) AS events,
  (SELECT COUNT(*) FROM @outbox WHERE ${OPEN_ROWS}) AS rows, (SELECT COUNT(*) FROM @turns WHERE ${OPEN_TURNS}) AS turns,
  (SELECT COUNT(*) FROM @outbox WHERE ${OPEN_ROWS} AND lease_until > ${NOW}) + (SELECT COUNT(*) FROM @turns WHERE ${OPEN_TURNS} AND lease_until > ${NOW})
    + (SELECT COUNT(*) FROM @leases WHERE until > clock_timestamp()) AS leases,
  (SELECT COUNT(*) FROM @facts WHERE key = $1) AS marks`;

const SIZE = `SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0) AS bytes
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'`;

export function schemaStatus(options: PostgresOptions | string): Promise<StoreStatus> {
  return withConnections(options, async (connections, { schema }) => {
    const found = await inspectSchema(connections, schema);
    checkSchema(found, connections.place);
    const { version, isOurs } = found;
    const [counts] = isOurs ? await connections.read(COUNTS, COPY_MARK) : [];
    const [size] = await connections.read(SIZE, schema);
    const count = (name: string): number => Number(counts?.[name] ?? 0);
    return {
      place: connections.place,
      schemaVersion: version,
      knownVersion: STEPS.length,
      pending: pendingSteps(version),
      rooms: count('rooms'),
      events: count('events'),
      openDeliveries: count('rows'),
      openTurns: count('turns'),
      sizeBytes: Number(size?.['bytes'] ?? 0),
      liveLeases: count('leases'),
      isUnfinishedCopy: count('marks') > 0,
    };
  });
}

export function migrateSchema(options: PostgresOptions | string, isDryRun: boolean): Promise<MigrationReport> {
  return withConnections(options, async (connections, { schema }) => {
    const found = await inspectSchema(connections, schema);
    checkSchema(found, connections.place);
    if (!isDryRun) await connections.transaction((sql) => migrate(sql, schema, connections.place));
    return { place: connections.place, from: found.version, to: Math.max(found.version, STEPS.length), steps: pendingSteps(found.version) };
  });
}

async function withConnections<T>(
  options: PostgresOptions | string,
  run: (connections: Connections, config: PostgresConfig) => Promise<T>,
): Promise<T> {
  const config = { ...checkedConfig(options, process.env), min: 0, max: 1 };
  const connections = await Connections.open(config, 'PostgresStore');
  try {
    return await run(connections, config);
  } finally {
    await connections.close();
  }
}
