/** The one way a timeline grows (INB-23): every event of whatever origin is committed here, under its room's lock. */
import { insist } from '../async/insist.js';
import { isoTime } from '../clock.js';
import { ConflictError, FencedError, RoomKitError, RoomNotFoundError } from '../errors.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../models/json.js';
import type { RoomEvent, RoomEventDraft } from '../models/event.js';
import type { KitParts } from '../parts.js';
import type { CommitResult, EventCommit, Placement, RoomState } from '../store/store.js';
import { draftSystemEvent, type SystemNotice } from './event-draft.js';
import type { Section } from './section.js';

/** Commits and keeps the room's tail in step. At once when the store answers at once. */
export function commitEvent(parts: KitParts, section: Section, commit: EventCommit): Awaitable<CommitResult> {
  if (parts.store.shared && (commit.outbox !== undefined || commit.turns !== undefined)) return commitShared(parts, section, commit);
  return commitNow(parts, section, commit);
}

/** What is asked for work meanwhile, by this process too, finds its rows and turns already: they come into their lanes by themselves. */
async function commitShared(parts: KitParts, section: Section, commit: EventCommit): Promise<CommitResult> {
  const { outbox = EMPTY_LIST, turns = EMPTY_LIST } = commit;
  const runtime = parts.rooms.get(section.roomId);
  for (const { id, channelId } of outbox) runtime.lane(channelId).coming.add(id);
  for (const { id, channelId } of turns) runtime.turnLane(channelId).coming.add(id);
  let isStored = false;
  try {
    const result = await commitNow(parts, section, commit);
    isStored = !result.duplicate;
    return result;
  } finally {
    if (!isStored) {
      for (const { id, channelId } of outbox) runtime.lane(channelId).coming.delete(id);
      for (const { id, channelId } of turns) runtime.turnLane(channelId).coming.delete(id);
    }
  }
}

function commitNow(parts: KitParts, section: Section, commit: EventCommit): Awaitable<CommitResult> {
  let stored: Awaitable<CommitResult>;
  try {
    stored = parts.store.commitEvent(completed(parts, section, commit));
  } catch (error) {
    return inDoubt(parts, section, commit, error);
  }
  if (!isPromise(stored)) return keepTail(parts, section, stored);
  return stored.then(
    (result) => keepTail(parts, section, result),
    (error: unknown) => inDoubt(parts, section, commit, error),
  );
}

/**
 * With what the store has to know where others write too: whose lock it is and what was read under it (LOCK-03), and which
 * leases have ended (STO-16). A token alone refuses who comes too late; who comes first after his lock was lost, is not.
 */
function completed({ store, leases }: KitParts, section: Section, commit: EventCommit): EventCommit {
  const { fencingToken, expectedLatestIndex } = section;
  if (!store.shared) return fencingToken === undefined ? commit : { ...commit, fencingToken };
  return {
    ...commit,
    now: isoTime(leases.now()),
    ...(fencingToken !== undefined && { fencingToken }),
    ...(expectedLatestIndex !== undefined && commit.expectedLatestIndex === undefined && { expectedLatestIndex }),
  };
}

/**
 * The store failed: did it commit before? A lost answer is not a lost commit. What is in the timeline counts, or it would be
 * delivered to nobody and its sender told that it was refused.
 */
async function inDoubt(parts: KitParts, section: Section, commit: EventCommit, error: unknown): Promise<CommitResult> {
  if (error instanceof FencedError) parts.counters.fencedCommits++;
  if (error instanceof RoomKitError && (!error.retryable || error instanceof ConflictError || error instanceof FencedError)) throw error;
  const { id, roomId } = commit.event;
  // Until the store can say it, the room waits: the outcome of a commit that has begun is reported (INB-20).
  const { event, state, target, placed } = await insist(parts, { roomId, eventId: id }, async () => {
    const found = await parts.store.getEvent(roomId, id);
    if (found === null) return { event: null, state: null, target: null, placed: undefined };
    const changed = commit.target === undefined ? null : await parts.store.getEvent(roomId, commit.target.eventId);
    return { event: found, state: await parts.store.loadRoom(roomId), target: changed, placed: await placementOf(parts, commit, found) };
  });
  if (event === null || state === null) throw error;
  parts.logger.warn('The store failed after it had committed an event; the commit counts.', { roomId, eventId: id, error });
  return keepTail(parts, section, { event, state, duplicate: false, ...(target !== null && { target }), ...(placed !== undefined && { placed }) });
}

/** Where its rows and turns are by now. What was before them nobody says any more: their lanes look for themselves (STO-16). */
async function placementOf({ store }: KitParts, { outbox, turns }: EventCommit, { roomId, id, index }: RoomEvent): Promise<Placement | undefined> {
  if (!store.shared || (outbox === undefined && turns === undefined)) return undefined;
  const previousIndex = index - 1;
  const rows = outbox === undefined ? [] : await store.listRows({ roomId, eventId: id });
  const ids = new Set(turns?.map((turn) => turn.id));
  const stored = ids.size === 0 ? [] : (await store.listTurns({ roomId })).filter((turn) => ids.has(turn.id));
  return { rows: rows.map((row) => ({ row, previousIndex })), turns: stored.map((row) => ({ row, previousIndex })) };
}

function keepTail(parts: KitParts, section: Section, result: CommitResult): CommitResult {
  if (result.duplicate) return result;
  section.wrote(result.event.index);
  parts.counters.committedEvents++;
  if (parts.store.shared) parts.followers.committed(section.roomId, result.event.index);
  const runtime = parts.rooms.peek(section.roomId);
  if (runtime !== undefined) {
    if (result.target !== undefined) runtime.dropTail();
    else runtime.appended(result.event);
  }
  return result;
}

/** Commits what the kit itself has to say; nobody is solicited and nothing is delivered. */
export function commitSystem(
  parts: KitParts,
  section: Section,
  notice: SystemNotice,
  extra: Omit<EventCommit, 'event'> = {},
): Awaitable<CommitResult> {
  const event: RoomEventDraft = draftSystemEvent(parts, section.roomId, notice);
  const committed = commitEvent(parts, section, { event, ...extra });
  return isPromise(committed) ? committed.then((result) => announced(parts, section, result)) : announced(parts, section, committed);
}

function announced(parts: KitParts, section: Section, result: CommitResult): CommitResult {
  announce(parts, section, result.event, result.state);
  return result;
}

/** Tells those who follow the timeline, once the lock is free, in commit order. */
export function announce(parts: KitParts, section: Section, event: RoomEvent, state: RoomState): void {
  if (parts.commitListeners.size > 0) section.defer(() => tellListeners(parts, event, state), event.index);
}

export function tellListeners(parts: KitParts, event: RoomEvent, state: RoomState): void {
  for (const listener of parts.commitListeners) {
    try {
      listener(event, state.room);
    } catch (error) {
      parts.logger.error('A commit listener failed.', { eventId: event.id, error });
    }
  }
}

/** As {@link loadState}, under the room's lock: what is committed on it counts only while nobody else has committed since (LOCK-03). */
export function loadHeld(parts: KitParts, section: Section): Awaitable<RoomState> {
  const loaded = loadState(parts, section.roomId);
  if (section.fencingToken === undefined) return loaded;
  const note = (state: RoomState): RoomState => {
    section.saw(state.room.latestIndex);
    return state;
  };
  return isPromise(loaded) ? loaded.then(note) : note(loaded);
}

/** The room as it is now, with bindings and participants; throws when it is not this organization's. */
export function loadState(parts: KitParts, roomId: string): Awaitable<RoomState> {
  const loaded = parts.store.loadRoom(roomId);
  return isPromise(loaded) ? loaded.then((state) => checkState(parts, roomId, state)) : checkState(parts, roomId, loaded);
}

/** Rooms of another organization are reported as missing (ROOM-02, PERM-09). */
export function checkState(parts: KitParts, roomId: string, state: RoomState | null): RoomState {
  const organizationId = parts.options.organizationId;
  if (state === null || (organizationId !== undefined && state.room.organizationId !== organizationId)) throw new RoomNotFoundError(roomId);
  return state;
}
