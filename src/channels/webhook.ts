/** A vendor's webhook as a web-standard route (WHK-03): raw bytes are verified first, and 2xx means committed. */
import { RoomKitError, ValidationError, type RoomKit, type WebhookMeta } from '../core/index.js';

/** What a vendor's side must bring: who signed it, and what it says. */
export interface WebhookProvider {
  readonly name: string;
  /** Whether the vendor signed exactly these bytes. Compares in constant time. */
  verify?(request: WebhookRequest): boolean | Promise<boolean>;
  /** Pure: the messages and statuses in a payload, one by one. May throw for a payload that is no payload at all. */
  parse(request: WebhookRequest): readonly WebhookMeta[];
}

/** A vendor's call, read to the end. */
export interface WebhookRequest {
  /** In capitals. */
  readonly method: string;
  /** The whole address, as called. */
  readonly url: string;
  /** As received. */
  readonly headers: Headers;
  /** As received, before any parsing. */
  readonly body: Uint8Array;
}

/** Whose webhook, for which channel, and how its signature is checked. */
export interface WebhookHandlerOptions {
  /** Where messages and statuses go. */
  readonly kit: Pick<RoomKit, 'processWebhook' | 'logger'>;
  /** Whose webhook it is. */
  readonly provider: WebhookProvider;
  /** The channel its messages come over. */
  readonly channelId: string;
  /** Default true. Switching it off takes `insecureAllowUnsigned: true` too. */
  readonly verify?: boolean;
  /** Takes unsigned calls: for private networks only. Default false. */
  readonly insecureAllowUnsigned?: boolean;
  /** Default 1 MiB. */
  readonly maxBodyBytes?: number;
}

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * A route for a vendor's webhook: 200 once everything is committed, 401 unsigned, 400 unreadable, 413 too large, 503 try
 * again. Throws ValidationError when it would take unsigned calls.
 * @example const webhook = createWebhookHandler({ kit, provider, channelId: 'sms' })
 */
export function createWebhookHandler(options: WebhookHandlerOptions): (request: Request) => Promise<Response> {
  const { kit, provider, channelId } = options;
  const verified = options.verify !== false;
  const maxBodyBytes = options.maxBodyBytes ?? MAX_BODY_BYTES;
  const verify = provider.verify?.bind(provider);
  if ((!verified || verify === undefined) && options.insecureAllowUnsigned !== true) {
    throw new ValidationError(
      `The webhook of '${channelId}' would take unsigned calls. Give provider '${provider.name}' its secret, or pass insecureAllowUnsigned: true on a private network.`,
    );
  }

  return async (request) => {
    const body = await readBody(request, maxBodyBytes);
    if (body === undefined) return answer(413, 'too_large');
    const incoming: WebhookRequest = { method: request.method, url: request.url, headers: request.headers, body };
    if (verified && verify !== undefined && !(await isSigned(verify, incoming))) return answer(401, 'unauthenticated');
    let metas: readonly WebhookMeta[];
    try {
      metas = provider.parse(incoming);
    } catch {
      return answer(400, 'invalid');
    }
    return processAll(kit, provider, channelId, metas);
  };
}

/** One by one: a bad one is reported alone (INB-24). 5xx makes the vendor send all of it again; duplicates are recognised. */
async function processAll(
  kit: WebhookHandlerOptions['kit'],
  provider: WebhookProvider,
  channelId: string,
  metas: readonly WebhookMeta[],
): Promise<Response> {
  let refused = 0;
  let failed = 0;
  for (const meta of metas) {
    try {
      await kit.processWebhook(meta, channelId);
    } catch (error) {
      const permanent = error instanceof RoomKitError && error.code === 'invalid';
      if (permanent) refused++;
      else failed++;
      kit.logger.warn('A message of a webhook was not taken.', {
        channelId,
        provider: provider.name,
        code: error instanceof RoomKitError ? error.code : 'internal',
      });
    }
  }
  if (failed > 0) return answer(503, 'internal', { 'retry-after': '5' });
  return refused > 0 && refused === metas.length ? answer(400, 'invalid') : answer(200, 'ok');
}

/** A verifier that throws has not verified. */
async function isSigned(verify: NonNullable<WebhookProvider['verify']>, request: WebhookRequest): Promise<boolean> {
  try {
    return (await verify(request)) === true;
  } catch {
    return false;
  }
}

/** The bytes, read no further than allowed; undefined when there are more. */
async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > maxBytes) return undefined;
  if (request.body === null) return new Uint8Array();
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
