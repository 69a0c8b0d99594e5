/** What merging two identities moves, and how it is undone exactly (IDN-13). Pure. */
import { ConflictError } from '../errors.js';
import type { Identity, IdentityMerge } from '../models/people.js';
import type { ChannelType } from '../models/vocabulary.js';

type Addresses = Readonly<Partial<Record<ChannelType, readonly string[]>>>;
type ExternalIds = Readonly<Record<string, string>>;

/** What `into` becomes when `from` is merged into it, and the record that undoes it. For stores. */
export function planMerge(
  into: Identity,
  from: Identity,
  info: { by: string; reason?: string; at: string },
): { into: Identity; merge: IdentityMerge } {
  if (into.organizationId !== from.organizationId) {
    throw new ConflictError(
      `Identities '${into.id}' and '${from.id}' belong to different organizations and stay apart. Merge within one organization.`,
      {
        retryable: false,
      },
    );
  }
  const movedAddresses: Partial<Record<ChannelType, readonly string[]>> = {};
  const channelAddresses: Partial<Record<ChannelType, readonly string[]>> = { ...into.channelAddresses };
  for (const [type, addresses] of entries(from.channelAddresses)) {
    const known = channelAddresses[type] ?? [];
    const moved = addresses.filter((address) => !known.includes(address));
    if (moved.length === 0) continue;
    movedAddresses[type] = moved;
    channelAddresses[type] = [...known, ...moved];
  }
  const movedExternalIds = Object.fromEntries(Object.entries(from.externalIds ?? {}).filter(([name]) => into.externalIds?.[name] === undefined));
  return {
    into: withMaps(into, channelAddresses, { ...into.externalIds, ...movedExternalIds }),
    merge: {
      intoId: into.id,
      fromId: from.id,
      by: info.by,
      ...(info.reason !== undefined && { reason: info.reason }),
      at: info.at,
      from,
      movedAddresses,
      movedExternalIds,
    },
  };
}

/** The merged identity without what the merge brought, and the other one as it was. For stores. */
export function planUnmerge(into: Identity, merge: IdentityMerge): { into: Identity; from: Identity } {
  return { into: without(into, merge), from: merge.from };
}

/**
 * A merge that came after one that is undone, on the way its alias leads: it forgets what the undone one had brought, so
 * that undoing it later does not bring that back. For stores.
 */
export function withoutUndone(later: IdentityMerge, undone: IdentityMerge): IdentityMerge {
  return {
    ...later,
    from: without(later.from, undone),
    movedAddresses: addressesWithout(later.movedAddresses, undone.movedAddresses),
    movedExternalIds: externalIdsWithout(later.movedExternalIds, undone.movedExternalIds),
  };
}

/** The latest first; of one moment, by the id that went away. For stores. */
export function latestFirst(one: IdentityMerge, other: IdentityMerge): number {
  if (one.at !== other.at) return one.at < other.at ? 1 : -1;
  return one.fromId < other.fromId ? -1 : 1;
}

function without(identity: Identity, merge: IdentityMerge): Identity {
  return withMaps(
    identity,
    addressesWithout(identity.channelAddresses, merge.movedAddresses),
    externalIdsWithout(identity.externalIds, merge.movedExternalIds),
  );
}

function addressesWithout(addresses: Addresses | undefined, moved: Addresses): Addresses {
  const left: Partial<Record<ChannelType, readonly string[]>> = {};
  for (const [type, known] of entries(addresses)) {
    const kept = known.filter((address) => moved[type]?.includes(address) !== true);
    if (kept.length > 0 || known.length === 0) left[type] = kept;
  }
  return left;
}

function externalIdsWithout(externalIds: ExternalIds | undefined, moved: ExternalIds): ExternalIds {
  return Object.fromEntries(Object.entries(externalIds ?? {}).filter(([name]) => moved[name] === undefined));
}

/** An identity without addresses or external ids has no empty maps: undone, a merge leaves what was there before. */
function withMaps(identity: Identity, channelAddresses: Addresses, externalIds: ExternalIds): Identity {
  const { channelAddresses: _addresses, externalIds: _ids, ...rest } = identity;
  return {
    ...rest,
    ...(Object.keys(channelAddresses).length > 0 && { channelAddresses }),
    ...(Object.keys(externalIds).length > 0 && { externalIds }),
  };
}

function entries(addresses: Addresses | undefined): [ChannelType, readonly string[]][] {
  return Object.entries(addresses ?? {}) as [ChannelType, readonly string[]][]; // keys of this record are channel types
}
