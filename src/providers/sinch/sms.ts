/** Text messages and pictures over Sinch's SMS API. @see https://developers.sinch.com/docs/sms/api-reference/ */
import { outboundMedia, outboundText } from '../../channels/outbound-text.js';
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import type { DeliverReceipt } from '../../core/channel.js';
import { DeliveryError } from '../../core/errors.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { HttpClient, type HttpAnswer } from '../_shared/http/client.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED, refusal } from '../_shared/http/failure.js';
import { bodyJson, fieldsOf, listOf, textOf, type Fields } from '../_shared/http/reading.js';
import { sinchPlan, type SinchConfig, type SinchPlan } from './config.js';
import { parseSinchWebhook, verifySinch } from './webhook.js';

const FEATURE = 'SinchSMSProvider';
const MAX_MEDIA = 10;

/**
 * Sends text messages and MMS, and reads Sinch's callbacks: messages, and what became of those sent.
 * @example new SMSChannel('sms', { provider: new SinchSMSProvider({ servicePlanId, apiToken, webhookSecret, fromNumber: '+15550100' }) })
 */
export class SinchSMSProvider implements TransportProvider, WebhookProvider {
  readonly name = 'sinch';
  readonly fetchesMedia = true;
  readonly webhookNeeds: readonly string[];
  readonly #plan: SinchPlan;
  readonly #http: HttpClient;

  constructor(config: SinchConfig) {
    this.#plan = sinchPlan(FEATURE, config);
    this.webhookNeeds = this.#plan.webhookSecret === undefined ? ['webhookSecret'] : [];
    this.#http = new HttpClient({ fetch: config.fetch, timeoutSeconds: this.#plan.timeoutSeconds });
  }

  /** Sinch takes one file with a message: further ones go as messages of their own, and none after a failure. */
  async send({ to = '', content, defaults, idempotencyKey, signal }: TransportRequest): Promise<ProviderResult> {
    const text = outboundText(content);
    const media = outboundMedia(content);
    if (text === undefined && media.length === 0) return EMPTY_MESSAGE;
    // Sinch fetches the files itself.
    if (media.some(({ url }) => !/^https?:/i.test(url)) || media.length > MAX_MEDIA) return MEDIA_NOT_SUPPORTED;
    const { from } = defaults;
    const frame = { to: [to], from: typeof from === 'string' ? from : this.#plan.fromNumber };
    if (media.length === 0) return this.#post({ ...frame, type: 'mt_text', body: text }, idempotencyKey, signal);
    let first: ProviderResult | undefined;
    for (const [index, { url }] of media.entries()) {
      const body = { url, ...(index === 0 && text !== undefined && { message: text }) };
      const result = await this.#post(
        { ...frame, type: 'mt_media', body },
        index === 0 ? idempotencyKey : `${idempotencyKey}:media:${index}`,
        signal,
      );
      // The first has arrived: all of it again would double it.
      if (!result.success) return first === undefined ? result : { ...result, retryable: false };
      first ??= result;
    }
    return first ?? EMPTY_MESSAGE;
  }

  /** By the reference that the batch was given (OUT-09). */
  async lookupDelivery(idempotencyKey: string, signal: AbortSignal): Promise<DeliverReceipt | null> {
    const query = new URLSearchParams({ client_reference: idempotencyKey, page_size: '1' });
    const outcome = await this.#http.call({ method: 'GET', url: `${this.#plan.batchesUrl}?${query}`, headers: this.#headers(), signal });
    if ('failure' in outcome || outcome.answer.status !== 200)
      throw new DeliveryError('provider_error', 'Sinch could not say whether it has this message.');
    const batch = listOf(fieldsOf(outcome.answer.json)['batches'])
      .map(fieldsOf)
      .find((entry) => entry['client_reference'] === idempotencyKey);
    const id = textOf(batch?.['id']);
    return id === undefined ? null : { providerMessageId: id };
  }

  verify(request: WebhookRequest): boolean {
    return verifySinch(request, this.#plan, FEATURE);
  }

  parse({ body }: WebhookRequest): readonly WebhookMeta[] {
    return [parseSinchWebhook(bodyJson(body))];
  }

  #headers(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.#plan.apiToken.reveal()}`, 'content-type': 'application/json' };
  }

  async #post(batch: Fields, reference: string, signal: AbortSignal): Promise<ProviderResult> {
    const { batchesUrl, statusCallback } = this.#plan;
    const order = {
      ...batch,
      delivery_report: 'per_recipient',
      client_reference: reference,
      ...(statusCallback !== undefined && { callback_url: statusCallback }),
    };
    const outcome = await this.#http.call({ method: 'POST', url: batchesUrl, headers: this.#headers(), body: JSON.stringify(order), signal });
    return 'failure' in outcome ? outcome.failure : this.#resultOf(outcome.answer);
  }

  #resultOf(answer: HttpAnswer): ProviderResult {
    const fields = fieldsOf(answer.json);
    if (answer.status >= 200 && answer.status < 300) {
      // What was taken without a readable id is sent all the same: another attempt would double it.
      const id = textOf(fields['id']);
      return { success: true, ...(id !== undefined && { providerMessageId: id }) };
    }
    const code = textOf(fields['code']);
    return refusal(answer, { ...(code !== undefined && { code: `sinch_${code}` }), message: textOf(fields['text']) }, [this.#plan.apiToken.reveal()]);
  }
}
