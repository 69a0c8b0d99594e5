/**
 * A kit as one caller may use it over the wire: every operation asks first whether the room is there for this caller, so
 * that losing it counts from the next frame on (AUTH-05, PERM-09).
 */
import type { WireKit } from '../channels/index.js';
import { RoomNotFoundError, type Room, type RoomKit } from '../core/index.js';
import { isPromise } from '../core/models/json.js';
import { mayReachRoom, organizationOf } from './access.js';
import type { Principal } from './auth/principal.js';

/**
 * `current` is asked at every use: a renewed token may have other rooms. `onLost` is told of a room that is not there for this
 * caller any more. The kit itself is the answer for a host program that may see all of it.
 */
export function scopedKit(kit: RoomKit, current: () => Principal, onLost: (roomId: string) => void): WireKit {
  const principal = current();
  const seesAll =
    principal.kind === 'service' &&
    principal.rooms === undefined &&
    (principal.organizationId === undefined || principal.organizationId === kit.organizationId);
  if (seesAll) return kit;

  const refuse = (roomId: string): Promise<never> => {
    onLost(roomId);
    return Promise.reject(new RoomNotFoundError(roomId));
  };
  const within = <Answer>(roomId: string, ask: () => Promise<Answer>): Promise<Answer> => {
    const may = mayReachRoom(kit, current(), roomId);
    if (isPromise(may)) return may.then((granted) => (granted ? ask() : refuse(roomId)));
    return may ? ask() : refuse(roomId);
  };
  const isListed = (room: Room): boolean => {
    const { rooms, organizationId } = current();
    return (rooms === undefined || rooms.includes(room.id)) && (organizationId === undefined || room.organizationId === organizationId);
  };
  return {
    processInbound: (message, options) => within(options?.roomId ?? '', () => kit.processInbound(message, options)),
    getRoom: (roomId) => within(roomId, () => kit.getRoom(roomId)),
    getEvent: (roomId, eventId) => within(roomId, () => kit.getEvent(roomId, eventId)),
    getTimeline: (roomId, query) => within(roomId, () => kit.getTimeline(roomId, query)),
    readVisible: (roomId, channelId, options) => within(roomId, () => kit.readVisible(roomId, channelId, options)),
    listBindings: (roomId) => within(roomId, () => kit.listBindings(roomId)),
    listParticipants: (roomId) => within(roomId, () => kit.listParticipants(roomId)),
    markRead: (roomId, channelId, eventId) => within(roomId, () => kit.markRead(roomId, channelId, eventId)),
    publishTyping: (roomId, ...rest) => within(roomId, () => kit.publishTyping(roomId, ...rest)),
    publishPresence: (roomId, ...rest) => within(roomId, () => kit.publishPresence(roomId, ...rest)),
    publishReadReceipt: (roomId, ...rest) => within(roomId, () => kit.publishReadReceipt(roomId, ...rest)),
    publishReaction: (roomId, ...rest) => within(roomId, () => kit.publishReaction(roomId, ...rest)),
    subscribeRoom: (roomId, callback) => within(roomId, () => kit.subscribeRoom(roomId, callback)),
    unsubscribeRoom: (subscriptionId) => kit.unsubscribeRoom(subscriptionId),
    ensureParticipant: (roomId, ...rest) => within(roomId, () => kit.ensureParticipant(roomId, ...rest)),
    // The channel was chosen by the server, not by the caller.
    connectWebsocket: kit.connectWebsocket.bind(kit),
    disconnectWebsocket: kit.disconnectWebsocket.bind(kit),
    // Only a host's view listens; it looks up its rooms, which it reached, and asks for everything else through the above.
    on: kit.on.bind(kit),
    hook: kit.hook.bind(kit),
    onReply: kit.onReply.bind(kit),
    followRoom: (roomId, follower) => within(roomId, () => kit.followRoom(roomId, follower)),
    onRoomsChanged: kit.onRoomsChanged.bind(kit),
    onCommitted: (listener) => kit.onCommitted((event, room) => isListed(room) && listener(event, room)),
    listRooms: async (query) => {
      const organizationId = organizationOf(kit, current());
      const rooms = await kit.store.findRooms({ ...query, ...(organizationId !== undefined && { organizationId }) });
      return rooms.filter(isListed);
    },
  };
}
