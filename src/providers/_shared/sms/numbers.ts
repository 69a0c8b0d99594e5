/** Numbers as vendors write them that leave the plus out; short codes and names stay as they are. */
import { textOf } from '../http/reading.js';

/** In E.164, where it is a whole number. */
export function withPlus(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^[1-9]\d{7,14}$/.test(text) ? `+${text}` : text;
}

/** The same, where numbers of North America come without their 1 as well. */
export function withPlusOrOne(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^[2-9]\d{9}$/.test(text) ? `+1${text}` : withPlus(value);
}
