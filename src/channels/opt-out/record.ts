/** Who has opted out, as it is kept in the store: one fact per organization and address. */
import type { Metadata } from '../../core/models/json.js';
import type { ChannelType } from '../../core/models/vocabulary.js';

/** That somebody has opted out. */
export interface OptOut {
  /** As it is compared: see {@link OptOutGuardOptions.addressOf}. */
  readonly address: string;
  readonly organizationId?: string;
  /** ISO time. */
  readonly at: string;
  /** A message of theirs, the carrier, or a call of your own. */
  readonly by: 'person' | 'carrier' | 'host';
  /** What they wrote. */
  readonly word?: string;
  readonly channelId?: string;
  readonly roomId?: string;
}

/** Facts of one organization begin alike; no address can reach into another's. */
export function prefixOf(organizationId: string | undefined): string {
  return `opt_out:${JSON.stringify([organizationId ?? null]).slice(0, -1)},`;
}

export function keyOf(organizationId: string | undefined, address: string): string {
  return `${prefixOf(organizationId)}${JSON.stringify(address)}]`;
}

/** A fact of the store; what it lacks was written by nobody. */
export function optOutOf(fact: Metadata | null): OptOut | null {
  return fact as unknown as OptOut | null; // written by this module only
}

/** One spelling per person: without the scheme that vendors put before it, and numbers in digits with `+`. */
export function plainAddress(address: string, _channelType: ChannelType): string {
  const bare = address.trim().replace(/^(?:sms|rcs|whatsapp|tel):/i, '');
  if (!/^\+?[\d\s().-]+$/.test(bare)) return bare;
  const digits = bare.replace(/\D/g, '');
  // Short codes have no country.
  return digits.length > 6 ? `+${digits}` : digits;
}
