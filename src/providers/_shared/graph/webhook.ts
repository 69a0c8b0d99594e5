/** What Meta's webhooks have in common: the question before the first call, the signature, and the shell of entries. */
import type { WebhookReply, WebhookRequest } from '../../../channels/webhook.js';
import type { Secret } from '../../../core/telemetry/secret.js';
import { hmac, isSame } from '../http/signature.js';

/** Whether Meta signed exactly these bytes with the app's secret. @see https://developers.facebook.com/docs/graph-api/webhooks/getting-started */
export function verifyGraph({ headers, body }: WebhookRequest, appSecret: Secret | undefined): boolean {
  const given = headers.get('x-hub-signature-256');
  if (given === null || appSecret === undefined) return false;
  return isSame(given, `sha256=${hmac('sha256', appSecret.reveal(), body, 'hex')}`);
}

/** Meta asks once whether the address is the right one; only who knows the token that was typed in its console is answered. */
export function graphHandshake({ method, url }: WebhookRequest, verifyToken: Secret | undefined): WebhookReply | undefined {
  if (method !== 'GET') return undefined;
  const query = URL.canParse(url) ? new URL(url).searchParams : new URLSearchParams();
  const challenge = query.get('hub.challenge');
  const isKnown = verifyToken !== undefined && isSame(query.get('hub.verify_token'), verifyToken.reveal());
  if (!isKnown || query.get('hub.mode') !== 'subscribe' || challenge === null || challenge.length > 1000) return { status: 403 };
  return { status: 200, body: challenge };
}
