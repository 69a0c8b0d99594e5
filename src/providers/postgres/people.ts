/** Identities and their merges in PostgreSQL. Changes of them are few, and come one after another. */
import { model, models, type Sql } from './connection.js';
import {
  ConflictError,
  IdentityNotFoundError,
  latestFirst,
  planMerge,
  planUnmerge,
  withoutUndone,
  type ChannelType,
  type Identity,
  type IdentityMerge,
} from './core.js';
import { decodeText, Json } from './text.js';

/** Within a transaction: until it ends, nobody else changes identities. */
export async function lockIdentities(sql: Sql): Promise<void> {
  await sql.all("SELECT pg_advisory_xact_lock(hashtextextended('@identities', 4))");
}

export async function createIdentity(sql: Sql, identity: Identity): Promise<Identity> {
  if ((await own(sql, identity.id)) !== null || (await mergeOf(sql, identity.id)) !== null) {
    throw new ConflictError(`Identity '${identity.id}' exists already. Choose another id.`);
  }
  await put(sql, identity);
  return identity;
}

/** In the place of the one with its id. */
export async function replaceIdentity(sql: Sql, identity: Identity): Promise<void> {
  await forgetAddresses(sql, identity.id);
  await put(sql, identity);
}

export async function getIdentity(sql: Sql, identityId: string): Promise<Identity | null> {
  return model(
    sql,
    `WITH RECURSIVE alias AS (SELECT $1::text COLLATE "C" AS id UNION SELECT m.into_id FROM @merges AS m JOIN alias ON m.from_id = alias.id)
     SELECT json FROM @identities WHERE id IN (SELECT id FROM alias)`,
    identityId,
  );
}

export async function updateIdentity(sql: Sql, identity: Identity): Promise<Identity> {
  if ((await own(sql, identity.id)) === null) throw new IdentityNotFoundError(identity.id);
  await forgetAddresses(sql, identity.id);
  await put(sql, identity);
  return identity;
}

export async function resolveIdentity(
  sql: Sql,
  query: { channelType: ChannelType; address: string; organizationId?: string },
): Promise<Identity | null> {
  const [row] = await sql.all(
    'SELECT identity_id FROM @addresses WHERE organization_id = $1 AND channel_type = $2 AND address = $3',
    query.organizationId ?? '',
    query.channelType,
    query.address,
  );
  return row === undefined ? null : getIdentity(sql, decodeText(row['identity_id'] as string));
}

export async function linkAddress(sql: Sql, identityId: string, channelType: ChannelType, address: string): Promise<boolean> {
  const identity = await getIdentity(sql, identityId);
  if (identity === null) return false;
  const known = identity.channelAddresses?.[channelType] ?? [];
  if (known.includes(address)) return true;
  await put(sql, { ...identity, channelAddresses: { ...identity.channelAddresses, [channelType]: [...known, address] } });
  return true;
}

export async function mergeIdentities(
  sql: Sql,
  merge: { intoId: string; fromId: string; by: string; reason?: string; at: string },
): Promise<IdentityMerge | null> {
  const into = await getIdentity(sql, merge.intoId);
  const from = await own(sql, merge.fromId);
  if (into === null || from === null || into.id === from.id) return null;
  const plan = planMerge(into, from, merge);
  await forgetAddresses(sql, from.id);
  await sql.all('DELETE FROM @identities WHERE id = $1', from.id);
  await sql.all('INSERT INTO @merges (from_id, into_id, json) VALUES ($1, $2, $3)', from.id, into.id, new Json(plan.merge));
  await put(sql, plan.into);
  return plan.merge;
}

export async function unmergeIdentity(sql: Sql, fromId: string): Promise<IdentityMerge | null> {
  const merge = await mergeOf(sql, fromId);
  const into = merge === null ? null : await getIdentity(sql, merge.intoId);
  if (merge === null || into === null) return null;
  const plan = planUnmerge(into, merge);
  await forgetAddresses(sql, into.id);
  await sql.all('DELETE FROM @merges WHERE from_id = $1', fromId);
  let id = merge.intoId;
  for (let later = await mergeOf(sql, id); later !== null; later = await mergeOf(sql, id)) {
    await sql.all('UPDATE @merges SET json = $1 WHERE from_id = $2', new Json(withoutUndone(later, merge)), id);
    id = later.intoId;
  }
  await put(sql, plan.into);
  await put(sql, plan.from);
  return merge;
}

export async function listMerges(sql: Sql, identityId: string): Promise<IdentityMerge[]> {
  const merges = await models<IdentityMerge>(
    sql,
    `WITH RECURSIVE alias AS (SELECT $1::text COLLATE "C" AS id UNION SELECT m.into_id FROM @merges AS m JOIN alias ON m.from_id = alias.id),
       last AS (SELECT id FROM alias WHERE NOT EXISTS (SELECT 1 FROM @merges AS m WHERE m.from_id = alias.id)),
       gone AS (SELECT id FROM last UNION SELECT m.from_id FROM @merges AS m JOIN gone ON m.into_id = gone.id)
     SELECT json FROM @merges WHERE into_id IN (SELECT id FROM gone)`,
    identityId,
  );
  return merges.sort(latestFirst);
}

function own(sql: Sql, identityId: string): Promise<Identity | null> {
  return model(sql, 'SELECT json FROM @identities WHERE id = $1', identityId);
}

function mergeOf(sql: Sql, fromId: string): Promise<IdentityMerge | null> {
  return model(sql, 'SELECT json FROM @merges WHERE from_id = $1', fromId);
}

async function put(sql: Sql, identity: Identity): Promise<void> {
  const organization = identity.organizationId ?? '';
  await sql.all(
    'INSERT INTO @identities (id, json) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET json = excluded.json',
    identity.id,
    new Json(identity),
  );
  const addresses = Object.entries(identity.channelAddresses ?? {}).flatMap(([type, list]) => list.map((address) => ({ type, address })));
  for (const { type, address } of addresses) {
    const rows = await sql.all(
      `INSERT INTO @addresses (organization_id, channel_type, address, identity_id) VALUES ($1, $2, $3, $4)
       ON CONFLICT (organization_id, channel_type, address) DO UPDATE SET identity_id = addresses.identity_id RETURNING identity_id`,
      organization,
      type,
      address,
      identity.id,
    );
    const owner = decodeText(rows[0]?.['identity_id'] as string);
    if (owner !== identity.id)
      throw new ConflictError(`This address belongs to identity '${owner}' already. Merge the two, or remove it there first.`);
  }
}

async function forgetAddresses(sql: Sql, identityId: string): Promise<void> {
  await sql.all('DELETE FROM @addresses WHERE identity_id = $1', identityId);
}
