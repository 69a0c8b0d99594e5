/** Databases by what people type: a `postgres://` URL or a SQLite file. What is said of them never has a password in it. */
import { existsSync } from 'node:fs';
import { RoomKit, RoomKitError, type ConversationStore, type MigrationReport, type RoomLockManager, type StoreStatus } from 'roomkit';
import { CannotRun } from '../say.js';
import type { Operation } from './commands.js';

export interface Place {
  readonly text: string;
  readonly isUrl: boolean;
  readonly schema: string | undefined;
}

/** Throws CannotRun for URLs that are neither. */
export function placeOf(text: string, schema: string | boolean | undefined): Place {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1]?.toLowerCase();
  const isUrl = scheme === 'postgres' || scheme === 'postgresql';
  if (scheme !== undefined && !isUrl)
    throw new CannotRun(`'${withoutPassword(text)}' is no database of RoomKit. Give postgres://user@host/database, or the path of a SQLite file.`, 2);
  return { text, isUrl, schema: typeof schema === 'string' ? schema : undefined };
}

export function storeOf({ store, options }: Operation): Place {
  return placeOf(store, options.schema);
}

/** For messages and tables. */
export function withoutPassword(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1').replace(/\?.*$/, '');
}

export async function openStore(place: Place, { mayCreate = false, unfinished = false } = {}): Promise<ConversationStore> {
  return explained(place, async () => {
    if (place.isUrl) {
      const { PostgresStore } = await import('roomkit/postgres');
      return PostgresStore.open({ ...postgres(place), unfinished });
    }
    if (!mayCreate && !existsSync(place.text)) throw new CannotRun(`There is no database '${place.text}'. Check the path.`);
    const { SqliteStore } = await import('roomkit/sqlite');
    return SqliteStore.open({ path: place.text, unfinished });
  });
}

export function statusOf(place: Place): Promise<StoreStatus> {
  return explained(place, async () => {
    if (place.isUrl) return (await import('roomkit/postgres')).PostgresStore.status(postgres(place));
    return (await import('roomkit/sqlite')).SqliteStore.status(place.text);
  });
}

export function migrate(place: Place, options: { readonly dryRun: boolean }): Promise<MigrationReport> {
  return explained(place, async () => {
    if (place.isUrl) return (await import('roomkit/postgres')).PostgresStore.migrate(postgres(place), options);
    return (await import('roomkit/sqlite')).SqliteStore.migrate(place.text, options);
  });
}

/** Runs with the store, and closes it. */
export async function withStore<T>(place: Place, run: (store: ConversationStore) => Promise<T>): Promise<T> {
  const store = await openStore(place);
  try {
    return await explained(place, () => run(store));
  } finally {
    await store.close();
  }
}

/** Runs with a kit that has no channels, claims no work of others and runs nothing by itself; where processes share the store, under their locks. */
export async function withKit<T>(place: Place, run: (kit: RoomKit) => Promise<T>): Promise<T> {
  const store = await openStore(place);
  return explained(place, async () => {
    let lockManager: RoomLockManager | undefined;
    try {
      if (place.isUrl) lockManager = await (await import('roomkit/postgres')).PostgresLockManager.open(postgres(place));
    } catch (error) {
      await store.close();
      throw error;
    }
    const kit = new RoomKit({ store: quiet(store), ...(lockManager !== undefined && { lockManager }) });
    try {
      return await run(kit);
    } finally {
      await kit.close();
    }
  });
}

/** The store without its work: what waits in it is for the processes that have the channels. */
function quiet(store: ConversationStore): ConversationStore {
  const own: Readonly<Record<string, unknown>> = { persistent: false, shared: false, claimDue: () => ({ rows: [], turns: [] }) };
  return new Proxy(store, {
    get(inner, name): unknown {
      if (typeof name === 'string' && name in own) return own[name];
      const value: unknown = Reflect.get(inner, name);
      return typeof value === 'function' ? (value.bind(inner) as unknown) : value; // its methods have private fields
    },
  });
}

function postgres({ text, schema }: Place): { url: string; schema?: string; pool: { min: number; max: number } } {
  return { url: text, ...(schema !== undefined && { schema }), pool: { min: 0, max: 2 } };
}

/** What goes wrong in a database is told without a stack, and without what stood in its URL. */
async function explained<T>(place: Place, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof RoomKitError) throw new CannotRun(hidden(error.message, place), 1, { cause: error });
    throw error;
  }
}

function hidden(message: string, { text, isUrl }: Place): string {
  const password = isUrl && URL.canParse(text) ? new URL(text).password : '';
  const clean = message.replaceAll(text, withoutPassword(text));
  return password === '' ? clean : clean.replaceAll(decodeURIComponent(password), '***').replaceAll(password, '***');
}
