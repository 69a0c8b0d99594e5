/** What the chaos run and its processes say to each other. */

/** What a process is started with: one argument, as JSON. */
export interface Order {
  readonly port: number;
  readonly postgresUrl: string;
  /** Absent: locks and realtime are PostgreSQL's, too. */
  readonly redisUrl: string | undefined;
  /** Of the emulated vendor. */
  readonly vendorUrl: string;
  readonly vendorSecret: string;
  readonly tokenSecret: string;
  readonly leaseSeconds: number;
  /** How long the model thinks. */
  readonly thinkingMs: number;
  /** What is broken by hand, to see whether it is found. */
  readonly broken: Broken | undefined;
}

/**
 * `dedupe`: a repeated webhook is a new message. `fencing`: nobody locks rooms, nothing is fenced. `turns`: a reply does not end
 * its turn. `leases`: what another process works on is taken all the same.
 */
export const BROKEN = ['dedupe', 'fencing', 'turns', 'leases'] as const;
export type Broken = (typeof BROKEN)[number];

/** A person with a page, and the rooms it shows. */
export interface Client {
  readonly participantId: string;
  readonly rooms: readonly string[];
}

export type ToProcess =
  { readonly kind: 'furnish'; readonly rooms: readonly string[] } | { readonly kind: 'mint'; readonly clients: readonly Client[] };

export type FromProcess =
  | { readonly kind: 'ready' }
  | { readonly kind: 'furnished' }
  | { readonly kind: 'minted'; readonly tokens: readonly string[] }
  /**
   * Every second: its resident memory, and how much processor time it has used. Now and then what its heap keeps, once everything
   * that is of no use any more has been collected.
   */
  | { readonly kind: 'usage'; readonly bytes: number; readonly cpuMs: number; readonly keptBytes?: number }
  | { readonly kind: 'fault'; readonly message: string };

/** Who writes over the vendor in a room. */
export function customerOf(roomId: string): string {
  return `customer-${roomId}`;
}

/** What the agent says to a message. */
export function answerTo(key: string): string {
  return `answer to ${key}`;
}
