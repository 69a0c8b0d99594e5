/** All that is stored, read and written as it is: what copies, exports and imports are made of. For stores that can be copied. */
import assert from 'node:assert/strict';
import { RECORD_KINDS, recordsOf, type RecordKind, type StoredRecord } from '../../core/store/records.js';
import type { ConversationStore } from '../../core/store/store.js';
import { givesItsOwn, refused, vandalize } from './contract.js';
import {
  at,
  draft,
  fullApproval,
  fullBinding,
  fullEvent,
  fullFact,
  fullHeld,
  fullIdentity,
  fullObservation,
  fullParticipant,
  fullRoom,
  fullRow,
  fullTask,
  fullTurn,
  fullUsage,
  participant,
  room,
} from './samples.js';
import { openRoom, say, storeCases, type OpenStore, type StoreCase } from './store-case.js';

export const recordCases: readonly StoreCase[] = [
  {
    name: 'gives every record as it is, and another store takes it so',
    rules: ['STO-20', 'STO-07'],
    run: (open) =>
      withTwo(open, async (from, to) => {
        if (from.readRecords === undefined) return;
        await fill(from);
        const given = await all(from);
        assert.deepEqual([...new Set(given.map(({ kind }) => kind))], RECORD_KINDS, 'of every kind, in this order');
        const own = structuredClone(given);
        const writing = to.changeRecords?.({ add: own });
        vandalize(own);
        await writing;
        assert.deepEqual(await all(to), given);
        await isTheSame(from, to);
      }),
  },
  {
    name: 'goes on where the store it was copied from has stopped',
    rules: ['STO-20', 'STO-02', 'LOCK-03'],
    run: (open) =>
      withTwo(open, async (from, to) => {
        if (from.readRecords === undefined) return;
        await fill(from);
        for await (const records of recordsOf(from)) await to.changeRecords?.({ add: records });
        const next = await say(to, 'full', 'next');
        assert.equal(next.event.index, 6, 'the mark of what was removed counts');
        const again = await say(to, 'full', 'again', { idempotencyKey: 'key-e0' });
        assert.deepEqual([again.duplicate, again.event.id], [true, 'e0']);
        await refused(() => say(to, 'full', 'late', {}, { fencingToken: 6 }), 'fenced');
        const { room: keyed, created } = await to.createRoomOnce('a key', room('another', { createdAt: at(1) }), 60);
        assert.deepEqual([keyed.id, created], ['created', false]);
        const claimed = await to.claimDue({ owner: 'kit', now: at(100), leaseUntil: at(200), limit: 10 });
        assert.deepEqual([claimed.rows.map(({ id }) => id), claimed.turns.map(({ id }) => id)], [['open-row'], ['open-turn']]);
      }),
  },
  ...storeCases([
    {
      name: 'gives records page by page, and of one room alone',
      rules: ['STO-20'],
      test: async (store) => {
        if (store.readRecords === undefined) return;
        await fill(store);
        for (const kind of RECORD_KINDS) {
          const whole = await all(store, kind);
          const paged: StoredRecord[] = [];
          let after: string | undefined;
          do {
            const page = await store.readRecords({ kind, limit: 1, ...(after !== undefined && { after }) });
            assert.ok(page.records.length <= 1);
            assert.notEqual(page.next, after ?? 'none', 'each page begins behind the one before');
            paged.push(...page.records);
            after = page.next;
          } while (after !== undefined);
          assert.deepEqual(paged, whole, kind);
        }
        const ofOne: StoredRecord[] = [];
        for await (const records of recordsOf(store, { roomId: 'full' })) ofOne.push(...records);
        const known = new Set(ofOne.map(({ kind }) => kind));
        assert.ok(
          !known.has('identity') && !known.has('merge') && !known.has('fact') && !known.has('creation'),
          'what belongs to no room is none of it',
        );
        assert.deepEqual(
          ofOne.filter(({ kind }) => kind === 'event').map((record) => (record.kind === 'event' ? [record.event.roomId, record.event.index] : [])),
          [0, 1, 2, 4, 5].map((index) => ['full', index]),
        );
        await givesItsOwn(() => store.readRecords?.({ kind: 'task' }));
      },
    },
    {
      name: 'finds records of every kind by a text in them',
      rules: ['STO-20', 'ERA-06'],
      test: async (store) => {
        if (store.readRecords === undefined) return;
        await fill(store);
        for (const kind of RECORD_KINDS) {
          const whole = await all(store, kind);
          for (const text of ['full', 'fact', 'two', WORDS, 'nowhere']) {
            const part = JSON.stringify(text).slice(1, -1);
            const wanted = whole.filter((record) => JSON.stringify({ ...record, kind: '' }).includes(part));
            assert.deepEqual((await store.readRecords({ kind, containing: [text, 'nowhere'] })).records, wanted, `${kind} ${text}`);
          }
        }
      },
    },
    {
      name: 'stores all of what it is given, or nothing of it',
      rules: ['STO-20', 'STO-01'],
      test: async (store) => {
        if (store.changeRecords === undefined) return;
        await fill(store);
        const before = await all(store);
        const roomOf = (id: string): StoredRecord => ({ kind: 'room', room: room(id), bindings: [], participants: [], markers: {}, fence: -1 });
        const full = { kind: 'room', id: 'full' } as const;
        for (const there of before) {
          if (['identity', 'merge', 'fact', 'outcome', 'usage', 'held'].includes(there.kind)) continue;
          await refused(() => store.changeRecords?.({ add: [roomOf('new'), there] }), 'conflict');
        }
        await refused(() => store.changeRecords?.({ add: [roomOf('new'), { kind: 'task', task: fullTask('nowhere', 'a-task') }] }), 'room_not_found');
        assert.deepEqual(await all(store), before);
        await refused(() => store.changeRecords?.({ remove: [full], add: [roomOf('full'), roomOf('other')] }), 'conflict');
        assert.deepEqual(await all(store), before, 'what was to be replaced is still there');
        await store.changeRecords({ remove: [full, { kind: 'room', id: 'never there' }], add: [roomOf('full')] });
        assert.deepEqual([(await store.loadRoom('full'))?.room, await store.listEvents('full')], [room('full'), []]);
        await store.changeRecords({
          add: [
            { kind: 'fact', fact: { key: 'fact', fact: { other: 1 } } },
            { kind: 'identity', identity: { id: 'one', displayName: 'New' } },
          ],
        });
        assert.deepEqual(await store.getFact?.('fact'), { other: 1 });
        assert.deepEqual(await store.getIdentity('one'), { id: 'one', displayName: 'New' });
        assert.equal(await store.resolveIdentity(address()), null, 'the addresses it had are free');
      },
    },
  ]),
];

async function withTwo(open: OpenStore, test: (from: ConversationStore, to: ConversationStore) => Promise<void>): Promise<void> {
  const from = await open();
  try {
    const to = await open();
    try {
      await test(from, to);
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

async function all(store: ConversationStore, only?: RecordKind): Promise<StoredRecord[]> {
  const found: StoredRecord[] = [];
  for await (const records of recordsOf(store)) found.push(...records.filter(({ kind }) => only === undefined || kind === only));
  return found;
}

const WORDS = 'ünd \u0000 \ud83d\ude00';

/** One of each, with every field; in the room 'full' event 3 was removed, 1 was edited and 2 deleted. */
async function fill(store: ConversationStore): Promise<void> {
  await store.createIdentity(fullIdentity('one'));
  await store.createIdentity({ id: 'two', organizationId: fullIdentity('one').organizationId, channelAddresses: { sms: ['+2'] } });
  await store.mergeIdentities({ intoId: 'one', fromId: 'two', by: 'ada', at: at(1) });
  await store.putFact?.('fact', fullFact());
  await store.putFact?.(`fact ${WORDS}`, {});
  await store.createRoom(fullRoom('full'));
  await store.putBinding(fullBinding('full', 'sms'), { fencingToken: 7 });
  await store.putBinding(fullBinding('full', `mail ${WORDS}`));
  await store.putParticipant(fullParticipant('full', 'grace'));
  await store.putParticipant(participant('full', 'ada'));
  await store.setReadMarker('full', 'sms', 1);
  await store.createRoomOnce('a key', room('created'), 60);
  await openRoom(store, 'other');
  const fields = { ...fullEvent('full', 'e0'), status: 'blocked', blockedBy: 'a_hook' } as const;
  await store.commitEvent({
    event: { ...fields, index: -1 },
    outbox: [fullRow('full', 'e0', 'sms')],
    turns: [fullTurn('full', 't1', 'helper')],
    approvals: [fullApproval('full', 'a1')],
  });
  await say(store, 'full', 'e1', { externalId: 'x' } as object);
  await say(store, 'other', 'o0', { content: { type: 'text', body: WORDS } });
  await say(store, 'full', 'e2');
  await say(store, 'full', 'e3');
  await say(store, 'full', 'e4', {}, { target: { eventId: 'e1', content: { type: 'text', body: 'edited' }, metadata: { edited: true } } });
  const row = { ...fullRow('full', 'e5', 'sms'), id: 'open-row', state: 'queued', nextAttemptAt: at(5), leaseUntil: at(50) } as const;
  const turn = { ...fullTurn('full', 'open-turn', 'helper'), state: 'queued' } as const;
  await store.commitEvent({
    event: draft('full', 'e5'),
    outbox: [row],
    turns: [turn],
    target: { eventId: 'e2', metadata: { deleted: true } },
  });
  await store.deleteEvent('full', 'e3');
  await store.createTask(fullTask('full', 'task'));
  await store.createTask(fullTask('other', 'a-later-task'));
  await store.addObservation(fullObservation('full', 'observation'));
  await store.addUsage?.([fullUsage('full'), { ...fullUsage('other'), tokens: { audio_tokens: 3 } }]);
  await store.recordOutcomes([{ roomId: 'full', eventId: 'e1', results: [{ channelId: 'web', status: 'sent', attempts: 1 }] }]);
  await store.holdMessage({ ...fullHeld('held'), roomId: 'full' }, 5);
}

function address(): { channelType: 'sms'; address: string; organizationId: string } {
  return { channelType: 'sms', address: '+2', organizationId: fullIdentity('one').organizationId };
}

/** What kits ask for, asked of both. */
async function isTheSame(from: ConversationStore, to: ConversationStore): Promise<void> {
  const reads: readonly ((store: ConversationStore) => unknown)[] = [
    (store) => store.getRoom('full'),
    (store) => store.listBindings('full'),
    (store) => store.listParticipants('full'),
    (store) => store.listEvents('full'),
    (store) => store.countEvents('full'),
    (store) => store.getEventByExternalId('sms', 'external-e0'),
    (store) => store.findRoomIdsByChannel('sms'),
    (store) => store.findRooms({}),
    (store) => store.findLatestRoom({ participantId: 'ada' }),
    (store) => store.listRows({}),
    (store) => store.findRowByProviderMessage(fullRow('full', 'e0', 'sms').provider, fullRow('full', 'e0', 'sms').providerMessageId),
    (store) => store.listTurns({}),
    (store) => store.listApprovals({}),
    (store) => store.listTasks('full'),
    (store) => store.listObservations('full'),
    (store) => store.getReadMarker('full', 'sms'),
    (store) => store.deliveryResults('full', ['e0', 'e1']),
    (store) => store.sumUsage?.({}),
    (store) => store.listHeld(fullHeld('held').kind, fullHeld('held').key, at()),
    (store) => store.getIdentity('two'),
    (store) => store.listMerges('one'),
    (store) => store.resolveIdentity(address()),
    (store) => store.listFacts?.({ prefix: '' }),
    (store) => store.searchEvents?.({ text: 'edited' }),
  ];
  for (const read of reads) assert.deepEqual(await read(to), await read(from), String(read));
}
