/** A `fetch` that reads no more of one message than it should: of a JSON answer all, of a stream each event. */

export function boundedFetch(base: typeof fetch, maxBytes: number): typeof fetch {
  return async (input, init) => {
    const response = await base(input, init);
    if (response.body === null) return response;
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') === true;
    const { status, statusText, headers } = response;
    const bounded = new Response(response.body.pipeThrough(limit(maxBytes, isStream)), { status, statusText, headers });
    // What the constructor cannot be given.
    Object.defineProperty(bounded, 'url', { value: response.url });
    Object.defineProperty(bounded, 'redirected', { value: response.redirected });
    return bounded;
  };
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

function limit(maxBytes: number, isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  let isLineEmpty = false;
  return new TransformStream({
    transform(chunk, controller) {
      if (isStream) {
        // An empty line ends an event.
        for (const byte of chunk) {
          bytes++;
          if (byte === NEWLINE) {
            if (isLineEmpty) bytes = 0;
            isLineEmpty = true;
          } else if (byte !== RETURN) isLineEmpty = false;
          if (bytes > maxBytes) break;
        }
      } else bytes += chunk.length;
      if (bytes > maxBytes) controller.error(new MessageTooLarge(maxBytes));
      else controller.enqueue(chunk);
    },
  });
}

/** A message was longer than `maxResultBytes`. */
export class MessageTooLarge extends Error {
  override readonly name = 'MessageTooLarge';
  constructor(maxBytes: number) {
    super(`The server's message is longer than ${maxBytes} bytes.`);
  }
}
