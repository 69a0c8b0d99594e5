/** Who is speaking (AI-04): with several speakers each text begins with a name, so that a model can tell them apart. */
import type { AIContextPart } from '../core/models/ai.js';
import type { RoomEvent } from '../core/models/event.js';
import type { Participant } from '../core/models/people.js';
import { singleLine } from './escape.js';

/** Said once in the system prompt; it names nobody. */
export const SPEAKERS_NOTE =
  'Several people or agents speak in this conversation. Each of their messages begins with the name of its speaker and a colon; do not begin your own that way.';

export function withSpeakersNote(prompt: string | undefined): string {
  return prompt === undefined ? SPEAKERS_NOTE : `${prompt}\n\n${SPEAKERS_NOTE}`;
}

const MAX_NAME = 80;

/** Whether somebody else's messages are not all one person's: several people, or another agent. */
export function hasSeveralSpeakers(channelId: string, ...lists: readonly (readonly RoomEvent[])[]): boolean {
  let first: string | undefined;
  for (const events of lists) {
    for (const { source } of events) {
      if (source.channelId === channelId) continue;
      if (source.channelType === 'ai') return true;
      const speaker = source.participantId ?? source.channelId;
      if (first === undefined) first = speaker;
      else if (first !== speaker) return true;
    }
  }
  return false;
}

/** Puts the speaker's name before the words. */
export function withSpeaker(
  content: string | readonly AIContextPart[],
  event: RoomEvent,
  participants: readonly Participant[],
): string | readonly AIContextPart[] {
  const name = speakerName(event, participants);
  if (typeof content === 'string') return `${name}: ${content}`;
  const [first, ...rest] = content;
  if (first?.type === 'text') return [{ type: 'text', text: `${name}: ${first.text}` }, ...rest];
  return [{ type: 'text', text: `${name}:` }, ...content];
}

/** What somebody is called in front of a model. */
export function speakerName(event: RoomEvent, participants: readonly Participant[]): string {
  const { participantId, channelId } = event.source;
  const person = participantId === undefined ? undefined : participants.find((participant) => participant.id === participantId);
  // A name is people's own choice: it must not look like a second speaker.
  const name = singleLine(person?.displayName ?? participantId ?? channelId, MAX_NAME).replaceAll(':', '');
  return name === '' ? channelId : name;
}
