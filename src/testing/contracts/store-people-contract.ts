/** Identities: known by address within an organization, linked, merged and parted again. */
import assert from 'node:assert/strict';
import type { Identity } from '../../core/models/people.js';
import type { ConversationStore } from '../../core/store/store.js';
import { givesItsOwn, refused, settled, vandalize } from './contract.js';
import { at, fullIdentity } from './samples.js';
import { storeCases } from './store-case.js';

export const peopleCases = storeCases([
  {
    name: 'keeps every field of an identity, and owns it',
    rules: ['STO-07', 'STO-06'],
    test: async (store) => {
      const given = fullIdentity('ada');
      const creating = store.createIdentity(given);
      vandalize(given);
      const created = await creating;
      assert.deepEqual(created, fullIdentity('ada'));
      vandalize(created);
      await givesItsOwn(
        () => store.getIdentity('ada'),
        () => store.resolveIdentity({ channelType: 'sms', address: '+1-ada', organizationId: 'org' }),
      );
      assert.deepEqual(await store.getIdentity('ada'), fullIdentity('ada'));
      const bare: Identity = { id: 'bare' };
      assert.deepEqual(await store.createIdentity(bare), bare);
      assert.deepEqual(await store.getIdentity('bare'), bare);
      assert.equal(await store.getIdentity('unknown'), null);
      const changed = { ...fullIdentity('bare'), organizationId: 'other' };
      const updating = store.updateIdentity(changed);
      vandalize(changed);
      vandalize(await updating);
      assert.deepEqual(await store.getIdentity('bare'), { ...fullIdentity('bare'), organizationId: 'other' });
      assert.deepEqual(await store.updateIdentity({ id: 'bare' }), { id: 'bare' });
      assert.deepEqual(await store.getIdentity('bare'), { id: 'bare' }, 'what is left out is gone');
      await refused(() => store.updateIdentity({ id: 'unknown' }), 'identity_not_found');
      assert.equal(await store.getIdentity('unknown'), null);
    },
  },
  {
    name: 'knows an address of an organization as one identity',
    rules: ['IDN-09'],
    test: async (store) => {
      await store.createIdentity({ id: 'one', channelAddresses: { sms: ['+1', '+2'], email: ['+1'] } });
      await store.createIdentity({ id: 'two', organizationId: 'org', channelAddresses: { sms: ['+1'] } });
      const who = whoIn(store);
      assert.equal(await who('+1'), 'one');
      assert.equal(await who('+2'), 'one');
      assert.equal(await who('+3'), undefined);
      assert.equal(await who('+1', 'org'), 'two', 'the same number in another organization is somebody else');
      assert.equal(await who('+2', 'org'), undefined);
      assert.equal((await store.resolveIdentity({ channelType: 'email', address: '+1' }))?.id, 'one');
      assert.equal(await store.resolveIdentity({ channelType: 'whatsapp', address: '+1' }), null);
      await refused(() => store.createIdentity({ id: 'one' }), 'conflict');
      await refused(() => store.createIdentity({ id: 'three', channelAddresses: { sms: ['+9', '+2'] } }), 'conflict');
      assert.equal(await store.getIdentity('three'), null);
      assert.equal(await who('+9'), undefined, 'a refused identity takes no address');
      assert.deepEqual((await store.getIdentity('one'))?.channelAddresses, { sms: ['+1', '+2'], email: ['+1'] });
      const { values } = await settled(
        Array.from({ length: 6 }, (_, n) => () => store.createIdentity({ id: `raced-${n}`, channelAddresses: { sms: ['+7'] } })),
      );
      assert.equal(values.length, 1, 'of six that want one address at once, one gets it');
      assert.equal(await who('+7'), values[0]?.id);
    },
  },
  {
    name: 'follows the addresses of a changed identity',
    rules: ['IDN-09'],
    test: async (store) => {
      await store.createIdentity({ id: 'one', channelAddresses: { sms: ['+1', '+2'] } });
      await store.createIdentity({ id: 'two', channelAddresses: { sms: ['+3'] } });
      const who = whoIn(store);
      await refused(() => store.updateIdentity({ id: 'one', channelAddresses: { sms: ['+5', '+3'] } }), 'conflict');
      assert.deepEqual([await who('+1'), await who('+2'), await who('+3'), await who('+5')], ['one', 'one', 'two', undefined]);
      assert.deepEqual((await store.getIdentity('one'))?.channelAddresses, { sms: ['+1', '+2'] });
      await store.updateIdentity({ id: 'one', channelAddresses: { sms: ['+2', '+4'] } });
      assert.deepEqual([await who('+1'), await who('+2'), await who('+4')], [undefined, 'one', 'one']);
      await store.createIdentity({ id: 'three', channelAddresses: { sms: ['+1'] } });
      assert.equal(await who('+1'), 'three', 'an address that was given up is free');
    },
  },
  {
    name: 'links an address once, and to nobody it does not know',
    rules: ['STO-10', 'IDN-09'],
    test: async (store) => {
      await store.createIdentity({ id: 'one', organizationId: 'org', displayName: 'One' });
      await store.createIdentity({ id: 'two', organizationId: 'org', channelAddresses: { sms: ['+2'] } });
      const who = whoIn(store);
      assert.equal(await store.linkAddress('unknown', 'sms', '+1'), false);
      assert.equal(await who('+1', 'org'), undefined);
      assert.equal(await store.linkAddress('one', 'sms', '+1'), true);
      assert.equal(await store.linkAddress('one', 'sms', '+1'), true);
      assert.equal(await store.linkAddress('one', 'email', 'a@b.c'), true);
      await Promise.all(Array.from({ length: 5 }, async () => store.linkAddress('one', 'sms', '+3')));
      assert.deepEqual(await store.getIdentity('one'), {
        id: 'one',
        organizationId: 'org',
        displayName: 'One',
        channelAddresses: { sms: ['+1', '+3'], email: ['a@b.c'] },
      });
      assert.equal(await who('+1', 'org'), 'one');
      await refused(() => store.linkAddress('one', 'sms', '+2'), 'conflict');
      assert.equal(await who('+2', 'org'), 'two');
      assert.deepEqual((await store.getIdentity('one'))?.channelAddresses?.sms, ['+1', '+3']);
    },
  },
  {
    name: 'merges two identities: addresses move, the old id leads to the new one',
    rules: ['IDN-13'],
    test: async (store) => {
      const [into, from] = [person('into', { crm: '1' }, ['+1']), person('from', { crm: '2', shop: '3' }, ['+2', '+3'])];
      await store.createIdentity(into);
      await store.createIdentity(from);
      const who = whoIn(store);
      const wanted = { intoId: 'into', fromId: 'from', by: 'admin', reason: 'the same person', at: at(5) };
      const merging = store.mergeIdentities(wanted);
      vandalize(wanted);
      const merge = await merging;
      const record = {
        intoId: 'into',
        fromId: 'from',
        by: 'admin',
        reason: 'the same person',
        at: at(5),
        from,
        movedAddresses: { sms: ['+2', '+3'] },
        movedExternalIds: { shop: '3' },
      };
      assert.deepEqual(merge, record);
      vandalize(merge);
      const merged = { ...into, channelAddresses: { sms: ['+1', '+2', '+3'] }, externalIds: { crm: '1', shop: '3' } };
      assert.deepEqual(await store.getIdentity('into'), merged);
      assert.deepEqual(await store.getIdentity('from'), merged, 'the old id is an alias');
      assert.deepEqual([await who('+1'), await who('+2'), await who('+3')], ['into', 'into', 'into']);
      assert.equal(await store.linkAddress('from', 'sms', '+4'), true);
      assert.equal(await who('+4'), 'into', 'linked through the alias');
      await refused(() => store.createIdentity({ id: 'from' }), 'conflict');
      await refused(() => store.updateIdentity(from), 'identity_not_found');
      assert.equal(await store.mergeIdentities({ intoId: 'into', fromId: 'from', by: 'admin', at: at(6) }), null, 'merged already');
      assert.equal(await store.mergeIdentities({ intoId: 'into', fromId: 'into', by: 'admin', at: at(6) }), null);
      assert.equal(await store.mergeIdentities({ intoId: 'from', fromId: 'into', by: 'admin', at: at(6) }), null, 'not into itself by another name');
      assert.equal(await store.mergeIdentities({ intoId: 'unknown', fromId: 'into', by: 'admin', at: at(6) }), null);
      assert.equal(await store.mergeIdentities({ intoId: 'into', fromId: 'unknown', by: 'admin', at: at(6) }), null);
      const listed = await store.listMerges('into');
      assert.deepEqual(listed, [record]);
      vandalize(listed);
      for (const id of ['into', 'from']) assert.deepEqual(await store.listMerges(id), [record], `by the id ${id}`);
      assert.deepEqual(await store.listMerges('unknown'), []);
      const unmerged = await store.unmergeIdentity('from');
      assert.deepEqual(unmerged, record);
      vandalize(unmerged);
      assert.deepEqual(await store.getIdentity('from'), from);
      assert.deepEqual(await store.getIdentity('into'), { ...into, channelAddresses: { sms: ['+1', '+4'] } }, 'what came later stays');
      assert.deepEqual([await who('+1'), await who('+2'), await who('+3'), await who('+4')], ['into', 'from', 'from', 'into']);
      assert.equal(await store.unmergeIdentity('from'), null);
      assert.deepEqual(await store.listMerges('into'), [], 'what was undone is over');
      assert.equal(await store.unmergeIdentity('unknown'), null);
    },
  },
  {
    name: 'parts what was merged exactly, in any order',
    rules: ['IDN-13'],
    test: async (store) => {
      const people = [person('a', { a: '1' }, ['+1']), person('b', {}, ['+2']), { id: 'c' }] as const;
      let merges = 0;
      const merge = async (intoId: string, fromId: string): Promise<unknown> =>
        store.mergeIdentities({ intoId, fromId, by: 'admin', at: at(++merges) });
      for (const one of people) await store.createIdentity(one);
      const who = whoIn(store);
      for (const order of [
        ['a', 'b'],
        ['b', 'a'],
      ]) {
        await merge('b', 'a');
        await merge('c', 'b');
        assert.deepEqual([(await store.getIdentity('a'))?.id, await who('+1'), await who('+2')], ['c', 'c', 'c'], 'aliases of aliases');
        for (const id of ['a', 'b', 'c']) {
          const gone = (await store.listMerges(id)).map(({ fromId, intoId }) => `${fromId}>${intoId}`);
          assert.deepEqual(gone, ['b>c', 'a>b'], 'those that went into it by way of another, the latest first');
        }
        for (const id of order) assert.ok(await store.unmergeIdentity(id));
        for (const one of people) assert.deepEqual(await store.getIdentity(one.id), one, `unmerged ${order.join(', ')}`);
        assert.deepEqual([await who('+1'), await who('+2')], ['a', 'b']);
      }
      await store.createIdentity({ id: 'foreign', organizationId: 'org', channelAddresses: { sms: ['+1'] } });
      await refused(() => merge('a', 'foreign'), 'conflict');
      assert.deepEqual([await who('+1'), await who('+1', 'org')], ['a', 'foreign']);
      await merge('c', 'b');
      await store.updateIdentity({ id: 'c' });
      await store.createIdentity({ id: 'late', channelAddresses: { sms: ['+2'] } });
      await refused(() => store.unmergeIdentity('b'), 'conflict');
      assert.deepEqual([(await store.getIdentity('b'))?.id, await who('+2')], ['c', 'late'], 'a refused parting changes nothing');
    },
  },
]);

function person(id: string, externalIds: Readonly<Record<string, string>>, sms: readonly string[]): Identity {
  return { id, displayName: id, channelAddresses: { sms }, ...(Object.keys(externalIds).length > 0 && { externalIds }) };
}

function whoIn(store: ConversationStore): (address: string, organizationId?: string) => Promise<string | undefined> {
  return async (address, organizationId) =>
    (await store.resolveIdentity({ channelType: 'sms', address, ...(organizationId !== undefined && { organizationId }) }))?.id;
}
