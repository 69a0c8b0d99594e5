/** What merging two identities moves, and how it is undone exactly (IDN-13). Pure. */
import type { Identity, IdentityMerge } from '../models/people.js';
import type { ChannelType } from '../models/vocabulary.js';

type Addresses = Readonly<Partial<Record<ChannelType, readonly string[]>>>;

/** What `into` becomes when `from` is merged into it, and the record that undoes it. For stores. */
export function planMerge(
  into: Identity,
  from: Identity,
  info: { by: string; reason?: string; at: string },
): { into: Identity; merge: IdentityMerge } {
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
    into: { ...into, channelAddresses, externalIds: { ...into.externalIds, ...movedExternalIds } },
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

/** The merged identity without what the merge brought, and the other one as it was. */
export function planUnmerge(into: Identity, merge: IdentityMerge): { into: Identity; from: Identity } {
  const channelAddresses: Partial<Record<ChannelType, readonly string[]>> = { ...into.channelAddresses };
  for (const [type, moved] of entries(merge.movedAddresses)) {
    const kept = (channelAddresses[type] ?? []).filter((address) => !moved.includes(address));
    if (kept.length > 0) channelAddresses[type] = kept;
    else delete channelAddresses[type];
  }
  const externalIds = Object.fromEntries(Object.entries(into.externalIds ?? {}).filter(([name]) => merge.movedExternalIds[name] === undefined));
  return { into: { ...into, channelAddresses, externalIds }, from: merge.from };
}

function entries(addresses: Addresses | undefined): [ChannelType, readonly string[]][] {
  return Object.entries(addresses ?? {}) as [ChannelType, readonly string[]][]; // keys of this record are channel types
}
