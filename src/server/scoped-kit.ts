/** A kit as one host program may see it over the wire: its organization's rooms, and no others (PERM-09). */
import type { WireKit } from '../channels/index.js';
import type { RoomKit } from '../core/index.js';
import { organizationOf, reachRoom } from './access.js';
import type { Principal } from './auth/principal.js';

/** The kit itself when the caller may see all of it. */
export function scopedKit(kit: RoomKit, principal: Principal): WireKit {
  const seesAll = principal.rooms === undefined && (principal.organizationId === undefined || principal.organizationId === kit.organizationId);
  if (seesAll) return kit;
  const within = async <Answer>(roomId: string, ask: () => Promise<Answer>): Promise<Answer> => {
    await reachRoom(kit, principal, roomId);
    return ask();
  };
  const organizationId = organizationOf(kit, principal);
  const isReached = (room: { readonly id: string; readonly organizationId?: string }): boolean =>
    (principal.rooms === undefined || principal.rooms.includes(room.id)) && (principal.organizationId === undefined || room.organizationId === principal.organizationId);
  return {
    getRoom: (roomId) => within(roomId, () => kit.getRoom(roomId)),
    getEvent: (roomId, eventId) => within(roomId, () => kit.getEvent(roomId, eventId)),
    getTimeline: (roomId, query) => within(roomId, () => kit.getTimeline(roomId, query)),
    readVisible: (roomId, channelId, options) => within(roomId, () => kit.readVisible(roomId, channelId, options)),
    listBindings: (roomId) => within(roomId, () => kit.listBindings(roomId)),
    listParticipants: (roomId) => within(roomId, () => kit.listParticipants(roomId)),
    listRooms: async (query) => {
      const rooms = await kit.store.findRooms({ ...query, ...(organizationId !== undefined && { organizationId }) });
      return rooms.filter(isReached);
    },
    onCommitted: (listener) => kit.onCommitted((event, room) => isReached(room) && listener(event, room)),
    processInbound: (message, options) => within(options?.roomId ?? '', () => kit.processInbound(message, options)),
    markRead: (roomId, channelId, eventId) => within(roomId, () => kit.markRead(roomId, channelId, eventId)),
    publishTyping: (roomId, ...rest) => within(roomId, () => kit.publishTyping(roomId, ...rest)),
    publishPresence: (roomId, ...rest) => within(roomId, () => kit.publishPresence(roomId, ...rest)),
    publishReadReceipt: (roomId, ...rest) => within(roomId, () => kit.publishReadReceipt(roomId, ...rest)),
    publishReaction: (roomId, ...rest) => within(roomId, () => kit.publishReaction(roomId, ...rest)),
    subscribeRoom: (roomId, callback) => within(roomId, () => kit.subscribeRoom(roomId, callback)),
    unsubscribeRoom: (subscriptionId) => kit.unsubscribeRoom(subscriptionId),
  };
}

