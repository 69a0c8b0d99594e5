/**
 * WhatsApp's Cloud API on loopback: messages, templates, media, statuses, the 24-hour window, and webhooks that are signed.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp
 */
import { randomBytes } from 'node:crypto';
import { GraphEmulator, WINDOW_MS, type GraphEmulatorOptions } from '../graph/graph-emulator.js';
import { GraphRefusal, invalid, type GraphProblem } from '../graph/graph-refusal.js';
import type { RecordedRequest } from '../loopback.js';
import type { WebhookCall } from '../vendor-emulator.js';
import { checkMessage, type ApprovedTemplate, type Checked } from './check-message.js';
import { WhatsAppPhone, type WhatsAppNetwork, type Written, type WrittenWhatsApp } from './phone.js';

/** What the emulator is started with. */
export interface WhatsAppEmulatorOptions extends GraphEmulatorOptions {
  /** Default {@link WHATSAPP_TEST_NUMBER_ID}. */
  readonly phoneNumberId?: string;
  /** Of the business. Default `+15550100`. */
  readonly phoneNumber?: string;
  /** Templates that Meta has approved, by name. */
  readonly templates?: Readonly<Record<string, ApprovedTemplate>>;
  /** Where a closed window shows: in the answer, or, as Meta mostly does it, in a status that comes after. Default `status`. */
  readonly windowRefusal?: 'answer' | 'status';
}

/** The number the emulator knows, unless told otherwise. */
export const WHATSAPP_TEST_NUMBER_ID = '106540352242922';
const ACCOUNT_ID = '102290129340398';

/** What becomes of messages to somebody, as reported after they were taken. */
export type WhatsAppFate = 'sent' | 'delivered' | 'read' | { readonly failed: number };

/**
 * The emulator. Point `baseUrl` of a provider at its `url`, and `webhookUrl` at the channel's webhook.
 * @example
 * await using whatsapp = await WhatsAppEmulator.start({ webhookUrl: 'http://127.0.0.1:4170/webhooks/whatsapp' });
 * const phone = whatsapp.phone('+15550123');
 * await phone.write('Is my parcel on its way?');
 * await phone.waitFor('on its way');
 */
export class WhatsAppEmulator extends GraphEmulator {
  readonly phoneNumberId: string;
  readonly phoneNumber: string;
  protected readonly product = 'whatsapp';
  readonly #templates: Readonly<Record<string, ApprovedTemplate>>;
  readonly #windowRefusal: 'answer' | 'status';
  readonly #phones = new Map<string, WhatsAppPhone>();
  readonly #wroteAt = new Map<WhatsAppPhone, number>();
  readonly #writtenBy = new Map<string, WhatsAppPhone>();
  readonly #fates = new Map<string, WhatsAppFate>();
  readonly #callbackData = new Map<string, string>();
  readonly #network: WhatsAppNetwork = {
    written: (phone, message) => this.#written(phone, message),
    hasRead: (phone, ids) => this.#hasRead(phone, ids),
    stored: (bytes, mimeType) => this.storeFile(bytes, mimeType).id,
  };

  private constructor(options: WhatsAppEmulatorOptions) {
    super(options);
    this.phoneNumberId = options.phoneNumberId ?? WHATSAPP_TEST_NUMBER_ID;
    this.phoneNumber = options.phoneNumber ?? '+15550100';
    this.#templates = options.templates ?? {};
    this.#windowRefusal = options.windowRefusal ?? 'status';
  }

  /** Starts one on a free port. */
  static async start(options: WhatsAppEmulatorOptions = {}): Promise<WhatsAppEmulator> {
    const emulator = new WhatsAppEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** The person with this number; made when first asked for. With `isNumberHidden` the business knows them by an id alone. */
  phone(number: string, { profileName = 'Ada', isNumberHidden = false } = {}): WhatsAppPhone {
    const digits = number.replace(/\D/g, '');
    let phone = this.#phones.get(digits);
    if (phone === undefined) {
      phone = new WhatsAppPhone(`+${digits}`, profileName, `US.${digits}7654321`, isNumberHidden, this.#network);
      this.#phones.set(digits, phone);
      this.#phones.set(phone.userId, phone);
    }
    return phone;
  }

  /** The person has just written, and the program has not heard of it: the window is open. */
  openWindow(number: string): void {
    this.#wroteAt.set(this.phone(number), this.now());
  }

  /** What is reported of the next messages to a number; default `delivered`. */
  setFate(number: string, fate: WhatsAppFate): void {
    this.#fates.set(this.phone(number).number, fate);
  }

  protected async answerCall(request: RecordedRequest, path: string): Promise<unknown> {
    if (request.method === 'GET') return this.#fileOf(path);
    if (request.method !== 'POST') throw invalid('Unsupported request method.');
    if (path === `${this.phoneNumberId}/messages`) return this.#send(request.body);
    if (path === `${this.phoneNumberId}/media`) return this.#upload(request);
    throw unknownObject('post', path);
  }

  protected failureOf(status: number): GraphProblem {
    if (status === 429)
      return {
        status,
        code: 130429,
        message: '(#130429) Rate limit hit',
        details: 'Message failed to send because there were too many messages sent from this phone number in a short period of time',
      };
    if (status === 401) return { status, code: 190, message: 'Invalid OAuth access token - Cannot parse access token' };
    if (status === 503) return { status, code: 131016, message: '(#131016) Service unavailable' };
    if (status >= 500) return { status, code: 131000, message: '(#131000) Something went wrong' };
    return { status, code: 100, message: '(#100) Invalid parameter' };
  }

  #send(body: unknown): unknown {
    const given = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
    if (given['status'] === 'read') return this.#markRead(given);
    const message = checkMessage(body, { templates: this.#templates, hasFile: (id) => this.file(id) !== undefined });
    const phone = this.#addressed(message.to);
    const isOpen = this.now() - (this.#wroteAt.get(phone) ?? Number.NEGATIVE_INFINITY) < WINDOW_MS;
    const isClosed = !isOpen && message.type !== 'template';
    if (isClosed && this.#windowRefusal === 'answer') throw new GraphRefusal({ status: 400, ...WINDOW_CLOSED });
    const id = newId();
    const fate = isClosed ? { failed: WINDOW_CLOSED.code } : (this.#fates.get(phone.number) ?? 'delivered');
    if (typeof fate === 'string') this.#arrive(phone, message, id);
    if (typeof given['biz_opaque_callback_data'] === 'string') this.#callbackData.set(id, given['biz_opaque_callback_data']);
    this.#report(phone, id, fate, message.type === 'template' ? 'utility' : 'service');
    const isByNumber = /^\+?\d+$/.test(message.to);
    return {
      messaging_product: 'whatsapp',
      contacts: [{ input: message.to, ...(isByNumber ? { wa_id: phone.number.slice(1) } : { user_id: phone.userId }) }],
      messages: [{ id }],
    };
  }

  #addressed(to: string): WhatsAppPhone {
    const known = this.#phones.get(/^\+?\d+$/.test(to) ? to.replace(/\D/g, '') : to);
    if (known !== undefined) return known;
    if (!/^\+?\d{7,15}$/.test(to))
      throw new GraphRefusal({ status: 400, code: 131009, message: '(#131009) Parameter value is not valid', details: 'The recipient is not valid' });
    return this.phone(to);
  }

  #arrive(phone: WhatsAppPhone, message: Checked, id: string): void {
    if (message.type === 'reaction') {
      phone.reacted(message.repliesTo ?? '', message.text);
      return;
    }
    const { type, text, media, buttons, repliesTo } = message;
    phone.receive({ id, type, text, media, buttons, ...(repliesTo !== undefined && { repliesTo }) });
  }

  /** The program hears of it step by step. */
  #report(phone: WhatsAppPhone, id: string, fate: WhatsAppFate, category: string): void {
    if (this.webhookUrl === undefined) return;
    const steps: readonly WhatsAppFate[] =
      fate === 'sent' || typeof fate === 'object' ? [fate] : ['sent', ...(fate === 'read' ? (['delivered'] as const) : []), fate];
    this.beside(async () => {
      for (const step of steps) await this.#reportOne(phone, id, step, category);
    });
  }

  #reportOne(phone: WhatsAppPhone, id: string, fate: WhatsAppFate, category = 'service'): Promise<WebhookCall> {
    const failed = typeof fate === 'object' ? fate.failed : undefined;
    return this.#call({
      statuses: [
        {
          id,
          status: failed === undefined ? fate : 'failed',
          timestamp: this.#seconds(),
          ...(phone.isNumberHidden ? {} : { recipient_id: phone.number.slice(1) }),
          recipient_user_id: phone.userId,
          ...(failed === undefined && {
            conversation: { id: `conversation-${phone.number.slice(1)}`, origin: { type: category } },
            pricing: {
              billable: category !== 'service',
              pricing_model: 'PMP',
              category,
              type: category === 'service' ? 'free_customer_service' : 'regular',
            },
          }),
          ...(this.#callbackData.has(id) && { biz_opaque_callback_data: this.#callbackData.get(id) }),
          ...(failed !== undefined && { errors: [statusError(failed)] }),
        },
      ],
    });
  }

  async #hasRead(phone: WhatsAppPhone, ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#reportOne(phone, id, 'read');
  }

  #markRead({ message_id: id, typing_indicator: typing }: Record<string, unknown>): unknown {
    const phone = typeof id === 'string' ? this.#writtenBy.get(id) : undefined;
    if (phone === undefined || typeof id !== 'string') throw invalid('Invalid parameter', 'message_id is not of a message that was received');
    phone.readByBusiness.add(id);
    if (typing !== undefined) phone.isTypingShown = true;
    return { success: true };
  }

  async #upload(request: RecordedRequest): Promise<unknown> {
    const form = await this.formOf(request);
    const file = form.get('file');
    if (form.get('messaging_product') !== 'whatsapp') throw invalid('The parameter messaging_product is required.');
    if (file === null || typeof file === 'string') throw invalid('The parameter file is required.');
    const named = form.get('type');
    const type = typeof named === 'string' ? named : file.type;
    if (!UPLOADABLE.test(type))
      throw invalid(
        `Param file must be a file with one of the following types: audio/aac, audio/mp4, image/jpeg, image/png … Received file of type '${type}'.`,
      );
    return { id: this.storeFile(new Uint8Array(await file.arrayBuffer()), type).id };
  }

  #fileOf(path: string): unknown {
    const file = this.file(path);
    if (file === undefined) throw unknownObject('get', path);
    return {
      messaging_product: 'whatsapp',
      url: `${this.url}/downloads/${file.id}`,
      mime_type: file.mimeType,
      sha256: 'bm90IGNhbGN1bGF0ZWQ=',
      file_size: file.bytes.length,
      id: file.id,
    };
  }

  /** Somebody wrote: Meta calls the webhook. A message opens the window, or keeps it open. */
  async #written(phone: WhatsAppPhone, { type, fields, context }: WrittenWhatsApp): Promise<Written> {
    const id = newId();
    this.#writtenBy.set(id, phone);
    this.#wroteAt.set(phone, this.now());
    const waId = phone.number.slice(1);
    const sender = phone.isNumberHidden ? {} : { from: waId };
    const { status } = await this.#call({
      contacts: [
        {
          profile: { name: phone.profileName, ...(phone.isNumberHidden && { username: phone.profileName.toLowerCase() }) },
          ...(phone.isNumberHidden ? {} : { wa_id: waId }),
          user_id: phone.userId,
        },
      ],
      messages: [
        {
          ...(context !== undefined && { context: { ...context, from: this.phoneNumber.slice(1) } }),
          ...sender,
          from_user_id: phone.userId,
          id,
          timestamp: this.#seconds(),
          type,
          [type]: fields,
        },
      ],
    });
    return { id, status };
  }

  #call(value: Readonly<Record<string, unknown>>): Promise<WebhookCall> {
    const metadata = { display_phone_number: this.phoneNumber.slice(1), phone_number_id: this.phoneNumberId };
    return this.callBack({
      object: 'whatsapp_business_account',
      entry: [{ id: ACCOUNT_ID, changes: [{ value: { messaging_product: 'whatsapp', metadata, ...value }, field: 'messages' }] }],
    });
  }

  #seconds(): string {
    return String(Math.floor(this.now() / 1000));
  }
}

const WINDOW_CLOSED = {
  code: 131047,
  message: '(#131047) Re-engagement message',
  details: 'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
} as const;

const UPLOADABLE =
  /^(audio\/(aac|amr|mpeg|mp4|ogg)|image\/(jpeg|png|webp)|video\/(mp4|3gpp)|text\/plain|application\/(pdf|msword|vnd\.[\w.-]+))(;.*)?$/;

function statusError(code: number): unknown {
  const isWindow = code === WINDOW_CLOSED.code;
  const title = isWindow ? 'Re-engagement message' : code === 131026 ? 'Message undeliverable' : 'Something went wrong';
  const details = isWindow ? WINDOW_CLOSED.details : `${title}.`;
  const href = 'https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes';
  return { code, title, message: title, error_data: { details }, href };
}

function unknownObject(verb: string, path: string): GraphRefusal {
  return new GraphRefusal({
    status: 400,
    code: 100,
    subcode: 33,
    type: 'GraphMethodException',
    message: `Unsupported ${verb} request. Object with ID '${path.split('/')[0] ?? ''}' does not exist, cannot be loaded due to missing permissions, or does not support this operation.`,
  });
}

function newId(): string {
  return `wamid.${randomBytes(24).toString('base64')}`;
}
