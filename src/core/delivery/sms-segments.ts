/** How many text messages a text is for a carrier, and where it may be parted (GSM 03.38, 3GPP TS 23.038 and 23.040). Pure. */
import { ValidationError } from '../errors.js';
import { graphemesOf } from './graphemes.js';
import { splitText } from './split-text.js';

/** What a text costs by SMS. */
export interface SmsSegments {
  /** `ucs2` as soon as one character is outside the GSM alphabet. */
  readonly encoding: 'gsm7' | 'ucs2';
  /** What the carrier counts and bills; 0 for an empty text. */
  readonly segments: number;
  /** Septets or UTF-16 units, before they are laid into segments. */
  readonly units: number;
}

/** The GSM alphabet in its order, without the escape; then what is sent as an escape and a second septet. */
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const EXTENSION = new Set('\f^{}\\[~]|€');

/** Units in a message of its own, and in each of several, where six bytes tell how they belong together. */
const ROOM = { gsm7: { alone: 160, each: 153 }, ucs2: { alone: 70, each: 67 } } as const;

/**
 * Segments as a carrier lays them: no escape sequence, surrogate pair or grapheme is cut between two of them, so a segment may have
 * a unit to spare.
 * @example smsSegments('Hello {name}') // { encoding: 'gsm7', segments: 1, units: 14 }
 */
export function smsSegments(text: string): SmsSegments {
  const encoding = gsmLength(text) === text.length ? 'gsm7' : 'ucs2';
  const { segments, units } = lay(text, encoding, Infinity);
  return { encoding, segments, units };
}

/**
 * Consecutive parts of at most `maxSegments` segments each (default 10, what most carriers take as one message), at paragraph, sentence, word or
 * grapheme boundaries, in this order of liking. Each part is encoded by itself: an emoji makes its own part the dearer one.
 */
export function splitSms(text: string, options: { readonly maxSegments?: number } = {}): readonly string[] {
  const most = options.maxSegments ?? 10;
  if (!Number.isInteger(most) || most < 1) throw new ValidationError(`maxSegments is ${most}. Give a whole number of segments, 1 or more.`);
  const parts: string[] = [];
  let rest = text;
  for (;;) {
    const fits = longestBeginning(rest, most);
    if (fits >= rest.length) break;
    // The border needs what follows it in sight, and no more: splitText looks at one word or grapheme beyond.
    const [part] = splitText(rest.slice(0, fits + LOOKAHEAD), fits);
    if (part === undefined) break;
    parts.push(part);
    rest = rest.slice(part.length).trimStart();
  }
  return rest === '' && parts.length > 0 ? parts : [...parts, rest];
}

const LOOKAHEAD = 128;

function longestBeginning(text: string, maxSegments: number): number {
  // A unit of the text takes at least one of a segment: no more of it than this can fit.
  const window = text.slice(0, maxSegments * ROOM.gsm7.alone + LOOKAHEAD);
  const gsm = gsmLength(window);
  const inGsm = lay(window.slice(0, gsm), 'gsm7', maxSegments).length;
  return inGsm < gsm || gsm === window.length ? inGsm : Math.max(inGsm, lay(window, 'ucs2', maxSegments).length);
}

/** How far the text stays within the GSM alphabet. */
function gsmLength(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (!BASIC.has(character) && !EXTENSION.has(character)) return at;
  }
  return text.length;
}

/** Lays the text into at most so many segments; `length` is how much of it they hold. */
function lay(text: string, encoding: 'gsm7' | 'ucs2', maxSegments: number): { segments: number; units: number; length: number } {
  const { alone, each } = ROOM[encoding];
  let units = 0;
  let length = 0;
  // Should they be several: how many, and what lies in the last of them. Should they be one: how much of the text it holds.
  let segments = 1;
  let filled = 0;
  let lengthAlone = 0;
  for (const piece of encoding === 'gsm7' ? text : graphemes(text, each)) {
    const size = encoding === 'gsm7' ? (EXTENSION.has(piece) ? 2 : 1) : piece.length;
    if (filled + size > each) {
      segments++;
      filled = 0;
    }
    if (segments > maxSegments && (maxSegments > 1 || units + size > alone)) break;
    filled += size;
    units += size;
    length += piece.length;
    if (units <= alone) lengthAlone = length;
  }
  if (length === 0) return { segments: 0, units: 0, length: 0 };
  return lengthAlone === length ? { segments: 1, units, length } : { segments, units, length };
}

/** Graphemes; those that no segment holds, by their characters. */
function* graphemes(text: string, most: number): Iterable<string> {
  for (const grapheme of graphemesOf(text)) {
    if (grapheme.length <= most) yield grapheme;
    else yield* grapheme;
  }
}
