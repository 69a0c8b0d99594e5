/** What `TelemetryConfig` says is done, and no span is left open (behaviour §24). */
import { describe, expect, it } from 'vitest';
import { AIChannel, HookResult, IdentityHookResult, MockAIProvider, RoomKit, type RoomKitOptions, type TelemetryConfig } from '../../src/index.js';
import { MockTelemetryProvider, type RecordedSpan } from '../../src/testing/index.js';
import { makeKit, TestAgent, TestTransport, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

interface Scene extends Harness {
  readonly provider: MockTelemetryProvider;
  readonly sms: TestTransport;
  readonly mail: TestTransport;
  say(content: string, key?: string): Promise<unknown>;
}

/** Ann writes by SMS, which somebody reads as mail, and an agent answers. */
async function scene(telemetry: TelemetryConfig = {}, options: Partial<RoomKitOptions> = {}): Promise<Scene> {
  const provider = new MockTelemetryProvider();
  const { kit, clock } = makeKit({ ...options, telemetry: { provider, ...telemetry } });
  const sms = new TestTransport('sms');
  const mail = new TestTransport('mail', { channelType: 'email' });
  kit.registerChannel(sms);
  kit.registerChannel(mail);
  const script = ['A moment.', 'It comes.', 'Yes.', 'No.'];
  kit.registerChannel(new AIChannel('bot', { provider: new MockAIProvider({ model: 'mock-model', script }) }));
  await kit.createRoom({ roomId: 'room' });
  for (const channelId of ['sms', 'mail', 'bot']) await kit.attachChannel('room', channelId);
  kit.hook('before_broadcast', { name: 'gate' }, ({ content }) =>
    content.type === 'text' && content.body === 'bad' ? HookResult.block('no') : HookResult.allow(),
  );
  const say = async (content: string, key?: string): Promise<unknown> => {
    const message = { channelId: 'sms', senderId: 'ann', content, ...(key !== undefined && { idempotencyKey: key }) };
    const asked = kit.processInbound(message, { roomId: 'room' });
    await clock.advance(5000);
    return asked;
  };
  return { kit, clock, provider, sms, mail, say };
}

function under(spans: readonly RecordedSpan[], span: RecordedSpan | undefined): string[] {
  return spans.filter(({ options }) => options.parentId === span?.id).map(({ kind, name }) => `${kind} ${name}`);
}

describe('the configuration of telemetry', () => {
  it('samples whole traces, by the chance of the kit', async () => {
    verifies('TEL-01');
    const draws = [0.5, 0.2, 0.49, 0.9];
    let asked = 0;
    const random = (): number => draws[asked++] ?? 0;
    const { say, provider } = await scene({ sampleRate: 0.5 }, { random });
    const seen: number[] = [];
    for (const content of ['one', 'two', 'three', 'four']) {
      const before = provider.spans.length;
      await say(content);
      seen.push(provider.spans.length - before);
    }
    // Nothing of the first and the last; of the others all that they caused, agents and deliveries included.
    const roots = provider.of('framework.inbound');
    expect(seen.map((count) => count > 0)).toEqual([false, true, true, false]);
    expect(seen[1]).toBe(seen[2]);
    expect(roots).toHaveLength(2);
    expect(provider.spans.filter(({ options }) => options.parentId === undefined)).toEqual(roots);
    expect(provider.of('llm.generate')).toHaveLength(2);
    expect(asked).toBe(4); // once for each trace
  });

  it('keeps to the kinds that are wanted, and these stand under the nearest that is there', async () => {
    verifies('TEL-01', 'TEL-03', 'TEL-04');
    const { say, provider, kit } = await scene({ enabledSpans: ['framework.inbound', 'framework.delivery', 'llm.generate'] });
    await say('hello');
    await kit.close();
    expect([...new Set(provider.spans.map(({ kind }) => kind))].sort()).toEqual(['framework.delivery', 'framework.inbound', 'llm.generate']);
    const [inbound] = provider.of('framework.inbound');
    expect(under(provider.spans, inbound)).toHaveLength(provider.spans.length - 1);
    // A hook that has no span of its own ends nobody else's.
    expect(inbound?.end?.attributes).toMatchObject({ blocked: false });
    expect(provider.spans.map(({ ends }) => ends)).toEqual(provider.spans.map(() => 1));
  });

  it('decides once for a trace whose root is not wanted', async () => {
    verifies('TEL-01');
    let asked = 0;
    const random = (): number => [0.1, 0.9][asked++] ?? 0.1;
    const { say, provider } = await scene({ enabledSpans: ['llm.generate', 'framework.delivery'], sampleRate: 0.5 }, { random });
    await say('one');
    const first = provider.spans.length;
    await say('two');
    expect(provider.of('llm.generate')).toHaveLength(1);
    expect(provider.spans).toHaveLength(first);
    expect(asked).toBe(2);
  });

  it('adds its metadata to every span, and makes none of triggers that are suppressed', async () => {
    verifies('TEL-01');
    const { say, provider } = await scene({ metadata: { service: 'desk' }, suppressedHookTriggers: ['before_broadcast'] });
    await say('hello');
    expect(provider.spans.length).toBeGreaterThan(3);
    expect(provider.spans.every(({ attributes }) => attributes['service'] === 'desk')).toBe(true);
    expect(provider.of('hook.sync')).toEqual([]);
  });

  it.each([
    [{ sampleRate: 2 }, 'telemetry.sampleRate is 2'],
    [{ sampleRate: Number.NaN }, 'telemetry.sampleRate is NaN'],
    [{ enabledSpans: ['llm.generat'] }, 'telemetry.enabledSpans has "llm.generat"'],
    [{ suppressedHookTriggers: ['on_nothing'] }, 'telemetry.suppressedHookTriggers has "on_nothing"'],
    [{ incomingTrace: 'obey' }, 'telemetry.incomingTrace is "obey"'],
    [{ samplerate: 1 }, "Did you mean 'sampleRate'?"],
    [{ provider: {} }, 'has no startSpan, endSpan, setAttribute, recordMetric'],
  ])('refuses what makes no sense: %j', (given, says) => {
    verifies('TEL-01');
    expect(() => new RoomKit({ telemetry: given as TelemetryConfig })).toThrow(says);
  });
});

describe('spans', () => {
  it('change nothing when their provider throws at everything, and are complained of once', async () => {
    verifies('TEL-02');
    const warnings: string[] = [];
    const fail = (): never => {
      throw new Error('down');
    };
    const provider = {
      name: 'broken',
      startSpan: fail,
      endSpan: fail,
      setAttribute: fail,
      recordMetric: fail,
      contextOf: fail,
      runIn: fail,
      hasActiveSpan: fail,
      flush: () => Promise.reject(new Error('down')),
      close: fail,
    };
    const logger = { debug: nothing, info: nothing, error: nothing, warn: (message: string) => void warnings.push(message) };
    const { say, kit, mail } = await scene({ provider }, { logger });
    expect(await say('hello')).toMatchObject({ blocked: false, turns: [{ state: 'committed' }] });
    expect(mail.texts).toEqual(['hello', 'A moment.']);
    await kit.close();
    expect(warnings).toEqual(['The telemetry provider fails; this is said once.']);
  });

  it('change nothing when only what runs inside them is broken', async () => {
    verifies('TEL-02');
    const provider = Object.assign(new MockTelemetryProvider(), {
      runIn: (_span: string, work: () => void): void => {
        work();
        throw new Error('down');
      },
    });
    const { say, mail } = await scene({ provider });
    await say('hello');
    expect(mail.texts).toEqual(['hello', 'A moment.']); // once
    expect(await say('bad')).toMatchObject({ blocked: true, reason: 'no' });
  });

  it('end exactly once, whatever becomes of a message', async () => {
    verifies('TEL-03');
    const { say, kit, clock, provider, mail } = await scene({}, { processTimeoutSeconds: 5, hookTimeoutSeconds: 60, deliveryTimeoutSeconds: 3 });
    kit.registerChannel(new TestAgent('silent', () => undefined));
    kit.registerChannel(
      new TestAgent('failing', () => {
        throw new Error('no');
      }),
    );
    for (const channelId of ['silent', 'failing']) await kit.attachChannel('room', channelId);
    await say('hello', 'k1');
    await say('hello', 'k1'); // a duplicate
    await say('bad'); // blocked by a hook
    mail.failNext(2);
    await say('flaky');
    mail.hangNext();
    await say('slow');
    const remove = kit.hook('before_broadcast', { name: 'never' }, () => new Promise<HookResult>(() => undefined));
    const stuck = kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'stuck' }, { roomId: 'room' });
    await clock.advance(10_000);
    expect(await stuck).toMatchObject({ blocked: true, reason: 'process_timeout' });
    remove();
    await expect(kit.processInbound({ channelId: 'nowhere', senderId: 'ann', content: 'x' })).rejects.toThrow('nowhere');
    await kit.closeRoom('room');
    expect(await say('too late')).toMatchObject({ blocked: true, reason: 'room_closed' });
    await kit.close();
    expect(provider.spans.filter(({ ends }) => ends !== 1)).toEqual([]);
    expect(provider.spans.filter(({ end }) => end?.errorMessage === 'kit_closed')).toEqual([]);
    expect(provider.of('framework.inbound').map(({ end }) => end?.errorMessage ?? end?.status)).toContain('channel_not_registered');
  });

  it('that are open when the kit closes end then, and no new ones begin', async () => {
    verifies('TEL-03');
    const { kit, clock, provider, mail } = await scene({}, { drainSeconds: 1 });
    mail.hangNext();
    void kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'slow' }, { roomId: 'room' }).catch(nothing);
    await clock.advance(10);
    const closing = kit.close();
    await clock.advance(10_000);
    await closing;
    const known = provider.spans.length;
    mail.resume();
    await clock.advance(10_000);
    expect(provider.spans).toHaveLength(known);
    expect(provider.spans.filter(({ ends }) => ends !== 1)).toEqual([]);
  });

  it('nest as one causes the other: hooks, tools and what they send, agents that answer agents', async () => {
    verifies('TEL-04');
    const provider = new MockTelemetryProvider();
    const { kit, clock } = makeKit({ telemetry: { provider } });
    const mail = new TestTransport('mail', { channelType: 'email' });
    kit.registerChannel(new TestTransport('sms'));
    kit.registerChannel(mail);
    const tell = { name: 'tell', description: 'Tells.', handler: () => kit.sendEvent('room', 'sms', 'told', { addressedTo: [] }).then(() => 'done') };
    const script = [{ toolCalls: [{ id: 'c1', name: 'tell', arguments: {} }] }, 'Ask the other.'];
    kit.registerChannel(new AIChannel('one', { provider: new MockAIProvider({ script }), tools: [tell] }));
    kit.registerChannel(new AIChannel('two', { provider: new MockAIProvider({ script: ['I am the other.'] }) }));
    await kit.createRoom({ roomId: 'room' });
    for (const channelId of ['sms', 'mail', 'one', 'two']) await kit.attachChannel('room', channelId);
    kit.hook('before_broadcast', { name: 'route' }, (event) =>
      event.source.channelType === 'ai'
        ? HookResult.modify({ ...event, addressedTo: event.source.channelId === 'one' ? ['two'] : [] })
        : HookResult.allow(),
    );
    kit.hook('before_tool_use', { name: 'use' }, () => HookResult.allow());
    kit.hook('after_broadcast', { name: 'after' }, nothing);
    const asked = kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Hi', addressedTo: ['one'] }, { roomId: 'room' });
    await clock.advance(1000);
    await asked;
    await kit.close();
    const { spans } = provider;
    const [inbound] = provider.of('framework.inbound');
    const [one, two] = provider.of('framework.turn');
    const [generation] = provider.of('llm.generate');
    const [tool] = provider.of('llm.tool_call');
    const message = ['framework.broadcast broadcast', 'hook.async after', 'hook.sync route'];
    expect(provider.of('framework.inbound')).toHaveLength(1);
    expect(under(spans, inbound).sort()).toEqual(['framework.broadcast broadcast', 'framework.turn turn', 'hook.async after', 'hook.sync route']);
    expect(one?.options.parentId).toBe(inbound?.id);
    expect(under(spans, one).sort()).toEqual([...message, 'framework.turn turn', 'llm.generate mock-model', 'llm.generate mock-model'].sort());
    expect(two?.options.parentId).toBe(one?.id);
    expect(under(spans, two).sort()).toEqual([...message, 'llm.generate mock-model'].sort());
    expect(under(spans, generation)).toEqual(['llm.tool_call tell']);
    expect(under(spans, tool).sort()).toEqual([...message, 'hook.sync use'].sort());
    for (const broadcast of provider.of('framework.broadcast')) expect(under(spans, broadcast)).toContain('framework.delivery delivery');
    expect(mail.texts).toContain('told');
  });

  it('of hooks that say who writes stand under the message', async () => {
    verifies('TEL-04');
    const provider = new MockTelemetryProvider();
    const { kit } = makeKit({ telemetry: { provider }, identityResolver: { resolve: () => Promise.resolve({ status: 'unknown' }) } });
    kit.registerChannel(new TestTransport('sms'));
    kit.hook('on_identity_unknown', { name: 'who' }, () => IdentityHookResult.reject('stranger'));
    await kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Hi' });
    const [inbound] = provider.of('framework.inbound');
    expect(under(provider.spans, inbound)).toContain('hook.sync who');
    await kit.close();
    expect(provider.spans.filter(({ ends }) => ends !== 1)).toEqual([]);
  });

  it('of a direct send hold what it causes', async () => {
    verifies('TEL-04');
    const { kit, clock, provider } = await scene();
    const sending = kit.sendEvent('room', 'sms', 'Hello');
    await clock.advance(1000);
    await sending;
    const [root, ...others] = provider.spans.filter(({ options }) => options.parentId === undefined);
    expect([root?.kind, root?.name, others.length]).toEqual(['framework.inbound', 'send', 0]);
    expect(under(provider.spans, root).sort()).toEqual(['framework.broadcast broadcast', 'framework.turn turn', 'hook.sync gate']);
  });
});

function nothing(): void {
  // nothing
}
