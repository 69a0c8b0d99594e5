/** VoiceMeUp's SMS interface on loopback, with its calls: an MMS that comes in is told in two of them. */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RecordedRequest } from '../loopback.js';
import { Phone, type WrittenMessage } from '../phone.js';
import { VendorEmulator, type VendorEmulatorOptions, type WebhookCall } from '../vendor-emulator.js';

/** What the emulator is started with. */
export interface VoiceMeUpEmulatorOptions extends VendorEmulatorOptions {
  /** Default `api`. */
  readonly username?: string;
  /** Default `token-test`. */
  readonly authToken?: string;
  /** The numbers of the account. Default one, `+15145550100`. */
  readonly numbers?: readonly string[];
}

/** A refusal in VoiceMeUp's words. */
class VoiceMeUpRefusal extends Error {
  constructor(
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

const MAX_TEXT = 1000;

/**
 * The emulator. Point `baseUrl` of a provider at its `url`, and `webhookUrl` at the channel's webhook with its secret.
 * @example
 * await using voicemeup = await VoiceMeUpEmulator.start({ webhookUrl: 'http://127.0.0.1:4170/webhooks/sms/SECRET' });
 * await voicemeup.phone('+15145550123').sendSms('Is my parcel on its way?');
 */
export class VoiceMeUpEmulator extends VendorEmulator {
  readonly username: string;
  readonly authToken: string;
  readonly numbers: readonly string[];
  readonly #phones = new Map<string, Phone>();
  readonly #lastFrom = new Map<string, string>();
  #lostPictures = 0;

  private constructor(options: VoiceMeUpEmulatorOptions) {
    super(options);
    this.username = options.username ?? 'api';
    this.authToken = options.authToken ?? 'token-test';
    this.numbers = options.numbers ?? ['+15145550100'];
  }

  /** Starts one on a free port. */
  static async start(options: VoiceMeUpEmulatorOptions = {}): Promise<VoiceMeUpEmulator> {
    const emulator = new VoiceMeUpEmulator(options);
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

  /** The second call of the next MMS is never made. */
  losePicture(): void {
    this.#lostPictures++;
  }

  protected answer(request: RecordedRequest, response: ServerResponse): void {
    try {
      const { pathname, searchParams } = new URL(request.path, this.url);
      if (pathname !== '/api/v1.1/json/queue_sms' || request.method !== 'POST') {
        send(response, 404, { response_details: { response_status: 'error' } });
        return;
      }
      if (searchParams.get('username') !== this.username || searchParams.get('auth_token') !== this.authToken) {
        send(response, 401, problem('authentication_failed', 'The username or the authentication token is not valid.'));
        return;
      }
      const id = this.#take(new URLSearchParams(request.text));
      send(response, 200, {
        response_details: { response_status: 'success', response_messages: { message: [{ code: 'queued_sms_hash', _content: id }] } },
      });
    } catch (error) {
      if (!(error instanceof VoiceMeUpRefusal)) throw error;
      send(response, 200, problem(error.code, error.message));
    }
  }

  protected failureBody(status: number): unknown {
    return problem(status === 429 ? 'too_many_requests' : 'internal_error', 'The request failed.');
  }

  #take(form: URLSearchParams): string {
    const [source, destination] = [form.get('source_number') ?? '', form.get('destination_number') ?? ''];
    const message = form.get('message') ?? '';
    const attachment = form.get('attachment') ?? '';
    if (!this.numbers.includes(`+${source}`)) throw new VoiceMeUpRefusal('invalid_source_number', 'The source number is not yours.');
    if (!/^[1-9]\d{9,14}$/.test(destination)) throw new VoiceMeUpRefusal('invalid_destination_number', 'The destination number is not valid.');
    if (message === '' && attachment === '') throw new VoiceMeUpRefusal('missing_message', 'A message is required.');
    if (message.length > MAX_TEXT) throw new VoiceMeUpRefusal('message_too_long', `A message has at most ${MAX_TEXT} characters.`);
    if (attachment !== '' && !/^https?:\/\//.test(attachment)) throw new VoiceMeUpRefusal('invalid_attachment', 'The attachment is no URL.');
    const id = randomBytes(16).toString('hex');
    this.phone(`+${destination}`).receive({ from: `+${source}`, text: message, mediaUrls: attachment === '' ? [] : [attachment], id });
    this.#lastFrom.set(`+${destination}`, `+${source}`);
    return id;
  }

  /** Somebody wrote on a phone: one call, or with a picture two. */
  async #written({ text, to, media = [] }: WrittenMessage, phone: Phone): Promise<{ status: number }> {
    const number = to ?? this.#lastFrom.get(phone.number) ?? this.numbers[0] ?? '';
    const common = {
      source_number: phone.number.replace(/^\+/, ''),
      destination_number: number.replace(/^\+/, ''),
      direction: 'inbound',
      datetime_transmission: `${new Date().toISOString().slice(0, 19).replace('T', ' ')}`,
    };
    const [file] = media;
    if (file === undefined) return this.#post({ ...common, message: text, sms_hash: hash(), has_attachment: 'no' });
    const wrapper = `https://clients.voicemeup.com/file/${hash()}.mms.html`;
    const first = { ...common, message: text, sms_hash: hash(), has_attachment: 'yes', attachment: wrapper, attachment_mime_type: 'text/html' };
    const call = await this.#post(first);
    if (this.#lostPictures > 0) {
      this.#lostPictures--;
      return call;
    }
    const second = { ...common, message: '', sms_hash: hash(), has_attachment: 'yes', attachment: file.url, attachment_mime_type: file.mimeType };
    return this.#post(second);
  }

  #post(fields: Readonly<Record<string, string>>): Promise<WebhookCall> {
    if (this.webhookUrl === undefined) throw new Error('The emulator has no webhook to call. Start it with { webhookUrl }, or set it.');
    return this.callWebhook(this.webhookUrl, { 'content-type': 'application/json' }, JSON.stringify(fields));
  }
}

function hash(): string {
  return randomBytes(16).toString('hex');
}

function problem(code: string, text: string): unknown {
  return { response_details: { response_status: 'error', response_messages: { message: { code, _content: text } } } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
