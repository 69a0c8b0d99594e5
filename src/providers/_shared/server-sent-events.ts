/**
 * Reads server-sent events from the body of an answer.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

/** One event. */
export interface ServerSentEvent {
  /** Its type; empty where none was given. */
  readonly event: string;
  readonly data: string;
}

/** An answer that is longer than anybody has use for. */
export class TooLongError extends Error {
  constructor(readonly maxBytes: number) {
    super(`The answer is longer than ${maxBytes} bytes.`);
  }
}

/** Events in order; an unfinished one at the end is dropped. Cancels the body when nobody reads on. Throws TooLongError. */
export async function* serverSentEvents(body: ReadableStream<Uint8Array>, maxBytes: number): AsyncGenerator<ServerSentEvent, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder(); // takes a byte order mark off the beginning
  const parser = new Parser();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.byteLength;
      if (bytes > maxBytes) throw new TooLongError(maxBytes);
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined); // one that failed has nothing to cancel
  }
}

class Parser {
  /** The line that has not ended yet, as it came: a long one is looked through once. */
  #pieces: string[] = [];
  #isAfterReturn = false;
  #event = '';
  #data: string[] = [];

  *push(text: string): Generator<ServerSentEvent, void> {
    if (text === '') return;
    // The first half of this end of a line came before.
    let from = this.#isAfterReturn && text.startsWith('\n') ? 1 : 0;
    this.#isAfterReturn = text.endsWith('\r');
    const ends = /\r\n|\n|\r/g;
    ends.lastIndex = from;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      const line = this.#pieces.join('') + text.slice(from, end.index);
      this.#pieces = [];
      from = ends.lastIndex;
      const event = this.#read(line);
      if (event !== undefined) yield event;
    }
    if (from < text.length) this.#pieces.push(text.slice(from));
  }

  #read(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const [event, data] = [this.#event, this.#data];
    this.#event = '';
    this.#data = [];
    return data.length === 0 ? undefined : { event, data: data.join('\n') };
  }
}
