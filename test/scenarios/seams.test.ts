/** The small seams: locks, realtime, sources, telemetry, webhooks, transcoding. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  channelCapabilities,
  ConsoleTelemetryProvider,
  createWebhookHandler,
  HookResult,
  InMemoryLockManager,
  InMemoryRealtime,
  Secret,
  silentLogger,
  TokenBuckets,
  transcodeFor,
  UuidGenerator,
  ValidationError,
  type EventContent,
  type RealtimeMessage,
  type RoomLease,
  type RoomLockManager,
  type RoomEvent,
  type SourceEmit,
  type SourceHealth,
  type SourceProvider,
  type SourceStartOptions,
  type SourceStatus,
  type WebhookMeta,
} from '../../src/index.js';
import { isPromise } from '../../src/core/models/json.js';
import { MockTelemetryProvider } from '../../src/testing/mock-telemetry-provider.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

describe('the lock of one process', () => {
  it('gives a free room at once, then one after another, and forgets who gave up', async () => {
    verifies('LOCK-01', 'LOCK-05');
    const locks = new InMemoryLockManager();
    const first = locks.acquire('r');
    expect(isPromise(first)).toBe(false);
    expect((first as RoomLease).token).toBeUndefined();
    expect(isPromise(locks.acquire('other'))).toBe(false);
    const order: string[] = [];
    const controller = new AbortController();
    const wait = async (name: string, signal?: AbortSignal): Promise<void> => {
      const lease = await locks.acquire('r', signal === undefined ? {} : { signal });
      order.push(name);
      await lease.release();
    };
    const waiting = [wait('two'), wait('gives up', controller.signal).catch(() => order.push('gave up')), wait('three')];
    controller.abort();
    await (first as RoomLease).release();
    await (first as RoomLease).release();
    await Promise.all(waiting);
    expect(order.filter((name) => name !== 'gave up')).toEqual(['two', 'three']);
    expect(order).toContain('gave up');
    expect(locks.size).toBe(1);
  });

  it('with a token refuses every write of a holder who lost it', async () => {
    verifies('LOCK-03', 'INV-16');
    const locks = new TokenLocks();
    const { kit } = makeKit({ lockManager: locks });
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await kit.ensureParticipant(roomId, 'a', 'ann');
    locks.token = 1; // whoever writes now has been overtaken by somebody with a higher token
    const before = await kit.getRoom(roomId);
    const writes: Record<string, () => Promise<unknown>> = {
      message: () => kit.processInbound({ channelId: 'a', senderId: 'u', content: 'late' }, { roomId }),
      send: () => kit.sendEvent(roomId, 'a', 'late'),
      attach: () => kit.attachChannel(roomId, 'a', { metadata: { late: true } }),
      mute: () => kit.mute(roomId, 'a'),
      close: () => kit.closeRoom(roomId),
      timers: () => kit.setRoomTimers(roomId, { inactiveAfterSeconds: 1 }),
      participant: () => kit.ensureParticipant(roomId, 'a', 'bob'),
      another: () => kit.ensureParticipant(roomId, 'b', 'ann'),
      update: () => kit.updateEvent(roomId, event?.id ?? '', { metadata: { late: true } }),
      delete: () => kit.deleteEvent(roomId, event?.id ?? ''),
      agent: () => kit.setActiveAgent(roomId, null),
    };
    for (const [name, write] of Object.entries(writes)) {
      await expect(write(), name).rejects.toMatchObject({ code: 'fenced' });
    }
    expect(await kit.getRoom(roomId)).toEqual(before);
    expect(await kit.listParticipants(roomId)).toHaveLength(1);
    await kit.close();
  });

  it('is held for the steps from reading to committing, and not for what is slow', async () => {
    verifies('LOCK-02', 'INB-07', 'INB-13', 'INV-09');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const agent = new TestAgent('bot', async () => {
      await clock.sleep(60_000);
      return 'later';
    });
    const roomId = await openRoom(kit, [new TestTransport('a'), b, agent]);
    b.hangNext();
    kit.hook('after_broadcast', () => clock.sleep(5000));
    void kit.processInbound({ channelId: 'a', senderId: 'u', content: 'one' }, { roomId });
    await clock.advance(0);
    const second = await kit.processInbound({ channelId: 'a', senderId: 'v', content: 'two' }, { roomId, wait: 'commit' });
    expect(second).toMatchObject({ blocked: false, event: { index: 4 } });
    // What changed while a message waited is seen under the lock.
    kit.hook('before_broadcast', { channelIds: ['a'] }, async (event) => {
      if (textOf(event) === 'closes') await kit.setAccess(roomId, 'a', 'read_only');
      return HookResult.allow();
    });
    expect(await kit.processInbound({ channelId: 'a', senderId: 'w', content: 'closes' }, { roomId })).toMatchObject({
      blocked: true,
      reason: 'source_read_only',
    });
    b.resume();
    await clock.advance(400_000);
    await kit.close();
  });
});

/** A lock whose leases carry a token, as those of several processes do. */
class TokenLocks implements RoomLockManager {
  readonly distributed = true;
  token = 1000;
  readonly #inner = new InMemoryLockManager();

  async acquire(roomId: string, options?: { signal?: AbortSignal }): Promise<RoomLease> {
    const lease = await this.#inner.acquire(roomId, options);
    return { token: ++this.token, release: () => lease.release() };
  }
}

describe('the realtime backend of one process', () => {
  it('keeps a short queue per subscriber, calls back in order, and ends with close', async () => {
    verifies('EPH-01');
    const errors: string[] = [];
    const realtime = new InMemoryRealtime({ ids: new UuidGenerator(), logger: { ...silentLogger, error: (message) => void errors.push(message) } });
    const seen: unknown[] = [];
    let release: () => void = () => undefined;
    const slow = realtime.subscribe('c', async (message: RealtimeMessage) => {
      seen.push((message as { n: number }).n);
      if (seen.length === 1) await new Promise<void>((resolve) => (release = resolve));
    });
    const fast: unknown[] = [];
    realtime.subscribe('c', (message: RealtimeMessage) => {
      fast.push((message as { n: number }).n);
      throw new Error('observer');
    });
    for (let n = 0; n < 150; n++) {
      realtime.publish('c', { n });
      await Promise.resolve();
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(fast).toHaveLength(150);
    expect(errors).toHaveLength(150);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([0, ...Array.from({ length: 100 }, (_, n) => n + 50)]);
    expect([realtime.unsubscribe(slow), realtime.unsubscribe(slow)]).toEqual([true, false]);
    await realtime.close();
    realtime.publish('c', { n: 999 });
    expect(fast).toHaveLength(150);
  });

  it('carries typing, presence, receipts and reactions to subscribers and to channels that can show them', async () => {
    verifies('EPH-02', 'EPH-03');
    const { kit, clock } = makeKit();
    const shown: string[] = [];
    const able = new TestTransport('able', {
      capabilities: { supportsTyping: true, supportsReactions: true },
      deliverEphemeral: (event) => void shown.push(`${event.type}`),
    });
    const unable = new TestTransport('unable', { deliverEphemeral: () => void shown.push('unable') });
    const roomId = await openRoom(kit, [able, unable]);
    const heard: unknown[] = [];
    const id = await kit.subscribeRoom(roomId, (event) => void heard.push([event.type, event.userId, event.data]));
    await kit.publishTyping(roomId, 'u');
    await kit.publishTyping(roomId, 'u', false);
    await kit.publishPresence(roomId, 'u', 'online');
    await kit.publishPresence(roomId, 'u', 'in a meeting');
    await kit.publishReadReceipt(roomId, 'u', 'e1');
    await kit.publishReaction(roomId, 'u', 'e1', '👍');
    await clock.advance(0);
    expect(heard).toEqual([
      ['typing_start', 'u', {}],
      ['typing_stop', 'u', {}],
      ['presence_online', 'u', {}],
      ['custom', 'u', { status: 'in a meeting' }],
      ['read_receipt', 'u', { event_id: 'e1' }],
      ['reaction', 'u', { event_id: 'e1', emoji: '👍', action: 'add' }],
    ]);
    expect(shown).toEqual(['typing_start', 'typing_stop', 'presence_online', 'custom', 'reaction']);
    expect(await kit.unsubscribeRoom(id)).toBe(true);
    await kit.publishTyping(roomId, 'u');
    expect(heard).toHaveLength(6);
    expect(messagesOf(await gapless(kit, roomId))).toEqual([]);
    await kit.close();
  });
});

/** A source whose runs are scripted: each entry is one run. */
class ScriptedSource implements SourceProvider {
  readonly name = 'scripted';
  status: SourceStatus = 'stopped';
  readonly startedAt: number[] = [];
  stopped = 0;

  constructor(
    private readonly clock: TestClock,
    private readonly runs: ((emit: SourceEmit, signal: AbortSignal) => Promise<void>)[],
    private readonly connects = true,
  ) {}

  async start(emit: SourceEmit, { signal, connected }: SourceStartOptions): Promise<void> {
    this.status = 'connected';
    if (this.connects) connected();
    this.startedAt.push(this.clock.monotonic() / 1000);
    const run = this.runs[Math.min(this.startedAt.length, this.runs.length) - 1];
    await run?.(emit, signal);
  }
  stop(): void {
    this.stopped++;
    this.status = 'stopped';
  }
  healthcheck(): SourceHealth {
    return { status: this.status, messagesReceived: 3, metadata: {} };
  }
}

const fail = async (): Promise<void> => Promise.reject(new Error('wss://user:secret@host/path?token=abc refused'));

describe('sources', () => {
  it('are attached once, report their health, and restart with growing patience', async () => {
    verifies('SRC-01', 'SRC-03', 'SRC-04', 'SRC-07', 'FIG-11');
    const { kit, clock } = makeKit();
    kit.registerChannel(new TestTransport('a'));
    const seen: unknown[] = [];
    for (const type of ['source_attached', 'source_detached', 'source_error', 'source_exhausted'] as const)
      kit.on(type, (event) => void seen.push([type, event.data]));
    const source = new ScriptedSource(clock, [fail]);
    await kit.attachSource('a', source, { maxRestartAttempts: 8 });
    await expect(kit.attachSource('a', source)).rejects.toThrow(/detachSource/);
    expect(kit.listSources()).toEqual({ a: 'connected' });
    expect(await kit.sourceHealth('a')).toMatchObject({ messagesReceived: 3 });
    expect(await kit.sourceHealth('nothing')).toBeNull();
    await clock.advance(2_000_000);
    const delays = source.startedAt.slice(1).map((at, position) => at - (source.startedAt[position] ?? 0));
    expect(delays).toEqual([5, 10, 20, 40, 80, 160, 300, 300]);
    expect(seen.at(-1)).toEqual(['source_exhausted', { source: 'scripted', attempts: 9 }]);
    expect(JSON.stringify(seen)).not.toMatch(/secret|token/);
    await kit.detachSource('a');
    expect(source.stopped).toBe(1);
    await expect(kit.detachSource('a')).rejects.toThrow(/attachSource/);
    await kit.close();
  });

  it('F58 source_restart_resets', async () => {
    verifies('F58', 'SRC-03');
    const { kit, clock } = makeKit();
    kit.registerChannel(new TestTransport('a'));
    const attempts: unknown[] = [];
    kit.on('source_error', (event) => void attempts.push(event.data['attempt']));
    const source = new ScriptedSource(clock, [
      fail,
      fail,
      async (_emit, signal) => {
        await clock.sleep(30_000, signal);
        throw new Error('after a good while');
      },
      async () => undefined,
    ]);
    await kit.attachSource('a', source);
    await clock.advance(100_000);
    expect(attempts).toEqual([1, 2, 1]);
    expect(source.startedAt).toEqual([0, 5, 15, 50]);
    await kit.close();
  });

  it('are said to be connected when they are, or bring something', async () => {
    verifies('SRC-04', 'SRC-03');
    const { kit, clock } = makeKit();
    kit.registerChannel(new TestTransport('a'));
    const seen: unknown[] = [];
    for (const type of ['source_connected', 'source_disconnected', 'source_error'] as const)
      kit.on(type, (event) => void seen.push([type, event.data['reason'] ?? event.data['attempt']]));
    const bring = { channelId: 'a', senderId: 'ada', content: 'hi' };
    const source = new ScriptedSource(
      clock,
      [
        fail,
        async (_emit, signal) => {
          await clock.sleep(31_000, signal); // half a minute of trying is no connection
          throw new Error('gave up');
        },
        async (emit) => {
          await emit(bring);
          await emit(bring);
          throw new Error('lost');
        },
        async () => undefined,
      ],
      false,
    );
    await kit.attachSource('a', source);
    await clock.advance(100_000);
    expect(seen).toEqual([
      ['source_error', 1],
      ['source_error', 2],
      ['source_connected', undefined],
      ['source_disconnected', 'failed'],
      ['source_error', 1],
    ]);
    await kit.close();
  });

  it('hand messages over with backpressure, in order per sender', async () => {
    verifies('SRC-02', 'SRC-04');
    const { kit, clock } = makeKit();
    let running = 0;
    let most = 0;
    const a = new TestTransport('a', {
      handleInbound: async (message) => {
        most = Math.max(most, ++running);
        await clock.sleep(message.content === 'first' ? 500 : 100);
        running--;
        return {
          source: { channelId: 'a', channelType: 'sms', direction: 'inbound', participantId: message.senderId, rawPayload: {} },
          content: { type: 'text', body: message.content as string },
        };
      },
    });
    const roomId = await openRoom(kit, [a]);
    await kit.attachChannel(roomId, 'a', { participantId: 'ada' });
    const source = new ScriptedSource(clock, [
      async (emit) => {
        await Promise.all([
          ...['first', 'second', 'third'].map((content) => emit({ channelId: 'a', senderId: 'ada', content })),
          ...['x', 'y', 'z'].map((senderId) => emit({ channelId: 'a', senderId, content: senderId })),
        ]);
      },
    ]);
    await kit.attachSource('a', source, { maxConcurrentEmits: 2 });
    await clock.advance(5000);
    expect(most).toBe(2);
    expect(
      messagesOf(await kit.getTimeline(roomId))
        .filter((event) => event.source.participantId === 'ada')
        .map(textOf),
    ).toEqual(['first', 'second', 'third']);
    await kit.close();
  });
});

describe('telemetry', () => {
  it('sees spans nested under their call, each ended exactly once, whatever happens', async () => {
    verifies('TEL-01', 'TEL-02', 'TEL-03', 'TEL-04', 'TEL-05', 'INV-13', 'INB-01');
    const provider = new MockTelemetryProvider();
    const { kit, clock } = makeKit({ telemetry: { provider, metadata: { service: 'test' } }, hookTimeoutSeconds: 1 });
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [
      new TestTransport('a'),
      b,
      new TestAgent('bot', () => {
        throw new Error('no');
      }),
    ]);
    kit.hook('before_broadcast', { name: 'gate' }, (event) => (textOf(event) === 'bad' ? HookResult.block('no') : HookResult.allow()));
    kit.hook('before_broadcast', { name: 'slow' }, () => new Promise<HookResult<RoomEvent>>(() => undefined));
    kit.hook('after_broadcast', { name: 'observer' }, () => undefined);
    b.failNext(1);
    for (const content of ['good', 'bad']) {
      const call = kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId });
      await clock.advance(20_000);
      await call;
    }
    await expect(kit.processInbound({ channelId: 'a', senderId: 'u', content: { type: 'nonsense' } as never }, { roomId })).rejects.toThrow();
    await kit.close();
    expect(provider.spans.filter((span) => span.ends !== 1)).toEqual([]);
    const inbound = provider.of('framework.inbound');
    expect(inbound.map((span) => span.end?.status)).toEqual(['ok', 'ok', 'error']);
    expect(provider.of('framework.broadcast')[0]?.options.parentId).toBe(inbound[0]?.id);
    expect(provider.of('hook.sync').map((span) => [span.name, span.options.parentId])).toEqual([
      ['gate', inbound[0]?.id],
      ['slow', inbound[0]?.id],
      ['gate', inbound[1]?.id],
    ]);
    expect(provider.of('framework.delivery').map((span) => span.end?.status)).toEqual(['error', 'ok']);
    expect(provider.metrics.filter((metric) => metric.name === 'roomkit.delivery.duration_ms')).toHaveLength(2);
    expect(provider.spans.every((span) => span.attributes['service'] === 'test')).toBe(true);
    expect([provider.flushed, provider.closed]).toEqual([1, 1]);
    expect(JSON.stringify(provider.spans)).not.toContain('"good"');
  });

  it('samples whole traces and leaves out what is not wanted', async () => {
    verifies('TEL-01');
    const none = new MockTelemetryProvider();
    const some = new MockTelemetryProvider();
    for (const telemetry of [
      { provider: none, sampleRate: 0 },
      { provider: some, enabledSpans: ['framework.inbound'] as const },
    ]) {
      const { kit } = makeKit({ telemetry });
      const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b')]);
      await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
      await kit.close();
    }
    expect(none.spans.filter((span) => span.kind !== 'framework.delivery')).toEqual([]);
    expect(new Set(some.spans.map((span) => span.kind))).toEqual(new Set(['framework.inbound']));
  });

  it('prints a line per span on the console', async () => {
    verifies('TEL-02');
    const clock = new TestClock();
    const lines: string[] = [];
    const provider = new ConsoleTelemetryProvider({ clock, print: (line) => void lines.push(line) });
    const outer = provider.startSpan('framework.inbound', 'inbound', { roomId: 'r' });
    const inner = provider.startSpan('hook.sync', 'guard', { parentId: outer });
    await clock.advance(12);
    provider.setAttribute(inner, 'trigger', 'before_broadcast');
    provider.endSpan(inner, { status: 'error', errorMessage: 'no' });
    provider.endSpan(inner);
    provider.endSpan('unknown');
    provider.endSpan(outer);
    provider.endSpan(provider.startSpan('framework.delivery', 'late', { parentId: outer }));
    provider.endSpan(provider.startSpan('custom', 'other', { parentId: 'unknown:5' }));
    provider.recordMetric('roomkit.lane.depth', 3, { room: 'r' });
    expect(lines).toEqual([
      '  ✗ hook.sync guard 12.0 ms trigger=before_broadcast error=no',
      '✓ framework.inbound inbound 12.0 ms roomId=r',
      '  ✓ framework.delivery late 0.0 ms', // its parent has ended, and it is still part of it
      '✓ custom other 0.0 ms',
      '· roomkit.lane.depth 3 room=r',
    ]);
  });

  it('keeps a decision trace of the newest events, without content', async () => {
    verifies('TEL-07', 'USG-02');
    const { kit, clock } = makeKit({ traceEvents: 3, prices: { model: { input: 2, output: 8 } } });
    const b = new TestTransport('b');
    const agent = new TestAgent('bot', (_event, _context, { turn }) => {
      turn?.trace({ kind: 'generation', name: 'model', ms: 5, firstTokenMs: 2, tokens: { input_tokens: 7 } });
      turn?.trace({ kind: 'generation', name: 'unpriced', ms: 5, tokens: { input_tokens: 7 } });
      return undefined;
    });
    const roomId = await openRoom(kit, [new TestTransport('a'), b, agent]);
    kit.hook('before_broadcast', { name: 'guard' }, () => HookResult.allow());
    b.failNext(1);
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'confidential words' }, { roomId });
    await clock.advance(5000);
    const { event } = await call;
    const trace = kit.getTrace(event?.id ?? '');
    expect(trace).toMatchObject({
      eventId: event?.id,
      roomId,
      hooks: [{ hook: 'guard', trigger: 'before_broadcast', verdict: 'allow' }],
      targets: [
        { channelId: 'a', decision: 'source' },
        { channelId: 'b', decision: 'delivery' },
        { channelId: 'bot', decision: 'turn' },
      ],
      deliveries: [
        { channelId: 'b', attempt: 1, ms: 0 },
        { channelId: 'b', attempt: 2, code: 'sent' },
      ],
      turnSteps: [
        { kind: 'generation', name: 'model', ms: 5, firstTokenMs: 2, tokens: { input_tokens: 7 }, cost: 14 / 1_000_000 },
        { name: 'unpriced' },
      ],
    });
    expect(trace?.turnSteps[1]).not.toHaveProperty('cost');
    expect(trace?.deliveries[0]?.code).not.toBe('sent');
    expect(Date.parse(trace?.deliveries[1]?.startedAt ?? '')).toBeGreaterThan(Date.parse(trace?.deliveries[0]?.startedAt ?? ''));
    expect(JSON.stringify(trace)).not.toContain('confidential');
    for (let n = 0; n < 3; n++) await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    expect(kit.getTrace(event?.id ?? '')).toBeUndefined();
    const removeStop = kit.hook('before_broadcast', { name: 'no_cards' }, () => HookResult.block('card_number'));
    kit.hook('before_broadcast', { name: 'never_asked', priority: 1 }, () => HookResult.allow());
    const stopped = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    removeStop();
    expect(kit.getTrace(stopped.event?.id ?? '')?.hooks).toMatchObject([
      { hook: 'guard', verdict: 'allow' },
      { hook: 'no_cards', verdict: 'block', reason: 'card_number' },
    ]);
    expect(kit.getTrace(stopped.event?.id ?? '')?.hooks[0]).not.toHaveProperty('reason');
    await kit.close();
    const off = makeKit({ traceEvents: 0 }).kit;
    const other = await openRoom(off, [new TestTransport('a')]);
    const quiet = await off.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId: other });
    expect(off.getTrace(quiet.event?.id ?? '')).toBeUndefined();
    await off.close();
  });

  it('F60 secret_never_printed', () => {
    verifies('F60', 'TEL-06');
    const secret = new Secret('sk-live-12345');
    const config = { apiKey: secret, nested: [secret] };
    for (const printed of [
      JSON.stringify(config),
      inspect(config, { depth: 9 }),
      String(secret),
      `${secret.toString()}`,
      inspect(new Error('x', { cause: config })),
    ]) {
      expect(printed).not.toContain('12345');
    }
    expect(secret.reveal()).toBe('sk-live-12345');
  });
});

describe('a webhook route', () => {
  const key = 'shared secret';
  const sign = (body: string): string => createHmac('sha256', key).update(body).digest('hex');
  const provider = {
    name: 'acme',
    verify: ({ headers, body }: { headers: Headers; body: Uint8Array }): boolean => {
      const given = Buffer.from(headers.get('x-signature') ?? '', 'hex');
      const expected = createHmac('sha256', key).update(body).digest();
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
    parse: ({ body }: { body: Uint8Array }): WebhookMeta[] =>
      (JSON.parse(Buffer.from(body).toString()) as { from: string; text: unknown; id: string }[]).map((one) => ({
        type: 'message',
        message: { senderId: one.from, content: one.text as string, idempotencyKey: one.id, rawPayload: { ...one } },
      })),
  };
  const post = (body: string, signature = sign(body)): Request =>
    new Request('https://x/hook', { method: 'POST', body, headers: { 'x-signature': signature } });

  it('verifies the raw bytes first and answers 2xx only for what is committed', async () => {
    verifies('WHK-03');
    const { kit } = makeKit();
    kit.registerChannel(new TestTransport('sms', { recipientKey: 'phone_number' }));
    const route = createWebhookHandler({ kit, provider, channelId: 'sms' });
    const body = JSON.stringify([{ from: '+1', text: 'hi', id: 'm1' }]);
    expect((await route(post(body))).status).toBe(200);
    expect((await route(post(body))).status).toBe(200);
    expect((await route(post(`${body} `, sign(body)))).status).toBe(401);
    expect((await route(post(body, ''))).status).toBe(401);
    expect((await route(post('not json', sign('not json')))).status).toBe(400);
    const rooms = await kit.listRooms();
    expect(rooms).toHaveLength(1);
    expect(messagesOf(await kit.getTimeline(rooms[0]?.id ?? '')).map(textOf)).toEqual(['hi']);
    const small = createWebhookHandler({ kit, provider, channelId: 'sms', maxBodyBytes: 10 });
    expect((await small(post(body))).status).toBe(413);
    const commit = kit.store.commitEvent.bind(kit.store);
    kit.store.commitEvent = () => {
      throw new Error('the disk is full');
    };
    const next = JSON.stringify([{ from: '+1', text: 'two', id: 'm2' }]);
    expect((await route(post(next))).status).toBe(503);
    kit.store.commitEvent = commit;
    expect((await route(post(next))).status).toBe(200);
    expect(() => createWebhookHandler({ kit, provider: { name: 'open', parse: () => [] }, channelId: 'sms' })).toThrow(ValidationError);
    expect(() => createWebhookHandler({ kit, provider, channelId: 'sms', verify: false })).toThrow(/insecureAllowUnsigned/);
    expect(
      (await createWebhookHandler({ kit, provider, channelId: 'sms', verify: false, insecureAllowUnsigned: true })(post(body, 'nonsense'))).status,
    ).toBe(200);
    await kit.close();
  });

  it('All webhooks: nobody unsigned is read, however large or strange, and nothing beyond 1 MiB', async () => {
    verifies('WHK-03', 'WHK-04', 'PV-09');
    const { kit } = makeKit();
    kit.registerChannel(new TestTransport('sms', { recipientKey: 'phone_number' }));
    let read = 0;
    const counting = { ...provider, parse: (call: { body: Uint8Array }) => (read++, provider.parse(call)) };
    const route = createWebhookHandler({ kit, provider: counting, channelId: 'sms' });
    const good = JSON.stringify([{ from: '+1', text: 'hi', id: 'm1' }]);
    for (const [body, signature] of [
      [good, ''],
      [good, sign(`${good} `)],
      ['['.repeat(100_000), 'ff'],
      ['\u0000', sign('')],
    ] as const)
      expect((await route(post(body, signature))).status).toBe(401);
    const throwing = createWebhookHandler({
      kit,
      provider: {
        ...counting,
        verify: () => {
          throw new Error('crypto is not there');
        },
      },
      channelId: 'sms',
    });
    expect((await throwing(post(good))).status).toBe(401);
    // What is announced is not read at all; what is not announced is read as far as it may be.
    const most = 1024 * 1024;
    const large = 'x'.repeat(most + 1);
    expect((await route(post(large))).status).toBe(413);
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const streamed = { method: 'POST', body: endless, duplex: 'half', headers: { 'x-signature': 'ff' } } as RequestInit;
    expect((await route(new Request('https://x/hook', streamed))).status).toBe(413);
    expect(pulled).toBeLessThan(2 * most);
    expect(read).toBe(0);
    const allowed = `${good}${' '.repeat(most - good.length)}`;
    expect((await route(post(allowed))).status).toBe(200);
    expect(read).toBe(1);
    await kit.close();
  });

  it('F10 batch_with_one_bad', async () => {
    verifies('F10', 'INB-24', 'WHK-03');
    const reported: unknown[] = [];
    const logger = { ...silentLogger, warn: (message: string, fields?: object) => void reported.push([message, fields]) };
    const { kit } = makeKit({ logger });
    kit.registerChannel(
      new TestTransport('sms', {
        recipientKey: 'phone_number',
        handleInbound: (message) => ({
          source: {
            channelId: 'sms',
            channelType: 'sms',
            direction: 'inbound',
            participantId: message.senderId,
            rawPayload: message.rawPayload ?? {},
          },
          content: typeof message.content === 'string' ? { type: 'text', body: message.content } : message.content,
        }),
      }),
    );
    const route = createWebhookHandler({ kit, provider, channelId: 'sms' });
    const body = JSON.stringify([
      { from: '+1', text: 'first', id: '1' },
      { from: '+1', text: { type: 'poem' }, id: '2' },
      { from: '+1', text: 'third', id: '3' },
    ]);
    expect((await route(post(body))).status).toBe(200);
    const [room] = await kit.listRooms();
    const messages = messagesOf(await kit.getTimeline(room?.id ?? ''));
    expect(messages.map(textOf)).toEqual(['first', 'third']);
    expect(messages.map((event) => event.source.rawPayload)).toEqual([
      { from: '+1', text: 'first', id: '1' },
      { from: '+1', text: 'third', id: '3' },
    ]);
    expect(reported).toEqual([['A message of a webhook was not taken.', { channelId: 'sms', provider: 'acme', code: 'invalid' }]]);
    await kit.close();
  });
});

describe('content for a channel that carries less', () => {
  const plain = channelCapabilities({ mediaTypes: ['text'] });
  const body = (content: EventContent): string => {
    const form = transcodeFor(content, plain);
    return form?.type === 'text' ? form.body : JSON.stringify(form);
  };

  it('becomes text by the table', () => {
    verifies('TRC-01', 'TRC-02', 'FIG-06', 'FIG-07');
    expect(
      body({
        type: 'composite',
        parts: [
          { type: 'text', body: 'a' },
          { type: 'media', url: 'https://x/x.png', mimeType: 'image/png', filename: 'x.png' },
        ],
      }),
    ).toBe('a\n[Media: x.png]');
    expect(body({ type: 'location', latitude: 48.85, longitude: 2.35, label: 'HQ' })).toBe('[Location: HQ (48.85, 2.35)]');
    expect(body({ type: 'rich', body: '**bold** & more', buttons: [{ id: '1', label: 'Yes', kind: 'reply' }], quickReplies: ['No'] })).toBe(
      '**bold** & more\n1. Yes\n2. No',
    );
    expect(body({ type: 'rich', body: '<p>Hi &amp; <b>bye</b></p><script>x()</script><br>end', format: 'html' })).toBe('Hi & bye\n\nend');
    expect(body({ type: 'rich', body: '<p>x</p>', format: 'html', plainText: 'said plainly' })).toBe('said plainly');
    expect(body({ type: 'media', url: 'data:image/png;base64,AAAA', mimeType: 'image/png' })).toBe('[Media: attachment]');
    expect(body({ type: 'audio', url: 'https://x/a.ogg' })).toBe('[Voice message: https://x/a.ogg]');
    expect(body({ type: 'audio', url: 'https://x/a.ogg', transcript: 'hello' })).toBe('hello');
    expect(body({ type: 'video', url: 'https://x/v.mp4' })).toBe('[Video: https://x/v.mp4]');
    expect(body({ type: 'template', templateId: 't1' })).toBe('[Template: t1]');
    expect(body({ type: 'edit', targetEventId: 'e', newContent: { type: 'text', body: 'new' } })).toBe('Correction: new');
    expect(body({ type: 'delete', targetEventId: 'e' })).toBe('[Message deleted]');
    const rich: EventContent = { type: 'rich', body: 'x' };
    expect(transcodeFor(rich, channelCapabilities({ mediaTypes: ['text', 'rich'] }))).toBe(rich);
  });
});

describe('rates', () => {
  it('are kept by every window at once', async () => {
    verifies('FIG-08', 'RES-02');
    const clock = new TestClock();
    const five = new TokenBuckets({ maxPerSecond: 5 }, clock);
    expect(Array.from({ length: 6 }, () => five.reserve())).toEqual([0, 0, 0, 0, 0, 200]);
    const slow = new TokenBuckets({ maxPerMinute: 30 }, clock);
    expect([slow.reserve(), slow.reserve()]).toEqual([0, 2000]);
    const both = new TokenBuckets({ maxPerSecond: 10, maxPerMinute: 12 }, clock);
    expect(Math.max(...Array.from({ length: 13 }, () => both.reserve()))).toBeGreaterThanOrEqual(60_000);
    await clock.advance(0);
  });
});
