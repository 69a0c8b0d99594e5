/** A kit's telemetry as the SDK of OpenTelemetry gets it: whole traces by true parents, in the words of the conventions. */
import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  type ReadableSpan,
  type TracerConfig,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  AIChannel,
  createWebhookHandler,
  HookResult,
  MockAIProvider,
  RoomKit,
  silentLogger,
  SMSChannel,
  WebSocketChannel,
  type RoomKitOptions,
  type TelemetryConfig,
} from '../../src/index.js';
import { METRICS, OpenTelemetryProvider } from '../../src/providers/opentelemetry/index.js';
import { AnthropicAIProvider } from '../../src/providers/anthropic/index.js';
import { TwilioSMSProvider } from '../../src/providers/twilio/index.js';
import { makeKit, TestAgent, TestTransport, type Harness } from '../support/harness.js';
import { newPath, openStore } from '../support/sqlite.js';
import { verifies } from '../requirements.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const HEADERS = { traceparent: `00-${TRACE}-${CALLER}-01`, tracestate: 'theirs=1' };
const OURS = '+15550001111';
const ANN = '+15552223333';

const opened: { close(): Promise<void> }[] = [];

beforeAll(() => {
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterEach(async () => {
  for (const kit of opened.splice(0)) await kit.close();
});
afterAll(() => {
  api.context.disable();
});

interface Sdk {
  readonly tracer: api.Tracer;
  readonly provider: OpenTelemetryProvider;
  spans(): ReadableSpan[];
}

function sdk(config: Partial<TracerConfig> = {}): Sdk {
  const exporter = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)], ...config }).getTracer('test');
  return { tracer, provider: new OpenTelemetryProvider({ api, tracer }), spans: () => exporter.getFinishedSpans() };
}

/** The spans as a tree, one line each; siblings in alphabetical order. Also says how many traces there are. */
function tree(spans: readonly ReadableSpan[]): string {
  const known = new Set(spans.map((span) => span.spanContext().spanId));
  const below = (parent: string | undefined, indent: string): string[] =>
    spans
      .filter(
        ({ parentSpanContext }) =>
          (parentSpanContext !== undefined && known.has(parentSpanContext.spanId) ? parentSpanContext.spanId : undefined) === parent,
      )
      .map((span) => [`${indent}${span.name}`, ...below(span.spanContext().spanId, `${indent}  `)].join('\n'))
      .sort();
  return [`${new Set(spans.map((span) => span.spanContext().traceId)).size} trace`, ...below(undefined, '')].join('\n');
}

function named(spans: readonly ReadableSpan[], name: string): ReadableSpan | undefined {
  return spans.find((span) => span.name === name);
}

interface Scene extends Harness, Sdk {
  /** What vendors were asked, with which headers. */
  readonly asked: { readonly url: string; readonly headers: Headers }[];
  /** Ann's message comes in by webhook; resolves when everything it set in motion has ended. */
  text(body?: string, headers?: Record<string, string>): Promise<Response>;
}

/** Ann texts; the agent looks something up and answers by text; a page watches. */
async function scene(telemetry: TelemetryConfig = {}, options: Partial<RoomKitOptions> = {}, given = sdk()): Promise<Scene> {
  const { kit, clock } = makeKit({ ...options, telemetry: { provider: given.provider, ...telemetry } });
  opened.push(kit);
  const asked: Scene['asked'] = [];
  const fetch = ((url: string | URL, init?: RequestInit) => {
    asked.push({ url: String(url), headers: new Headers(init?.headers) });
    return Promise.resolve(Response.json({ sid: `SM${asked.length}`, status: 'queued' }, { status: 201 }));
  }) as typeof globalThis.fetch;
  const vendor = new TwilioSMSProvider({ accountSid: `AC${'0'.repeat(32)}`, authToken: 'twilio-secret', fromNumber: OURS, fetch });
  kit.registerChannel(new SMSChannel('sms', { provider: vendor }));
  const script = [
    { toolCalls: [{ id: 'c1', name: 'look_up', arguments: { order: 'secret-7' } }] },
    { content: 'It comes on Monday.', usage: { input_tokens: 20, output_tokens: 4 } },
  ];
  const tools = [{ name: 'look_up', description: 'Finds an order.', handler: () => 'monday-result' }];
  kit.registerChannel(new AIChannel('bot', { provider: new MockAIProvider({ model: 'mock-model', script }), tools }));
  const web = new WebSocketChannel('web');
  kit.registerChannel(web);
  await kit.createRoom({ roomId: 'room' });
  await kit.attachChannel('room', 'sms', { metadata: { phone_number: ANN } });
  for (const channelId of ['bot', 'web']) await kit.attachChannel('room', channelId);
  web.registerConnection('page', () => undefined, { roomIds: ['room'] });
  kit.hook('before_broadcast', { name: 'gate' }, () => HookResult.allow());
  const webhook = createWebhookHandler({ kit, provider: vendor, channelId: 'sms', verify: false, insecureAllowUnsigned: true });
  let messages = 0;
  const text = async (body = 'Where is secret-7?', headers: Record<string, string> = {}): Promise<Response> => {
    const form = new URLSearchParams({ MessageSid: `SM-in-${++messages}`, From: ANN, To: OURS, Body: body, NumMedia: '0' });
    const answered = await webhook(new Request('http://host/webhooks/sms', { method: 'POST', body: form, headers }));
    await clock.advance(1000);
    await kit.settled();
    return answered;
  };
  return { ...given, kit, clock, asked, text };
}

describe('the trace of a text message', () => {
  it('is one, from its webhook over the turn of an agent and its tool to the deliveries', async () => {
    verifies('TEL-03', 'TEL-04');
    const talk = await scene();
    expect((await talk.text()).status).toBe(200);
    expect(tree(talk.spans())).toBe(
      [
        '1 trace',
        'process sms',
        '  broadcast',
        '    send web',
        '  hook gate',
        '  invoke_agent bot',
        '    broadcast',
        '      send sms',
        '      send web',
        '    chat mock-model',
        '    chat mock-model',
        '      execute_tool look_up',
        '    hook gate',
      ].join('\n'),
    );
    await talk.kit.close();
    expect(talk.spans()).toHaveLength(12); // nothing was left open
  });

  it('speaks the conventions for generative AI and messaging', async () => {
    verifies('TEL-02', 'TEL-04');
    const talk = await scene({ metadata: { 'deployment.ring': 'blue' } });
    await talk.text();
    const spans = talk.spans();
    const generations = spans.filter(({ name }) => name === 'chat mock-model');
    expect(generations.map(({ kind }) => kind)).toEqual([api.SpanKind.CLIENT, api.SpanKind.CLIENT]);
    expect(generations[1]?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'mock',
      'gen_ai.request.model': 'mock-model',
      'gen_ai.agent.name': 'bot',
      'gen_ai.conversation.id': 'room',
      'gen_ai.usage.input_tokens': 20,
      'gen_ai.usage.output_tokens': 4,
      'gen_ai.response.finish_reasons': ['stop'],
      'deployment.ring': 'blue',
    });
    expect(named(spans, 'execute_tool look_up')?.attributes).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'look_up',
      'gen_ai.tool.call.id': 'c1',
      'gen_ai.tool.type': 'function',
    });
    expect(named(spans, 'invoke_agent bot')?.attributes).toMatchObject({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'bot',
      'roomkit.turn.state': 'committed',
    });
    const inbound = named(spans, 'process sms');
    expect([inbound?.kind, inbound?.status.code]).toEqual([api.SpanKind.CONSUMER, api.SpanStatusCode.UNSET]);
    const event = (await talk.kit.getTimeline('room')).find(({ source }) => source.channelId === 'sms');
    expect(inbound?.attributes).toMatchObject({
      'messaging.system': 'roomkit',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'sms',
      'messaging.message.id': event?.id,
      'roomkit.kind': 'framework.inbound',
      'roomkit.room_id': 'room',
      'roomkit.blocked': false,
    });
    expect(named(spans, 'send sms')?.attributes).toMatchObject({
      'messaging.operation.type': 'send',
      'roomkit.attempt': 1,
      'roomkit.room_id': 'room',
    });
    // Every name is one of the conventions, of ours, or the host's; values are what attributes may be.
    for (const { attributes } of spans) {
      for (const name of Object.keys(attributes)) expect(name).toMatch(/^(gen_ai|messaging|roomkit|error|deployment)\./);
    }
  });

  it('says of what failed that it did, and by which code', async () => {
    verifies('TEL-02');
    const { provider, spans } = sdk();
    const own = makeKit({ telemetry: { provider } });
    opened.push(own.kit);
    const sms = new TestTransport('sms');
    const mail = new TestTransport('mail', { channelType: 'email' });
    own.kit.registerChannel(sms);
    own.kit.registerChannel(mail);
    own.kit.registerChannel(new AIChannel('bot', { provider: new MockAIProvider({ model: 'm', script: [new Error('quota of ann@example.com')] }) }));
    await own.kit.createRoom({ roomId: 'room' });
    for (const channelId of ['sms', 'mail', 'bot']) await own.kit.attachChannel('room', channelId);
    mail.failNext();
    const saying = own.kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Hi' }, { roomId: 'room' });
    await own.clock.advance(60_000);
    await saying;
    const status = (name: string) => [named(spans(), name)?.status, named(spans(), name)?.attributes['error.type']];
    expect(status('send mail')).toEqual([{ code: api.SpanStatusCode.ERROR, message: 'unavailable' }, 'unavailable']);
    expect(status('chat m')).toEqual([{ code: api.SpanStatusCode.ERROR, message: 'internal' }, 'internal']);
    expect(named(spans(), 'invoke_agent bot')?.status.code).toBe(api.SpanStatusCode.ERROR);
    expect(JSON.stringify(spans().map(({ status, attributes, events }) => ({ status, attributes, events })))).not.toContain('ann@');
  });

  it('holds nobody’s words, numbers, arguments or secrets unless they are asked for, and then redacted', async () => {
    verifies('TEL-06');
    const facts = (talk: Scene): string =>
      JSON.stringify(talk.spans().map(({ name, attributes, status, events, links }) => ({ name, attributes, status, events, links })));
    const silent = await scene();
    await silent.text();
    for (const words of ['secret-7', 'Monday', 'monday-result', ANN, OURS, 'twilio-secret', 'Finds an order'])
      expect(facts(silent)).not.toContain(words);
    const open = await scene({ content: true }, { redact: (text) => text.replaceAll('secret-7', '***') });
    await open.text();
    const spans = open.spans();
    expect(named(spans, 'process sms')?.attributes['roomkit.content']).toBe('Where is ***?');
    const generations = spans.filter(({ name }) => name === 'chat mock-model');
    expect(generations[0]?.attributes['gen_ai.input.messages']).toBe('[{"role":"user","parts":[{"type":"text","content":"Where is ***?"}]}]');
    expect(generations[1]?.attributes['gen_ai.output.messages']).toBe(
      '[{"role":"assistant","parts":[{"type":"text","content":"It comes on Monday."}],"finish_reason":"stop"}]',
    );
    expect(named(spans, 'execute_tool look_up')?.attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"order":"***"}',
      'gen_ai.tool.call.result': 'monday-result',
    });
    for (const words of ['secret-7', ANN, OURS, 'twilio-secret']) expect(facts(open)).not.toContain(words);
  });
});

describe('a trace that goes on', () => {
  it('comes with the webhook, and goes out to the vendor', async () => {
    verifies('TEL-08');
    const talk = await scene();
    await talk.text('Hi', HEADERS);
    const spans = talk.spans();
    expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE]));
    expect(named(spans, 'process sms')?.parentSpanContext).toMatchObject({ spanId: CALLER, isRemote: true });
    const delivery = named(spans, 'send sms')?.spanContext();
    expect(talk.asked.map(({ headers }) => [headers.get('traceparent'), headers.get('tracestate')])).toEqual([
      [`00-${TRACE}-${delivery?.spanId}-01`, 'theirs=1'],
    ]);
  });

  it('is told to the vendors of models', async () => {
    verifies('TEL-08');
    const { provider, spans } = sdk();
    const { kit, clock } = makeKit({ telemetry: { provider } });
    opened.push(kit);
    const seen: string[] = [];
    const realFetch = globalThis.fetch;
    globalThis.fetch = (_url: unknown, init?: RequestInit) => {
      seen.push(new Headers(init?.headers).get('traceparent') ?? 'none');
      return Promise.resolve(Response.json({ type: 'error', error: { type: 'invalid_request_error', message: 'no' } }, { status: 400 }));
    };
    try {
      kit.registerChannel(new TestTransport('sms'));
      kit.registerChannel(new AIChannel('bot', { provider: new AnthropicAIProvider({ model: 'claude', apiKey: 'key' }) }));
      await kit.createRoom({ roomId: 'room' });
      for (const channelId of ['sms', 'bot']) await kit.attachChannel('room', channelId);
      const said = kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Hi' }, { roomId: 'room' });
      let isOver = false;
      void said.finally(() => (isOver = true));
      while (!isOver) await clock.advance(100);
    } finally {
      globalThis.fetch = realFetch;
    }
    const generation = named(spans(), 'chat claude')?.spanContext();
    expect(seen).toEqual([`00-${generation?.traceId}-${generation?.spanId}-01`]);
  });

  it('is the same in another process that carries out what it set in motion, and after a restart', async () => {
    verifies('TEL-08', 'TEL-04');
    const path = newPath();
    const first = await crew(await openStore(path));
    for (const channelId of ['mail', 'bot']) await first.kit.unregisterChannel(channelId);
    await first.kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Hi' }, { roomId: 'room', wait: 'commit' });
    await first.kit.close();
    const second = await crew(await openStore(path));
    await second.clock.advance(40_000);
    await second.kit.settled();
    expect(tree([...first.spans(), ...second.spans()])).toBe(
      ['1 trace', 'process sms', '  broadcast', '  invoke_agent bot', '    broadcast', '      send mail', '      send sms', '  send mail'].join('\n'),
    );
  });

  it('is part of a span of the program, whatever the headers say', async () => {
    verifies('TEL-08');
    const talk = await scene();
    await talk.tracer.startActiveSpan('POST /webhooks/sms', async (span) => {
      await talk.text('Hi', HEADERS);
      span.end();
    });
    expect(tree(talk.spans())).toMatch(/^1 trace\nPOST \/webhooks\/sms\n {2}process sms\n/);
  });

  it('has the program’s own spans where they were opened: in hooks, tools and around what these send', async () => {
    verifies('TEL-08', 'TEL-04');
    const given = sdk();
    const { kit, clock } = makeKit({ telemetry: { provider: given.provider } });
    opened.push(kit);
    kit.registerChannel(new TestTransport('sms'));
    const own = <T>(name: string, work: () => Promise<T> | T): Promise<T> =>
      given.tracer.startActiveSpan(name, async (span) => {
        await Promise.resolve();
        try {
          return await work();
        } finally {
          span.end();
        }
      });
    const note = {
      name: 'note',
      description: 'Notes.',
      handler: () => own('in a tool', () => kit.sendEvent('room', 'sms', 'noted', { addressedTo: [] }).then(() => 'ok')),
    };
    const script = [{ toolCalls: [{ id: 'c1', name: 'note', arguments: {} }] }, 'Done.'];
    kit.registerChannel(new AIChannel('bot', { provider: new MockAIProvider({ model: 'm', script }), tools: [note] }));
    kit.registerChannel(new TestTransport('mail', { channelType: 'email', deliver: () => own('in a delivery', () => undefined) }));
    await kit.createRoom({ roomId: 'room' });
    for (const channelId of ['sms', 'bot', 'mail']) await kit.attachChannel('room', channelId);
    kit.hook('before_broadcast', { name: 'gate', channelTypes: ['sms'] }, () => own('in a hook', () => HookResult.allow()));
    const said = kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Hi' }, { roomId: 'room' });
    await clock.advance(1000);
    await said;
    expect(tree(given.spans())).toBe(
      [
        '1 trace',
        'process sms',
        '  broadcast',
        '    send mail',
        '      in a delivery',
        '  hook gate',
        '    in a hook',
        '  invoke_agent bot',
        '    broadcast',
        '      send mail',
        '        in a delivery',
        '      send sms',
        '    chat m',
        '    chat m',
        '      execute_tool note',
        '        in a tool',
        '          broadcast',
        '            send mail',
        '              in a delivery',
        '          hook gate',
        '            in a hook',
      ].join('\n'),
    );
  });

  it('does not run on into what is no part of it', async () => {
    verifies('TEL-04');
    const talk = await scene();
    await Promise.all([talk.text('one'), talk.text('two')]);
    await talk.text('three');
    const roots = talk.spans().filter(({ name }) => name === 'process sms');
    expect(roots.map(({ parentSpanContext }) => parentSpanContext)).toEqual([undefined, undefined, undefined]);
    expect(new Set(talk.spans().map((span) => span.spanContext().traceId)).size).toBe(3);
  });
});

describe('sampling and selection', () => {
  it('are the kit’s, for whole traces, and are told on', async () => {
    verifies('TEL-01', 'TEL-09');
    const draws = [0.1, 0.9];
    const talk = await scene({ sampleRate: 0.5 }, { random: () => draws.shift() ?? 0.9 });
    await talk.text();
    const first = talk.spans().length;
    await talk.text('again', HEADERS);
    expect([first, talk.spans().length]).toEqual([12, 12]);
    // Nobody is told of a trace that is not recorded.
    expect(talk.asked.map(({ headers }) => headers.get('traceparent')?.slice(-3))).toEqual(['-01', undefined]);
  });

  it('are the SDK’s, too: what it does not record is said to others, and not begun anew by them', async () => {
    verifies('TEL-01', 'TEL-08');
    const none = sdk({ sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0) }) });
    const talk = await scene({}, {}, none);
    await talk.text();
    expect(talk.spans()).toEqual([]);
    expect(talk.asked.map(({ headers }) => headers.get('traceparent')?.slice(-3))).toEqual(['-00']);
  });

  it('leave out kinds, and keep what is inside them', async () => {
    verifies('TEL-01');
    const talk = await scene({ enabledSpans: ['framework.inbound', 'framework.turn', 'llm.tool_call', 'framework.delivery'] });
    await talk.text();
    expect(tree(talk.spans())).toBe(
      ['1 trace', 'process sms', '  invoke_agent bot', '    execute_tool look_up', '    send sms', '    send web', '  send web'].join('\n'),
    );
  });

  it('keep one trace under a caller whose own span is not wanted', async () => {
    verifies('TEL-01', 'TEL-08');
    const talk = await scene({ enabledSpans: ['llm.generate', 'framework.delivery'] });
    await talk.text('Hi', HEADERS);
    expect(talk.spans().map((span) => [span.spanContext().traceId, span.parentSpanContext?.spanId])).toEqual(
      Array.from(talk.spans(), () => [TRACE, CALLER]),
    );
  });
});

describe('metrics', () => {
  it('are instruments with units, of everything and with nobody’s name', async () => {
    verifies('TEL-05');
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meters = new MeterProvider({ readers: [reader] });
    const provider = new OpenTelemetryProvider({ api, meter: meters.getMeter('test') });
    const talk = await scene({ provider, sampleRate: 0 });
    await talk.text();
    provider.recordMetric('roomkit.pipeline.frame_count', 2);
    provider.recordMetric('roomkit.pipeline.frame_count', 3);
    provider.recordMetric('my.own', 1, { channelId: 'sms' });
    await reader.forceFlush();
    const taken = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    const shapes = Object.fromEntries(
      taken.map(({ descriptor, dataPointType }) => [descriptor.name, [DataPointType[dataPointType], descriptor.unit]]),
    );
    expect(shapes).toMatchObject({
      'roomkit.delivery.duration_ms': ['HISTOGRAM', 'ms'],
      'roomkit.outbox.age_s': ['GAUGE', 's'],
      'roomkit.lane.depth': ['GAUGE', '{delivery}'],
      'roomkit.llm.ttfb_ms': ['HISTOGRAM', 'ms'],
      'gen_ai.client.operation.duration': ['HISTOGRAM', 's'],
      'gen_ai.client.token.usage': ['HISTOGRAM', '{token}'],
      'gen_ai.execute_tool.duration': ['HISTOGRAM', 's'],
      'roomkit.pipeline.frame_count': ['SUM', '{frame}'],
      'my.own': ['HISTOGRAM', ''],
    });
    const attributes = taken.flatMap(({ descriptor, dataPoints }) => dataPoints.map((point) => [descriptor.name, point.attributes] as const));
    expect(attributes).toContainEqual(['roomkit.delivery.duration_ms', { 'roomkit.channel_id': 'sms' }]);
    expect(attributes.find(([name]) => name === 'roomkit.llm.ttfb_ms')?.[1]).toEqual({
      'roomkit.channel_id': 'bot',
      'gen_ai.provider.name': 'mock',
      'gen_ai.request.model': 'mock-model',
    });
    for (const words of ['room"', ANN, 'secret-7']) expect(JSON.stringify(attributes)).not.toContain(words);
    await meters.shutdown();
  });

  it('are looked for at each export, of what waits in this process and in the store, until the kit closes', async () => {
    verifies('TEL-05');
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meters = new MeterProvider({ readers: [reader] });
    const exported = async (): Promise<Record<string, unknown>> => {
      exporter.reset();
      await reader.forceFlush();
      const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
      return Object.fromEntries(
        metrics.flatMap(({ descriptor: { name }, dataPoints }) =>
          /lane|outbox/.test(name)
            ? [[name, Object.fromEntries(dataPoints.map(({ attributes, value }) => [Object.values(attributes).join(), value]))]]
            : [],
        ),
      );
    };
    try {
      // The program sets its SDK up later than its kit.
      const { kit, clock } = makeKit({ telemetry: { provider: new OpenTelemetryProvider({ api }) } });
      api.metrics.setGlobalMeterProvider(meters);
      const sms = new TestTransport('sms');
      for (const channel of [new TestTransport('desk', { durable: false, channelType: 'voice' }), sms]) kit.registerChannel(channel);
      await kit.createRoom({ roomId: 'room' });
      for (const channelId of ['desk', 'sms']) await kit.attachChannel('room', channelId);
      await kit.sendEvent('room', 'desk', 'delivered');
      expect(await exported()).toEqual({ 'roomkit.lane.depth': { voice: 0, sms: 0 }, 'roomkit.outbox.age_s': { '': 0 } });
      sms.isReady = false;
      for (const body of ['one', 'two']) await kit.sendEvent('room', 'desk', body, { wait: 'commit' });
      await clock.advance(90_000);
      expect(await exported()).toEqual({ 'roomkit.lane.depth': { voice: 0, sms: 2 }, 'roomkit.outbox.age_s': { '': 90 } });
      let asked = 0;
      kit.store.summarizeWork = () => {
        asked++;
        return Promise.reject(new Error('The store is away.'));
      };
      await kit.sendEvent('room', 'desk', 'three', { wait: 'commit' });
      expect(await exported(), 'what is known without the store').toMatchObject({ 'roomkit.lane.depth': { voice: 0, sms: 3 } });
      expect(asked).toBe(1);
      await kit.close({ drainSeconds: 0 });
      await exported();
      expect(asked, 'nobody looks any more').toBe(1);
    } finally {
      api.metrics.disable();
      await meters.shutdown();
    }
  });

  it('are described, every one of them', async () => {
    verifies('TEL-05');
    const { readFile } = await import('node:fs/promises');
    const rules = await readFile(new URL('../../docs/rfc/24-telemetry-and-logs.md', import.meta.url), 'utf8');
    const row = rules.split('\n').find((line) => line.startsWith('| TEL-05')) ?? '';
    const names = [...row.matchAll(/\b(?:roomkit|gen_ai)\.[a-z_.0-9]*[a-z_0-9]/g)].map(([name]) => name);
    expect(names.sort()).toEqual(Object.keys(METRICS).sort());
  });
});

describe('OpenTelemetryProvider', () => {
  it('changes nothing where no SDK is set up', async () => {
    verifies('TEL-02');
    const talk = await scene({ provider: await OpenTelemetryProvider.open() });
    expect((await talk.text('Hi', HEADERS)).status).toBe(200);
    expect(talk.asked).toHaveLength(1);
  });

  it('ignores spans it does not know, and flushes what the program says', async () => {
    verifies('TEL-02');
    const { provider, spans } = sdk();
    provider.endSpan('unknown', { status: 'error' });
    provider.setAttribute('unknown', 'a', 1);
    expect(provider.contextOf('unknown')).toBeUndefined();
    let ran = 0;
    provider.runIn('unknown', () => ran++);
    const id = provider.startSpan('custom', 'mine', { attributes: { when: new Date(0), big: 1n, none: undefined } });
    provider.setAttribute(id, 'turn_id', 't1');
    provider.endSpan(id);
    provider.endSpan(id);
    expect(ran).toBe(1);
    expect(spans().map(({ name, attributes }) => [name, attributes])).toEqual([
      ['mine', { 'roomkit.kind': 'custom', 'roomkit.turn.id': 't1', when: '"1970-01-01T00:00:00.000Z"', big: '1' }],
    ]);
    let flushed = 0;
    const flushing = new OpenTelemetryProvider({ api, flush: () => Promise.resolve(void flushed++) });
    const kit = new RoomKit({ telemetry: { provider: flushing }, logger: silentLogger });
    await kit.close();
    expect(flushed).toBe(1);
  });

  it.each([
    [{}, 'Pass { api }'],
    [{ api: {} }, 'Pass { api }'],
    [{ api, tracer: {} }, 'cannot startSpan'],
    [{ api, meter: {} }, 'cannot createHistogram'],
    [{ api, traser: 1 }, "Did you mean 'tracer'?"],
  ])('says what is missing: %#', (options, says) => {
    verifies('TEL-02');
    expect(() => new OpenTelemetryProvider(options as never)).toThrow(says);
  });
});

async function crew(store: RoomKitOptions['store']): Promise<Harness & Sdk> {
  const given = sdk();
  const { kit, clock } = makeKit({ ...(store !== undefined && { store }), telemetry: { provider: given.provider } });
  opened.push(kit);
  kit.registerChannel(new TestTransport('sms'));
  kit.registerChannel(new TestTransport('mail', { channelType: 'email' }));
  kit.registerChannel(new TestAgent('bot', () => 'Hello!'));
  await kit.ensureRoom({ roomId: 'room' });
  for (const channelId of ['sms', 'mail', 'bot']) await kit.attachChannel('room', channelId);
  return { ...given, kit, clock };
}
