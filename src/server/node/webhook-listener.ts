/** A webhook's handler as a listener of Node: the address as the vendor called it, and the bytes as they came. */
import type { IncomingMessage } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { WebhookHandler } from '../../channels/webhook.js';
import type { Logger } from '../../core/index.js';
import type { NodeListener } from './listener.js';

/** What frameworks and body parsers leave on a request. */
interface Incoming extends IncomingMessage {
  /** Of Express and Connect, which cut from `url` where they have mounted. */
  readonly originalUrl?: unknown;
  /** Of Cloud Functions, and of parsers that were told to keep the bytes. */
  readonly rawBody?: unknown;
  /** Bytes where it was `express.raw()` that read them. */
  readonly body?: unknown;
}

export function webhookListenerOf(handler: WebhookHandler, logger: Logger): NodeListener {
  const listener = getRequestListener(async (request, { incoming }) => handler(await asCalled(request, incoming as Incoming)), {
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      if (error instanceof RequestError) return new Response(null, { status: 400 });
      logger.error('A call to a webhook could not be answered.', { error });
      return new Response(null, { status: 500 });
    },
  });
  return (incoming, outgoing) => void listener(incoming, outgoing);
}

async function asCalled(request: Request, incoming: Incoming): Promise<Request> {
  const { method, headers } = request;
  const url = addressOf(request.url, incoming.originalUrl);
  const hasBody = method !== 'GET' && method !== 'HEAD';
  if (!hasBody || !incoming.readableDidRead) {
    if (url === request.url) return request;
    return new Request(url, { method, headers, ...(hasBody && { body: request.body, duplex: 'half' }) });
  }
  const kept = [incoming.rawBody, incoming.body].find((bytes) => bytes instanceof Uint8Array);
  if (kept !== undefined) return new Request(url, { method, headers, body: new Uint8Array(kept) });
  // A body that somebody read is a used one, here as in hosts that speak Request themselves: the handler says what to do.
  const used = new Request(url, { method, headers, body: '' });
  await used.text();
  return used;
}

function addressOf(url: string, original: unknown): string {
  return typeof original === 'string' && original.startsWith('/') ? `${new URL(url).origin}${original}` : url;
}
