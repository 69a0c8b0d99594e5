/**
 * SendGrid on loopback: mail out, events of what became of it, and mail in by inbound parse.
 * @see https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
 */
import { createSign, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RecordedRequest } from '../loopback.js';
import { formBody, type FormField } from '../mail/form-body.js';
import type { MailInbox } from '../mail/inbox.js';
import { MailVendorEmulator, type LeavingMail, type MailVendorOptions } from '../mail/mail-vendor.js';
import type { WebhookCall } from '../vendor-emulator.js';
import { checkMail, SendGridRefusal, type MailOrder } from './check-mail.js';

/** What the emulator is started with. */
export interface SendGridEmulatorOptions extends MailVendorOptions {
  /** Default `SG.test-key`. */
  readonly apiKey?: string;
}

/** What becomes of a mail, as reported after it was taken. */
export type SendGridFate = 'delivered' | 'open' | 'bounce' | 'blocked' | 'dropped' | 'deferred';

/**
 * The emulator. Point `baseUrl` of a provider at its `url`, `webhookPublicKey` and `webhookSecret` at its own, and
 * `webhookUrl` at the channel's webhook.
 * @example
 * await using sendgrid = await SendGridEmulator.start({ webhookUrl: 'http://127.0.0.1:4170/webhooks/email' });
 * const ada = sendgrid.inbox('ada@example.org');
 * await ada.write({ subject: 'My parcel', text: 'Where is it?' });
 * await ada.waitForMail('on its way');
 */
export class SendGridEmulator extends MailVendorEmulator<SendGridOutcome> {
  readonly apiKey: string;
  /** The verification key, as the console shows it. */
  readonly webhookPublicKey: string;
  readonly #privateKey: KeyObject;

  private constructor(options: SendGridEmulatorOptions) {
    super(options);
    this.apiKey = options.apiKey ?? 'SG.test-key';
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#privateKey = privateKey;
    this.webhookPublicKey = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  }

  /** Starts one on a free port. */
  static async start(options: SendGridEmulatorOptions = {}): Promise<SendGridEmulator> {
    const emulator = new SendGridEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** What is reported of the next mails to an address; default `delivered`. */
  setFate(address: string, fate: SendGridFate, reason = '550 5.1.1 The email account does not exist'): void {
    this.decide(address, { fate, reason });
  }

  /** Calls the event webhook with these events, signed at `timestamp` (seconds since 1970; default now). */
  async postEvents(events: unknown, timestamp = Math.floor(Date.now() / 1000)): Promise<WebhookCall> {
    const body = JSON.stringify(events);
    const signature = createSign('sha256').update(`${timestamp}${body}`).sign(this.#privateKey, 'base64');
    return this.callWebhook(
      this.webhook(),
      {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'SendGrid Event API',
        'x-twilio-email-event-webhook-signature': signature,
        'x-twilio-email-event-webhook-timestamp': String(timestamp),
      },
      body,
    );
  }

  protected answer(request: RecordedRequest, response: ServerResponse): void {
    try {
      if (request.headers.authorization !== `Bearer ${this.apiKey}`)
        throw new SendGridRefusal(401, 'The provided authorization grant is invalid, expired, or revoked');
      if (new URL(request.path, this.url).pathname !== '/v3/mail/send') throw new SendGridRefusal(404, 'Not Found');
      if (request.method !== 'POST') throw new SendGridRefusal(405, 'method not allowed');
      const order = checkMail(request);
      const id = randomBytes(16).toString('base64url');
      this.#deliver(order, id);
      response.writeHead(202, { 'x-message-id': id, 'content-length': '0' });
      response.end();
    } catch (error) {
      if (!(error instanceof SendGridRefusal)) throw error;
      response.writeHead(error.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ message: error.message, field: error.field, help: null }] }));
    }
  }

  protected failureBody(status: number): unknown {
    return { errors: [{ field: null, message: status === 429 ? 'too many requests' : 'Internal server error' }] };
  }

  /** The person gets it, and the program hears of it step by step. */
  #deliver(order: MailOrder, id: string): void {
    for (const to of order.to.map((address) => address.toLowerCase())) {
      const { fate, reason } = this.fateOf(to, { fate: 'delivered', reason: '' });
      if (fate === 'delivered' || fate === 'open') this.inbox(to).receive(arrived(order));
      if (this.webhookUrl === undefined) continue;
      const event = (name: string, more: Record<string, unknown> = {}): unknown => ({
        email: to,
        timestamp: Math.floor(Date.now() / 1000),
        'smtp-id': order.headers['Message-ID'] ?? `<${id}@geopod-ismtpd-1>`,
        event: name,
        sg_event_id: randomBytes(16).toString('base64url'),
        sg_message_id: `${id}.recvd-69b5f7d5c7-tv5qc-1-63510A49-13.0`,
        ...order.customArgs,
        ...more,
      });
      const batches: unknown[][] =
        fate === 'dropped'
          ? [[event('dropped', { reason: 'Bounced Address', status: '5.0.0' })]]
          : fate === 'bounce' || fate === 'blocked'
            ? [[event('processed')], [event('bounce', { reason, status: '5.1.1', type: fate, bounce_classification: 'Invalid Address' })]]
            : fate === 'deferred'
              ? [[event('processed'), event('deferred', { response: '400 try again later', attempt: '1' })]]
              : [
                  [event('processed'), event('delivered', { response: '250 OK' })],
                  ...(fate === 'open' ? [[event('open', { useragent: 'Mail' })]] : []),
                ];
      this.beside(async () => {
        for (const batch of batches) await this.postEvents(batch);
      });
    }
  }

  /** Somebody wrote: inbound parse posts the mail. */
  protected postMail(mail: LeavingMail): Promise<WebhookCall> {
    const head = { Received: 'by mx0001.sendgrid.net with SMTP id 1', 'MIME-Version': '1.0', ...mail.head };
    const files = mail.attachments ?? [];
    const fields: FormField[] = [
      [
        'headers',
        Object.entries(head)
          .map(([name, value]) => `${name}: ${value.replaceAll('\r\n', '\n')}\n`)
          .join(''),
      ],
      ['dkim', '{@example.org : pass}'],
      ['to', mail.to],
      ...(mail.html === undefined ? [] : [['html', mail.html] as const]),
      ['from', mail.sender],
      ...(mail.text === undefined ? [] : [['text', mail.text] as const]),
      ['sender_ip', '192.0.2.1'],
      ['spam_score', '0.1'],
      ['envelope', JSON.stringify({ to: [mail.to], from: mail.from })],
      ['attachments', String(files.length)],
      ['subject', mail.subject],
      ['charsets', JSON.stringify({ to: 'UTF-8', html: 'UTF-8', subject: 'UTF-8', from: 'UTF-8', text: 'UTF-8' })],
      ['SPF', 'pass'],
      ...(files.length === 0
        ? []
        : [
            [
              'attachment-info',
              JSON.stringify(
                Object.fromEntries(
                  files.map(({ filename, mimeType, cid }, index) => [
                    `attachment${index + 1}`,
                    { filename, name: filename, type: mimeType, ...(cid !== undefined && { 'content-id': cid }) },
                  ]),
                ),
              ),
            ] as const,
          ]),
      ...files.map(
        ({ filename, mimeType, content }, index) =>
          [`attachment${index + 1}`, typeof content === 'string' ? Buffer.from(content) : content, filename, mimeType] as const,
      ),
    ];
    const { body, contentType } = formBody(fields);
    return this.callWebhook(`${this.webhook()}/${this.webhookSecret}`, { 'content-type': contentType, 'user-agent': 'Sendlib/1.0' }, body);
  }
}

/** What becomes of a mail, and why where it does not arrive. */
export interface SendGridOutcome {
  readonly fate: SendGridFate;
  readonly reason: string;
}

function arrived(order: MailOrder): Parameters<MailInbox['receive']>[0] {
  const header = (name: string): string | undefined => Object.entries(order.headers).find(([one]) => one.toLowerCase() === name)?.[1];
  return {
    messageId: header('message-id') ?? `<${randomBytes(12).toString('hex')}@geopod-ismtpd-1>`,
    from: order.from,
    fromName: order.fromName,
    to: order.to,
    subject: order.subject,
    text: order.text,
    html: order.html,
    inReplyTo: header('in-reply-to'),
    references: header('references')?.split(' ') ?? [],
    attachments: order.attachments,
    headers: Object.fromEntries(Object.entries(order.headers).map(([name, value]) => [name.toLowerCase(), value])),
    source: new Uint8Array(),
  };
}
