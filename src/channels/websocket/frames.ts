/** What a WebSocket channel hands to its connections, as plain objects. The browser's JSON frames are made of them in `wire/`. */
import type { EventFrame } from '../../core/live-connection.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Participant } from '../../core/models/people.js';

export type { ConnectionFrame, EventFrame, ResyncFrame, StreamFrame } from '../../core/live-connection.js';

/** Comes with a frame that goes to many connections: a place for the form they share, so that it is made once. */
export class Shared {
  private subject: unknown = undefined;
  private maker: unknown = undefined;
  private made: unknown = undefined;
  private bytes = -1;

  constructor(
    /** The room's participants, where they are known without asking. */
    readonly participants?: readonly Participant[],
  ) {}

  /** `make(subject, this)`, made by the first caller and given to all that follow with the same two. */
  form<Subject, Form>(subject: Subject, make: (subject: Subject, shared: Shared) => Form): Form {
    if (this.maker !== make || this.subject !== subject) {
      this.made = make(subject, this);
      this.maker = make;
      this.subject = subject;
    }
    return this.made as Form; // made by this very function
  }

  /** About how much the frame takes while it waits; measured once. */
  bytesOf(frame: EventFrame | RoomEvent): number {
    if (this.bytes < 0) this.bytes = JSON.stringify(frame).length;
    return this.bytes;
  }
}
