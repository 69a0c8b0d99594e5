/** The user's file as a kit: loads it, TypeScript too, and finds what it exports. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InMemoryStore, type RoomKit } from 'roomkit';
import type { ServeOptions } from 'roomkit/server';
import { SqliteStore } from 'roomkit/sqlite';
import { CannotRun } from './say.js';

/** What a file gave. */
export interface Loaded {
  readonly kit: RoomKit;
  readonly server: Partial<ServeOptions>;
  /** Where its rooms are, for the person at the terminal. */
  readonly rooms: string;
}

const WAYS = `Write 'export default kit', 'export const kit = …', or a function that returns one: 'export default ({ store }) => new RoomKit({ store })'.`;

/** Throws CannotRun for what the file lacks; what the file itself throws comes through. */
export async function loadKit(path: string): Promise<Loaded> {
  const name = basename(path);
  if (!existsSync(path)) throw new CannotRun(`There is no file ${path}.`);
  if (/\.[cm]?tsx?$/.test(path)) await readTypeScript(path);
  const found = exportsOf((await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>);
  const server = found['server'] ?? {};
  if (typeof server !== 'object') throw new CannotRun(`The export 'server' of ${name} is a ${typeof server}. Give options of serve(kit, options).`);
  const given: unknown = await (found['default'] ?? found['kit']);
  if (given === undefined) {
    const names = Object.keys(found);
    throw new CannotRun(`${name} exports no kit${names.length === 0 ? '' : `, only ${names.join(', ')}`}. ${WAYS}`);
  }
  if (typeof given === 'function') return { ...(await kept(path, given as KitMaker)), server };
  if (!isKit(given)) throw new CannotRun(`What ${name} exports as its kit is none. ${WAYS}`);
  const rooms =
    given.store instanceof InMemoryStore
      ? `in memory; they end with this process (a function would be given a store that stays)`
      : `in the store of ${name}`;
  return { kit: given, server, rooms };
}

type KitMaker = (given: { readonly store: SqliteStore }) => unknown;

/** Calls the function with a store in `.roomkit/` beside the file. */
async function kept(path: string, make: KitMaker): Promise<Omit<Loaded, 'server'>> {
  const folder = join(dirname(path), '.roomkit');
  mkdirSync(folder, { recursive: true });
  // Conversations are no source: whoever commits the folder by mistake would publish them.
  if (!existsSync(join(folder, '.gitignore'))) writeFileSync(join(folder, '.gitignore'), '*\n');
  const store = await SqliteStore.open(join(folder, 'rooms.db'));
  try {
    const kit: unknown = await make({ store });
    if (!isKit(kit)) throw new CannotRun(`The function that ${basename(path)} exports returned no kit. ${WAYS}`);
    if (kit.store === store) return { kit, rooms: '.roomkit/rooms.db' };
    store.close(); // it chose another
    return {
      kit,
      rooms: kit.store instanceof InMemoryStore ? 'in memory; use the store the function is given to keep them' : `in the store of ${basename(path)}`,
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** The file may hold a kit of another copy of the package, so what it can do counts, not its class. */
function isKit(value: unknown): value is RoomKit {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['processInbound', 'drain', 'close'].every((method) => typeof (value as Readonly<Record<string, unknown>>)[method] === 'function')
  );
}

/** A file that was read as CommonJS has its exports one level deeper. */
function exportsOf(module: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const inner = module['default'];
  const isWrapped = typeof inner === 'object' && inner !== null && '__esModule' in inner;
  return isWrapped ? { ...inner } : module;
}

/** Node 22.18 and later read TypeScript by themselves; before, tsx does, when the user has it. */
async function readTypeScript(path: string): Promise<void> {
  const { typescript } = process.features as { readonly typescript?: unknown }; // newer than the types
  if (typeof typescript === 'string') return;
  let tsx: string;
  try {
    tsx = createRequire(path).resolve('tsx');
  } catch (cause) {
    throw new CannotRun(
      `Node ${process.versions.node} does not read TypeScript, and tsx is not installed beside ${basename(path)}. Run 'npm install -D tsx', or use Node 22.18 or later.`,
      1,
      { cause },
    );
  }
  await import(pathToFileURL(tsx).href); // what `node --import tsx` does
}
