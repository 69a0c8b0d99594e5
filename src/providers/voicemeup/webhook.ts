/** VoiceMeUp's calls: whether their address holds the secret, and what one of them says by itself. */
import { inboundContent } from '../../channels/inbound-content.js';
import type { WebhookRequest } from '../../channels/webhook.js';
import { ValidationError } from '../../core/errors.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { bodyJson, fieldsOf, formOf, textOf, type Fields } from '../_shared/http/reading.js';
import { isSame } from '../_shared/http/signature.js';
import { isMmsWrapper } from '../_shared/sms/mms-wrapper.js';
import { withPlusOrOne } from '../_shared/sms/numbers.js';

/** VoiceMeUp signs nothing: the last segment of the path is compared. Throws ValidationError where there is no secret. */
export function verifyVoiceMeUp({ url }: WebhookRequest, secret: Secret | undefined, feature: string): boolean {
  if (secret === undefined) throw new ValidationError(`${feature} cannot verify calls. Pass { webhookSecret }, or set VOICEMEUP_WEBHOOK_SECRET.`);
  return URL.canParse(url) && isSame(new URL(url).pathname.split('/').at(-1), secret.reveal());
}

/** The fields of a call: of its JSON, its form, or its address. Throws for JSON that is none. */
export function payloadOf({ method, url, headers, body }: WebhookRequest): Fields {
  if (method === 'GET') return URL.canParse(url) ? Object.fromEntries(new URL(url).searchParams) : {};
  return /^application\/json\b/i.test(headers.get('content-type') ?? '') ? fieldsOf(bodyJson(body)) : formOf(body);
}

/** What one call says by itself; an MMS is told in two, which the provider puts together. Pure; it does not throw (PV-06). */
export function parseVoicemeupWebhook(payload: unknown): WebhookMeta {
  const fields = fieldsOf(payload);
  const id = textOf(fields['sms_hash']);
  const senderId = withPlusOrOne(fields['source_number']);
  if (id === undefined || senderId === undefined) return { type: 'ignored', reason: id === undefined ? 'no sms_hash' : 'no source_number' };
  if (textOf(fields['direction'])?.toLowerCase() === 'outbound') return { type: 'ignored', reason: 'not inbound' };
  // The page that an MMS is wrapped in is no picture of anybody's.
  const { url, mimeType } = isWrapper(fields) ? {} : attachmentOf(fields);
  return {
    type: 'message',
    message: {
      senderId,
      content: inboundContent({ body: textOf(fields['message']), media: url === undefined ? [] : [{ url, mimeType }] }),
      externalId: id,
      providerMessageId: id,
      idempotencyKey: id,
      rawPayload: { ...fields },
      metadata: metadataOf(fields),
    },
  };
}

/** The two calls of one MMS as the message that was sent: the words of the first, the file of the second. */
export function mergedMessage(first: Fields, second: Fields): WebhookMeta {
  const [words, picture] = [parseVoicemeupWebhook(first), parseVoicemeupWebhook(second)];
  if (words.type !== 'message' || picture.type !== 'message') return picture;
  const id = `${words.message.idempotencyKey ?? ''}+${picture.message.idempotencyKey ?? ''}`;
  const { url, mimeType } = attachmentOf(second);
  return {
    type: 'message',
    message: {
      ...picture.message,
      content: inboundContent({ body: textOf(first['message']) ?? textOf(second['message']), media: [{ url, mimeType }] }),
      externalId: id,
      providerMessageId: id,
      idempotencyKey: id,
      rawPayload: { first: { ...first }, second: { ...second } },
      metadata: { ...metadataOf(first), ...metadataOf(second) },
    },
  };
}

/** What two calls of one MMS have in common. */
export function messageKeyOf(fields: Fields): string {
  return [fields['source_number'], fields['destination_number'], fields['datetime_transmission']].map((part) => textOf(part) ?? '').join(':');
}

/** The page around an MMS, which announces that its picture comes in a call of its own. */
export function isWrapper(fields: Fields): boolean {
  const { url, mimeType } = attachmentOf(fields);
  return url !== undefined && isMmsWrapper(url, mimeType);
}

export function hasAttachment(fields: Fields): boolean {
  return attachmentOf(fields).url !== undefined;
}

function attachmentOf(fields: Fields): { readonly url?: string; readonly mimeType?: string } {
  const url = textOf(fields['attachment']) ?? textOf(fields['attachment_url']);
  const mimeType = textOf(fields['attachment_mime_type']) ?? textOf(fields['attachment_type']);
  return { ...(url !== undefined && { url }), ...(mimeType !== undefined && { mimeType }) };
}

function metadataOf(fields: Fields): Record<string, string> {
  const destination = withPlusOrOne(fields['destination_number']);
  const named = ['direction', 'datetime_transmission', 'has_attachment'].flatMap((name) => {
    const value = typeof fields[name] === 'boolean' ? String(fields[name]) : textOf(fields[name]);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...(destination !== undefined && { destination_number: destination }), ...Object.fromEntries(named) };
}
