/** What the world outside has seen: who said what and heard of its acceptance, what the vendor was given, what each page showed. */

/** A message of a person, over the vendor's webhook or a page. */
export interface Said {
  /** What it says, and its idempotency key: `v7.3` came over the vendor into the seventh room, `s7.3` over a socket. */
  readonly key: string;
  readonly roomId: string;
  /** Who said it; what one person says is said one after another, each once the one before is accepted. */
  readonly sender: string;
  readonly over: 'vendor' | 'socket';
  /** When it was first tried, in milliseconds of the run's clock. */
  readonly at: number;
  /** When the kit first answered that it has it. */
  acceptedAt?: number;
  /** How often it was sent until then. */
  tries: number;
}

/** What the emulated vendor took, each idempotency key once. */
export interface Taken {
  readonly key: string;
  readonly roomId: string;
  readonly eventId: string;
  readonly recipientId: string;
  readonly text: string;
  readonly at: number;
}

/** What a page was given, in the order it came. */
export interface Shown {
  readonly index: number;
  readonly eventId: string;
  readonly text: string;
}

/** One page and one of its rooms. */
export interface Page {
  readonly participantId: string;
  readonly roomId: string;
  readonly shown: readonly Shown[];
}

export interface Ledger {
  readonly said: readonly Said[];
  readonly taken: readonly Taken[];
  readonly pages: readonly Page[];
  /** Messages whose turn was given up, after two crashes (TURN-03) or when its time was over: nobody answers them. */
  readonly givenUp: ReadonlySet<string>;
}
