/**
 * A client's messages between arrival and acknowledgement (WIRE-07). The acknowledgement of a committed message takes the
 * place of its event in the room's sequence; everything else is answered as soon as it is known.
 */
import type { InboundResult } from '../../core/models/delivery.js';
import type { RoomEvent } from '../../core/models/event.js';

export interface OpenSend {
  /** The client's name for it. */
  readonly id: string;
  /** The kit's, which its event carries. */
  readonly key: string;
  readonly roomId: string;
  /** Committed, and on its way through the room's sequence. */
  committed: RoomEvent | undefined;
}

export class OpenSends {
  /** In the order they came. A list: there are few, mostly one, and going through them costs less than a map. */
  #open: OpenSend[] = [];
  #waiting = 0;

  get size(): number {
    return this.#open.length;
  }

  has(key: string, roomId: string): boolean {
    return this.#find(key, roomId) !== undefined;
  }

  add(send: OpenSend): void {
    this.#open.push(send);
  }

  /** Whether it still waits for its answer. */
  isOpen(send: OpenSend): boolean {
    return this.#open.includes(send);
  }

  /** The send that this event is of; it is answered now. */
  takeByEvent({ idempotencyKey, roomId }: RoomEvent): OpenSend | undefined {
    const send = idempotencyKey === undefined ? undefined : this.#find(idempotencyKey, roomId);
    if (send !== undefined) this.take(send);
    return send;
  }

  /** It is answered now; false when it was before. */
  take(send: OpenSend): boolean {
    const at = this.#open.indexOf(send);
    if (at < 0) return false;
    this.#open.splice(at, 1);
    if (send.committed !== undefined) this.#waiting--;
    return true;
  }

  /** Its event comes by itself; until then it is remembered. */
  await(send: OpenSend, event: RoomEvent): void {
    if (send.committed !== undefined || !this.isOpen(send)) return;
    send.committed = event;
    this.#waiting++;
  }

  /** Sends whose events have been passed over: the room went on to a later index without them. */
  takePassed(roomId: string, index: number): { readonly id: string; readonly event: RoomEvent }[] {
    if (this.#waiting === 0) return [];
    const passed: { id: string; event: RoomEvent }[] = [];
    for (const send of [...this.#open]) {
      const { id, committed } = send;
      if (committed === undefined || committed.roomId !== roomId || committed.index >= index) continue;
      this.take(send);
      passed.push({ id, event: committed });
    }
    return passed;
  }

  /** By key and room: a key is unique in its room only (INB-08). */
  #find(key: string, roomId: string): OpenSend | undefined {
    for (const send of this.#open) if (send.key === key && send.roomId === roomId) return send;
    return undefined;
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
