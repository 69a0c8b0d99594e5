/** One readable line in the terminal for every event of the room, as it is committed. */
import type { RoomEvent, RoomKit } from 'roomkit';
import { ROOM_ID } from './help-desk.js';

const NAMES: Readonly<Record<string, string>> = { web: 'Ada Park', desk: 'Sam Okafor', mia: 'Mia', ben: 'Ben', tara: 'Tara', human: 'a person' };

/** Returns what stops it. */
export function printLiveLines(kit: RoomKit, print: (line: string) => void, colours: boolean): () => void {
  return kit.onCommitted((event) => {
    if (event.roomId === ROOM_ID) print(formatLine(event, colours));
  });
}

export function formatLine(event: RoomEvent, colours: boolean): string {
  const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const index = paint(2, String(event.index).padStart(4));
  const time = paint(2, event.createdAt.slice(11, 19));
  if (event.metadata['handoff'] === true) {
    const name = (key: string): string => nameOf(String(event.metadata[key]));
    return `${index}  ${time}  ${paint(35, `── ${name('from_agent')} handed over to ${name('to_agent')}`)}${paint(2, ` · ${String(event.metadata['reason'])}`)}`;
  }
  const isAgent = event.source.channelType === 'ai';
  const who = `${'  '.repeat(Math.min(event.chainDepth, 3))}${nameOf(event.source.channelId)}`;
  const words = 'body' in event.content && event.content.body !== undefined ? event.content.body : `[${event.content.type}]`;
  const notes = [
    event.status === 'blocked' && paint(31, `blocked by ${event.blockedBy ?? 'a rule'}`),
    event.visibility !== 'all' && paint(2, `seen by ${event.visibility === 'internal' ? 'the host' : event.visibility} only`),
  ]
    .filter(Boolean)
    .join(' ');
  return `${index}  ${time}  ${paint(isAgent ? 35 : 1, who.padEnd(12))}  ${words.replaceAll('\n', ' ')}${notes === '' ? '' : `  ${notes}`}`;
}

function nameOf(channelId: string): string {
  return NAMES[channelId] ?? channelId;
}
