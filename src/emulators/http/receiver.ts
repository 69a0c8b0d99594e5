/**
 * Another system that takes RoomKit's messages and writes back: it believes what is signed, takes once what comes twice, and
 * signs what it posts. Its signatures are written apart from the provider.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Arrivals, isMatch } from '../arrivals.js';
import type { RecordedRequest } from '../loopback.js';
import { isFields, stringOf, type Fields } from '../problem.js';
import { VendorEmulator, type VendorEmulatorOptions } from '../vendor-emulator.js';

/** What the receiver is started with. */
export interface HTTPReceiverOptions extends VendorEmulatorOptions {
  /** Without one it believes everybody, and signs nothing. */
  readonly secret?: string;
}

/** A message that was posted. */
export interface ReceivedDocument {
  readonly recipientId: string;
  /** Its words. */
  readonly text: string;
  /** As it was posted. */
  readonly document: Readonly<Record<string, unknown>>;
  /** The id that was given to it. */
  readonly id: string;
}

/** What somebody writes in the other system. */
export interface WrittenDocument {
  readonly senderId?: string;
  readonly externalId?: string;
  readonly threadId?: string;
  readonly content?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const TOLERANCE_SECONDS = 300;

/**
 * The receiver. Point `webhookUrl` of a provider at its `url`, with `allowPrivate: true`, and its own `webhookUrl` at the
 * channel's webhook.
 * @example
 * await using crm = await HTTPReceiver.start({ secret, webhookUrl: 'http://127.0.0.1:4170/webhooks/crm' });
 * await crm.write('Where is my parcel?');
 * await crm.waitFor('on its way');
 */
export class HTTPReceiver extends VendorEmulator {
  readonly secret: string | undefined;
  readonly #arrivals = new Arrivals<ReceivedDocument>();
  readonly #byKey = new Map<string, ReceivedDocument>();
  #written = 0;

  private constructor(options: HTTPReceiverOptions) {
    super(options);
    this.secret = options.secret;
  }

  /** Starts one on a free port. */
  static async start(options: HTTPReceiverOptions = {}): Promise<HTTPReceiver> {
    const receiver = new HTTPReceiver(options);
    await receiver.listen();
    return receiver;
  }

  /** Everything that was taken, oldest first. */
  get messages(): readonly ReceivedDocument[] {
    return this.#arrivals.all;
  }

  /** Posts a message to the channel's webhook; resolves with the status of the answer. */
  async write(text: string, { senderId = 'customer-1', externalId, threadId, content, metadata }: WrittenDocument = {}): Promise<number> {
    return this.post({
      sender_id: senderId,
      external_id: externalId ?? `crm-${++this.#written}`,
      ...(content === undefined ? { body: text } : { content }),
      ...(threadId !== undefined && { thread_id: threadId }),
      ...(metadata !== undefined && { metadata }),
    });
  }

  /** Posts any document. */
  async post(document: unknown): Promise<number> {
    if (this.webhookUrl === undefined) throw new Error('The receiver has no webhook to post to. Start it with { webhookUrl }, or set it.');
    const body = JSON.stringify(document);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signed: Record<string, string> =
      this.secret === undefined ? {} : { 'x-roomkit-timestamp': timestamp, 'x-roomkit-signature-v2': hex(this.secret, `${timestamp}.${body}`) };
    return (await this.callWebhook(this.webhookUrl, { 'content-type': 'application/json', ...signed }, body)).status;
  }

  /** The next message that was not waited for yet and matches; rejects when none comes in time. */
  waitFor(match: string | RegExp = '', { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<ReceivedDocument> {
    return this.#arrivals.next(({ text }) => isMatch(match, text), `A document with ${String(match) || 'anything'}`, timeoutMs);
  }

  protected answer(request: RecordedRequest, response: ServerResponse): void {
    if (request.method !== 'POST') return send(response, 405, problem('method_not_allowed', 'Post a document.'));
    if (!this.#isSigned(request)) return send(response, 401, problem('unauthenticated', 'The signature is missing, wrong or too old.'));
    if (!isFields(request.body) || !isFields(request.body['content']))
      return send(response, 400, problem('invalid', 'There is no content in the document.'));
    const key = stringOf(request.headers['idempotency-key']);
    const known = this.#byKey.get(key);
    const message = known ?? this.#take(request.body, request.body['content']);
    if (key !== '') this.#byKey.set(key, message);
    send(response, known === undefined ? 201 : 200, { message_id: message.id });
  }

  protected failureBody(status: number): unknown {
    return problem(`status_${status}`, 'As was asked for.');
  }

  #take(document: Fields, content: Fields): ReceivedDocument {
    const message = {
      recipientId: stringOf(document['recipient_id']),
      text: stringOf(content['body']) || stringOf(content['caption']),
      document,
      id: `doc-${this.messages.length + 1}`,
    };
    this.#arrivals.add(message);
    return message;
  }

  /** Both signatures, and the time. */
  #isSigned({ headers, text }: RecordedRequest): boolean {
    if (this.secret === undefined) return true;
    const timestamp = stringOf(headers['x-roomkit-timestamp']);
    if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
    return (
      same(stringOf(headers['x-roomkit-signature']), hex(this.secret, text)) &&
      same(stringOf(headers['x-roomkit-signature-v2']), hex(this.secret, `${timestamp}.${text}`))
    );
  }
}

function hex(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text, 'utf8').digest('hex');
}

function same(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}

function problem(code: string, message: string): unknown {
  return { error: { code, message } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
