/** Frames that the server writes itself are whole at every length, and keep their order with what `ws` writes. */
import { afterEach, describe, expect, it } from 'vitest';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';
import { silentLogger } from '../../src/core/logger.js';
import { verifies } from '../requirements.js';
import { WirePeer } from './wire-peer.js';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function start(): Promise<{ kit: RoomKit; peers: WirePeer[]; close(): Promise<void> }> {
  const kit = new RoomKit({ logger: silentLogger });
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(new WebSocketChannel('desk'));
  await kit.createRoom({ roomId: 'r' });
  for (const channelId of ['web', 'desk']) await kit.attachChannel('r', channelId);
  const server = await serve(kit, { port: 0 });
  opened.push(kit, server);
  const peers = await Promise.all(
    ['ada', 'bob'].map(async (participantId) => {
      const { token } = await server.mintClientToken({ rooms: ['r'], channelId: 'web', participantId });
      const peer = await WirePeer.connect(server.url, token);
      await peer.subscribe('r');
      return peer;
    }),
  );
  return { kit, peers, close: () => server.close() };
}

describe('a frame', () => {
  it('is whole at every length of its head, in any script, for everybody, alone or among others', async () => {
    verifies('WIRE-01', 'WIRE-06');
    const { kit, peers } = await start();
    // The frame around a text is a few hundred bytes: these cross 65,535 bytes one by one, in one and in three bytes a sign.
    const texts = ['', 'a', 'é', '☎', '😀', 'x'.repeat(200)].map((text, n) => `${n}${text}`);
    for (let length = 64_900; length < 65_536; length += 13) texts.push('y'.repeat(length));
    texts.push('☎'.repeat(21_700), '😀'.repeat(40_000));
    const said = texts.map((text) => kit.sendEvent('r', 'desk', text, { wait: 'commit' }));
    await Promise.all(said);
    await kit.sendEvent('r', 'desk', 'the end', { wait: 'commit' });
    for (const peer of peers) {
      await peer.frame(({ event }) => (event as { content?: { body?: string } } | undefined)?.content?.body === 'the end');
      const heard = peer.texts();
      expect(heard.length).toBe(texts.length + 1);
      expect(heard.slice(0, -1).every((text, n) => text === texts[n])).toBe(true);
    }
  });

  it('that was written before the goodbye comes before it', async () => {
    verifies('WIRE-13');
    const { kit, peers, close } = await start();
    await kit.sendEvent('r', 'desk', 'last words', { wait: 'cascade' });
    await close();
    for (const peer of peers) {
      expect(await peer.ended).toMatchObject({ code: 1012 });
      expect(peer.frames.slice(-2).map(({ type }) => type)).toEqual(['event', 'goodbye']);
    }
  });
});
