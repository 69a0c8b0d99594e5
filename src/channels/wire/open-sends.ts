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
  /** By room and key: a key is unique in its room only (INB-08). */
  readonly #byName = new Map<string, OpenSend & { readonly key: string }>();
  #waiting = 0;

  get size(): number {
    return this.#byName.size;
  }

  has(key: string, roomId: string): boolean {
    return this.#byName.has(nameOf(key, roomId));
  }

  add(key: string, send: OpenSend): void {
    this.#byName.set(nameOf(key, send.roomId), { ...send, key });
  }

  /** The send that this event is of; it is answered now. */
  takeByEvent(event: RoomEvent): OpenSend | undefined {
    return event.idempotencyKey === undefined ? undefined : this.take(event.idempotencyKey, event.roomId);
  }

  take(key: string, roomId: string): OpenSend | undefined {
    const name = nameOf(key, roomId);
    const send = this.#byName.get(name);
    if (send === undefined) return undefined;
    this.#byName.delete(name);
    if (send.committed !== undefined) this.#waiting--;
    return send;
  }

  /** Its event comes by itself; until then it is remembered. */
  await(key: string, event: RoomEvent): void {
    const send = this.#byName.get(nameOf(key, event.roomId));
    if (send === undefined || send.committed !== undefined) return;
    send.committed = event;
    this.#waiting++;
  }

  /** Sends whose events have been passed over: the room went on to a later index without them. */
  takePassed(roomId: string, index: number): { readonly id: string; readonly event: RoomEvent }[] {
    if (this.#waiting === 0) return [];
    const passed: { id: string; event: RoomEvent }[] = [];
    for (const { id, key, committed } of this.#byName.values()) {
      if (committed === undefined || committed.roomId !== roomId || committed.index >= index) continue;
      this.take(key, roomId);
      passed.push({ id, event: committed });
    }
    return passed;
  }
}

function nameOf(key: string, roomId: string): string {
  return `${roomId}\n${key}`; // neither holds control characters
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
