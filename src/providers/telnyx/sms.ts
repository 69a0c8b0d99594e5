/** Text messages and pictures over Telnyx. @see https://developers.telnyx.com/api-reference/messages/send-a-message */
import { outboundMedia, outboundText } from '../../channels/outbound-text.js';
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import { ValidationError } from '../../core/errors.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { HttpClient } from '../_shared/http/client.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import { bodyJson } from '../_shared/http/reading.js';
import { keyed } from '../_shared/http/status-address.js';
import { telnyxAccount, type TelnyxAccount, type TelnyxConfig } from './config.js';
import { sendMessage } from './send.js';
import { parseTelnyxWebhook, verifyTelnyx } from './webhook.js';

const FEATURE = 'TelnyxSMSProvider';
const MAX_MEDIA = 10;

/**
 * Sends text messages and MMS, and reads Telnyx' webhooks: messages, and what became of those sent.
 * @example new SMSChannel('sms', { provider: new TelnyxSMSProvider({ apiKey, publicKey, fromNumber: '+15550100' }) })
 */
export class TelnyxSMSProvider implements TransportProvider, WebhookProvider {
  readonly name = 'telnyx';
  readonly fetchesMedia = true;
  /** Telnyx takes ten segments as one message. */
  readonly maxSegments = 10;
  readonly webhookNeeds: readonly string[];
  readonly #account: TelnyxAccount;
  readonly #from: { readonly from?: string; readonly messaging_profile_id?: string };
  readonly #http: HttpClient;

  constructor(config: TelnyxConfig) {
    this.#account = telnyxAccount(FEATURE, config);
    const { fromNumber, messagingProfileId } = config;
    if (fromNumber === undefined && messagingProfileId === undefined)
      throw new ValidationError(`${FEATURE} has nothing to send from. Pass { fromNumber: '+15550100' } or { messagingProfileId: '…' }.`);
    this.#from = {
      ...(fromNumber !== undefined && { from: fromNumber }),
      ...(messagingProfileId !== undefined && { messaging_profile_id: messagingProfileId }),
    };
    this.webhookNeeds = this.#account.publicKey === undefined ? ['publicKey'] : [];
    this.#http = new HttpClient({ fetch: config.fetch, timeoutSeconds: this.#account.timeoutSeconds });
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { to = '', content, defaults } = request;
    const text = outboundText(content);
    const media = outboundMedia(content);
    if (text === undefined && media.length === 0) return EMPTY_MESSAGE;
    // Telnyx fetches the files itself.
    if (media.some(({ url }) => !/^https?:/i.test(url)) || media.length > MAX_MEDIA) return MEDIA_NOT_SUPPORTED;
    const { from } = defaults;
    const order = {
      ...this.#from,
      ...(typeof from === 'string' && { from }),
      to,
      ...(text !== undefined && { text }),
      ...(media.length > 0 && { media_urls: media.map(({ url }) => url) }),
    };
    return sendMessage(this.#http, this.#account, 'messages', order, request);
  }

  verify(request: WebhookRequest): boolean {
    return verifyTelnyx(request, this.#account, FEATURE);
  }

  parse(request: WebhookRequest): readonly WebhookMeta[] {
    return [keyed(parseTelnyxWebhook(bodyJson(request.body)), request)];
  }
}
