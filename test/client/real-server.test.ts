/** The client and the real server: what the server only does in its own ways, over the network in memory and over real sockets. */
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { Agent, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
import {
  ClientError,
  RoomKitClient,
  textOf,
  type ClientFetch,
  type ClientRoom,
  type ClientSocketConstructor,
  type OutboxStorage,
  type RoomSnapshot,
  type WakeEvents,
} from 'roomkit/client';
import { apiKeys, createApiKey, serve } from 'roomkit/server';
import { silentLogger } from '../../src/core/logger.js';
import { verifies } from '../requirements.js';
import { Network, ROOM } from './network.js';

describe('a client of the server', () => {
  it('begins anew when it has missed more than is replayed', async () => {
    verifies('WIRE-04');
    const network = await Network.open();
    const client = network.client('ann', { pageSize: 10 });
    const room = client.room(ROOM);
    room.subscribe(() => undefined);
    await network.clock.advance(1000);
    await network.kit.sendEvent(ROOM, 'desk', 'before', { wait: 'commit' });
    await network.clock.advance(1000);
    network.offline.add('ann');
    network.cut();
    for (let number = 0; number < 700; number++) await network.kit.sendEvent(ROOM, 'desk', `missed ${number}`, { wait: 'commit' });
    const late = room.send('written while I was away');
    network.offline.clear();
    for (let second = 0; second < 60 && room.snapshot.status !== 'live'; second++) await network.clock.advance(1000);
    await network.clock.advance(3000);
    expect((await late).blocked).toBe(false);
    const visible = await network.kit.getTimeline(ROOM, { as: 'web', limit: 1000 });
    expect(room.snapshot.hasOlder).toBe(true);
    expect(room.events.map(({ index }) => index)).toEqual(visible.slice(-room.events.length).map(({ index }) => index));
    expect(room.events.length).toBeLessThan(30);
    client.close();
    await network.close();
  });

  it('is renewed before its token ends, for as long as it is connected', async () => {
    verifies('WIRE-12');
    const network = await Network.open();
    const client = network.client('ann');
    const statuses: string[] = [];
    client.on('status', ({ status }) => statuses.push(status));
    await Promise.all([client.connect(), network.clock.advance(1000)]);
    await network.clock.advance(600_000); // tokens last ninety seconds
    expect(statuses).toEqual(['connecting', 'open']);
    client.close();
    await network.close();
  });

  it('loses a room it is shown out of, and only that', async () => {
    verifies('WIRE-12');
    const network = await Network.open();
    const client = network.client('ann');
    const room = client.room(ROOM);
    room.subscribe(() => undefined);
    await network.clock.advance(1000);
    await network.kit.updateParticipant(ROOM, 'ann', { status: 'banned' });
    await network.kit.sendEvent(ROOM, 'desk', 'She must not hear this.', { wait: 'commit' });
    await network.clock.advance(1000);
    expect([room.snapshot.status, room.snapshot.error?.code, client.status]).toEqual(['lost', 'room_not_found', 'open']);
    expect(room.messages).toEqual([]);
    client.close();
    await network.close();
  });

  it('takes the host’s view with a key of the host, and a channel’s when it asks for it', async () => {
    verifies('WIRE-15');
    const network = await Network.open();
    const host = network.client('host');
    const room = host.room(ROOM);
    room.subscribe(() => undefined);
    host.rooms.subscribe(() => undefined);
    await network.clock.advance(1000);
    expect(host.connection).toEqual({ status: 'open' });
    await network.kit.sendEvent(ROOM, 'desk', 'hidden', { visibility: 'desk', wait: 'commit' });
    await network.kit.sendEvent(ROOM, 'desk', 'seen', { visibility: 'web', wait: 'commit' });
    await network.clock.advance(1000);
    expect(room.messages.map(textOf)).toEqual(['hidden', 'seen']);
    expect(room.snapshot.info?.bindings?.map(({ channelId }) => channelId)).toEqual(['web', 'desk', 'bot']);
    expect(host.rooms.snapshot).toMatchObject({ status: 'live', rooms: [{ id: ROOM, latestIndex: 4 }] });
    room.viewAs('web');
    await network.clock.advance(1000);
    expect(room.messages.map(textOf)).toEqual(['seen']);
    await Promise.all([expect(room.send('as whom?')).rejects.toMatchObject({ code: 'forbidden' }), network.clock.advance(1000)]);
    host.close();
    await network.close();
  });
});

// What browsers have fits without a cast.
export const ofBrowsers = (): [ClientSocketConstructor, ClientFetch, OutboxStorage, WakeEvents] => [
  globalThis.WebSocket,
  globalThis.fetch,
  window.sessionStorage,
  window,
];

/** Waits for a snapshot that is so. */
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

describe('over real sockets', () => {
  it('two people and an agent talk, with streams, typing, reactions, edits, and a server that restarts', { timeout: 30_000 }, async () => {
    verifies('WIRE-08', 'WIRE-09', 'WIRE-10');
    const kit = new RoomKit({ logger: silentLogger });
    kit.registerChannel(new WebSocketChannel('web', { echo: true }));
    kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ streaming: true, responses: ['It comes on Monday.'] }) }));
    await kit.createRoom({ roomId: ROOM });
    await kit.attachChannel(ROOM, 'web');
    await kit.attachChannel(ROOM, 'helper');
    const secret = 'a secret of at least thirty-two bytes, surely';
    const { key, hash } = await createApiKey('console');
    const options = { clientTokens: { secrets: [secret] }, authenticate: apiKeys([{ id: 'console', hash, scopes: ['read', 'operate'] }]) };
    let server = await serve(kit, { port: 0, ...options });
    const { url, port } = server;
    const person = (participantId: string): RoomKitClient =>
      new RoomKitClient({
        url,
        WebSocket,
        token: async () => (await server.mintClientToken({ rooms: [ROOM], channelId: 'web', participantId, displayName: participantId })).token,
      });
    const [ann, bob] = [person('Ann'), person('Bob')];
    const console_ = new RoomKitClient({ url, WebSocket, token: key });
    const [anns, bobs, hosts] = [ann.room(ROOM), bob.room(ROOM), console_.room(ROOM)];
    await Promise.all([anns.enter(), bobs.enter(), hosts.enter()]);

    const grown: string[] = [];
    bobs.subscribe(() => grown.push(...bobs.streams.map(({ text }) => text)));
    const { event } = await anns.send('When does it come?');
    await until(bobs, () => bobs.messages.length === 2 && bobs.streams.length === 0);
    expect(bobs.messages.map(textOf)).toEqual(['When does it come?', 'It comes on Monday.']);
    expect(bobs.messages[0]?.source.displayName).toBe('Ann');
    for (const text of grown) expect('It comes on Monday.'.startsWith(text)).toBe(true);

    anns.typing();
    await until(bobs, ({ typers }) => typers[0]?.displayName === 'Ann');
    anns.react(event?.id ?? '', '🎉');
    await until(bobs, ({ reactions }) => reactions[event?.id ?? '']?.['🎉']?.[0] === 'Ann');
    bobs.markRead();
    await until(anns, ({ receipts }) => receipts['Bob']?.eventId === bobs.events.at(-1)?.id);
    ann.presence('away');
    await until(bobs, ({ presence }) => presence['Ann']?.status === 'away');
    await anns.edit(event?.id ?? '', 'When does my parcel come?');
    await until(bobs, () => textOf(bobs.messages[0] ?? { content: { type: 'text', body: '' } }) === 'When does my parcel come?');
    expect((await bobs.edit(event?.id ?? '', 'Nonsense')).reason).toBe('not_original_author');
    expect(bobs.outbox).toMatchObject([{ state: 'refused', reason: 'not_original_author' }]);

    const away = [ann, bob, console_].map(
      (client) => new Promise<void>((resolve) => client.on('status', ({ status }) => status === 'reconnecting' && resolve())),
    );
    await server.close();
    await Promise.all(away);
    const sent = anns.send('Are you there?');
    server = await serve(kit, { port, ...options });
    expect((await sent).duplicate).toBe(false);
    await until(bobs, () => bobs.messages.length >= 4);
    await until(hosts, ({ status }) => status === 'live');
    await until(hosts, ({ events }) => events.at(-1)?.id === bobs.events.at(-1)?.id);
    expect(anns.messages.map(textOf)).toEqual(bobs.messages.map(textOf));

    await anns.delete(event?.id ?? '');
    await until(bobs, () => bobs.messages[0]?.id !== event?.id);
    for (const client of [ann, bob, console_]) client.close();
    await server.close();
    await kit.close();
  });

  it('a wrong token is refused once and for all', { timeout: 30_000 }, async () => {
    verifies('WIRE-13');
    const kit = new RoomKit({ logger: silentLogger });
    const server = await serve(kit, { port: 0, clientTokens: { secrets: ['a secret of at least thirty-two bytes, surely'] } });
    const client = new RoomKitClient({ url: server.url, WebSocket, token: 'rkc1.e30.AAAA' });
    const error: unknown = await client
      .room(ROOM)
      .enter()
      .catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(ClientError);
    expect([(error as ClientError).code, client.status]).toEqual(['unauthenticated', 'closed']);
    client.close();
    await server.close();
    await kit.close();
  });
});
