/** Spans and metrics of a whole conversation (behaviour §24): what nests under what, and whose words are recorded. */
import { describe, expect, it } from 'vitest';
import { AIChannel, MockAIProvider, WebSocketChannel, type RoomKitOptions } from '../../src/index.js';
import { MockTelemetryProvider, type RecordedSpan } from '../../src/testing/index.js';
import { makeKit, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

/** Ann asks by SMS; the agent looks something up, answers, and a page watches. */
async function conversation(options: Partial<RoomKitOptions> = {}, streaming = true): Promise<MockTelemetryProvider> {
  const provider = new MockTelemetryProvider();
  const { kit, clock } = makeKit({ ...options, telemetry: { provider, ...options.telemetry } });
  const web = new WebSocketChannel('web');
  const model = new MockAIProvider({
    streaming,
    model: 'mock-model',
    script: [
      { content: 'A moment.', toolCalls: [{ id: 'c1', name: 'look_up', arguments: { order: 'secret-7' } }] },
      { content: 'It comes on Monday.', usage: { input_tokens: 20, output_tokens: 4 } },
    ],
  });
  const tools = [{ name: 'look_up', description: 'Finds an order.', handler: () => 'monday-result' }];
  kit.registerChannel(new TestTransport('sms'));
  kit.registerChannel(web);
  kit.registerChannel(new AIChannel('bot', { provider: model, tools }));
  await kit.createRoom({ roomId: 'room' });
  for (const channelId of ['sms', 'web', 'bot']) await kit.attachChannel('room', channelId);
  web.registerConnection('page', () => undefined, { roomIds: ['room'], streamSend: () => undefined });
  const asked = kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Where is secret-7?' }, { roomId: 'room' });
  await clock.advance(1000);
  await asked;
  await kit.close();
  return provider;
}

function named(spans: readonly RecordedSpan[], kind: string): RecordedSpan[] {
  return spans.filter((span) => span.kind === kind);
}

describe('telemetry of a conversation', () => {
  it.each([true, false])('nests everything one message causes under it (streaming: %s)', async (streaming) => {
    verifies('TEL-03', 'TEL-04', 'INV-13');
    const { spans } = await conversation({}, streaming);
    const [inbound] = named(spans, 'framework.inbound');
    const [turn] = named(spans, 'framework.turn');
    const broadcasts = named(spans, 'framework.broadcast');
    const [first, second] = named(spans, 'llm.generate');
    const [tool] = named(spans, 'llm.tool_call');
    expect(broadcasts.map(({ options }) => options.parentId)).toEqual([inbound?.id, turn?.id]); // the question and the answer
    expect(turn?.options).toMatchObject({ parentId: inbound?.id, channelId: 'bot', roomId: 'room' });
    expect(turn?.end).toMatchObject({ status: 'ok', attributes: { state: 'committed' } });
    expect([first?.options.parentId, second?.options.parentId]).toEqual([turn?.id, turn?.id]);
    expect(tool?.options).toMatchObject({ parentId: first?.id, channelId: 'bot', roomId: 'room' });
    const deliveries = named(spans, 'framework.delivery').map(({ options }) => `${options.channelId} under ${options.parentId}`);
    expect(deliveries.sort()).toEqual([`sms under ${broadcasts[1]?.id}`, `web under ${broadcasts[0]?.id}`, `web under ${broadcasts[1]?.id}`]);
    expect(second?.end).toMatchObject({ status: 'ok', attributes: { input_tokens: 20, output_tokens: 4, finish_reason: 'stop' } });
    expect(second?.attributes).toMatchObject({ provider: 'mock', model: 'mock-model', attempt: 1 });
    expect(spans.filter(({ ends }) => ends !== 1)).toEqual([]);
  });

  it('looks once a minute at what waits, and says nothing as long as nothing does', async () => {
    verifies('TEL-05');
    const provider = new MockTelemetryProvider();
    const { kit, clock } = makeKit({ telemetry: { provider } });
    const sms = new TestTransport('sms');
    for (const channel of [new TestTransport('desk', { durable: false }), sms]) kit.registerChannel(channel);
    await kit.createRoom({ roomId: 'room' });
    for (const channelId of ['desk', 'sms']) await kit.attachChannel('room', channelId);
    const gauges = (): unknown[] =>
      provider.metrics
        .splice(0)
        .filter(({ name }) => name === 'roomkit.lane.depth' || name === 'roomkit.outbox.age_s')
        .map(({ name, value, attributes }) => [name, value, attributes]);
    await clock.advance(180_000);
    expect(gauges()).toEqual([]);
    sms.isReady = false;
    for (const body of ['one', 'two', 'three']) await kit.sendEvent('room', 'desk', body, { wait: 'commit' });
    await clock.advance(60_000);
    expect(gauges()).toEqual([
      ['roomkit.lane.depth', 3, { channelType: 'sms' }],
      ['roomkit.outbox.age_s', 60, {}],
    ]);
    sms.isReady = true;
    await clock.advance(60_000);
    expect(gauges(), 'once that there is nothing any more').toEqual([
      ['roomkit.lane.depth', 0, { channelType: 'sms' }],
      ['roomkit.outbox.age_s', 0, {}],
    ]);
    await clock.advance(180_000);
    expect(gauges()).toEqual([]);
    await kit.close();
    await clock.advance(180_000);
    expect(gauges()).toEqual([]);
  });

  it('counts and measures deliveries and models', async () => {
    verifies('TEL-05');
    const { metrics } = await conversation();
    const names = (channelId: string): string[] => [
      ...new Set(metrics.filter(({ attributes }) => attributes['channelId'] === channelId).map(({ name }) => name)),
    ];
    expect(names('sms').sort()).toEqual(['roomkit.delivery.duration_ms']);
    expect(names('web')).toEqual(['roomkit.delivery.duration_ms']);
    expect(metrics.filter(({ name }) => name === 'roomkit.llm.ttfb_ms').map(({ attributes }) => attributes['model'])).toEqual([
      'mock-model',
      'mock-model',
    ]);
  });

  it('counts generations, tokens and tools by the conventions, whatever is sampled', async () => {
    verifies('TEL-05');
    const provider = new MockTelemetryProvider();
    await conversation({ telemetry: { provider, sampleRate: 0 } });
    const taken = (name: string) => provider.metrics.filter((metric) => metric.name === name);
    const model = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'mock', 'gen_ai.request.model': 'mock-model', channelId: 'bot' };
    expect(provider.spans).toEqual([]);
    expect(taken('gen_ai.client.operation.duration').map(({ attributes }) => attributes)).toEqual([model, model]);
    expect(taken('gen_ai.client.operation.time_to_first_chunk').map(({ attributes }) => attributes)).toEqual([model, model]);
    expect(taken('gen_ai.client.token.usage').map(({ value, attributes }) => [value, attributes])).toContainEqual([
      20,
      { ...model, 'gen_ai.token.type': 'input' },
    ]);
    expect(taken('gen_ai.execute_tool.duration').map(({ attributes }) => attributes['gen_ai.tool.name'])).toEqual(['look_up']);
  });

  it('is sampled as a whole, by its root', async () => {
    verifies('TEL-01');
    const none = new MockTelemetryProvider();
    await conversation({ telemetry: { provider: none, sampleRate: 0 } });
    expect(none.spans).toEqual([]);
  });

  it('ends the span of a model that fails, and of one that is left alone', async () => {
    verifies('TEL-03');
    const provider = new MockTelemetryProvider();
    const { kit, clock } = makeKit({ telemetry: { provider } });
    kit.registerChannel(new TestTransport('sms'));
    const hanging = { ...plain, generate: () => new Promise<never>(() => undefined) };
    kit.registerChannel(new AIChannel('failing', { provider: new MockAIProvider({ script: [new Error('no')] }) }));
    kit.registerChannel(new AIChannel('hanging', { provider: hanging, loopTimeoutSeconds: 5 }));
    await kit.createRoom({ roomId: 'room', agentResponsePolicy: 'addressed_only' });
    for (const channelId of ['sms', 'failing', 'hanging']) await kit.attachChannel('room', channelId);
    const asked = kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Hi' }, { roomId: 'room' });
    await clock.advance(10_000);
    await asked;
    await kit.close();
    expect(provider.of('llm.generate').map(({ options, end, ends }) => [options.channelId, end?.status, ends])).toEqual([
      ['failing', 'error', 1],
      ['hanging', 'error', 1],
    ]);
  });

  it('holds no words of people, models and tools, unless they are asked for, and then redacted', async () => {
    verifies('TEL-06');
    const silent = JSON.stringify((await conversation()).spans);
    for (const words of ['secret-7', 'Monday', 'monday-result', 'moment']) expect(silent).not.toContain(words);
    const provider = new MockTelemetryProvider();
    await conversation({ telemetry: { provider, content: true }, redact: (text) => text.replaceAll('secret-7', '***') });
    const [inbound] = provider.of('framework.inbound');
    const [first, second] = provider.of('llm.generate');
    const [tool] = provider.of('llm.tool_call');
    expect(inbound?.end?.attributes).toMatchObject({ content: 'Where is ***?' });
    expect(first?.attributes['input']).toBe('Where is ***?');
    expect(second?.end?.attributes).toMatchObject({ output: 'It comes on Monday.' });
    expect(tool?.attributes['arguments']).toBe('{"order":"***"}');
    expect(tool?.end?.attributes).toMatchObject({ result: 'monday-result' });
    expect(JSON.stringify(provider.spans)).not.toContain('secret-7');
  });

  it('records no words at all when redacting them fails', async () => {
    verifies('TEL-06');
    const provider = new MockTelemetryProvider();
    const redact = (): string => {
      throw new Error('no');
    };
    await conversation({ telemetry: { provider, content: true }, redact });
    expect(JSON.stringify(provider.spans)).not.toContain('secret-7');
    expect(provider.spans.every(({ ends }) => ends === 1)).toBe(true);
  });
});

const plain = { name: 'plain', modelName: 'plain', supportsVision: false, supportsStreaming: false, supportsTools: false };
