/** Identities as hosts keep them: made, looked up and changed within the kit's organization (IDN-09, PERM-09). */
import { IdentityNotFoundError, ValidationError } from '../errors.js';
import { checkId } from '../ids.js';
import type { Identity } from '../models/people.js';
import { ChannelType } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';

/** An identity as a host gives it: the kit adds what is missing. */
export type IdentityDraft = Omit<Identity, 'id'> & { readonly id?: string };

/** Whom an address belongs to. */
export interface IdentityQuery {
  readonly channelType: ChannelType;
  readonly address: string;
  /** Default: the kit's, when it has one. */
  readonly organizationId?: string;
}

export async function createIdentity(parts: KitParts, draft: IdentityDraft): Promise<Identity> {
  parts.assertOpen();
  if (draft.id !== undefined) checkId('Identity id', draft.id);
  const organizationId = parts.options.organizationId ?? draft.organizationId;
  checkAddresses(draft);
  return parts.store.createIdentity({
    ...draft,
    id: draft.id ?? parts.ids.next(),
    ...(organizationId !== undefined && { organizationId }),
  });
}

export async function getIdentity(parts: KitParts, identityId: string): Promise<Identity | null> {
  const identity = await parts.store.getIdentity(identityId);
  return identity !== null && isOwn(parts, identity) ? identity : null;
}

export async function findIdentity(parts: KitParts, query: IdentityQuery): Promise<Identity | null> {
  const organizationId = parts.options.organizationId ?? query.organizationId;
  const { channelType, address } = query;
  const identity = await parts.store.resolveIdentity({ channelType, address, ...(organizationId !== undefined && { organizationId }) });
  return identity !== null && isOwn(parts, identity) ? identity : null;
}

/** Who has this address from now on; a repeat changes nothing. */
export async function linkAddress(parts: KitParts, identityId: string, channelType: ChannelType, address: string): Promise<Identity> {
  parts.assertOpen();
  checkAddress(channelType, address);
  const before = await getIdentity(parts, identityId);
  if (before === null) throw new IdentityNotFoundError(identityId);
  await parts.store.linkAddress(before.id, channelType, address);
  return (await getIdentity(parts, before.id)) ?? before;
}

function isOwn(parts: KitParts, identity: Identity): boolean {
  const organizationId = parts.options.organizationId;
  return organizationId === undefined || identity.organizationId === organizationId;
}

function checkAddresses({ channelAddresses = {} }: IdentityDraft): void {
  for (const [channelType, addresses] of Object.entries(channelAddresses)) for (const address of addresses) checkAddress(channelType, address);
}

function checkAddress(channelType: string, address: unknown): void {
  if (!Object.values<string>(ChannelType).includes(channelType)) {
    throw new ValidationError(`'${channelType}' is no channel type. Use one of ${Object.values(ChannelType).join(', ')}.`);
  }
  if (typeof address !== 'string' || address === '') {
    throw new ValidationError(`An address of type '${channelType}' is ${JSON.stringify(address)}. Give a string that is not empty.`);
  }
}
