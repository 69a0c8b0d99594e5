/** Errors and outcomes: what is thrown, what is returned, and what a server answers. */
// #region thrown
import { ChannelNotRegisteredError, RoomKit, RoomKitError, WebSocketChannel } from 'roomkit';

// #endregion
// #region problem
import { createHandler } from 'roomkit/server';

// #endregion
// #region thrown
await using kit = new RoomKit();
await kit.createRoom({ roomId: 'room-1' });

try {
  await kit.attachChannel('room-1', 'web');
} catch (error) {
  if (error instanceof RoomKitError) console.log(error.code, error.retryable);
  if (error instanceof ChannelNotRegisteredError) console.log(error.message);
}
// #endregion

// #region returned
kit.registerChannel(new WebSocketChannel('web'));
await kit.attachChannel('room-1', 'web');
await kit.closeRoom('room-1');

const result = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Too late' }, { roomId: 'room-1' });
console.log(result.blocked, result.reason);
// #endregion

// #region problem
const handle = createHandler(kit);
const response = await handle(new Request('http://127.0.0.1/api/rooms/room-2'), { address: '127.0.0.1' });
const { status, code, detail } = (await response.json()) as { status: number; code: string; detail: string };
console.log(status, code, detail);
// #endregion

// prints:
// channel_not_registered false
// Channel 'web' is not registered. Call kit.registerChannel(channel) first; registered: none.
// true room_closed
// 404 room_not_found Room 'room-2' does not exist. Create it with kit.createRoom({ roomId: 'room-2' }) first.
