/** A kit's telemetry over the API of OpenTelemetry (TEL-02, TEL-08). What becomes of it is the affair of the program's SDK. */
import type * as OpenTelemetryModule from '@opentelemetry/api';
import type { Metadata } from '../../core/models/json.js';
import type { Measurement, SpanEnd, SpanKind, SpanLink, SpanOptions, TelemetryProvider } from '../../core/telemetry/provider.js';
import type { TraceContext } from '../../core/telemetry/trace-context.js';
import { loadPeer } from '../_shared/peer.js';
import { attributesOf, describeSpan, metricAttributes } from './attributes.js';
import { Instruments, type Observed } from './instruments.js';
import { checkOptions, type OpenTelemetryAPI, type OpenTelemetryOptions } from './options.js';
import { spanContextOf, spanIdOf, traceContextOf } from './span-id.js';

interface OpenSpan {
  readonly kind: SpanKind;
  readonly span: OpenTelemetryModule.Span;
}

/** What a kit has looked for at each export, and how to end that. */
interface Look {
  readonly look: () => Promise<readonly Observed[]>;
  stop: () => void;
}

/**
 * Spans and metrics for OpenTelemetry: with true parents across async, processes and restarts, by the conventions for generative AI
 * and messaging. Set the SDK up first; resource, sampling and export are its own. Throws ValidationError without an `api`.
 * @example new RoomKit({ telemetry: { provider: await OpenTelemetryProvider.open() } })
 */
export class OpenTelemetryProvider implements TelemetryProvider {
  readonly name = 'opentelemetry';
  readonly #api: OpenTelemetryAPI;
  readonly #tracer: OpenTelemetryModule.Tracer;
  readonly #options: OpenTelemetryOptions;
  readonly #open = new Map<string, OpenSpan>();
  /** Where in a context the newest of our spans stands that is active there. */
  readonly #ours: symbol;
  #instruments: Instruments | undefined;
  /** What the instruments are of. */
  #source: unknown;
  readonly #looks = new Set<Look>();

  constructor(options: OpenTelemetryOptions) {
    checkOptions(options);
    this.#options = options;
    this.#api = options.api;
    this.#tracer = options.tracer ?? options.api.trace.getTracer('roomkit');
    this.#ours = options.api.createContextKey('roomkit span');
  }

  /** The same with the API that is installed. Throws MissingPeerError without `@opentelemetry/api`. */
  static async open(options: Omit<OpenTelemetryOptions, 'api'> = {}): Promise<OpenTelemetryProvider> {
    const api = await loadPeer('OpenTelemetryProvider', '@opentelemetry/api', () => import('@opentelemetry/api'));
    return new OpenTelemetryProvider({ ...options, api });
  }

  startSpan(kind: SpanKind, name: string, options: SpanOptions = {}): string {
    const { name: shown, kind: spanKind, attributes } = describeSpan(this.#api, kind, name, options);
    const links = (options.links ?? []).flatMap((link) => this.#linkOf(kind, link) ?? []);
    const span = this.#tracer.startSpan(shown, { kind: spanKind, attributes, ...(links.length > 0 && { links }) }, this.#contextFor(options));
    const id = spanIdOf(span.spanContext());
    this.#open.set(id, { kind, span });
    return id;
  }

  endSpan(spanId: string, { status, errorMessage, attributes }: SpanEnd = {}): void {
    const open = this.#open.get(spanId);
    if (open === undefined) return;
    this.#open.delete(spanId);
    const { span, kind } = open;
    if (attributes !== undefined) span.setAttributes(attributesOf(kind, attributes));
    if (status === 'error') {
      const code = errorMessage ?? 'error';
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: code });
      span.setAttribute('error.type', code);
    }
    span.end();
  }

  setAttribute(spanId: string, key: string, value: unknown): void {
    const open = this.#open.get(spanId);
    open?.span.setAttributes(attributesOf(open.kind, { [key]: value }));
  }

  addLink(spanId: string, link: SpanLink): void {
    const open = this.#open.get(spanId);
    const linked = open === undefined ? undefined : this.#linkOf(open.kind, link);
    // Older SDKs do not have it.
    if (linked !== undefined) (open?.span as Partial<OpenTelemetryModule.Span> | undefined)?.addLink?.(linked);
  }

  recordMetric(name: string, value: number, attributes: Metadata = {}): void {
    this.#metering().take(name, value, metricAttributes(attributes));
  }

  observe(look: () => Promise<readonly Measurement[]>): () => void {
    const observed = async (): Promise<readonly Observed[]> =>
      (await look()).map(({ name, value, attributes }) => ({ name, value, attributes: metricAttributes(attributes) }));
    const own: Look = { look: observed, stop: this.#metering().observe(observed) };
    this.#looks.add(own);
    return () => {
      if (this.#looks.delete(own)) own.stop();
    };
  }

  contextOf(spanId: string): TraceContext | undefined {
    return traceContextOf(spanId);
  }

  runIn(spanId: string, work: () => void): void {
    const { context, trace } = this.#api;
    const span = this.#spanOf(spanId);
    if (span === undefined) {
      work();
      return;
    }
    context.with(trace.setSpan(context.active(), span).setValue(this.#ours, spanId), work);
  }

  hasActiveSpan(): boolean {
    const { context, trace, isSpanContextValid } = this.#api;
    const active = context.active();
    const span = trace.getSpan(active);
    return span !== undefined && active.getValue(this.#ours) === undefined && isSpanContextValid(span.spanContext());
  }

  async flush(): Promise<void> {
    await this.#options.flush?.();
  }

  #linkOf(kind: SpanKind, { spanId, context, attributes }: SpanLink): OpenTelemetryModule.Link | undefined {
    const place = spanId === undefined ? context : traceContextOf(spanId);
    if (place === undefined) return undefined;
    return { context: spanContextOf(this.#api, place, spanId === undefined), attributes: attributesOf(kind, attributes) };
  }

  /** The global meter of a moment before the SDK was set up is one that counts nothing, for ever: once it is, another takes its place. */
  #metering(): Instruments {
    const { meter } = this.#options;
    const source = meter ?? this.#api.metrics.getMeterProvider();
    if (this.#instruments === undefined || source !== this.#source) {
      this.#source = source;
      this.#instruments = new Instruments(meter ?? this.#api.metrics.getMeter('roomkit'));
      for (const look of this.#looks) {
        look.stop();
        look.stop = this.#instruments.observe(look.look);
      }
    }
    return this.#instruments;
  }

  #contextFor({ parentId, remoteParent }: SpanOptions): OpenTelemetryModule.Context {
    const { context, trace } = this.#api;
    const active = context.active();
    const innermost = active.getValue(this.#ours);
    if (parentId !== undefined) {
      // Inside its parent, below whatever the program has opened there of its own.
      if (innermost === parentId) return active;
      const parent = this.#spanOf(parentId);
      return parent === undefined ? active : trace.setSpan(active, parent);
    }
    if (remoteParent !== undefined) return trace.setSpanContext(active, spanContextOf(this.#api, remoteParent, true));
    // Without a parent it is no part of ours that happens to be active; of the program's own span it is.
    return innermost === undefined ? active : trace.deleteSpan(active);
  }

  /** Of one that has ended, what is left: its place. */
  #spanOf(spanId: string): OpenTelemetryModule.Span | undefined {
    const open = this.#open.get(spanId);
    if (open !== undefined) return open.span;
    const context = traceContextOf(spanId);
    return context === undefined ? undefined : this.#api.trace.wrapSpanContext(spanContextOf(this.#api, context, false));
  }
}
