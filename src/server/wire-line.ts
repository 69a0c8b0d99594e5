/** One caller's end of the wire protocol, whatever carries it: who may connect, and as what. */
import { WebSocketChannel, WireConnection, type WireConnectionOptions, type WirePrincipal } from '../channels/index.js';
import { isChannelInRoom, mayReachRoom } from './access.js';
import { hasScope, isClient, type Principal } from './auth/principal.js';
import type { ServerParts } from './parts.js';
import { Refusal } from './problem.js';
import { scopedKit } from './scoped-kit.js';

export type LineTransport = Pick<WireConnectionOptions, 'id' | 'send' | 'close' | 'buffered' | 'streams' | 'renew'>;

/** Somebody who may use the wire: a client through its channel, or an operator with the host's view (WIRE-15). */
export type WireCaller =
  | { readonly kind: 'client'; readonly channel: WebSocketChannel; readonly channelId: string; readonly participantId: string }
  | { readonly kind: 'host' };

/** Throws `forbidden` for who may not use the wire at all. */
export function wireCaller({ kit }: ServerParts, principal: Principal): WireCaller {
  if (!isClient(principal)) {
    if (!hasScope(principal, 'operate')) throw new Refusal('forbidden', "Watching as the host needs the scope 'operate'.");
    return { kind: 'host' };
  }
  if (!hasScope(principal, 'read')) throw new Refusal('forbidden', "This needs the scope 'read', which the token does not have.");
  const channel = kit.getChannel(principal.channelId);
  if (!(channel instanceof WebSocketChannel))
    throw new Refusal('forbidden', `The token names the channel '${principal.channelId}', which is no WebSocketChannel of this kit.`);
  return { kind: 'client', channel, channelId: principal.channelId, participantId: principal.participantId };
}

/**
 * Connects a caller. `current` is asked at every use, because a token may be renewed: rooms and expiry may have changed.
 * `readOnly`: an event stream, which cannot send.
 */
export function openLine(
  { kit }: ServerParts,
  caller: WireCaller,
  current: () => Principal,
  transport: LineTransport,
  options: { readonly readOnly?: boolean } = {},
): WireConnection {
  const participantId = caller.kind === 'client' ? caller.participantId : undefined;
  const { id, send, close, buffered, streams, renew } = transport;
  // Written out, and not spread: what is spread has a shape of its own, and each frame would pay for it.
  const line: WireConnection = new WireConnection({
    id,
    send,
    close,
    buffered,
    streams,
    renew,
    kit: scopedKit(kit, current, (roomId) => line.loseRoom(roomId)),
    principal: new CurrentPrincipal(caller.kind, participantId, current, options.readOnly === true),
    channel: caller.kind === 'client' ? caller.channel : undefined,
    clock: kit.clock,
    logger: kit.logger,
    allowed: (roomId) => mayReachRoom(kit, current(), roomId),
    bound: (roomId, channelId) => isChannelInRoom(kit, current(), roomId, channelId),
  });
  return line;
}

/** Whoever it is now. A class, for getters written into an object would give every connection a shape of its own, and each frame would pay for it. */
class CurrentPrincipal implements WirePrincipal {
  constructor(
    readonly kind: WirePrincipal['kind'],
    readonly participantId: string | undefined,
    private readonly current: () => Principal,
    private readonly readOnly: boolean,
  ) {}

  get rooms(): readonly string[] | undefined {
    return this.current().rooms;
  }

  get displayName(): string | undefined {
    return this.current().displayName;
  }

  get canWrite(): boolean {
    return !this.readOnly && hasScope(this.current(), 'write');
  }
}
