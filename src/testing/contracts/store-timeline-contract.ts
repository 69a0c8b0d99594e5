/** The timeline: read in order, changed in place, removed without a trace of reuse, searched. */
import assert from 'node:assert/strict';
import type { RoomEvent } from '../../core/models/event.js';
import type { EventQuery } from '../../core/store/store.js';
import { refused } from './contract.js';
import { at, CONTENTS, draft, fullEvent, source } from './samples.js';
import { ids, openRoom, say, storeCases } from './store-case.js';

export const timelineCases = storeCases([
  {
    name: 'lists any stretch of a timeline, forwards and backwards',
    rules: ['ROOM-11'],
    test: async (store) => {
      await openRoom(store);
      for (let n = 0; n < 12; n++) await say(store, 'room', `e${n}`, { visibility: n % 3 === 0 ? 'internal' : 'all' });
      for (const round of ['whole', 'with gaps']) {
        const all = await store.listEvents('room');
        for (const query of queries()) {
          assert.deepEqual(ids(await store.listEvents('room', query)), ids(stretch(all, query)), `${round}: ${JSON.stringify(query)}`);
        }
        for (const afterIndex of [undefined, -1, 0, 3, 5, 11, 50]) {
          const expected = all.filter(({ index }) => afterIndex === undefined || index > afterIndex).length;
          assert.equal(await store.countEvents('room', afterIndex === undefined ? {} : { afterIndex }), expected, `${round}: after ${afterIndex}`);
        }
        for (const gone of ['e0', 'e4', 'e5', 'e11']) await store.deleteEvent('room', gone);
      }
    },
  },
  {
    name: 'never gives an index twice, also after deletions',
    rules: ['STO-02'],
    test: async (store) => {
      await openRoom(store);
      for (let n = 0; n < 4; n++) await say(store, 'room', `e${n}`);
      const before = await store.getRoom('room');
      const removed = await store.deleteEvent('room', 'e3');
      assert.deepEqual(removed, [{ ...draft('room', 'e3'), index: 3 }]);
      await store.deleteEvent('room', 'e1');
      const now = await store.getRoom('room');
      assert.deepEqual([now?.latestIndex, now?.eventCount, now?.version], [3, 2, (before?.version ?? 0) + 2]);
      assert.deepEqual((await store.loadRoom('room'))?.room, now);
      assert.equal((await say(store, 'room', 'e4')).event.index, 4);
      assert.deepEqual(
        (await store.listEvents('room')).map(({ index }) => index),
        [0, 2, 4],
      );
      for (const [id, index] of [
        ['e0', 0],
        ['e2', 2],
        ['e4', 4],
      ] as const)
        assert.equal((await store.getEvent('room', id))?.index, index);
      assert.equal(await store.getEvent('room', 'e1'), null);
      assert.deepEqual(await store.deleteEvent('room', 'e1'), []);
      assert.deepEqual(await store.deleteEvent('nowhere', 'e0'), []);
      assert.equal((await store.getRoom('room'))?.eventCount, 3, 'what was not there counts for nothing');
    },
  },
  {
    name: 'removes replies of any depth when told so, and only then',
    rules: ['STO-01'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      await say(store, 'room', 'root');
      await say(store, 'room', 'reply', { parentEventId: 'root' });
      await say(store, 'room', 'beside');
      await say(store, 'room', 'deeper', { parentEventId: 'reply', idempotencyKey: 'deep' });
      await say(store, 'room', 'deepest', { parentEventId: 'deeper' });
      await say(store, 'room', 'second', { parentEventId: 'root' });
      await say(store, 'room', 'orphan', { parentEventId: 'beside' });
      await say(store, 'other', 'foreign', { parentEventId: 'root' });
      assert.deepEqual(ids(await store.deleteEvent('room', 'beside')), ['beside']);
      assert.deepEqual(ids(await store.listEvents('room')), ['root', 'reply', 'deeper', 'deepest', 'second', 'orphan']);
      assert.deepEqual(ids(await store.deleteEvent('room', 'root', { cascadeReplies: true })), ['root', 'reply', 'deeper', 'deepest', 'second']);
      assert.deepEqual(ids(await store.listEvents('room')), ['orphan']);
      assert.deepEqual(ids(await store.listEvents('other')), ['foreign'], 'a cascade stays in its room');
      assert.equal(await store.getEventByIdempotencyKey('deep', { roomId: 'room' }), null);
      assert.equal((await store.getRoom('room'))?.eventCount, 1);
    },
  },
  {
    name: 'rewrites every field of an event but id, room, index and time of creation',
    rules: ['STO-07'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      await say(store, 'room', 'e0');
      await say(store, 'room', 'e1', { createdAt: at(3) });
      const version = (await store.getRoom('room'))?.version;
      const wanted: RoomEvent = {
        ...fullEvent('room', 'e1'),
        index: 99,
        createdAt: at(99),
        deliveryResults: { sms: { channelId: 'sms', status: 'sent', attempts: 1 } },
      };
      const expected = { ...fullEvent('room', 'e1'), index: 1, createdAt: at(3) };
      assert.deepEqual(await store.updateEvent(wanted), expected);
      assert.deepEqual(await store.getEvent('room', 'e1'), expected);
      assert.deepEqual((await store.listEvents('room'))[1], expected);
      for (const content of CONTENTS) {
        await store.updateEvent({ ...expected, content });
        assert.deepEqual((await store.getEvent('room', 'e1'))?.content, content);
      }
      const bare = { ...draft('room', 'e1'), index: 1, createdAt: at(3) };
      assert.deepEqual(await store.updateEvent(bare), bare, 'what is left out is gone');
      assert.deepEqual(await store.getEvent('room', 'e1'), bare);
      assert.deepEqual(await store.listEvents('room'), [{ ...draft('room', 'e0'), index: 0 }, bare]);
      assert.equal(await store.updateEvent({ ...bare, id: 'unknown' }), null);
      assert.equal(await store.updateEvent({ ...bare, roomId: 'other' }), null);
      assert.equal(await store.updateEvent({ ...bare, roomId: 'nowhere' }), null);
      const now = await store.getRoom('room');
      assert.deepEqual([now?.eventCount, now?.latestIndex, await store.countEvents('room')], [2, 1, 2]);
      assert.ok((now?.version ?? 0) >= (version ?? 0));
    },
  },
  {
    name: 'finds a rewritten event by what it says now',
    rules: ['STO-07', 'STO-03'],
    test: async (store) => {
      await openRoom(store);
      await say(store, 'room', 'e0', { idempotencyKey: 'taken' });
      await say(store, 'room', 'e1', { idempotencyKey: 'old', source: source('sms', { externalId: 'old' }), visibility: 'internal' });
      const event = { ...draft('room', 'e1'), idempotencyKey: 'new', source: source('mail', { externalId: 'new' }), visibility: 'all' };
      await store.updateEvent(event);
      assert.equal(await store.getEventByIdempotencyKey('old', { roomId: 'room' }), null);
      assert.equal(await store.getEventByIdempotencyKey('old', { channelId: 'sms' }), null);
      assert.equal((await store.getEventByIdempotencyKey('new', { roomId: 'room' }))?.id, 'e1');
      assert.equal((await store.getEventByIdempotencyKey('new', { channelId: 'mail' }))?.id, 'e1');
      assert.equal(await store.getEventByExternalId('sms', 'old'), null);
      assert.equal((await store.getEventByExternalId('mail', 'new'))?.id, 'e1');
      assert.deepEqual(ids(await store.listEvents('room', { visibility: 'internal' })), []);
      await refused(() => store.updateEvent({ ...event, idempotencyKey: 'taken' }), 'conflict');
      assert.equal((await store.getEvent('room', 'e1'))?.idempotencyKey, 'new');
      assert.equal((await store.getEventByIdempotencyKey('taken', { roomId: 'room' }))?.id, 'e0');
      assert.equal((await say(store, 'room', 'e2', { idempotencyKey: 'old' })).duplicate, false, 'the old key is free');
      assert.equal((await say(store, 'room', 'e3', { idempotencyKey: 'new' })).event.id, 'e1', 'the new one is not');
    },
  },
  {
    name: 'searches the words of what was said, where the store can',
    rules: ['STO-09'],
    test: async (store) => {
      if (store.searchEvents === undefined) return;
      const search = async (text: string, where: { roomId?: string; organizationId?: string; limit?: number } = {}): Promise<string[]> =>
        ids((await store.searchEvents?.({ text, ...where })) ?? []);
      const text = (body: string): Partial<RoomEvent> => ({ content: { type: 'text', body } });
      await openRoom(store, 'one', { organizationId: 'org' });
      await openRoom(store, 'two');
      await say(store, 'one', 'e1', text('The invoice number 4711 is wrong.'));
      await say(store, 'one', 'e2', text('Which INVOICE? "Please" look: a-b*c (NOT this)'));
      await say(store, 'two', 'e3', text('invoice'));
      await say(store, 'one', 'e4', { content: { type: 'rich', body: '# Refund\n**approved**', cards: [{ title: 'Cardboard' }] } });
      await say(store, 'one', 'e5', { content: { type: 'composite', parts: [{ type: 'text', body: 'Zürich नमस्ते' }] } });
      await say(store, 'one', 'e6', { type: 'system', content: { type: 'system', body: 'invoice attached' } });
      assert.deepEqual(await search('invoice'), ['e3', 'e2', 'e1'], 'newest first, whatever the case; what the system notes was not said');
      assert.deepEqual(await search('invoice', { limit: 2 }), ['e3', 'e2']);
      assert.deepEqual(await search('invoice', { roomId: 'one' }), ['e2', 'e1']);
      assert.deepEqual(await search('invoice', { organizationId: 'org' }), ['e2', 'e1']);
      assert.deepEqual(await search('invoice', { organizationId: 'other' }), []);
      assert.deepEqual(await search('wrong invoice'), ['e1'], 'all the words, in any order');
      assert.deepEqual(await search('invoice approved'), []);
      assert.deepEqual(await search('4711'), ['e1']);
      assert.deepEqual(await search('voice'), [], 'whole words');
      assert.deepEqual(await search('approved'), ['e4']);
      assert.deepEqual(await search('cardboard'), ['e4']);
      assert.deepEqual(await search('zürich'), ['e5']);
      assert.deepEqual(await search('नमस्ते'), ['e5']);
      for (const harmless of ['', ' ', '"', '*', 'AND', '(', 'a OR', "'; DROP TABLE events; --", 'NEAR(', 'text:x', '^']) await search(harmless);
      assert.deepEqual(await search('NOT this'), ['e2'], 'words, not a query language');
      assert.deepEqual(await search('"please'), ['e2']);
      const [found] = (await store.searchEvents({ text: '4711' })) ?? [];
      assert.deepEqual(found, await store.getEvent('one', 'e1'));
      await say(store, 'one', 'edit', { type: 'edit' }, { target: { eventId: 'e1', content: { type: 'text', body: 'It is 4712.' }, metadata: {} } });
      assert.deepEqual([await search('4711'), await search('4712')], [[], ['e1']], 'an edited message is found by what it says now');
      await say(store, 'one', 'delete', { type: 'delete' }, { target: { eventId: 'e2', metadata: { deleted: true } } });
      assert.deepEqual(await search('invoice', { roomId: 'one' }), [], 'a deleted one is not found');
      await store.deleteEvent('one', 'e4');
      assert.deepEqual(await search('approved'), []);
      await store.deleteRoom('two');
      assert.deepEqual(await search('invoice'), []);
    },
  },
]);

function* queries(): Generator<EventQuery> {
  yield* [{ afterIndex: -1 }, { afterIndex: 11 }, { beforeIndex: 12 }, { beforeIndex: 3, newestFirst: false }, { visibility: 'al' }];
  for (const afterIndex of [undefined, 0, 4, 40]) {
    for (const beforeIndex of [undefined, 0, 8, 40]) {
      for (const page of [{}, { limit: 3 }, { limit: 3, offset: 2 }, { offset: 5 }, { limit: 0 }, { limit: 100, offset: 100 }]) {
        for (const newestFirst of [undefined, true]) {
          for (const visibility of [undefined, 'internal']) {
            yield {
              ...page,
              ...(afterIndex !== undefined && { afterIndex }),
              ...(beforeIndex !== undefined && { beforeIndex }),
              ...(newestFirst !== undefined && { newestFirst }),
              ...(visibility !== undefined && { visibility }),
            };
          }
        }
      }
    }
  }
}

/** What a query means, said in another way. */
function stretch(all: readonly RoomEvent[], query: EventQuery): RoomEvent[] {
  const { afterIndex = -Infinity, beforeIndex = Infinity, offset = 0, limit = Infinity, visibility } = query;
  const fitting = all.filter(
    (event) => event.index > afterIndex && event.index < beforeIndex && (visibility === undefined || event.visibility === visibility),
  );
  if (query.newestFirst === true) fitting.reverse();
  return fitting.slice(offset, offset + limit);
}
