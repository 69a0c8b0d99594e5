/** Mail over SendGrid's v3 interface. @see https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send */
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { HttpClient, type HttpAnswer } from '../_shared/http/client.js';
import { refusal } from '../_shared/http/failure.js';
import { fieldsOf, listOf, numberOf, textOf } from '../_shared/http/reading.js';
import { composeMail, type OutgoingMail } from '../_shared/mail/compose.js';
import { sendGridAccount, type SendGridAccount, type SendGridConfig } from './config.js';
import { isInbound, parseSendGridWebhook, verifySendGrid } from './webhook.js';

const FEATURE = 'SendGridProvider';

/**
 * Sends mail over SendGrid, and reads its webhooks: mails that came in (inbound parse), and what became of those sent.
 * @example new EmailChannel('email', { provider: new SendGridProvider({ apiKey, fromAddress: 'desk@shop.example' }) })
 */
export class SendGridProvider implements TransportProvider, WebhookProvider {
  readonly name = 'sendgrid';
  /** Inbound parse takes mails of up to 30 MB and posts them with their files. */
  readonly maxBodyBytes = 32 * 1024 * 1024;
  /** Events, and mails that came in. */
  readonly webhookPaths = ['', '/{webhookSecret}'];
  readonly #account: SendGridAccount;
  readonly #http: HttpClient;

  constructor(config: SendGridConfig) {
    this.#account = sendGridAccount(FEATURE, config);
    this.#http = new HttpClient({ fetch: config.fetch, timeoutSeconds: this.#account.timeoutSeconds });
  }

  /** Either alone will do: what cannot be verified is refused. */
  get webhookNeeds(): readonly string[] {
    const { publicKey, webhookSecret } = this.#account;
    return publicKey === undefined && webhookSecret === undefined ? ['webhookPublicKey', 'webhookSecret'] : [];
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { apiKey, baseUrl, mail: settings } = this.#account;
    const mail = await composeMail(request, settings);
    if ('success' in mail) return mail;
    const outcome = await this.#http.call({
      method: 'POST',
      url: `${baseUrl}/v3/mail/send`,
      headers: { authorization: `Bearer ${apiKey.reveal()}`, 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(mail, request.event.id)),
      signal: request.signal,
    });
    if ('failure' in outcome) return outcome.failure;
    const { answer } = outcome;
    if (answer.status < 200 || answer.status >= 300) return refused(answer, apiKey.reveal());
    const id = answer.headers.get('x-message-id');
    // What was taken without an id is sent all the same: another attempt would double it.
    return { success: true, ...(id !== null && id !== '' && { providerMessageId: id }), metadata: { message_id: mail.messageId } };
  }

  verify(request: WebhookRequest): boolean {
    return verifySendGrid(request, this.#account.publicKey, this.#account.webhookSecret);
  }

  parse(request: WebhookRequest): readonly WebhookMeta[] {
    return parseSendGridWebhook(request.body, isInbound(request) ? (request.headers.get('content-type') ?? '') : 'application/json');
  }
}

function bodyOf(mail: OutgoingMail, eventId: string): unknown {
  const { from, to, subject, text, html, attachments, messageId, inReplyTo, references, headers } = mail;
  return {
    personalizations: [{ to: [{ email: to }], custom_args: { event_id: eventId } }],
    from: { email: from.address, ...(from.name !== undefined && { name: from.name }) },
    subject,
    // Text comes first, and none may be empty.
    content: [{ type: 'text/plain', value: text === '' ? ' ' : text }, ...(html === undefined ? [] : [{ type: 'text/html', value: html }])],
    headers: {
      ...headers,
      'Message-ID': messageId,
      ...(inReplyTo !== undefined && { 'In-Reply-To': inReplyTo }),
      ...(references.length > 0 && { References: references.join(' ') }),
    },
    ...(attachments.length > 0 && {
      attachments: attachments.map(({ filename, mimeType, bytes }) => ({
        content: Buffer.from(bytes).toString('base64'),
        filename,
        type: mimeType,
        disposition: 'attachment',
      })),
    }),
  };
}

/** The vendor names what is wrong in words; a limit says when it begins anew. */
function refused(answer: HttpAnswer, secret: string): ProviderResult {
  const [first] = listOf(fieldsOf(answer.json)['errors']).map(fieldsOf);
  const field = textOf(first?.['field']);
  const message = textOf(first?.['message']);
  const resetAt = answer.status === 429 ? numberOf(answer.headers.get('x-ratelimit-reset')) : undefined;
  const now = Date.parse(answer.headers.get('date') ?? '') || Date.now();
  return refusal(
    answer,
    {
      ...(message !== undefined && { code: `sendgrid_${answer.status}`, message: field === undefined ? message : `${field}: ${message}` }),
      ...(resetAt !== undefined && answer.headers.get('retry-after') === null && { retryAfterSeconds: Math.max(0, Math.ceil(resetAt - now / 1000)) }),
    },
    [secret],
  );
}
