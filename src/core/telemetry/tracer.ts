/** Spans and metrics on their way to a telemetry provider (behaviour §24). Without one, `enabled` is false and nothing is done. */
import type { Logger } from '../logger.js';
import type { Metadata } from '../models/json.js';
import type { SpanEnd, SpanKind, SpanOptions, TelemetryConfig, TelemetryProvider } from './provider.js';

/** Spans that were not sampled or not wanted carry this id, so that their children know. */
const UNSAMPLED = 'unsampled';

export class Tracer {
  readonly enabled: boolean;
  readonly #provider: TelemetryProvider | undefined;
  readonly #kinds: ReadonlySet<SpanKind> | undefined;
  readonly #sampleRate: number;
  readonly #open = new Set<string>();
  #complained = false;

  constructor(
    readonly config: TelemetryConfig,
    private readonly logger: Logger,
    private readonly redact: (text: string) => string = (text) => text,
    private readonly random: () => number = Math.random,
  ) {
    this.#provider = config.provider;
    this.enabled = config.provider !== undefined;
    this.#kinds = config.enabledSpans && new Set(config.enabledSpans);
    this.#sampleRate = config.sampleRate ?? 1;
  }

  /** Starts a span; undefined when there is nothing to end. The root of a trace decides whether it is sampled (TEL-01). */
  start(kind: SpanKind, name: string, options: SpanOptions = {}): string | undefined {
    const provider = this.#provider;
    if (provider === undefined) return undefined;
    if (options.parentId === UNSAMPLED) return UNSAMPLED;
    if (options.parentId === undefined && this.#sampleRate < 1 && this.random() >= this.#sampleRate) return UNSAMPLED;
    if (this.#kinds !== undefined && !this.#kinds.has(kind)) return options.parentId;
    try {
      const attributes: Metadata = { ...this.config.metadata, ...options.attributes };
      const id = provider.startSpan(kind, name, { ...options, attributes });
      this.#open.add(id);
      return id;
    } catch (error) {
      this.#complain(error);
      return undefined;
    }
  }

  /** Ends a span, once; anything else is ignored (TEL-03). */
  end(spanId: string | undefined, end?: SpanEnd): void {
    if (spanId === undefined || !this.#open.delete(spanId)) return;
    try {
      this.#provider?.endSpan(spanId, end);
    } catch (error) {
      this.#complain(error);
    }
  }

  metric(name: string, value: number, attributes?: Metadata): void {
    try {
      this.#provider?.recordMetric(name, value, attributes);
    } catch (error) {
      this.#complain(error);
    }
  }

  /** People's and models' words as they may be recorded, which by default is not at all (TEL-06). */
  words(text: string): string | undefined {
    if (this.config.content !== true) return undefined;
    try {
      return this.redact(text);
    } catch (error) {
      this.#complain(error);
      return undefined;
    }
  }

  async close(): Promise<void> {
    for (const spanId of [...this.#open]) this.end(spanId, { status: 'error', errorMessage: 'kit_closed' });
    await this.#provider?.flush?.();
    await this.#provider?.close?.();
  }

  #complain(error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.logger.warn('The telemetry provider fails; this is said once.', { provider: this.#provider?.name, error });
  }
}
