/** A vendor's webhook as a web-standard route (WHK-03): raw bytes are verified first, and 2xx means committed. */
import { errorCode, RoomKitError, ValidationError, type Awaitable, type Clock, type Logger, type RoomKit, type WebhookMeta } from '../core/index.js';

/** What a vendor's side must bring: who signed it, and what it says. */
export interface WebhookProvider {
  readonly name: string;
  /** Whether the vendor signed exactly these bytes. Compares in constant time. */
  verify?(request: WebhookRequest): boolean | Promise<boolean>;
  /** Pure: the messages and statuses in a payload, one by one. May throw for a payload that is no payload at all. */
  parse(request: WebhookRequest): readonly WebhookMeta[];
  /** Names of options without which calls cannot be verified. As long as there are any, the webhook is refused. */
  readonly webhookNeeds?: readonly string[];
  /**
   * Where calls go below the webhook's address, when not to it alone: `/{webhookSecret}` stands for the value of that option.
   * For whoever enters the address in the vendor's console. Default: to the address itself.
   */
  readonly webhookPaths?: readonly string[];
  /** Where a vendor sends files along: how large a call may be. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Answers a question that comes before any signature, such as whether this address is the right one; undefined for all else. */
  handshake?(request: WebhookRequest): WebhookReply | undefined;
  /** What the vendor wants to read when everything is committed. Default: status 200 and a small JSON. */
  reply?(metas: readonly WebhookMeta[]): WebhookReply;
  /** Called when the webhook is opened, by a provider that has to say something later than the call that told of it. */
  opened?(host: WebhookOpening): void;
  /** Tells the vendor to call this address from now on, where it has an interface for that. Throws what went wrong. */
  registerWebhook?(url: string): Promise<void>;
  /** Called after the commit, beside the answer: what the vendor has to be told apart. A failure is logged. */
  committed?(metas: readonly WebhookMeta[]): Awaitable<void>;
}

/** What an open webhook offers its provider. */
export interface WebhookOpening {
  /** The kit's. */
  readonly clock: Clock;
  /** Takes what no call says any more, such as the first part of a message whose second does not come. A failure is logged. */
  take(meta: WebhookMeta): Promise<void>;
}

/** An answer to a vendor. */
export interface WebhookReply {
  /** Default 200. */
  readonly status?: number;
  /** Default none. */
  readonly body?: string;
  /** Default `text/plain; charset=utf-8`. */
  readonly contentType?: string;
}

/** A vendor's call, read to the end. */
export interface WebhookRequest {
  /** In capitals. */
  readonly method: string;
  /** The whole address as the vendor called it: behind a proxy that of `publicUrl`. */
  readonly url: string;
  /** As received. */
  readonly headers: Headers;
  /** As received, before any parsing. */
  readonly body: Uint8Array;
  /** By the kit's clock, in milliseconds since 1970: what signed times are compared with. */
  readonly receivedAt: number;
}

/** Whose webhook, for which channel, and how its signature is checked. */
export interface WebhookHandlerOptions {
  /** Where messages and statuses go. */
  readonly kit: Pick<RoomKit, 'processWebhook' | 'settled' | 'logger' | 'clock'> & Partial<Pick<RoomKit, 'continueTrace'>>;
  /** Whose webhook it is. */
  readonly provider: WebhookProvider;
  /** The channel its messages come over. */
  readonly channelId: string;
  /** Default true. Switching it off takes `insecureAllowUnsigned: true` too. */
  readonly verify?: boolean;
  /** Takes unsigned calls: for private networks only. Default false. */
  readonly insecureAllowUnsigned?: boolean;
  /** Default: what the provider says, else 1 MiB. */
  readonly maxBodyBytes?: number;
  /**
   * Under which address the vendor calls, where a proxy or tunnel stands between: `https://help.example`, with a path if the
   * proxy adds one. Some vendors sign the address. Default: the address of the request.
   */
  readonly publicUrl?: string;
}

/** What the host of a route offers beside the request. */
export interface WebhookHost {
  /**
   * Keeps the process awake until the promise has settled. Give it where the host lets processes sleep once they have answered
   * (Workers, serverless functions): agents' turns and deliveries then end first.
   */
  readonly waitUntil?: (work: Promise<unknown>) => void;
}

/** A webhook as a route. */
export type WebhookHandler = (request: Request, host?: WebhookHost) => Promise<Response>;

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * A route for a vendor's webhook: 200 once everything is committed, 401 unsigned, 400 unreadable, 413 too large, 503 try
 * again. Throws ValidationError when it would take unsigned calls.
 * @example const webhook = createWebhookHandler({ kit, provider, channelId: 'sms' })
 */
export function createWebhookHandler(options: WebhookHandlerOptions): WebhookHandler {
  const { kit, provider, channelId } = options;
  const verified = options.verify !== false;
  const maxBodyBytes = options.maxBodyBytes ?? provider.maxBodyBytes ?? MAX_BODY_BYTES;
  const verify = provider.verify?.bind(provider);
  if ((!verified || verify === undefined) && options.insecureAllowUnsigned !== true) {
    throw new ValidationError(
      `The webhook of '${channelId}' would take unsigned calls. Give provider '${provider.name}' its secret, or pass insecureAllowUnsigned: true on a private network.`,
    );
  }
  const { webhookNeeds = [] } = provider;
  if (verified && webhookNeeds.length > 0) {
    throw new ValidationError(
      `Calls to the webhook of '${channelId}' cannot be verified: provider '${provider.name}' was made without ${webhookNeeds.join(' and ')}. Give it.`,
    );
  }
  const publicUrl = options.publicUrl === undefined ? undefined : checkedPublicUrl(options.publicUrl);
  provider.opened?.({ clock: kit.clock, take: (meta) => takeLater(kit, provider, channelId, meta) });

  const handler: WebhookHandler = async (request, host) => {
    if (request.bodyUsed) {
      kit.logger.error(bodyWasRead(channelId, request), { channelId, code: BODY_READ });
      return answer(500, BODY_READ);
    }
    const body = await readBody(request, maxBodyBytes);
    if (body === 'too_large') return answer(413, 'too_large');
    if (body === 'lost') return answer(400, 'invalid');
    const { method, headers } = request;
    const incoming: WebhookRequest = { method, url: addressOf(request.url, publicUrl), headers, body, receivedAt: kit.clock.now() };
    const early = provider.handshake?.(incoming);
    if (early !== undefined) return replied(early);
    if (verified && verify !== undefined) {
      const signed = isSigned(verify, incoming);
      if (!(typeof signed === 'boolean' ? signed : await signed)) return answer(401, 'unauthenticated');
    }
    let metas: readonly WebhookMeta[];
    try {
      metas = provider.parse(incoming);
    } catch {
      return answer(400, 'invalid');
    }
    const take = (): ReturnType<typeof processAll> => processAll(kit, channelId, provider.name, metas);
    // The trace comes from the call itself, never from what it says (TEL-09).
    const outcome = await (kit.continueTrace === undefined ? take() : kit.continueTrace(headers, take));
    if (outcome !== undefined) return outcome;
    const told = provider.committed === undefined ? undefined : tellCommitted(kit, provider, channelId, metas);
    host?.waitUntil?.((told ?? Promise.resolve()).then(() => kit.settled()));
    return provider.reply === undefined ? answer(200, 'ok') : replied(provider.reply(metas));
  };
  loggers.set(handler, kit.logger);
  return handler;
}

const loggers = new WeakMap<WebhookHandler, Logger>();

/** Where a handler logs; undefined for a function that createWebhookHandler has not made. */
export function webhookLogger(handler: WebhookHandler): Logger | undefined {
  return loggers.get(handler);
}

const BODY_READ = 'body_read';

/** Without this the vendor's every call would look forged. */
function bodyWasRead(channelId: string, { headers }: Request): string {
  const type = headers.get('content-type') ?? 'no content-type';
  return (
    `The body of a call to the webhook of '${channelId}' (${type}) was read before it came to the handler, and signatures are over the bytes as they came. ` +
    'Mount the webhook before what reads bodies, such as express.json() and express.urlencoded(), or let that keep the bytes: express.raw(), or a Buffer in request.rawBody.'
  );
}

/** As the vendor wrote it: its origin is the public one, its path stands below that of a proxy which adds one. */
function addressOf(called: string, publicUrl: string | undefined): string {
  if (publicUrl === undefined) return called;
  const { pathname, search } = new URL(called);
  return `${publicUrl}${pathname}${search}`;
}

function checkedPublicUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new ValidationError(`The publicUrl of a webhook is '${given}'. Give the address vendors call, such as https://help.example.`);
  return given.replace(/\/+$/, '');
}

/**
 * One by one: a bad one is reported alone (INB-24). The answer when nothing of it could be taken, undefined when all is well:
 * 5xx makes the vendor send all of it again, and duplicates are recognised.
 */
async function processAll(
  kit: WebhookHandlerOptions['kit'],
  channelId: string,
  provider: string,
  metas: readonly WebhookMeta[],
): Promise<Response | undefined> {
  let refused = 0;
  let failed = 0;
  for (const meta of metas) {
    try {
      await kit.processWebhook(meta, channelId);
    } catch (error) {
      const permanent = error instanceof RoomKitError && error.code === 'invalid';
      if (permanent) refused++;
      else failed++;
      kit.logger.warn('A message of a webhook was not taken.', { channelId, provider, code: errorCode(error) });
    }
  }
  if (failed > 0) return answer(503, 'internal', { 'retry-after': '5' });
  return refused > 0 && refused === metas.length ? answer(400, 'invalid') : undefined;
}

async function takeLater(kit: WebhookHandlerOptions['kit'], provider: WebhookProvider, channelId: string, meta: WebhookMeta): Promise<void> {
  try {
    await kit.processWebhook(meta, channelId);
  } catch (error) {
    kit.logger.error('A message that its vendor will not send again was not taken.', { channelId, provider: provider.name, code: errorCode(error) });
  }
}

async function tellCommitted(
  kit: WebhookHandlerOptions['kit'],
  provider: WebhookProvider,
  channelId: string,
  metas: readonly WebhookMeta[],
): Promise<void> {
  try {
    await provider.committed?.(metas);
  } catch (error) {
    kit.logger.warn('A vendor could not be told that its call was taken.', { channelId, provider: provider.name, code: errorCode(error) });
  }
}

function replied({ status = 200, body, contentType = 'text/plain; charset=utf-8' }: WebhookReply): Response {
  return body === undefined ? new Response(null, { status }) : new Response(body, { status, headers: { 'content-type': contentType } });
}

/** A verifier that throws has not verified. One that answers at once is not waited for. */
function isSigned(verify: NonNullable<WebhookProvider['verify']>, request: WebhookRequest): Awaitable<boolean> {
  try {
    const signed = verify(request);
    if (typeof signed === 'boolean') return signed;
    return signed.then(
      (later) => later === true,
      () => false,
    );
  } catch {
    return false;
  }
}

/** The bytes, or why there are none: more than allowed, of which no more is read, or a connection that ended before. */
async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | 'too_large' | 'lost'> {
  try {
    return (await bytesOf(request, maxBytes)) ?? 'too_large';
  } catch {
    return 'lost';
  }
}

/** Undefined when there are more than allowed. */
async function bytesOf(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  const announced = request.headers.get('content-length');
  if (announced !== null && Number(announced) > maxBytes) return undefined;
  if (request.body === null) return new Uint8Array();
  // What is announced is what comes, servers see to that: it need not be read piece by piece.
  if (announced !== null) {
    const body = new Uint8Array(await request.arrayBuffer());
    return body.byteLength > maxBytes ? undefined : body;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel();
      return undefined;
    }
    chunks.push(value);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}

function answer(status: number, code: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ status: code }), { status, headers: { 'content-type': 'application/json', ...headers } });
}
