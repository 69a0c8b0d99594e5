/**
 * Why the Graph API refuses: its codes in those of providers §2.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
 * @see https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
 */
import type { ProviderResult } from '../../../core/models/delivery.js';
import type { HttpAnswer } from '../http/client.js';
import { refusal } from '../http/failure.js';
import { fieldsOf, listOf, numberOf, textOf, type Fields } from '../http/reading.js';

/** Too much, too fast: of the app, the page, the account, the number, or the pair of numbers. */
const TOO_FAST: ReadonlySet<number> = new Set([4, 17, 32, 613, 80006, 80007, 130429, 131056]);
/** No token, or one that may not. */
const NO_ACCESS: ReadonlySet<number> = new Set([0, 3, 10, 102, 190, 131005]);
/** Meta's own trouble. */
const PASSING: ReadonlySet<number> = new Set([1, 2, 1200, 131000, 131016, 131057, 133004]);
/** The 24 hours in which a business may write freely are over. */
const WHATSAPP_WINDOW = 131047;
const MESSENGER_WINDOW = { code: 10, subcode: 2018278 };

/** The kit's code for one of the Graph API's, and whether another attempt may succeed; undefined: as the status says. */
export function graphCode(code: number, subcode?: number): { readonly error: string; readonly retryable?: boolean } {
  if (code === WHATSAPP_WINDOW || (code === MESSENGER_WINDOW.code && subcode === MESSENGER_WINDOW.subcode))
    return { error: 'outside_window', retryable: false };
  if (TOO_FAST.has(code)) return { error: 'rate_limit', retryable: true };
  if (NO_ACCESS.has(code) || (code >= 200 && code < 300)) return { error: 'auth_error', retryable: false };
  return { error: `graph_${code}`, ...(PASSING.has(code) && { retryable: true }) };
}

/** The result for an answer that is a refusal. `secrets` are taken out of Meta's words. */
export function graphRefusal(answer: HttpAnswer, secrets: readonly string[]): ProviderResult {
  const problem = fieldsOf(fieldsOf(answer.json)['error']);
  const code = numberOf(problem['code']);
  if (code === undefined) return refusal(answer, {}, secrets);
  const subcode = numberOf(problem['error_subcode']);
  const { error, retryable } = graphCode(code, subcode);
  const retryAfterSeconds = error === 'rate_limit' ? regainedIn(answer.headers) : undefined;
  const result = refusal(
    answer,
    {
      code: `graph_${code}`,
      message: messageOf(problem),
      ...(retryable !== undefined && { retryable }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    },
    secrets,
  );
  // What Meta's code says is more than what the status does: a closed window comes with 400 and with 403.
  return { ...result, error, metadata: { ...result.metadata, ...(subcode !== undefined && { subcode }) } };
}

/** Meta's sentence, with the detail that says which field it is about. */
function messageOf(problem: Fields): string | undefined {
  const message = textOf(problem['message']);
  const details = textOf(fieldsOf(problem['error_data'])['details']);
  return details === undefined || message?.includes(details) === true ? message : [message, details].filter(Boolean).join(': ');
}

/** Minutes until the account may go on, from the header in which Meta tells how much of its limit is used. */
function regainedIn(headers: Headers): number | undefined {
  let usage: unknown;
  try {
    usage = JSON.parse(headers.get('x-business-use-case-usage') ?? 'null');
  } catch {
    return undefined;
  }
  const minutes = Object.values(fieldsOf(usage))
    .flatMap(listOf)
    .map((one) => numberOf(fieldsOf(one)['estimated_time_to_regain_access']) ?? 0);
  const most = Math.max(0, ...minutes);
  return most > 0 ? most * 60 : undefined;
}
