/** One kit per process: modules of a server are loaded once. */
import { RoomKit, WebSocketChannel } from 'roomkit';
import { apiKeys, createHandler } from 'roomkit/server';

const kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web', { echo: true }));
await kit.ensureRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'web');

const hash = process.env.ROOMKIT_KEY_HASH; // of createApiKey('backend')
export const handle = createHandler(kit, {
  authenticate: hash === undefined ? () => null : apiKeys([{ id: 'backend', hash, scopes: ['read', 'write', 'operate'] }]),
});
