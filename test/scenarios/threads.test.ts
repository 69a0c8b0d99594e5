/** Threads: what belongs together stays together, and nothing else comes in between (RTR-05). */
import { describe, expect, it } from 'vitest';
import {
  EmailChannel,
  HookResult,
  type EmailProvider,
  type InboundMessage,
  type InboundResult,
  type RoomKit,
  type SourceProvider,
} from '../../src/index.js';
import { MockEmailProvider } from '../../src/testing/index.js';
import { makeKit, messagesOf, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

const ADA = 'ada@example.org';

function mail(id: string, content: string, more: Partial<InboundMessage> = {}): InboundMessage {
  return { channelId: 'mail', senderId: ADA, content, externalId: id, idempotencyKey: id, threadId: id, ...more };
}

async function roomOf(result: Promise<InboundResult>): Promise<string> {
  return (await result).event?.roomId ?? '';
}

async function wordsIn(kit: RoomKit, roomId: string): Promise<string[]> {
  return messagesOf(await kit.getTimeline(roomId)).map(textOf);
}

describe('threads of one address', () => {
  it('F09 threads_do_not_mix: two matters have two rooms, and neither waits for the other', async () => {
    verifies('F09', 'RTR-05', 'LOCK-05');
    const { kit } = makeKit();
    kit.registerChannel(new EmailChannel('mail', { provider: new MockEmailProvider(), roomPerThread: true }));
    const parcel = await roomOf(kit.processInbound(mail('<a1>', 'My parcel')));
    const invoice = await roomOf(kit.processInbound(mail('<b1>', 'My invoice')));
    expect(parcel).not.toBe(invoice);
    // The room of the parcel is busy: what comes in for the invoice passes by.
    let free = (): void => undefined;
    const busy = new Promise<void>((resolve) => (free = resolve));
    kit.hook('before_broadcast', { name: 'slow' }, async (event) => {
      if (event.roomId === parcel) await busy;
      return HookResult.allow();
    });
    const waits = kit.processInbound(mail('<a2>', 'Still no parcel', { repliesTo: ['<a1>'], threadId: '<a1>' }));
    const passes = await roomOf(kit.processInbound(mail('<b2>', 'Still no invoice', { repliesTo: ['<b1>'], threadId: '<b1>' })));
    expect(passes).toBe(invoice);
    free();
    expect(await roomOf(waits)).toBe(parcel);
    expect(await wordsIn(kit, parcel)).toEqual(['My parcel', 'Still no parcel']);
    expect(await wordsIn(kit, invoice)).toEqual(['My invoice', 'Still no invoice']);
    await kit.close();
  });

  it('answer what went out to them: the older room keeps its thread', async () => {
    verifies('RTR-05');
    const { kit, clock } = makeKit();
    kit.registerChannel(new EmailChannel('mail', { provider: new MockEmailProvider() }));
    for (const roomId of ['older', 'newer']) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'mail', { metadata: { email_address: ADA } });
      await clock.advance(1000);
    }
    kit.registerChannel(new EmailChannel('desk'));
    await kit.attachChannel('older', 'desk');
    const sent = await kit.sendEvent('older', 'desk', 'Shall we send it again?');
    expect(await roomOf(kit.processInbound(mail('<a1>', 'Yes', { repliesTo: ['<unknown>', sent.id] })))).toBe('older');
    expect(await roomOf(kit.processInbound(mail('<a2>', 'Something else')))).toBe('newer');
    expect(await roomOf(kit.processInbound(mail('<a3>', 'Thanks', { repliesTo: ['<a1>'] })))).toBe('older');
    await kit.closeRoom('older');
    expect(await roomOf(kit.processInbound(mail('<a4>', 'And again', { repliesTo: ['<a3>'] })))).toBe('newer');
    await kit.close();
  });

  it('F09 hang below what they answer, the likeliest first, and below nothing that their room does not know', async () => {
    verifies('INB-30');
    const { kit } = makeKit();
    kit.registerChannel(new EmailChannel('mail', { provider: new MockEmailProvider() }));
    kit.registerChannel(new EmailChannel('desk'));
    const parentOf = async (result: Promise<InboundResult>) => (await result).event?.parentEventId;
    const first = (await kit.processInbound(mail('<a1>', 'My parcel', { repliesTo: [] }))).event;
    const roomId = first?.roomId ?? '';
    expect(first).not.toHaveProperty('parentEventId');
    await kit.attachChannel(roomId, 'desk');
    const sent = await kit.sendEvent(roomId, 'desk', 'Shall we send it again?');
    const [row] = await kit.listDeliveries({ roomId });
    expect(await parentOf(kit.processInbound(mail('<a2>', 'of mine', { repliesTo: ['<a1>'] })))).toBe(first?.id);
    expect(await parentOf(kit.processInbound(mail('<a3>', 'by its id', { repliesTo: ['<unknown>', sent.id, '<a1>'] })))).toBe(sent.id);
    expect(await parentOf(kit.processInbound(mail('<a4>', 'by the vendor’s', { repliesTo: [row?.providerMessageId ?? ''] })))).toBe(sent.id);
    expect(await parentOf(kit.processInbound(mail('<a5>', 'of nobody', { repliesTo: ['<unknown>', 'nothing'] })))).toBeUndefined();
    expect(await parentOf(kit.processInbound(mail('<a6>', 'as told', { repliesTo: ['<a2>'], parentEventId: sent.id })))).toBe(sent.id);
    // Ids of another room are no parents, and an edit answers nothing.
    await kit.createRoom({ roomId: 'other' });
    await kit.attachChannel('other', 'mail');
    expect(await parentOf(kit.processInbound(mail('<b1>', 'elsewhere', { repliesTo: ['<a1>', sent.id] }), { roomId: 'other' }))).toBeUndefined();
    const edit = { type: 'edit', targetEventId: '<a2>', newContent: { type: 'text', body: 'of mine, too' } } as const;
    expect(await parentOf(kit.processInbound({ ...mail('<a7>', ''), content: edit, repliesTo: ['<a1>'] }, { roomId }))).toBeUndefined();
    await kit.close();
  });

  it('answer what went out by the id its vendor gave it: the older room keeps its thread', async () => {
    verifies('RTR-05');
    const { kit, clock } = makeKit();
    kit.registerChannel(new EmailChannel('mail', { provider: new MockEmailProvider() }));
    kit.registerChannel(new EmailChannel('desk'));
    for (const roomId of ['older', 'newer']) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'mail', { metadata: { email_address: ADA } });
      await clock.advance(1000);
    }
    await kit.attachChannel('older', 'desk');
    await kit.sendEvent('older', 'desk', 'Shall we send it again?');
    const [row] = await kit.listDeliveries({ roomId: 'older' });
    expect(await roomOf(kit.processInbound(mail('<a1>', 'Yes', { repliesTo: [row?.providerMessageId ?? ''] })))).toBe('older');
    await kit.close();
  });

  it('are lines of one conversation unless the channel says otherwise', async () => {
    verifies('RTR-05', 'TRN-01');
    const { kit } = makeKit();
    kit.registerChannel(new EmailChannel('mail', { provider: new MockEmailProvider() }));
    const one = await kit.processInbound(mail('<a1>', 'My parcel'));
    const two = await kit.processInbound(mail('<b1>', 'My invoice'));
    expect(two.event?.roomId).toBe(one.event?.roomId);
    expect([one, two].map(({ event }) => event?.channelData)).toEqual([{ threadId: '<a1>' }, { threadId: '<b1>' }]);
    await kit.close();
  });

  it('open no room to a stranger who knows an id of it', async () => {
    verifies('RTR-05');
    const { kit } = makeKit();
    kit.registerChannel(new EmailChannel('mail', { provider: new MockEmailProvider() }));
    const ada = await roomOf(kit.processInbound(mail('<a1>', 'My parcel')));
    const mallory = await roomOf(kit.processInbound(mail('<m1>', 'Hers is mine', { senderId: 'mallory@example.net', repliesTo: ['<a1>'] })));
    expect(mallory).not.toBe(ada);
    expect(await wordsIn(kit, ada)).toEqual(['My parcel']);
    await kit.close();
  });

  it('that begin twice at once make one room, and a redelivery makes none', async () => {
    verifies('RTR-05', 'RTR-04', 'RTR-01');
    const { kit } = makeKit();
    kit.registerChannel(new EmailChannel('mail', { provider: new MockEmailProvider(), roomPerThread: true }));
    const [one, two, other] = await Promise.all([
      roomOf(kit.processInbound(mail('<a1>', 'My parcel'))),
      roomOf(kit.processInbound(mail('<a2>', 'PS', { repliesTo: ['<a1>'], threadId: '<a1>' }))),
      roomOf(kit.processInbound(mail('<b1>', 'My invoice'))),
    ]);
    expect(two).toBe(one);
    expect(other).not.toBe(one);
    expect(await kit.processInbound(mail('<a1>', 'My parcel'))).toMatchObject({ duplicate: true, event: { roomId: one } });
    await kit.close();
  });
});

describe('a status', () => {
  const provider: EmailProvider = { name: 'post', send: () => ({ success: true, providerMessageId: '<the-same@example.org>' }) };

  async function toBoth(): Promise<{ kit: RoomKit; states: () => Promise<Record<string, string>> }> {
    const { kit } = makeKit();
    await kit.createRoom({ roomId: 'room' });
    for (const channelId of ['desk', 'ada', 'bob']) {
      kit.registerChannel(new EmailChannel(channelId, channelId === 'desk' ? {} : { provider }));
      await kit.attachChannel('room', channelId, { metadata: { email_address: `${channelId}@example.org` } });
    }
    const event = await kit.sendEvent('room', 'desk', 'Hello both');
    const states = async () =>
      Object.fromEntries((await kit.store.listRows({ roomId: 'room', eventId: event.id })).map(({ channelId, state }) => [channelId, state]));
    return { kit, states };
  }

  it('of mail that went to two people under one id moves the row of the channel that reports', async () => {
    verifies('WHK-02');
    const { kit, states } = await toBoth();
    const status = { provider: 'post', messageId: '<the-same@example.org>', status: 'failed', errorCode: '550' } as const;
    await kit.processDeliveryStatus({ ...status, channelId: 'ada' });
    expect(await states()).toMatchObject({ ada: 'failed', bob: 'sent' });
    await kit.processDeliveryStatus({ ...status, channelId: 'bob' });
    expect(await states()).toMatchObject({ ada: 'failed', bob: 'failed' });
    await kit.close();
  });

  it('comes over a source as well', async () => {
    verifies('SRC-08');
    const { kit, states } = await toBoth();
    const source: SourceProvider = {
      name: 'box',
      status: 'connected',
      start: async (_emit, { report }) => report?.({ provider: 'post', messageId: '<the-same@example.org>', status: 'failed' }),
      stop: () => undefined,
      healthcheck: () => ({ status: 'connected', messagesReceived: 0, metadata: {} }),
    };
    const ended = new Promise<void>((resolve) => kit.on('source_attached', () => resolve()));
    await kit.attachSource('bob', source);
    await ended;
    await kit.close();
    expect(await states()).toMatchObject({ ada: 'sent', bob: 'failed' });
  });
});
