/**
 * Twilio's Messages resource on loopback, with its webhooks: text messages in and out, media, statuses, signatures.
 * @see https://www.twilio.com/docs/messaging/api/message-resource
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RecordedRequest } from '../loopback.js';
import { OptOuts } from '../opt-outs.js';
import { Phone, type WrittenMessage } from '../phone.js';
import { VendorEmulator, type VendorEmulatorOptions, type WebhookCall } from '../vendor-emulator.js';
import { TWILIO_WORDS } from './opt-out-words.js';
import { templateOf, type Template } from './content.js';
import { signatureHeaders, type TwilioSharedKey } from './signature.js';
import { TwilioRefusal, checkMessage, type MessageOrder } from './check-message.js';

/** What the emulator is started with. */
export interface TwilioEmulatorOptions extends VendorEmulatorOptions {
  /** Default {@link TWILIO_TEST_ACCOUNT}. */
  readonly accountSid?: string;
  /** Default `test-token`. */
  readonly authToken?: string;
  /** The numbers of the account. Default one, `+15550100`. */
  readonly numbers?: readonly string[];
  /** Messaging services of the account, each with its number. */
  readonly messagingServices?: Readonly<Record<string, string>>;
  /** The RCS sender in the pools of its messaging services. Default none: everything goes as SMS and MMS. */
  readonly rcsSender?: string;
  /** Signs calls in place of the token, as a Webhooks Rule of the account would have it. Default: the token signs. */
  readonly sharedKey?: TwilioSharedKey;
}

/** The account the emulator knows, unless told otherwise. */
export const TWILIO_TEST_ACCOUNT = `AC${'0'.repeat(32)}`;

/** What becomes of a message, as reported after it was taken. */
export type TwilioFate = 'delivered' | 'undelivered' | 'failed' | 'sent' | 'read';

/**
 * The emulator. Point `baseUrl` of a provider at its `url`, and `webhookUrl` at the channel's webhook.
 * @example
 * await using twilio = await TwilioEmulator.start({ webhookUrl: 'http://127.0.0.1:4170/webhooks/sms' });
 * const phone = twilio.phone('+15550123');
 * await phone.sendSms('Is my parcel on its way?');
 * await phone.waitForSms('on its way');
 */
export class TwilioEmulator extends VendorEmulator {
  readonly accountSid: string;
  readonly authToken: string;
  readonly numbers: readonly string[];
  readonly #services: Readonly<Record<string, string>>;
  readonly #phones = new Map<string, Phone>();
  readonly #optOuts = new OptOuts(TWILIO_WORDS);
  readonly #messages = new Map<string, Record<string, unknown>>();
  readonly #sharedKey: TwilioSharedKey | undefined;
  readonly #rcsSender: string | undefined;
  readonly #withoutRcs = new Set<string>();
  readonly #templates = new Map<string, Template>();
  readonly #fates = new Map<string, { status: TwilioFate; errorCode?: string }>();
  readonly #lastFrom = new Map<string, string>();

  private constructor(options: TwilioEmulatorOptions) {
    super(options);
    this.accountSid = options.accountSid ?? TWILIO_TEST_ACCOUNT;
    this.authToken = options.authToken ?? 'test-token';
    this.numbers = options.numbers ?? ['+15550100'];
    this.#services = options.messagingServices ?? {};
    this.#sharedKey = options.sharedKey;
    this.#rcsSender = options.rcsSender;
  }

  /** Starts one on a free port. */
  static async start(options: TwilioEmulatorOptions = {}): Promise<TwilioEmulator> {
    const emulator = new TwilioEmulator(options);
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

  /** What is reported of the next messages to a number; default `delivered`. With `undelivered` and `failed` comes a code, such as `30003`. */
  setFate(number: string, status: TwilioFate, errorCode?: string): void {
    this.#fates.set(number, { status, ...(errorCode !== undefined && { errorCode }) });
  }

  /** A phone that has no RCS: it gets SMS and MMS, or nothing. */
  withoutRcs(number: string): void {
    this.#withoutRcs.add(number);
  }

  protected answer(request: RecordedRequest, response: ServerResponse): void {
    try {
      const { pathname } = new URL(request.path, this.url);
      if (!this.#isAuthentic(request.headers.authorization)) throw new TwilioRefusal(401, 20003, 'Authenticate');
      if (pathname === '/v1/Content' && request.method === 'POST') {
        const template = templateOf(request, this.accountSid);
        this.#templates.set(template.sid, template);
        send(response, 201, template.resource);
        return;
      }
      const messages = `/2010-04-01/Accounts/${this.accountSid}/Messages`;
      if (pathname !== `${messages}.json`) {
        const known = this.#messages.get(pathname.slice(messages.length + 1, -'.json'.length));
        if (known === undefined) throw new TwilioRefusal(404, 20404, `The requested resource ${pathname} was not found`);
        if (request.method !== 'GET') throw new TwilioRefusal(405, 20004, 'Method not allowed');
        send(response, 200, known);
        return;
      }
      if (request.method !== 'POST') throw new TwilioRefusal(405, 20004, 'Method not allowed');
      const order = checkMessage(request, {
        numbers: this.numbers,
        services: this.#services,
        hasTemplate: (sid) => this.#templates.has(sid),
        hasOptedOut: (number, phone) => this.#optOuts.has(number, phone),
      });
      const sid = `${order.mediaUrls.length > 0 ? 'MM' : 'SM'}${randomBytes(16).toString('hex')}`;
      const resource = this.#resource(order, sid);
      this.#messages.set(sid, resource);
      send(response, 201, resource);
      this.#deliver(order, sid);
    } catch (error) {
      if (!(error instanceof TwilioRefusal)) throw error;
      send(response, error.status, this.#problem(error.status, error.code, error.message));
    }
  }

  protected failureBody(status: number): unknown {
    return status === 429 ? this.#problem(429, 20429, 'Too Many Requests') : this.#problem(status, 20500, 'Internal Server Error');
  }

  #isAuthentic(header: string | undefined): boolean {
    return header === `Basic ${Buffer.from(`${this.accountSid}:${this.authToken}`).toString('base64')}`;
  }

  #problem(status: number, code: number, message: string): unknown {
    return { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status };
  }

  #resource(order: MessageOrder, sid: string): Record<string, unknown> {
    return {
      account_sid: this.accountSid,
      api_version: '2010-04-01',
      body: order.body,
      date_created: new Date().toUTCString(),
      date_sent: null,
      direction: 'outbound-api',
      error_code: null,
      error_message: null,
      from: order.from,
      messaging_service_sid: order.serviceSid ?? null,
      num_media: String(order.mediaUrls.length),
      num_segments: '1',
      price: null,
      price_unit: 'USD',
      sid,
      status: order.serviceSid === undefined ? 'queued' : 'accepted',
      to: order.to,
      uri: `/2010-04-01/Accounts/${this.accountSid}/Messages/${sid}.json`,
    };
  }

  /** The phone gets it, and the program hears of it step by step. */
  #deliver(order: MessageOrder, sid: string): void {
    let fate: { status: TwilioFate; errorCode?: string } = this.#fates.get(order.to) ?? { status: 'delivered' };
    const hasRcs = this.#rcsSender !== undefined && order.serviceSid !== undefined && !this.#withoutRcs.has(order.to);
    if (order.isOnlyRcs && !hasRcs) fate = { status: 'failed', errorCode: '63106' };
    const template = order.contentSid === undefined ? undefined : this.#templates.get(order.contentSid);
    const number = order.from ?? this.numbers[0] ?? '';
    const from = hasRcs ? (this.#rcsSender ?? number) : number;
    if (fate.status !== 'failed' && fate.status !== 'undelivered') {
      const shown =
        template === undefined
          ? { text: order.body, mediaUrls: order.mediaUrls }
          : hasRcs
            ? template.rich
            : { text: template.words ?? '', mediaUrls: [] };
      this.phone(order.to).receive({ from, id: sid, ...shown });
      this.#lastFrom.set(order.to, from);
    }
    const url = order.statusCallback ?? this.webhookUrl;
    this.#messages.set(sid, {
      ...this.#messages.get(sid),
      status: fate.status,
      error_code: fate.errorCode === undefined ? null : Number(fate.errorCode),
    });
    if (url === undefined) return;
    const steps = fate.status === 'sent' || fate.status === 'failed' ? [fate.status] : ['sent', fate.status];
    this.beside(async () => {
      for (const status of steps) {
        const error: Record<string, string> = status === fate.status && fate.errorCode !== undefined ? { ErrorCode: fate.errorCode } : {};
        await this.#post(url, {
          ApiVersion: '2010-04-01',
          AccountSid: this.accountSid,
          From: from,
          To: hasRcs || order.isOnlyRcs ? `rcs:${order.to}` : order.to,
          MessageSid: sid,
          MessageStatus: status,
          SmsSid: sid,
          SmsStatus: status,
          ...error,
        });
      }
    });
  }

  /** Somebody wrote on a phone: Twilio calls the webhook. */
  async #written({ text, to, media = [], tapped }: WrittenMessage, phone: Phone): Promise<{ status: number }> {
    if (this.webhookUrl === undefined) throw new Error('The emulator has no webhook to call. Start it with { webhookUrl }, or set it.');
    const sid = `${media.length > 0 ? 'MM' : 'SM'}${randomBytes(16).toString('hex')}`;
    const number = to ?? this.#lastFrom.get(phone.number) ?? this.numbers[0] ?? '';
    const optOut = this.#optOuts.heard(text, number, phone.number);
    if (optOut !== undefined) phone.receive({ from: number, text: optOut.answer, mediaUrls: [], id: `SM${randomBytes(16).toString('hex')}` });
    return this.#post(this.webhookUrl, {
      ToCountry: 'US',
      ToState: 'CA',
      SmsMessageSid: sid,
      NumMedia: String(media.length),
      ToCity: '',
      FromZip: '94105',
      SmsSid: sid,
      FromState: 'CA',
      SmsStatus: 'received',
      FromCity: 'SAN FRANCISCO',
      Body: text,
      FromCountry: 'US',
      To: number,
      ToZip: '',
      NumSegments: '1',
      MessageSid: sid,
      AccountSid: this.accountSid,
      From: number.startsWith('rcs:') ? `rcs:${phone.number}` : phone.number,
      ApiVersion: '2010-04-01',
      ...(optOut !== undefined && { OptOutType: optOut.type }),
      ...(tapped?.data !== undefined && { ButtonText: tapped.label, ButtonPayload: tapped.data }),
      ...Object.fromEntries(
        media.flatMap(({ url, mimeType }, index) => [
          [`MediaUrl${index}`, url],
          [`MediaContentType${index}`, mimeType],
        ]),
      ),
    });
  }

  #post(url: string, form: Readonly<Record<string, string>>): Promise<WebhookCall> {
    const body = new URLSearchParams(form).toString();
    return this.callWebhook(
      url,
      {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'user-agent': 'TwilioProxy/1.1',
        ...signatureHeaders(this.authToken, this.#sharedKey, url, form),
        'i-twilio-idempotency-token': randomBytes(16).toString('hex'),
      },
      body,
    );
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'twilio-request-id': `RQ${randomBytes(16).toString('hex')}` });
  response.end(JSON.stringify(body));
}
