/**
 * The key of a message in the address to which a vendor reports what became of it: for vendors whose requests have no place
 * for one. The status then names its delivery even when the vendor's answer was lost (OUT-07).
 */
import type { WebhookRequest } from '../../../channels/webhook.js';
import type { WebhookMeta } from '../../../core/pipeline/webhook.js';

const NAME = 'roomkit_key';

/** The address with the key, put before a fragment, where Twilio keeps settings of the connection. */
export function withKey(address: string, key: string): string {
  const [, before = '', fragment = ''] = /^([^#]*)(#.*)?$/s.exec(address) ?? [];
  return `${before}${before.includes('?') ? '&' : '?'}${NAME}=${encodeURIComponent(key)}${fragment}`;
}

/** The key in an address that was called; undefined where there is none. */
function keyIn(address: string): string | undefined {
  const key = URL.canParse(address) ? new URL(address).searchParams.get(NAME) : null;
  return key === null || key === '' ? undefined : key;
}

/** A status with the key that its address was given (OUT-07). */
export function keyed(meta: WebhookMeta, { url }: WebhookRequest): WebhookMeta {
  const idempotencyKey = meta.type === 'status' ? keyIn(url) : undefined;
  return meta.type === 'status' && idempotencyKey !== undefined ? { ...meta, status: { ...meta.status, idempotencyKey } } : meta;
}
