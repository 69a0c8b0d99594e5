/** `roomkit rooms`: what rooms there are, what is in one, closing and deleting them. */
import { extractText, RoomStatus, type ConversationStore, type Room, type RoomEvent } from 'roomkit';
import { CannotRun, say } from '../say.js';
import type { Operation } from './commands.js';
import { storeOf, withKit, withStore } from './databases.js';
import { plain, tableOf, terminalStyle } from './table.js';
import { valuesOf } from './values.js';

export async function roomsList(operation: Operation): Promise<void> {
  const { options, limit } = operation;
  const status = valuesOf('--status', options.status, Object.values(RoomStatus));
  const { organization, channel } = options;
  const found = await withStore(storeOf(operation), async (store) => {
    const query = { ...(status !== undefined && { status }), ...(typeof organization === 'string' && { organizationId: organization }) };
    const rooms = typeof channel === 'string' ? await ofChannel(store, channel, query, limit) : await store.findRooms({ ...query, limit });
    const last = new Map<string, string>();
    if (options.content === true) for (const { id } of rooms) last.set(id, await lastWords(store, id));
    return { rooms, last };
  });
  const { rooms, last } = found;
  if (options.json === true) {
    say(
      JSON.stringify(
        rooms.map((room) => ({ ...withoutWords(room), ...(options.content === true && { metadata: room.metadata, lastWords: last.get(room.id) }) })),
        null,
        2,
      ),
    );
    return;
  }
  if (rooms.length === 0) {
    say('No rooms.');
    return;
  }
  const headings = ['ID', 'STATUS', 'EVENTS', 'ORGANIZATION', 'CREATED', 'UPDATED'];
  const cells = rooms.map((room) => [
    room.id,
    room.status,
    room.eventCount,
    room.organizationId ?? '',
    room.createdAt,
    room.updatedAt,
    last.get(room.id) ?? '',
  ]);
  say(tableOf(options.content === true ? [...headings, 'LAST WORDS'] : headings, cells, terminalStyle()));
  if (rooms.length === limit) say(`The newest ${limit}; --limit shows more.`);
}

export async function roomsShow(operation: Operation): Promise<void> {
  const [roomId = ''] = operation.arguments;
  const { options, limit } = operation;
  const withContent = options.content === true;
  const shown = await withStore(storeOf(operation), async (store) => {
    const state = await store.loadRoom(roomId);
    if (state === null) throw new CannotRun(`There is no room '${roomId}'. 'roomkit rooms list' shows them.`);
    const deliveries = await store.listRows({ roomId, state: ['queued', 'sending', 'unknown'] });
    const turns = await store.listTurns({ roomId, state: ['queued', 'running', 'waiting'] });
    const events = withContent ? [...(await store.listEvents(roomId, { limit, newestFirst: true }))].reverse() : [];
    return { ...state, deliveries, turns, events };
  });
  const { room, bindings, participants, deliveries, turns, events } = shown;
  if (options.json === true) {
    const channels = bindings.map(({ channelId, channelType, access, muted, category }) => ({ channelId, channelType, category, access, muted }));
    const people = withContent ? participants : participants.map(({ role, status, channelId }) => ({ role, status, channelId }));
    const open = { openDeliveries: deliveries.map(({ id }) => id), openTurns: turns.map(({ id }) => id) };
    say(
      JSON.stringify(
        { ...withoutWords(room), channels, participants: people, ...open, ...(withContent && { metadata: room.metadata, events }) },
        null,
        2,
      ),
    );
    return;
  }
  const style = terminalStyle();
  const facts: [string, string | number][] = [
    ['room', room.id],
    ['status', room.status],
    ...(room.organizationId === undefined ? [] : [['organization', room.organizationId] as [string, string]]),
    ['created', room.createdAt],
    ['updated', room.updatedAt],
    ['events', `${room.eventCount}, the last of index ${room.latestIndex}`],
    ['people', participants.length],
    ['open deliveries', deliveries.length],
    ['open turns', turns.length],
  ];
  say(facts.map(([name, value]) => `${name.padEnd(16)} ${plain(value)}`).join('\n'));
  if (bindings.length > 0) {
    const rows = bindings.map(({ channelId, channelType, category, access, muted }) => [
      channelId,
      channelType,
      category,
      access,
      muted ? 'muted' : '',
    ]);
    say(`\n${tableOf(['CHANNEL', 'TYPE', 'CATEGORY', 'ACCESS', ''], rows, style)}`);
  }
  if (!withContent) return;
  if (participants.length > 0) {
    const rows = participants.map(({ id, displayName, role, status, channelId }) => [id, displayName ?? '', role, status, channelId]);
    say(`\n${tableOf(['PERSON', 'NAME', 'ROLE', 'STATUS', 'CHANNEL'], rows, style)}`);
  }
  if (events.length > 0) say(`\n${tableOf(['INDEX', 'AT', 'FROM', 'TYPE', 'WORDS'], events.map(eventCells), style)}`);
}

export async function roomsClose(operation: Operation): Promise<void> {
  const rooms = await withKit(storeOf(operation), async (kit) => {
    for (const roomId of operation.arguments) await kit.getRoom(roomId); // all of them are there, or none is closed
    const closed: Room[] = [];
    for (const roomId of operation.arguments) closed.push(await kit.closeRoom(roomId));
    return closed;
  });
  if (operation.options.json === true) say(JSON.stringify(rooms.map(withoutWords), null, 2));
  else for (const { id, status } of rooms) say(`${plain(id)} is ${status}.`);
}

export async function roomsDelete(operation: Operation): Promise<void> {
  const { options } = operation;
  const rooms = await withKit(storeOf(operation), async (kit) => {
    const found: Room[] = [];
    for (const roomId of operation.arguments) found.push(await kit.getRoom(roomId)); // all of them are there, or none is deleted
    if (options.yes === true) for (const { id } of found) await kit.deleteRoom(id);
    return found;
  });
  const events = rooms.reduce((sum, { eventCount }) => sum + eventCount, 0);
  if (options.yes !== true) throw new CannotRun(`${rooms.length} room(s) with ${events} event(s) would be deleted for good. Say --yes to do it.`);
  if (options.json === true)
    say(
      JSON.stringify(
        rooms.map(({ id, eventCount }) => ({ id, eventCount })),
        null,
        2,
      ),
    );
  else say(`Deleted ${rooms.length} room(s) with ${events} event(s).`);
}

async function ofChannel(
  store: ConversationStore,
  channelId: string,
  query: Parameters<ConversationStore['findRooms']>[0],
  limit: number,
): Promise<readonly Room[]> {
  const ids = new Set(await store.findRoomIdsByChannel(channelId));
  return (await store.findRooms(query)).filter(({ id }) => ids.has(id)).slice(0, limit);
}

/** Metadata and the settings of agents may hold what people have said. */
function withoutWords(room: Room): object {
  const { metadata: _metadata, aiConfig: _aiConfig, ...rest } = room;
  return rest;
}

async function lastWords(store: ConversationStore, roomId: string): Promise<string> {
  for (const event of await store.listEvents(roomId, { limit: 20, newestFirst: true }))
    if (event.type === 'message') return extractText(event.content);
  return '';
}

function eventCells(event: RoomEvent): (string | number)[] {
  const from = event.source.participantId ?? event.source.channelId;
  return [event.index, event.createdAt, from, event.status === 'blocked' ? `${event.type}, blocked` : event.type, extractText(event.content)];
}
