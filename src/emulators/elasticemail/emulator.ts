/**
 * Elastic Email on loopback, version 4: mail out, events of what became of it, and mail in by an inbound route.
 * @see https://elasticemail.com/developers/api-documentation/rest-api
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RecordedRequest } from '../loopback.js';
import type { ArrivedMail } from '../mail/inbox.js';
import { MailVendorEmulator, type LeavingMail, type MailVendorOptions } from '../mail/mail-vendor.js';
import type { WebhookCall } from '../vendor-emulator.js';

/** What the emulator is started with. */
export interface ElasticEmailEmulatorOptions extends MailVendorOptions {
  /** Default `test-key`. */
  readonly apiKey?: string;
}

/** What becomes of a mail, as reported after it was taken. */
export type ElasticEmailFate = 'Sent' | 'Opened' | 'Error';

/**
 * The emulator. Point `baseUrl` of a provider at its `url`, and `webhookUrl` at the channel's webhook, without the secret.
 * @example
 * await using elastic = await ElasticEmailEmulator.start({ webhookUrl: 'http://127.0.0.1:4170/webhooks/email' });
 * await elastic.inbox('ada@example.org').write({ subject: 'My parcel', text: 'Where is it?' });
 */
export class ElasticEmailEmulator extends MailVendorEmulator<ElasticEmailOutcome> {
  readonly apiKey: string;

  private constructor(options: ElasticEmailEmulatorOptions) {
    super(options);
    this.apiKey = options.apiKey ?? 'test-key';
  }

  /** Starts one on a free port. */
  static async start(options: ElasticEmailEmulatorOptions = {}): Promise<ElasticEmailEmulator> {
    const emulator = new ElasticEmailEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** What is reported of the next mails to an address; default `Sent`. */
  setFate(address: string, fate: ElasticEmailFate, category = 'NoMailbox'): void {
    this.decide(address, { fate, category });
  }

  /** What the vendor does when a webhook is saved: a call that must be answered with 2xx. Resolves with the status. */
  async testWebhook(): Promise<number> {
    return this.#event({ status: 'Sent', to: 'test@test.com', messageid: 'abc1234', transaction: 'abc123' });
  }

  protected answer(request: RecordedRequest, response: ServerResponse): void {
    try {
      if (request.headers['x-elasticemail-apikey'] !== this.apiKey) throw new Refusal(400, 'APIKey Expired');
      if (new URL(request.path, this.url).pathname !== '/v4/emails/transactional' || request.method !== 'POST')
        throw new Refusal(404, 'Endpoint not found.');
      const ids = { TransactionID: randomUUID(), MessageID: randomBytes(12).toString('base64url') };
      this.#deliver(request.body, ids);
      respond(response, 200, ids);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      respond(response, error.status, { Error: error.message });
    }
  }

  protected failureBody(status: number): unknown {
    return { Error: status === 429 ? 'Too many requests.' : 'Unknown error' };
  }

  #deliver(body: unknown, ids: { readonly TransactionID: string; readonly MessageID: string }): void {
    const order = objectOf(body);
    const content = objectOf(order['Content']);
    const recipients = arrayOf(objectOf(order['Recipients'])['To']).map(String);
    if (recipients.length === 0) throw new Refusal(400, 'Recipients are required.');
    if (recipients.length > 50) throw new Refusal(413, 'You cannot provide more than 50 transactional recipients');
    for (const recipient of recipients) if (!isAddress(recipient)) throw new Refusal(400, `Invalid email address: ${recipient}`);
    const [, name = '', named, bare] = /^(?:(.*?) ?<([^<>\s]+)>|([^<>\s]+))$/.exec(stringOf(content['From'])) ?? [];
    const from = named ?? bare ?? '';
    if (!isAddress(from)) throw new Refusal(400, 'From email address is invalid.');
    const parts = arrayOf(content['Body']).map(objectOf);
    if (parts.length === 0) throw new Refusal(400, 'Body is required.');
    for (const { ContentType, Content } of parts) {
      if (!['HTML', 'PlainText', 'AMP', 'CSS'].includes(stringOf(ContentType))) throw new Refusal(400, 'Invalid ContentType.');
      if (stringOf(Content) === '') throw new Refusal(400, 'Content is required.');
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(objectOf(content['Headers']))) headers[name.toLowerCase()] = stringOf(value);
    const of = (type: string): string | undefined =>
      parts.map((part) => (part['ContentType'] === type ? stringOf(part['Content']) : '')).find(Boolean);
    const attachments = arrayOf(content['Attachments']).map(objectOf);
    for (const { BinaryContent, Name } of attachments)
      if (stringOf(BinaryContent) === '' || stringOf(Name) === '' || stringOf(BinaryContent).startsWith('data:'))
        throw new Refusal(400, 'Invalid attachment.');
    const mail: ArrivedMail = {
      messageId: headers['message-id'] ?? `<${ids.MessageID}@elasticemail.com>`,
      from,
      fromName: name.replace(/^"(.*)"$/, '$1').replace(/\\(.)/g, '$1'),
      to: recipients,
      subject: stringOf(content['Subject']),
      text: of('PlainText') ?? '',
      html: of('HTML'),
      inReplyTo: headers['in-reply-to'],
      references: headers['references']?.split(' ') ?? [],
      attachments: attachments.map((one) => ({
        filename: stringOf(one['Name']),
        mimeType: stringOf(one['ContentType']),
        content: new Uint8Array(Buffer.from(stringOf(one['BinaryContent']), 'base64')),
      })),
      headers,
      source: new Uint8Array(),
    };
    for (const to of recipients.map((one) => one.toLowerCase())) {
      const { fate, category } = this.fateOf(to, { fate: 'Sent', category: '' });
      if (fate !== 'Error') this.inbox(to).receive(mail);
      if (this.webhookUrl === undefined) continue;
      const event = {
        from: mail.from,
        to,
        subject: mail.subject,
        transaction: ids.TransactionID,
        messageid: ids.MessageID,
        postback: stringOf(content['Postback']),
      };
      this.beside(async () => {
        if (fate === 'Error') await this.#event({ ...event, status: 'Error', category });
        else await this.#event({ ...event, status: 'Sent' });
        if (fate === 'Opened') await this.#event({ ...event, status: 'Opened', Useragent: 'Mail', IP: '192.0.2.1' });
      });
    }
  }

  /** Events are the query of a GET. */
  async #event(fields: Readonly<Record<string, string>>): Promise<number> {
    const query = new URLSearchParams({ date: '11/26/2026 12:00:00 PM', account: this.address, channel: 'HTTP API', ...fields });
    return (await this.callWebhook(`${this.#address()}?${query.toString()}`, { 'user-agent': 'ElasticEmail' }, '', 'GET')).status;
  }

  /** Somebody wrote: the inbound route posts the mail as the fields of a form. */
  protected postMail(mail: LeavingMail): Promise<WebhookCall> {
    const form = new URLSearchParams({
      from_email: mail.from,
      from_name: mail.name ?? '',
      env_from: mail.from,
      env_to_list: mail.to,
      to_list: mail.to,
      header_list: Object.entries(mail.head)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\r\n'),
      subject: mail.subject,
      body_text: mail.text ?? '',
      body_html: mail.html ?? '',
    });
    (mail.attachments ?? []).forEach(({ filename, content }, index) => {
      form.set(`att${index + 1}_name`, filename);
      form.set(`att${index + 1}_content`, Buffer.from(content).toString('base64'));
    });
    return this.callWebhook(this.#address(), { 'content-type': 'application/x-www-form-urlencoded' }, form.toString());
  }

  #address(): string {
    return `${this.webhook()}/${this.webhookSecret}`;
  }
}

/** What becomes of a mail, and why where it does not arrive. */
export interface ElasticEmailOutcome {
  readonly fate: ElasticEmailFate;
  readonly category: string;
}

/** A refusal in Elastic Email's words. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function isAddress(text: string): boolean {
  return /^[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+$/.test(text);
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
