/** The request and its answer that SMS and RCS share. */
import { createHash } from 'node:crypto';
import type { TransportRequest } from '../../channels/transport.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { HttpClient } from '../_shared/http/client.js';
import { refusal } from '../_shared/http/failure.js';
import { fieldsOf, listOf, textOf, type Fields } from '../_shared/http/reading.js';
import { withKey } from '../_shared/http/status-address.js';
import type { TelnyxAccount } from './config.js';

/** Another attempt may succeed: the queue is full (40318), the account's or the number's rate is reached (40011, 10011). */
const PASSING: ReadonlySet<string> = new Set(['40011', '40318', '10011', '10008']);

export async function sendMessage(
  http: HttpClient,
  account: TelnyxAccount,
  path: string,
  order: Fields,
  request: Pick<TransportRequest, 'idempotencyKey' | 'signal'>,
): Promise<ProviderResult> {
  const { apiKey, baseUrl, statusCallback } = account;
  const address = statusCallback === undefined ? undefined : withKey(statusCallback, request.idempotencyKey);
  const outcome = await http.call({
    method: 'POST',
    url: `${baseUrl}/v2/${path}`,
    headers: {
      authorization: `Bearer ${apiKey.reveal()}`,
      'content-type': 'application/json',
      'idempotency-key': keyOf(request.idempotencyKey),
    },
    body: JSON.stringify({ ...order, ...(address !== undefined && { webhook_url: address }) }),
    signal: request.signal,
  });
  if ('failure' in outcome) return outcome.failure;
  const { answer } = outcome;
  const fields = fieldsOf(answer.json);
  if (answer.status >= 200 && answer.status < 300) {
    // What was taken without a readable id is sent all the same: another attempt would double it.
    const data = fieldsOf(fields['data']);
    const id = textOf(data['id']);
    const type = textOf(data['type'])?.toLowerCase();
    return { success: true, ...(id !== undefined && { providerMessageId: id }), ...(type !== undefined && { metadata: { type } }) };
  }
  const first = fieldsOf(listOf(fields['errors'])[0]);
  const code = textOf(first['code']);
  return refusal(
    answer,
    {
      ...(code !== undefined && { code: `telnyx_${code}` }),
      message: textOf(first['detail']) ?? textOf(first['title']),
      ...(code !== undefined && PASSING.has(code) && { retryable: true }),
    },
    [apiKey.reveal()],
  );
}

/** In the letters Telnyx takes (1 to 255 of letters, digits, `-`, `_`, `:`). */
function keyOf(key: string): string {
  return /^[A-Za-z0-9_:-]{1,255}$/.test(key) ? key : createHash('sha256').update(key).digest('hex');
}
