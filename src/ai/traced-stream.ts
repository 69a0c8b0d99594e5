/** A model's stream inside the span of its generation: each step of it runs there, and what is made of it does not (TEL-04). */
import type { ChannelTracing } from '../core/telemetry/provider.js';

export function inSpan<Item>(tracing: ChannelTracing | undefined, span: string | undefined, open: () => AsyncIterable<Item>): AsyncIterable<Item> {
  if (tracing === undefined || span === undefined) return open();
  const items = tracing.run(span, open);
  return {
    [Symbol.asyncIterator]: () => {
      const steps = tracing.run(span, () => items[Symbol.asyncIterator]());
      return {
        next: () => tracing.run(span, () => steps.next()),
        // As its own: one that has no end to be told of gets none.
        ...(steps.return !== undefined && {
          return: () => tracing.run(span, () => steps.return?.() ?? Promise.resolve({ done: true, value: undefined })),
        }),
      };
    },
  };
}
