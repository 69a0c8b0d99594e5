/**
 * The wire protocol's frames as server-sent events, for those who cannot hold a WebSocket. A client resumes by
 * Last-Event-ID, which is the index of the last event it has.
 */
import { z } from 'zod';
import type { ServerFrame } from '../../channels/index.js';
import type { Timer } from '../../core/index.js';
import { isPromise } from '../../core/models/json.js';
import { mayReachRoom, reachRoom } from '../access.js';
import type { Principal } from '../auth/principal.js';
import { checked } from '../body.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';
import { openLine, wireCaller } from '../wire-line.js';
import { id, wholeNumber } from '../schemas/common.js';
import { route, type Route } from './route.js';

const LastEventId = wholeNumber(-1);

export const streamRoutes: readonly Route[] = [
  route({
    id: 'streamEvents',
    method: 'get',
    path: '/api/rooms/{roomId}/stream',
    tag: 'timeline',
    scope: 'principal',
    summary: 'Follow a room as server-sent events, for those who cannot hold a WebSocket.',
    description:
      'The frames of the browser wire protocol. A client needs the scope `read` and sees what its channel may see; a program of the host needs `operate`.',
    query: z.object({ afterIndex: wholeNumber(-1).optional(), as: id.optional() }),
    headers: [{ name: 'last-event-id', description: 'Go on after this index.', schema: z.string() }],
    answers: { 200: { description: 'A stream of events, until one side ends it.', mediaType: 'text/event-stream' } },
    refusals: ['room_not_found'],
    async handle({ parts, principal, params, query, header, isHead }) {
      const lastEventId = header('last-event-id');
      const afterIndex = lastEventId === undefined || lastEventId === '' ? query.afterIndex : checked(LastEventId, lastEventId, 'Last-Event-ID');
      const caller = wireCaller(parts, principal);
      if (caller.kind === 'client' && query.as !== undefined && query.as !== caller.channelId)
        throw new Refusal('forbidden', 'A client sees what its own channel may see.');
      const { room } = await reachRoom(parts.kit, principal, params.roomId);
      const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
      // Nobody would read the body of an answer to HEAD, nor ever end it.
      if (isHead === true) return new Response(null, { headers });
      const as = caller.kind === 'host' ? query.as : undefined;
      const body = eventStream(
        parts,
        principal,
        (send, close, buffered) => {
          const line = openLine(parts, caller, () => principal, { id: parts.kit.ids.next(), send, close, buffered }, { readOnly: true });
          line.onText(
            JSON.stringify({
              type: 'subscribe',
              id: 'stream',
              roomId: room.id,
              ...(afterIndex !== undefined && { afterIndex }),
              ...(as !== undefined && { as }),
            }),
          );
          return line;
        },
        room.id,
      );
      return new Response(body, { headers });
    },
  }),
];

interface Line {
  close(): void;
}

type OpenStreamLine = (send: (text: string) => void, close: (code: number) => void, buffered: () => number) => Line;

/** A body that ends with the token, the room, the server or the reader, whichever goes first. */
function eventStream({ kit, limits, closing }: ServerParts, principal: Principal, open: OpenStreamLine, roomId: string): ReadableStream<Uint8Array> {
  const endsMs = principal.expiresAt === undefined ? Infinity : Date.parse(principal.expiresAt);
  const output = new Output();
  let line: Line | undefined;
  let timer: Timer | undefined;
  const release = (): void => {
    timer?.cancel();
    closing.removeEventListener('abort', end);
    line?.close();
  };
  const end = (): void => {
    output.end();
    release();
  };
  // One timer for life signs, for the token's end and for a caller who was shown out meanwhile.
  const beat = (): void => {
    timer = kit.clock.setTimer(Math.max(1, Math.min(limits.heartbeatSeconds * 1000, endsMs - kit.clock.now())), () => {
      const mayStay = mayReachRoom(kit, principal, roomId);
      if (kit.clock.now() >= endsMs || mayStay === false) return end();
      if (isPromise(mayStay)) mayStay.then((stays) => stays || end(), end);
      output.write(LIFE_SIGN);
      beat();
    });
  };
  return new ReadableStream<Uint8Array>(
    {
      start: () => {
        closing.addEventListener('abort', end);
        output.write(LIFE_SIGN);
        beat();
        line = open(
          (text) => output.write(asServerSentEvent(text)),
          (code) => {
            if (code === SLOW_CONSUMER) output.forget();
            end();
          },
          () => output.waiting,
        );
        if (closing.aborted) end();
      },
      pull: (controller) => output.pull(controller),
      cancel: () => {
        output.forget();
        end();
      },
    },
    { highWaterMark: 0 },
  );
}

/** How the wire ends a connection that does not keep up (WIRE-13). */
const SLOW_CONSUMER = 1013;

/** A comment: it shows that the line is up, and gets the headers on their way. */
const LIFE_SIGN = ':\n\n';

/** What waits for a reader. It is kept here rather than in the stream's own queue, which cannot be forgotten without an error. */
class Output {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #hasEnded = false;
  #wake: (() => void) | undefined;
  readonly #encoder = new TextEncoder();

  /** In bytes. */
  get waiting(): number {
    return this.#bytes;
  }

  write(text: string): void {
    if (this.#hasEnded) return;
    const chunk = this.#encoder.encode(text);
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    this.#wake?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  /** Who does not keep up is not owed what waits: it reads again by index. */
  forget(): void {
    this.#chunks = [];
    this.#bytes = 0;
  }

  /** One chunk for the reader, as soon as there is one. */
  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (this.#chunks.length === 0 && !this.#hasEnded) await new Promise<void>((wake) => (this.#wake = wake));
    this.#wake = undefined;
    const chunk = this.#chunks.shift();
    if (chunk === undefined) {
      controller.close();
      return;
    }
    this.#bytes -= chunk.byteLength;
    controller.enqueue(chunk);
  }
}

/** Only what has a place in the room's sequence moves the reader's Last-Event-ID. */
function asServerSentEvent(text: string): string {
  const frame = JSON.parse(text) as ServerFrame; // made by ourselves
  const index =
    (frame.type === 'event' || frame.type === 'stream_end' || frame.type === 'stream_error') && frame.event !== undefined
      ? frame.event.index
      : undefined;
  return index === undefined ? `data: ${text}\n\n` : `id: ${index}\ndata: ${text}\n\n`;
}
