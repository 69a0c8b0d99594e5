/** Identities, tasks, observations, markers, messages on hold and facts in SQLite. */
import {
  ConflictError,
  IdentityNotFoundError,
  latestFirst,
  planMerge,
  planUnmerge,
  withoutUndone,
  type ChannelType,
  type Fact,
  type FactQuery,
  type HeldMessage,
  type Identity,
  type IdentityMerge,
  type Metadata,
  type Observation,
  type Task,
} from './core.js';
import type { Statements } from './statements.js';
import { IN_LIST, Json, listOf } from './text.js';

export class SqlitePeople {
  constructor(private readonly sql: Statements) {}

  createIdentity(identity: Identity): Identity {
    if (this.#own(identity.id) !== null || this.#merge(identity.id) !== null) {
      throw new ConflictError(`Identity '${identity.id}' exists already. Choose another id.`);
    }
    this.#put(identity);
    return identity;
  }

  /** In the place of the one with its id. */
  replaceIdentity(identity: Identity): void {
    this.#forgetAddresses(identity.id);
    this.#put(identity);
  }

  getIdentity(identityId: string): Identity | null {
    return this.#own(this.#follow(identityId));
  }

  updateIdentity(identity: Identity): Identity {
    if (this.#own(identity.id) === null) throw new IdentityNotFoundError(identity.id);
    this.#forgetAddresses(identity.id);
    this.#put(identity);
    return identity;
  }

  resolveIdentity(query: { channelType: ChannelType; address: string; organizationId?: string }): Identity | null {
    const row = this.sql
      .get('SELECT identity_id FROM addresses WHERE organization_id = ? AND channel_type = ? AND address = ?')
      .get(query.organizationId ?? '', query.channelType, query.address) as { identity_id: string } | undefined;
    return row === undefined ? null : this.getIdentity(row.identity_id);
  }

  linkAddress(identityId: string, channelType: ChannelType, address: string): boolean {
    const identity = this.getIdentity(identityId);
    if (identity === null) return false;
    const known = identity.channelAddresses?.[channelType] ?? [];
    if (known.includes(address)) return true;
    this.#put({ ...identity, channelAddresses: { ...identity.channelAddresses, [channelType]: [...known, address] } });
    return true;
  }

  mergeIdentities(merge: { intoId: string; fromId: string; by: string; reason?: string; at: string }): IdentityMerge | null {
    const into = this.getIdentity(merge.intoId);
    const from = this.#own(merge.fromId);
    if (into === null || from === null || into.id === from.id) return null;
    const plan = planMerge(into, from, merge);
    this.#forgetAddresses(from.id);
    this.sql.get('DELETE FROM identities WHERE id = ?').run(from.id);
    this.sql.get('INSERT INTO merges (from_id, into_id, json) VALUES (?, ?, ?)').run(from.id, into.id, new Json(plan.merge));
    this.#put(plan.into);
    return plan.merge;
  }

  unmergeIdentity(fromId: string): IdentityMerge | null {
    const merge = this.#merge(fromId);
    const into = merge === null ? null : this.getIdentity(merge.intoId);
    if (merge === null || into === null) return null;
    const plan = planUnmerge(into, merge);
    this.#forgetAddresses(into.id);
    this.sql.get('DELETE FROM merges WHERE from_id = ?').run(fromId);
    let id = merge.intoId;
    for (let later = this.#merge(id); later !== null; later = this.#merge(id)) {
      this.sql.get('UPDATE merges SET json = ? WHERE from_id = ?').run(new Json(withoutUndone(later, merge)), id);
      id = later.intoId;
    }
    this.#put(plan.into);
    this.#put(plan.from);
    return merge;
  }

  listMerges(identityId: string): IdentityMerge[] {
    const merges: IdentityMerge[] = [];
    const into = [this.#follow(identityId)];
    for (const id of into) {
      const own = this.sql.models<IdentityMerge>('SELECT json FROM merges WHERE into_id = ?', id);
      merges.push(...own);
      into.push(...own.map(({ fromId }) => fromId));
    }
    return merges.sort(latestFirst);
  }

  removeIdentity(identityId: string): void {
    this.#forgetAddresses(identityId);
    this.sql.get('DELETE FROM identities WHERE id = ?').run(identityId);
  }

  // --- tasks, observations, markers ----------------------------------------------------------------------------------

  putTask(task: Task): void {
    this.sql
      .get(
        'INSERT INTO tasks (id, room_id, status, created_at, json) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET room_id = excluded.room_id, status = excluded.status, json = excluded.json',
      )
      .run(task.id, task.roomId, task.status, task.createdAt, new Json(task));
  }

  getTask(taskId: string): Task | null {
    return this.sql.model<Task>('SELECT json FROM tasks WHERE id = ?', taskId);
  }

  listTasks(roomId: string, query: { status?: Task['status'] } = {}): Task[] {
    return query.status === undefined
      ? this.sql.models<Task>('SELECT json FROM tasks WHERE room_id = ? ORDER BY rowid', roomId)
      : this.sql.models<Task>('SELECT json FROM tasks WHERE room_id = ? AND status = ? ORDER BY rowid', roomId, query.status);
  }

  listDueTasks({ before, limit }: { readonly before?: string; readonly limit?: number }): Task[] {
    const due = "json_extract(json, '$.expiresAt')"; // as its index has it
    return this.sql.models<Task>(
      `SELECT json FROM tasks WHERE status = 'in_progress' AND ${due} IS NOT NULL AND (?1 IS NULL OR ${due} < ?1) ORDER BY ${due} LIMIT ?2`,
      before ?? null,
      limit ?? -1,
    );
  }

  addObservation(observation: Observation): void {
    this.sql
      .get(
        'INSERT INTO observations (id, room_id, json) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET room_id = excluded.room_id, json = excluded.json',
      )
      .run(observation.id, observation.roomId, new Json(observation));
  }

  listObservations(roomId: string): Observation[] {
    return this.sql.models<Observation>('SELECT json FROM observations WHERE room_id = ? ORDER BY number', roomId);
  }

  mark(roomId: string, channelId: string, index: number): void {
    this.sql
      .get(
        'INSERT INTO markers (room_id, channel_id, idx) VALUES (?, ?, ?) ON CONFLICT (room_id, channel_id) DO UPDATE SET idx = MAX(idx, excluded.idx)',
      )
      .run(roomId, channelId, index);
  }

  marker(roomId: string, channelId: string): number | null {
    const row = this.sql.get('SELECT idx FROM markers WHERE room_id = ? AND channel_id = ?').get(roomId, channelId) as { idx: number } | undefined;
    return row === undefined ? null : Number(row.idx);
  }

  // --- messages on hold ----------------------------------------------------------------------------------------------

  hold(message: HeldMessage, maxPerKey: number): void {
    this.sql
      .get('INSERT OR REPLACE INTO held (id, kind, key, room_id, expires_at, json) VALUES (?, ?, ?, ?, ?, ?)')
      .run(message.id, message.kind, message.key, message.roomId ?? null, message.expiresAt, new Json(message));
    this.sql
      .get(
        'DELETE FROM held WHERE kind = ? AND key = ? AND number NOT IN (SELECT number FROM held WHERE kind = ? AND key = ? ORDER BY number DESC LIMIT ?)',
      )
      .run(message.kind, message.key, message.kind, message.key, maxPerKey);
    this.sql.get('DELETE FROM held WHERE expires_at <= ?').run(message.heldAt);
  }

  listHeld(kind: HeldMessage['kind'], key: string, now: string): HeldMessage[] {
    return this.sql.models<HeldMessage>('SELECT json FROM held WHERE kind = ? AND key = ? AND expires_at > ? ORDER BY number', kind, key, now);
  }

  dropHeld(ids: readonly string[]): void {
    this.sql.get(`DELETE FROM held WHERE id ${IN_LIST}`).run(listOf(ids));
  }

  getFact(key: string): Metadata | null {
    return this.sql.model<Metadata>('SELECT json FROM facts WHERE key = ?', key);
  }

  putFact(key: string, fact: Metadata | null): void {
    if (fact === null) this.sql.get('DELETE FROM facts WHERE key = ?').run(key);
    else this.sql.get('INSERT OR REPLACE INTO facts (key, json) VALUES (?, ?)').run(key, new Json(fact));
  }

  listFacts({ prefix, after, limit }: FactQuery): Fact[] {
    const rows = this.sql
      .get('SELECT key, json FROM facts WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?')
      .all(prefix, `${prefix}\u{10ffff}`, after ?? '', limit ?? -1) as { key: string; json: string }[];
    return rows.map(({ key, json }) => ({ key, fact: JSON.parse(json) as Metadata }));
  }

  #own(identityId: string): Identity | null {
    return this.sql.model<Identity>('SELECT json FROM identities WHERE id = ?', identityId);
  }

  #merge(fromId: string): IdentityMerge | null {
    return this.sql.model<IdentityMerge>('SELECT json FROM merges WHERE from_id = ?', fromId);
  }

  #follow(identityId: string): string {
    let id = identityId;
    for (let merge = this.#merge(id); merge !== null; merge = this.#merge(id)) id = merge.intoId;
    return id;
  }

  #put(identity: Identity): void {
    const organization = identity.organizationId ?? '';
    this.sql
      .get(
        'INSERT INTO identities (id, organization_id, json) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET organization_id = excluded.organization_id, json = excluded.json',
      )
      .run(identity.id, organization, new Json(identity));
    for (const [type, addresses] of Object.entries(identity.channelAddresses ?? {})) {
      for (const address of addresses) {
        const row = this.sql
          .get('SELECT identity_id FROM addresses WHERE organization_id = ? AND channel_type = ? AND address = ?')
          .get(organization, type, address) as { identity_id: string } | undefined;
        if (row?.identity_id === identity.id) continue;
        if (row !== undefined)
          throw new ConflictError(`This address belongs to identity '${row.identity_id}' already. Merge the two, or remove it there first.`);
        this.sql
          .get('INSERT INTO addresses (organization_id, channel_type, address, identity_id) VALUES (?, ?, ?, ?)')
          .run(organization, type, address, identity.id);
      }
    }
  }

  #forgetAddresses(identityId: string): void {
    this.sql.get('DELETE FROM addresses WHERE identity_id = ?').run(identityId);
  }
}
