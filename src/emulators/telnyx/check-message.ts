/** What Telnyx refuses to send. @see https://developers.telnyx.com/docs/messaging/messages/error-codes */
import type { RecordedRequest } from '../loopback.js';

/** A refusal in Telnyx' words. */
export class TelnyxRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly pointer?: string,
  ) {
    super(detail);
  }
}

/** An SMS or MMS as ordered. */
export interface SmsOrder {
  readonly to: string;
  readonly from: string;
  readonly text: string;
  readonly mediaUrls: readonly string[];
  readonly profileId: string;
  readonly webhookUrl: string | undefined;
}

export interface TelnyxAccountState {
  readonly numbers: readonly string[];
  readonly profileId: string;
  readonly hasOptedOut: (number: string, phone: string) => boolean;
}

const PHONE = /^\+[1-9]\d{6,14}$/;
const MAX_SEGMENTS = 10;

export function jsonOf({ headers, body }: RecordedRequest): Readonly<Record<string, unknown>> {
  if (!(headers['content-type'] ?? '').startsWith('application/json'))
    throw new TelnyxRefusal(415, '10014', 'Unsupported Media Type', 'The server does not support the media type.');
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new TelnyxRefusal(400, '10015', 'Bad Request', 'The request failed because it was not well-formed.');
  return body as Readonly<Record<string, unknown>>;
}

export function checkPhone(to: unknown): string {
  if (typeof to !== 'string' || to === '')
    throw new TelnyxRefusal(422, '10004', 'Missing required parameter', "The 'to' parameter is required.", '/to');
  if (!PHONE.test(to)) throw new TelnyxRefusal(400, '40310', "Invalid 'to' address", "The 'to' address should be in E.164 format.", '/to');
  return to;
}

export function checkWebhookUrl(url: unknown): string | undefined {
  if (url === undefined || url === null) return undefined;
  if (typeof url !== 'string' || !URL.canParse(url) || url.length > 2000)
    throw new TelnyxRefusal(422, '10003', 'Invalid URL', 'The URL provided was invalid, malformed, or too long.', '/webhook_url');
  return url;
}

export function checkSms(request: RecordedRequest, account: TelnyxAccountState): SmsOrder {
  const order = jsonOf(request);
  const to = checkPhone(order['to']);
  const from = fromOf(order['from'], order['messaging_profile_id'], account);
  const text = order['text'] ?? '';
  const mediaUrls = order['media_urls'] ?? [];
  if (typeof text !== 'string' || !Array.isArray(mediaUrls))
    throw new TelnyxRefusal(422, '10015', 'Bad Request', 'The request failed because it was not well-formed.');
  if (text === '' && mediaUrls.length === 0)
    throw new TelnyxRefusal(400, '40304', 'Invalid combination of message content parameters', 'Either text or media_urls is required.', '/text');
  if (mediaUrls.length === 0 && segmentsOf(text) > MAX_SEGMENTS)
    throw new TelnyxRefusal(400, '40302', 'Message too large', `The message is larger than ${MAX_SEGMENTS} parts.`, '/text');
  if (mediaUrls.length > 10 || mediaUrls.some((url) => typeof url !== 'string' || !/^https?:\/\//.test(url)))
    throw new TelnyxRefusal(400, '40317', 'Invalid MMS content', 'The media URLs are invalid.', '/media_urls');
  const webhookUrl = checkWebhookUrl(order['webhook_url']);
  if (account.hasOptedOut(from, to))
    throw new TelnyxRefusal(
      400,
      '40300',
      'Blocked due to STOP message',
      'Messages cannot be sent from this number to this recipient: they have opted out.',
    );
  return { to, from, text, mediaUrls: mediaUrls as string[], profileId: account.profileId, webhookUrl };
}

function fromOf(from: unknown, profile: unknown, account: TelnyxAccountState): string {
  if (profile !== undefined && profile !== account.profileId)
    throw new TelnyxRefusal(400, '40311', 'Invalid messaging profile', 'The messaging profile is not yours.', '/messaging_profile_id');
  if (from === undefined || from === null) {
    if (profile === undefined)
      throw new TelnyxRefusal(400, '40305', "Invalid 'from' address", "A 'from' address or a messaging profile is required.", '/from');
    return account.numbers[0] ?? '';
  }
  if (typeof from !== 'string' || !account.numbers.includes(from))
    throw new TelnyxRefusal(400, '40305', "Invalid 'from' address", "The 'from' address is not associated with your account.", '/from');
  return from;
}

/** Roughly as a carrier counts: 7 bits for plain Latin letters, 16 for everything as soon as there is anything else. */
function segmentsOf(text: string): number {
  const isPlain = /^[\n\r -~£¥èéùìòÇØøÅåÄÖÑÜ§¿äöñüàÆæßÉ¤¡€]*$/.test(text);
  const [alone, each] = isPlain ? [160, 153] : [70, 67];
  return text.length <= alone ? 1 : Math.ceil(text.length / each);
}
