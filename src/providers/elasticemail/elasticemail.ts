/** Mail over Elastic Email's interface, version 4. @see https://elasticemail.com/developers/api-documentation/rest-api */
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { HttpClient, type HttpAnswer } from '../_shared/http/client.js';
import { refusal } from '../_shared/http/failure.js';
import { fieldsOf, textOf } from '../_shared/http/reading.js';
import { composeMail, type OutgoingMail } from '../_shared/mail/compose.js';
import { hasPathSecret } from '../_shared/mail/path-secret.js';
import { elasticEmailAccount, type ElasticEmailAccount, type ElasticEmailConfig } from './config.js';
import { elasticEmailFields, parseElasticEmailWebhook } from './webhook.js';

const FEATURE = 'ElasticEmailProvider';

/**
 * Sends mail over Elastic Email, and reads its webhooks: mails that came in (inbound routes), and what became of those sent.
 * @example new EmailChannel('email', { provider: new ElasticEmailProvider({ apiKey, webhookSecret, fromAddress: 'desk@shop.example' }) })
 */
export class ElasticEmailProvider implements TransportProvider, WebhookProvider {
  readonly name = 'elasticemail';
  /** Inbound routes post mails with their files. */
  readonly maxBodyBytes = 32 * 1024 * 1024;
  readonly webhookPaths = ['/{webhookSecret}'];
  readonly #account: ElasticEmailAccount;
  readonly #http: HttpClient;

  constructor(config: ElasticEmailConfig) {
    this.#account = elasticEmailAccount(FEATURE, config);
    this.#http = new HttpClient({ fetch: config.fetch, timeoutSeconds: this.#account.timeoutSeconds });
  }

  get webhookNeeds(): readonly string[] {
    return this.#account.webhookSecret === undefined ? ['webhookSecret'] : [];
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { apiKey, baseUrl, mail: settings } = this.#account;
    const mail = await composeMail(request, settings);
    if ('success' in mail) return mail;
    const outcome = await this.#http.call({
      method: 'POST',
      url: `${baseUrl}/v4/emails/transactional`,
      headers: { 'x-elasticemail-apikey': apiKey.reveal(), 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(mail, request.event.id)),
      signal: request.signal,
    });
    if ('failure' in outcome) return outcome.failure;
    const { answer } = outcome;
    if (answer.status < 200 || answer.status >= 300) return refused(answer, apiKey.reveal());
    const fields = fieldsOf(answer.json);
    const transaction = textOf(fields['TransactionID']);
    // Events name both; the message's own comes first. What was taken without an id is sent all the same.
    const id = textOf(fields['MessageID']) ?? transaction;
    return {
      success: true,
      ...(id !== undefined && { providerMessageId: id }),
      metadata: { message_id: mail.messageId, ...(transaction !== undefined && { transaction_id: transaction }) },
    };
  }

  verify(request: WebhookRequest): boolean {
    return hasPathSecret(request.url, this.#account.webhookSecret);
  }

  parse(request: WebhookRequest): readonly WebhookMeta[] {
    return parseElasticEmailWebhook(elasticEmailFields(request));
  }
}

function bodyOf(mail: OutgoingMail, eventId: string): unknown {
  const { from, to, subject, text, html, attachments, messageId, inReplyTo, references, headers } = mail;
  return {
    Recipients: { To: [to] },
    Content: {
      From: from.name === undefined ? from.address : `${quoted(from.name)} <${from.address}>`,
      Subject: subject,
      Body: [
        ...(html === undefined ? [] : [{ ContentType: 'HTML', Content: html, Charset: 'utf-8' }]),
        { ContentType: 'PlainText', Content: text === '' ? ' ' : text, Charset: 'utf-8' },
      ],
      Headers: {
        ...headers,
        'Message-ID': messageId,
        ...(inReplyTo !== undefined && { 'In-Reply-To': inReplyTo }),
        ...(references.length > 0 && { References: references.join(' ') }),
      },
      Postback: eventId,
      ...(attachments.length > 0 && {
        Attachments: attachments.map(({ filename, mimeType, bytes }) => ({
          BinaryContent: Buffer.from(bytes).toString('base64'),
          Name: filename,
          ContentType: mimeType,
        })),
      }),
    },
  };
}

function quoted(name: string): string {
  return /^[\w .-]*$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`;
}

/** Everything that is wrong with a request is a 400 here; a wrong key, too: only the words tell. */
function refused(answer: HttpAnswer, secret: string): ProviderResult {
  const message = textOf(fieldsOf(answer.json)['Error']);
  const isAuth = message !== undefined && /api ?key|access denied|unauthori[sz]ed/i.test(message);
  // Limits of the account's plan.
  const isQuota = answer.status === 412 || (message !== undefined && /not enough credits|billing plan|sending limit/i.test(message));
  const code = isAuth ? 'auth_error' : isQuota ? 'quota_exceeded' : message === undefined ? undefined : `elasticemail_${answer.status}`;
  return refusal(answer, { code, message, ...((isAuth || isQuota) && { retryable: false }) }, [secret]);
}
