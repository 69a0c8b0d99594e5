/** What SendGrid refuses to send. @see https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors */
import type { RecordedRequest } from '../loopback.js';

/** A refusal in SendGrid's words. */
export class SendGridRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

/** A mail as ordered. */
export interface MailOrder {
  readonly to: readonly string[];
  readonly from: string;
  readonly fromName: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly customArgs: Readonly<Record<string, string>>;
  readonly attachments: readonly { readonly filename: string; readonly mimeType: string; readonly content: Uint8Array }[];
}

const RESERVED = /^(?:x-sg-id|x-sg-eid|received|dkim-signature|content-type|content-transfer-encoding|to|from|subject|reply-to|cc|bcc)$/i;
const MAX_BYTES = 30 * 1024 * 1024;

export function checkMail({ headers: requestHeaders, body, text: raw }: RecordedRequest): MailOrder {
  if (!(requestHeaders['content-type'] ?? '').startsWith('application/json'))
    throw new SendGridRefusal(415, 'Content-Type should be application/json.');
  if (typeof body !== 'object' || body === null) throw new SendGridRefusal(400, 'Bad Request');
  if (raw.length > MAX_BYTES) throw new SendGridRefusal(413, 'The JSON payload you have included in your request is too large.');
  const mail = body as Record<string, unknown>;
  const personalizations = arrayOf(mail['personalizations']);
  if (personalizations.length === 0)
    throw new SendGridRefusal(400, 'The personalizations field is required and must have at least one personalization.', 'personalizations');
  const first = objectOf(personalizations[0]);
  const to = arrayOf(first['to']).map((one) => stringOf(objectOf(one)['email']));
  if (to.length === 0) throw new SendGridRefusal(400, 'The to array is required for all personalization objects.', 'personalizations.0.to');
  to.forEach((address, index) => {
    if (!isAddress(address)) throw new SendGridRefusal(400, 'Does not contain a valid address.', `personalizations.0.to.${index}.email`);
  });
  const from = objectOf(mail['from']);
  if (!isAddress(stringOf(from['email']))) throw new SendGridRefusal(400, 'The from email does not contain a valid address.', 'from.email');
  if (stringOf(mail['subject']) === '')
    throw new SendGridRefusal(400, 'The subject is required. You can get around this requirement if you use a template.', 'subject');
  const content = arrayOf(mail['content']).map(objectOf);
  if (content.length === 0) throw new SendGridRefusal(400, 'Unless a valid template_id is provided, the content parameter is required.', 'content');
  content.forEach(({ type, value }, index) => {
    if (stringOf(value) === '')
      throw new SendGridRefusal(400, 'The content value must be a string at least one character in length.', `content.${index}.value`);
    if (type === 'text/plain' && index > 0) throw new SendGridRefusal(400, 'If present, text/plain must be the first content type.', 'content');
  });
  const headers = objectOf(mail['headers']);
  for (const [name, value] of Object.entries(headers)) {
    if (RESERVED.test(name)) throw new SendGridRefusal(400, `The header ${name} is reserved and cannot be used.`, 'headers');
    if (typeof value !== 'string' || /[\r\n]/.test(value)) throw new SendGridRefusal(400, 'Header values must be strings.', 'headers');
  }
  const customArgs = objectOf(first['custom_args']);
  if (JSON.stringify(customArgs).length > 10_000) throw new SendGridRefusal(400, 'The custom_args are too long.', 'custom_args');
  const attachments = arrayOf(mail['attachments']).map(objectOf);
  attachments.forEach(({ content: bytes, filename }, index) => {
    if (stringOf(bytes) === '') throw new SendGridRefusal(400, 'The attachment content is required.', `attachments.${index}.content`);
    if (stringOf(filename) === '') throw new SendGridRefusal(400, 'The attachment filename is required.', `attachments.${index}.filename`);
  });
  const of = (type: string): string | undefined => content.map((one) => (one['type'] === type ? stringOf(one['value']) : undefined)).find(Boolean);
  return {
    to,
    from: stringOf(from['email']),
    fromName: stringOf(from['name']),
    subject: stringOf(mail['subject']),
    text: of('text/plain') ?? '',
    html: of('text/html'),
    headers: headers as Record<string, string>, // checked above
    customArgs: Object.fromEntries(Object.entries(customArgs).map(([name, value]) => [name, String(value)])),
    attachments: attachments.map(({ content: bytes, filename, type }) => ({
      filename: stringOf(filename),
      mimeType: stringOf(type),
      content: new Uint8Array(Buffer.from(stringOf(bytes), 'base64')),
    })),
  };
}

function isAddress(text: string): boolean {
  return /^[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+$/.test(text);
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
