/** Starts a source without a kit. */
import type { InboundMessage, InboundResult, SourceProvider, SourceStartOptions } from '../../src/core/index.js';
import { TAKEN } from '../../src/testing/contracts/source-case.js';

export interface StartOptions extends Partial<SourceStartOptions> {
  /** What the kit makes of each message; default: takes it. */
  readonly take?: (message: InboundMessage, nth: number) => unknown;
}

export interface Started {
  /** What it brought, in order. */
  readonly emitted: InboundMessage[];
  readonly texts: () => unknown[];
  readonly end: () => { readonly error?: { readonly code: string; readonly message: string; readonly retryAfterSeconds?: number } } | undefined;
  readonly connected: () => number;
  readonly abort: () => void;
}

export function startWithoutKit(closing: (() => unknown)[]): (source: SourceProvider, options?: StartOptions) => Started {
  return (source, { take = () => undefined, ...options } = {}) => {
    const emitted: InboundMessage[] = [];
    const controller = new AbortController();
    closing.push(() => controller.abort());
    let connections = 0;
    let end: ReturnType<Started['end']>;
    const emit = async (message: InboundMessage): Promise<InboundResult> => {
      emitted.push(message);
      const result = await take(message, emitted.length);
      return result === undefined ? TAKEN : (result as InboundResult); // a test gives a result, or nothing
    };
    void source.start(emit, { signal: controller.signal, connected: () => void connections++, ...options }).then(
      () => (end = {}),
      (error: unknown) => (end = { error: error as never }), // looked at by its test
    );
    return {
      emitted,
      texts: () => emitted.map(({ content }) => content),
      end: () => end,
      connected: () => connections,
      abort: () => controller.abort(),
    };
  };
}
