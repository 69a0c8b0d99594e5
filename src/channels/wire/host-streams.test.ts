import { describe, expect, it } from 'vitest';
import type { Channel } from '../../core/channel.js';
import { channelCapabilities } from '../../core/models/capabilities.js';
import { HookResult } from '../../core/hooks/verdict.js';
import { RoomKit } from '../../core/kit.js';
import { silentLogger } from '../../core/logger.js';
import { TestClock } from '../../testing/test-clock.js';
import { verifies } from '../../../test/requirements.js';
import { WebSocketChannel } from '../websocket.js';
import { WireConnection } from './connection.js';
import type { ServerFrame } from './frames.js';

/** An agent that writes word by word, each when it is told to; without words it fails. */
class Writer {
  #next: ((word: string | undefined) => void) | undefined;
  readonly channel: Channel = {
    channelId: 'bot',
    channelType: 'ai',
    category: 'intelligence',
    direction: 'bidirectional',
    capabilities: channelCapabilities(),
    handleInbound: () => Promise.reject(new Error('nothing comes from outside')),
    onEvent: () => ({
      responded: true,
      responseStream: {
        deltas: this.#deltas(),
        placeholder: { source: { channelId: 'bot', channelType: 'ai', direction: 'outbound', rawPayload: {} }, content: { type: 'text', body: '' } },
        finish: () => ({ endReason: 'completed', usage: {} }),
      },
    }),
  };

  async write(word: string | undefined, clock: TestClock): Promise<void> {
    this.#next?.(word);
    await clock.advance(0);
  }

  async *#deltas(): AsyncGenerator<string> {
    for (;;) {
      const word = await new Promise<string | undefined>((resolve) => (this.#next = resolve));
      if (word === undefined) return;
      yield word;
    }
  }
}

async function watched() {
  const clock = new TestClock();
  const kit = new RoomKit({ clock, logger: silentLogger });
  const writer = new Writer();
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(writer.channel);
  await kit.createRoom({ roomId: 'r' });
  await kit.attachChannel('r', 'web');
  await kit.attachChannel('r', 'bot', { category: 'intelligence' });
  const frames: ServerFrame[] = [];
  const host = new WireConnection({
    id: 'host',
    kit,
    principal: { kind: 'host', canWrite: true },
    clock,
    logger: silentLogger,
    send: (text) => frames.push(JSON.parse(text) as ServerFrame),
    close: () => undefined,
    buffered: () => 0,
  });
  const subscribe = async (more: Record<string, unknown> = {}) => {
    host.onText(JSON.stringify({ type: 'subscribe', id: 's', roomId: 'r', ...more }));
    await clock.advance(0);
  };
  const ask = async () => {
    void kit.processInbound({ channelId: 'web', senderId: 'ann', content: 'question' }, { roomId: 'r' });
    await clock.advance(0);
  };
  const streamed = () => frames.filter(({ type }) => type.startsWith('stream_'));
  return { kit, clock, writer, frames, host, subscribe, ask, streamed };
}

describe('a host', () => {
  it('sees a reply from its first words to the event that takes its place', async () => {
    verifies('WIRE-15', 'WIRE-09');
    const { kit, clock, writer, frames, subscribe, ask, streamed } = await watched();
    await using _kit = kit;
    await subscribe();
    await ask();
    for (const word of ['Good', ' morning', undefined]) await writer.write(word, clock);
    const [start, first, second, end, ...rest] = streamed();
    expect(start).toMatchObject({ type: 'stream_start', roomId: 'r', source: { channelId: 'bot' } });
    expect([first, second]).toMatchObject([
      { type: 'stream_chunk', delta: 'Good', offset: 0 },
      { type: 'stream_chunk', delta: ' morning', offset: 4 },
    ]);
    expect(end).toMatchObject({ type: 'stream_end', event: { content: { body: 'Good morning' } } });
    expect(rest).toEqual([]);
    const places = frames.flatMap((frame) => (frame.type === 'event' || frame.type === 'stream_end' ? [[frame.prev, frame.event.index]] : []));
    expect(places).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });

  it('who comes in the middle gets the text so far', async () => {
    verifies('WIRE-09');
    const { kit, clock, writer, subscribe, ask, streamed } = await watched();
    await using _kit = kit;
    await ask();
    await writer.write('Good', clock);
    await subscribe();
    await writer.write(' morning', clock);
    expect(streamed()).toMatchObject([
      { type: 'stream_start' },
      { type: 'stream_chunk', delta: 'Good', offset: 0 },
      { type: 'stream_chunk', delta: ' morning', offset: 4 },
    ]);
    await writer.write(undefined, clock);
    expect(streamed().at(-1)).toMatchObject({ type: 'stream_end', event: { content: { body: 'Good morning' } } });
  });

  it('sees a blocked reply end in the blocked event', async () => {
    verifies('WIRE-15');
    const { kit, clock, writer, subscribe, ask, streamed } = await watched();
    await using _kit = kit;
    kit.hook('before_broadcast', { name: 'filter', channelIds: ['bot'] }, () => HookResult.block('no'));
    await subscribe();
    await ask();
    for (const word of ['secret', undefined]) await writer.write(word, clock);
    expect(streamed().map(({ type }) => type)).toEqual(['stream_start', 'stream_chunk', 'stream_end']);
    expect(streamed().at(-1)).toMatchObject({ event: { status: 'blocked', blockedBy: 'filter' } });
  });

  it('is told when a reply came to nothing', async () => {
    verifies('WIRE-15');
    const { kit, clock, writer, subscribe, ask, streamed } = await watched();
    await using _kit = kit;
    await subscribe();
    await ask();
    await writer.write('Good', clock);
    await kit.closeRoom('r');
    await writer.write(undefined, clock);
    expect(streamed().at(-1)).toMatchObject({ type: 'stream_error' });
  });

  it('hears typing of the rooms it watches, and none with the eyes of a channel', async () => {
    verifies('WIRE-15');
    const { kit, clock, frames, subscribe } = await watched();
    await using _kit = kit;
    await subscribe();
    await kit.publishTyping('r', 'ann');
    await clock.advance(0);
    expect(frames.filter(({ type }) => type === 'ephemeral')).toMatchObject([{ event: { type: 'typing_start', userId: 'ann' } }]);
    await subscribe({ as: 'web' });
    await kit.publishTyping('r', 'ann', false);
    await clock.advance(0);
    expect(frames.filter(({ type }) => type === 'ephemeral')).toHaveLength(1);
  });

  describe('with the eyes of a channel', () => {
    it('sees a reply grow that the channel will see, from the middle too, and its event take its place', async () => {
      verifies('WIRE-15', 'WIRE-09');
      const { kit, clock, writer, frames, subscribe, ask, streamed } = await watched();
      await using _kit = kit;
      await ask();
      await writer.write('Good', clock);
      await subscribe({ as: 'web' });
      expect(streamed()).toMatchObject([{ type: 'stream_start' }, { type: 'stream_chunk', delta: 'Good', offset: 0 }]);
      for (const word of [' morning', undefined]) await writer.write(word, clock);
      expect(streamed().slice(2)).toMatchObject([
        { type: 'stream_chunk', delta: ' morning', offset: 4 },
        { type: 'stream_end', event: { content: { body: 'Good morning' } } },
      ]);
      expect(frames.filter(({ type }) => type === 'event')).toHaveLength(0);
      await ask();
      for (const word of ['Again', undefined]) await writer.write(word, clock);
      expect(streamed().slice(4)).toMatchObject([{ type: 'stream_start' }, { delta: 'Again', offset: 0 }, { type: 'stream_end' }]);
    });

    it.each([
      ['is meant for others', (kit: RoomKit) => kit.setVisibility('r', 'bot', 'intelligence'), 'web'],
      ['the channel may not read', (kit: RoomKit) => kit.setAccess('r', 'web', 'write_only'), 'web'],
      [
        'a hook could still stop',
        (kit: RoomKit) => kit.hook('before_broadcast', { name: 'filter', channelIds: ['bot'], preview: false }, () => HookResult.allow()),
        'web',
      ],
    ])('sees nothing of a reply that %s, while the host does', async (_, narrow, as) => {
      verifies('WIRE-15', 'STR-02');
      const { kit, clock, writer, subscribe, ask, streamed } = await watched();
      await using _kit = kit;
      await narrow(kit);
      await clock.advance(0);
      await subscribe({ as });
      await ask();
      await writer.write('secret', clock);
      expect(streamed()).toEqual([]);
      await subscribe();
      expect(streamed()).toMatchObject([{ type: 'stream_start' }, { type: 'stream_chunk', delta: 'secret' }]);
      await subscribe({ as });
      await writer.write(' words', clock);
      await writer.write(undefined, clock);
      expect(streamed()).toHaveLength(2);
    });

    it('sees a preview taken back when the event becomes one that the channel may not see', async () => {
      verifies('WIRE-15');
      const { kit, clock, writer, frames, subscribe, ask, streamed } = await watched();
      await using _kit = kit;
      await subscribe({ as: 'web' });
      kit.hook('before_broadcast', { name: 'late', channelIds: ['bot'], preview: true }, () => HookResult.block('no'));
      await ask();
      for (const word of ['secret', undefined]) await writer.write(word, clock);
      expect(streamed().map(({ type }) => type)).toEqual(['stream_start', 'stream_chunk', 'stream_error']);
      expect(frames.some((frame) => frame.type === 'event' && frame.event.status === 'blocked')).toBe(false);
    });

    it('sees an agent write with its own eyes', async () => {
      verifies('WIRE-15');
      const { kit, clock, writer, subscribe, ask, streamed } = await watched();
      await using _kit = kit;
      await kit.setVisibility('r', 'bot', 'internal');
      await subscribe({ as: 'bot' });
      await ask();
      for (const word of ['Note', undefined]) await writer.write(word, clock);
      expect(streamed().map(({ type }) => type)).toEqual(['stream_start', 'stream_chunk', 'stream_end']);
    });
  });
});
