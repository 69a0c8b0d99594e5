/** RCS over Twilio: cards, carousels, suggestions, and SMS or MMS where a phone has no RCS. @see https://www.twilio.com/docs/rcs/send-an-rcs-message */
import { outboundMedia } from '../../channels/outbound-text.js';
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookReply, WebhookRequest } from '../../channels/webhook.js';
import type { ChannelFetchOptions, FetchedMedia } from '../../core/media/media-store.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { HttpClient } from '../_shared/http/client.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import { baseUrlOf } from '../_shared/http/options.js';
import { keyed } from '../_shared/http/status-address.js';
import { rcsShape, textFormOf, type RcsShape } from '../_shared/rcs/shape.js';
import { rcsAccount, type TwilioAccount, type TwilioRCSConfig } from './config.js';
import { templateOf } from './content.js';
import { fetchTwilioMedia } from './media.js';
import { createTemplate, sendMessage } from './send.js';
import { NO_ANSWER, parseTwilioRcsWebhook, payloadOf, verifyTwilio } from './webhook.js';

const FEATURE = 'TwilioRCSProvider';
const MAX_MEDIA = 10;
/** Templates that are known to Twilio already; the oldest are forgotten. */
const MAX_KNOWN = 500;

/**
 * Sends RCS messages with cards and suggestions over a messaging service with an RCS sender, and reads what comes back.
 * @example new RCSChannel('rcs', { provider: new TwilioRCSProvider({ accountSid, authToken, messagingServiceSid: 'MG…' }) })
 */
export class TwilioRCSProvider implements TransportProvider, WebhookProvider {
  readonly name = 'twilio_rcs';
  readonly fetchesMedia = true;
  /** Twilio takes no longer text, by whatever way it goes. */
  readonly maxLength = 1600;
  readonly #account: TwilioAccount;
  readonly #contentUrl: string;
  readonly #http: HttpClient;
  readonly #templates = new Map<string, string>();

  constructor(config: TwilioRCSConfig) {
    this.#account = rcsAccount(FEATURE, config);
    this.#contentUrl = baseUrlOf(FEATURE, config.contentBaseUrl ?? config.baseUrl, 'https://content.twilio.com');
    this.#http = new HttpClient({ fetch: config.fetch, timeoutSeconds: this.#account.timeoutSeconds });
  }

  /** Without fallback the message goes by RCS or fails; `metadata.channelUsed` of the result then says `rcs`. */
  async send(request: TransportRequest): Promise<ProviderResult> {
    const { to = '', content, defaults } = request;
    const isOnlyRcs = defaults['fallback'] === false;
    const form = new URLSearchParams({ To: isOnlyRcs ? `rcs:${to}` : to, ...this.#account.from });
    if (content.type === 'template' && /^HX[0-9a-fA-F]{32}$/.test(content.templateId)) {
      form.set('ContentSid', content.templateId);
      if (content.parameters !== undefined) form.set('ContentVariables', JSON.stringify(content.parameters));
    } else {
      const shape = rcsShape(content);
      if (shape === undefined) return EMPTY_MESSAGE;
      const media = outboundMedia(content);
      if (media.some(({ url }) => !/^https?:/i.test(url)) || media.length > MAX_MEDIA) return MEDIA_NOT_SUPPORTED;
      const failure = await this.#fill(
        form,
        shape,
        textFormOf(content),
        media.map(({ url }) => url),
        request.signal,
      );
      if (failure !== undefined) return failure;
    }
    const result = await sendMessage(this.#http, this.#account, form, request);
    const from = result.metadata?.['from'];
    const isRcs = isOnlyRcs || (typeof from === 'string' && from.startsWith('rcs:'));
    return result.success && isRcs ? { ...result, metadata: { ...result.metadata, channelUsed: 'rcs' } } : result;
  }

  /** Pictures of people, which Twilio may keep behind the account's credentials. */
  fetchMedia(url: string, { fetch, ...options }: ChannelFetchOptions): Promise<FetchedMedia> | null {
    return fetchTwilioMedia(this.#account, url, fetch, options);
  }

  verify(request: WebhookRequest): boolean {
    return verifyTwilio(request, this.#account);
  }

  parse(request: WebhookRequest): readonly WebhookMeta[] {
    return [keyed(parseTwilioRcsWebhook(payloadOf(request)), request)];
  }

  reply(): WebhookReply {
    return NO_ANSWER;
  }

  /** By a template where there is something to tap, else as words and files. Gives why it could not be made. */
  async #fill(
    form: URLSearchParams,
    shape: RcsShape,
    words: string,
    media: readonly string[],
    signal: AbortSignal,
  ): Promise<ProviderResult | undefined> {
    const template = templateOf(shape, words);
    if (template === undefined) {
      if (words !== '') form.set('Body', words);
      for (const url of media) form.append('MediaUrl', url);
      return undefined;
    }
    const key = JSON.stringify(template);
    const known = this.#templates.get(key);
    const made = known ?? (await createTemplate(this.#http, this.#account, this.#contentUrl, key, signal));
    if (typeof made !== 'string') return made;
    this.#templates.delete(key);
    this.#templates.set(key, made);
    for (const oldest of this.#templates.keys()) {
      if (this.#templates.size <= MAX_KNOWN) break;
      this.#templates.delete(oldest);
    }
    form.set('ContentSid', made);
    return undefined;
  }
}
