/** WhatsApp for businesses over Meta's Cloud API. @see https://developers.facebook.com/documentation/business-messaging/whatsapp */
import { outboundText } from '../../channels/outbound-text.js';
import type { EphemeralRequest, TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookReply, WebhookRequest } from '../../channels/webhook.js';
import type { ChannelFetchOptions, FetchedMedia } from '../../core/media/media-store.js';
import { truncate } from '../../core/delivery/split-text.js';
import type { TemplateContent } from '../../core/models/content.js';
import type { ProviderResult, TryAgain } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { GraphClient } from '../_shared/graph/client.js';
import { graphRefusal } from '../_shared/graph/refusal.js';
import { Sequences } from '../_shared/graph/sequence.js';
import { oneLine } from '../_shared/graph/template.js';
import { graphHandshake, verifyGraph } from '../_shared/graph/webhook.js';
import { HttpClient } from '../_shared/http/client.js';
import { EMPTY_MESSAGE } from '../_shared/http/failure.js';
import { bodyJson, fieldsOf, listOf, textOf, type Fields } from '../_shared/http/reading.js';
import { recipientOf } from './addresses.js';
import { whatsAppAccount, type WhatsAppAccount, type WhatsAppConfig } from './config.js';
import { fetchGraphMedia, fileSource, mediaIdOf } from './media.js';
import { whatsAppMessages, type GraphMessage } from './messages.js';
import { Newest } from './newest.js';
import { parseWhatsAppWebhook } from './webhook.js';

const FEATURE = 'WhatsAppCloudProvider';
/** A template's body has 1024 characters for its own words and all parameters. */
const MAX_PARAMETER = 700;

/**
 * Sends text, media, buttons, lists, templates, reactions and receipts, and reads the webhook of one WhatsApp number.
 * @example new WhatsAppChannel('whatsapp', { provider: new WhatsAppCloudProvider({ accessToken, phoneNumberId, appSecret, verifyToken }) })
 */
export class WhatsAppCloudProvider implements TransportProvider, WebhookProvider {
  readonly name = 'whatsapp';
  readonly webhookNeeds: readonly string[];
  readonly parksDeliveries: boolean;
  readonly #account: WhatsAppAccount;
  readonly #graph: GraphClient;
  readonly #sequences = new Sequences();
  readonly #newest = new Newest();

  constructor(config: WhatsAppConfig) {
    this.#account = whatsAppAccount(FEATURE, config);
    const { appSecret, verifyToken, timeoutSeconds } = this.#account;
    this.#graph = new GraphClient(new HttpClient({ fetch: config.fetch, timeoutSeconds }), this.#account);
    this.parksDeliveries = this.#account.windowPolicy === 'park';
    this.webhookNeeds = [...(appSecret === undefined ? ['appSecret'] : []), ...(verifyToken === undefined ? ['verifyToken'] : [])];
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { content, to = '', signal } = request;
    const { windowPolicy } = this.#account;
    // Meta took it and found out later that the window was closed.
    if (windowPolicy === 'template' && request.previousError === 'outside_window' && content.type !== 'template') return this.#asTemplate(request);
    const made = whatsAppMessages(content, this.#account.listButton);
    if ('refused' in made) return { success: false, error: 'invalid_request', retryable: false, metadata: { message: made.refused } };
    if (made.messages.length === 0) return EMPTY_MESSAGE;
    const context = await quoted(request);
    // Meta says it again with each status: a message whose answer was lost is found by it (OUT-07). Of several it would say too much.
    const callbackData = made.messages.length === 1 ? { biz_opaque_callback_data: request.idempotencyKey } : undefined;
    const result = await this.#sequences.run(request.idempotencyKey, made.messages, (message, index) =>
      this.#post(to, message, signal, { ...callbackData, ...(index === 0 && context !== undefined && { context: { message_id: context } }) }),
    );
    if (result.error !== 'outside_window') return result;
    return windowPolicy === 'template' ? this.#asTemplate(request) : { ...result, ...this.#again() };
  }

  async sendEphemeral(request: EphemeralRequest): Promise<void> {
    const { type, to = '', messageId, emoji = '', isRemoved } = request;
    if (type === 'reaction' && messageId !== undefined) await this.sendReaction(to, messageId, isRemoved === true ? '' : emoji);
    if (type === 'read_receipt' && messageId !== undefined) await this.markRead(messageId);
    if (type !== 'typing_start') return;
    // Typing is shown under a message of the other side, and marks it as read.
    const newest = this.#newest.of(to);
    if (newest !== undefined) await this.#post(undefined, { type: 'read', fields: { message_id: newest, typing_indicator: { type: 'text' } } });
  }

  /** Sends an approved template, whether the window is open or not. */
  sendTemplate(
    to: string,
    name: string,
    options: Pick<TemplateContent, 'language' | 'parameters'> = {},
    signal?: AbortSignal,
  ): Promise<ProviderResult> {
    const made = whatsAppMessages({ type: 'template', templateId: name, ...options }, this.#account.listButton);
    if ('refused' in made)
      return Promise.resolve({ success: false, error: 'invalid_request', retryable: false, metadata: { message: made.refused } });
    const [message] = made.messages;
    return message === undefined ? Promise.resolve(EMPTY_MESSAGE) : this.#post(to, message, signal);
  }

  /** Reacts to a message, by Meta's id of it; an empty emoji takes the reaction back. */
  sendReaction(to: string, messageId: string, emoji: string): Promise<ProviderResult> {
    return this.#post(to, { type: 'reaction', fields: { message_id: messageId, emoji } });
  }

  /** Shows the sender that his message, and all before it, were read. */
  markRead(messageId: string): Promise<ProviderResult> {
    return this.#post(undefined, { type: 'read', fields: { message_id: messageId } });
  }

  /** The file that an address of an inbound message names; Meta keeps it for a week. */
  async fetchMedia(url: string, { fetch, ...options }: ChannelFetchOptions): Promise<FetchedMedia | null> {
    const id = mediaIdOf(url);
    return id === undefined ? null : fetchGraphMedia(this.#graph, this.#account, id, fetch, options);
  }

  verify(request: WebhookRequest): boolean {
    return verifyGraph(request, this.#account.appSecret);
  }

  handshake(request: WebhookRequest): WebhookReply | undefined {
    return graphHandshake(request, this.#account.verifyToken);
  }

  parse({ body }: WebhookRequest): readonly WebhookMeta[] {
    const { phoneNumberId } = this.#account;
    return parseWhatsAppWebhook(bodyJson(body), { phoneNumberId }).map((meta) =>
      meta.type === 'status' && meta.status.errorCode === 'outside_window' ? { ...meta, status: { ...meta.status, ...this.#again() } } : meta,
    );
  }

  /** Remembers the newest message of each sender: typing has to name one. */
  committed(metas: readonly WebhookMeta[]): void {
    for (const meta of metas) {
      if (meta.type !== 'message' || (meta.message.eventType ?? 'message') !== 'message') continue;
      if (meta.message.externalId !== undefined) this.#newest.note(meta.message.senderId, meta.message.externalId);
    }
  }

  /** What is to become of a message that Meta has refused because the window is closed. */
  #again(): TryAgain {
    const { windowPolicy, parkSeconds } = this.#account;
    if (windowPolicy === 'park') return { again: 'after_inbound', waitSeconds: parkSeconds };
    return windowPolicy === 'template' ? { again: 'at_once' } : {};
  }

  /** One template for the whole message: where its text was split, with the last part, whose id the delivery keeps. */
  async #asTemplate({ to = '', event, content, part, signal }: TransportRequest): Promise<ProviderResult> {
    if (part !== undefined && part.index < part.count - 1) return { success: true };
    const { templateId = '', language, parameters = {} } = this.#account.windowTemplate ?? {};
    const words = truncate(oneLine(outboundText(event.content) ?? outboundText(content) ?? ''), MAX_PARAMETER) || '…';
    const filled = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value.replaceAll('{text}', () => words)]));
    const result = await this.sendTemplate(to, templateId, { ...(language !== undefined && { language }), parameters: filled }, signal);
    return { ...result, metadata: { ...result.metadata, sent_as_template: templateId } };
  }

  async #post(to: string | undefined, message: GraphMessage, signal?: AbortSignal, more: Fields = {}): Promise<ProviderResult> {
    const { phoneNumberId } = this.#account;
    const body = await this.#bodyOf(to, message, signal, more);
    if ('failure' in body) return body.failure;
    const outcome = await this.#graph.post(`${phoneNumberId}/messages`, body.fields, signal);
    if ('failure' in outcome) return outcome.failure;
    const { answer } = outcome;
    if (answer.status < 200 || answer.status >= 300) return graphRefusal(answer, this.#graph.secrets);
    const id = textOf(fieldsOf(listOf(fieldsOf(answer.json)['messages'])[0])['id']);
    return { success: true, ...(id !== undefined && { providerMessageId: id }) };
  }

  async #bodyOf(
    to: string | undefined,
    { type, fields, file }: GraphMessage,
    signal: AbortSignal | undefined,
    more: Fields,
  ): Promise<{ readonly fields: Readonly<Record<string, unknown>> } | { readonly failure: ProviderResult }> {
    if (type === 'read') return { fields: { messaging_product: 'whatsapp', status: 'read', ...fields } };
    const found = file === undefined ? undefined : await fileSource(this.#graph, this.#account.phoneNumberId, file, signal);
    if (found !== undefined && 'failure' in found) return found;
    return {
      fields: {
        messaging_product: 'whatsapp',
        recipient_type: 'individual',
        ...recipientOf(to ?? ''),
        ...more,
        type,
        [type]: { ...found?.source, ...fields },
      },
    };
  }
}

/** The message that is answered, where the event names it: WhatsApp shows it above the answer. */
async function quoted(request: TransportRequest): Promise<string | undefined> {
  const { event } = request;
  if (event.parentEventId === undefined) return undefined;
  const parent = await request.answered?.();
  return parent?.id === event.parentEventId ? parent.source.providerMessageId : undefined;
}
