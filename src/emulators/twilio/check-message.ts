/** What Twilio refuses to send. @see https://www.twilio.com/docs/api/errors */
import type { RecordedRequest } from '../loopback.js';

/** A refusal in Twilio's words. */
export class TwilioRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** A message as ordered. */
export interface MessageOrder {
  readonly to: string;
  readonly from: string | undefined;
  readonly serviceSid: string | undefined;
  readonly body: string;
  readonly mediaUrls: readonly string[];
  readonly statusCallback: string | undefined;
  /** By RCS alone. */
  readonly isOnlyRcs: boolean;
  readonly contentSid: string | undefined;
}

export interface Account {
  readonly numbers: readonly string[];
  readonly services: Readonly<Record<string, string>>;
  readonly hasTemplate: (sid: string) => boolean;
  readonly hasOptedOut: (number: string, phone: string) => boolean;
}

const MAX_BODY = 1600;
const MAX_MEDIA = 10;

export function checkMessage({ headers, text }: RecordedRequest, account: Account): MessageOrder {
  if (!(headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded'))
    throw new TwilioRefusal(415, 20007, 'Unsupported media type: send application/x-www-form-urlencoded');
  const form = new URLSearchParams(text);
  const isOnlyRcs = (form.get('To') ?? '').startsWith('rcs:');
  const to = (form.get('To') ?? '').replace(/^rcs:/, '');
  const contentSid = form.get('ContentSid') ?? undefined;
  const body = form.get('Body') ?? '';
  const mediaUrls = form.getAll('MediaUrl');
  const serviceSid = form.get('MessagingServiceSid') ?? undefined;
  const statusCallback = form.get('StatusCallback') ?? undefined;
  if (to === '') throw new TwilioRefusal(400, 21604, "A 'To' phone number is required.");
  if (!/^\+[1-9]\d{6,14}$/.test(to)) throw new TwilioRefusal(400, 21211, `Invalid 'To' Phone Number: ${to}`);
  const from = fromOf(form.get('From') ?? undefined, serviceSid, account);
  if (contentSid !== undefined && !account.hasTemplate(contentSid)) throw new TwilioRefusal(400, 21655, 'The ContentSid is Invalid');
  if (contentSid === undefined && form.has('ContentVariables')) throw new TwilioRefusal(400, 21654, 'ContentSid Required');
  if (body === '' && mediaUrls.length === 0 && contentSid === undefined) throw new TwilioRefusal(400, 21602, 'Message body is required.');
  if ([...body].length > MAX_BODY) throw new TwilioRefusal(400, 21617, 'The concatenated message body exceeds the 1600 character limit');
  if (mediaUrls.length > MAX_MEDIA) throw new TwilioRefusal(400, 21623, 'Number of media files exceeds allowed limit');
  for (const url of mediaUrls) if (!/^https?:\/\//.test(url)) throw new TwilioRefusal(400, 21620, 'Invalid media URL(s)');
  if (statusCallback !== undefined && !URL.canParse(statusCallback))
    throw new TwilioRefusal(400, 21609, `The StatusCallback URL is not a valid URL.`);
  if (account.hasOptedOut(from ?? '', to)) throw new TwilioRefusal(400, 21610, 'Attempt to send to unsubscribed recipient');
  return { to, from, serviceSid, body, mediaUrls, statusCallback, isOnlyRcs, contentSid };
}

function fromOf(from: string | undefined, serviceSid: string | undefined, account: Account): string | undefined {
  if (serviceSid !== undefined) {
    if (!Object.hasOwn(account.services, serviceSid)) throw new TwilioRefusal(404, 20404, `The Messaging Service ${serviceSid} was not found`);
    return from ?? account.services[serviceSid];
  }
  if (from === undefined) throw new TwilioRefusal(400, 21603, "A 'From' phone number is required.");
  if (!account.numbers.includes(from))
    throw new TwilioRefusal(
      400,
      21606,
      `The From phone number ${from} is not a valid, SMS-capable inbound phone number or short code for your account.`,
    );
  return from;
}
