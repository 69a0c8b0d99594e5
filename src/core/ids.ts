/** Ids, injected (CON-04): opaque strings, random for things, time-ordered for events. */
import { ValidationError } from './errors.js';

/** Makes ids. Every id is unique; those of events ascend. */
export interface IdGenerator {
  /** A random opaque id. */
  next(): string;
  /** A time-ordered id for an event created at `nowMs`. */
  nextEvent(nowMs: number): string;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * UUIDs: version 4 for things, version 7 (RFC 9562) for events. Events of one millisecond share 46 random bits and are told
 * apart by a counter in the last places, so that ids of one process always ascend, and those of two hardly ever meet.
 */
export class UuidGenerator implements IdGenerator {
  private lastMs = -1;
  private sequence = 0;
  /** All but the last two digits: shared by 256 ids, which then need no more memory than a pair of references. */
  private head = '';
  private moment = '';
  /** Drawn many at a time: asking for a few costs almost as much as for hundreds. */
  private readonly random = new Uint32Array(256);
  private unused = 0;
  /**
   * The characters of the id that is being written. Made of its characters it is one string; put together from pieces, as
   * `crypto.randomUUID()` does, it is a tree of them that takes eight times the memory for as long as the id is known.
   */
  private readonly codes: number[] = Array.from('xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx', (character) => character.charCodeAt(0));

  next(): string {
    const { codes } = this;
    write(codes, 0, this.draw(), 8);
    const second = this.draw();
    write(codes, 9, second >>> 16, 4);
    write(codes, 14, 0x4000 | (second & 0xfff), 4); // the version
    const third = this.draw();
    write(codes, 19, 0x8000 | ((third >>> 16) & 0x3fff), 4); // the variant
    write(codes, 24, third & 0xffff, 4);
    write(codes, 28, this.draw(), 8);
    return String.fromCharCode(...codes);
  }

  nextEvent(nowMs: number): string {
    if (nowMs > this.lastMs) this.begin(nowMs);
    // 28 bits of counter used up within one millisecond: borrow the next one, order stays.
    else if (++this.sequence > 0xfffffff) this.begin(this.lastMs + 1);
    else if ((this.sequence & 0xff) === 0) this.head = this.moment + digits(this.sequence >>> 8, 5);
    return this.head + (HEX[this.sequence & 0xff] ?? '00');
  }

  private begin(ms: number): void {
    this.lastMs = ms;
    this.sequence = 0;
    const first = this.draw();
    const second = this.draw();
    const time = digits(ms, 12);
    // 12 bits after the version, 14 after the variant, 20 before the counter.
    const random = `7${digits(first & 0xfff, 3)}-${digits(0x8000 | ((first >>> 12) & 0x3fff), 4)}-${digits(second & 0xfffff, 5)}`;
    this.moment = `${time.slice(0, 8)}-${time.slice(8)}-${random}`;
    this.head = `${this.moment}00000`;
  }

  private draw(): number {
    if (this.unused === 0) {
      crypto.getRandomValues(this.random);
      this.unused = this.random.length;
    }
    return this.random[--this.unused] ?? 0;
  }
}

const DIGITS: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** The last `count` hexadecimal digits of a value, as characters from `at` on. */
function write(codes: number[], at: number, value: number, count: number): void {
  for (let place = at + count - 1; place >= at; place--) {
    codes[place] = DIGITS[value & 0xf] ?? 0;
    value >>>= 4;
  }
}

function digits(value: number, count: number): string {
  return value.toString(16).padStart(count, '0');
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
