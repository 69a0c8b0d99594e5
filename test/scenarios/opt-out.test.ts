/** People who do not want messages get none (OPT-01…04): the guard in a kit, with agents that would answer anything. */
import { describe, expect, it } from 'vitest';
import {
  ConversationRouter,
  HookResult,
  InMemoryStore,
  NotSupportedError,
  OptOutGuard,
  TransportChannel,
  type ConversationStore,
  type OptOutChange,
  type OptOutGuardOptions,
  type RoomKitOptions,
} from '../../src/index.js';
import { normalizePhone } from '../../src/providers/phone/index.js';
import { FaultStore, MockTransportProvider } from '../../src/testing/index.js';
import { TestAgent, TestTransport, textOf } from '../support/harness.js';
import { phone, type Phone } from '../support/phone.js';
import { newPath, openStore } from '../support/sqlite.js';
import { verifies } from '../requirements.js';

interface Guarded extends Phone {
  readonly guard: OptOutGuard;
  readonly agent: TestAgent;
  readonly changes: OptOutChange[];
}

async function guarded(options: OptOutGuardOptions = {}, kitOptions: RoomKitOptions = {}): Promise<Guarded> {
  const scene = await phone({}, kitOptions);
  const changes: OptOutChange[] = [];
  const guard = new OptOutGuard({ onChange: (change) => void changes.push(change), ...options });
  guard.install(scene.kit);
  const agent = new TestAgent('bot', () => undefined);
  scene.kit.registerChannel(agent);
  await scene.kit.attachChannel('r', 'bot');
  return { ...scene, guard, agent, changes };
}

const GONE = 'You will receive no more messages from us. Reply START to receive them again.';
const BACK = 'You will receive messages from us again. Reply HELP for help, STOP to end them.';
const HELP = 'Reply STOP to receive no more messages from us, START to receive them again.';

describe('a word that ends messages', () => {
  it.each(['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT', 'stop', ' Stop!\n', 'stop...', '\tQuit. '])(
    '%j is stored, asks no agent, is answered once, and holds',
    async (word) => {
      verifies('OPT-01', 'OPT-02', 'OPT-04', 'OUT-16');
      const { kit, answer, say, texts, agent, changes } = await guarded();
      const { event, turns } = await answer(word);
      expect(event).toMatchObject({ content: { body: word }, metadata: { opt_out: 'stop' }, status: 'delivered' });
      expect((await kit.getTimeline('r')).some(({ id }) => id === event?.id)).toBe(true);
      expect([turns, agent.asked]).toEqual([[], []]);
      expect(texts()).toEqual([GONE]);
      expect(changes).toMatchObject([{ isOptedOut: true, address: '+15550100', by: 'person', word: word.trim().replace(/\W/g, '').toUpperCase() }]);
      const { deliveryResults } = await say('Hello?');
      expect(deliveryResults['sms']).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'opted_out', retryable: false } });
      await answer(word);
      expect(texts()).toEqual([GONE]);
      expect(changes).toHaveLength(1);
      await kit.close();
    },
  );

  it.each(['stop by tomorrow', 'please stop', 'STOP ALL', 'nonstop', 'st op', '"stop"', 'ending', 'S.T.O.P', '', '...', `STOP${' '.repeat(100)}now`])(
    '%j is an ordinary message',
    async (words) => {
      verifies('OPT-01');
      const { kit, answer, say, texts, agent, changes } = await guarded();
      const { event } = await answer(words);
      expect(event?.metadata['opt_out']).toBeUndefined();
      expect(agent.asked.map(textOf)).toEqual([words]);
      expect((await say('Hello')).deliveryResults['sms']?.status).toBe('sent');
      expect([texts(), changes]).toEqual([['Hello'], []]);
      await kit.close();
    },
  );

  it.each([
    ['START', 'start'],
    ['unstop', 'start'],
    ['Help?', 'help'],
  ])('%j is answered, too, before any agent and other hooks', async (word, request) => {
    verifies('OPT-01', 'OPT-02');
    const { kit, answer, say, texts, agent } = await guarded();
    kit.hook('before_broadcast', { name: 'closed', priority: -500, channelIds: ['sms'] }, () => HookResult.block('we are closed'));
    await answer('stop');
    await answer(word);
    expect(texts()).toEqual([GONE, request === 'start' ? BACK : HELP]);
    expect(agent.asked).toEqual([]);
    expect((await say('News')).deliveryResults['sms']?.status).toBe(request === 'start' ? 'sent' : 'failed');
    await kit.close();
  });

  it('is heard by no supervisor, and by its own room only on its own channel', async () => {
    verifies('OPT-02', 'BC-03');
    const { kit, answer, agent } = await guarded();
    const boss = new TestAgent('boss', () => undefined);
    const mail = new TestTransport('mail', { channelType: 'email' });
    for (const channel of [boss, mail]) {
      kit.registerChannel(channel);
      await kit.attachChannel('r', channel.channelId);
    }
    new ConversationRouter({ defaultAgentId: 'bot', supervisorId: 'boss' }).install(kit);
    await answer('stop');
    expect([agent.asked, boss.asked]).toEqual([[], []]);
    expect(mail.texts).toEqual(['stop']);
    await answer('hello');
    expect([agent.asked.map(textOf), boss.asked.map(textOf)]).toEqual([['hello'], ['hello']]);
    await kit.close();
  });

  it('that the carrier has answered is recorded and not answered again', async () => {
    verifies('OPT-02');
    const { kit, answer, say, texts, agent, changes, guard } = await guarded();
    await answer('ARRET', { opt_out_type: 'STOP' });
    expect(changes).toMatchObject([{ isOptedOut: true, by: 'carrier' }]);
    expect((await say('Hello')).deliveryResults['sms']?.error?.code).toBe('opted_out');
    await answer('AIDE', { opt_out_type: 'HELP' });
    expect(await guard.find('+15550100')).not.toBeNull();
    await answer('START', { opt_out_type: 'START' });
    expect(await guard.find('+15550100')).toBeNull();
    expect([texts(), agent.asked.map(textOf)]).toEqual([[], ['Hello']]);
    await answer('stop', { opt_out_type: 'SOMETHING_NEW' });
    expect(texts()).toEqual([GONE]);
    await kit.close();
  });

  it('counts when it is typed, and not when it stands on a button', async () => {
    verifies('OPT-01', 'TRC-05');
    const { kit, answer, say, guard } = await guarded();
    const rich = { type: 'rich', body: 'Your order', quickReplies: ['Keep it', 'Cancel'] } as const;
    await say(rich);
    const byNumber = await answer('2');
    expect(byNumber.event).toMatchObject({ content: { body: 'Cancel' }, metadata: { action: { id: 'Cancel', typed: '2' } } });
    await answer('Cancel', { action: { id: 'x', kind: 'reply' } });
    expect(await guard.find('+15550100')).toBeNull();
    await say(rich);
    const typed = await answer('cancel');
    expect(typed.event?.metadata['opt_out']).toBe('stop');
    expect(typed.event?.metadata['action']).toBeUndefined();
    expect(await guard.find('+15550100')).not.toBeNull();
    await kit.close();
  });

  it('may be of any language, with answers of one’s own or none', async () => {
    verifies('OPT-01', 'OPT-02');
    const { kit, answer, texts } = await guarded({
      languages: {
        fr: { stop: ['Arrêt', 'ARRET'], start: ['Début'], help: ['Aide'], answers: { stop: 'C’est noté.', help: null } },
        en: { answers: { help: 'Acme: call 555.' } },
      },
    });
    for (const word of ['arre\u0302t !', 'DÉBUT', 'aide', 'help', 'QUIT']) await answer(word);
    expect(texts()).toEqual(['C’est noté.', BACK, 'Acme: call 555.', GONE]);
    expect(() => new OptOutGuard({ languages: { xx: { start: ['Stop!'] } } })).toThrow(/'Stop!' for 'start' means 'stop' already/);
    expect(() => new OptOutGuard({ languages: { xx: { stop: ['?'] } } })).toThrow(/has no letters/);
    expect(() => new OptOutGuard({ language: {} } as unknown as OptOutGuardOptions)).toThrow(/Did you mean 'languages'/);
    await kit.close();
  });
});

describe('who has opted out', () => {
  it('is remembered per organization and address: in every room and on every channel, in any spelling', async () => {
    verifies('OPT-03', 'OPT-04');
    const { kit, answer, guard } = await guarded({ addressOf: (address) => normalizePhone(address, 'US') });
    // What the host itself says over the channel is nobody's wish.
    await kit.sendEvent('r', 'sms', 'stop');
    expect(await guard.find('+15550100')).toBeNull();
    await answer('stop');
    const rcs = new MockTransportProvider('rcs');
    kit.registerChannel(new TransportChannel('rcs', { channelType: 'rcs', provider: rcs, recipientKey: 'to' }));
    kit.registerChannel(new TransportChannel('mail', { channelType: 'email', provider: rcs, recipientKey: 'to' }));
    const reach = async (roomId: string, channelId: string, to: string, organizationId?: string): Promise<string | undefined> => {
      await kit.createRoom({ roomId, ...(organizationId !== undefined && { organizationId }) });
      await kit.attachChannel(roomId, 'desk');
      await kit.attachChannel(roomId, channelId, { metadata: { [channelId === 'sms' ? 'phone_number' : 'to']: to } });
      const { deliveryResults } = await kit.sendEventResult(roomId, 'desk', 'News');
      return deliveryResults[channelId]?.error?.code ?? deliveryResults[channelId]?.status;
    };
    expect(await reach('r2', 'sms', '+1 555 0100')).toBe('opted_out');
    expect(await reach('r3', 'rcs', 'rcs:+15550100')).toBe('opted_out');
    expect(await reach('r4', 'sms', '+15550199')).toBe('sent');
    expect(await reach('r5', 'sms', '+15550100', 'acme')).toBe('sent');
    expect(await reach('r6', 'mail', '+15550100')).toBe('sent');
    await guard.optOut('(212) 555-0100', { organizationId: 'acme' });
    expect(await reach('r7', 'sms', '+12125550100', 'acme')).toBe('opted_out');
    expect(await reach('r8', 'sms', '+12125550100')).toBe('sent');
    expect(await guard.list({ organizationId: 'acme' })).toMatchObject([{ address: '+12125550100', by: 'host', organizationId: 'acme' }]);
    expect(await guard.list()).toMatchObject([{ address: '+15550100', by: 'person', channelId: 'sms', roomId: 'r', word: 'STOP' }]);
    await guard.optIn('+12125550100', { organizationId: 'acme' });
    expect(await guard.list({ organizationId: 'acme' })).toEqual([]);
    await kit.close();
  });

  it('is listed page by page, of one organization alone', async () => {
    verifies('OPT-03');
    const { kit, guard } = await guarded();
    for (const n of [3, 1, 2]) await guard.optOut(`+1555010${n}`);
    for (const organizationId of ['a', 'a"', 'a,b', '']) await guard.optOut('+15550100', { organizationId });
    const [first, second] = await guard.list({ limit: 2 });
    expect([first?.address, second?.address]).toEqual(['+15550101', '+15550102']);
    expect((await guard.list({ ...(second !== undefined && { after: second }), limit: 2 })).map(({ address }) => address)).toEqual(['+15550103']);
    for (const organizationId of ['a', 'a"', 'a,b', '']) expect(await guard.list({ organizationId })).toMatchObject([{ organizationId }]);
    await kit.close();
  });

  it('is remembered over a restart, and what waits for its turn is stopped, too', async () => {
    verifies('OPT-03', 'OPT-04', 'STO-15');
    const path = newPath();
    const first = await guarded({}, { store: await openStore(path) });
    await first.answer('stop');
    await first.kit.close();
    const second = await guarded({}, { store: await openStore(path) });
    expect((await second.say('Hello')).deliveryResults['sms']?.error?.code).toBe('opted_out');
    await second.answer('start');
    second.provider.failNext();
    const waiting = second.say('Are you there?');
    await second.clock.advance(100);
    const stopping = second.answer('stop');
    await second.clock.advance(10_000);
    await stopping;
    expect((await waiting).deliveryResults['sms']).toMatchObject({ status: 'failed', attempts: 2, error: { code: 'opted_out' } });
    expect(second.texts()).toEqual([BACK, GONE]);
    expect((await second.kit.listDeliveries({ roomId: 'r', state: 'failed' })).map(({ lastError }) => lastError?.code)).toEqual([
      'opted_out',
      'opted_out',
    ]);
    await second.kit.close();
  });

  it('counts while the store cannot take it, and is written with the next', async () => {
    verifies('OPT-03');
    const inner = new InMemoryStore();
    const store = new FaultStore(inner, { ownsStore: false });
    const { kit, answer, say, guard, clock } = await guarded({}, { store });
    store.fail('putFact', { times: 1 });
    await answer('stop');
    expect(inner.listFacts({ prefix: 'opt_out:' })).toEqual([]);
    expect((await say('Hello')).deliveryResults['sms']?.error?.code).toBe('opted_out');
    await guard.optOut('+15550123');
    expect(inner.listFacts({ prefix: 'opt_out:' })).toHaveLength(2);
    // Whether somebody has opted out cannot be read: nothing goes out until it can.
    store.fail('getFact', { times: 1 });
    await guard.optIn('+15550100');
    store.fail('getFact', { times: 1 });
    const call = say('Hello again');
    await clock.advance(5000);
    expect((await call).deliveryResults['sms']).toMatchObject({ status: 'sent', attempts: 2 });
    await kit.close();
  });

  it('is known by the number, whatever the participant is called', async () => {
    verifies('OPT-03');
    const { kit, answer, guard } = await guarded(
      {},
      { identityResolver: { resolve: () => ({ status: 'identified', identity: { id: 'ada', displayName: 'Ada' } }) }, identityChannelTypes: ['sms'] },
    );
    const { event } = await answer('stop');
    expect(event?.source.participantId).toBe('ada');
    expect(await guard.find('+1 (555) 0100')).toMatchObject({ address: '+15550100' });
    await kit.close();
  });
});

describe('an opt-out guard', () => {
  it('is refused by a kit whose store would forget, and by a second kit', async () => {
    verifies('OPT-03');
    const store: ConversationStore = new InMemoryStore();
    Object.defineProperty(store, 'getFact', { value: undefined });
    const { kit } = await phone({}, { store });
    expect(() => new OptOutGuard().install(kit)).toThrow(NotSupportedError);
    const guard = new OptOutGuard();
    await expect(guard.find('+1')).rejects.toThrow(/guard.install\(kit\)/);
    const other = await phone();
    const remove = guard.install(other.kit);
    expect(() => guard.install(other.kit)).toThrow(/installed already/);
    await other.answer('stop');
    remove();
    expect((await other.say('Hello')).deliveryResults['sms']?.status).toBe('sent');
    await other.kit.close();
    await kit.close();
  });
});

describe('a check of deliveries', () => {
  it('is asked before each attempt of its channel types, durable and live, and its error is the delivery’s', async () => {
    verifies('OUT-16', 'RES-01');
    const { kit, clock, say, provider, texts } = await phone();
    const live = new TestTransport('live', { durable: false, channelType: 'websocket' });
    kit.registerChannel(live);
    await kit.attachChannel('r', 'live');
    const asked: string[] = [];
    let isOpen = true;
    const removeSms = kit.checkDeliveries(
      ({ event, binding }) => {
        asked.push(`${binding.channelId} ${textOf(event)}`);
        if (!isOpen) throw new Error('not now');
      },
      { channelTypes: ['sms'] },
    );
    await say('one');
    isOpen = false;
    const waiting = say('two');
    await clock.advance(500);
    isOpen = true;
    await clock.advance(5000);
    expect((await waiting).deliveryResults).toMatchObject({ sms: { status: 'sent', attempts: 2 }, live: { status: 'sent', attempts: 1 } });
    expect(asked).toEqual(['sms one', 'sms two', 'sms two']);
    expect(provider.requests).toHaveLength(2);
    removeSms();
    const removeAll = kit.checkDeliveries(async ({ binding }) => {
      await Promise.resolve();
      if (binding.channelId === 'live') throw new Error('never');
    });
    expect((await say('three')).deliveryResults).toMatchObject({ sms: { status: 'sent' }, live: { status: 'failed' } });
    removeAll();
    expect((await say('four')).deliveryResults).toMatchObject({ sms: { status: 'sent' }, live: { status: 'sent' } });
    expect([texts(), live.texts]).toEqual([
      ['one', 'two', 'three', 'four'],
      ['one', 'two', 'four'],
    ]);
    await kit.close();
  });

  it('that never answers costs the attempt its time, and no more', async () => {
    verifies('OUT-16', 'RES-04');
    const { kit, clock, say, texts } = await phone();
    let asked = 0;
    kit.checkDeliveries(() => (asked++ === 0 ? new Promise(() => undefined) : undefined));
    const waiting = say('one');
    await clock.advance(40_000);
    expect((await waiting).deliveryResults['sms']?.status).toBe('queued');
    expect(await kit.listDeliveries({ roomId: 'r' })).toMatchObject([{ state: 'sent', attempts: 2 }]);
    expect(texts()).toEqual(['one']);
    await kit.close();
  });
});
