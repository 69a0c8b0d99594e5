/**
 * A client's messages between arrival and acknowledgement (WIRE-07). The acknowledgement of a committed message takes the
 * place of its event in the room's sequence; everything else is answered as soon as it is known.
 */
import type { InboundResult } from '../../core/models/delivery.js';
import type { RoomEvent } from '../../core/models/event.js';

export interface OpenSend {
  /** The client's name for it. */
  readonly id: string;
  readonly roomId: string;
  /** Committed, and on its way through the room's sequence. */
  committed?: RoomEvent;
}

export class OpenSends {
  readonly #byKey = new Map<string, OpenSend>();
  #waiting = 0;

  get size(): number {
    return this.#byKey.size;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  add(key: string, send: OpenSend): void {
    this.#byKey.set(key, send);
  }

  /** The send that this event is of; it is answered now. */
  takeByEvent(event: RoomEvent): OpenSend | undefined {
    return event.idempotencyKey === undefined ? undefined : this.take(event.idempotencyKey, event.roomId);
  }

  take(key: string, roomId: string): OpenSend | undefined {
    const send = this.#byKey.get(key);
    if (send === undefined || send.roomId !== roomId) return undefined;
    this.#byKey.delete(key);
    if (send.committed !== undefined) this.#waiting--;
    return send;
  }

  /** Its event comes by itself; until then it is remembered. */
  await(key: string, event: RoomEvent): void {
    const send = this.#byKey.get(key);
    if (send === undefined || send.committed !== undefined) return;
    send.committed = event;
    this.#waiting++;
  }

  /** Sends whose events have been passed over: the room went on to a later index without them. */
  takePassed(roomId: string, index: number): { readonly id: string; readonly event: RoomEvent }[] {
    if (this.#waiting === 0) return [];
    const passed: { id: string; event: RoomEvent }[] = [];
    for (const [key, { id, committed }] of this.#byKey) {
      if (committed === undefined || committed.roomId !== roomId || committed.index >= index) continue;
      this.take(key, roomId);
      passed.push({ id, event: committed });
    }
    return passed;
  }
}

/** The outcome of a send that has no place in the sequence. */
export function outcomeText(
  id: string,
  roomId: string,
  result: Pick<InboundResult, 'blocked' | 'duplicate' | 'reason'>,
  eventJson: string | undefined,
  prev?: number,
): string {
  const head = `{"type":"ack","id":${JSON.stringify(id)},"roomId":${JSON.stringify(roomId)}`;
  const duplicate = result.duplicate ? ',"duplicate":true' : '';
  const blocked = result.blocked ? `,"blocked":true${result.reason === undefined ? '' : `,"reason":${JSON.stringify(result.reason)}`}` : '';
  const place = prev === undefined ? '' : `,"prev":${prev}`;
  return `${head}${duplicate}${blocked}${place}${eventJson === undefined ? '' : `,"event":${eventJson}`}}`;
}
