/** Which room a message belongs to (behaviour §9.2). The default never guesses; a host may bring its own. */
import type { Logger } from '../logger.js';
import type { InboundMessage } from '../models/delivery.js';
import { isPromise, type Awaitable } from '../models/json.js';
import type { ChannelType } from '../models/vocabulary.js';
import type { Arrival, ConversationStore, RouteCandidate, RouteCandidates } from '../store/store.js';

/** What a router may go by. */
export interface InboundRouteQuery {
  readonly channelId: string;
  readonly channelType: ChannelType;
  readonly senderId: string;
  /** Where an answer would go (TRN-06). */
  readonly address: string;
  readonly organizationId?: string | undefined;
  readonly message: InboundMessage;
  /** Who gives the ids of what went out over the channel. */
  readonly providerName?: string | undefined;
  /** The channel wants a room for each thread (RTR-05). */
  readonly roomPerThread?: boolean;
}

/** Finds the room of a message that names none. Give your own to `new RoomKit({ inboundRouter })`. */
export interface InboundRoomRouter {
  /** The room's id, or null for a new room. */
  route(query: InboundRouteQuery): Awaitable<string | null>;
  /** The same, together with the room, where the store has read both at once. Routers without it are asked by `route`. */
  routeArrival?(query: InboundRouteQuery): Awaitable<RoutedMessage>;
}

/** Where a message goes, and what was read of the room on the way. */
export interface RoutedMessage {
  /** null: a new room. */
  readonly roomId: string | null;
  /** Of that room. Without it the room is read by its id. */
  readonly arrival?: Arrival | undefined;
}

/** A reply names its thread from the root on; what matters stands near its end, and a stranger may name thousands. */
export const MAX_REPLIES_TO = 20;

/** Decides by stored state alone, in four steps (RTR-01), of messages in threads by their thread before that (RTR-05). */
export class DefaultInboundRouter implements InboundRoomRouter {
  readonly #warned = new Set<string>();

  constructor(
    private readonly store: ConversationStore,
    private readonly logger: Logger,
  ) {}

  route(query: InboundRouteQuery): Awaitable<string | null> {
    if (isOfThread(query)) return this.#routeThread(query);
    const found = this.#find(query);
    return isPromise(found) ? found.then((candidates) => this.#decide(query, candidates)) : this.#decide(query, found);
  }

  async routeArrival(query: InboundRouteQuery): Promise<RoutedMessage> {
    if (isOfThread(query)) return { roomId: await this.#routeThread(query) };
    const candidates = await this.#find(query);
    const roomId = this.#decide(query, candidates);
    return { roomId, arrival: candidates.arrival?.state.room.id === roomId ? candidates.arrival : undefined };
  }

  #find(query: InboundRouteQuery): Awaitable<RouteCandidates> {
    return this.store.findRoute({
      channelId: query.channelId,
      channelType: query.channelType,
      senderId: query.senderId,
      address: query.address,
      idempotencyKey: query.message.idempotencyKey,
      organizationId: query.organizationId,
    });
  }

  /** A thread stays in its room. Where rooms belong to threads, a new thread makes a new room; else it is one more line of the sender's. */
  async #routeThread(query: InboundRouteQuery): Promise<string | null> {
    const candidates = await this.#find(query);
    if (candidates.keyed !== undefined) return candidates.keyed;
    for (const id of (query.message.repliesTo ?? []).slice(0, MAX_REPLIES_TO)) {
      const roomId = await this.#roomOfMessage(query, id);
      if (roomId !== undefined && (await this.#mayContinue(roomId, query))) return roomId;
    }
    return query.roomPerThread === true && query.message.threadId !== undefined ? null : this.#decide(query, candidates);
  }

  /** Where a message came in over this channel, or an event went out over it. */
  async #roomOfMessage({ channelId, providerName }: InboundRouteQuery, id: string): Promise<string | undefined> {
    const event = await this.store.getEventByExternalId(channelId, id);
    if (event !== null) return event.roomId;
    const sent = providerName === undefined ? null : await this.store.findRowByProviderMessage(providerName, id);
    if (sent?.channelId === channelId) return sent.roomId;
    const [row] = await this.store.listRows({ channelId, eventId: id, limit: 1 });
    return row?.roomId;
  }

  /** Anybody can write down the id of a message: a room that names somebody else stays closed to the sender. */
  async #mayContinue(roomId: string, { channelId, senderId, address, organizationId }: InboundRouteQuery): Promise<boolean> {
    const state = await this.store.loadRoom(roomId);
    if (state === null || (state.room.status !== 'active' && state.room.status !== 'paused')) return false;
    if (organizationId !== undefined && state.room.organizationId !== organizationId) return false;
    const binding = state.bindings.find((one) => one.channelId === channelId);
    if (binding === undefined) return false;
    if (binding.address === undefined || binding.address === address || binding.address === senderId) return true;
    return state.participants.some(({ id, externalId }) => id === senderId || externalId === senderId);
  }

  #decide(query: InboundRouteQuery, candidates: RouteCandidates): string | null {
    if (candidates.keyed !== undefined) return candidates.keyed;
    const addressed = newest(candidates.addressed);
    if (addressed !== undefined) return addressed;
    const participating = newest(candidates.participating);
    if (participating !== undefined) return participating;
    const [only, another] = candidates.bound;
    if (only === undefined) return null;
    if (another !== undefined) {
      // Rooms that each name somebody else are how a shared number works: the sender is new, and gets a room of his own.
      if (only.address === undefined || another.address === undefined) this.#warnOnce(query.channelId);
      return null;
    }
    return only.address === undefined || only.address === query.address || only.address === query.senderId ? only.roomId : null;
  }

  /** Several rooms share the channel and none names the sender: a new room, said once (RTR-02). */
  #warnOnce(channelId: string): void {
    if (this.#warned.has(channelId)) return;
    if (this.#warned.size >= 1000) this.#warned.clear();
    this.#warned.add(channelId);
    this.logger.warn('A channel is attached to several rooms and none of them names the sender; messages open new rooms.', { channelId });
  }
}

function isOfThread({ message: { repliesTo, threadId }, roomPerThread }: InboundRouteQuery): boolean {
  return (repliesTo !== undefined && repliesTo.length > 0) || (roomPerThread === true && threadId !== undefined);
}

/** The newest candidate; `null` (a new room) when two are equally new, undefined when there is none. */
function newest(candidates: readonly RouteCandidate[]): string | null | undefined {
  const [first, second] = candidates;
  if (first === undefined) return undefined;
  return second !== undefined && second.createdAt === first.createdAt ? null : first.roomId;
}
