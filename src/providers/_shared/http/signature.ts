/** Comparing signatures in constant time (PV-09). */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Whether two texts or byte strings are the same. Takes the same time wherever they differ. */
export function isSame(given: string | Uint8Array | null | undefined, expected: string | Uint8Array): boolean {
  if (given === null || given === undefined) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** HMAC of some bytes, printed as the vendor prints it. */
export function hmac(algorithm: 'sha1' | 'sha256', key: string, data: string | Uint8Array, encoding: 'hex' | 'base64'): string {
  return createHmac(algorithm, key).update(data).digest(encoding);
}

/** Whether a signed time, in seconds since 1970, is near enough to now (PV-10). */
export function isFresh(timestampSeconds: string | null, nowMs: number, toleranceSeconds = 300): boolean {
  if (timestampSeconds === null || !/^\d{1,12}$/.test(timestampSeconds)) return false;
  return Math.abs(nowMs - Number(timestampSeconds) * 1000) <= toleranceSeconds * 1000;
}
