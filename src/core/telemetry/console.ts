/** Telemetry for the terminal: one readable line per ended span, indented under its parent. */
import type { Clock } from '../clock.js';
import { SystemClock } from '../clock.js';
import type { Metadata } from '../models/json.js';
import type { SpanEnd, SpanKind, SpanLink, SpanOptions, TelemetryProvider } from './provider.js';

interface OpenSpan {
  readonly kind: SpanKind;
  readonly name: string;
  readonly depth: number;
  readonly startedAt: number;
  readonly options: SpanOptions;
  readonly attributes: Record<string, unknown>;
  readonly links: SpanLink[];
}

/** Spans that nobody ends are forgotten after so many. */
const MAX_OPEN = 10_000;

/** Prints each span when it ends, and each metric. `new RoomKit({ telemetry: { provider: new ConsoleTelemetryProvider() } })`. */
export class ConsoleTelemetryProvider implements TelemetryProvider {
  readonly name = 'console';
  readonly #open = new Map<string, OpenSpan>();
  readonly #clock: Clock;
  readonly #print: (line: string) => void;
  #next = 0;

  /** `print` takes each line; default `console.log`. */
  constructor(options: { clock?: Clock; print?: (line: string) => void } = {}) {
    this.#clock = options.clock ?? new SystemClock();
    this.#print = options.print ?? ((line) => console.log(line));
  }

  startSpan(kind: SpanKind, name: string, options: SpanOptions = {}): string {
    // Its depth is in its id: what comes after its end, as deliveries do, still stands under it.
    const depth = 1 + Number(/^span-\d+:(\d+)$/.exec(options.parentId ?? '')?.[1] ?? -1);
    const id = `span-${++this.#next}:${depth}`;
    if (this.#open.size >= MAX_OPEN) this.#forgetOldest();
    this.#open.set(id, {
      kind,
      name,
      depth,
      startedAt: this.#clock.monotonic(),
      options,
      attributes: { ...options.attributes },
      links: [...(options.links ?? [])],
    });
    return id;
  }

  endSpan(spanId: string, end: SpanEnd = {}): void {
    const span = this.#open.get(spanId);
    if (span === undefined) return;
    this.#open.delete(spanId);
    const ms = (this.#clock.monotonic() - span.startedAt).toFixed(1);
    const { roomId, channelId } = span.options;
    const links = span.links.length > 0 ? span.links.map(nameOf).join() : undefined;
    const facts = Object.entries({ roomId, channelId, ...span.attributes, ...end.attributes, links, error: end.errorMessage })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    this.#print(`${'  '.repeat(span.depth)}${end.status === 'error' ? '✗' : '✓'} ${span.kind} ${span.name} ${ms} ms${facts.join('')}`);
  }

  setAttribute(spanId: string, key: string, value: unknown): void {
    const span = this.#open.get(spanId);
    if (span !== undefined) span.attributes[key] = value;
  }

  addLink(spanId: string, link: SpanLink): void {
    this.#open.get(spanId)?.links.push(link);
  }

  recordMetric(name: string, value: number, attributes: Metadata = {}): void {
    const facts = Object.entries(attributes).map(([key, fact]) => ` ${key}=${String(fact)}`);
    this.#print(`· ${name} ${value}${facts.join('')}`);
  }

  #forgetOldest(): void {
    const oldest = this.#open.keys().next();
    if (oldest.done !== true) this.#open.delete(oldest.value);
  }
}

/** By the message it is of. */
function nameOf({ attributes, context, spanId }: SpanLink): string {
  const eventId = attributes?.['event_id'];
  return typeof eventId === 'string' ? eventId : (context?.traceparent ?? spanId ?? '');
}

/** Telemetry that does nothing: for hosts that want to say so. */
export class NoopTelemetryProvider implements TelemetryProvider {
  readonly name = 'noop';

  startSpan(): string {
    return '';
  }
  endSpan(): void {
    // nothing was started
  }
  setAttribute(): void {
    // nothing was started
  }
  recordMetric(): void {
    // nobody counts
  }
}
