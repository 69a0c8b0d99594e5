/** Messages to and from any system that takes and makes HTTP calls (providers §7). */
import { createHash } from 'node:crypto';
import { outboundMedia, outboundText } from '../../channels/outbound-text.js';
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import { RoomKitError } from '../../core/errors.js';
import type { EventContent } from '../../core/models/content.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { HttpClient, type HttpAnswer } from '../_shared/http/client.js';
import { EMPTY_MESSAGE, refusal } from '../_shared/http/failure.js';
import { bodyJson, fieldsOf, textOf } from '../_shared/http/reading.js';
import { webhookTarget, type WebhookHTTPConfig, type WebhookTarget } from './config.js';
import { documentOf } from './documents.js';
import { checkedTarget, fetchAt } from './guarded-post.js';
import { signatureHeaders, verifyRoomkitSignature } from './signature.js';
import { parseHttpWebhook } from './webhook.js';

const FEATURE = 'WebhookHTTPProvider';

/**
 * Posts each message as a signed JSON document, and reads signed documents that are posted to the channel's webhook.
 * @example new HTTPChannel('crm', { provider: new WebhookHTTPProvider({ webhookUrl: 'https://crm.example/messages', secret }) })
 */
export class WebhookHTTPProvider implements TransportProvider, WebhookProvider {
  readonly name = 'http';
  readonly supportsIdempotencyKey = true;
  readonly #target: WebhookTarget;
  readonly #fetch: typeof fetch | undefined;

  constructor(config: WebhookHTTPConfig) {
    this.#target = webhookTarget(FEATURE, config);
    this.#fetch = config.fetch;
  }

  /** Without a secret nobody can be told from anybody. */
  get webhookNeeds(): readonly string[] {
    return this.#target.secret === undefined ? ['secret'] : [];
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { url, secret, headers, timeoutSeconds, allowPrivate, clock } = this.#target;
    if (isEmpty(request.content)) return EMPTY_MESSAGE;
    const body = JSON.stringify(documentFor(request));
    let client: HttpClient;
    try {
      client = new HttpClient({ timeoutSeconds, fetch: this.#fetch ?? fetchAt(await checkedTarget(url, { allowPrivate })) });
    } catch (error) {
      return refusedTarget(error);
    }
    const outcome = await client.call({
      method: 'POST',
      url: url.href,
      headers: {
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()])),
        'content-type': 'application/json',
        'idempotency-key': request.idempotencyKey,
        ...(secret !== undefined && signatureHeaders(body, secret, clock.now())),
      },
      body,
      signal: request.signal,
    });
    return 'failure' in outcome ? outcome.failure : this.#resultOf(outcome.answer);
  }

  verify({ headers, body, receivedAt }: WebhookRequest): boolean {
    const { secret, toleranceSeconds, takesUntimed } = this.#target;
    return secret !== undefined && verifyRoomkitSignature(body, headers, secret, { toleranceSeconds, takesUntimed, now: receivedAt });
  }

  /** What has no `external_id` is told apart by the caller's `Idempotency-Key`, else by its signed time and its bytes. */
  parse({ headers, body }: WebhookRequest): readonly WebhookMeta[] {
    const bytes = createHash('sha256')
      .update(headers.get('x-roomkit-timestamp') ?? '')
      .update(body)
      .digest('hex');
    return parseHttpWebhook(bodyJson(body), headers.get('idempotency-key') ?? bytes);
  }

  #resultOf(answer: HttpAnswer): ProviderResult {
    const fields = fieldsOf(answer.json);
    if (answer.status >= 200 && answer.status < 300) {
      const id = textOf(fields['message_id']);
      return { success: true, ...(id !== undefined && { providerMessageId: id }) };
    }
    const message = textOf(fieldsOf(fields['error'])['message']) ?? textOf(fields['message']) ?? textOf(fields['error']) ?? textOf(fields['detail']);
    const { secret, headers } = this.#target;
    return refusal(answer, { message }, [
      ...(secret === undefined ? [] : [secret.reveal()]),
      ...Object.values(headers).map((value) => value.reveal()),
    ]);
  }
}

function isEmpty(content: EventContent): boolean {
  return (content.type === 'text' || content.type === 'composite') && outboundText(content) === undefined && outboundMedia(content).length === 0;
}

function documentFor({ to, event, content, binding, part }: TransportRequest): unknown {
  return {
    recipient_id: to,
    channel_id: binding.channelId,
    room_id: event.roomId,
    event_id: event.id,
    content: documentOf(content),
    metadata: event.metadata,
    ...(part !== undefined && { part }),
  };
}

/** The address is not one that may be posted to, or nobody knows it. Its words name the host and no more. */
function refusedTarget(error: unknown): ProviderResult {
  if (!(error instanceof RoomKitError)) throw error;
  const code = error.retryable ? 'network_error' : 'webhook_url_refused';
  return { success: false, error: code, retryable: error.retryable, metadata: { message: error.message } };
}
