/** A telemetry provider that remembers everything (behaviour §28). */
import type { Metadata, SpanEnd, SpanKind, SpanLink, SpanOptions, TelemetryProvider } from '../core/index.js';

/** A span as it was told; `end` is set once it has ended. */
export interface RecordedSpan {
  readonly id: string;
  readonly kind: SpanKind;
  readonly name: string;
  readonly options: SpanOptions;
  readonly attributes: Record<string, unknown>;
  /** Other spans it has to do with, from its beginning or added later. */
  readonly links: SpanLink[];
  /** How often it was ended; exactly once when everything is right (TEL-03). */
  ends: number;
  end?: SpanEnd;
}

/** For tests: remembers every span and metric. */
export class MockTelemetryProvider implements TelemetryProvider {
  readonly name = 'mock';
  readonly spans: RecordedSpan[] = [];
  readonly metrics: { name: string; value: number; attributes: Metadata }[] = [];
  flushed = 0;
  closed = 0;

  startSpan(kind: SpanKind, name: string, options: SpanOptions = {}): string {
    const id = `span-${this.spans.length + 1}`;
    this.spans.push({ id, kind, name, options, attributes: { ...options.attributes }, links: [...(options.links ?? [])], ends: 0 });
    return id;
  }

  endSpan(spanId: string, end?: SpanEnd): void {
    const span = this.#find(spanId);
    if (span === undefined) return;
    span.ends++;
    if (end !== undefined) span.end = end;
  }

  setAttribute(spanId: string, key: string, value: unknown): void {
    const span = this.#find(spanId);
    if (span !== undefined) span.attributes[key] = value;
  }

  addLink(spanId: string, link: SpanLink): void {
    this.#find(spanId)?.links.push(link);
  }

  recordMetric(name: string, value: number, attributes: Metadata = {}): void {
    this.metrics.push({ name, value, attributes });
  }

  flush(): void {
    this.flushed++;
  }

  close(): void {
    this.closed++;
  }

  /** Spans of one kind. */
  of(kind: SpanKind): RecordedSpan[] {
    return this.spans.filter((span) => span.kind === kind);
  }

  #find(spanId: string): RecordedSpan | undefined {
    return this.spans.find((span) => span.id === spanId);
  }
}
