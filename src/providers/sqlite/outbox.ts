/** Outbox rows, turns and outcomes in SQLite. One process writes the file, so every lease found at start is void (OUT-08). */
import {
  alreadyCommitted,
  laneKey,
  resultOfRow,
  type ClaimedWork,
  type ConversationStore,
  type DeliveryOutcome,
  type DeliveryResult,
  type OutboxRow,
  type OutboxState,
  type RowPatch,
  type RowQuery,
  type TurnCompletion,
  type TurnPatch,
  type TurnQuery,
  type TurnRow,
  type TurnState,
} from './core.js';
import { marks, type Statements } from './statements.js';

const OPEN_ROWS = "state IN ('queued', 'sending', 'unknown')";
const OPEN_TURNS = "state IN ('queued', 'running')";
const OPEN_TURN_STATES: readonly TurnState[] = ['queued', 'running'];

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
        JSON.stringify(own),
      );
    }
  }

  addTurns(turns: readonly TurnRow[], index: number): void {
    const insert = this.sql.get('INSERT INTO turns (id, room_id, channel_id, trigger_index, state, json) VALUES (?, ?, ?, ?, ?, ?)');
    for (const turn of turns) {
      const own = { ...turn, triggerIndex: index };
      insert.run(own.id, own.roomId, own.channelId, index, own.state, JSON.stringify(own));
    }
  }

  updateRow(rowId: string, patch: RowPatch, from: readonly OutboxState[] | undefined): OutboxRow | null {
    const row = this.getRow(rowId);
    if (row === null || (from !== undefined && !from.includes(row.state))) return null;
    const changed: OutboxRow = { ...row, ...patch };
    this.sql
      .get('UPDATE outbox SET state = ?, provider = ?, provider_message_id = ?, json = ? WHERE id = ?')
      .run(changed.state, changed.provider ?? null, changed.providerMessageId ?? null, JSON.stringify(changed), rowId);
    return changed;
  }

  getRow(rowId: string): OutboxRow | null {
    return this.sql.model<OutboxRow>('SELECT json FROM outbox WHERE id = ?', rowId);
  }

  findByProviderMessage(provider: string, messageId: string): OutboxRow | null {
    return this.sql.model<OutboxRow>(
      'SELECT json FROM outbox WHERE provider = ? AND provider_message_id = ? ORDER BY event_index DESC LIMIT 1',
      provider,
      messageId,
    );
  }

  listRows(query: RowQuery): OutboxRow[] {
    const { where, values } = filters(query);
    if (query.eventId !== undefined) {
      where.push('event_id = ?');
      values.push(query.eventId);
    }
    values.push(query.limit ?? -1);
    return this.sql.models<OutboxRow>(`SELECT json FROM outbox ${clause(where)} ORDER BY room_id, event_index LIMIT ?`, ...values);
  }

  checkCompletable(turnId: string): void {
    const turn = this.getTurn(turnId);
    if (turn !== null && !OPEN_TURN_STATES.includes(turn.state)) throw alreadyCommitted(turnId);
  }

  complete(completion: TurnCompletion): void {
    const { turnId, state, endReason, replyEventIds, usage } = completion;
    this.updateTurn(turnId, { state, endReason, replyEventIds, usage }, undefined);
  }

  updateTurn(turnId: string, patch: TurnPatch, from: readonly TurnState[] | undefined): TurnRow | null {
    const turn = this.getTurn(turnId);
    if (turn === null || (from !== undefined && !from.includes(turn.state))) return null;
    const changed: TurnRow = { ...turn, ...patch };
    this.sql.get('UPDATE turns SET state = ?, json = ? WHERE id = ?').run(changed.state, JSON.stringify(changed), turnId);
    return changed;
  }

  getTurn(turnId: string): TurnRow | null {
    return this.sql.model<TurnRow>('SELECT json FROM turns WHERE id = ?', turnId);
  }

  listTurns(query: TurnQuery): TurnRow[] {
    const { where, values } = filters(query);
    values.push(query.limit ?? -1);
    return this.sql.models<TurnRow>(`SELECT json FROM turns ${clause(where)} ORDER BY room_id, trigger_index LIMIT ?`, ...values);
  }

  claimDue(claim: Parameters<ConversationStore['claimDue']>[0]): ClaimedWork {
    const rows: OutboxRow[] = [];
    const turns: TurnRow[] = [];
    let nextDueAt: string | undefined;
    const blocked = new Set<string>(claim.exceptLanes);
    for (const row of this.sql.models<OutboxRow>(`SELECT json FROM outbox WHERE ${OPEN_ROWS} ORDER BY room_id, event_index`)) {
      const lane = laneKey(row.roomId, row.channelId);
      if (blocked.has(lane) || rows.length >= claim.limit) continue;
      if (row.nextAttemptAt !== undefined && row.nextAttemptAt > claim.now) {
        blocked.add(lane); // what is behind it in its lane waits too
        if (nextDueAt === undefined || row.nextAttemptAt < nextDueAt) nextDueAt = row.nextAttemptAt;
        continue;
      }
      rows.push(row);
      this.updateRow(row.id, { leaseOwner: claim.owner, leaseUntil: claim.leaseUntil }, undefined);
    }
    for (const turn of this.sql.models<TurnRow>(`SELECT json FROM turns WHERE ${OPEN_TURNS} ORDER BY room_id, trigger_index`)) {
      if (blocked.has(laneKey(turn.roomId, turn.channelId)) || rows.length + turns.length >= claim.limit) continue;
      turns.push(turn);
      this.updateTurn(turn.id, { leaseOwner: claim.owner, leaseUntil: claim.leaseUntil }, undefined);
    }
    return { rows, turns, ...(nextDueAt !== undefined && { nextDueAt }) };
  }

  renewLeases(owner: string, leaseUntil: string): void {
    for (const row of this.sql.models<OutboxRow>(`SELECT json FROM outbox WHERE ${OPEN_ROWS}`)) {
      if (row.leaseOwner === owner) this.updateRow(row.id, { leaseUntil }, undefined);
    }
    for (const turn of this.sql.models<TurnRow>(`SELECT json FROM turns WHERE ${OPEN_TURNS}`)) {
      if (turn.leaseOwner === owner) this.updateTurn(turn.id, { leaseUntil }, undefined);
    }
  }

  recordOutcomes(outcomes: readonly DeliveryOutcome[]): void {
    // A room that is gone takes nothing; the event is looked up by its own index.
    const insert = this.sql.get(
      'INSERT OR REPLACE INTO outcomes (event_id, channel_id, room_id, json) SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM events WHERE id = ?)',
    );
    for (const { roomId, eventId, results } of outcomes) {
      for (const result of results) insert.run(eventId, result.channelId, roomId, JSON.stringify(result), eventId);
    }
  }

  deliveryResults(roomId: string, eventIds: readonly string[]): Map<string, Record<string, DeliveryResult>> {
    const found = new Map<string, Record<string, DeliveryResult>>();
    const put = (eventId: string, result: DeliveryResult): void => {
      const results = found.get(eventId) ?? {};
      results[result.channelId] = result;
      found.set(eventId, results);
    };
    for (let at = 0; at < eventIds.length; at += 200) {
      const ids = eventIds.slice(at, at + 200);
      for (const row of this.sql.models<OutboxRow>(`SELECT json FROM outbox WHERE room_id = ? AND event_id IN (${marks(ids)})`, roomId, ...ids))
        put(row.eventId, resultOfRow(row));
      const outcomes = this.sql.get(`SELECT event_id, json FROM outcomes WHERE room_id = ? AND event_id IN (${marks(ids)})`).all(roomId, ...ids) as {
        event_id: string;
        json: string;
      }[];
      for (const { event_id, json } of outcomes) put(event_id, JSON.parse(json) as DeliveryResult);
    }
    return found;
  }
}

function filters(query: { roomId?: string; channelId?: string; state?: string | readonly string[] }): {
  where: string[];
  values: (string | number)[];
} {
  const where: string[] = [];
  const values: (string | number)[] = [];
  if (query.roomId !== undefined) {
    where.push('room_id = ?');
    values.push(query.roomId);
  }
  if (query.channelId !== undefined) {
    where.push('channel_id = ?');
    values.push(query.channelId);
  }
  if (query.state !== undefined) {
    const states = typeof query.state === 'string' ? [query.state] : query.state;
    where.push(`state IN (${marks(states)})`);
    values.push(...states);
  }
  return { where, values };
}

function clause(where: readonly string[]): string {
  return where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
}
