/** Two people in three rooms, with everything that a store may keep of them, to be erased and looked for. */
import {
  HookResult,
  RoomKit,
  silentLogger,
  type ConversationStore,
  type Identity,
  type RoomEvent,
  type RoomKitOptions,
} from '../../src/core/index.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { InMemoryMediaStore, TestClock } from '../../src/testing/index.js';
import { TestAgent, textOf, TestTransport } from './harness.js';

/** No other text of a store holds these. */
export const NEEDLES = ['zorblax', 'Quillfeather', '15550199001', '15550199002', 'quillfeather@example.org', 'adaforever', 'qwijibo'] as const;

export interface ErasureScene {
  readonly kit: RoomKit;
  readonly clock: TestClock;
  readonly media: InMemoryMediaStore;
  readonly sms: TestTransport;
  readonly ada: Identity;
  /** What Bob's room and Bob's words are, to be compared. */
  bobs(): Promise<string>;
  /** Ends the kit, whose deliveries may wait for the clock. */
  close(): Promise<void>;
}

const PHONE = '+15550199001';

/** `ada` is known by phone, by an address of another identity that was merged into hers, and on the page by an id of her own. */
export async function erasureScene(store: ConversationStore, options: RoomKitOptions = {}): Promise<ErasureScene> {
  const clock = new TestClock();
  const media = new InMemoryMediaStore({ clock });
  media.addresses.set('https://vendor.example/adaforever.png', { bytes: new Uint8Array([1, 2, 3]), mimeType: 'image/png' });
  const kit = new RoomKit({ store, clock, logger: silentLogger, mediaStore: media, ...options });
  const sms = new TestTransport('sms', { recipientKey: 'phone_number' });
  const web = new TestTransport('web', { channelType: 'websocket', durable: false });
  kit.registerChannel(sms);
  kit.registerChannel(web);
  kit.registerChannel(new TestAgent('bot', (event) => (/\?/.test(textOf(event)) ? `You said: ${textOf(event)}, Ada Quillfeather` : undefined)));
  kit.hook('before_broadcast', { name: 'no_swearing' }, (event) =>
    textOf(event).includes('darn') ? HookResult.block('language') : HookResult.allow(),
  );

  const ada = await kit.createIdentity({
    id: 'ada-identity',
    displayName: 'Ada Quillfeather',
    phone: PHONE,
    email: 'quillfeather@example.org',
    channelAddresses: { sms: [PHONE] },
    metadata: { note: 'likes zorblax' },
  });
  await kit.createIdentity({ id: 'ada-older', displayName: 'A. Quillfeather', channelAddresses: { sms: ['+15550199002'] } });
  await kit.mergeIdentities('ada-identity', 'ada-older', { by: 'host', reason: 'both are Quillfeather' });
  await kit.createIdentity({ id: 'bob-identity', displayName: 'Bob', channelAddresses: { sms: ['+15550200000'] } });

  // A room that her first message made, where she is alone with an agent.
  const first = await kit.processInbound(adas('zorblax one, my number is +15550199001', 1));
  const alone = first.event?.roomId ?? '';
  await kit.attachChannel(alone, 'bot');
  await kit.ensureParticipant(alone, 'sms', PHONE, { displayName: 'Ada Quillfeather' });
  await kit.resolveParticipant(alone, PHONE, 'ada-identity');
  await kit.processInbound(adas('is zorblax two there?', 2), { roomId: alone });
  await kit.processInbound(
    { ...adas('', 3), content: { type: 'media', url: 'https://vendor.example/adaforever.png', mimeType: 'image/png', caption: 'zorblax' } },
    { roomId: alone },
  );
  await kit.processInbound(
    { ...adas('', 4), content: { type: 'edit', targetEventId: first.event?.id ?? '', newContent: { type: 'text', body: 'zorblax corrected' } } },
    { roomId: alone },
  );
  await kit.addObservation(alone, { channelId: 'bot', content: 'The customer loves zorblax' });
  await kit.createTask(alone, { title: 'Call Ada Quillfeather', description: 'about zorblax' });
  await kit.updateRoomMetadata(alone, {
    customer: PHONE,
    _summaries: { bot: { text: 'zorblax, mostly', upToIndex: 2, madeAt: '2026-01-01T00:00:00.000Z' } },
  });
  await kit.setActiveAgent(alone, 'bot', { reason: 'wants zorblax' });
  sms.failNext(9);
  await kit.sendEvent(alone, 'bot', 'We will send zorblax on Monday.', { wait: 'commit' });
  await store.commitEvent({
    event: samples.draft(alone, 'asks', {
      source: samples.source('sms', { participantId: PHONE }),
      content: { type: 'text', body: 'zorblax back, please' },
    }),
    turns: [
      samples.turn(alone, 'waiting', 'bot', {
        ...{ triggerEventIds: ['asks'], state: 'waiting' },
        suspended: { loop: { said: 'zorblax for Ada Quillfeather' }, replyEventIds: [], suspendedAt: '2026-01-01T00:00:00.000Z' },
      }),
    ],
    approvals: [samples.approval(alone, 'refund', { turnId: 'waiting', arguments: { order: 'zorblax', to: PHONE }, askedBy: [PHONE] })],
  });

  // A room with Bob, who answers her.
  await kit.createRoom({ roomId: 'shared', metadata: { [PHONE]: { contact: 'Ada Quillfeather' }, topic: 'parcels' } });
  for (const channelId of ['web', 'bot']) await kit.attachChannel('shared', channelId);
  await kit.ensureParticipant('shared', 'web', 'qwijibo-user', { displayName: 'Ada Quillfeather' });
  await kit.ensureParticipant('shared', 'web', 'bob', { displayName: 'Bob' });
  await kit.resolveParticipant('shared', 'qwijibo-user', 'ada-identity');
  await kit.resolveParticipant('shared', 'bob', 'bob-identity');
  const say = async (senderId: string, text: string, more: object = {}): Promise<RoomEvent | undefined> =>
    (await kit.processInbound({ channelId: 'web', senderId, content: text, ...more }, { roomId: 'shared' })).event;
  const hers = await say('qwijibo-user', 'zorblax is what I have ordered, and nothing else', { idempotencyKey: 'qwijibo-1' });
  await say('bob', 'I saw that.', {
    parentEventId: hers?.id,
    metadata: { quoted_text: 'zorblax is what I have ordered, and nothing else' },
    rawPayload: { reply_to: { from: 'Ada Quillfeather', text: 'zorblax is what I have ordered, and nothing else' } },
  });
  await say('bob', 'Call her at +15550199001, will you');
  await say('bob', 'My own words stay as they are.');
  await say('qwijibo-user', 'darn zorblax');
  await kit.addObservation('shared', { channelId: 'bot', content: 'Ada Quillfeather is in a hurry' });
  await kit.addObservation('shared', { channelId: 'bot', content: 'Bob is not' });
  await kit.createTask('shared', { title: 'Ring +15550199001' });
  await kit.createTask('shared', { title: 'Ring Bob' });

  // Rooms that have nothing to do with her, and one whose newcomer might be her.
  await kit.createRoom({ roomId: 'bobs' });
  for (const channelId of ['web', 'bot']) await kit.attachChannel('bobs', channelId);
  await kit.processInbound({ channelId: 'web', senderId: 'bob', content: 'How is my parcel?', idempotencyKey: 'bob-1' }, { roomId: 'bobs' });
  await store.putParticipant({
    ...{ id: 'pending-1', roomId: 'bobs', channelId: 'web', role: 'member', status: 'active', identification: 'pending' },
    ...{ candidates: [ada, { id: 'bob-identity' }], connectedVia: [], joinedAt: '2026-01-01T00:00:00.000Z', metadata: {} },
  });

  // What waits, and what belongs to no room.
  await store.holdMessage(
    {
      ...{
        id: 'held-1',
        kind: 'challenge',
        key: `sms\u0000${PHONE}`,
        roomId: alone,
        message: { channelId: 'sms', senderId: PHONE, content: 'zorblax held' },
      },
      ...{ heldAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-02T00:00:00.000Z' },
    },
    20,
  );
  await store.putFact?.(`identity_code:${JSON.stringify(['sms', PHONE])}`, { state: 'open' });
  await store.putFact?.(`identity_code:${JSON.stringify(['sms', '+15550200000'])}`, { state: 'open' });
  await clock.advance(10);

  const bobs = async (): Promise<string> => {
    const shared = (await store.listEvents('shared')).filter(({ content }) => content.type === 'text' && content.body.startsWith('My own words'));
    const room = await store.getRoom('bobs');
    const candidate = ({ id }: { id: string }): boolean => id !== 'pending-1';
    const participants = [...(await store.listParticipants('bobs')), ...(await store.listParticipants('shared'))].filter(
      (one) => candidate(one) && one.id !== 'qwijibo-user',
    );
    const messages = (await store.listEvents('bobs')).filter(({ source }) => source.participantId === 'bob');
    return JSON.stringify([
      shared,
      messages,
      room?.metadata,
      participants,
      await store.getIdentity('bob-identity'),
      await store.listBindings('bobs'),
    ]);
  };
  const close = async (): Promise<void> => {
    const closing = kit.close();
    await clock.advance(60_000);
    await closing;
  };
  return { kit, clock, media, sms, ada, bobs, close };
}

/** As a vendor brings them: with its payload, whose ids hold the number. */
export function adas(text: string, n: number): Parameters<RoomKit['processInbound']>[0] {
  return {
    channelId: 'sms',
    senderId: PHONE,
    content: text,
    externalId: `wamid.${PHONE}.${n}`,
    idempotencyKey: `wamid.${PHONE}.${n}`,
    rawPayload: { From: PHONE, ProfileName: 'Ada Quillfeather', Body: text },
    metadata: { profile: 'adaforever' },
  };
}
