/** A program in Node that uses the client as a page does: it follows a room, sends, loses its line and misses nothing. */
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { Agent, extractText, HookResult, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
// #region client
import { RoomKitClient, textOf } from 'roomkit/client';

// #endregion
import type { ClientRoom, RoomSnapshot } from 'roomkit/client';
import { serve } from 'roomkit/server';

const kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web', { echo: true }));
kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ streaming: true, delayMs: 40, responses: ['It comes on Monday.'] }) }));
kit.hook('before_broadcast', { name: 'no_cards', directions: ['inbound'] }, (event) =>
  /\d{16}/.test(extractText(event)) ? HookResult.block('card_number') : HookResult.allow(),
);
await kit.ensureRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'web');
await kit.attachChannel('room-1', 'helper');
const options = { clientTokens: { secrets: [randomBytes(32).toString('base64url')] } };
let server = await serve(kit, { port: 0, ...options });
const { url, port } = server;

const fetchToken = async (participantId: string): Promise<string> =>
  (await server.mintClientToken({ rooms: ['room-1'], channelId: 'web', participantId, displayName: participantId })).token;

/** Waits until a room looks so. */
function until(room: ClientRoom, isSo: (snapshot: RoomSnapshot) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = room.subscribe(() => look());
    const look = (): void => {
      if (!isSo(room.snapshot)) return;
      end();
      resolve();
    };
    look();
  });
}

// #region client
const client = new RoomKitClient({
  url, // on a page: not needed, it is the page's own
  token: () => fetchToken('Ada'), // your application's; asked whenever a new one is needed
  WebSocket, // on Node 20; browsers and Node 22 have one
});
const room = client.room('room-1');
// #endregion

let longest = 0;
const draw = ({ streams }: ClientRoom): void => void (longest = Math.max(longest, streams[0]?.text.length ?? 0));
const heard: string[] = [];

// #region follow
room.subscribe(() => {
  draw(room); // room.messages, room.streams, room.typers …: what did not change is the same object as before
});
room.on('event', (event) => heard.push(textOf(event))); // each one once, in order
await room.enter();
// #endregion
// #region send
const { event } = await room.send('When does it come?');
const refused = await room.send('My card is 4111111111111111'); // { blocked: true, reason: 'card_number' }
room.discard(room.outbox[0]?.id ?? ''); // it stays in the outbox to be seen, until then
// #endregion
console.log(`Blocked: ${refused.reason}`);
await until(room, () => room.messages.length === 2 && room.streams.length === 0);
console.log(`Ada heard: ${heard.join(' | ')}, and saw it grow: ${longest > 0}`);

const ben = new RoomKitClient({ url, token: () => fetchToken('Ben'), WebSocket });
const bens = ben.room('room-1');
const { events } = await bens.enter();
console.log(`Ben came later and has ${events.length} events`);

// #region people
room.typing(); // at every key
await until(bens, ({ typers }) => typers[0]?.displayName === 'Ada');
room.react(event?.id ?? '', '🎉');
await until(bens, ({ reactions }) => reactions[event?.id ?? '']?.['🎉']?.includes('Ada') === true);
bens.markRead(); // up to the newest event
await until(room, ({ receipts }) => receipts['Ben'] !== undefined);
// #endregion
console.log('Ben saw Ada type and react, and Ada saw that Ben has read it');

// #region change
await room.edit(event?.id ?? '', 'When does my parcel come?');
await until(bens, () => bens.messages.some((message) => textOf(message) === 'When does my parcel come?'));
const { reason } = await bens.edit(event?.id ?? '', 'Something else');
// #endregion
console.log(`Ben may not edit it: ${reason}`);

// The server goes; Ada writes on, and both come back by themselves.
const away = new Promise<void>((resolve) => client.on('status', ({ status }) => status === 'reconnecting' && resolve()));
await server.close();
await away;
// #region offline
const first = room.send('Thank you!');
const second = room.send('See you on Monday');
console.log(`While away: ${room.outbox.map(({ state }) => state).join(', ')}`);
// #endregion
server = await serve(kit, { port, ...options });
await Promise.all([first, second]);
await until(bens, () => bens.messages.some((message) => textOf(message) === 'See you on Monday'));
const said = bens.messages.filter(({ source }) => source.participantId === 'Ada').map(textOf);
console.log(`Ben reads: ${said.join(' | ')}`);
await until(room, () => room.events.at(-1)?.id === bens.events.at(-1)?.id);

client.close();
ben.close();
await server.close();
await kit.close();

// prints:
// Blocked: card_number
// Ada heard: When does it come? | It comes on Monday., and saw it grow: true
// Ben came later and has 2 events
// Ben saw Ada type and react, and Ada saw that Ben has read it
// Ben may not edit it: not_original_author
// While away: queued, queued
// Ben reads: When does my parcel come? | Thank you! | See you on Monday
