/** What the parent and the process it kills say to each other. The parent is the world outside: vendors, people, tools. */

/** Where the process can be told to kill itself, more exactly than a signal from outside hits: each is a moment between two steps. */
export const POINTS = [
  'before_commit',
  'after_commit',
  'after_row_update',
  'after_turn_update',
  'after_merge',
  'after_claim',
  'vendor_answered',
  'tool_answered',
  'stream_chunk',
] as const;
export type Point = (typeof POINTS)[number];

/** The vendors, each with another way of telling what became of a message. */
export const VENDORS = {
  /** Knows idempotency keys: the same message twice is one message. */
  keyed: { supportsIdempotencyKey: true, canBeAsked: false },
  /** Can be asked what became of a message. */
  asked: { supportsIdempotencyKey: false, canBeAsked: true },
  /** Neither: what was being sent is sent again. */
  plain: { supportsIdempotencyKey: false, canBeAsked: false },
} as const;
export type Vendor = keyof typeof VENDORS;

export const AGENTS = ['streamer', 'clerk', 'twice', 'collector', 'listener'] as const;
/** Those that answer several messages at once: what comes while they are at work, or what they read meanwhile. */
export const GATHERING: readonly string[] = ['collector', 'listener'];
export type AgentId = (typeof AGENTS)[number];

/** How far a text that is sent in parts may go. */
export const PART_LENGTH = 60;

export interface Open {
  readonly kind: 'open';
  readonly path: string;
  readonly synchronous: 'full' | 'normal';
  readonly rooms: readonly string[];
  /** The last index each room's client has; it goes on from there. */
  readonly last: Readonly<Record<string, number>>;
  /** Virtual time, the same for every process of one world: it goes on where the last one was. */
  readonly clock: { readonly startedAt: number; readonly speed: number };
  /** Said at once, before recovery has looked at what is left. */
  readonly first: readonly Say[];
  readonly die?: { readonly at: Point; readonly nth: number };
}

/** Somebody says something. The same key after a crash is the same message. */
export interface Say {
  readonly kind: 'say';
  readonly key: string;
  readonly roomId: string;
  readonly channelId: string;
  readonly senderId: string;
  readonly text: string;
  readonly to: readonly string[];
  /** Set: not said, but put in the place of this event's text. */
  readonly edits?: string;
}

export type ToChild =
  | Open
  | Say
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  /** Let everything come to its end, and close. */
  | { readonly kind: 'finish' };

export interface VendorRequest {
  readonly vendor: Vendor;
  readonly roomId: string;
  readonly index: number;
  readonly eventId: string;
  readonly key: string;
  readonly part: number;
  readonly text: string;
}

export interface ToolCall {
  readonly name: string;
  readonly key: string;
  readonly turnId: string;
}

/** What the process asks of the world, and waits for. */
export type Question =
  | { readonly what: 'send'; readonly request: VendorRequest }
  | { readonly what: 'lookup'; readonly vendor: Vendor; readonly key: string }
  | { readonly what: 'tool'; readonly call: ToolCall };

export type FromChild =
  | { readonly kind: 'warm' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  /** The event is in the timeline: from now on it must not get lost. */
  | { readonly kind: 'committed'; readonly key: string; readonly eventId: string; readonly index: number; readonly blocked: boolean }
  | { readonly kind: 'refused'; readonly key: string; readonly reason: string }
  /** The client's socket got an event. */
  | { readonly kind: 'event'; readonly roomId: string; readonly prev: number; readonly index: number; readonly eventId: string }
  | { readonly kind: 'preview'; readonly roomId: string; readonly type: string; readonly streamId: string }
  | { readonly kind: 'fault'; readonly message: string }
  | { readonly kind: 'finished' };
