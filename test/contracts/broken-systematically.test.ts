/** The contract of storage leaves no method, column, filter or copy unproved: a store that lacks any one of them fails. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InMemoryStore, type ConversationStore } from '../../src/core/index.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { storeContract, type OpenStore, type StoreMethod } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { failures } from './broken.js';

type Arguments = readonly unknown[];
/** Stands between the suite and a real store; `call` makes the real call with these arguments. */
type Between = (args: Arguments, call: (args: Arguments) => unknown, store: ConversationStore) => unknown;

/** A store in memory with something between it and the suite, at these methods. */
function openWith(methods: readonly StoreMethod[], make: () => Between): OpenStore {
  return () => {
    const store = new InMemoryStore();
    const between = make();
    return new Proxy<ConversationStore>(store, {
      get(_store, name): unknown {
        const value: unknown = Reflect.get(store, name);
        if (typeof value !== 'function') return value;
        const call = (args: Arguments): unknown => Reflect.apply(value, store, args) as unknown;
        return (...args: Arguments): unknown => (methods.includes(name as StoreMethod) ? between(args, call, store) : call(args));
      },
    });
  };
}

async function isFound(open: OpenStore): Promise<boolean> {
  return (await failures(storeContract, open, true)).length > 0;
}

/** What each method says when it does nothing. */
const NOTHING: Readonly<Record<Exclude<StoreMethod, 'knownRoom' | 'searchEvents' | 'time' | 'purge' | 'close'>, (...args: never[]) => unknown>> = {
  createRoom: (room: object) => structuredClone(room),
  createRoomOnce: (_key: string, room: object) => ({ room: structuredClone(room), created: true }),
  getRoom: () => null,
  loadRoom: () => null,
  loadArrival: () => null,
  updateRoom: (room: object) => structuredClone(room),
  patchRoomMetadata: (_roomId: string, metadata: object) => ({ metadata }),
  deleteRoom: () => true,
  findRooms: () => [],
  findLatestRoom: () => null,
  findRoomIdsByChannel: () => [],
  latestIndexes: () => new Map(),
  findRoute: () => ({ addressed: [], participating: [], bound: [] }),
  commitEvent: ({ event }: { event: object }) => ({ event, state: null, duplicate: false }),
  getEvent: () => null,
  updateEvent: (event: object) => event,
  deleteEvent: () => [],
  listEvents: () => [],
  getEventByIdempotencyKey: () => null,
  getEventByExternalId: () => null,
  countEvents: () => 0,
  getBinding: () => null,
  listBindings: () => [],
  putBinding: () => undefined,
  getParticipant: () => null,
  listParticipants: () => [],
  putParticipant: () => undefined,
  createIdentity: (identity: object) => structuredClone(identity),
  getIdentity: () => null,
  updateIdentity: (identity: object) => structuredClone(identity),
  resolveIdentity: () => null,
  linkAddress: () => true,
  mergeIdentities: () => null,
  unmergeIdentity: () => null,
  listMerges: () => [],
  createTask: () => undefined,
  updateTask: () => undefined,
  getTask: () => null,
  listTasks: () => [],
  listDueTasks: () => [],
  getApproval: () => null,
  listApprovals: () => [],
  addObservation: () => undefined,
  listObservations: () => [],
  setReadMarker: () => undefined,
  getReadMarker: () => null,
  updateRow: () => null,
  getRow: () => null,
  findRowByProviderMessage: () => null,
  listRows: () => [],
  updateTurn: () => null,
  mergeTurns: () => null,
  addUsage: () => undefined,
  sumUsage: () => [],
  getTurn: () => null,
  listTurns: () => [],
  claimDue: () => ({ rows: [], turns: [] }),
  renewLeases: () => undefined,
  releaseLeases: () => undefined,
  summarizeWork: () => ({ deliveries: {}, turns: {}, leases: {}, waiting: {} }),
  recordOutcomes: () => undefined,
  deliveryResults: () => new Map(),
  holdMessage: () => undefined,
  listHeld: () => [],
  dropHeld: () => undefined,
  getFact: () => null,
  putFact: () => undefined,
  listFacts: () => [],
  readRecords: () => ({ records: [] }),
  changeRecords: () => undefined,
};
const METHODS = Object.keys(NOTHING) as (keyof typeof NOTHING)[];
/** In a store of one process there are no leases to renew or release; stores with leases are tried in broken-stores.test.ts. */
const WITHOUT_EFFECT: readonly StoreMethod[] = ['renewLeases', 'releaseLeases'];
const READS = METHODS.filter((name) => /^(get|load|find|list|count|resolve|sumUsage|deliveryResults)/.test(name));
/** Those take values that cannot be changed; results of deliveries are shared objects, by contract. */
const TAKES_PLAIN: readonly StoreMethod[] = ['deleteRoom', 'deleteEvent', 'linkAddress', 'unmergeIdentity', 'setReadMarker', 'recordOutcomes'];
/** Those give out values that cannot be changed. */
const PLAIN: readonly StoreMethod[] = ['countEvents', 'getReadMarker'];
/** They only tell what is there. */
const TELLS: readonly string[] = ['claimDue', 'readRecords', 'summarizeWork'];
const WRITES = METHODS.filter((name) => !READS.includes(name) && !TELLS.includes(name) && !WITHOUT_EFFECT.includes(name));

/** Where each model comes in: the method, and how its argument is changed. */
const ALL = '*';
interface Model {
  readonly full: object;
  /** Identity of a model, or what the store counts itself. */
  readonly keys: readonly string[];
  /** What the store fills in when the model comes in. */
  readonly filledIn?: string;
  readonly creates: Partial<Record<StoreMethod, string | number>>;
  readonly replaces: Partial<Record<StoreMethod, string | number>>;
}
const MODELS: Readonly<Record<string, Model>> = {
  room: {
    full: samples.fullRoom('r'),
    keys: ['id', 'eventCount', 'latestIndex', 'version', 'createdAt'],
    creates: { createRoom: 0, createRoomOnce: 1 },
    replaces: { updateRoom: 0 },
  },
  event: {
    full: samples.fullEvent('r', 'e'),
    keys: ['id', 'roomId', 'index', 'createdAt', 'source'],
    creates: { commitEvent: '0.event' },
    replaces: { updateEvent: 0 },
  },
  source: {
    full: samples.fullEvent('r', 'e').source,
    keys: [],
    creates: { commitEvent: '0.event.source' },
    replaces: { updateEvent: '0.source' },
  },
  binding: {
    full: samples.fullBinding('r', 'c'),
    keys: ['roomId', 'channelId'],
    creates: { putBinding: 0, commitEvent: '0.binding' },
    replaces: {},
  },
  participant: {
    full: samples.fullParticipant('r', 'p'),
    keys: ['id', 'roomId'],
    creates: { putParticipant: 0, commitEvent: '0.participant' },
    replaces: {},
  },
  identity: { full: samples.fullIdentity('i'), keys: ['id'], creates: { createIdentity: 0 }, replaces: { updateIdentity: 0 } },
  task: { full: samples.fullTask('r', 't'), keys: ['id', 'roomId'], creates: { createTask: 0 }, replaces: { updateTask: 0 } },
  observation: { full: samples.fullObservation('r', 'o'), keys: ['id', 'roomId'], creates: { addObservation: 0 }, replaces: {} },
  row: {
    full: samples.fullRow('r', 'e', 'c'),
    keys: ['id', 'roomId', 'eventId', 'eventIndex', 'channelId', 'idempotencyKey', 'createdAt'],
    creates: { commitEvent: `0.outbox.${ALL}` },
    replaces: { updateRow: 1 },
  },
  turn: {
    full: samples.fullTurn('r', 't', 'c'),
    keys: ['id', 'roomId', 'channelId', 'createdAt'],
    filledIn: 'triggerIndex',
    creates: { commitEvent: `0.turns.${ALL}` },
    replaces: { updateTurn: 1 },
  },
  approval: { full: samples.fullApproval('r', 'a'), keys: ['id', 'roomId'], creates: { commitEvent: `0.approvals.${ALL}` }, replaces: {} },
  'held message': { full: samples.fullHeld('h'), keys: ['id', 'kind', 'key'], creates: { holdMessage: 0 }, replaces: {} },
};

/** A copy of `value` without a field at the end of a path such as `0.event.source`. */
function dropAt(value: unknown, path: readonly string[], field: string): unknown {
  if (value === null || typeof value !== 'object') return value;
  const copy: unknown = Array.isArray(value) ? [...value] : { ...value };
  const [step, ...rest] = path;
  if (step === undefined) Reflect.deleteProperty(copy as object, field);
  else
    for (const key of step === ALL ? Object.keys(copy as object) : [step])
      if (key in (copy as object)) Reflect.set(copy as object, key, dropAt(Reflect.get(copy as object, key), rest, field));
  return copy;
}

function forgets(field: string, at: Model['creates']): OpenStore {
  const methods = Object.keys(at) as StoreMethod[];
  // One `between` for all methods, told apart by the shape of the argument it finds.
  return () => {
    const store = new InMemoryStore();
    return new Proxy<ConversationStore>(store, {
      get(_store, name): unknown {
        const value: unknown = Reflect.get(store, name);
        if (typeof value !== 'function') return value;
        const path = methods.includes(name as StoreMethod) ? String(at[name as StoreMethod]).split('.') : undefined;
        return (...args: Arguments): unknown => Reflect.apply(value, store, path === undefined ? args : (dropAt(args, path, field) as Arguments));
      },
    });
  };
}

const COLUMNS = Object.entries(MODELS).flatMap(([name, model]) =>
  Object.keys(model.full)
    .filter((field) => !model.keys.includes(field))
    .flatMap((field) => [
      ...(field !== model.filledIn ? [[`forgets ${field} of a new ${name}`, forgets(field, model.creates)] as const] : []),
      ...(Object.keys(model.replaces).length > 0 ? [[`forgets ${field} of a changed ${name}`, forgets(field, model.replaces)] as const] : []),
    ]),
);

/** Filters and limits: method, position of the argument, and the option in it; without an option, the argument itself. */
const OPTIONS: readonly (readonly [StoreMethod, number, ...string[]])[] = [
  ['findRooms', 0, 'organizationId', 'status', 'metadata', 'withTimers', 'limit', 'offset'],
  ['findLatestRoom', 0, 'channelType', 'status', 'organizationId'],
  ['findRoomIdsByChannel', 1],
  ['findRoute', 0, 'idempotencyKey', 'organizationId'],
  ['deleteEvent', 2, 'cascadeReplies'],
  ['listEvents', 1, 'afterIndex', 'beforeIndex', 'offset', 'limit', 'newestFirst', 'visibility'],
  ['countEvents', 1, 'afterIndex'],
  ['resolveIdentity', 0, 'organizationId'],
  ['listTasks', 1, 'status'],
  ['listDueTasks', 0, 'before', 'limit'],
  ['listApprovals', 0, 'roomId', 'turnId', 'agentId', 'organizationId', 'state', 'limit'],
  ['updateRow', 2],
  ['listRows', 0, 'roomId', 'channelId', 'eventId', 'state', 'limit'],
  ['updateTurn', 2],
  ['listTurns', 0, 'roomId', 'channelId', 'state', 'limit'],
  ['claimDue', 0, 'exceptLanes'],
  ['changeRecords', 0, 'roomId', 'fencingToken', 'remove', 'put', 'add', 'usageBefore'],
  ['summarizeWork', 0, 'now'],
  ['readRecords', 0, 'roomId', 'containing', 'after', 'limit'],
];
const IGNORED = OPTIONS.flatMap(([method, position, ...options]) =>
  (options.length === 0 ? [undefined] : options).map(
    (option) => [`${method} ignores ${option ?? `argument ${position + 1}`}`, method, position, option] as const,
  ),
);

describe('the contract of storage finds a store', () => {
  it.each(METHODS.filter((name) => !WITHOUT_EFFECT.includes(name)))('whose %s does nothing', async (name) => {
    verifies('STO-11');
    const nothing = NOTHING[name] as (...args: unknown[]) => unknown;
    expect(await isFound(openWith([name], () => (args) => nothing(...args)))).toBe(true);
  });

  it.each(COLUMNS)('that %s', async (_what, open) => {
    verifies('STO-07', 'STO-11');
    expect(await isFound(open)).toBe(true);
  });

  it.each(IGNORED)('whose %s', async (_what, method, position, option) => {
    verifies('STO-11');
    const ignore: Between = (args, call) =>
      call(args.map((arg, at) => (at !== position ? arg : option === undefined ? undefined : dropAt(arg, [], option))));
    expect(await isFound(openWith([method], () => ignore))).toBe(true);
  });

  it.each(WRITES.filter((name) => !TAKES_PLAIN.includes(name)))('whose %s looks at what it was given only later', async (name) => {
    verifies('STO-06', 'STO-11');
    expect(
      await isFound(
        openWith([name], () => async (args, call) => {
          await Promise.resolve();
          return call(args);
        }),
      ),
    ).toBe(true);
  });

  it.each(READS.filter((name) => !PLAIN.includes(name)))('whose %s gives out what it keeps', async (name) => {
    verifies('STO-06', 'STO-11');
    const keeping = (): Between => {
      const kept = new Map<string, { real: unknown; given: unknown }>();
      return async (args, call) => {
        const real = structuredClone(await call(args));
        const key = JSON.stringify(args);
        const known = kept.get(key);
        if (known !== undefined && isDeepStrictEqual(known.real, real)) return known.given;
        const given = structuredClone(real);
        kept.set(key, { real, given });
        return given;
      };
    };
    expect(await isFound(openWith([name], keeping))).toBe(true);
  });

  // Identities, merges and facts belong to no room.
  it.each(READS.filter((name) => !/Identity|Merges|Fact/.test(name)))('whose %s still answers for a deleted room', async (name) => {
    verifies('STO-10', 'STO-11');
    const ghosts = (): Between => {
      const seen = new Map<string, unknown>();
      return async (args, call, store) => {
        const answer = await call(args);
        const key = JSON.stringify(args);
        if (size(answer) > size(seen.get(key))) seen.set(key, answer);
        // Only of what has gone with a room: the rooms that 'deletes a room …' made are fewer by now.
        const gone = (await store.getRoom('gone')) === null && (await store.getRoom('stays')) !== null;
        return gone && size(answer) < size(seen.get(key)) ? seen.get(key) : answer;
      };
    };
    expect(await isFound(openWith([name], ghosts))).toBe(true);
  });
});

/** How much an answer says: nothing, one thing, or as many as it lists. */
function size(answer: unknown): number {
  if (answer === null || answer === undefined) return 0;
  if (typeof answer === 'number') return answer;
  if (Array.isArray(answer)) return answer.length;
  if (answer instanceof Map) return answer.size;
  if (typeof answer === 'object' && 'records' in answer) return size(answer.records);
  if (typeof answer === 'object' && 'addressed' in answer) return Object.values(answer).flat().length;
  return 1;
}
