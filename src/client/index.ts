/**
 * A typed client for browsers and Node, without dependencies: rooms kept in step, messages sent once, whatever the network does.
 * @module roomkit/client
 */
export { RoomKitClient, type ClientEventMap } from './client.js';
export type {
  ClientClock,
  ClientFetch,
  ClientResponse,
  ClientSocket,
  ClientSocketConstructor,
  OutboxStorage,
  RoomKitClientOptions,
  WakeEvents,
} from './options.js';
export { ClientError, type ClientErrorOptions } from './errors.js';
export type { Connection, ConnectionStatus } from './line.js';
export type { ClientRoom, FollowStatus, LoadOlderOptions, RoomEventMap, RoomInfo, RoomPerson, RoomSnapshot, SendOptions } from './room.js';
export type { ClientRoomList, RoomListSnapshot } from './room-list.js';
export type { PendingSend, SendResult } from './outbox.js';
export type { Presence, Reactions, Receipt, Typer } from './people.js';
export type { Preview } from './previews.js';
export type { ApiRequest } from './api.js';
export { textOf } from './text.js';
// What snapshots and messages are made of.
export type { WireEvent } from '../channels/index.js';
export type { ContentInput, EphemeralEvent, EventContent, Room } from '../core/index.js';
