/** Codes of a challenge: made, read from a message, and known again without being kept. Pure but for chance. */
import { isSameSecret } from '../constant-time.js';
import type { InboundMessage } from '../models/delivery.js';

/** A code as the store has it: who reads this has no code yet, though few digits are soon tried. */
export interface CodeDigest {
  readonly salt: string;
  readonly digest: string;
}

/** So many codes of so many digits, all different. */
export function newCodes(count: number, digits: number): string[] {
  const codes = new Set<string>();
  while (codes.size < count) codes.add(newCode(digits));
  return [...codes];
}

/** Every code is as likely as any other: what would make some likelier is drawn again. */
function newCode(digits: number): string {
  const range = 10 ** digits;
  const limit = Math.floor(2 ** 32 / range) * range;
  for (;;) {
    const [drawn = limit] = crypto.getRandomValues(new Uint32Array(1));
    if (drawn < limit) return String(drawn % range).padStart(digits, '0');
  }
}

/** What somebody typed that may be a code. */
export interface TypedCode {
  readonly code: string;
  /** The message is nothing else. */
  readonly isWhole: boolean;
}

const LONGEST = 200;

/** A number of so many digits: the whole message, with gaps or not, or the only such number in a short one. */
export function typedCode({ content }: InboundMessage, digits: number): TypedCode | undefined {
  const text = typeof content === 'string' ? content : content.type === 'text' ? content.body : '';
  if (text.length > LONGEST) return undefined;
  const plain = text.normalize('NFKC');
  const whole = plain.replace(/[\s\p{P}]/gu, '');
  if (/^\d+$/.test(whole) && whole.length === digits) return { code: whole, isWhole: true };
  const [code, another] = (plain.match(/\d+/g) ?? []).filter((number) => number.length === digits);
  return code === undefined || another !== undefined ? undefined : { code, isWhole: false };
}

export async function digestOf(code: string): Promise<CodeDigest> {
  const salt = toHex(crypto.getRandomValues(new Uint8Array(16)));
  return { salt, digest: await keyed(salt, code) };
}

export async function isCode(code: string, { salt, digest }: CodeDigest): Promise<boolean> {
  return isSameSecret(await keyed(salt, code), digest);
}

async function keyed(salt: string, code: string): Promise<string> {
  const bytes = new TextEncoder();
  const key = await crypto.subtle.importKey('raw', bytes.encode(salt), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return toHex(new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes.encode(code))));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
