/** Stores that break one thing each, beside the case of the contract that must find it. */
import { laneKey, type CommitResult, type ConversationStore, type EventCommit, type Room, type RoomEvent } from '../../src/core/index.js';

export type Methods = Partial<ConversationStore>;
export type Break = (store: ConversationStore) => Methods;

/** The events a store gives out, changed. */
function events(store: ConversationStore, change: (event: RoomEvent, eventCount: number) => RoomEvent): Methods {
  const count = async (roomId: string): Promise<number> => (await store.getRoom(roomId))?.eventCount ?? 0;
  return {
    commitEvent: async (commit) => {
      const result = await store.commitEvent(commit);
      return { ...result, event: change(result.event, result.state.room.eventCount) };
    },
    getEvent: async (roomId, eventId) => {
      const event = await store.getEvent(roomId, eventId);
      return event === null ? null : change(event, await count(roomId));
    },
    listEvents: async (roomId, query) => {
      const eventCount = await count(roomId);
      return (await store.listEvents(roomId, query)).map((event) => change(event, eventCount));
    },
  };
}

/** Commits changed before they are made. */
function commits(store: ConversationStore, change: (commit: EventCommit) => EventCommit): Methods {
  return { commitEvent: (commit) => store.commitEvent(change(commit)) };
}

function without<Value extends object, Key extends keyof Value>(value: Value, ...keys: readonly Key[]): Value {
  const copy = { ...value };
  for (const key of keys) Reflect.deleteProperty(copy, key);
  return copy;
}

/** One snapshot for as long as the real one stays the same, and not frozen. */
function mutableSnapshots(store: ConversationStore): Methods {
  const copies = new WeakMap<object, object>();
  return {
    loadRoom: async (roomId) => {
      const state = await store.loadRoom(roomId);
      if (state === null) return null;
      const copy = copies.get(state) ?? {
        ...structuredClone({ ...state, bindings: [], participants: [] }),
        bindings: state.bindings,
        participants: state.participants,
      };
      copies.set(state, copy);
      return copy as typeof state;
    },
  };
}

/** What is wrong, the case that finds it, and how it is done. */
export const FAKES: readonly (readonly [string, string, Break])[] = [
  ['begins at index 1', 'gives events their indexes from 0', (store) => events(store, (event) => ({ ...event, index: event.index + 1 }))],
  [
    'loses an index now and then',
    'stays gapless under many writers',
    (store) => {
      let calls = 0;
      const lost = async (commit: EventCommit): Promise<CommitResult> => {
        const state = await store.loadRoom(commit.event.roomId);
        return {
          event: Object.freeze({ ...commit.event, index: state?.room.latestIndex ?? 0 }),
          state: state as CommitResult['state'],
          duplicate: false,
        };
      };
      return { commitEvent: (commit) => (++calls % 40 === 0 ? lost(commit) : store.commitEvent(commit)) };
    },
  ],
  [
    'gives an index again after a deletion',
    'never gives an index twice',
    (store) => events(store, (event, count) => ({ ...event, index: Math.min(event.index, count) })),
  ],
  [
    'ignores duplicates',
    'answers a key it knows',
    (store) => commits(store, (commit) => ({ ...commit, event: without(commit.event, 'idempotencyKey') })),
  ],
  [
    'looks for the key before it waits',
    'makes one event of many commits with one key at once',
    (store) => ({
      commitEvent: async (commit) => {
        const { idempotencyKey: key, roomId } = commit.event;
        const known = key === undefined ? null : await store.getEventByIdempotencyKey(key, { roomId });
        if (known !== null) return store.commitEvent(commit);
        await Promise.resolve();
        const result = await store.commitEvent({ ...commit, event: without(commit.event, 'idempotencyKey') });
        return {
          ...result,
          event: (await store.updateEvent({ ...result.event, ...(key !== undefined && { idempotencyKey: key }) })) ?? result.event,
        };
      },
    }),
  ],
  [
    'stores what came with a duplicate',
    'answers a key it knows',
    (store) => ({
      commitEvent: async (commit) => {
        const result = await store.commitEvent(commit);
        if (result.duplicate && commit.participant !== undefined) await store.putParticipant(commit.participant);
        return result;
      },
    }),
  ],
  [
    'writes the binding before it looks at the commit',
    'commits only on the version',
    (store) => ({
      commitEvent: async (commit) => {
        if (commit.binding !== undefined) await store.putBinding(commit.binding);
        return store.commitEvent(commit);
      },
    }),
  ],
  ['accepts a lower fencing token in commits', 'refuses a fencing token', (store) => commits(store, (commit) => without(commit, 'fencingToken'))],
  ['accepts a lower token in updateRoom', 'refuses a fencing token', (store) => ({ updateRoom: (room) => store.updateRoom(room) })],
  [
    'accepts a lower token in patchRoomMetadata',
    'refuses a fencing token',
    (store) => ({ patchRoomMetadata: (id, patch) => store.patchRoomMetadata(id, patch) }),
  ],
  ['accepts a lower token in updateEvent', 'refuses a fencing token', (store) => ({ updateEvent: (event) => store.updateEvent(event) })],
  [
    'accepts a lower token in deleteEvent',
    'refuses a fencing token',
    (store) => ({ deleteEvent: (roomId, eventId, options = {}) => store.deleteEvent(roomId, eventId, without(options, 'fencingToken')) }),
  ],
  ['accepts a lower token in putBinding', 'refuses a fencing token', (store) => ({ putBinding: (binding) => store.putBinding(binding) })],
  [
    'accepts a lower token in putParticipant',
    'refuses a fencing token',
    (store) => ({ putParticipant: (participant) => store.putParticipant(participant) }),
  ],
  ['fences every room by one token', 'refuses a fencing token', fencesAllRooms],
  ['ignores expectedVersion', 'commits only on the version', (store) => commits(store, (commit) => without(commit, 'expectedVersion'))],
  ['ignores expectedRevision', 'commits only on the revision', (store) => commits(store, (commit) => without(commit, 'expectedRevision'))],
  [
    'reads every message as a new one',
    'reads a room together with the event',
    (store) => ({ loadArrival: async (roomId) => (await store.loadArrival(roomId)) ?? null }),
  ],
  ['ignores expectedLatestIndex', 'commits only on the version', (store) => commits(store, (commit) => without(commit, 'expectedLatestIndex'))],
  ['commits a turn twice', 'refuses a second reply of a turn', commitsTurnsTwice],
  [
    'merges what runs already',
    'makes several queued turns one',
    (store) => ({
      mergeTurns: async (merge) => {
        for (const id of merge.turnIds) if (id !== merge.intoId) await store.updateTurn(id, { state: 'queued' }, ['running']);
        return store.mergeTurns(merge);
      },
    }),
  ],
  [
    'merges into a turn that has ended',
    'makes several queued turns one',
    (store) => ({
      mergeTurns: async (merge) => {
        await store.updateTurn(merge.intoId, { state: 'queued' });
        return store.mergeTurns(merge);
      },
    }),
  ],
  [
    'forgets what a merged turn answers',
    'makes several queued turns one',
    (store) => ({
      mergeTurns: async (merge) => {
        const before = await store.getTurn(merge.intoId);
        const made = await store.mergeTurns(merge);
        const turn = made === null ? null : await store.updateTurn(merge.intoId, { triggerEventIds: before?.triggerEventIds ?? [] });
        return made === null || turn === null ? null : { ...made, turn };
      },
    }),
  ],
  [
    'forgets that a reply completes a turn',
    'completes a turn in the commit',
    (store) => commits(store, (commit) => without(commit, 'completesTurn')),
  ],
  ['forgets approvals', 'suspends a turn', (store) => commits(store, (commit) => without(commit, 'approvals'))],
  ['forgets that a turn waits', 'suspends a turn', (store) => commits(store, (commit) => without(commit, 'turnChanges'))],
  ['suspends a turn that has moved on', 'suspends a turn', (store) => ({ commitEvent: (commit) => fromAnyState(store, commit) })],
  ['forgets an answer', 'answers an approval once', (store) => commits(store, (commit) => without(commit, 'resolves'))],
  ['leaves the turn waiting', 'answers an approval once', (store) => commits(store, (commit) => without(commit, 'turnChanges'))],
  ['forgets the tasks of a commit', 'makes tasks with a commit', (store) => commits(store, (commit) => without(commit, 'tasks'))],
  ['forgets that a task ends', 'makes tasks with a commit', (store) => commits(store, (commit) => without(commit, 'endsTask'))],
  ['ends a task again', 'makes tasks with a commit', endsTasksAgain],
  ['forgets the outbox', 'stores binding, participant, rows', (store) => commits(store, (commit) => without(commit, 'outbox'))],
  ['forgets the turns', 'stores binding, participant, rows', (store) => commits(store, (commit) => without(commit, 'turns'))],
  ['forgets the binding', 'stores binding, participant, rows', (store) => commits(store, (commit) => without(commit, 'binding'))],
  ['forgets the participant', 'stores binding, participant, rows', (store) => commits(store, (commit) => without(commit, 'participant'))],
  ['forgets the change of the room', 'stores binding, participant, rows', (store) => commits(store, (commit) => without(commit, 'roomPatch'))],
  ['forgets the target', 'stores binding, participant, rows', (store) => commits(store, (commit) => without(commit, 'target'))],
  ['forgets the detached binding', 'takes back what a commit had set', (store) => commits(store, (commit) => without(commit, 'removeBinding'))],
  [
    'leaves rows without their index',
    'stores binding, participant, rows',
    (store) => ({ listRows: async (query) => (await store.listRows(query)).map((row) => ({ ...row, eventIndex: -1 })) }),
  ],
  ['reaches into another room with an edit', 'changes the target', (store) => ({ commitEvent: (commit) => reachesOver(store, commit) })],
  ['gives out events that can be changed', 'gives out frozen events', givesMutableEvents],
  ['gives out a snapshot that can be changed', 'gives one frozen snapshot', mutableSnapshots],
  [
    'makes a new snapshot each time',
    'gives one frozen snapshot',
    (store) => ({
      loadRoom: async (roomId) => {
        const state = await store.loadRoom(roomId);
        return state === null ? null : Object.freeze({ ...state });
      },
    }),
  ],
  ['gives out a stale snapshot', 'gives one frozen snapshot', givesStaleSnapshots],
  [
    'lets updateRoom write counters',
    'writes what callers own',
    (store) => ({
      updateRoom: async (room, options) => ({
        ...(await store.updateRoom(room, options)),
        eventCount: room.eventCount,
        latestIndex: room.latestIndex,
      }),
    }),
  ],
  [
    'takes any version in updateRoom',
    'refuses a stale room',
    (store) => ({
      updateRoom: async (room, options) => store.updateRoom({ ...room, version: (await store.getRoom(room.id))?.version ?? room.version }, options),
    }),
  ],
  [
    'replaces metadata instead of merging it',
    'merges metadata key by key',
    (store) => ({
      patchRoomMetadata: async (roomId, patch, options) => {
        const now = await store.getRoom(roomId);
        const cleared = Object.fromEntries(Object.keys(now?.metadata ?? {}).map((key) => [key, undefined]));
        return store.patchRoomMetadata(roomId, { ...cleared, ...patch }, options);
      },
    }),
  ],
  [
    'reads metadata, waits, and writes it',
    'merges metadata key by key',
    (store) => ({
      patchRoomMetadata: async (roomId, patch, options) => {
        const seen = (await store.getRoom(roomId))?.metadata ?? {};
        await Promise.resolve();
        const now = store.getRoom(roomId) as Room; // this store answers at once, so that nothing comes between
        const lost = Object.fromEntries(Object.keys(now.metadata).map((key) => [key, undefined]));
        return store.patchRoomMetadata(roomId, { ...lost, ...seen, ...patch }, options);
      },
    }),
  ],
  [
    'takes true for 1 in a filter of metadata',
    'finds rooms by organization',
    (store) => ({
      findRooms: async ({ metadata, ...query }) =>
        (await store.findRooms(query)).filter((room) => Object.entries(metadata ?? {}).every(([key, value]) => room.metadata[key] == value)),
    }),
  ],
  [
    'lists rooms oldest first',
    'finds rooms by organization',
    (store) => ({ findRooms: async (query) => [...(await store.findRooms(query))].reverse() }),
  ],
  [
    'looks for a key of creation before it waits',
    'creates a room once per key',
    (store) => ({
      createRoomOnce: async (key, room, ttl) => {
        const known = keys.get(store)?.get(key);
        await Promise.resolve();
        if (known !== undefined && Date.parse(room.createdAt) - known.at < ttl * 1000) {
          const earlier = await store.getRoom(known.roomId);
          if (earlier !== null) return { room: earlier, created: false };
        }
        if (!keys.has(store)) keys.set(store, new Map());
        keys.get(store)?.set(key, { roomId: room.id, at: Date.parse(room.createdAt) });
        return store.createRoomOnce(`${key} ${room.id}`, room, ttl);
      },
    }),
  ],
  [
    'lets the second of two rooms win',
    'refuses a second room',
    (store) => ({
      createRoom: async (room) => {
        await store.deleteRoom(room.id);
        return store.createRoom(room);
      },
    }),
  ],
  [
    'never reaches deeper than one reply',
    'removes replies of any depth',
    (store) => ({
      deleteEvent: async (roomId, eventId, options) => {
        const replies = options?.cascadeReplies === true ? (await store.listEvents(roomId)).filter((event) => event.parentEventId === eventId) : [];
        const removed = [...(await store.deleteEvent(roomId, eventId))];
        for (const reply of replies) removed.push(...(await store.deleteEvent(roomId, reply.id)));
        return removed;
      },
    }),
  ],
  [
    'keeps old keys of a rewritten event',
    'finds a rewritten event by what it says now',
    (store) => ({ updateEvent: async (event) => ((await store.updateEvent({ ...event, idempotencyKey: 'old' })) === null ? null : event) }),
  ],
  [
    'gives a key to two events',
    'finds a rewritten event',
    (store) => ({
      updateEvent: async (event, options) => {
        try {
          return await store.updateEvent(event, options);
        } catch {
          return event;
        }
      },
    }),
  ],
  ['moves markers back', 'moves read markers forward only', movesMarkersBack],
  [
    'orders bindings by name',
    'keeps every field of a binding',
    (store) => ({
      listBindings: async (roomId) => [...(await store.listBindings(roomId))].sort((a, b) => (a.channelId < b.channelId ? -1 : 1)),
    }),
  ],
  [
    'orders participants by name',
    'keeps every field of a participant',
    (store) => ({
      listParticipants: async (roomId) => [...(await store.listParticipants(roomId))].sort((a, b) => (a.id < b.id ? -1 : 1)),
    }),
  ],
  ['links an address twice', 'links an address once', linksTwice],
  [
    'gives an address away',
    'knows an address of an organization',
    (store) => ({
      createIdentity: async (identity) => {
        try {
          return await store.createIdentity(identity);
        } catch {
          return identity;
        }
      },
    }),
  ],
  [
    'merges without an alias',
    'merges two identities',
    (store) => ({
      getIdentity: async (id) => {
        const found = await store.getIdentity(id);
        return found?.id === id ? found : null;
      },
    }),
  ],
  [
    'forgets who merged whom',
    'merges two identities',
    (store) => ({
      mergeIdentities: async (merge) => {
        const made = await store.mergeIdentities(merge);
        return made === null ? null : without(made, 'reason');
      },
    }),
  ],
  [
    'lists what went into an identity directly only',
    'parts what was merged exactly',
    (store) => ({
      listMerges: async (id) => (await store.listMerges(id)).filter(({ intoId }) => intoId === id),
    }),
  ],
  [
    'parts without giving addresses back',
    'merges two identities',
    (store) => ({
      unmergeIdentity: async (fromId) => {
        const merge = await store.unmergeIdentity(fromId);
        if (merge !== null) await store.updateIdentity(without(merge.from, 'channelAddresses'));
        return merge;
      },
    }),
  ],
  [
    'claims what has ended',
    'claims open rows lane by lane',
    (store) => ({
      claimDue: async (claim) => {
        const ended = await store.listRows({ state: ['sent', 'failed'] });
        const claimed = await store.claimDue(claim);
        return { ...claimed, rows: [...claimed.rows, ...ended] };
      },
    }),
  ],
  [
    'claims past what waits in a lane',
    'claims open rows lane by lane',
    (store) => ({
      claimDue: async (claim) => {
        const claimed = await store.claimDue(claim);
        const waiting = (await store.listRows({ state: 'queued' })).filter(
          (row) =>
            (row.nextAttemptAt === undefined || row.nextAttemptAt <= claim.now) &&
            claim.exceptLanes?.has(laneKey(row.roomId, row.channelId)) !== true,
        );
        return { ...claimed, rows: [...claimed.rows, ...waiting.filter(({ id }) => !claimed.rows.some((row) => row.id === id))] };
      },
    }),
  ],
  [
    'lets a parked row hold its lane',
    'lets what is behind a parked row pass it',
    (store) => ({
      claimDue: async (claim) => {
        const claimed = await store.claimDue(claim);
        const parked = (await store.listRows({ state: 'queued' })).filter(({ nextAttemptAt = '' }) => nextAttemptAt > claim.now);
        const isBehind = (row: { channelId: string; eventIndex: number }): boolean =>
          parked.some(({ channelId, eventIndex }) => channelId === row.channelId && eventIndex < row.eventIndex);
        return { ...claimed, rows: claimed.rows.filter((row) => !isBehind(row)) };
      },
    }),
  ],
  [
    'turns what was being sent into queued',
    'claims open rows lane by lane',
    (store) => ({
      claimDue: async (claim) => {
        const claimed = await store.claimDue(claim);
        return { ...claimed, rows: claimed.rows.map((row) => ({ ...row, state: 'queued' })) };
      },
    }),
  ],
  [
    'claims newest first',
    'claims open rows lane by lane',
    (store) => ({
      claimDue: async (claim) => {
        const claimed = await store.claimDue(claim);
        return { ...claimed, rows: [...claimed.rows].reverse() };
      },
    }),
  ],
  [
    'says nothing of what comes later',
    'claims open rows lane by lane',
    (store) => ({
      claimDue: async (claim) => without(await store.claimDue(claim), 'nextDueAt'),
    }),
  ],
  [
    'claims without a lease',
    'claims open rows lane by lane',
    (store) => ({
      getRow: async (id) => {
        const row = await store.getRow(id);
        return row === null ? null : without(row, 'leaseOwner', 'leaseUntil');
      },
    }),
  ],
  [
    'finds the oldest row of a message id',
    'finds the newest row',
    (store) => ({
      findRowByProviderMessage: async (provider, messageId) =>
        (await store.listRows({})).filter((row) => row.provider === provider && row.providerMessageId === messageId).at(-1) ?? null,
    }),
  ],
  ['keeps the first outcome', 'tells what deliveries came to', keepsFirstOutcome],
  ['keeps a hundred outcomes', 'remembers the outcomes', (store) => ({ recordOutcomes: (outcomes) => store.recordOutcomes(outcomes.slice(-100)) })],
  [
    'hands out what is held once',
    'holds messages in the order',
    (store) => ({
      listHeld: async (kind, key, now) => {
        const held = await store.listHeld(kind, key, now);
        await store.dropHeld(held.map(({ id }) => id));
        return held;
      },
    }),
  ],
  [
    'keeps what has expired',
    'holds messages in the order',
    (store) => ({ listHeld: (kind, key) => store.listHeld(kind, key, '2000-01-01T00:00:00.000Z') }),
  ],
  ['routes to closed rooms', 'knows open rooms whose binding', routesToClosedRooms],
  [
    'routes a stranger by any channel',
    'knows open rooms where the sender',
    (store) => ({
      findRoute: async (query) => {
        const found = await store.findRoute(query);
        if (found.addressed.length + found.participating.length > 0 || found.keyed !== undefined) return found;
        const room = await store.findLatestRoom({ participantId: query.senderId });
        return room === null ? found : { ...found, participating: [{ roomId: room.id, createdAt: room.createdAt }] };
      },
    }),
  ],
  ['closes once only', 'closes once, and again', closesOnceOnly],
  [
    'writes records one after another',
    'stores all of what it is given',
    (store) => ({
      changeRecords: async ({ add = [], ...changes }) => {
        await store.changeRecords?.(changes);
        for (const record of add) await store.changeRecords?.({ add: [record] });
      },
    }),
  ],
  [
    'loses the highest token of a room that is copied into it',
    'goes on where the store it was copied from',
    (store) => ({
      changeRecords: ({ add = [], ...changes }) =>
        store.changeRecords?.({ ...changes, add: add.map((record) => (record.kind === 'room' ? { ...record, fence: -1 } : record)) }),
    }),
  ],
  [
    'gives everything but usage',
    'gives every record as it is',
    (store) => ({ readRecords: (query) => (query.kind === 'usage' ? { records: [] } : (store.readRecords?.(query) ?? { records: [] })) }),
  ],
  [
    'makes its own index of a copied event',
    'gives every record as it is',
    (store) => ({
      changeRecords: ({ add = [], ...changes }) => {
        let index = 0;
        const own = add.map((record) =>
          record.kind === 'event' ? ({ kind: 'event', event: { ...record.event, index: index++ } } as const) : record,
        );
        return store.changeRecords?.({ ...changes, add: own });
      },
    }),
  ],
  [
    'stops at a page on which nothing was found',
    'gives only those records that hold a text',
    (store) => ({
      readRecords: async (query) => {
        const page = (await store.readRecords?.(query)) ?? { records: [] };
        return page.records.length === 0 ? { records: [] } : page;
      },
    }),
  ],
  [
    'removes what is of any room',
    'removes what is of the room it names alone',
    (store) => ({
      changeRecords: async (changes) => {
        const { remove = [] } = changes;
        const rooms = await store.findRooms({});
        await store.changeRecords?.(changes);
        for (const { id } of rooms) await store.changeRecords?.({ roomId: id, remove: remove.filter(({ kind }) => kind !== 'participant') });
      },
    }),
  ],
  [
    'adds before it removes',
    'removes first',
    (store) => ({
      changeRecords: async ({ add = [], ...changes }) => {
        await store.changeRecords?.({ add });
        await store.changeRecords?.(changes);
      },
    }),
  ],
];

const LEASES = 'keeps lanes of other owners apart';

/** Of stores that several processes share. */
export const LEASE_FAKES: readonly (readonly [string, string, Break])[] = [
  ['forgets to renew', LEASES, () => ({ renewLeases: () => undefined })],
  ['forgets to release', LEASES, () => ({ releaseLeases: () => undefined })],
  [
    'counts every lease as its own',
    'tells leases of others',
    (store) => ({
      summarizeWork: async (query) => {
        const summary = await store.summarizeWork(query);
        const { held, foreign } = summary.leases;
        return { ...summary, leases: { held: held + foreign, foreign: 0, foreignOwners: 0 } };
      },
    }),
  ],
  [
    'releases everybody’s leases',
    LEASES,
    (store) => ({
      releaseLeases: async () => {
        for (const owner of ['one', 'two']) await store.releaseLeases(owner);
      },
    }),
  ],
];

/** Of stores that search. */
export const SEARCH_FAKES: readonly (readonly [string, Break])[] = [
  ['does not search at all', () => ({ searchEvents: () => [] })],
  ['searches all rooms', (store) => ({ searchEvents: ({ roomId: _room, ...query }) => store.searchEvents?.(query) ?? [] })],
  ['searches all organizations', (store) => ({ searchEvents: ({ organizationId: _organization, ...query }) => store.searchEvents?.(query) ?? [] })],
  ['finds without end', (store) => ({ searchEvents: ({ limit: _limit, ...query }) => store.searchEvents?.(query) ?? [] })],
  [
    'finds any of the words',
    (store) => ({ searchEvents: (query) => store.searchEvents?.({ ...query, text: query.text.split(' ')[0] ?? '' }) ?? [] }),
  ],
  ['finds what was said before', findsWhatWasSaidBefore],
];

// --- fakes that need a few lines -------------------------------------------------------------------------------------

const keys = new WeakMap<ConversationStore, Map<string, { roomId: string; at: number }>>();

function fencesAllRooms(store: ConversationStore): Methods {
  let highest = -1;
  return commits(store, (commit) => {
    if (commit.fencingToken !== undefined && commit.fencingToken < highest) return { ...commit, fencingToken: -2 };
    highest = Math.max(highest, commit.fencingToken ?? -1);
    return commit;
  });
}

function commitsTurnsTwice(store: ConversationStore): Methods {
  return {
    commitEvent: async (commit) => {
      const result = await store.commitEvent(without(commit, 'completesTurn'));
      const { completesTurn: completion } = commit;
      if (completion !== undefined) await store.updateTurn(completion.turnId, without(completion, 'turnId'));
      return result;
    },
  };
}

async function fromAnyState(store: ConversationStore, commit: EventCommit): Promise<CommitResult> {
  const { turnChanges = [] } = commit;
  const result = await store.commitEvent(without(commit, 'turnChanges'));
  for (const { turnId, patch } of turnChanges) await store.updateTurn(turnId, patch);
  return result;
}

function endsTasksAgain(store: ConversationStore): Methods {
  return {
    commitEvent: async (commit) => {
      const task = commit.endsTask === undefined ? null : await store.getTask(commit.endsTask.taskId);
      if (task !== null) await store.updateTask({ ...task, status: 'in_progress' });
      return store.commitEvent(commit);
    },
  };
}

async function reachesOver(store: ConversationStore, commit: EventCommit): Promise<CommitResult> {
  const { target } = commit;
  for (const room of target === undefined ? [] : await store.findRooms({})) {
    const event = room.id === commit.event.roomId ? null : await store.getEvent(room.id, target?.eventId ?? '');
    if (event !== null) await store.updateEvent({ ...event, metadata: { ...event.metadata, ...target?.metadata } });
  }
  return store.commitEvent(commit);
}

function givesMutableEvents(store: ConversationStore): Methods {
  const copies = new Map<string, RoomEvent>();
  return events(store, (event) => {
    const copy = copies.get(event.id) ?? structuredClone(event);
    copies.set(event.id, copy);
    return copy;
  });
}

function givesStaleSnapshots(store: ConversationStore): Methods {
  const known = new Map<string, Awaited<ReturnType<ConversationStore['loadRoom']>>>();
  return {
    loadRoom: async (roomId) => {
      const state = known.get(roomId) ?? (await store.loadRoom(roomId));
      known.set(roomId, state);
      return state;
    },
  };
}

function movesMarkersBack(): Methods {
  const markers = new Map<string, number>();
  return {
    setReadMarker: (roomId, channelId, index) => void markers.set(`${roomId} ${channelId}`, index),
    getReadMarker: (roomId, channelId) => markers.get(`${roomId} ${channelId}`) ?? null,
  };
}

function linksTwice(store: ConversationStore): Methods {
  return {
    linkAddress: async (id, type, address) => {
      const identity = await store.getIdentity(id);
      if (identity === null) return false;
      await store.updateIdentity({
        ...identity,
        channelAddresses: { ...identity.channelAddresses, [type]: [...(identity.channelAddresses?.[type] ?? []), address] },
      });
      return true;
    },
  };
}

function keepsFirstOutcome(store: ConversationStore): Methods {
  const seen = new Set<string>();
  return {
    recordOutcomes: (outcomes) =>
      store.recordOutcomes(
        outcomes.map((outcome) => ({
          ...outcome,
          results: outcome.results.filter(({ channelId }) => {
            const first = !seen.has(`${outcome.eventId} ${channelId}`);
            seen.add(`${outcome.eventId} ${channelId}`);
            return first;
          }),
        })),
      ),
  };
}

function routesToClosedRooms(store: ConversationStore): Methods {
  return {
    findRoute: async (query) => {
      const found = await store.findRoute(query);
      if (found.addressed.length > 0 || found.keyed !== undefined) return found;
      const addressed = [];
      for (const room of await store.findRooms({ status: ['closed', 'archived'] })) {
        const binding = await store.getBinding(room.id, query.channelId);
        if (binding?.address === query.address) addressed.push({ roomId: room.id, createdAt: room.createdAt });
      }
      return { ...found, addressed };
    },
  };
}

function closesOnceOnly(store: ConversationStore): Methods {
  let closed = false;
  return {
    close: () => {
      if (closed) throw new Error('closed already');
      closed = true;
      return store.close();
    },
  };
}

/** Remembers all texts, and forgets none. */
function findsWhatWasSaidBefore(store: ConversationStore): Methods {
  const old = new Map<string, RoomEvent>();
  return {
    commitEvent: async (commit) => {
      const result = await store.commitEvent(commit);
      if (!old.has(result.event.id)) old.set(result.event.id, result.event);
      return result;
    },
    searchEvents: async (query) => {
      const found = (await store.searchEvents?.(query)) ?? [];
      const before = [...old.values()].filter(
        ({ content }) => content.type === 'text' && query.text !== '' && content.body.includes(query.text) && query.text === '4711',
      );
      return [...found, ...before.filter(({ id }) => !found.some((event) => event.id === id))];
    },
  };
}
