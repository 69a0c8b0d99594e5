/** Outbox rows and recorded outcomes: what a delivery came to. */
import assert from 'node:assert/strict';
import type { DeliveryResult } from '../../core/models/delivery.js';
import type { OutboxState } from '../../core/models/vocabulary.js';
import type { ConversationStore, RowPatch, RowQuery } from '../../core/store/store.js';
import { givesItsOwn, settled, vandalize } from './contract.js';
import { at, fullRow, row, turn } from './samples.js';
import { openRoom, say, storeCases } from './store-case.js';

export const outboxCases = storeCases([
  {
    name: 'keeps every field of an outbox row, and owns it',
    rules: ['STO-07', 'STO-06', 'OUT-01'],
    test: async (store) => {
      await openRoom(store);
      await say(store, 'room', 'e0');
      const given = [fullRow('room', 'e1', 'sms'), row('room', 'e1', 'mail')];
      const committing = say(store, 'room', 'e1', {}, { outbox: given });
      vandalize(given);
      await committing;
      const wanted = { ...fullRow('room', 'e1', 'sms'), eventIndex: 1 };
      await givesItsOwn(
        () => store.getRow('e1>sms'),
        () => store.listRows({ roomId: 'room' }),
        () => store.findRowByProviderMessage('vendor', 'SM-e1'),
      );
      assert.deepEqual(await store.getRow('e1>sms'), wanted);
      assert.deepEqual(await store.findRowByProviderMessage('vendor', 'SM-e1'), wanted);
      assert.deepEqual(await store.getRow('e1>mail'), { ...row('room', 'e1', 'mail'), eventIndex: 1 });
      assert.deepEqual(await store.listRows({ channelId: 'sms' }), [wanted]);
      assert.equal(await store.getRow('unknown'), null);
      assert.equal(await store.findRowByProviderMessage('vendor', 'unknown'), null);
      assert.equal(await store.findRowByProviderMessage('other', 'SM-e1'), null);
    },
  },
  {
    name: 'changes every field of a row that may change',
    rules: ['STO-07', 'OUT-03'],
    test: async (store) => {
      await openRoom(store);
      await say(store, 'room', 'e0', {}, { outbox: [row('room', 'e0', 'sms')] });
      const {
        id: _id,
        roomId: _room,
        eventId: _event,
        eventIndex: _index,
        channelId: _channel,
        idempotencyKey: _key,
        createdAt: _at,
        ...patch
      } = {
        ...fullRow('room', 'e0', 'sms'),
      };
      const wanted = { ...fullRow('room', 'e0', 'sms'), eventIndex: 0, createdAt: at() };
      const lastError = { ...patch.lastError };
      const changing = store.updateRow('e0>sms', { ...patch, lastError });
      vandalize(lastError);
      const changed = await changing;
      assert.deepEqual(changed, wanted);
      vandalize(changed);
      assert.deepEqual(await store.getRow('e0>sms'), wanted);
      assert.deepEqual(await store.listRows({ roomId: 'room' }), [wanted]);
      assert.deepEqual(await store.findRowByProviderMessage('vendor', 'SM-e0'), wanted);
      assert.deepEqual(await store.updateRow('e0>sms', { attempts: 5 }), { ...wanted, attempts: 5 }, 'what a patch leaves out stays');
      assert.equal(await store.updateRow('unknown', { attempts: 1 }), null);
    },
  },
  {
    name: 'changes a row only from the state it was told, for one of many',
    rules: ['OUT-03', 'OUT-07'],
    test: async (store) => {
      await openRoom(store);
      await say(store, 'room', 'e0', {}, { outbox: [row('room', 'e0', 'sms')] });
      assert.equal(await store.updateRow('e0>sms', { state: 'sent', attempts: 9 }, ['sending', 'unknown']), null);
      assert.deepEqual(await store.getRow('e0>sms'), { ...row('room', 'e0', 'sms'), eventIndex: 0 });
      assert.equal(await store.updateRow('e0>sms', { state: 'sent' }, []), null);
      const claims = await Promise.all(
        Array.from({ length: 10 }, async (_, n) => store.updateRow('e0>sms', { state: 'sending', leaseOwner: `kit-${n}` }, ['queued'])),
      );
      const won = claims.filter((claim) => claim !== null);
      assert.equal(won.length, 1, 'of ten claims at once, one wins');
      assert.deepEqual(await store.getRow('e0>sms'), won[0]);
      assert.equal((await store.updateRow('e0>sms', { state: 'sent' }, ['queued', 'sending']))?.state, 'sent');
    },
  },
  {
    name: 'lists rows by room, channel, event and state, in the order of their room',
    rules: ['OUT-02'],
    test: async (store) => {
      const states: readonly OutboxState[] = ['queued', 'sending', 'sent', 'unknown', 'delivered', 'read', 'failed', 'expired', 'cancelled'];
      for (const roomId of ['b', 'a']) await openRoom(store, roomId);
      for (const [n, state] of states.entries()) {
        for (const roomId of ['b', 'a']) {
          const eventId = `${roomId}${n}`;
          await say(store, roomId, eventId, {}, { outbox: [row(roomId, eventId, n % 2 === 0 ? 'sms' : 'mail', { state })] });
        }
      }
      const listed = async (query: RowQuery): Promise<string[]> => (await store.listRows(query)).map(({ eventId }) => eventId);
      assert.deepEqual(await listed({ roomId: 'a' }), ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8']);
      assert.deepEqual(await listed({ limit: 3 }), ['a0', 'a1', 'a2']);
      assert.equal((await listed({})).length, 18);
      assert.deepEqual(await listed({ roomId: 'b', channelId: 'mail' }), ['b1', 'b3', 'b5', 'b7']);
      assert.deepEqual(await listed({ channelId: 'mail', limit: 5 }), ['a1', 'a3', 'a5', 'a7', 'b1']);
      assert.deepEqual(await listed({ eventId: 'b4' }), ['b4']);
      assert.deepEqual(await listed({ eventId: 'b4', roomId: 'a' }), [], 'every condition holds');
      assert.deepEqual(await listed({ eventId: 'b4', channelId: 'mail' }), []);
      for (const [n, state] of states.entries()) assert.deepEqual(await listed({ state }), [`a${n}`, `b${n}`], state);
      assert.deepEqual(await listed({ state: ['queued', 'unknown'] }), ['a0', 'a3', 'b0', 'b3']);
      assert.deepEqual(await listed({ state: ['queued', 'sent'], roomId: 'b' }), ['b0', 'b2']);
      assert.deepEqual(await listed({ state: ['queued', 'unknown'], roomId: 'b', channelId: 'mail' }), ['b3']);
      assert.deepEqual(await listed({ state: ['queued', 'sending', 'unknown'], limit: 2 }), ['a0', 'a1']);
      assert.deepEqual(await listed({ state: [] }), []);
      await store.updateRow('a0>sms', { state: 'sent' });
      assert.deepEqual(await listed({ state: 'queued' }), ['b0']);
      assert.deepEqual(await listed({ state: 'sent' }), ['a0', 'a2', 'b2']);
    },
  },
  {
    name: 'finds the newest row that a provider gave a message id to',
    rules: ['OUT-07'],
    test: async (store) => {
      await openRoom(store, 'old');
      await openRoom(store, 'new');
      for (const eventId of ['e0', 'e1']) await say(store, 'old', eventId, {}, { outbox: [row('old', eventId, 'sms')] });
      await say(store, 'new', 'e2', {}, { outbox: [row('new', 'e2', 'sms', { createdAt: at(9) })] });
      await store.updateRow('e1>sms', { provider: 'vendor', providerMessageId: 'SM' });
      await store.updateRow('e0>sms', { provider: 'other', providerMessageId: 'SM' });
      assert.equal((await store.findRowByProviderMessage('vendor', 'SM'))?.id, 'e1>sms');
      assert.equal((await store.findRowByProviderMessage('other', 'SM'))?.id, 'e0>sms');
      await store.updateRow('e2>sms', { provider: 'vendor', providerMessageId: 'SM' });
      assert.equal((await store.findRowByProviderMessage('vendor', 'SM'))?.id, 'e2>sms');
    },
  },
  {
    name: 'tells what deliveries came to, from rows and from recorded outcomes',
    rules: ['OUT-06', 'OUT-15'],
    test: async (store) => {
      await openRoom(store);
      await openRoom(store, 'other');
      const error = { code: 'timeout', message: 'Slow.', retryable: true };
      const expected: readonly (readonly [OutboxState, DeliveryResult['status']])[] = [
        ['queued', 'queued'],
        ['sending', 'queued'],
        ['sent', 'sent'],
        ['delivered', 'sent'],
        ['read', 'sent'],
        ['unknown', 'unknown'],
        ['failed', 'failed'],
        ['expired', 'failed'],
      ];
      await say(
        store,
        'room',
        'e0',
        {},
        {
          outbox: [
            ...expected.map(([state]) => row('room', 'e0', state, { state, attempts: 2, providerMessageId: `SM-${state}`, lastError: error })),
            row('room', 'e0', 'skipped', { state: 'cancelled' }),
            row('room', 'e0', 'cancelled', { state: 'cancelled', lastError: error }),
          ],
        },
      );
      await say(store, 'room', 'e1');
      await say(store, 'room', 'e2', {}, { outbox: [row('room', 'e2', 'sms')] });
      const live: DeliveryResult = { channelId: 'web', status: 'failed', attempts: 1, error, providerResult: { success: false, error: 'x' } };
      await store.recordOutcomes([
        {
          roomId: 'room',
          eventId: 'e1',
          results: [
            { channelId: 'web', status: 'sent', attempts: 1 },
            { channelId: 'app', status: 'sent', attempts: 1 },
          ],
        },
        { roomId: 'room', eventId: 'e1', results: [live] },
        { roomId: 'room', eventId: 'e2', results: [{ channelId: 'web', status: 'skipped', attempts: 0 }] },
        { roomId: 'nowhere', eventId: 'e9', results: [live] },
      ]);
      await givesItsOwn(() => store.deliveryResults('room', ['e0', 'e1', 'e2', 'e9']));
      const results = await store.deliveryResults('room', ['e0', 'e1', 'e2', 'e9']);
      const ofRows: Record<string, DeliveryResult> = { skipped: { channelId: 'skipped', status: 'skipped', attempts: 0 } };
      for (const [state, status] of expected)
        ofRows[state] = { channelId: state, status, attempts: 2, providerMessageId: `SM-${state}`, ...(status === 'failed' && { error }) };
      ofRows['cancelled'] = { channelId: 'cancelled', status: 'failed', attempts: 0, error };
      assert.deepEqual([...results.keys()].sort(), ['e0', 'e1', 'e2']);
      assert.deepEqual(results.get('e0'), ofRows);
      assert.deepEqual(
        results.get('e1'),
        { web: live, app: { channelId: 'app', status: 'sent', attempts: 1 } },
        'of one channel the last outcome counts',
      );
      assert.deepEqual(results.get('e2'), {
        sms: { channelId: 'sms', status: 'queued', attempts: 0 },
        web: { channelId: 'web', status: 'skipped', attempts: 0 },
      });
      assert.equal((await store.deliveryResults('room', [])).size, 0);
      assert.deepEqual([...(await store.deliveryResults('room', ['e2'])).keys()], ['e2']);
      assert.equal((await store.deliveryResults('other', ['e0', 'e1'])).size, 0, 'only to who names the room');
      await store.deleteEvent('room', 'e1');
      assert.equal((await store.deliveryResults('room', ['e1'])).size, 0);
    },
  },
  {
    name: 'remembers the outcomes of at least a thousand events',
    rules: ['OUT-15'],
    test: async (store) => {
      await openRoom(store);
      const events = Array.from({ length: 1000 }, (_, n) => `e${n}`);
      await Promise.all(events.map(async (eventId) => say(store, 'room', eventId)));
      await store.recordOutcomes(
        events.map((eventId, attempts) => ({ roomId: 'room', eventId, results: [{ channelId: 'web', status: 'sent', attempts }] })),
      );
      const results = await store.deliveryResults('room', events);
      assert.equal(results.size, 1000);
      assert.deepEqual(results.get('e0'), { web: { channelId: 'web', status: 'sent', attempts: 0 } });
      assert.deepEqual(results.get('e999'), { web: { channelId: 'web', status: 'sent', attempts: 999 } });
    },
  },
  {
    name: 'claims open rows lane by lane, oldest first, as they were',
    rules: ['OUT-08', 'OUT-02'],
    test: async (store) => {
      await fillLanes(store);
      const claim = { owner: 'kit', now: at(100), leaseUntil: at(130), limit: 100 };
      const { rows, turns, nextDueAt } = await store.claimDue(claim);
      assert.deepEqual(lane(rows, 'a', 'sms'), ['0 queued', '1 sending', '2 unknown']);
      assert.deepEqual(lane(rows, 'a', 'mail'), ['0 queued'], 'what waits for its next attempt holds what is behind it');
      assert.deepEqual(lane(rows, 'b', 'sms'), ['0 queued', '1 queued'], 'due exactly now is due');
      assert.equal(rows.length, 6, 'ended rows are nobody’s');
      assert.deepEqual(turns, []);
      assert.equal(nextDueAt, at(101), 'the earliest retry that lies ahead');
      for (const { id, state } of rows) {
        const { leaseOwner, leaseUntil, state: now } = (await store.getRow(id)) ?? {};
        assert.deepEqual([leaseOwner, leaseUntil, now], ['kit', at(130), state]);
      }
      const behind = (await store.getRow('a1>mail'))?.leaseOwner;
      assert.equal(behind, store.shared ? 'kit' : undefined, 'what waits is leased with its lane, where others could take it');
      const excepted = await store.claimDue({ ...claim, exceptLanes: new Set(['a\u0000sms']) });
      assert.deepEqual([lane(excepted.rows, 'a', 'sms'), excepted.rows.length], [[], 3]);
      const few = await store.claimDue({ ...claim, limit: 2 });
      assert.deepEqual([few.rows.length, few.turns.length], [2, 0]);
      assert.deepEqual(lane(few.rows, 'a', 'sms')[0] ?? lane(few.rows, 'a', 'mail')[0], '0 queued', 'never one before what is older in its lane');
      for (const { id } of rows) await store.updateRow(id, { state: 'sent' });
      const later = await store.claimDue({ ...claim, now: at(101) });
      assert.deepEqual(lane(later.rows, 'a', 'mail'), ['1 queued', '2 queued']);
      assert.deepEqual([later.rows.length, later.nextDueAt], [2, undefined]);
      for (const { id } of later.rows) await store.updateRow(id, { state: 'failed' });
      assert.deepEqual(await store.claimDue(claim), { rows: [], turns: [] });
    },
  },
  {
    name: 'keeps lanes of other owners apart until their lease ends; in a store of one process every lease is void',
    rules: ['OUT-08'],
    test: async (store) => {
      await openRoom(store);
      for (const [n, channelId] of ['sms', 'mail', 'sms'].entries())
        await say(store, 'room', `e${n}`, {}, { outbox: [row('room', `e${n}`, channelId)] });
      const claim = { now: at(0), leaseUntil: at(30), limit: 100 };
      const first = await store.claimDue({ ...claim, owner: 'one', exceptLanes: new Set(['room\u0000mail']) });
      assert.deepEqual(lane(first.rows, 'room', 'sms'), ['0 queued', '2 queued']);
      await say(store, 'room', 'e3', {}, { outbox: [row('room', 'e3', 'sms')] });
      const second = await store.claimDue({ ...claim, owner: 'two' });
      if (!store.shared) {
        assert.deepEqual(lane(second.rows, 'room', 'sms'), ['0 queued', '2 queued', '3 queued']);
        await store.renewLeases('one', at(60));
        await store.releaseLeases('one');
        return;
      }
      assert.deepEqual([lane(second.rows, 'room', 'sms'), lane(second.rows, 'room', 'mail')], [[], ['1 queued']], 'a lane is held as a whole');
      assert.equal(second.nextDueAt, at(30));
      assert.equal(lane((await store.claimDue({ ...claim, owner: 'one' })).rows, 'room', 'sms').length, 3, 'its owner may take it again');
      await store.renewLeases('one', at(60));
      assert.deepEqual(lane((await store.claimDue({ ...claim, owner: 'two', now: at(59) })).rows, 'room', 'sms'), [], 'renewed');
      assert.equal(lane((await store.claimDue({ ...claim, owner: 'two', now: at(60), leaseUntil: at(90) })).rows, 'room', 'sms').length, 3, 'ended');
      assert.deepEqual(lane((await store.claimDue({ ...claim, owner: 'one', now: at(61) })).rows, 'room', 'sms'), []);
      await store.releaseLeases('one');
      assert.deepEqual(lane((await store.claimDue({ ...claim, owner: 'one', now: at(61) })).rows, 'room', 'sms'), [], 'releases its own only');
      await store.releaseLeases('two');
      assert.equal(lane((await store.claimDue({ ...claim, owner: 'one', now: at(61) })).rows, 'room', 'sms').length, 3, 'released');
    },
  },
  {
    name: 'gives a lane to one owner as a whole, however little of it was asked for, and whatever of it waits',
    rules: ['STO-16', 'OUT-08', 'TURN-01'],
    test: async (store) => {
      if (!store.shared) return;
      await openRoom(store);
      for (let n = 0; n < 6; n++) {
        const later = n === 4 ? { nextAttemptAt: at(20) } : {};
        const work = { outbox: [row('room', `e${n}`, 'sms', later)], turns: [turn('room', `t${n}`, 'helper')] };
        await say(store, 'room', `e${n}`, {}, work);
      }
      const claim = { now: at(0), leaseUntil: at(10), limit: 100 };
      await store.claimDue({ ...claim, owner: 'one' });
      // Its time is over, and another one asks for less than there is.
      const two = { ...claim, owner: 'two', now: at(11), leaseUntil: at(21) };
      assert.deepEqual(lane((await store.claimDue({ ...two, limit: 2 })).rows, 'room', 'sms'), ['0 queued', '1 queued']);
      const sending: RowPatch = { state: 'sending', leaseOwner: 'one', leaseUntil: at(30) };
      for (let n = 0; n < 6; n++)
        assert.equal(await store.updateRow(`e${n}>sms`, sending, ['queued'], 'one'), null, `row ${n} is not the former owner’s any more`);
      assert.deepEqual((await store.claimDue({ ...claim, owner: 'three', now: at(12) })).rows, [], 'nor anybody else’s');
      const rest = await store.claimDue(two);
      assert.deepEqual(lane(rest.rows, 'room', 'sms'), ['0 queued', '1 queued', '2 queued', '3 queued']);
      assert.deepEqual(
        rest.turns.map(({ leaseOwner }) => leaseOwner),
        Array(6).fill('three'),
        'as they were',
      );
      await store.releaseLeases('two');
      const few = await store.claimDue({
        ...claim,
        owner: 'four',
        now: at(13),
        leaseUntil: at(40),
        limit: 5,
        exceptLanes: new Set(['room\u0000sms']),
      });
      assert.equal(few.turns.length, 5);
      assert.equal(await store.updateTurn('t5', { state: 'running' }, ['queued'], undefined, 'two'), null, 'turns neither');
    },
  },
  {
    name: 'lets what is behind a parked row pass it, and claims the parked row at its end',
    rules: ['OUT-17'],
    test: async (store) => {
      await openRoom(store, 'room');
      const parked = { nextAttemptAt: at(100), expiresAt: at(100) };
      await say(store, 'room', 'e0', {}, { outbox: [row('room', 'e0', 'sms', parked)] });
      await say(store, 'room', 'e1', {}, { outbox: [row('room', 'e1', 'sms')] });
      const claim = { owner: 'one', leaseUntil: at(30), limit: 10 };
      const early = await store.claimDue({ ...claim, now: at() });
      assert.deepEqual(lane(early.rows, 'room', 'sms'), ['1 queued'], 'it blocks nothing');
      assert.equal(early.nextDueAt, at(100), 'and is not forgotten');
      assert.deepEqual(lane((await store.claimDue({ ...claim, now: at(100) })).rows, 'room', 'sms'), ['0 queued', '1 queued']);
    },
  },
  {
    name: 'puts a row behind what is open in its lane, and with whoever holds that',
    rules: ['STO-16'],
    test: async (store) => {
      if (!store.shared) return;
      await openRoom(store, 'room');
      const put = async (id: string, owner: string | undefined, now: number, fields: Parameters<typeof row>[3] = {}, channelId = 'sms') => {
        const lease = owner === undefined ? {} : { leaseOwner: owner, leaseUntil: at(now + 30) };
        const given = row('room', id, channelId, { state: 'sending', attempts: 1, ...lease, ...fields });
        const { placed } = await say(store, 'room', id, {}, { outbox: [given], now: at(now) });
        const [one] = placed?.rows ?? [];
        assert.ok(one, 'a shared store says where it has put each row');
        assert.deepEqual(await store.getRow(given.id), one.row, 'as stored');
        return [one.row.state, one.row.attempts, one.row.leaseOwner, one.row.leaseUntil, one.previousIndex];
      };
      assert.deepEqual(await put('e0', 'one', 0), ['sending', 1, 'one', at(30), undefined], 'the lane was empty');
      assert.deepEqual(await put('e1', 'two', 1), ['queued', 0, 'one', at(30), 0], 'the holder of the lane goes on with it');
      assert.deepEqual(await put('e2', 'two', 1, {}, 'mail'), ['sending', 1, 'two', at(31), undefined], 'another lane');
      assert.deepEqual(await put('e3', 'one', 2), ['queued', 0, 'one', at(30), 1], 'its own comes behind, too');
      assert.deepEqual(await put('e4', undefined, 3), ['queued', 0, 'one', at(30), 3], 'whoever has not the channel leaves it to the holder');
      await store.renewLeases('one', at(10));
      assert.deepEqual(await put('e5', 'two', 10), ['queued', 0, undefined, undefined, 4], 'nobody holds it: it is claimed as a whole');
      assert.deepEqual(await put('e5b', 'one', 10), ['queued', 0, 'one', at(40), 5], 'what nobody has taken from it is still its own');
      assert.deepEqual((await store.getRow(row('room', 'e5', 'sms').id))?.leaseOwner, 'one', 'with what was left in between');
      for (const id of ['e0', 'e1', 'e3', 'e4', 'e5', 'e5b']) await store.updateRow(row('room', id, 'sms').id, { state: 'sent' });
      assert.deepEqual(await put('e6', 'two', 11, { nextAttemptAt: at(500), expiresAt: at(500), state: 'queued', attempts: 0 }), [
        'queued',
        0,
        'two',
        at(41),
        undefined,
      ]);
      assert.deepEqual(await put('e7', 'one', 12), ['sending', 1, 'one', at(42), undefined], 'what is parked waits apart');
    },
  },
  {
    name: 'changes a row only for the owner that has it, where one is named',
    rules: ['STO-16'],
    test: async (store) => {
      if (!store.shared) return;
      await openRoom(store, 'room');
      const given = row('room', 'e0', 'sms', { leaseOwner: 'one', leaseUntil: at(30) });
      await say(store, 'room', 'e0', {}, { outbox: [given], now: at() });
      assert.equal(await store.updateRow(given.id, { state: 'sending' }, undefined, 'two'), null);
      assert.equal((await store.getRow(given.id))?.state, 'queued');
      assert.equal((await store.updateRow(given.id, { state: 'sending' }, ['queued'], 'one'))?.state, 'sending');
      assert.equal(await store.updateRow(given.id, { state: 'sent' }, ['queued'], 'one'), null, 'both have to hold');
      const nobodys = row('room', 'e1', 'mail');
      await say(store, 'room', 'e1', {}, { outbox: [nobodys], now: at() });
      assert.equal((await store.updateRow(nobodys.id, { state: 'sending' }, undefined, 'two'))?.state, 'sending', 'nobody has it');
    },
  },
  {
    name: 'gives a lane to one of many who claim at once',
    rules: ['OUT-08'],
    test: async (store) => {
      if (!store.shared) return;
      for (let n = 0; n < 20; n++) {
        await openRoom(store, `r${n}`);
        await say(store, `r${n}`, `e${n}`, {}, { outbox: [row(`r${n}`, `e${n}`, 'sms')] });
      }
      const { values } = await settled(
        Array.from({ length: 6 }, (_, n) => () => store.claimDue({ owner: `kit-${n}`, now: at(), leaseUntil: at(30), limit: 5 })),
      );
      const claimed = values.flatMap(({ rows }) => rows.map(({ id }) => id));
      assert.equal(new Set(claimed).size, claimed.length, 'no row twice');
      assert.equal(claimed.length, 20);
    },
  },
]);

async function fillLanes(store: ConversationStore): Promise<void> {
  const put = async (roomId: string, n: number, channelId: string, fields: Parameters<typeof row>[3]): Promise<void> => {
    await say(store, roomId, `${roomId}${n}${channelId}`, {}, { outbox: [row(roomId, `${roomId}${n}`, channelId, fields)] });
  };
  for (const roomId of ['b', 'a']) await openRoom(store, roomId);
  const sms: readonly OutboxState[] = ['queued', 'sending', 'unknown', 'sent', 'delivered', 'read', 'failed', 'expired', 'cancelled'];
  for (const [n, state] of sms.entries()) await put('a', n, 'sms', { state });
  await put('a', 0, 'mail', {});
  await put('a', 1, 'mail', { nextAttemptAt: at(101) });
  await put('a', 2, 'mail', {});
  await put('b', 0, 'sms', { nextAttemptAt: at(100) });
  await put('b', 1, 'sms', {});
}

/** What was claimed of one lane, as number and state of its rows. */
function lane(rows: readonly { roomId: string; channelId: string; eventId: string; state: string }[], roomId: string, channelId: string): string[] {
  return rows.filter((one) => one.roomId === roomId && one.channelId === channelId).map(({ eventId, state }) => `${eventId.slice(1)} ${state}`);
}
