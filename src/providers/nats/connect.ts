/** One connection to NATS, which is not made again by itself: whoever has it knows when it is lost. */
import type * as Package from '@nats-io/transport-node';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import type { Clock } from '../../core/clock.js';
import { loadPeer } from '../_shared/peer.js';
import { greetingServer } from './greeting.js';
import type { NATSServers } from './servers.js';

export interface NATSConnecting extends NATSServers {
  readonly timeoutSeconds: number;
  readonly clock: Clock;
}

/** Undefined when it was stopped meanwhile. */
export async function connectNats(feature: string, options: NATSConnecting, stopped: AbortSignal): Promise<NatsConnection | undefined> {
  const { servers, tls, timeoutSeconds, pingIntervalSeconds, clock } = options;
  const nats = await loadPeer(feature, '@nats-io/transport-node', () => import('@nats-io/transport-node'));
  // One that wants to be encrypted before it says a word can only be tried.
  const isMute = tls?.handshakeFirst === true;
  const server = isMute ? servers : await greetingServer(servers, { clock, timeoutSeconds, stopped });
  if (server === undefined || stopped.aborted) return undefined;
  return nats.connect({
    servers: typeof server === 'string' ? server : [...server],
    timeout: timeoutSeconds * 1000,
    pingInterval: pingIntervalSeconds * 1000,
    maxPingOut: 2,
    reconnect: false, // started again by whoever has it, who tells of it
    ignoreClusterUpdates: true,
    ...(tls !== undefined && { tls }),
    ...authenticator(nats, options),
  });
}

function authenticator(nats: typeof Package, { login }: NATSServers): Pick<NodeConnectionOptions, 'authenticator'> {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text.trim());
  switch (login.kind) {
    case 'none':
      return {};
    case 'user':
      return { authenticator: nats.usernamePasswordAuthenticator(login.user, () => login.password.reveal()) };
    case 'token':
      return { authenticator: nats.tokenAuthenticator(() => login.secret.reveal()) };
    case 'credentials':
      return { authenticator: nats.credsAuthenticator(() => bytes(login.secret.reveal())) };
    case 'seed':
      return { authenticator: nats.nkeyAuthenticator(() => bytes(login.secret.reveal())) };
  }
}

/** What kept a connection from standing, by the name of the package's error. */
export function troubleOf(error: unknown): 'not let in' | 'no answer' | 'another' {
  const kind = error instanceof Error ? error.name : '';
  if (kind === 'AuthorizationError' || kind === 'UserAuthenticationExpiredError') return 'not let in';
  return kind === 'TimeoutError' || kind === 'SilenceError' ? 'no answer' : 'another';
}
