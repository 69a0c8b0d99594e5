/**
 * Twilio's calls: whether they are Twilio's, and what they say.
 * @see https://www.twilio.com/docs/usage/webhooks/webhooks-security
 * @see https://www.twilio.com/docs/messaging/guides/webhook-request
 */
import { createHash } from 'node:crypto';
import { inboundContent, type InboundMedia } from '../../channels/inbound-content.js';
import type { WebhookRequest } from '../../channels/webhook.js';
import type { DeliveryStatus } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { fieldsOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import { hmac, isSame } from '../_shared/http/signature.js';

/** Whether Twilio signed this call to this address with the account's token. */
export function verifyTwilio({ method, url, headers, body }: WebhookRequest, authToken: Secret): boolean {
  const given = headers.get('x-twilio-signature');
  if (given === null) return false;
  const bodyHash = url.includes('bodySHA256=') && URL.canParse(url) ? new URL(url).searchParams.get('bodySHA256') : null;
  if (bodyHash !== null && !isSame(bodyHash.toLowerCase(), createHash('sha256').update(body).digest('hex'))) return false;
  const parameters = bodyHash === null && method === 'POST' ? signedParameters(body) : '';
  const key = authToken.reveal();
  // Twilio signs the address with its port or without, as its own validator does.
  return spellings(url).some((address) => isSame(given, hmac('sha1', key, address + parameters, 'base64')));
}

/** Names and values, sorted by name; of a name that comes several times its different values, sorted. */
function signedParameters(body: Uint8Array): string {
  const values = new Map<string, Set<string>>();
  for (const [name, value] of new URLSearchParams(new TextDecoder().decode(body))) {
    const known = values.get(name);
    if (known === undefined) values.set(name, new Set([value]));
    else known.add(value);
  }
  return [...values.keys()]
    .sort()
    .map((name) =>
      [...(values.get(name) ?? [])]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('');
}

function spellings(url: string): readonly string[] {
  const match = /^(https?):\/\/([^/?#]*)(.*)$/i.exec(url);
  if (match === null) return [url];
  const [, scheme = '', host = '', rest = ''] = match;
  const port = scheme.toLowerCase() === 'https' ? ':443' : ':80';
  if (host.endsWith(port)) return [url, `${scheme}://${host.slice(0, -port.length)}${rest}`];
  return /:\d+$/.test(host) ? [url] : [url, `${scheme}://${host}${port}${rest}`];
}

const MAX_MEDIA = 20;

/** What a call says, of its form fields. Pure; whatever it is given, it does not throw (PV-06). */
export function parseTwilioWebhook(payload: unknown): WebhookMeta {
  const form = fieldsOf(payload);
  const id = textOf(form['MessageSid']) ?? textOf(form['SmsSid']);
  if (id === undefined) return { type: 'ignored', reason: 'no MessageSid' };
  const word = textOf(form['MessageStatus']) ?? textOf(form['SmsStatus']);
  if (word !== undefined && word !== 'received') return statusOf(form, id, word);
  return messageOf(form, id);
}

const STATUSES: Readonly<Record<string, DeliveryStatus['status']>> = {
  accepted: 'sending',
  scheduled: 'sending',
  queued: 'sending',
  sending: 'sending',
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  failed: 'failed',
  undelivered: 'failed',
  canceled: 'failed',
};

function statusOf(form: Fields, messageId: string, word: string): WebhookMeta {
  const status = Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined;
  if (status === undefined) return { type: 'ignored', reason: 'unknown status' };
  const code = textOf(form['ErrorCode']);
  const recipient = textOf(form['To']);
  const sender = textOf(form['From']);
  const errorMessage = textOf(form['ErrorMessage']);
  return {
    type: 'status',
    status: {
      provider: 'twilio',
      messageId,
      status,
      ...(recipient !== undefined && { recipient }),
      ...(sender !== undefined && { sender }),
      ...(status === 'failed' && { errorCode: code === undefined ? 'failed' : `twilio_${code}` }),
      ...(status === 'failed' && errorMessage !== undefined && { errorMessage }),
      raw: { ...form },
    },
  };
}

function messageOf(form: Fields, id: string): WebhookMeta {
  const senderId = textOf(form['From']);
  if (senderId === undefined) return { type: 'ignored', reason: 'no From' };
  const button = textOf(form['ButtonPayload']);
  const label = textOf(form['ButtonText']);
  return {
    type: 'message',
    message: {
      senderId,
      content: inboundContent({ body: label ?? textOf(form['Body']), media: mediaOf(form) }),
      externalId: id,
      providerMessageId: id,
      idempotencyKey: id,
      rawPayload: { ...form },
      metadata: {
        ...named(form, { to: 'To', account_sid: 'AccountSid', num_media: 'NumMedia', from_city: 'FromCity', from_state: 'FromState' }),
        ...named(form, { from_country: 'FromCountry', messaging_service_sid: 'MessagingServiceSid', opt_out_type: 'OptOutType' }),
        ...(button !== undefined && { button_payload: button, action: { id: button, value: button, kind: 'reply' } }),
      },
    },
  };
}

function mediaOf(form: Fields): readonly InboundMedia[] {
  const count = Math.min(numberOf(form['NumMedia']) ?? 0, MAX_MEDIA);
  const media: InboundMedia[] = [];
  for (let index = 0; index < count; index++)
    media.push({ url: textOf(form[`MediaUrl${index}`]), mimeType: textOf(form[`MediaContentType${index}`]) });
  return media;
}

/** The fields that are there, under the kit's names. */
function named(form: Fields, names: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, field]) => {
      const value = textOf(form[field]);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
