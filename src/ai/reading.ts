/** Events as one agent reads them, each a message. What it has read in its last turn in the room is not read again. */
import type { AIMessage } from '../core/models/ai.js';
import type { RoomEvent } from '../core/models/event.js';
import type { Participant } from '../core/models/people.js';
import { readContent } from './content-parts.js';
import { withSpeaker } from './speakers.js';

/** Who reads, and whom it knows by name. */
export interface Reader {
  readonly channelId: string;
  readonly supportsVision: boolean;
  readonly participants: readonly Participant[];
}

/** A window moves on by a message or two each turn, so all but those are taken over from the reading before. */
export class Reading {
  /** One for each event; undefined where there is nothing to read. */
  private readonly messages: readonly (AIMessage | undefined)[];
  /** Whether there is something to read of every event. */
  readonly isWhole: boolean;

  constructor(
    private readonly reader: Reader,
    private readonly withSpeakers: boolean,
    private readonly events: readonly RoomEvent[],
    before?: Reading,
  ) {
    const last = before?.fits(reader, withSpeakers) === true ? before : undefined;
    const messages = new Array<AIMessage | undefined>(events.length);
    let isWhole = true;
    let at = 0;
    for (let position = 0; position < events.length; position++) {
      const event = events[position];
      if (event === undefined) continue;
      if (last !== undefined) at = last.placeOf(event, at);
      const message = last?.events[at] === event ? last.messages[at] : read(reader, event, withSpeakers);
      messages[position] = message;
      if (message === undefined) isWhole = false;
    }
    this.messages = messages;
    this.isWhole = isWhole;
  }

  /** What is to be read of the events at these places; of all of them, when none are named. */
  words(from = 0, to?: number): readonly AIMessage[] {
    const isAll = from === 0 && to === undefined;
    if (this.isWhole) return (isAll ? this.messages : this.messages.slice(from, to)) as readonly AIMessage[]; // none is undefined
    return this.messages.slice(from, to).filter((message) => message !== undefined);
  }

  /** Names are part of the words where there are several speakers. */
  private fits({ supportsVision, participants }: Reader, withSpeakers: boolean): boolean {
    return (
      this.withSpeakers === withSpeakers &&
      this.reader.supportsVision === supportsVision &&
      (!withSpeakers || this.reader.participants === participants)
    );
  }

  /** Where an event is, from a place before it on: they are asked for in the order of the timeline. */
  private placeOf({ index }: RoomEvent, from: number): number {
    const { events } = this;
    let at = from;
    for (let event = events[at]; event !== undefined && event.index < index; event = events[at]) at++;
    return at;
  }
}

/** An event's message; undefined when there is nothing to read. */
export function read({ channelId, participants, supportsVision }: Reader, event: RoomEvent, withSpeakers: boolean): AIMessage | undefined {
  const content = readContent(event.content, supportsVision);
  if (content === null || content.length === 0) return undefined;
  if (event.source.channelId === channelId) return Object.freeze({ role: 'assistant', content } as const);
  return Object.freeze({ role: 'user', content: withSpeakers ? withSpeaker(content, event, participants) : content } as const);
}
