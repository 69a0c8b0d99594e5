/**
 * Telnyx' messaging on loopback, with its webhooks: text messages in and out, media, statuses, signatures.
 * @see https://developers.telnyx.com/api-reference/messages/send-a-message
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RecordedRequest } from '../loopback.js';
import { OptOuts } from '../opt-outs.js';
import { Phone, type WrittenMessage } from '../phone.js';
import { VendorEmulator, type VendorEmulatorOptions, type WebhookCall } from '../vendor-emulator.js';
import { checkSms, TelnyxRefusal, type SmsOrder } from './check-message.js';
import { TELNYX_WORDS } from './opt-out-words.js';
import { checkRcs, inboundRcs } from './rcs.js';
import { TelnyxSigner } from './signature.js';

/** What the emulator is started with. */
export interface TelnyxEmulatorOptions extends VendorEmulatorOptions {
  /** Default `KEY-test`. */
  readonly apiKey?: string;
  /** The numbers of the account. Default one, `+15550100`. */
  readonly numbers?: readonly string[];
  /** The account's messaging profile. Default `profile-test`. */
  readonly messagingProfileId?: string;
  /** The account's RCS agent. Default `agent-test`. */
  readonly agentId?: string;
}

/** What becomes of a message, as reported after it was taken. */
export type TelnyxFate = 'delivered' | 'delivery_failed' | 'sending_failed' | 'delivery_unconfirmed';

/**
 * The emulator. Point `baseUrl` of a provider at its `url`, give the provider its `publicKey`, and set `webhookUrl` to the
 * channel's webhook.
 * @example
 * await using telnyx = await TelnyxEmulator.start({ webhookUrl: 'http://127.0.0.1:4170/webhooks/sms' });
 * await telnyx.phone('+15550123').sendSms('Is my parcel on its way?');
 */
export class TelnyxEmulator extends VendorEmulator {
  readonly apiKey: string;
  readonly numbers: readonly string[];
  readonly messagingProfileId: string;
  readonly agentId: string;
  readonly #withoutRcs = new Set<string>();
  readonly #signer = new TelnyxSigner();
  readonly #phones = new Map<string, Phone>();
  readonly #optOuts = new OptOuts(TELNYX_WORDS);
  readonly #fates = new Map<string, { status: TelnyxFate; errorCode?: string }>();
  readonly #lastFrom = new Map<string, string>();
  readonly #messages = new Map<string, unknown>();

  private constructor(options: TelnyxEmulatorOptions) {
    super(options);
    this.apiKey = options.apiKey ?? 'KEY-test';
    this.numbers = options.numbers ?? ['+15550100'];
    this.messagingProfileId = options.messagingProfileId ?? 'profile-test';
    this.agentId = options.agentId ?? 'agent-test';
  }

  /** Starts one on a free port. */
  static async start(options: TelnyxEmulatorOptions = {}): Promise<TelnyxEmulator> {
    const emulator = new TelnyxEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** With which its calls are verified. */
  get publicKey(): string {
    return this.#signer.publicKey;
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

  /** What is reported of the next messages to a number; default `delivered`. With a failure comes a code, such as `40001`. */
  setFate(number: string, status: TelnyxFate, errorCode?: string): void {
    this.#fates.set(number, { status, ...(errorCode !== undefined && { errorCode }) });
  }

  /** A phone that has no RCS: it gets what was given to fall back to, or nothing. */
  withoutRcs(number: string): void {
    this.#withoutRcs.add(number);
  }

  protected answer(request: RecordedRequest, response: ServerResponse): void {
    try {
      const { pathname } = new URL(request.path, this.url);
      if (request.headers.authorization !== `Bearer ${this.apiKey}`)
        throw new TelnyxRefusal(
          401,
          '10009',
          'Authentication failed',
          'The required authentication headers were either invalid or not included in the request.',
        );
      if (pathname === '/v2/messages' && request.method === 'POST') return this.#sms(request, response);
      if (pathname === '/v2/messages/rcs' && request.method === 'POST') return this.#rcs(request, response);
      const asked = /^\/v2\/messaging\/rcs\/capabilities\/([^/]+)\/([^/]+)$/.exec(pathname);
      if (asked !== null && request.method === 'GET')
        return this.#capabilities(decodeURIComponent(asked[1] ?? ''), decodeURIComponent(asked[2] ?? ''), response);
      const known = request.method === 'GET' ? this.#messages.get(pathname.slice('/v2/messages/'.length)) : undefined;
      if (known === undefined) throw new TelnyxRefusal(404, '10005', 'Resource not found', 'The requested resource or URL could not be found.');
      send(response, 200, { data: known });
    } catch (error) {
      if (!(error instanceof TelnyxRefusal)) throw error;
      send(response, error.status, problem(error.code, error.title, error.detail, error.pointer));
    }
  }

  protected failureBody(status: number): unknown {
    return status === 429
      ? problem('10011', 'Too many requests', 'You have exceeded the maximum number of allowed requests.')
      : problem('10007', 'Unexpected error', 'An unexpected error occured.');
  }

  #sms(request: RecordedRequest, response: ServerResponse): void {
    const order = checkSms(request, {
      numbers: this.numbers,
      profileId: this.messagingProfileId,
      hasOptedOut: (number, phone) => this.#optOuts.has(number, phone),
    });
    const id = randomUUID();
    const message = this.#resource(order, id);
    this.#messages.set(id, message);
    send(response, 200, { data: message });
    const fate: { status: TelnyxFate; errorCode?: string } = this.#fates.get(order.to) ?? { status: 'delivered' };
    const failed = fate.status.endsWith('_failed');
    if (!failed) {
      this.phone(order.to).receive({ from: order.from, text: order.text, mediaUrls: order.mediaUrls, id });
      this.#lastFrom.set(order.to, order.from);
    }
    this.#report(order.webhookUrl, message, order.to, fate);
  }

  #capabilities(agentId: string, number: string, response: ServerResponse): void {
    if (agentId !== this.agentId) throw new TelnyxRefusal(404, '10005', 'Resource not found', 'The RCS agent could not be found.');
    const features = this.#withoutRcs.has(number)
      ? []
      : ['ACTION_DIAL', 'ACTION_OPEN_URL', 'ACTION_SHARE_LOCATION', 'RICHCARD_CAROUSEL', 'RICHCARD_STANDALONE'];
    send(response, 200, {
      data: { record_type: 'rcs.capabilities', phone_number: number, agent_id: agentId, agent_name: 'Test Agent', features, status: 'Success' },
    });
  }

  #rcs(request: RecordedRequest, response: ServerResponse): void {
    const order = checkRcs(request, this.agentId, this.messagingProfileId, this.numbers);
    const id = randomUUID();
    const message = {
      record_type: 'message',
      direction: 'outbound',
      id,
      type: 'RCS',
      messaging_profile_id: this.messagingProfileId,
      from: { agent_id: this.agentId, agent_name: 'Test Agent' },
      to: [{ phone_number: order.to, status: 'queued', carrier: 'T-MOBILE USA, INC.', line_type: 'Wireless' }],
      body: order.agentMessage,
      received_at: new Date().toISOString(),
      errors: [],
    };
    this.#messages.set(id, message);
    send(response, 200, { data: message });
    if (order.seen === undefined) return; // typing: nothing that stays
    const { fallback } = order;
    if (!this.#withoutRcs.has(order.to)) {
      this.phone(order.to).receive({ from: this.agentId, id, ...order.seen });
      this.#report(order.webhookUrl, message, order.to, this.#fates.get(order.to) ?? { status: 'delivered' });
    } else if (fallback !== undefined) {
      this.phone(order.to).receive({ from: fallback.from, text: fallback.text, mediaUrls: fallback.mediaUrls, id });
      const type = fallback.mediaUrls.length > 0 ? 'MMS' : 'SMS';
      this.#report(order.webhookUrl, { ...message, type, from: { phone_number: fallback.from } }, order.to, { status: 'delivered' });
    } else this.#report(order.webhookUrl, message, order.to, { status: 'sending_failed', errorCode: '40001' });
  }

  /** The phone shows the message as read: Telnyx reports it. */
  async markRead(number: string, messageId: string): Promise<void> {
    const message = this.#messages.get(messageId);
    if (this.webhookUrl === undefined || message === undefined) return;
    await this.#post(this.webhookUrl, 'message.read', { ...(message as object), to: [{ phone_number: number, status: 'read' }] });
  }

  #resource(order: SmsOrder, id: string): Record<string, unknown> {
    return {
      record_type: 'message',
      direction: 'outbound',
      id,
      type: order.mediaUrls.length > 0 ? 'MMS' : 'SMS',
      messaging_profile_id: order.profileId,
      organization_id: 'organization-test',
      from: { phone_number: order.from, carrier: 'TELNYX LLC', line_type: 'VoIP' },
      to: [{ phone_number: order.to, status: 'queued', carrier: 'T-MOBILE USA, INC.', line_type: 'Wireless' }],
      cc: [],
      text: order.text,
      subject: null,
      media: order.mediaUrls.map((url) => ({ url, content_type: null, sha256: null, size: null })),
      webhook_url: order.webhookUrl ?? this.webhookUrl ?? null,
      webhook_failover_url: null,
      encoding: 'GSM-7',
      parts: 1,
      tags: [],
      cost: null,
      received_at: new Date().toISOString(),
      sent_at: null,
      completed_at: null,
      valid_until: null,
      errors: [],
    };
  }

  /** `message.sent`, then `message.finalized`. */
  #report(ownUrl: string | undefined, message: Record<string, unknown>, to: string, fate: { status: TelnyxFate; errorCode?: string }): void {
    const url = ownUrl ?? this.webhookUrl;
    if (url === undefined) return;
    const errors = fate.errorCode === undefined ? [] : [{ code: fate.errorCode, title: 'The carrier refused it', detail: 'The carrier refused it.' }];
    const at = (status: string): unknown => [{ phone_number: to, status, carrier: 'T-MOBILE USA, INC.', line_type: 'Wireless' }];
    this.beside(async () => {
      if (fate.status !== 'sending_failed') await this.#post(url, 'message.sent', { ...message, to: at('sent'), sent_at: new Date().toISOString() });
      await this.#post(url, 'message.finalized', { ...message, to: at(fate.status), completed_at: new Date().toISOString(), errors });
    });
  }

  /** Somebody wrote on a phone: Telnyx calls the webhook. */
  async #written(written: WrittenMessage, phone: Phone): Promise<{ status: number }> {
    if (this.webhookUrl === undefined) throw new Error('The emulator has no webhook to call. Start it with { webhookUrl }, or set it.');
    // Whom an agent last wrote to answers the agent.
    if (written.to === this.agentId || (written.to === undefined && phone.messages.at(-1)?.from === this.agentId)) {
      const message = inboundRcs(written, phone.number, this.agentId, this.messagingProfileId);
      return this.#post(this.webhookUrl, 'message.received', message);
    }
    const { text, to, media = [] } = written;
    const number = to ?? this.#lastFrom.get(phone.number) ?? this.numbers[0] ?? '';
    const optOut = this.#optOuts.heard(text, number, phone.number);
    if (optOut !== undefined) phone.receive({ from: number, text: optOut.answer, mediaUrls: [], id: randomUUID() });
    return this.#post(this.webhookUrl, 'message.received', {
      record_type: 'message',
      direction: 'inbound',
      id: randomUUID(),
      type: media.length > 0 ? 'MMS' : 'SMS',
      messaging_profile_id: this.messagingProfileId,
      organization_id: 'organization-test',
      from: { phone_number: phone.number, carrier: 'T-MOBILE USA, INC.', line_type: 'Wireless' },
      to: [{ phone_number: number, status: 'webhook_delivered', carrier: 'TELNYX LLC', line_type: 'VoIP' }],
      cc: [],
      text,
      subject: null,
      media: media.map(({ url, mimeType }) => ({ url, content_type: mimeType, sha256: null, size: null })),
      encoding: 'GSM-7',
      parts: 1,
      tags: [],
      cost: null,
      received_at: new Date().toISOString(),
      sent_at: null,
      completed_at: null,
      valid_until: null,
      errors: [],
      ...(optOut !== undefined && { autoresponse_type: optOut.type }),
    });
  }

  #post(url: string, eventType: string, message: Readonly<Record<string, unknown>>): Promise<WebhookCall> {
    const body = JSON.stringify({
      data: { record_type: 'event', id: randomUUID(), event_type: eventType, occurred_at: new Date().toISOString(), payload: message },
      meta: { attempt: 1, delivered_to: url },
    });
    return this.callWebhook(url, { 'content-type': 'application/json', 'user-agent': 'telnyx-webhooks', ...this.#signer.headers(body) }, body);
  }
}

function problem(code: string, title: string, detail: string, pointer?: string): unknown {
  return {
    errors: [
      {
        code,
        title,
        detail,
        ...(pointer !== undefined && { source: { pointer } }),
        meta: { url: `https://developers.telnyx.com/docs/overview/errors/${code}` },
      },
    ],
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': randomUUID() });
  response.end(JSON.stringify(body));
}
