/**
 * The world outside of the process: what vendors accepted, which tools ran, what clients saw. It outlives every crash, so that
 * afterwards it is known what really happened.
 */
import type { FromChild, Question, ToolCall, Vendor, VendorRequest } from './protocol.js';
import { VENDORS } from './protocol.js';
import type { Random } from './random.js';

export interface Accepted extends VendorRequest {
  /** False when the vendor recognised the message: the recipient got it before. */
  readonly isNew: boolean;
}

export class Outside {
  /** In the order of acceptance. */
  readonly accepted: Accepted[] = [];
  /** Keys that a vendor has refused for good. */
  readonly refused = new Set<string>();
  readonly tools: ToolCall[] = [];
  /** What each room's client has seen, in order. */
  readonly seen = new Map<string, { index: number; eventId: string }[]>();
  readonly faults: string[] = [];
  readonly #taken = new Set<string>();
  readonly #previews = new Map<string, Set<string>>();

  constructor(private readonly random: Random) {}

  answer(question: Question): unknown {
    switch (question.what) {
      case 'send':
        return this.#send(question.request);
      case 'lookup':
        return this.#taken.has(question.key) ? { providerMessageId: `id-${question.key}` } : null;
      case 'tool':
        this.tools.push(question.call);
        return `done ${this.tools.length}`;
    }
  }

  /** The last index of each room that its client has. */
  last(rooms: readonly string[]): Record<string, number> {
    return Object.fromEntries(rooms.map((roomId) => [roomId, this.seen.get(roomId)?.at(-1)?.index ?? -1]));
  }

  see(frame: Extract<FromChild, { kind: 'event' }>): void {
    const seen = this.seen.get(frame.roomId) ?? [];
    this.seen.set(frame.roomId, seen);
    const last = seen.at(-1)?.index ?? -1;
    if (frame.prev !== last || frame.index <= last)
      this.faults.push(`The client of ${frame.roomId} had ${last} and got ${frame.index} after ${frame.prev}.`);
    seen.push({ index: frame.index, eventId: frame.eventId });
  }

  preview(frame: Extract<FromChild, { kind: 'preview' }>): void {
    const open = this.#previews.get(frame.roomId) ?? new Set();
    this.#previews.set(frame.roomId, open);
    if (frame.type === 'stream_start' ? open.has(frame.streamId) : !open.has(frame.streamId)) {
      this.faults.push(`A client of ${frame.roomId} got ${frame.type} of ${frame.streamId} out of turn.`);
    }
    if (frame.type === 'stream_start') open.add(frame.streamId);
    else if (frame.type !== 'stream_chunk') open.delete(frame.streamId);
  }

  /** The sockets are gone with the process. */
  disconnect(): void {
    this.#previews.clear();
  }

  /** Previews that were begun and not ended; none, once everything is quiet. */
  openPreviews(): string[] {
    return [...this.#previews.values()].flatMap((open) => [...open]);
  }

  #send(request: VendorRequest): { success: boolean; providerMessageId?: string; error?: string; retryable?: boolean } {
    const { key, vendor } = request;
    const isKnown = this.#taken.has(key);
    if (!isKnown && this.random.chance(0.03)) return { success: false, error: 'busy', retryable: true };
    if (!isKnown && this.random.chance(0.004)) {
      this.refused.add(key);
      return { success: false, error: 'invalid_number', retryable: false };
    }
    this.#taken.add(key);
    this.accepted.push({ ...request, isNew: !(isKnown && VENDORS[vendor].supportsIdempotencyKey) });
    return { success: true, providerMessageId: `id-${key}` };
  }
}

export function acceptedBy(accepted: readonly Accepted[], vendor: Vendor, roomId: string): Accepted[] {
  return accepted.filter((one) => one.vendor === vendor && one.roomId === roomId);
}
