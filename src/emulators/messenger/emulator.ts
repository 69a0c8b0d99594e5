/**
 * Messenger's Send API on loopback: messages, templates, uploads, sender actions, the 24-hour window, and webhooks that are signed.
 * @see https://developers.facebook.com/documentation/business-messaging/messenger-platform
 */
import { randomBytes } from 'node:crypto';
import { GraphEmulator, WINDOW_MS, type GraphEmulatorOptions } from '../graph/graph-emulator.js';
import { GraphRefusal, invalid, type GraphProblem } from '../graph/graph-refusal.js';
import type { RecordedRequest } from '../loopback.js';
import type { WebhookCall } from '../vendor-emulator.js';
import { checkMessage } from './check-message.js';
import { MessengerPerson, type MessengerNetwork } from './person.js';

/** What the emulator is started with. */
export interface MessengerEmulatorOptions extends GraphEmulatorOptions {
  /** Default `106540352242900`. */
  readonly pageId?: string;
  /** Tags that Meta still takes. Default `HUMAN_AGENT`, which opens the window for seven days. */
  readonly tags?: readonly string[];
  /** Templates of utility messages that Meta has approved, by name. */
  readonly templates?: Readonly<Record<string, { readonly body: string; readonly language?: string }>>;
}

const WEEK_MS = 7 * 24 * 3_600_000;

/**
 * The emulator. Point `baseUrl` of a provider at its `url`, and `webhookUrl` at the channel's webhook.
 * @example
 * await using messenger = await MessengerEmulator.start({ webhookUrl: 'http://127.0.0.1:4170/webhooks/messenger' });
 * const person = messenger.person('1254477777772919');
 * await person.write('Is my parcel on its way?');
 * await person.waitFor('on its way');
 */
export class MessengerEmulator extends GraphEmulator {
  readonly pageId: string;
  protected readonly product = undefined;
  readonly #tags: readonly string[];
  readonly #templates: Readonly<Record<string, { readonly body: string; readonly language?: string }>>;
  readonly #people = new Map<string, MessengerPerson>();
  readonly #wroteAt = new Map<MessengerPerson, number>();
  readonly #network: MessengerNetwork = {
    happened: (person, event) => this.#happened(person, event),
    newId: () => newId(),
  };

  private constructor(options: MessengerEmulatorOptions) {
    super(options);
    this.pageId = options.pageId ?? '106540352242900';
    this.#tags = options.tags ?? ['HUMAN_AGENT'];
    this.#templates = options.templates ?? {};
  }

  /** Starts one on a free port. */
  static async start(options: MessengerEmulatorOptions = {}): Promise<MessengerEmulator> {
    const emulator = new MessengerEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** The person with this page-scoped id; made when first asked for. */
  person(psid: string): MessengerPerson {
    let person = this.#people.get(psid);
    if (person === undefined) {
      person = new MessengerPerson(psid, this.#network);
      this.#people.set(psid, person);
    }
    return person;
  }

  /** The person has just written, and the program has not heard of it: the window is open. */
  openWindow(psid: string): void {
    this.#wroteAt.set(this.person(psid), this.now());
  }

  /** The person reads everything that came so far: the program is told the time. */
  async read(psid: string): Promise<void> {
    await this.#call(this.person(psid), { read: { watermark: this.now() } });
  }

  protected async answerCall(request: RecordedRequest, path: string): Promise<unknown> {
    if (request.method !== 'POST') throw invalid('Unsupported request method.');
    if (path === 'me/messages' || path === `${this.pageId}/messages`) return this.#send(request.body);
    if (path === 'me/message_attachments' || path === `${this.pageId}/message_attachments`) return this.#upload(request);
    throw new GraphRefusal({ status: 400, code: 100, subcode: 33, type: 'GraphMethodException', message: 'Unsupported post request.' });
  }

  protected failureOf(status: number): GraphProblem {
    if (status === 429) return { status, code: 613, message: '(#613) Calls to this API have exceeded the rate limit' };
    if (status === 401) return { status, code: 190, message: 'Invalid OAuth access token - Cannot parse access token' };
    if (status >= 500) return { status, code: 2, message: '(#2) Service temporarily unavailable' };
    return { status, code: 100, message: '(#100) Invalid parameter' };
  }

  #send(body: unknown): unknown {
    const given = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
    const psid = (given['recipient'] as { id?: unknown } | undefined)?.id;
    const person = typeof psid === 'string' ? this.#people.get(psid) : undefined;
    if (person === undefined) throw new GraphRefusal({ status: 400, code: 100, subcode: 2018001, message: '(#100) No matching user found' });
    if (given['sender_action'] !== undefined) return this.#act(person, given);
    const message = checkMessage(given['message'], { templates: this.#templates, hasFile: (id) => this.file(id) !== undefined });
    const tag = this.#checkWindow(person, given, message.isUtility);
    const { text, media, buttons } = message;
    const id = newId();
    person.receive({ id, text, media, buttons, ...(tag !== undefined && { tag }) });
    if (this.webhookUrl !== undefined) this.beside(() => this.#call(person, { delivery: { mids: [id], watermark: this.now() } }));
    return { recipient_id: person.psid, message_id: id };
  }

  /** Answers go out within a day, tagged ones within a week, utility messages at any time. */
  #checkWindow(person: MessengerPerson, { messaging_type: type, tag }: Record<string, unknown>, isUtility: boolean): string | undefined {
    if (isUtility !== (type === 'UTILITY')) throw invalid('Param messaging_type must be UTILITY for a template, and for nothing else');
    if (isUtility) return undefined;
    if (type !== 'RESPONSE' && type !== 'UPDATE' && type !== 'MESSAGE_TAG')
      throw invalid('Param messaging_type must be one of {RESPONSE, UPDATE, MESSAGE_TAG, UTILITY}');
    const isTagged = type === 'MESSAGE_TAG';
    if (isTagged && (typeof tag !== 'string' || !this.#tags.includes(tag)))
      throw new GraphRefusal({ status: 400, code: 100, subcode: 2018199, message: '(#100) The message tag is not valid' });
    const since = this.now() - (this.#wroteAt.get(person) ?? Number.NEGATIVE_INFINITY);
    if (since < (isTagged ? WEEK_MS : WINDOW_MS)) return typeof tag === 'string' ? tag : undefined;
    throw new GraphRefusal({ status: 400, code: 10, subcode: 2018278, message: '(#10) This message is sent outside of allowed window.' });
  }

  #act(person: MessengerPerson, { sender_action: action, payload }: Record<string, unknown>): unknown {
    const { message_id: id, reaction } = (typeof payload === 'object' && payload !== null ? payload : {}) as Record<string, unknown>;
    switch (action) {
      case 'typing_on':
      case 'typing_off':
        person.isTypingShown = action === 'typing_on';
        break;
      case 'mark_seen':
        person.isSeen = true;
        break;
      case 'react':
      case 'unreact':
        if (typeof id !== 'string' || (action === 'react' && typeof reaction !== 'string')) throw invalid('Param payload is not valid');
        person.reacted(id, action === 'react' && typeof reaction === 'string' ? reaction : undefined);
        break;
      default:
        throw invalid('Param sender_action must be one of {mark_seen, react, typing_off, typing_on, unreact}');
    }
    return { recipient_id: person.psid };
  }

  async #upload(request: RecordedRequest): Promise<unknown> {
    const form = await this.formOf(request);
    const file = form.get('filedata');
    if (file === null || typeof file === 'string') throw invalid('The parameter filedata is required.');
    const message = form.get('message');
    if (typeof message !== 'string' || !message.includes('attachment')) throw invalid('The parameter message is required.');
    return { attachment_id: this.storeFile(new Uint8Array(await file.arrayBuffer()), file.type).id };
  }

  async #happened(person: MessengerPerson, event: Readonly<Record<string, unknown>>): Promise<number> {
    if ('message' in event || 'postback' in event) this.#wroteAt.set(person, this.now());
    return (await this.#call(person, event)).status;
  }

  #call(person: MessengerPerson, event: Readonly<Record<string, unknown>>): Promise<WebhookCall> {
    const time = this.now();
    const frame = { sender: { id: person.psid }, recipient: { id: this.pageId }, timestamp: time };
    return this.callBack({ object: 'page', entry: [{ id: this.pageId, time, messaging: [{ ...frame, ...event }] }] });
  }
}

function newId(): string {
  return `m_${randomBytes(48).toString('base64url')}`;
}
