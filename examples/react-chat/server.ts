/** Serves the chat of this folder: builds its page, opens a room with an agent in it, and says where. Stop it with Ctrl+C. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
// #region server
import { Agent, extractText, HookResult, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';

// #endregion
const page = await mkdtemp(join(tmpdir(), 'roomkit-react-chat-'));
const file = (name: string): string => fileURLToPath(import.meta.resolve(name));
await build({
  root: fileURLToPath(new URL('../../../examples/react-chat/page', import.meta.url)),
  configFile: false,
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic' } },
  // Your own project has roomkit among its packages and needs no alias.
  resolve: { alias: { 'roomkit/client': file('roomkit/client'), 'roomkit/react': file('roomkit/react') } },
  build: { outDir: page, emptyOutDir: true },
});

// #region server
const kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web', { echo: true })); // one channel for all pages
const responses = ['Welcome! Ask me anything, I only know a few answers.', 'That I would have to look up.', 'Good question. Let me think about it.'];
kit.registerChannel(new Agent('Robin', { provider: new MockAIProvider({ streaming: true, delayMs: 90, responses }) }));
kit.hook('before_broadcast', { name: 'no_cards', directions: ['inbound'] }, (event) =>
  /\d{16}/.test(extractText(event)) ? HookResult.block('card_number') : HookResult.allow(),
);
await kit.ensureRoom({ roomId: 'lounge' });
await kit.attachChannel('lounge', 'web');
await kit.attachChannel('lounge', 'Robin');

const server = await serve(kit, { port: Number(process.env.PORT ?? 4170), pages: { directory: page } });
console.log(`Open ${server.url}/?name=Ada`);
// #endregion

async function stop(): Promise<void> {
  await server.close();
  await kit.close();
  await rm(page, { recursive: true, force: true });
}
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
