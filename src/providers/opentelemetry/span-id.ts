/** A span's id is its place in its trace, so that what comes after its end still finds it. */
import type * as OpenTelemetryModule from '@opentelemetry/api';
import { readTraceContext, type TraceContext } from '../../core/telemetry/trace-context.js';
import type { OpenTelemetryAPI } from './options.js';

/** `TRACEPARENT TRACESTATE`, the latter where there is one. */
export function spanIdOf({ traceId, spanId, traceFlags, traceState }: OpenTelemetryModule.SpanContext): string {
  const state = traceState?.serialize() ?? '';
  const parent = `00-${traceId}-${spanId}-${(traceFlags & 1) === 1 ? '01' : '00'}`;
  return state === '' ? parent : `${parent} ${state}`;
}

/** Undefined for what no SDK has made. */
export function traceContextOf(id: string): TraceContext | undefined {
  const space = id.indexOf(' ');
  return readTraceContext(space === -1 ? { traceparent: id } : { traceparent: id.slice(0, space), tracestate: id.slice(space + 1) });
}

/** For the API; `isRemote`: another process has made it. */
export function spanContextOf(api: OpenTelemetryAPI, context: TraceContext, isRemote: boolean): OpenTelemetryModule.SpanContext {
  const { traceparent, tracestate } = context;
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53, 55), 16),
    isRemote,
    ...(tracestate !== undefined && { traceState: api.createTraceState(tracestate) }),
  };
}
