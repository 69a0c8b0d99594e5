/** A telemetry provider that remembers everything and knows trace context: the id of a span is its place in its trace. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { readTraceContext, type SpanKind, type SpanOptions, type TraceContext } from '../../src/core/index.js';
import { MockTelemetryProvider } from '../../src/testing/index.js';

export class CarryingTelemetry extends MockTelemetryProvider {
  /** The span that is active where somebody asks. */
  readonly active = new AsyncLocalStorage<string>();
  /** Whether the program has a span of its own. */
  isInsideOther = false;

  constructor(private readonly seed = 1) {
    super();
  }

  override startSpan(kind: SpanKind, name: string, options: SpanOptions = {}): string {
    super.startSpan(kind, name, options);
    const span = this.spans.at(-1);
    const number = this.seed * 1000 + this.spans.length;
    const from = options.parentId ?? options.remoteParent?.traceparent;
    const trace = from?.slice(3, 35) ?? number.toString(16).padStart(32, '0');
    const id = `00-${trace}-${number.toString(16).padStart(16, '0')}-01`;
    if (span !== undefined) this.spans.splice(-1, 1, { ...span, id });
    return id;
  }

  contextOf(spanId: string): TraceContext | undefined {
    return readTraceContext({ traceparent: spanId });
  }

  runIn(spanId: string, work: () => void): void {
    this.active.run(spanId, work);
  }

  hasActiveSpan(): boolean {
    return this.isInsideOther;
  }
}
