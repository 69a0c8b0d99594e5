/** The first steps, continued: the same room on an SQLite file, in the browser, and still there after a restart. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
// #region server
import { Agent, extractText, HookResult, messageText, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';
import { SqliteStore } from 'roomkit/sqlite';

// #endregion
// This example leaves nothing behind: it works in a folder of its own, with a copy of the page.
const folder = mkdtempSync(join(tmpdir(), 'first-steps-'));
cpSync(fileURLToPath(new URL('../../examples/first-steps-page', import.meta.url)), join(folder, 'page'), { recursive: true });
process.chdir(folder);

// #region server
const kit = new RoomKit({ store: await SqliteStore.open('./shop.db') });
kit.onCommitted((event) => console.log(`${event.index}  ${event.source.channelId}: ${extractText(event)}`));

kit.registerChannel(new WebSocketChannel('web', { echo: true })); // echo: all pages of the channel show the same chat
kit.registerChannel(
  new Agent('helper', {
    role: 'Shop assistant',
    provider: new MockAIProvider({
      streaming: true,
      delayMs: 60, // between words, so that you see it write
      responder: ({ messages }) => (/open/i.test(messageText(messages.at(-1))) ? 'We are open from nine to five.' : 'Ask me when we are open.'),
    }),
  }),
);
kit.hook('before_broadcast', { name: 'no_cards', directions: ['inbound'] }, (event) =>
  /\d{16}/.test(extractText(event)) ? HookResult.block('card_number') : HookResult.allow(),
);

await kit.ensureRoom({ roomId: 'shop' });
await kit.attachChannel('shop', 'web');
await kit.attachChannel('shop', 'helper');

const server = await serve(kit, { port: Number(process.env.PORT ?? 4170), pages: { directory: './page' } });
console.log(`Open ${server.url}`);

async function stop(): Promise<void> {
  await server.close();
  await kit.close();
}
process.once('SIGINT', () => void stop());
// #endregion

// A visitor, in the place of your browser.
const page = await fetch(server.url);
console.log(`The page: ${page.status} ${page.headers.get('content-type')}`);
const response = await fetch(`${server.url}/api/client-tokens`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ rooms: ['shop'], channelId: 'web', participantId: 'ada' }),
});
const { token } = (await response.json()) as { token: string };
const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, 'roomkit.v1');
const say = (frame: object): void => socket.send(JSON.stringify(frame));
let pieces = 0;
await new Promise<void>((resolve, reject) => {
  socket.on('error', reject);
  socket.on('open', () => say({ type: 'hello', version: 1, token }));
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as { type: string };
    if (frame.type === 'welcome') say({ type: 'subscribe', id: '1', roomId: 'shop', afterIndex: -1 });
    if (frame.type === 'subscribed') say({ type: 'send', id: '2', roomId: 'shop', content: { type: 'text', body: 'When are you open?' } });
    if (frame.type === 'stream_chunk') pieces++;
    if (frame.type === 'stream_end') resolve();
  });
});
socket.close();
console.log(`The answer came word by word: ${pieces > 3}`);
await stop();

// The second start finds the room as it was.
const again = new RoomKit({ store: await SqliteStore.open('./shop.db') });
const timeline = await again.getTimeline('shop');
console.log(`After a restart: ${timeline.length} events, the last one “${extractText(timeline.at(-1) ?? { content: { type: 'text', body: '' } })}”`);
await again.close();
process.chdir(tmpdir());
rmSync(folder, { recursive: true });

// prints:
// 0  system: web was attached.
// 1  system: helper was attached.
// Open http://127.0.0.1:…
// The page: 200 text/html; charset=utf-8
// 2  web: When are you open?
// 3  helper: We are open from nine to five.
// The answer came word by word: true
// After a restart: 4 events, the last one “We are open from nine to five.”
