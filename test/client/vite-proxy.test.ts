/** The page of a chat on Vite's development server, with the configuration of the guide: its requests and sockets reach the kit. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createServer, type ProxyOptions } from 'vite';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { RoomKit, silentLogger, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';
import configure from '../../examples/react-chat/vite.config.js';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

it('takes the page for its own', { timeout: 60_000 }, async () => {
  const kit = new RoomKit({ logger: silentLogger });
  opened.push(() => kit.close());
  kit.registerChannel(new WebSocketChannel('web'));
  await kit.createRoom({ roomId: 'lounge' });
  await kit.attachChannel('lounge', 'web');
  const server = await serve(kit, { port: 0 });
  opened.push(() => server.close());

  const proxy: Record<string, ProxyOptions> = configure().server.proxy;
  for (const options of Object.values(proxy)) options.target = server.url; // in place of port 4170
  const vite = await createServer({
    root: fileURLToPath(new URL('../../examples/react-chat/page', import.meta.url)),
    configFile: false,
    logLevel: 'silent',
    optimizeDeps: { noDiscovery: true },
    server: { host: '127.0.0.1', port: 0, ws: false, proxy },
  });
  opened.push(() => vite.close());
  await vite.listen();
  const address = vite.httpServer?.address();
  if (address === null || typeof address !== 'object') throw new Error('Vite does not listen.');
  const origin = `http://127.0.0.1:${address.port}`;

  const response = await fetch(`${origin}/api/client-tokens`, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json' },
    body: JSON.stringify({ rooms: ['lounge'], channelId: 'web', participantId: 'ada' }),
  });
  expect(response.status).toBe(201);
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, 'roomkit.v1', { origin });
  opened.push(async () => socket.terminate());
  await once(socket, 'open');

  // A page that is not the one which Vite serves stays out all the same.
  const foreign = await fetch(`${origin}/api/rooms`, { headers: { origin: 'http://evil.example' } });
  expect(foreign.status).toBe(403);
});
