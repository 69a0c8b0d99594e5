/** RCS over Telnyx: cards, carousels, suggestions, and SMS or MMS where a phone has no RCS. @see https://developers.telnyx.com/docs/messaging/messages/send-an-rcs-message */
import { outboundMedia } from '../../channels/outbound-text.js';
import type { EphemeralRequest, TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import type { EventContent } from '../../core/models/content.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { HttpClient } from '../_shared/http/client.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import { requiredText } from '../_shared/http/options.js';
import { bodyJson, fieldsOf, listOf, type Fields } from '../_shared/http/reading.js';
import { keyed } from '../_shared/http/status-address.js';
import { rcsShape, textFormOf } from '../_shared/rcs/shape.js';
import { agentMessageOf } from './agent-message.js';
import { telnyxAccount, type TelnyxAccount, type TelnyxRCSConfig } from './config.js';
import { parseTelnyxRcsWebhook } from './rcs-webhook.js';
import { sendMessage } from './send.js';
import { verifyTelnyx } from './webhook.js';

const FEATURE = 'TelnyxRCSProvider';

/**
 * Sends RCS messages with cards and suggestions, and reads what comes back.
 * @example new RCSChannel('rcs', { provider: new TelnyxRCSProvider({ apiKey, publicKey, agentId, messagingProfileId, fromNumber }) })
 */
export class TelnyxRCSProvider implements TransportProvider, WebhookProvider {
  readonly name = 'telnyx_rcs';
  readonly fetchesMedia = true;
  /** Of a text, by the vendor's reference. */
  readonly maxLength = 3072;
  readonly webhookNeeds: readonly string[];
  readonly #account: TelnyxAccount;
  readonly #agentId: string;
  readonly #profileId: string;
  readonly #fromNumber: string | undefined;
  readonly #http: HttpClient;

  constructor(config: TelnyxRCSConfig) {
    this.#account = telnyxAccount(FEATURE, config);
    this.#agentId = requiredText(FEATURE, 'agentId', config.agentId, 'my_agent');
    this.#profileId = requiredText(FEATURE, 'messagingProfileId', config.messagingProfileId, '…');
    this.#fromNumber = config.fromNumber;
    this.webhookNeeds = this.#account.publicKey === undefined ? ['publicKey'] : [];
    this.#http = new HttpClient({ fetch: config.fetch, timeoutSeconds: this.#account.timeoutSeconds });
  }

  /** `metadata.channelUsed` of the result says whether it goes as `rcs` or `sms`, where Telnyx knows already. */
  async send(request: TransportRequest): Promise<ProviderResult> {
    const { to = '', content, defaults } = request;
    const shape = rcsShape(content);
    if (shape === undefined) return EMPTY_MESSAGE;
    if (outboundMedia(content).some(({ url }) => !/^https?:/i.test(url))) return MEDIA_NOT_SUPPORTED;
    const fallback = defaults['fallback'] === false || this.#fromNumber === undefined ? {} : fallbackOf(content, this.#fromNumber);
    const order = { ...this.#frame(to), agent_message: { content_message: agentMessageOf(shape) }, ...fallback };
    const result = await sendMessage(this.#http, this.#account, 'messages/rcs', order, request);
    const type = result.metadata?.['type'];
    if (!result.success || typeof type !== 'string') return result;
    return { ...result, metadata: type === 'rcs' ? { channelUsed: 'rcs' } : { channelUsed: 'sms', fallback: true } };
  }

  /** That somebody types; RCS has no more of this for businesses over Telnyx. */
  async sendEphemeral({ type, to = '' }: EphemeralRequest): Promise<void> {
    if (type !== 'typing_start') return;
    const order = { ...this.#frame(to), agent_message: { event: { event_type: 'IS_TYPING' } } };
    const request = { idempotencyKey: `typing:${crypto.randomUUID()}`, signal: new AbortController().signal };
    await sendMessage(this.#http, { ...this.#account, statusCallback: undefined }, 'messages/rcs', order, request);
  }

  /** Whether a phone has RCS with this agent; false as well when nobody can tell. */
  async hasRcs(number: string, signal?: AbortSignal): Promise<boolean> {
    const { baseUrl, apiKey } = this.#account;
    const outcome = await this.#http.call({
      method: 'GET',
      url: `${baseUrl}/v2/messaging/rcs/capabilities/${encodeURIComponent(this.#agentId)}/${encodeURIComponent(number)}`,
      headers: { authorization: `Bearer ${apiKey.reveal()}` },
      signal,
    });
    if ('failure' in outcome || outcome.answer.status !== 200) return false;
    return listOf(fieldsOf(fieldsOf(outcome.answer.json)['data'])['features']).length > 0;
  }

  verify(request: WebhookRequest): boolean {
    return verifyTelnyx(request, this.#account, FEATURE);
  }

  parse(request: WebhookRequest): readonly WebhookMeta[] {
    return [keyed(parseTelnyxRcsWebhook(bodyJson(request.body)), request)];
  }

  #frame(to: string): Fields {
    return { agent_id: this.#agentId, to, messaging_profile_id: this.#profileId, type: 'RCS' };
  }
}

/** What a phone without RCS gets: the words with choices as lines, and files as MMS. */
function fallbackOf(content: EventContent, from: string): Fields {
  const text = textFormOf(content);
  const urls = outboundMedia(content).map(({ url }) => url);
  return urls.length > 0 ? { mms_fallback: { from, media_urls: urls, ...(text !== '' && { text }) } } : { sms_fallback: { from, text } };
}
