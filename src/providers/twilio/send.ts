/** The request and its answer that SMS and RCS share. */
import type { TransportRequest } from '../../channels/transport.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { HttpAnswer, HttpClient } from '../_shared/http/client.js';
import { refusal } from '../_shared/http/failure.js';
import { fieldsOf, textOf } from '../_shared/http/reading.js';
import type { TwilioAccount } from './config.js';
import { withKey } from '../_shared/http/status-address.js';

/**
 * Codes about the recipient: another attempt is in vain. 21211, 21614: no number that could get it; 21610: opted out;
 * 21612, 21408: not from here to there; 63106: no RCS. @see https://www.twilio.com/docs/api/errors
 */
const PERMANENT: ReadonlySet<string> = new Set(['21211', '21408', '21610', '21612', '21614', '21617', '21623', '63106']);
/** The queue of the number is full; it empties by itself. */
const QUEUE_FULL = '21611';

export async function sendMessage(
  http: HttpClient,
  account: TwilioAccount,
  form: URLSearchParams,
  request: Pick<TransportRequest, 'idempotencyKey' | 'signal'>,
): Promise<ProviderResult> {
  const { accountSid, baseUrl, statusCallback } = account;
  if (statusCallback !== undefined) form.set('StatusCallback', withKey(statusCallback, request.idempotencyKey));
  const outcome = await http.call({
    method: 'POST',
    url: `${baseUrl}/2010-04-01/Accounts/${accountSid}/Messages.json`,
    headers: authorization(account),
    body: form,
    signal: request.signal,
  });
  if ('failure' in outcome) return outcome.failure;
  const { answer } = outcome;
  const fields = fieldsOf(answer.json);
  if (answer.status >= 200 && answer.status < 300) {
    // What was taken without a readable id is sent all the same: another attempt would double it.
    const sid = textOf(fields['sid']);
    const from = textOf(fields['from']);
    return { success: true, ...(sid !== undefined && { providerMessageId: sid }), ...(from !== undefined && { metadata: { from } }) };
  }
  return refusalOf(answer, account);
}

/** The template's SID, or why there is none. */
export async function createTemplate(
  http: HttpClient,
  account: TwilioAccount,
  contentUrl: string,
  template: string,
  signal: AbortSignal,
): Promise<string | ProviderResult> {
  const outcome = await http.call({
    method: 'POST',
    url: `${contentUrl}/v1/Content`,
    headers: { ...authorization(account), 'content-type': 'application/json' },
    body: template,
    signal,
  });
  if ('failure' in outcome) return outcome.failure;
  const { answer } = outcome;
  const sid = textOf(fieldsOf(answer.json)['sid']);
  return answer.status >= 200 && answer.status < 300 && sid !== undefined ? sid : refusalOf(answer, account);
}

function authorization({ accountSid, authToken }: TwilioAccount): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${accountSid}:${authToken.reveal()}`).toString('base64')}` };
}

function refusalOf(answer: HttpAnswer, { authToken }: TwilioAccount): ProviderResult {
  const fields = fieldsOf(answer.json);
  const code = textOf(fields['code']);
  return refusal(
    answer,
    {
      ...(code !== undefined && { code: `twilio_${code}` }),
      message: textOf(fields['message']),
      ...(code !== undefined && PERMANENT.has(code) && { retryable: false }),
      ...(code === QUEUE_FULL && { retryable: true }),
    },
    [authToken.reveal()],
  );
}
