/**
 * The key of an event whose words were erased: a digest of what it was, so that a message which its vendor sends once more is
 * known and not taken for a new one (ERA-05). Keys may hold numbers and addresses of people; nobody reads them from this.
 */
const PREFIX = 'erased:';

/** What stands in the place of this key; an erased one stays as it is. */
export function erasedKey(key: string): string {
  return isErasedKey(key) ? key : PREFIX + sha256(keyBytes(key));
}

/** What the digest of a key is made of: UTF-8, which has none for halves of surrogate pairs; keys with such are written unit by unit. */
export function keyBytes(key: string): Uint8Array {
  if (!/\p{Surrogate}/u.test(key)) return new TextEncoder().encode(key);
  const units = Array.from({ length: key.length }, (_, at) => key.charCodeAt(at));
  // Nothing in UTF-8 begins like this.
  return Uint8Array.from([0xff, ...units.flatMap((unit) => [unit >> 8, unit & 0xff])]);
}

/** Whether the words of the event that has this key were erased. */
export function isErasedKey(key: string): boolean {
  return key.startsWith(PREFIX) && key.length === PREFIX.length + 64;
}

const ROUND_CONSTANTS = fractions(64, 1 / 3);
const START = fractions(8, 1 / 2);

/** SHA-256 (FIPS 180-4) in hex, at once: what WebCrypto has of it can only be waited for, and a commit does not wait. */
function sha256(bytes: Uint8Array): string {
  const length = Math.ceil((bytes.length + 9) / 64) * 64;
  const padded = new DataView(new ArrayBuffer(length));
  for (let at = 0; at < bytes.length; at++) padded.setUint8(at, bytes[at] ?? 0);
  padded.setUint8(bytes.length, 0x80);
  padded.setUint32(length - 8, Math.floor(bytes.length / 0x20000000));
  padded.setUint32(length - 4, bytes.length << 3);
  const state = Uint32Array.from(START);
  const words = new Uint32Array(64);
  for (let block = 0; block < length; block += 64) {
    for (let n = 0; n < 16; n++) words[n] = padded.getUint32(block + 4 * n);
    for (let n = 16; n < 64; n++) {
      const two = words[n - 2] ?? 0;
      const fifteen = words[n - 15] ?? 0;
      const low = turned(fifteen, 7) ^ turned(fifteen, 18) ^ (fifteen >>> 3);
      const high = turned(two, 17) ^ turned(two, 19) ^ (two >>> 10);
      words[n] = (words[n - 16] ?? 0) + low + (words[n - 7] ?? 0) + high;
    }
    compress(state, words);
  }
  return [...state].map((word) => word.toString(16).padStart(8, '0')).join('');
}

function compress(state: Uint32Array, words: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let n = 0; n < 64; n++) {
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + (ROUND_CONSTANTS[n] ?? 0) + (words[n] ?? 0)) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  for (const [n, value] of [a, b, c, d, e, f, g, h].entries()) state[n] = (state[n] ?? 0) + value;
}

function turned(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

/** The first 32 bits behind the point of the roots of the first primes, as the standard makes its constants. */
function fractions(count: number, power: number): Uint32Array {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    let isPrime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) isPrime = false;
    if (isPrime) found.push((candidate ** power % 1) * 0x100000000);
  }
  return Uint32Array.from(found);
}
