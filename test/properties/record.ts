/** What happened in a run, in one order, whichever process did it: the facts that the invariants are held against. */
import type { InboundResult, RoomEvent } from '../../src/core/index.js';

/** A channel was given an event. */
export interface Told {
  readonly at: number;
  readonly life: number;
  readonly channelId: string;
  readonly roomId: string;
  readonly event: RoomEvent;
  readonly key: string | undefined;
  /** The vendor took it. */
  taken: boolean;
}

/** An agent was asked, or its model was. */
export interface Asked {
  readonly at: number;
  /** When its turn began: what it is shown was read then. */
  readonly begunAt: number;
  readonly life: number;
  readonly channelId: string;
  readonly roomId: string;
  readonly trigger: RoomEvent;
  readonly turnId: string;
  readonly attempt: number;
  /** The words it was shown. */
  readonly words: ReadonlySet<string>;
}

/** Somebody called the kit with these words. */
export interface Call {
  readonly at: number;
  readonly life: number;
  readonly what: string;
  readonly roomId: string;
  readonly word?: string;
  readonly key?: string;
  state: 'open' | 'settled' | 'rejected' | 'lost';
  result?: InboundResult;
  error?: unknown;
}

export class Record {
  #moment = 0;
  #word = 0;
  readonly told: Told[] = [];
  readonly asked: Asked[] = [];
  readonly calls: Call[] = [];
  /** Events as they were when the store took them, whoever got to know of it. */
  readonly stored = new Map<string, RoomEvent>();
  /** When the kit said that an event is committed. */
  readonly announcedAt = new Map<string, number>();
  readonly faults: string[] = [];

  now(): number {
    return ++this.#moment;
  }

  /** Words that nobody has said before, so that it is known where they came from. */
  newWord(): string {
    return `#${++this.#word}#`;
  }
}

/** All words in a text. */
export function wordsIn(text: string): Set<string> {
  return new Set(text.match(/#\d+#/g));
}
