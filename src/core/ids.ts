/** Ids, injected (CON-04): opaque strings, random for things, time-ordered for events. */
import { ValidationError } from './errors.js';

export interface IdGenerator {
  /** A random opaque id. */
  next(): string;
  /** A time-ordered id for an event created at `nowMs`. */
  nextEvent(nowMs: number): string;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** UUIDs: version 4 for things, version 7 (RFC 9562, monotonic within a process) for events. */
export class UuidGenerator implements IdGenerator {
  readonly #random = new Uint8Array(4096);
  #used = 4096;
  #timePrefix = '';
  #lastMs = -1;
  #sequence = 0;

  next(): string {
    return crypto.randomUUID();
  }

  nextEvent(nowMs: number): string {
    if (nowMs > this.#lastMs) {
      this.#lastMs = nowMs;
      this.#sequence = 0;
      this.#timePrefix = formatTime(nowMs);
    } else if (++this.#sequence > 0x3ffffff) {
      // 26 bits of counter used up within one millisecond: borrow the next one, order stays.
      this.#lastMs++;
      this.#sequence = 0;
      this.#timePrefix = formatTime(this.#lastMs);
    }
    if (this.#used > 4096 - 6) {
      crypto.getRandomValues(this.#random);
      this.#used = 0;
    }
    const random = this.#random;
    const at = this.#used;
    this.#used += 6;
    const sequence = this.#sequence;
    // 12 bits of the counter after the version, 14 after the variant, then 48 random bits.
    return (
      this.#timePrefix +
      hex(0x70 | ((sequence >>> 22) & 0x0f)) +
      hex((sequence >>> 14) & 0xff) +
      '-' +
      hex(0x80 | ((sequence >>> 8) & 0x3f)) +
      hex(sequence & 0xff) +
      '-' +
      hex(random[at]) +
      hex(random[at + 1]) +
      hex(random[at + 2]) +
      hex(random[at + 3]) +
      hex(random[at + 4]) +
      hex(random[at + 5])
    );
  }
}

function hex(byte: number | undefined): string {
  return HEX[byte ?? 0] ?? '00';
}

function formatTime(ms: number): string {
  const digits = ms.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-`;
}

const CONTROL = /\p{Cc}/u;
const RESERVED_CHANNEL_IDS = new Set(['all', 'none', 'transport', 'intelligence', 'internal', 'system', 'human', '_none_']);

/** Refuses what is no id: 1–255 characters without control characters. */
export function checkId(kind: string, id: unknown): asserts id is string {
  if (typeof id !== 'string' || id.length === 0 || id.length > 255 || CONTROL.test(id)) {
    throw new ValidationError(`${kind} ${JSON.stringify(id)} is not a valid id. Use a string of 1 to 255 characters without control characters.`);
  }
}

/** Refuses what cannot be a channel's id: also no comma, white space or reserved word (CON-04, PERM-06). */
export function checkChannelId(id: unknown): asserts id is string {
  checkId('Channel id', id);
  if (/[,\s]/.test(id) || RESERVED_CHANNEL_IDS.has(id)) {
    throw new ValidationError(
      `Channel id '${id}' cannot be used: it must hold no comma or white space and be none of ${[...RESERVED_CHANNEL_IDS].join(', ')}.`,
    );
  }
}
