/** What Sinch refuses to send. @see https://developers.sinch.com/docs/sms/api-reference/status-codes/ */
import type { RecordedRequest } from '../loopback.js';

/** A refusal in Sinch's words. */
export class SinchRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

/** A batch as ordered. */
export interface BatchOrder {
  readonly to: readonly string[];
  readonly from: string;
  readonly text: string;
  readonly mediaUrls: readonly string[];
  readonly report: string;
  readonly reference: string | undefined;
  readonly callbackUrl: string | undefined;
}

const MAX_BODY = 2000;
const REPORTS = ['none', 'summary', 'full', 'per_recipient', 'per_recipient_final'];

export function checkBatch({ headers, body }: RecordedRequest, numbers: readonly string[]): BatchOrder {
  if (!(headers['content-type'] ?? '').startsWith('application/json'))
    throw new SinchRefusal(415, 'unsupported_media_type', 'Send application/json.');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new SinchRefusal(400, 'syntax_invalid_json', 'Invalid JSON.');
  const { to, from, type = 'mt_text', body: content, delivery_report: report = 'none', ...rest } = body as Record<string, unknown>;
  const { client_reference: reference, callback_url: callbackUrl } = rest;
  if (!Array.isArray(to) || to.length === 0)
    throw new SinchRefusal(400, 'syntax_constraint_violation', "The field 'to' must have 1 to 1000 recipients.");
  const phones = (to as unknown[]).map((entry) => {
    if (typeof entry !== 'string' || !/^\+?[1-9]\d{6,14}$/.test(entry))
      throw new SinchRefusal(400, 'syntax_invalid_parameter_format', "The format of the field 'to' is not valid.");
    return entry.startsWith('+') ? entry : `+${entry}`;
  });
  if (typeof from !== 'string' || !numbers.includes(from))
    throw new SinchRefusal(403, 'unauthorized_originator', "The field 'from' is not a number of yours.");
  if (!REPORTS.includes(String(report))) throw new SinchRefusal(400, 'syntax_constraint_violation', "The field 'delivery_report' is not valid.");
  if (reference !== undefined && (typeof reference !== 'string' || reference.length > 2048))
    throw new SinchRefusal(400, 'syntax_constraint_violation', "The field 'client_reference' is too long.");
  if (callbackUrl !== undefined && (typeof callbackUrl !== 'string' || !URL.canParse(callbackUrl)))
    throw new SinchRefusal(400, 'syntax_invalid_parameter_format', "The field 'callback_url' is no URL.");
  return {
    to: phones,
    from,
    report: String(report),
    reference: reference,
    callbackUrl: callbackUrl,
    ...contentOf(type, content),
  };
}

function contentOf(type: unknown, content: unknown): Pick<BatchOrder, 'text' | 'mediaUrls'> {
  if (type === 'mt_text') {
    if (typeof content !== 'string' || content === '' || content.length > MAX_BODY)
      throw new SinchRefusal(400, 'syntax_constraint_violation', `The field 'body' must have 1 to ${MAX_BODY} characters.`);
    return { text: content, mediaUrls: [] };
  }
  if (type !== 'mt_media') throw new SinchRefusal(400, 'syntax_constraint_violation', "The field 'type' is not valid.");
  const { url, message = '' } = (typeof content === 'object' && content !== null ? content : {}) as Record<string, unknown>;
  if (typeof url !== 'string' || !/^https?:\/\//.test(url))
    throw new SinchRefusal(400, 'syntax_invalid_parameter_format', "The field 'body.url' is no URL.");
  if (typeof message !== 'string' || message.length > MAX_BODY)
    throw new SinchRefusal(400, 'syntax_constraint_violation', "The field 'body.message' is too long.");
  return { text: message, mediaUrls: [url] };
}
