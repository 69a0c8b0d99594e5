/**
 * Reads server-sent events from the body of an answer.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

/** One event. */
export interface ServerSentEvent {
  /** Its type; empty where none was given. */
  readonly event: string;
  readonly data: string;
  /** The last id that the server gave; empty before the first. */
  readonly id: string;
}

/** What else there is to know of a stream. */
export interface EventStreamOptions {
  /** What the limit is for: all of the answer (default), or each event of a stream that never ends. */
  readonly per?: 'answer' | 'event';
  /** Something came, if only a comment. */
  readonly onBytes?: () => void;
  /** The server says after how long to come back. */
  readonly onRetry?: (milliseconds: number) => void;
  /** The server gave an id without an event. */
  readonly onId?: (id: string) => void;
}

/** An answer that is longer than anybody has use for. */
export class TooLongError extends Error {
  constructor(readonly maxBytes: number) {
    super(`The answer is longer than ${maxBytes} bytes.`);
  }
}

/** Events in order; an unfinished one at the end is dropped. Cancels the body when nobody reads on. Throws TooLongError. */
export async function* serverSentEvents(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  options: EventStreamOptions = {},
): AsyncGenerator<ServerSentEvent, void> {
  const isPerEvent = options.per === 'event';
  const reader = body.getReader();
  const decoder = new TextDecoder(); // takes a byte order mark off the beginning
  const parser = new Parser(options);
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      options.onBytes?.();
      bytes += value.byteLength;
      if (!isPerEvent && bytes > maxBytes) throw new TooLongError(maxBytes);
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        if (isPerEvent && event.data.length > maxBytes) throw new TooLongError(maxBytes);
        yield event;
      }
      if (isPerEvent && parser.pending > maxBytes) throw new TooLongError(maxBytes);
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
  #id = '';
  #toldId = '';
  /** How long the data of the event is that is not complete, and the line that has not ended. */
  #held = 0;
  #unfinished = 0;

  constructor(private readonly options: EventStreamOptions) {}

  /** Letters that are kept until an event is complete. */
  get pending(): number {
    return this.#held + this.#unfinished;
  }

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
      this.#unfinished = 0;
      const event = this.#read(line);
      if (event !== undefined) yield event;
    }
    if (from < text.length) this.#pieces.push(text.slice(from));
    this.#unfinished += text.length - from;
  }

  #read(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      this.#data.push(value);
      this.#held += value.length + 1;
    } else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^[0-9]{1,15}$/.test(value)) this.options.onRetry?.(Number(value));
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const [event, data] = [this.#event, this.#data];
    this.#event = '';
    this.#data = [];
    this.#held = 0;
    const isNewId = this.#id !== this.#toldId;
    this.#toldId = this.#id;
    if (data.length > 0) return { event, data: data.join('\n'), id: this.#id };
    if (isNewId) this.options.onId?.(this.#id);
    return undefined;
  }
}
