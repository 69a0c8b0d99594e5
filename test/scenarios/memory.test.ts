/** What an agent's own record is told of a room (MEM-01), and what stays hidden from every reading of it (F43). */
import { describe, expect, it } from 'vitest';
import {
  AIChannel,
  HandoffMemoryProvider,
  HookResult,
  MockAIProvider,
  MockMemoryProvider,
  type AIContext,
  type MemoryProvider,
  type RoomEvent,
} from '../../src/index.js';
import { makeKit, openRoom, settle, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

const say = (content: string, more: object = {}) => ({ channelId: 'a', senderId: 'u', content, ...more });

describe('a memory that keeps its own record', () => {
  it('is told once of each committed event its reader may see, its own words included, streamed or not', async () => {
    verifies('MEM-01', 'PERM-07');
    for (const streaming of [false, true]) {
      const { kit, clock } = makeKit();
      const memory = new MockMemoryProvider();
      const bot = new AIChannel('bot', { provider: new MockAIProvider({ streaming, responses: ['my answer'] }), memory });
      const other = new TestAgent('other', () => undefined);
      await openRoom(kit, [new TestTransport('a'), new TestTransport('b'), bot, other]);
      kit.hook('before_broadcast', { name: 'guard' }, (event) => {
        if (textOf(event) === 'bad') return HookResult.block('no');
        if (textOf(event) !== 'with company') return HookResult.allow();
        const injectedEvents = [
          { event: { content: 'for the bot' }, targetChannelIds: ['bot'] },
          { event: { content: 'for b' }, targetChannelIds: ['b'] },
          { event: { content: 'for all to read', visibility: 'all' } },
        ];
        return HookResult.allow({ injectedEvents });
      });
      const send = (content: string, more: object = {}) => kit.processInbound(say(content, { addressedTo: [], ...more }), { roomId: 'room' });
      await kit.processInbound(say('hello', { addressedTo: ['bot'] }), { roomId: 'room' });
      await send('bad');
      await send('whisper', { visibility: 'b' });
      await send('to nobody', { visibility: 'none' });
      await kit.sendEvent('room', 'other', 'from the other', { addressedTo: [] });
      await send('with company');
      await settle(clock);
      expect(memory.ingested.map(textOf)).toEqual([
        'hello',
        'my answer',
        'from the other',
        'with company',
        'for the bot',
        'for all to read',
        'my answer', // to what was injected for it
      ]);
      expect(new Set(memory.ingested.map(({ id }) => id)).size).toBe(memory.ingested.length);
      await kit.setAccess('room', 'bot', 'none');
      await send('unread');
      expect(memory.ingested.map(textOf)).not.toContain('unread');
      await kit.close();
    }
  });

  it('forgets a room that was deleted, and one that cannot is only logged', async () => {
    verifies('MEM-01');
    const { kit } = makeKit();
    const memory = new MockMemoryProvider();
    const stubborn: MemoryProvider = {
      name: 'stubborn',
      retrieve: () => ({ messages: [], events: [] }),
      clear: () => Promise.reject(new Error('no')),
    };
    const bots = [stubborn, new HandoffMemoryProvider(memory)].map(
      (own, at) => new AIChannel(`bot-${at}`, { provider: new MockAIProvider(), memory: own }),
    );
    await openRoom(kit, [new TestTransport('a'), ...bots]);
    await kit.createRoom({ roomId: 'other' });
    await kit.deleteRoom('room');
    expect(memory.cleared).toEqual(['room']);
    await kit.close();
  });

  it('that fails or hangs is nobody else’s concern', async () => {
    verifies('F54', 'MEM-01', 'INV-14');
    const { kit, clock } = makeKit();
    const failing: MemoryProvider = {
      name: 'bad',
      retrieve: (_room, _event, context) => ({ messages: [], events: context.recentEvents }),
      ingest: () => Promise.reject(new Error('full')),
    };
    const hanging: MemoryProvider = { ...failing, name: 'hangs', ingest: () => new Promise(() => undefined) };
    const b = new TestTransport('b');
    const bots = [failing, hanging].map((memory, at) => new AIChannel(`bot-${at}`, { provider: new MockAIProvider(), memory }));
    await openRoom(kit, [new TestTransport('a'), b, ...bots]);
    const { turns } = await kit.processInbound(say('x', { addressedTo: ['bot-0'] }), { roomId: 'room' });
    expect(turns[0]).toMatchObject({ state: 'committed' });
    expect(b.texts.slice(0, 2)).toEqual(['x', 'Hello from AI']);
    const closing = kit.close();
    await clock.advance(15_000);
    await closing;
  });
});

describe('what is hidden from an agent', () => {
  it('F43 hidden_stays_hidden (from models, memories and what they summarise)', async () => {
    verifies('F43', 'PERM-07', 'INV-06', 'MEM-01');
    const { kit } = makeKit();
    /** Summarises whatever it is given; so does the model that hands over. */
    const summarising = (): MemoryProvider & { seen: RoomEvent[] } => {
      const seen: RoomEvent[] = [];
      return {
        name: 'summary',
        seen,
        ingest: (event) => void seen.push(event),
        retrieve: (_room, _event, context) => {
          seen.push(...context.recentEvents, ...context.visibleTo('bot'), ...context.visibleTo('b'));
          return { messages: [{ role: 'user', content: seen.map(textOf).join('|') }], events: context.recentEvents };
        },
      };
    };
    const memory = summarising();
    const provider = new MockAIProvider();
    const bot = new AIChannel('bot', { provider, memory: new HandoffMemoryProvider(memory) });
    await openRoom(kit, [new TestTransport('a'), new TestTransport('b'), bot, new TestAgent('other', () => 'between us')]);
    await kit.setVisibility('room', 'other', 'b');
    await kit.processInbound(say('secret-1', { visibility: 'b', addressedTo: [] }), { roomId: 'room' });
    await kit.processInbound(say('psst', { addressedTo: ['other'], responseVisibility: 'b', visibility: 'other' }), { roomId: 'room' });
    await kit.sendEvent('room', 'a', 'secret-2', { visibility: 'internal' });
    await kit.processInbound(say('secret-3', { visibility: 'transport', addressedTo: [] }), { roomId: 'room' });
    await kit.processInbound(say('open', { addressedTo: ['bot'] }), { roomId: 'room' });
    await kit.processInbound(say('open again', { addressedTo: ['bot'] }), { roomId: 'room' });
    const shown = (context: AIContext): string => JSON.stringify([context.messages, context.systemPrompt, context.room?.metadata]);
    for (const context of provider.calls) expect(shown(context)).not.toMatch(/secret|psst|between us/);
    expect(shown(provider.calls[1] as AIContext)).toContain('open again');
    expect(memory.seen.map(textOf).join('|')).not.toMatch(/secret|psst|between us/);
    await kit.close();
  });
});
