/** The instruments of a kit's metrics (TEL-05): their kinds, units and bounds. */
import type * as OpenTelemetryModule from '@opentelemetry/api';

/** How a metric is taken. */
export interface MetricDescription {
  /** A histogram of what is measured each time, a counter that sums it up, or a gauge of which the newest counts. */
  readonly instrument: 'histogram' | 'counter' | 'gauge';
  /** As in UCUM. */
  readonly unit: string;
  /** In words. */
  readonly description: string;
  /** Bounds of a histogram's buckets; default the SDK's. */
  readonly bounds?: readonly number[];
}

const MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];
/** As the conventions for generative AI advise. */
const MODEL_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_SECONDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];

/** The metrics that the kit takes, and those that the conventions for generative AI name. */
export const METRICS: Readonly<Record<string, MetricDescription>> = Object.freeze({
  'roomkit.delivery.duration_ms': histogram('ms', 'How long an attempt of a delivery took.', MS),
  'roomkit.outbox.age_s': { instrument: 'gauge', unit: 's', description: 'How long the oldest delivery in the store has been due.' },
  'roomkit.lane.depth': {
    instrument: 'gauge',
    unit: '{delivery}',
    description: 'How much waits and runs in the fullest lane of this process, by type of channel.',
  },
  'roomkit.llm.ttfb_ms': histogram('ms', 'How long a model took to its first word.', MS),
  'roomkit.stt.duration_ms': histogram('ms', 'How long recognising speech took.', MS),
  'roomkit.tts.duration_ms': histogram('ms', 'How long making speech took.', MS),
  'roomkit.pipeline.frame_count': { instrument: 'counter', unit: '{frame}', description: 'Frames of sound that were processed.' },
  'roomkit.pipeline.bytes_processed': { instrument: 'counter', unit: 'By', description: 'Bytes of sound that were processed.' },
  'roomkit.realtime.uptime_s': histogram('s', 'How long a realtime session lasted.'),
  'roomkit.realtime.turn_count': { instrument: 'counter', unit: '{turn}', description: 'Turns of realtime sessions.' },
  'roomkit.realtime.tool_result_bytes': histogram('By', 'How large results of tools of realtime sessions were.'),
  'gen_ai.client.operation.duration': histogram('s', 'How long a generation took.', MODEL_SECONDS),
  'gen_ai.client.operation.time_to_first_chunk': histogram('s', 'How long a model that streams took to its first piece.', FIRST_SECONDS),
  'gen_ai.client.token.usage': histogram('{token}', 'Tokens of a generation, by gen_ai.token.type.', TOKENS),
  'gen_ai.execute_tool.duration': histogram('s', 'How long a tool took.', MODEL_SECONDS),
});

/** Those that are looked for. */
const OBSERVED = ['roomkit.outbox.age_s', 'roomkit.lane.depth'];

/** What is measured with no description here is a histogram without a unit. */
const UNKNOWN: MetricDescription = { instrument: 'histogram', unit: '', description: '' };

type Take = (value: number, attributes: OpenTelemetryModule.Attributes) => void;

/** What was found by looking. */
export interface Observed {
  readonly name: string;
  readonly value: number;
  readonly attributes: OpenTelemetryModule.Attributes;
}

/** Makes each instrument when it is first needed. */
export class Instruments {
  readonly #takes = new Map<string, Take>();

  constructor(private readonly meter: OpenTelemetryModule.Meter) {}

  take(name: string, value: number, attributes: OpenTelemetryModule.Attributes): void {
    let take = this.#takes.get(name);
    if (take === undefined) this.#takes.set(name, (take = this.#make(name)));
    take(value, attributes);
  }

  /** Figures that are looked for at each export; the answer ends it. */
  observe(look: () => Promise<readonly Observed[]>): () => void {
    const gauges = new Map(OBSERVED.map((name) => [name, this.meter.createObservableGauge(name, optionsOf(name))]));
    const observables = [...gauges.values()];
    const callback: OpenTelemetryModule.BatchObservableCallback = async (result) => {
      for (const { name, value, attributes } of await look()) {
        const gauge = gauges.get(name);
        if (gauge !== undefined) result.observe(gauge, value, attributes);
      }
    };
    this.meter.addBatchObservableCallback(callback, observables);
    return () => this.meter.removeBatchObservableCallback(callback, observables);
  }

  #make(name: string): Take {
    const options = optionsOf(name);
    switch (describe(name).instrument) {
      case 'counter': {
        const counter = this.meter.createCounter(name, options);
        return (value, attributes) => counter.add(value, attributes);
      }
      case 'gauge': {
        const gauge = this.meter.createGauge(name, options);
        return (value, attributes) => gauge.record(value, attributes);
      }
      case 'histogram': {
        const made = this.meter.createHistogram(name, options);
        return (value, attributes) => made.record(value, attributes);
      }
    }
  }
}

function describe(name: string): MetricDescription {
  return (Object.hasOwn(METRICS, name) ? METRICS[name] : undefined) ?? UNKNOWN;
}

function optionsOf(name: string): OpenTelemetryModule.MetricOptions {
  const { unit, description, bounds } = describe(name);
  return { unit, description, ...(bounds !== undefined && { advice: { explicitBucketBoundaries: [...bounds] } }) };
}

function histogram(unit: string, description: string, bounds?: readonly number[]): MetricDescription {
  return { instrument: 'histogram', unit, description, ...(bounds !== undefined && { bounds }) };
}
