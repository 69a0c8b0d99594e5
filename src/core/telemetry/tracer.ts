/** Spans and metrics on their way to a telemetry provider (behaviour §24). Without one, `enabled` is false and nothing is done. */
import { callScope } from '../call-scope.js';
import type { Logger } from '../logger.js';
import type { Metadata } from '../models/json.js';
import { checkTelemetry } from './check-config.js';
import type { Measurement, SpanEnd, SpanKind, SpanLink, SpanOptions, TelemetryConfig, TelemetryProvider } from './provider.js';
import { asSampled, isSampled, NOT_SAMPLED, type TraceContext } from './trace-context.js';

/** A span's options, and where a root comes from. */
export interface StartOptions extends Omit<SpanOptions, 'remoteParent'> {
  /** Our own: stored with what is carried out now. Its root has decided whether it is sampled. */
  readonly stored?: TraceContext | undefined;
  /** Somebody else's, from a request. */
  readonly incoming?: TraceContext | undefined;
}

/** Spans that were not sampled carry this id, so that their children know. */
const UNSAMPLED = '\0unsampled';
/** Spans of kinds that nobody wants carry the id of their parent behind this: what is inside them is inside that (TEL-01). */
const INSIDE = '\0in:';
/** The same inside a span of another process. */
const INSIDE_REMOTE = '\0at:';

export class Tracer {
  readonly enabled: boolean;
  /** Whether traces are carried in from outside, in rows, and out to vendors (TEL-08). */
  readonly carries: boolean;
  readonly #provider: TelemetryProvider | undefined;
  readonly #kinds: ReadonlySet<SpanKind> | undefined;
  readonly #sampleRate: number;
  readonly #open = new Set<string>();
  #isClosed = false;
  #complained = false;

  constructor(
    readonly config: TelemetryConfig,
    private readonly logger: Logger,
    private readonly redact: (text: string) => string = (text) => text,
    private readonly random: () => number = Math.random,
  ) {
    checkTelemetry(config);
    this.#provider = config.provider;
    this.enabled = config.provider !== undefined;
    this.carries = config.provider?.contextOf !== undefined;
    this.#kinds = config.enabledSpans && new Set(config.enabledSpans);
    this.#sampleRate = config.sampleRate ?? 1;
  }

  /** Starts a span; undefined when there is nothing to end. The root of a trace decides whether it is sampled (TEL-01). */
  start(kind: SpanKind, name: string, options: StartOptions = {}): string | undefined {
    const provider = this.#provider;
    if (provider === undefined || this.#isClosed) return undefined;
    const { parentId: given, stored, incoming, ...rest } = options;
    if (given === UNSAMPLED) return UNSAMPLED;
    const parentId = given === undefined ? undefined : ownSpan(given);
    let remoteParent: TraceContext | undefined;
    if (given === undefined) {
      const origin = this.#origin(stored, incoming);
      if (origin === UNSAMPLED) return UNSAMPLED;
      remoteParent = origin;
    } else if (parentId === undefined) remoteParent = remoteSpan(given);
    const inside = insideOf(parentId, remoteParent);
    if (this.#kinds !== undefined && !this.#kinds.has(kind)) return inside;
    try {
      const attributes: Metadata = { ...this.config.metadata, ...options.attributes };
      const id = provider.startSpan(kind, name, {
        ...rest,
        ...(parentId !== undefined && { parentId }),
        ...(remoteParent !== undefined && { remoteParent }),
        attributes,
      });
      this.#open.add(id);
      return id;
    } catch (error) {
      this.#complain(error);
      return inside;
    }
  }

  /** The same under what the call runs in: its span, or the trace that came with its request. */
  startHere(kind: SpanKind, name: string, options: StartOptions = {}): string | undefined {
    const scope = callScope.getStore();
    const { span, incomingTrace } = scope ?? {};
    return this.start(kind, name, {
      ...(span !== undefined && { parentId: span }),
      ...(incomingTrace !== undefined && { incoming: incomingTrace }),
      ...options,
    });
  }

  /** A link to the span that an id stands for, or to where a row says its cause is; undefined where nothing is recorded. */
  linkTo(spanId: string | undefined, stored: TraceContext | undefined, attributes: Metadata): SpanLink | undefined {
    if (spanId === UNSAMPLED) return undefined;
    const own = spanId === undefined ? undefined : ownSpan(spanId);
    if (own !== undefined) return { spanId: own, attributes };
    const context = spanId === undefined ? stored : remoteSpan(spanId);
    return context === undefined || !this.carries || !isSampled(context) ? undefined : { context, attributes };
  }

  /** Links a span that runs to another one. */
  link(spanId: string | undefined, link: SpanLink | undefined): void {
    if (spanId === undefined || link === undefined || !this.#open.has(spanId)) return;
    try {
      this.#provider?.addLink?.(spanId, link);
    } catch (error) {
      this.#complain(error);
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

  /** Runs `work` inside a span: what is begun there is part of it, and requests to vendors carry it. */
  run<T>(spanId: string | undefined, work: () => T): T {
    if (spanId === undefined) return work();
    return callScope.run({ ...callScope.getStore(), span: spanId, tracer: this }, () => this.#activate(spanId, work));
  }

  #activate<T>(spanId: string, work: () => T): T {
    const provider = this.#provider;
    const own = ownSpan(spanId);
    if (provider?.runIn === undefined || own === undefined || spanId === UNSAMPLED) return work();
    // What the work throws is its own; what the provider throws changes nothing.
    const done: { outcome?: { readonly value: T } | { readonly error: unknown } } = {};
    try {
      provider.runIn(own, () => {
        if (done.outcome !== undefined) return; // once
        try {
          done.outcome = { value: work() };
        } catch (error) {
          done.outcome = { error };
        }
      });
    } catch (error) {
      this.#complain(error);
    }
    if (done.outcome === undefined) return work();
    if ('error' in done.outcome) throw done.outcome.error;
    return done.outcome.value;
  }

  /** What is stored with work that may be carried out later or elsewhere; undefined when nothing is carried (TEL-08). */
  contextOf(spanId: string | undefined): TraceContext | undefined {
    const provider = this.#provider;
    if (spanId === undefined || provider?.contextOf === undefined) return undefined;
    if (spanId === UNSAMPLED) return NOT_SAMPLED;
    const own = ownSpan(spanId);
    if (own === undefined) return remoteSpan(spanId);
    try {
      return provider.contextOf(own);
    } catch (error) {
      this.#complain(error);
      return undefined;
    }
  }

  /** What a request to a vendor says of the trace it belongs to. */
  outgoing(spanId: string | undefined): TraceContext | undefined {
    if (this.config.outgoingTrace === false || spanId === UNSAMPLED) return undefined;
    return this.contextOf(spanId);
  }

  metric(name: string, value: number, attributes?: Metadata): void {
    if (this.#isClosed) return;
    try {
      this.#provider?.recordMetric(name, value, attributes);
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Has the provider look when it exports; undefined for one that does not. */
  observe(look: () => Promise<readonly Measurement[]>): (() => void) | undefined {
    try {
      return this.#provider?.observe?.(look);
    } catch (error) {
      this.#complain(error);
      return undefined;
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

  /** What is still open ends; a provider that fails at this keeps nobody from closing (TEL-02). */
  async close(): Promise<void> {
    for (const spanId of [...this.#open]) this.end(spanId, { status: 'error', errorMessage: 'kit_closed' });
    this.#isClosed = true;
    const provider = this.#provider;
    for (const step of [() => provider?.flush?.(), () => provider?.close?.()]) {
      try {
        await step();
      } catch (error) {
        this.#complain(error);
      }
    }
  }

  /** Where a root begins: in our own trace, in another's, or in a new one (undefined). */
  #origin(stored: TraceContext | undefined, incoming: TraceContext | undefined): TraceContext | typeof UNSAMPLED | undefined {
    if (this.carries && stored !== undefined) return isSampled(stored) ? stored : UNSAMPLED;
    const mode = this.config.incomingTrace ?? 'continue';
    const given = this.carries && mode !== 'ignore' && incoming !== undefined && !this.#hasActiveSpan() ? incoming : undefined;
    if (given !== undefined && mode === 'trust') return isSampled(given) ? given : UNSAMPLED;
    // Whoever calls does not decide how much is recorded here (TEL-09).
    if (this.#sampleRate < 1 && this.random() >= this.#sampleRate) return UNSAMPLED;
    return given === undefined ? undefined : asSampled(given);
  }

  #hasActiveSpan(): boolean {
    try {
      return this.#provider?.hasActiveSpan?.() === true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  #complain(error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.logger.warn('The telemetry provider fails; this is said once.', { provider: this.#provider?.name, error });
  }
}

function insideOf(parentId: string | undefined, remote: TraceContext | undefined): string {
  return parentId === undefined && remote !== undefined
    ? `${INSIDE_REMOTE}${remote.traceparent}${remote.tracestate ?? ''}`
    : `${INSIDE}${parentId ?? ''}`;
}

/** The provider's span that an id stands for; undefined where there is none. */
function ownSpan(id: string): string | undefined {
  if (!id.startsWith('\0')) return id;
  return id.length > INSIDE.length && id.startsWith(INSIDE) ? id.slice(INSIDE.length) : undefined;
}

function remoteSpan(id: string): TraceContext | undefined {
  if (!id.startsWith(INSIDE_REMOTE)) return undefined;
  const traceparent = id.slice(INSIDE_REMOTE.length, INSIDE_REMOTE.length + 55);
  const tracestate = id.slice(INSIDE_REMOTE.length + 55);
  return tracestate === '' ? { traceparent } : { traceparent, tracestate };
}
