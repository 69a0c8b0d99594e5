import { describe, expect, it } from 'vitest';
import { RoomKit } from '../core/kit.js';
import { ProviderError } from '../core/errors.js';
import { silentLogger } from '../core/logger.js';
import type { InboundMessage } from '../core/models/delivery.js';
import type { InboundContext } from '../core/channel.js';
import { MockTransportProvider } from '../testing/mock-transport-provider.js';
import { TestClock } from '../testing/test-clock.js';
import { verifies } from '../../test/requirements.js';
import { holdsMedia, TransportChannel, type TransportChannelOptions } from './transport.js';
import { WebSocketChannel } from './websocket.js';

function sms(provider: MockTransportProvider | undefined, options: Partial<TransportChannelOptions> = {}): TransportChannel {
  return new TransportChannel('sms', {
    channelType: 'sms',
    recipientKey: 'phone_number',
    capabilities: { mediaTypes: ['text', 'media'], maxLength: 1600 },
    provider,
    ...options,
  });
}

/** A room with a web visitor and one transport channel; what the visitor says goes out over the transport. */
async function roomWith(channel: TransportChannel, metadata: Record<string, unknown> = { phone_number: '+15550100' }) {
  const clock = new TestClock();
  const kit = new RoomKit({ clock, logger: silentLogger });
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(channel);
  await kit.createRoom({ roomId: 'r' });
  await kit.attachChannel('r', 'web');
  await kit.attachChannel('r', 'sms', { metadata });
  const say = (content: InboundMessage['content']) => kit.processInbound({ channelId: 'web', senderId: 'visitor', content }, { roomId: 'r' });
  return { kit, clock, say };
}

const context = {} as InboundContext; // not looked at

describe('a transport channel takes in messages', () => {
  it('turns everything a message says into the event, with a copy of the whole payload', () => {
    verifies('TRN-01');
    const payload = { from: '+15550100', nested: { id: 7 } };
    const draft = sms(new MockTransportProvider('vendor')).handleInbound(
      {
        channelId: 'sms',
        senderId: '+15550100',
        content: 'Hi',
        externalId: 'ext-1',
        threadId: 't-1',
        idempotencyKey: 'key-1',
        providerMessageId: 'pm-1',
        rawPayload: payload,
        metadata: { mood: 'good' },
        visibility: 'transport',
        responseVisibility: 'agent-1',
        parentEventId: 'e-0',
        addressedTo: ['agent-1'],
      },
      context,
    );
    expect(draft).toEqual({
      type: 'message',
      source: {
        channelId: 'sms',
        channelType: 'sms',
        direction: 'inbound',
        participantId: '+15550100',
        externalId: 'ext-1',
        provider: 'vendor',
        providerMessageId: 'pm-1',
        rawPayload: { from: '+15550100', nested: { id: 7 } },
      },
      content: { type: 'text', body: 'Hi' },
      channelData: { threadId: 't-1' },
      idempotencyKey: 'key-1',
      metadata: { mood: 'good' },
      visibility: 'transport',
      responseVisibility: 'agent-1',
      parentEventId: 'e-0',
      addressedTo: ['agent-1'],
    });
    payload.nested.id = 8;
    expect(draft.source.rawPayload).toEqual({ from: '+15550100', nested: { id: 7 } });
  });

  it('names no participant when nobody is known', () => {
    verifies('TRN-01');
    const draft = sms(undefined).handleInbound({ channelId: 'sms', senderId: '', content: 'Hi', eventType: 'dtmf' }, context);
    expect(draft.source).not.toHaveProperty('participantId');
    expect(draft.type).toBe('dtmf');
  });

  it('stamps a message that holds media as mms, wherever the media is', () => {
    verifies('TRN-02');
    const channel = sms(undefined, { sourceTypeOf: (content) => (holdsMedia(content) ? 'mms' : 'sms') });
    const typeOf = (content: InboundMessage['content']) =>
      channel.handleInbound({ channelId: 'sms', senderId: 's', content }, context).source.channelType;
    const picture = { type: 'media', url: 'https://files.example/a.png', mimeType: 'image/png' } as const;
    expect(typeOf('Hi')).toBe('sms');
    expect(typeOf(picture)).toBe('mms');
    expect(
      typeOf({
        type: 'composite',
        parts: [
          { type: 'text', body: 'a' },
          { type: 'composite', parts: [picture] },
        ],
      }),
    ).toBe('mms');
    expect(typeOf({ type: 'composite', parts: [{ type: 'text', body: 'a' }] })).toBe('sms');
  });

  it('answers the sender, or whom the channel knows better; an automatic attach keeps that address', async () => {
    verifies('TRN-06');
    const provider = new MockTransportProvider();
    const clock = new TestClock();
    await using kit = new RoomKit({ clock, logger: silentLogger });
    const channel = sms(provider, { recipientOf: (message) => String(message.metadata?.['chat_id'] ?? message.senderId) });
    kit.registerChannel(channel);
    kit.registerChannel(new WebSocketChannel('web'));
    const { event } = await kit.processInbound({ channelId: 'sms', senderId: 'someone', content: 'Hi', metadata: { chat_id: 'chat-9' } });
    const roomId = event?.roomId ?? '';
    expect((await kit.listBindings(roomId)).find((binding) => binding.channelId === 'sms')?.metadata).toEqual({ phone_number: 'chat-9' });
    await kit.attachChannel(roomId, 'web');
    await kit.sendEvent(roomId, 'web', 'Hello back');
    expect(provider.sent.map((request) => request.to)).toEqual(['chat-9']);
    expect(sms(provider).recipientOf({ channelId: 'sms', senderId: '+15550100', content: '' })).toBe('+15550100');
  });
});

describe('a transport channel sends', () => {
  it('to the address in the binding, with its defaults, those left open filled from the binding', async () => {
    verifies('TRN-03', 'TRN-04');
    const provider = new MockTransportProvider();
    const { kit, say } = await roomWith(sms(provider, { defaults: { from: '+15550999', subject: null, tag: null } }), {
      phone_number: '+15550100',
      subject: 'Order 7',
    });
    await using _kit = kit;
    const result = await say('Hi');
    expect(provider.sent).toHaveLength(1);
    expect(provider.sent[0]).toMatchObject({
      to: '+15550100',
      content: { body: 'Hi' },
      defaults: { from: '+15550999', subject: 'Order 7' },
      attempt: 1,
    });
    expect(provider.sent[0]?.defaults).not.toHaveProperty('tag');
    expect(result.deliveryResults['sms']).toMatchObject({ status: 'sent', providerMessageId: 'mock-1' });
  });

  it('fails without a recipient, once and for good', async () => {
    verifies('TRN-03');
    const provider = new MockTransportProvider();
    const { kit, say } = await roomWith(sms(provider), {});
    await using _kit = kit;
    expect((await say('Hi')).deliveryResults['sms']).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: { code: 'no_recipient', retryable: false },
    });
    expect(provider.requests).toHaveLength(0);
  });

  it('skips without a provider, which is no error', async () => {
    verifies('TRN-03', 'OUT-11');
    const { kit, say } = await roomWith(sms(undefined));
    await using _kit = kit;
    const skipped: string[] = [];
    kit.on('delivery_skipped', (event) => void skipped.push(event.channelId ?? ''));
    expect((await say('Hi')).deliveryResults['sms']?.status).toBe('skipped');
    expect(await kit.listDeliveries({ roomId: 'r' })).toMatchObject([{ channelId: 'sms', state: 'cancelled' }]);
    expect(skipped).toEqual(['sms']);
  });

  it('F21 success_false_is_failure: it is retried, counted and reported, with the vendor’s answer', async () => {
    verifies('TRN-05', 'F21');
    const provider = new MockTransportProvider();
    const { kit, clock, say } = await roomWith(sms(provider));
    await using _kit = kit;
    const failures: unknown[] = [];
    kit.on('delivery_failed', (event) => void failures.push(event.data));
    for (let attempt = 0; attempt < 4; attempt++) provider.failNext({ success: false, error: 'carrier_down' });
    const saying = say('Hi');
    await clock.advance(10_000);
    expect((await saying).deliveryResults['sms']).toMatchObject({ status: 'failed', attempts: 4, error: { code: 'carrier_down', retryable: true } });
    expect(provider.requests).toHaveLength(4);
    expect(failures).toMatchObject([{ code: 'carrier_down', attempts: 4 }]);
    // The fifth failure in a row opens the breaker: the next message waits and the provider is not asked.
    provider.failNext({ success: false, error: 'carrier_down', retryable: true });
    const next = say('Again');
    await clock.advance(31_000);
    expect((await next).deliveryResults['sms']?.status).toBe('queued');
    expect(provider.requests).toHaveLength(5);
    await clock.advance(60_000);
    expect(provider.sent.map((request) => request.content)).toEqual([{ type: 'text', body: 'Again' }]);
  });

  it('does not try again what the vendor says is in vain, nor what threw as such', async () => {
    verifies('TRN-05', 'OUT-05');
    const provider = new MockTransportProvider();
    const { kit, say } = await roomWith(sms(provider));
    await using _kit = kit;
    provider.failNext({ success: false, error: 'bad_number', retryable: false });
    expect((await say('Hi')).deliveryResults['sms']).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'bad_number' } });
    provider.failNext(new ProviderError('refused', { provider: 'mock', code: 'blocked_number' }));
    expect((await say('Hi')).deliveryResults['sms']).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'blocked_number' } });
  });

  it('a split text part by part, and after a failure only the rest', async () => {
    verifies('TRC-03');
    const provider = new MockTransportProvider();
    const { kit, clock, say } = await roomWith(sms(provider, { capabilities: { mediaTypes: ['text'], maxLength: 10, overflow: 'split' } }));
    await using _kit = kit;
    provider.onSend = (request) => {
      if (request.part?.index === 1 && request.attempt === 1) provider.failNext();
    };
    const saying = say({ type: 'text', body: 'first one second one third one', language: 'en' });
    await clock.advance(5000);
    expect((await saying).deliveryResults['sms']?.status).toBe('sent');
    expect(provider.sent.map((request) => request.content)).toEqual([
      { type: 'text', body: 'first one', language: 'en' },
      { type: 'text', body: 'second one', language: 'en' },
      { type: 'text', body: 'third one', language: 'en' },
    ]);
    expect(new Set(provider.sent.map((request) => request.idempotencyKey)).size).toBe(3);
  });

  it('F23: a hanging provider is given up in time, and its signal says so', async () => {
    const provider = new MockTransportProvider();
    const { kit, clock, say } = await roomWith(sms(provider));
    await using _kit = kit;
    provider.hangNext();
    const saying = say('Hi');
    await clock.advance(31_000);
    expect(provider.requests[0]?.signal.aborted).toBe(true);
    await clock.advance(5000);
    await saying;
    expect(provider.sent).toHaveLength(1);
  });
});

describe('a transport channel and its provider', () => {
  it('is closed with the channel once, unless the channel does not own it', async () => {
    const owned = new MockTransportProvider();
    const channel = sms(owned);
    await channel.close();
    await channel.close();
    expect(owned.closed).toBe(1);
    const borrowed = new MockTransportProvider();
    await sms(borrowed, { ownsProvider: false }).close();
    expect(borrowed.closed).toBe(0);
  });

  it('tells what it can: readiness and idempotency keys', () => {
    const provider = new MockTransportProvider('vendor', { supportsIdempotencyKey: true });
    provider.isReady = false;
    const channel = sms(provider);
    expect([channel.providerName, channel.supportsIdempotencyKey, channel.ready(), channel.durable]).toEqual(['vendor', true, false, true]);
    expect([sms(undefined).providerName, sms(undefined).supportsIdempotencyKey, sms(undefined).ready()]).toEqual([undefined, false, true]);
  });

  it('refuses ids and providers that cannot work', () => {
    expect(() => new TransportChannel('a,b', { channelType: 'sms' })).toThrow(/a,b/);
    expect(() => sms({} as MockTransportProvider)).toThrow(/needs a name and a method send/);
  });
});
