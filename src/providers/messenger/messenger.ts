/** Facebook Messenger over the Send API. @see https://developers.facebook.com/documentation/business-messaging/messenger-platform */
import type { EphemeralRequest, TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookReply, WebhookRequest } from '../../channels/webhook.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { GraphClient } from '../_shared/graph/client.js';
import { dataUrlBytes } from '../_shared/graph/data-url.js';
import { graphRefusal } from '../_shared/graph/refusal.js';
import { Sequences } from '../_shared/graph/sequence.js';
import { graphHandshake, verifyGraph } from '../_shared/graph/webhook.js';
import { HttpClient } from '../_shared/http/client.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import { bodyJson, fieldsOf, textOf } from '../_shared/http/reading.js';
import { isTag, messengerPage, type MessengerConfig, type MessengerPage } from './config.js';
import { messengerMessages, type MessengerMessage } from './messages.js';
import { readsOf, parseMessengerWebhook } from './webhook.js';
import { Watermarks } from './watermarks.js';

const FEATURE = 'FacebookMessengerProvider';

/**
 * Sends text, media, buttons, quick replies, cards, reactions and receipts as a page, and reads the page's webhook.
 * @example new MessengerChannel('messenger', { provider: new FacebookMessengerProvider({ pageAccessToken, appSecret, verifyToken }) })
 */
export class FacebookMessengerProvider implements TransportProvider, WebhookProvider {
  readonly name = 'messenger';
  readonly webhookNeeds: readonly string[];
  readonly #page: MessengerPage;
  readonly #graph: GraphClient;
  readonly #sequences = new Sequences();
  readonly #watermarks = new Watermarks();

  constructor(config: MessengerConfig) {
    this.#page = messengerPage(FEATURE, config);
    const { appSecret, verifyToken, timeoutSeconds } = this.#page;
    this.#graph = new GraphClient(new HttpClient({ fetch: config.fetch, timeoutSeconds }), this.#page);
    this.webhookNeeds = [...(appSecret === undefined ? ['appSecret'] : []), ...(verifyToken === undefined ? ['verifyToken'] : [])];
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { content, event, to = '', signal } = request;
    const made = messengerMessages(content);
    if ('refused' in made) return { success: false, error: 'invalid_request', retryable: false, metadata: { message: made.refused } };
    if (made.messages.length === 0) return EMPTY_MESSAGE;
    const given = event.metadata['message_tag'];
    const tag = isTag(given) ? given : this.#page.messageTag;
    const frame = { recipient: { id: to }, ...(tag === undefined ? { messaging_type: 'RESPONSE' } : { messaging_type: 'MESSAGE_TAG', tag }) };
    return this.#sequences.run(request.idempotencyKey, made.messages, (message) => this.#sendOne(frame, message, signal));
  }

  async sendEphemeral({ type, to = '', messageId, emoji = '', isRemoved }: EphemeralRequest): Promise<void> {
    const recipient = { recipient: { id: to } };
    if (type === 'typing_start') await this.#post({ ...recipient, sender_action: 'typing_on' });
    if (type === 'typing_stop') await this.#post({ ...recipient, sender_action: 'typing_off' });
    if (type === 'read_receipt') await this.#post({ ...recipient, sender_action: 'mark_seen' });
    if (type !== 'reaction' || messageId === undefined) return;
    const action = isRemoved === true ? 'unreact' : 'react';
    await this.#post({ ...recipient, sender_action: action, payload: { message_id: messageId, ...(isRemoved !== true && { reaction: emoji }) } });
  }

  verify(request: WebhookRequest): boolean {
    return verifyGraph(request, this.#page.appSecret);
  }

  handshake(request: WebhookRequest): WebhookReply | undefined {
    return graphHandshake(request, this.#page.verifyToken);
  }

  /** A reader is told of by a time alone: which messages that means is known from what was reported as delivered before. */
  parse({ body }: WebhookRequest): readonly WebhookMeta[] {
    const payload = bodyJson(body);
    return [...parseMessengerWebhook(payload), ...this.#watermarks.statuses(readsOf(payload))];
  }

  /** Meta wants these words; anything else makes it call again. */
  reply(): WebhookReply {
    return { body: 'EVENT_RECEIVED' };
  }

  async #sendOne(
    frame: Readonly<Record<string, unknown>>,
    { message, isUtility, file }: MessengerMessage,
    signal: AbortSignal,
  ): Promise<ProviderResult> {
    const { tag: _tag, ...untagged } = frame;
    const shell = isUtility === true ? { ...untagged, messaging_type: 'UTILITY' } : frame;
    if (file === undefined) return this.#post({ ...shell, message }, signal);
    const uploaded = await this.#upload(file, signal);
    if (!('attachmentId' in uploaded)) return uploaded.failure;
    const attachment = { type: file.kind, payload: { attachment_id: uploaded.attachmentId } };
    return this.#post({ ...shell, message: { ...message, attachment } }, signal);
  }

  /** Bytes get an id at Meta's before they are sent. @see https://developers.facebook.com/docs/messenger-platform/reference/attachment-upload-api */
  async #upload(
    { url, kind, mimeType, filename }: NonNullable<MessengerMessage['file']>,
    signal: AbortSignal,
  ): Promise<{ readonly attachmentId: string } | { readonly failure: ProviderResult }> {
    const data = dataUrlBytes(url);
    if (data === undefined || data.bytes.length === 0) return { failure: MEDIA_NOT_SUPPORTED };
    const form = new FormData();
    form.set('message', JSON.stringify({ attachment: { type: kind, payload: { is_reusable: true } } }));
    form.set('filedata', new Blob([data.bytes], { type: mimeType }), filename ?? 'file');
    const outcome = await this.#graph.upload('me/message_attachments', form, signal);
    if ('failure' in outcome) return { failure: outcome.failure };
    const attachmentId = textOf(fieldsOf(outcome.answer.json)['attachment_id']);
    if (outcome.answer.status >= 200 && outcome.answer.status < 300 && attachmentId !== undefined) return { attachmentId };
    return { failure: graphRefusal(outcome.answer, this.#graph.secrets) };
  }

  async #post(body: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<ProviderResult> {
    const outcome = await this.#graph.post('me/messages', body, signal);
    if ('failure' in outcome) return outcome.failure;
    const { answer } = outcome;
    if (answer.status < 200 || answer.status >= 300) return graphRefusal(answer, this.#graph.secrets);
    const id = textOf(fieldsOf(answer.json)['message_id']);
    return { success: true, ...(id !== undefined && { providerMessageId: id }) };
  }
}
