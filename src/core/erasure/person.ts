/** Who is to be erased, or looked up: every id and address by which this store may know a person (ERA-01). */
import { ValidationError } from '../errors.js';
import type { Identity } from '../models/people.js';
import { ChannelType } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { getIdentity, findIdentity } from '../rooms/identities.js';
import { recordStore, type RecordStore } from '../store/records.js';

/** A person: by identity, or by an address where there is none. */
export type PersonQuery =
  | { readonly identityId: string }
  | {
      readonly channelType: ChannelType;
      readonly address: string;
      /** Whose customer it is. Default: the kit's; without one, whoever has this address in any organization. */
      readonly organizationId?: string;
    };

/** A person with all that is known of them. */
export interface Person {
  /** The identity, while it is there. */
  readonly identity: Identity | null;
  /** Whose rooms are looked at; undefined: all. The same address in another organization is another person (IDN-09). */
  readonly organizationId: string | undefined;
  /** Ids of the identity, and of those that were merged into it. */
  readonly identityIds: ReadonlySet<string>;
  /** Addresses, whatever channel they are of. */
  readonly addresses: ReadonlySet<string>;
  /** Names in full. */
  readonly names: ReadonlySet<string>;
}

/** A kit with a store that can be looked through and changed. */
export interface ErasureParts extends KitParts {
  readonly store: RecordStore;
}

/** Null for somebody of another organization: not there. Whom nobody knows is a person of one id or address. */
export async function findPerson(parts: KitParts, query: PersonQuery): Promise<Person | null> {
  const { identityId, address } = checkQuery(query);
  const asked = 'address' in query ? query.organizationId : undefined;
  const own = parts.options.organizationId;
  if (own !== undefined && asked !== undefined && own !== asked) return null;
  const identity = 'identityId' in query ? await getIdentity(parts, query.identityId) : await findIdentity(parts, query);
  if (identity === null) {
    if (identityId !== undefined && (await parts.store.getIdentity(identityId)) !== null) return null;
    return {
      identity: null,
      organizationId: own ?? asked,
      identityIds: new Set(identityId === undefined ? [] : [identityId]),
      addresses: new Set(address === undefined ? [] : [address]),
      names: new Set(),
    };
  }
  const merges = await parts.store.listMerges(identity.id);
  const all = [identity, ...merges.map(({ from }) => from)];
  return {
    identity,
    organizationId: own ?? asked ?? identity.organizationId,
    identityIds: new Set([identity.id, ...merges.map(({ fromId }) => fromId)]),
    addresses: new Set([...(address === undefined ? [] : [address]), ...all.flatMap(addressesOf)]),
    names: new Set(all.flatMap(({ displayName }) => (displayName === undefined ? [] : [displayName]))),
  };
}

/** Ids in other systems are none: a number there is nobody's in a text. */
function addressesOf({ channelAddresses, email, phone }: Identity): string[] {
  return [...Object.values(channelAddresses ?? {}), [email, phone]]
    .flat()
    .filter((address): address is string => address !== undefined && address !== '');
}

function checkQuery(query: PersonQuery): { identityId?: string; address?: string } {
  const { identityId, channelType, address } = query as Readonly<Record<string, unknown>>;
  if (typeof identityId === 'string' && identityId !== '') return { identityId };
  const isType = typeof channelType === 'string' && Object.values<string>(ChannelType).includes(channelType);
  if (isType && typeof address === 'string' && address !== '') return { address };
  throw new ValidationError(
    "Nobody is named. Give { identityId }, or { channelType, address } such as { channelType: 'sms', address: '+15550001' }; neither may be empty.",
  );
}

/** Throws NotSupportedError where the store cannot be looked through. */
export function erasable(parts: KitParts, what: string): ErasureParts {
  recordStore(parts.store, what);
  return parts as ErasureParts; // its store is one
}
