/** A store in one file: each call that changes something is written down before it is made, and made again at the next start. */
import { closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { InMemoryStore, type ConversationStore } from 'roomkit';

// #region writes
/** The calls that change what is stored. Leases are not among them: they end with the process that holds them. */
const WRITES = [
  ...(['createRoom', 'createRoomOnce', 'updateRoom', 'patchRoomMetadata', 'deleteRoom'] as const),
  ...(['commitEvent', 'updateEvent', 'deleteEvent', 'putBinding', 'putParticipant'] as const),
  ...(['createIdentity', 'updateIdentity', 'linkAddress', 'mergeIdentities', 'unmergeIdentity'] as const),
  ...(['createTask', 'updateTask', 'addObservation', 'setReadMarker'] as const),
  ...(['updateRow', 'updateTurn', 'mergeTurns', 'recordOutcomes', 'holdMessage', 'dropHeld', 'addUsage', 'putFact', 'changeRecords'] as const),
] satisfies readonly (keyof ConversationStore)[];
type Write = (typeof WRITES)[number];
// #endregion

// #region store
/** Opens or makes the file. One process at a time: nothing keeps a second one out. */
export function openJournalStore(path: string): ConversationStore {
  const rooms = new InMemoryStore();
  const journal = new Journal(path);
  for (const { method, given } of journal.calls()) call(rooms, method, given);

  const own: Record<string, unknown> = {
    name: 'journal',
    persistent: true, // deliveries and turns that were under way go on after a restart
    close: () => (journal.close(), rooms.close()),
  };
  for (const method of WRITES) {
    own[method] = (...given: unknown[]) => {
      journal.write({ method, given });
      return call(rooms, method, given).orThrow();
    };
  }
  return new Proxy(rooms, {
    get: (_rooms, name) => own[String(name)] ?? bound(rooms, name),
  });
}

/** Makes a call. What was refused is refused again when it is made again: everything it depends on is in the store. */
function call(rooms: InMemoryStore, method: Write, given: readonly unknown[]): { orThrow(): unknown } {
  try {
    const result = (rooms[method] as (...given: readonly unknown[]) => unknown)(...given);
    return { orThrow: () => result };
  } catch (error) {
    return {
      orThrow: () => {
        throw error;
      },
    };
  }
}

function bound(rooms: InMemoryStore, name: string | symbol): unknown {
  const member: unknown = Reflect.get(rooms, name);
  return typeof member === 'function' ? (member.bind(rooms) as unknown) : member;
}
// #endregion

// #region journal
/** Records one after another, each with its length before it. A record that the end of the process cut off is taken away. */
class Journal {
  readonly #path: string;
  #file: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'a');
  }

  *calls(): Generator<{ method: Write; given: unknown[] }> {
    const bytes = readFileSync(this.#path);
    let at = 0;
    while (at + 4 <= bytes.length && at + 4 + bytes.readUInt32LE(at) <= bytes.length) {
      const end = at + 4 + bytes.readUInt32LE(at);
      yield deserialize(bytes.subarray(at + 4, end)) as { method: Write; given: unknown[] }; // only this class writes them
      at = end;
    }
    if (at < bytes.length && this.#file !== undefined) ftruncateSync(this.#file, at);
  }

  write(record: { method: Write; given: unknown[] }): void {
    if (this.#file === undefined) throw new Error(`The store '${this.#path}' is closed.`);
    const body = serialize(record); // keeps what JSON drops: a key that is set to undefined is one to remove
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    writeSync(this.#file, Buffer.concat([length, body]));
    fdatasyncSync(this.#file); // a call that has returned survives the loss of power
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
// #endregion
