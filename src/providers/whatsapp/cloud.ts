/** WhatsApp for businesses over Meta's Cloud API. @see https://developers.facebook.com/documentation/business-messaging/whatsapp */
import { outboundText } from '../../channels/outbound-text.js';
import type { EphemeralRequest, TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookReply, WebhookRequest } from '../../channels/webhook.js';
import type { ChannelFetchOptions, FetchedMedia } from '../../core/media/media-store.js';
import type { TemplateContent } from '../../core/models/content.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { GraphClient } from '../_shared/graph/client.js';
import { graphRefusal } from '../_shared/graph/refusal.js';
import { Sequences } from '../_shared/graph/sequence.js';
import { oneLine } from '../_shared/graph/template.js';
import { graphHandshake, verifyGraph } from '../_shared/graph/webhook.js';
import { HttpClient } from '../_shared/http/client.js';
import { EMPTY_MESSAGE } from '../_shared/http/failure.js';
import { bodyJson, fieldsOf, listOf, textOf } from '../_shared/http/reading.js';
import { recipientOf } from './addresses.js';
import { whatsAppAccount, type WhatsAppAccount, type WhatsAppConfig } from './config.js';
import { fetchGraphMedia, fileSource, mediaIdOf } from './media.js';
import { whatsAppMessages, type GraphMessage } from './messages.js';
import { Newest } from './newest.js';
import { parseWhatsAppWebhook } from './webhook.js';

const FEATURE = 'WhatsAppCloudProvider';

/**
 * Sends text, media, buttons, lists, templates, reactions and receipts, and reads the webhook of one WhatsApp number.
 * @example new WhatsAppChannel('whatsapp', { provider: new WhatsAppCloudProvider({ accessToken, phoneNumberId, appSecret, verifyToken }) })
 */
export class WhatsAppCloudProvider implements TransportProvider, WebhookProvider {
  readonly name = 'whatsapp';
  readonly webhookNeeds: readonly string[];
  readonly #account: WhatsAppAccount;
  readonly #graph: GraphClient;
  readonly #sequences = new Sequences();
  readonly #newest = new Newest();

  constructor(config: WhatsAppConfig) {
    this.#account = whatsAppAccount(FEATURE, config);
    const { appSecret, verifyToken, timeoutSeconds } = this.#account;
    this.#graph = new GraphClient(new HttpClient({ fetch: config.fetch, timeoutSeconds }), this.#account);
    this.webhookNeeds = [...(appSecret === undefined ? ['appSecret'] : []), ...(verifyToken === undefined ? ['verifyToken'] : [])];
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { content, to = '', signal } = request;
    const made = whatsAppMessages(content, this.#account.listButton);
    if ('refused' in made) return { success: false, error: 'invalid_request', retryable: false, metadata: { message: made.refused } };
    if (made.messages.length === 0) return EMPTY_MESSAGE;
    const context = await quoted(request);
    const result = await this.#sequences.run(request.idempotencyKey, made.messages, (message, index) =>
      this.#post(to, message, signal, index === 0 ? context : undefined),
    );
    return result.error === 'outside_window' ? this.#outsideWindow(request, result) : result;
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
    return parseWhatsAppWebhook(bodyJson(body), { phoneNumberId });
  }

  /** Remembers the newest message of each sender: typing has to name one. */
  committed(metas: readonly WebhookMeta[]): void {
    for (const meta of metas) {
      if (meta.type !== 'message' || (meta.message.eventType ?? 'message') !== 'message') continue;
      if (meta.message.externalId !== undefined) this.#newest.note(meta.message.senderId, meta.message.externalId);
    }
  }

  async #outsideWindow({ to = '', content, signal }: TransportRequest, refused: ProviderResult): Promise<ProviderResult> {
    const { windowPolicy, windowTemplate } = this.#account;
    if (windowPolicy !== 'template' || windowTemplate === undefined) return refused;
    const { templateId, language, parameters = {} } = windowTemplate;
    const words = oneLine(outboundText(content) ?? '') || '…';
    const filled = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value.replaceAll('{text}', () => words)]));
    const result = await this.sendTemplate(to, templateId, { ...(language !== undefined && { language }), parameters: filled }, signal);
    return { ...result, metadata: { ...result.metadata, sent_as_template: templateId } };
  }

  async #post(to: string | undefined, message: GraphMessage, signal?: AbortSignal, context?: string): Promise<ProviderResult> {
    const { phoneNumberId } = this.#account;
    const body = await this.#bodyOf(to, message, signal, context);
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
    context: string | undefined,
  ): Promise<{ readonly fields: Readonly<Record<string, unknown>> } | { readonly failure: ProviderResult }> {
    if (type === 'read') return { fields: { messaging_product: 'whatsapp', status: 'read', ...fields } };
    const found = file === undefined ? undefined : await fileSource(this.#graph, this.#account.phoneNumberId, file, signal);
    if (found !== undefined && 'failure' in found) return found;
    return {
      fields: {
        messaging_product: 'whatsapp',
        recipient_type: 'individual',
        ...recipientOf(to ?? ''),
        ...(context !== undefined && { context: { message_id: context } }),
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
