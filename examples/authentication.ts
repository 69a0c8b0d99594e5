/** Who may come in: people with tokens that your application gives them, programs with keys, and each organization for itself. */
import { randomBytes } from 'node:crypto';
// #region kit
import { RoomKit, WebSocketChannel } from 'roomkit';
import { apiKeys, createApiKey, serve, type RoomKitServer } from 'roomkit/server';

const kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web', { echo: true }));
for (const [roomId, organizationId] of Object.entries({ 'order-7': 'acme', 'order-8': 'acme', 'order-9': 'globex' })) {
  await kit.createRoom({ roomId, organizationId });
  await kit.attachChannel(roomId, 'web');
}
// #endregion

// What a real application has in its database, and what it reads from its environment.
const customers = [{ name: 'ada', session: randomBytes(16).toString('hex'), rooms: ['order-7'] }];
const backend = await createApiKey('backend');
const globex = await createApiKey('globex');
const secret = randomBytes(32).toString('base64url');

// #region application
/** Your own web application, here on the same port. It knows its people, by a cookie for example. */
async function application(request: Request): Promise<Response | undefined> {
  if (new URL(request.url).pathname !== '/token' || request.method !== 'POST') return undefined;
  const customer = customers.find(({ session }) => request.headers.get('cookie') === `session=${session}`);
  if (customer === undefined) return new Response('Please log in.', { status: 401 });
  const { token } = await server.mintClientToken({
    rooms: customer.rooms,
    channelId: 'web',
    participantId: customer.name,
    organizationId: 'acme',
    ttlSeconds: 900,
  });
  return new Response(token);
}
// #endregion

// #region serve
const server: RoomKitServer = await serve(kit, {
  port: Number(process.env.PORT ?? 4170),
  clientTokens: { secrets: [secret] }, // of 32 random bytes or more
  authenticate: apiKeys([
    { id: 'backend', hash: backend.hash, organizationId: 'acme', scopes: ['read', 'write', 'operate'] },
    { id: 'globex', hash: globex.hash, organizationId: 'globex', scopes: ['read'] },
  ]),
  pages: application,
});
// #endregion

/** Asks, and prints what came of it. */
async function ask(who: string, credential: string | undefined, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  console.log(`${who}: ${method} ${path.replace('/api/', '')}: ${response.status} ${response.ok ? '' : String(answer.code)}`.trim());
  return answer;
}

await ask('a stranger', undefined, 'GET', '/api/rooms/order-7');

// #region page
// On the page: new RoomKitClient({ token: async () => (await fetch('/token', { method: 'POST' })).text() })
const response = await fetch(`${server.url}/token`, { method: 'POST', headers: { cookie: `session=${customers[0]?.session}` } });
const token = await response.text();
// #endregion

await ask('ada', token, 'GET', '/api/rooms/order-7/events');
await ask('ada', token, 'GET', '/api/rooms/order-8/events');
await ask('ada', token, 'POST', '/api/rooms/order-7/close');
const said = await ask('ada', token, 'POST', '/api/rooms/order-7/messages', { content: 'Where is my order?' });
console.log(`said by ${(said.event as { source: { participantId: string } }).source.participantId}`);

await ask('the backend', backend.key, 'GET', '/api/rooms/order-8/events');
await ask('globex', globex.key, 'GET', '/api/rooms/order-9');
await ask('globex', globex.key, 'GET', '/api/rooms/order-7');

// #region ban
await kit.ensureParticipant('order-7', 'web', 'ada'); // whoever was never made a participant is one now
await kit.updateParticipant('order-7', 'ada', { status: 'banned' });
// #endregion
await ask('ada', token, 'GET', '/api/rooms/order-7/events');

await server.close();
await kit.close();

// prints:
// a stranger: GET rooms/order-7: 401 unauthenticated
// ada: GET rooms/order-7/events: 200
// ada: GET rooms/order-8/events: 404 room_not_found
// ada: POST rooms/order-7/close: 403 forbidden
// ada: POST rooms/order-7/messages: 201
// said by ada
// the backend: GET rooms/order-8/events: 200
// globex: GET rooms/order-9: 200
// globex: GET rooms/order-7: 404 room_not_found
// ada: GET rooms/order-7/events: 404 room_not_found
