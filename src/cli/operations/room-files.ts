/** Rooms as JSON lines: a header, then each room's record and all that belongs to it, one line each (STO-20). */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { RECORD_KINDS, recordsOf, recordStore, ROOMLESS_KINDS, roomIdOf, type RecordKind, type StoredRecord } from 'roomkit';
import { CannotRun, complain, say } from '../say.js';
import type { Operation } from './commands.js';
import { storeOf, withStore } from './databases.js';

/** What the first line says. A reader refuses versions it does not know. */
const FORMAT = 'roomkit-rooms';
const VERSION = 1;

export async function roomsExport(operation: Operation): Promise<void> {
  await withStore(storeOf(operation), async (store) => {
    const all = operation.options.all === true;
    const ids = all ? (await store.findRooms({})).map(({ id }) => id) : operation.arguments;
    for (const id of ids) if ((await store.getRoom(id)) === null) throw new CannotRun(`There is no room '${id}'. 'roomkit rooms list' shows them.`);
    await write({ format: FORMAT, version: VERSION });
    for (const roomId of ids) for await (const records of recordsOf(store, { roomId })) for (const record of records) await write(record);
    complain(`${ids.length} room(s) written.`);
  });
}

export async function roomsImport(operation: Operation): Promise<void> {
  const [file = ''] = operation.arguments;
  const rooms = roomsIn(textOf(file), file);
  const isReplacing = operation.options.replace === true;
  await withStore(storeOf(operation), async (store) => {
    const to = recordStore(store);
    const there: string[] = [];
    for (const roomId of rooms.keys()) if ((await store.getRoom(roomId)) !== null) there.push(roomId);
    if (there.length > 0 && !isReplacing) {
      const some = there.slice(0, 3).join(', ');
      throw new CannotRun(
        `${some}${there.length > 3 ? ` and ${there.length - 3} more` : ''} is there already, and nothing was imported. Say --replace to replace what is there.`,
      );
    }
    let done = 0;
    for (const [roomId, records] of rooms) {
      try {
        await to.changeRecords({ remove: there.includes(roomId) ? [{ kind: 'room', id: roomId }] : [], add: records });
      } catch (error) {
        throw new CannotRun(
          `Room '${roomId}' could not be imported: ${error instanceof Error ? error.message : String(error)} ${done} of ${rooms.size} were, each whole.`,
          1,
          { cause: error },
        );
      }
      done++;
    }
  });
  const count = [...rooms.values()].reduce((sum, records) => sum + records.length, 0);
  if (operation.options.json === true) say(JSON.stringify({ rooms: [...rooms.keys()], records: count }, null, 2));
  else say(`Imported ${rooms.size} room(s) with ${count} records.`);
}

/** Room → its records, checked line by line before anything is written. */
export function roomsIn(text: string, file: string): Map<string, StoredRecord[]> {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  else if (lines.length > 0) throw bad(file, lines.length, 'it ends in the middle, without a line break. The file was cut off; export it again');
  const header = objectIn(lines[0] ?? '', file, 1);
  if (header['format'] !== FORMAT)
    throw bad(file, 1, `it is not {"format":"${FORMAT}","version":${VERSION}}. Only files of 'roomkit rooms export' can be imported`);
  if (header['version'] !== VERSION)
    throw bad(file, 1, `version ${String(header['version'])} is not known; this roomkit reads ${VERSION}. Update roomkit, or export with this one`);
  const rooms = new Map<string, StoredRecord[]>();
  lines.slice(1).forEach((line, at) => {
    const number = at + 2;
    const record = recordIn(objectIn(line, file, number), file, number);
    const roomId = roomIdOf(record) ?? '';
    const known = rooms.get(roomId);
    if (record.kind === 'room') {
      if (known !== undefined) throw bad(file, number, `room '${roomId}' comes a second time. Leave one of the two`);
      rooms.set(roomId, [record]);
    } else if (known === undefined)
      throw bad(file, number, `room '${roomId}' of this ${record.kind} has not come before. Put its line of kind room first`);
    else known.push(record);
  });
  return rooms;
}

function objectIn(line: string, file: string, number: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw bad(file, number, `it is no JSON (${cause instanceof Error ? cause.message : String(cause)}). Mend the line, or export the room again`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw bad(file, number, 'it is no object. Each line holds one record, such as {"kind":"event",…}');
  return value as Record<string, unknown>; // any object is
}

/** The field that holds the model, by kind; a room and a creation are their own. */
const MODELS: Readonly<Partial<Record<RecordKind, { readonly field: string; readonly needs: readonly string[] }>>> = {
  event: { field: 'event', needs: ['id', 'roomId', 'index', 'type', 'source', 'content', 'visibility', 'createdAt', 'metadata'] },
  row: {
    field: 'row',
    needs: ['id', 'roomId', 'eventId', 'eventIndex', 'channelId', 'state', 'attempts', 'idempotencyKey', 'createdAt', 'expiresAt'],
  },
  turn: { field: 'turn', needs: ['id', 'roomId', 'channelId', 'triggerEventIds', 'triggerIndex', 'state', 'attempts', 'createdAt', 'expiresAt'] },
  approval: { field: 'approval', needs: ['id', 'roomId', 'turnId', 'agentId', 'state', 'expiresAt'] },
  task: { field: 'task', needs: ['id', 'roomId', 'status', 'createdAt'] },
  observation: { field: 'observation', needs: ['id', 'roomId'] },
  outcome: { field: 'outcome', needs: ['roomId', 'eventId', 'results'] },
  usage: { field: 'usage', needs: ['roomId', 'turnId', 'agentId', 'provider', 'model', 'tokens', 'ms', 'at'] },
  held: { field: 'held', needs: ['id', 'kind', 'key', 'roomId', 'message', 'expiresAt'] },
};

function recordIn(line: Record<string, unknown>, file: string, number: number): StoredRecord {
  const kind = RECORD_KINDS.find((known) => known === line['kind']);
  if (kind === undefined) throw bad(file, number, `kind ${JSON.stringify(line['kind'])} is not known. It is one of ${RECORD_KINDS.join(', ')}`);
  if (ROOMLESS_KINDS.includes(kind)) throw bad(file, number, `a record of kind ${kind} belongs to no room. Take the line out`);
  const check = (model: unknown, name: string, needs: readonly string[]): void => {
    if (model === null || typeof model !== 'object') throw bad(file, number, `it has no '${name}'. A line of kind ${kind} holds one`);
    const missing = needs.find((field) => !(field in model) || (model as Record<string, unknown>)[field] === null);
    if (missing !== undefined) throw bad(file, number, `its ${name} has no '${missing}'. Add it, or export the room again`);
  };
  if (kind === 'room') {
    check(line, 'line', ['room', 'bindings', 'participants', 'markers', 'fence']);
    check(line['room'], 'room', ['id', 'status', 'createdAt', 'updatedAt', 'timers', 'metadata', 'eventCount', 'latestIndex', 'version']);
    for (const list of ['bindings', 'participants'])
      if (!Array.isArray(line[list])) throw bad(file, number, `its '${list}' is no list. Export the room again`);
  } else if (kind === 'creation') check(line, 'line', ['key', 'roomId', 'atMs']);
  else {
    const model = MODELS[kind];
    if (model !== undefined) check(line[model.field], model.field, model.needs);
  }
  return line as unknown as StoredRecord; // checked as far as a store needs it
}

function bad(file: string, number: number, why: string): CannotRun {
  return new CannotRun(`Line ${number} of ${file} cannot be read: ${why}. Nothing was imported.`);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CannotRun(`${file} cannot be read (${cause instanceof Error ? cause.message : String(cause)}).`, 1, { cause });
  }
}

async function write(line: object): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, 'drain');
}
