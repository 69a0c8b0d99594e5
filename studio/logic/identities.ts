/** Who is behind a participant, in words; and what somebody means who types an address. */
import type { ChannelType, Identity, Participant } from '../types.js';
import { typeName } from './names.js';

export function identityName({ id, displayName }: Identity): string {
  return displayName ?? id;
}

/** `SMS`, `+1 555 …`: every address, in the order of their types. */
export function addressesOf({ channelAddresses = {} }: Identity): readonly (readonly [type: string, addresses: readonly string[]])[] {
  return (Object.entries(channelAddresses) as [ChannelType, readonly string[]][]) // keys of this record are channel types
    .filter(([, addresses]) => addresses.length > 0)
    .map(([type, addresses]) => [typeName(type), addresses]);
}

/** Whom of this room an identity may be one with: identified people who are not it already. */
export function othersOf(participants: Iterable<Participant>, identityIds: ReadonlySet<string>): readonly Participant[] {
  return [...participants].filter(({ identityId }) => identityId !== undefined && !identityIds.has(identityId));
}

const BY_NUMBER: readonly ChannelType[] = ['sms', 'rcs', 'whatsapp', 'telegram'];

/** Under which types an address may be known: a mail has an at sign, a number digits. */
export function typesOf(address: string): readonly ChannelType[] {
  if (address.includes('@')) return ['email'];
  return /^\+?[\d\s().-]+$/.test(address) ? BY_NUMBER : [];
}
