/** What the default router decides by, and other ways to a room. */
import assert from 'node:assert/strict';
import type { Room } from '../../core/models/room.js';
import type { ConversationStore, RouteQuery } from '../../core/store/store.js';
import { vandalize } from './contract.js';
import { at, binding, participant, source } from './samples.js';
import { openRoom, say, storeCases } from './store-case.js';

const SENDER: RouteQuery = { channelId: 'sms', channelType: 'sms', senderId: 'ada', address: '+1' };

export const routingCases = storeCases([
  {
    name: 'knows the room of a stored key, whatever its status',
    rules: ['RTR-01'],
    test: async (store) => {
      await openRoom(store, 'mine', { organizationId: 'org', status: 'archived' });
      await openRoom(store, 'foreign', { organizationId: 'other' });
      await say(store, 'mine', 'e1', { idempotencyKey: 'key' });
      await say(store, 'foreign', 'e2', { idempotencyKey: 'key' });
      await store.putBinding(binding('foreign', 'sms', { address: '+1' }));
      const keyed = async (query: Partial<RouteQuery>): Promise<string | undefined> => (await store.findRoute({ ...SENDER, ...query })).keyed;
      assert.equal(await keyed({ idempotencyKey: 'key' }), 'foreign', 'the newest');
      assert.equal(await keyed({ idempotencyKey: 'key', organizationId: 'org' }), 'mine', 'within the organization');
      assert.equal(await keyed({ idempotencyKey: 'key', organizationId: 'third' }), undefined);
      assert.equal(await keyed({ idempotencyKey: 'other' }), undefined);
      assert.equal(await keyed({ idempotencyKey: 'key', channelId: 'mail' }), undefined);
      assert.equal(await keyed({}), undefined);
      await store.deleteRoom('foreign');
      assert.equal(await keyed({ idempotencyKey: 'key' }), 'mine');
      await store.deleteEvent('mine', 'e1');
      assert.equal(await keyed({ idempotencyKey: 'key' }), undefined);
    },
  },
  {
    name: 'knows open rooms whose binding names the address, the newest two first',
    rules: ['RTR-01'],
    test: async (store) => {
      await openRooms(store, ['r1', 'r2', 'r3', 'closed', 'foreign'], async (roomId) => {
        await store.putBinding(binding(roomId, 'sms', { address: '+1' }));
        await store.putBinding(binding(roomId, 'mail', { channelType: 'email', address: '+1' }));
      });
      await store.putBinding(binding('closed', 'app', { address: '+9' }));
      await setStatus(store, 'closed', 'closed');
      await setStatus(store, 'r3', 'paused');
      const addressed = async (query: Partial<RouteQuery> = {}): Promise<string[]> =>
        names((await store.findRoute({ ...SENDER, ...query })).addressed);
      assert.deepEqual((await store.findRoute(SENDER)).addressed, [
        { roomId: 'foreign', createdAt: at(5) },
        { roomId: 'r3', createdAt: at(3) },
      ]);
      assert.deepEqual(await addressed({ organizationId: 'org' }), ['r3', 'r2'], 'within the organization');
      assert.deepEqual(await addressed({ address: '+2' }), []);
      assert.deepEqual(await addressed({ channelId: 'web' }), []);
      assert.deepEqual(await addressed({ channelId: 'app', address: '+9' }), [], 'a closed room is none, also where there is no other');
      await store.deleteRoom('foreign');
      await store.putBinding(binding('r3', 'sms', { address: '+2' }));
      assert.deepEqual([await addressed(), await addressed({ address: '+2' })], [['r2', 'r1'], ['r3']], 'the address it names now');
      await say(store, 'r2', 'detached', {}, { removeBinding: 'sms' });
      assert.deepEqual(await addressed(), ['r1']);
      await setStatus(store, 'closed', 'active');
      assert.deepEqual(await addressed(), ['closed', 'r1'], 'opened again');
      await say(store, 'closed', 'closing', {}, { roomPatch: { status: 'archived' } });
      await say(store, 'r2', 'attached', {}, { binding: binding('r2', 'sms', { address: '+1' }) });
      assert.deepEqual(await addressed(), ['r2', 'r1']);
    },
  },
  {
    name: 'knows open rooms where the sender takes part through this type of channel',
    rules: ['RTR-01'],
    test: async (store) => {
      await openRooms(store, ['r1', 'r2', 'r3', 'r4'], async (roomId) => {
        await store.putBinding(binding(roomId, 'sms'));
        await store.putBinding(binding(roomId, 'mail', { channelType: 'email' }));
      });
      await store.putParticipant(participant('r1', 'ada'));
      await store.putParticipant(participant('r2', 'x', { externalId: 'ada' }));
      await store.putParticipant(participant('r3', 'ada', { channelId: 'mail' }));
      await store.putParticipant(participant('r4', 'grace', { channelId: 'mail', connectedVia: ['sms'] }));
      const part = async (query: Partial<RouteQuery> = {}): Promise<string[]> =>
        names((await store.findRoute({ ...SENDER, ...query })).participating);
      assert.deepEqual(await part(), ['r2', 'r1'], 'by id and by external id');
      assert.deepEqual(await part({ channelType: 'email' }), ['r3']);
      assert.deepEqual(await part({ senderId: 'grace' }), ['r4'], 'through a further channel too');
      assert.deepEqual(await part({ senderId: 'x' }), ['r2']);
      assert.deepEqual(await part({ senderId: 'nobody' }), []);
      assert.deepEqual(await part({ channelType: 'voice' }), []);
      await store.putParticipant(participant('r3', 'ada', { channelId: 'mail', connectedVia: ['sms'] }));
      assert.deepEqual(await part(), ['r3', 'r2'], 'the newest two');
      await store.putParticipant(participant('r2', 'x', { externalId: 'other' }));
      assert.deepEqual([await part(), await part({ senderId: 'other' })], [['r3', 'r1'], ['r2']], 'as they are named now');
      await say(store, 'r3', 'detached', {}, { removeBinding: 'sms' });
      assert.deepEqual(await part(), ['r1'], 'reached through what is attached');
      await setStatus(store, 'r1', 'closed');
      assert.deepEqual(await part(), []);
      await say(store, 'r3', 'attached', {}, { binding: binding('r3', 'sms') });
      assert.deepEqual(await part(), ['r3'], 'a channel attached after they joined counts too');
      await say(store, 'r4', 'joined', {}, { participant: participant('r4', 'ada') });
      assert.deepEqual(await part(), ['r4', 'r3']);
      await setStatus(store, 'r4', 'active', { organizationId: 'other' });
      assert.deepEqual(await part({ organizationId: 'org' }), ['r3']);
      await store.deleteRoom('r3');
      assert.deepEqual(await part(), ['r4']);
    },
  },
  {
    name: 'knows whether a channel is bound to one open room, or to more',
    rules: ['RTR-01', 'RTR-02'],
    test: async (store) => {
      await openRooms(store, ['c1', 'c2', 'r1', 'r2', 'r3'], async (roomId) => store.putBinding(binding(roomId, 'sms', { address: `to-${roomId}` })));
      for (const roomId of ['c1', 'c2']) await setStatus(store, roomId, 'closed');
      const bound = async (query: Partial<RouteQuery> = {}): Promise<readonly { roomId: string; address?: string }[]> =>
        (await store.findRoute({ ...SENDER, ...query })).bound;
      assert.equal((await bound()).length, 2, 'two say enough');
      for (const { roomId, address } of await bound()) assert.equal(address, `to-${roomId}`);
      assert.deepEqual(await bound({ channelId: 'mail' }), []);
      await setStatus(store, 'r1', 'archived');
      await say(store, 'r2', 'detached', {}, { removeBinding: 'sms' });
      assert.deepEqual(await bound(), [{ roomId: 'r3', createdAt: at(5), address: 'to-r3' }]);
      assert.deepEqual(await bound({ organizationId: 'other' }), []);
      await store.putBinding(binding('r3', 'sms'));
      assert.deepEqual(await bound(), [{ roomId: 'r3', createdAt: at(5) }], 'without an address it names nobody');
      await say(store, 'c1', 'opened', {}, { roomPatch: { status: 'active' } });
      assert.deepEqual(names(await bound()).sort(), ['c1', 'r3']);
      await store.putBinding(binding('c2', 'web'));
      await setStatus(store, 'c2', 'paused');
      assert.deepEqual(names(await bound({ channelId: 'web' })), ['c2'], 'attached while the room was closed');
      await store.deleteRoom('c1');
      await store.deleteRoom('c2');
      assert.deepEqual(names(await bound()), ['r3']);
    },
  },
  {
    name: 'finds the newest room of a participant, and the rooms of a channel',
    rules: ['ROOM-11'],
    test: async (store) => {
      await openRooms(store, ['r1', 'r2', 'r3'], async (roomId) => {
        await store.putBinding(binding(roomId, 'sms'));
        await store.putBinding(binding(roomId, 'mail', { channelType: 'email' }));
        await store.putParticipant(participant(roomId, 'ada', { channelId: roomId === 'r3' ? 'mail' : 'sms', externalId: `ext-${roomId}` }));
      });
      await openRoom(store, 'empty', { createdAt: at(9) });
      await setStatus(store, 'r2', 'closed');
      await say(store, 'r1', 'e0', { source: source('other') });
      const latest = async (query: Parameters<ConversationStore['findLatestRoom']>[0]): Promise<string | undefined> =>
        (await store.findLatestRoom(query))?.id;
      assert.deepEqual(await store.findLatestRoom({ participantId: 'ada' }), await store.getRoom('r3'));
      assert.equal(await latest({ participantId: 'ada', channelType: 'sms' }), 'r2');
      assert.equal(await latest({ participantId: 'ada', channelType: 'email' }), 'r3');
      assert.equal(await latest({ participantId: 'ada', channelType: 'voice' }), undefined);
      assert.equal(await latest({ participantId: 'ada', channelType: 'sms', status: 'active' }), 'r1');
      assert.equal(await latest({ participantId: 'ada', status: 'closed' }), 'r2');
      assert.equal(await latest({ participantId: 'ada', status: 'archived' }), undefined);
      assert.equal(await latest({ participantId: 'ext-r1' }), 'r1');
      assert.equal(await latest({ participantId: 'ada', organizationId: 'org' }), 'r3');
      assert.equal(await latest({ participantId: 'ada', organizationId: 'other' }), undefined);
      assert.equal(await latest({ participantId: 'nobody' }), undefined);
      const byChannel = async (channelId: string, status?: Room['status']): Promise<string[]> =>
        [...(await store.findRoomIdsByChannel(channelId, status))].sort();
      assert.deepEqual(await byChannel('sms'), ['r1', 'r2', 'r3']);
      assert.deepEqual(await byChannel('sms', 'active'), ['r1', 'r3']);
      assert.deepEqual(await byChannel('sms', 'closed'), ['r2']);
      assert.deepEqual(await byChannel('other'), [], 'to have spoken is not to be bound');
      await say(store, 'r1', 'detached', {}, { removeBinding: 'sms' });
      await say(store, 'empty', 'attached', {}, { binding: binding('empty', 'sms') });
      assert.deepEqual(await byChannel('sms'), ['empty', 'r2', 'r3']);
      assert.equal(await latest({ participantId: 'ada', channelType: 'sms', status: 'active' }), undefined);
    },
  },
  {
    name: 'tells how far rooms have come, where it can, and must where it is shared',
    rules: ['OUT-15'],
    test: async (store) => {
      if (store.latestIndexes === undefined) return assert.equal(store.shared, false, 'processes have to find what others commit');
      await openRooms(store, ['a', 'b', 'c'], () => undefined);
      for (const id of ['e0', 'e1']) await say(store, 'a', id);
      await say(store, 'c', 'e2');
      const asked = ['a', 'b', 'unknown'];
      const asking = store.latestIndexes(asked);
      vandalize(asked); // before the answer is there
      const latest = await asking;
      assert.deepEqual([...latest].sort(), [
        ['a', 1],
        ['b', -1],
      ]);
      assert.equal((await store.latestIndexes([])).size, 0);
    },
  },
]);

/** Rooms of one organization but 'foreign', each a second newer than the one before. */
async function openRooms(store: ConversationStore, roomIds: readonly string[], fill: (roomId: string) => unknown): Promise<void> {
  for (const [n, roomId] of roomIds.entries()) {
    await openRoom(store, roomId, { createdAt: at(n + 1), organizationId: roomId === 'foreign' ? 'other' : 'org' });
    await fill(roomId);
  }
}

async function setStatus(store: ConversationStore, roomId: string, status: Room['status'], fields: Partial<Room> = {}): Promise<void> {
  const room = await store.getRoom(roomId);
  if (room !== null) await store.updateRoom({ ...room, ...fields, status });
}

function names(candidates: readonly { readonly roomId: string }[]): string[] {
  return candidates.map(({ roomId }) => roomId);
}
