/** Spans and metrics over OpenTelemetry: one message from its webhook to its delivery, as a collector would get it. */
import { Agent, HookResult, MockAIProvider, RoomKit, TransportChannel } from 'roomkit';
// #region setup
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

// In a program of your own, NodeSDK of @opentelemetry/sdk-node does all of this, with exporters that send to a collector.
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const meterProvider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: metrics })] });
// #endregion
// #region kit
import { OpenTelemetryProvider } from 'roomkit/opentelemetry';

const provider = await OpenTelemetryProvider.open({
  tracer: tracerProvider.getTracer('help-desk'), // without these, what the SDK has registered as global
  meter: meterProvider.getMeter('help-desk'),
});
const kit = new RoomKit({ telemetry: { provider, sampleRate: 1, metadata: { 'deployment.environment.name': 'example' } } });
// #endregion

kit.registerChannel(new TransportChannel('sms', { channelType: 'sms', provider: { name: 'gateway', send: () => ({ success: true }) } }));
const model = new MockAIProvider({ model: 'small', script: [{ toolCalls: [{ id: '1', name: 'look_up', arguments: {} }] }, 'On its way.'] });
// #region own
const tracer = tracerProvider.getTracer('help-desk');
const lookUp = {
  name: 'look_up',
  description: 'Finds a parcel.',
  handler: () =>
    tracer.startActiveSpan('SELECT parcels', (span) => {
      span.end(); // a span of your own: below the tool it was opened in
      return 'found';
    }),
};
// #endregion
kit.registerChannel(new Agent('helper', { provider: model, tools: [lookUp] }));
await kit.createRoom({ roomId: 'room' });
for (const channelId of ['sms', 'helper']) await kit.attachChannel('room', channelId);
kit.hook('before_broadcast', { name: 'no_cards' }, () => HookResult.allow());

// #region incoming
const headers = new Headers({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }); // of a request
await kit.processInbound({ channelId: 'sms', senderId: '+15550001111', content: 'Where is my parcel?' }, { roomId: 'room', trace: headers });
// #endregion
await meterProvider.forceFlush();
await kit.close();

const finished = spans.getFinishedSpans();
const print = (parentId: string | undefined, indent: string): void => {
  const below = finished.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parentId);
  for (const span of below.sort((a, b) => a.name.localeCompare(b.name))) {
    console.log(`${indent}${span.name}`);
    print(span.spanContext().spanId, `${indent}  `);
  }
};
console.log(`trace ${finished[0]?.spanContext().traceId}`);
print('b7ad6b7169203331', '');
const [generation] = finished.filter(({ name }) => name === 'chat small');
for (const name of ['gen_ai.provider.name', 'gen_ai.request.model', 'gen_ai.usage.output_tokens'])
  console.log(`${name}: ${String(generation?.attributes[name])}`);
const taken = metrics.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
for (const { descriptor } of taken.sort((a, b) => a.descriptor.name.localeCompare(b.descriptor.name)))
  console.log(`${descriptor.name} in ${descriptor.unit}`);
await meterProvider.shutdown();

// prints:
// trace 0af7651916cd43dd8448eb211c80319c
// process sms
//   hook no_cards
//   invoke_agent helper
//     broadcast
//       send sms
//     chat small
//       execute_tool look_up
//         SELECT parcels
//     chat small
//     hook no_cards
// gen_ai.provider.name: mock
// gen_ai.request.model: small
// gen_ai.usage.output_tokens: 5
// gen_ai.client.operation.duration in s
// gen_ai.client.token.usage in {token}
// gen_ai.execute_tool.duration in s
// roomkit.delivery.duration_ms in ms
// roomkit.lane.depth in {delivery}
// roomkit.llm.ttfb_ms in ms
// roomkit.outbox.age_s in s
