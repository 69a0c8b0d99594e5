/** Outbox rows, turns and outcomes in SQLite. One process writes the file, so every lease found at start is void (OUT-08). */
import {
  alreadyCommitted,
  isOwned,
  laneKey,
  planTurnMerge,
  resultOfRow,
  turnMovedOn,
  type ClaimedWork,
  type ConversationStore,
  type DeliveryOutcome,
  type DeliveryResult,
  type OutboxRow,
  type OutboxState,
  type RowPatch,
  type RowQuery,
  type TurnChange,
  type TurnCompletion,
  type TurnMerge,
  type TurnMergeOrder,
  type TurnPatch,
  type TurnQuery,
  type TurnRow,
  type TurnState,
  type WorkQuery,
  type WorkSummary,
} from './core.js';
import type { Statements } from './statements.js';
import { summarizeWork } from './summary.js';
import { IN_LIST, Json, listOf, type Value } from './text.js';

const OPEN_ROWS = "state IN ('queued', 'sending', 'unknown')";
const OPEN_TURNS = "state IN ('queued', 'running')";
const BY_ROOM = 'room_id = ?';
const OPEN_ROW_STATES: readonly string[] = ['queued', 'sending', 'unknown'];
const OPEN_TURN_STATES: readonly string[] = ['queued', 'running'];
/** So much is read at once of what may be a long backlog. */
const PAGE = 200;

export class SqliteOutbox {
  constructor(private readonly sql: Statements) {}

  addRows(rows: readonly OutboxRow[], index: number): void {
    const insert = this.sql.get(
      'INSERT INTO outbox (id, room_id, event_id, event_index, channel_id, state, provider, provider_message_id, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    for (const row of rows) {
      const own = { ...row, eventIndex: index };
      insert.run(
        own.id,
        own.roomId,
        own.eventId,
        index,
        own.channelId,
        own.state,
        own.provider ?? null,
        own.providerMessageId ?? null,
        new Json(own),
      );
    }
  }

  addTurns(turns: readonly TurnRow[], index: number): void {
    const insert = this.sql.get('INSERT INTO turns (id, room_id, channel_id, trigger_index, state, json) VALUES (?, ?, ?, ?, ?, ?)');
    for (const turn of turns) {
      const own = { ...turn, triggerIndex: index };
      insert.run(own.id, own.roomId, own.channelId, index, own.state, new Json(own));
    }
  }

  updateRow(rowId: string, patch: RowPatch, from: readonly OutboxState[] | undefined): OutboxRow | null {
    const row = this.getRow(rowId);
    if (row === null || (from !== undefined && !from.includes(row.state))) return null;
    const changed = patched(row, patch);
    this.sql
      .get('UPDATE outbox SET state = ?, provider = ?, provider_message_id = ?, json = ? WHERE id = ?')
      .run(changed.state, changed.provider ?? null, changed.providerMessageId ?? null, new Json(changed), rowId);
    return changed;
  }

  getRow(rowId: string): OutboxRow | null {
    return this.sql.model<OutboxRow>('SELECT json FROM outbox WHERE id = ?', rowId);
  }

  findByProviderMessage(provider: string, messageId: string): OutboxRow | null {
    return this.sql.model<OutboxRow>(
      "SELECT json FROM outbox WHERE provider = ? AND provider_message_id = ? ORDER BY json_extract(json, '$.createdAt') DESC, event_index DESC LIMIT 1",
      provider,
      messageId,
    );
  }

  listRows(query: RowQuery): OutboxRow[] {
    const { where, values } = filters(query, OPEN_ROW_STATES, OPEN_ROWS);
    if (query.eventId !== undefined) {
      if (where[0] === BY_ROOM) where[0] = `+${BY_ROOM}`; // an event has few rows, its room has many: go by the event
      where.push('event_id = ?');
      values.push(query.eventId);
    }
    values.push(query.limit ?? -1);
    return this.sql.models<OutboxRow>(`SELECT json FROM outbox ${clause(where)} ORDER BY room_id, event_index LIMIT ?`, ...values);
  }

  checkCompletable({ turnId, owner }: TurnCompletion): void {
    const turn = this.getTurn(turnId);
    if (turn !== null && (!OPEN_TURN_STATES.includes(turn.state) || !isOwned(turn, owner))) throw alreadyCommitted(turnId);
  }

  checkChanges(changes: readonly TurnChange[]): void {
    for (const { turnId, from, owner } of changes) {
      const turn = this.getTurn(turnId);
      if (turn === null || !from.includes(turn.state) || !isOwned(turn, owner)) throw turnMovedOn(turnId, from);
    }
  }

  complete(completion: TurnCompletion): void {
    const { turnId, state, endReason, replyEventIds, usage } = completion;
    this.updateTurn(turnId, { state, endReason, replyEventIds, usage }, undefined);
  }

  updateTurn(turnId: string, patch: TurnPatch, from: readonly TurnState[] | undefined): TurnRow | null {
    const turn = this.getTurn(turnId);
    if (turn === null || (from !== undefined && !from.includes(turn.state))) return null;
    const changed = patched(turn, patch);
    this.sql.get('UPDATE turns SET state = ?, json = ? WHERE id = ?').run(changed.state, new Json(changed), turnId);
    if (changed.triggerIndex !== turn.triggerIndex) {
      // By itself: naming the column would write the index anew with every change of a turn.
      this.sql.get('UPDATE turns SET trigger_index = ? WHERE id = ?').run(changed.triggerIndex, turnId);
    }
    return changed;
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
    return this.sql.model<TurnRow>('SELECT json FROM turns WHERE id = ?', turnId);
  }

  listTurns(query: TurnQuery): TurnRow[] {
    const { where, values } = filters(query, OPEN_TURN_STATES, OPEN_TURNS);
    values.push(query.limit ?? -1);
    return this.sql.models<TurnRow>(`SELECT json FROM turns ${clause(where)} ORDER BY room_id, trigger_index LIMIT ?`, ...values);
  }

  /** Whether any row or turn is unfinished. */
  hasOpen(): boolean {
    const row = this.sql
      .get(`SELECT EXISTS (SELECT 1 FROM outbox WHERE ${OPEN_ROWS}) OR EXISTS (SELECT 1 FROM turns WHERE ${OPEN_TURNS}) AS open`)
      .get() as { open: number };
    return Number(row.open) === 1;
  }

  summarize(query: WorkQuery): WorkSummary {
    return summarizeWork(this.sql, query);
  }

  claimDue(claim: Parameters<ConversationStore['claimDue']>[0]): ClaimedWork {
    const rows: OutboxRow[] = [];
    const turns: TurnRow[] = [];
    let nextDueAt: string | undefined;
    const blocked = new Set<string>(claim.exceptLanes);
    for (const row of this.#openRows()) {
      if (rows.length >= claim.limit) break;
      const lane = laneKey(row.roomId, row.channelId);
      if (blocked.has(lane)) continue;
      if (row.nextAttemptAt !== undefined && row.nextAttemptAt > claim.now) {
        // What is behind it in its lane waits too, unless it is parked (OUT-17).
        if (row.nextAttemptAt !== row.expiresAt) blocked.add(lane);
        if (nextDueAt === undefined || row.nextAttemptAt < nextDueAt) nextDueAt = row.nextAttemptAt;
        continue;
      }
      rows.push(row);
      this.updateRow(row.id, { leaseOwner: claim.owner, leaseUntil: claim.leaseUntil }, undefined);
    }
    for (const turn of this.#openTurns()) {
      if (rows.length + turns.length >= claim.limit) break;
      if (blocked.has(laneKey(turn.roomId, turn.channelId))) continue;
      turns.push(turn);
      this.updateTurn(turn.id, { leaseOwner: claim.owner, leaseUntil: claim.leaseUntil }, undefined);
    }
    return { rows, turns, ...(nextDueAt !== undefined && { nextDueAt }) };
  }

  recordOutcomes(outcomes: readonly DeliveryOutcome[]): void {
    // A room that is gone takes nothing; the event is looked up by its own index.
    const insert = this.sql.get(
      'INSERT OR REPLACE INTO outcomes (event_id, channel_id, room_id, json) SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM events WHERE id = ?)',
    );
    for (const { roomId, eventId, results } of outcomes) {
      for (const result of results) insert.run(eventId, result.channelId, roomId, new Json(result), eventId);
    }
  }

  deliveryResults(roomId: string, eventIds: readonly string[]): Map<string, Record<string, DeliveryResult>> {
    const found = new Map<string, Record<string, DeliveryResult>>();
    const put = (eventId: string, result: DeliveryResult): void => {
      const results = found.get(eventId) ?? {};
      results[result.channelId] = result;
      found.set(eventId, results);
    };
    const ids = listOf(eventIds);
    // By event: of a long room only the rows that are asked for are looked at.
    for (const row of this.sql.models<OutboxRow>(
      `SELECT json FROM outbox INDEXED BY outbox_by_event WHERE event_id ${IN_LIST} AND room_id = ?`,
      ids,
      roomId,
    ))
      put(row.eventId, resultOfRow(row));
    const outcomes = this.sql.get(`SELECT event_id, json FROM outcomes WHERE event_id ${IN_LIST} AND room_id = ?`).all(ids, roomId) as {
      event_id: string;
      json: string;
    }[];
    for (const { event_id, json } of outcomes) put(event_id, JSON.parse(json) as DeliveryResult);
    return found;
  }

  /** Page by page, because a backlog may be long; a lane's rows in order. */
  *#openRows(): Generator<OutboxRow> {
    const sql = `SELECT json FROM outbox WHERE ${OPEN_ROWS} AND (room_id, event_index, id) > (?, ?, ?) ORDER BY room_id, event_index, id LIMIT ${PAGE}`;
    let last: readonly [string, number, string] = ['', -1, ''];
    for (;;) {
      const page = this.sql.models<OutboxRow>(sql, ...last);
      for (const row of page) {
        last = [row.roomId, row.eventIndex, row.id];
        yield row;
      }
      if (page.length < PAGE) return;
    }
  }

  *#openTurns(): Generator<TurnRow> {
    const sql = `SELECT json FROM turns WHERE ${OPEN_TURNS} AND (room_id, trigger_index, id) > (?, ?, ?) ORDER BY room_id, trigger_index, id LIMIT ${PAGE}`;
    let last: readonly [string, number, string] = ['', -1, ''];
    for (;;) {
      const page = this.sql.models<TurnRow>(sql, ...last);
      for (const turn of page) {
        last = [turn.roomId, turn.triggerIndex, turn.id];
        yield turn;
      }
      if (page.length < PAGE) return;
    }
  }
}

/** `open` and `openSql` say the same: spelled out, the condition lets SQLite use the index of what is open. */
function filters(
  query: { roomId?: string; channelId?: string; state?: string | readonly string[] },
  open: readonly string[],
  openSql: string,
): { where: string[]; values: Value[] } {
  const where: string[] = [];
  const values: Value[] = [];
  if (query.roomId !== undefined) {
    where.push(BY_ROOM);
    values.push(query.roomId);
  }
  if (query.channelId !== undefined) {
    where.push('channel_id = ?');
    values.push(query.channelId);
  }
  if (query.state !== undefined) {
    const states = typeof query.state === 'string' ? [query.state] : query.state;
    if (states.every((state) => open.includes(state))) where.push(openSql);
    where.push(`state ${IN_LIST}`);
    values.push(listOf(states));
  }
  return { where, values };
}

function clause(where: readonly string[]): string {
  return where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
}

/** What the patch names and does not have is gone. */
function patched<One extends object, Patch extends Partial<One>>(one: One, patch: Patch): One {
  const changed = { ...one, ...patch };
  if (!Object.values(patch).includes(undefined)) return changed;
  return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined)) as One; // only optional fields can be undefined
}
