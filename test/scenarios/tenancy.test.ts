/** Two organizations on one store: whoever guesses the other's ids finds nothing, whatever is asked for (security table, tenancy). */
import { afterEach, describe, expect, it } from 'vitest';
import { InMemoryRealtime, InMemoryStore, RoomKit, silentLogger, UuidGenerator, type ConversationStore } from '../../src/core/index.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { TestAgent, TestTransport } from '../support/harness.js';
import { openStore } from '../support/sqlite.js';

const ROOM = 'acme-room';
const SECRET = 'plugh';

interface World {
  readonly store: ConversationStore;
  readonly acme: RoomKit;
  readonly globex: RoomKit;
  readonly eventId: string;
  readonly rowId: string;
  readonly heard: unknown[];
}

const opened: RoomKit[] = [];
afterEach(async () => {
  for (const kit of opened.splice(0)) await kit.close();
});

async function world(store: ConversationStore): Promise<World> {
  const clock = new TestClock();
  const realtime = new InMemoryRealtime({ ids: new UuidGenerator(), logger: silentLogger });
  const open = (organizationId: string): RoomKit => {
    const kit = new RoomKit({ store, clock, realtime, organizationId, logger: silentLogger });
    kit.registerChannel(new TestTransport('sms', { recipientKey: 'phone_number' }));
    kit.registerChannel(new TestTransport('web', { channelType: 'websocket', durable: false }));
    kit.registerChannel(new TestAgent('bot', () => `the answer is ${SECRET}`));
    opened.push(kit);
    return kit;
  };
  const [acme, globex] = [open('acme'), open('globex')];
  await acme.createRoom({ roomId: ROOM, metadata: { secret: SECRET } });
  await acme.attachChannel(ROOM, 'web');
  await acme.attachChannel(ROOM, 'bot');
  await acme.attachChannel(ROOM, 'sms', { metadata: { phone_number: '+1' } });
  await acme.ensureParticipant(ROOM, 'web', 'ada', { displayName: SECRET });
  await acme.createIdentity({ id: 'ada-identity', displayName: SECRET, channelAddresses: { sms: ['+1'] } });
  await acme.createIdentity({ id: 'ada-older' });
  const said = await acme.processInbound({ channelId: 'web', senderId: 'ada', content: `${SECRET} it is`, idempotencyKey: 'k1' }, { roomId: ROOM });
  await acme.createTask(ROOM, { id: 'acme-task', title: SECRET, status: 'in_progress' });
  await acme.addObservation(ROOM, { channelId: 'bot', content: SECRET });
  await store.commitEvent({ event: samples.draft(ROOM, 'asks'), approvals: [samples.approval(ROOM, 'acme-approval')] });
  await store.addUsage?.([
    { roomId: ROOM, turnId: 't', agentId: 'bot', provider: 'p', model: 'm', tokens: { input_tokens: 5 }, ms: 1, at: samples.at() },
  ]);
  await clock.advance(10);
  const heard: unknown[] = [];
  const acmeHears = (event: unknown): void => void heard.push(event);
  await acme.subscribeRoom(ROOM, acmeHears);
  const [row] = await acme.listDeliveries({ roomId: ROOM });
  return { store, acme, globex, eventId: said.event?.id ?? '', rowId: row?.id ?? '', heard };
}

/** Every operation that takes an id of something stored, with ids of the other organization. */
const GUESSES: Readonly<Record<string, (kit: RoomKit, of: World) => unknown>> = {
  ensureRoom: (kit) => kit.ensureRoom({ roomId: ROOM }),
  createRoom: (kit) => kit.createRoom({ roomId: ROOM }),
  getRoom: (kit) => kit.getRoom(ROOM),
  listRooms: (kit) => kit.listRooms(),
  followRoom: (kit) => kit.followRoom(ROOM, { grown: () => undefined }),
  closeRoom: (kit) => kit.closeRoom(ROOM),
  archiveRoom: (kit) => kit.archiveRoom(ROOM),
  reopenRoom: (kit) => kit.reopenRoom(ROOM),
  deleteRoom: (kit) => kit.deleteRoom(ROOM),
  updateRoomMetadata: (kit) => kit.updateRoomMetadata(ROOM, { a: 1 }),
  setRoomTimers: (kit) => kit.setRoomTimers(ROOM, { closedAfterSeconds: 1 }),
  sweepRoomTimers: (kit) => kit.sweepRoomTimers(),
  attachChannel: (kit) => kit.attachChannel(ROOM, 'web', { muted: true }),
  detachChannel: (kit) => kit.detachChannel(ROOM, 'web'),
  mute: (kit) => kit.mute(ROOM, 'web'),
  unmute: (kit) => kit.unmute(ROOM, 'web'),
  setVisibility: (kit) => kit.setVisibility(ROOM, 'web', 'none'),
  setAccess: (kit) => kit.setAccess(ROOM, 'web', 'none'),
  updateBindingMetadata: (kit) => kit.updateBindingMetadata(ROOM, 'web', { a: 1 }),
  listBindings: (kit) => kit.listBindings(ROOM),
  ensureParticipant: (kit) => kit.ensureParticipant(ROOM, 'web', 'gus'),
  resolveParticipant: (kit) => kit.resolveParticipant(ROOM, 'ada', 'ada-identity'),
  updateParticipant: (kit) => kit.updateParticipant(ROOM, 'ada', { displayName: 'Gus' }),
  listParticipants: (kit) => kit.listParticipants(ROOM),
  getIdentity: (kit) => kit.getIdentity('ada-identity'),
  findIdentity: (kit) => kit.findIdentity({ channelType: 'sms', address: '+1' }),
  linkAddress: (kit) => kit.linkAddress('ada-identity', 'email', 'gus@example.com'),
  mergeIdentities: (kit) => kit.mergeIdentities('ada-identity', 'ada-older', { by: 'gus' }),
  unmergeIdentity: (kit) => kit.unmergeIdentity('ada-older'),
  listMerges: (kit) => kit.listMerges('ada-identity'),
  eraseIdentity: (kit) => kit.eraseIdentity('ada-identity'),
  erasePerson: (kit) => kit.erasePerson({ channelType: 'sms', address: '+1' }),
  exportPerson: (kit) => kit.exportPerson({ identityId: 'ada-identity' }),
  processInbound: (kit) => kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'x', idempotencyKey: 'k1' }, { roomId: ROOM }),
  sendEvent: (kit) => kit.sendEvent(ROOM, 'web', 'x'),
  sendEventResult: (kit) => kit.sendEventResult(ROOM, 'web', 'x'),
  getTimeline: (kit) => kit.getTimeline(ROOM),
  getEvent: (kit, { eventId }) => kit.getEvent(ROOM, eventId),
  searchEvents: async (kit, { store }) => (store.searchEvents === undefined ? [] : kit.searchEvents({ text: SECRET, organizationId: 'acme' })),
  getUsage: (kit) => kit.getUsage(ROOM),
  readVisible: (kit) => kit.readVisible(ROOM, 'web', { afterIndex: -1, limit: 10 }),
  updateEvent: (kit, { eventId }) => kit.updateEvent(ROOM, eventId, { content: 'x' }),
  deleteEvent: (kit, { eventId }) => kit.deleteEvent(ROOM, eventId),
  markRead: (kit, { eventId }) => kit.markRead(ROOM, 'web', eventId),
  markAllRead: (kit) => kit.markAllRead(ROOM, 'web'),
  getReadMarker: (kit) => kit.getReadMarker(ROOM, 'web'),
  getUnreadCount: (kit) => kit.getUnreadCount(ROOM, 'web'),
  createTask: (kit) => kit.createTask(ROOM, { title: 'x' }),
  addObservation: (kit) => kit.addObservation(ROOM, { channelId: 'bot', content: 'x' }),
  listTasks: (kit) => kit.listTasks(ROOM),
  getTask: (kit) => kit.getTask(ROOM, 'acme-task'),
  updateTask: (kit) => kit.updateTask(ROOM, 'acme-task', { title: 'x' }),
  completeTask: (kit) => kit.completeTask('acme-task', { result: 'x' }),
  listObservations: (kit) => kit.listObservations(ROOM),
  listApprovals: (kit) => kit.listApprovals({ organizationId: 'acme' }),
  getApproval: (kit) => kit.getApproval('acme-approval'),
  resolveApproval: (kit) => kit.resolveApproval('acme-approval', { approve: true, by: 'gus' }),
  setActiveAgent: (kit) => kit.setActiveAgent(ROOM, 'bot'),
  changeConversation: (kit) => kit.changeConversation(ROOM, () => ({ refuse: 'x' }) as never),
  subscribeRoom: (kit) => kit.subscribeRoom(ROOM, () => undefined),
  publishTyping: (kit) => kit.publishTyping(ROOM, 'gus'),
  publishPresence: (kit) => kit.publishPresence(ROOM, 'gus', 'online'),
  publishReadReceipt: (kit, { eventId }) => kit.publishReadReceipt(ROOM, 'gus', eventId),
  publishReaction: (kit, { eventId }) => kit.publishReaction(ROOM, 'gus', eventId, '👍'),
  listDeliveries: (kit) => kit.listDeliveries({ organizationId: 'acme' }),
  getDelivery: (kit, { rowId }) => kit.getDelivery(rowId),
  redeliver: (kit, { rowId }) => kit.redeliver(rowId),
  cancelDelivery: (kit, { rowId }) => kit.cancelDelivery(rowId),
  listTurns: (kit) => kit.listTurns(),
  sweepRetention: (kit) => kit.sweepRetention(),
  getTrace: (kit, { eventId }) => kit.getTrace(eventId),
};

/** Of the process, of its channels and hooks, or of ids that are the caller's own. */
const OF_NO_ROOM = [
  ...['constructor', 'registerChannel', 'unregisterChannel', 'getChannel', 'listChannels', 'hook', 'addRoomHook', 'removeHook', 'removeRoomHook'],
  ...[
    'fireHook',
    'on',
    'onDeliveryStatus',
    'onCommitted',
    'onReply',
    'checkDeliveries',
    'unsubscribeRoom',
    'connectWebsocket',
    'disconnectWebsocket',
  ],
  ...['attachSource', 'detachSource', 'sourceHealth', 'listSources', 'processWebhook', 'processDeliveryStatus', 'recover', 'stats', 'background'],
  ...['transcribe', 'synthesize', 'settled', 'drain', 'close', 'isSweeping', 'startSweeping', 'sweepMedia', 'checkRoomTimers', 'createIdentity'],
  ...['completeChallenge', 'currentTurn', 'continueTrace', 'storeStats', 'onRoomsChanged'],
];

async function everything({ store, acme }: World): Promise<string> {
  const [room, events, state] = [await store.getRoom(ROOM), await store.listEvents(ROOM), await store.loadRoom(ROOM)];
  const work = [await store.listTasks(ROOM), await store.listObservations(ROOM), await store.listRows({}), await store.listTurns({})];
  const people = [await store.getIdentity('ada-identity'), await store.getIdentity('ada-older'), await store.getReadMarker(ROOM, 'web')];
  return JSON.stringify([
    room,
    events,
    state,
    work,
    people,
    await store.listApprovals({}),
    (await acme.listRooms()).length,
    (await store.findRooms({})).length,
  ]);
}

describe.each(['memory', 'sqlite'])('tenancy on %s', (name) => {
  it('tenancy: ids guessed across organizations find nothing, by every operation of a kit', async () => {
    verifies('PERM-09', 'AUTH-09', 'ROOM-02', 'IDN-09', 'ERA-01');
    const all = await world(name === 'memory' ? new InMemoryStore() : await openStore());
    const methods = Object.getOwnPropertyNames(RoomKit.prototype).filter((method) => !OF_NO_ROOM.includes(method));
    expect(Object.keys(GUESSES).sort(), 'an operation that nobody has tried').toEqual(methods.sort());
    const before = await everything(all);
    const told: string[] = [];
    for (const [method, guess] of Object.entries(GUESSES)) {
      let answer: unknown;
      try {
        answer = await guess(all.globex, all);
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        if (message.includes(SECRET)) told.push(`${method}: ${message}`);
        if (/_not_found$|^room_exists$/.test(code ?? '')) continue;
        told.push(`${method}: ${code} ${message}`);
        continue;
      }
      if (!saysNothing(answer)) told.push(`${method}: ${JSON.stringify(answer)}`);
    }
    expect(told).toEqual([]);
    expect(await everything(all), 'nothing was changed').toBe(before);
    expect(all.heard, 'nobody was told of anything').toEqual([]);
  });
});

/** Nothing, no, none, zero; or an outcome that says so. */
function saysNothing(answer: unknown): boolean {
  if (answer === undefined || answer === null || answer === false || answer === 0) return true;
  if (typeof answer !== 'object') return false;
  const text = JSON.stringify(answer);
  if (text.includes(SECRET)) return false;
  const { status, blocked, reason } = answer as { status?: unknown; blocked?: unknown; reason?: unknown };
  if (status === 'not_found' || (blocked === true && /not_found/.test(String(reason)))) return true;
  return Object.values(answer as Record<string, unknown>).every(saysNothing);
}
