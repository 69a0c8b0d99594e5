/** One store for all processes of a run, which each of them reaches by calls that may fail. */
import { InMemoryStore } from '../../core/store/in-memory.js';
import type { Arrival, CommitResult, ConversationStore, RoomState } from '../../core/store/store.js';
import { methodsOf, type StoreMethod } from '../fault-store.js';
import { EPOCH_MS, type SimulatedProcess } from './process.js';

/** The database: what it has taken, it keeps. */
export class SimulatedDatabase extends InMemoryStore {
  override readonly name = 'simulated';
  override readonly persistent = true;
  override readonly shared = true;

  constructor(private readonly clock: { readonly now: number } = { now: 0 }) {
    super();
  }

  /** Its own time, whatever the clocks of processes say. */
  time(): number {
    return EPOCH_MS + this.clock.now;
  }
}

/** The database as one process sees it. */
export function simulatedStore(process: SimulatedProcess, database: SimulatedDatabase): ConversationStore {
  const seen = new Map<string, RoomState>();
  const store: Record<string, unknown> = {
    name: database.name,
    persistent: true,
    shared: true,
    knownRoom: (roomId: string) => seen.get(roomId) ?? null,
  };
  for (const name of methodsOf(database)) {
    const method = (database as ConversationStore)[name] as (...given: unknown[]) => unknown; // methodsOf names methods only
    store[name] =
      name === 'close'
        ? () => undefined
        : (...given: unknown[]) => {
            const sent = copyOf(given); // as it is when the call is made, and what comes back is the caller's own
            return process
              .call(`store.${name}`, () => method.apply(database, sent))
              .then((answer) => {
                remember(seen, name, sent, answer);
                return answer;
              });
          };
  }
  return store as unknown as ConversationStore; // what has all methods of a store is one
}

/** Rooms as answers tell of them, for `knownRoom`: what one process has seen of them, however old that is. */
function remember(seen: Map<string, RoomState>, method: StoreMethod, given: readonly unknown[], answer: unknown): void {
  if (answer === null) {
    if (method === 'loadRoom' || method === 'loadArrival') seen.delete(given[0] as string); // the room's id
    return;
  }
  let state: RoomState;
  if (method === 'loadRoom') state = answer as RoomState;
  else if (method === 'loadArrival' || method === 'commitEvent') ({ state } = answer as Arrival | CommitResult);
  else return;
  const before = seen.get(state.room.id);
  if (before === undefined || before.room.version <= state.room.version) seen.set(state.room.id, state);
}

/** Its own copy, as far as it is made of lists and plain objects; what is frozen cannot change, and is not copied. */
function copyOf<T>(value: T): T;
function copyOf(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return value.map((one: unknown) => copyOf(one));
  if (value instanceof Set) return new Set([...(value as Set<unknown>)].map((one) => copyOf(one)));
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copyOf(one)]));
}
