/** A `fetch` that reads no more of one message than it should: of a JSON answer all, of a stream each event. */

/**
 * `onBroken` hears of the stream of an answer that broke, or was broken off for its length: whoever waits for the answer
 * would not be told.
 */
export function boundedFetch(base: typeof fetch, maxBytes: number, onBroken: () => void): typeof fetch {
  return async (input, init) => {
    const response = await base(input, init);
    if (response.body === null) return response;
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') === true;
    const isAnswer = isStream && init?.method === 'POST';
    const body = bounded(response.body.getReader(), new Counter(maxBytes, isStream), () => {
      if (isAnswer && init.signal?.aborted !== true) onBroken();
    });
    const { status, statusText, headers } = response;
    const copy = new Response(body, { status, statusText, headers });
    // What the constructor cannot be given.
    Object.defineProperty(copy, 'url', { value: response.url });
    Object.defineProperty(copy, 'redirected', { value: response.redirected });
    return copy;
  };
}

function bounded(reader: ReadableStreamDefaultReader<Uint8Array>, counter: Counter, onBroken: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else {
          counter.take(value);
          controller.enqueue(value);
        }
      } catch (error) {
        controller.error(error);
        reader.cancel(error).catch(() => undefined); // it is over in any case
        onBroken();
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

class Counter {
  #bytes = 0;
  #isLineEmpty = false;

  constructor(
    private readonly maxBytes: number,
    private readonly isStream: boolean,
  ) {}

  take(chunk: Uint8Array): void {
    if (!this.isStream) this.#add(chunk.length);
    else for (const byte of chunk) this.#takeByte(byte);
  }

  /** An empty line ends an event. */
  #takeByte(byte: number): void {
    this.#add(1);
    if (byte === NEWLINE) {
      if (this.#isLineEmpty) this.#bytes = 0;
      this.#isLineEmpty = true;
    } else if (byte !== RETURN) this.#isLineEmpty = false;
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.maxBytes) throw new MessageTooLarge(this.maxBytes);
  }
}

/** A message was longer than `maxResultBytes`. */
class MessageTooLarge extends Error {
  override readonly name = 'MessageTooLarge';
  constructor(maxBytes: number) {
    super(`The server's message is longer than ${maxBytes} bytes.`);
  }
}
