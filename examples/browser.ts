/** The browser's side of a room: a small client in plain JavaScript, streams, a lost line, a restarted server. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import type { WireEvent } from 'roomkit';
// #region server
import { Agent, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
import { serve, type RoomKitServer } from 'roomkit/server';
import { SqliteStore } from 'roomkit/sqlite';

// #endregion
const folder = await mkdtemp(join(tmpdir(), 'roomkit-browser-'));
const secret = randomBytes(32).toString('base64url'); // from your configuration: tokens outlive a restart
const page = fileURLToPath(new URL('../../examples/browser-page', import.meta.url));

// #region server
async function start(port: number): Promise<{ kit: RoomKit; server: RoomKitServer }> {
  const kit = new RoomKit({ store: await SqliteStore.open(join(folder, 'chat.db')) });
  kit.registerChannel(new WebSocketChannel('web', { echo: true })); // one channel for all visitors
  kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ streaming: true, responses: ['It comes on Monday.'] }) }));
  await kit.ensureRoom({ roomId: 'room' });
  await kit.attachChannel('room', 'web');
  await kit.attachChannel('room', 'helper');
  return { kit, server: await serve(kit, { port, clientTokens: { secrets: [secret] }, pages: { directory: page } }) };
}
// #endregion
let { kit, server } = await start(0);
const { url } = server;

interface Client {
  send(body: string): Promise<{ event?: WireEvent; duplicate?: boolean; blocked?: boolean }>;
  close(): void;
}
const { openRoom } = (await import(pathToFileURL(join(page, 'room.js')).href)) as { openRoom: (options: object) => Client };

/** A visitor: what a page would do with the client. */
function visit(participantId: string, onPreview: (id: string, text?: string) => void = () => undefined) {
  const seen: string[] = [];
  const sockets: WebSocket[] = [];
  let look = (): void => undefined;
  const client = openRoom({
    roomId: 'room',
    retryMs: 20,
    socket: () => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, 'roomkit.v1');
      sockets.push(socket);
      return socket;
    },
    // Your application knows who asks, and gives a token for that person.
    token: async () => (await server.mintClientToken({ rooms: ['room'], channelId: 'web', participantId })).token,
    onEvent: (event: WireEvent) => {
      seen.push(
        `${event.source.participantId ?? event.source.channelId}: ${event.content.type === 'text' ? event.content.body : event.content.type}`,
      );
      look();
    },
    onPreview,
  });
  const until = (count: number): Promise<void> =>
    new Promise((resolve) => {
      look = () => void (seen.length >= count && resolve());
      look();
    });
  return { ...client, seen, until, lose: () => sockets.at(-1)?.terminate() };
}

let pieces = 0;
const ada = visit('ada', (_id, text) => void (text !== undefined && pieces++));
const { event } = await ada.send('When does it come?');
await ada.until(2);
console.log(`Ada sent event ${event?.index} and watched the answer grow: ${pieces > 1}`);

const bob = visit('bob');
await bob.until(2);
console.log(`Bob came later and read: ${bob.seen.join(' | ')}`);

// Ada's line is lost; she goes on writing, and Bob does too.
ada.lose();
const late = ada.send('Thank you!');
await bob.send('Is it for me?');
await late;
await Promise.all([ada.until(6), bob.until(6)]);
console.log(`Both saw the same, once: ${[...ada.seen].join() === [...bob.seen].join() && new Set(ada.seen.slice(2)).size >= 3}`);

// The server restarts; the clients come back by themselves.
await server.close();
await kit.close();
({ kit, server } = await start(Number(new URL(url).port)));
const { event: after } = await bob.send('Still here');
await Promise.all([ada.until(8), bob.until(8)]);
console.log(`After the restart event ${after?.index} reached both: ${ada.seen.includes('bob: Still here') && bob.seen.includes('bob: Still here')}`);
console.log(`The page is served too: ${(await fetch(`${url}/room.js`)).status}`);

ada.close();
bob.close();
await server.close();
await kit.close();
await rm(folder, { recursive: true });

// prints:
// Ada sent event 2 and watched the answer grow: true
// Bob came later and read: ada: When does it come? | helper: It comes on Monday.
// Both saw the same, once: true
// After the restart event 8 reached both: true
// The page is served too: 200
