/** One answer to several messages: its turn is part of the newest one's trace, and linked to those of the others (TEL-10). */
import * as api from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it } from 'vitest';
import { AIChannel, ConsoleTelemetryProvider, InMemoryStore, MockAIProvider, type TelemetryProvider } from '../../src/index.js';
import { OpenTelemetryProvider } from '../../src/providers/opentelemetry/index.js';
import { FaultStore, MockTelemetryProvider, TestClock } from '../../src/testing/index.js';
import { CarryingTelemetry } from '../support/carrying-telemetry.js';
import { scene, type Scene } from '../support/collision-scene.js';
import { makeKit, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

/** One message, and three more while it is answered. */
async function talk(room: Scene): Promise<readonly string[]> {
  const calls = [room.say('m0')];
  for (const content of ['m1', 'm2', 'm3']) {
    await room.clock.advance(40);
    calls.push(room.say(content));
  }
  await room.clock.advance(60_000);
  const results = await Promise.all(calls);
  await room.kit.close();
  return results.map(({ event }) => event?.id ?? '');
}

describe('the turn that answers several messages', () => {
  it('is linked from its beginning to those that waited together, and later to those it takes in while it runs', async () => {
    verifies('TEL-10', 'COL-02', 'COL-03');
    for (const policy of ['burst', 'steer'] as const) {
      const provider = new MockTelemetryProvider();
      const ids = await talk(await scene({ policy }, { kit: { telemetry: { provider } } }));
      const turns = provider.of('framework.turn');
      const spanOf = (index: number): string | undefined => provider.of('framework.inbound')[index]?.id;
      const link = (index: number): unknown => ({ spanId: spanOf(index), attributes: { event_id: ids[index] } });
      const found = turns.map(({ options: { parentId }, links }) => [parentId, links]);
      if (policy === 'burst')
        expect(found).toEqual([
          [spanOf(0), []],
          [spanOf(3), [link(1), link(2)]],
        ]);
      else expect(found).toEqual([[spanOf(0), [link(1), link(2), link(3)]]]);
    }
  });

  it('is so for OpenTelemetry and on the console, and a provider that knows no links is left alone', async () => {
    verifies('TEL-10', 'TEL-02');
    const exporter = new InMemorySpanExporter();
    const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('test');
    for (const policy of ['burst', 'steer'] as const) {
      exporter.reset();
      const ids = await talk(await scene({ policy }, { kit: { telemetry: { provider: new OpenTelemetryProvider({ api, tracer }) } } }));
      const spans = exporter.getFinishedSpans();
      const inbound = new Map(
        spans
          .filter(({ attributes }) => attributes['roomkit.kind'] === 'framework.inbound')
          .map((span) => [span.attributes['messaging.message.id'], span.spanContext()]),
      );
      const turn = spans.findLast(({ attributes }) => attributes['roomkit.kind'] === 'framework.turn');
      const others = policy === 'burst' ? ids.slice(1, 3) : ids.slice(1);
      expect(turn?.links.map(({ context, attributes }) => [context.traceId, context.spanId, attributes?.['roomkit.event_id']])).toEqual(
        others.map((id) => [inbound.get(id)?.traceId, inbound.get(id)?.spanId, id]),
      );
      expect(new Set(turn?.links.map(({ context }) => context.traceId)).size, 'each its own trace').toBe(others.length);
    }
    const lines: string[] = [];
    const shown = await talk(
      await scene(
        { policy: 'burst' },
        { kit: { telemetry: { provider: new ConsoleTelemetryProvider({ print: (line) => void lines.push(line) }) } } },
      ),
    );
    expect(lines.filter((line) => line.includes('framework.turn')).at(-1)).toContain(`links=${shown[1]},${shown[2]}`);
    let spans = 0;
    const own: TelemetryProvider = {
      name: 'own',
      startSpan: () => `${++spans}`,
      endSpan: () => undefined,
      setAttribute: () => undefined,
      recordMetric: () => undefined,
    };
    expect(await talk(await scene({ policy: 'steer' }, { kit: { telemetry: { provider: own } } }))).toHaveLength(4);
    expect(spans).toBeGreaterThan(4);
  });

  it('links to nothing that is not recorded', async () => {
    verifies('TEL-10', 'TEL-01');
    const provider = new MockTelemetryProvider();
    let asked = 0;
    // The second message is not sampled, all others are.
    const random = (): number => (++asked === 2 ? 0.9 : 0.1);
    const ids = await talk(await scene({ policy: 'burst' }, { kit: { random, telemetry: { provider, sampleRate: 0.5 } } }));
    expect(
      provider
        .of('framework.turn')
        .at(-1)
        ?.links.map(({ attributes }) => attributes?.['event_id']),
    ).toEqual([ids[2]]);
  });

  it('is linked, too, when another process takes it up', async () => {
    verifies('TEL-10', 'TEL-08');
    const store = new FaultStore(new InMemoryStore(), { persistent: true, ownsStore: false });
    const heard = new CarryingTelemetry(1);
    const clock = new TestClock();
    const open = (provider: TelemetryProvider, delayMs: number) => {
      const { kit } = makeKit({ store, clock, telemetry: { provider } });
      const model = new MockAIProvider({ responses: ['All right.'], delayMs, streaming: true, clock });
      for (const channel of [new TestTransport('a'), new AIChannel('bot', { provider: model, collision: { policy: 'burst', debounceMs: 0 } })])
        kit.registerChannel(channel);
      return kit;
    };
    const one = open(heard, 5000);
    await one.createRoom({ roomId: 'room' });
    for (const channelId of ['a', 'bot']) await one.attachChannel('room', channelId);
    for (const content of ['m0', 'm1', 'm2']) {
      void one.processInbound({ channelId: 'a', senderId: 'ada', content }, { roomId: 'room', wait: 'commit' });
      await clock.advance(40);
    }
    const isMerged = async (): Promise<boolean> => (await one.listTurns({ roomId: 'room', state: 'merged' })).length > 0;
    for (let tries = 0; tries < 100 && !(await isMerged()); tries++) await clock.advance(500);
    expect(await isMerged(), 'the second turn runs').toBe(true);
    const closing = one.close({ drainSeconds: 0 });
    await clock.advance(10_000);
    await closing;
    const taken = new CarryingTelemetry(2);
    const two = open(taken, 0);
    await clock.advance(60_000);
    const from = heard.of('framework.inbound').map(({ id }) => id);
    const [turn] = taken.of('framework.turn');
    expect(turn?.options.remoteParent).toEqual({ traceparent: from[2] });
    expect(turn?.links.map(({ context }) => context)).toEqual([{ traceparent: from[1] }]);
    await two.close();
  });
});
