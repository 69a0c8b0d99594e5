/**
 * Twilio's calls: whether they are Twilio's, and what they say.
 * @see https://www.twilio.com/docs/usage/webhooks/webhooks-security
 * @see https://www.twilio.com/docs/messaging/guides/webhook-request
 */
import { createHash } from 'node:crypto';
import { inboundContent, type InboundMedia } from '../../channels/inbound-content.js';
import type { WebhookReply, WebhookRequest } from '../../channels/webhook.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { bodyJson, fieldsOf, formOf, formPairs, numberOf, textOf, type Fields, type Pair } from '../_shared/http/reading.js';
import { hmac, isSame } from '../_shared/http/signature.js';
import { actionOf } from '../_shared/rcs/postback.js';
import { statusIn, TWILIO_STATUSES } from '../_shared/sms/statuses.js';
import type { TwilioAccount } from './config.js';

/** An empty TwiML document: anything else Twilio would read as an answer to send. */
export const NO_ANSWER: WebhookReply = Object.freeze({
  contentType: 'text/xml; charset=utf-8',
  body: '<?xml version="1.0" encoding="UTF-8"?><Response></Response>',
});

/**
 * Whether Twilio signed this call to this address: with the account's token, or with the SharedKey that a Webhooks Rule
 * names; which of them, the call says itself, and neither is known to anybody else.
 */
export function verifyTwilio(request: WebhookRequest, account: Pick<TwilioAccount, 'authToken' | 'sharedKeySecret'>): boolean {
  const given = request.headers.get('x-twilio-signature');
  const scheme = schemeOf(request.headers.get('x-twilio-webhooks-signature-settings'), account);
  if (given === null || scheme === undefined) return false;
  const parameters = signedParameters(request);
  if (parameters === undefined) return false;
  const isOf = (address: string): boolean => isSame(given, hmac(scheme.algorithm, scheme.key, address + parameters, 'base64'));
  // As the address was called is nearly always how it was signed.
  return isOf(request.url) || spellings(request.url).some(isOf);
}

interface Scheme {
  readonly algorithm: 'sha1' | 'sha256';
  readonly key: string;
}

/** `key=NAME,algorithm=HMAC_SHA256`: the SharedKey. Without the header: the account's token. */
function schemeOf(settings: string | null, account: Pick<TwilioAccount, 'authToken' | 'sharedKeySecret'>): Scheme | undefined {
  if (settings === null) return { algorithm: 'sha1', key: account.authToken.reveal() };
  const name = /(?:^|,)\s*algorithm\s*=\s*([A-Z0-9_]+)\s*(?:,|$)/.exec(settings)?.[1];
  const algorithm = name === 'HMAC_SHA256' ? 'sha256' : name === 'HMAC_SHA1' ? 'sha1' : undefined;
  const key = account.sharedKeySecret?.reveal();
  return algorithm === undefined || key === undefined ? undefined : { algorithm, key };
}

/** What is signed behind the address; undefined for a body that is not the one whose hash the address names. */
function signedParameters({ method, url, body }: WebhookRequest): string | undefined {
  const bodyHash = url.includes('bodySHA256=') && URL.canParse(url) ? new URL(url).searchParams.get('bodySHA256') : null;
  if (bodyHash !== null) return isSame(bodyHash.toLowerCase(), createHash('sha256').update(body).digest('hex')) ? '' : undefined;
  return method === 'POST' ? sortedParameters(body) : '';
}

/** Names and values, sorted by name; of a name that comes several times its different values, sorted. */
function sortedParameters(body: Uint8Array): string {
  let parameters = '';
  let last: Pair | undefined;
  for (const pair of [...formPairs(body)].sort(byNameAndValue)) {
    if (last === undefined || byNameAndValue(last, pair) !== 0) parameters += pair[0] + pair[1];
    last = pair;
  }
  return parameters;
}

/** By code units, as Twilio sorts. */
function byNameAndValue([name, value]: Pair, [otherName, otherValue]: Pair): number {
  if (name !== otherName) return name < otherName ? -1 : 1;
  return value === otherValue ? 0 : value < otherValue ? -1 : 1;
}

/**
 * Twilio signs the address as it stands in its console: without a port, or with it, and with apostrophes that a server has
 * escaped when it read the address. Its own validator tries as many.
 */
function spellings(url: string): readonly string[] {
  const match = /^(https?):\/\/([^/?#]*)(.*)$/i.exec(url);
  if (match === null) return [url];
  const [, scheme = '', host = '', rest = ''] = match;
  const bare = host.replace(/:\d+$/, '');
  const hosts = new Set([host, bare, ...(host === bare ? [`${host}:${scheme.toLowerCase() === 'https' ? 443 : 80}`] : [])]);
  const rests = new Set([rest, rest.replaceAll('%27', "'")]);
  return [...hosts].flatMap((name) => [...rests].map((path) => `${scheme}://${name}${path}`));
}

/** The fields of a call: of its form, of its JSON, or of the address where Twilio calls by GET. Throws for JSON that is none. */
export function payloadOf({ method, url, headers, body }: WebhookRequest): Fields {
  if (method === 'GET') return URL.canParse(url) ? Object.fromEntries(new URL(url).searchParams) : {};
  return /^application\/json\b/i.test(headers.get('content-type') ?? '') ? fieldsOf(bodyJson(body)) : formOf(body);
}

const MAX_MEDIA = 20;
const METADATA = Object.entries({
  to: 'To',
  account_sid: 'AccountSid',
  num_media: 'NumMedia',
  from_city: 'FromCity',
  from_state: 'FromState',
  from_country: 'FromCountry',
  messaging_service_sid: 'MessagingServiceSid',
  opt_out_type: 'OptOutType',
});

/** What a call says, of its form fields. Pure; whatever it is given, it does not throw (PV-06). */
export function parseTwilioWebhook(payload: unknown): WebhookMeta {
  const form = fieldsOf(payload);
  const id = textOf(form['MessageSid']) ?? textOf(form['SmsSid']);
  if (id === undefined) return { type: 'ignored', reason: 'no MessageSid' };
  const word = textOf(form['MessageStatus']) ?? textOf(form['SmsStatus']);
  if (word !== undefined && word !== 'received') return statusOf(form, id, word);
  return messageOf(form, id);
}

/** The same of RCS: addresses without `rcs:`, and a tap with the choice's id and value. Pure, as {@link parseTwilioWebhook}. */
export function parseTwilioRcsWebhook(payload: unknown): WebhookMeta {
  const form = fieldsOf(payload);
  const meta = parseTwilioWebhook({ ...form, ...bare(form, 'From'), ...bare(form, 'To') });
  if (meta.type === 'status') return { ...meta, status: { ...meta.status, provider: 'twilio_rcs', raw: form } };
  if (meta.type !== 'message') return meta;
  const isRcs = [form['From'], form['To']].some((address) => textOf(address)?.startsWith('rcs:') === true);
  return { ...meta, message: { ...meta.message, rawPayload: form, metadata: { ...meta.message.metadata, ...(isRcs && { channel: 'rcs' }) } } };
}

function bare(form: Fields, name: string): Fields {
  const address = textOf(form[name]);
  return address === undefined ? {} : { [name]: address.replace(/^rcs:/, '') };
}

function statusOf(form: Fields, messageId: string, word: string): WebhookMeta {
  const status = statusIn(TWILIO_STATUSES, word);
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
      raw: form,
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
      rawPayload: form,
      metadata: {
        ...named(form, METADATA),
        ...(button !== undefined && { button_payload: button, action: actionOf(button) }),
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
function named(form: Fields, names: readonly (readonly [name: string, field: string])[]): Record<string, string> {
  const there: Record<string, string> = {};
  for (const [name, field] of names) {
    const value = textOf(form[field]);
    if (value !== undefined) there[name] = value;
  }
  return there;
}
