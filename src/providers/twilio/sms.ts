/** Text messages and pictures over Twilio's Messages resource. @see https://www.twilio.com/docs/messaging/api/message-resource */
import { outboundMedia, outboundText } from '../../channels/outbound-text.js';
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookReply, WebhookRequest } from '../../channels/webhook.js';
import type { ChannelFetchOptions, FetchedMedia } from '../../core/media/media-store.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { HttpClient } from '../_shared/http/client.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import { keyed } from '../_shared/http/status-address.js';
import { twilioAccount, type TwilioAccount, type TwilioConfig } from './config.js';
import { fetchTwilioMedia } from './media.js';
import { sendMessage } from './send.js';
import { NO_ANSWER, parseTwilioWebhook, payloadOf, verifyTwilio } from './webhook.js';

const FEATURE = 'TwilioSMSProvider';
/** Twilio takes no more files with one message. */
const MAX_MEDIA = 10;

/**
 * Sends text messages and MMS, and reads Twilio's webhooks: messages, and what became of those sent.
 * @example new SMSChannel('sms', { provider: new TwilioSMSProvider({ accountSid, authToken, fromNumber: '+15550100' }) })
 */
export class TwilioSMSProvider implements TransportProvider, WebhookProvider {
  readonly name = 'twilio';
  readonly fetchesMedia = true;
  readonly #account: TwilioAccount;
  readonly #http: HttpClient;

  constructor(config: TwilioConfig) {
    this.#account = twilioAccount(FEATURE, config);
    this.#http = new HttpClient({ fetch: config.fetch, timeoutSeconds: this.#account.timeoutSeconds });
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { to = '', content, defaults } = request;
    const body = outboundText(content);
    const media = outboundMedia(content);
    if (body === undefined && media.length === 0) return EMPTY_MESSAGE;
    // Twilio fetches the files itself.
    if (media.some(({ url }) => !/^https?:/i.test(url)) || media.length > MAX_MEDIA) return MEDIA_NOT_SUPPORTED;
    const { from } = defaults;
    const form = new URLSearchParams({ To: to, ...(typeof from === 'string' ? { From: from } : this.#account.from) });
    if (body !== undefined) form.set('Body', body);
    for (const { url } of media) form.append('MediaUrl', url);
    return sendMessage(this.#http, this.#account, form, request);
  }

  /** Pictures of people, which Twilio may keep behind the account's credentials. */
  fetchMedia(url: string, { fetch, ...options }: ChannelFetchOptions): Promise<FetchedMedia> | null {
    return fetchTwilioMedia(this.#account, url, fetch, options);
  }

  verify(request: WebhookRequest): boolean {
    return verifyTwilio(request, this.#account);
  }

  parse(request: WebhookRequest): readonly WebhookMeta[] {
    return [keyed(parseTwilioWebhook(payloadOf(request)), request)];
  }

  reply(): WebhookReply {
    return NO_ANSWER;
  }
}
