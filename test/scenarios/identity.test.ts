/** Who is the sender? (behaviour §12) */
import { describe, expect, it } from 'vitest';
import { IdentityHookResult, InMemoryStore, type Identity, type IdentityResult, type InboundMessage } from '../../src/core/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

const ADA: Identity = { id: 'ada', displayName: 'Ada Park', channelAddresses: { sms: ['+1'] } };
const resolver = (answer: (message: InboundMessage) => IdentityResult | Promise<IdentityResult>) => {
  const asked: string[] = [];
  return {
    asked,
    resolve: async (message: InboundMessage) => {
      asked.push(message.senderId);
      return answer(message);
    },
  };
};

describe('identity', () => {
  it('attributes a message to whom the resolver names, and asks no more once it is known', async () => {
    verifies('F45', 'IDN-01', 'IDN-04', 'IDN-10', 'IDN-12');
    const identityResolver = resolver(() => ({ status: 'identified', identity: ADA }));
    const { kit, clock } = makeKit({ identityResolver });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const resolved: unknown[] = [];
    kit.on('identity_resolved', (event) => void resolved.push(event.data['identity_id']));
    const first = await kit.processInbound({ channelId: 'a', senderId: '+1', content: 'hi' }, { roomId });
    await kit.processInbound({ channelId: 'a', senderId: '+1', content: 'again' }, { roomId });
    await clock.advance(0);
    expect(first.event?.source.participantId).toBe('ada');
    expect(messagesOf(await kit.getTimeline(roomId)).map((event) => event.source.participantId)).toEqual(['ada', 'ada']);
    expect(await kit.listParticipants(roomId)).toMatchObject([
      { id: 'ada', displayName: 'Ada Park', identification: 'identified', identityId: 'ada', channelId: 'a' },
    ]);
    const codes = (await gapless(kit, roomId)).map((event) => (event.content.type === 'system' ? event.content.code : event.type));
    expect(codes).toEqual(['channel_attached', 'participant_joined_identified', 'message', 'message']);
    expect(resolved).toEqual(['ada']);
    expect(identityResolver.asked).toEqual(['+1']);
    await kit.close();
  });

  it('tells the resolver the message, the room it is for, and when nobody waits any more', async () => {
    verifies('IDN-12');
    const given: { senderId: string; roomId: string; participants: number; signal: AbortSignal }[] = [];
    const { kit, clock } = makeKit({
      identityResolver: {
        resolve: ({ senderId }, { room, participants }, { signal }) => {
          given.push({ senderId, roomId: room.id, participants: participants.length, signal });
          return new Promise(() => undefined);
        },
      },
    });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    await kit.ensureParticipant(roomId, 'a', 'bob');
    const waiting = kit.processInbound({ channelId: 'a', senderId: '+1', content: 'hi' }, { roomId });
    await clock.advance(9_999);
    expect(given).toMatchObject([{ senderId: '+1', roomId, participants: 1, signal: { aborted: false } }]);
    await clock.advance(1);
    await waiting;
    expect(given[0]?.signal.aborted).toBe(true);
    await kit.close();
  });

  it('runs only where it is wanted', async () => {
    verifies('IDN-01');
    const identityResolver = resolver(() => ({ status: 'unknown' }));
    const { kit } = makeKit({ identityResolver, identityChannelTypes: ['sms'] });
    const roomId = await openRoom(kit, [
      new TestTransport('web', { channelType: 'websocket' }),
      new TestTransport('named', { namesOwnSenders: true }),
      new TestTransport('sms'),
    ]);
    for (const channelId of ['web', 'named', 'sms']) await kit.processInbound({ channelId, senderId: `from-${channelId}`, content: 'x' }, { roomId });
    expect(identityResolver.asked).toEqual(['from-sms']);
    await kit.close();
  });

  it('never loses a message to a resolver that hangs or throws', async () => {
    verifies('F45', 'IDN-02', 'RES-04');
    const { kit, clock } = makeKit({
      identityResolver: {
        resolve: (message) => {
          if (message.senderId === 'throws') throw new Error('down');
          return new Promise(() => undefined);
        },
      },
    });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const timeouts: unknown[] = [];
    kit.on('identity_timeout', (event) => void timeouts.push(event.data['timeout_seconds']));
    expect((await kit.processInbound({ channelId: 'a', senderId: 'throws', content: 'one' }, { roomId })).blocked).toBe(false);
    const slow = kit.processInbound({ channelId: 'a', senderId: 'hangs', content: 'two' }, { roomId });
    await clock.advance(10_000);
    expect((await slow).blocked).toBe(false);
    expect(timeouts).toEqual([10]);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['one', 'two']);
    await kit.close();
  });

  it('without a hook: ambiguous joins as pending, unknown goes on unattributed, rejected is refused', async () => {
    verifies('F45', 'IDN-05', 'IDN-07', 'IDN-08', 'IDN-10', 'INB-06');
    const { kit } = makeKit({
      identityResolver: resolver((message) => ({ status: message.senderId as IdentityResult['status'], candidates: [ADA], message: 'told so' })),
    });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const send = (senderId: string) => kit.processInbound({ channelId: 'a', senderId, content: senderId }, { roomId });
    expect((await send('ambiguous')).blocked).toBe(false);
    const unknown = await send('unknown');
    expect(unknown.event?.source.participantId).toBe('unknown');
    expect(await send('rejected')).toMatchObject({ blocked: true, reason: 'told so' });
    expect(await send('challenge_sent')).toMatchObject({ blocked: true, reason: 'told so' });
    const participants = await kit.listParticipants(roomId);
    expect(participants).toMatchObject([{ identification: 'pending', candidates: [{ id: 'ada' }] }]);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['ambiguous', 'unknown']);
    await kit.close();
  });

  it('asks the hooks of its trigger; the first answer wins and a failing one is skipped', async () => {
    verifies('IDN-05', 'IDN-06', 'IDN-03');
    const { kit } = makeKit({ identityResolver: resolver((message) => ({ status: message.senderId === 'two' ? 'ambiguous' : 'unknown' })) });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const seen: unknown[] = [];
    kit.hook('on_identity_unknown', () => {
      throw new Error('broken');
    });
    kit.hook('on_identity_unknown', () => null);
    kit.hook('on_identity_unknown', ((_event: unknown, _context: unknown, result: IdentityResult) => {
      seen.push([result.address, result.channelType]);
      return IdentityHookResult.resolved(ADA);
    }) as never);
    kit.hook('on_identity_unknown', () => IdentityHookResult.reject('too late'));
    kit.hook('on_identity_ambiguous', () => IdentityHookResult.pending({ displayName: 'Somebody', candidates: [ADA] }));
    expect((await kit.processInbound({ channelId: 'a', senderId: 'one', content: 'x' }, { roomId })).event?.source.participantId).toBe('ada');
    expect(seen).toEqual([['one', 'sms']]);
    await kit.processInbound({ channelId: 'a', senderId: 'two', content: 'x' }, { roomId });
    expect((await kit.listParticipants(roomId)).map((one) => [one.id, one.identification, one.displayName])).toEqual([
      ['ada', 'identified', 'Ada Park'],
      ['two', 'pending', 'Somebody'],
    ]);
    await kit.close();
    const second = makeKit({ identityResolver: resolver(() => ({ status: 'unknown' })) });
    const other = await openRoom(second.kit, [new TestTransport('a')]);
    second.kit.hook('on_identity_unknown', () => IdentityHookResult.reject());
    expect(await second.kit.processInbound({ channelId: 'a', senderId: 'x', content: 'x' }, { roomId: other })).toMatchObject({
      blocked: true,
      reason: 'unknown_sender',
    });
    await second.kit.close();
  });

  it('holds what a challenged sender writes, and processes it in order once he is known', async () => {
    verifies('F45', 'IDN-06', 'IDN-11');
    let known = false;
    const { kit } = makeKit({ identityResolver: resolver(() => (known ? { status: 'identified', identity: ADA } : { status: 'unknown' })) });
    const a = new TestTransport('a');
    const roomId = await openRoom(kit, [a]);
    kit.hook('on_identity_unknown', (event) => (textOf(event) === 'first' ? IdentityHookResult.challenge('Please send your code.') : null));
    const send = (content: string) => kit.processInbound({ channelId: 'a', senderId: '+1', content }, { roomId });
    expect(await send('first')).toMatchObject({ blocked: true, reason: 'identity_challenge_sent' });
    expect(await send('meanwhile')).toMatchObject({ blocked: true, reason: 'identity_challenge_sent' });
    expect(a.texts).toEqual(['Please send your code.']);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['Please send your code.']);
    known = true;
    const results = await kit.completeChallenge({ channelId: 'a', senderId: '+1' }, ADA);
    expect(results.map((result) => result.event?.source.participantId)).toEqual(['ada', 'ada']);
    expect(
      messagesOf(await gapless(kit, roomId))
        .slice(1)
        .map(textOf),
    ).toEqual(['first', 'meanwhile']);
    expect(await kit.completeChallenge({ channelId: 'a', senderId: '+1' }, ADA)).toEqual([]);
    await kit.close();
  });

  it('discards what is held when the challenge fails, keeps few and for a day', async () => {
    verifies('IDN-11', 'CON-11');
    const { kit, clock } = makeKit({ identityResolver: resolver(() => ({ status: 'challenge_sent' })) });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const send = (content: string) => kit.processInbound({ channelId: 'a', senderId: '+1', content }, { roomId });
    await send('x');
    expect(await kit.completeChallenge({ channelId: 'a', senderId: '+1' }, null)).toEqual([]);
    expect(await kit.completeChallenge({ channelId: 'a', senderId: '+1' }, ADA)).toEqual([]);
    for (let n = 0; n < 25; n++) await send(`${n}`);
    await clock.advance(25 * 3600 * 1000);
    expect(await kit.completeChallenge({ channelId: 'a', senderId: '+1' }, ADA)).toEqual([]);
    for (let n = 0; n < 25; n++) await send(`${n}`);
    expect(await kit.store.listHeld('challenge', 'a\u0000+1', '2026-01-01T00:00:00.000Z')).toHaveLength(20);
    await kit.close();
  });

  it('releases what is held when the resolver knows the next message', async () => {
    verifies('IDN-11');
    const { kit, clock } = makeKit({
      identityResolver: resolver((message) =>
        message.content === 'code 42' ? { status: 'identified', identity: ADA } : { status: 'challenge_sent' },
      ),
    });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    await kit.processInbound({ channelId: 'a', senderId: '+1', content: 'held' }, { roomId });
    await kit.processInbound({ channelId: 'a', senderId: '+1', content: 'code 42' }, { roomId });
    await clock.advance(10);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['held', 'code 42']);
    await kit.close();
  });

  it('loses nothing of what is held, and doubles nothing, when it fails half-way', async () => {
    verifies('IDN-10', 'IDN-11', 'INV-08');
    const store = new InMemoryStore();
    const { kit } = makeKit({ store, identityResolver: resolver(() => ({ status: 'challenge_sent' })) });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    for (const content of ['one', 'two', 'three']) await kit.processInbound({ channelId: 'a', senderId: '+1', content }, { roomId });
    const commit = store.commitEvent.bind(store);
    store.commitEvent = (given) => {
      if (given.event.content.type === 'text' && given.event.content.body === 'two') throw new Error('the disk is full');
      return commit(given);
    };
    await expect(kit.completeChallenge({ channelId: 'a', senderId: '+1' }, ADA)).rejects.toThrow('the disk is full');
    // As if the process had died right after the commit: it is in the timeline and still held.
    store.commitEvent = commit;
    const drop = store.dropHeld.bind(store);
    store.dropHeld = () => {
      throw new Error('gone');
    };
    await expect(kit.completeChallenge({ channelId: 'a', senderId: '+1' }, ADA)).rejects.toThrow('gone');
    store.dropHeld = drop;
    expect((await kit.completeChallenge({ channelId: 'a', senderId: '+1' }, ADA)).map(({ duplicate }) => duplicate)).toEqual([true, false]);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['one', 'two', 'three']);
    await kit.close();
  });

  it('processes what is held as the person it was completed for, whom the room knows by another address', async () => {
    verifies('IDN-11');
    const { kit } = makeKit({
      identityResolver: resolver(({ senderId }) => (senderId === '+1' ? { status: 'identified', identity: ADA } : { status: 'challenge_sent' })),
    });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const send = (senderId: string, content: string) => kit.processInbound({ channelId: 'a', senderId, content }, { roomId });
    await send('+1', 'here I am');
    await send('+2', 'and this is my new phone');
    await send('+2', 'can you read me?');
    const results = await kit.completeChallenge({ channelId: 'a', senderId: '+2' }, ADA);
    expect(results.map(({ blocked, event }) => [blocked, event?.source.participantId])).toEqual([
      [false, 'ada'],
      [false, 'ada'],
    ]);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['here I am', 'and this is my new phone', 'can you read me?']);
    await kit.close();
  });

  it('releases what is held to whom the answer names, though the room knows them by another address', async () => {
    verifies('IDN-11');
    const { kit, clock } = makeKit({
      identityResolver: resolver(({ senderId, content }) =>
        senderId === '+1' || content === 'code 42' ? { status: 'identified', identity: ADA } : { status: 'challenge_sent' },
      ),
    });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const send = (senderId: string, content: string) => kit.processInbound({ channelId: 'a', senderId, content }, { roomId });
    await send('+1', 'here I am');
    await send('+2', 'held');
    await send('+2', 'code 42');
    await clock.advance(10);
    const said = messagesOf(await gapless(kit, roomId));
    expect(said.map((event) => [textOf(event), event.source.participantId])).toEqual([
      ['here I am', 'ada'],
      ['held', 'ada'],
      ['code 42', 'ada'],
    ]);
    await kit.close();
  });

  it('neither says nor holds a message that is nothing but an answer, right or wrong', async () => {
    verifies('IDN-08', 'IDN-11');
    const { kit } = makeKit({
      identityResolver: resolver(({ content }) =>
        content === '42'
          ? { status: 'identified', identity: ADA, isAnswer: true }
          : { status: 'challenge_sent', isAnswer: content === '41', inject: content === '41' ? 'That is not it.' : 'Your code, please.' },
      ),
    });
    const a = new TestTransport('a');
    const roomId = await openRoom(kit, [a]);
    const send = async (content: string) => {
      const { blocked, reason } = await kit.processInbound({ channelId: 'a', senderId: '+1', content }, { roomId });
      return [blocked, reason];
    };
    expect(await send('hello')).toEqual([true, 'identity_challenge_sent']);
    expect(await send('41')).toEqual([true, 'identity_challenge_sent']);
    expect(a.texts).toEqual(['Your code, please.', 'That is not it.']);
    expect(await send('42')).toEqual([true, 'identity_challenge_answered']);
    const said = messagesOf(await gapless(kit, roomId)).slice(2);
    expect(said.map((event) => [textOf(event), event.source.participantId])).toEqual([['hello', 'ada']]);
    await kit.close();
  });

  it('asks for each message from a shared address, and remembers nobody by it', async () => {
    verifies('IDN-01', 'IDN-04');
    const leo: Identity = { id: 'leo', displayName: 'Leo Park' };
    const identityResolver = resolver(({ content }) => ({ status: 'identified', identity: content === 'Leo here' ? leo : ADA, isShared: true }));
    const { kit } = makeKit({ identityResolver });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    for (const content of ['Ada here', 'Leo here', 'Ada again']) await kit.processInbound({ channelId: 'a', senderId: '+1', content }, { roomId });
    expect(messagesOf(await gapless(kit, roomId)).map((event) => event.source.participantId)).toEqual(['ada', 'leo', 'ada']);
    expect(identityResolver.asked).toHaveLength(3);
    expect((await kit.listParticipants(roomId)).map(({ id, externalId }) => [id, externalId])).toEqual([
      ['ada', undefined],
      ['leo', undefined],
    ]);
    await kit.close();
  });

  it('asks again for an address that a merge brought and its undoing took away; what was said stays as it was', async () => {
    verifies('IDN-01', 'IDN-13');
    const store = new InMemoryStore();
    const { kit } = makeKit({
      store,
      identityResolver: resolver(({ senderId }) => {
        const identity = store.resolveIdentity({ channelType: 'sms', address: senderId });
        return identity === null ? { status: 'unknown' } : { status: 'identified', identity };
      }),
    });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    await kit.createIdentity({ id: 'ada', displayName: 'Ada', channelAddresses: { sms: ['+1'] } });
    await kit.createIdentity({ id: 'old', displayName: 'A. Park', channelAddresses: { sms: ['+2', '+3'] } });
    const send = (senderId: string) => kit.processInbound({ channelId: 'a', senderId, content: 'hello' }, { roomId });
    const whoSaid = async () => messagesOf(await gapless(kit, roomId)).map((event) => event.source.participantId);
    await send('+3');
    await kit.mergeIdentities('ada', 'old', { by: 'clerk' });
    await send('+3'); // who was known here before is the same participant after it, and the same person as …
    await send('+2');
    expect(await whoSaid()).toEqual(['old', 'old', 'ada']);
    const people = await kit.listParticipants(roomId);
    const named = await Promise.all(people.map(async ({ id, identityId = '' }) => [id, (await kit.getIdentity(identityId))?.id]));
    expect(named).toEqual([
      ['old', 'ada'],
      ['ada', 'ada'],
    ]);
    await kit.unmergeIdentity('old');
    await send('+2');
    expect(await whoSaid()).toEqual(['old', 'old', 'ada', 'old']);
    await kit.close();
  });

  it('F45 identity', async () => {
    verifies('F45', 'IDN-09', 'IDN-13');
    const { kit, clock } = makeKit();
    const one: Identity = { id: 'one', organizationId: 'org-1', channelAddresses: { sms: ['+1'] } };
    const two: Identity = { id: 'two', organizationId: 'org-2', channelAddresses: { sms: ['+1'] } };
    await kit.store.createIdentity(one);
    await kit.store.createIdentity(two);
    expect(await kit.store.resolveIdentity({ channelType: 'sms', address: '+1', organizationId: 'org-1' })).toMatchObject({ id: 'one' });
    expect(await kit.store.resolveIdentity({ channelType: 'sms', address: '+1', organizationId: 'org-2' })).toMatchObject({ id: 'two' });
    await expect(async () => kit.store.createIdentity({ id: 'three', organizationId: 'org-1', channelAddresses: { sms: ['+1'] } })).rejects.toThrow(
      /one/,
    );
    const web: Identity = { id: 'web', organizationId: 'org-1', channelAddresses: { email: ['ada@x.org'], sms: ['+9'] }, externalIds: { crm: '7' } };
    await kit.store.createIdentity(web);
    const told: unknown[] = [];
    kit.on('identity_merged', (event) => void told.push(['merged', event.data['from_id']]));
    kit.on('identity_unmerged', (event) => void told.push(['unmerged', event.data['from_id']]));
    const before = await kit.store.getIdentity('one');
    expect(await kit.mergeIdentities('one', 'web', { by: 'admin' })).toMatchObject({ intoId: 'one', fromId: 'web' });
    expect(await kit.mergeIdentities('one', 'web', { by: 'admin' })).toBeNull();
    expect(await kit.store.getIdentity('web')).toMatchObject({
      id: 'one',
      channelAddresses: { sms: ['+1', '+9'], email: ['ada@x.org'] },
      externalIds: { crm: '7' },
    });
    expect(await kit.store.resolveIdentity({ channelType: 'email', address: 'ada@x.org', organizationId: 'org-1' })).toMatchObject({ id: 'one' });
    expect(await kit.unmergeIdentity('web')).not.toBeNull();
    expect(await kit.unmergeIdentity('web')).toBeNull();
    expect(await kit.store.getIdentity('web')).toEqual(web);
    expect((await kit.store.getIdentity('one'))?.channelAddresses).toEqual(before?.channelAddresses);
    await clock.advance(0);
    expect(told).toEqual([
      ['merged', 'web'],
      ['unmerged', 'web'],
    ]);
    await expect(kit.mergeIdentities('one', 'nobody', { by: 'x' })).rejects.toThrow(/nobody/);
    await kit.close();
  });

  it('F45 identity: a late merge and its end leave what was said with who said it', async () => {
    verifies('F45', 'IDN-13');
    const store = new InMemoryStore();
    const { kit } = makeKit({
      store,
      identityResolver: {
        resolve: async ({ senderId }) => {
          const identity = await Promise.resolve(store.resolveIdentity({ channelType: 'sms', address: senderId }));
          return identity === null ? { status: 'unknown' } : { status: 'identified', identity };
        },
      },
    });
    await kit.createIdentity({ id: 'ada', displayName: 'Ada', channelAddresses: { sms: ['+1'] } });
    await kit.createIdentity({ id: 'ada-too', displayName: 'A. Park', channelAddresses: { sms: ['+2'] } });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const send = (senderId: string, content: string) => kit.processInbound({ channelId: 'a', senderId, content }, { roomId });
    const history = async () => messagesOf(await gapless(kit, roomId)).map((event) => [textOf(event), event.source.participantId]);
    const before = [
      ['from one phone', 'ada'],
      ['from the other', 'ada-too'],
    ];
    for (const [index, sender] of ['+1', '+2'].entries()) await send(sender, before[index]?.[0] ?? '');
    const people = await kit.listParticipants(roomId);
    expect(await history()).toEqual(before);

    await kit.mergeIdentities('ada', 'ada-too', { by: 'grace' });
    expect(await history()).toEqual(before);
    expect(await kit.listParticipants(roomId)).toEqual(people);
    expect(await kit.getIdentity('ada-too')).toMatchObject({ id: 'ada', displayName: 'Ada' });
    expect(await kit.findIdentity({ channelType: 'sms', address: '+2' })).toMatchObject({ id: 'ada' });

    await kit.unmergeIdentity('ada-too');
    await send('+2', 'it was not me');
    expect(await history()).toEqual([...before, ['it was not me', 'ada-too']]);
    expect(await kit.getIdentity('ada-too')).toMatchObject({ id: 'ada-too', displayName: 'A. Park' });
    await kit.close();
  });
});
