/** A room that a client follows: its first page, live events, gaps, changes, paging back, and beginning anew. */
import { describe, expect, it } from 'vitest';
import type { WireEvent } from 'roomkit/client';
import { verifies } from '../requirements.js';
import { event, events, indexes, Script } from './scripted.js';

describe('a room begins', () => {
  it('with the newest page before what comes live, in one sequence', async () => {
    verifies('WIRE-04');
    const script = new Script({ pageSize: 3 });
    await script.welcomed();
    const room = script.client.room('room');
    const states: string[] = [];
    room.subscribe(() => states.push(room.snapshot.status));
    const entered = room.enter();
    await script.settle();
    expect(script.socket.last('subscribe')).toEqual({ type: 'subscribe', id: expect.any(String), roomId: 'room' });
    await script.subscribed(9);
    const { url, authorization } = script.page();
    expect([url.pathname, Object.fromEntries(url.searchParams), authorization]).toEqual([
      '/api/rooms/room/events',
      { newestFirst: 'true', beforeIndex: '10', limit: '3' },
      'Bearer token-1',
    ]);
    await script.comes(10); // faster than the page
    expect(indexes(room.events)).toEqual([]);
    await script.page().answer({ events: events(7, 9).reverse() });
    expect(indexes((await entered).events)).toEqual([7, 8, 9, 10]);
    await script.comes(11);
    await script.clock.advance(20);
    expect(room.snapshot).toMatchObject({ status: 'live', hasOlder: true, isLoadingOlder: false });
    expect(states[0]).toBe('loading');
    expect(states.at(-1)).toBe('live');
  });

  it('without a request when there is nothing in it', async () => {
    const script = new Script();
    const room = await script.inRoom('room', [], -1);
    expect(room.snapshot).toMatchObject({ status: 'live', events: [], hasOlder: false });
    expect(script.asked.filter(({ url }) => url.pathname.endsWith('/events'))).toEqual([]);
    await script.comes(0);
    expect(indexes(room.events)).toEqual([0]);
  });

  it('without older events when the page is not full', async () => {
    const script = new Script({ pageSize: 5 });
    const room = await script.inRoom('room', [event(3), event(8)], 9);
    expect(room.snapshot.hasOlder).toBe(false);
  });

  it('as soon as its page can be read, however often that fails', async () => {
    const script = new Script();
    await script.welcomed();
    const room = script.client.room('room');
    const entered = room.enter();
    await script.settle();
    await script.subscribed(1);
    await script.page().fail();
    expect(room.snapshot).toMatchObject({ status: 'loading', error: { code: 'network' } });
    await script.clock.advance(1000);
    await script.page().answer({ code: 'rate_limited', detail: 'Slow down.' }, 429, { 'retry-after': '7' });
    expect(room.snapshot.error).toMatchObject({ code: 'rate_limited', message: 'Slow down.', status: 429, retryAfterSeconds: 7 });
    await script.clock.advance(6999);
    expect(script.asked.filter(({ url }) => url.pathname.endsWith('/events'))).toHaveLength(2);
    await script.clock.advance(1);
    await script.page().answer({ events: events(0, 1).reverse() });
    expect((await entered).error).toBeUndefined();
    expect(indexes(room.events)).toEqual([0, 1]);
  });

  it('never when its page is refused for good', async () => {
    const script = new Script();
    await script.welcomed();
    const entered = script.client.room('room').enter();
    await script.settle();
    await script.subscribed(1);
    await Promise.all([
      expect(entered).rejects.toMatchObject({ code: 'forbidden', message: 'No.', status: 403, retryable: false }),
      script.page().answer({ code: 'forbidden', detail: 'No.' }, 403),
    ]);
    await script.clock.advance(120_000);
    expect(script.asked.filter(({ url }) => url.pathname.endsWith('/events'))).toHaveLength(1);
  });

  it('again when the answer to its subscription does not come', async () => {
    const script = new Script();
    await script.welcomed();
    script.client.room('room').subscribe(() => undefined);
    const first = script.socket.last('subscribe');
    await script.clock.advance(10_000);
    expect(script.socket.of('subscribe')).toHaveLength(2);
    await script.says({ type: 'subscribed', id: first['id'], roomId: 'room', latestIndex: 4 }); // of the one before
    expect(script.client.room('room').snapshot.status).toBe('loading');
  });
});

describe('what comes live', () => {
  it('is shown once and in order; a gap is asked for, and hidden events are none', async () => {
    verifies('WIRE-05');
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    const told: number[] = [];
    room.on('event', ({ index }) => told.push(index));
    await script.comes(4, 0); // 1 to 3 are hidden
    await script.comes(4, 0); // a double
    await script.comes(7, 6); // 6 is missing
    expect(indexes(room.events)).toEqual([0, 4]);
    expect([script.socket.last('subscribe')['afterIndex'], room.snapshot.status]).toEqual([4, 'behind']);
    await script.comes(8, 7); // what comes before the answer will come again
    await script.subscribed(8);
    await script.comes(6, 4);
    await script.comes(7, 6);
    await script.comes(8, 7);
    expect([indexes(room.events), told]).toEqual([
      [0, 4, 6, 7, 8],
      [4, 6, 7, 8],
    ]);
    expect(room.snapshot.status).toBe('live');
    // One page at the beginning, none for the gap.
    expect(script.asked.filter(({ url }) => url.pathname.endsWith('/events'))).toHaveLength(1);
  });

  it('does not make a client ask without pause when a gap cannot be closed', async () => {
    const script = new Script();
    await script.inRoom('room', [event(0)], 0);
    for (let round = 0; round < 10; round++) {
      await script.comes(9, 5);
      await script.subscribed(9);
    }
    expect(script.socket.of('subscribe').length).toBeLessThanOrEqual(1 + 3);
    await script.clock.advance(1000);
    expect(script.socket.of('subscribe')).toHaveLength(1 + 3 + 1);
  });

  it('is put together from previews: the event takes the place of its text, at once', async () => {
    verifies('WIRE-09');
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    const source = { channelId: 'helper', channelType: 'ai' };
    await script.says({ type: 'stream_start', roomId: 'room', streamId: 's', source });
    await script.says({ type: 'stream_chunk', roomId: 'room', streamId: 's', delta: 'Good ', offset: 0 }); // all so far, when we came later
    const before = room.streams;
    await script.says({ type: 'stream_chunk', roomId: 'room', streamId: 's', delta: 'day', offset: 5 });
    await script.says({ type: 'stream_chunk', roomId: 'room', streamId: 's', delta: 'day', offset: 5 }); // a double
    await script.says({ type: 'stream_chunk', roomId: 'room', streamId: 's', delta: '!', offset: 9 }); // one is missing before it
    await script.says({ type: 'stream_chunk', roomId: 'room', streamId: 'unknown', delta: '?', offset: 0 });
    expect(room.streams).toEqual([{ streamId: 's', source, text: 'Good day' }]);
    expect(before).toEqual([{ streamId: 's', source, text: 'Good ' }]);
    script.socket.says({ type: 'stream_end', roomId: 'room', streamId: 's', prev: 0, event: event(1) });
    expect([room.streams, indexes(room.events)]).toEqual([[], [0, 1]]);
    // Withdrawn, with and without text that stays.
    for (const streamId of ['t', 'u']) await script.says({ type: 'stream_start', roomId: 'room', streamId, source });
    await script.says({ type: 'stream_error', roomId: 'room', streamId: 't', code: 'cancelled', prev: 1, event: event(2) });
    await script.says({ type: 'stream_error', roomId: 'room', streamId: 'u', code: 'internal' });
    expect([room.streams, indexes(room.events)]).toEqual([[], [0, 1, 2]]);
  });
});

describe('stored events that change', () => {
  it('change in their place, also when they were not visible before; removed ones go', async () => {
    verifies('WIRE-06');
    const script = new Script({ pageSize: 4 });
    const room = await script.inRoom('room', [event(4), event(6), event(7), event(8)], 8);
    const [first] = room.events;
    const change = (changed: WireEvent): Promise<void> => script.says({ type: 'event_changed', roomId: 'room', event: changed });
    await change(event(6, { content: { type: 'text', body: 'edited' } }));
    await change(event(5));
    await change(event(2)); // further back than what was loaded
    await script.says({ type: 'event_removed', roomId: 'room', eventId: 'e7' });
    await script.says({ type: 'event_removed', roomId: 'room', eventId: 'e1' });
    expect(indexes(room.events)).toEqual([4, 5, 6, 8]);
    expect(room.events[2]?.content).toEqual({ type: 'text', body: 'edited' });
    expect(room.events[0]).toBe(first);
    await script.comes(9, 8);
    expect(indexes(room.events)).toEqual([4, 5, 6, 8, 9]);
  });

  it('stay changed when a page that did not know it comes later', async () => {
    const script = new Script({ pageSize: 3 });
    await script.welcomed();
    const room = script.client.room('room');
    void room.enter();
    await script.settle();
    await script.subscribed(2);
    const edited = event(1, { content: { type: 'text', body: 'edited' } });
    await script.says({ type: 'event_changed', roomId: 'room', event: edited });
    await script.says({ type: 'event_removed', roomId: 'room', eventId: 'e0' });
    await script.page().answer({ events: events(0, 2).reverse() });
    expect(indexes(room.events)).toEqual([1, 2]);
    expect(room.events[0]).toEqual(edited);
    // The next page knows: what it says counts.
    const again = room.loadOlder();
    await script.settle();
    await again;
    await script.says({ type: 'event_changed', roomId: 'room', event: event(1, { content: { type: 'text', body: 'twice' } }) });
    expect(room.events[0]?.content).toEqual({ type: 'text', body: 'twice' });
  });

  it('stay changed when they come by a replay that was read before', async () => {
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    await script.comes(3, 2);
    await script.subscribed(3);
    const edited = event(1, { content: { type: 'text', body: 'edited' } });
    await script.says({ type: 'event_changed', roomId: 'room', event: edited });
    await script.says({ type: 'event_removed', roomId: 'room', eventId: 'e2' });
    for (const index of [1, 2, 3]) await script.comes(index);
    expect(indexes(room.events)).toEqual([0, 1, 3]);
    expect(room.events[1]).toEqual(edited);
  });

  it('while there was no connection are read again afterwards, from the newest on; what is the same stays the same object', async () => {
    const script = new Script({ pageSize: 4 });
    const room = await script.inRoom('room', events(10, 13), 13);
    const older = room.loadOlder({ limit: 600 });
    await script.settle();
    await script.page().answer({ events: events(4, 9).reverse() });
    await older;
    const before = room.events;
    script.socket.ends(1006);
    await script.clock.advance(500);
    await script.welcome();
    expect(script.socket.last('subscribe')).toMatchObject({ afterIndex: 13 });
    await script.subscribed(15);
    expect(Object.fromEntries(script.page().url.searchParams)).toMatchObject({ beforeIndex: '14', limit: '500' });
    for (const index of [14, 15]) await script.comes(index);
    const now = [event(4), event(5), event(6, { content: { type: 'text', body: 'edited' } }), event(7), event(9), event(10), event(12), event(13)];
    await script.page().answer({ events: now.toReversed() });
    expect(indexes(room.events)).toEqual([4, 5, 6, 7, 9, 10, 12, 13, 14, 15]);
    expect(room.events[2]?.content).toEqual({ type: 'text', body: 'edited' });
    expect(room.events[0]).toBe(before[0]);
    expect(room.events.at(-3)).toBe(before.at(-1));
  });

  it('are read again page by page when much is shown', async () => {
    const script = new Script({ pageSize: 1000 });
    const room = await script.inRoom('room', events(1, 1000), 1000);
    script.socket.ends(1006);
    await script.clock.advance(500);
    await script.welcome();
    await script.subscribed(1000);
    const asked: (string | null)[] = [];
    for (const [from, to] of [
      [501, 1000],
      [1, 500],
    ] as const) {
      asked.push(script.page().url.searchParams.get('beforeIndex'));
      await script.page().answer({ events: events(from, to).reverse() });
    }
    expect(asked).toEqual(['1001', '501']);
    expect([script.asked.filter(({ url }) => url.pathname.endsWith('/events')).length, room.events.length]).toEqual([3, 1000]);
  });
});

describe('paging back', () => {
  it('brings the page before the first event, once for all who ask', async () => {
    const script = new Script({ pageSize: 2 });
    const room = await script.inRoom('room', events(6, 7), 7);
    const first = room.loadOlder();
    const second = room.loadOlder();
    await script.settle();
    expect([room.snapshot.isLoadingOlder, script.asked.filter(({ url }) => url.pathname.endsWith('/events')).length]).toEqual([true, 2]);
    expect(Object.fromEntries(script.page().url.searchParams)).toEqual({ newestFirst: 'true', beforeIndex: '6', limit: '2' });
    await script.page().answer({ events: [event(5), event(2)] });
    await Promise.all([first, second]);
    expect([indexes(room.events), room.snapshot.hasOlder, room.snapshot.isLoadingOlder]).toEqual([[2, 5, 6, 7], true, false]);
    const last = room.loadOlder({ limit: 10 });
    await script.settle();
    expect(script.page().url.searchParams.get('limit')).toBe('10');
    await script.page().answer({ events: [event(0)] });
    await last;
    expect([indexes(room.events), room.snapshot.hasOlder]).toEqual([[0, 2, 5, 6, 7], false]);
    await room.loadOlder();
    expect(script.asked.filter(({ url }) => url.pathname.endsWith('/events'))).toHaveLength(3);
  });

  it('rejects when the page cannot be read, and can be tried again', async () => {
    const script = new Script({ pageSize: 2 });
    const room = await script.inRoom('room', events(6, 7), 7);
    const failing = room.loadOlder();
    await script.settle();
    await Promise.all([expect(failing).rejects.toMatchObject({ code: 'network', retryable: true }), script.page().fail()]);
    expect(room.snapshot).toMatchObject({ hasOlder: true, isLoadingOlder: false, status: 'live' });
    const again = room.loadOlder();
    await script.settle();
    await script.page().answer({ events: [event(5)] });
    await again;
    expect(indexes(room.events)).toEqual([5, 6, 7]);
  });

  it('lets go of the oldest events when there are too many, and brings them again', async () => {
    const script = new Script({ pageSize: 10, maxEvents: 20 });
    const room = await script.inRoom('room', events(0, 9), 9);
    expect(room.snapshot.hasOlder).toBe(false);
    for (let index = 10; index < 40; index++) await script.comes(index);
    expect(room.events.length).toBeLessThanOrEqual(22);
    expect(room.events.at(-1)?.index).toBe(39);
    const first = room.events[0]?.index ?? 0;
    expect(room.snapshot.hasOlder).toBe(true);
    expect(indexes(room.events)).toEqual(Array.from({ length: 40 - first }, (_, offset) => first + offset));
    const older = room.loadOlder();
    await script.settle();
    expect(script.page().url.searchParams.get('beforeIndex')).toBe(String(first));
    await script.page().answer({ events: events(first - 10, first - 1).reverse() });
    await older;
    await script.comes(40); // what was paged back to stays
    expect(indexes(room.events)).toEqual(Array.from({ length: 41 - first + 10 }, (_, offset) => first - 10 + offset));
  });

  it('leaves no hole when the neighbour of a page was let go of meanwhile', async () => {
    const script = new Script({ pageSize: 10, maxEvents: 20 });
    const room = await script.inRoom('room', events(100, 109), 109);
    const older = room.loadOlder();
    await script.settle();
    for (let index = 110; index < 130; index++) await script.comes(index);
    await script.page().answer({ events: events(90, 99).reverse() });
    await older;
    const first = room.events[0]?.index ?? 0;
    expect(first).toBeGreaterThan(100);
    expect(indexes(room.events)).toEqual(Array.from({ length: 130 - first }, (_, offset) => first + offset));
  });
});

describe('too much that was missed', () => {
  it('makes the view begin anew; what was there is shown until the new page is', async () => {
    verifies('WIRE-04');
    const script = new Script({ pageSize: 2 });
    const room = await script.inRoom('room', events(1, 2), 2);
    script.socket.ends(1006);
    expect([room.snapshot.status, indexes(room.events)]).toEqual(['behind', [1, 2]]);
    await script.clock.advance(500);
    await script.welcome();
    await script.subscribed(900);
    const outdated = script.page();
    await script.says({ type: 'resync', roomId: 'room', fromIndex: 3 });
    expect(script.socket.last('subscribe')).toEqual({ type: 'subscribe', id: expect.any(String), roomId: 'room' });
    await outdated.answer({ events: events(1, 2).reverse() });
    expect([room.snapshot.status, indexes(room.events)]).toEqual(['behind', [1, 2]]);
    await script.subscribed(901);
    await script.comes(902);
    await script.page().answer({ events: events(900, 901).reverse() });
    expect([room.snapshot.status, room.snapshot.hasOlder, indexes(room.events)]).toEqual(['live', true, [900, 901, 902]]);
  });
});

describe('a room that is lost', () => {
  it('says so: when it was never there, and when this client was shown out', async () => {
    verifies('WIRE-12', 'WIRE-14');
    const script = new Script();
    await script.welcomed();
    const room = script.client.room('room');
    const entered = room.enter();
    await script.settle();
    const gone = { type: 'error', roomId: 'room', code: 'room_not_found', message: 'There is no such room for you.', retryable: false };
    await Promise.all([
      expect(entered).rejects.toMatchObject({ code: 'room_not_found', message: gone.message }),
      script.says({ ...gone, id: script.socket.last('subscribe')['id'] }),
    ]);
    expect(room.snapshot).toMatchObject({ status: 'lost', error: { code: 'room_not_found' } });
    // It is tried again when somebody asks, and with every connection: rights change.
    const again = room.enter();
    await script.settle();
    await script.subscribed(-1);
    await again;
    const waiting = room.send('Hello?');
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'room_not_found' }), script.says(gone)]);
    expect([room.snapshot.status, script.errors.length, script.client.status]).toEqual(['lost', 2, 'open']);
    script.socket.ends(1006);
    await script.clock.advance(500);
    await script.welcome();
    await script.subscribed(-1);
    expect(room.snapshot.status).toBe('live');
  });

  it('is not one that cannot be had right now', async () => {
    const script = new Script();
    await script.welcomed();
    const room = script.client.room('room');
    void room.enter();
    await script.settle();
    const { id } = script.socket.last('subscribe');
    await script.says({ type: 'error', id, code: 'rate_limited', message: 'Slow down.', retryable: true, retryAfterSeconds: 3 });
    expect(room.snapshot.status).toBe('loading');
    await script.clock.advance(3000);
    await script.subscribed(-1);
    expect(room.snapshot.status).toBe('live');
    await script.says({ type: 'error', roomId: 'room', code: 'internal', message: 'The room cannot be read.', retryable: true });
    expect(room.snapshot.status).toBe('behind');
    await script.clock.advance(1000);
    expect(script.socket.of('subscribe')).toHaveLength(3);
    expect(script.errors).toEqual([]);
  });
});

describe('following', () => {
  it('goes on while somebody listens and a little longer; then the room is left and forgotten', async () => {
    const script = new Script();
    await script.welcomed();
    const room = script.client.room('room');
    const end = room.subscribe(() => undefined);
    await script.subscribed(0);
    await script.page().answer({ events: [event(0)] });
    end();
    await script.clock.advance(4999);
    const again = room.subscribe(() => undefined); // whoever draws anew
    end();
    await script.clock.advance(10_000);
    expect([script.socket.of('unsubscribe').length, indexes(room.events)]).toEqual([0, [0]]);
    again();
    await script.clock.advance(5000);
    expect(script.socket.of('unsubscribe')).toEqual([{ type: 'unsubscribe', id: expect.any(String), roomId: 'room' }]);
    expect(room.snapshot).toMatchObject({ status: 'idle', events: [], hasOlder: false });
    room.subscribe(() => undefined);
    await script.settle();
    expect(script.socket.last('subscribe')).not.toHaveProperty('afterIndex');
  });

  it('goes on until it is left when the room was entered', async () => {
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    room.subscribe(() => undefined)();
    await script.clock.advance(10_000);
    expect(room.snapshot.status).toBe('live');
    const entering = script.client.room('other').enter();
    script.client.room('other').leave();
    await expect(entering).rejects.toMatchObject({ code: 'left' });
    room.leave();
    room.leave();
    expect(script.socket.of('unsubscribe').map(({ roomId }) => roomId)).toEqual(['other', 'room']);
    expect(room.snapshot).toMatchObject({ status: 'idle', events: [] });
  });
});
