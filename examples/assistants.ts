/** The code that AGENTS.md shows to coding assistants. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// #region using
import { Agent, extractText, HookResult, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';
import { serve } from 'roomkit/server';

// #endregion
// #region testing
import { TestClock } from 'roomkit/testing';

// #endregion
const folder = mkdtempSync(join(tmpdir(), 'roomkit-assistants-'));
process.chdir(folder);

// #region using
const kit = new RoomKit({ store: await SqliteStore.open('./app.db') });
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ responses: ['Hello!'] }), role: 'Helper' }));
await kit.ensureRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'web');
await kit.attachChannel('room-1', 'helper');
kit.hook('before_broadcast', { name: 'no_cards' }, (event) =>
  /\d{16}/.test(extractText(event)) ? HookResult.block('card_number') : HookResult.allow(),
);
const { blocked, turns } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'hi' }, { roomId: 'room-1' });
const server = await serve(kit, { port: Number(process.env.PORT ?? 4170) });
// #endregion
console.log(`blocked: ${blocked}, turns: ${turns.map(({ channelId, state }) => `${channelId} ${state}`).join()}`);
await server.close();
await kit.close();

{
  // #region testing
  const clock = new TestClock();
  await using kit = new RoomKit({ clock });
  await kit.createRoom({ roomId: 'room-1', timers: { inactiveAfterSeconds: 300 } });
  await clock.advance(301_000); // five minutes, at once
  const [paused] = await kit.sweepRoomTimers();
  console.log(paused?.status);
  // #endregion
}
process.chdir(tmpdir());
rmSync(folder, { recursive: true });

// prints:
// blocked: false, turns: helper committed
// paused
