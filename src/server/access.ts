/** Which rooms there are for a caller. What is another organization's, or not on the list, is not there (AUTH-09, PERM-09). */
import { RoomNotFoundError, type ConversationStore, type RoomKit, type RoomState } from '../core/index.js';
import { isPromise, type Awaitable } from '../core/models/json.js';
import { isClient, type Principal } from './auth/principal.js';
import { Refusal } from './problem.js';

/** What of a kit decides about rooms. */
export type RoomSource = Pick<RoomKit, 'organizationId'> & { readonly store: Pick<ConversationStore, 'loadRoom'> };

/** The room with its bindings and participants. Throws RoomNotFoundError, in the same words whatever the reason. */
export async function reachRoom(kit: RoomSource, principal: Principal, roomId: string): Promise<RoomState> {
  const state = isListed(principal, roomId) ? await kit.store.loadRoom(roomId) : null;
  if (state === null || !isOpenTo(kit, principal, state)) throw new RoomNotFoundError(roomId);
  return state;
}

/** As {@link reachRoom}, as a yes or no; without a promise where the store needs none. */
export function mayReachRoom(kit: RoomSource, principal: Principal, roomId: string): Awaitable<boolean> {
  if (!isListed(principal, roomId)) return false;
  const loaded = kit.store.loadRoom(roomId);
  if (isPromise(loaded)) return loaded.then((state) => state !== null && isOpenTo(kit, principal, state));
  return loaded !== null && isOpenTo(kit, principal, loaded);
}

/** Whether a channel is in a room that is there for a caller; without a promise where the store needs none. */
export function isChannelInRoom(kit: RoomSource, principal: Principal, roomId: string, channelId: string): Awaitable<boolean> {
  if (!isListed(principal, roomId)) return false;
  const isIn = (state: RoomState | null): boolean =>
    state !== null && isOpenTo(kit, principal, state) && state.bindings.some((binding) => binding.channelId === channelId);
  const loaded = kit.store.loadRoom(roomId);
  return isPromise(loaded) ? loaded.then(isIn) : isIn(loaded);
}

/** The organization whose rooms a caller may list: the kit's, the caller's, or any when neither names one. */
export function organizationOf(kit: Pick<RoomKit, 'organizationId'>, principal: Principal): string | undefined {
  return kit.organizationId ?? principal.organizationId;
}

/**
 * The one organization a caller is told of; undefined for who may be told of all the kit serves. Throws `forbidden` for a
 * caller of single rooms: what is told of all would tell of others.
 */
export function scopeOf(kit: Pick<RoomKit, 'organizationId'>, { rooms, organizationId }: Principal): string | undefined {
  if (rooms !== undefined) throw new Refusal('forbidden', 'This tells of all rooms, and the caller has a fixed list of them. Ask by room instead.');
  return organizationId === kit.organizationId ? undefined : organizationId;
}

function isListed(principal: Principal, roomId: string): boolean {
  return principal.rooms === undefined || principal.rooms.includes(roomId);
}

function isOpenTo(kit: Pick<RoomKit, 'organizationId'>, principal: Principal, { room, participants }: RoomState): boolean {
  if (kit.organizationId !== undefined && room.organizationId !== kit.organizationId) return false;
  if (principal.organizationId !== undefined && room.organizationId !== principal.organizationId) return false;
  if (!isClient(principal)) return true;
  // A token says who somebody was when it was made; who was shown out since does not come back with it (AUTH-05).
  const participant = participants.find(({ id }) => id === principal.participantId);
  return participant === undefined || (participant.status !== 'banned' && participant.status !== 'left');
}
