/** The kit as a whole: closing, draining, options, conventions (behaviour §1, §4). */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as core from '../../src/core/index.js';
import {
  AbortedError,
  InMemoryLockManager,
  InMemoryStore,
  KitClosedError,
  RoomKit,
  RoomKitError,
  silentLogger,
  StderrLogger,
  UuidGenerator,
  VoiceNotConfiguredError,
  type Logger,
} from '../../src/core/index.js';
import { TransportChannel } from '../../src/channels/index.js';
import { MockTransportProvider } from '../../src/testing/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

describe('closing', () => {
  it('stops work, closes everything in order, and reports what failed', async () => {
    verifies('KIT-03', 'INV-11');
    const closed: string[] = [];
    const store = new InMemoryStore();
    store.close = () => void closed.push('store');
    const lockManager = Object.assign(new InMemoryLockManager(), {
      close: () => {
        closed.push('locks');
        throw new Error('stuck lock');
      },
    });
    const { kit } = makeKit({
      store,
      lockManager,
      stt: { name: 'stt', transcribe: () => ({ text: 'heard' }), close: () => void closed.push('stt') },
      telemetry: {
        provider: {
          name: 't',
          startSpan: () => 'id',
          endSpan: () => undefined,
          setAttribute: () => undefined,
          recordMetric: () => undefined,
          close: () => void closed.push('telemetry'),
        },
      },
    });
    await openRoom(kit, [
      new TestTransport('a', {
        close: () => {
          closed.push('channel');
          throw new Error('stuck channel');
        },
      }),
    ]);
    expect(await kit.transcribe('audio')).toBe('heard');
    const closing = kit.close();
    await expect(closing).rejects.toThrow(AggregateError);
    expect(closed).toEqual(['channel', 'stt', 'locks', 'store', 'telemetry']);
    await expect(kit.close()).rejects.toThrow(AggregateError);
    expect(closed).toHaveLength(5);
    await expect(kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' })).rejects.toThrow(KitClosedError);
    await expect(kit.createRoom()).rejects.toThrow(KitClosedError);
    expect(() => kit.registerChannel(new TestTransport('late'))).toThrow(KitClosedError);
  });

  it('F53 close_twice', async () => {
    verifies('F53', 'KIT-04', 'INV-11', 'INV-12', 'CON-10');
    const { kit, clock } = makeKit({ sweepIntervalSeconds: 30 });
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b', { durable: false }), new TestAgent('bot')]);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await Promise.all([kit.close(), kit.close()]);
    await kit.close();
    expect(clock.pendingTimers).toBe(0);
    expect(kit.stats()).toMatchObject({ state: 'closed', lanes: 0, tasks: 0 });
  });

  it('F52 drain', async () => {
    verifies('F52', 'KIT-03', 'KIT-05');
    const { kit, clock } = makeKit({ drainSeconds: 10 });
    const agent = new TestAgent('bot', async (event) => {
      await clock.sleep(textOf(event) === 'slow' ? 60_000 : 3000);
      return 'answered';
    });
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b, agent]);
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'quick' }, { roomId });
    await clock.advance(0);
    const draining = kit.drain();
    await expect(kit.createRoom()).rejects.toThrow(/shutting down/);
    await expect(kit.processInbound({ channelId: 'a', senderId: 'u', content: 'new' }, { roomId })).rejects.toThrow(KitClosedError);
    await clock.advance(3000);
    await draining;
    expect((await call).turns).toMatchObject([{ state: 'committed' }]);
    expect(b.texts).toEqual(['quick', 'answered']);
    await kit.close();
  });

  it('takes what a vendor reports of a delivery while it drains, and nothing once it is closed', async () => {
    verifies('KIT-05', 'OUT-07');
    const { kit } = makeKit({ drainSeconds: 10 });
    const vendor = new TransportChannel('b', { channelType: 'sms', provider: new MockTransportProvider('acme') });
    const roomId = await openRoom(kit, [new TestTransport('a'), vendor]);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    const [row] = await kit.listDeliveries({ roomId });
    const status = { provider: 'acme', messageId: row?.providerMessageId ?? '', channelId: 'b', status: 'delivered' } as const;
    await kit.drain();
    expect(await kit.processDeliveryStatus(status)).toMatchObject({ state: 'delivered' });
    await kit.close();
    await expect(kit.processDeliveryStatus({ ...status, status: 'read' })).rejects.toThrow(KitClosedError);
  });

  it('does not wait for ever for what does not end', async () => {
    verifies('KIT-03', 'KIT-05', 'CON-10');
    const { kit, clock } = makeKit({ drainSeconds: 10 });
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestAgent('bot', () => new Promise(() => undefined))]);
    void kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(0);
    let done = false;
    const closing = kit.close().then(() => {
      done = true;
    });
    await clock.advance(9000);
    expect(done).toBe(false);
    await clock.advance(5000);
    await closing;
    expect(clock.pendingTimers).toBe(0);
  });

  it('works with `await using`', async () => {
    verifies('KIT-03');
    const state = await (async () => {
      await using kit = new RoomKit();
      expect(kit.stats().state).toBe('open');
      return () => kit.stats().state;
    })();
    expect(state()).toBe('closed');
  });
});

describe('a kit', () => {
  it('warns when several processes could write and its lock does not see them', async () => {
    verifies('KIT-02', 'KIT-09');
    class Shared extends InMemoryStore {
      override readonly shared = true;
    }
    const warnings: string[] = [];
    const { kit, clock } = makeKit({
      store: new Shared(),
      logger: { debug: () => undefined, info: () => undefined, warn: (message) => void warnings.push(message), error: () => undefined },
    });
    const seen: string[] = [];
    kit.on('unsafe_configuration', (event) => void seen.push(`${String(event.data['store'])}: ${String(event.data['missing'])}`));
    await clock.advance(0);
    expect({ warnings, seen }).toEqual({
      warnings: [expect.stringMatching(/not: lockManager, realtime\..*Pass a distributed/)],
      seen: ['memory: lockManager,realtime'],
    });
    await kit.close();
  });

  it('warns of another kit on its store whose settings do harm, once and before anything is done', async () => {
    verifies('KIT-08');
    class Shared extends InMemoryStore {
      override readonly shared = true;
    }
    class OtherLocks extends InMemoryLockManager {}
    const store = new Shared();
    const open = { store };
    const logger = (warnings: string[]): Logger => ({ ...silentLogger, warn: (message: string) => void warnings.push(message) });
    const first: string[] = [];
    const second: string[] = [];
    const one = makeKit({ ...open, logger: logger(first), leaseSeconds: 5 });
    await one.clock.advance(0);
    expect(first.filter((warning) => warning.startsWith('Another kit'))).toEqual([]);
    const two = makeKit({ ...open, clock: one.clock, logger: logger(second), onUnknown: 'hold', lockManager: new OtherLocks(), leaseSeconds: 60 });
    const seen: unknown[] = [];
    two.kit.on('unsafe_configuration', ({ data }) => void seen.push(data['setting']));
    await one.clock.advance(0);
    await one.clock.advance(600_000);
    expect(seen.filter((setting) => setting !== undefined)).toEqual(['lockManager', 'onUnknown']);
    expect(second.filter((warning) => warning.startsWith('Another kit'))).toEqual([
      expect.stringMatching(/lockManager 'InMemoryLockManager', this one has 'OtherLocks'.*Give all kits on one database the same/),
      expect.stringMatching(/onUnknown 'resend', this one has 'hold': what one holds, the other sends a second time/),
    ]);
    await two.kit.close();
    expect(store.listFacts({ prefix: 'roomkit/kits/' })).toHaveLength(1);
    await one.kit.close();
    expect(store.listFacts({ prefix: 'roomkit/kits/' })).toEqual([]);
  });

  it('does not believe for ever in a kit that died', async () => {
    verifies('KIT-08');
    class Shared extends InMemoryStore {
      override readonly shared = true;
    }
    const store = new Shared();
    const warnings: string[] = [];
    const { kit, clock } = makeKit({ store, logger: { ...silentLogger, warn: (message) => void warnings.push(message) } });
    store.putFact('roomkit/kits/dead', { organization: '', onUnknown: 'hold', until: new Date(clock.now() - 1).toISOString() });
    await clock.advance(0);
    expect(warnings.filter((warning) => warning.startsWith('Another kit'))).toEqual([]);
    expect(store.getFact('roomkit/kits/dead')).toBeNull();
    await kit.close();
  });

  it('without speech says how to get it', async () => {
    verifies('KIT-06');
    const { kit } = makeKit();
    await expect(kit.transcribe('x')).rejects.toThrow(VoiceNotConfiguredError);
    await expect(kit.synthesize('x')).rejects.toThrow(/tts/);
    await kit.close();
  });

  it('refuses options that make no sense, naming option and value', () => {
    verifies('KIT-01', 'CON-07');
    for (const options of [
      { maxChainDepth: 0 },
      { hookTimeoutSeconds: -1 },
      { turnTtlSeconds: Number.NaN },
      { onUnknown: 'maybe' as never },
      { drainSeconds: 'long' as never },
    ]) {
      expect(() => new RoomKit(options)).toThrow(RoomKitError);
      expect(() => new RoomKit(options)).toThrow(new RegExp(Object.keys(options)[0] ?? ''));
    }
  });

  it('runs background work in a clean context and waits for it', async () => {
    verifies('CON-09', 'CON-10');
    const { kit, clock } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    await kit.createRoom({ roomId: 'other' });
    await kit.attachChannel('other', 'a');
    kit.hook('before_broadcast', (event) => {
      if (event.roomId === roomId) void kit.background(() => kit.sendEvent('other', 'a', 'from the background'));
      return core.HookResult.allow();
    });
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(0);
    expect(messagesOf(await gapless(kit, 'other')).map(textOf)).toEqual(['from the background']);
    await kit.close();
  });

  it('F12 clocks_do_not_order', async () => {
    verifies('F12', 'CON-12');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    for (let n = 0; n < 6; n++) {
      if (n === 3) clock.jump(-3_600_000);
      await kit.processInbound({ channelId: 'a', senderId: 'u', content: `${n}` }, { roomId });
    }
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(b.texts).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(messagesOf(await kit.getTimeline(roomId, { newestFirst: true, limit: 3 })).map(textOf)).toEqual(['5', '4', '3']);
    await kit.close();
  });

  it('F01 redelivery_returns_first_result', async () => {
    verifies('F01', 'INB-08');
    const { kit, clock } = makeKit();
    const [b, bot] = [new TestTransport('b'), new TestAgent('bot')];
    const roomId = await openRoom(kit, [new TestTransport('a'), b, bot]);
    const message = { channelId: 'a', senderId: 'u', content: 'x', idempotencyKey: 'k' };
    const at = async (): Promise<unknown[]> =>
      (await Promise.all([1, 2].map(() => kit.processInbound(message, { roomId })))).map((result) => [
        result.event?.index,
        result.duplicate,
        result.blocked,
      ]);
    expect(await at()).toEqual([
      [3, false, false],
      [3, true, false],
    ]);
    await clock.advance(5000);
    expect(await at()).toEqual([
      [3, true, false],
      [3, true, false],
    ]);
    await clock.advance(600_000);
    expect(await at()).toEqual([
      [3, true, false],
      [3, true, false],
    ]);
    expect({ asked: bot.asked.length, heard: b.texts }).toEqual({ asked: 1, heard: ['x', 're: x'] });
    await kit.close();
  });

  it('F13 deadline_before_and_after_commit', async () => {
    verifies('F13', 'INB-20', 'INB-21');
    for (const slow of ['handle_inbound', 'identity', 'hooks'] as const) {
      const { kit, clock } = makeKit({
        processTimeoutSeconds: 2,
        identityTimeoutSeconds: 60,
        hookTimeoutSeconds: 60,
        ...(slow === 'identity' && { identityResolver: { resolve: () => new Promise(() => undefined) } }),
      });
      const a = new TestTransport('a', slow === 'handle_inbound' ? { handleInbound: () => new Promise(() => undefined) } : {});
      const roomId = await openRoom(kit, [a]);
      if (slow === 'hooks') kit.hook('before_broadcast', () => new Promise(() => undefined));
      const stages: unknown[] = [];
      kit.on('process_timeout', (event) => void stages.push(event.data['stage']));
      const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
      await clock.advance(2000);
      expect(await call, slow).toMatchObject({ blocked: true, reason: 'process_timeout' });
      expect(stages).toEqual([slow]);
      expect(messagesOf(await kit.getTimeline(roomId))).toEqual([]);
      await kit.close();
    }
    // Waiting for the lock counts too.
    const { kit, clock } = makeKit({ processTimeoutSeconds: 2, hookTimeoutSeconds: 60 });
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b')]);
    kit.hook('before_broadcast', { channelIds: ['a'] }, async () => {
      await clock.sleep(1900);
      return core.HookResult.allow();
    });
    const holder = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'holds' }, { roomId });
    await clock.advance(0);
    const other = kit.processInbound({ channelId: 'a', senderId: 'v', content: 'waits' }, { roomId });
    await clock.advance(4000);
    expect((await holder).blocked).toBe(false);
    expect(await other).toMatchObject({ blocked: true, reason: 'process_timeout' });
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['holds']);
    await kit.close();
  });

  it('F51 pressure (a burst into one room: everything stored, order kept)', async () => {
    verifies('F51', 'CON-11');
    const { kit } = makeKit();
    const b = new TestTransport('b', { durable: false });
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const results = await Promise.all(
      Array.from({ length: 2000 }, (_, n) => kit.processInbound({ channelId: 'a', senderId: `u${n % 50}`, content: `${n}` }, { roomId })),
    );
    expect(results.every((result) => !result.blocked)).toBe(true);
    expect(b.indexes).toEqual([...b.indexes].sort((x, y) => x - y));
    expect(b.indexes).toHaveLength(2000);
    expect((await kit.getRoom(roomId)).eventCount).toBe(2002);
    expect(kit.stats()).toMatchObject({ lanes: 0, queued: 0 });
    await kit.close();
  });
});

describe('the conventions', () => {
  it('spell fields in camelCase, values in snake_case, and times in ISO-8601', async () => {
    verifies('CON-01', 'CON-02', 'CON-03');
    for (const table of [
      core.ChannelType,
      core.EventType,
      core.HookTrigger,
      core.RoomStatus,
      core.TurnState,
      core.OutboxState,
      core.Access,
      core.EphemeralEventType,
    ]) {
      for (const [name, value] of Object.entries(table)) {
        expect(value).toMatch(/^[a-z]+(_[a-z0-9]+)*$/);
        expect(name).toBe(value.toUpperCase());
      }
    }
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    expect(event?.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    for (const key of Object.keys(event ?? {})) expect(key).toMatch(/^[a-z][A-Za-z]*$/);
    await kit.close();
  });

  it('freeze what is shared and take nothing live into a model', async () => {
    verifies('CON-05', 'HK-11', 'STO-06', 'INV-15');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const content = { type: 'rich', body: 'x', buttons: [{ id: '1', label: 'Yes', kind: 'reply' }] } as const;
    const given = structuredClone(content) as unknown as { buttons: { label: string }[] };
    const metadata = { nested: { list: [1] } };
    const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content: given as never, metadata }, { roomId });
    (given.buttons[0] as { label: string }).label = 'changed';
    metadata.nested.list.push(2);
    const stored = await kit.getEvent(roomId, event?.id ?? '');
    expect(stored).toMatchObject({ content, metadata: { nested: { list: [1] } } });
    for (const part of [stored, stored?.source, stored?.content, stored?.metadata, stored?.channelData]) expect(Object.isFrozen(part)).toBe(true);
    expect(JSON.parse(JSON.stringify(stored))).toEqual(stored);
    await kit.close();
  });

  it('give ids that are ordered by time for events', () => {
    verifies('CON-04');
    const ids = new UuidGenerator();
    const made = Array.from({ length: 5000 }, (_, n) => ids.nextEvent(1_700_000_000_000 + Math.floor(n / 1000)));
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(5000);
    expect(made[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('give random ids for things, with nothing fixed but version and variant', () => {
    verifies('CON-04');
    const ids = new UuidGenerator();
    const made = Array.from({ length: 2000 }, () => ids.next());
    for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(made).size).toBe(2000);
    const digits = Array.from({ length: 36 }, (_, place) => new Set(made.map((id) => id.charAt(place))).size);
    const isFixed = (place: number): boolean => [8, 13, 14, 18, 23].includes(place);
    expect(digits).toEqual(digits.map((_, place) => (isFixed(place) ? 1 : place === 19 ? 4 : 16)));
  });

  it('keep signals, timers and randomness injected', () => {
    verifies('CON-03');
    const root = new URL('../../src/core/', import.meta.url);
    const offenders: string[] = [];
    for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file === 'clock.ts') continue;
      const text = readFileSync(new URL(file, root), 'utf8');
      if (/\b(setTimeout|setInterval|Date\.now)\(/.test(text)) offenders.push(file);
    }
    expect(offenders).toEqual([]);
    expect(new AbortedError('x').code).toBe('aborted');
  });

  it('log one readable line per entry', () => {
    verifies('TEL-06');
    const lines: string[] = [];
    const original = console.error;
    console.error = (line: string) => void lines.push(line);
    try {
      const logger = new StderrLogger('warn');
      logger.info('hidden');
      logger.warn('A thing\nhappened.', { roomId: 'r', error: new Error('why') });
    } finally {
      console.error = original;
    }
    expect(lines).toEqual(['roomkit warn: A thing happened. roomId=r error=Error: why']);
  });
});
