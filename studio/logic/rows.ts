/**
 * From events to rows: quiet ones fold together, a handoff divides, an answer is indented below its cause. Rows grow with
 * the timeline, one event at a time, so that a busy room costs no more than its news.
 */
import { requestedIn } from './approvals.js';
import { dayOf } from './time.js';
import type { WireEvent } from '../types.js';

export type Row =
  | { readonly kind: 'day'; readonly key: string; readonly at: string }
  | { readonly kind: 'fold'; readonly key: string; readonly events: readonly WireEvent[] }
  | { readonly kind: 'handoff'; readonly key: string; readonly event: WireEvent; readonly sinceMs: number | undefined }
  | EventRow;

export interface EventRow {
  readonly kind: 'event';
  readonly key: string;
  readonly event: WireEvent;
  /** Milliseconds since the event before it; undefined for the first. */
  readonly sinceMs: number | undefined;
  /** How deep it hangs below what caused it, 0 to 5. */
  readonly depth: number;
  /** Its cause, when that is not the row right above its group. */
  readonly answers: WireEvent | undefined;
}

const MAX_DEPTH = 5;

/** The rows of a stretch of a timeline. */
export class Rows {
  readonly list: Row[] = [];
  readonly #byId = new Map<string, number>();
  readonly #events = new Map<string, WireEvent>();
  #last: WireEvent | undefined;

  constructor(events: readonly WireEvent[] = []) {
    for (const event of events) this.append(event);
  }

  append(event: WireEvent): void {
    const { list } = this;
    const last = this.#last;
    this.#last = event;
    this.#events.set(event.id, event);
    if (last !== undefined && dayOf(last.createdAt) !== dayOf(event.createdAt))
      list.push({ kind: 'day', key: `day-${event.id}`, at: event.createdAt });
    const above = list.at(-1);
    if (isQuiet(event)) {
      if (above?.kind === 'fold') list[list.length - 1] = { ...above, events: [...above.events, event] };
      else list.push({ kind: 'fold', key: event.id, events: [event] });
    } else {
      list.push(this.#rowOf(event, last));
    }
    this.#byId.set(event.id, list.length - 1);
  }

  /** Puts the changed event where it was; false when it is not here. */
  replace(event: WireEvent): boolean {
    const at = this.#byId.get(event.id);
    const row = at === undefined ? undefined : this.list[at];
    if (at === undefined || row === undefined) return false;
    this.#events.set(event.id, event);
    if (this.#last?.id === event.id) this.#last = event;
    switch (row.kind) {
      case 'fold':
        this.list[at] = { ...row, events: row.events.map((one) => (one.id === event.id ? event : one)) };
        break;
      case 'day':
        break;
      default:
        this.list[at] = { ...row, event };
    }
    return true;
  }

  /** Position of the row that shows an event. */
  find(eventId: string): number | undefined {
    return this.#byId.get(eventId);
  }

  #rowOf(event: WireEvent, last: WireEvent | undefined): Row {
    const sinceMs = last === undefined ? undefined : Date.parse(event.createdAt) - Date.parse(last.createdAt);
    if (isHandoff(event)) return { kind: 'handoff', key: event.id, event, sinceMs };
    const cause = event.parentEventId === undefined ? undefined : this.#events.get(event.parentEventId);
    return {
      kind: 'event',
      key: event.id,
      event,
      sinceMs,
      depth: Math.min(event.chainDepth, MAX_DEPTH),
      answers: cause !== undefined && !this.#hangsBelow(cause) ? cause : undefined,
    };
  }

  /** Whether a cause is the nearest row, or everything between was caused too. */
  #hangsBelow(cause: WireEvent): boolean {
    for (let at = this.list.length - 1; at >= 0; at--) {
      const row = this.list[at];
      if (row === undefined || row.kind === 'fold' || row.kind === 'day') continue;
      if (row.event.id === cause.id) return true;
      if (row.kind === 'event' && row.event.chainDepth === 0) return false;
    }
    return false;
  }
}

/** What the kit notes about the room itself; several of these say as much in one line. */
export function isQuiet(event: WireEvent): boolean {
  if (event.type.startsWith('channel_') || event.type.startsWith('participant_')) return true;
  return event.type === 'system' && event.content.type === 'system' && !isHandoff(event) && requestedIn(event).length === 0;
}

/** Who leads changed: an agent handed over, or somebody was put in charge. */
export function isHandoff(event: WireEvent): boolean {
  return event.metadata['handoff'] === true || (event.content.type === 'system' && event.content.code === 'active_agent_changed');
}

/** Heard by nobody outside: internal notes, and what only some channel may see. */
export function isHidden(event: WireEvent): boolean {
  return event.visibility === 'internal' || event.visibility === 'none';
}

export function isDeleted(event: WireEvent): boolean {
  return event.metadata['deleted'] === true;
}

export function isEdited(event: WireEvent): boolean {
  return event.metadata['edited'] === true;
}

/** The ids of all messages a reply answers, oldest first, where that is more than one. */
export function answersOf({ metadata }: WireEvent): readonly string[] {
  const { answers } = metadata;
  return Array.isArray(answers) ? answers.filter((id) => typeof id === 'string') : [];
}

/** A reply that was cut off: by which newer message, or that its model failed. */
export function cutOf(event: WireEvent, indexOf: (eventId: string) => number | undefined): string | undefined {
  if (event.metadata['cancelled'] === true) {
    const by = event.metadata['cancelled_by'];
    const index = typeof by === 'string' ? indexOf(by) : undefined;
    return index === undefined ? 'cancelled here' : `cut short by ${index}`;
  }
  if (event.metadata['interrupted'] === true) return 'interrupted here';
  return event.metadata['partial'] === true ? 'broke off here' : undefined;
}

const FOLD_WORDS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  channel_attached: ['channel attached', 'channels attached'],
  channel_detached: ['channel detached', 'channels detached'],
  channel_muted: ['channel muted', 'channels muted'],
  channel_unmuted: ['channel unmuted', 'channels unmuted'],
  channel_updated: ['channel changed', 'channels changed'],
  participant_joined: ['person joined', 'people joined'],
  participant_left: ['person left', 'people left'],
  participant_identified: ['person identified', 'people identified'],
  participant_updated: ['person changed', 'people changed'],
};

/** `5 channels attached · 1 person joined`. */
export function foldSummary(events: readonly WireEvent[]): string {
  const counts = new Map<string, number>();
  for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts]
    .map(([type, count]) => {
      const [one, many] = FOLD_WORDS[type] ?? ['note of the system', 'notes of the system'];
      return `${count} ${count === 1 ? one : many}`;
    })
    .join(' · ');
}
