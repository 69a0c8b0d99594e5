/** What others of a room do beside speaking: typing, presence, what they have read, reactions (WIRE-10). Heard, never stored. */
import type { EphemeralEvent } from '../core/index.js';
import type { ClientClock } from './options.js';

/** Somebody who is typing. */
export interface Typer {
  /** A participant, or the channel id of an agent. */
  readonly participantId: string;
  readonly displayName?: string;
}

/** What somebody last said of being there: `online`, `away`, `offline`, or a word of their own. */
export interface Presence {
  readonly status: string;
  /** ISO time. */
  readonly at: string;
}

/** How far somebody has read. */
export interface Receipt {
  readonly eventId: string;
  /** ISO time. */
  readonly at: string;
}

/** Event id → emoji → who, since this client follows the room. */
export type Reactions = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Typing ends by itself after six seconds on the server (WIRE-10); a word of it that is lost must not stay for ever. */
const TYPING_MS = 8000;
const MAX_REACTED = 2000;

export class People {
  readonly #presence = new Sheet<Presence>();
  readonly #receipts = new Sheet<Receipt>();
  readonly #reactions = new Sheet<Readonly<Record<string, readonly string[]>>>();
  readonly #typing = new Map<string, { cancel(): void }>();
  #typers: readonly Typer[] | undefined = [];
  #names: ReadonlyMap<string, string> = new Map();

  constructor(
    private readonly clock: ClientClock,
    private readonly changed: () => void,
  ) {}

  get presence(): Readonly<Record<string, Presence>> {
    return this.#presence.record;
  }

  get receipts(): Readonly<Record<string, Receipt>> {
    return this.#receipts.record;
  }

  get reactions(): Reactions {
    return this.#reactions.record;
  }

  get typers(): readonly Typer[] {
    return (this.#typers ??= [...this.#typing.keys()].map((participantId) => {
      const displayName = this.#names.get(participantId);
      return { participantId, ...(displayName !== undefined && { displayName }) };
    }));
  }

  /** How the people of the room are called. */
  know(names: ReadonlyMap<string, string>): void {
    this.#names = names;
    if (this.#typing.size > 0) this.#typers = undefined;
  }

  hear(event: EphemeralEvent): void {
    const { type, userId, data, timestamp } = event;
    switch (type) {
      case 'typing_start':
        this.#type(userId);
        break;
      case 'typing_stop':
        this.stopTyping(userId);
        break;
      case 'presence_online':
      case 'presence_away':
      case 'presence_offline':
        this.#presence.set(userId, { status: type.slice('presence_'.length), at: timestamp });
        break;
      case 'read_receipt':
        if (typeof data['event_id'] === 'string') this.#receipts.set(userId, { eventId: data['event_id'], at: timestamp });
        break;
      case 'reaction':
        if (typeof data['event_id'] === 'string' && typeof data['emoji'] === 'string')
          this.react(userId, data['event_id'], data['emoji'], data['action'] !== 'remove');
        break;
      case 'custom':
        if (typeof data['status'] === 'string') this.#presence.set(userId, { status: data['status'], at: timestamp });
        break;
    }
    this.changed();
  }

  stopTyping(participantId: string): void {
    const timer = this.#typing.get(participantId);
    if (timer === undefined) return;
    timer.cancel();
    this.#typing.delete(participantId);
    this.#typers = undefined;
    this.changed();
  }

  react(participantId: string, eventId: string, emoji: string, isAdded: boolean): void {
    const { [emoji]: before = [], ...rest } = this.#reactions.get(eventId) ?? {};
    const others = before.filter((id) => id !== participantId);
    const now = isAdded ? [...others, participantId] : others;
    const ofEvent = now.length === 0 ? rest : { ...rest, [emoji]: now };
    if (Object.keys(ofEvent).length === 0) this.#reactions.delete(eventId);
    else this.#reactions.set(eventId, ofEvent, MAX_REACTED);
    this.changed();
  }

  /** Who was typing when the connection broke is not known to do so any more. */
  quiet(): void {
    for (const participantId of [...this.#typing.keys()]) this.stopTyping(participantId);
  }

  forget(): void {
    this.quiet();
    this.#presence.clear();
    this.#receipts.clear();
    this.#reactions.clear();
  }

  #type(participantId: string): void {
    const timer = this.#typing.get(participantId);
    timer?.cancel();
    this.#typing.set(
      participantId,
      this.clock.setTimer(TYPING_MS, () => this.stopTyping(participantId)),
    );
    if (timer === undefined) this.#typers = undefined;
  }
}

/** A map that is read as one plain object, made anew only after a change. */
class Sheet<Value> {
  readonly #entries = new Map<string, Value>();
  #record: Readonly<Record<string, Value>> | undefined = {};

  get record(): Readonly<Record<string, Value>> {
    return (this.#record ??= Object.fromEntries(this.#entries));
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  /** Beyond so many the oldest goes. */
  set(key: string, value: Value, most = Infinity): void {
    this.#entries.set(key, value);
    this.#record = undefined;
    if (this.#entries.size > most) for (const oldest of this.#entries.keys()) return void this.#entries.delete(oldest);
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.#record = undefined;
  }

  clear(): void {
    if (this.#entries.size === 0) return;
    this.#entries.clear();
    this.#record = {};
  }
}
