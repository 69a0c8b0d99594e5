/** Snapshots: immutable, the same until something changes, and told at most sixty times a second. */
import { describe, expect, it } from 'vitest';
import { textOf, type RoomSnapshot } from 'roomkit/client';
import { event, events, indexes, Script } from './scripted.js';

describe('a snapshot', () => {
  it('is the same object until something of it changes; then only what changed is new', async () => {
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    await script.clock.advance(20);
    const before = room.snapshot;
    expect(room.snapshot).toBe(before);
    await script.says({ type: 'pong', t: 0 });
    await script.says({ type: 'event_removed', roomId: 'room', eventId: 'unknown' });
    await script.says({ type: 'stream_chunk', roomId: 'room', streamId: 'unknown', delta: 'x', offset: 0 });
    await script.comes(0, -1);
    expect(room.snapshot).toBe(before);
    await script.says({ type: 'ephemeral', roomId: 'room', event: { type: 'typing_start', userId: 'bob', data: {} } });
    const typed = room.snapshot;
    expect(typed).not.toBe(before);
    const changed = (Object.keys(typed) as (keyof RoomSnapshot)[]).filter((name) => typed[name] !== before[name]);
    expect(changed).toEqual(['typers']);
    await script.comes(1);
    expect(room.snapshot.events).not.toBe(before.events);
    expect(room.snapshot.events[0]).toBe(before.events[0]);
    expect([indexes(before.events), indexes(room.snapshot.events)]).toEqual([[0], [0, 1]]);
  });

  it('has the messages apart from what is no message, the same list until that changes', async () => {
    const script = new Script();
    const content = { type: 'text', body: 'x' } as const;
    const entries = [
      event(0),
      event(1, { type: 'system' }),
      event(2, { type: 'edit' }),
      event(3, { type: 'delete' }),
      event(4, { status: 'blocked' }),
      event(5, { content }),
    ];
    const room = await script.inRoom('room', entries, 5);
    const { messages } = room;
    expect(indexes(messages)).toEqual([0, 5]);
    await script.says({ type: 'ephemeral', roomId: 'room', event: { type: 'typing_start', userId: 'bob', data: {} } });
    expect(room.messages).toBe(messages);
  });

  it('is known to be changed by whoever listens: at once after a pause, then once a frame', async () => {
    const script = new Script();
    const room = await script.inRoom();
    const counts: number[] = [];
    room.subscribe(() => counts.push(room.events.length));
    await script.clock.advance(100);
    counts.length = 0;
    await script.comes(0);
    expect(counts).toEqual([1]);
    for (let index = 1; index <= 50; index++) await script.comes(index);
    expect(counts).toEqual([1]); // the frame is not over
    await script.clock.advance(16);
    expect(counts).toEqual([1, 51]);
    // 200 events a second.
    for (let index = 51; index < 251; index++) {
      await script.comes(index);
      await script.clock.advance(5);
    }
    await script.clock.advance(16);
    expect(counts.length).toBeLessThanOrEqual(2 + 64);
    expect(counts.at(-1)).toBe(251);
    const told = counts.length;
    await script.says({ type: 'event_removed', roomId: 'room', eventId: 'unknown' });
    await script.clock.advance(100);
    expect(counts).toHaveLength(told);
  });

  it('costs a new event no more when there are many: the list is copied once a frame, not once an event', async () => {
    const script = new Script({ pageSize: 1000 });
    const room = await script.inRoom('room', events(0, 999), 999);
    let drawn = 0;
    const lists = new Set<unknown>();
    room.subscribe(() => {
      drawn++;
      lists.add(room.events);
    });
    await script.clock.advance(100);
    drawn = 0;
    lists.clear();
    for (let index = 1000; index < 11_000; index++) script.socket.says({ type: 'event', roomId: 'room', prev: index - 1, event: event(index) });
    await script.clock.advance(16);
    expect([drawn, lists.size, room.events.length]).toEqual([1, 1, 11_000]);
    expect(indexes(room.events)).toEqual(Array.from({ length: 11_000 }, (_, index) => index));
  });

  it('is told to the others when one listener throws', async () => {
    const script = new Script();
    const room = await script.inRoom();
    const uncaught: unknown[] = [];
    const keep = (error: unknown): void => void uncaught.push(error);
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', keep);
    try {
      let told = 0;
      const end = room.subscribe(() => {
        throw new Error('a bug of the page');
      });
      room.subscribe(() => told++);
      await script.comes(0);
      await script.clock.advance(20);
      end();
      await script.comes(1);
      await script.clock.advance(20);
      expect(told).toBeGreaterThan(1);
      expect(uncaught).toMatchObject([{ message: 'a bug of the page' }]);
    } finally {
      process.off('uncaughtException', keep);
      for (const listener of before) process.on('uncaughtException', listener);
    }
  });
});

describe('textOf', () => {
  it('gives the words of any content', () => {
    const { content } = event(0);
    expect(textOf(event(0))).toBe('message 0');
    expect(
      [
        content,
        { type: 'rich', body: '**Hi**', plainText: 'Hi' } as const,
        { type: 'template', templateId: 't' } as const,
        { type: 'media', url: 'https://x/y.png', mimeType: 'image/png', caption: 'A cat' } as const,
        { type: 'location', latitude: 1, longitude: 2 } as const,
        { type: 'audio', url: 'https://x/y.ogg', transcript: 'Hello' } as const,
        { type: 'video', url: 'https://x/y.mp4' } as const,
        { type: 'system', body: 'web was attached.' } as const,
        { type: 'composite', parts: [content, content] } as const,
        { type: 'edit', targetEventId: 'e', newContent: content } as const,
        { type: 'delete', targetEventId: 'e' } as const,
      ].map(textOf),
    ).toEqual(['message 0', 'Hi', '', 'A cat', '1, 2', 'Hello', 'https://x/y.mp4', 'web was attached.', 'message 0\nmessage 0', 'message 0', '']);
  });
});
