/** Sinch's SMS API on loopback, with its callbacks: batches in and out, media, delivery reports, signatures. @see https://developers.sinch.com/docs/sms/api-reference/ */
import { createHmac, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RecordedRequest } from '../loopback.js';
import { Phone, type WrittenMessage } from '../phone.js';
import { VendorEmulator, type VendorEmulatorOptions, type WebhookCall } from '../vendor-emulator.js';
import { checkBatch, SinchRefusal, type BatchOrder } from './check-batch.js';

/** What the emulator is started with. */
export interface SinchEmulatorOptions extends VendorEmulatorOptions {
  /** Default `plan-test`. */
  readonly servicePlanId?: string;
  /** Default `token-test`. */
  readonly apiToken?: string;
  /** Default `secret-test`. */
  readonly webhookSecret?: string;
  /** Default `hmac_sha256`. */
  readonly signatureScheme?: 'hmac_sha256' | 'hmac_sha1';
  /** The numbers of the plan. Default one, `+15550100`. */
  readonly numbers?: readonly string[];
}

/** What becomes of a message, as reported after it was taken. */
export type SinchFate = 'Delivered' | 'Failed' | 'Rejected' | 'Expired' | 'Aborted' | 'Unknown';

/**
 * The emulator. Point `baseUrl` of a provider at its `url`, and `webhookUrl` at the channel's webhook.
 * @example
 * await using sinch = await SinchEmulator.start({ webhookUrl: 'http://127.0.0.1:4170/webhooks/sms' });
 * await sinch.phone('+15550123').sendSms('Is my parcel on its way?');
 */
export class SinchEmulator extends VendorEmulator {
  readonly servicePlanId: string;
  readonly apiToken: string;
  readonly webhookSecret: string;
  readonly numbers: readonly string[];
  readonly #scheme: 'hmac_sha256' | 'hmac_sha1';
  readonly #phones = new Map<string, Phone>();
  readonly #fates = new Map<string, { status: SinchFate; code: number }>();
  readonly #lastFrom = new Map<string, string>();
  readonly #batches: Readonly<Record<string, unknown>>[] = [];

  private constructor(options: SinchEmulatorOptions) {
    super(options);
    this.servicePlanId = options.servicePlanId ?? 'plan-test';
    this.apiToken = options.apiToken ?? 'token-test';
    this.webhookSecret = options.webhookSecret ?? 'secret-test';
    this.numbers = options.numbers ?? ['+15550100'];
    this.#scheme = options.signatureScheme ?? 'hmac_sha256';
  }

  /** Starts one on a free port. */
  static async start(options: SinchEmulatorOptions = {}): Promise<SinchEmulator> {
    const emulator = new SinchEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** The phone with this number; made when first asked for. */
  phone(number: string): Phone {
    let phone = this.#phones.get(number);
    if (phone === undefined) {
      phone = new Phone(number, (message, writer) => this.#written(message, writer));
      this.#phones.set(number, phone);
    }
    return phone;
  }

  /** What is reported of the next messages to a number; default `Delivered`. With a failure comes a code, such as 402. */
  setFate(number: string, status: SinchFate, code = 400): void {
    this.#fates.set(number, { status, code });
  }

  protected answer(request: RecordedRequest, response: ServerResponse): void {
    try {
      const { pathname, searchParams } = new URL(request.path, this.url);
      if (request.headers.authorization !== `Bearer ${this.apiToken}`) throw new SinchRefusal(401, 'unauthorized', 'The token is not valid.');
      if (pathname !== `/xms/v1/${this.servicePlanId}/batches`) throw new SinchRefusal(404, 'not_found', 'The resource could not be found.');
      if (request.method === 'GET') return this.#list(searchParams, response);
      if (request.method !== 'POST') throw new SinchRefusal(405, 'method_not_allowed', 'Method not allowed.');
      const order = checkBatch(request, this.numbers);
      const id = `01${randomBytes(12).toString('hex').toUpperCase()}`;
      const batch = { ...(request.body as object), id, canceled: false, created_at: new Date().toISOString(), modified_at: new Date().toISOString() };
      this.#batches.unshift(batch);
      send(response, 201, batch);
      for (const to of order.to) this.#deliver(order, id, to);
    } catch (error) {
      if (!(error instanceof SinchRefusal)) throw error;
      // Sinch says nothing more to whom it does not know.
      send(response, error.status, error.status === 401 ? undefined : { code: error.code, text: error.message });
    }
  }

  protected failureBody(status: number): unknown {
    return status < 500 && status !== 429 ? { code: 'syntax_constraint_violation', text: 'The request is not valid.' } : '';
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const reference = query.get('client_reference');
    const size = Number(query.get('page_size') ?? 30);
    const found = this.#batches.filter((batch) => reference === null || batch['client_reference'] === reference);
    send(response, 200, { count: found.length, page: 0, page_size: size, batches: found.slice(0, size) });
  }

  #deliver(order: BatchOrder, id: string, to: string): void {
    const fate: { status: SinchFate; code: number } = this.#fates.get(to) ?? { status: 'Delivered', code: 0 };
    if (fate.status === 'Delivered' || fate.status === 'Unknown') {
      this.phone(to).receive({ from: order.from, text: order.text, mediaUrls: order.mediaUrls, id });
      this.#lastFrom.set(to, order.from);
    }
    const url = order.callbackUrl ?? this.webhookUrl;
    if (url === undefined || order.report === 'none') return;
    const type = `recipient_delivery_report_${order.mediaUrls.length > 0 ? 'mms' : 'sms'}`;
    this.beside(async () => {
      for (const [status, code] of [
        ['Queued', 400],
        ['Dispatched', 401],
        [fate.status, fate.code],
      ] as const)
        await this.#post(url, {
          at: new Date().toISOString(),
          batch_id: id,
          ...(order.reference !== undefined && { client_reference: order.reference }),
          code,
          recipient: to.replace(/^\+/, ''),
          status,
          type,
        });
    });
  }

  /** Somebody wrote on a phone: Sinch calls the webhook. */
  async #written({ text, to, media = [] }: WrittenMessage, phone: Phone): Promise<{ status: number }> {
    if (this.webhookUrl === undefined) throw new Error('The emulator has no webhook to call. Start it with { webhookUrl }, or set it.');
    const number = to ?? this.#lastFrom.get(phone.number) ?? this.numbers[0] ?? '';
    const files = media.map(({ url, mimeType }) => ({ url, content_type: mimeType, status: 'Uploaded', code: 0 }));
    return this.#post(this.webhookUrl, {
      id: `01${randomBytes(12).toString('hex').toUpperCase()}`,
      from: phone.number.replace(/^\+/, ''),
      to: number.replace(/^\+/, ''),
      operator_id: '35000',
      received_at: new Date().toISOString(),
      ...(files.length === 0 ? { type: 'mo_text', body: text } : { type: 'mo_media', body: { message: text, media: files } }),
    });
  }

  #post(url: string, payload: Readonly<Record<string, unknown>>): Promise<WebhookCall> {
    const body = JSON.stringify(payload);
    return this.callWebhook(url, { 'content-type': 'application/json', ...this.#signature(body) }, body);
  }

  #signature(body: string): Readonly<Record<string, string>> {
    if (this.#scheme === 'hmac_sha1') return { 'x-sinch-signature': createHmac('sha1', this.webhookSecret).update(body).digest('base64') };
    const nonce = randomBytes(13).toString('hex').toUpperCase();
    const timestamp = String(Math.floor(Date.now() / 1000));
    return {
      'x-sinch-webhook-signature': createHmac('sha256', this.webhookSecret).update(`${body}.${nonce}.${timestamp}`).digest('base64'),
      'x-sinch-webhook-signature-nonce': nonce,
      'x-sinch-webhook-signature-timestamp': timestamp,
      'x-sinch-webhook-signature-algorithm': 'HmacSHA256',
    };
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? '' : JSON.stringify(body));
}
