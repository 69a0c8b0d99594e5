/** What service principals get: the host's view, another channel's eyes, the list of rooms; and the server's routes. */
import { describe, expect, it } from 'vitest';
import { verifies } from '../requirements.js';
import { event, indexes, Script } from './scripted.js';

const HOST = { participantId: undefined, channelId: undefined };

function room(id: string, updatedAt: string, version: number): Record<string, unknown> {
  return { id, status: 'active', updatedAt, version };
}

describe('a host', () => {
  it('sees why events were blocked and what became of deliveries', async () => {
    verifies('WIRE-15');
    const script = new Script();
    await script.welcomed(HOST);
    const followed = script.client.room('room');
    const entered = followed.enter();
    await script.settle();
    await script.subscribed(-1);
    await entered;
    await script.comes(0, -1, { status: 'blocked', blockedBy: 'spam_filter' });
    await script.says({ type: 'event_changed', roomId: 'room', event: event(0, { deliveryResults: { sms: { status: 'sent' } as never } }) });
    expect(followed.events[0]).toMatchObject({ deliveryResults: { sms: { status: 'sent' } } });
  });

  it('sees a room with a channel’s eyes, and with its own again', async () => {
    verifies('WIRE-15');
    const script = new Script();
    await script.welcomed(HOST);
    const followed = script.client.room('room');
    void followed.enter();
    await script.settle();
    await script.subscribed(1);
    await script.page().answer({ events: [event(1), event(0)] });
    followed.viewAs('web');
    followed.viewAs('web');
    expect(script.socket.of('subscribe').at(-1)).toEqual({ type: 'subscribe', id: expect.any(String), roomId: 'room', as: 'web' });
    expect(followed.snapshot).toMatchObject({ status: 'loading', events: [] });
    await script.subscribed(1);
    expect(script.page().url.searchParams.get('as')).toBe('web');
    await script.page().answer({ events: [event(1)] });
    expect(indexes(followed.events)).toEqual([1]);
    followed.viewAs(undefined);
    expect(script.socket.last('subscribe')).not.toHaveProperty('as');
    await script.subscribed(1);
    expect(script.page().url.searchParams.has('as')).toBe(false);
    expect(script.socket.of('subscribe')).toHaveLength(3);
  });

  it('has the list of all rooms, and hears of changes', async () => {
    verifies('WIRE-15');
    const script = new Script();
    const { rooms } = script.client;
    const sizes: number[] = [];
    const end = rooms.subscribe(() => sizes.push(rooms.snapshot.rooms.length));
    expect(rooms.snapshot.status).toBe('loading');
    await script.settle();
    await script.welcome(HOST);
    expect(script.socket.last('subscribe')).toMatchObject({ roomId: '*' });
    await script.subscribed(-1);
    const first = script.find((path) => path === '/api/rooms');
    expect(first.url.search).toBe('?limit=200&offset=0');
    await script.says({ type: 'room', room: room('a', '2026-01-03', 5) }); // newer than what the page says
    await first.answer({ rooms: [room('a', '2026-01-01', 4), ...Array.from({ length: 199 }, (_, number) => room(`r${number}`, '2025-01-01', 1))] });
    await script.find((path) => path === '/api/rooms').answer({ rooms: [room('b', '2026-01-02', 1)] });
    await script.clock.advance(20);
    const list = rooms.snapshot;
    expect([list.status, list.rooms.length, list.rooms.slice(0, 2).map(({ id }) => id)]).toEqual(['live', 201, ['a', 'b']]);
    expect(rooms.snapshot).toBe(list);
    await script.says({ type: 'room', room: room('b', '2026-01-04', 2) });
    expect(rooms.snapshot.rooms.slice(0, 2).map(({ id }) => id)).toEqual(['b', 'a']);
    await script.clock.advance(20);
    expect(sizes.at(-1)).toBe(201);
    end();
    end();
    expect(script.socket.of('unsubscribe').map(({ roomId }) => roomId)).toEqual(['*']);
  });

  it('reads the list again with each connection, and when it cannot be watched', async () => {
    const script = new Script();
    script.client.rooms.subscribe(() => undefined);
    await script.settle();
    await script.welcome(HOST);
    const refused = { type: 'error', code: 'rate_limited', message: 'Slow down.', retryable: true, retryAfterSeconds: 2 };
    await script.says({ ...refused, id: script.socket.last('subscribe')['id'] });
    await script.clock.advance(2000);
    await script.says({ ...refused, id: script.socket.last('subscribe')['id'], code: 'forbidden', retryable: false });
    await script.find((path) => path === '/api/rooms').fail();
    expect(script.client.rooms.snapshot).toMatchObject({ status: 'loading', error: { code: 'network' } });
    script.socket.ends(1006);
    await script.clock.advance(500);
    await script.welcome(HOST);
    await script.subscribed(-1);
    await script.find((path) => path === '/api/rooms').answer({ rooms: [room('a', '2026-01-01', 1)] });
    expect(script.client.rooms.snapshot.rooms).toHaveLength(1);
    expect(script.client.rooms.snapshot.error).toBeUndefined();
  });

  it('is the only one who watches: a client reads the rooms of its token', async () => {
    const script = new Script();
    script.client.rooms.subscribe(() => undefined);
    await script.settle();
    await script.welcome();
    expect(script.socket.of('subscribe')).toEqual([]);
    await script.find((path) => path === '/api/rooms').answer({ rooms: [room('a', '2026-01-01', 1)] });
    expect(script.client.rooms.snapshot).toMatchObject({ status: 'read', rooms: [{ id: 'a' }] });
    const again = script.client.rooms.refresh();
    await script.settle();
    await script.find((path) => path === '/api/rooms').answer({ rooms: [] });
    await again;
    expect(script.client.rooms.snapshot.rooms).toEqual([]);
  });
});

describe('a route', () => {
  it('is asked with the newest token, and once more with a new one when that has ended', async () => {
    verifies('AUTH-06');
    const script = new Script();
    const asked = script.client.api('/api/rooms/room/close', { method: 'PUT', body: { reason: 'done' } });
    await script.settle();
    const [first] = script.asked;
    expect([first?.method, first?.url.href, first?.authorization, first?.body]).toEqual([
      'PUT',
      'https://chat.test/api/rooms/room/close',
      'Bearer token-1',
      { reason: 'done' },
    ]);
    await first?.answer({ code: 'token_expired' }, 401);
    expect(script.asked[1]?.authorization).toBe('Bearer token-2');
    await script.asked[1]?.answer(undefined, 204);
    expect(await asked).toBeUndefined();
  });

  it('rejects with the server’s code, or says that nobody could be asked', async () => {
    const script = new Script({ token: 'given' });
    const outcome = (answer: (script: Script) => Promise<void> | undefined): Promise<unknown> => {
      const asked = script.client.api('/api/x?secret=1').catch((error: unknown) => error);
      return script
        .settle()
        .then(() => answer(script))
        .then(() => asked);
    };
    const { asked } = script;
    expect(await outcome(() => asked.at(-1)?.answer({ code: 'room_not_found', detail: 'No such room.' }, 404))).toMatchObject({
      code: 'room_not_found',
      message: 'No such room.',
      status: 404,
      retryable: false,
    });
    expect(await outcome(() => asked.at(-1)?.answer('not json of ours', 502))).toMatchObject({
      code: 'http_error',
      message: 'The server answered with 502 to /api/x.',
      retryable: true,
    });
    expect(await outcome(() => asked.at(-1)?.answer({ code: 'token_expired' }, 401))).toMatchObject({ code: 'token_expired', status: 401 });
    expect(await outcome(() => asked.at(-1)?.fail())).toMatchObject({ code: 'network', retryable: true, cause: expect.any(TypeError) });
  });
});
