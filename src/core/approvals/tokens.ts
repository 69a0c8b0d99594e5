/**
 * Tokens of buttons and links (APR-07): they name an approval and one answer to it, signed with the approval's own key, which
 * is stored with it. So they hold in every process and after a restart, for this approval alone, and end with it.
 */
import { isSameSecret } from '../constant-time.js';
import type { ApprovalRow } from '../models/approval.js';

export type ApprovalVerb = 'approve' | 'reject';

const PREFIX = 'apr_';
/** 96 bits: nobody guesses it, and the whole fits where vendors take 64 bytes. */
const SIGNATURE_BYTES = 12;
const KEY_BYTES = 32;

export function newSecret(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

export async function tokenFor(row: Pick<ApprovalRow, 'id' | 'roomId' | 'secret'>, verb: ApprovalVerb): Promise<string> {
  return `${PREFIX}${row.id}.${await signatureOf(row, verb)}`;
}

/** The approval a token speaks of; undefined for what is none. It proves nothing yet. */
export function approvalIdOf(token: string): string | undefined {
  const dot = token.lastIndexOf('.');
  return token.startsWith(PREFIX) && dot > PREFIX.length ? token.slice(PREFIX.length, dot) : undefined;
}

/** The answer a token stands for; undefined when it was not made for this approval. */
export async function verbOf(row: ApprovalRow, token: string): Promise<ApprovalVerb | undefined> {
  let found: ApprovalVerb | undefined;
  for (const verb of ['approve', 'reject'] as const) if (isSameSecret(await tokenFor(row, verb), token)) found = verb;
  return found;
}

async function signatureOf({ id, roomId, secret }: Pick<ApprovalRow, 'id' | 'roomId' | 'secret'>, verb: ApprovalVerb): Promise<string> {
  const bytes = new TextEncoder();
  const key = await crypto.subtle.importKey('raw', bytes.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signed = await crypto.subtle.sign('HMAC', key, bytes.encode(JSON.stringify([id, roomId, verb])));
  return base64Url(new Uint8Array(signed, 0, SIGNATURE_BYTES));
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
