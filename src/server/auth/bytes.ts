/** Bytes as text, and comparing them without telling by the time it takes where they differ. */
import type { Awaitable } from '../../core/models/json.js';

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function toBase64Url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Undefined when the text is not base64url, or not the one spelling of its bytes. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return toBase64Url(bytes) === text ? bytes : undefined;
}

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** What is used of `node:crypto`. */
interface NodeCrypto {
  readonly hash?: (name: 'sha256', text: string, encoding: 'hex') => string;
}

/** Node's own hash is asked for, not imported: the handler also runs where there is no Node. */
const { process } = globalThis as { process?: { getBuiltinModule?(name: 'node:crypto'): NodeCrypto } };
const hash = process?.getBuiltinModule?.('node:crypto').hash;

/** SHA-256 of a text in hexadecimal digits: at once in Node, where a promise would cost ten times the hash; elsewhere by Web Crypto. */
export function sha256Hex(text: string): Awaitable<string> {
  return hash === undefined ? sha256HexOnTheWeb(text) : hash('sha256', text, 'hex');
}

/** The same wherever there is Web Crypto. */
export async function sha256HexOnTheWeb(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text))));
}

/** Whether two texts of one length are equal, in a time that depends on the length only. */
export function equalInConstantTime(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
