/** What a host reads and changes by the kit's own methods, within the kit's organization. */
import { describe, expect, it } from 'vitest';
import { InMemoryStore, RoomKit, silentLogger, type OutboxRow } from '../../src/core/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { verifies } from '../requirements.js';
import { makeKit, TestAgent, TestTransport } from '../support/harness.js';

/** Two kits on one store, each of one organization, with a room that has a failed delivery. */
async function neighbours() {
  const store = new InMemoryStore();
  const clock = new TestClock();
  const open = async (organizationId: string): Promise<{ kit: RoomKit; row: OutboxRow }> => {
    const kit = new RoomKit({ store, clock, logger: silentLogger, organizationId });
    const sms = new TestTransport('sms', { deliver: () => Promise.reject(new Error('down')) });
    kit.registerChannel(sms);
    kit.registerChannel(new TestTransport('web'));
    await kit.createRoom({ roomId: `${organizationId}-1` });
    await kit.attachChannel(`${organizationId}-1`, 'sms', { retryPolicy: null });
    await kit.attachChannel(`${organizationId}-1`, 'web');
    await kit.sendEvent(`${organizationId}-1`, 'web', 'hello', { wait: 'commit' });
    await clock.advance(0);
    const [row] = await kit.listDeliveries({ roomId: `${organizationId}-1` });
    if (row === undefined) throw new Error('no delivery was planned');
    return { kit, row };
  };
  return { acme: await open('acme'), globex: await open('globex') };
}

describe('deliveries and turns', () => {
  it('of other organizations are not there, whoever names them', async () => {
    verifies('PERM-09', 'OUT-10');
    const { acme, globex } = await neighbours();
    expect((await acme.kit.listDeliveries()).map(({ roomId }) => roomId)).toEqual(['acme-1']);
    expect((await acme.kit.listDeliveries({ limit: 1 })).length).toBe(1);
    expect(await acme.kit.getDelivery(acme.row.id)).toMatchObject({ roomId: 'acme-1', state: 'failed' });
    expect(await acme.kit.getDelivery(globex.row.id)).toBeNull();
    expect(await acme.kit.redeliver(globex.row.id)).toBe(false);
    expect(await acme.kit.cancelDelivery(globex.row.id)).toBe(false);
    expect(await globex.kit.redeliver(globex.row.id)).toBe(true);
    await expect(acme.kit.listTurns({ roomId: 'globex-1' })).rejects.toMatchObject({ code: 'room_not_found' });
    await acme.kit.close();
    await globex.kit.close();
  });

  it('are listed with what became of them', async () => {
    verifies('TURN-01');
    const { kit } = makeKit();
    await using _kit = kit;
    kit.registerChannel(new TestTransport('web'));
    kit.registerChannel(new TestAgent('helper', () => 'Hello!'));
    await kit.createRoom({ roomId: 'r' });
    await kit.attachChannel('r', 'web');
    await kit.attachChannel('r', 'helper');
    const { event } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'hi' }, { roomId: 'r' });
    expect(await kit.listTurns({ roomId: 'r' })).toMatchObject([{ channelId: 'helper', state: 'committed', triggerEventIds: [event?.id] }]);
    expect(await kit.listTurns({ state: 'failed' })).toEqual([]);
  });
});

describe('a participant', () => {
  it('is changed by the host, with an entry that says what', async () => {
    verifies('ROOM-14');
    const { kit } = makeKit();
    await using _kit = kit;
    await kit.createRoom({ roomId: 'r' });
    await kit.ensureParticipant('r', 'web', 'ada');
    const changed = await kit.updateParticipant('r', 'ada', { displayName: 'Ada', role: 'owner', metadata: { vip: true } });
    expect(changed).toMatchObject({ displayName: 'Ada', role: 'owner', status: 'active', metadata: { vip: true } });
    await kit.updateParticipant('r', 'ada', { role: 'owner' }); // nothing changes, nothing is told
    await kit.updateParticipant('r', 'ada', { metadata: { vip: undefined } });
    await kit.updateParticipant('r', 'ada', { status: 'left' });
    expect((await kit.listParticipants('r'))[0]).toMatchObject({ role: 'owner', status: 'left', metadata: {} });
    expect((await kit.getTimeline('r')).map(({ type, content }) => [type, 'data' in content && content.data?.['keys']])).toEqual([
      ['participant_updated', ['display_name', 'role', 'metadata']],
      ['participant_updated', ['metadata']],
      ['participant_left', ['status']],
    ]);
    await expect(kit.updateParticipant('r', 'bob', {})).rejects.toMatchObject({ code: 'participant_not_found' });
    // @ts-expect-error what comes from outside may be anything
    await expect(kit.updateParticipant('r', 'ada', { role: 'king' })).rejects.toThrow(/role is "king".*owner/);
    await kit.closeRoom('r');
    await expect(kit.updateParticipant('r', 'ada', { status: 'active' })).rejects.toMatchObject({ code: 'room_closed' });
  });
});

describe('an identity', () => {
  it('is made, found and given addresses within one organization', async () => {
    verifies('IDN-14', 'IDN-09', 'PERM-09');
    const store = new InMemoryStore();
    const acme = new RoomKit({ store, organizationId: 'acme', logger: silentLogger });
    const globex = new RoomKit({ store, organizationId: 'globex', logger: silentLogger });
    const ada = await acme.createIdentity({ displayName: 'Ada', organizationId: 'globex', channelAddresses: { sms: ['+1'] } });
    expect(ada).toMatchObject({ organizationId: 'acme', displayName: 'Ada' });
    expect(await acme.findIdentity({ channelType: 'sms', address: '+1' })).toMatchObject({ id: ada.id });
    expect(await acme.findIdentity({ channelType: 'sms', address: '+2' })).toBeNull();
    expect(await globex.findIdentity({ channelType: 'sms', address: '+1', organizationId: 'acme' })).toBeNull();
    expect(await globex.getIdentity(ada.id)).toBeNull();
    expect(await acme.linkAddress(ada.id, 'email', 'ada@example.com')).toMatchObject({ channelAddresses: { email: ['ada@example.com'] } });
    await expect(globex.linkAddress(ada.id, 'email', 'x@example.com')).rejects.toMatchObject({ code: 'identity_not_found' });
    await expect(acme.createIdentity({ channelAddresses: { sms: ['+1'] } })).rejects.toMatchObject({ code: 'conflict' });
    await expect(acme.createIdentity({ channelAddresses: { sms: [''] } })).rejects.toMatchObject({ code: 'invalid' });
    // @ts-expect-error what comes from outside may be anything
    await expect(acme.linkAddress(ada.id, 'pigeon', 'x')).rejects.toThrow(/'pigeon' is no channel type/);
  });

  it('is merged and unmerged by its own organization only', async () => {
    verifies('IDN-13', 'PERM-09');
    const store = new InMemoryStore();
    const acme = new RoomKit({ store, organizationId: 'acme', logger: silentLogger });
    const globex = new RoomKit({ store, organizationId: 'globex', logger: silentLogger });
    const into = await acme.createIdentity({ displayName: 'Ada' });
    const from = await acme.createIdentity({ displayName: 'A. L.' });
    const other = await globex.createIdentity({ displayName: 'Somebody else' });
    for (const [one, two] of [
      [into.id, from.id],
      [other.id, from.id],
      [into.id, other.id],
    ] as const)
      await expect(globex.mergeIdentities(one, two, { by: 'test' })).rejects.toMatchObject({ code: 'identity_not_found' });
    await acme.mergeIdentities(into.id, from.id, { by: 'test' });
    expect(await globex.listMerges(into.id)).toEqual([]);
    expect(await acme.listMerges(into.id)).toMatchObject([{ fromId: from.id, by: 'test' }]);
    expect(await globex.unmergeIdentity(from.id)).toBeNull();
    expect(await acme.unmergeIdentity(from.id)).toMatchObject({ fromId: from.id });
  });
});

describe('a task', () => {
  it('is read and changed in its own room', async () => {
    verifies('ROOM-15');
    const { kit } = makeKit();
    await using _kit = kit;
    await kit.createRoom({ roomId: 'r' });
    await kit.createRoom({ roomId: 'other' });
    const { id } = await kit.createTask('r', { title: 'Call back', metadata: { urgent: true } });
    expect(await kit.getTask('r', id)).toMatchObject({ title: 'Call back', status: 'pending' });
    expect(await kit.getTask('other', id)).toBeNull();
    expect(await kit.updateTask('other', id, { status: 'completed' })).toBeNull();
    const changed = await kit.updateTask('r', id, { status: 'completed', assignedTo: 'bob', metadata: { urgent: undefined } });
    expect(changed).toEqual({ ...(await kit.getTask('r', id)), status: 'completed', assignedTo: 'bob', title: 'Call back', metadata: {} });
    expect(await kit.getTimeline('r')).toEqual([]);
    // @ts-expect-error what comes from outside may be anything
    await expect(kit.updateTask('r', id, { status: 'forgotten' })).rejects.toThrow(/"forgotten" is unknown/);
  });
});

describe('words', () => {
  it('are found where the store can search, in the organization alone', async () => {
    verifies('ROOM-16', 'PERM-09');
    const store = await SqliteStore.open(':memory:');
    await using kit = new RoomKit({ store, logger: silentLogger });
    kit.registerChannel(new TestTransport('web'));
    for (const roomId of ['acme', 'globex']) {
      await kit.createRoom({ roomId, organizationId: roomId });
      await kit.attachChannel(roomId, 'web');
      await kit.sendEvent(roomId, 'web', `the invoice of ${roomId}`);
    }
    const rooms = async (search: Parameters<RoomKit['searchEvents']>[0]) => (await kit.searchEvents(search)).map(({ roomId }) => roomId);
    expect(await rooms({ text: 'invoice' })).toEqual(['globex', 'acme']);
    expect(await rooms({ text: 'invoice', organizationId: 'acme' })).toEqual(['acme']);
    expect(await rooms({ text: 'invoice', roomId: 'globex' })).toEqual(['globex']);
    expect(await rooms({ text: 'invoice', limit: 1 })).toEqual(['globex']);
    await expect(rooms({ text: 'invoice', roomId: 'nowhere' })).rejects.toMatchObject({ code: 'room_not_found' });
    await expect(rooms({ text: 'invoice', limit: 0.5 })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('are refused clearly where it cannot', async () => {
    verifies('ROOM-16');
    await using kit = new RoomKit({ logger: silentLogger });
    await expect(kit.searchEvents({ text: 'x' })).rejects.toMatchObject({ code: 'not_supported', message: expect.stringContaining('SqliteStore') });
  });
});

describe('a read marker', () => {
  it('is read as it was set', async () => {
    verifies('ROOM-12');
    const { kit } = makeKit();
    await using _kit = kit;
    kit.registerChannel(new TestTransport('web'));
    await kit.createRoom({ roomId: 'r' });
    await kit.attachChannel('r', 'web');
    expect(await kit.getReadMarker('r', 'web')).toBeNull();
    await kit.markAllRead('r', 'web');
    expect(await kit.getReadMarker('r', 'web')).toBe(0);
    await expect(kit.getReadMarker('nowhere', 'web')).rejects.toMatchObject({ code: 'room_not_found' });
  });
});

describe('a takeover', () => {
  it('says why', async () => {
    verifies('CST-04');
    const { kit } = makeKit();
    await using _kit = kit;
    await kit.createRoom({ roomId: 'r' });
    const state = await kit.setActiveAgent('r', null, { reason: 'The customer asked for a person.' });
    expect(state.phaseHistory.at(-1)).toMatchObject({ toAgent: null, reason: 'The customer asked for a person.' });
    expect((await kit.getTimeline('r'))[0]?.metadata).toMatchObject({ reason: 'The customer asked for a person.' });
    await expect(kit.setActiveAgent('r', null, { reason: 'x'.repeat(4001) })).rejects.toMatchObject({ code: 'invalid' });
  });
});
