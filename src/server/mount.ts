/**
 * Handlers in servers of Node that are the host's own: as listeners for requests (`node:http`, Express, Fastify), and with the
 * socket at `/ws`.
 */
import type { Server } from 'node:http';
import { webhookLogger, type WebhookHandler } from '../channels/webhook.js';
import { ValidationError } from '../core/index.js';
import { partsOf, type ServerHandler } from './handler.js';
import { listenerOf, type NodeListener } from './node/listener.js';
import { CLOSING_MS, openSockets } from './node/open-sockets.js';
import { webhookListenerOf } from './node/webhook-listener.js';
import type { ServerParts } from './parts.js';

/** Where the sockets of a server of one's own are. */
export interface AttachSocketsOptions {
  /** Default `/ws`. */
  readonly path?: string;
}

/** The sockets of a server of one's own. They also close when the handler's `closing` is aborted. */
export interface AttachedSockets {
  /** Says goodbye to everybody and takes no more; the server itself stays as it is. Idempotent. */
  close(): void;
}

export const SOCKET_PATH = '/ws';

/**
 * A handler of `createHandler` or `createWebhookHandler` as a listener for requests of Node. Mount it before anything that reads
 * bodies, such as `express.json()`. Throws ValidationError for a function that neither has made.
 * @example http.createServer(toNodeListener(createHandler(kit, { authenticate })))
 * @example app.all('/webhooks/sms', toNodeListener(createWebhookHandler({ kit, provider, channelId: 'sms' })))
 */
export function toNodeListener(handler: ServerHandler | WebhookHandler): NodeListener {
  // Each function takes a request; what may come as the second they do not share, and an unknown one is refused.
  const parts = partsOf(handler as ServerHandler);
  if (parts !== undefined) return listenerOf(parts);
  const logger = webhookLogger(handler as WebhookHandler);
  if (logger !== undefined) return webhookListenerOf(handler as WebhookHandler, logger);
  throw new ValidationError(
    'This handler was made neither by createHandler(kit, options) nor by createWebhookHandler(options). Give what they returned, not a wrapper.',
  );
}

/**
 * Opens the browser wire protocol on a server of one's own, at `/ws` unless told otherwise. Other upgrades are left to the
 * server's other listeners; without any they are refused. Throws ValidationError for a handler that `createHandler` has not made.
 */
export function attachSockets(server: Server, handler: ServerHandler, options: AttachSocketsOptions = {}): AttachedSockets {
  const { path = SOCKET_PATH } = options;
  if (typeof path !== 'string' || !path.startsWith('/')) throw new ValidationError(`path is ${JSON.stringify(path)}. Give one that begins with '/'.`);
  const parts = requireParts(handler);
  const sockets = openSockets(parts, server, path);
  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    parts.closing.removeEventListener('abort', close);
    sockets.close();
    parts.kit.clock.setTimer(CLOSING_MS, () => sockets.terminate());
  };
  if (parts.closing.aborted) close();
  else parts.closing.addEventListener('abort', close);
  return { close };
}

function requireParts(handler: ServerHandler): ServerParts {
  const parts = partsOf(handler);
  if (parts === undefined)
    throw new ValidationError('This handler was not made by createHandler(kit, options). Give the one it returned, not a wrapper.');
  return parts;
}
