/** What an assistant can read of a room by its address: `room://ROOM_ID`, and below it its timeline, people, channels and tasks. */
import type { CallRoute } from './call.js';

/** A resource of every room. */
export interface RoomResource {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Behind `room://ROOM_ID`. */
  readonly path: string;
  /** The route it reads from: who may not call that does not see the resource. */
  readonly route: string;
  read(call: CallRoute, roomId: string): Promise<unknown>;
}

export const RESOURCES: readonly RoomResource[] = [
  {
    name: 'room',
    title: 'Room',
    description: 'A room with its channels, its people, and how far the conversation is.',
    path: '',
    route: 'getRoom',
    read: (call, roomId) => call('getRoom', { params: { roomId } }),
  },
  {
    name: 'timeline',
    title: 'Timeline',
    description: 'The newest 100 events of a room, newest first.',
    path: '/timeline',
    route: 'listEvents',
    read: (call, roomId) => call('listEvents', { params: { roomId }, query: { limit: 100, newestFirst: true } }),
  },
  {
    name: 'participants',
    title: 'Participants',
    description: 'Everybody the room knows.',
    path: '/participants',
    route: 'listParticipants',
    read: (call, roomId) => call('listParticipants', { params: { roomId } }),
  },
  {
    name: 'channels',
    title: 'Channels',
    description: 'The channels of a room and what each may do there.',
    path: '/channels',
    route: 'listBindings',
    read: (call, roomId) => call('listBindings', { params: { roomId } }),
  },
  {
    name: 'tasks',
    title: 'Tasks',
    description: 'The tasks of a room.',
    path: '/tasks',
    route: 'listTasks',
    read: (call, roomId) => call('listTasks', { params: { roomId } }),
  },
];

export function resourceUri(roomId: string, path: string): string {
  return `room://${encodeURIComponent(roomId)}${path}`;
}

/** The room id of an address, as {@link resourceUri} wrote it. */
export function roomOf(variable: string | readonly string[] | undefined): string {
  const written = typeof variable === 'string' ? variable : (variable?.[0] ?? '');
  try {
    return decodeURIComponent(written);
  } catch {
    return written;
  }
}
