/** What is written to sockets in one turn of the event loop, as whole frames (RFC 6455). */
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';

/**
 * Frames that are sent in one turn of the event loop leave in one write, of one buffer: a system call costs more than a
 * frame, and handing `ws` each of them more than writing it. Between its frames others may go, since none is compressed.
 */
export class WriteBatch {
  static #held: WriteBatch[] = [];
  /** What was sent to the socket before is, in a broadcast, sent to the next one, too. */
  static #newest: { readonly text: string; readonly frame: Buffer } | undefined;
  #texts: string[] = [];
  /** Length of what is held; in bytes it may be more. */
  units = 0;

  constructor(
    private readonly ws: WebSocket,
    private readonly socket: Duplex,
  ) {}

  add(text: string): void {
    this.units += text.length;
    if (this.#texts.push(text) === 1 && WriteBatch.#held.push(this) === 1) setImmediate(WriteBatch.#releaseAll);
  }

  release(): void {
    const texts = this.#texts;
    if (texts.length === 0) return;
    this.#texts = [];
    this.units = 0;
    // A socket that is closing takes no more frames; `ws` would drop them, too.
    if (this.ws.readyState !== WebSocket.OPEN || !this.socket.writable) return;
    const [first = ''] = texts;
    this.socket.write(texts.length === 1 ? WriteBatch.#frameOf(first) : Buffer.concat(texts.map(WriteBatch.#frameOf)));
  }

  static readonly #frameOf = (text: string): Buffer => {
    if (WriteBatch.#newest?.text === text) return WriteBatch.#newest.frame;
    const frame = textFrame(text);
    WriteBatch.#newest = { text, frame };
    return frame;
  };

  static readonly #releaseAll = (): void => {
    const held = WriteBatch.#held;
    WriteBatch.#held = [];
    for (const one of held) one.release();
    WriteBatch.#newest = undefined;
  };
}

/** A whole, unmasked text frame of a server (RFC 6455, section 5.2). */
function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const head = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + bytes);
  frame[0] = 0x81;
  if (head === 2) {
    frame[1] = bytes;
  } else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
  frame.write(text, head);
  return frame;
}
