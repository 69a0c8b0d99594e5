/** The kit that the mounts of this folder serve, and who may ask it. */
import { RoomKit, WebSocketChannel } from 'roomkit';
import { apiKeys, createHandler, type ServerHandler } from 'roomkit/server';

/** A room with a web channel, and a handler that knows one key. Abort `closing` when your server shuts down. */
export async function openHandler(options: {
  keyHash: string;
  tokenSecret: string;
  closing: AbortSignal;
}): Promise<{ kit: RoomKit; handle: ServerHandler }> {
  const kit = new RoomKit();
  kit.registerChannel(new WebSocketChannel('web', { echo: true }));
  await kit.ensureRoom({ roomId: 'room-1' });
  await kit.attachChannel('room-1', 'web');
  const handle = createHandler(kit, {
    authenticate: apiKeys([{ id: 'backend', hash: options.keyHash, scopes: ['read', 'write', 'operate'] }]),
    clientTokens: { secrets: [options.tokenSecret] },
    closing: options.closing,
  });
  return { kit, handle };
}
