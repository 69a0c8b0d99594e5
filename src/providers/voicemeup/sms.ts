/** Text messages and pictures over VoiceMeUp. */
import { outboundMedia, outboundText } from '../../channels/outbound-text.js';
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookOpening, WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import { SystemClock } from '../../core/clock.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { HttpClient } from '../_shared/http/client.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import { voiceMeUpAccount, type VoiceMeUpAccount, type VoiceMeUpConfig } from './config.js';
import { resultOf } from './answer.js';
import { MmsParts } from './mms-parts.js';
import { payloadOf, verifyVoiceMeUp } from './webhook.js';

const FEATURE = 'VoiceMeUpSMSProvider';
const MAX_MEDIA = 10;

/**
 * Sends text messages and MMS, and puts together what VoiceMeUp tells in parts.
 * @example new SMSChannel('sms', { provider: new VoiceMeUpSMSProvider({ username, authToken, webhookSecret, fromNumber: '+15145550100' }) })
 */
export class VoiceMeUpSMSProvider implements TransportProvider, WebhookProvider {
  readonly name = 'voicemeup';
  readonly fetchesMedia = true;
  /** VoiceMeUp takes no longer text. */
  readonly maxLength = 1000;
  readonly webhookNeeds: readonly string[];
  readonly #account: VoiceMeUpAccount;
  readonly #http: HttpClient;
  #host: WebhookOpening | undefined;
  #parts: MmsParts | undefined;
  /** The callback URL ends with the secret. */
  readonly webhookPaths = ['/{webhookSecret}'];
  readonly #late = new Set<Promise<void>>();

  constructor(config: VoiceMeUpConfig) {
    this.#account = voiceMeUpAccount(FEATURE, config);
    this.webhookNeeds = this.#account.webhookSecret === undefined ? ['webhookSecret'] : [];
    this.#http = new HttpClient({ fetch: config.fetch, timeoutSeconds: this.#account.timeoutSeconds });
  }

  /** One file goes with a message: further ones as messages of their own, and none after a failure. */
  async send({ to = '', content, defaults, signal }: TransportRequest): Promise<ProviderResult> {
    const text = outboundText(content);
    const media = outboundMedia(content);
    if (text === undefined && media.length === 0) return EMPTY_MESSAGE;
    // VoiceMeUp fetches the files itself.
    if (media.some(({ url }) => !/^https?:/i.test(url)) || media.length > MAX_MEDIA) return MEDIA_NOT_SUPPORTED;
    const { from } = defaults;
    const frame = { source_number: digits(typeof from === 'string' ? from : this.#account.fromNumber), destination_number: digits(to) };
    if (media.length === 0) return this.#post({ ...frame, message: text ?? '' }, signal);
    let first: ProviderResult | undefined;
    for (const [index, { url }] of media.entries()) {
      const result = await this.#post({ ...frame, message: index === 0 ? (text ?? '') : '', attachment: url }, signal);
      // The first has arrived: all of it again would double it.
      if (!result.success) return first === undefined ? result : { ...result, retryable: false };
      first ??= result;
    }
    return first ?? EMPTY_MESSAGE;
  }

  opened(host: WebhookOpening): void {
    this.#host = host;
  }

  verify(request: WebhookRequest): boolean {
    return verifyVoiceMeUp(request, this.#account.webhookSecret, FEATURE);
  }

  /** Nothing for the first part of an MMS: it waits for the second, or goes by itself when that does not come in time (§3.2). */
  parse(request: WebhookRequest): readonly WebhookMeta[] {
    this.#parts ??= new MmsParts({
      clock: this.#host?.clock ?? new SystemClock(),
      timeoutMs: this.#account.mmsTimeoutMs,
      onTimeout: (meta) => this.#takeLate(meta),
    });
    return [this.#parts.take(payloadOf(request))];
  }

  /** Words that still wait are handed on at once. */
  async close(): Promise<void> {
    this.#parts?.close();
    await Promise.all(this.#late);
  }

  #takeLate(meta: WebhookMeta): void {
    const taking = Promise.resolve(this.#host?.take(meta)).finally(() => this.#late.delete(taking));
    this.#late.add(taking);
  }

  async #post(form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<ProviderResult> {
    const { baseUrl, username, authToken } = this.#account;
    const key = authToken.reveal();
    const query = new URLSearchParams({ username, auth_token: key });
    const url = `${baseUrl}/api/v1.1/json/queue_sms?${query}`;
    const outcome = await this.#http.call({ method: 'POST', url, body: new URLSearchParams(form), signal });
    return 'failure' in outcome ? outcome.failure : resultOf(outcome.answer, key);
  }
}

function digits(number: string): string {
  return number.replace(/^\+/, '');
}
