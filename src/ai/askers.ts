/** For whom a turn runs: whose messages it answers, and what they are in the room. It grows when messages join (COL-03). */
import type { RoomEvent } from '../core/models/event.js';
import type { Participant } from '../core/models/people.js';
import type { ParticipantRole } from '../core/models/vocabulary.js';

export class Askers {
  /** One for each person; undefined for who has none. Nobody's tools run that one of them may not use (TL-10). */
  readonly roles: (ParticipantRole | undefined)[] = [];
  readonly #ids: string[] = [];
  #hasStrangers = false;

  constructor(triggers: readonly RoomEvent[], participants: readonly Participant[]) {
    this.add(triggers, participants);
  }

  /** Who is answered, when it is one person. */
  get participantId(): string | undefined {
    return this.#ids.length === 1 && !this.#hasStrangers ? this.#ids[0] : undefined;
  }

  add(triggers: readonly RoomEvent[], participants: readonly Participant[]): void {
    for (const { source } of triggers) {
      const id = source.participantId;
      if (id === undefined) {
        if (!this.#hasStrangers) this.roles.push(undefined);
        this.#hasStrangers = true;
      } else if (!this.#ids.includes(id)) {
        this.#ids.push(id);
        this.roles.push(participants.find((participant) => participant.id === id)?.role);
      }
    }
  }
}
