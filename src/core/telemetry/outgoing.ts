/** What requests to vendors say of the trace they belong to (TEL-08). */
import { callScope } from '../call-scope.js';

type Headers = Readonly<Record<string, string>>;

/**
 * These headers, with `traceparent` and `tracestate` of the span this call runs in; as they are without telemetry that knows trace
 * context. For requests to vendors whose address the program has named, never for addresses out of messages.
 */
export function withTrace(headers: Headers | undefined): Headers | undefined {
  const scope = callScope.getStore();
  const context = scope?.tracer?.outgoing(scope.span);
  return context === undefined ? headers : { ...headers, ...context };
}
