/** Outbox rows and turns in memory, with their lanes. */
import { ConflictError } from '../../errors.js';
import type { DeliveryResult, OutboxRow, TurnRow } from '../../models/delivery.js';
import { EMPTY, EMPTY_LIST, ownJson } from '../../models/json.js';
import type { OutboxState, TurnState } from '../../models/vocabulary.js';
import { turnMovedOn } from './approvals.js';
import { MemoryTurn } from './turn.js';
import {
  laneKey,
  type ClaimedWork,
  type ConversationStore,
  type Placed,
  type RowPatch,
  type RowQuery,
  type TurnChange,
  type TurnCompletion,
  type TurnMerge,
  type TurnMergeOrder,
  type TurnPatch,
  type TurnQuery,
} from '../store.js';

const OPEN_ROWS: readonly OutboxState[] = ['queued', 'sending', 'unknown'];
const OPEN_TURNS: readonly TurnState[] = ['queued', 'running'];

type Claim = Parameters<ConversationStore['claimDue']>[0];

export class MemoryOutbox {
  readonly #rows = new Map<string, OutboxRow>();
  readonly #rowsOfRoom = new Map<string, string[]>();
  readonly #rowsOfEvent = new Map<string, string[]>();
  readonly #openRows = new Set<string>();
  readonly #byProvider = new Map<string, string>();
  readonly #turnsOfRoom = new Map<string, MemoryTurn[]>();
  readonly #openTurns = new Map<string, MemoryTurn>();
  /** All by id, made when one that has ended is first asked for: hardly anybody asks, and the table grows with every turn. */
  #turns: Map<string, MemoryTurn> | undefined;

  addRows(rows: readonly OutboxRow[], index: number): void {
    for (const row of rows) {
      const own: OutboxRow = Object.freeze({ ...row, eventIndex: index, ...ownParts(row) });
      this.#rows.set(row.id, own);
      this.#indexMessage(own);
      push(this.#rowsOfRoom, row.roomId, row.id);
      push(this.#rowsOfEvent, row.eventId, row.id);
      if (OPEN_ROWS.includes(row.state)) this.#openRows.add(row.id);
    }
  }

  addTurns(turns: readonly TurnRow[], index: number): void {
    for (const row of turns) {
      const turn = new MemoryTurn(row, index);
      push(this.#turnsOfRoom, turn.roomId, turn);
      if (OPEN_TURNS.includes(turn.state)) this.#openTurns.set(turn.id, turn);
      this.#turns?.set(turn.id, turn);
    }
  }

  /** As {@link addRows}, each where its lane has it (STO-16). */
  placeRows(rows: readonly OutboxRow[], index: number, now: string): Placed<OutboxRow>[] {
    return rows.map((given) => {
      const lane = this.listRows({ roomId: given.roomId, channelId: given.channelId, state: OPEN_ROWS });
      const open = lane.filter((row) => !waitsApart(row));
      const holder = holderOf(open, given, now);
      for (const row of open) if (isLeft(row, holder, now)) this.updateRow(row.id, { ...holder }, undefined);
      const placed = place<OutboxRow>({ ...given, eventIndex: index }, open, holder);
      this.addRows([placed], index);
      return withPrevious(placed, open.at(-1)?.eventIndex);
    });
  }

  /** As {@link addTurns}, each where its lane has it (STO-16). */
  placeTurns(turns: readonly TurnRow[], index: number, now: string): Placed<TurnRow>[] {
    return turns.map((given) => {
      const open = this.listTurns({ roomId: given.roomId, channelId: given.channelId, state: OPEN_TURNS });
      const holder = holderOf(open, given, now);
      for (const turn of open) if (isLeft(turn, holder, now)) this.updateTurn(turn.id, { ...holder }, undefined);
      const placed = place<TurnRow>({ ...given, triggerIndex: index }, open, holder);
      this.addTurns([placed], index);
      return withPrevious(placed, open.at(-1)?.triggerIndex);
    });
  }

  updateRow(rowId: string, patch: RowPatch, from: readonly OutboxState[] | undefined, owner?: string): OutboxRow | null {
    const row = this.#rows.get(rowId);
    if (row === undefined || (from !== undefined && !from.includes(row.state)) || !isOwned(row, owner)) return null;
    const changed: OutboxRow = Object.freeze({ ...row, ...patch, ...ownParts(patch) });
    this.#rows.set(rowId, changed);
    if (OPEN_ROWS.includes(changed.state)) this.#openRows.add(rowId);
    else this.#openRows.delete(rowId);
    if (changed.providerMessageId !== row.providerMessageId) this.#forgetMessage(row);
    this.#indexMessage(changed);
    return changed;
  }

  getRow(rowId: string): OutboxRow | null {
    return this.#rows.get(rowId) ?? null;
  }

  findByProviderMessage(provider: string, messageId: string): OutboxRow | null {
    const id = this.#byProvider.get(`${provider}\u0000${messageId}`);
    return id === undefined ? null : this.getRow(id);
  }

  listRows(query: RowQuery): OutboxRow[] {
    const found: OutboxRow[] = [];
    const onlyOpen = query.state !== undefined && [query.state].flat().every((state) => OPEN_ROWS.includes(state));
    const ids =
      query.eventId !== undefined
        ? (this.#rowsOfEvent.get(query.eventId) ?? [])
        : query.roomId !== undefined
          ? (this.#rowsOfRoom.get(query.roomId) ?? [])
          : onlyOpen
            ? this.#openRows
            : this.#rows.keys();
    for (const id of ids) {
      const row = this.#rows.get(id);
      if (row === undefined || !matches(row.state, query.state)) continue;
      if (query.roomId !== undefined && row.roomId !== query.roomId) continue;
      if (query.channelId !== undefined && row.channelId !== query.channelId) continue;
      if (query.eventId !== undefined && row.eventId !== query.eventId) continue;
      found.push(row);
    }
    found.sort((a, b) => compare(a.roomId, b.roomId) || a.eventIndex - b.eventIndex);
    return query.limit === undefined ? found : found.slice(0, query.limit);
  }

  resultsOf(roomId: string, eventId: string): readonly DeliveryResult[] {
    const ids = this.#rowsOfEvent.get(eventId);
    if (ids === undefined) return EMPTY_LIST;
    const results: DeliveryResult[] = [];
    for (const id of ids) {
      const row = this.#rows.get(id);
      if (row?.roomId === roomId) results.push(resultOfRow(row));
    }
    return results;
  }

  checkCompletable({ turnId, owner }: TurnCompletion): void {
    const turn = this.#turn(turnId);
    if (turn !== undefined && (!OPEN_TURNS.includes(turn.state) || !isOwned(turn, owner))) throw alreadyCommitted(turnId);
  }

  checkChanges(changes: readonly TurnChange[]): void {
    for (const { turnId, from, owner } of changes) {
      const turn = this.#turn(turnId);
      if (turn === undefined || !from.includes(turn.state) || !isOwned(turn, owner)) throw turnMovedOn(turnId, from);
    }
  }

  complete({ turnId, state, endReason, replyEventIds, usage }: TurnCompletion): void {
    const turn = this.#turn(turnId);
    if (turn !== undefined) this.#change(turn, { state, endReason, replyEventIds, usage });
  }

  updateTurn(turnId: string, patch: TurnPatch, from: readonly TurnState[] | undefined, owner?: string): TurnRow | null {
    const turn = this.#turn(turnId);
    if (turn === undefined || (from !== undefined && !from.includes(turn.state)) || !isOwned(turn, owner)) return null;
    this.#change(turn, patch);
    return turn.row();
  }

  #change(turn: MemoryTurn, patch: TurnPatch): void {
    turn.change(patch);
    if (OPEN_TURNS.includes(turn.state)) this.#openTurns.set(turn.id, turn);
    else this.#openTurns.delete(turn.id);
  }

  #turn(turnId: string): MemoryTurn | undefined {
    const open = this.#openTurns.get(turnId);
    if (open !== undefined) return open;
    if (this.#turns === undefined) {
      this.#turns = new Map();
      for (const turns of this.#turnsOfRoom.values()) for (const turn of turns) this.#turns.set(turn.id, turn);
    }
    return this.#turns.get(turnId);
  }

  mergeTurns({ intoId, turnIds, owner }: TurnMergeOrder): TurnMerge | null {
    const merging = planTurnMerge(
      this.getTurn(intoId),
      turnIds.map((id) => this.getTurn(id)),
      owner,
    );
    if (merging === null) return null;
    const merged = merging.merged.map((turn) => this.updateTurn(turn.id, { state: 'merged', mergedInto: intoId }, undefined) ?? turn);
    const turn = this.updateTurn(intoId, merging.patch, undefined);
    return turn === null ? null : { turn, merged };
  }

  getTurn(turnId: string): TurnRow | null {
    return this.#turn(turnId)?.row() ?? null;
  }

  listTurns(query: TurnQuery): TurnRow[] {
    const found: TurnRow[] = [];
    const onlyOpen = query.state !== undefined && [query.state].flat().every((state) => OPEN_TURNS.includes(state));
    const turns = onlyOpen
      ? this.#openTurns.values()
      : query.roomId !== undefined
        ? (this.#turnsOfRoom.get(query.roomId) ?? EMPTY_LIST)
        : [...this.#turnsOfRoom.values()].flat();
    for (const turn of turns) {
      if (!matches(turn.state, query.state)) continue;
      if (query.roomId !== undefined && turn.roomId !== query.roomId) continue;
      if (query.channelId !== undefined && turn.channelId !== query.channelId) continue;
      found.push(turn.row());
    }
    found.sort((a, b) => compare(a.roomId, b.roomId) || a.triggerIndex - b.triggerIndex);
    return query.limit === undefined ? found : found.slice(0, query.limit);
  }

  /** `leases`: whether other owners' leases count; in a store of one process every lease is void (OUT-08). */
  claimDue(claim: Claim, leases: boolean): ClaimedWork {
    const rows: OutboxRow[] = [];
    const turns: TurnRow[] = [];
    let nextDueAt: string | undefined;
    const later = (at: string): void => {
      if (nextDueAt === undefined || at < nextDueAt) nextDueAt = at;
    };
    const foreign = (one: { leaseOwner?: string; leaseUntil?: string }): boolean =>
      leases && one.leaseOwner !== undefined && one.leaseOwner !== claim.owner && one.leaseUntil !== undefined && one.leaseUntil > claim.now;
    const blocked = new Set<string>(claim.exceptLanes);
    const openRows = this.listRows({ state: OPEN_ROWS });
    const openTurns = this.listTurns({ state: OPEN_TURNS });
    const lease = { leaseOwner: claim.owner, leaseUntil: claim.leaseUntil };
    for (const one of [...openRows, ...openTurns]) {
      if (!foreign(one)) continue;
      blocked.add(laneKey(one.roomId, one.channelId));
      if (one.leaseUntil !== undefined) later(one.leaseUntil);
    }
    for (const row of openRows) {
      const lane = laneKey(row.roomId, row.channelId);
      if (blocked.has(lane) || rows.length + turns.length >= claim.limit) continue;
      if (row.nextAttemptAt !== undefined && row.nextAttemptAt > claim.now) {
        // What is behind it in its lane waits too, unless it is parked (OUT-17).
        if (row.nextAttemptAt !== row.expiresAt) blocked.add(lane);
        later(row.nextAttemptAt);
        continue;
      }
      rows.push(row);
    }
    for (const turn of openTurns) {
      if (blocked.has(laneKey(turn.roomId, turn.channelId)) || rows.length + turns.length >= claim.limit) continue;
      turns.push(turn);
    }
    // A lane has one owner: what is more than was asked for, or waits for its next attempt, goes with the rest (STO-16).
    const had = lanesOf(leases ? rows : EMPTY_LIST);
    for (const row of rows) this.updateRow(row.id, lease, undefined);
    for (const row of openRows) if (had.has(laneKey(row.roomId, row.channelId)) && !waitsApart(row)) this.updateRow(row.id, lease, undefined);
    const asked = lanesOf(leases ? turns : EMPTY_LIST);
    for (const turn of turns) this.updateTurn(turn.id, lease, undefined);
    for (const turn of openTurns) if (asked.has(laneKey(turn.roomId, turn.channelId))) this.updateTurn(turn.id, lease, undefined);
    return { rows, turns, ...(nextDueAt !== undefined && { nextDueAt }) };
  }

  renewLeases(owner: string, leaseUntil: string): void {
    for (const id of this.#openRows) if (this.#rows.get(id)?.leaseOwner === owner) this.updateRow(id, { leaseUntil }, undefined);
    for (const turn of this.#openTurns.values()) if (turn.leaseOwner === owner) turn.change({ leaseUntil });
  }

  releaseLeases(owner: string): void {
    const past = new Date(0).toISOString();
    this.renewLeases(owner, past);
  }

  #indexMessage(row: OutboxRow): void {
    if (row.provider !== undefined && row.providerMessageId !== undefined)
      this.#byProvider.set(`${row.provider}\u0000${row.providerMessageId}`, row.id);
  }

  removeRow(rowId: string): void {
    const row = this.#rows.get(rowId);
    if (row === undefined) return;
    if (row.provider !== undefined && row.providerMessageId !== undefined) this.#forgetMessage(row);
    this.#rows.delete(rowId);
    this.#openRows.delete(rowId);
    for (const [map, key] of [
      [this.#rowsOfRoom, row.roomId],
      [this.#rowsOfEvent, row.eventId],
    ] as const) {
      const left = (map.get(key) ?? []).filter((id) => id !== rowId);
      if (left.length > 0) map.set(key, left);
      else map.delete(key);
    }
  }

  removeTurn(turnId: string): void {
    const turn = this.#turn(turnId);
    if (turn === undefined) return;
    this.#turns?.delete(turnId);
    this.#openTurns.delete(turnId);
    const left = (this.#turnsOfRoom.get(turn.roomId) ?? EMPTY_LIST).filter(({ id }) => id !== turnId);
    if (left.length > 0) this.#turnsOfRoom.set(turn.roomId, left);
    else this.#turnsOfRoom.delete(turn.roomId);
  }

  #forgetMessage({ id, provider, providerMessageId }: OutboxRow): void {
    const key = `${provider}\u0000${providerMessageId}`;
    if (this.#byProvider.get(key) === id) this.#byProvider.delete(key);
  }

  deleteRoom(roomId: string): void {
    for (const id of this.#rowsOfRoom.get(roomId) ?? []) {
      const row = this.#rows.get(id);
      if (row?.provider !== undefined && row.providerMessageId !== undefined)
        this.#byProvider.delete(`${row.provider}\u0000${row.providerMessageId}`);
      if (row !== undefined) this.#rowsOfEvent.delete(row.eventId);
      this.#rows.delete(id);
      this.#openRows.delete(id);
    }
    for (const { id } of this.#turnsOfRoom.get(roomId) ?? EMPTY_LIST) {
      this.#turns?.delete(id);
      this.#openTurns.delete(id);
    }
    this.#rowsOfRoom.delete(roomId);
    this.#turnsOfRoom.delete(roomId);
  }
}

interface Leased {
  readonly state: string;
  readonly attempts: number;
  readonly leaseOwner?: string | undefined;
  readonly leaseUntil?: string | undefined;
}

/** What is parked stands in no line (OUT-17). */
function waitsApart({ nextAttemptAt, expiresAt }: OutboxRow): boolean {
  return nextAttemptAt !== undefined && nextAttemptAt === expiresAt;
}

function lanesOf(work: readonly { readonly roomId: string; readonly channelId: string }[]): ReadonlySet<string> {
  return new Set(work.map(({ roomId, channelId }) => laneKey(roomId, channelId)));
}

/** Whether a row or turn is nobody's or this owner's; without an owner, always. For stores of several processes (STO-16). */
export function isOwned(one: { readonly leaseOwner?: string | undefined }, owner: string | undefined): boolean {
  return owner === undefined || one.leaseOwner === undefined || one.leaseOwner === owner;
}

interface Lease {
  readonly leaseOwner: string;
  readonly leaseUntil: string;
}

/** Who works on a lane: whose lease has not ended, else whoever commits, if it has something there that nobody has taken from it. */
function holderOf(open: readonly Leased[], given: Leased, now: string): Lease | undefined {
  for (const { leaseOwner, leaseUntil } of open)
    if (leaseOwner !== undefined && leaseUntil !== undefined && leaseUntil > now) return { leaseOwner, leaseUntil };
  const { leaseOwner, leaseUntil } = given;
  if (leaseOwner === undefined || leaseUntil === undefined || !open.some((one) => one.leaseOwner === leaseOwner)) return undefined;
  return { leaseOwner, leaseUntil };
}

/** Whether it is somebody's who does not hold the lane any more: whoever does goes on with it. */
function isLeft(one: Leased, holder: Lease | undefined, now: string): boolean {
  return holder !== undefined && (one.leaseOwner !== holder.leaseOwner || (one.leaseUntil ?? '') <= now);
}

/** A lane is worked on by one owner, oldest first: whoever comes behind something open waits, and belongs to whoever has that. */
function place<Row extends Leased>(given: Row, open: readonly Leased[], holder: Lease | undefined): Row {
  if (open.length === 0) return given;
  const { leaseOwner: _owner, leaseUntil: _until, ...nobodys } = given;
  return { ...nobodys, state: 'queued', attempts: 0, ...holder } as unknown as Row; // a row may be without a lease
}

function withPrevious<Row>(row: Row, previousIndex: number | undefined): Placed<Row> {
  return previousIndex === undefined ? { row } : { row, previousIndex };
}

/** Which turns are merged, in order, and what of the one that takes them in changes; null when it cannot take any. */
export function planTurnMerge(
  into: TurnRow | null | undefined,
  turns: readonly (TurnRow | null | undefined)[],
  owner?: string,
): { readonly merged: readonly TurnRow[]; readonly patch: Pick<TurnRow, 'triggerEventIds' | 'triggerIndex'> } | null {
  if (into == null || !OPEN_TURNS.includes(into.state) || !isOwned(into, owner)) return null;
  const found = new Map<string, TurnRow>();
  for (const turn of turns) {
    if (turn?.state !== 'queued' || !isOwned(turn, owner)) continue;
    if (turn.id !== into.id && turn.roomId === into.roomId && turn.channelId === into.channelId) found.set(turn.id, turn);
  }
  const byIndex = (a: TurnRow, b: TurnRow): number => a.triggerIndex - b.triggerIndex;
  const merged = [...found.values()].sort(byIndex);
  const all = [...merged, into].sort(byIndex);
  return {
    merged,
    patch: { triggerEventIds: all.flatMap((turn) => turn.triggerEventIds), triggerIndex: all.at(-1)?.triggerIndex ?? into.triggerIndex },
  };
}

/** What `commitEvent` throws when `completesTurn` names a turn that has ended (STO-04). */
export function alreadyCommitted(turnId: string): ConflictError {
  return new ConflictError(
    `turn_already_committed: turn '${turnId}' has ended already, or is another process's by now; its reply is not posted twice.`,
    { retryable: false },
  );
}

/** Whether an error is that one. */
export function isAlreadyCommitted(error: unknown): boolean {
  return error instanceof ConflictError && error.message.startsWith('turn_already_committed');
}

/** What of a row is no plain value, as the store's own. */
function ownParts({ lastError, partMessageIds, trace }: RowPatch): Pick<RowPatch, 'lastError' | 'partMessageIds' | 'trace'> {
  if (lastError === undefined && partMessageIds === undefined && trace === undefined) return EMPTY;
  return {
    ...(lastError !== undefined && { lastError: ownJson(lastError) }),
    ...(partMessageIds !== undefined && { partMessageIds: ownJson(partMessageIds) }),
    ...(trace !== undefined && { trace: ownJson(trace) }),
  };
}

/** A row as the result it stands for (OUT-06), for `deliveryResults`. */
export function resultOfRow(row: OutboxRow): DeliveryResult {
  const status = STATUS[row.state];
  return {
    channelId: row.channelId,
    status: row.state === 'cancelled' && row.lastError === undefined ? 'skipped' : status,
    attempts: row.attempts,
    ...(row.providerMessageId !== undefined && { providerMessageId: row.providerMessageId }),
    ...(status === 'failed' && row.lastError !== undefined && { error: row.lastError }),
  };
}

const STATUS: Readonly<Record<OutboxState, DeliveryResult['status']>> = {
  queued: 'queued',
  sending: 'queued',
  sent: 'sent',
  delivered: 'sent',
  read: 'sent',
  unknown: 'unknown',
  failed: 'failed',
  expired: 'failed',
  cancelled: 'failed',
};

function matches<State extends string>(state: State, wanted: State | readonly State[] | undefined): boolean {
  return wanted === undefined || (typeof wanted === 'string' ? state === wanted : wanted.includes(state));
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
