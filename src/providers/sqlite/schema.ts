/** The tables, built by numbered steps that only add (STO-13). Rows keep their model as JSON; columns are what is searched by. */
import { RoomKitError } from './core.js';
import type { Database } from './database.js';

/** 'RmKt', in the file's header: how a file says that it is ours. Version 1 said nothing. */
const APPLICATION_ID = 0x526d4b74;

const STEPS: readonly string[] = [
  `
  CREATE TABLE rooms (
    id TEXT PRIMARY KEY, organization_id TEXT, status TEXT NOT NULL, created_at TEXT NOT NULL, has_timers INTEGER NOT NULL,
    event_count INTEGER NOT NULL, latest_index INTEGER NOT NULL, version INTEGER NOT NULL, fence INTEGER NOT NULL DEFAULT -1, json TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX rooms_by_status ON rooms (status, created_at);
  CREATE TABLE events (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, room_id TEXT NOT NULL, idx INTEGER NOT NULL, channel_id TEXT NOT NULL,
    idempotency_key TEXT, external_id TEXT, parent_id TEXT, visibility TEXT NOT NULL, json TEXT NOT NULL,
    UNIQUE (room_id, idx), UNIQUE (room_id, idempotency_key)
  );
  CREATE INDEX events_by_key ON events (channel_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX events_by_external ON events (channel_id, external_id) WHERE external_id IS NOT NULL;
  CREATE VIRTUAL TABLE event_text USING fts5(text, content='', contentless_delete=1);
  CREATE TABLE bindings (
    room_id TEXT NOT NULL, channel_id TEXT NOT NULL, position INTEGER NOT NULL, address TEXT, channel_type TEXT NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (room_id, channel_id)
  ) WITHOUT ROWID;
  CREATE INDEX bindings_by_channel ON bindings (channel_id, address);
  CREATE TABLE participants (
    room_id TEXT NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, external_id TEXT, json TEXT NOT NULL, PRIMARY KEY (room_id, id)
  ) WITHOUT ROWID;
  CREATE INDEX participants_by_id ON participants (id);
  CREATE INDEX participants_by_external ON participants (external_id) WHERE external_id IS NOT NULL;
  CREATE TABLE identities (id TEXT PRIMARY KEY, organization_id TEXT NOT NULL, json TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE addresses (
    organization_id TEXT NOT NULL, channel_type TEXT NOT NULL, address TEXT NOT NULL, identity_id TEXT NOT NULL,
    PRIMARY KEY (organization_id, channel_type, address)
  ) WITHOUT ROWID;
  CREATE TABLE merges (from_id TEXT PRIMARY KEY, into_id TEXT NOT NULL, json TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE tasks (id TEXT PRIMARY KEY, room_id TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT NOT NULL, json TEXT NOT NULL);
  CREATE INDEX tasks_by_room ON tasks (room_id);
  CREATE TABLE observations (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, room_id TEXT NOT NULL, json TEXT NOT NULL);
  CREATE INDEX observations_by_room ON observations (room_id);
  CREATE TABLE markers (room_id TEXT NOT NULL, channel_id TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (room_id, channel_id)) WITHOUT ROWID;
  CREATE TABLE outbox (
    id TEXT PRIMARY KEY, room_id TEXT NOT NULL, event_id TEXT NOT NULL, event_index INTEGER NOT NULL, channel_id TEXT NOT NULL, state TEXT NOT NULL,
    provider TEXT, provider_message_id TEXT, json TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX outbox_by_room ON outbox (room_id, event_index);
  CREATE INDEX outbox_by_event ON outbox (event_id);
  CREATE INDEX outbox_open ON outbox (room_id, event_index) WHERE state IN ('queued', 'sending', 'unknown');
  CREATE INDEX outbox_by_message ON outbox (provider, provider_message_id) WHERE provider_message_id IS NOT NULL;
  CREATE TABLE turns (
    id TEXT PRIMARY KEY, room_id TEXT NOT NULL, channel_id TEXT NOT NULL, trigger_index INTEGER NOT NULL, state TEXT NOT NULL, json TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX turns_by_room ON turns (room_id, trigger_index);
  CREATE INDEX turns_open ON turns (room_id, trigger_index) WHERE state IN ('queued', 'running');
  CREATE TABLE outcomes (event_id TEXT NOT NULL, channel_id TEXT NOT NULL, room_id TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (event_id, channel_id)) WITHOUT ROWID;
  CREATE TABLE held (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, key TEXT NOT NULL, room_id TEXT, expires_at TEXT NOT NULL, json TEXT NOT NULL
  );
  CREATE INDEX held_by_key ON held (kind, key);
  CREATE TABLE creations (key TEXT PRIMARY KEY, room_id TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
  `,
  // Counters change with every event, so they leave the row that holds the room's JSON: it may be large, and is rewritten
  // as a whole. The columns of version 1 stay as they were and are not looked at any more.
  `
  CREATE TABLE counters (
    room_id TEXT PRIMARY KEY, event_count INTEGER NOT NULL, latest_index INTEGER NOT NULL, version INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT -1, updated_at TEXT NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO counters (room_id, event_count, latest_index, version, fence, updated_at)
    SELECT id, event_count, latest_index, version, fence, json_extract(json, '$.updatedAt') FROM rooms;
  CREATE INDEX rooms_by_creation ON rooms (created_at);
  CREATE INDEX rooms_by_organization ON rooms (organization_id, created_at) WHERE organization_id IS NOT NULL;
  CREATE INDEX rooms_timed ON rooms (status, created_at) WHERE has_timers = 1;
  ALTER TABLE bindings ADD COLUMN room_open INTEGER NOT NULL DEFAULT 1;
  UPDATE bindings SET room_open = 0 WHERE room_id IN (SELECT id FROM rooms WHERE status NOT IN ('active', 'paused'));
  CREATE INDEX bindings_open ON bindings (channel_id) WHERE room_open = 1;
  CREATE INDEX addresses_by_identity ON addresses (identity_id);
  CREATE INDEX creations_by_time ON creations (at_ms);
  CREATE INDEX creations_by_room ON creations (room_id);
  CREATE INDEX held_by_room ON held (room_id) WHERE room_id IS NOT NULL;
  CREATE INDEX held_by_expiry ON held (expires_at);
  PRAGMA application_id = ${APPLICATION_ID};
  `,
  // Calls of tools that wait for a person, and tools that answer later.
  `
  CREATE TABLE approvals (
    id TEXT PRIMARY KEY, room_id TEXT NOT NULL, turn_id TEXT NOT NULL, agent_id TEXT NOT NULL, state TEXT NOT NULL, expires_at TEXT NOT NULL,
    json TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX approvals_by_room ON approvals (room_id, expires_at);
  CREATE INDEX approvals_by_turn ON approvals (turn_id);
  CREATE INDEX approvals_by_expiry ON approvals (expires_at, id);
  CREATE INDEX approvals_pending ON approvals (expires_at, id) WHERE state = 'pending';
  CREATE INDEX tasks_due ON tasks (json_extract(json, '$.expiresAt')) WHERE status = 'in_progress';
  `,
  // What generations cost (USG-01). Kinds of tokens without a column are in the JSON.
  `
  CREATE TABLE usage (
    number INTEGER PRIMARY KEY, room_id TEXT NOT NULL, turn_id TEXT NOT NULL, agent_id TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
    at TEXT NOT NULL, ms REAL NOT NULL, cost REAL, input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER,
    reasoning_tokens INTEGER, json TEXT
  );
  CREATE INDEX usage_by_room ON usage (room_id, at);
  CREATE INDEX usage_by_agent ON usage (agent_id, at);
  CREATE INDEX usage_by_time ON usage (at);
  `,
  // What belongs to no room, such as who has opted out.
  `
  CREATE TABLE facts (key TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
  `,
  // Who went into whom.
  `
  CREATE INDEX merges_into ON merges (into_id);
  `,
  // Texts are put into the index many at a time: up to which event they are in it.
  `
  CREATE TABLE searched (id INTEGER PRIMARY KEY CHECK (id = 1), up_to INTEGER NOT NULL);
  INSERT INTO searched (id, up_to) SELECT 1, COALESCE(MAX(number), 0) FROM events;
  `,
  // Wrote the table of events anew; the next step does so, too, and once is enough.
  '',
  // The index by room and position wrote a page of its own for each room in each commit. It is a table now, which events come into
  // many at a time; up to which, `searched` says. An event without a key had a place among the keys of its room all the same. Both
  // constraints were the table's, so the table is written anew, in its order, under the same numbers.
  `
  CREATE TABLE places (room_id TEXT NOT NULL, idx INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (room_id, idx)) WITHOUT ROWID;
  INSERT INTO places (room_id, idx, number)
    SELECT room_id, idx, number FROM events WHERE number <= (SELECT up_to FROM searched WHERE id = 1) ORDER BY room_id, idx;
  CREATE TABLE events_anew (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, room_id TEXT NOT NULL, idx INTEGER NOT NULL, channel_id TEXT NOT NULL,
    idempotency_key TEXT, external_id TEXT, parent_id TEXT, visibility TEXT NOT NULL, json TEXT NOT NULL
  );
  INSERT INTO events_anew (number, id, room_id, idx, channel_id, idempotency_key, external_id, parent_id, visibility, json)
    SELECT number, id, room_id, idx, channel_id, idempotency_key, external_id, parent_id, visibility, json FROM events ORDER BY number;
  DROP TABLE events;
  ALTER TABLE events_anew RENAME TO events;
  CREATE UNIQUE INDEX events_by_room_key ON events (room_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX events_by_key ON events (channel_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX events_by_external ON events (channel_id, external_id) WHERE external_id IS NOT NULL;
  CREATE INDEX events_erased ON events (idempotency_key) WHERE idempotency_key GLOB 'erased:*';
  `,
];

/** What each step does, for people who ask before it is done. */
const TITLES: readonly string[] = [
  'creates the tables of rooms, events, people, deliveries and turns',
  'moves the counters of rooms into a table of their own, and adds indexes',
  'adds approvals, and an index of tasks that have an end',
  'adds the usage of agents',
  'adds facts',
  'adds an index of merged identities',
  'adds up to which event texts are in the search index',
  'changes nothing any more',
  'writes the table of events anew, with its index of rooms as a table of its own; needs three times the size of the file free',
];

/** The version this code writes. */
export const SCHEMA_VERSION = STEPS.length;

/** Looks at a file before anything is changed in it: a newer one, and another program's, are refused as they are. */
export function checkOwn(database: Database, path: string): void {
  const version = schemaVersion(database);
  const { tables } = database.prepare('SELECT COUNT(*) AS tables FROM sqlite_master').get() as { tables: number };
  if (Number(tables) > 0 && !isOwn(database)) {
    throw new RoomKitError(
      'store_foreign',
      `The database '${path}' belongs to another program (it has ${tables} tables and indexes of its own). Give RoomKit a file of its own.`,
    );
  }
  if (version > SCHEMA_VERSION) {
    throw new RoomKitError(
      'store_newer',
      `The database '${path}' was written by a newer version of roomkit (schema ${version}; this one knows ${SCHEMA_VERSION}). Update roomkit, or use another file.`,
    );
  }
}

/** The file's own version, and what a migration would do. */
export function pendingSteps(database: Database): { readonly version: number; readonly steps: readonly string[] } {
  const version = schemaVersion(database);
  const steps = STEPS.slice(version).map((_step, at) => `${version + at + 1}: ${TITLES[version + at] ?? 'adds to the tables'}`);
  return { version, steps };
}

/** Brings the file to this version, in one transaction. */
export function migrate(database: Database): void {
  const version = schemaVersion(database);
  if (version === SCHEMA_VERSION) return;
  // A step may write a table anew: what it leaves behind must not outlive what is erased later (ERA-08).
  database.exec('PRAGMA secure_delete = ON');
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const step of STEPS.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    database.exec('COMMIT');
  } catch (error) {
    try {
      database.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself.
    }
    throw error;
  }
  // A log that holds a table twice would keep its size for as long as the file is open.
  if (version > 0) database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

function schemaVersion(database: Database): number {
  return Number((database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version);
}

function isOwn(database: Database): boolean {
  const { application_id: id } = database.prepare('PRAGMA application_id').get() as { application_id: number };
  if (Number(id) === APPLICATION_ID) return true;
  const ours = database
    .prepare("SELECT COUNT(*) AS ours FROM sqlite_master WHERE name IN ('rooms', 'events', 'event_text', 'outbox', 'creations')")
    .get();
  return Number(id) === 0 && Number((ours as { ours: number }).ours) === 5;
}
