/** Serving a kit: on a port, to programs with API keys, to people with client tokens, with your own authentication, and mounted elsewhere. */
import { randomBytes } from 'node:crypto';
// #region serve
import { RoomKit, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';

// #endregion
// #region keys
import { apiKeys, createApiKey } from 'roomkit/server';

// #endregion
// #region mount
import { createHandler } from 'roomkit/server';

// #endregion

// #region serve
const kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web', { echo: true }));
await kit.createRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'web');

const port = Number(process.env.PORT ?? 4170);
const server = await serve(kit, { port });
console.log(`Open ${server.url}/api/rooms/room-1`);

async function shutDown(): Promise<void> {
  await server.close(); // says goodbye to sockets; clients come back by themselves
  await kit.close(); // finishes what runs
}
process.once('SIGTERM', () => void shutDown());
// #endregion

const open = await fetch(`${server.url}/api/rooms/room-1`);
console.log(`From this machine, without credentials: ${open.status}`);
await server.close();

// #region keys
const { key, hash } = await createApiKey('backend'); // once; the program keeps `key`, your configuration keeps `hash`

const forPrograms = await serve(kit, {
  port,
  host: '0.0.0.0',
  authenticate: apiKeys([{ id: 'backend', hash, scopes: ['read', 'operate'] }]),
});
// #endregion

const refused = await fetch(`${forPrograms.url}/api/rooms`);
const admitted = await fetch(`${forPrograms.url}/api/rooms`, { headers: { authorization: `Bearer ${key}` } });
console.log(`Without a key: ${refused.status}; with one: ${admitted.status}`);
await forPrograms.close();

// #region tokens
const secret = process.env.ROOMKIT_TOKEN_SECRET ?? randomBytes(32).toString('base64url');
const forPeople = await serve(kit, { port, host: '0.0.0.0', clientTokens: { secrets: [secret] } });

// In your own web application, once you know who is asking:
const { token, expiresAt } = await forPeople.mintClientToken({ rooms: ['room-1'], channelId: 'web', participantId: 'ada', ttlSeconds: 900 });
// #endregion

const mine = await fetch(`${forPeople.url}/api/rooms/room-1/events`, { headers: { authorization: `Bearer ${token}` } });
console.log(`Ada reads room-1 until ${expiresAt.slice(0, 4)}…: ${mine.status}`);
await forPeople.close();

const sessions = { find: async (cookie: string | null) => (cookie === 'session=1' ? { id: 'ada', rooms: ['room-1'] } : undefined) };

// #region sessions
const withSessions = await serve(kit, {
  port,
  host: '0.0.0.0',
  origins: ['https://app.example.com'],
  authenticate: async (request) => {
    const user = await sessions.find(request.headers.get('cookie'));
    if (user === undefined) return null; // 401
    return { id: user.id, kind: 'client', scopes: ['read', 'write'], rooms: user.rooms, channelId: 'web', participantId: user.id };
  },
});
// #endregion

const stranger = await fetch(`${withSessions.url}/api/rooms/room-1`);
const user = await fetch(`${withSessions.url}/api/rooms/room-1`, { headers: { cookie: 'session=1' } });
console.log(`A stranger: ${stranger.status}; somebody with a session: ${user.status}`);
await withSessions.close();

const authenticate = apiKeys([{ id: 'backend', hash, scopes: ['read', 'operate'] }]);
// #region mount
const handle = createHandler(kit, { authenticate });
const application = { fetch: (request: Request) => handle(request) };
// #endregion

const mounted = await application.fetch(new Request('https://chat.example.com/healthz'));
console.log(`Mounted elsewhere: ${await mounted.text()}`);
await shutDown();

// prints:
// Open http://127.0.0.1:…/api/rooms/room-1
// From this machine, without credentials: 200
// Without a key: 401; with one: 200
// Ada reads room-1 until …: 200
// A stranger: 401; somebody with a session: 200
// Mounted elsewhere: {"status":"ok"}
