/** The W3C trace context: which trace something belongs to, as headers and rows carry it (TEL-08). https://www.w3.org/TR/trace-context/ */

/** Where in which trace: the values of the headers `traceparent` and `tracestate`. */
export interface TraceContext {
  /** `00-TRACE-SPAN-FLAGS`: 32, 16 and 2 hexadecimal digits; the last bit of the flags says whether it is sampled. */
  readonly traceparent: string;
  /** What vendors of tracing have added; at most 512 characters. */
  readonly tracestate?: string;
}

/** Headers in whatever form: those of a request, or an object with names in lower case. */
export type TraceHeaders =
  | {
      /** The header of this name, in whatever case. */
      get(name: string): string | null | undefined;
    }
  | Readonly<Record<string, unknown>>;

/** Of version 00 nothing may follow the flags; of later versions something may, and is not read. */
const PARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const STATE = /^[\x20-\x7e]{1,512}$/;
/** Longer ones are read by nobody. */
const MAX_PARENT = 512;

/** What stands for a trace that is not sampled and that nobody has begun. It is stored, and never sent. */
export const NOT_SAMPLED: TraceContext = Object.freeze({ traceparent: '00-00000000000000000000000000000001-0000000000000001-00' });

/** The trace that headers tell of; undefined where they tell of none, or of what is none. */
export function readTraceContext(headers: TraceHeaders): TraceContext | undefined {
  const parent = valueOf(headers, 'traceparent');
  if (parent === undefined || parent.length > MAX_PARENT) return undefined;
  const [, version, trace, span, flags, more] = PARENT.exec(parent) ?? [];
  if (version === undefined || trace === undefined || span === undefined || flags === undefined || (version === '00' && more !== undefined))
    return undefined;
  const traceparent = `00-${trace}-${span}-${isSampledFlag(flags) ? '01' : '00'}`;
  const tracestate = valueOf(headers, 'tracestate')?.trim();
  return tracestate !== undefined && STATE.test(tracestate) ? { traceparent, tracestate } : { traceparent };
}

/** Whether whoever began it, or carried it on, records it. */
export function isSampled({ traceparent }: TraceContext): boolean {
  return isSampledFlag(traceparent.slice(53, 55));
}

/** The same place in the same trace, recorded from here on. */
export function asSampled(context: TraceContext): TraceContext {
  return { ...context, traceparent: `${context.traceparent.slice(0, 53)}01` };
}

function isSampledFlag(flags: string): boolean {
  return (Number.parseInt(flags, 16) & 1) === 1;
}

function valueOf(headers: TraceHeaders, name: 'traceparent' | 'tracestate'): string | undefined {
  const value = isReader(headers) ? headers.get(name) : headers[name];
  return typeof value === 'string' ? value : undefined;
}

function isReader(headers: TraceHeaders): headers is { get(name: string): string | null | undefined } {
  return typeof headers.get === 'function';
}
